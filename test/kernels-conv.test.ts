import { readFileSync } from 'node:fs';
import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';
import { getThreads, kernels, RandomState, setThreads } from 'fjordnet';
import { kernelCases } from './helpers/kernel-cases/index.js';
import { replay } from './helpers/replay.js';

type Floats = Float64Array | Float32Array;
const dtypes = [Float64Array, Float32Array] as const;
type FloatsConstructor = (typeof dtypes)[number];

interface Stored {
  shape: number[];
  data: number[];
}
interface Case {
  strides: number;
  dilation: number;
  pool: number;
  padding: 'same' | 'valid';
  x: Stored;
  kernel: Stored;
  bias: Stored;
  y: Stored;
  dy: Stored;
  dx: Stored;
  dkernel: Stored;
  dbias: Stored;
}
const golden = JSON.parse(readFileSync(new URL('../test/fixtures/layers.json', import.meta.url), 'utf8')) as Record<
  'conv2d' | 'max_pool2d' | 'avg_pool2d',
  Case[]
>;

/** The largest difference, relative to the largest magnitude of what is expected. */
function error(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  let most = 0;
  let magnitude = 0;
  for (let i = 0; i < expected.length; i++) {
    most = Math.max(most, Math.abs(actual[i] - expected[i]));
    magnitude = Math.max(magnitude, Math.abs(expected[i]));
    if (Number.isNaN(actual[i]) !== Number.isNaN(expected[i])) return Number.POSITIVE_INFINITY;
  }
  return most === 0 ? 0 : most / magnitude;
}

test('F(2x2, 3x3) is as accurate as what it takes the place of', (t) => {
  const dims = { B: 6, H: 20, W: 20, C: 40, K: 3, L: 3, F: 40, Y: 20, X: 20, s: 1, t: 1, d: 1, e: 1, p: 1, q: 1 };
  const random = new RandomState(4);
  const draw = (n: number) => Float32Array.from(random.randn(n).data);
  const x = draw(6 * 400 * 40).map((value) => Math.max(0, value)); // as behind relu: sums without much cancellation
  const arrays = [x, draw(9 * 1600), draw(40), draw(6 * 400 * 40)] as const;
  const expected = naive(dims, ...arrays);
  const actual = convolve(dims, ...arrays);
  // the first 20 filters or channels alone: too few of them for it
  const some = (data: Floats, from: number, to: number) => data.filter((_, i) => i % from < to);
  const few = convolve(
    { ...dims, F: 20 },
    ...([x, some(arrays[1], 40, 20), arrays[2].subarray(0, 20), some(arrays[3], 40, 20)] as const),
  );
  for (const what of ['y', 'dw'] as const) {
    const part = (data: Floats) => some(data, 40, 20);
    const [before, after] = [few[what], part(actual[what])].map((data) => error(data, part(expected[what])));
    t.true(after <= 4 * before, `${what}: ${before}, ${after}`);
    t.notDeepEqual(few[what], part(actual[what]));
  }
});

const tolerance = (Float: FloatsConstructor) => (Float === Float64Array ? 1e-12 : 1e-5);

function near(t: ExecutionContext, what: string, actual: Floats, expected: ArrayLike<number>) {
  t.is(actual.length, expected.length, what);
  const most = error(actual, expected);
  t.true(most <= tolerance(actual.constructor as FloatsConstructor), `${what}: relative error ${most}`);
}

/** As TensorFlow: places of the window, and rows before the image. */
function slide(n: number, size: number, stride: number, dilation: number, padding: 'same' | 'valid'): [number, number] {
  const extent = (size - 1) * dilation + 1;
  if (padding === 'valid') return [Math.floor((n - extent) / stride) + 1, 0];
  const places = Math.ceil(n / stride);
  return [places, Math.floor(Math.max(0, (places - 1) * stride + extent - n) / 2)];
}

interface Conv {
  [letter: string]: number;
}
interface ConvResult {
  y: Floats;
  dw: Floats;
  db: Floats;
  dx: Floats;
}

function convolve(dims: Conv, x: Floats, w: Floats, b: Floats, dy: Floats): ConvResult {
  const Float = x.constructor as FloatsConstructor;
  const { B, H, W, C, K, L, F, Y, X } = dims;
  const of = (n: number) => new Float(n).fill(Number.NaN); // every value must be written
  const result = { y: of(B * Y * X * F), dw: of(K * L * C * F), db: of(F), dx: of(B * H * W * C) };
  kernels.conv2d(dims, [x, w, b, result.y]);
  kernels.conv2dWeightGradient(dims, [x, dy, result.dw, result.db]);
  kernels.conv2dInputGradient(dims, [dy, w, result.dx]);
  return result;
}

/** Straight from the definition, in doubles: arrays of one type take half the time. */
function naive(
  dims: Conv,
  ...arrays: [x: Floats, w: Floats, b: Floats, dy: Floats]
): Record<keyof ConvResult, Float64Array> {
  const [x, w, b, dy] = arrays.map((array) => Float64Array.from(array));
  const { B, H, W, C, K, L, F, Y, X, s, t, d, e, p, q } = dims;
  const y = new Float64Array(B * Y * X * F);
  const dw = new Float64Array(K * L * C * F);
  const db = new Float64Array(F);
  const dx = new Float64Array(B * H * W * C);
  for (let at = 0; at < B * Y * X; at++) {
    const n = Math.floor(at / (Y * X));
    const top = (Math.floor(at / X) % Y) * s - p;
    const left = (at % X) * t - q;
    for (let f = 0; f < F; f++) {
      y[at * F + f] += b[f];
      db[f] += dy[at * F + f];
    }
    for (let k = 0; k < K; k++)
      for (let l = 0; l < L; l++) {
        const [h, v] = [top + k * d, left + l * e];
        if (h < 0 || h >= H || v < 0 || v >= W) continue;
        for (let c = 0; c < C; c++) {
          const i = ((n * H + h) * W + v) * C + c;
          const [first, row, value] = [((k * L + l) * C + c) * F, at * F, x[i]];
          let sum = dx[i];
          for (let f = 0; f < F; f++) {
            y[row + f] += value * w[first + f];
            dw[first + f] += value * dy[row + f];
            sum += w[first + f] * dy[row + f];
          }
          dx[i] = sum;
        }
      }
  }
  return { y, dw, db, dx };
}

/** Reproducible values in [-1, 1). */
function values(Float: FloatsConstructor, n: number, seed: number): Floats {
  const out = new Float(n);
  let state = seed * 2654435761 + 12345;
  for (let i = 0; i < n; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    out[i] = state / 2 ** 31;
  }
  return out;
}

function inputs(Float: FloatsConstructor, { B, H, W, C, K, L, F, Y, X }: Conv) {
  return [B * H * W * C, K * L * C * F, F, B * Y * X * F].map((n, i) => values(Float, n, i + n)) as [
    Floats,
    Floats,
    Floats,
    Floats,
  ];
}

for (const Float of dtypes) {
  const dtype = Float === Float64Array ? 'float64' : 'float32';

  golden.conv2d.forEach((c, i) => {
    test(`conv2d, case ${i} of PyTorch, ${dtype}`, (t) => {
      const [B, H, W, C] = c.x.shape;
      const [K, L, , F] = c.kernel.shape;
      const [s, d] = [c.strides, c.dilation];
      const [Y, p] = slide(H, K, s, d, c.padding);
      const [X, q] = slide(W, L, s, d, c.padding);
      t.deepEqual([B, Y, X, F], c.y.shape);
      const dims = { B, H, W, C, K, L, F, Y, X, s, t: s, d, e: d, p, q };
      const arrays = [c.x, c.kernel, c.bias, c.dy].map(({ data }) => Float.from(data)) as [
        Floats,
        Floats,
        Floats,
        Floats,
      ];
      const { y, dw, db, dx } = convolve(dims, ...arrays);
      near(t, 'y', y, c.y.data);
      near(t, 'dkernel', dw, c.dkernel.data);
      near(t, 'dbias', db, c.dbias.data);
      near(t, 'dx', dx, c.dx.data);
    });
  });

  for (const [name, kernel] of [
    ['max_pool2d', 'maxPooling2d'],
    ['avg_pool2d', 'averagePooling2d'],
  ] as const)
    golden[name].forEach((c, i) => {
      test(`${kernel}, case ${i} of PyTorch, ${dtype}`, (t) => {
        const [B, H, W, C] = c.x.shape;
        const [K, s] = [c.pool, c.strides];
        const [Y, p] = slide(H, K, s, 1, c.padding);
        const [X, q] = slide(W, K, s, 1, c.padding);
        const dims = { B, H, W, C, Y, X, K, L: K, s, t: s, p, q };
        const [x, dy] = [Float.from(c.x.data), Float.from(c.dy.data)];
        const y = new Float(dy.length).fill(Number.NaN);
        const winner = new Float(dy.length).fill(Number.NaN);
        const dx = new Float(x.length).fill(Number.NaN);
        kernels[kernel](dims, kernel === 'maxPooling2d' ? [x, y, winner] : [x, y]);
        kernels[`${kernel}Gradient`](dims, kernel === 'maxPooling2d' ? [winner, dy, dx] : [dy, dx]);
        near(t, 'y', y, c.y.data);
        near(t, 'dx', dx, c.dx.data);
      });
    });

  test(`convolutions of any shape are what their definition says, ${dtype}`, (t) => {
    const small = (most: number) => fc.integer({ min: 1, max: most });
    const shapes = fc.record({
      B: small(3),
      H: small(11),
      W: small(21),
      C: small(20),
      K: small(4),
      L: small(5),
      F: small(40),
      s: small(3),
      t: small(3),
      d: small(3),
      e: small(3),
      padding: fc.constantFrom('same' as const, 'valid' as const),
    });
    fc.assert(
      fc.property(shapes, ({ padding, ...shape }) => {
        const [Y, p] = slide(shape.H, shape.K, shape.s, shape.d, padding);
        const [X, q] = slide(shape.W, shape.L, shape.t, shape.e, padding);
        fc.pre(Y > 0 && X > 0);
        const dims = { ...shape, Y, X, p, q };
        const arrays = inputs(Float, dims);
        const actual = convolve(dims, ...arrays);
        const expected = naive(dims, ...arrays);
        for (const what of ['y', 'dw', 'db', 'dx'] as const) {
          const most = error(actual[what], expected[what]);
          if (!(most <= tolerance(Float))) throw new Error(`${what}: relative error ${most}`);
        }
      }),
      { numRuns: 150, seed: 1 },
    );
    t.pass();
  });

  test(`3x3 convolutions of many channels, padded anyhow, are what their definition says, ${dtype}`, (t) => {
    const between = (min: number, max: number) => fc.integer({ min, max });
    const shapes = fc.record({
      ...{ B: between(1, 3), H: between(1, 8), W: between(1, 8), Y: between(1, 8), X: between(1, 8) },
      ...{ C: between(31, 40), F: between(31, 40), p: between(0, 3), q: between(0, 3) },
    });
    fc.assert(
      fc.property(shapes, (shape) => {
        const dims = { ...shape, K: 3, L: 3, s: 1, t: 1, d: 1, e: 1 };
        const arrays = inputs(Float, dims);
        const actual = convolve(dims, ...arrays);
        const expected = naive(dims, ...arrays);
        for (const what of ['y', 'dw', 'db', 'dx'] as const) {
          const most = error(actual[what], expected[what]);
          if (!(most <= (Float === Float64Array ? 1e-13 : 3e-6))) throw new Error(`${what}: relative error ${most}`);
        }
      }),
      { numRuns: 40, seed: 2 },
    );
    t.pass();
  });

  // Weights that no longer fit the cache beside few pixels, and strided input gradients, go another way.
  for (const [what, shape] of Object.entries({
    'many channels': { B: 3, H: 4, W: 5, C: 96, K: 3, L: 3, F: 96, s: 1, d: 1, padding: 'same' },
    'many channels, strided and dilated': { B: 2, H: 5, W: 9, C: 128, K: 2, L: 3, F: 100, s: 2, d: 2, padding: 'same' },
    'many channels, valid': { B: 5, H: 5, W: 5, C: 100, K: 3, L: 3, F: 90, s: 1, d: 1, padding: 'valid' },
    '1 x 1, many channels': { B: 7, H: 3, W: 5, C: 300, K: 1, L: 1, F: 300, s: 1, d: 1, padding: 'valid' },
    '1 x 1, many channels, strided': { B: 2, H: 3, W: 5, C: 300, K: 1, L: 1, F: 300, s: 2, d: 1, padding: 'valid' },
    'a patch in more than one stretch': { B: 2, H: 40, W: 41, C: 17, K: 3, L: 2, F: 19, s: 1, d: 1, padding: 'same' },
  } as const))
    test(`conv2d: ${what}, ${dtype}`, (t) => {
      const { B, H, W, C, K, L, F, s, d, padding } = shape;
      const [Y, p] = slide(H, K, s, d, padding);
      const [X, q] = slide(W, L, s, d, padding);
      const dims = { B, H, W, C, K, L, F, Y, X, s, t: s, d, e: d, p, q };
      const arrays = inputs(Float, dims);
      const expected = naive(dims, ...arrays);
      const actual = convolve(dims, ...arrays);
      for (const what of ['y', 'dw', 'db', 'dx'] as const) near(t, what, actual[what], expected[what]);
    });

  // Taps that see nothing of the image, weights that fit no cache beside rows too long for one product, and strides that
  // lead far away: right, and in room that follows the arrays. A padded copy of the image would take gigabytes.
  for (const [what, shape] of Object.entries({
    'dilated far beyond the image': {
      H: 8,
      W: 7,
      C: 2,
      K: 3,
      L: 3,
      F: 4,
      Y: 8,
      X: 7,
      s: 1,
      d: 12_000,
      p: 12_000,
      q: 12_000,
    },
    'dilated so that no tap sees it': {
      H: 8,
      W: 8,
      C: 1,
      K: 2,
      L: 2,
      F: 3,
      Y: 8,
      X: 8,
      s: 1,
      d: 40_000,
      p: 20_000,
      q: 20_000,
    },
    'some taps beside the image': { H: 5, W: 6, C: 3, K: 5, L: 3, F: 2, Y: 5, X: 6, s: 1, d: 4, p: 8, q: 4 },
    'a kernel much larger than the image': {
      H: 3,
      W: 2,
      C: 2,
      K: 41,
      L: 60,
      F: 3,
      Y: 3,
      X: 2,
      s: 1,
      d: 1,
      p: 20,
      q: 29,
    },
    'the same, strided': { H: 5, W: 4, C: 2, K: 41, L: 60, F: 3, Y: 2, X: 2, s: 3, d: 1, p: 19, q: 28 },
    'the same, many channels': { H: 3, W: 2, C: 64, K: 9, L: 16, F: 40, Y: 3, X: 2, s: 1, d: 1, p: 4, q: 7 },
    'strided far beyond it': { H: 4, W: 4, C: 2, K: 2, L: 2, F: 2, Y: 3, X: 3, s: 100_000, d: 1, p: 1, q: 1 },
    'all that is seen far apart': {
      H: 4,
      W: 4,
      C: 1,
      K: 3,
      L: 3,
      F: 2,
      Y: 3,
      X: 3,
      s: 9000,
      d: 9000,
      p: 18_000,
      q: 18_001,
    },
    'padded far beyond it': { H: 3, W: 3, C: 2, K: 2, L: 2, F: 2, Y: 4, X: 4, s: 1, d: 1, p: 90_000, q: 90_000 },
    'a long row': { H: 1, W: 3000, C: 1, K: 1, L: 2500, F: 40, Y: 1, X: 3000, s: 1, d: 1, p: 0, q: 1249 },
  }))
    test(`conv2d: ${what}, ${dtype}`, (t) => {
      const dims = { B: 2, ...shape, t: shape.s, e: shape.d };
      const arrays = inputs(Float, dims);
      const before = process.resourceUsage().maxRSS;
      const actual = convolve(dims, ...arrays);
      const grown = process.resourceUsage().maxRSS - before;
      t.true(grown < 300_000, `${grown} kB`);
      const expected = naive(dims, ...arrays);
      for (const what of ['y', 'dw', 'db', 'dx'] as const) near(t, what, actual[what], expected[what]);
    });

  test(`max pooling finds its way back in windows of more places than a float counts, ${dtype}`, (t) => {
    const dims = { B: 1, H: 3, W: 4, C: 1, Y: 3, X: 4, K: 20_001, L: 20_001, s: 1, t: 1, p: 10_000, q: 10_000 };
    const x = Float.of(1, 2, 3, 4, 5, 12, 7, 8, 9, 10, 11, 6);
    const [y, winner, dx] = [new Float(12), new Float(12), new Float(12)];
    kernels.maxPooling2d(dims, [x, y, winner]);
    kernels.maxPooling2dGradient(dims, [winner, new Float(12).fill(1), dx]);
    t.deepEqual([...y], Array(12).fill(12));
    t.deepEqual([...dx], [0, 0, 0, 0, 0, 12, 0, 0, 0, 0, 0, 0]);
  });

  test(`pooling of any shape is what its definition says, ${dtype}`, (t) => {
    const small = (most: number) => fc.integer({ min: 1, max: most });
    const shapes = fc.record({
      B: small(3),
      H: small(9),
      W: small(9),
      C: small(35),
      K: small(4),
      L: small(4),
      s: small(4),
      t: small(4),
      padding: fc.constantFrom('same' as const, 'valid' as const),
      levels: fc.constantFrom(3, 1000), // few: equal values in a window
    });
    fc.assert(
      fc.property(shapes, ({ padding, levels, ...shape }) => {
        const { B, H, W, C, K, L } = shape;
        const [Y, p] = slide(H, K, shape.s, 1, padding);
        const [X, q] = slide(W, L, shape.t, 1, padding);
        fc.pre(Y > 0 && X > 0);
        const dims = { ...shape, Y, X, p, q };
        const x = values(Float, B * H * W * C, 3).map((v) => Math.floor(v * levels)) as Floats;
        const dy = values(Float, B * Y * X * C, 4);
        const [most, mean] = [new Float64Array(dy.length), new Float64Array(dy.length)];
        const [dMost, dMean] = [new Float64Array(x.length), new Float64Array(x.length)];
        for (let at = 0; at < dy.length; at++) {
          const c = at % C;
          const pixel = Math.floor(at / C);
          const n = Math.floor(pixel / (Y * X));
          const inside: number[] = [];
          for (let k = 0; k < K; k++)
            for (let l = 0; l < L; l++) {
              const h = (Math.floor(pixel / X) % Y) * shape.s - p + k;
              const v = (pixel % X) * shape.t - q + l;
              if (h >= 0 && h < H && v >= 0 && v < W) inside.push(((n * H + h) * W + v) * C + c);
            }
          const best = inside.reduce((a, b) => (x[b] > x[a] ? b : a));
          most[at] = x[best];
          dMost[best] += dy[at];
          for (const i of inside) {
            mean[at] += x[i] / inside.length;
            dMean[i] += dy[at] / inside.length;
          }
        }
        const run = (kernel: string, gradient: string) => {
          const [y, winner, dx] = [dy.length, dy.length, x.length].map((size) => new Float(size).fill(Number.NaN));
          const isMax = kernel === 'maxPooling2d';
          kernels[kernel](dims, isMax ? [x, y, winner] : [x, y]);
          kernels[gradient](dims, isMax ? [winner, dy, dx] : [dy, dx]);
          return [y, dx];
        };
        const [y, dx] = run('maxPooling2d', 'maxPooling2dGradient');
        const [meanY, meanDx] = run('averagePooling2d', 'averagePooling2dGradient');
        const errors = [error(y, most), error(dx, dMost), error(meanY, mean), error(meanDx, dMean)];
        if (errors.some((e) => !(e <= tolerance(Float)))) throw new Error(`relative errors ${errors}`);
      }),
      { numRuns: 150, seed: 2 },
    );
    t.pass();
  });

  test(`max pooling: the first of equal values wins, NaN wins over all, ${dtype}`, (t) => {
    const dims = { B: 1, H: 2, W: 8, C: 1, Y: 1, X: 4, K: 2, L: 2, s: 2, t: 2, p: 0, q: 0 };
    const inf = Number.POSITIVE_INFINITY;
    const x = Float.from([1, 2, 5, Number.NaN, -inf, -inf, Number.NaN, 9, 2, 2, 7, 8, -inf, -inf, inf, Number.NaN]);
    const [y, winner, dx] = [new Float(4), new Float(4), new Float(16)];
    kernels.maxPooling2d(dims, [x, y, winner]);
    t.deepEqual([...y.subarray(0, 3)], [2, Number.NaN, -inf]);
    t.true(Number.isNaN(y[3]));
    t.deepEqual([...winner.subarray(0, 3)], [1, 1, 0]);
    kernels.maxPooling2dGradient(dims, [winner, Float.from([1, 2, 3, 4]), dx]);
    t.deepEqual([...dx.subarray(0, 6)], [0, 1, 0, 2, 3, 0]);
  });

  test(`global average pooling, ${dtype}`, (t) => {
    const [B, N, C] = [3, 300, 77];
    const x = values(Float, B * N * C, 1);
    const dy = values(Float, B * C, 2);
    const [y, dx] = [new Float(B * C), new Float(x.length)];
    kernels.globalAveragePooling({ B, N, C }, [x, y]);
    kernels.globalAveragePoolingGradient({ B, N, C }, [dy, dx]);
    const expected = new Float64Array(B * C);
    x.forEach((v, i) => {
      expected[Math.floor(i / (N * C)) * C + (i % C)] += v / N;
    });
    near(t, 'y', y, expected);
    near(
      t,
      'dx',
      dx,
      Array.from(x, (_, i) => dy[Math.floor(i / (N * C)) * C + (i % C)] / N),
    );
  });

  test(`sums of very many rows keep their digits, ${dtype}`, (t) => {
    for (const C of [1, 5, 77]) {
      const N = 2 ** 17 + 3;
      const x = new Float(N * C).map((_: number, i: number) => 0.1 + ((i * 7919) % 1000) / 1000) as Floats;
      const expected = new Float64Array(C);
      for (const [i, v] of x.entries()) expected[i % C] += v;
      const sums = [new Float(C), new Float(C), new Float(C)];
      kernels.biasGradient({ B: N, O: C }, [x, sums[0]]);
      kernels.sumAxis({ B: 1, A: 1, N, C }, [x, sums[1]], { scale: 1 });
      kernels.globalAveragePooling({ B: 1, N, C }, [x, sums[2]]);
      const allowed = dtype === 'float32' ? 1e-6 : 1e-13;
      for (const [k, own] of sums.entries())
        for (const [c, v] of own.entries()) {
          const right = expected[c] / (k === 2 ? N : 1);
          t.true(Math.abs(v - right) <= allowed * right, `${C} columns, sum ${k}: ${v} is not ${right}`);
        }
    }
  });

  test(`batch normalization: statistics of the steps that count, output, moving averages, ${dtype}`, (t) => {
    const [B, N, C] = [50, 30, 19];
    const mask = new Float(B * N).map((_, r) => Number(r % 5 !== 2 && r < 1000));
    const count = [...mask].reduce((sum, one) => sum + one, 1e-7);
    const x = values(Float, B * N * C, 1).map((v, i) => v * (1 + (i % C)) + 100 * (i % C)) as Floats;
    const [gamma, beta] = [values(Float, C, 2), values(Float, C, 3)];
    const [movingMean, movingVariance] = [values(Float, C, 4), new Float(C).fill(2)];
    const before = movingMean.slice();
    const [mean, scale, y] = [new Float(C), new Float(C), new Float(x.length)];
    kernels.batchNormalization({ B, N, C }, [x, gamma, beta, mask, movingMean, movingVariance, mean, scale, y], {
      momentum: 0.9,
      epsilon: 1e-3,
    });
    const means = new Float64Array(C);
    const variances = new Float64Array(C);
    x.forEach((v, i) => {
      means[i % C] += (mask[Math.floor(i / C)] * v) / count;
    });
    x.forEach((v, i) => {
      variances[i % C] += (mask[Math.floor(i / C)] * (v - means[i % C]) ** 2) / count;
    });
    near(t, 'mean', mean, means);
    near(
      t,
      'scale',
      scale,
      variances.map((v) => 1 / Math.sqrt(v + 1e-3)),
    );
    near(
      t,
      'moving mean',
      movingMean,
      means.map((m, c) => 0.9 * before[c] + 0.1 * m),
    );
    near(
      t,
      'moving variance',
      movingVariance,
      variances.map((v) => 0.9 * 2 + 0.1 * v),
    );
    // Of x itself up to 1,800 only so many digits are left in x - mean.
    const expected = Array.from(x, (v, i) => {
      const c = i % C;
      return (gamma[c] * (v - means[c])) / Math.sqrt(variances[c] + 1e-3) + beta[c];
    });
    t.true(error(y, expected) < (Float === Float64Array ? 1e-12 : 2e-4));

    const inference = new Float(x.length);
    kernels.batchNormalizationInference({ B, N, C }, [x, gamma, beta, mean, scale, inference], { epsilon: 1e-3 });
    near(
      t,
      'inference',
      inference,
      Array.from(x, (v, i) => (gamma[i % C] * (v - mean[i % C])) / Math.sqrt(scale[i % C] + 1e-3) + beta[i % C]),
    );
  });

  test(`dropout keeps 1 - rate of the values, scaled, and passes gradients where it kept, ${dtype}`, (t) => {
    const [B, N] = [100, 700];
    const x = values(Float, B * N, 1);
    const [y, mask, dx] = [new Float(B * N), new Float(B * N), new Float(B * N)];
    for (const rate of [0, 0.1, 0.5, 0.9]) {
      kernels.dropout({ B, N }, [x, y, mask], { rate, seed: 123456789012345 });
      const scale = Float.of(1 / (1 - rate))[0];
      t.true(mask.every((m) => m === 0 || m === scale));
      t.deepEqual(y, x.map((v, i) => v * mask[i]) as Floats);
      const kept = Array.from(mask).filter((m) => m !== 0).length / mask.length;
      t.true(Math.abs(kept - (1 - rate)) < 5 * Math.sqrt((rate * (1 - rate)) / mask.length) + 1e-9, `${rate}: ${kept}`);
      kernels.dropoutGradient({ B, N }, [mask, x, dx]);
      t.deepEqual(dx, y);
    }
    kernels.dropout({ B, N }, [x, y, mask], { rate: 1, seed: 1 });
    t.true(y.every((v) => v === 0));
  });
}

test('the bits of dropout: each is kept half of the time, whatever its place, its neighbour and the seed', (t) => {
  const n = 4096;
  const ones = new Float32Array(n).fill(1);
  const draw = (seed: number) => {
    const [y, mask] = [new Float32Array(n), new Float32Array(n)];
    kernels.dropout({ B: 1, N: n }, [ones, y, mask], { rate: 0.5, seed });
    return mask.map(Number);
  };
  const seeds = [
    0,
    1,
    2,
    3,
    2 ** 32,
    2 ** 32 + 1,
    2 ** 53 - 1,
    123456,
    ...Array.from({ length: 56 }, (_, i) => i * 7919 + 11),
  ];
  const masks = seeds.map(draw);
  t.deepEqual(draw(1), masks[1]);
  const bound = 5 / Math.sqrt(n); // five standard deviations of a mean of n signs
  for (const lag of [1, 2, 3, 8, 16, 64])
    for (const m of masks) {
      const correlation = m.reduce((sum, v, i) => sum + (v - 1) * (m[(i + lag) % n] - 1), 0) / n;
      t.true(Math.abs(correlation) < bound, `lag ${lag}: ${correlation}`);
    }
  for (const [i, a] of masks.entries())
    for (const b of masks.slice(i + 1)) {
      const correlation = a.reduce((sum, v, j) => sum + (v - 1) * (b[j] - 1), 0) / n;
      t.true(Math.abs(correlation) < bound);
    }
});

test.serial('the number of threads changes no bit', (t) => {
  const threads = getThreads();
  t.teardown(() => setThreads(threads));
  const conv = (shape: Conv) => {
    const dims = { s: 1, t: 1, d: 1, e: 1, p: 1, q: 1, ...shape, Y: shape.H, X: shape.W } as Conv;
    return (Float: FloatsConstructor) => Object.values(convolve(dims, ...inputs(Float, dims)));
  };
  const runs: ((Float: FloatsConstructor) => Floats[])[] = [
    conv({ B: 37, H: 12, W: 13, C: 5, K: 3, L: 3, F: 21 }),
    conv({ B: 5, H: 5, W: 5, C: 100, K: 3, L: 3, F: 100 }),
    (Float) => {
      const [B, N, C] = [61, 64, 33];
      const at = (n: number) => values(Float, n, n);
      const arrays = [at(B * N * C), at(C), at(C), at(B * N), at(C), at(C), at(C), at(C), at(B * N * C)];
      kernels.batchNormalization({ B, N, C }, arrays, { momentum: 0.9, epsilon: 1e-3 });
      const [x, gamma, , mask, , , mean, scale, y] = arrays;
      const gradients = [at(C), at(C), at(B * N * C)];
      kernels.batchNormalizationGradient({ B, N, C }, [x, y, gamma, mean, scale, mask, ...gradients]);
      return [...arrays, ...gradients];
    },
    (Float) => {
      const [y, mask] = [new Float(50000), new Float(50000)];
      kernels.dropout({ B: 50, N: 1000 }, [values(Float, 50000, 1), y, mask], { rate: 0.3, seed: 7 });
      return [y, mask];
    },
    (Float) => {
      const dims = { B: 40, H: 15, W: 15, C: 9, Y: 7, X: 7, K: 3, L: 3, s: 2, t: 2, p: 0, q: 0 };
      const [x, dy] = [values(Float, 40 * 225 * 9, 1), values(Float, 40 * 49 * 9, 2)];
      const [y, winner, dx] = [new Float(dy.length), new Float(dy.length), new Float(x.length)];
      kernels.maxPooling2d(dims, [x, y, winner]);
      kernels.maxPooling2dGradient(dims, [winner, dy, dx]);
      return [y, winner, dx];
    },
  ];
  for (const Float of dtypes)
    for (const run of runs) {
      setThreads(1);
      const expected = run(Float).map((a) => Buffer.from(a.buffer));
      for (const n of [2, 3]) {
        setThreads(n);
        for (const [i, a] of run(Float).entries())
          t.true(Buffer.from(a.buffer).equals(expected[i]), `${n} threads, array ${i}`);
      }
    }
});

test('dimensions that contradict each other read nothing outside the arrays', (t) => {
  const x = values(Float64Array, 2 * 3 * 3 * 2, 1);
  const w = values(Float64Array, 2 * 2 * 2 * 3, 2);
  const b = values(Float64Array, 3, 3);
  const base = { B: 2, H: 3, W: 3, C: 2, K: 2, L: 2, F: 3, Y: 4, X: 4, s: 1, t: 1, d: 1, e: 1, p: 0, q: 0 };
  for (const odd of [
    { s: 9 },
    { t: 1000 },
    { d: 7, e: 5 },
    { p: 50, q: 1 },
    { p: 1, q: 50 },
    { s: 0, t: 0 },
    { d: 0, e: 0 },
    { s: 2 ** 40 },
    { t: 2 ** 40, e: 2 ** 41 },
    { p: 2 ** 50 },
  ]) {
    const dims = { ...base, ...odd };
    const dy = values(Float64Array, 2 * 4 * 4 * 3, 4);
    const expected = naive(dims, x, w, b, dy);
    const actual = convolve(dims, x, w, b, dy);
    for (const what of ['y', 'dw', 'db', 'dx'] as const) near(t, JSON.stringify(odd), actual[what], expected[what]);
  }
});

test('a convolution without bias is one with a bias of zeros, and the gradient of its weights is the same', (t) => {
  for (const dtype of ['float64', 'float32'] as const) {
    for (const { B, ...sizes } of kernelCases.conv2d.dims) {
      const { H, W, C, K, L, F, Y, X } = sizes;
      const random = new RandomState(7);
      const samples = [random.randn(B, H, W, C), random.randn(B, Y, X, F)];
      const [dw, alone, y, without] = replay(dtype, samples, (tape, x, dy) => {
        const [dw, alone] = ['dw', 'alone'].map((name) => tape.fixed('state', name, [K, L, C, F]));
        const [db, zeros] = ['db', 'zeros'].map((name) => tape.fixed('state', name, [F]));
        const [y, without] = ['y', 'without'].map((name) => tape.batched(name, [Y, X, F]));
        tape.emit('conv2dWeightGradient', [x, dy, dw, db], sizes);
        tape.emit('conv2dWeightGradient', [x, dy, alone, undefined], sizes);
        tape.emit('conv2d', [x, dw, zeros, y], sizes);
        tape.emit('conv2d', [x, dw, undefined, without], sizes);
        return [dw, alone, y, without];
      });
      const what = `${dtype} ${JSON.stringify(sizes)}`;
      t.true(dw.some((value) => value !== 0) && y.some((value) => value !== 0), what);
      t.deepEqual(alone, dw, what);
      t.deepEqual(without, y, what);
    }
  }
});
