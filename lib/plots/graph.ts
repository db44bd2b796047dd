import { freeName, type Graph } from '../graph/graph.js';
import { type Call, isCall, type Node, sizeOf, topological, type Value } from '../graph/value.js';
import { weightsOf } from '../graph/weights.js';
import { isInputLayer } from '../kind.js';
import type { Layer } from '../layers/layer.js';

/** A layer where it is applied, or operations between layers. */
export interface Box {
  /** As in the summary. */
  readonly name: string;
  /** Of sums and the like, which are drawn as circles. */
  readonly symbol?: string;
  readonly kind: 'input' | 'layer' | 'network' | 'operation';
  /** The class, the activation, and what follows without changing the shape. */
  readonly notes: string[];
  /** One for each value that it gives. */
  shapes: (readonly number[])[];
  /** Of the layer, and of those that stand with it. */
  parameters: number;
  /** Only of a layer that is applied more than once. */
  readonly shared?: Layer;
}

/** A network that is no chain, as it is drawn. */
export interface Drawing {
  /** Each behind those that it reads. */
  readonly boxes: readonly Box[];
  readonly edges: readonly (readonly [from: number, to: number])[];
  /** The box of each output of the network. */
  readonly outputs: readonly number[];
}

const SYMBOLS: Readonly<Record<string, string>> = { add: '+', subtract: '−', multiply: '×', divide: '÷' };
/** What operations are called where the name of `ops` is another one. */
const NAMES: Readonly<Record<string, string>> = {
  concatenate: 'concat',
  linear: 'scale',
  power: 'pow',
  select: 'where',
  swapAxes: 'transpose',
};
/** Only make shapes fit. */
const BROADCASTS: ReadonlySet<string> = new Set(['repeat', 'repeatRows']);

/** The graph of a network; undefined of a chain of plain layers, and of what is described otherwise. */
export function readGraph(model: object): Drawing | undefined {
  const { graph } = model as { graph?: Graph };
  if (typeof graph !== 'object' || graph === null || !Array.isArray(graph.outputs)) return undefined;
  const order = topological(graph.outputs);
  return isChain(graph, order) ? undefined : drawingOf(graph, order);
}

function isChain({ outputs }: Graph, order: readonly (Node | Call)[]): boolean {
  const calls = order.filter(isCall);
  const isPlain = ({ layer, inputs, outputs }: Call) => !layer.graph && inputs.length <= 1 && outputs.length === 1;
  const layers = new Set(calls.map(({ layer }) => layer));
  return outputs.length === 1 && layers.size === order.length && calls.every(isPlain);
}

function drawingOf(graph: Graph, order: readonly (Node | Call)[]): Drawing {
  const boxes: Box[] = [];
  const edges = new Map<string, readonly [number, number]>();
  const places = new Map<Value, number>();
  const reads = new Map<Value, number>();
  for (const value of [...order.flatMap(({ inputs }) => [...new Set(inputs)]), ...graph.outputs])
    reads.set(value, (reads.get(value) ?? 0) + 1);
  const uses = new Map<Layer, number>();
  for (const { layer } of order.filter(isCall)) uses.set(layer, (uses.get(layer) ?? 0) + 1);

  for (const from of order) {
    // Constants, and what is made of them alone, are not drawn.
    const inputs = from.inputs.filter((value) => places.has(value));
    if (inputs.length === 0 && from.inputs.length > 0) continue;
    const outputs = isCall(from) ? from.outputs : [from.output];
    const place = places.get(inputs[0]) as number;
    const before: Box | undefined = boxes[place];
    const isFollowed = inputs.length === 1 && reads.get(inputs[0]) === 1 && before.kind !== 'input';
    if (!isCall(from) && BROADCASTS.has(from.op.name)) {
      places.set(from.output, place);
    } else if (isFollowed && before.shapes.length === 1 && isNote(from, before, uses)) {
      const note = noteOf(from);
      // A mean over two axes is two operations.
      if (note && note !== before.notes.at(-1)) before.notes.push(note);
      before.shapes = [outputs[0].shape];
      if (isCall(from)) before.parameters += parametersOf(from.layer);
      places.set(outputs[0], place);
    } else {
      for (const value of new Set(inputs)) {
        const edge = [places.get(value) as number, boxes.length] as const;
        edges.set(edge.join(), edge);
      }
      for (const value of outputs) places.set(value, boxes.length);
      boxes.push(isCall(from) ? boxOfLayer(from, graph, uses) : boxOfOperation(from));
    }
  }
  return { boxes, edges: [...edges.values()], outputs: graph.outputs.map((value) => places.get(value) as number) };
}

/** Whether a layer or an operation stands with the one before it, as dropout and its like. */
function isNote(from: Node | Call, before: Box, uses: ReadonlyMap<Layer, number>): boolean {
  const keepsShape = (outputs: readonly Value[]) => outputs[0].shape.join() === before.shapes[0].join();
  if (!isCall(from)) return before.kind === 'operation' || keepsShape([from.output]);
  const { layer, outputs } = from;
  return (
    outputs.length === 1 &&
    keepsShape(outputs) &&
    !layer.graph &&
    uses.get(layer) === 1 &&
    !/dense|conv/i.test(layer.className)
  );
}

function noteOf(from: Node | Call): string | undefined {
  if (!isCall(from)) return from.op.name === 'reshape' ? undefined : nameOfOperation(from);
  const { className, activation } = from.layer;
  return className === 'Activation' ? activation?.config.name : className;
}

function nameOfOperation({ op, options }: Node): string {
  if (op.name === 'activation') return options.config.name;
  if (op.name === 'sum' && (options.scale ?? 1) !== 1) return 'mean';
  return NAMES[op.name] ?? op.name;
}

function boxOfLayer({ layer, outputs }: Call, { names }: Graph, uses: ReadonlyMap<Layer, number>): Box {
  const { className, activation, graph } = layer;
  const ownName = freeName(className, new Set());
  const name = names.get(layer) ?? layer.name ?? ownName;
  const symbol = SYMBOLS[className.toLowerCase()];
  const parts = graph?.layers.filter((part) => !isInputLayer(part)).length;
  const isInput = isInputLayer(layer);
  const { name: activationName = 'linear' } = activation?.config ?? {};
  const notes = [
    ...(parts === undefined ? [] : [`${className} of ${parts} ${parts === 1 ? 'layer' : 'layers'}`]),
    ...(parts === undefined && !isInput && !symbol && !name.startsWith(ownName) ? [className] : []),
    ...(activationName === 'linear' ? [] : [activationName]),
    ...(layer.trainable ? [] : ['frozen']),
    ...(isShared(layer, uses) ? ['shared weights'] : []),
  ];
  return {
    name,
    notes,
    kind: isInput ? 'input' : graph ? 'network' : 'layer',
    shapes: outputs.map(({ shape }) => shape),
    parameters: parametersOf(layer),
    ...(symbol && { symbol }),
    ...(isShared(layer, uses) && { shared: layer }),
  };
}

const parametersOf = (layer: Layer) => weightsOf(layer).reduce((sum, { weight }) => sum + sizeOf(weight.shape), 0);

const isShared = (layer: Layer, uses: ReadonlyMap<Layer, number>) => (uses.get(layer) ?? 0) > 1;

function boxOfOperation(node: Node): Box {
  const symbol = SYMBOLS[node.op.name];
  return {
    name: nameOfOperation(node),
    notes: [],
    kind: 'operation',
    shapes: [node.output.shape],
    parameters: 0,
    ...(symbol && { symbol }),
  };
}
