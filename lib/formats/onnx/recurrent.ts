import { activations } from '../../activations.js';
import type { Extra, Gate, Recurrent } from '../../graph/ops/recurrent.js';
import { isCall, type Node, type Value } from '../../graph/value.js';
import { emitActivation } from './activations.js';
import { Emitter } from './emitter.js';
import { OnnxGraph, transposed } from './onnx-graph.js';

/** Activations that ONNX' recurrent nodes have, by their names there. Others are spelled out. */
const NATIVE: Partial<Record<Gate, string>> = { sigmoid: 'Sigmoid', tanh: 'Tanh', relu: 'Relu', softsign: 'Softsign' };

/** The operation's inputs by name. */
function partsOf({ inputs, options }: Node<Recurrent>) {
  const [z, r, ...rest] = inputs;
  const extras: Partial<Record<Extra, Value>> = Object.fromEntries(options.extras.map((name, k) => [name, rest[k]]));
  return { z, r, ...extras };
}

/**
 * A recurrent layer: ONNX' own node, or a Scan over the steps where that has no such activation, steps are masked, or float64
 * counts (ONNX Runtime has no recurrent nodes of it).
 */
export function emitRecurrent(e: Emitter, node: Node<Recurrent>): void {
  const { options, output } = node;
  const { mask, z } = partsOf(node);
  const gates = [options.activation, options.recurrentActivation ?? 'sigmoid'];
  const isNative = !mask && !e.isDouble && gates.every((gate) => NATIVE[gate]) && productOf(z);
  const states = isNative ? emitNative(e, node) : emitScan(e, node);
  const rows = options.sequences
    ? e.emit('Transpose', [states.all], { perm: { ints: [1, 0, 2] } })
    : asRow(e, states.last);
  const cell = options.withCell ? [asRow(e, states.cell as string)] : [];
  e.set(output, cell.length > 0 ? e.emit('Concat', [rows, ...cell], { axis: { int: 1 } }) : rows);
}

interface States {
  /** [steps, batch, units] */
  readonly all: string;
  /** [batch, units] */
  readonly last: string;
  readonly cell?: string;
}

const asRow = (e: Emitter, state: string) => e.emit('Unsqueeze', [state, e.graph.ints([1])]);

/** x and the weights of z = x W + b. */
function productOf(z: Value): { x: Value; w: Value; b?: Value } | undefined {
  const { from } = z;
  if (!from || isCall(from) || (from.op.name !== 'affine' && from.op.name !== 'matmul')) return undefined;
  const [x, w, b] = from.inputs;
  return { x, w, ...(b && { b }) };
}

/** [batch, steps, n] as ONNX has sequences, the steps first. */
const stepsFirst = (e: Emitter, value: Value) => e.emit('Transpose', [e.of(value)], { perm: { ints: [1, 0, 2] } });

/** The columns of our gates in ONNX' order: an LSTM's i, f, g, o as i, o, f, g; a GRU's update, reset, candidate stay. */
const ORDERS: Readonly<Record<string, readonly number[]>> = { simpleRnn: [0], lstm: [0, 3, 1, 2], gru: [0, 1, 2] };

function emitNative(e: Emitter, node: Node<Recurrent>): States {
  const { options, op } = node;
  const { z, r, h0, c0, bias } = partsOf(node);
  const { x, w, b } = productOf(z) as NonNullable<ReturnType<typeof productOf>>;
  const units = r.shape[0];
  const order = ORDERS[op.name];
  const columns = (data: ArrayLike<number>, from: number) =>
    order.flatMap((gate) => Array.from({ length: units }, (_, k) => data[from + gate * units + k]));
  const kernel = (value: Value) => {
    const { array, name } = e.arrayOf(value) as NonNullable<ReturnType<Emitter['arrayOf']>>;
    return e.made(array.data, op.name, () => {
      const { shape, data } = transposed(array, [1, 0]); // [gates * units, rows]
      const size = units * shape[1];
      const inOrder = new Float64Array(data.length);
      for (const [k, gate] of order.entries()) inOrder.set(data.subarray(gate * size, (gate + 1) * size), k * size);
      return e.graph.tensor(name, e.type, [1, ...shape], inOrder);
    });
  };
  const all = order.length * units;
  const numbers = (value: Value | undefined) =>
    value ? (e.arrayOf(value)?.array.data as ArrayLike<number>) : new Float64Array(2 * all);
  const biases = bias
    ? [...columns(numbers(bias), 0), ...columns(numbers(bias), all)]
    : [...columns(numbers(b), 0), ...new Float64Array(all)];
  const state = (value: Value | undefined) => (value ? e.emit('Unsqueeze', [e.of(value), e.graph.ints([0])]) : '');
  const inputs = [
    stepsFirst(e, x),
    kernel(w),
    kernel(r),
    e.graph.tensor('bias', e.type, [1, 2 * all], biases),
    '',
    state(h0),
  ];
  if (op.name === 'lstm') inputs.push(state(c0));
  while (inputs.at(-1) === '') inputs.pop();
  const { activation, recurrentActivation = 'sigmoid', resetAfter } = options;
  const [act, rec] = [NATIVE[activation] as string, NATIVE[recurrentActivation] as string];
  const functions = op.name === 'simpleRnn' ? [act] : op.name === 'gru' ? [rec, act] : [rec, act, act];
  const type = { simpleRnn: 'RNN', lstm: 'LSTM', gru: 'GRU' }[op.name] as string;
  const [y, h, c] = e.emitAll(type, inputs, op.name === 'lstm' ? 3 : 2, {
    hidden_size: { int: units },
    activations: { strings: functions },
    ...(op.name === 'gru' && { linear_before_reset: { int: Number(resetAfter) } }),
  });
  const without = (name: string, axis: number) => e.emit('Squeeze', [name, e.graph.ints([axis])]);
  return { all: without(y, 1), last: without(h, 0), ...(c && options.withCell && { cell: without(c, 0) }) };
}

function emitScan(e: Emitter, node: Node<Recurrent>): States {
  const { options, op } = node;
  const { z, r, h0, c0, bias, mask } = partsOf(node);
  const units = r.shape[0];
  const zeros = () => {
    const shape = e.emit('Concat', [rowsOf(e, z), e.graph.ints([units])], { axis: { int: 0 } });
    return e.emit('Expand', [e.number(0), shape]);
  };
  const first = [h0 ? e.of(h0) : zeros(), ...(op.name === 'lstm' ? [c0 ? e.of(c0) : zeros()] : [])];
  const sequences = [stepsFirst(e, z)];
  if (mask) sequences.push(e.emit('Transpose', [e.of(mask)], { perm: { ints: [1, 0] } }));

  const { activation, recurrentActivation, resetAfter } = options;
  const cell: CellConfig = {
    cell: op.name,
    activation,
    ...(recurrentActivation && { recurrentActivation }),
    ...(resetAfter !== undefined && { resetAfter }),
  };
  const rows = bias && [0, 1].map((k) => e.graph.tensor('bias', e.type, [3 * units], rowOf(e, bias, k, 3 * units)));
  const body = bodyOf(e, cell, {
    units,
    columns: z.shape[1],
    recurrent: e.weight(r),
    ...(rows && { rows }),
    mask: mask !== undefined,
  });
  const count = body.outputs.length;
  const made = e.emitAll(
    'Scan',
    [...first, ...sequences],
    count,
    {
      body: { graph: body },
      num_scan_inputs: { int: sequences.length },
    },
    JSON.stringify(cell),
  );
  return { all: made.at(-1) as string, last: made[0], ...(op.name === 'lstm' && { cell: made[1] }) };
}

const rowOf = (e: Emitter, bias: Value, k: number, n: number) =>
  Array.from(e.arrayOf(bias)?.array.data as ArrayLike<number>).slice(k * n, (k + 1) * n);

/** What a Scan's body computes, as its doc_string says. */
export interface CellConfig {
  readonly cell: string;
  readonly activation: Gate;
  readonly recurrentActivation?: Gate;
  readonly resetAfter?: boolean;
}

interface BodyOf {
  readonly units: number;
  readonly columns: number;
  /** The tensor of R, and those of the two rows of a bias. */
  readonly recurrent: string;
  readonly rows?: readonly string[];
  readonly mask: boolean;
}

/** One step: the states before and z of the step, then whether it counts, to the states after. */
export function bodyOf(e: Emitter, config: CellConfig, { units, columns, recurrent, rows, mask }: BodyOf): OnnxGraph {
  const body = new OnnxGraph(e.graph);
  const inside = new Emitter(body, e.given);
  const port = (name: string, n: number | undefined) => {
    const own = { name: body.fresh(name), type: e.type, shape: n === undefined ? ['rows'] : ['rows', n] };
    body.inputs.push(own);
    return own.name;
  };
  const h = port('h', units);
  const c = config.cell === 'lstm' ? port('c', units) : '';
  const z = port('z', columns);
  const mt = mask ? port('mask', undefined) : '';
  const after = CELLS[config.cell](inside, { z, h, c }, { ...config, units, r: recurrent, ...(rows && { rows }) });
  const kept = (next: string, old: string) => {
    if (!mask) return next;
    const counts = inside.cast(inside.emit('Unsqueeze', [mt, e.graph.ints([1])]), 'bool');
    return inside.emit('Where', [counts, next, old]);
  };
  const states = [kept(after.h, h), ...(after.c === undefined ? [] : [kept(after.c, c)])];
  for (const name of [...states, inside.emit('Identity', [states[0]])])
    body.outputs.push({ name, type: e.type, shape: ['rows', units] });
  return body;
}

/** The number of rows of a batched value, [1]. */
const rowsOf = (e: Emitter, value: Value) =>
  e.emit('Gather', [e.emit('Shape', [e.of(value)]), e.graph.ints([0])], { axis: { int: 0 } });

interface Step {
  readonly z: string;
  readonly h: string;
  readonly c: string;
}
interface CellOf extends CellConfig {
  readonly units: number;
  readonly r: string;
  readonly rows?: readonly string[];
}
type Cell = (e: Emitter, step: Step, own: CellOf) => { h: string; c?: string };

const columnsOf = (e: Emitter, x: string, units: number, first: number, count = 1): string => {
  const ints = (n: number) => e.graph.ints([n]);
  return e.emit('Slice', [x, ints(first * units), ints((first + count) * units), ints(-1)]);
};

const active = (e: Emitter, z: string, gate: Gate) => emitActivation(e, z, activations[gate](), 'last');

/** One step of each operation, as lib/graph/ops/recurrent.ts says. */
const CELLS: Readonly<Record<string, Cell>> = {
  simpleRnn: (e, { z, h }, { r, activation }) => ({
    h: active(e, e.emit('Add', [z, e.emit('MatMul', [h, r])]), activation),
  }),
  lstm: (e, { z, h, c }, { r, units, activation, recurrentActivation = 'sigmoid' }) => {
    const all = e.emit('Add', [z, e.emit('MatMul', [h, r])]);
    const gate = (k: number) => active(e, columnsOf(e, all, units, k), k === 2 ? activation : recurrentActivation);
    const next = e.emit('Add', [e.emit('Mul', [gate(1), c]), e.emit('Mul', [gate(0), gate(2)])]);
    return { h: e.emit('Mul', [gate(3), active(e, next, activation)]), c: next };
  },
  gru: (e, { z, h }, { r, units, rows, activation, recurrentActivation = 'sigmoid', resetAfter }) => {
    const inputs = rows ? e.emit('Add', [z, rows[0]]) : z;
    const gated = (k: number, product: string) =>
      active(e, e.emit('Add', [columnsOf(e, inputs, units, k), product]), k === 2 ? activation : recurrentActivation);
    const whole = e.emit('MatMul', [h, r]);
    const product = rows ? e.emit('Add', [whole, rows[1]]) : whole;
    const update = gated(0, columnsOf(e, product, units, 0));
    const reset = gated(1, columnsOf(e, product, units, 1));
    const inner = resetAfter
      ? e.emit('Mul', [reset, columnsOf(e, product, units, 2)])
      : e.emit('MatMul', [e.emit('Mul', [reset, h]), columnsOf(e, r, units, 2)]);
    const fresh = gated(2, inner);
    // h = n + u (h - n)
    return { h: e.emit('Add', [fresh, e.emit('Mul', [update, e.emit('Sub', [h, fresh])])]) };
  },
};
