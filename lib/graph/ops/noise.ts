import type { Op } from '../op.js';

/** x + stddev * noise, standard normal numbers that every training step draws anew; the gradient passes through. */
export const gaussianNoise: Op<{ readonly stddev: number }> = {
  name: 'gaussianNoise',
  shape: ([x]) => x.shape,
  inPlace: true,
  gradientInPlace: true,
  forward({ t, x: [x], y, options: { stddev } }) {
    t.emit('gaussianNoise', [x, y], { N: x.size }, { stddev, seed: t.perStepSeed() }); // y = x + stddev * noise
  },
  backward({ t, dy, dx: [dx] }) {
    if (dx && dx !== dy) t.emit('copy', [dy, dx], { N: dy.size });
  },
};
