import { type ArrayInput, asArray, checkFinite, NDArray, toMatrix } from '../array.js';
import { checkInteger, checkInterval, checkOneOf, checkOptions, wrongShape, wrongType, wrongValue } from '../check.js';
import { checkRowCount } from '../model-selection/folds.js';
import { type Parts, registerSaved, Saved } from '../saved.js';
import { solve } from './solve.js';

/** phi of a distance r, times epsilon; and the least degree of a polynomial that makes the system solvable (Fasshauer 2007). */
const KERNELS = {
  linear: { phi: (r: number) => -r, least: 0, scaled: false },
  thinPlateSpline: { phi: (r: number) => (r === 0 ? 0 : r * r * Math.log(r)), least: 1, scaled: false },
  cubic: { phi: (r: number) => r * r * r, least: 1, scaled: false },
  quintic: { phi: (r: number) => -(r * r * r * r * r), least: 2, scaled: false },
  multiquadric: { phi: (r: number) => -Math.sqrt(r * r + 1), least: 0, scaled: true },
  inverseMultiquadric: { phi: (r: number) => 1 / Math.sqrt(r * r + 1), least: -1, scaled: true },
  inverseQuadratic: { phi: (r: number) => 1 / (r * r + 1), least: -1, scaled: true },
  gaussian: { phi: (r: number) => Math.exp(-(r * r)), least: -1, scaled: true },
} as const;

export type RBFKernel = keyof typeof KERNELS;

export interface RBFInterpolatorOptions {
  /** Default 'gaussian' */
  kernel?: RBFKernel;
  /** > 0: distances are multiplied by it. 'linear', 'thinPlateSpline', 'cubic' and 'quintic' need none; the others have no default */
  epsilon?: number;
  /**
   * Of the polynomial that is added: -1 for none, 0 a constant, 1 a plane. Default: the least that the kernel needs, which is -1 for
   * 'gaussian', 'inverseMultiquadric' and 'inverseQuadratic'
   */
  degree?: number;
  /** >= 0, added to the diagonal: one number, or one for each point. With 0 the values are met exactly. Default 0 */
  smoothing?: number | ArrayInput;
  /** >= 1: each value is of an interpolant of so many points, those nearest to it. Default: of all points */
  neighbors?: number;
}

/**
 * Interpolation by radial basis functions: s(x) = sum_j a_j phi(epsilon |x - x_j|) + polynomial, equal to SciPy's `RBFInterpolator`.
 * phi of 'gaussian' is exp(-(epsilon r)^2). float64.
 *
 * The system of as many equations as points is solved when it is made, on the calling thread: 0.2 s for 1,000 points, 2 s for 3,000.
 * With `neighbors` there is none then: `predict` solves one of so many equations for each set of points that is nearest to any x.
 */
export class RBFInterpolator extends Saved {
  static override readonly className = 'RBFInterpolator';
  readonly kernel: RBFKernel;
  readonly epsilon: number;
  readonly degree: number;
  /** Of which a value is, undefined for all points. */
  readonly neighbors: number | undefined;
  readonly #points: NDArray;
  readonly #values: NDArray;
  readonly #smoothing: NDArray;
  /** That of all points, without neighbors. */
  readonly #whole: Interpolant | undefined;

  static {
    registerSaved(RBFInterpolator);
  }

  /**
   * @param x [n, dimensions]: points that differ @param y [n] or [n, columns]: the values there
   * @throws RangeError if x and y do not fit, or the system is singular: two points are the same, or epsilon is too small for them
   */
  constructor(x: ArrayInput, y: ArrayInput, options: RBFInterpolatorOptions = {}) {
    super();
    checkOptions('options', options, ['kernel', 'epsilon', 'degree', 'smoothing', 'neighbors']);
    const kernel = checkOneOf('kernel', options.kernel ?? 'gaussian', Object.keys(KERNELS) as RBFKernel[]);
    const { least, scaled } = KERNELS[kernel];
    if (scaled && (options.epsilon ?? undefined) === undefined)
      throw wrongType('epsilon', `a positive number for '${kernel}'`, options.epsilon);
    const epsilon = checkInterval('epsilon', options.epsilon ?? 1, 0, Number.POSITIVE_INFINITY, 'low');
    const degree = checkInteger('degree', options.degree ?? least, -1);
    const points = NDArray.from(toMatrix('x', x), { dtype: 'float64' });
    const values = asArray('y', y);
    checkFinite('y', values);
    if (values.ndim !== 1 && values.ndim !== 2) throw wrongShape('y', 'a vector or a matrix', values.shape);
    const [n, dimensions] = points.shape;
    checkRowCount('y', values.shape[0], n);
    const { neighbors } = options;
    this.neighbors = neighbors === undefined ? undefined : Math.min(checkInteger('neighbors', neighbors, 1), n);
    const needed = monomialCount(dimensions, degree);
    if (n < needed)
      throw wrongShape('x', `a matrix of ${needed} rows or more for a polynomial of degree ${degree}`, points.shape);
    if (this.neighbors !== undefined && this.neighbors < needed)
      throw wrongValue('neighbors', `${needed} or more for a polynomial of degree ${degree}`, neighbors);
    this.kernel = kernel;
    this.epsilon = epsilon;
    this.degree = degree;
    this.#points = points;
    this.#values = NDArray.from(values);
    this.#smoothing = NDArray.from(readSmoothing(options.smoothing ?? 0, n) as Float64Array);
    this.#whole = this.neighbors === undefined ? this.#interpolant() : undefined;
  }

  /**
   * [points + monomials] or [points + monomials, columns]: what each phi, and then each monomial, is multiplied by.
   * @throws TypeError with `neighbors`, of which each set has its own
   */
  get coefficients(): NDArray {
    if (!this.#whole) throw wrongType('neighbors', 'undefined where all points have coefficients', this.neighbors);
    const all = NDArray.from(this.#whole.coefficients);
    return this.#values.ndim === 1 ? all.reshape(-1) : all;
  }

  /** The interpolant at points x [n, dimensions]: [n], or [n, columns]. @throws RangeError if that of some neighbors is singular */
  predict(x: ArrayInput): NDArray {
    const array = NDArray.from(toMatrix('x', x), { dtype: 'float64' });
    const [, dimensions] = this.#points.shape;
    if (array.shape[1] !== dimensions)
      throw wrongShape('x', `a matrix of ${dimensions} columns, as the points have`, array.shape);
    const n = array.shape[0];
    const out = NDArray.zeros([n, this.#values.size / this.#points.shape[0]]);
    if (this.#whole) for (let i = 0; i < n; i++) this.#whole.writeTo(out, i, array.data);
    else
      for (const { nearest, of } of this.#neighborhoods(array)) {
        const interpolant = this.#interpolant(nearest);
        for (const i of of) interpolant.writeTo(out, i, array.data);
      }
    return this.#values.ndim === 1 ? out.reshape(n) : out;
  }

  /** That of some points, or of all. */
  #interpolant(rows?: NDArray): Interpolant {
    const n = this.#points.shape[0];
    const all = [this.#points, this.#values.reshape(n, this.#values.size / n), this.#smoothing];
    const [points, values, smoothing] = rows ? all.map((array) => array.take(rows)) : all;
    return new Interpolant(points, values, smoothing, this, (row) => rows?.data[row] ?? row);
  }

  /** The sets of points that are nearest to rows of x, and those rows. Of points as far as each other the first counts as nearer. */
  #neighborhoods(x: NDArray): Iterable<{ nearest: NDArray; of: number[] }> {
    const [points, dimensions] = this.#points.shape;
    const k = this.neighbors as number;
    const sets = new Map<string, { nearest: NDArray; of: number[] }>();
    const [rows, far] = [new Int32Array(k), new Float64Array(k)];
    for (let i = 0; i < x.shape[0]; i++) {
      far.fill(Number.POSITIVE_INFINITY);
      for (let j = 0; j < points; j++) {
        const d = distance(x.data, i, this.#points.data, j, dimensions, 1);
        if (j >= k && !(d < far[k - 1])) continue;
        let at = Math.min(j, k - 1);
        for (; at > 0 && d < far[at - 1]; at--) {
          far[at] = far[at - 1];
          rows[at] = rows[at - 1];
        }
        far[at] = d;
        rows[at] = j;
      }
      const nearest = Int32Array.from(rows).sort();
      const key = nearest.join();
      const set = sets.get(key);
      if (set) set.of.push(i);
      else sets.set(key, { nearest: NDArray.wrap(nearest), of: [i] });
    }
    return sets.values();
  }

  static override revive(config: never): Saved {
    const { x, y, options } = config as { x: ArrayInput; y: ArrayInput; options: RBFInterpolatorOptions };
    return new RBFInterpolator(x, y, options);
  }

  /** What it was made of: its system is solved again when it is loaded. */
  protected override parts(): Parts {
    const { kernel, epsilon, degree, neighbors } = this;
    const options = { kernel, epsilon, degree, smoothing: this.#smoothing, ...(neighbors && { neighbors }) };
    return { config: { x: this.#points, y: this.#values, options } };
  }

  protected override restore(): void {}
}

/** Of the largest value: how far off the interpolant may be at a point. Well-conditioned systems come to 1e-13. */
const MOST_OFF = 1e-6;

/** What the system of some points gives. */
class Interpolant {
  /** [points + monomials, columns] */
  readonly coefficients: NDArray;
  readonly #points: NDArray;
  readonly #polynomial: Polynomial;
  readonly #of: Required<Pick<RBFInterpolatorOptions, 'kernel' | 'epsilon'>>;

  /** @param points [n, dimensions] @param values [n, columns] @param smoothing [n] @param numberOf a point's among all */
  constructor(
    points: NDArray,
    values: NDArray,
    smoothing: NDArray,
    of: Required<Pick<RBFInterpolatorOptions, 'kernel' | 'epsilon' | 'degree'>>,
    numberOf: (row: number) => number,
  ) {
    this.#of = of;
    this.#points = points;
    this.#polynomial = new Polynomial(points, of.degree);
    const { phi } = KERNELS[of.kernel];
    const [n, dimensions] = points.shape;
    const columns = values.shape[1];
    const size = n + this.#polynomial.powers.length;
    const monomialsOf = Array.from({ length: n }, (_, i) => this.#polynomial.at(points.data, i));
    // of points on a line elimination ends with some plane, as rounding hides that there are many
    if (!areIndependent(monomialsOf)) throw undetermined();
    const a = new Float64Array(size * size);
    for (let i = 0; i < n; i++) {
      for (let j = 0; j <= i; j++) {
        const value = phi(distance(points.data, i, points.data, j, dimensions, of.epsilon));
        a[i * size + j] = value;
        a[j * size + i] = value;
      }
      a[i * size + i] += smoothing.data[i];
      for (const [k, value] of monomialsOf[i].entries()) {
        a[i * size + n + k] = value;
        a[(n + k) * size + i] = value;
      }
    }
    const b = new Float64Array(size * columns);
    b.set(values.data);
    if (!solve(a, size, b, columns) || !b.every(Number.isFinite)) throw undetermined();
    this.coefficients = NDArray.wrap(b, [size, columns]);
    this.#checkMet(values, smoothing, numberOf);
  }

  /** out[i] = the interpolant at the i-th of points x. */
  writeTo(out: NDArray, i: number, x: ArrayLike<number>): void {
    const [points, dimensions] = this.#points.shape;
    const { data: c, shape } = this.coefficients;
    const columns = shape[1];
    const { phi } = KERNELS[this.#of.kernel];
    const add = (value: number, k: number) => {
      for (let j = 0; j < columns; j++) out.data[i * columns + j] += value * c[k * columns + j];
    };
    for (let k = 0; k < points; k++) add(phi(distance(x, i, this.#points.data, k, dimensions, this.#of.epsilon)), k);
    for (const [k, value] of this.#polynomial.at(x, i).entries()) add(value, points + k);
  }

  /** Elimination ends with some numbers even where rounding has left nothing of them. */
  #checkMet(
    { data: values, shape: [n, columns] }: NDArray,
    smoothing: NDArray,
    numberOf: (row: number) => number,
  ): void {
    const met = NDArray.zeros([n, columns]);
    for (let i = 0; i < n; i++) this.writeTo(met, i, this.#points.data);
    let largest = 0;
    for (const value of values) largest = Math.max(largest, Math.abs(value));
    for (let i = 0; i < values.length; i++) {
      const row = Math.floor(i / columns);
      const off = met.data[i] + smoothing.data[row] * this.coefficients.data[i] - values[i];
      if (!(Math.abs(off) <= MOST_OFF * largest))
        throw new RangeError(
          `Expected ${KERNELS[this.#of.kernel].scaled ? 'epsilon to be larger, or some smoothing' : 'some smoothing, or points further apart'}: the system of these points is so nearly singular that the interpolant is off by ${Math.abs(off).toExponential(1)} at point ${numberOf(row)}`,
        );
    }
  }
}

/** Monomials of the points, moved and scaled to [-1, 1], in the order of SciPy's: 1, x, y, x^2, x y, y^2 … */
class Polynomial {
  readonly powers: readonly (readonly number[])[];
  readonly #shift: Float64Array;
  readonly #scale: Float64Array;

  constructor({ data, shape: [n, dimensions] }: NDArray, degree: number) {
    this.powers = monomials(dimensions, degree);
    this.#shift = new Float64Array(dimensions);
    this.#scale = new Float64Array(dimensions);
    for (let j = 0; j < dimensions; j++) {
      let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
      for (let i = 0; i < n; i++) {
        low = Math.min(low, data[i * dimensions + j]);
        high = Math.max(high, data[i * dimensions + j]);
      }
      this.#shift[j] = (high + low) / 2;
      this.#scale[j] = (high - low) / 2 || 1;
    }
  }

  /** Of the i-th of points [n, dimensions]. */
  at(points: ArrayLike<number>, i: number): number[] {
    const dimensions = this.#shift.length;
    return this.powers.map((powers) =>
      powers.reduce((product, power, j) => {
        const value = (points[i * dimensions + j] - this.#shift[j]) / this.#scale[j];
        let factor = 1;
        for (let k = 0; k < power; k++) factor *= value;
        return product * factor;
      }, 1),
    );
  }
}

const undetermined = () =>
  new RangeError(
    'Expected x to determine one interpolant, but its system is singular: two points are the same, epsilon is too small for them, or they lie on a line where the polynomial needs a plane',
  );

/** Whether no column is a sum of those before it, but for rounding: by Gram and Schmidt, each of them twice. */
function areIndependent(rows: readonly (readonly number[])[]): boolean {
  const basis: number[][] = [];
  const length = (column: readonly number[]) => Math.sqrt(column.reduce((sum, value) => sum + value * value, 0));
  for (const k of rows[0].keys()) {
    let rest = rows.map((row) => row[k]);
    const least = ROUNDING * length(rest);
    for (const unit of [...basis, ...basis]) {
      const share = rest.reduce((sum, value, i) => sum + value * unit[i], 0);
      rest = rest.map((value, i) => value - share * unit[i]);
    }
    const left = length(rest);
    if (!(left > least)) return false;
    basis.push(rest.map((value) => value / left));
  }
  return true;
}

/** Of a column: what rounding may leave of it where it is a sum of others. */
const ROUNDING = 1e-12;

/** (degree + dimensions)! / (degree! dimensions!); 0 of degree -1. */
function monomialCount(dimensions: number, degree: number): number {
  let count = 1;
  for (let k = 1; k <= dimensions; k++) count *= (degree + k) / k;
  return Math.round(count);
}

/** The exponents of all monomials up to a degree: itertools' combinations_with_replacement, counted. */
function monomials(dimensions: number, degree: number): number[][] {
  const all: number[][] = [];
  const add = (powers: number[], from: number, left: number) => {
    if (left === 0) {
      all.push(powers);
      return;
    }
    for (let j = from; j < dimensions; j++)
      add(
        powers.map((power, k) => power + Number(k === j)),
        j,
        left - 1,
      );
  };
  for (let d = 0; d <= degree; d++) add(new Array<number>(dimensions).fill(0), 0, d);
  return all;
}

function distance(
  a: ArrayLike<number>,
  i: number,
  b: ArrayLike<number>,
  k: number,
  dimensions: number,
  epsilon: number,
): number {
  let sum = 0;
  for (let j = 0; j < dimensions; j++) {
    const d = a[i * dimensions + j] * epsilon - b[k * dimensions + j] * epsilon;
    sum += d * d;
  }
  return Math.sqrt(sum);
}

function readSmoothing(smoothing: number | ArrayInput, n: number): ArrayLike<number> {
  if (typeof smoothing === 'number') {
    checkInterval('smoothing', smoothing, 0, Number.POSITIVE_INFINITY);
    return new Float64Array(n).fill(smoothing);
  }
  const array = asArray('smoothing', smoothing);
  if (array.shape.join() !== String(n)) throw wrongShape('smoothing', `a number or a vector of ${n}`, array.shape);
  for (const [i, value] of array.data.entries()) checkInterval(`smoothing[${i}]`, value, 0, Number.POSITIVE_INFINITY);
  return array.data;
}
