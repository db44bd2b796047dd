import { setImmediate } from 'node:timers/promises';
import { floatDType, NDArray, toMatrix } from '../array.js';
import {
  checkAssigned,
  checkInteger,
  checkInterval,
  checkOptions,
  failure,
  notFitted,
  optionsOver,
  wrongShape,
  wrongType,
  wrongValue,
} from '../check.js';
import { KMeans } from '../cluster/kmeans.js';
import { dense, type Features } from '../estimators/csr.js';
import { checkTurn, inTurn } from '../estimators/turns.js';
import { floats } from '../io/schema.js';
import { checkRowCount } from '../model-selection/folds.js';
import { checkRandomState, parametersApart, type RandomState } from '../random.js';
import { type Parts, Saved } from '../saved.js';
import { Frame } from '../tables/frame.js';
import type { FloatType } from '../tape.js';
import { drive, driveSync, signalOf, type Training } from '../train.js';
import { RadialPlan } from './rbf-plan.js';
import { inPieces } from './solve.js';

export interface RBFNetworkOptions {
  /** Centres, found by KMeans. Default 100 */
  nCenters?: number;
  /**
   * Width of each centre's phi = exp(-(|x - c| / width)^2): a number > 0 for all; 'neighbors', the root mean square distance of its
   * `nNeighbors` nearest centres; 'maximum', the textbook's one for all, the largest distance of two centres over the root of their
   * number (its sigma is that over the root of two). Default 'neighbors'
   */
  width?: number | 'neighbors' | 'maximum';
  /** Default 5 */
  nNeighbors?: number;
  /** >= 0: ridge of the linear output, whose intercept has none. Default 1e-3 */
  alpha?: number;
  /** Iterations of KMeans at most. Default 300 */
  maxIter?: number;
  /** A seed, or a RandomState to go on drawing from. Default: an unpredictable seed */
  randomState?: number | RandomState;
}

type Parameters = Required<Omit<RBFNetworkOptions, 'randomState'>> & Pick<RBFNetworkOptions, 'randomState'>;

/** What is left of a column that is a sum of others: the rounding of its products. */
const SINGULAR = 16 * Number.EPSILON;
/** Squared differences between two looks at the event loop: some 5 ms. */
const SLICE = 2_000_000;

/** What `fit` found. */
export interface FittedRBF {
  /** [nCenters, features] */
  readonly centers: NDArray;
  /** [nCenters] */
  readonly widths: NDArray;
  /** [nCenters + 1, outputs]: of the centres, and the intercept. */
  readonly weights: NDArray;
}

export interface RBFFitOptions {
  signal?: AbortSignal;
}

/** Three layers: the input, radial basis functions, a linear output (Broomhead and Lowe 1988; Moody and Darken 1989). */
export abstract class RBFNetwork extends Saved {
  #parameters: Parameters;
  #fitted?: FittedRBF & { readonly plan: RadialPlan };
  #training = false;

  /** @throws TypeError or RangeError naming the parameter that is out of its range */
  constructor(options: RBFNetworkOptions = {}) {
    super();
    this.#parameters = checkParameters(options);
  }

  getParams(): Parameters {
    return { ...this.#parameters };
  }

  /** Changes parameters, from the next call of `fit` on. @throws as the constructor does, with nothing changed */
  setParams(options: RBFNetworkOptions): this {
    this.#parameters = checkParameters(options, this.#parameters);
    return this;
  }

  /** A new one of the same parameters, that is not fitted. A RandomState is copied. */
  clone(changes: RBFNetworkOptions = {}): this {
    const params = parametersApart({ ...this.getParams(), ...changes });
    return new (this.constructor as new (options: RBFNetworkOptions) => this)(params);
  }

  /** [nCenters, features]. Throws ERR_NOT_FITTED before fit, as the others. */
  get centers(): NDArray {
    return NDArray.from(this.#need('centers').centers);
  }

  /** [nCenters] */
  get widths(): NDArray {
    return NDArray.from(this.#need('widths').widths);
  }

  /** [nCenters, outputs]: what each phi is multiplied by. */
  get coef(): NDArray {
    const { weights } = this.#need('coef');
    const [rows, outputs] = weights.shape;
    return NDArray.from(weights.data.slice(0, -outputs) as Float64Array, { shape: [rows - 1, outputs] });
  }

  /** [outputs] */
  get intercept(): NDArray {
    const { weights } = this.#need('intercept');
    return NDArray.from(weights.data.slice(-weights.shape[1]) as Float64Array);
  }

  get nFeaturesIn(): number {
    return this.#need('nFeaturesIn').centers.shape[1];
  }

  /** The state of a subclass: what its outputs mean. */
  protected abstract savedTargets(): object;
  protected abstract restoreTargets(targets: unknown, outputs: number): void;

  protected async fitWith(x: Features, targets: NDArray, adopt: () => void, options: RBFFitOptions): Promise<void> {
    checkOptions('options', options, ['signal']);
    const signal = signalOf(options);
    const { random, training } = this.#train(x, targets, adopt, false);
    this.#training = true;
    try {
      await inTurn(random, () => drive(training, signal));
    } finally {
      this.#training = false;
    }
  }

  protected fitWithSync(x: Features, targets: NDArray, adopt: () => void, options: object): void {
    checkOptions('options', options, []);
    const { random, training } = this.#train(x, targets, adopt, true);
    checkTurn(random);
    driveSync(training);
  }

  /** The outputs of the linear layer, [n, outputs]. */
  protected outputs(x: Features): NDArray {
    const { plan, centers, weights } = this.#need('predict');
    const array = toMatrix('x', dense('x', x));
    const features = centers.shape[1];
    if (array.shape[1] !== features) throw wrongShape('x', `a matrix of ${features} columns, as at fit`, array.shape);
    return NDArray.wrap(plan.predict(array), [array.shape[0], weights.shape[1]]);
  }

  protected override parts(): Parts {
    this.#checkIdle();
    const fitted = this.#fitted;
    if (!fitted) return { config: this.getParams() };
    const { centers, widths, weights } = fitted;
    return { config: this.getParams(), state: { centers, widths, weights, targets: this.savedTargets() } };
  }

  protected override restore(state: unknown): void {
    const saved = state as Record<string, unknown>;
    const centers = floats(2)('state.centers', saved.centers);
    const widths = floats(1)('state.widths', saved.widths);
    const weights = floats(2)('state.weights', saved.weights);
    const [m] = centers.shape;
    if (widths.shape[0] !== m || !widths.data.every((width) => width > 0))
      throw wrongShape('state.widths', `${m} positive numbers`, widths.shape);
    if (weights.shape[0] !== m + 1) throw wrongShape('state.weights', `a matrix of ${m + 1} rows`, weights.shape);
    this.restoreTargets(saved.targets, weights.shape[1]);
    this.#settle({ centers, widths, weights });
  }

  /** Checks all at once; then trains. */
  #train(
    x: Features,
    targets: NDArray,
    adopt: () => void,
    isSync: boolean,
  ): { random: RandomState; training: Training<void> } {
    this.#checkIdle();
    checkAssigned(this, Object.keys(this.#parameters));
    const given = dense('x', x);
    const array = toMatrix('x', given);
    const dtype = floatDType(given);
    const p = this.#parameters;
    const { nCenters, randomState } = p;
    checkRowCount('y', targets.shape[0], array.shape[0]);
    if (array.shape[0] < nCenters)
      throw wrongShape('x', `a matrix of ${nCenters} rows or more, as there are centres`, array.shape);
    const samples = NDArray.from(array, { dtype });
    const random = checkRandomState(randomState);
    return { random, training: this.#fit(p, samples, targets, random, adopt, isSync) };
  }

  *#fit(
    p: Parameters,
    x: NDArray,
    targets: NDArray,
    randomState: RandomState,
    adopt: () => void,
    isSync: boolean,
  ): Training<void> {
    const { nCenters, maxIter, alpha } = p;
    const kmeans = new KMeans({ nClusters: nCenters, maxIter, randomState });
    yield* kmeans.fittingFrame(Frame.ofMatrix(x));
    const centers = kmeans.clusterCenters;
    const widths = NDArray.wrap(yield* this.#widths(p, centers, isSync));
    const outputs = targets.shape[1];
    const plan = new RadialPlan(centers, widths, outputs, x.dtype as FloatType);
    const { gram, moment } = yield* plan.sums(x, targets);
    for (let k = 0; k < nCenters; k++) gram[k * (nCenters + 2)] += alpha; // all but the intercept
    const solving = inPieces(gram, nCenters + 1, moment, outputs, SINGULAR);
    let solved = solving.next();
    for (; !solved.done; solved = solving.next()) if (!isSync) yield setImmediate(); // others have a turn
    if (!solved.value || !moment.every(Number.isFinite))
      throw failure('ERR_SINGULAR', 'Expected alpha to be larger: the radial functions of x depend on one another');
    this.#settle({ centers, widths, weights: NDArray.wrap(moment, [nCenters + 1, outputs]) });
    adopt();
  }

  *#widths({ width, nNeighbors }: Parameters, centers: NDArray, isSync: boolean): Training<Float64Array> {
    const [m, features] = centers.shape;
    if (typeof width === 'number') return new Float64Array(m).fill(width);
    const squares: Float64Array[] = [];
    for (let i = 0, work = 0; i < m; i++, work += m * features) {
      const own = new Float64Array(m);
      for (let k = 0; k < m; k++)
        for (let j = 0; j < features; j++)
          own[k] += (centers.data[i * features + j] - centers.data[k * features + j]) ** 2;
      own[i] = Number.POSITIVE_INFINITY;
      squares.push(own);
      if (isSync || work < SLICE) continue;
      work = 0;
      yield setImmediate(); // others have a turn
    }
    if (m === 1) throw wrongValue('width', 'a number where there is one centre', width);
    const largest = Math.max(
      ...squares.map((own) => own.reduce((most, d) => (d < Infinity ? Math.max(most, d) : most), 0)),
    );
    if (largest === 0) throw wrongValue('width', 'a number where all centres are the same', width);
    if (width === 'maximum') return new Float64Array(m).fill(Math.sqrt(largest / m));
    const n = Math.min(nNeighbors, m - 1);
    const means = squares.map((own) => smallest(own, n).reduce((sum, d) => sum + d, 0) / n);
    return Float64Array.from(means, (mean) => Math.sqrt(mean > 0 ? mean : largest / m)); // centres that are the same
  }

  #settle(fitted: FittedRBF): void {
    const { centers, widths, weights } = fitted;
    const plan = new RadialPlan(centers, widths, weights.shape[1], centers.dtype as FloatType);
    plan.setWeights(weights);
    this.#fitted = { ...fitted, plan };
  }

  #need(member: string): FittedRBF & { readonly plan: RadialPlan } {
    if (this.#fitted) return this.#fitted;
    throw notFitted(this.constructor.name, member);
  }

  #checkIdle(): void {
    if (this.#training)
      throw failure('ERR_BUSY', `Expected this ${this.constructor.name} to be idle, but it is being fitted`);
  }
}

const DEFAULTS: Parameters = {
  nCenters: 100,
  width: 'neighbors',
  nNeighbors: 5,
  alpha: 1e-3,
  maxIter: 300,
  randomState: undefined,
};

function checkParameters(options: RBFNetworkOptions, base: object = {}): Parameters {
  const p = optionsOver(options, DEFAULTS, base);
  checkInteger('nCenters', p.nCenters, 1);
  if (typeof p.width === 'number') checkInterval('width', p.width, 0, Number.POSITIVE_INFINITY, 'low');
  else if (typeof p.width !== 'string') throw wrongType('width', "a number, 'neighbors' or 'maximum'", p.width);
  else if (p.width !== 'neighbors' && p.width !== 'maximum')
    throw wrongValue('width', "a number, 'neighbors' or 'maximum'", p.width);
  checkInteger('nNeighbors', p.nNeighbors, 1);
  checkInterval('alpha', p.alpha, 0, Number.POSITIVE_INFINITY);
  checkInteger('maxIter', p.maxIter, 1);
  if (p.randomState !== undefined) checkRandomState(p.randomState);
  return p;
}

/** The n smallest values, the least first. */
function smallest(values: Float64Array, n: number): Float64Array {
  if (n > 16) return values.sort().subarray(0, n);
  const least = new Float64Array(n).fill(Number.POSITIVE_INFINITY);
  for (const value of values) {
    let k = n;
    for (; k > 0 && least[k - 1] > value; k--) if (k < n) least[k] = least[k - 1];
    if (k < n) least[k] = value;
  }
  return least;
}
