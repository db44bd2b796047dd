import type { Op } from '../op.js';
import type { Shape } from '../value.js';

export interface Convolution {
  readonly places: readonly [number, number];
  readonly strides: readonly [number, number];
  readonly dilations: readonly [number, number];
  /** Rows and columns of zeros in front of the image. */
  readonly before: readonly [number, number];
}

/** The sizes that the kernels of a convolution of x [H, W, C] with w [K, L, C, F] are given. */
export function dims(x: Shape, w: Shape, { places, strides, dilations, before }: Convolution) {
  const [H, W, C] = x;
  const [K, L, , F] = w;
  const [Y, X] = places;
  const [s, t] = strides;
  const [d, e] = dilations;
  const [p, q] = before;
  return { H, W, C, K, L, F, Y, X, s, t, d, e, p, q };
}

/** y = x * w + b, or without b: images x [H, W, C], kernel w [K, L, C, F], b [F] */
export const conv2d: Op<Convolution> = {
  name: 'conv2d',
  shape: ([, w], { places }) => [...places, w.shape[3]],
  reads: () => 'x',
  forward({ t, x: [x, w, b], y, options }) {
    t.emit('conv2d', [x, w, b, y], dims(x.shape, w.shape, options)); // y = x * w + b
  },
  backward({ t, x: [x, w], dy, dx: [dx, dw, db], options }) {
    const sizes = dims(x.shape, w.shape, options);
    // dw = patches(x).T @ dy, db = dy.sum(0)
    if (dw || db) t.emit('conv2dWeightGradient', [x, dy, dw ?? t.fixed('state', `${dy.name}/dw`, w.shape), db], sizes);
    if (dx) t.emit('conv2dInputGradient', [dy, w, dx], sizes); // patches(dx) = dy @ w.T
  },
};
