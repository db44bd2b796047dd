import type { JsonObject } from '../../io/model-file.js';
import { isPlain } from '../../kind.js';
import type { Described } from '../keras/config.js';
import type { KerasObject } from '../keras/config-parts.js';
import { activationLayer, tfjsLayer } from './layers.js';

/** A network as our files describe it: see lib/models/architecture.ts. */
interface Network {
  readonly className: 'Sequential' | 'Model';
  readonly name: string;
  readonly inputShape: readonly number[];
  readonly layers: readonly Described[];
  readonly calls: readonly Call[];
  readonly inputs: readonly Place[];
  readonly outputs: readonly Place[] | Place;
}
type Place = readonly [call: number, output: number];
interface Call {
  readonly layer?: string;
  readonly op?: string;
  readonly options?: JsonObject;
  readonly inputs: readonly (Place | JsonObject)[];
}

const isNetwork = ({ className }: Described) => className === 'Sequential' || className === 'Model';
const networkOf = ({ className, config }: Described) => ({ ...config, className }) as unknown as Network;
const batched = (shape: unknown) => [null, ...(shape as number[])];

/** Writes networks in Keras 2's manner, which TensorFlow.js reads. Names are unique in all of them, as names of weights follow from them. */
export class NetworkWriter {
  /** What layers are called, by their paths. */
  readonly names = new Map<string, string>();
  readonly #taken = new Set<string>();

  /** @throws TypeError naming the layer or operation that TensorFlow.js has not */
  write(description: JsonObject, path = ''): KerasObject {
    const network = description as unknown as Network;
    for (const { config } of network.layers) this.#rename(`${config.name}`, path, network.name);
    return network.className === 'Sequential' ? this.#sequential(network, path) : this.#functional(network, path);
  }

  #rename(name: string, path: string, outer: string): void {
    let own = path === '' ? name : this.#taken.has(name) ? `${outer}_${name}` : name;
    for (let i = 1; this.#taken.has(own); i++) own = `${outer}_${name}_${i}`;
    this.#taken.add(own);
    this.names.set(path + name, own);
  }

  /** A layer, and the one that its activation is. */
  #layers(layer: Described, path: string): KerasObject[] {
    const own = path + layer.config.name;
    const name = this.names.get(own) as string;
    if (isNetwork(layer)) {
      const { class_name, config } = this.write(networkOf(layer) as unknown as JsonObject, `${own}/`);
      return [{ class_name, config: { ...config, name } }];
    }
    const place = `the layer '${own}'`;
    const { activation } = layer.config;
    const after = isPlain(activation) ? activationLayer(activation) : undefined;
    const renamed = { ...layer, config: { ...layer.config, name } };
    if (!after) return [tfjsLayer(place, renamed)];
    if (layer.className === 'Activation') return [tfjsLayer(place, { ...after, config: { ...after.config, name } })];
    const linear = { ...renamed, config: { ...renamed.config, activation: { name: 'linear' } } };
    const second = { ...after, config: { ...after.config, name: this.#fresh(`${name}_activation`) } };
    return [tfjsLayer(place, linear), tfjsLayer(place, second)];
  }

  #fresh(name: string): string {
    let own = name;
    for (let i = 1; this.#taken.has(own); i++) own = `${name}_${i}`;
    this.#taken.add(own);
    return own;
  }

  #sequential({ name, layers, inputShape }: Network, path: string): KerasObject {
    const [first] = layers;
    const made = layers.flatMap((layer) =>
      layer.className === 'InputLayer' ? [this.#input(layer, path)] : this.#layers(layer, path),
    );
    if (first.className !== 'InputLayer' && !isNetwork(first)) {
      const { class_name, config } = made[0];
      made[0] = { class_name, config: { ...config, batch_input_shape: batched(inputShape), dtype: 'float32' } };
    }
    return { class_name: 'Sequential', config: { name, layers: made } };
  }

  #input({ config }: Described, path: string): KerasObject {
    const { name, shape, dtype = 'float32' } = config;
    const own = this.names.get(path + name);
    return { class_name: 'InputLayer', config: { batch_input_shape: batched(shape), dtype, sparse: false, name: own } };
  }

  #functional({ name, layers, calls, inputs, outputs }: Network, path: string): KerasObject {
    const entries = new Map<string, { layer: KerasObject; nodes: unknown[] }>();
    const byName = new Map(layers.map((layer) => [`${layer.config.name}`, layer]));
    /** Where what each call makes is: the layer, and which call of it that is. */
    const made: [layer: string, node: number][] = [];
    const add = (layer: KerasObject) => {
      const own = { layer, nodes: [] as unknown[] };
      entries.set(layer.config.name as string, own);
      return own;
    };
    const apply = (layer: string, from: readonly unknown[]): [string, number] => {
      const own = entries.get(layer) as { layer: KerasObject; nodes: unknown[] };
      own.nodes.push(from);
      // a network has its own inside as its first node
      const isInside = own.layer.class_name === 'Sequential' || own.layer.class_name === 'Model';
      return [layer, own.nodes.length - (isInside ? 0 : 1)];
    };
    const place = (given: Place | JsonObject) => {
      if (!Array.isArray(given))
        throw new TypeError(
          "Expected a network without constants, which TensorFlow.js has no layer for (format 'onnx' holds them)",
        );
      return [...made[given[0] as number], given[1]];
    };
    const parts = new Map<string, KerasObject[]>();
    for (const call of calls) {
      const from = call.inputs.map((given) => [...place(given), {}]);
      if (call.op !== undefined) {
        const layer = add(this.#operation(call));
        made.push(apply(layer.layer.config.name as string, from));
        continue;
      }
      const own = byName.get(call.layer as string) as Described;
      if (own.className === 'InputLayer') {
        const layer = this.#input(own, path);
        add(layer);
        made.push([layer.config.name as string, 0]);
        continue;
      }
      let list = parts.get(call.layer as string);
      if (!list) {
        list = this.#layers(own, path);
        parts.set(call.layer as string, list);
        list.forEach(add);
      }
      const [first, second] = list.map(({ config }) => config.name as string);
      const one = apply(first, from);
      made.push(second === undefined ? one : apply(second, [[...one, 0, {}]]));
    }
    return {
      class_name: 'Model',
      config: {
        name,
        layers: Array.from(entries, ([own, { layer, nodes }]) => ({ name: own, ...layer, inbound_nodes: nodes })),
        input_layers: inputs.map(place),
        output_layers: (Array.isArray((outputs as readonly unknown[])[0])
          ? (outputs as readonly Place[])
          : [outputs as Place]
        ).map(place),
      },
    };
  }

  /** Operations that are layers, too. */
  #operation({ op = '', options = {} }: Call): KerasObject {
    const name = this.#fresh(op);
    const layer = { add: 'Add', multiply: 'Multiply', maximum: 'Maximum', minimum: 'Minimum' }[op];
    if (layer) return { class_name: layer, config: { name } };
    if (op === 'linear') {
      const { scale, shift: offset } = options;
      return { class_name: 'Rescaling', config: { name, scale, offset } };
    }
    const place = `the operation '${op}'`;
    if (op !== 'activation')
      throw new TypeError(
        `Expected operations that TensorFlow.js has a layer for, got '${op}' (format 'onnx' holds it)`,
      );
    if (options.name === 'hardSigmoid')
      throw new TypeError(
        "Expected operations that TensorFlow.js has, got 'hardSigmoid', which is another one there (format 'onnx' holds it)",
      );
    const after = activationLayer(options);
    return tfjsLayer(
      place,
      after
        ? { ...after, config: { ...after.config, name } }
        : { className: 'Activation', config: { name, activation: options } },
    );
  }
}
