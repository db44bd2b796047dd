import { type ArrayInput, asArray, checkFinite, NDArray, toMatrix } from '../array.js';
import { checkInteger, checkInterval, checkOneOf, checkOptions, wrongShape, wrongType } from '../check.js';
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
}

/**
 * Interpolation by radial basis functions: s(x) = sum_j a_j phi(epsilon |x - x_j|) + polynomial, equal to SciPy's `RBFInterpolator`
 * without `neighbors`. phi of 'gaussian' is exp(-(epsilon r)^2). float64.
 *
 * The system of as many equations as points is solved when it is made, on the calling thread: 0.03 s for 1,000 points on two cores.
 */
export class RBFInterpolator extends Saved {
  static override readonly className = 'RBFInterpolator';
  readonly kernel: RBFKernel;
  readonly epsilon: number;
  readonly degree: number;
  readonly #points: NDArray;
  /** [points + monomials, columns] */
  readonly #coefficients: NDArray;
  readonly #values: NDArray;
  readonly #smoothing: NDArray;
  readonly #polynomial: Polynomial;

  static {
    registerSaved(RBFInterpolator);
  }

  /**
   * @param x [n, dimensions]: points that differ @param y [n] or [n, columns]: the values there
   * @throws RangeError if x and y do not fit, or the system is singular: two points are the same, or epsilon is too small for them
   */
  constructor(x: ArrayInput, y: ArrayInput, options: RBFInterpolatorOptions = {}) {
    super();
    checkOptions('options', options, ['kernel', 'epsilon', 'degree', 'smoothing']);
    const kernel = checkOneOf('kernel', options.kernel ?? 'gaussian', Object.keys(KERNELS) as RBFKernel[]);
    const { phi, least, scaled } = KERNELS[kernel];
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
    const monomials = monomialCount(dimensions, degree);
    if (n < monomials)
      throw wrongShape('x', `a matrix of ${monomials} rows or more for a polynomial of degree ${degree}`, points.shape);
    const polynomial = new Polynomial(points, degree);
    const smoothing = readSmoothing(options.smoothing ?? 0, n);

    const size = n + monomials;
    const a = new Float64Array(size * size);
    for (let i = 0; i < n; i++) {
      for (let j = 0; j <= i; j++) {
        const value = phi(distance(points.data, i, points.data, j, dimensions, epsilon));
        a[i * size + j] = value;
        a[j * size + i] = value;
      }
      a[i * size + i] += smoothing[i];
      for (const [k, value] of polynomial.at(points.data, i).entries()) {
        a[i * size + n + k] = value;
        a[(n + k) * size + i] = value;
      }
    }
    const columns = values.size / n;
    const b = new Float64Array(size * columns);
    b.set(values.data);
    if (!solve(a, size, b, columns) || !b.every(Number.isFinite))
      throw new RangeError(
        'Expected x to determine one interpolant, but its system is singular: two points are the same, epsilon is too small for them, or they lie on a line where the polynomial needs a plane',
      );
    this.kernel = kernel;
    this.epsilon = epsilon;
    this.degree = degree;
    this.#points = points;
    this.#polynomial = polynomial;
    this.#coefficients = NDArray.wrap(b, [size, columns]);
    this.#values = NDArray.from(values);
    this.#smoothing = NDArray.from(smoothing as Float64Array);
    this.#checkMet(smoothing);
  }

  /** [points + monomials] or [points + monomials, columns]: what each phi, and then each monomial, is multiplied by. */
  get coefficients(): NDArray {
    const all = NDArray.from(this.#coefficients);
    return this.#values.ndim === 1 ? all.reshape(-1) : all;
  }

  /** The interpolant at points x [n, dimensions]: [n], or [n, columns]. */
  predict(x: ArrayInput): NDArray {
    const array = toMatrix('x', x);
    const [points, dimensions] = this.#points.shape;
    if (array.shape[1] !== dimensions)
      throw wrongShape('x', `a matrix of ${dimensions} columns, as the points have`, array.shape);
    const n = array.shape[0];
    const columns = this.#coefficients.shape[1];
    const { data: c } = this.#coefficients;
    const { phi } = KERNELS[this.kernel];
    const out = NDArray.zeros([n, columns]);
    for (let i = 0; i < n; i++) {
      const add = (value: number, k: number) => {
        for (let j = 0; j < columns; j++) out.data[i * columns + j] += value * c[k * columns + j];
      };
      for (let k = 0; k < points; k++)
        add(phi(distance(array.data, i, this.#points.data, k, dimensions, this.epsilon)), k);
      for (const [k, value] of this.#polynomial.at(array.data, i).entries()) add(value, points + k);
    }
    return this.#values.ndim === 1 ? out.reshape(n) : out;
  }

  /** Elimination ends with some numbers even where rounding has left nothing of them. */
  #checkMet(smoothing: ArrayLike<number>): void {
    const { data: values } = this.#values;
    const { data: met } = this.predict(this.#points);
    const columns = this.#coefficients.shape[1];
    let largest = 0;
    for (const value of values) largest = Math.max(largest, Math.abs(value));
    for (let i = 0; i < values.length; i++) {
      const off = met[i] + smoothing[Math.floor(i / columns)] * this.#coefficients.data[i] - values[i];
      if (!(Math.abs(off) <= MOST_OFF * largest))
        throw new RangeError(
          `Expected epsilon to be larger, or some smoothing: the system of these points is so nearly singular that the interpolant is off by ${Math.abs(off).toExponential(1)} at point ${Math.floor(i / columns)}`,
        );
    }
  }

  static override revive(config: never): Saved {
    const { x, y, options } = config as { x: ArrayInput; y: ArrayInput; options: RBFInterpolatorOptions };
    return new RBFInterpolator(x, y, options);
  }

  /** What it was made of: its system is solved again when it is loaded. */
  protected override parts(): Parts {
    const { kernel, epsilon, degree } = this;
    return {
      config: { x: this.#points, y: this.#values, options: { kernel, epsilon, degree, smoothing: this.#smoothing } },
    };
  }

  protected override restore(): void {}
}

/** Of the largest value: how far off the interpolant may be at a point. Well-conditioned systems come to 1e-13. */
const MOST_OFF = 1e-6;

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
