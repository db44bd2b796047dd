import { type Draw, type KernelCase, type KernelCases, ROWS, range, row, sum } from './case.js';
import { weights } from './metric.js';

const labels: KernelCase['fill'] = (k, draw, { N }) =>
  k === 1 ? draw.integers(N) : k === 2 ? weights(draw) : undefined;
/** Zeros and ones, and hinge's -1. */
const signs = (k: number, draw: Draw) =>
  k === 1 ? draw.integers(3).map((v) => v - 1) : k === 2 ? weights(draw) : undefined;
/** What the elements that hold weigh, of samples of so many elements. */
function count(n: number, weight: Float64Array, holds: (i: number) => boolean): number {
  let found = 0;
  for (let i = 0; i < n; i++) if (holds(i)) found += weight[Math.floor((i * weight.length) / n)];
  return found;
}
const target = (sparse: boolean, y: Float64Array, i: number, N: number) =>
  sparse ? Number(y[Math.floor(i / N)] === i % N) : y[i];

const confusionOf =
  (sparse: boolean): KernelCase['reference'] =>
  ([p, y, weight], { N }, { threshold, top, column }) => {
    const best = range(p.length / N).map((r) => {
      const own = row(p, r, N);
      return range(N)
        .sort((a, b) => own[b] - own[a] || a - b)
        .slice(0, top);
    });
    const among = (i: number) => top <= 0 || best[Math.floor(i / N)].includes(i % N);
    const of = (yes: boolean, is: boolean) =>
      count(
        p.length,
        weight,
        (i) =>
          (column < 0 || i % N === column) &&
          (p[i] > threshold && among(i)) === yes &&
          target(sparse, y, i, N) > 0 === is,
      );
    return [[of(true, true)], [of(true, false)], [of(false, false)], [of(false, true)]];
  };

const CONFUSION = [
  { threshold: 0.5, top: 0, column: -1 },
  { threshold: -1e10, top: 2, column: -1 },
  { threshold: 0, top: 1, column: 0 },
];

const classesOf =
  (sparse: boolean): KernelCase['reference'] =>
  ([p, y, weight], { M, N }, { threshold, largest }) => {
    const yes = (i: number) =>
      largest ? p[i] === Math.max(...row(p, Math.floor(i / N), N)) && Math.abs(p[i]) > 1e-9 : p[i] > threshold;
    const elements = range(p.length);
    const column = (value: (i: number) => number) =>
      range(N).map((j) =>
        elements.filter((i) => i % N === j).reduce((total, i) => total + weight[Math.floor(i / (M * N))] * value(i), 0),
      );
    return [
      column((i) => (yes(i) ? target(sparse, y, i, N) : 0)),
      column((i) => Number(yes(i))),
      column((i) => target(sparse, y, i, N)),
    ];
  };

const CLASSES = [
  { threshold: 0.5, largest: 0 },
  { threshold: 0, largest: 1 },
];

const binsOf =
  (sparse: boolean): KernelCase['reference'] =>
  ([p, y, weight], { N, K }, { column }) => {
    const above = (k: number, is: boolean) => (i: number) => {
      const bin = Math.max(0, Math.ceil(Math.min(1, p[i]) * (K - 1)) - 1);
      return (column < 0 || i % N === column) && bin === k && target(sparse, y, i, N) > 0 === is;
    };
    return [true, false].map((is) => range(K).map((k) => count(p.length, weight, above(k, is))));
  };

const BINS = ROWS.flatMap((d) => [
  { ...d, K: 2 },
  { ...d, K: 9 },
]);
/** Multiples of 1/8, which both dtypes hold, in and beyond [0, 1]: each a threshold where K is 9. */
const eighths = (k: number, draw: Draw) => (k === 0 ? draw.integers(13).map((v) => (v - 2) / 8) : undefined);

export const confusion: KernelCases = {
  confusion: { dims: ROWS, scalars: CONFUSION, fill: signs, reference: confusionOf(false), tolerance: 0 },
  sparseConfusion: { dims: ROWS, scalars: CONFUSION, fill: labels, reference: confusionOf(true), tolerance: 0 },
  classCounts: {
    dims: ROWS,
    scalars: CLASSES,
    fill: (k, draw, { N }) => (k === 1 ? draw.oneHot(N) : k === 2 ? weights(draw) : undefined),
    reference: classesOf(false),
    tolerance: 0,
  },
  sparseClassCounts: { dims: ROWS, scalars: CLASSES, fill: labels, reference: classesOf(true), tolerance: 0 },
  thresholdCounts: {
    dims: BINS,
    scalars: [{ column: -1 }, { column: 0 }],
    fill: (k, draw) => eighths(k, draw) ?? signs(k, draw),
    reference: binsOf(false),
    tolerance: 0,
  },
  sparseThresholdCounts: {
    dims: BINS,
    scalars: [{ column: -1 }, { column: 0 }],
    fill: (k, draw, d, s) => eighths(k, draw) ?? labels(k, draw, d, s),
    reference: binsOf(true),
    tolerance: 0,
  },
  classOverlaps: {
    dims: ROWS.flatMap((d) => [
      { ...d, C: 1, K: 3 },
      { ...d, N: 1, C: 4, K: 4 },
    ]),
    scalars: [{ ignore: -1 }, { ignore: 1 }],
    // Class numbers, also with fractions and none of the K, where a row is one value.
    fill: (k, draw, { N, C }) =>
      k === 2 ? weights(draw) : (k === 0 && N === 1) || (k === 1 && C === 1) ? draw.uniform(-1.5, 5) : undefined,
    reference: ([p, y, weight], { B, M, N, C, K }, { ignore }) => {
      const classOf = (x: Float64Array, r: number, n: number) => {
        const own = row(x, r, n);
        return n > 1 ? own.indexOf(Math.max(...own)) : Math.trunc(own[0]);
      };
      const pairs = range(B * M)
        .map((r) => [classOf(p, r, N), classOf(y, r, C), weight[Math.floor(r / M)]])
        .filter(([a, b]) => a >= 0 && a < K && b >= 0 && b < K && b !== ignore);
      const counts = (holds: (a: number, b: number, k: number) => boolean) =>
        range(K).map((k) => sum(pairs.filter(([a, b]) => holds(a, b, k)).map(([, , own]) => own)));
      return [counts((a, b, k) => a === k && b === k), counts((a, _, k) => a === k), counts((_, b, k) => b === k)];
    },
    tolerance: 0,
  },
};
