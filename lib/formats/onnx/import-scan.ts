import { checkOneOf } from '../../check.js';
import { GATES, type Gate } from '../../graph/ops/recurrent.js';
import { isCall, type Value } from '../../graph/value.js';
import { isPlain } from '../../kind.js';
import { layers } from '../../layers/index.js';
import type { Layer } from '../../layers/layer.js';
import type { GraphBody } from './decode.js';
import { Emitter } from './emitter.js';
import type { Handler } from './import-layers.js';
import { isLogical } from './import-masks.js';
import { appliedRecurrent, checkOneOutput, recurrentLayer } from './import-recurrent.js';
import type { Importer } from './importer.js';
import { type Attribute, OnnxGraph } from './onnx-graph.js';
import { bodyOf, type CellConfig } from './recurrent.js';
import { BATCH, type Constant, computed, type Numbers } from './tensors.js';
import { applied } from './untyped.js';

const WAYS = ['scan_input_directions', 'scan_output_directions', 'scan_input_axes', 'scan_output_axes'];

/**
 * A recurrent layer that was written as a Scan: its doc_string says of which options, and its body must be what is written for
 * these. @throws RangeError for any other Scan
 */
export const scan: Handler = (c, inputs, attributes, node) => {
  const body = attributes.graph('body');
  const config = configOf(node.doc);
  const isLstm = config?.cell === 'lstm';
  const states = isLstm ? 2 : 1;
  const isMasked = inputs.length === states + 2;
  if (!body || !config || (inputs.length !== states + 1 && !isMasked)) throw new RangeError('it is no recurrent layer');
  const isOtherwise = WAYS.some((name) => attributes.numbers(name)?.some((n) => n !== 0));
  if (isOtherwise || attributes.number('num_scan_inputs', 0) !== inputs.length - states)
    throw new RangeError('it has other sequences than a recurrent layer, along other axes or in another direction');
  const z = c.computed(inputs[states]);
  const mask = isMasked ? c.computed(inputs[states + 1], 'its mask') : undefined;
  const offset = z.steps ? 1 : 0;
  const [steps, columns] = z.value.shape.slice(offset);
  const units = columns / (isLstm ? 4 : config.cell === 'gru' ? 3 : 1);
  const tensors = tensorsOf(c, body, config, { units, columns, isMasked });
  const product = productOf(c, z.value);
  if (!tensors || !product || z.axes.join() !== [offset, BATCH, offset + 1].join() || steps < 1)
    throw new RangeError('its body is not that of the recurrent layer that its doc_string says');
  if (
    mask &&
    (mask.axes.join() !== [offset, BATCH].join() || mask.value.shape[offset] !== steps || !isLogical(mask.value))
  )
    throw new RangeError('its mask is none of its steps, of 0 and 1 alone');
  const first = inputs.slice(0, states).map((tensor) => (tensor?.kind === 'computed' ? tensor.value : undefined));
  const zeros = inputs
    .slice(0, states)
    .every((tensor) => tensor?.kind === 'constant' && Array.from(tensor.data).every((n) => n === 0));
  if (!zeros && first.some((state) => state?.shape.join() !== String(units)))
    throw new RangeError('its initial states are not of its units');
  const numbers = numbersOf(product.numbers, tensors, config, units);
  const [h, all] = [node.outputs[0], node.outputs[states]];
  const [isSequenceRead, isLastRead] = [c.isRead(all), c.isRead(h) || (isLstm && c.isRead(node.outputs[1]))];
  const layer = recurrentLayer(
    c,
    { simpleRnn: 'RNN', lstm: 'LSTM', gru: 'GRU' }[config.cell] as string,
    {
      units,
      activation: config.activation,
      ...(config.recurrentActivation && { recurrentActivation: config.recurrentActivation }),
      ...(config.resetAfter !== undefined && { resetAfter: config.resetAfter }),
      useBias: numbers.bias !== undefined,
      returnSequences: isSequenceRead,
      returnState: isLastRead && !z.steps,
      name: c.nameFor(node, tensors.recurrent),
    },
    numbers,
  );
  if (z.steps) {
    checkOneOutput(c, [all, ...node.outputs.slice(0, states)], zeros ? [] : (first as Value[]));
    const given = mask ? applied(layers.masking(), [product.x, mask.value]) : product.x;
    const own = c.apply(layer, z, given);
    const value = mask ? applied(layers.reshape({ targetShape: [...own.shape] }), own) : own;
    const made = computed(value, isSequenceRead ? [1, BATCH, 2] : [BATCH, 1], { steps: z.steps });
    return isSequenceRead ? [...Array.from({ length: states }, () => undefined), made] : [made];
  }
  const [output, ...last] = appliedRecurrent(c, layer, product.x, {
    first: zeros ? [] : (first as Value[]),
    ...(mask && { mask: mask.value }),
  });
  return [
    ...Array.from({ length: states }, (_, k) => (last[k] ? computed(last[k]) : undefined)),
    isSequenceRead ? computed(output, [0, BATCH, 1]) : undefined,
  ];
};

function configOf(doc: string): CellConfig | undefined {
  let config: unknown;
  try {
    config = JSON.parse(doc);
  } catch {
    return undefined;
  }
  if (!isPlain(config)) return undefined;
  const { cell, activation, recurrentActivation, resetAfter } = config;
  const gate = (value: unknown) => checkOneOf('an activation', value as Gate, GATES);
  return {
    cell: checkOneOf('cell', cell as string, ['simpleRnn', 'lstm', 'gru']),
    activation: gate(activation),
    ...(recurrentActivation !== undefined && { recurrentActivation: gate(recurrentActivation) }),
    ...(resetAfter !== undefined && { resetAfter: resetAfter === true }),
  };
}

/** x and the numbers of the dense layer that made z. */
function productOf(c: Importer, z: Value): { x: Value; numbers: Readonly<Record<string, Numbers>> } | undefined {
  const { from } = z;
  if (!from || !isCall(from)) return undefined;
  const [layer] =
    from.layer.className === 'TimeDistributed' ? (from.layer.wrappedLayers as readonly Layer[]) : [from.layer];
  if (layer.className !== 'Dense' || layer.activation?.config.name !== 'linear') return undefined;
  const numbers = c.numbers.get(layer);
  return numbers && { x: from.inputs[0], numbers };
}

type Own = { readonly recurrent: Constant; readonly rows?: readonly Constant[] };

/** The tensors that the body reads from outside, if it is what is written for these options. */
function tensorsOf(
  c: Importer,
  body: GraphBody,
  config: CellConfig,
  { units, columns, isMasked }: { units: number; columns: number; isMasked: boolean },
): Own | undefined {
  const hasRows = config.cell === 'gru' && config.resetAfter === true;
  const own = [...new Set(body.nodes.flatMap(({ inputs }) => inputs))].flatMap((name) => {
    const tensor =
      body.nodes.some(({ outputs }) => outputs.includes(name)) || body.inputs.some((port) => port.name === name)
        ? undefined
        : c.get(name);
    return tensor?.kind === 'constant' ? [{ name, tensor }] : [];
  });
  const known = new Map(own.map(({ name, tensor }) => [name, tensor]));
  const isSmall = ({ isFloat, data, shape }: Constant) => !isFloat || (data.length === 1 && shape.length === 0);
  const large = own.filter(({ tensor }) => !isSmall(tensor));
  const isDouble = large.some(({ name }) => c.graph.tensors.get(name)?.type === 11);
  for (const withRows of hasRows ? [true, false] : [false]) {
    if (large.length !== (withRows ? 3 : 1)) continue;
    const graph = new OnnxGraph();
    const e = new Emitter(graph, {
      type: isDouble ? 'double' : 'float',
      opset: c.opset,
      weights: new Map(),
      layerOf: new Map(),
      tensors: new Map(),
    });
    const tensor = (name: string) => graph.tensor(name, e.type, [0], []);
    const recurrent = tensor('R');
    const rows = withRows ? [tensor('row0'), tensor('row1')] : undefined;
    const wanted = bodyOf(e, config, { units, columns, recurrent, ...(rows && { rows }), mask: isMasked });
    const small = (name: string) => graph.small.get(name);
    const a = canonical(
      wanted.nodes.map((node) => ({
        ...node,
        attributes: Object.entries(node.attributes).map(([key, value]) => [key, plainOf(value)] as const),
      })),
      wanted.inputs,
      wanted.outputs,
      small,
    );
    const b = canonical(
      body.nodes.map((node) => ({ ...node, attributes: [...node.attributes] })),
      body.inputs,
      body.outputs,
      (name) => {
        const found = known.get(name);
        return found && isSmall(found) ? { shape: found.shape, data: Array.from(found.data) } : undefined;
      },
    );
    if (a.text !== b.text) continue;
    const of = (name: string) => known.get(b.outer[a.outer.indexOf(name)]) as Constant;
    const found = of(recurrent);
    if (found.shape.join() !== [units, columns].join()) return undefined;
    const [first, second] = rows ? rows.map(of) : [];
    if (rows && [first, second].some((row) => row.data.length !== columns)) return undefined;
    return { recurrent: found, ...(rows && { rows: [first, second] }) };
  }
  return undefined;
}

const plainOf = (value: Attribute): unknown => ('float' in value ? Math.fround(value.float) : Object.values(value)[0]);

interface Plain {
  readonly type: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: readonly (readonly [string, unknown])[];
}

/** Nodes as a text that is the same whatever their values are called, and the tensors from outside in the order of their use. */
function canonical(
  nodes: readonly Plain[],
  inputs: readonly { readonly name: string }[],
  outputs: readonly { readonly name: string }[],
  small: (name: string) => { shape: readonly number[]; data: readonly number[] } | undefined,
): { text: string; outer: string[] } {
  const places = new Map<string, string>(inputs.map(({ name }, i) => [name, `input ${i}`]));
  const outer: string[] = [];
  const place = (name: string) => {
    const known = places.get(name);
    if (known) return known;
    const numbers = small(name);
    if (numbers) return JSON.stringify([numbers.shape, Array.from(numbers.data, Math.fround)]);
    if (!outer.includes(name)) outer.push(name);
    return `outer ${outer.indexOf(name)}`;
  };
  const lines = nodes.map(({ type, inputs: from, outputs: to, attributes }, k) => {
    const line = [type, from.map(place), [...attributes].sort(([a], [b]) => (a < b ? -1 : 1))];
    for (const [i, name] of to.entries()) places.set(name, `node ${k}.${i}`);
    return line;
  });
  return { text: JSON.stringify([lines, outputs.map(({ name }) => place(name))]), outer };
}

function numbersOf(
  product: Readonly<Record<string, Numbers>>,
  { recurrent, rows }: Own,
  { cell, resetAfter }: CellConfig,
  units: number,
): Record<string, Numbers> {
  const numbers: Record<string, Numbers> = {
    kernel: product.kernel,
    recurrentKernel: { shape: [...recurrent.shape], data: recurrent.data as Float64Array },
  };
  if (cell === 'gru' && resetAfter) {
    if (!rows) return numbers;
    const bias = new Float64Array(6 * units);
    for (const [k, { data }] of rows.entries()) bias.set(data, k * 3 * units);
    return { ...numbers, bias: { shape: [2, 3 * units], data: bias } };
  }
  return product.bias ? { ...numbers, bias: product.bias } : numbers;
}
