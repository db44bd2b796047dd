import { checkAlone, checkOptions, failure, wrongType, wrongValue } from '../check.js';
import { freeName, type Graph, givenName } from '../graph/graph.js';
import { isSameShape, type Shape, type Value } from '../graph/value.js';
import { allLayers, weightsOf, weightsOfGraph } from '../graph/weights.js';
import { ofFile } from '../io/file-errors.js';
import { hasMethods, isInputLayer } from '../kind.js';
import { checkShape, inputDtypeOf, type Layer } from '../layers/layer.js';
import { input } from '../layers/shape.js';
import type { Loss } from '../losses.js';
import { markClasses } from '../made.js';
import type { FloatType } from '../tape.js';
import type { Ports } from '../training/data.js';
import { registerKind } from './architecture.js';
import type { LoadOptions } from './loading.js';
import { Model } from './model.js';
import { portsBefore } from './ports.js';
import { shapesOf } from './shapes.js';

export interface SequentialOptions {
  layers?: readonly Layer[];
  /** Default 'sequential' */
  name?: string;
  /** What the network computes in. Default 'float32' */
  dtype?: FloatType;
  /** Decides the initial weights, the shuffles and the dropout masks. Default: an unpredictable one */
  seed?: number;
}

/**
 * A network of layers, one after the other, as Keras' and TensorFlow.js' `Sequential`.
 *
 * ```js
 * const model = sequential({ layers: [layers.dense({ units: 50, activation: 'relu' }), layers.dense({ units: 10, activation: 'softmax' })], seed: 1 });
 * model.compile({ optimizer: 'adam', loss: 'categoricalCrossentropy', metrics: ['accuracy'] });
 * await model.fit(x, y, { epochs: 10 });
 * ```
 */
export class Sequential extends Model<Value> {
  override readonly className = 'Sequential';
  #layers: readonly Layer[] = Object.freeze([]);
  #names: ReadonlyMap<Layer, string> = new Map();
  #graph?: Graph;

  static {
    markClasses({ Sequential });
    registerKind('Sequential', ({ layers, inputShape, ...options }) => {
      const model = new Sequential({ layers, ...options });
      if (inputShape) model.#graph = model.#graphOf(inputShape);
      return model;
    });
  }

  constructor(options: SequentialOptions = {}) {
    checkOptions('options', options, ['layers', 'name', 'dtype', 'seed'], 'an object such as { layers: […] }');
    const { layers = [], name = 'sequential', ...rest } = options;
    super({ name, ...rest });
    if (!Array.isArray(layers)) throw wrongType('layers', 'an array of layers', layers);
    for (const layer of layers) this.add(layer);
  }

  /** The layers, with their names in `layerNames`. */
  override get layers(): readonly Layer[] {
    return this.#layers;
  }

  override get layerNames(): readonly string[] {
    return Object.freeze([...this.#names.values()]);
  }

  override get graph(): Graph | undefined {
    const shape = this.#layers[0]?.inputShape;
    if (!this.#graph && shape) this.#graph = this.#graphOf(shape);
    return this.#graph;
  }

  override get inputShape(): Shape | undefined {
    return this.#graph?.inputs[0].shape ?? this.#layers[0]?.inputShape;
  }

  override get outputShapes(): readonly Shape[] | undefined {
    return this.inputShape && shapesOf(this.#layers, this.inputShape);
  }

  override get loss(): Loss | undefined {
    return super.loss as Loss | undefined;
  }
  override set loss(value: never) {
    super.loss = value;
  }

  /**
   * Appends a layer. A network that was built keeps the weights it has, and its optimizer begins anew; a layer that another network
   * has is shared with it.
   * @throws RangeError if the layer cannot take what the last one gives, or has the name of another one
   */
  add(layer: Layer): this;
  add(layer: Layer, ...others: unknown[]): this {
    checkAlone('add', 1, others);
    if (!hasMethods(layer, 'call', 'callOn', 'getConfig') || typeof layer.className !== 'string')
      throw wrongType('layer', 'a layer, one of layers.* or what custom.layer makes', layer);
    this.#checkOwn();
    if (this.#layers.includes(layer)) throw new RangeError('Expected layer to be new to this network, but it has it');
    if (allLayers([layer]).includes(this))
      throw new RangeError(`Expected layer to be another network than '${this.name}', or one that is made of it`);
    const name = givenName(layer) ?? freeName(layer.className, new Set(this.#names.values()));
    if (this.layerNames.includes(name)) throw wrongValue('layer.name', 'unique in the network', name);
    const layers = [...this.#layers, layer];
    const shape = layers[0].inputShape;
    if (this.#graph) shapesOf([layer], this.#graph.outputs[0].shape);
    const before = [this.#layers, this.#names, this.#graph] as const;
    this.#layers = Object.freeze(layers);
    this.#names = new Map([...this.#names, [layer, name]]);
    try {
      if (this.#graph) {
        const outputs = [layer.apply(this.#graph.outputs[0])];
        this.#graph = { ...this.#graph, outputs, layers: this.#layers, names: this.#names };
        this.drawsFor(weightsOf(layer));
        if (this.engine.network) this.engine.change(this.#graph);
      } else if (shape) this.#graph = this.#graphOf(shape);
    } catch (error) {
      [this.#layers, this.#names, this.#graph] = before;
      throw error;
    }
    return this;
  }

  /**
   * Removes the last layer, and returns it. The others keep their weights; the optimizer begins anew. Where the loss does not
   * fit what is left, that predicts, and is saved as if it was not compiled.
   * @throws RangeError if there is none
   */
  pop(): Layer {
    this.#checkOwn();
    const layer = this.#layers.at(-1);
    if (!layer) throw new RangeError('Expected the network to have a layer to remove, got none');
    this.engine.forget();
    const layers = Object.freeze(this.#layers.slice(0, -1));
    const names = new Map([...this.#names].slice(0, -1));
    const from = this.#graph?.outputs[0].from;
    const outputs = from?.inputs.slice(0, 1);
    this.#graph =
      layers.length > 0 && this.#graph && outputs?.length ? { ...this.#graph, outputs, layers, names } : undefined;
    this.#layers = layers;
    this.#names = names;
    return layer;
  }

  /**
   * Builds the network for samples of this shape: draws the initial weights. Called by the first `fit`, `evaluate` or
   * `predict` where the first layer has no `inputShape`.
   */
  override build(inputShape: Shape): void {
    this.engine.build(this.graphFor([checkShape('inputShape', inputShape)]));
  }

  /**
   * A network that `save` wrote. All of the file is checked before the network is built.
   *
   * @throws Error with code ERR_FORMAT, and the place and reason, if the file is damaged, or holds NaN or Infinity and
   *   that is not allowed; ERR_MEMORY; the file system's code (ENOENT …)
   */
  static override async load(path: string | URL, options?: LoadOptions): Promise<Sequential> {
    const loaded = await Model.load(path, options);
    return ofFile(path, () => checkSequential(loaded));
  }

  /** A network that `toBytes` made. @throws as `load` does */
  static override fromBytes(bytes: Uint8Array, options?: LoadOptions): Sequential {
    const loaded = Model.fromBytes(bytes, options);
    return ofFile('the bytes', () => checkSequential(loaded));
  }

  protected override forgetApplied(): void {
    super.forgetApplied();
    this.#graph = undefined;
  }

  protected override ports(shapes: readonly Shape[] = []): Ports {
    this.#needLayers();
    if (this.graph) return super.ports();
    const loss = this.loss;
    const shape = shapes.length > 0 ? (shapesOf(this.#layers, shapes[0]).at(-1) as Shape) : [];
    return portsBefore(this.#layers, this.layerNames, [shapes[0], shape], loss);
  }

  protected override graphFor(shapes: readonly Shape[]): Graph {
    this.#needLayers();
    const { graph = this.#graphOf(shapes[0]) } = this;
    this.#graph = graph;
    // where the shape is another one, that of the first layer that cannot take it says more
    if (!isSameShape(graph.inputs[0].shape, shapes[0])) shapesOf(this.#layers, shapes[0]);
    return super.graphFor(shapes);
  }

  protected override needGraph(): Graph {
    this.#needLayers();
    return super.needGraph();
  }

  #graphOf(inputShape: Shape): Graph {
    shapesOf(this.#layers, inputShape);
    const [first, ...rest] = this.#layers;
    const source = isInputLayer(first) ? first.source : input({ shape: inputShape, dtype: inputDtypeOf(first) });
    let output: Value = isInputLayer(first) ? source : first.apply(source);
    for (const layer of rest) output = layer.apply(output);
    const graph = { inputs: [source], outputs: [output], layers: this.#layers, names: this.#names };
    this.drawsFor(weightsOfGraph(graph));
    return graph;
  }

  /** Refuses to change what is busy, or what larger networks were built of. */
  #checkOwn(): void {
    this.engine.checkIdle();
    if (this.isApplied)
      throw new Error(
        `Expected the network '${this.name}' to be no part of another one, whose weights and file would change with it: ` +
          'add or remove its layers before it is applied',
      );
  }

  #needLayers(): void {
    if (this.#layers.length === 0)
      throw failure('ERR_NOT_BUILT', 'Expected the network to have layers, got none: call add(layer) first');
  }
}

function checkSequential(loaded: Model): Sequential {
  if (loaded.className !== 'Sequential')
    throw wrongValue('architecture.className', "'Sequential' (Model.load reads others, too)", loaded.className);
  return loaded as Sequential;
}

/** A new `Sequential`. */
export function sequential(options: SequentialOptions = {}, ...others: never[]): Sequential {
  checkAlone('sequential', 1, others);
  return new Sequential(options);
}
