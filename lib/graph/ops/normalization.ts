import { NDArray } from '../../array.js';
import type { Buffer } from '../../tape.js';
import type { Op } from '../op.js';
import type { Recorder } from '../recorder.js';

export interface BatchNormalizationOptions {
  readonly momentum: number;
  readonly epsilon: number;
}

/**
 * y = gamma * (x - mean) * scale + beta with scale = 1 / sqrt(variance + epsilon), over the batch and all axes of x but the
 * last; moves the averages. Inputs x [..., C] and gamma, beta, movingMean, movingVariance [C]; and of masked steps their mask
 * [...], 1 where the statistics count one
 */
export const batchNormalization: Op<BatchNormalizationOptions> = {
  name: 'batchNormalization',
  shape: ([x]) => x.shape,
  reads: () => 'x',
  moves: true,
  gradientInPlace: true,
  forward({ t, x: [x, gamma, beta, movingMean, movingVariance, mask], y, options: { momentum, epsilon } }) {
    const C = gamma.size;
    const mean = t.fixed('state', `${y.name}/mean`, [C]);
    const scale = t.fixed('state', `${y.name}/scale`, [C]);
    const outputs = [movingMean, movingVariance, mean, scale, y];
    t.lasting(() =>
      t.emit('batchNormalization', [x, gamma, beta, mask, ...outputs], { N: x.size / C, C }, { momentum, epsilon }),
    );
    return { mean, scale };
  },
  backward({ t, x: [x, gamma, , , , mask], dy, dx: [dx = dy, dgamma, dbeta], saved: { mean, scale } }) {
    const C = gamma.size;
    const unwanted = () => t.fixed('state', `${dy.name}/unwanted`, [C]);
    // n = (x - mean) * scale; dgamma = (dy * n).sum(0), dbeta = dy.sum(0)
    // dx = gamma * scale * (dy - dbeta / rows - n * dgamma / rows), but for masked steps
    const outputs = [dgamma ?? unwanted(), dbeta ?? unwanted(), dx];
    t.emit('batchNormalizationGradient', [x, dy, gamma, mean, scale, mask, ...outputs], { N: x.size / C, C });
  },
};

/**
 * The same of each step by itself, one after the other: x [steps, ..., C], its mask [steps, ...]. The averages move at every
 * step.
 */
export const batchNormalizationOfSteps: Op<BatchNormalizationOptions> = {
  ...batchNormalization,
  name: 'batchNormalizationOfSteps',
  forward({ t, x: [x, gamma, beta, movingMean, movingVariance, mask], y, options: { momentum, epsilon } }) {
    const C = gamma.size;
    const [steps, ...step] = x.shape;
    const mean = t.fixed('state', `${y.name}/mean`, [steps, C]);
    const scale = t.fixed('state', `${y.name}/scale`, [steps, C]);
    const normal = t.batched(`${y.name}/normal`, step);
    for (let k = 0; k < steps; k++) {
      const own = stepOf(t, x, k, `${y.name}/step`);
      const counts = mask && stepOf(t, mask, k, `${y.name}/counts`);
      const outputs = [movingMean, movingVariance, t.part(mean, k * C, [C]), t.part(scale, k * C, [C]), normal];
      const dims = { N: own.size / C, C };
      t.lasting(() =>
        t.emit('batchNormalization', [own, gamma, beta, counts, ...outputs], dims, { momentum, epsilon }),
      );
      setStep(t, normal, y, k);
    }
    return { mean, scale };
  },
  backward({ t, x: [x, gamma, , , , mask], dy, dx: [dx = dy, dgamma, dbeta], saved: { mean, scale } }) {
    const C = gamma.size;
    const [steps] = x.shape;
    const ofStep = [dgamma, dbeta].map((sum, i) => ({ sum, part: t.fixed('state', `${dy.name}/part${i}`, [C]) }));
    for (let k = 0; k < steps; k++) {
      const [own, down] = [stepOf(t, x, k, `${dy.name}/step`), stepOf(t, dy, k, `${dy.name}/down`)];
      const counts = mask && stepOf(t, mask, k, `${dy.name}/counts`);
      const inputs = [own, down, gamma, t.part(mean, k * C, [C]), t.part(scale, k * C, [C]), counts];
      const parts = ofStep.map(({ sum, part }) => (sum && k === 0 ? sum : part));
      t.emit('batchNormalizationGradient', [...inputs, ...parts, down], { N: own.size / C, C });
      for (const { sum, part } of ofStep) if (sum && k > 0) t.emit('add', [sum, part, sum], { N: C });
      setStep(t, down, dx, k);
    }
  },
};

/** Step k of [steps, ...], as an array of its own. */
function stepOf(t: Recorder, x: Buffer, k: number, name: string): Buffer {
  const [M, ...shape] = x.shape;
  const step = x.batched ? t.batched(name, shape) : t.fixed('state', name, shape);
  t.emit('slice', [x, step], { A: 1, M, N: 1, C: step.size }, { start: k });
  return step;
}

const setStep = (t: Recorder, step: Buffer, y: Buffer, k: number) =>
  t.emit('place', [step, y], { A: 1, M: y.shape[0], N: 1, C: step.size }, { start: k });

/** The same by the moving averages, which stay; gamma and beta stay, too. */
export const batchNormalizationInference: Op<Pick<BatchNormalizationOptions, 'epsilon'>> = {
  name: 'batchNormalizationInference',
  shape: ([x]) => x.shape,
  gradientInPlace: true,
  forward({ t, x: [x, gamma, beta, movingMean, movingVariance], y, options: { epsilon } }) {
    const C = gamma.size;
    const moving = [movingMean, movingVariance];
    t.emit('batchNormalizationInference', [x, gamma, beta, ...moving, y], { N: x.size / C, C }, { epsilon });
  },
  // dx = gamma / sqrt(movingVariance + epsilon) * dy: the same of dy, with mean and beta 0
  backward({ t, x: [x, gamma, , , movingVariance], dy, dx: [dx, dgamma, dbeta], options: { epsilon } }) {
    if (dgamma || dbeta) throw new TypeError('Expected gamma and beta to be trained by the statistics of batches');
    const C = gamma.size;
    const zero = t.constant(NDArray.zeros([C]));
    if (dx)
      t.emit(
        'batchNormalizationInference',
        [dy, gamma, zero, zero, movingVariance, dx],
        { N: x.size / C, C },
        { epsilon },
      );
  },
};

/**
 * y = gamma * (x - mean) * scale + beta with scale = 1 / sqrt(variance + epsilon), in each row of x: as many of its last axes
 * as gamma has values. Inputs x [..., N], gamma and beta of N values
 */
export const layerNormalization: Op<{ readonly epsilon: number }> = {
  name: 'layerNormalization',
  shape: ([x]) => x.shape,
  reads: () => 'x',
  inPlace: true,
  gradientInPlace: true,
  forward({ t, x: [x, gamma, beta], y, options: { epsilon } }) {
    const N = gamma.size;
    const rows = x.size / N;
    const ofRow = (name: string) =>
      x.batched ? t.batched(`${y.name}/${name}`, [rows]) : t.fixed('state', `${y.name}/${name}`, [rows]);
    const [mean, scale] = [ofRow('mean'), ofRow('scale')];
    t.emit('layerNormalization', [x, gamma, beta, y, mean, scale], { N }, { epsilon }, rows);
    return { mean, scale };
  },
  backward({ t, x: [x, gamma], dy, dx: [dx, dgamma, dbeta], saved: { mean, scale } }) {
    const N = gamma.size;
    // n = (x - mean) * scale, g = dy * gamma; dgamma = (dy * n).sum(rows), dbeta = dy.sum(rows)
    // dx = scale * (g - g.mean(-1) - n * (g * n).mean(-1))
    t.emit('layerNormalizationGradient', [x, dy, gamma, mean, scale, dgamma, dbeta, dx], { N }, {}, x.size / N);
  },
};
