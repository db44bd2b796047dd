import type { Dims, Draw, KernelCases } from './case.js';

const DIMS: readonly Dims[] = [
  { B: 1, O: 1, I: 1 },
  { B: 1, O: 10, I: 50 },
  { B: 6, O: 1, I: 4 },
  { B: 7, O: 5, I: 3 },
  { B: 100, O: 50, I: 64 },
  { B: 130, O: 112, I: 70 },
];

/** As many rows as long sequences have. */
const MANY: readonly Dims[] = [...DIMS, { B: 9001, O: 3, I: 5 }];

/** Weights that go by panels, with few rows, with some, and with more than are taken at a time. */
const LARGE: readonly Dims[] = [5, 13, 265].map((B) => ({ B, O: 259, I: 515 }));

/** c[M,N] = sum over k of a(m, k) * b(k, n), with what is rounded off (Knuth's TwoSum): thousands of rows are added up. */
function product(
  M: number,
  N: number,
  K: number,
  a: (m: number, k: number) => number,
  b: (k: number, n: number) => number,
) {
  const c = new Float64Array(M * N);
  for (let m = 0; m < M; m++)
    for (let n = 0; n < N; n++) {
      let [sum, lost] = [0, 0];
      for (let k = 0; k < K; k++) {
        const value = a(m, k) * b(k, n);
        const next = sum + value;
        const added = next - sum;
        lost += sum - (next - added) + (value - added);
        sum = next;
      }
      c[m * N + n] = sum + lost;
    }
  return c;
}

/** Standard normal, but every third value is 0. */
const withZeros = (k: number, draw: Draw) => (k === 0 ? draw.normal().map((v, i) => (i % 3 === 0 ? 0 : v)) : undefined);

export const dense: KernelCases = {
  affine: {
    dims: [...MANY, ...LARGE],
    reference: ([x, w, b], { B, O, I }) => [
      product(
        B,
        O,
        I,
        (r, i) => x[r * I + i],
        (i, o) => w[i * O + o],
      ).map((v, at) => v + b[at % O]),
    ],
    tolerance: 16,
  },
  matmul: {
    dims: [...MANY, ...LARGE],
    reference: ([x, w], { B, O, I }) => [
      product(
        B,
        O,
        I,
        (r, i) => x[r * I + i],
        (i, o) => w[i * O + o],
      ),
    ],
    tolerance: 16,
  },
  weightGradient: {
    dims: [...DIMS, { B: 515, O: 259, I: 30 }, { B: 515, O: 260, I: 301 }, { B: 9001, O: 60, I: 13 }],
    reference: ([x, dy], { B, O, I }) => [
      product(
        I,
        O,
        B,
        (i, r) => x[r * I + i],
        (r, o) => dy[r * O + o],
      ),
    ],
    tolerance: 16,
  },
  biasGradient: {
    dims: [...DIMS.map(({ B, O }) => ({ B, O })), { B: 300, O: 1000 }],
    reference: ([dy], { B, O }) => [
      product(
        1,
        O,
        B,
        () => 1,
        (r, o) => dy[r * O + o],
      ),
    ],
    tolerance: 32,
  },
  inputGradient: {
    dims: [...MANY, { B: 13, O: 512, I: 256 }, { B: 70, O: 259, I: 515 }],
    reference: ([dy, w], { B, O, I }) => [
      product(
        B,
        I,
        O,
        (r, o) => dy[r * O + o],
        (o, i) => w[i * O + o],
      ),
    ],
    tolerance: 16,
  },
  sparseAffine: {
    fill: withZeros,
    dims: MANY,
    reference: ([x, w, b], { B, O, I }) => [
      product(
        B,
        O,
        I,
        (r, i) => x[r * I + i],
        (i, o) => w[i * O + o],
      ).map((v, at) => v + b[at % O]),
    ],
    tolerance: 16,
  },
  sparseWeightUpdate: {
    dims: DIMS,
    fill: withZeros,
    scalars: [{ keep: 1 }, { keep: 0.75 }],
    reference: ([x, dy, w], { B, O, I }, { keep }) => [
      product(
        I,
        O,
        B,
        (i, r) => x[r * I + i],
        (r, o) => dy[r * O + o],
      ).map((v, at) => keep * w[at] + v),
    ],
    tolerance: 16,
  },
};
