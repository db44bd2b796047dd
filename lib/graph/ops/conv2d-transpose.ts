import type { Op } from '../op.js';
import type { Shape } from '../value.js';
import { addBias, biasGradient } from './bias.js';
import { type Convolution, dims } from './conv2d.js';

export interface TransposedConvolution extends Omit<Convolution, 'places'> {
  /** Height and width of the output. */
  readonly size: readonly [number, number];
}

/** The convolution from y to x whose input gradient this is. */
const reverse = (x: Shape, y: Shape, w: Shape, options: TransposedConvolution) =>
  dims(y, w, { ...options, places: [x[0], x[1]] });

/**
 * The transpose of a convolution: what its input gradient computes, plus b if there is one. Images x [H, W, C], kernel
 * w [K, L, F, C], b [F]
 */
export const conv2dTranspose: Op<TransposedConvolution> = {
  name: 'conv2dTranspose',
  shape: ([, w], { size }) => [...size, w.shape[2]],
  reads: () => 'x',
  forward({ t, x: [x, w, b], y, options }) {
    t.emit('conv2dInputGradient', [x, w, y], reverse(x.shape, y.shape, w.shape, options)); // patches(y) = x @ w.T
    if (b) addBias(t, y, b); // y += b
  },
  backward({ t, x: [x, w], dy, dx: [dx, dw, db], options }) {
    const sizes = reverse(x.shape, dy.shape, w.shape, options);
    if (dw) t.emit('conv2dWeightGradient', [dy, x, dw, undefined], sizes); // dw = patches(dy).T @ x
    if (db) biasGradient(t, dy, db); // db = dy.sum(0)
    if (dx) t.emit('conv2d', [dy, w, undefined, dx], sizes); // dx = dy * w
  },
};
