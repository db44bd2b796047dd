import type { KernelCase, KernelCases } from './case.js';
import { DIMS, each, positive } from './update.js';

const ADAM = { rate: 0.01, beta1: 0.9, beta2: 0.999, epsilon: 1e-7, decay: 0.004 };
const scalars: KernelCase['scalars'] = [ADAM, { ...ADAM, beta1: 0.3, beta2: 0.5, decay: 0 }];

export const moments: KernelCases = {
  amsgrad: {
    dims: DIMS,
    scalars,
    fill: positive(2, 3, 4),
    reference: ([dw, m, v, most, w], { N }, { rate, beta1, beta2, epsilon, decay }) =>
      each(N, 4, (i) => {
        const m1 = beta1 * m[i] + (1 - beta1) * dw[i];
        const v1 = beta2 * v[i] + (1 - beta2) * dw[i] ** 2;
        const most1 = Math.max(most[i], v1);
        return [m1, v1, most1, w[i] * (1 - decay) - (rate * m1) / (Math.sqrt(most1) + epsilon)];
      }),
  },
  adamax: {
    dims: DIMS,
    scalars,
    fill: positive(2, 3),
    reference: ([dw, m, u, w], { N }, { rate, beta1, beta2, epsilon, decay }) =>
      each(N, 3, (i) => {
        const m1 = beta1 * m[i] + (1 - beta1) * dw[i];
        const u1 = Math.max(beta2 * u[i], Math.abs(dw[i]));
        return [m1, u1, w[i] * (1 - decay) - (rate * m1) / (u1 + epsilon)];
      }),
  },
  lion: {
    dims: DIMS,
    scalars: [
      { rate: 0.01, beta1: 0.9, beta2: 0.99, decay: 0.004 },
      { rate: 0.1, beta1: 1, beta2: 0, decay: 0 },
    ],
    reference: ([dw, m, w], { N }, { rate, beta1, beta2, decay }) =>
      each(N, 2, (i) => [
        beta2 * m[i] + (1 - beta2) * dw[i],
        w[i] * (1 - decay) - rate * Math.sign(beta1 * m[i] + (1 - beta1) * dw[i]),
      ]),
  },
  movingAverage: {
    dims: DIMS,
    scalars: [{ momentum: 0.99 }, { momentum: 0 }],
    reference: ([w, average], _, { momentum }) => [average.map((v, i) => momentum * v + (1 - momentum) * w[i])],
  },
};
