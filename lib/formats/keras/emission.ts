import { layersBetween } from '../../graph/graph.js';
import { type Call, placeholder, type Shape, type Value } from '../../graph/value.js';
import type { JsonObject } from '../../io/model-file.js';
import type { Layer } from '../../layers/layer.js';
import type { KerasObject } from './config-parts.js';

/** A layer or an operation of a functional model of Keras'. */
export interface Entry {
  readonly name: string;
  /** Keras' class, by which its weights are found. */
  readonly className: string;
  /** Ours; absent for operations and inputs. */
  readonly layer?: Layer;
  readonly object: KerasObject;
  /** What it was applied to, each time. */
  readonly nodes: JsonObject[];
}

/** An argument of a call: a value, a number that stays, or a list. */
export type Argument = Value | number | boolean | null | JsonObject | readonly Argument[];

/**
 * A functional model as it is put together: its layers and operations are calls of a graph of their own, which has Keras' order
 * of them.
 */
export class Emission {
  readonly #names: Set<string>;
  readonly #dtype: string;
  readonly #joinsMasks: boolean;
  readonly #made = new Map<Value, { readonly entry: Entry; readonly node: number; readonly output: number }>();

  /**
   * @param names those that are taken
   * @param dtype of the numbers that are computed
   * @param joinsMasks whether masked sequences are concatenated
   */
  constructor(names: Iterable<string>, dtype: string, joinsMasks: boolean) {
    this.#names = new Set(names);
    this.#dtype = dtype;
    this.#joinsMasks = joinsMasks;
  }

  /**
   * Reading a file Keras calls the operation that joins masks 'concatenate' with any number, and wants all names to be different: one
   * like that becomes another.
   */
  apartFromMasks(name: string): string {
    return this.#joinsMasks && /^concatenate(_\d+)?$/.test(name) ? this.fresh(`${name}_masked`) : name;
  }

  /** A name that is not taken: `base`, or `base` and a number. */
  fresh(base: string): string {
    let name = base;
    for (let i = 1; this.#names.has(name); i++) name = `${base}_${i}`;
    this.#names.add(name);
    return name;
  }

  /** An input of the model. */
  input(name: string, object: KerasObject, { shape, dtype }: Value): Value {
    const entry: Entry = { name, className: 'InputLayer', object, nodes: [] };
    return Object.assign(this.#outputs(entry, [], [shape], 0)[0], dtype && { dtype });
  }

  /** Applies a layer or an operation, and returns what it gives: values of these shapes. */
  call(entry: Entry, args: readonly Argument[], kwargs: Readonly<Record<string, Argument>>, shapes: readonly Shape[]) {
    const inputs: Value[] = [];
    const serialized = (argument: Argument): unknown => {
      if (Array.isArray(argument)) return argument.map(serialized);
      const made = this.#made.get(argument as Value);
      if (!made) return argument;
      inputs.push(argument as Value);
      const { entry: from, node, output } = made;
      const { shape, dtype } = argument as Value;
      const config = {
        shape: [null, ...shape],
        dtype: dtype ?? this.#dtype,
        keras_history: [from.name, node, output],
      };
      return { class_name: '__keras_tensor__', config };
    };
    const node = entry.nodes.length;
    const [list, named] = [
      args.map(serialized),
      Object.entries(kwargs).map(([key, value]) => [key, serialized(value)]),
    ];
    entry.nodes.push({ args: list, kwargs: Object.fromEntries(named) });
    return this.#outputs(entry, inputs, shapes, node);
  }

  /** The place of a value, as the lists of a model's inputs and outputs say it. */
  place(value: Value): [name: string, node: number, output: number] {
    const { entry, node, output } = this.#made.get(value) as { entry: Entry; node: number; output: number };
    // networks are counted from 1 there, as in Keras their own inputs and outputs are the first node
    return [entry.name, entry.className === 'Functional' ? node + 1 : node, output];
  }

  /** All entries, in Keras' order: by their distance from the outputs, and from what reads their masks. */
  ordered(inputs: readonly Value[], outputs: readonly Value[]): Entry[] {
    const entryOf = ({ layer }: Call) => layer as unknown as Entry;
    return layersBetween(inputs, outputs, (call) => entryOf(call).layer).layers as unknown as Entry[];
  }

  #outputs(entry: Entry, inputs: readonly Value[], shapes: readonly Shape[], node: number): Value[] {
    const call = { layer: entry as unknown as Layer, inputs, list: false, listed: false, outputs: [] as Value[] };
    const outputs = shapes.map((shape) => Object.assign(placeholder(shape), { from: call as Call }));
    call.outputs.push(...outputs);
    for (const [output, value] of outputs.entries()) this.#made.set(value, { entry, node, output });
    return outputs;
  }
}
