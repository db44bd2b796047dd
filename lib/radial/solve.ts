import { kernels } from '../kernels.js';

/** Columns that are eliminated one by one; of more, the left half is, then the right, and between them there is a product. */
const NARROW = 16;

/** Multiplications of a product after which there is a pause. */
const PIECE = 2 ** 28;

/**
 * Solves A X = B by elimination with partial pivoting, as LAPACK's dgesv, in place: B becomes X. By halves (Toledo 1997), so that all
 * but a share of the work is in large matrix products: 0.08 s for n = 1,000, 1.1 s for 3,000.
 * @param a [n, n], which is lost @param b [n, columns]
 * @param tolerance what of a column's largest value may be left as its pivot, for A to count as singular. Default 0: A is so exactly
 * @returns false if A is singular
 */
export function solve(a: Float64Array, n: number, b: Float64Array, columns: number, tolerance = 0): boolean {
  const solving = inPieces(a, n, b, columns, tolerance);
  for (;;) {
    const { done, value } = solving.next();
    if (done) return value;
  }
}

/** The same, with a pause after every piece. */
export function* inPieces(
  a: Float64Array,
  n: number,
  b: Float64Array,
  columns: number,
  tolerance = 0,
): Generator<undefined, boolean> {
  const least = new Float64Array(n);
  for (let i = 0; i < n; i++)
    for (let k = 0; k < n; k++) least[k] = Math.max(least[k], tolerance * Math.abs(a[i * n + k]));
  const [left, right] = [
    { data: a, width: n },
    { data: b, width: columns },
  ];
  if (!(yield* eliminate(left, right, 0, n, least))) return false;
  yield* applyFactors(left, 0, n, right, 0, columns);
  for (let i = n - 1; i >= 0; i--) {
    for (let k = i + 1; k < n; k++)
      for (let j = 0; j < columns; j++) b[i * columns + j] -= a[i * n + k] * b[k * columns + j];
    for (let j = 0; j < columns; j++) b[i * columns + j] /= a[i * n + i];
  }
  return true;
}

interface Matrix {
  readonly data: Float64Array;
  readonly width: number;
}

/** Columns from .. to - 1 of a become, below the diagonal, the factors that eliminate them; rows are swapped in b, too. */
function* eliminate(
  a: Matrix,
  b: Matrix,
  from: number,
  to: number,
  least: Float64Array,
): Generator<undefined, boolean> {
  if (to - from <= NARROW) return eliminateNarrow(a, b, from, to, least);
  const middle = (from + to) >> 1;
  if (!(yield* eliminate(a, b, from, middle, least))) return false;
  yield* applyFactors(a, from, middle, a, middle, to);
  yield* subtractProduct(a, middle, a.width, from, middle, a, middle, to);
  return yield* eliminate(a, b, middle, to, least);
}

function eliminateNarrow(a: Matrix, b: Matrix, from: number, to: number, least: Float64Array): boolean {
  const { data, width: n } = a;
  for (let k = from; k < to; k++) {
    let pivot = k;
    for (let i = k + 1; i < n; i++) if (Math.abs(data[i * n + k]) > Math.abs(data[pivot * n + k])) pivot = i;
    if (!(Math.abs(data[pivot * n + k]) > least[k]) || !Number.isFinite(data[pivot * n + k])) return false;
    swapRows(a, k, pivot);
    swapRows(b, k, pivot);
    for (let i = k + 1; i < n; i++) {
      const factor = data[i * n + k] / data[k * n + k];
      data[i * n + k] = factor;
      for (let j = k + 1; j < to; j++) data[i * n + j] -= factor * data[k * n + j];
    }
  }
  return true;
}

/** Rows from .. to - 1 of some columns of x: what the elimination of columns from .. to - 1 of a leaves of them. */
function* applyFactors(
  a: Matrix,
  from: number,
  to: number,
  x: Matrix,
  first: number,
  end: number,
): Generator<undefined, void> {
  if (to - from > NARROW) {
    const middle = (from + to) >> 1;
    yield* applyFactors(a, from, middle, x, first, end);
    yield* subtractProduct(a, middle, to, from, middle, x, first, end);
    yield* applyFactors(a, middle, to, x, first, end);
    return;
  }
  for (let i = from; i < to; i++)
    for (let k = from; k < i; k++) {
      const factor = a.data[i * a.width + k];
      for (let j = first; j < end; j++) x.data[i * x.width + j] -= factor * x.data[k * x.width + j];
    }
}

/** Rows row .. last - 1 of some columns of x, less the factors of columns from .. to - 1 of a times rows from .. to - 1 of x. */
function* subtractProduct(
  a: Matrix,
  row: number,
  last: number,
  from: number,
  to: number,
  x: Matrix,
  first: number,
  end: number,
): Generator<undefined, void> {
  const [inner, width] = [to - from, end - first];
  const above = new Float64Array(inner * width);
  for (let k = 0; k < inner; k++) {
    const at = (from + k) * x.width;
    above.set(x.data.subarray(at + first, at + end), k * width);
  }
  const most = Math.ceil(PIECE / (inner * width));
  for (let begin = row; begin < last; begin += most) {
    const rows = Math.min(most, last - begin);
    const factors = new Float64Array(rows * inner);
    for (let i = 0; i < rows; i++) {
      const at = (begin + i) * a.width;
      factors.set(a.data.subarray(at + from, at + to), i * inner);
    }
    const product = new Float64Array(rows * width);
    kernels.matmul({ B: rows, O: width, I: inner }, [factors, above, product]);
    for (let i = 0; i < rows; i++) {
      const at = (begin + i) * x.width + first;
      for (let j = 0; j < width; j++) x.data[at + j] -= product[i * width + j];
    }
    yield;
  }
}

function swapRows({ data, width }: Matrix, i: number, k: number): void {
  if (i === k) return;
  for (let j = 0; j < width; j++) {
    const kept = data[i * width + j];
    data[i * width + j] = data[k * width + j];
    data[k * width + j] = kept;
  }
}
