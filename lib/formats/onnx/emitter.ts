import type { NDArray } from '../../array.js';
import { unrepeated } from '../../graph/broadcast.js';
import { isCall, type Node, type Value } from '../../graph/value.js';
import { type Attributes, type ElementType, type OnnxGraph, TYPES, transposed } from './onnx-graph.js';

/** Where an image's channels are in ONNX: its convolutions want them behind the batch, ours come last. */
export type Layout = 'last' | 'first';

/** What the emitter knows from its caller. */
export interface Given {
  readonly type: 'float' | 'double';
  readonly opset: number;
  /** The numbers of weights, and their names. */
  readonly weights: ReadonlyMap<Value, { readonly name: string; readonly array: NDArray }>;
  readonly layerOf: ReadonlyMap<Node, string>;
  /** What tensors are made of them, by the numbers. */
  readonly tensors: Map<object, Map<string, string>>;
}

/** Emits the nodes of a graph of operations, and knows what values are called in ONNX. */
export class Emitter {
  readonly graph: OnnxGraph;
  readonly type: 'float' | 'double';
  readonly opset: number;
  readonly given: Given;
  readonly #names: Readonly<Record<Layout, Map<Value, string>>> = { last: new Map(), first: new Map() };
  readonly #integers = new Map<Value, string>();
  #batchSize?: string;
  #path = '';

  constructor(graph: OnnxGraph, given: Given) {
    this.graph = graph;
    this.given = given;
    this.type = given.type;
    this.opset = given.opset;
  }

  /** Whether float64 counts: no number may pass through float32, as those of attributes do. */
  get isDouble(): boolean {
    return this.type === 'double';
  }

  /** Says what a value is called. */
  set(value: Value, name: string, layout: Layout = 'last'): void {
    if (value.dtype === 'int32') this.#integers.set(value, name);
    else this.#names[layout].set(value, name);
  }

  /** The nodes that follow are of this operation. */
  begin(node: Node): void {
    this.#path = this.given.layerOf.get(node) ?? '';
  }

  emit(type: string, inputs: readonly string[], attributes: Attributes = {}): string {
    return this.graph.node(type, inputs, attributes, this.#path);
  }

  emitAll(type: string, inputs: readonly string[], count: number, attributes: Attributes = {}, doc?: string): string[] {
    return this.graph.nodesOf(type, inputs, count, attributes, this.#path, doc);
  }

  number(value: number): string {
    return this.graph.number(this.type, value);
  }

  /** An axis of a sample as one of ONNX's array, whose first is the batch where the value has one. */
  axis({ batched }: Value, axis: number): number {
    return batched ? axis + 1 : axis;
  }

  /** A value's shape in ONNX, -1 for the batch. */
  shape({ batched, shape }: Value, own = shape): number[] {
    return batched ? [-1, ...own] : [...own];
  }

  has(value: Value, layout: Layout): boolean {
    return this.#names[layout].has(value);
  }

  /** What a value is called, with the axes as we have them; whole numbers as what they are. */
  asItIs(value: Value): string {
    return this.#integers.get(value) ?? this.of(value);
  }

  /** The same as numbers of the network's type. */
  of(value: Value): string {
    return this.#named(value, 'last', () => {
      const integers = this.#integers.get(value);
      if (integers !== undefined) return this.cast(integers, this.type);
      const first = this.#names.first.get(value);
      if (first !== undefined) return this.emit('Transpose', [first], { perm: { ints: [0, 2, 3, 1] } });
      return this.#constant(value);
    });
  }

  /** The same of an image with its channels first. */
  first(value: Value): string {
    return this.#named(value, 'first', () =>
      this.emit('Transpose', [this.of(value)], { perm: { ints: [0, 3, 1, 2] } }),
    );
  }

  /** Of images whose channels are first already, that; else as we have them. */
  any(value: Value, layout: Layout): string {
    return layout === 'first' ? this.first(value) : this.of(value);
  }

  /** The layout that costs least for an operation which has no preference. */
  layoutOf(...values: readonly Value[]): Layout {
    return values.every((value) => this.has(value, 'first')) ? 'first' : 'last';
  }

  /** What ONNX's own broadcasting makes as long as the others: a value before its repetitions along axes. */
  broadcastable(value: Value): string {
    return this.of(unrepeated(value));
  }

  /** The numbers of a weight, or of what is a view of one. */
  arrayOf(value: Value): { readonly array: Pick<NDArray, 'shape' | 'data'>; readonly name: string } | undefined {
    const own = this.given.weights.get(value);
    if (own) return own;
    if (value.constant) return { array: { shape: [...value.shape], data: value.constant.data }, name: 'constant' };
    const { from } = value;
    if (value.batched || !from || isCall(from) || from.op.name !== 'reshape') return undefined;
    const source = this.arrayOf(from.inputs[0]);
    return source && { name: source.name, array: { shape: [...value.shape], data: source.array.data } };
  }

  /** A weight with its axes in another order, as a tensor that stays. */
  weight(value: Value, order?: readonly number[]): string {
    const own = this.arrayOf(value);
    if (!own) {
      const name = this.of(value);
      return order ? this.emit('Transpose', [name], { perm: { ints: order } }) : name;
    }
    const { array, name } = own;
    return this.made(array.data, [order, array.shape], () =>
      this.graph.weight(name, this.type, order ? transposed(array, order) : array),
    );
  }

  /** What was made of numbers once: a weight that several nodes read is in the file once. */
  made(data: object, key: unknown, make: () => string): string {
    const known = this.given.tensors.get(data) ?? new Map<string, string>();
    this.given.tensors.set(data, known);
    const text = JSON.stringify(key);
    const name = known.get(text) ?? make();
    known.set(text, name);
    return name;
  }

  /** The number of samples, [1]. */
  batchSize(): string {
    if (this.#batchSize === undefined) {
      const shape = this.emit('Shape', [this.graph.inputs[0].name]);
      this.#batchSize = this.emit('Gather', [shape, this.graph.ints([0])], { axis: { int: 0 } });
    }
    return this.#batchSize;
  }

  /** 1 where a condition holds, else 0. */
  asNumbers(condition: string): string {
    return this.cast(condition, this.type);
  }

  cast(name: string, type: ElementType): string {
    return this.emit('Cast', [name], { to: { int: TYPES[type] } });
  }

  #named(value: Value, layout: Layout, make: () => string): string {
    const known = this.#names[layout].get(value) ?? make();
    this.#names[layout].set(value, known);
    return known;
  }

  #constant(value: Value): string {
    const own = this.arrayOf(value);
    if (!own) throw new Error(`Expected a value of the graph, got one of shape [${value.shape.join(', ')}]`);
    return this.graph.weight(own.name, this.type, own.array);
  }
}
