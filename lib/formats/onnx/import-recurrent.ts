import { GATES, type Gate } from '../../graph/ops/recurrent.js';
import { sizeOf, type Value } from '../../graph/value.js';
import { layers } from '../../layers/index.js';
import type { Layer } from '../../layers/layer.js';
import type { Attributes } from './attributes.js';
import type { Handler } from './import-layers.js';
import { masked, unmaskedBehind } from './import-masks.js';
import type { Importer } from './importer.js';
import {
  BATCH,
  type Computed,
  type Constant,
  computed,
  isSame,
  type Numbers,
  rounded,
  type Tensor,
} from './tensors.js';
import { applied, ops } from './untyped.js';

/** For each of our gates the place that ONNX has it at: an LSTM's i, o, f, c are our i, f, c, o. */
const ORDERS: Readonly<Record<string, readonly number[]>> = { RNN: [0], LSTM: [0, 2, 3, 1], GRU: [0, 1, 2] };
const DEFAULTS: Readonly<Record<string, readonly string[]>> = {
  RNN: ['Tanh'],
  LSTM: ['Sigmoid', 'Tanh', 'Tanh'],
  GRU: ['Sigmoid', 'Tanh'],
};
const FUNCTIONS: Readonly<Record<string, Gate>> = {
  sigmoid: 'sigmoid',
  tanh: 'tanh',
  relu: 'relu',
  softsign: 'softsign',
  softplus: 'softplus',
};

/** RNN, LSTM and GRU nodes, in one direction or in both. */
export const recurrent: Handler = (c, inputs, attributes, node) => {
  const [a, w, r, b, lengths, h0, c0, peepholes] = inputs;
  const { type } = node;
  const x = sequenceOf(c, c.computed(a));
  const steps = x.value.shape[x.steps ? 1 : 0];
  const kernels = c.constant(w, 'its weights W');
  const recurrents = c.constant(r, 'its weights R');
  const biases = b ? c.constant(b, 'its bias') : undefined;
  const direction = attributes.string('direction', 'forward');
  const directions = direction === 'bidirectional' ? 2 : 1;
  const units = recurrents.shape[2];
  if (lengths && !(lengths.kind === 'constant' && Array.from(lengths.data).every((n) => n === steps)))
    throw new RangeError('its sequences have lengths of their own');
  if (peepholes || attributes.has('clip') || attributes.number('input_forget', 0) || attributes.number('layout', 0))
    throw new RangeError('it has peepholes, clip, input_forget or another layout');
  const functions =
    attributes.strings('activations') ?? Array.from({ length: directions }, () => DEFAULTS[type]).flat();
  const perDirection = DEFAULTS[type].length;
  if (functions.length !== directions * perDirection)
    throw new RangeError(`it has ${functions.length} activations, not ${directions * perDirection}`);
  const gates = gatesOf(functions, attributes);
  const [isSequenceRead, isLastRead] = [
    c.isRead(node.outputs[0]),
    c.isRead(node.outputs[1]) || c.isRead(node.outputs[2]),
  ];

  const make = (k: number, goBackwards: boolean): Layer => {
    const own = gates.slice(k * perDirection, (k + 1) * perDirection);
    const { gate: activation, scale, shift } = own[type === 'RNN' ? 0 : 1];
    if (type === 'LSTM' && own[2].gate !== activation) throw new RangeError('its cell has two activations');
    // no weights make what goes into the last one
    if (type === 'LSTM' && [own[1], own[2]].some((gate) => gate.scale !== 1 || gate.shift !== 0))
      throw new RangeError('the hard sigmoid of its cell is another one than here');
    const resetAfter = attributes.number('linear_before_reset', 0) !== 0;
    const options = {
      units,
      activation,
      ...(type !== 'RNN' && { recurrentActivation: own[0].gate }),
      ...(type === 'GRU' && { resetAfter }),
      useBias: biases !== undefined || own.some((gate) => gate.shift !== 0),
      returnSequences: isSequenceRead,
      returnState: isLastRead && !x.steps,
      goBackwards,
    };
    const columns = ORDERS[type].map((_, column) => (type === 'RNN' || column === 2 ? { scale, shift } : own[0]));
    const numbers = bent(weightsOf(type, k, units, kernels, recurrents, biases, resetAfter), columns, {
      units,
      rows: type === 'GRU' && resetAfter ? 2 : 1,
    });
    const layer = (name?: string) => recurrentLayer(c, type, { ...options, name }, numbers);
    if (directions === 2) return layer();
    return c.layerOf([type, options], [kernels, recurrents], () => layer(c.nameFor(node, kernels)), numbers);
  };

  const first = statesOf(c, [h0, ...(type === 'LSTM' ? [c0] : [])], directions, units);
  if (x.steps) checkOneOutput(c, node.outputs, first);
  const layer =
    directions === 2
      ? layers.bidirectional({ layer: make(0, false), backwardLayer: make(1, true), mergeMode: 'concat' })
      : make(0, direction === 'reverse');
  if (x.steps) {
    const [own, target] = [
      c.apply(layer as Layer, x),
      isSequenceRead ? [steps, directions, units] : [directions, units],
    ];
    const inOrder = isSequenceRead && direction === 'reverse' ? c.reversed(own, 1) : own;
    const value = applied(layers.reshape({ targetShape: [own.shape[0], ...target] }), inOrder);
    const made = computed(value, isSequenceRead ? [1, 2, BATCH, 3] : [1, BATCH, 2], { steps: x.steps });
    return isSequenceRead ? [made] : [undefined, made];
  }
  const [output, ...last] = [
    layer.apply((first.length > 0 ? [x.value, ...first] : x.value) as never) as Value | Value[],
  ].flat();
  const stacked = (values: Value[]) =>
    computed(
      values.length === 1 ? applied(layers.reshape({ targetShape: [1, units] }), values[0]) : ops.stack(values),
      [0, BATCH, 1],
      {
        ...(values.length === 1 && { origin: values[0] }),
      },
    );
  const perState = last.length / directions;
  const state = (k: number) =>
    k < perState ? stacked(Array.from({ length: directions }, (_, d) => last[d * perState + k])) : undefined;
  if (!isSequenceRead) return [undefined, state(0), state(1)];
  // [steps, directions, batch, units]; from the last step to the first where it ran so
  const ordered = direction === 'reverse' ? c.reversed(output) : output;
  const whole = applied(layers.reshape({ targetShape: [steps, directions, units] }), ordered);
  return [computed(whole, [0, 1, BATCH, 2], directions === 1 ? { origin: ordered } : {}), state(0), state(1)];
};

/** A gate here, of scale * z + shift. */
interface Bent {
  readonly gate: Gate;
  readonly scale: number;
  readonly shift: number;
}

/**
 * The gates of these functions. clip(alpha z + beta, 0, 1) of any alpha and beta, which Keras 1 and 2 had as 0.2 and 0.5, is ours of
 * 6 alpha z + 6 beta - 3.
 */
function gatesOf(functions: readonly string[], attributes: Attributes): Bent[] {
  const names = functions.map((name) => name.toLowerCase());
  const isHard = (name: string) => name === 'hardsigmoid';
  const hard = names.filter(isHard).length;
  // those that have options take them in their order
  const options = (name: string, byDefault: number): number[] => {
    const given = attributes.numbers(name) ?? names.filter(isHard).map(() => byDefault);
    if (hard > 0 && given.length !== hard)
      throw new RangeError(`its ${name} has ${given.length} numbers for ${hard} activations`);
    return given.map(rounded);
  };
  const [alphas, betas] = [options('activation_alpha', 0.2), options('activation_beta', 0.5)];
  let next = 0;
  return names.map((name, i) => {
    if (isHard(name)) {
      const [alpha, beta] = [alphas[next], betas[next++]];
      const isOurs = Math.abs(alpha - 1 / 6) < 1e-6;
      return { gate: 'hardSigmoid', scale: isOurs ? 1 : 6 * alpha, shift: 6 * beta - 3 };
    }
    const gate = FUNCTIONS[name];
    if (!gate || !GATES.includes(gate)) throw new RangeError(`its activation is ${functions[i]}`);
    return { gate, scale: 1, shift: 0 };
  });
}

/** Weights for the z of each gate, scaled and shifted. A bias has a second row where one is added to the states' product. */
function bent(
  numbers: Record<string, Numbers>,
  gates: readonly Pick<Bent, 'scale' | 'shift'>[],
  { units, rows }: { units: number; rows: number },
): Record<string, Numbers> {
  if (gates.every(({ scale, shift }) => scale === 1 && shift === 0)) return numbers;
  const { kernel, recurrentKernel, bias } = numbers;
  const columns = gates.length * units;
  const gateOf = (i: number) => gates[Math.floor((i % columns) / units)];
  const scaled = ({ shape, data }: Numbers): Numbers => ({
    shape,
    data: Float64Array.from(data, (w, i) => w * gateOf(i).scale),
  });
  const all = { kernel: scaled(kernel), recurrentKernel: scaled(recurrentKernel) };
  if (!bias && gates.every(({ shift }) => shift === 0)) return all;
  const none = { shape: rows === 2 ? [2, columns] : [columns], data: new Float64Array(rows * columns) };
  const { shape, data } = bias ? scaled(bias) : none;
  return {
    ...all,
    bias: { shape, data: Float64Array.from(data, (b, i) => (i < columns ? b + gateOf(i).shift : b)) },
  };
}

/** A layer of the options that recurrent layers have, and its numbers. */
export function recurrentLayer(
  c: Importer,
  type: string,
  { name, ...options }: Record<string, unknown>,
  numbers: Readonly<Record<string, Numbers>>,
): Layer {
  const make = { RNN: layers.simpleRNN, LSTM: layers.lstm, GRU: layers.gru }[type] as (options: unknown) => Layer;
  const layer = make({ ...options, ...(name !== undefined && { name }) });
  c.numbers.set(layer, numbers);
  return layer;
}

/** What a recurrent layer makes of a sequence: its output, whose masked steps count as all others do, then its states. */
export function appliedRecurrent(
  c: Importer,
  layer: Layer,
  x: Value,
  { first, mask }: { first: readonly Value[]; mask?: Value },
): Value[] {
  const given = mask ? masked(c, x, mask) : x;
  const made = [layer.apply((first.length > 0 ? [given, ...first] : given) as never) as Value | Value[]].flat();
  const { returnSequences } = layer as unknown as { returnSequences: boolean };
  return mask && returnSequences ? [unmaskedBehind(c, made[0], mask), ...made.slice(1)] : made;
}

/** Of steps that are part of the batch: the layer is applied to each, and gives one value. */
export function checkOneOutput(c: Importer, outputs: readonly string[], first: readonly Value[]): void {
  const [all, h, memory] = outputs.map((name) => c.isRead(name));
  if (first.length > 0 || (all && h) || memory)
    throw new RangeError('its states are given or used, where steps are part of the batch');
}

/** [steps, batch, features] in ONNX, [steps, features] here; behind the steps that are part of the batch. */
export function sequenceOf(c: Importer, tensor: Computed): Computed {
  if (tensor.axes.length !== 3 || tensor.axes[1] !== BATCH)
    throw new RangeError('its input is no sequence with the batch as its second axis');
  const offset = tensor.steps ? 1 : 0;
  if (isSame(tensor.axes, [offset, BATCH, offset + 1])) return tensor;
  return c.plain({ ...tensor, axes: [BATCH, tensor.axes[0], tensor.axes[2]] });
}

/** Initial states [directions, batch, units]: those of the first direction, then those of the second; none where all are 0. */
function statesOf(c: Importer, given: readonly (Tensor | undefined)[], directions: number, units: number): Value[] {
  const known = given.filter((tensor) => tensor !== undefined);
  const isZero = (tensor: Tensor) => tensor.kind === 'constant' && Array.from(tensor.data).every((n) => n === 0);
  if (known.every(isZero)) return [];
  const states = given.map((tensor) => {
    const own = c.computed(tensor, 'an initial state');
    if (own.axes.length !== 3 || own.axes[1] !== BATCH || own.steps)
      throw new RangeError('its initial states have axes of their own');
    return c.plain({ ...own, axes: [BATCH, own.axes[0], own.axes[2]] });
  });
  return Array.from({ length: directions }, (_, d) =>
    states.map(({ value, origin }) => {
      if (directions === 1) {
        const source = origin && isSame(origin.shape, [units]) ? origin : undefined;
        return source ?? applied(layers.reshape({ targetShape: [units] }), value);
      }
      const row = ops.slice(value, [d, 0], [1, -1]);
      return applied(layers.reshape({ targetShape: [units] }), row);
    }),
  ).flat();
}

/** The weights of a direction, as ours have them: kernel [features, gates * units] and so on. */
function weightsOf(
  type: string,
  direction: number,
  units: number,
  w: Constant,
  r: Constant,
  b: Constant | undefined,
  resetAfter: boolean,
): Record<string, Numbers> {
  const order = ORDERS[type];
  const columns = order.length * units;
  const matrix = ({ shape, data }: Constant): Numbers => {
    const rows = shape[2];
    if (shape.length !== 3 || shape[1] !== columns)
      throw new RangeError(`its weights are of shape [${shape.join(', ')}]`);
    const begin = direction * columns * rows;
    const out = new Float64Array(rows * columns);
    for (const [gate, from] of order.entries())
      for (let u = 0; u < units; u++)
        for (let i = 0; i < rows; i++)
          out[i * columns + gate * units + u] = data[begin + (from * units + u) * rows + i];
    return { shape: [rows, columns], data: out };
  };
  if (r.shape[2] !== units) throw new RangeError(`its weights R are of shape [${r.shape.join(', ')}]`);
  const numbers: Record<string, Numbers> = { kernel: matrix(w), recurrentKernel: matrix(r) };
  if (!b) return numbers;
  if (sizeOf(b.shape) % (2 * columns) !== 0 || b.data.length < (direction + 1) * 2 * columns)
    throw new RangeError(`its bias is of shape [${b.shape.join(', ')}]`);
  const half = (k: number) =>
    Float64Array.from({ length: columns }, (_, i) => {
      const [gate, u] = [Math.floor(i / units), i % units];
      return b.data[direction * 2 * columns + k * columns + order[gate] * units + u];
    });
  const [inputs, states] = [half(0), half(1)];
  if (type === 'GRU' && resetAfter) {
    const both = new Float64Array(2 * columns);
    both.set(inputs);
    both.set(states, columns);
    numbers.bias = { shape: [2, columns], data: both };
  } else numbers.bias = { shape: [columns], data: inputs.map((value, i) => value + states[i]) };
  return numbers;
}
