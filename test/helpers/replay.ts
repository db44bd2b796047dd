import type { NDArray } from 'fjordnet';
import { Recorder } from '../../dist/graph/recorder.js';
import { dataset } from '../../dist/plan.js';
import type { Buffer, FloatType } from '../../dist/tape.js';

/**
 * Runs what `record` emits, once, on samples: one batched buffer for each of `inputs` (whose first axis counts samples).
 * Returns the values of the buffers that `record` returns, batched or fixed.
 */
export function replay(
  dtype: FloatType,
  inputs: readonly NDArray[],
  record: (t: Recorder, ...inputs: Buffer[]) => readonly Buffer[],
): number[][] {
  const t = new Recorder(dtype);
  t.program('run');
  const buffers = inputs.map((input, i) => t.batched(`input${i}`, input.shape.slice(1)));
  const outputs = record(t, ...buffers);
  const plan = t.compile();
  const count = inputs[0].shape[0];
  const samples = inputs.map((input, i) => [buffers[i], dataset(`input${i}`, input, dtype)] as const);
  const job = { program: 'run', inputs: samples, first: 0, count, batchSize: count };
  return outputs.map((output) => {
    const result = plan.runSync(output.batched ? { ...job, outputs: [output] } : job);
    return Array.from(output.batched ? (result.outputs as [Float64Array])[0] : plan.read(output).data);
  });
}

/** The largest difference, relative to the largest expected value, however small that is; where all are 0 the difference itself. */
export function difference(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  let scale = 0;
  let worst = actual.length === expected.length ? 0 : Number.POSITIVE_INFINITY;
  for (let i = 0; i < expected.length; i++) {
    scale = Math.max(scale, Math.abs(expected[i]));
    const d = Object.is(actual[i], expected[i]) ? 0 : Math.abs(actual[i] - expected[i]);
    worst = d <= worst ? worst : Number.isNaN(d) ? Number.POSITIVE_INFINITY : d;
  }
  return worst / (scale || 1);
}

/**
 * df/dx by central differences of the fourth order, where f is a sum of its values times `weights`. Error some 1e-11 of f
 * and its derivatives, away from kinks.
 */
export function numericalGradient(
  f: (x: Float64Array) => ArrayLike<number>,
  x: Float64Array,
  weights: ArrayLike<number>,
): number[] {
  const at = (i: number, value: number) => {
    const shifted = x.slice();
    shifted[i] = value;
    return Array.from(f(shifted)).reduce((sum, y, k) => sum + y * weights[k], 0);
  };
  return Array.from(x, (xi, i) => {
    const h = 2 ** -10;
    return (8 * (at(i, xi + h) - at(i, xi - h)) - (at(i, xi + 2 * h) - at(i, xi - 2 * h))) / (12 * h);
  });
}
