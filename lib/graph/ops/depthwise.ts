import { broadcastTo, reshaped } from '../broadcast.js';
import type { Op } from '../op.js';
import { applyOp, type Shape, timesOf, type Value } from '../value.js';
import { type Convolution, dims } from './conv2d.js';

const sizesOf = (x: Shape, w: Shape, options: Convolution) => {
  const { F: _, ...sizes } = dims(x, w, options);
  return sizes;
};

/** Every channel by a kernel of its own, plus b if there is one: images x [H, W, C], kernel w [K, L, C], b [C] */
const depthwiseConv2d: Op<Convolution> = {
  name: 'depthwiseConv2d',
  shape: ([, w], { places }) => [...places, w.shape[2]],
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

/** The same by M kernels a channel, w [K, L, C, M]: each channel M times, one behind the other. Gives [Y, X, C * M], b alike. */
export function depthwise(x: Value, w: Value, b: Value | undefined, options: Convolution): Value {
  const [H, W, C] = x.shape;
  const [K, L, , M] = w.shape;
  const repeated = broadcastTo(reshaped(x, [H, W, C, 1]), [H, W, C, M], timesOf([x]));
  const inputs = [reshaped(repeated, [H, W, C * M]), reshaped(w, [K, L, C * M])];
  return applyOp(depthwiseConv2d, b ? [...inputs, b] : inputs, options);
}
