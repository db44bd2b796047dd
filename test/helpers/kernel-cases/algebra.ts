import { type Dims, ELEMENTS, type KernelCase, type KernelCases, map, map2, ROWS, range, row, sum } from './case.js';

/** Sizes for kernels along one axis of a sample [A, N, C]. */
const AXES: readonly Dims[] = [
  { B: 1, A: 1, N: 1, C: 1 },
  { B: 3, A: 2, N: 5, C: 1 },
  { B: 4, A: 3, N: 7, C: 6 },
  { B: 300, A: 2, N: 33, C: 3 },
];
/** The same for a stretch of N of an axis of M. */
const STRETCHES: readonly Dims[] = [
  { B: 1, A: 1, M: 1, N: 1, C: 1 },
  { B: 3, A: 2, M: 5, N: 3, C: 1 },
  { B: 50, A: 3, M: 40, N: 7, C: 9 },
];

/** The same, larger and smaller. */
const STRETCHED: readonly Dims[] = [
  { B: 1, A: 1, M: 1, N: 1, C: 1 },
  { B: 2, A: 1, M: 1, N: 3, C: 2 },
  { B: 3, A: 2, M: 5, N: 15, C: 1 },
  { B: 3, A: 2, M: 5, N: 7, C: 2 },
  { B: 3, A: 2, M: 7, N: 3, C: 2 },
  { B: 50, A: 3, M: 20, N: 40, C: 9 },
];
/** What entry m of M has in the interpolated entry n of N. */
function shareOf(m: number, n: number, M: number, N: number): number {
  const at = Math.min(M - 1, Math.max(0, ((n + 0.5) * M) / N - 0.5));
  return Math.max(0, 1 - Math.abs(at - m));
}

/** Of two whole numbers as near the even one. */
const nearest = (x: number) => (Math.abs(x % 1) === 0.5 ? 2 * Math.round(x / 2) : Math.round(x));

/** By a series of terms of one sign: 2 / sqrt(pi) exp(-x^2) (x + x 2x^2 / 3 + x (2x^2)^2 / (3 5) + ...). */
function erf(x: number): number {
  let [total, term] = [0, x];
  for (let n = 1; n < 200; n++, term *= (2 * x * x) / (2 * n - 1)) total += term;
  return (2 * Math.exp(-x * x) * total) / Math.sqrt(Math.PI);
}

const map3 = (f: (x: number, y: number, z: number) => number, rest: Partial<KernelCase> = {}): KernelCase => ({
  dims: ELEMENTS,
  reference: ([x, y, z]) => [x.map((v, i) => f(v, y[i], z[i]))],
  ...rest,
});

/** Values along the axis: of row `o` of [B * A] and column `c`. */
const along = (x: Float64Array, o: number, c: number, { N, C }: Dims) => range(N).map((n) => x[(o * N + n) * C + c]);

const reduced = (f: (values: number[], scale: number) => number, rest: Partial<KernelCase> = {}): KernelCase => ({
  dims: AXES,
  reference: ([x], d, { scale }) => [
    range(d.B * d.A).flatMap((o) => range(d.C).map((c) => f(along(x, o, c, d), scale))),
  ],
  ...rest,
});

const whole: Partial<KernelCase> = { fill: (_, draw) => draw.integers(4) };
const positive: Partial<KernelCase> = { fill: (_, draw) => draw.positive() };

export const algebra: KernelCases = {
  add: map2((x, y) => x + y),
  subtract: map2((x, y) => x - y),
  multiply: map2((x, y) => x * y),
  divide: map2((x, y) => x / y, positive),
  maximum: map2((x, y) => Math.max(x, y), { tolerance: 0 }),
  minimum: map2((x, y) => Math.min(x, y), { tolerance: 0 }),
  greater: map2((x, y) => Number(x > y), whole),
  greaterEqual: map2((x, y) => Number(x >= y), whole),
  equal: map2((x, y) => Number(x === y), whole),
  select: map3((c, x, y) => (c === 0 ? y : x), { fill: (k, draw) => (k === 0 ? draw.integers(2) : undefined) }),
  linear: map((x, { scale, shift }) => scale * x + shift, {
    scalars: [
      { scale: 1, shift: 0 },
      { scale: -2.5, shift: 0.75 },
    ],
  }),
  abs: map(Math.abs, { tolerance: 0 }),
  absGradient: map2((x, dy) => dy * Math.sign(x), { tolerance: 0 }),
  sign: map(Math.sign, { ...whole, tolerance: 0 }),
  floor: map(Math.floor, { tolerance: 0 }),
  round: map(nearest, { fill: (_, draw) => draw.integers(9).map((n) => n / 2 - 2), tolerance: 0 }),
  sin: map(Math.sin),
  sinGradient: map2((x, dy) => dy * Math.cos(x)),
  cos: map(Math.cos),
  cosGradient: map2((x, dy) => -dy * Math.sin(x)),
  erf: map(erf),
  erfGradient: map2((x, dy) => (dy * 2 * Math.exp(-x * x)) / Math.sqrt(Math.PI)),
  log: map(Math.log, positive),
  log1p: map(Math.log1p, positive),
  log1pGradient: map2((x, dy) => dy / (1 + x), positive),
  sqrt: map(Math.sqrt, positive),
  sqrtGradient: map2((y, dy) => dy / (2 * y), positive),
  square: map((x) => x * x),
  squareGradient: map2((x, dy) => 2 * x * dy),
  power: map2((x, y) => x ** y, { fill: (k, draw) => (k === 0 ? draw.positive() : draw.uniform(-2, 3)) }),
  powerBaseGradient: map3((x, y, dz) => (y === 0 ? 0 : dz * y * x ** (y - 1)), {
    fill: (k, draw) => (k === 0 ? draw.positive() : k === 1 ? draw.integers(4) : undefined),
  }),
  powerExponentGradient: map3((x, y, dz) => (x > 0 ? dz * x ** y * Math.log(x) : 0), {
    fill: (k, draw) => (k === 0 ? draw.integers(5).map((x) => x - 2) : k === 1 ? draw.integers(4) : undefined),
  }),
  sumAxis: reduced((values, scale) => sum(values) * scale, { scalars: [{ scale: 1 }, { scale: 0.25 }], tolerance: 40 }),
  repeatAxis: {
    dims: AXES,
    scalars: [{ scale: 1 }, { scale: 0.3 }],
    reference: ([x], { B, A, N, C }, { scale }) => [
      range(B * A).flatMap((o) => range(N).flatMap(() => range(C).map((c) => x[o * C + c] * scale))),
    ],
  },
  cumulativeSum: {
    dims: AXES,
    scalars: [{ reverse: 0 }, { reverse: 1 }],
    tolerance: 40,
    reference: ([x], d, { reverse }) => {
      const { B, A, N, C } = d;
      const up = (values: number[], n: number) => sum(reverse ? values.slice(n) : values.slice(0, n + 1));
      return [range(B * A).flatMap((o) => range(N).flatMap((n) => range(C).map((c) => up(along(x, o, c, d), n))))];
    },
  },
  maximumAxis: reduced((values) => Math.max(...values), { tolerance: 0 }),
  minimumAxis: reduced((values) => Math.min(...values), { tolerance: 0 }),
  extremeAxisGradient: {
    dims: AXES,
    fill: (k, draw) => (k < 2 ? draw.integers(2) : undefined),
    reference: ([x, y, dy], d) => {
      const dx = new Float64Array(x.length);
      for (const o of range(d.B * d.A))
        for (const c of range(d.C)) {
          const at = o * d.C + c;
          const equals = along(x, o, c, d).filter((v) => v === y[at]).length;
          for (const n of range(d.N)) {
            const i = (o * d.N + n) * d.C + c;
            dx[i] = x[i] === y[at] ? dy[at] / equals : 0;
          }
        }
      return [dx];
    },
  },
  repeatRows: {
    dims: [
      { B: 1, N: 1 },
      { B: 300, N: 70 },
    ],
    reference: ([x], { B }) => [range(B).flatMap(() => Array.from(x))],
  },
  swapAxes: {
    dims: [
      { B: 1, P: 1, Q: 1, R: 1, S: 1 },
      { B: 3, P: 2, Q: 4, R: 5, S: 3 },
      { B: 30, P: 3, Q: 17, R: 20, S: 2 },
      { B: 2, P: 3, Q: 37, R: 301, S: 1 },
    ],
    reference: ([x], { B, P, Q, R, S }) => [
      range(B * P).flatMap((p) =>
        range(R).flatMap((r) => range(Q).flatMap((q) => range(S).map((s) => x[((p * Q + q) * R + r) * S + s]))),
      ),
    ],
  },
  reverseAxis: {
    dims: [
      { B: 1, A: 1, N: 1, C: 1 },
      { B: 3, A: 2, N: 5, C: 4 },
      { B: 40, A: 1, N: 28, C: 30 },
    ],
    reference: ([x], { B, A, N, C }) => [
      range(B * A).flatMap((o) => range(N).flatMap((n) => range(C).map((c) => x[(o * N + N - 1 - n) * C + c]))),
    ],
  },
  interpolateAxis: {
    dims: STRETCHED,
    reference: ([x], { B, A, M, N, C }) => [
      range(B * A).flatMap((o) =>
        range(N).flatMap((n) =>
          range(C).map((c) => sum(range(M).map((m) => shareOf(m, n, M, N) * x[(o * M + m) * C + c]))),
        ),
      ),
    ],
  },
  interpolateAxisGradient: {
    dims: STRETCHED,
    reference: ([dy], { B, A, M, N, C }) => [
      range(B * A).flatMap((o) =>
        range(M).flatMap((m) =>
          range(C).map((c) => sum(range(N).map((n) => shareOf(m, n, M, N) * dy[(o * N + n) * C + c]))),
        ),
      ),
    ],
  },
  slice: {
    dims: STRETCHES,
    scalars: [{ start: 0 }, { start: 2 }, { start: 1000 }],
    reference: ([x], { B, A, M, N, C }, { start }) => {
      const from = Math.min(start, M - N); // a stretch that would end outside lies at the end
      return [range(B * A).flatMap((o) => Array.from(x.subarray((o * M + from) * C, (o * M + from + N) * C)))];
    },
  },
  place: {
    dims: STRETCHES,
    scalars: [{ start: 0 }, { start: 2 }, { start: 1000 }],
    reference: ([y, x], { B, A, M, N, C }, { start }) => {
      const to = x.slice();
      for (const o of range(B * A))
        to.set(y.subarray(o * N * C, (o + 1) * N * C), (o * M + Math.min(start, M - N)) * C);
      return [to];
    },
  },
  fill: {
    dims: ELEMENTS,
    scalars: [{ value: 0 }, { value: -1.5 }],
    reference: (_, { B, N }, { value }) => [new Float64Array(B * N).fill(value)],
  },
  meanGradient: {
    dims: ELEMENTS,
    reference: (_, { B, N }) => [new Float64Array(B * N).fill(1 / (B * N))],
  },
  batchMatmul: {
    dims: [
      { B: 1, M: 1, K: 1, N: 1 },
      { B: 5, M: 3, K: 7, N: 2 },
      { B: 20, M: 9, K: 33, N: 17 },
      { B: 1, M: 12, K: 300, N: 450 },
    ],
    tolerance: 60,
    reference: ([x, y], { B, M, K, N }) => [
      range(B).flatMap((b) =>
        range(M).flatMap((m) =>
          range(N).map((n) => sum(range(K).map((k) => x[(b * M + m) * K + k] * y[(b * K + k) * N + n]))),
        ),
      ),
    ],
  },
  gather: {
    dims: [
      { B: 1, N: 1, C: 1, J: 1 },
      { B: 7, N: 5, C: 3, J: 8 },
    ],
    fill: (k, draw, { N }) => (k === 1 ? draw.integers(N) : undefined),
    reference: ([x, index], { B, N, C, J }) => [
      range(B * J).flatMap((r) => Array.from(row(x, Math.floor(r / J) * N + index[r], C))),
    ],
  },
  gatherGradient: {
    dims: [
      { B: 1, N: 1, C: 1, J: 1 },
      { B: 7, N: 5, C: 3, J: 8 },
    ],
    fill: (k, draw, { N }) => (k === 0 ? draw.integers(N) : undefined),
    reference: ([index, dy], { B, N, C, J }) => {
      const dx = new Float64Array(B * N * C);
      for (const r of range(B * J))
        for (const c of range(C)) dx[(Math.floor(r / J) * N + index[r]) * C + c] += dy[r * C + c];
      return [dx];
    },
  },
  oneHot: {
    dims: [
      { B: 1, J: 1, N: 1 },
      { B: 40, J: 3, N: 7 },
    ],
    fill: (_, draw, { N }) => draw.integers(N),
    reference: ([index], { N }) => [Array.from(index).flatMap((k) => range(N).map((n) => Number(n === k)))],
  },
  logSoftmax: {
    dims: ROWS,
    reference: ([z], { B, M, N }) => [
      range(B * M).flatMap((r) => {
        const values = Array.from(row(z, r, N));
        const most = Math.max(...values);
        const log = most + Math.log(sum(values.map((v) => Math.exp(v - most))));
        return values.map((v) => v - log);
      }),
    ],
  },
  logSoftmaxGradient: {
    dims: ROWS,
    fill: (k, draw) => (k === 0 ? draw.uniform(-4, 0) : undefined),
    tolerance: 40,
    reference: ([y, dy], { B, M, N }) => [
      range(B * M).flatMap((r) => {
        const [values, slopes] = [row(y, r, N), row(dy, r, N)];
        const total = sum(slopes);
        return Array.from(values, (v, j) => slopes[j] - Math.exp(v) * total);
      }),
    ],
  },
};
