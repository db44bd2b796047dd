import { readFileSync } from 'node:fs';
import test from 'ava';
import { NDArray, optimizers } from 'fjordnet';
import { swapAverages, takeAverages } from '../dist/optimizers/averages.js';
import type { Optimizer } from '../dist/optimizers.js';
import { difference } from './helpers/replay.js';
import { Weights } from './helpers/weights.js';

type Name = keyof typeof optimizers;
interface Case {
  name: Name;
  options: Record<string, unknown>;
  /** The weights after all steps, and with the moving averages in their place. */
  final: number[][];
  finished?: number[][];
}
const read = (name: string) => JSON.parse(readFileSync(new URL(`../test/fixtures/${name}`, import.meta.url), 'utf8'));
const { start: given, gradients } = read('optimizers.json') as {
  start: { shape: number[]; data: number[] }[];
  gradients: number[][][];
};
const start = given.map(({ shape, data }) => NDArray.from(data, { shape }));
const { cases } = read('keras-optimizers.json') as { cases: Case[] };
const make = ({ name, options }: Pick<Case, 'name' | 'options'>) =>
  (optimizers[name] as (options: object) => Optimizer)(options);

/** The weights after the steps of the fixture, which takes the gradients twice. */
function trained(optimizer: Optimizer, dtype: 'float64' | 'float32' = 'float64'): Weights {
  const weights = new Weights(dtype, optimizer, start);
  for (const step of [...gradients, ...gradients]) weights.step(step);
  return weights;
}
const averages = ({ plan, tape }: Weights) =>
  tape.averages.pairs.map(([, average]) => Array.from(plan.read(average).data));
const largest = (a: number[][], b: number[][]) => Math.max(...a.map((values, i) => difference(values, b[i])));

for (const c of cases)
  test(`${c.name} ${JSON.stringify(c.options)} is the real Keras'`, (t) => {
    for (const [dtype, tolerance] of [
      ['float64', 1e-13],
      ['float32', 2e-5],
    ] as const) {
      const weights = trained(make(c), dtype);
      const off = largest(weights.values, c.final);
      t.true(off <= tolerance, `${dtype}: ${off}`);
      if (!c.finished) continue;
      takeAverages({ plan: weights.plan, recorder: weights.tape, weights: [] });
      const offAverage = largest(weights.values, c.finished);
      t.true(offAverage <= tolerance, `${dtype}, averages: ${offAverage}`);
    }
  });

test('every optimizer has cases with each of the options that all have', (t) => {
  for (const name of Object.keys(optimizers))
    for (const option of ['weightDecay', 'gradientAccumulationSteps', 'useEma', 'excludeFromWeightDecay'])
      t.true(
        cases.some((c) => c.name === name && option in c.options),
        `${name}: ${option}`,
      );
});

test('accumulated gradients are the gradient of the larger batch', (t) => {
  const options = { learningRate: 0.1, weightDecay: 0.1, momentum: 0.9, clipNorm: 1 };
  const parts = new Weights('float64', optimizers.sgd({ ...options, gradientAccumulationSteps: 2 }), start);
  const whole = new Weights('float64', optimizers.sgd(options), start);
  for (let i = 0; i + 1 < gradients.length; i += 2) {
    const [a, b] = [gradients[i], gradients[i + 1]];
    parts.step(a);
    parts.step(b);
    whole.step(a.map((g, k) => g.map((v, j) => (v + b[k][j]) / 2)));
    t.deepEqual(parts.values, whole.values);
  }
});

test('weights and averages change places and back, to the bit', (t) => {
  const weights = trained(optimizers.sgd({ learningRate: 0.1, useEma: true }));
  const network = { plan: weights.plan, recorder: weights.tape, weights: [] };
  const [w, average] = [weights.values, averages(weights)];
  t.notDeepEqual(w, average);
  swapAverages(network, true); // nothing to put back
  t.deepEqual(weights.values, w);
  for (let i = 0; i < 2; i++) swapAverages(network, false);
  t.deepEqual([weights.values, averages(weights)], [average, w]);
  swapAverages(network, true);
  t.deepEqual([weights.values, averages(weights)], [w, average]);
  swapAverages(network, false);
  takeAverages(network);
  t.deepEqual([weights.values, averages(weights)], [average, average]);
});

test('without useEma there is nothing to put in place', (t) => {
  const weights = trained(optimizers.sgd());
  const before = weights.values;
  takeAverages({ plan: weights.plan, recorder: weights.tape, weights: [] });
  t.deepEqual(weights.values, before);
});
