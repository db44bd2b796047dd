import type { ExecutionContext } from 'ava';
import { loadDigits, MinMaxScaler, NDArray, RandomState } from 'fjordnet';

/** scikit-learn's option names and values in ours. */
export const camelCase = (options: Record<string, unknown>): Record<string, any> =>
  Object.fromEntries(Object.entries(options).map(([k, v]) => [k.replace(/_(.)/g, (_, c) => c.toUpperCase()), v]));

export interface DataSpec {
  kind: 'multiclass' | 'strings' | 'binary' | 'multilabel' | 'regression' | 'outputs' | 'counts';
  n: number;
  features: number;
  seed: number;
  classes: number;
  float32: boolean;
}

const STRINGS = ['ash', 'birch', 'cedar', 'élan', 'yew'];

/** The data of fixtures/mlp.py. */
export function makeData({ kind, n, features, seed, classes, float32 }: DataSpec): { x: NDArray; y: any } {
  const x = new RandomState(seed).randn(n, features);
  const rows = x.toArray<number[][]>();
  const argmax = (row: number[]) => row.indexOf(Math.max(...row.slice(0, classes)));
  const targets: Record<DataSpec['kind'], (row: number[]) => unknown> = {
    multiclass: argmax,
    strings: (row) => STRINGS[argmax(row)],
    binary: (row) => (row[0] + row[1] > 0.3 ? 7 : -2),
    multilabel: (row) => row.slice(0, classes).map((v) => Number(v > 0)),
    regression: (row) => row[0] * row[1] + 0.5 * row[2],
    outputs: (row) => [row[0] * row[1], row[2] - row[0]],
    counts: (row) => Math.floor(3 * Math.abs(row[0])),
  };
  return { x: float32 ? NDArray.from(x, { dtype: 'float32' }) : x, y: rows.map(targets[kind]) };
}

export const makeWeights = (n: number) => Float64Array.from({ length: n }, (_, i) => (i % 5) / 2);

/** Keeps Node from printing the warnings of this file's tests. */
export const silenceWarnings = () => process.removeAllListeners('warning');

/** Warnings of one type emitted while `run` runs. */
export async function warningsOf(type: string, run: () => unknown): Promise<string[]> {
  const seen: string[] = [];
  const listen = (warning: Error) => {
    if (warning.name === type) seen.push(warning.message);
  };
  process.on('warning', listen);
  await run();
  await new Promise(setImmediate); // warnings are emitted in the next tick
  process.off('warning', listen);
  return seen;
}

/** 200 digits scaled to [0, 1], those below `classes`. */
export function someDigits(classes: number): { x: NDArray; y: NDArray } {
  const { data: digits, target } = loadDigits();
  const rows = Array.from(target.data.keys())
    .filter((i) => target.data[i] < classes)
    .slice(0, 200);
  return { x: new MinMaxScaler().fitTransform(digits.take(rows)), y: target.take(rows) };
}

/** Each number within `tolerance` of its own size, or of 0.001. */
export function near(
  t: ExecutionContext,
  actual: ArrayLike<number>,
  expected: readonly number[],
  tolerance: number,
  label: string,
): void {
  t.is(actual.length, expected.length, label);
  expected.forEach((e, i) => {
    const bound = tolerance * Math.max(Math.abs(e), 1e-3);
    if (!(Math.abs(actual[i] - e) <= bound)) t.fail(`${label}[${i}]: ${actual[i]} against ${e}`);
  });
  t.pass();
}

export const absSum = (a: NDArray) => Array.from(a.data).reduce((sum, v) => sum + Math.abs(v), 0);

/** All of a model's numbers. */
export const bits = (m: { coefs: NDArray[]; intercepts: NDArray[]; lossCurve: number[] }) => [
  ...[...m.coefs, ...m.intercepts].map((w) => Array.from(w.data)),
  m.lossCurve,
];
