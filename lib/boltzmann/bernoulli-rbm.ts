import { type ArrayInput, floatDType, NDArray, toMatrix } from '../array.js';
import { checkInteger, checkOptions, wrongShape, wrongType, wrongValue } from '../check.js';
import type { Prepared } from '../estimators/trained-learner.js';
import { checkTurn, sampledInTurn } from '../estimators/turns.js';
import { expected, floats, list, number, object, oneOf, randomState, type Schema } from '../io/schema.js';
import { checkRandomState, type RandomState } from '../random.js';
import { registerSaved } from '../saved.js';
import { Frame, readFrame, type TableInput } from '../tables/frame.js';
import type { FloatType } from '../tape.js';
import { aborted, driveSync, isPromise, signalOf, type Training } from '../train.js';
import {
  begun,
  checkConverged,
  drawn,
  RBMachine,
  type RBMState,
  readState,
  softplus,
  writeState,
} from './rbm-machine.js';
import { type BernoulliRBMOptions, checkRBM, type RBMParameters } from './rbm-parameters.js';
import { type RBMPlan, recordStep, type StepShape } from './rbm-plan.js';
import { Passes } from './rbm-training.js';
import { TrainedMachine } from './trained-machine.js';

export interface RBMFitOptions {
  /** Aborts after the batch in progress: `fit` rejects with ERR_ABORTED, the machine stays usable. */
  signal?: AbortSignal;
  /** Called after each pass; a promise is waited for. `pseudoLikelihood` is there where it is printed or tracked. */
  onEpochEnd?: (info: { epoch: number; epochs: number; pseudoLikelihood?: number }) => unknown;
}

type Watch = Omit<RBMFitOptions, 'signal'>;

export interface RBMSampleOptions {
  /** Steps of Gibbs. Default 1000 */
  steps?: number;
  /** [n, features]. Default: 0 and 1 with equal odds */
  start?: ArrayInput;
  /** Default: an unpredictable seed */
  randomState?: number | RandomState;
  signal?: AbortSignal;
}

/**
 * A restricted Boltzmann machine: scikit-learn's `BernoulliRBM`, draw for draw. Binary hidden units, visible ones in [0, 1] (not checked,
 * as there) or real ones with `visible: 'gaussian'`, trained by stochastic maximum likelihood, off the main thread. In float64, or in float32 where x is a Float32Array.
 *
 * What a step draws, for NumPy to repeat: `uniform([batchSize, features]) < p(v | h)`, then `uniform([batchSize, nComponents])`, for each
 * of the k steps of Gibbs; without `persistent`, `uniform([batchSize, nComponents]) < p(h | x)` before all and nothing after the last
 * p(v | h). Of Gaussian visible units `randn` stands for the first. Batches are taken in the order of the rows.
 *
 * Sources: scikit-learn 1.9, sklearn.neural_network.BernoulliRBM; T. Tieleman, ICML 2008; G. Hinton, "A practical guide to training
 * restricted Boltzmann machines", 2010 (Gaussian units, momentum, weight decay).
 */
export class BernoulliRBM extends TrainedMachine<RBMState, BernoulliRBMOptions, RBMParameters, Watch> {
  static override readonly className = 'BernoulliRBM';
  #step?: RBMPlan;
  #machine?: RBMachine;

  static {
    registerSaved(BernoulliRBM);
  }

  constructor(options: BernoulliRBMOptions = {}) {
    super(checkRBM(options));
  }

  /** [nComponents, features]: the weights between hidden and visible units. Throws ERR_NOT_FITTED before `fit`, as the others. */
  get components(): NDArray {
    return NDArray.from(this.fitted('components').components);
  }

  /** [nComponents] */
  get interceptHidden(): NDArray {
    return NDArray.from(this.fitted('interceptHidden').interceptHidden);
  }

  /** [features] */
  get interceptVisible(): NDArray {
    return NDArray.from(this.fitted('interceptVisible').interceptVisible);
  }

  /** [batchSize, nComponents]: the hidden units of the persistent chain. */
  get hSamples(): NDArray {
    return NDArray.from(this.fitted('hSamples').chain);
  }

  /** The mean pseudo-likelihood of the data after each pass of the last `fit`, where it was tracked or printed; else []. */
  get pseudoLikelihoodCurve(): number[] {
    return [...this.fitted('pseudoLikelihoodCurve').pseudoLikelihoodCurve];
  }

  /**
   * One step, with all of x [n, features] as its batch; the chain has `batchSize` rows. Draws go on from call to call, and with those
   * of `gibbs`.
   */
  partialFit(x: TableInput): this {
    this.checkIdle();
    const given = readFrame('x', x);
    const frame = this.isFitted ? this.aligned(given) : given;
    const array = frame.matrix();
    const p = this.parameters;
    const old = this.isFitted ? this.fitted('partialFit') : undefined;
    const random = old?.random ?? checkRandomState(p.randomState);
    checkTurn(random);
    const dtype = (old?.components.dtype ?? 'float64') as FloatType;
    const start = old ?? begun([p.nComponents, array.shape[1]], p.batchSize, dtype, p.visible, random);
    const [hidden, visible] = start.components.shape;
    const shape = { hidden, visible, dtype, rows: array.shape[0] };
    const step = this.#recorded(p, shape, start.chain.shape[0], start.visible);
    writeState(step, start);
    driveSync(new Passes(step).over(NDArray.from(array, { dtype }), random, p.learningRate));
    const curve = { pseudoLikelihoodCurve: start.pseudoLikelihoodCurve };
    const { chain, ...read } = readState(step);
    return this.learnt(frame, { ...read, chain: step.chain ? chain : start.chain, ...curve, random });
  }

  /**
   * One step of Gibbs: hidden units drawn from p(h | v), visible ones from p(v | h). Draws go on from call to call.
   * @param v [n, features]
   * @returns [n, features] of 0 and 1 (scikit-learn's are booleans)
   */
  gibbs(v: ArrayInput): NDArray {
    const machine = this.#fittedMachine('gibbs');
    const array = this.#columns('v', v);
    const state = machine.state as { random?: RandomState };
    state.random ??= checkRandomState(this.parameters.randomState);
    checkTurn(state.random);
    return machine.sampleVisible(machine.sampleHidden(array, state.random), state.random);
  }

  /** The mean of v, given the mean of h, given x: [n, features]. */
  reconstruct(x: ArrayInput): NDArray {
    const machine = this.#fittedMachine('reconstruct');
    return machine.visible(machine.hidden(this.#columns('x', x)));
  }

  /**
   * Draws from the machine by steps of Gibbs, and gives the means of the visible units in the last one, which are smoother than a draw.
   * @param n samples, each of a chain of its own
   * @returns [n, features]
   */
  async sample(n: number, options: RBMSampleOptions = {}): Promise<NDArray> {
    checkInteger('n', n, 1);
    checkOptions('options', options, ['steps', 'start', 'randomState', 'signal']);
    const signal = signalOf(options);
    const steps = checkInteger('steps', options.steps ?? 1000, 1);
    const random = checkRandomState(options.randomState);
    const machine = this.#fittedMachine('sample');
    const width = machine.state.interceptVisible.size;
    const start = options.start === undefined ? undefined : this.#columns('start', options.start);
    if (start && start.shape[0] !== n) throw wrongShape('start', `a matrix of ${n} rows`, start.shape);
    return await sampledInTurn(random, async () => {
      if (signal?.aborted) throw aborted(signal, 'sampling');
      let v = start ?? drawn(NDArray.wrap(new Float64Array(n * width).fill(0.5), [n, width]), random);
      let since = performance.now();
      for (let step = 1; step < steps; step++) {
        v = machine.sampleVisible(machine.sampleHidden(v, random), random);
        if (performance.now() - since < 10) continue;
        await new Promise((resolve) => setImmediate(resolve));
        if (signal?.aborted) throw aborted(signal, 'sampling');
        since = performance.now();
      }
      return machine.visible(machine.sampleHidden(v, random));
    });
  }

  /**
   * The pseudo-likelihood of each row of x [n, features] of 0 and 1: one unit drawn for each row is flipped, and
   * -features log(1 + exp(-(F(flipped) - F(x)))) stands for the sum over all. Draws anew from a seed, or on from a RandomState.
   */
  scoreSamples(x: ArrayInput): NDArray {
    const machine = this.#fittedMachine('scoreSamples');
    if (machine.state.visible === 'gaussian')
      throw wrongValue('visible', "'bernoulli' for scoreSamples, which flips units", 'gaussian');
    return this.#pseudoLikelihood(machine, this.#columns('x', x));
  }

  /** F(v) = -v b_v - sum log(1 + exp(v W^T + b_h)) of each row of v [n, features]; of Gaussian units |v - b_v|^2 / 2 in place of the first. */
  freeEnergy(v: ArrayInput): NDArray {
    return this.#fittedMachine('freeEnergy').freeEnergy(this.#columns('v', v));
  }

  protected override apply(frame: Frame): Frame {
    return Frame.ofMatrix(this.#fittedMachine('transform').hidden(frame.matrix()));
  }

  protected override namesOut(_: readonly string[], { components }: RBMState): string[] {
    return Array.from({ length: components.shape[0] }, (_, i) => `bernoullirbm${i}`);
  }

  protected override readonly schema: Schema<RBMState> = object<RBMState>(
    {
      visible: oneOf('bernoulli', 'gaussian'),
      ...{ components: floats(2), interceptHidden: floats(1), interceptVisible: floats(1), chain: floats(2) },
      velocities: list(floats()),
      pseudoLikelihoodCurve: list(number()),
      random: randomState,
    },
    ['random'],
  );

  protected override checkState(state: RBMState, width: number): void {
    const { components, chain, velocities } = state;
    const [hidden] = components.shape;
    const check = (name: string, { shape, dtype }: NDArray, wanted: readonly number[]) => {
      if (shape.join() !== wanted.join() || dtype !== components.dtype)
        throw wrongShape(`state.found.${name}`, `${components.dtype} of shape [${wanted.join(', ')}]`, shape);
    };
    check('components', components, [hidden, width]);
    check('interceptHidden', state.interceptHidden, [hidden]);
    check('interceptVisible', state.interceptVisible, [width]);
    check('chain', chain, [chain.shape[0], hidden]);
    if (velocities.length !== 0 && velocities.length !== 3)
      throw expected('state.found.velocities', 'a list of three arrays, or none', velocities);
    const shapes = [[width, hidden], [hidden], [width]];
    for (const [i, velocity] of velocities.entries()) check(`velocities[${i}]`, velocity, shapes[i]);
  }

  protected override checked(options: BernoulliRBMOptions, base: RBMParameters): RBMParameters {
    return checkRBM(options, base);
  }

  protected override prepared(frame: Frame, { onEpochEnd }: Watch): Prepared {
    if (onEpochEnd !== undefined && typeof onEpochEnd !== 'function')
      throw wrongType('onEpochEnd', 'a function', onEpochEnd);
    const p = this.parameters;
    const random = checkRandomState(p.randomState);
    return { random, training: this.#loop(p, frame, NDArray.from(frame.matrix()), random, onEpochEnd) };
  }

  *#loop(
    p: RBMParameters,
    frame: Frame,
    x: NDArray,
    random: RandomState,
    onEpochEnd: RBMFitOptions['onEpochEnd'],
  ): Training<void> {
    const dtype = floatDType(x);
    const [hidden, visible] = [p.nComponents, x.shape[1]];
    const step = this.#recorded(p, { hidden, visible, dtype, rows: p.batchSize }, p.batchSize, p.visible);
    writeState(step, begun([hidden, visible], p.batchSize, dtype, p.visible, random));
    const pseudoLikelihoodCurve: number[] = [];
    const settle = () => {
      const drawing = this.isFitted ? this.fitted('fit').random : undefined; // of partialFit and gibbs: goes on, as in scikit-learn
      return this.learnt(frame, { ...readState(step), pseudoLikelihoodCurve, ...(drawing && { random: drawing }) });
    };
    const passes = new Passes(step);
    const isJudged = (Boolean(p.verbose) || p.trackPseudoLikelihood) && p.visible === 'bernoulli';
    try {
      for (let epoch = 0; epoch < p.nIter; epoch++) {
        const start = performance.now();
        yield* passes.over(x, random, p.learningRate);
        if (isJudged || onEpochEnd) settle();
        const scores = isJudged && (this.#pseudoLikelihood(this.#fittedMachine('fit'), x, p).data as Float64Array);
        const pseudoLikelihood = scores ? scores.reduce((sum, score) => sum + score, 0) / scores.length : undefined;
        if (pseudoLikelihood !== undefined) pseudoLikelihoodCurve.push(pseudoLikelihood);
        if (p.verbose) {
          const score = pseudoLikelihood === undefined ? '' : `pseudo-likelihood = ${pseudoLikelihood.toFixed(2)}, `;
          const seconds = ((performance.now() - start) / 1000).toFixed(2);
          console.log(`[BernoulliRBM] Iteration ${epoch + 1}, ${score}time = ${seconds}s`);
        }
        const info = { epoch, epochs: p.nIter, ...(pseudoLikelihood !== undefined && { pseudoLikelihood }) };
        const answer = onEpochEnd?.(info);
        if (isPromise(answer)) yield answer;
      }
    } finally {
      settle();
    }
    checkConverged([this.fitted('fit').components]);
  }

  #pseudoLikelihood(machine: RBMachine, v: NDArray, { randomState } = this.parameters): NDArray {
    const random = checkRandomState(randomState);
    const [n, width] = v.shape;
    const flipped = NDArray.from(v, { dtype: floatDType(v) });
    const index = random.randint(0, width, [n]).data;
    for (let i = 0; i < n; i++) flipped.data[i * width + index[i]] = 1 - flipped.data[i * width + index[i]];
    const [before, after] = [v, flipped].map((rows) => machine.freeEnergy(rows).data);
    return NDArray.wrap(Float64Array.from(before, (f, i) => -width * softplus(-(after[i] - f))));
  }

  /** The step of this shape: the last one's, where it has not changed. */
  #recorded(
    { k, persistent, momentum, learningRate, weightDecay }: RBMParameters,
    sizes: Pick<StepShape, 'hidden' | 'visible' | 'dtype' | 'rows'>,
    chain: number,
    units: RBMState['visible'],
  ): RBMPlan {
    const decay = learningRate * weightDecay;
    const shape = {
      ...sizes,
      k,
      momentum,
      decay,
      gaussian: units === 'gaussian',
      chain: persistent ? chain : undefined,
    };
    if (JSON.stringify(this.#step?.shape) !== JSON.stringify(shape)) this.#step = recordStep(shape);
    return this.#step as RBMPlan;
  }

  #fittedMachine(member: string): RBMachine {
    const state = this.fitted(member);
    if (this.#machine?.state !== state) this.#machine = new RBMachine(state);
    return this.#machine;
  }

  #columns(name: string, x: ArrayInput): NDArray {
    const array = toMatrix(name, x);
    const width = this.nFeaturesIn;
    if (array.shape[1] !== width) throw wrongShape(name, `a matrix of ${width} columns, as at fit`, array.shape);
    return array;
  }
}
