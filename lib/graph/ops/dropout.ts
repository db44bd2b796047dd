import type { Op } from '../op.js';

/**
 * y = x * mask, where a share `rate` of the mask is 0 and the rest 1 / (1 - rate) (Srivastava et al., 2014). What is the same for
 * all samples is dropped for all of them together.
 */
export const dropout: Op<{ readonly rate: number }> = {
  name: 'dropout',
  shape: ([x]) => x.shape,
  gradientInPlace: true,
  forward({ t, x: [x], y, options: { rate } }) {
    const seed = t.perStepSeed();
    const mask = t.like(y, `${y.name}/mask`);
    t.emit('dropout', [x, y, mask], { N: x.size }, { rate, seed }); // y = x * mask
    return { mask };
  },
  backward({ t, dy, dx: [dx], saved: { mask } }) {
    if (dx) t.emit('dropoutGradient', [mask, dy, dx], { N: dy.size }); // dx = dy * mask
  },
};
