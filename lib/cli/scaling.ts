import type { NDArray } from '../array.js';
import { MinMaxScaler } from '../tables/min-max-scaler.js';
import { StandardScaler } from '../tables/standard-scaler.js';
import type { SCALINGS } from './data-options.js';

export type ScalingName = (typeof SCALINGS)[number];

/** x becomes (x - shift) * factor, for every feature or, where there is one number, for all: plain JSON. */
export interface Scaling {
  readonly name: Exclude<ScalingName, 'auto'>;
  readonly shift: readonly number[];
  readonly factor: readonly number[];
}

/** Learns a scaling from training samples [n, ...]. */
export function fitScaling(name: Scaling['name'], x: NDArray): Scaling {
  if (name === 'none') return { name, shift: [0], factor: [1] };
  if (name === 'max') {
    let largest = 0;
    for (const value of x.data) largest = Math.max(largest, Math.abs(value));
    return { name, shift: [0], factor: [1 / (largest || 1)] };
  }
  const rows = x.reshape(x.shape[0], -1);
  if (name === 'standard') {
    const { mean, scale } = new StandardScaler().fit(rows) as { mean: NDArray; scale: NDArray };
    return { name, shift: Array.from(mean.data), factor: Array.from(scale.data, (s) => 1 / s) };
  }
  const { dataMin, scale } = new MinMaxScaler().fit(rows);
  return { name, shift: Array.from(dataMin.data), factor: Array.from(scale.data) };
}

/** Scales samples in place. */
export function applyScaling({ name, shift, factor }: Scaling, { data, shape }: NDArray): void {
  if (name === 'none') return;
  const width = factor.length === 1 ? 1 : data.length / shape[0];
  for (let i = 0, k = 0; i < data.length; i++, k = k + 1 === width ? 0 : k + 1)
    data[i] = (data[i] - shift[k]) * factor[k];
}

/** Undoes a scaling in place, to show the samples. */
export function undoScaling({ name, shift, factor }: Scaling, { data, shape }: NDArray): void {
  if (name === 'none') return;
  const width = factor.length === 1 ? 1 : data.length / shape[0];
  for (let i = 0, k = 0; i < data.length; i++, k = k + 1 === width ? 0 : k + 1)
    data[i] = data[i] / factor[k] + shift[k];
}
