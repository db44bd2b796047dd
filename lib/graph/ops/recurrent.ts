import type { Buffer } from '../../tape.js';
import type { Backward, Forward, Op } from '../op.js';
import type { Recorder } from '../recorder.js';
import type { Shape, Value } from '../value.js';

/** Activations of recurrent layers, in the order of native/kernels/recurrent.h: those whose derivative follows from their value. */
export const GATES = [
  'linear',
  'sigmoid',
  'tanh',
  'relu',
  'hardSigmoid',
  'elu',
  'selu',
  'softplus',
  'softsign',
  'exponential',
] as const;
export type Gate = (typeof GATES)[number];

/** What may come behind z [S, G] and the recurrent kernel R [U, G]. */
export type Extra = 'bias' | 'h0' | 'c0' | 'drop' | 'mask';

export interface Recurrent {
  readonly activation: Gate;
  readonly recurrentActivation?: Gate;
  /** Of a GRU: whether the reset gate comes behind the product with R. */
  readonly resetAfter?: boolean;
  /** The states of all steps, or the last one alone. */
  readonly sequences: boolean;
  /** Of an LSTM: its last cell state is one more row. */
  readonly withCell?: boolean;
  /** What the inputs behind z and R are, in order. */
  readonly extras: readonly Extra[];
}

type Places = Partial<Record<Extra, Buffer>> & { readonly z?: Buffer; readonly r?: Buffer };

function placed([z, r, ...rest]: readonly (Buffer | undefined)[], { extras }: Recurrent): Places {
  return { z, r, ...Object.fromEntries(extras.map((name, k) => [name, rest[k]])) };
}

const rowsOf = (S: number, { sequences, withCell }: Recurrent) => (sequences ? S : 1) + Number(withCell ?? false);

const shape = ([z, r]: readonly Value[], options: Recurrent): Shape => [rowsOf(z.shape[0], options), r.shape[0]];

const code = (gate: Gate) => GATES.indexOf(gate);

const scalarsOf = ({ activation, recurrentActivation = 'sigmoid' }: Recurrent) => ({
  activation: code(activation),
  recurrent: code(recurrentActivation),
});

/** Where the states of all steps go: y itself, if it is these alone. */
const statesOf = (t: Recorder, y: Buffer, S: number, U: number, { sequences, withCell }: Recurrent): Buffer =>
  sequences && !withCell ? y : t.batched(`${y.name}/states`, [S, U]);

/** y of the states of all steps, and of the last cell state where it has that. */
function emitOutput(t: Recorder, y: Buffer, h: Buffer, options: Recurrent, c?: Buffer): void {
  const [S, U] = h.shape;
  const rows = y.shape[0];
  const around = (M: number, N: number) => ({ A: 1, M, N, C: U });
  if (!options.withCell) {
    if (h !== y) t.emit('slice', [h, y], around(S, 1), { start: S - 1 });
    return;
  }
  const last = (from: Buffer) => {
    const row = t.batched(`${y.name}/last`, [U]);
    t.emit('slice', [from, row], around(S, 1), { start: S - 1 });
    return row;
  };
  if (options.sequences) t.emit('place', [h, y], around(rows, S), { start: 0 });
  else t.emit('place', [last(h), y], around(rows, 1), { start: 0 });
  t.emit('place', [last(c as Buffer), y], around(rows, 1), { start: rows - 1 });
}

/** The gradients of the states of all steps, of the last one and of the last cell state, each where y has it. */
function emitDeltas(t: Recorder, dy: Buffer, S: number, { sequences, withCell }: Recurrent) {
  if (!withCell) return sequences ? { dh: dy } : { dlast: dy };
  const [rows, U] = dy.shape;
  const part = (name: string, start: number, N: number) => {
    const out = t.batched(`${dy.name}/${name}`, [N, U]);
    t.emit('slice', [dy, out], { A: 1, M: rows, N, C: U }, { start });
    return out;
  };
  const dc = part('dc', rows - 1, 1);
  return sequences ? { dh: part('dh', 0, S), dc } : { dlast: part('dlast', 0, 1), dc };
}

/** R.T, which is the same for all samples. */
function emitTransposed(t: Recorder, r: Buffer): Buffer {
  const [U, G] = r.shape;
  const rt = t.fixed('state', `${r.name}/transposed`, [G, U]);
  t.ahead(() => t.emit('swapAxes', [r, rt], { P: 1, Q: U, R: G, S: 1 }));
  return rt;
}

/** dR of the gradient `delta` of its products, and the states that it met. */
function emitKernelGradient(t: Recorder, h: Buffer, { h0, drop }: Places, delta: Buffer, dr: Buffer): void {
  const [S, U] = h.shape;
  const before = t.batched(`${h.name}/before`, h.shape);
  t.emit('previousStates', [h, h0, drop, before], { S, U });
  t.emit('weightGradient', [before, delta, dr], { I: U, O: delta.size / S }, {}, S); // dR = before.T @ delta
}

/** What the three have in common: z's gradient has a place in any case, and the states are found again. */
function backwardOf({ t, x, y, dx, dy, saved, options }: Backward<Recurrent>) {
  const [inputs, d] = [placed(x, options), placed(dx, options)];
  const { z, r } = inputs as { z: Buffer; r: Buffer };
  const S = z.shape[0];
  // whether a step counts, or what is dropped, has no derivative
  for (const zero of [d.mask, d.drop]) if (zero) t.emit('fill', [zero], { N: zero.size }, { value: 0 });
  return {
    inputs,
    d,
    r,
    sizes: { S, U: r.shape[0] },
    h: saved.h ?? y,
    dz: d.z ?? t.batched(`${y.name}/dz`, z.shape),
    deltas: emitDeltas(t, dy, S, options) as { dh?: Buffer; dlast?: Buffer; dc?: Buffer },
  };
}

const begin = ({ t, x, y, options }: Forward<Recurrent>) => {
  const inputs = placed(x, options);
  const { z, r } = inputs as { z: Buffer; r: Buffer };
  const [S, U] = [z.shape[0], r.shape[0]];
  return { ...inputs, z, r, sizes: { S, U }, h: statesOf(t, y, S, U, options) };
};

/** h_s = activation(z_s + h_{s-1} R) */
export const simpleRnn: Op<Recurrent> = {
  name: 'simpleRnn',
  shape,
  reads: () => 'both',
  forward(io) {
    const { z, r, h0, drop, mask, h, sizes } = begin(io);
    const { activation } = scalarsOf(io.options);
    io.t.emit('simpleRnn', [z, r, h0, drop, mask, h], sizes, { activation });
    emitOutput(io.t, io.y, h, io.options);
    return { h };
  },
  backward(io) {
    const { inputs, d, r, sizes, h, dz, deltas } = backwardOf(io);
    const { activation } = scalarsOf(io.options);
    const from = [h, emitTransposed(io.t, r), inputs.drop, inputs.mask, deltas.dh, deltas.dlast];
    io.t.emit('simpleRnnGradient', [...from, dz, d.h0], sizes, { activation });
    if (d.r) emitKernelGradient(io.t, h, inputs, dz, d.r);
  },
};

/** i, f, o = recurrentActivation(z_s + h_{s-1} R), g = activation(the same); c_s = f c_{s-1} + i g; h_s = o activation(c_s) */
export const lstm: Op<Recurrent> = {
  name: 'lstm',
  shape,
  reads: () => 'both',
  forward(io) {
    const { t, y, options } = io;
    const { z, r, h0, c0, drop, mask, h, sizes } = begin(io);
    const gates = t.batched(`${y.name}/gates`, z.shape);
    const c = t.batched(`${y.name}/cells`, h.shape);
    t.emit('lstm', [z, r, h0, c0, drop, mask, gates, c, h], sizes, scalarsOf(options));
    emitOutput(t, y, h, options, c);
    return { h, gates, c };
  },
  backward(io) {
    const { inputs, d, r, sizes, h, dz, deltas } = backwardOf(io);
    const { gates, c } = io.saved;
    const states = [deltas.dh, deltas.dlast, deltas.dc];
    const from = [gates, c, emitTransposed(io.t, r), inputs.c0, inputs.drop, inputs.mask, ...states];
    io.t.emit('lstmGradient', [...from, dz, d.h0, d.c0], sizes, scalarsOf(io.options));
    if (d.r) emitKernelGradient(io.t, h, inputs, dz, d.r);
  },
};

/**
 * u, r = recurrentActivation(z_s + h_{s-1} R + bias); h_s = u h_{s-1} + (1 - u) n, where n = activation(z_s + (r h_{s-1}) R) or,
 * with `resetAfter`, activation(z_s + bias[0] + r (h_{s-1} R + bias[1])); else there is no bias.
 */
export const gru: Op<Recurrent> = {
  name: 'gru',
  shape,
  reads: () => 'both',
  forward(io) {
    const { t, y, options } = io;
    const { z, r, bias, h0, drop, mask, h, sizes } = begin(io);
    const gates = t.batched(`${y.name}/gates`, z.shape);
    const inner = t.batched(`${y.name}/inner`, h.shape);
    const scalars = { ...scalarsOf(options), after: Number(options.resetAfter) };
    t.emit('gru', [z, r, bias, h0, drop, mask, gates, inner, h], sizes, scalars);
    emitOutput(t, y, h, options);
    return { h, gates, inner };
  },
  backward(io) {
    const { t, options } = io;
    const { inputs, d, r, sizes, h, dz, deltas } = backwardOf(io);
    const { gates, inner } = io.saved;
    const { U, S } = sizes;
    const delta = options.resetAfter ? t.batched(`${dz.name}/inner`, dz.shape) : undefined;
    const from = [gates, inner, h, emitTransposed(t, r), inputs.h0, inputs.drop, inputs.mask, deltas.dh, deltas.dlast];
    t.emit('gruGradient', [...from, dz, delta, d.h0], sizes, scalarsOf(options));
    if (d.bias) {
      const row = (k: number) => t.part(d.bias as Buffer, 3 * U * k, [3 * U]);
      t.emit('biasGradient', [dz, row(0)], { O: 3 * U }, {}, S);
      t.emit('biasGradient', [delta, row(1)], { O: 3 * U }, {}, S);
    }
    if (!d.r) return;
    emitKernelGradient(t, h, inputs, delta ?? dz, d.r);
    if (delta) return;
    // the last third of R has met r h_{s-1}
    const all = t.fixed('state', `${r.name}/ofReset`, r.shape);
    const third = t.fixed('state', `${r.name}/ofReset/third`, [U, U]);
    t.emit('weightGradient', [inner, dz, all], { I: U, O: 3 * U }, {}, S);
    t.emit('slice', [all, third], { A: U, M: 3 * U, N: U, C: 1 }, { start: 2 * U });
    t.emit('place', [third, d.r], { A: U, M: 3 * U, N: U, C: 1 }, { start: 2 * U });
  },
};
