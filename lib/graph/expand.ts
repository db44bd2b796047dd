import type { Layer, Mode } from '../layers/layer.js';
import type { Regularizer } from '../regularizers.js';
import { broadcastTo, remasked } from './broadcast.js';
import { type Graph, layersBetween } from './graph.js';
import { applyOp, type Call, isCall, type Node, placeholder, topological, type Value, withMask } from './value.js';
import { allLayers, weightsOf } from './weights.js';

/** A graph of operations alone. */
export interface Expanded {
  readonly outputs: readonly Value[];
  /** Which steps of each output count, where it has a mask. */
  readonly masks: readonly (Value | undefined)[];
  /** The layer whose call an operation is part of, such as 'dense'; of one within another, 'encoder/dense'. */
  readonly layerOf: ReadonlyMap<Node, string>;
  /** What layers give that have a penalty on it. */
  readonly penalized: readonly Penalized[];
  /** The states of layers that are `stateful`: what stands for those before, and those after. */
  readonly states: readonly State[];
}

export interface State {
  readonly layer: Layer;
  /** Number k of the layer's states. */
  readonly k: number;
  readonly before: Value;
  readonly after: Value;
}

export interface Penalized {
  readonly value: Value;
  readonly regularizer: Regularizer;
  readonly layer: string;
}

/** In which mode a graph is spelled out. */
export interface ExpandMode {
  readonly training: boolean;
  /** Layers whose weights stay, and networks of such. */
  readonly frozen: ReadonlySet<Layer>;
}

/** Spells out the layers of a graph: the operations of which their calls consist, made of `inputs` in place of its own. */
export function expand(graph: Graph, inputs: readonly Value[], mode: ExpandMode): Expanded {
  const spelling = new Spelling(mode);
  const outputs = spelling.graph(graph, inputs, '');
  const masks = outputs.map(({ mask }) => mask);
  const { layerOf, penalized, states } = spelling;
  return behindMaxima({ outputs, masks, layerOf, penalized, states });
}

class Spelling {
  readonly #mode: ExpandMode;
  readonly layerOf = new Map<Node, string>();
  readonly penalized: Penalized[] = [];
  readonly states: State[] = [];

  constructor(mode: ExpandMode) {
    this.#mode = mode;
  }

  graph({ inputs: own, outputs, names }: Graph, inputs: readonly Value[], path: string): Value[] {
    return this.#spell(outputs, new Map(own.map((value, i) => [value, inputs[i]])), names, path, true);
  }

  #spell(
    outputs: readonly Value[],
    values: Map<Value, Value>,
    names: ReadonlyMap<Layer, string>,
    path: string,
    trainable: boolean,
  ): Value[] {
    const mapped = (value: Value) => values.get(value) ?? value;
    for (const from of topological(outputs, new Set(values.keys()))) {
      const inputs = from.inputs.map(mapped);
      if (isCall(from) && inputs.length === 0)
        throw new TypeError(
          `Expected the layer '${path}' to compute with what it is given and with numbers, got a value of another graph`,
        );
      if (isCall(from)) {
        const name = names.get(from.layer) as string;
        const own = path ? `${path}/${name}` : name;
        const made = this.#call(from, inputs, own, trainable);
        const { activityRegularizer: regularizer } = from.layer;
        if (regularizer) for (const value of made) this.penalized.push({ value, regularizer, layer: own });
        from.outputs.forEach((output, i) => {
          values.set(output, made[i]);
        });
      } else {
        if (inputs.some((input, i) => input !== from.inputs[i]))
          values.set(from.output, withMask(applyOp(from.op, inputs, from.options), maskBehind(from, inputs)));
        const node = mapped(from.output).from as Node;
        if (path && !this.layerOf.has(node)) this.layerOf.set(node, path);
      }
    }
    return outputs.map(mapped);
  }

  #call({ layer, list }: Call, inputs: readonly Value[], path: string, isTrainable: boolean): Value[] {
    const trainable = isTrainable && !this.#mode.frozen.has(layer);
    if (layer.graph) return this.graph(layer.graph, inputs, path);
    const shapes = inputs.map((input) => input.shape);
    const weights = layer.weightsFor(list ? shapes : shapes[0]);
    const { training } = this.#mode;
    const states = layer.stateful && { states: this.#statesOf(layer, path) };
    const made = layer.call(list ? inputs : inputs[0], weights, { training, trainable, ...states });
    // a layer that hands no masks on ends that of its input where it gives that very value, too
    const ends = (value: Value) => value.mask && !layer.supportsMasking && inputs.includes(value);
    const outputs = ([made].flat() as Value[]).map((value) => (ends(value) ? remasked(value, undefined) : value));
    const given = new Map([...inputs, ...Object.values(weights)].map((value) => [value, value]));
    const { layers, names } = layersBetween([...given.keys()], outputs);
    const other = layers.find((part) => weightsOf(part).length > 0 && !allLayers([layer]).includes(part));
    if (other)
      throw new TypeError(
        `Expected call of the layer '${path}' to apply the same layers each time, made in its constructor, got another ${other.className}`,
      );
    const spelled = this.#spell(outputs, given, names, path, trainable);
    const { mask } = inputs[0];
    return layer.supportsMasking ? spelled.map((value) => (value.mask ? value : withMask(value, mask))) : spelled;
  }

  #statesOf(layer: Layer, path: string): Mode['states'] {
    const before = new Map<number, Value>();
    if (this.states.some((state) => state.layer === layer))
      throw new RangeError(
        `Expected the stateful layer '${path}' to be applied once in a network, got two applications`,
      );
    return {
      begin: (k, shape) => {
        const value = placeholder(shape);
        before.set(k, value);
        return value;
      },
      end: (k, after) => {
        const known = before.get(k);
        if (known) this.states.push({ layer, k, before: known, after });
      },
    };
  }
}

/** The mask of what an operation makes: of steps within steps that of the steps within, where there is one. */
function maskBehind({ op, options, output }: Node, [{ mask, times = 1 }]: readonly Value[]): Value | undefined {
  return op.name === 'allSteps' && mask ? applyOp(op, [broadcastTo(mask, mask.shape, times)], options) : output.mask;
}

/**
 * A relu that goes into a maximum alone, maybe through views, goes behind it: the same there, on fewer values. Operations are
 * told by their names, as layers may be another copy's of this package.
 */
function behindMaxima({ outputs, masks, layerOf, penalized, states }: Expanded): Expanded {
  const ends = [
    ...outputs,
    ...masks.filter((mask) => mask !== undefined),
    ...penalized.map(({ value }) => value),
    ...states.map(({ after }) => after),
  ];
  const order = topological(ends) as Node[];
  const uses = new Map<Value, number>();
  const use = (value: Value) => uses.set(value, (uses.get(value) ?? 0) + 1);
  for (const { inputs } of order) inputs.forEach(use);
  ends.forEach(use);
  const values = new Map<Value, Value>();
  const mapped = (value: Value) => values.get(value) ?? value;
  const layers = new Map<Node, string>();
  const make = ({ op, options, output }: Node, inputs: readonly Value[]): Value => {
    const same = output.from as Node;
    const value = inputs.every((input, i) => input === same.inputs[i]) ? output : applyOp(op, inputs, options);
    const layer = layerOf.get(same);
    if (layer) layers.set(value.from as Node, layer);
    return value;
  };
  for (const node of order) {
    const views: Node[] = [];
    let relu = node.inputs[0].from as Node | undefined;
    while (relu?.op.view && uses.get(relu.output) === 1) {
      views.unshift(relu);
      relu = relu.inputs[0].from as Node | undefined;
    }
    if (node.op.name !== 'maxPooling2d' || !isRelu(relu) || uses.get(relu.output) !== 1) {
      values.set(node.output, make(node, node.inputs.map(mapped)));
      continue;
    }
    const seen = views.reduce((value, view) => make(view, [value]), mapped(relu.inputs[0]));
    values.set(node.output, make(relu, [make(node, [seen])]));
  }
  return {
    outputs: outputs.map(mapped),
    masks: masks.map((mask) => mask && mapped(mask)),
    layerOf: layers,
    penalized: penalized.map((own) => ({ ...own, value: mapped(own.value) })),
    states: states.map((own) => ({ ...own, after: mapped(own.after) })),
  };
}

const isRelu = (node: Node | undefined): node is Node =>
  node?.op.name === 'activation' && node.options.config.name === 'relu';
