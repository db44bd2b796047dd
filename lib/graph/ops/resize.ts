import type { Op } from '../op.js';
import { type Shape, sizeOf } from '../value.js';

/** Images [height, width, channels] of `size` times as many rows and columns, between which pixels are interpolated linearly. */
export const upsampleBilinear: Op<{ readonly size: readonly [number, number] }> = {
  name: 'upsampleBilinear',
  shape: ([x], { size }) => larger(x.shape, size),
  forward({ t, x: [x], y, options: { size } }) {
    const rows = t.like({ ...y, shape: larger(x.shape, [size[0], 1]) }, `${y.name}/rows`);
    t.emit('interpolateAxis', [x, rows], along(x.shape, rows.shape, 0)); // rows = between(x, rows)
    t.emit('interpolateAxis', [rows, y], along(rows.shape, y.shape, 1)); // y = between(rows, columns)
  },
  backward({ t, x: [x], dy, dx: [dx], options: { size } }) {
    if (!dx) return;
    const rows = t.like({ ...dy, shape: larger(x.shape, [size[0], 1]) }, `${dy.name}/rows`);
    t.emit('interpolateAxisGradient', [dy, rows], along(rows.shape, dy.shape, 1));
    t.emit('interpolateAxisGradient', [rows, dx], along(x.shape, rows.shape, 0));
  },
};

const larger = ([H, W, C]: Shape, [rows, columns]: readonly [number, number]): Shape => [H * rows, W * columns, C];

const along = (from: Shape, to: Shape, axis: number) => ({
  A: sizeOf(from.slice(0, axis)),
  M: from[axis],
  N: to[axis],
  C: sizeOf(from.slice(axis + 1)),
});
