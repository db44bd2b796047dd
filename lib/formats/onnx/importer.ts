import { NDArray } from '../../array.js';
import { reverseAxis } from '../../graph/ops/axes.js';
import { applyOp, sizeOf, type Value } from '../../graph/value.js';
import { quoted } from '../../io/read.js';
import { layers } from '../../layers/index.js';
import type { Layer } from '../../layers/layer.js';
import type { Attributes } from './attributes.js';
import { type GraphProto, isFloat, type NodeProto } from './decode.js';
import { isOwn } from './fold-places.js';
import { makersOf } from './holders.js';
import type { Unmasked } from './import-masks.js';
import { Parameters } from './parameters.js';
import {
  BATCH,
  Batches,
  type Budget,
  broadcastTo,
  type Computed,
  type Constant,
  channelsFirst,
  computed,
  constant,
  type Dim,
  isSame,
  type Labels,
  type Numbers,
  type Tensor,
} from './tensors.js';
import { applied } from './untyped.js';

/** What a node reads, and the graphs within it of the one around them. */
function readBy({ inputs, attributes }: NodeProto): Set<string> {
  const all = new Set(inputs);
  for (const value of attributes.values())
    if (typeof value === 'object' && 'nodes' in value)
      for (const node of value.nodes) for (const name of readBy(node)) all.add(name);
  return all;
}

/** What a constant is for each of the samples of a fixed batch. @throws RangeError if it is not the same for all */
function ofOneSample(all: Constant, axis: number): Constant {
  const { shape, data } = all;
  const [n, behind] = [shape[axis], sizeOf(shape.slice(axis + 1))];
  const one = Float64Array.from({ length: data.length / n }, (_, i) => {
    const from = Math.floor(i / behind) * n * behind + (i % behind);
    for (let k = 1; k < n; k++)
      if (data[from + k * behind] !== data[from])
        throw new RangeError('it takes a constant that has a batch of its own');
    return data[from];
  });
  return { ...all, shape: shape.map((size, k) => (k === axis ? 1 : size)), data: one };
}

const isSameNumbers = (a: Readonly<Record<string, Numbers>>, b: Readonly<Record<string, Numbers>>): boolean =>
  Object.keys(a).length === Object.keys(b).length &&
  Object.entries(a).every(
    ([name, { shape, data }]) =>
      b[name] && isSame(shape, b[name].shape) && data.every((value, i) => Object.is(value, b[name].data[i])),
  );

/** Makes layers and operations of a graph's nodes. */
export class Importer {
  readonly graph: GraphProto;
  /** The numbers of layers, by the names of their weights. */
  readonly numbers = new Map<Layer, Readonly<Record<string, Numbers>>>();
  /** The batch of a file whose inputs have a fixed one. */
  readonly batch?: number;
  /** What the classes are called, where the file says it. */
  classes?: readonly (string | number)[];
  readonly budget: Budget;
  readonly parameters = new Parameters(this);
  /** What lost its mask, by what is left of it. */
  readonly unmasked = new Map<Value, Unmasked>();
  readonly #tensors = new Map<string, Tensor>();
  readonly #readers = new Map<string, NodeProto[]>();
  readonly #makers = new Map<string, NodeProto>();
  readonly #shared = new Map<string, Layer[]>();
  readonly #wrappers = new Map<Layer, Layer<any>>();
  readonly #names = new Set<string>();

  constructor(graph: GraphProto, budget: Budget, batch?: number) {
    this.graph = graph;
    this.budget = budget;
    if (batch !== undefined) this.batch = batch;
    for (const node of graph.nodes) {
      for (const output of node.outputs) this.#makers.set(output, node);
      for (const input of readBy(node)) {
        const known = this.#readers.get(input);
        if (known) known.push(node);
        else this.#readers.set(input, [node]);
      }
    }
  }

  get opset(): number {
    return this.graph.opsets.get('') ?? 1;
  }

  set(name: string, tensor: Tensor): void {
    this.#tensors.set(name, tensor);
  }

  /** What several nodes come to together. */
  setAll(names: readonly string[], tensor: Tensor): Tensor {
    for (const name of names) this.set(name, tensor);
    return tensor;
  }

  isKnown(name: string): boolean {
    return this.#tensors.has(name);
  }

  /** The tensor of a name; undefined for an input that is left out. */
  get(name: string | undefined): Tensor | undefined {
    if (!name) return undefined;
    const known = this.#tensors.get(name);
    if (known) return known;
    const own = this.graph.tensors.get(name);
    if (!own) throw new RangeError(`its node reads ${quoted(name)}, which nothing before it makes`);
    if (own.strings) {
      const labels: Labels = { kind: 'labels', classes: own.strings };
      this.#tensors.set(name, labels);
      return labels;
    }
    const made = constant(own.shape, own.data, isFloat(own.type), name);
    this.#tensors.set(name, made);
    return made;
  }

  /** The node that makes a tensor. */
  maker(name: string | undefined): NodeProto | undefined {
    return name ? this.#makers.get(name) : undefined;
  }

  /** The only node that reads a tensor, but for its type; no output of the graph is this tensor. */
  onlyReader(name: string): NodeProto | undefined {
    const readers = this.readersOf(name).filter(({ type, inputs }) => type !== 'CastLike' || inputs[0] === name);
    return readers.length === 1 && !this.graph.outputs.some((output) => output.name === name) ? readers[0] : undefined;
  }

  /** All nodes that read a tensor. */
  readersOf(name: string): readonly NodeProto[] {
    return this.#readers.get(name) ?? [];
  }

  isRead(name: string | undefined): boolean {
    return !!name && (this.#readers.has(name) || this.graph.outputs.some((output) => output.name === name));
  }

  /** A name for a layer, after its weights or its node, as far as these have any. */
  nameFor(node: NodeProto, weight?: Tensor): string | undefined {
    const own = weight?.kind === 'constant' ? weight.name : undefined;
    const path =
      own && !/^(onnx::|val_|_)/.test(own) ? own.replace(/[./][^./]*$/, '') : node.name.replace(/\/?[^/]*$/, '');
    const base = path.replace(/^\/+/, '').replaceAll(/[^\w.-]+/g, '_');
    return base === '' || base === own ? undefined : this.free(base);
  }

  /** A name that no layer has. */
  free(given: string): string {
    const base = given.replaceAll(/[^\w.-]+/g, '_');
    let name = base;
    for (let i = 1; this.#names.has(name); i++) name = `${base}_${i}`;
    this.#names.add(name);
    return name;
  }

  /** Applies a layer; to each step where these are part of the batch. */
  apply(layer: Layer<any>, input: Computed, value = input.value): Value {
    if (!input.steps) return applied(layer, value);
    const wrapper = this.#wrappers.get(layer) ?? layers.timeDistributed({ layer });
    this.#wrappers.set(layer, wrapper);
    return applied(wrapper, value);
  }

  /** The layer that these weights make; the same one for the same weights, which nodes then share. */
  layerOf(
    key: readonly unknown[],
    weights: readonly (Tensor | undefined)[],
    make: () => Layer<any>,
    numbers: Record<string, Numbers>,
  ): Layer<any> {
    const names = weights.map((weight) => (weight?.kind === 'constant' ? makersOf(weight, this.graph) : undefined));
    const isNamed = weights.every((weight, i) => !weight || names[i] !== undefined);
    const id = JSON.stringify([key, names]);
    const alike = (isNamed && this.#shared.get(id)) || [];
    const known = alike.find((layer) => isSameNumbers(this.numbers.get(layer) ?? {}, numbers));
    if (known) return known;
    const layer = make();
    if (isNamed) this.#shared.set(id, [...alike, layer]);
    this.numbers.set(layer, numbers);
    this.parameters.hold(layer, weights);
    return layer;
  }

  computed(tensor: Tensor | undefined, what = 'its input'): Computed {
    if (tensor?.kind !== 'computed') throw new RangeError(`${what} is not computed from the network's inputs`);
    return tensor;
  }

  constant(tensor: Tensor | undefined, what: string): Constant {
    if (tensor?.kind !== 'constant' || isOwn(tensor))
      throw new RangeError(`${what} is not known before the network runs`);
    return tensor;
  }

  /** A list of whole numbers, an input in later versions of an operation and an attribute in earlier ones. */
  ints(tensor: Tensor | undefined, attributes: Attributes, name: string): readonly number[] | undefined {
    return tensor ? Array.from(this.constant(tensor, `its ${name}`).data) : attributes.numbers(name);
  }

  /** The same with its axes in ONNX's order, the batch first. */
  plain(tensor: Computed): Computed {
    if (tensor.axes[0] !== BATCH) throw new RangeError('its input does not have the batch first');
    const offset = tensor.steps ? 1 : 0;
    const order = [...(offset ? [0] : []), ...tensor.axes.slice(1)];
    const axes = tensor.axes.map((_, i) => (i === 0 ? BATCH : i - 1 + offset));
    return this.#ordered(tensor, order, axes);
  }

  /** The same as images, or sequences, whose channels come last. */
  channelsLast(tensor: Computed): Computed {
    const offset = tensor.steps ? 1 : 0;
    const rank = tensor.value.shape.length - offset;
    const wanted = channelsFirst(rank).map((axis) => (axis === BATCH ? axis : axis + offset));
    if (isSame(tensor.axes, wanted)) return tensor;
    const given = this.plain(tensor);
    const dims = [...Array.from({ length: rank - 1 }, (_, i) => i + 2), 1].map((axis) => axis + offset);
    const layer = layers.permute({ dims: offset ? [1, ...dims] : dims });
    return computed(applied(layer, given.value), wanted, this.#kept(tensor));
  }

  /** A value in the axes of another. `isPositive`: whether no number of it is below 0, which is not kept by itself */
  like(tensor: Computed, value: Value, isPositive = false): Computed {
    const { steps } = tensor;
    return computed(value, tensor.axes, { ...(steps && { steps }), ...(isPositive && { isPositive }) });
  }

  /** ONNX's axis as one of the value. */
  axis(tensor: Computed, axis: number): number {
    const own = tensor.axes[axis < 0 ? axis + tensor.axes.length : axis];
    if (own === undefined || own === BATCH)
      throw new RangeError(`it works along axis ${axis}, which is that of the batch or none`);
    return own;
  }

  /** The same with one of ONNX's axes as the last of its value. */
  withLast(tensor: Computed, axis: number): Computed {
    const own = this.axis(tensor, axis);
    const rank = tensor.value.shape.length;
    if (own === rank - 1) return tensor;
    if (own === 0 && tensor.steps) throw new RangeError(`it works along axis ${axis}, which is part of the batch`);
    const order = [...tensor.value.shape.map((_, k) => k).filter((k) => k !== own), own];
    const axes = tensor.axes.map((k) => (k === BATCH ? BATCH : order.indexOf(k)));
    return this.#ordered(tensor, order, axes);
  }

  /** Two values that one operation takes element by element, and the axes that they have in common. */
  aligned(a: Computed, b: Computed): [a: Value, b: Value, like: Computed] {
    if (isSame(a.axes, b.axes) && a.steps === b.steps) return [a.value, b.value, a];
    const rank = Math.max(a.axes.length, b.axes.length);
    const [p, q] = [this.raised(a, rank), this.raised(b, rank)];
    if (isSame(p.axes, q.axes) && p.steps === q.steps) return [p.value, q.value, p];
    const [x, y] = [this.plain(p), this.plain(q)];
    if (x.steps !== y.steps) throw new RangeError('it takes values of different batches');
    return [x.value, y.value, x];
  }

  /** The same with axes of length 1 in front, as broadcasting adds them. */
  raised(tensor: Computed, rank: number): Computed {
    const more = rank - tensor.axes.length;
    if (more <= 0) return tensor;
    const { value, steps } = tensor;
    const first = steps ? 1 : 0; // what is part of the batch stays the first
    const shape = [
      ...value.shape.slice(0, first),
      ...Array.from({ length: more }, () => 1),
      ...value.shape.slice(first),
    ];
    const axes = tensor.axes.map((axis) => (axis === BATCH ? BATCH : axis + more));
    const added = Array.from({ length: more }, (_, i) => first + i);
    return computed(applied(layers.reshape({ targetShape: shape }), value), [...added, ...axes], {
      ...this.#kept(tensor),
      origin: tensor.origin ?? value,
    });
  }

  /**
   * A constant as what is broadcast against a value: its axes in the value's order.
   * @throws RangeError for numbers that are not finite
   */
  against(tensor: Computed, constant: Constant): number | NDArray {
    if (!Array.from(constant.data).every(Number.isFinite))
      throw new RangeError('it takes a constant that is not finite');
    const { shape, data } = constant;
    if (sizeOf(shape) === 1) return data[0];
    const rank = tensor.axes.length;
    const own = [...Array.from({ length: rank - shape.length }, () => 1), ...shape];
    const at = tensor.axes.indexOf(BATCH);
    if (own[at] > 1 && own[at] === this.batch)
      return this.against(tensor, ofOneSample({ ...constant, shape: own }, at));
    if (own.length > rank) throw new RangeError(`it takes a constant of ${own.length} axes with a value of ${rank}`);
    if (own[at] !== 1) throw new RangeError('it takes a constant that has a batch of its own');
    const wanted = tensor.value.shape.map((_, axis) => tensor.axes.indexOf(axis)); // -1 for steps
    const to = wanted.map((axis) => (axis < 0 ? 1 : own[axis]));
    const strides = own.map((_, axis) => sizeOf(own.slice(axis + 1)));
    const out = new Float64Array(sizeOf(to));
    const counters = to.map(() => 0);
    for (let i = 0; i < out.length; i++) {
      let from = 0;
      for (const [k, axis] of wanted.entries()) if (axis >= 0) from += counters[k] * strides[axis];
      out[i] = data[from];
      for (let k = to.length - 1; k >= 0; k--) {
        if (++counters[k] < to[k]) break;
        counters[k] = 0;
      }
    }
    return NDArray.wrap(out, to);
  }

  /** An array as large as what it is broadcast to. */
  whole(tensor: Constant, shape: readonly number[]): NDArray {
    this.budget.take(sizeOf(shape));
    return NDArray.wrap(broadcastTo(tensor, shape), [...shape]);
  }

  /** The same numbers in another shape of a sample, or of several in a row. */
  reshaped(tensor: Computed, target: readonly Dim[]): Computed {
    const place = target.findIndex((n) => n instanceof Batches);
    const { times } = (target[place] ?? new Batches(0)) as Batches;
    const rest = target.filter((n) => typeof n === 'number');
    if (rest.length !== target.length - 1) throw new RangeError('it gives a shape that has no batch, or more than one');
    // what lies before the batch, what is part of it, and what lies behind: the batch's place among the numbers stays
    const own = tensor.axes.indexOf(BATCH);
    const { shape } = tensor.value;
    const before =
      sizeOf(tensor.axes.slice(0, own).map((axis) => shape[axis])) * (tensor.steps === 'before' ? shape[0] : 1);
    const lead = sizeOf(rest.slice(0, place));
    const steps = times === 1 ? undefined : before === lead ? 'behind' : 'before';
    if (before !== lead * (steps === 'before' ? times : 1) || sizeOf(rest) * times !== sizeOf(shape))
      throw new RangeError(
        `it gives [${target.map((n) => (typeof n === 'number' ? n : 'batch')).join(', ')}] to ${sizeOf(shape)} values of a sample`,
      );
    const order = tensor.axes.flatMap((axis) => (axis !== BATCH ? [axis] : tensor.steps ? [0] : []));
    const given = this.#ordered(tensor, order, tensor.axes);
    const to = steps ? [...rest.slice(0, place), times, ...rest.slice(place)] : rest;
    const source = given.origin ?? given.value;
    const value = isSame(source.shape, to)
      ? source
      : isSame(given.value.shape, to)
        ? given.value
        : applied(to.length === 1 ? layers.flatten() : layers.reshape({ targetShape: to }), source);
    const isImage = !tensor.steps && shape[0] * shape[1] > 1 && isSame(tensor.axes, channelsFirst(3));
    const made = computed(
      value,
      target.map((_, i) => (i === place ? BATCH : i > place && !steps ? i - 1 : i)),
      {
        origin: source,
        ...(isImage && to.length === 1 && { image: tensor.value }),
        ...(tensor.isPositive && { isPositive: true }),
      },
    );
    if (!steps) return made;
    // the part of the batch comes first
    const moved = [place, ...to.map((_, axis) => axis).filter((axis) => axis !== place)];
    const axes = target.map((_, i) => (i === place ? BATCH : moved.indexOf(i)));
    return { ...this.#ordered(made, moved, axes), steps };
  }

  /** From the last step to the first. */
  reversed(value: Value, axis = 0): Value {
    return applyOp(reverseAxis, [value], { axis });
  }

  /** A value with its axes in this order, which are then `axes` of ONNX. */
  #ordered(tensor: Computed, order: readonly number[], axes: readonly number[]): Computed {
    const { value, origin } = tensor;
    const { shape } = value;
    if (
      isSame(
        order,
        shape.map((_, i) => i),
      )
    )
      return computed(value, axes, { ...this.#kept(tensor), ...(origin && { origin }) });
    const long = order.filter((axis) => shape[axis] > 1);
    if (long.every((axis, i) => i === 0 || long[i - 1] < axis)) {
      // nothing moves
      const layer = layers.reshape({ targetShape: order.map((axis) => shape[axis]) });
      return computed(applied(layer, value), axes, { ...this.#kept(tensor), origin: origin ?? value });
    }
    const layer = layers.permute({ dims: order.map((axis) => axis + 1) });
    return computed(applied(layer, value), axes, this.#kept(tensor));
  }

  #kept({ steps, isPositive }: Computed): Partial<Computed> {
    return { ...(steps && { steps }), ...(isPositive && { isPositive }) };
  }
}
