import type { Op } from '../op.js';
import { around } from './axes.js';

/** Zeros in front of the values along an axis and behind them. */
export const pad: Op<{ readonly axis: number; readonly before: number; readonly after: number }> = {
  name: 'pad',
  shape: ([x], { axis, before, after }) => x.shape.map((n, i) => (i === axis ? before + n + after : n)),
  forward({ t, x: [x], y, options: { axis, before } }) {
    const { A, N, C } = around(x.shape, axis);
    t.emit('fill', [y], { N: y.size }, { value: 0 });
    t.emit('place', [x, y], { A, M: y.shape[axis], N, C }, { start: before }); // y[before : before + N] = x
  },
  backward({ t, dy, dx: [dx], options: { axis, before } }) {
    if (!dx) return;
    const { A, N, C } = around(dx.shape, axis);
    t.emit('slice', [dy, dx], { A, M: dy.shape[axis], N, C }, { start: before }); // dx = dy[before : before + N]
  },
};
