import { filled } from '../allocate.js';
import { type ArrayInput, floatDType, NDArray } from '../array.js';
import { checkInteger, checkInterval, checkObject, checkOptions, wrongShape, wrongType, wrongValue } from '../check.js';
import type { Prepared } from '../estimators/trained-learner.js';
import { sampledInTurn } from '../estimators/turns.js';
import { floats, integer, list, number, object, randomState, type Schema } from '../io/schema.js';
import { isRandomState } from '../kind.js';
import type { Sequential } from '../models/sequential.js';
import { checkRandomState, copyOfRandom, type RandomState } from '../random.js';
import { type Parts, registerSaved } from '../saved.js';
import { learningRateConfig, type Schedule, scheduleFrom } from '../schedules.js';
import { Frame, readFrame, type TableInput } from '../tables/frame.js';
import type { FloatType } from '../tape.js';
import { drive, isPromise, signalOf, type Training } from '../train.js';
import {
  annealed,
  enumerated,
  exactLogPartition,
  gibbs,
  type LogPartition,
  MOST_ENUMERATED,
} from './deep-annealing.js';
import { type ClassifierOptions, classifierOf } from './deep-classifier.js';
import { checkBetas, checkOdds, checkShapes, type GivenWeights, stateOfWeights, unitsOfWeights } from './deep-given.js';
import { checkDeep, type DeepBoltzmannMachineOptions, type DeepParameters } from './deep-parameters.js';
import { chainsOf, pretrained, shapeOf } from './deep-pretraining.js';
import { DeepMachine, DeepPasses, type DeepState, dtypeOf, unitsOf } from './deep-training.js';
import { checkConverged } from './rbm-machine.js';
import { TrainedMachine } from './trained-machine.js';

export interface DeepFitOptions {
  /** Aborts after the batch in progress: `fit` rejects with ERR_ABORTED; of pretraining nothing is kept. */
  signal?: AbortSignal;
  /**
   * Called after each pass; a promise is waited for. `layer` (0, 1, …) is there while that one is pretrained.
   * `reconstructionError` is the mean squared difference between x and its reconstruction, before each update.
   */
  onEpochEnd?: (info: { layer?: number; epoch: number; epochs: number; reconstructionError: number }) => unknown;
}

type Watch = Omit<DeepFitOptions, 'signal'>;

export interface DeepSampleOptions {
  /** Steps of Gibbs. Default 1000 */
  steps?: number;
  /** [n, features]: chains begin at what is inferred from these. Default: at the persistent chains of `fit` */
  start?: ArrayInput;
  /** Default: an unpredictable seed */
  randomState?: number | RandomState;
  signal?: AbortSignal;
}

export interface AnnealingOptions {
  /** What the components are multiplied by, from 0 to 1, ascending. Default: nBetas evenly spaced numbers */
  betas?: ArrayInput;
  /** Default 1000 */
  nBetas?: number;
  /** Runs, whose weights are averaged; at least 2. Default 100 */
  nRuns?: number;
  /** Default: an unpredictable seed */
  randomState?: number | RandomState;
  signal?: AbortSignal;
}

/**
 * A deep Boltzmann machine: layers of binary units, each joined to the ones below and above it, that model how 0s and 1s are
 * distributed: p(x) = sum exp(-E(x, h1, …)) / Z, E = -x b0 - sum h_l (W_l h_(l-1) + b_l) with h_0 = x.
 *
 * Layers are pretrained one by one, then all of them are trained together: mean field for what data expect, persistent chains of Gibbs
 * for what the machine does. Of rows of numbers in [0, 1], odds or 0s and 1s. In float64, or in float32 where x is a Float32Array; off the main thread. Of one hidden layer it is a
 * restricted Boltzmann machine, whose mean field is exact.
 *
 * Sources: R. Salakhutdinov and G. Hinton, "Deep Boltzmann machines", AISTATS 2009; R. Neal, "Annealed importance sampling", 2001;
 * R. Salakhutdinov and I. Murray, "On the quantitative analysis of deep belief networks", ICML 2008.
 *
 * ```js
 * const machine = await new DeepBoltzmannMachine({ nComponents: [200, 100], randomState: 1 }).fit(x);
 * const digits = await machine.sample(25, { randomState: 1 });
 * ```
 */
export class DeepBoltzmannMachine extends TrainedMachine<
  DeepState,
  DeepBoltzmannMachineOptions,
  DeepParameters,
  Watch
> {
  static override readonly className = 'DeepBoltzmannMachine';
  #machine: DeepMachine | undefined;

  static {
    registerSaved(DeepBoltzmannMachine);
  }

  /** @throws TypeError or RangeError naming the parameter that is out of its range */
  constructor(options: DeepBoltzmannMachineOptions = {}) {
    super(checkDeep(options));
  }

  /**
   * A machine of given weights, which counts as fitted.
   * @param weights.components between layers l and l + 1: [units of l + 1, units of l]
   * @param weights.intercepts of each layer, the visible one first
   * @param options as the constructor's; nComponents follows from the weights
   */
  static fromWeights(
    weights: GivenWeights,
    options: Omit<DeepBoltzmannMachineOptions, 'nComponents'> = {},
  ): DeepBoltzmannMachine {
    const units = unitsOfWeights(weights);
    const nComponents = units.slice(1);
    checkObject('options', options);
    const { nComponents: given = nComponents } = options as DeepBoltzmannMachineOptions;
    if (`${given}` !== `${nComponents}`)
      throw wrongValue('nComponents', `[${nComponents}], as the weights have`, given);
    const made = new DeepBoltzmannMachine({ ...options, nComponents });
    const state = stateOfWeights(weights, units, made.getParams().nChains);
    return made.learnt(Frame.ofMatrix(NDArray.zeros([1, units[0]])), state);
  }

  /** Between layers l and l + 1: [units of l + 1, units of l]. Throws ERR_NOT_FITTED before `fit`, as the others. */
  get components(): NDArray[] {
    return this.fitted('components').components.map((w) => NDArray.from(w));
  }

  /** Of each layer, the visible one first: [units]. */
  get intercepts(): NDArray[] {
    return this.fitted('intercepts').intercepts.map((b) => NDArray.from(b));
  }

  /** The mean squared error of reconstruction in each pass since the training of the whole began. */
  get errorCurve(): number[] {
    return [...this.fitted('errorCurve').errors];
  }

  /** Changes parameters: `meanFieldIter` at once, all others from the next call of `fit` on. @throws as the constructor does, with nothing changed */
  override setParams(options: DeepBoltzmannMachineOptions): this {
    super.setParams(options);
    this.#machine = undefined;
    return this;
  }

  /**
   * The odds of a hidden layer's units, by mean field: [n, units].
   * @param options.layer 1, 2, … Default: the top one
   */
  override transform(x: TableInput, options: { layer?: number } = {}): NDArray {
    const found = this.meanField(x);
    checkOptions('options', options, ['layer']);
    const layer = checkInteger('layer', options.layer ?? found.length, 1);
    if (layer > found.length) throw wrongValue('layer', `at most ${found.length}`, layer);
    return found[layer - 1];
  }

  /** The odds of all hidden units, given x [n, features]: [n, units] of each layer. */
  meanField(x: TableInput): NDArray[] {
    return this.#fittedMachine('meanField').meanField(this.#given(x));
  }

  /** The odds of the visible units, given those of the lowest hidden layer: [n, features]. */
  reconstruct(x: TableInput): NDArray {
    return this.#fittedMachine('reconstruct').reconstruct(this.#given(x));
  }

  /**
   * Draws from the machine by Gibbs' steps of all layers, and gives the odds of the visible units in the last one, which are smoother
   * than a draw.
   * @param n samples, each of a chain of its own
   * @returns [n, features]
   */
  async sample(n: number, options: DeepSampleOptions = {}): Promise<NDArray> {
    checkInteger('n', n, 1);
    checkOptions('options', options, ['steps', 'start', 'randomState', 'signal']);
    const steps = checkInteger('steps', options.steps ?? 1000, 1);
    const signal = signalOf(options);
    const { start } = options;
    const state = this.fitted('sample');
    const given = start === undefined ? undefined : this.#given(start, 'start');
    if (given && given.shape[0] !== n) throw wrongShape('start', `a matrix of ${n} rows`, given.shape);
    const random = checkRandomState(options.randomState);
    const rows = filled(Int32Array, n, (i) => i % state.chains[0].shape[0]);
    return await sampledInTurn(random, () => {
      const chains = given ? chainsOf(state, given, random) : state.chains.map((chain) => chain.take(rows));
      return drive(gibbs(state, chains, steps, random), signal, 'sampling');
    });
  }

  /**
   * Estimates log Z by annealed importance sampling, in float64, off the main thread.
   *
   * The standard error is that of what the runs found. Runs that all miss what has most of the weight do not show that: let nBetas
   * grow until log Z stays.
   */
  async annealedImportanceSampling(options: AnnealingOptions = {}): Promise<LogPartition> {
    checkOptions('options', options, ['betas', 'nBetas', 'nRuns', 'randomState', 'signal']);
    if (options.betas !== undefined && options.nBetas !== undefined)
      throw wrongValue('nBetas', 'left out where betas are given', options.nBetas);
    const nBetas = checkInteger('nBetas', options.nBetas ?? 1000, 2);
    const betas =
      options.betas === undefined
        ? Float64Array.from({ length: nBetas }, (_, i) => i / (nBetas - 1))
        : checkBetas(options.betas);
    const nRuns = checkInteger('nRuns', options.nRuns ?? 100, 2);
    const signal = signalOf(options);
    const random = checkRandomState(options.randomState);
    const state = this.fitted('annealedImportanceSampling');
    return await sampledInTurn(random, () => drive(annealed(state, betas, nRuns, random), signal, 'sampling'));
  }

  /**
   * log Z, by going through all states of every second layer, on the calling thread.
   * @throws RangeError where these layers have more than 20 units
   */
  exactLogPartition(): number {
    const state = this.fitted('exactLogPartition');
    const { count } = enumerated(unitsOf(state));
    if (count > MOST_ENUMERATED)
      throw new RangeError(
        `Expected every second layer to have at most ${MOST_ENUMERATED} units, whose 2^${MOST_ENUMERATED} states can be gone through, got ${count} (annealedImportanceSampling estimates log Z of larger machines)`,
      );
    return exactLogPartition(state);
  }

  /**
   * What log p(x) is at least, by mean field, for each row of x: [n]. Of one hidden layer and x of 0s and 1s it is log p(x) itself.
   * @param logZ as `annealedImportanceSampling` or `exactLogPartition` gives it
   */
  logLikelihoodBound(x: TableInput, logZ: number): NDArray {
    const machine = this.#fittedMachine('logLikelihoodBound');
    checkInterval('logZ', logZ, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY);
    const bound = machine.bound(this.#given(x));
    return NDArray.wrap(Float64Array.from(bound.data, (value) => value - logZ));
  }

  /**
   * A network that begins with this machine's features, to be trained further on classes: dense layers of sigmoids, which compute the
   * pass from below that mean field begins with (twice the components, where a layer has another one above), and a softmax of new
   * weights. It is not compiled.
   */
  toClassifier(options: ClassifierOptions): Sequential {
    return classifierOf(this.fitted('toClassifier'), options);
  }

  protected override parts(): Parts {
    const parts = super.parts();
    const learningRate = learningRateConfig(this.parameters.learningRate);
    if (typeof learningRate === 'object') scheduleFrom(learningRate as Schedule['config']); // a function of one's own is not saved
    return { ...parts, config: { ...parts.config, learningRate } };
  }

  protected override apply(frame: Frame): Frame {
    const x = checkOdds(frame.matrix());
    return Frame.ofMatrix(this.#fittedMachine('transform').meanField(x).at(-1) as NDArray);
  }

  protected override namesOut(_: readonly string[], { intercepts }: DeepState): string[] {
    const { size: length } = intercepts.at(-1) as NDArray;
    return Array.from({ length }, (_, i) => `deepboltzmannmachine${i}`);
  }

  protected override readonly schema: Schema<DeepState> = object<DeepState>(
    {
      ...{ components: list(floats(2), 1), intercepts: list(floats(1), 2), chains: list(floats(2), 1) },
      ...{ velocities: list(floats()), errors: list(number()), steps: integer(0), random: randomState },
    },
    ['random'],
  );

  protected override checkState(state: DeepState, width: number): void {
    checkShapes(state, [width, ...state.components.map(({ shape }) => shape[0])], 'state.found.');
  }

  protected override checked(options: DeepBoltzmannMachineOptions, base: DeepParameters): DeepParameters {
    return checkDeep(options, base);
  }

  protected override prepared(given: Frame, { onEpochEnd }: Watch): Prepared {
    if (onEpochEnd !== undefined && typeof onEpochEnd !== 'function')
      throw wrongType('onEpochEnd', 'a function', onEpochEnd);
    const p = this.parameters;
    const old = p.warmStart && this.isFitted ? this.fitted('fit') : undefined;
    const frame = old ? this.aligned(given) : given;
    const array = checkOdds(frame.matrix());
    const units = [array.shape[1], ...p.nComponents];
    if (old && (unitsOf(old).join() !== units.join() || old.chains[0].shape[0] !== p.nChains))
      throw new RangeError(
        `Expected nComponents and nChains to be those of the last fit, [${unitsOf(old).slice(1).join(', ')}] and ${old.chains[0].shape[0]}, whose weights are trained on, got [${p.nComponents.join(', ')}] and ${p.nChains}`,
      );
    const shared = isRandomState(p.randomState);
    const random = old?.random && !shared ? copyOfRandom(old.random) : checkRandomState(p.randomState);
    const rows = NDArray.from(array, { dtype: old ? dtypeOf(old) : floatDType(array) });
    return { random, training: this.#loop(p, frame, rows, random, old, onEpochEnd) };
  }

  *#loop(
    p: DeepParameters,
    frame: Frame,
    x: NDArray,
    random: RandomState,
    old: DeepState | undefined,
    onEpochEnd: DeepFitOptions['onEpochEnd'],
  ): Training<void> {
    const told = function* (
      epoch: number,
      epochs: number,
      reconstructionError: number,
      layer?: number,
    ): Training<void> {
      const what = layer === undefined ? '' : `Layer ${layer + 1} alone, `;
      const line = `${what}iteration ${epoch + 1}, error of reconstruction = ${reconstructionError.toFixed(5)}`;
      if (p.verbose) console.log(`[DeepBoltzmannMachine] ${line}`);
      const info = { epoch, epochs, reconstructionError, ...(layer !== undefined && { layer }) };
      const answer = onEpochEnd?.(info);
      if (isPromise(answer)) yield answer;
    };
    let state = old;
    if (!state) {
      const found = yield* pretrained(x, p, random, (l, epoch, error) => told(epoch, p.pretrainIter, error, l));
      const start = x.take(random.randint(0, x.shape[0], [p.nChains]));
      state = { ...found, chains: chainsOf(found, start, random), velocities: [], errors: [], steps: 0 };
    }
    const passes = new DeepPasses(shapeOf(unitsOf(state), x.dtype as FloatType, p), state, p.learningRate);
    const errors = [...state.errors];
    const settle = () => this.learnt(frame, { ...passes.read(), errors: [...errors], random: copyOfRandom(random) });
    try {
      for (let epoch = 0; epoch < p.nIter; epoch++) {
        errors.push(yield* passes.over(x, random));
        if (onEpochEnd) settle();
        yield* told(epoch, p.nIter, errors.at(-1) as number);
      }
    } finally {
      settle();
    }
    const { components, intercepts } = this.fitted('fit');
    checkConverged([...components, ...intercepts]);
  }

  #fittedMachine(member: string): DeepMachine {
    const state = this.fitted(member);
    if (this.#machine?.state !== state) this.#machine = new DeepMachine(state, this.parameters.meanFieldIter);
    return this.#machine;
  }

  #given(x: TableInput, name = 'x'): NDArray {
    return checkOdds(this.aligned(readFrame(name, x)).matrix(), name);
  }
}
