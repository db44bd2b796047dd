import { type Dims, ELEMENTS, type KernelCase, type KernelCases, range } from './case.js';

/** Kernels K x L, outputs Y x X, strides s x t, dilations d x e, p rows and q columns of zeros before the first. */
const DIMS: readonly Dims[] = [
  { B: 1, H: 1, W: 1, C: 1, K: 1, L: 1, Y: 1, X: 1, s: 1, t: 1, d: 1, e: 1, p: 0, q: 0 },
  { B: 2, H: 6, W: 5, C: 3, K: 3, L: 3, Y: 4, X: 3, s: 1, t: 1, d: 1, e: 1, p: 0, q: 0 }, // valid
  { B: 3, H: 6, W: 7, C: 5, K: 3, L: 2, Y: 6, X: 7, s: 1, t: 1, d: 1, e: 1, p: 1, q: 0 }, // same
  { B: 2, H: 9, W: 8, C: 3, K: 3, L: 3, Y: 5, X: 3, s: 2, t: 3, d: 1, e: 1, p: 1, q: 1 }, // strides
  { B: 2, H: 9, W: 8, C: 4, K: 3, L: 2, Y: 5, X: 6, s: 1, t: 1, d: 2, e: 2, p: 0, q: 0 }, // dilations
  { B: 2, H: 4, W: 4, C: 2, K: 5, L: 7, Y: 4, X: 4, s: 1, t: 1, d: 1, e: 1, p: 2, q: 3 }, // larger than the image
  { B: 1, H: 3, W: 3, C: 2, K: 3, L: 3, Y: 3, X: 3, s: 1, t: 1, d: 9, e: 9, p: 9, q: 9 }, // most taps outside
  { B: 2, H: 3, W: 3, C: 2, K: 2, L: 3, Y: 2, X: 5, s: 0, t: 0, d: 1, e: 1, p: 0, q: 1 }, // one place, many times
  { B: 5, H: 14, W: 14, C: 33, K: 3, L: 3, Y: 14, X: 14, s: 1, t: 1, d: 1, e: 1, p: 1, q: 1 }, // tiles
  { B: 4, H: 15, W: 15, C: 20, K: 5, L: 4, Y: 8, X: 8, s: 2, t: 2, d: 1, e: 1, p: 2, q: 1 },
];

/** fn(place in x, in w, in y) for every product of y[b,y,x,c] = sum x[b,h,w,c] * w[k,l,c]. */
function products({ B, H, W, C, K, L, Y, X, s, t, d, e, p, q }: Dims, fn: (x: number, w: number, y: number) => void) {
  for (let at = 0; at < B * Y * X; at++)
    for (let tap = 0; tap < K * L; tap++) {
      const h = (Math.floor(at / X) % Y) * s + Math.floor(tap / L) * d - p;
      const w = (at % X) * t + (tap % L) * e - q;
      if (h < 0 || h >= H || w < 0 || w >= W) continue;
      const pixel = (Math.floor(at / (X * Y)) * H + h) * W + w;
      for (let c = 0; c < C; c++) fn(pixel * C + c, tap * C + c, at * C + c);
    }
}

/** The same in G groups of C channels and F filters each. */
const GROUPED: readonly Dims[] = [
  ...DIMS.map(
    (d): Dims => (d.C > 30 ? { ...d, C: 9, F: 5, G: 3 } : { ...d, F: 1 + (d.W % 4), G: 1 + (d.H % 3) }), // tiles, or few
  ),
  { B: 3, H: 5, W: 9, C: 8, K: 3, L: 3, F: 33, Y: 5, X: 9, s: 1, t: 1, d: 1, e: 1, p: 1, q: 1, G: 2 },
];

/** fn(place in x, in w, in y) for every product of y[b,y,x,g,f] = sum x[b,h,w,g,c] * w[k,l,c,g,f]. */
function groupedProducts({ C, F, G, ...d }: Dims, fn: (x: number, w: number, y: number) => void) {
  products({ ...d, C: 1 } as Dims, (pixel, tap, at) => {
    for (let g = 0; g < G; g++)
      for (let c = 0; c < C; c++)
        for (let f = 0; f < F; f++) fn((pixel * G + g) * C + c, ((tap * C + c) * G + g) * F + f, (at * G + g) * F + f);
  });
}

const grouped = (reference: KernelCase['reference']): KernelCase => ({ dims: GROUPED, reference, tolerance: 32 });

const depthwise = (reference: KernelCase['reference']): KernelCase => ({ dims: DIMS, reference, tolerance: 32 });

/** lowbias32, of which dropout and noise draw their words. */
export function mix(value: number): number {
  let x = value >>> 0;
  x = Math.imul(x ^ (x >>> 16), 0x21f0aaad);
  x = Math.imul(x ^ (x >>> 15), 0x735a2d97);
  return (x ^ (x >>> 15)) >>> 0;
}

/** Box and Muller's number of element `i`, from words that are rounded to the dtype. */
function noise(i: number, seed: number, round: (x: number) => number): number {
  const high = Math.floor(seed / 2 ** 32) ^ mix(0);
  const word = mix((seed % 2 ** 32) + i);
  const u = round(round(mix(word ^ high)) + 0.5) / 2 ** 32;
  const v = round(round(mix(word ^ ~high) | 0) + 0.5) / 2 ** 31;
  return Math.sqrt(-2 * Math.log(u)) * Math.sin((Math.PI / 2) * v);
}

export const convolutions: KernelCases = {
  depthwiseConv2d: depthwise(([x, w, bias], d) => {
    const y = new Float64Array(d.B * d.Y * d.X * d.C).map((_, i) => bias[i % d.C]);
    products(d, (atX, atW, atY) => {
      y[atY] += x[atX] * w[atW];
    });
    return [y];
  }),
  depthwiseConv2dInputGradient: depthwise(([dy, w], d) => {
    const dx = new Float64Array(d.B * d.H * d.W * d.C);
    products(d, (atX, atW, atY) => {
      dx[atX] += dy[atY] * w[atW];
    });
    return [dx];
  }),
  depthwiseConv2dWeightGradient: depthwise(([x, dy], d) => {
    const dw = new Float64Array(d.K * d.L * d.C);
    products(d, (atX, atW, atY) => {
      dw[atW] += x[atX] * dy[atY];
    });
    const db = new Float64Array(d.C);
    dy.forEach((v, i) => {
      db[i % db.length] += v;
    });
    return [dw, db];
  }),
  conv2dGrouped: grouped(([x, w, bias], d) => {
    const y = new Float64Array(d.B * d.Y * d.X * d.G * d.F).map((_, i) => bias[i % (d.G * d.F)]);
    groupedProducts(d, (atX, atW, atY) => {
      y[atY] += x[atX] * w[atW];
    });
    return [y];
  }),
  conv2dGroupedInputGradient: grouped(([dy, w], d) => {
    const dx = new Float64Array(d.B * d.H * d.W * d.G * d.C);
    groupedProducts(d, (atX, atW, atY) => {
      dx[atX] += dy[atY] * w[atW];
    });
    return [dx];
  }),
  conv2dGroupedWeightGradient: grouped(([x, dy], d) => {
    const dw = new Float64Array(d.K * d.L * d.C * d.G * d.F);
    groupedProducts(d, (atX, atW, atY) => {
      dw[atW] += x[atX] * dy[atY];
    });
    const db = new Float64Array(d.G * d.F);
    dy.forEach((v, i) => {
      db[i % db.length] += v;
    });
    return [dw, db];
  }),
  addBias: {
    dims: [
      { B: 1, O: 1 },
      { B: 7, O: 5 },
      { B: 900, O: 33 },
    ],
    reference: ([x, b], { O }) => [x.map((v, i) => v + b[i % O])],
  },
  gaussianNoise: {
    dims: ELEMENTS,
    scalars: [
      { stddev: 0, seed: 5 },
      { stddev: 0.5, seed: 2 ** 52 + 12345 },
    ],
    reference: ([x], { B, N }, { stddev, seed }, round) => [
      range(B * N).map((i) => x[i] + round(stddev) * noise(i, seed, round)),
    ],
  },
};
