import type { Dims, KernelCase, KernelCases } from './case.js';

/** Kernels K x L, filters F, outputs Y x X, strides s x t, dilations d x e, p rows and q columns of zeros before the first. */
const DIMS: readonly Dims[] = [
  { B: 1, H: 1, W: 1, C: 1, K: 1, L: 1, F: 1, Y: 1, X: 1, s: 1, t: 1, d: 1, e: 1, p: 0, q: 0 },
  { B: 2, H: 5, W: 4, C: 3, K: 1, L: 1, F: 7, Y: 5, X: 4, s: 1, t: 1, d: 1, e: 1, p: 0, q: 0 },
  { B: 3, H: 6, W: 5, C: 2, K: 3, L: 3, F: 5, Y: 4, X: 3, s: 1, t: 1, d: 1, e: 1, p: 0, q: 0 }, // valid
  { B: 3, H: 6, W: 5, C: 2, K: 3, L: 2, F: 5, Y: 6, X: 5, s: 1, t: 1, d: 1, e: 1, p: 1, q: 0 }, // same
  { B: 2, H: 9, W: 8, C: 3, K: 3, L: 3, F: 4, Y: 5, X: 3, s: 2, t: 3, d: 1, e: 1, p: 1, q: 1 }, // strides
  { B: 2, H: 9, W: 8, C: 3, K: 3, L: 2, F: 4, Y: 5, X: 6, s: 1, t: 1, d: 2, e: 2, p: 0, q: 0 }, // dilations
  { B: 5, H: 14, W: 14, C: 8, K: 3, L: 3, F: 33, Y: 14, X: 14, s: 1, t: 1, d: 1, e: 1, p: 1, q: 1 }, // tiles
  { B: 2, H: 5, W: 4, C: 33, K: 3, L: 3, F: 32, Y: 5, X: 3, s: 1, t: 1, d: 1, e: 1, p: 1, q: 0 }, // F(2x2, 3x3)
  { B: 3, H: 4, W: 4, C: 64, K: 3, L: 3, F: 128, Y: 2, X: 2, s: 1, t: 1, d: 1, e: 1, p: 0, q: 0 }, // few pixels, many weights
  { B: 5, H: 4, W: 4, C: 213, K: 2, L: 3, F: 213, Y: 3, X: 2, s: 1, t: 1, d: 1, e: 1, p: 0, q: 0 }, // weights by panels
];

/** fn(place in x, in w, in y) for every product of the convolution y[b,y,x,f] = sum x[b,h,w,c] * w[k,l,c,f]. */
function products(
  { B, H, W, C, K, L, F, Y, X, s, t, d, e, p, q }: Dims,
  fn: (x: number, w: number, y: number) => void,
) {
  for (let b = 0; b < B; b++)
    for (let i = 0; i < Y; i++)
      for (let j = 0; j < X; j++)
        for (let k = 0; k < K; k++)
          for (let l = 0; l < L; l++) {
            const h = i * s + k * d - p;
            const w = j * t + l * e - q;
            if (h < 0 || h >= H || w < 0 || w >= W) continue;
            for (let c = 0; c < C; c++)
              for (let f = 0; f < F; f++)
                fn(((b * H + h) * W + w) * C + c, ((k * L + l) * C + c) * F + f, ((b * Y + i) * X + j) * F + f);
          }
}

function forward(x: Float64Array, w: Float64Array, bias: Float64Array | undefined, d: Dims) {
  const y = new Float64Array(d.B * d.Y * d.X * d.F).map((_, i) => bias?.[i % d.F] ?? 0);
  products(d, (atX, atW, atY) => {
    y[atY] += x[atX] * w[atW];
  });
  return y;
}

function weightGradient(x: Float64Array, dy: Float64Array, d: Dims) {
  const dw = new Float64Array(d.K * d.L * d.C * d.F);
  products(d, (atX, atW, atY) => {
    dw[atW] += x[atX] * dy[atY];
  });
  return dw;
}

function inputGradient(dy: Float64Array, w: Float64Array, d: Dims) {
  const dx = new Float64Array(d.B * d.H * d.W * d.C);
  products(d, (atX, atW, atY) => {
    dx[atX] += dy[atY] * w[atW];
  });
  return dx;
}

function biasGradient(dy: Float64Array, { F }: Dims) {
  const db = new Float64Array(F);
  dy.forEach((v, i) => {
    db[i % F] += v;
  });
  return db;
}

const convolution = (reference: KernelCase['reference']): KernelCase => ({ dims: DIMS, reference, tolerance: 32 });

export const conv2d: KernelCases = {
  conv2d: convolution(([x, w, b], d) => [forward(x, w, b, d)]),
  conv2dWeightGradient: convolution(([x, dy], d) => [weightGradient(x, dy, d), biasGradient(dy, d)]),
  conv2dInputGradient: convolution(([dy, w], d) => [inputGradient(dy, w, d)]),
};
