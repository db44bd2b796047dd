import type { Op } from '../op.js';
import { sizeOf } from '../value.js';
import { affine } from './affine.js';
import { temporary } from './arithmetic.js';

/** x @ w, where x [..., I] has a row for each sample and more, and w [I, O] is the same for all: by the name it has in files. */
export const matmul: Op = { ...affine, name: 'matmul' };

/** x @ y for matrices of every sample: [..., M, K] and [..., K, N] with the same axes before */
export const batchMatmul: Op = {
  name: 'batchMatmul',
  shape: ([x, y]) => [...x.shape.slice(0, -1), y.shape[y.shape.length - 1]],
  reads: () => 'x',
  forward({ t, x: [a, b], y }) {
    const [M, K] = a.shape.slice(-2);
    const [N] = b.shape.slice(-1);
    t.emit('batchMatmul', [a, b, y], { M, K, N }, {}, sizeOf(a.shape.slice(0, -2)));
  },
  backward({ t, x: [a, b], dy, dx: [da, db] }) {
    const [M, K] = a.shape.slice(-2);
    const [N] = b.shape.slice(-1);
    const P = sizeOf(a.shape.slice(0, -2));
    if (db) {
      const transposed = temporary(t, a);
      t.emit('swapAxes', [a, transposed], { P, Q: M, R: K, S: 1 });
      t.emit('batchMatmul', [transposed, dy, db], { M: K, K: M, N }, {}, P); // db = a.T @ dy
    }
    if (da) {
      const transposed = temporary(t, b);
      t.emit('swapAxes', [b, transposed], { P, Q: K, R: N, S: 1 });
      t.emit('batchMatmul', [dy, transposed, da], { M, K: N, N: K }, {}, P); // da = dy @ b.T
    }
  },
};

/** x [N, C] at index [J]: [J, C]; NaN where an index is none of the axis */
export const gather: Op = {
  name: 'gather',
  choosing: [1],
  shape: ([x, index]) => [index.shape[0], x.shape[1]],
  reads: () => 'x',
  forward({ t, x: [x, index], y }) {
    const [N, C] = x.shape;
    t.emit('gather', [x, index, y], { N, C, J: index.size });
  },
  backward({ t, x: [x, index], dy, dx: [dx] }) {
    const [N, C] = x.shape;
    if (dx) t.emit('gatherGradient', [index, dy, dx], { N, C, J: index.size });
  },
};

/** Index [J] as rows [J, N] with one 1; NaN where it names no class */
export const oneHot: Op<{ readonly depth: number }> = {
  name: 'oneHot',
  isStep: true,
  shape: ([index], { depth }) => [...index.shape, depth],
  forward({ t, x: [index], y, options: { depth: N } }) {
    t.emit('oneHot', [index, y], { J: index.size, N });
  },
};

/** z - log(sum(exp(z))) along the last axis */
export const logSoftmax: Op = {
  name: 'logSoftmax',
  shape: ([z]) => z.shape,
  reads: () => 'y',
  gradientInPlace: true,
  forward({ t, x: [z], y }) {
    const N = z.shape.at(-1) ?? 1;
    t.emit('logSoftmax', [z, y], { M: z.size / N, N });
  },
  backward({ t, y, dy, dx: [dz] }) {
    const N = y.shape.at(-1) ?? 1;
    if (dz) t.emit('logSoftmaxGradient', [y, dy, dz], { M: y.size / N, N });
  },
};
