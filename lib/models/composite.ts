import type { ArrayInput, NDArray } from '../array.js';
import { checkAlone, checkInteger, checkOneOf, failure, wrongType, wrongValue } from '../check.js';
import type { Exported, ExportOptions } from '../formats/export.js';
import { expand } from '../graph/expand.js';
import type { Graph } from '../graph/graph.js';
import { hasNumbers, readHeld, writeHeld } from '../graph/held.js';
import { isSameShape, type Shape, sizeOf, type Value } from '../graph/value.js';
import { checkWeights, type PlacedWeight, weightName, weightsOfGraph } from '../graph/weights.js';
import { placeOf } from '../io/atomic.js';
import { isList, Layer, type Mode, type Values, type Weights } from '../layers/layer.js';
import type { FromTo } from '../layers/ranks.js';
import { networkExport } from '../saved.js';
import type { FloatType } from '../tape.js';
import type { Engine } from './engine.js';
import { type LoadedWeights, type LoadWeightsOptions, readWeights } from './load-weights.js';
import type { Model } from './model.js';
import { outputShapesOf } from './ports.js';

/** A network as a layer of others: what it is made of, and its weights. */
export abstract class Composite<O extends Values = Values> extends Layer<FromTo<Values, O>> {
  static override readonly takesList = true;
  declare readonly name: string;
  /** What the network computes in. */
  abstract readonly dtype: FloatType;
  readonly #graph?: Graph;
  readonly #layerNames: readonly string[];
  readonly #isListed: boolean;
  #placed?: { readonly graph: Graph; readonly placed: readonly PlacedWeight[] };

  /** `graph`: absent of one that grows, as a Sequential. `isListed`: whether its outputs are a list */
  constructor(name: string, graph: Graph | undefined, isListed: boolean) {
    super({ name });
    Object.defineProperty(this, 'name', { writable: false });
    this.#graph = graph;
    this.#layerNames = Object.freeze([...(graph?.names.values() ?? [])]);
    this.#isListed = isListed;
    if (graph) this.drawsFor(weightsOfGraph(graph));
  }

  /** The weights that no network has yet are drawn by this one, as soon as one of its layers is asked for them. */
  protected drawsFor(placed: readonly PlacedWeight[]): void {
    for (const { weight } of placed) if (!hasNumbers(weight)) weight.held.draw ??= () => void this.placed();
  }

  protected abstract get engine(): Engine;

  /** The layers in Keras' order, with their names in `layerNames`. */
  get layers(): readonly Layer[] {
    return this.graph?.layers ?? [];
  }

  get layerNames(): readonly string[] {
    return this.#layerNames;
  }

  /** The layers and how they are connected; undefined until the shape of the input is known. */
  override get graph(): Graph | undefined {
    return this.#graph;
  }

  /** What the network is made of: to make others of the same layers. */
  get inputs(): readonly Value[] {
    return this.needGraph().inputs;
  }

  get outputs(): readonly Value[] {
    return this.needGraph().outputs;
  }

  /** The shape of one sample; undefined until it is known, and of a network of several inputs. */
  override get inputShape(): Shape | undefined {
    const inputs = this.graph?.inputs;
    return inputs?.length === 1 ? inputs[0].shape : undefined;
  }

  /** The shape of each layer's output for one sample; undefined until the input's is known. */
  get outputShapes(): readonly Shape[] | undefined {
    return this.graph && outputShapesOf(this.graph);
  }

  /** Whether training moves the weights of its layers, as of the next `compile`; set for all of its layers at once. */
  override get trainable(): boolean {
    return super.trainable;
  }
  override set trainable(value: boolean) {
    super.trainable = value;
    for (const layer of this.layers) layer.trainable = value;
  }

  /**
   * A layer by its name, or by its place in `layers`.
   * @throws RangeError with the names there are
   */
  getLayer(nameOrIndex: string | number): Layer;
  getLayer(nameOrIndex: string | number, ...others: unknown[]): Layer {
    checkAlone('getLayer', 1, others, ', a name or an index,');
    const { layers, layerNames } = this;
    if (typeof nameOrIndex === 'string') return layers[layerNames.indexOf(checkOneOf('name', nameOrIndex, layerNames))];
    if (typeof nameOrIndex !== 'number') throw wrongType('name', "a layer's name or its index", nameOrIndex);
    const layer = layers[checkInteger('index', nameOrIndex, 0)];
    if (!layer) throw wrongValue('index', `below ${layers.length}, the number of layers`, nameOrIndex);
    return layer;
  }

  /** Whether its outputs are a list: `predict` then gives one, also of one array. */
  get isListed(): boolean {
    return this.#isListed;
  }

  /** The number of weights, trained and not. 0 until the input shape is known. */
  override countParams(): number {
    return this.graph ? weightsOfGraph(this.graph).reduce((sum, { weight }) => sum + sizeOf(weight.shape), 0) : 0;
  }

  /**
   * Copies of all weights, in the order of the layers; during `fit` all of them after one and the same batch.
   * @throws Error if the input shape is not known yet
   */
  override getWeights(): NDArray[];
  override getWeights(...others: unknown[]): NDArray[] {
    checkAlone('getWeights', 0, others);
    return readHeld(this.placed().map(({ weight }) => weight));
  }

  /** The weights' names, such as 'dense/kernel', in the order of `getWeights`. */
  get weightNames(): string[] {
    return weightsOfGraph(this.needGraph()).map(({ layer, weight }) => weightName(layer, weight));
  }

  /**
   * Sets all weights, in the order of `getWeights`; in a callback of `fit` for the batches that follow. What `getWeights`
   * gave can always be put back: values that are not finite are taken as they are.
   * @throws RangeError if their number or a shape is wrong; nothing is changed then
   * @throws Error with code ERR_BUSY while a batch is being trained, evaluated or predicted
   */
  override setWeights(weights: readonly ArrayInput[]): void {
    this.#write(this.placed(), weights);
  }

  /**
   * Takes over the weights of a file that `save` wrote; the optimizer's state stays as it is.
   * @throws Error with code ERR_FORMAT if the file is damaged or its weights do not fit (see `byName` and `skipMismatch`),
   *   ERR_BUSY while a batch is being computed, the file system's code (ENOENT …); nothing is changed then
   */
  async loadWeights(path: string | URL, options: LoadWeightsOptions = {}): Promise<LoadedWeights> {
    const { found, report } = await readWeights(path, this as unknown as Model, this.placed(), options);
    this.#write([...found.keys()], [...found.values()]);
    return report;
  }

  /**
   * Writes the network for other programs, as it predicts.
   * @throws TypeError or RangeError naming the layer that the format cannot hold, before a file is written
   */
  async export(path: string | URL, options: ExportOptions = {}): Promise<void> {
    const place = placeOf(path);
    const { exportModel } = await import('../formats/all.js');
    await exportModel(await this[networkExport](), place, options);
  }

  /** The same as bytes. */
  async exportBytes(options: ExportOptions): Promise<Uint8Array<ArrayBuffer>> {
    const { exportBytes } = await import('../formats/all.js');
    return exportBytes(await this[networkExport](), options);
  }

  /** For pipelines, too. */
  async [networkExport](): Promise<Exported> {
    const graph = this.needGraph();
    const placed = this.placed();
    return this.engine.jobs.atRest(() => {
      const weights = readHeld(placed.map(({ weight }) => weight));
      const { training } = this.engine;
      return { model: this as unknown as Model, graph, weights, ...(training && { training }) };
    });
  }

  /** What the network makes of values, as a layer. */
  call(inputs: Values, _: Weights, { training }: Mode): Value | readonly Value[] {
    const list = isList(inputs) ? inputs : [inputs];
    const { outputs } = expand(this.graphFor(list.map(({ shape }) => shape)), list, { training, frozen: new Set() });
    return this.#isListed ? outputs : outputs[0];
  }

  /** Its layers have the weights: it has none itself. */
  protected override declareWeights(): void {}

  /**
   * Its weights, which have numbers from now on. Where they do already, as those of a part of a network that was built, it takes
   * no arena of its own.
   * @throws Error with code ERR_NOT_BUILT if the input shape is not known yet
   */
  protected placed(): readonly PlacedWeight[] {
    const graph = this.needGraph();
    if (this.#placed?.graph !== graph) this.#placed = { graph, placed: weightsOfGraph(graph) };
    const { placed } = this.#placed;
    if (!placed.every(({ weight }) => hasNumbers(weight))) this.engine.build(graph);
    return placed;
  }

  /** The graph for inputs of these shapes. */
  protected graphFor(shapes: readonly Shape[]): Graph {
    const graph = this.needGraph();
    const { inputs } = graph;
    if (inputs.length === shapes.length && inputs.every(({ shape }, i) => isSameShape(shape, shapes[i]))) return graph;
    const wanted = inputs.map(({ shape }) => shape);
    throw new RangeError(
      `Expected the inputs of the network '${this.name}' to be of shape ${listed(wanted)}, got ${listed(shapes)}`,
    );
  }

  protected needGraph(): Graph {
    if (!this.graph)
      throw failure(
        'ERR_NOT_BUILT',
        "Expected the network's input shape to be known: give its first layer an inputShape, or call fit or build(inputShape) first",
      );
    return this.graph;
  }

  #write(placed: readonly PlacedWeight[], weights: readonly ArrayInput[]): void {
    this.engine.checkBetweenCalls();
    const arrays = checkWeights(placed, weights, this.dtype);
    writeHeld(
      placed.map(({ weight }) => weight),
      arrays,
    );
  }
}

const listed = (shapes: readonly Shape[]) => shapes.map((shape) => `[${shape.join(', ')}]`).join(' and ');
