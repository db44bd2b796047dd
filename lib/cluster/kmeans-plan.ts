import { allocate } from '../allocate.js';
import { NDArray } from '../array.js';
import type { NativeDataset } from '../binding.js';
import { dataset, type Plan, valuesOf } from '../plan.js';
import { type Buffer, type FloatArray, type FloatType, Tape } from '../tape.js';
import type { Training } from '../train.js';
import { Pace, sweep } from '../training/sweep.js';

/** Rows of a product: as many as scikit-learn's chunks have. */
const CHUNK = 256;
/** Floating-point operations of a product that is done at once: some 0.5 ms on one core. */
const BRIEF = 2e7;

/**
 * Squared distances of rows from points, less the rows' own squares: |c|^2 - 2 x c, by one matrix product. Samples that lie as far from
 * two centres as from one another, as whole numbers do, go where rounding sends them: all is added up as scikit-learn does it.
 */
export class Distances {
  #squares: Float64Array = new Float64Array();
  readonly #plan: Plan;
  readonly #x: Buffer;
  readonly #w: Buffer;
  readonly #d: Buffer;
  readonly #direct: ReturnType<Plan['direct']>;
  readonly #pace = new Pace();
  /** For the distances of all samples. */
  #room?: FloatArray;
  /** When a job last let others run. */
  #since = performance.now();

  /** @param points how many there are */
  constructor(features: number, points: number, dtype: FloatType) {
    const t = new Tape(dtype);
    this.#w = t.fixed('parameter', 'points', [features, points]);
    this.#x = t.batched('x', [features]);
    this.#d = t.batched('distances', [points]);
    t.program('distances');
    t.emit('matmul', [this.#x, this.#w, this.#d], { O: points, I: features });
    this.#plan = t.compile();
    this.#direct = this.#plan.direct('distances', [this.#x], [this.#d]);
  }

  /** @param points [points, features], one after the other */
  set(points: ArrayLike<number>): void {
    const [features, count] = this.#w.shape;
    const w = new Float64Array(features * count);
    for (let k = 0; k < count; k++) for (let j = 0; j < features; j++) w[j * count + k] = -2 * points[k * features + j];
    this.#plan.write(this.#w, NDArray.wrap(w, [features, count]));
    this.#squares = Float64Array.from({ length: count }, (_, k) => squaredNorm(points, k * features, features));
  }

  /** Of rows that are not used again. */
  ofRows(x: NDArray): FloatArray {
    return this.#atOnce(valuesOf(x, this.#plan.dtype), this.#made(x.shape[0]));
  }

  /** Of all samples, always the same ones, some of them at a time: `each` is given those from row `at` on. */
  *of({ x, data, n: count }: Samples, each: (d: FloatArray, at: number, rows: number) => void): Training<void> {
    if (this.#isBrief(count)) {
      this.#room ??= this.#made(count);
      each(this.#atOnce(x, this.#room), 0, count);
      return;
    }
    yield* sweep(
      {
        ...{ plan: this.#plan, program: 'distances', inputs: [[this.#x, data]], outputs: [this.#d] },
        ...{ rows: { first: 0, count }, batchSize: CHUNK, pace: this.#pace },
      },
      ({ result, at, count }) => {
        each(this.#whole((result.outputs as FloatArray[])[0]), at, count);
        return undefined;
      },
    );
    this.#since = performance.now();
  }

  /** Others need not run meanwhile: it takes below a millisecond, and they did some ago. A job of its own would take longer to come. */
  #isBrief(count: number): boolean {
    const [features, points] = this.#w.shape;
    return 2 * count * features * points < BRIEF && performance.now() - this.#since < 5;
  }

  #atOnce(x: FloatArray, d: FloatArray): FloatArray {
    this.#direct(CHUNK, [x, d]);
    return this.#whole(d);
  }

  #made(count: number): FloatArray {
    const length = count * this.#w.shape[1];
    return this.#plan.dtype === 'float32' ? allocate(Float32Array, length) : allocate(Float64Array, length);
  }

  #whole(d: FloatArray): FloatArray {
    const squares = this.#squares;
    const count = squares.length;
    for (let at = 0; at < d.length; at += count) for (let k = 0; k < count; k++) d[at + k] += squares[k];
    return d;
  }
}

/** Of distances [n, clusters], the first of the least of row i. */
export function nearest(d: FloatArray, i: number, clusters: number): number {
  const row = i * clusters;
  let label = 0;
  for (let k = 1; k < clusters; k++) if (d[row + k] < d[row + label]) label = k;
  return label;
}

/** |x|^2 of `length` values from `from` on, in the order of NumPy's einsum: in two sums, groups of four pairs from behind. */
function squaredNorm(x: ArrayLike<number>, from: number, length: number): number {
  let [even, odd] = [0, 0];
  let i = from;
  const end = from + length;
  for (; i + 8 <= end; i += 8)
    for (let pair = 6; pair >= 0; pair -= 2) {
      even += x[i + pair] * x[i + pair];
      odd += x[i + pair + 1] * x[i + pair + 1];
    }
  for (; i + 2 <= end; i += 2) {
    even += x[i] * x[i];
    odd += x[i + 1] * x[i + 1];
  }
  if (i < end) even += x[i] * x[i];
  return even + odd;
}

/** Samples about their mean. */
export class Samples {
  readonly n: number;
  readonly features: number;
  readonly dtype: FloatType;
  /** [n, features], less the mean. */
  readonly x: FloatArray;
  readonly mean: Float64Array;
  /** The mean of the features' variances. */
  readonly variance: number;
  /** |x|^2 of each row. */
  readonly squares: Float64Array;
  readonly weight: ArrayLike<number>;
  readonly data: NativeDataset;

  constructor(array: NDArray, weight: ArrayLike<number>) {
    const [n, features] = array.shape;
    this.n = n;
    this.features = features;
    this.dtype = array.dtype as FloatType;
    this.weight = weight;
    this.mean = new Float64Array(features);
    for (let i = 0; i < array.size; i++) this.mean[i % features] += array.data[i];
    for (let j = 0; j < features; j++) this.mean[j] /= n;
    const centered = NDArray.zeros([n, features], array.dtype);
    this.x = centered.data as FloatArray;
    this.squares = new Float64Array(n);
    for (let i = 0, at = 0; i < n; i++)
      for (let j = 0; j < features; j++, at++) this.x[at] = array.data[at] - this.mean[j];
    for (let i = 0; i < n; i++) this.squares[i] = squaredNorm(this.x, i * features, features);
    this.variance = this.squares.reduce((sum, square) => sum + square, 0) / (n * features);
    this.data = dataset('x', centered, array.dtype);
  }

  row(i: number): FloatArray {
    return this.x.subarray(i * this.features, (i + 1) * this.features) as FloatArray;
  }
}
