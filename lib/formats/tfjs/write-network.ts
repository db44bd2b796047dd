import type { Graph } from '../../graph/graph.js';
import { isCall, type Shape, topological } from '../../graph/value.js';
import { layerPaths } from '../../graph/weights.js';
import type { JsonObject } from '../../io/model-file.js';
import type { Layer } from '../../layers/layer.js';
import type { Described } from '../keras/config.js';
import { type KerasObject, snake } from '../keras/config-parts.js';
import { activated, activationLayers, compositionOf, HARD_SIGMOID, layer, scaled } from './compositions.js';
import { tfjsLayer } from './layers.js';

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

/** A name that TensorFlow.js takes (tf-layers' tensorNameRegex), and keeps apart from what every object of JavaScript has. */
function readable(name: string): string {
  const plain = name.replace(/[^-\w.]/g, '_');
  return /^[A-Za-z0-9]/.test(plain) && !(plain in {}) ? plain : `layer_${plain}`;
}

/** Writes networks in Keras 2's manner, which TensorFlow.js reads. Names are unique in all of them, as names of weights follow from them. */
export class NetworkWriter {
  /** What layers are called, by their paths. */
  readonly names = new Map<string, string>();
  readonly #taken = new Set<string>();
  readonly #byPath: ReadonlyMap<string, Layer>;

  /** What layers are given; the first axis -1 where it is not always the same. */
  readonly #shapes = new Map<Layer, Shape>();

  constructor(graph: Graph) {
    this.#byPath = new Map(Array.from(layerPaths(graph), ([own, path]) => [path, own]));
    this.#readShapes(graph);
  }

  #readShapes({ outputs }: Graph): void {
    for (const from of topological(outputs)) {
      if (!isCall(from)) continue;
      const { layer, inputs } = from as { layer: Layer; inputs: typeof from.inputs };
      const before = this.#shapes.get(layer);
      if (layer.graph && !before) this.#readShapes(layer.graph);
      const [length, ...rest] = inputs[0]?.shape ?? [];
      this.#shapes.set(layer, before && before[0] !== length ? [-1, ...rest] : [length, ...rest]);
    }
  }

  /** @throws TypeError naming the layer or operation that TensorFlow.js has not */
  write(description: JsonObject, path = ''): KerasObject {
    const network = description as unknown as Network;
    for (const { config } of network.layers) this.#rename(`${config.name}`, path, network.name);
    return network.className === 'Sequential' ? this.#sequential(network, path) : this.#functional(network, path);
  }

  #rename(name: string, path: string, outer: string): void {
    if (name.includes('/'))
      throw new TypeError(
        `Expected the names of layers to have no '/', which TensorFlow.js takes for a path, got '${name}'`,
      );
    const known = readable(name);
    const own = path !== '' && this.#taken.has(known) ? `${readable(outer)}_${known}` : known;
    this.names.set(path + name, this.#fresh(own));
  }

  /** What a layer is there, one layer or several. */
  #layers(described: Described, path: string): KerasObject[] {
    const own = path + described.config.name;
    const name = this.names.get(own) as string;
    if (isNetwork(described)) {
      const { class_name, config } = this.write(networkOf(described) as unknown as JsonObject, `${own}/`);
      return [{ class_name, config: { ...config, name } }];
    }
    const { layers, own: at } = compositionOf(described, this.#shapes.get(this.#byPath.get(own) as Layer) ?? []);
    return layers.map((each, i) => {
      const config = { ...each.config, name: i === at ? name : this.#fresh(`${name}_${snake(each.className)}`) };
      return tfjsLayer(`the layer '${own}'`, { ...each, config });
    });
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
      entries.set(layer.config.name as string, { layer, nodes: [] });
    };
    const apply = (layer: string, from: readonly unknown[]): [string, number] => {
      const own = entries.get(layer) as { layer: KerasObject; nodes: unknown[] };
      own.nodes.push(from);
      // a network has its own inside as its first node
      const isInside = own.layer.class_name === 'Sequential' || own.layer.class_name === 'Model';
      return [layer, own.nodes.length - (isInside ? 0 : 1)];
    };
    /** Each layer applied to what the one before it makes. */
    const chain = ([first, ...rest]: readonly KerasObject[], from: readonly unknown[]) =>
      rest.reduce(
        (at, { config }) => apply(config.name as string, [[at[0], at[1], 0, {}]]),
        apply(first.config.name as string, from),
      );
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
      const own = byName.get(call.layer as string) as Described;
      const op = own?.className === 'Subtract' ? 'subtract' : call.op;
      if (op !== undefined) {
        const put = (list: readonly Described[], inputs: readonly unknown[]) => {
          const named = list.map((each) => this.#named(op, each));
          named.forEach(add);
          return [...chain(named, inputs), 0, {}];
        };
        made.push(operation({ ...call, op }, from, put).slice(0, 2) as [string, number]);
        continue;
      }
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
      made.push(chain(list, from));
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

  #named(op: string, { className, config }: Described): KerasObject {
    return tfjsLayer(`the operation '${op}'`, layer(className, { ...config, name: this.#fresh(op) }));
  }
}

const MERGES: Readonly<Record<string, string>> = {
  add: 'Add',
  multiply: 'Multiply',
  maximum: 'Maximum',
  minimum: 'Minimum',
};

/**
 * An operation as layers.
 *
 * @param put applies layers, one behind the other, to inputs, and gives where the result is
 * @throws TypeError naming an operation that is none
 */
function operation(
  { op = '', options = {} }: Call,
  from: readonly unknown[],
  put: (layers: readonly Described[], from: readonly unknown[]) => readonly unknown[],
): readonly unknown[] {
  if (Object.hasOwn(MERGES, op)) return put([layer(MERGES[op])], from);
  switch (op) {
    case 'subtract':
      return put([layer('Add')], [from[0], put([scaled(-1)], [from[1]])]);
    case 'square':
      return put([layer('Multiply')], [from[0], from[0]]);
    case 'abs':
      return put([layer('Maximum')], [from[0], put([scaled(-1)], from)]);
    case 'linear':
      return put([scaled(options.scale, options.shift)], from);
    case 'concatenate':
      return put([layer('Concatenate', { axis: (options.axis as number) + 1 })], from);
    case 'reshape':
      return put([layer('Reshape', { targetShape: options.shape })], from);
    case 'activation':
      return put(
        options.name === 'hardSigmoid'
          ? HARD_SIGMOID
          : (activationLayers(options) ?? [activated(options.name, options)]),
        from,
      );
  }
  throw new TypeError(`Expected operations that TensorFlow.js has a layer for, got '${op}' (format 'onnx' holds it)`);
}
