import { type Dims, type KernelCases, range, sum } from './case.js';

/** Windows of K x L, outputs Y x X, strides s x t, p rows and q columns of nothing before the first. */
const DIMS: readonly Dims[] = [
  { B: 1, H: 1, W: 1, C: 1, Y: 1, X: 1, K: 1, L: 1, s: 1, t: 1, p: 0, q: 0 },
  { B: 3, H: 6, W: 4, C: 5, Y: 3, X: 2, K: 2, L: 2, s: 2, t: 2, p: 0, q: 0 }, // tiled
  { B: 3, H: 7, W: 5, C: 5, Y: 3, X: 2, K: 2, L: 2, s: 2, t: 2, p: 0, q: 0 }, // a row and a column left over
  { B: 2, H: 7, W: 6, C: 3, Y: 7, X: 3, K: 3, L: 2, s: 1, t: 2, p: 1, q: 0 }, // overlapping, padded
  { B: 2, H: 9, W: 9, C: 3, Y: 3, X: 3, K: 2, L: 2, s: 4, t: 4, p: 0, q: 0 }, // gaps
  { B: 9, H: 14, W: 14, C: 33, Y: 7, X: 7, K: 2, L: 2, s: 2, t: 2, p: 0, q: 0 },
];

interface Window {
  /** Place of the output in y[B,Y,X,C]. */
  out: number;
  /** Places in x[B,H,W,C], and in the window, of what lies inside the image. */
  inside: { at: number; place: number }[];
}

function windows({ B, H, W, C, Y, X, K, L, s, t, p, q }: Dims): Window[] {
  const found: Window[] = [];
  for (let b = 0; b < B; b++)
    for (let i = 0; i < Y; i++)
      for (let j = 0; j < X; j++)
        for (let c = 0; c < C; c++) {
          const inside = [];
          for (let k = 0; k < K; k++)
            for (let l = 0; l < L; l++) {
              const h = i * s + k - p;
              const w = j * t + l - q;
              if (h >= 0 && h < H && w >= 0 && w < W)
                inside.push({ at: ((b * H + h) * W + w) * C + c, place: k * L + l });
            }
          found.push({ out: ((b * Y + i) * X + j) * C + c, inside });
        }
  return found;
}

function spread(d: Dims, fn: (dx: Float64Array, window: Window) => void): Float64Array {
  const dx = new Float64Array(d.B * d.H * d.W * d.C);
  for (const window of windows(d)) fn(dx, window);
  return dx;
}

const GLOBAL: readonly Dims[] = [
  { B: 1, N: 1, C: 1 },
  { B: 3, N: 12, C: 5 },
  { B: 40, N: 49, C: 65 },
];

export const pool: KernelCases = {
  maxPooling2d: {
    dims: DIMS,
    reference: ([x], d) => {
      const best = windows(d).map(({ inside }) => inside.reduce((a, b) => (x[b.at] > x[a.at] ? b : a)));
      return [best.map(({ at }) => x[at]), best.map(({ place }) => place)];
    },
    tolerance: 0,
  },
  maxPooling2dGradient: {
    dims: DIMS,
    fill: (k, draw, { K, L }) => (k === 0 ? draw.integers(K * L) : undefined),
    reference: ([winner, dy], d) => [
      spread(d, (dx, { out, inside }) => {
        for (const { at, place } of inside) if (place === winner[out]) dx[at] += dy[out];
      }),
    ],
  },
  averagePooling2d: {
    dims: DIMS,
    reference: ([x], d) => [windows(d).map(({ inside }) => sum(inside.map(({ at }) => x[at])) / inside.length)],
  },
  averagePooling2dGradient: {
    dims: DIMS,
    reference: ([dy], d) => [
      spread(d, (dx, { out, inside }) => {
        for (const { at } of inside) dx[at] += dy[out] / inside.length;
      }),
    ],
  },
  globalAveragePooling: {
    dims: GLOBAL,
    reference: ([x], { B, N, C }) => [
      range(B * C).map((i) => sum(range(N).map((n) => x[(Math.floor(i / C) * N + n) * C + (i % C)])) / N),
    ],
    tolerance: 16,
  },
  globalAveragePoolingGradient: {
    dims: GLOBAL,
    reference: ([dy], { B, N, C }) => [range(B * N * C).map((i) => dy[Math.floor(i / (N * C)) * C + (i % C)] / N)],
  },
};
