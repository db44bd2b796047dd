import { type ArrayInput, asArray, NDArray, toMatrix } from '../array.js';
import {
  checkBoolean,
  checkInteger,
  checkInterval,
  checkOptions,
  optionsOver,
  wrongShape,
  wrongType,
  wrongValue,
} from '../check.js';
import { type Prepared, TrainedLearner } from '../estimators/trained-learner.js';
import { expected, floats, integer, number, object, type Schema } from '../io/schema.js';
import { isNDArray } from '../kind.js';
import { checkRandomState, type RandomState } from '../random.js';
import { registerSaved } from '../saved.js';
import { readWeights } from '../scores/classification.js';
import { Frame, readFrame, type TableInput } from '../tables/frame.js';
import { checkUnused } from '../tables/transformer.js';
import type { FloatArray, FloatType } from '../tape.js';
import type { Training } from '../train.js';
import { Distances, meanOf, Samples } from './kmeans-plan.js';
import { type Clustering, drawRows, isSameClustering, lloyd, plusPlus } from './kmeans-training.js';

export interface KMeansOptions {
  /** Default 8 */
  nClusters?: number;
  /** 'k-means++', 'random' rows, or centres [nClusters, features]. Default 'k-means++' */
  init?: 'k-means++' | 'random' | ArrayInput;
  /** Runs, of which the best is kept. Default 'auto': 10 with 'random', else 1 */
  nInit?: number | 'auto';
  /** Iterations of a run at most. Default 300 */
  maxIter?: number;
  /** >= 0, times the mean variance of the features: a run ends when the centres move less, squared and summed. Default 1e-4 */
  tol?: number;
  /** A seed, or a RandomState to go on drawing from. Default: an unpredictable seed */
  randomState?: number | RandomState;
  /** Whether the inertia of each run is printed. Default false */
  verbose?: boolean;
}

type Parameters = Required<Omit<KMeansOptions, 'randomState' | 'init'>> &
  Pick<KMeansOptions, 'randomState'> & { readonly init: 'k-means++' | 'random' | NDArray };

interface Fitted {
  readonly centers: NDArray;
  readonly labels: NDArray;
  readonly inertia: number;
  readonly nIter: number;
}

interface FitOptions {
  signal?: AbortSignal;
  /** [n], >= 0. Default 1 */
  sampleWeight?: ArrayInput;
}

/**
 * Clusters about their means: scikit-learn's `KMeans` (Lloyd's algorithm), draw for draw, off the main thread. The same data,
 * parameters and seed give its centres, but where several clusters are empty and samples are equally far from theirs. float64, or
 * float32 where x is a Float32Array.
 */
export class KMeans extends TrainedLearner<Fitted, KMeansOptions, Parameters, { sampleWeight?: ArrayInput }> {
  static override readonly className = 'KMeans';
  #distances?: { readonly of: Fitted; readonly distances: Distances; readonly origin?: Float64Array };
  #about?: { readonly of: Fitted; readonly distances: Distances; readonly mean: Float64Array };

  static {
    registerSaved(KMeans);
  }

  /** @throws TypeError or RangeError naming the parameter that is out of its range */
  constructor(options: KMeansOptions = {}) {
    super(checkParameters(options));
  }

  /** [nClusters, features]. Throws ERR_NOT_FITTED before `fit`, as the others. */
  get clusterCenters(): NDArray {
    return NDArray.from(this.fitted('clusterCenters').centers);
  }

  /** int32 [n]: the cluster of each sample of `fit`. */
  get labels(): NDArray {
    return NDArray.from(this.fitted('labels').labels);
  }

  /** The sum of squared distances of the samples from their centres, times their weights. */
  get inertia(): number {
    return this.fitted('inertia').inertia;
  }

  /** Iterations of the run that was kept. */
  get nIter(): number {
    return this.fitted('nIter').nIter;
  }

  /**
   * @param x [n, features], finite numbers, n >= nClusters
   * @param y not used: as in scikit-learn, for pipelines
   * @throws RangeError if x does not fit; Error with code ERR_BUSY while it is fitted already, ERR_ABORTED after `signal` fired
   */
  async fit(x: TableInput, y?: unknown, options: FitOptions = {}): Promise<this> {
    checkUnused(y);
    return this.fitWith(x, options, ['sampleWeight']);
  }

  /** The same on the calling thread, with the same bits. */
  fitSync(x: TableInput, y?: unknown, options: Omit<FitOptions, 'signal'> = {}): this {
    checkUnused(y);
    return this.fitWithSync(x, options, ['sampleWeight']);
  }

  fitPredict(x: TableInput, y?: unknown, options: Omit<FitOptions, 'signal'> = {}): NDArray {
    return this.fitSync(x, y, options).labels;
  }

  fitTransform(x: TableInput, y?: unknown, options: Omit<FitOptions, 'signal'> = {}): NDArray {
    return this.fitSync(x, y, options).transform(x);
  }

  /** int32 [n]: the nearest centre of each row of x. */
  predict(x: TableInput): NDArray {
    const { distances, origin } = this.#fittedDistances();
    const rows = this.#rows('predict', x);
    return NDArray.wrap(Int32Array.from(distances.nearestTo(origin ? moved(rows, origin) : rows)));
  }

  /** Less the sum of squared distances of the rows from their nearest centres. */
  score(x: TableInput, y?: unknown, options: { sampleWeight?: ArrayInput } = {}): number {
    checkUnused(y);
    checkOptions('options', options, ['sampleWeight']);
    const distances = this.transform(x);
    const [n, clusters] = distances.shape;
    const weight = options.sampleWeight === undefined ? undefined : readWeights(options.sampleWeight, n);
    let sum = 0;
    for (let i = 0; i < n; i++) {
      const own = distances.data.subarray(i * clusters, (i + 1) * clusters) as Float64Array;
      sum += own.reduce((least, d) => Math.min(least, d), Number.POSITIVE_INFINITY) ** 2 * (weight ? weight[i] : 1);
    }
    return -sum;
  }

  /** The distance of each row from each centre: [n, nClusters]. */
  protected override apply(frame: Frame, { centers }: Fitted): Frame {
    const { distances, mean } = this.#centred();
    const rows = moved(NDArray.from(frame.matrix(), { dtype: centers.dtype }), mean);
    const [n, features] = rows.shape;
    const clusters = this.#clusters;
    const d = distances.ofRows(rows);
    for (let i = 0; i < n; i++) {
      let square = 0;
      for (let j = 0; j < features; j++) square += rows.data[i * features + j] ** 2;
      for (let k = 0; k < clusters; k++) d[i * clusters + k] = Math.sqrt(Math.max(0, d[i * clusters + k] + square));
    }
    return Frame.ofMatrix(NDArray.wrap(d, [n, clusters]));
  }

  protected override namesOut(_: readonly string[], { centers }: Fitted): string[] {
    return Array.from({ length: centers.shape[0] }, (_, k) => `kmeans${k}`);
  }

  protected override readonly schema: Schema<Fitted> = object<Fitted>({
    centers: floats(2),
    labels: (name, value) => {
      if (isNDArray(value) && value.ndim === 1 && value.dtype === 'int32') return value;
      throw expected(name, 'int32 of one dimension', value);
    },
    inertia: number(0),
    nIter: integer(0),
  });

  protected override checkState({ centers }: Fitted, width: number): void {
    if (centers.shape[1] !== width)
      throw wrongShape('state.found.centers', `a matrix of ${width} columns`, centers.shape);
  }

  protected override checked(options: KMeansOptions, base: Parameters): Parameters {
    return checkParameters(options, base);
  }

  protected override prepared(frame: Frame, { sampleWeight }: { sampleWeight?: ArrayInput }): Prepared {
    const array = frame.matrix();
    const [n, features] = array.shape;
    const p = this.parameters;
    const { init, nClusters, randomState } = p;
    if (n < nClusters)
      throw wrongShape('x', `a matrix of ${nClusters} rows or more, as there are clusters`, array.shape);
    if (isNDArray(init) && init.shape.join() !== `${nClusters},${features}`)
      throw wrongShape('init', `a matrix of shape [${nClusters}, ${features}]`, init.shape);
    const weight = sampleWeight === undefined ? new Float64Array(n).fill(1) : readWeights(sampleWeight, n);
    const positive = init === 'random' ? Array.from(weight).filter((w) => w > 0).length : n;
    if (positive < nClusters)
      throw wrongValue('sampleWeight', `${nClusters} positive weights or more, as rows are drawn by them`, positive);
    const samples = new Samples(array, Float64Array.from(weight));
    const most = samples.dtype === 'float32' ? 2 ** 127 : Number.MAX_VALUE;
    const large = samples.squares.findIndex((square) => !(4 * square < most)); // twice as far is the farthest
    if (large >= 0)
      throw new RangeError(
        `Expected x to hold numbers of which ${samples.dtype} has room for squared distances, got larger ones at row ${large}`,
      );
    const random = checkRandomState(randomState);
    return { random, training: this.#runs(p, frame, samples, random) };
  }

  *#runs(p: Parameters, frame: Frame, samples: Samples, random: RandomState): Training<void> {
    const { init, nClusters, nInit, maxIter, tol, verbose } = p;
    const { features, n, mean, weight, dtype } = samples;
    const runs = nInit === 'auto' ? (init === 'random' ? 10 : 1) : nInit;
    const distances = new Distances(features, nClusters, dtype);
    let best: Clustering | undefined;
    for (let run = 0; run < runs; run++) {
      let begin: FloatArray;
      if (init === 'k-means++') begin = yield* plusPlus(samples, nClusters, random);
      else if (init === 'random') {
        begin = samples.values(nClusters * features);
        for (const [k, row] of drawRows(weight, n, nClusters, random).entries())
          begin.set(samples.row(row), k * features);
      } else {
        begin = samples.values(init.size);
        for (let i = 0; i < init.size; i++) begin[i] = init.data[i] - mean[i % features];
      }
      const found = yield* lloyd(samples, distances, begin, maxIter, tol * samples.variance);
      if (verbose) console.log(`[KMeans] run ${run + 1}: inertia ${found.inertia}, ${found.nIter} iterations`);
      if (!best || (found.inertia < best.inertia && !isSameClustering(found.labels, best.labels, nClusters)))
        best = found;
    }
    const { centers, labels, inertia, nIter } = best as Clustering;
    const distinct = new Set(labels).size;
    if (distinct < nClusters)
      process.emitWarning(
        `Number of distinct clusters (${distinct}) found smaller than nClusters (${nClusters}). Possibly due to duplicate points in x.`,
        'ConvergenceWarning',
      );
    const means = Float64Array.from(centers, (value, i) => value + mean[i % features]);
    this.learnt(frame, {
      centers: NDArray.from(NDArray.wrap(means, [nClusters, features]), { dtype }),
      labels: NDArray.wrap(labels),
      ...{ inertia, nIter },
    });
  }

  get #clusters(): number {
    return this.fitted('predict').centers.shape[0];
  }

  /** Distances about the centres' mean, and that: far from 0 the squares would leave few digits of the differences. */
  #centred(): { readonly distances: Distances; readonly mean: Float64Array } {
    const fitted = this.fitted('transform');
    if (this.#about?.of !== fitted) {
      const mean = meanOf(fitted.centers);
      this.#about = { of: fitted, distances: distancesFrom(fitted.centers, mean), mean };
    }
    return this.#about;
  }

  #fittedDistances(): { readonly distances: Distances; readonly origin?: Float64Array } {
    const fitted = this.fitted('predict');
    if (this.#distances?.of !== fitted) {
      const origin = originOf(fitted.centers);
      this.#distances = { of: fitted, distances: distancesFrom(fitted.centers, origin), ...(origin && { origin }) };
    }
    return this.#distances;
  }

  #rows(member: string, x: TableInput): NDArray {
    const { centers } = this.fitted(member);
    return NDArray.from(this.aligned(readFrame('x', x)).matrix(), { dtype: centers.dtype });
  }
}

const DEFAULTS: Required<Omit<KMeansOptions, 'randomState'>> & Pick<KMeansOptions, 'randomState'> = {
  nClusters: 8,
  init: 'k-means++',
  nInit: 'auto',
  maxIter: 300,
  tol: 1e-4,
  randomState: undefined,
  verbose: false,
};

function checkParameters(options: KMeansOptions, base: object = {}): Parameters {
  const p = optionsOver(options, DEFAULTS, base);
  checkInteger('nClusters', p.nClusters, 1);
  const expectedInit = "'k-means++', 'random' or a matrix of centres";
  if (typeof p.init === 'string' && p.init !== 'k-means++' && p.init !== 'random')
    throw wrongValue('init', expectedInit, p.init);
  if (p.init === null || (typeof p.init !== 'string' && typeof p.init !== 'object'))
    throw wrongType('init', expectedInit, p.init);
  if (p.nInit !== 'auto') {
    if (typeof p.nInit !== 'number') throw wrongType('nInit', "a positive integer or 'auto'", p.nInit);
    checkInteger('nInit', p.nInit, 1);
  }
  checkInteger('maxIter', p.maxIter, 1);
  checkInterval('tol', p.tol, 0, Number.POSITIVE_INFINITY);
  if (p.randomState !== undefined) checkRandomState(p.randomState);
  checkBoolean('verbose', p.verbose);
  const init =
    typeof p.init === 'string'
      ? (p.init as 'k-means++' | 'random')
      : NDArray.from(toMatrix('init', asArray('init', p.init)));
  return { ...p, init };
}

/** How many times as far from 0 as from one another centres are when their squares leave too few digits of the differences. */
const FAR = 16;

/** Of centres that are far from 0, something near them that rows lose no digits by: a multiple of a power of two. */
function originOf(centers: NDArray): Float64Array | undefined {
  const mean = meanOf(centers);
  let spread = 0;
  for (const [i, value] of centers.data.entries()) spread = Math.max(spread, Math.abs(value - mean[i % mean.length]));
  const unit = 2 ** Math.ceil(Math.log2(FAR * spread));
  if (unit === 0 || !Number.isFinite(unit)) return undefined;
  const origin = mean.map((value) => Math.round(value / unit) * unit);
  return origin.some((value) => value !== 0) ? origin : undefined;
}

/** Rows less `origin`. */
function moved({ data, shape }: NDArray, origin: Float64Array): NDArray {
  const values = data.map((value: number, i: number) => value - origin[i % origin.length]) as FloatArray;
  return NDArray.wrap(values, shape);
}

/** From these centres, less `origin`. */
function distancesFrom(centers: NDArray, origin?: Float64Array): Distances {
  const [clusters, features] = centers.shape;
  const distances = new Distances(features, clusters, centers.dtype as FloatType);
  distances.set(origin ? moved(NDArray.from(centers, { dtype: 'float64' }), origin).data : centers.data);
  return distances;
}
