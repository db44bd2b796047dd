import { type Dims, type Draw, type KernelCases, map2, range, row, sum } from './case.js';

const DIMS: readonly Dims[] = [
  { B: 2, N: 1, C: 1 },
  { B: 6, N: 3, C: 5 },
  { B: 50, N: 9, C: 300 },
  { B: 40, N: 196, C: 8 },
];

/** Rows of N: shorter than a vector, a vector and more, and enough of them for several tiles and blocks. */
const ROWS: readonly Dims[] = [
  { B: 1, N: 1 },
  { B: 5, N: 3 },
  { B: 30, N: 19 },
  { B: 7, N: 1024 },
  { B: 700, N: 64 },
];

/** sums[C] of value(i, r) over the rows r of [B,N,C]. */
const sumsOver = ({ B, N, C }: Dims, value: (i: number, r: number) => number) =>
  range(C).map((c) => sum(range(B * N).map((r) => value(r * C + c, r))));

/** What counts of a mask, and a little, as Keras adds it. */
const countOf = (mask: Float64Array) => sum(mask) + 1e-7;
const maskFill = (mask: number, positive?: number) => (k: number, draw: Draw) =>
  k === mask ? draw.integers(2) : k === positive ? draw.positive() : undefined;

/** 32 random bits of a counter: C. Wellons' lowbias32. */
function mix(x: number): number {
  let h = Math.imul(x ^ (x >>> 16), 0x21f0aaad);
  h = Math.imul(h ^ (h >>> 15), 0x735a2d97);
  return (h ^ (h >>> 15)) >>> 0;
}

/** The row of value i. */
const at = (i: number, N: number) => Math.floor(i / N);

const scaleFill = (positive: number) => (k: number, draw: Draw) => (k === positive ? draw.positive() : undefined);

export const normalization: KernelCases = {
  batchNormalization: {
    dims: DIMS,
    scalars: [
      { momentum: 0.99, epsilon: 1e-3 },
      { momentum: 0, epsilon: 1e-5 },
    ],
    fill: maskFill(3),
    reference: ([x, gamma, beta, mask, movingMean, movingVariance], d, { momentum, epsilon }) => {
      const { C } = d;
      const count = countOf(mask);
      const mean = sumsOver(d, (i, r) => mask[r] * x[i]).map((v) => v / count);
      const variance = sumsOver(d, (i, r) => mask[r] * (x[i] - mean[i % C]) ** 2).map((v) => v / count);
      const scale = variance.map((v) => 1 / Math.sqrt(v + epsilon));
      return [
        mean.map((m, c) => momentum * movingMean[c] + (1 - momentum) * m),
        variance.map((v, c) => momentum * movingVariance[c] + (1 - momentum) * v),
        mean,
        scale,
        x.map((v, i) => (v - mean[i % C]) * scale[i % C] * gamma[i % C] + beta[i % C]),
      ];
    },
    tolerance: 32,
  },
  batchNormalizationGradient: {
    dims: DIMS,
    fill: maskFill(5, 4),
    reference: ([x, dy, gamma, mean, scale, mask], d) => {
      const { C } = d;
      const count = countOf(mask);
      const n = x.map((v, i) => (v - mean[i % C]) * scale[i % C]);
      const dgamma = sumsOver(d, (i) => dy[i] * n[i]);
      const dbeta = sumsOver(d, (i) => dy[i]);
      const dx = dy.map((v, i) => {
        const c = i % C;
        const lifted = n[i] - (1e-7 / count) * mean[c] * scale[c];
        return gamma[c] * scale[c] * (v - (mask[Math.floor(i / C)] / count) * (dbeta[c] + lifted * dgamma[c]));
      });
      return [dgamma, dbeta, dx];
    },
    tolerance: 64,
  },
  batchNormalizationInference: {
    dims: DIMS,
    scalars: [{ epsilon: 1e-3 }],
    fill: scaleFill(4),
    reference: ([x, gamma, beta, mean, variance], { C }, { epsilon }) => [
      x.map((v, i) => ((v - mean[i % C]) / Math.sqrt(variance[i % C] + epsilon)) * gamma[i % C] + beta[i % C]),
    ],
    tolerance: 16,
  },
  layerNormalization: {
    dims: ROWS,
    scalars: [{ epsilon: 1e-5 }, { epsilon: 1e-3 }],
    reference: ([x, gamma, beta], { B, N }, { epsilon }) => {
      const mean = range(B).map((r) => sum(row(x, r, N)) / N);
      const variance = range(B).map((r) => sum(row(x, r, N).map((v) => (v - mean[r]) ** 2)) / N);
      const scale = variance.map((v) => 1 / Math.sqrt(v + epsilon));
      const y = x.map((v, i) => (v - mean[at(i, N)]) * scale[at(i, N)] * gamma[i % N] + beta[i % N]);
      return [y, mean, scale];
    },
    tolerance: 32,
  },
  layerNormalizationGradient: {
    dims: ROWS,
    fill: scaleFill(4),
    reference: ([x, dy, gamma, mean, scale], { B, N }) => {
      const n = x.map((v, i) => (v - mean[at(i, N)]) * scale[at(i, N)]);
      const g = dy.map((v, i) => v * gamma[i % N]);
      const ofRow = (values: Float64Array) => range(B).map((r) => sum(row(values, r, N)) / N);
      const [a, b] = [ofRow(g), ofRow(g.map((v, i) => v * n[i]))];
      const overRows = (value: (i: number) => number) =>
        range(N).map((c) => sum(range(B).map((r) => value(r * N + c))));
      return [
        overRows((i) => dy[i] * n[i]),
        overRows((i) => dy[i]),
        g.map((v, i) => scale[at(i, N)] * (v - a[at(i, N)] - n[i] * b[at(i, N)])),
      ];
    },
    tolerance: 64,
  },
  dropout: {
    dims: [
      { B: 1, N: 1 },
      { B: 7, N: 9 },
      { B: 40, N: 1000 },
    ],
    scalars: [
      { rate: 0.5, seed: 0 },
      { rate: 0.2, seed: 2 ** 53 - 1 },
      { rate: 0, seed: 5 },
    ],
    reference: ([x], _, { rate, seed }, round) => {
      const [low, high] = [seed % 2 ** 32, Math.floor(seed / 2 ** 32)];
      const threshold = Math.floor(rate * 2 ** 32);
      const mask = x.map((_, i) => (mix(mix((i + low) | 0) ^ high) >= threshold ? round(1 / (1 - rate)) : 0));
      return [x.map((v, i) => round(v * mask[i])), mask];
    },
    tolerance: 0,
  },
  dropoutGradient: map2((mask, dy) => mask * dy),
};
