/** Penalty, alpha and the share of l1 of an elastic net, as scikit-learn's SGDClassifier reads them. */
export interface Penalty {
  readonly l1Ratio: number;
  /** 0: none */
  readonly alpha: number;
  readonly isL1: boolean;
  readonly isOn: boolean;
}

export interface PerceptronProblem {
  /** [n, features] */
  readonly x: Float64Array;
  readonly n: number;
  readonly features: number;
  /** Of a sparse x, which values of a row are stored: `indices` from `indptr[row]` to `indptr[row + 1]`. */
  readonly stored?: { readonly indptr: ArrayLike<number>; readonly indices: ArrayLike<number> };
  /** 1 for the samples of the class, -1 for the others. */
  readonly y: Int8Array;
  readonly sampleWeight: ArrayLike<number> | undefined;
  /** Of the class, and of the others. */
  readonly classWeight: readonly [positive: number, negative: number];
  readonly penalty: Penalty;
  readonly eta: number;
  readonly fitIntercept: boolean;
  readonly shuffle: boolean;
  readonly maxIter: number;
  /** -Infinity: never stop before maxIter. */
  readonly tol: number;
  readonly nIterNoChange: number;
  /** Of the shuffling, an integer of 31 bits. */
  readonly seed: number;
}

/** What is trained, in place. `intercept` is `at` of its array. */
export interface PerceptronWeights {
  readonly coef: Float64Array;
  intercept: number;
}

/** Multiplications between two looks at the clock. */
const SLICE = 1 << 20;
/** How much of an update the intercept has where x is sparse: scikit-learn's SPARSE_INTERCEPT_DECAY. */
const SPARSE_DECAY = 0.01;
/** Below it weights are multiplied out. */
const LEAST_SCALE = 1e-9;

/**
 * One class against all others, as scikit-learn's `_plain_sgd` trains with the loss max(0, -y p): sample by sample, with weights that
 * are held as a vector and a scale, to the same bits but for sums of products in another order. Yields now and then, so that a caller
 * may let others run.
 * @returns epochs
 */
export function* trainPerceptron(problem: PerceptronProblem, weights: PerceptronWeights): Generator<void, number> {
  const { x, n, features, y, sampleWeight, classWeight, penalty, eta, fitIntercept, maxIter, tol } = problem;
  const { alpha, l1Ratio, isL1, isOn } = penalty;
  const { stored } = problem;
  const decay = stored ? SPARSE_DECAY : 1;
  /** Calls `each` with the features of a row, of a sparse x with those that are stored. */
  const featuresOf = (sample: number, each: (j: number) => void) => {
    if (stored) for (let k = stored.indptr[sample]; k < stored.indptr[sample + 1]; k++) each(stored.indices[k]);
    else for (let j = 0; j < features; j++) each(j);
  };
  const w = weights.coef;
  const order = Int32Array.from({ length: n }, (_, i) => i);
  const q = isL1 ? new Float64Array(features) : undefined;
  const slice = Math.max(1, Math.floor(SLICE / features));
  let { intercept } = weights;
  let [scale, u, squares, absolutes] = [1, 0, 0, 0];
  for (const value of w) {
    squares += value * value;
    absolutes += Math.abs(value);
  }
  let [best, unimproved] = [Number.POSITIVE_INFINITY, 0];

  const multiplyOut = () => {
    for (let j = 0; j < features; j++) w[j] *= scale;
    scale = 1;
  };
  /** Samples from .. to - 1 of the epoch, and the sum of their objectives. */
  const run = (from: number, to: number): number => {
    let objective = 0;
    for (let i = from; i < to; i++) {
      const row = order[i] * features;
      const target = y[order[i]];
      let p = 0;
      for (let j = 0; j < features; j++) p += w[j] * x[row + j];
      p = p * scale + intercept;
      const z = p * target;
      if (z <= 0) objective -= z;
      if (isOn) objective += alpha * ((1 - l1Ratio) * 0.5 * squares + l1Ratio * absolutes);
      let update = z <= 0 ? eta * target : 0;
      update *= (target > 0 ? classWeight[0] : classWeight[1]) * (sampleWeight ? sampleWeight[order[i]] : 1);
      if (isOn) {
        const shrunk = Math.max(0, 1 - (1 - l1Ratio) * eta * alpha);
        scale *= shrunk;
        squares *= shrunk * shrunk;
        absolutes *= shrunk;
        if (scale < LEAST_SCALE) multiplyOut();
      }
      if (update !== 0) {
        const step = update / scale;
        [squares, absolutes] = [0, 0];
        featuresOf(order[i], (j) => {
          w[j] += x[row + j] * step;
          squares += w[j] * w[j]; // of a sparse x not those of all weights, as there
          absolutes += Math.abs(w[j]);
        });
        squares *= scale * scale;
        absolutes *= scale;
        if (fitIntercept) intercept += update * decay;
      }
      if (q) {
        u += l1Ratio * eta * alpha;
        featuresOf(order[i], (j) => truncate(w, q, scale, u, j));
      }
    }
    return objective;
  };

  let epoch = 0;
  while (epoch < maxIter) {
    epoch++;
    if (problem.shuffle) shuffle(order, problem.seed);
    let objective = 0;
    for (let from = 0; from < n; from += slice) {
      objective += run(from, Math.min(n, from + slice));
      yield;
    }
    weights.intercept = intercept;
    if (!Number.isFinite(intercept) || !w.every(Number.isFinite)) break;
    objective /= n;
    unimproved = tol > Number.NEGATIVE_INFINITY && objective > best - tol ? unimproved + 1 : 0;
    best = Math.min(best, objective);
    if (unimproved >= problem.nIterNoChange) break;
  }
  multiplyOut();
  return epoch;
}

/** Truncated gradient: the l1 penalty that a weight has not had yet (Tsuruoka, Tsujii and Ananiadou 2009). */
function truncate(w: Float64Array, q: Float64Array, scale: number, u: number, j: number): void {
  const z = w[j];
  if (scale * z > 0) w[j] = Math.max(0, z - (u + q[j]) / scale);
  else if (scale * z < 0) w[j] = Math.min(0, z + (u - q[j]) / scale);
  q[j] += scale * (w[j] - z);
}

/** Fisher and Yates, by the xorshift generator that scikit-learn's datasets have (Marsaglia 2003), from the same seed in each epoch. */
function shuffle(order: Int32Array, from: number): void {
  const n = order.length;
  let seed = from === 0 ? 1 : from;
  for (let i = 0; i < n - 1; i++) {
    seed ^= seed << 13;
    seed ^= seed >>> 17;
    seed ^= seed << 5;
    const j = i + (((seed >>> 0) % 2 ** 31) % (n - i));
    [order[i], order[j]] = [order[j], order[i]];
  }
}
