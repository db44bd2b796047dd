import type { Op } from '../op.js';
import type { Shape } from '../value.js';

export interface Windows {
  readonly places: readonly [number, number];
  readonly size: readonly [number, number];
  readonly strides: readonly [number, number];
  /** How far the first window begins before the image. */
  readonly before: readonly [number, number];
}

function dims(x: Shape, { places, size, strides, before }: Windows) {
  const [H, W, C] = x;
  const [Y, X] = places;
  const [K, L] = size;
  const [s, t] = strides;
  const [p, q] = before;
  return { H, W, C, Y, X, K, L, s, t, p, q };
}

const shape: Op<Windows>['shape'] = ([x], { places }) => [...places, x.shape[2]];

export const maxPooling2d: Op<Windows> = {
  name: 'maxPooling2d',
  shape,
  forward({ t, x: [x], y, options }) {
    const winner = t.like(y, `${y.name}/winner`);
    t.emit('maxPooling2d', [x, y, winner], dims(x.shape, options)); // y = windows(x).max(), winner = windows(x).argmax()
    return { winner };
  },
  backward({ t, x: [x], dy, dx: [dx], saved: { winner }, options }) {
    if (dx) t.emit('maxPooling2dGradient', [winner, dy, dx], dims(x.shape, options)); // windows(dx)[winner] += dy
  },
};

export const averagePooling2d: Op<Windows> = {
  name: 'averagePooling2d',
  shape,
  forward({ t, x: [x], y, options }) {
    t.emit('averagePooling2d', [x, y], dims(x.shape, options)); // y = windows(x).mean()
  },
  backward({ t, x: [x], dy, dx: [dx], options }) {
    if (dx) t.emit('averagePooling2dGradient', [dy, dx], dims(x.shape, options)); // windows(dx) += dy / size
  },
};

/** The mean over all axes but the last: [..., C] to [C]. */
export const globalAveragePooling: Op = {
  name: 'globalAveragePooling',
  shape: ([x]) => x.shape.slice(-1),
  forward({ t, x: [x], y }) {
    t.emit('globalAveragePooling', [x, y], { N: x.size / y.size, C: y.size }); // y = x.mean(pixels)
  },
  backward({ t, x: [x], dy, dx: [dx] }) {
    if (dx) t.emit('globalAveragePoolingGradient', [dy, dx], { N: x.size / dy.size, C: dy.size }); // dx = dy / N
  },
};
