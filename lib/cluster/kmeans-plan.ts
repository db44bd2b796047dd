import { allocateAs } from '../array/memory.js';
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

/** What is computed of rows: a program of the plan. */
interface Found {
  readonly program: string;
  readonly output: Buffer;
  readonly direct: ReturnType<Plan['direct']>;
  /** For what is found of all samples. */
  room?: FloatArray;
}

/** Of each column of points. */
export function meanOf({ data, shape: [n, features] }: NDArray): Float64Array {
  const mean = new Float64Array(features);
  for (let i = 0; i < data.length; i++) mean[i % features] += data[i] / n;
  return mean;
}

/**
 * Squared distances of rows from points, less the rows' own squares: |c|^2 - 2 x c, by one matrix product. Samples that lie as far from
 * two centres as from one another, as whole numbers do, go where rounding sends them: all is added up as scikit-learn does it.
 */
export class Distances {
  readonly #plan: Plan;
  readonly #x: Buffer;
  readonly #w: Buffer;
  readonly #squares: Buffer;
  /** [points] a row */
  readonly #all: Found;
  /** [1] a row */
  readonly #nearest: Found;
  readonly #pace = new Pace();
  /** When a job last let others run. */
  #since = performance.now();

  /** @param points how many there are */
  constructor(features: number, points: number, dtype: FloatType) {
    const t = new Tape(dtype);
    this.#w = t.fixed('parameter', 'points', [features, points]);
    this.#squares = t.fixed('parameter', 'squares', [points]);
    this.#x = t.batched('x', [features]);
    const [distances, products] = ['distances', 'products'].map((name) => t.batched(name, [points]));
    const label = t.batched('label', [1]);
    const begin = (program: string, out: Buffer) => {
      t.program(program);
      t.emit('matmul', [this.#x, this.#w, out], { O: points, I: features });
    };
    begin('all', distances);
    t.emit('addBias', [distances, this.#squares, distances], { O: points });
    begin('nearest', products);
    t.emit('nearest', [products, this.#squares, label], { K: points });
    this.#plan = t.compile();
    const found = (program: string, output: Buffer): Found => ({
      ...{ program, output, direct: this.#plan.direct(program, [this.#x], [output]) },
    });
    this.#all = found('all', distances);
    this.#nearest = found('nearest', label);
  }

  /** @param points [points, features], one after the other */
  set(points: ArrayLike<number>): void {
    const [features, count] = this.#w.shape;
    const w = new Float64Array(features * count);
    for (let k = 0; k < count; k++) for (let j = 0; j < features; j++) w[j * count + k] = -2 * points[k * features + j];
    this.#plan.write(this.#w, NDArray.wrap(w, [features, count]));
    const squares = Float64Array.from({ length: count }, (_, k) => squaredNorm(points, k * features, features));
    this.#plan.write(this.#squares, NDArray.wrap(squares));
  }

  /** [n, points] of rows that are not used again. */
  ofRows(x: NDArray): FloatArray {
    return this.#of(this.#all, x);
  }

  /** [n]: the point that is nearest to each row; of several the first. */
  nearestTo(x: NDArray): FloatArray {
    return this.#of(this.#nearest, x);
  }

  /** [rows, points] of all samples, always the same ones, some of them at a time: `each` is given those from row `at` on. */
  of(samples: Samples, each: (d: FloatArray, at: number, rows: number) => void): Training<void> {
    return this.#ofSamples(this.#all, samples, each);
  }

  /** The same with the nearest points, [rows]. */
  nearest(samples: Samples, each: (labels: FloatArray, at: number, rows: number) => void): Training<void> {
    return this.#ofSamples(this.#nearest, samples, each);
  }

  #of(found: Found, x: NDArray): FloatArray {
    const out = this.#made(found, x.shape[0]);
    found.direct(CHUNK, [valuesOf(x, this.#plan.dtype), out]);
    return out;
  }

  *#ofSamples(
    found: Found,
    { x, data, n: count }: Samples,
    each: (values: FloatArray, at: number, rows: number) => void,
  ): Training<void> {
    if (this.#isBrief(count)) {
      found.room ??= this.#made(found, count);
      found.direct(CHUNK, [x, found.room]);
      each(found.room, 0, count);
      return;
    }
    yield* sweep(
      {
        ...{ plan: this.#plan, program: found.program, inputs: [[this.#x, data]], outputs: [found.output] },
        ...{ rows: { first: 0, count }, batchSize: CHUNK, pace: this.#pace },
      },
      ({ result, at, count }) => {
        each((result.outputs as FloatArray[])[0], at, count);
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

  #made({ output }: Found, count: number): FloatArray {
    return allocateAs(this.#plan.dtype, count * output.size);
  }
}

/** Sums of rows, cluster by cluster, in their order. */
export class Sums {
  readonly #plan: Plan;
  readonly #sums: Buffer;
  readonly #add: ReturnType<Plan['direct']>;

  constructor(features: number, clusters: number, dtype: FloatType) {
    const t = new Tape(dtype);
    this.#sums = t.fixed('state', 'sums', [clusters, features]);
    const [label, x] = [t.batched('label', [1], 'int32'), t.batched('x', [features])];
    t.program('add');
    t.emit('scatterAdd', [label, x, this.#sums], { V: clusters, E: features });
    this.#plan = t.compile();
    this.#add = this.#plan.direct('add', [label, x], []);
  }

  clear(): void {
    this.#plan.write(this.#sums, NDArray.zeros(this.#sums.shape, this.#plan.dtype));
  }

  add(labels: Int32Array, rows: FloatArray): void {
    this.#add(CHUNK, [labels, rows]);
  }

  /** [clusters, features], one after the other */
  read(): FloatArray {
    return this.#plan.read(this.#sums).data as FloatArray;
  }
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
  readonly weight: Float64Array;
  /** x, each row times its weight. */
  readonly weighted: FloatArray;
  readonly data: NativeDataset;

  constructor(array: NDArray, weight: Float64Array) {
    const [n, features] = array.shape;
    this.n = n;
    this.features = features;
    this.dtype = array.dtype as FloatType;
    this.weight = weight;
    const { data } = array;
    const mean = new Float64Array(features);
    for (let i = 0, at = 0; i < n; i++) for (let j = 0; j < features; j++, at++) mean[j] += data[at];
    for (let j = 0; j < features; j++) mean[j] /= n;
    const centered = NDArray.zeros([n, features], array.dtype);
    const x = centered.data as FloatArray;
    for (let i = 0, at = 0; i < n; i++) for (let j = 0; j < features; j++, at++) x[at] = data[at] - mean[j];
    const squares = new Float64Array(n);
    for (let i = 0; i < n; i++) squares[i] = squaredNorm(x, i * features, features);
    this.mean = mean;
    this.x = x;
    this.squares = squares;
    this.variance = this.squares.reduce((sum, square) => sum + square, 0) / (n * features);
    this.weighted = this.x;
    if (weight.some((w) => w !== 1))
      this.weighted = this.x.map((value, i) => value * weight[Math.floor(i / features)]) as FloatArray;
    this.data = dataset('x', centered, array.dtype);
  }

  /** Of the samples' dtype. */
  values(length: number): FloatArray {
    return allocateAs(this.dtype, length);
  }

  row(i: number): FloatArray {
    return this.x.subarray(i * this.features, (i + 1) * this.features) as FloatArray;
  }
}
