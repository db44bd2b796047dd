import { type Draw, type KernelCases, map, map2, ROWS, range, row, type Scalars, softmax, sum } from './case.js';

const HEADS = ROWS.map((dims, i) => ({ ...dims, H: 1 + (i % 3) }));
/** The rows of all heads, each with that of the mask, which the heads share. */
const heads = ({ B, H, M }: Readonly<Record<string, number>>) =>
  range(B * H * M).map((r) => [r, Math.floor(r / (H * M)) * M + (r % M)] as const);
const sigmoid = (z: number) => 1 / (1 + Math.exp(-z));
const alphas: readonly Scalars[] = [{ alpha: 0 }, { alpha: 0.3 }, { alpha: 1 }];
const slopes: readonly Scalars[] = [{ alpha: 0.3 }, { alpha: 2 }];
const relu6 = (z: number) => Math.min(Math.max(z, 0), 6);
const clipped = (z: number) => Math.min(Math.max(z, -1), 1);
const thresholds: readonly Scalars[] = [{ threshold: 0.5 }, { threshold: 0 }];
const shrinkGradient = (z: number, dy: number, { threshold }: Scalars) => (Math.abs(z) > threshold ? dy : 0);
/** Values on both sides of what bends at 3 or 6. */
const wide = (draw: Draw) => draw.uniform(-9, 9);
const SCALE = 1.0507009873554805;
const ALPHA = 1.6732632423543772;
const exact: readonly Scalars[] = [{ approximate: 0 }];
const approximate: readonly Scalars[] = [{ approximate: 1 }];
const SQRT_2_OVER_PI = Math.sqrt(2 / Math.PI);

/** The error function by a series of positive terms (Abramowitz and Stegun 7.1.6). */
function erf(x: number): number {
  let term = x;
  let total = x;
  for (let n = 1; Math.abs(term) > Math.abs(total) * 1e-17; n++) {
    term *= (2 * x * x) / (2 * n + 1);
    total += term;
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * total;
}

const phi = (z: number) => Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI);
const Phi = (z: number) => 0.5 * (1 + erf(z * Math.SQRT1_2));
const inner = (z: number) => Math.tanh(SQRT_2_OVER_PI * (z + 0.044715 * z ** 3));
const innerSlope = (z: number) => SQRT_2_OVER_PI * (1 + 3 * 0.044715 * z * z);

export const activation: KernelCases = {
  copy: map((x) => x, { tolerance: 0 }),
  exp: map(Math.exp),
  sigmoid: map(sigmoid),
  sigmoidGradient: map2((y, dy) => dy * y * (1 - y), { fill: (k, draw) => (k === 0 ? draw.uniform(0, 1) : undefined) }),
  tanh: map(Math.tanh),
  tanhGradient: map2((y, dy) => dy * (1 - y * y), { fill: (k, draw) => (k === 0 ? draw.uniform(-1, 1) : undefined) }),
  relu: map((z) => Math.max(z, 0), { tolerance: 0 }),
  reluGradient: map2((y, dy) => (y > 0 ? dy : 0), { tolerance: 0 }),
  relu6: map(relu6, { fill: (_, draw) => wide(draw), tolerance: 0 }),
  relu6Gradient: map2((y, dy) => (y > 0 && y < 6 ? dy : 0), {
    fill: (k, draw) => (k === 0 ? wide(draw).map(relu6) : undefined),
    tolerance: 0,
  }),
  hardSigmoid: map((z) => relu6(z + 3) / 6, { fill: (_, draw) => wide(draw) }),
  hardSigmoidGradient: map2((y, dy) => (y > 0 && y < 1 ? dy / 6 : 0), {
    fill: (k, draw) => (k === 0 ? wide(draw).map((z) => relu6(z + 3) / 6) : undefined),
  }),
  hardSilu: map((z) => (z * relu6(z + 3)) / 6, { fill: (_, draw) => wide(draw) }),
  hardSiluGradient: map2((z, dy) => dy * (z <= -3 ? 0 : z >= 3 ? 1 : (2 * z + 3) / 6), {
    fill: (k, draw) => (k === 0 ? wide(draw) : undefined),
  }),
  softsign: map((z) => z / (1 + Math.abs(z))),
  softsignGradient: map2((z, dy) => dy / (1 + Math.abs(z)) ** 2),
  leakyRelu: map((z, { alpha }) => (z > 0 ? z : alpha * z), { scalars: alphas }),
  leakyReluGradient: map2((y, dy, { alpha }) => (y > 0 ? dy : alpha * dy), { scalars: alphas }),
  elu: map((z, { alpha }) => (z > 0 ? z : alpha * Math.expm1(z)), { scalars: alphas }),
  eluGradient: map2((z, dy, { alpha }) => (z > 0 ? dy : dy * alpha * Math.exp(z)), { scalars: alphas }),
  celu: map((z, { alpha }) => (z > 0 ? z : alpha * Math.expm1(z / alpha)), { scalars: slopes }),
  celuGradient: map2((z, dy, { alpha }) => (z > 0 ? dy : dy * Math.exp(z / alpha)), { scalars: slopes }),
  selu: map((z) => SCALE * (z > 0 ? z : ALPHA * Math.expm1(z))),
  seluGradient: map2((z, dy) => dy * SCALE * (z > 0 ? 1 : ALPHA * Math.exp(z))),
  softplus: map((z) => Math.max(z, 0) + Math.log1p(Math.exp(-Math.abs(z)))),
  softplusGradient: map2((y, dy) => dy * -Math.expm1(-y), {
    fill: (k, draw) => (k === 0 ? draw.positive() : undefined),
  }),
  logSigmoid: map((z) => Math.min(z, 0) - Math.log1p(Math.exp(-Math.abs(z)))),
  logSigmoidGradient: map2((y, dy) => dy * -Math.expm1(y), {
    fill: (k, draw) => (k === 0 ? draw.positive().map((y) => -y) : undefined),
  }),
  silu: map((z) => z * sigmoid(z)),
  siluGradient: map2((z, dy) => dy * sigmoid(z) * (1 + z * (1 - sigmoid(z)))),
  gelu: {
    ...map((z, s) => (s.approximate ? 0.5 * z * (1 + inner(z)) : z * Phi(z))),
    scalars: [...exact, ...approximate],
  },
  geluGradient: {
    ...map2((z, dy, s) =>
      s.approximate ? dy * 0.5 * (1 + inner(z) + z * (1 - inner(z) ** 2) * innerSlope(z)) : dy * (Phi(z) + z * phi(z)),
    ),
    scalars: [...exact, ...approximate],
  },
  mish: map((z) => z * Math.tanh(Math.log1p(Math.exp(z))), { fill: (_, draw) => wide(draw) }),
  mishGradient: map2(
    (z, dy) => {
      const t = Math.tanh(Math.log1p(Math.exp(z)));
      return dy * (t + z * (1 - t * t) * sigmoid(z));
    },
    { fill: (k, draw) => (k === 0 ? wide(draw) : undefined) },
  ),
  tanhShrink: map((z) => z - Math.tanh(z)),
  tanhShrinkGradient: map2((z, dy) => dy * Math.tanh(z) ** 2),
  squareplus: map((z, { b }) => (z + Math.sqrt(z * z + b)) / 2, { scalars: [{ b: 4 }, { b: 0.5 }] }),
  squareplusGradient: map2((z, dy, { b }) => (dy * (1 + z / Math.sqrt(z * z + b))) / 2, {
    scalars: [{ b: 4 }, { b: 0.5 }],
  }),
  hardTanh: map((z) => Math.min(Math.max(z, -1), 1), { tolerance: 0 }),
  hardTanhGradient: map2((y, dy) => (Math.abs(y) < 1 ? dy : 0), {
    fill: (k, draw) => (k === 0 ? draw.uniform(-2, 2).map(clipped) : undefined),
    tolerance: 0,
  }),
  hardShrink: map((z, { threshold }) => (Math.abs(z) > threshold ? z : 0), { scalars: thresholds, tolerance: 0 }),
  hardShrinkGradient: map2(shrinkGradient, { scalars: thresholds, tolerance: 0 }),
  softShrink: map((z, { threshold }) => Math.sign(z) * Math.max(Math.abs(z) - threshold, 0), { scalars: thresholds }),
  softShrinkGradient: map2(shrinkGradient, { scalars: thresholds, tolerance: 0 }),
  sparseSigmoid: map((z) => (1 + clipped(z)) / 2, { fill: (_, draw) => draw.uniform(-2, 2) }),
  sparseSigmoidGradient: map2((y, dy) => (y > 0 && y < 1 ? dy / 2 : 0), {
    fill: (k, draw) => (k === 0 ? draw.uniform(-1, 2).map((y) => Math.min(Math.max(y, 0), 1)) : undefined),
    tolerance: 0,
  }),
  sparsePlus: map((z) => (z > 1 ? z : ((1 + clipped(z)) / 2) ** 2), { fill: (_, draw) => draw.uniform(-2, 2) }),
  sparsePlusGradient: map2((z, dy) => (dy * (1 + clipped(z))) / 2, {
    fill: (k, draw) => (k === 0 ? draw.uniform(-2, 2) : undefined),
  }),
  heaviside: map((z) => Number(z >= 0), { tolerance: 0 }),
  softmax: {
    dims: ROWS,
    reference: ([z], { B, M, N }) => [range(B * M).flatMap((r) => softmax(row(z, r, N)))],
  },
  softmaxGradient: {
    dims: ROWS,
    fill: (k, draw, { N }) => (k === 0 ? draw.targets(N) : undefined),
    reference: ([y, dy], { B, M, N }) => [
      range(B * M).flatMap((r) => {
        const [p, d] = [row(y, r, N), row(dy, r, N)];
        const mean = sum(p.map((v, j) => v * d[j]));
        return Array.from(p, (v, j) => v * (d[j] - mean));
      }),
    ],
  },
  maskedSoftmax: {
    dims: HEADS,
    fill: (k, draw) => (k === 1 ? draw.integers(2) : undefined),
    reference: ([z, seen], dims) => [
      heads(dims).flatMap(([r, s]) => {
        const [own, sees] = [row(z, r, dims.N), Array.from(row(seen, s, dims.N), Boolean)];
        return softmax(sees.includes(true) ? own.map((v, j) => (sees[j] ? v : -Infinity)) : own.map(() => 0));
      }),
    ],
  },
  maskedSoftmaxGradient: {
    dims: HEADS,
    fill: (k, draw, { N }) => (k === 0 ? draw.targets(N) : k === 1 ? draw.integers(2) : undefined),
    reference: ([y, seen, dy], dims) => [
      heads(dims).flatMap(([r, s]) => {
        const [p, sees, d] = [row(y, r, dims.N), row(seen, s, dims.N), row(dy, r, dims.N)];
        const mean = sum(p.map((v, j) => v * d[j]));
        return Array.from(p, (v, j) => (sees[j] ? v * (d[j] - mean) : 0));
      }),
    ],
  },
};
