import type { Op } from '../op.js';

/** y = x @ w + b, or without b: x [I], w [I, O], b [O] */
export const affine: Op = {
  name: 'affine',
  shape: ([, w]) => [w.shape[1]],
  reads: () => 'x',
  forward({ t, x: [x, w, b], y }) {
    const [I, O] = w.shape;
    if (b)
      t.emit('affine', [x, w, b, y], { O, I }); // y = x @ w + b
    else t.emit('matmul', [x, w, y], { O, I });
  },
  backward({ t, x: [x, w], dy, dx: [dx, dw, db] }) {
    const [I, O] = w.shape;
    if (dw) t.emit('weightGradient', [x, dy, dw], { O, I }); // dw = x.T @ dy
    if (db) t.emit('biasGradient', [dy, db], { O }); // db = dy.sum(0)
    if (dx) t.emit('inputGradient', [dy, w, dx], { O, I }); // dx = dy @ w.T
  },
};
