import { NDArray } from '../array.js';
import type { RandomState } from '../random.js';
import { type Buffer, type FloatType, type Plan, type Scalar, Tape } from '../tape.js';

/** What decides a network's tape. */
export interface Architecture {
  /** Features, hidden layers, outputs. */
  units: readonly number[];
  activation: 'identity' | 'logistic' | 'tanh' | 'relu';
  outActivation: 'softmax' | 'logistic' | 'identity' | 'exp';
  solver: 'lbfgs' | 'sgd' | 'adam';
  dtype: FloatType;
}

/** A multi-layer perceptron on a tape, with the programs predict, train and trainWeighted. */
export interface MLPNetwork {
  readonly architecture: Architecture;
  readonly plan: Plan;
  readonly x: Buffer;
  readonly y: Buffer;
  readonly weights: Buffer;
  readonly coefs: readonly Buffer[];
  readonly intercepts: readonly Buffer[];
  /** Of predictions. */
  readonly output: Buffer;
  /** Reported after each step: the sum of the batch's (weighted) losses, and of all squared coefficients. */
  readonly loss: Buffer;
  readonly squares: Buffer;
  /** 'lbfgs': what train adds its gradients to, those of the coefficients and then of the intercepts. Else the optimizer's memory. */
  readonly state: readonly Buffer[];
  /** To be set for each step: scale (1 / samples of the batch), lmbd (alpha / samples), then the optimizer's. */
  readonly scalars: readonly Scalar[];
}

const HIDDEN = { identity: undefined, logistic: 'sigmoid', tanh: 'tanh', relu: 'relu' } as const;
const OUTPUT = {
  softmax: { kernel: 'softmax', loss: 'softmaxLogLoss' },
  logistic: { kernel: 'sigmoid', loss: 'logisticLogLoss' },
  exp: { kernel: 'exp', loss: 'halfPoissonDeviance' },
  identity: { kernel: undefined, loss: 'halfSquaredError' },
} as const;
const UPDATE = {
  sgd: { kernel: 'momentum', memory: ['velocity'], scalars: ['rate', 'momentum', 'nesterov'] },
  adam: { kernel: 'adam', memory: ['m', 'v'], scalars: ['rate', 'beta1', 'beta2', 'epsilon'] },
} as const;

/** Records scikit-learn's network. `coefs[l]` is [units[l], units[l + 1]]. */
export function recordMLP(architecture: Architecture): MLPNetwork {
  const { units, activation, outActivation, solver, dtype } = architecture;
  const t = new Tape(dtype);
  const layers = units.length - 1;
  const each = <R>(make: (l: number) => R) => Array.from({ length: layers }, (_, l) => make(l));
  const coefs = each((l) => t.fixed('parameter', `coefs/${l}`, [units[l], units[l + 1]]));
  const intercepts = each((l) => t.fixed('parameter', `intercepts/${l}`, [units[l + 1]]));
  const dCoefs = each((l) => t.fixed('gradient', `coefs/${l}/gradient`, [units[l], units[l + 1]]));
  const dIntercepts = each((l) => t.fixed('gradient', `intercepts/${l}/gradient`, [units[l + 1]]));
  const x = t.batched('x', [units[0]]);
  const y = t.batched('y', [units[layers]]);
  const weights = t.batched('weights', [1]);
  const a = [x, ...each((l) => t.batched(`a/${l}`, [units[l + 1]]))];
  const deltas = each((l) => t.batched(`delta/${l}`, [units[l + 1]]));
  const losses = t.batched('losses', [1]);
  const zero = t.fixed('gradient', 'zero', [1]);
  const loss = t.fixed('report', 'loss', [1]);
  const squares = t.fixed('report', 'squares', [1]);
  const scale = t.scalar(1);
  const lmbd = t.scalar(0);
  const scalars = [scale, lmbd];
  const state: Buffer[] = [];

  const hidden = HIDDEN[activation];
  const out = OUTPUT[outActivation];
  const z = a[layers];
  const output = out.kernel ? t.batched('p', [units[layers]]) : z;

  const forward = () => {
    for (let l = 0; l < layers; l++) {
      t.emit('affine', [a[l], coefs[l], intercepts[l], a[l + 1]], { O: units[l + 1], I: units[l] }); // a = a @ W + b
      if (hidden && l < layers - 1) t.emit(hidden, [a[l + 1], a[l + 1]], { N: units[l + 1] }); // a = f(a)
    }
  };
  const backward = (weighted: boolean) => {
    const N = units[layers];
    const delta = deltas[layers - 1];
    t.emit(out.loss, out.kernel ? [z, y, output, losses, delta] : [z, y, losses, delta], { N }, { scale }); // (p - y) / n
    if (weighted) {
      t.emit('weightRows', [losses, weights, losses], { N: 1 });
      t.emit('weightRows', [delta, weights, delta], { N });
    }
    t.emit('sumRows', [losses, loss], {});
    coefs.forEach((w, l) => {
      t.emit('sumSquares', [l === 0 ? zero : squares, w, squares], { N: w.size }); // += sum(W^2)
    });
    for (let l = layers - 1; l >= 0; l--) {
      t.emit('weightGradient', [a[l], deltas[l], dCoefs[l]], { O: units[l + 1], I: units[l] }); // a.T @ delta
      t.emit('biasGradient', [deltas[l], dIntercepts[l]], { O: units[l + 1] }); // delta.sum(0)
      if (l === 0) break;
      t.emit('inputGradient', [deltas[l], coefs[l], deltas[l - 1]], { O: units[l + 1], I: units[l] }); // delta @ W.T
      if (hidden) t.emit(`${hidden}Gradient`, [a[l], deltas[l - 1], deltas[l - 1]], { N: units[l] }); // * f'(a)
    }
  };

  const parameters = [...coefs, ...intercepts];
  const gradients = [...dCoefs, ...dIntercepts];
  let update: () => void;
  if (solver === 'lbfgs') {
    const sums = parameters.map((w) => t.fixed('state', `${w.name}/sum`, w.shape));
    state.push(...sums);
    update = () =>
      gradients.forEach((dw, i) => {
        t.emit('sgd', [dw, sums[i]], { N: dw.size }, { eta: -1, lmbd: 0 }); // sum += dw
      });
  } else {
    const { kernel, memory, scalars: names } = UPDATE[solver];
    const own = Object.fromEntries(names.map((name) => [name, t.scalar(0)]));
    scalars.push(...Object.values(own));
    const memories = parameters.map((w) => memory.map((name) => t.fixed('state', `${w.name}/${name}`, w.shape)));
    state.push(...memories.flat());
    update = () =>
      parameters.forEach((w, i) => {
        const penalised = i < layers ? lmbd : 0;
        t.emit(kernel, [gradients[i], ...memories[i], w], { N: w.size }, { ...own, lmbd: penalised, decay: 0 });
      });
  }

  t.program('predict');
  forward();
  if (out.kernel) t.emit(out.kernel, [z, output], { M: 1, N: units[layers] });
  for (const weighted of [false, true]) {
    t.program(weighted ? 'trainWeighted' : 'train');
    forward();
    backward(weighted);
    update();
  }
  return {
    architecture,
    plan: t.compile(),
    x,
    y,
    weights,
    coefs,
    intercepts,
    output,
    loss,
    squares,
    state,
    scalars,
  };
}

/**
 * Weights and intercepts uniform in +-sqrt(f / (fanIn + fanOut)), f = 2 for logistic units and else 6 (Glorot and Bengio).
 * `float32` rounds them, whatever the network's dtype is.
 */
export function initialize(
  { architecture, plan, coefs, intercepts }: MLPNetwork,
  random: RandomState,
  float32: boolean,
): void {
  const factor = architecture.activation === 'logistic' ? 2 : 6;
  coefs.forEach((w, l) => {
    const bound = Math.sqrt(factor / (w.shape[0] + w.shape[1]));
    for (const buffer of [w, intercepts[l]]) {
      const drawn = random.uniform(-bound, bound, buffer.shape);
      plan.write(buffer, float32 ? NDArray.from(drawn, { dtype: 'float32' }) : drawn);
    }
  });
}

/** Copies of all weights, those of the coefficients first. */
export function readWeights({ plan, coefs, intercepts }: MLPNetwork): NDArray[] {
  return [...coefs, ...intercepts].map((buffer) => plan.read(buffer));
}

export function writeWeights({ plan, coefs, intercepts }: MLPNetwork, weights: readonly NDArray[]): void {
  [...coefs, ...intercepts].forEach((buffer, i) => {
    plan.write(buffer, weights[i]);
  });
}

/** A copy of the optimizer's memory. */
export function readState({ plan, state }: MLPNetwork): NDArray[] {
  return state.map((buffer) => plan.read(buffer));
}

export function writeState({ plan, state }: MLPNetwork, memory: readonly NDArray[]): void {
  state.forEach((buffer, i) => {
    plan.write(buffer, memory[i]);
  });
}

/** Clears the memory of the optimizer, or the sums of gradients. */
export function clearState({ plan, state }: MLPNetwork): void {
  for (const buffer of state) plan.write(buffer, NDArray.zeros(buffer.shape));
}
