import { type Dims, type Draw, type KernelCases, type Scalars, sum, type Values } from './case.js';

export const DIMS: readonly Dims[] = [{ N: 1 }, { N: 33 }, { N: 40000 }];

/** Running means of squares are positive: buffers of these numbers. */
export const positive =
  (...buffers: number[]) =>
  (k: number, draw: Draw): Float64Array | undefined =>
    buffers.includes(k) ? draw.positive() : undefined;

/** The same, but huge where an average forgets all it held: nothing of it may be left in what comes after. */
const forgotten =
  (...buffers: number[]) =>
  (k: number, draw: Draw, _: Dims, { rho, beta1, beta2 }: Scalars): Values | undefined => {
    const values = positive(...buffers)(k, draw);
    return (rho ?? beta1 + beta2) === 0 ? values?.map((v) => v * 1e8) : values;
  };

/** fn for every parameter; its results are the outputs. */
export function each(N: number, outputs: number, fn: (i: number) => number[]): Float64Array[] {
  const out = Array.from({ length: outputs }, () => new Float64Array(N));
  for (let i = 0; i < N; i++)
    fn(i).forEach((value, k) => {
      out[k][i] = value;
    });
  return out;
}

const MOMENTUM = [
  { rate: 0.1, momentum: 0, nesterov: 0 },
  { rate: 0.1, momentum: 0.9, nesterov: 0 },
  { rate: 0.1, momentum: 0.9, nesterov: 1 },
];
const L2_OR_DECAY = [
  { lmbd: 0.1, decay: 0 },
  { lmbd: 0, decay: 0.004 },
  { lmbd: 0.1, decay: 0.004 },
];
const NADAM = { rateM: 0.009, rateG: 0.002, correction: 3.5, epsilon: 1e-7, decay: 0.004 };
const ADAM = { rate: 0.01, beta1: 0.9, beta2: 0.999, epsilon: 1e-7 };

export const update: KernelCases = {
  sgd: {
    dims: DIMS,
    scalars: [
      { eta: 0.1, lmbd: 0 },
      { eta: 0.1, lmbd: 0.5 },
    ],
    reference: ([dw, w], _, { eta, lmbd }) => [w.map((v, i) => v - eta * (dw[i] + lmbd * v))],
  },
  momentum: {
    dims: DIMS,
    scalars: MOMENTUM.flatMap((s) => L2_OR_DECAY.map((l) => ({ ...s, ...l }))),
    reference: ([dw, v, w], { N }, { rate, momentum, nesterov, lmbd, decay }) =>
      each(N, 2, (i) => {
        const step = rate * (dw[i] + lmbd * w[i]);
        const velocity = momentum * v[i] - step;
        return [velocity, w[i] * (1 - decay) + (nesterov ? momentum * velocity - step : velocity)];
      }),
  },
  adam: {
    dims: DIMS,
    scalars: [ADAM, { ...ADAM, beta1: 0, beta2: 0 }].flatMap((s) => L2_OR_DECAY.map((l) => ({ ...s, ...l }))),
    fill: forgotten(1, 2),
    reference: ([dw, m, v, w], { N }, { rate, beta1, beta2, epsilon, lmbd, decay }) =>
      each(N, 3, (i) => {
        const g = dw[i] + lmbd * w[i];
        const m1 = beta1 * m[i] + (1 - beta1) * g;
        const v1 = beta2 * v[i] + (1 - beta2) * g * g;
        return [m1, v1, w[i] * (1 - decay) - (rate * m1) / (Math.sqrt(v1) + epsilon)];
      }),
  },
  nadam: {
    dims: DIMS,
    scalars: [
      { ...NADAM, beta1: 0.9, beta2: 0.999 },
      { ...NADAM, beta1: 0, beta2: 0 },
    ],
    fill: forgotten(1, 2),
    reference: ([dw, m, v, w], { N }, { rateM, rateG, correction, beta1, beta2, epsilon, decay }) =>
      each(N, 3, (i) => {
        const m1 = beta1 * m[i] + (1 - beta1) * dw[i];
        const v1 = beta2 * v[i] + (1 - beta2) * dw[i] ** 2;
        const step = (rateM * m1 + rateG * dw[i]) / (Math.sqrt(v1 * correction) + epsilon);
        return [m1, v1, w[i] * (1 - decay) - step];
      }),
  },
  rmsprop: {
    dims: DIMS,
    scalars: [
      { rate: 0.01, rho: 0.9, momentum: 0, epsilon: 1e-7, centered: 0, decay: 0 },
      { rate: 0.01, rho: 0.9, momentum: 0.8, epsilon: 1e-7, centered: 0, decay: 0.004 },
      { rate: 0.01, rho: 0.9, momentum: 0, epsilon: 1e-7, centered: 1, decay: 0.004 },
      { rate: 0.01, rho: 0.9, momentum: 0.8, epsilon: 1e-7, centered: 1, decay: 0 },
    ],
    // A mean of squares is at least the square of the mean.
    fill: (k, draw) => (k === 1 ? draw.positive().map((v) => v + 1) : k === 2 ? draw.uniform(-1, 1) : undefined),
    reference: ([dw, v, mean, velocity, w], { N }, { rate, rho, momentum, epsilon, centered, decay }) =>
      each(N, 4, (i) => {
        const v1 = rho * v[i] + (1 - rho) * dw[i] ** 2;
        const mean1 = centered ? rho * mean[i] + (1 - rho) * dw[i] : mean[i];
        const step = (rate * dw[i]) / Math.sqrt(v1 - (centered ? mean1 ** 2 : 0) + epsilon);
        const velocity1 = momentum > 0 ? momentum * velocity[i] + step : velocity[i];
        return [v1, mean1, velocity1, w[i] * (1 - decay) - (momentum > 0 ? velocity1 : step)];
      }),
  },
  adagrad: {
    dims: DIMS,
    scalars: [{ rate: 0.1, epsilon: 0.1, decay: 0.004 }],
    fill: positive(1),
    reference: ([dw, v, w], { N }, { rate, epsilon, decay }) =>
      each(N, 2, (i) => {
        const v1 = v[i] + dw[i] ** 2;
        return [v1, w[i] * (1 - decay) - (rate * dw[i]) / Math.sqrt(v1 + epsilon)];
      }),
  },
  adadelta: {
    dims: DIMS,
    scalars: [
      { rate: 0.5, rho: 0.95, epsilon: 1e-7, decay: 0.004 },
      { rate: 0.5, rho: 0, epsilon: 1e-7, decay: 0.004 },
    ],
    fill: forgotten(1, 2),
    reference: ([dw, v, u, w], { N }, { rate, rho, epsilon, decay }) =>
      each(N, 3, (i) => {
        const v1 = rho * v[i] + (1 - rho) * dw[i] ** 2;
        const step = (Math.sqrt(u[i] + epsilon) / Math.sqrt(v1 + epsilon)) * dw[i];
        return [v1, rho * u[i] + (1 - rho) * step ** 2, w[i] * (1 - decay) - rate * step];
      }),
  },
  allReduce: {
    dims: [{ G: 1 }, { G: 300 }],
    reference: ([g]) => [g],
    tolerance: 0,
  },
  sumSquares: {
    dims: DIMS,
    fill: (k, draw) => (k === 0 ? draw.positive() : undefined),
    reference: ([before, g]) => [[before[0] + sum(g.map((v) => v * v))]],
    tolerance: 32,
  },
  clipNorm: {
    dims: DIMS,
    scalars: [{ limit: 0.5 }, { limit: 100 }],
    fill: (k, draw) => (k === 0 ? draw.uniform(4, 9) : undefined),
    reference: ([squares, g], _, { limit }) => [g.map((v) => v * Math.min(1, limit / Math.sqrt(squares[0])))],
  },
  clipValue: {
    dims: DIMS,
    scalars: [{ limit: 0.5 }],
    reference: ([g], _, { limit }) => [g.map((v) => Math.min(limit, Math.max(-limit, v)))],
    tolerance: 0,
  },
};
