import { NDArray } from '../../array.js';
import type { Op } from '../op.js';

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
