import type { Op } from '../op.js';

/** y = x @ w + b, or without b, for every row of a sample: x [..., I], w [I, O], b [O] */
export const affine: Op = {
  name: 'affine',
  shape: ([x, w]) => [...x.shape.slice(0, -1), w.shape[1]],
  reads: () => 'x',
  forward({ t, x: [x, w, b], y }) {
    const [I, O] = w.shape;
    const rows = x.size / I;
    if (b)
      t.emit('affine', [x, w, b, y], { O, I }, {}, rows); // y = x @ w + b
    else t.emit('matmul', [x, w, y], { O, I }, {}, rows);
  },
  backward({ t, x: [x, w], dy, dx: [dx, dw, db] }) {
    const [I, O] = w.shape;
    const rows = x.size / I;
    if (dw) t.emit('weightGradient', [x, dy, dw], { O, I }, {}, rows); // dw = x.T @ dy
    if (db) t.emit('biasGradient', [dy, db], { O }, {}, rows); // db = dy.sum(0)
    if (dx) t.emit('inputGradient', [dy, w, dx], { O, I }, {}, rows); // dx = dy @ w.T
  },
};
