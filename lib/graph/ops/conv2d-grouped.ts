import type { Op } from '../op.js';
import type { Shape } from '../value.js';
import { type Convolution, dims } from './conv2d.js';

export interface GroupedConvolution extends Convolution {
  readonly groups: number;
}

/** The sizes of a convolution, C and F those of one group. */
function sizesOf(x: Shape, w: Shape, { groups: G, ...options }: GroupedConvolution) {
  const { C, F, ...sizes } = dims(x, w, options);
  return { ...sizes, C: C / G, F: F / G, G };
}

/**
 * A convolution of each group of channels with its group of filters, plus b if there is one: images x [H, W, C], kernel
 * w [K, L, C / groups, F], b [F]
 */
export const conv2dGrouped: Op<GroupedConvolution> = {
  name: 'conv2dGrouped',
  shape: ([, w], { places }) => [...places, w.shape[3]],
  reads: () => 'x',
  forward({ t, x: [x, w, b], y, options }) {
    t.emit('conv2dGrouped', [x, w, b, y], sizesOf(x.shape, w.shape, options)); // y = x * w + b, group by group
  },
  backward({ t, x: [x, w], dy, dx: [dx, dw, db], options }) {
    const sizes = sizesOf(x.shape, w.shape, options);
    // dw = patches(x).T @ dy, db = dy.sum(0)
    if (dw || db) {
      const to = dw ?? t.fixed('state', `${dy.name}/dw`, w.shape);
      t.emit('conv2dGroupedWeightGradient', [x, dy, to, db], sizes);
    }
    if (dx) t.emit('conv2dGroupedInputGradient', [dy, w, dx], sizes); // patches(dx) = dy @ w.T
  },
};
