import { type Dims, type KernelCases, range } from './case.js';

/** In the last three the table's rows have several owners; in the last, two of them have none. */
const DIMS: readonly Dims[] = [
  { B: 1, J: 1, V: 1, E: 1 },
  { B: 3, J: 5, V: 7, E: 4 },
  { B: 2, J: 1, V: 600, E: 33 },
  { B: 90, J: 9, V: 30, E: 31 },
  { B: 40, J: 25, V: 50, E: 64 },
  { B: 150, J: 2, V: 6, E: 70 },
  { B: 300, J: 1, V: 2, E: 64 },
];

export const embedding: KernelCases = {
  real: {
    dims: [
      { B: 1, N: 1 },
      { B: 37, N: 19 },
    ],
    fill: (k, draw) => (k === 0 ? draw.integers(1 << 20) : undefined),
    reference: ([x]) => [Float64Array.from(x)],
    tolerance: 0,
  },
  embedding: {
    dims: DIMS,
    fill: (k, draw, { V }) => (k === 0 ? draw.integers(V) : undefined),
    reference: ([index, table], { E }) => [Array.from(index).flatMap((v) => range(E).map((e) => table[v * E + e]))],
    tolerance: 0,
  },
  scatterAdd: {
    dims: [...DIMS.map(({ B, J, V, E }) => ({ B: B * J, V, E })), { B: 16384, V: 6, E: 65 }],
    fill: (k, draw, { V }) => (k === 0 ? draw.integers(V) : undefined),
    reference: ([index, x, table], { E }) => {
      const sums = table.slice();
      for (const [r, v] of index.entries()) for (let e = 0; e < E; e++) sums[v * E + e] += x[r * E + e];
      return [sums];
    },
    tolerance: 40,
  },
  embeddingGradient: {
    dims: DIMS,
    fill: (k, draw, { V }) => (k === 0 ? draw.integers(V) : undefined),
    reference: ([index, dy], { V, E }) => {
      const dtable = new Float64Array(V * E);
      for (const [r, v] of index.entries()) for (let e = 0; e < E; e++) dtable[v * E + e] += dy[r * E + e];
      return [dtable];
    },
    tolerance: 40,
  },
};
