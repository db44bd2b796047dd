import { RandomState } from 'fjordnet';

export type Dims = Record<string, number>;
export type Scalars = Record<string, number>;
export type Values = ArrayLike<number>;

/** How a row of the kernel table is tested: what to call it with, and what it must give. */
export interface KernelCase {
  /** Sizes to try. Some should be large enough for the kernel to cut them into tiles. */
  dims: readonly Dims[];
  /** Scalars to try; default: none. */
  scalars?: readonly Scalars[];
  /** Values of buffer number `k`, counted as in the signature; default: standard normal numbers. Outputs that are not read hold NaN. */
  fill?(k: number, draw: Draw, d: Dims, s: Scalars): Values | undefined;
  /**
   * The outputs in order, written down naively: from all buffers as they were before, updated outputs included. `round`
   * rounds to the dtype.
   */
  reference(b: readonly Float64Array[], d: Dims, s: Scalars, round: (x: number) => number): Values[];
  /** Allowed error, in units of the dtype's epsilon times the output's largest value; default 8. */
  tolerance?: number;
}

export type KernelCases = Readonly<Record<string, KernelCase>>;

/** Random values of one buffer. */
export class Draw {
  readonly #random: RandomState;
  readonly length: number;

  constructor(seed: number, length: number) {
    this.#random = new RandomState(seed);
    this.length = length;
  }

  normal = (): Float64Array => this.#random.randn(this.length).data as Float64Array;
  uniform = (low: number, high: number): Float64Array =>
    this.#random.uniform(low, high, this.length).data as Float64Array;
  integers = (n: number): Float64Array => Float64Array.from(this.#random.randint(0, n, this.length).data);
  positive = (): Float64Array => this.normal().map((x) => x * x + 0.1);

  /** Rows of `n` with one 1. */
  oneHot(n: number): Float64Array {
    const out = new Float64Array(this.length);
    for (let r = 0; r < this.length / n; r++) out[r * n + this.#random.randint(n)] = 1;
    return out;
  }

  /** Rows of `n` that sum to 1: one-hot, but every third one spread out. */
  targets(n: number): Float64Array {
    const out = this.oneHot(n);
    for (let r = 2; r < this.length / n; r += 3) out.set(softmax(this.#random.randn(n).data), r * n);
    return out;
  }
}

/** Sizes for kernels that work element by element: one value, less than a vector, several tiles. */
export const ELEMENTS: readonly Dims[] = [
  { B: 1, N: 1 },
  { B: 3, N: 7 },
  { B: 100, N: 50 },
  { B: 5, N: 9001 },
];

/** Sizes for kernels that work on rows along the last of three axes. */
export const ROWS: readonly Dims[] = [
  { B: 1, M: 1, N: 1 },
  { B: 5, M: 1, N: 10 },
  { B: 4, M: 3, N: 7 },
  { B: 300, M: 2, N: 33 },
];

/** The same for two axes. */
export const MATRICES: readonly Dims[] = ROWS.map(({ B, M, N }) => ({ B: B * M, N }));

/** y = f(x), element by element. */
export const map = (f: (x: number, s: Scalars) => number, rest: Partial<KernelCase> = {}): KernelCase => ({
  dims: ELEMENTS,
  reference: ([x], _, s) => [x.map((v) => f(v, s))],
  ...rest,
});

/** z = f(x, y), element by element. */
export const map2 = (f: (x: number, y: number, s: Scalars) => number, rest: Partial<KernelCase> = {}): KernelCase => ({
  dims: ELEMENTS,
  reference: ([x, y], _, s) => [x.map((v, i) => f(v, y[i], s))],
  ...rest,
});

export function softmax(z: Values): number[] {
  const row = Array.from(z);
  const most = Math.max(...row);
  const e = row.map((v) => Math.exp(v - most));
  const sum = e.reduce((a, b) => a + b, 0);
  return e.map((v) => v / sum);
}

/** Row number `r` of an array with rows of `n`. */
export const row = (x: Float64Array, r: number, n: number): Float64Array => x.subarray(r * n, (r + 1) * n);

export const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

/** The sum, with what each addition loses added at the end (Neumaier). */
export function sum(x: Values): number {
  let total = 0;
  let lost = 0;
  for (let i = 0; i < x.length; i++) {
    const next = total + x[i];
    lost += Math.abs(total) >= Math.abs(x[i]) ? total - next + x[i] : x[i] - next + total;
    total = next;
  }
  return total + lost;
}
