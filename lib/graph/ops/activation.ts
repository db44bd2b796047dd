import type { Activation } from '../../activations.js';
import type { Op } from '../op.js';
import { applyOp, type Shape, type Value } from '../value.js';
import { logSoftmax } from './products.js';

/** Softmax works along the last axis: a sample of shape [..., N] is M rows of N. The others take every element alone. */
function sizes({ config }: Activation, { shape, size }: { shape: Shape; size: number }): Record<string, number> {
  if (config.name !== 'softmax') return { N: size };
  const N = shape.at(-1) ?? 1;
  return { M: size / N, N };
}

/** y = f(z), where f has a kernel. */
export const activation: Op<Activation> = {
  name: 'activation',
  shape: ([z]) => z.shape,
  reads: ({ derivativeFrom }) => (derivativeFrom === 'y' ? 'y' : 'x'),
  inPlace: true,
  gradientInPlace: true,
  forward({ t, x: [z], y, options: f }) {
    if (f.kernel) t.emit(f.kernel, [z, y], sizes(f, z), f.scalars);
  },
  backward({ t, x: [z], y, dy, dx: [dz], options: f }) {
    if (!f.gradient)
      throw new TypeError(
        `Expected the activation of a layer that is trained to have a derivative, got '${f.config.name}', ` +
          'which is for prediction only',
      );
    const from = f.derivativeFrom === 'y' ? y : z;
    if (dz) t.emit(f.gradient, [from, dy, dz], sizes(f, z), f.scalars); // dz = dy * f'(z)
  },
};

/**
 * Softmax along the last axis of z [..., M, N] over what `seen` [M, N] has other than 0, whatever z is elsewhere: there it is 0. A row
 * that sees nothing has the same everywhere.
 */
export const maskedSoftmax: Op = {
  name: 'maskedSoftmax',
  choosing: [1],
  shape: ([z]) => z.shape,
  reads: () => 'both',
  inPlace: true,
  gradientInPlace: true,
  forward({ t, x: [z, seen], y }) {
    const [M, N] = seen.shape;
    t.emit('maskedSoftmax', [z, seen, y], { H: z.size / seen.size, M, N });
  },
  backward({ t, x: [, seen], y, dy, dx: [dz] }) {
    const [M, N] = seen.shape;
    if (dz) t.emit('maskedSoftmaxGradient', [y, seen, dy, dz], { H: y.size / seen.size, M, N });
  },
};

/** f(z); z itself where f is linear. */
export function activate(z: Value, f: Activation): Value {
  if (f.graph) return f.graph(z);
  if (f.config.name === 'logSoftmax') return applyOp(logSoftmax, [z], undefined); // whose kernel does not work in place
  return f.kernel ? applyOp(activation, [z], f) : z;
}
