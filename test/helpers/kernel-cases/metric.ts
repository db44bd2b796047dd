import { type Draw, type KernelCase, type KernelCases, MATRICES, ROWS, range, row, sum } from './case.js';

const argmax = (x: Float64Array) => x.indexOf(Math.max(...x));
/** Weights of rows, some of which count for nothing. */
export const weights = (draw: Draw) => draw.integers(3);
const oneHot: KernelCase['fill'] = (k, draw, { N }) =>
  k === 1 ? draw.targets(N) : k === 2 ? weights(draw) : undefined;
const labels: KernelCase['fill'] = (k, draw, { N }) =>
  k === 1 ? draw.integers(N) : k === 2 ? weights(draw) : undefined;
const count = (n: number, weight: (i: number) => number, holds: (i: number) => boolean) =>
  sum(range(n).filter(holds).map(weight));

/** Rows whose class (that of the target) is among the `k` largest outputs. */
const topK =
  (sparse: boolean): KernelCase['reference'] =>
  ([p, y, weight], { B, M, N }, { k = 1 }) => [
    [
      count(
        B * M,
        (r) => weight[Math.floor(r / M)],
        (r) => {
          const outputs = row(p, r, N);
          const target = sparse ? y[r] : argmax(row(y, r, N));
          return outputs.filter((v) => v > outputs[target]).length < k;
        },
      ) / M,
    ],
  ];

const errors = (f: (e: number) => number): KernelCase => ({
  dims: MATRICES,
  fill: (k, draw) => (k === 2 ? weights(draw) : undefined),
  reference: ([p, y, weight], { N }) => [[sum(p.map((v, i) => weight[Math.floor(i / N)] * f(v - y[i]))) / N]],
  tolerance: 64, // a plain sum in double
});

export const metric: KernelCases = {
  categoricalMatches: { dims: ROWS, fill: oneHot, reference: topK(false) },
  sparseMatches: { dims: ROWS, fill: labels, reference: topK(true) },
  topKMatches: { dims: ROWS, scalars: [{ k: 1 }, { k: 3 }], fill: oneHot, reference: topK(false) },
  sparseTopKMatches: { dims: ROWS, scalars: [{ k: 1 }, { k: 3 }], fill: labels, reference: topK(true) },
  nearest: {
    dims: [1, 3, 16, 50].map((K) => ({ B: 300, K })),
    // some equal one another
    fill: (k, draw, { K }) => (k === 0 ? draw.integers(K) : draw.integers(3)),
    reference: ([d, offset], { B, K }) => [
      range(B).map((r) => {
        const own = range(K).map((k) => d[r * K + k] + offset[k]);
        return own.indexOf(Math.min(...own));
      }),
    ],
  },
  binaryMatches: {
    dims: MATRICES,
    scalars: [
      { threshold: 0.5, negative: 0 },
      { threshold: 0, negative: -1 },
    ],
    fill: (k, draw, _, { negative }) =>
      k === 1 ? draw.integers(2).map((b) => (b === 1 ? 1 : negative)) : k === 2 ? weights(draw) : undefined,
    reference: ([p, y, weight], { N }, { threshold, negative }) => [
      [
        count(
          p.length,
          (i) => weight[Math.floor(i / N)],
          (i) => y[i] === (p[i] > threshold ? 1 : negative),
        ) / N,
      ],
    ],
  },
  squaredErrors: errors((e) => e * e),
  absoluteErrors: errors(Math.abs),
  rSquaredSums: {
    dims: [
      { B: 1, N: 1 },
      { B: 300, N: 3 },
    ],
    scalars: [{ column: 0 }],
    fill: (k, draw) => (k === 2 ? weights(draw) : undefined),
    // Of the last three sums also what is lost by rounding them to the dtype.
    reference: ([p, y, weight], { B, N }, { column }, round) => {
      const own = (x: Float64Array) => range(B).map((r) => x[r * N + column]);
      const [prediction, target] = [own(p), own(y)];
      const total = sum(target.map((v, r) => weight[r] * v));
      const squares = sum(target.map((v, r) => weight[r] * v * v));
      const all = sum(target.map((_, r) => weight[r]));
      return [
        [sum(target.map((v, r) => weight[r] * (v - prediction[r]) ** 2))],
        ...[all, total, squares].flatMap((v) => [[round(v)], [v - round(v)]]),
      ];
    },
  },
};
