import type { Buffer } from '../../tape.js';
import type { Backward, Op } from '../op.js';
import type { Recorder } from '../recorder.js';

/** A buffer of the same shape, for a while. */
export function temporary(t: Recorder, like: Buffer): Buffer {
  return t.like(like, `${like.name}/part`);
}

const each = (t: Recorder, kernel: string, buffers: readonly Buffer[], scalars: Record<string, number> = {}) =>
  t.emit(kernel, buffers, { N: buffers[0].size }, scalars);

/** An operation element by element, of inputs of one shape, whose forward pass is the kernel of its name. */
const elementwise = (
  name: string,
  rest: Pick<Op, 'isStep'> | (Pick<Op, 'reads'> & { backward(io: Backward<undefined>): void }),
): Op => ({
  name,
  shape: ([x]) => x.shape,
  inPlace: true,
  gradientInPlace: true,
  forward({ t, x, y }) {
    each(t, name, [...x, y]);
  },
  ...rest,
});

/** x + y */
export const add = elementwise('add', {
  backward({ t, dy, dx: [dx0, dx1] }) {
    if (dx1) each(t, 'copy', [dy, dx1]);
    if (dx0 && dx0 !== dy) each(t, 'copy', [dy, dx0]);
  },
});

/** x - y */
export const subtract = elementwise('subtract', {
  backward({ t, dy, dx: [dx0, dx1] }) {
    if (dx1) each(t, 'linear', [dy, dx1], { scale: -1, shift: 0 });
    if (dx0 && dx0 !== dy) each(t, 'copy', [dy, dx0]);
  },
});

/** x * y */
export const multiply = elementwise('multiply', {
  reads: () => 'x',
  backward({ t, x: [x0, x1], dy, dx: [dx0, dx1] }) {
    if (dx1) each(t, 'multiply', [dy, x0, dx1]);
    if (dx0) each(t, 'multiply', [dy, x1, dx0]);
  },
});

/** x / y, whose derivatives are 1 / y and -(x / y) / y */
export const divide = elementwise('divide', {
  reads: () => 'both',
  backward({ t, x: [, x1], y, dy, dx: [dx0, dx1] }) {
    if (dx1) {
      each(t, 'multiply', [dy, y, dx1]);
      each(t, 'divide', [dx1, x1, dx1]);
      each(t, 'linear', [dx1, dx1], { scale: -1, shift: 0 });
    }
    if (dx0) each(t, 'divide', [dy, x1, dx0]);
  },
});

/** x ** y */
export const power = elementwise('power', {
  reads: () => 'x',
  backward({ t, x: [x0, x1], dy, dx: [dx0, dx1] }) {
    if (dx1) each(t, 'powerExponentGradient', [x0, x1, dy, dx1]);
    if (dx0) each(t, 'powerBaseGradient', [x0, x1, dy, dx0]);
  },
});

/** The larger or the smaller of two; where they are equal, the gradient goes to the first, as TensorFlow's. */
const extreme = (name: 'maximum' | 'minimum') =>
  elementwise(name, {
    reads: () => 'x',
    backward({ t, x: [x0, x1], dy, dx: [dx0, dx1] }) {
      const [first, zero] = [temporary(t, dy), temporary(t, dy)];
      each(t, 'greaterEqual', name === 'maximum' ? [x0, x1, first] : [x1, x0, first]);
      each(t, 'fill', [zero], { value: 0 });
      if (dx1) each(t, 'select', [first, zero, dy, dx1]);
      if (dx0) each(t, 'select', [first, dy, zero, dx0]);
    },
  });
export const maximum = extreme('maximum');
export const minimum = extreme('minimum');

/** Comparisons: 1 where they hold, else 0 */
export const greater = elementwise('greater', { isStep: true });
export const greaterEqual = elementwise('greaterEqual', { isStep: true });
export const equal = elementwise('equal', { isStep: true });

/** y where x is not 0, else z */
export const select: Op = {
  ...elementwise('select', {
    reads: () => 'x',
    backward({ t, x: [condition], dy, dx: [, dx1, dx2] }) {
      const zero = temporary(t, dy);
      each(t, 'fill', [zero], { value: 0 });
      if (dx1) each(t, 'select', [condition, dy, zero, dx1]);
      if (dx2) each(t, 'select', [condition, zero, dy, dx2]);
    },
  }),
  choosing: [0],
};

/** scale * x + shift */
export const linear: Op<{ readonly scale: number; readonly shift: number }> = {
  name: 'linear',
  shape: ([x]) => x.shape,
  inPlace: true,
  gradientInPlace: true,
  forward({ t, x: [x], y, options: { scale, shift } }) {
    each(t, 'linear', [x, y], { scale, shift });
  },
  backward({ t, dy, dx: [dx], options: { scale } }) {
    if (dx && (scale !== 1 || dx !== dy)) each(t, 'linear', [dy, dx], { scale, shift: 0 });
  },
};

/** A function of one value whose derivative is the kernel `gradient` of x or y and dy. */
const unary = (name: string, reads: 'x' | 'y', gradient: string): Op =>
  elementwise(name, {
    reads: () => reads,
    backward({ t, x: [x], y, dy, dx: [dx] }) {
      const from = reads === 'x' ? x : y;
      // dy / x is written the other way round
      if (dx) each(t, gradient, gradient === 'divide' ? [dy, from, dx] : [from, dy, dx]);
    },
  });

export const abs = unary('abs', 'x', 'absGradient');
export const exp = unary('exp', 'y', 'multiply');
export const log = unary('log', 'x', 'divide');
export const log1p = unary('log1p', 'x', 'log1pGradient');
export const sqrt = unary('sqrt', 'y', 'sqrtGradient');
export const square = unary('square', 'x', 'squareGradient');
export const sin = unary('sin', 'x', 'sinGradient');
export const cos = unary('cos', 'x', 'cosGradient');
export const erf = unary('erf', 'x', 'erfGradient');
export const sign = elementwise('sign', { isStep: true });
export const floor = elementwise('floor', { isStep: true });
/** The nearest whole number, of two the even one */
export const round = elementwise('round', { isStep: true });

/** x itself, through which no gradient passes. */
export const stopGradient: Op = { ...elementwise('copy', { isStep: true }), name: 'stopGradient' };
