import type { NDArray } from '../../array.js';
import { sizeOf } from '../../graph/value.js';
import { Message } from '../protobuf.js';

/** ONNX's numbers of element types (onnx.proto, TensorProto.DataType). */
export const TYPES = { float: 1, int32: 6, int64: 7, string: 8, bool: 9, double: 11 } as const;
export type ElementType = keyof typeof TYPES;
type NumberType = Exclude<ElementType, 'string'>;

/** Operators of ONNX-ML, which are of a domain of their own. */
const ML = new Set(['LabelEncoder']);
export const ML_DOMAIN = 'ai.onnx.ml';

/** What an attribute may be: whole numbers are `int`, so that floats are told from them by a wrapper. */
export type Attribute =
  | { readonly float: number }
  | { readonly int: number }
  | { readonly string: string }
  | { readonly ints: readonly number[] }
  | { readonly floats: readonly number[] }
  | { readonly strings: readonly string[] }
  | { readonly graph: OnnxGraph };

export type Attributes = Readonly<Record<string, Attribute>>;

/** A node as it is written. */
export interface WrittenNode {
  readonly type: string;
  readonly name: string;
  readonly inputs: string[];
  readonly outputs: string[];
  readonly attributes: Attributes;
  /** For people, and for reading it again. */
  readonly doc?: string;
}

/** A graph's input or output; the axis 'batch' is of any length. */
export interface Port {
  readonly name: string;
  readonly type: ElementType;
  readonly shape: readonly (number | string)[];
}

/** A graph of ONNX as it is built: nodes in order, and the tensors that stay. */
export class OnnxGraph {
  readonly #names: Set<string>;
  readonly nodes: WrittenNode[] = [];
  readonly #tensors = new Map<string, Message>();
  readonly #shared: Map<string, string>;
  readonly #root: OnnxGraph;
  /** The numbers of small tensors. */
  readonly small: Map<string, { shape: readonly number[]; data: readonly number[] }>;
  readonly inputs: Port[] = [];
  readonly outputs: Port[] = [];

  /** @param outer the graph that this one is the body of: it has the tensors, and names are unique in both */
  constructor(outer?: OnnxGraph) {
    this.#root = outer ? outer.#root : this;
    this.#names = outer ? outer.#names : new Set();
    this.#shared = outer ? outer.#shared : new Map();
    this.small = outer ? outer.small : new Map();
  }

  /** A name that is not taken: `base`, or `base` and a number. */
  fresh(base: string): string {
    let name = base;
    for (let i = 1; this.#names.has(name); i++) name = `${base}_${i}`;
    this.#names.add(name);
    return name;
  }

  /** Adds a node of one output, and returns the output's name. An input '' is left out. */
  node(type: string, inputs: readonly string[], attributes: Attributes = {}, path = ''): string {
    return this.nodesOf(type, inputs, 1, attributes, path)[0];
  }

  /** Adds a node of several outputs. */
  nodesOf(
    type: string,
    inputs: readonly string[],
    count: number,
    attributes: Attributes = {},
    path = '',
    doc?: string,
  ): string[] {
    const name = this.fresh(path ? `${path}/${type}` : type);
    const outputs = Array.from({ length: count }, (_, k) => (k === 0 ? name : this.fresh(`${name}:${k}`)));
    this.nodes.push({ type, name, inputs: [...inputs], outputs, attributes, ...(doc !== undefined && { doc }) });
    return outputs;
  }

  /** A tensor that stays. */
  tensor(base: string, type: NumberType, shape: readonly number[], data: ArrayLike<number>): string {
    const name = this.fresh(base);
    this.#root.#tensors.set(name, tensorProto(name, type, shape, bytesOf(type, data)));
    return name;
  }

  weight(base: string, type: 'float' | 'double', { shape, data }: Pick<NDArray, 'shape' | 'data'>): string {
    return this.tensor(base, type, shape, data as ArrayLike<number>);
  }

  /** A list of texts that stays. */
  strings(base: string, values: readonly string[]): string {
    const name = this.fresh(base);
    const tensor = new Message().ints(1, [values.length]).int(2, TYPES.string);
    for (const value of values) tensor.string(6, value);
    this.#root.#tensors.set(name, tensor.string(8, name));
    return name;
  }

  /** Whether it has operators of ONNX-ML. */
  get hasMl(): boolean {
    return this.nodes.some(({ type }) => ML.has(type));
  }

  /** Whole numbers, such as a shape or axes; equal ones once. */
  ints(values: readonly number[], shape: readonly number[] = [values.length]): string {
    return this.#once(`int64 ${shape.join('x')} ${values.join()}`, () => this.#kept('ints', 'int64', shape, values));
  }

  /** A number that stays; equal ones once. */
  number(type: NumberType, value: number): string {
    return this.#once(`${type} ${Object.is(value, -0) ? '-0' : value}`, () => this.#kept('number', type, [], [value]));
  }

  /** Gives what is called `from` the name `to`, which nothing has; false for what no node makes. */
  rename(from: string, to: string): boolean {
    if (!this.nodes.some(({ outputs }) => outputs.includes(from))) return false;
    for (const { inputs, outputs } of this.nodes)
      for (const list of [inputs, outputs]) for (const [i, name] of list.entries()) if (name === from) list[i] = to;
    return true;
  }

  /** Leaves out what no output is made of. */
  prune(): void {
    const used = new Set(this.outputs.map(({ name }) => name));
    const read = ({ nodes, outputs }: OnnxGraph) => {
      for (const { name } of outputs) used.add(name);
      for (const { inputs } of nodes) for (const name of inputs) used.add(name);
    };
    for (const node of this.nodes.toReversed()) {
      if (!node.outputs.some((name) => used.has(name))) continue;
      for (const name of node.inputs) used.add(name);
      for (const value of Object.values(node.attributes)) if ('graph' in value) read(value.graph);
    }
    const kept = this.nodes.filter(({ outputs }) => outputs.some((name) => used.has(name)));
    this.nodes.splice(0, this.nodes.length, ...kept);
    for (const name of this.#tensors.keys()) if (!used.has(name)) this.#tensors.delete(name);
  }

  /** GraphProto */
  message(name: string): Message {
    const graph = new Message();
    for (const { type, name: own, inputs, outputs, attributes, doc } of this.nodes) {
      const node = new Message();
      for (const input of inputs) node.string(1, input);
      for (const output of outputs) node.string(2, output);
      node.string(3, own).string(4, type);
      for (const [key, value] of Object.entries(attributes)) node.message(5, attributeProto(key, value));
      if (doc !== undefined) node.string(6, doc);
      if (ML.has(type)) node.string(7, ML_DOMAIN);
      graph.message(1, node);
    }
    graph.string(2, name);
    for (const tensor of this.#tensors.values()) graph.message(5, tensor);
    for (const port of this.inputs) graph.message(11, valueInfo(port));
    for (const port of this.outputs) graph.message(12, valueInfo(port));
    return graph;
  }

  #kept(base: string, type: NumberType, shape: readonly number[], data: readonly number[]): string {
    const name = this.tensor(base, type, shape, data);
    this.small.set(name, { shape, data });
    return name;
  }

  #once(key: string, make: () => string): string {
    const name = this.#shared.get(key) ?? make();
    this.#shared.set(key, name);
    return name;
  }
}

function attributeProto(name: string, value: Attribute): Message {
  const message = new Message().string(1, name);
  if ('float' in value) return message.float(2, value.float).int(20, 1);
  if ('int' in value) return message.int(3, value.int).int(20, 2);
  if ('string' in value) return message.string(4, value.string).int(20, 3);
  if ('graph' in value) return message.message(6, value.graph.message(name)).int(20, 5);
  if ('floats' in value) return message.floats(7, value.floats).int(20, 6);
  if ('ints' in value) return message.ints(8, value.ints).int(20, 7);
  for (const string of value.strings) message.string(9, string);
  return message.int(20, 8);
}

function tensorProto(name: string, type: NumberType, shape: readonly number[], raw: Uint8Array): Message {
  return new Message().ints(1, shape).int(2, TYPES[type]).string(8, name).bytes(9, raw);
}

const ARRAYS = { float: Float32Array, int32: Int32Array, double: Float64Array } as const;

function bytesOf(type: NumberType, data: ArrayLike<number>): Uint8Array {
  if (type === 'bool') return Uint8Array.from(data, Number);
  const array = type === 'int64' ? BigInt64Array.from(Array.from(data, BigInt)) : ARRAYS[type].from(data);
  return new Uint8Array(array.buffer);
}

function valueInfo({ name, type, shape }: Port): Message {
  const dims = new Message();
  for (const n of shape) dims.message(1, typeof n === 'number' ? new Message().int(1, n) : new Message().string(2, n));
  const tensor = new Message().int(1, TYPES[type]).message(2, dims);
  return new Message().string(1, name).message(2, new Message().message(1, tensor));
}

/** An array with its axes in another order. */
export function transposed({ shape, data }: Pick<NDArray, 'shape' | 'data'>, order: readonly number[]) {
  const strides = shape.map((_, axis) => sizeOf(shape.slice(axis + 1)));
  const to = order.map((axis) => shape[axis]);
  const steps = order.map((axis) => strides[axis]);
  const out = new (data.constructor as Float64ArrayConstructor)(data.length);
  const at = to.map(() => 0);
  for (let i = 0, from = 0; i < out.length; i++) {
    out[i] = data[from] as number;
    for (let axis = at.length - 1; axis >= 0; axis--) {
      from += steps[axis];
      if (++at[axis] < to[axis]) break;
      from -= steps[axis] * to[axis];
      at[axis] = 0;
    }
  }
  return { shape: to, data: out };
}
