import type { Op } from '../op.js';
import { type Shape, sizeOf } from '../value.js';

/** A sample seen from one axis: [A, N, C], N the axis, A and C what lies before and behind it. */
export function around(shape: Shape, axis: number): { A: number; N: number; C: number } {
  return { A: sizeOf(shape.slice(0, axis)), N: shape[axis], C: sizeOf(shape.slice(axis + 1)) };
}

const without = (shape: Shape, axis: number) => shape.filter((_, i) => i !== axis);

/** scale * x.sum(axis) */
export const sumAxis: Op<{ readonly axis: number; readonly scale: number }> = {
  name: 'sum',
  shape: ([x], { axis }) => without(x.shape, axis),
  forward({ t, x: [x], y, options: { axis, scale } }) {
    t.emit('sumAxis', [x, y], around(x.shape, axis), { scale });
  },
  backward({ t, x: [x], dy, dx: [dx], options: { axis, scale } }) {
    if (dx) t.emit('repeatAxis', [dy, dx], around(x.shape, axis), { scale });
  },
};

/** The largest or the smallest value along an axis; equal ones share the gradient, as TensorFlow's. */
const extremeAxis = (name: 'max' | 'min', kernel: string): Op<{ readonly axis: number }> => ({
  name,
  shape: ([x], { axis }) => without(x.shape, axis),
  reads: () => 'both',
  forward({ t, x: [x], y, options: { axis } }) {
    t.emit(kernel, [x, y], around(x.shape, axis));
  },
  backward({ t, x: [x], y, dy, dx: [dx], options: { axis } }) {
    if (dx) t.emit('extremeAxisGradient', [x, y, dy, dx], around(x.shape, axis));
  },
});
export const maxAxis = extremeAxis('max', 'maximumAxis');
export const minAxis = extremeAxis('min', 'minimumAxis');

/** An axis of length 1 made one of length n, by repetition. */
export const repeatAxis: Op<{ readonly axis: number; readonly n: number }> = {
  name: 'repeat',
  shape: ([x], { axis, n }) => x.shape.map((length, i) => (i === axis ? n : length)),
  forward({ t, x: [x], y, options: { axis } }) {
    t.emit('repeatAxis', [x, y], around(y.shape, axis), { scale: 1 });
  },
  backward({ t, dy, dx: [dx], options: { axis } }) {
    if (dx) t.emit('sumAxis', [dy, dx], around(dy.shape, axis), { scale: 1 });
  },
};

/** Axes number `axis` and `axis + 1` change places. */
export const swapAxes: Op<{ readonly axis: number }> = {
  name: 'swapAxes',
  shape: ([x], { axis }) => [...x.shape.slice(0, axis), x.shape[axis + 1], x.shape[axis], ...x.shape.slice(axis + 2)],
  forward({ t, x: [x], y, options: { axis } }) {
    t.emit('swapAxes', [x, y], swapped(x.shape, axis));
  },
  backward({ t, dy, dx: [dx], options: { axis } }) {
    if (dx) t.emit('swapAxes', [dy, dx], swapped(dy.shape, axis));
  },
};

/** The other way round along an axis. */
export const reverseAxis: Op<{ readonly axis: number }> = {
  name: 'reverse',
  shape: ([x]) => x.shape,
  forward({ t, x: [x], y, options: { axis } }) {
    t.emit('reverseAxis', [x, y], around(x.shape, axis));
  },
  backward({ t, dy, dx: [dx], options: { axis } }) {
    if (dx) t.emit('reverseAxis', [dy, dx], around(dy.shape, axis));
  },
};

/** Sums of what lies up to each place along an axis, or from there on */
export const cumsum: Op<{ readonly axis: number; readonly reverse: boolean }> = {
  name: 'cumsum',
  shape: ([x]) => x.shape,
  forward({ t, x: [x], y, options: { axis, reverse } }) {
    t.emit('cumulativeSum', [x, y], around(x.shape, axis), { reverse: Number(reverse) });
  },
  backward({ t, dy, dx: [dx], options: { axis, reverse } }) {
    if (dx) t.emit('cumulativeSum', [dy, dx], around(dy.shape, axis), { reverse: Number(!reverse) });
  },
};

const swapped = (shape: Shape, axis: number) => ({
  P: sizeOf(shape.slice(0, axis)),
  Q: shape[axis],
  R: shape[axis + 1],
  S: sizeOf(shape.slice(axis + 2)),
});

const stretch = (whole: Shape, axis: number, N: number) => {
  const { A, N: M, C } = around(whole, axis);
  return { A, M, N, C };
};

/** x[start : start + length] along an axis */
export const slice: Op<{ readonly axis: number; readonly start: number; readonly length: number }> = {
  name: 'slice',
  shape: ([x], { axis, length }) => x.shape.map((n, i) => (i === axis ? length : n)),
  forward({ t, x: [x], y, options: { axis, start, length } }) {
    t.emit('slice', [x, y], stretch(x.shape, axis, length), { start });
  },
  backward({ t, x: [x], dy, dx: [dx], options: { axis, start, length } }) {
    if (!dx) return;
    t.emit('fill', [dx], { N: dx.size }, { value: 0 });
    t.emit('place', [dy, dx], stretch(x.shape, axis, length), { start });
  },
};

/** The inputs one behind the other along an axis */
export const concatenate: Op<{ readonly axis: number }> = {
  name: 'concatenate',
  shape: (inputs, { axis }) =>
    inputs[0].shape.map((n, i) => (i === axis ? inputs.reduce((sum, { shape }) => sum + shape[axis], 0) : n)),
  forward({ t, x, y, options: { axis } }) {
    let start = 0;
    for (const part of x) {
      t.emit('place', [part, y], stretch(y.shape, axis, part.shape[axis]), { start });
      start += part.shape[axis];
    }
  },
  backward({ t, x, dy, dx, options: { axis } }) {
    let start = 0;
    for (const [k, { shape }] of x.entries()) {
      const to = dx[k];
      if (to) t.emit('slice', [dy, to], stretch(dy.shape, axis, shape[axis]), { start });
      start += shape[axis];
    }
  },
};

/** A value that is the same for all samples, for each of them. */
export const repeatRows: Op<{ readonly times: number } | undefined> = {
  name: 'repeatRows',
  isBatched: true,
  times: (options) => options?.times ?? 1,
  shape: ([x]) => x.shape,
  forward({ t, x: [x], y }) {
    t.emit('repeatRows', [x, y], { N: x.size });
  },
  backward({ t, dy, dx: [dx] }) {
    if (dx) t.emit('biasGradient', [dy, dx], { O: dx.size }); // dx = dy.sum(0)
  },
};
