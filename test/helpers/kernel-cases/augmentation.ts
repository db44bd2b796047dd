import { type Dims, type KernelCases, range, type Scalars, sum } from './case.js';
import { mix } from './depthwise.js';

const f = Math.fround;

/** Number `counter` of a uniform distribution over [low, high), of a seed below 2^32. */
const uniform = (seed: number, counter: number, low: number, high: number) =>
  low + (high - low) * (mix(mix(seed + counter)) / 2 ** 32);

/** The transform of image number `i`, in float32 whatever the dtype. */
function transform(i: number, { H, W }: Dims, { change, yLow, yHigh, xLow, xHigh, seed }: Scalars): number[] {
  const [y, x] = [uniform(seed, 2 * i, yLow, yHigh), uniform(seed, 2 * i + 1, xLow, xHigh)];
  const [midY, midX] = [(H - 1) / 2, (W - 1) / 2];
  const zoom = (share: number) => f(1 + share);
  const about = (middle: number, zoom: number) => f(middle * f(1 - zoom));
  switch (change) {
    case 0: {
      const isFlipped = uniform(seed, 2 * i, 0, 1) < 0.5;
      const along = (high: number, n: number) => (isFlipped && high > 0 ? [-1, n - 1] : [1, 0]);
      const [[a, left], [b, top]] = [along(xHigh, W), along(yHigh, H)];
      return [a, 0, left, 0, b, top];
    }
    case 1: {
      const angle = f(f(360 * y) * f(Math.PI / 180));
      const [c, s] = [f(Math.cos(angle)), f(Math.sin(angle))];
      return [c, -s, f(f(midX - f(midX * c)) + f(midY * s)), s, c, f(f(midY - f(midX * s)) - f(midY * c))];
    }
    case 2:
      return [1, 0, f(-f(x) * W), 0, 1, f(-f(y) * H)];
    default: {
      const [b, a] = [zoom(y), zoom(change === 4 ? y : x)];
      return [a, 0, about(midX, a), 0, b, about(midY, b)];
    }
  }
}

/** Where on an axis of n pixels TensorFlow reads a place. */
function place(fill: number, at: number, n: number): number {
  if (fill === 1) return at;
  let to = at;
  if (fill === 0) {
    const period = 2 * n; // one way and back
    to = f(Math.abs(at) - f(period * Math.trunc(f(Math.abs(at) / period))));
    if (at < 0) to = to > n ? f(period - to) : f(to - 1);
    else if (to >= n) to = f(f(period - to) - 1);
  } else if (fill === 2 && n > 1) {
    if (at < 0) to = f(at + f(n * (Math.trunc(f(-at / (n - 1))) + 1)));
    else if (at > n - 1) to = f(at - f(n * Math.trunc(f(at / (n - 1)))));
  }
  return Math.min(Math.max(to, 0), n - 1);
}

/** fn(pixel of y, pixel of x or -1, weight) of all images. */
function taps(m: Float64Array, { B, H, W }: Dims, s: Scalars, fn: (y: number, x: number, weight: number) => void) {
  const round = (x: number) => Math.sign(x) * Math.round(Math.abs(x));
  for (let i = 0; i < B * H * W; i++) {
    const image = Math.floor(i / (H * W));
    const [row, column] = [Math.floor(i / W) % H, i % W];
    const of = m.subarray(image * 6, image * 6 + 6).map(f);
    const along = (k: number) => f(f(f(of[k] * column) + f(of[k + 1] * row)) + of[k + 2]);
    const [x, y] = [place(s.fill, along(0), W), place(s.fill, along(3), H)];
    const read = (x: number, y: number, weight: number) =>
      fn(i, x >= 0 && x < W && y >= 0 && y < H ? (image * H + y) * W + x : -1, weight);
    if (s.interpolation === 1) {
      read(round(x), round(y), 1);
      continue;
    }
    const [left, top] = [Math.floor(x), Math.floor(y)];
    const [right, below] = [f(x - left), f(y - top)];
    for (const k of range(2))
      for (const j of range(2)) read(left + j, top + k, (j ? right : 1 - right) * (k ? below : 1 - below));
  }
}

const IMAGES: readonly Dims[] = [
  { B: 1, H: 1, W: 1, C: 1 },
  { B: 3, H: 1, W: 6, C: 3 },
  { B: 5, H: 7, W: 4, C: 1 },
  { B: 4, H: 5, W: 8, C: 17 },
  { B: 9, H: 40, W: 41, C: 3 }, // tiles
];
const READING = range(4).flatMap((fill) => range(2).map((interpolation) => ({ fill, interpolation })));
/** Turned, zoomed and sheared, as far as two images away. */
const somewhere = (values: Float64Array, { H, W }: Dims) =>
  values.map((v, i) => [1 + v / 3, v / 3, v * W, v / 3, 1 + v / 3, v * H][i % 6]);

const SEEDS = [0, 2 ** 31 + 5];
const CHANGES = [
  { change: 0, yLow: 0, yHigh: 1, xLow: 0, xHigh: 0 },
  { change: 0, yLow: 0, yHigh: 1, xLow: 0, xHigh: 1 },
  { change: 1, yLow: -0.3, yHigh: 0.6, xLow: 0, xHigh: 0 },
  { change: 2, yLow: -0.3, yHigh: 0.6, xLow: 0.1, xHigh: 0.2 },
  { change: 3, yLow: -0.3, yHigh: 0.6, xLow: 0.1, xHigh: 0.2 },
  { change: 4, yLow: -0.3, yHigh: 0.6, xLow: 0, xHigh: 0 },
];

const CONTRASTS: readonly Dims[] = [
  { B: 1, N: 1, C: 1 },
  { B: 3, N: 7, C: 3 },
  { B: 4, N: 5, C: 37 },
  { B: 300, N: 60, C: 3 }, // tiles
  { B: 30, N: 1500, C: 1 },
];

/** (x - mean) * factor + mean, where a factor is one of an image. */
function spread(x: Float64Array, factor: ArrayLike<number>, { N, C }: Dims): Float64Array {
  const means = meansOf(x, N, C);
  return x.map((v, i) => (v - means(i)) * factor[Math.floor(i / (N * C))] + means(i));
}

/** The mean over the pixels of the image and the channel that value number i is in. */
function meansOf(x: Float64Array, N: number, C: number): (i: number) => number {
  const group = (i: number) => Math.floor(i / (N * C)) * C + (i % C);
  const means = range(x.length / N).map((g) => {
    const first = Math.floor(g / C) * N * C + (g % C);
    return sum(range(N).map((k) => x[first + k * C])) / N;
  });
  return (i) => means[group(i)];
}

export const augmentation: KernelCases = {
  imageTransforms: {
    dims: [
      { B: 1, H: 1, W: 1 },
      { B: 50, H: 5, W: 8 },
      { B: 4000, H: 6, W: 3 }, // tiles
    ],
    scalars: SEEDS.flatMap((seed) => CHANGES.map((change) => ({ ...change, seed }))),
    reference: (_, d, s) => [range(d.B).flatMap((i) => transform(i, d, s))],
    tolerance: 0,
  },
  transformImage: {
    dims: IMAGES,
    scalars: READING.map((reading) => ({ ...reading, fillValue: 0.5 })),
    fill: (k, draw, d) => (k === 1 ? somewhere(draw.normal(), d) : undefined),
    reference: ([x, m], d, s) => {
      const y = new Float64Array(x.length);
      taps(m, d, s, (to, from, weight) => {
        for (let c = 0; c < d.C; c++) y[to * d.C + c] += weight * (from < 0 ? s.fillValue : x[from * d.C + c]);
      });
      return [y];
    },
  },
  transformImageGradient: {
    dims: IMAGES,
    scalars: READING,
    fill: (k, draw, d) => (k === 0 ? somewhere(draw.normal(), d) : undefined),
    reference: ([m, dy], d, s) => {
      const dx = new Float64Array(dy.length);
      taps(m, d, s, (from, to, weight) => {
        for (let c = 0; c < d.C && to >= 0; c++) dx[to * d.C + c] += weight * dy[from * d.C + c];
      });
      return [dx];
    },
    tolerance: 64,
  },
  contrast: {
    dims: CONTRASTS,
    scalars: SEEDS.map((seed) => ({ low: 0.3, high: 1.9, least: -1, most: 1.5, seed })),
    reference: ([x], d, { low, high, least, most, seed }) => {
      const factor = range(d.B).map((i) => uniform(seed, i, low, high));
      return [spread(x, factor, d).map((v) => Math.min(Math.max(v, least), most)), factor];
    },
  },
  contrastGradient: {
    dims: CONTRASTS,
    scalars: [{ least: -1, most: 1.5 }],
    fill: (k, draw) => (k === 1 ? draw.uniform(0.3, 1.9) : undefined),
    reference: ([x, factor, dy], d, { least, most }) => {
      const moved = spread(x, factor, d);
      const passed = dy.map((v, i) => (moved[i] < least || moved[i] > most ? 0 : v));
      const means = meansOf(passed, d.N, d.C);
      const of = (i: number) => factor[Math.floor(i / (d.N * d.C))];
      return [passed.map((v, i) => of(i) * v + (1 - of(i)) * means(i))];
    },
    tolerance: 16,
  },
};
