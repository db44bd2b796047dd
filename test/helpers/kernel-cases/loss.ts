import { type KernelCase, type KernelCases, MATRICES, ROWS, range, row, type Scalars, softmax, sum } from './case.js';

type Round = (x: number) => number;

/** Keras' clip of probabilities, with limits of the dtype. */
const clip = (p: number, round: Round) => Math.min(round(1 - 1e-7), Math.max(round(1e-7), p));
/** scikit-learn's. */
const clipToEpsilon = (p: number, round: Round) => Math.min(1 - epsilon(round), Math.max(epsilon(round), p));
const epsilon = (round: Round) => (round(1 / 3) === 1 / 3 ? 2 ** -52 : 2 ** -23);
const sigmoid = (z: number) => 1 / (1 + Math.exp(-z));
/** y * log(x), 0 where y is */
const xlogy = (y: number, x: number) => (y === 0 ? 0 : y * Math.log(x));

/** The targets of rows: one-hot or spread out, or class numbers made one-hot. */
const targetsOf = (y: Float64Array, r: number, N: number, sparse: boolean) =>
  sparse ? range(N).map((j) => Number(j === y[r])) : row(y, r, N);

/** Outputs of a loss over rows, from the loss and the delta of one row: the means over M rows, and over all rows. */
function overRows(B: number, M: number, one: (r: number) => { loss: number; delta: number[] }, mean = true) {
  const rows = range(B * M).map(one);
  return {
    losses: range(B).map((b) => sum(rows.slice(b * M, (b + 1) * M).map(({ loss }) => loss)) / M),
    delta: rows.flatMap(({ delta }) => delta.map((d) => (mean ? d / (B * M) : d))),
  };
}

function fused(z: Float64Array, y: Float64Array, B: number, M: number, N: number, sparse = false, mean = true) {
  const p = range(B * M).map((r) => softmax(row(z, r, N)));
  const { losses, delta } = overRows(
    B,
    M,
    (r) => {
      const t = targetsOf(y, r, N, sparse);
      return { loss: -sum(p[r].map((v, j) => xlogy(t[j], v))), delta: p[r].map((v, j) => v * sum(t) - t[j]) };
    },
    mean,
  );
  return [p.flat(), losses, delta];
}

function crossentropy(p: Float64Array, y: Float64Array, [B, M, N]: number[], round: Round, sparse = false) {
  const { losses, delta } = overRows(B, M, (r) => {
    const t = targetsOf(y, r, N, sparse);
    const total = sum(row(p, r, N));
    const q = Array.from(row(p, r, N), (v) => v / total);
    const slope = q.map((v, j) => (clip(v, round) === v ? -t[j] / v : 0));
    const mean = sum(slope.map((d, j) => d * q[j]));
    return { loss: -sum(q.map((v, j) => xlogy(t[j], clip(v, round)))), delta: slope.map((d) => (d - mean) / total) };
  });
  return [losses, delta];
}

/** A mean over elements. p, y [B,N] -> loss [B], delta [B,N] */
const elements = (
  value: (p: number, y: number, s: Scalars, round: Round) => number,
  slope: (p: number, y: number, s: Scalars, round: Round) => number,
  rest: Partial<KernelCase> = {},
): KernelCase => ({
  dims: MATRICES,
  reference: ([p, y], { B, N }, s, round) => [
    range(B).map((r) => sum(range(N).map((j) => value(p[r * N + j], y[r * N + j], s, round))) / N),
    p.map((v, i) => slope(v, y[i], s, round) / (B * N)),
  ],
  ...rest,
});

const targets: NonNullable<KernelCase['fill']> = (k, draw, { N }) => (k === 1 ? draw.targets(N) : undefined);
const oneHot: KernelCase['fill'] = (k, draw, { N }) => (k === 1 ? draw.oneHot(N) : undefined);
const labels: NonNullable<KernelCase['fill']> = (k, draw, { N }) => (k === 1 ? draw.integers(N) : undefined);
const bits: NonNullable<KernelCase['fill']> = (k, draw) => (k === 1 ? draw.integers(2) : undefined);
/** Probabilities, among them some beyond the clip, and targets. */
const probabilities =
  (rest: NonNullable<KernelCase['fill']>): KernelCase['fill'] =>
  (k, draw, d, s) =>
    k === 0 ? draw.uniform(0.01, 0.99).map((p, i) => (i % 11 === 7 ? 1e-9 : p)) : rest(k, draw, d, s);

export const loss: KernelCases = {
  softmaxCrossentropy: {
    dims: MATRICES,
    scalars: [{ mean: 0 }, { mean: 1 }],
    fill: targets,
    reference: ([z, y], { B, N }, { mean }) => fused(z, y, B, 1, N, false, mean === 1),
  },
  softmaxCrossentropyRows: {
    dims: ROWS,
    fill: targets,
    reference: ([z, y], { B, M, N }) => fused(z, y, B, M, N),
  },
  sparseSoftmaxCrossentropy: {
    dims: ROWS,
    fill: labels,
    reference: ([z, y], { B, M, N }) => fused(z, y, B, M, N, true),
  },
  categoricalCrossentropy: {
    dims: ROWS,
    fill: probabilities(targets),
    reference: ([p, y], { B, M, N }, _, round) => crossentropy(p, y, [B, M, N], round),
    tolerance: 16,
  },
  sparseCategoricalCrossentropy: {
    dims: ROWS,
    fill: probabilities(labels),
    reference: ([p, y], { B, M, N }, _, round) => crossentropy(p, y, [B, M, N], round, true),
    tolerance: 16,
  },
  sigmoidCrossentropy: {
    dims: MATRICES,
    fill: bits,
    reference: ([z, y], { B, N }) => [
      z.map(sigmoid),
      range(B).map(
        (r) =>
          sum(row(z, r, N).map((v, j) => Math.max(v, 0) - v * y[r * N + j] + Math.log1p(Math.exp(-Math.abs(v))))) / N,
      ),
      z.map((v, i) => (sigmoid(v) - y[i]) / (B * N)),
    ],
  },
  binaryCrossentropy: elements(
    (p, y, _, round) => -(y * Math.log(clip(p, round)) + (1 - y) * Math.log(1 - clip(p, round))),
    (p, y, _, round) => (clip(p, round) === p ? (1 - y) / (1 - p) - y / p : 0),
    { fill: probabilities(bits) },
  ),
  meanSquaredError: elements(
    (p, y) => (p - y) ** 2,
    (p, y) => 2 * (p - y),
  ),
  meanAbsoluteError: elements(
    (p, y) => Math.abs(p - y),
    (p, y) => Math.sign(p - y),
  ),
  huber: elements(
    (p, y, { delta }) => (Math.abs(p - y) <= delta ? 0.5 * (p - y) ** 2 : delta * (Math.abs(p - y) - 0.5 * delta)),
    (p, y, { delta }) => Math.min(delta, Math.max(-delta, p - y)),
    { scalars: [{ delta: 1 }, { delta: 0.25 }] },
  ),
  hinge: elements(
    (p, y) => Math.max(1 - y * p, 0),
    (p, y) => (1 - y * p < 0 ? 0 : -y),
    {
      fill: (k, draw) => (k === 1 ? draw.integers(2).map((b) => 2 * b - 1) : undefined),
    },
  ),

  softmaxLogLoss: {
    dims: MATRICES,
    scalars: [{ scale: 1 }, { scale: 0.02 }],
    fill: oneHot,
    reference: ([z, y], { B, N }, { scale }, round) => {
      const p = range(B).flatMap((r) => softmax(row(z, r, N)));
      return [
        p,
        range(B).map((r) => -sum(range(N).map((j) => xlogy(y[r * N + j], clipToEpsilon(p[r * N + j], round))))),
        p.map((v, i) => (v - y[i]) * scale),
      ];
    },
  },
  logisticLogLoss: {
    dims: MATRICES,
    scalars: [{ scale: 1 }, { scale: 0.02 }],
    fill: bits,
    reference: ([z, y], { B, N }, { scale }) => {
      const p = z.map(sigmoid);
      return [
        p,
        range(B).map((r) => -sum(row(p, r, N).map((v, j) => (y[r * N + j] === 1 ? Math.log(v) : Math.log1p(-v))))),
        p.map((v, i) => (v - y[i]) * scale),
      ];
    },
  },
  halfSquaredError: {
    dims: MATRICES,
    scalars: [{ scale: 1 }, { scale: 0.02 }],
    reference: ([z, y], { B, N }, { scale }) => [
      range(B).map((r) => sum(row(z, r, N).map((v, j) => (v - y[r * N + j]) ** 2)) / (2 * N)),
      z.map((v, i) => (v - y[i]) * scale),
    ],
  },
  halfPoissonDeviance: {
    dims: MATRICES,
    scalars: [{ scale: 1 }, { scale: 0.02 }],
    fill: (k, draw) => (k === 1 ? draw.integers(5) : undefined),
    reference: ([z, y], { B, N }, { scale }) => {
      const p = z.map((v) => Math.exp(v));
      return [
        p,
        range(B).map((r) => sum(row(p, r, N).map((v, j) => xlogy(y[r * N + j], y[r * N + j] / v) - y[r * N + j] + v))),
        p.map((v, i) => (v - y[i]) * scale),
      ];
    },
    tolerance: 16,
  },

  sumRows: { dims: [{ B: 1 }, { B: 7 }, { B: 1437 }], reference: ([x]) => [[sum(x)]] },
  weightRows: {
    dims: MATRICES,
    reference: ([x, weight], { N }) => [x.map((v, i) => v * weight[Math.floor(i / N)])],
  },
  penalty: {
    dims: [{ N: 1 }, { N: 33 }, { N: 40000 }],
    scalars: [
      { l1: 0.1, l2: 0 },
      { l1: 0, l2: 0.3 },
      { l1: 0.01, l2: 0.02 },
    ],
    reference: ([w], _, { l1, l2 }) => [[l1 * sum(w.map(Math.abs)) + l2 * sum(w.map((v) => v * v))]],
    tolerance: 32,
  },
  penaltyGradient: {
    dims: [{ N: 1 }, { N: 33 }, { N: 40000 }],
    scalars: [
      { l1: 0.1, l2: 0 },
      { l1: 0, l2: 0.3 },
      { l1: 0.01, l2: 0.02 },
    ],
    fill: (k, draw) => (k === 0 ? draw.normal().map((w, i) => (i % 10 === 4 ? 0 : w)) : undefined),
    reference: ([w, dw], _, { l1, l2 }) => [dw.map((d, i) => d + l1 * Math.sign(w[i]) + 2 * l2 * w[i])],
  },
};
