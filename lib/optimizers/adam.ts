import { checkBoolean, checkInterval, checkObject } from '../check.js';
import { power } from '../power.js';
import { fraction, make, type Optimizer, type OptimizerOptions, positive, type Rule } from './optimizer.js';

interface Moments extends OptimizerOptions {
  /** Decay of the mean of gradients, in [0, 1). Default 0.9 */
  beta1?: number;
  /** Decay of the mean of squared gradients (adamax: of their largest size), in [0, 1). Default 0.999 */
  beta2?: number;
  /** Default 1e-7 */
  epsilon?: number;
}

export interface AdamOptions extends Moments {
  /** Divide by the root of the largest mean of squares so far (Reddi, Kale and Kumar 2018). Default false */
  amsgrad?: boolean;
  /**
   * Where epsilon is added: to the root of the mean of squares as it is (the "epsilon hat" of Kingma and Ba's section 2, as Keras), or,
   * with false, once its bias is corrected (their algorithm 1, as PyTorch and TensorFlow.js). Default true
   */
  epsilonHat?: boolean;
}

export type NadamOptions = Moments;
export type AdamaxOptions = Moments;

export interface LionOptions extends OptimizerOptions {
  /** The momentum's part in the step, in (0, 1]. Default 0.9 */
  beta1?: number;
  /** Decay of the momentum, in [0, 1). Default 0.99 */
  beta2?: number;
}

const checkMoments = ({ beta1 = 0.9, beta2 = 0.999, epsilon = 1e-7 }: Moments) => ({
  beta1: fraction('beta1', beta1),
  beta2: fraction('beta2', beta2),
  epsilon: positive('epsilon', epsilon),
});

export function adam(name: 'adam' | 'adamW', given: AdamOptions, weightDecay?: number): Optimizer {
  checkObject('options', given);
  const options = { ...given, weightDecay: given.weightDecay ?? weightDecay };
  const moments = checkMoments(options);
  const { beta1, beta2 } = moments;
  const amsgrad = checkBoolean('amsgrad', options.amsgrad ?? false);
  const isHat = checkBoolean('epsilonHat', options.epsilonHat ?? true);
  const own = { ...moments, amsgrad, ...(!isHat && { epsilonHat: false }) };
  const rule: Rule = ({ rate, step, decay }) => {
    const root = (t: number) => Math.sqrt(1 - power(beta2, t));
    const epsilon = isHat ? moments.epsilon : step((t) => moments.epsilon * root(t));
    const scalars = { rate: rate((t) => root(t) / (1 - power(beta1, t))), ...moments, epsilon, decay };
    if (amsgrad)
      return (t, { w, dw, N, state }) =>
        t.emit('amsgrad', [dw, state('m'), state('v'), state('most'), w], { N }, scalars);
    return (t, { w, dw, N, state }) => t.emit('adam', [dw, state('m'), state('v'), w], { N }, { ...scalars, lmbd: 0 });
  };
  return make(name, options, own, rule, [...Object.keys(moments), 'amsgrad', 'epsilonHat']);
}

export function nadam(options: NadamOptions): Optimizer {
  checkObject('options', options);
  const moments = checkMoments(options);
  const { beta1, beta2 } = moments;
  const mu = (t: number) => beta1 * (1 - 0.5 * power(0.96, t));
  const product = runningProduct(mu);
  return make('nadam', options, moments, ({ rate, step, decay }) => {
    // m_hat = mu_{t+1} m / (1 - prod_{t+1}) + (1 - mu_t) dw / (1 - prod_t), v_hat = v / (1 - beta2^t)
    const rateG = rate((t) => (1 - mu(t)) / (1 - product(t)));
    const rateM = rate((t) => mu(t + 1) / (1 - product(t + 1))); // asked for behind product(t), which is known by then
    const correction = step((t) => 1 / (1 - power(beta2, t)));
    const scalars = { rateM, rateG, correction, ...moments, decay };
    return (t, { w, dw, N, state }) => t.emit('nadam', [dw, state('m'), state('v'), w], { N }, scalars);
  });
}

export function adamax(options: AdamaxOptions): Optimizer {
  checkObject('options', options);
  const moments = checkMoments(options);
  return make('adamax', options, moments, ({ rate, decay }) => {
    const scalars = { rate: rate((t) => 1 / (1 - power(moments.beta1, t))), ...moments, decay };
    return (t, { w, dw, N, state }) => t.emit('adamax', [dw, state('m'), state('u'), w], { N }, scalars);
  });
}

export function lion(options: LionOptions): Optimizer {
  checkObject('options', options);
  const own = {
    beta1: checkInterval('beta1', options.beta1 ?? 0.9, 0, 1, 'low'),
    beta2: fraction('beta2', options.beta2 ?? 0.99),
  };
  return make('lion', options, own, ({ rate, decay }) => {
    const scalars = { rate: rate(), ...own, decay };
    return (t, { w, dw, N, state }) => t.emit('lion', [dw, state('m'), w], { N }, scalars);
  });
}

/**
 * f(1) * f(2) * … * f(t), remembered for the next t. f grows towards a limit below 1: a product that rounds to itself, at
 * the smallest number there is, is the last one, however many steps a file says were done.
 */
function runningProduct(f: (t: number) => number): (t: number) => number {
  let known = 0;
  let product = 1;
  return (t) => {
    if (t < known) [known, product] = [0, 1];
    while (known < t) {
      const next = product * f(known + 1);
      if (next === product) break;
      product = next;
      known++;
    }
    return product;
  };
}
