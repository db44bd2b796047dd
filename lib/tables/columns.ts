import { NDArray } from '../array.js';
import { wrongShape } from '../check.js';

export type ColumnStep = (value: number, column: number) => number;

export function eachColumn({ data, shape: [n, width] }: NDArray, visit: (value: number, column: number) => void): void {
  for (let i = 0; i < n; i++) for (let k = 0; k < width; k++) visit(data[i * width + k], k);
}

/** Below it scikit-learn takes what it would divide by for 0: 10 epsilon of the type of x. */
export const negligible = ({ dtype }: NDArray): number => 10 * (dtype === 'float32' ? 2 ** -23 : Number.EPSILON);

/** A copy with the steps applied one after another; each result is rounded to its dtype, as NumPy's in-place operators do. */
export function mapColumns(x: NDArray, steps: readonly ColumnStep[]): NDArray {
  const out = NDArray.from(x);
  const [n, width] = out.shape;
  for (const step of steps)
    for (let i = 0; i < n; i++)
      for (let k = 0; k < width; k++) out.data[i * width + k] = step(out.data[i * width + k], k);
  return out;
}

/** NumPy's `percentile` of sorted numbers, by linear interpolation: `lerp` from the nearer end, as there. */
export function percentile(sorted: ArrayLike<number>, percent: number): number {
  const at = (percent / 100) * (sorted.length - 1);
  const below = Math.floor(at);
  const [a, b] = [sorted[below], sorted[Math.min(below + 1, sorted.length - 1)]];
  const t = at - below;
  return t >= 0.5 ? b - (b - a) * (1 - t) : a + (b - a) * t;
}

/** Checks that vectors of a file have a value for each column. */
export function checkWidths(vectors: Readonly<Record<string, NDArray>>, width: number): void {
  for (const [name, { shape }] of Object.entries(vectors))
    if (shape[0] !== width) throw wrongShape(`state.${name}`, `of shape [${width}]`, shape);
}
