import type { Op } from '../op.js';
import type { Shape } from '../value.js';
import { type Convolution, dims } from './conv2d.js';

/** The sizes of a convolution, with kernels [K, L, C, M] of M filters a channel. */
function sizesOf(x: Shape, w: Shape, options: Convolution) {
  const { F: M, ...sizes } = dims(x, w, options);
  return { ...sizes, M };
}

/** Every channel by kernels of its own, plus b if there is one: images x [H, W, C], kernel w [K, L, C, M], b [C * M] */
export const depthwiseConv2d: Op<Convolution> = {
  name: 'depthwiseConv2d',
  shape: ([x, w], { places }) => [...places, x.shape[2] * w.shape[3]],
  reads: () => 'x',
  forward({ t, x: [x, w, b], y, options }) {
    t.emit('depthwiseConv2d', [x, w, b, y], sizesOf(x.shape, w.shape, options)); // y = x * w + b
  },
  backward({ t, x: [x, w], dy, dx: [dx, dw, db], options }) {
    const sizes = sizesOf(x.shape, w.shape, options);
    // dw = patches(x).T @ dy channel by channel, db = dy.sum(0)
    if (dw || db) {
      const to = dw ?? t.fixed('state', `${dy.name}/dw`, w.shape);
      t.emit('depthwiseConv2dWeightGradient', [x, dy, to, db], sizes);
    }
    if (dx) t.emit('depthwiseConv2dInputGradient', [dy, w, dx], sizes); // patches(dx) = dy * w
  },
};
