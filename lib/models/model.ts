import type { ArrayInput, NDArray } from '../array.js';
import type { History, Logs } from '../callbacks/callback.js';
import { checkAlone, checkOneOf, checkOptions, checkOptionsAlone } from '../check.js';
import type { Graph } from '../graph/graph.js';
import { checkBetweenBatches, readHeld } from '../graph/held.js';
import type { NamesOf } from '../graph/name-types.js';
import type { Shape, Value } from '../graph/value.js';
import { frozenOf } from '../graph/weights.js';
import { placeOf } from '../io/atomic.js';
import { frozenJson, type JsonObject, type ModelFile, modelBytes, saveModel } from '../io/model-file.js';
import { isList } from '../layers/layer.js';
import type { Loss } from '../losses.js';
import { markClasses } from '../made.js';
import type { Metric } from '../metrics.js';
import type { Optimizer } from '../optimizers.js';
import { networkFile, registerNetworks } from '../saved.js';
import type { FloatType } from '../tape.js';
import { drive, driveSync, signalOf } from '../train.js';
import type { Ports } from '../training/data.js';
import { isSource, type Source } from '../training/source.js';
import { architectureOf, registerKind } from './architecture.js';
import { applying, type Callee, evaluation, gradientsOf, prediction, predictNow, trainingStep } from './calls.js';
import { type CloneOptions, cloneOf } from './cloning.js';
import { type CompileOptions, metricsIn, readCompile } from './compile.js';
import { Composite } from './composite.js';
import { Engine } from './engine.js';
import { readGraph } from './inputs.js';
import { type LoadOptions, loadBytes, loadFile, modelOf } from './loading.js';
import type { Compiled } from './network.js';
import type {
  Batch,
  BatchOfInputs,
  BatchOptions,
  DataOf,
  EvaluateOptions,
  EvaluateSourceOptions,
  FitOptions,
  FitSourceOptions,
  ModelOptions,
  Outputs,
  Predicted,
  PredictNowOptions,
  PredictOptions,
  PredictSourceOptions,
  TargetsOf,
} from './options.js';
import { portsOf } from './ports.js';
import { snapshot } from './saving.js';
import { Snapshot } from './snapshot.js';
import { evaluateCall, fitCall, predictionOf } from './source-calls.js';
import { summaryText } from './summary.js';

/**
 * A network of layers in any arrangement, as Keras' functional models and TensorFlow.js' `tf.model`.
 *
 * ```js
 * const x = input({ shape: [8] });
 * const h = layers.dense({ units: 8, activation: 'relu' }).apply(x);
 * const net = model({ inputs: x, outputs: layers.dense({ units: 1 }).apply(ops.add(x, h)), seed: 1 });
 * net.compile({ optimizer: 'adam', loss: 'meanSquaredError' });
 * ```
 *
 * A network is a layer, too: applied to values it is part of a larger one, and shares its weights with it.
 */
export class Model<O extends Outputs = Outputs, I extends Outputs = Outputs> extends Composite<O> {
  override readonly className: string = 'Model';
  readonly dtype: FloatType;
  /** Set by a callback, or anyone, to end training after the batch in progress. */
  stopTraining = false;
  readonly #engine: Engine;
  readonly #callee: Callee;
  #ports?: { readonly graph: Graph; readonly compiled: Compiled | undefined; readonly ports: Ports };
  #metadata: JsonObject = Object.freeze({});

  static {
    markClasses({ Model });
    registerKind('Model', (options) => new Model(options));
    registerNetworks({ read: (file) => modelOf(file, false, (loaded) => loaded.#engine) });
  }

  constructor(options: ModelOptions<O, I> | Omit<ModelOptions<O, I>, 'inputs' | 'outputs'>) {
    checkOptions('options', options, ['inputs', 'outputs', 'name', 'dtype', 'seed']);
    const { name = 'model', dtype = 'float32', seed, inputs, outputs } = options as ModelOptions<O, I>;
    const isGiven = new.target === Model || inputs !== undefined || outputs !== undefined;
    super(name, isGiven ? readGraph(inputs, outputs) : undefined, isList<Value>(outputs ?? []));
    this.dtype = checkOneOf('dtype', dtype, ['float32', 'float64']);
    Object.defineProperty(this, 'dtype', { writable: false });
    this.#engine = new Engine(dtype, seed);
    this.#callee = {
      model: this,
      engine: this.#engine,
      ports: (shapes) => this.ports(shapes),
      graphFor: (shapes) => this.graphFor(shapes),
    };
  }

  protected override get engine(): Engine {
    return this.#engine;
  }

  /** The names of the inputs: those of their input layers. */
  get inputNames(): readonly string[] {
    return this.ports().inputs.map(({ name }) => name);
  }

  /** The names of the outputs: those of the layers that make them. */
  get outputNames(): readonly string[] {
    return this.ports().outputs.map(({ name }) => name);
  }

  /** The optimizer of `compile`; its `learningRate` may be set at any time. */
  get optimizer(): Optimizer {
    return this.#engine.needCompiled().optimizer;
  }
  /** @throws TypeError: `compile` sets it, with what belongs to it */
  set optimizer(_: never) {
    throw onlyCompiled('optimizer');
  }

  /** That of `compile`; of several outputs one for each, undefined for those that are not trained. */
  get loss(): Loss | readonly (Loss | undefined)[] | undefined {
    const losses = this.#engine.compiled?.outputs.map(({ loss }) => loss);
    return losses?.length === 1 ? losses[0] : losses;
  }
  /** @throws TypeError: `compile` sets it */
  set loss(_: never) {
    throw onlyCompiled('loss');
  }

  /** Those of all outputs, by their names in the logs. */
  get metrics(): readonly Metric[] {
    return Object.freeze(metricsIn(this.#engine.compiled?.outputs ?? []));
  }
  /** @throws TypeError: `compile` sets them */
  set metrics(_: never) {
    throw onlyCompiled('metrics');
  }

  /**
   * JSON of your own that `save` keeps with the network and `load` gives back, as TensorFlow.js' `userDefinedMetadata`: what its
   * inputs and outputs mean, such as `{ tokenizer: tokenizer.toJSON(), classes: encoder.classes }`. Set as a whole, of which it
   * keeps a copy that is frozen; default {}. That of a network within another one is not saved with it.
   * @throws TypeError or RangeError naming the place of what JSON has not, and for more than 2^25 characters or 100 levels
   */
  get metadata(): JsonObject {
    return this.#metadata;
  }
  set metadata(value: JsonObject) {
    this.#metadata = frozenJson('metadata', value);
  }

  /** Updates of the weights since `compile`; during `fit` those of the jobs that have ended. `save` has count and weights of one moment. */
  get iterations(): number {
    return this.#engine.progress.iterations;
  }

  /** True while `fit` or `evaluate` is running. */
  get busy(): boolean {
    return this.#engine.busy;
  }

  /**
   * Sets how the network is trained and judged, and which layers are frozen: those whose `trainable` is false now, and all that
   * these hold. Weights stay; the optimizer begins anew.
   * @throws RangeError naming what there is, for an unknown optimizer, loss or metric
   */
  compile(options: CompileOptions<NamesOf<O>>): void {
    this.#engine.checkIdle();
    const { graph } = this;
    const isFrozen = !this.trainable;
    const compiled = { ...readCompile(options, this.outputNames, frozenOf(this.layers, isFrozen)), isFrozen };
    for (const [i, { loss }] of compiled.outputs.entries()) if (graph) loss?.targetShape(graph.outputs[i].shape);
    this.#engine.compile(compiled, graph, this.layers);
  }

  /** What its weights were drawn with first; undefined where no seed was given, and of a network that was loaded. */
  get seed(): number | undefined {
    return this.#engine.seed;
  }

  /**
   * A network of the same layers, not trained, with new weights of the same seed, compiled as this one is: Keras' `clone_model`.
   * @throws TypeError for parts that are the caller's own, unless they were made by custom.*
   */
  clone(options: CloneOptions = {}): this {
    const { copy, compiled } = cloneOf(this as unknown as Model, this.#engine, options);
    if (compiled) copy.#engine.compile(compiled, copy.graph, copy.layers);
    return copy as unknown as this;
  }

  /** Layers, output shapes, numbers of parameters and, unless each follows the one before, connections, as Keras prints them. */
  summary(): string {
    return summaryText(this, this.#engine.compiled?.frozen);
  }

  /**
   * Trains off the main thread.
   * @param x [n, ...], samples; images are [n, height, width, channels], of whose axes a last one of length 1 may be left out. Of
   *   several inputs a list of arrays, or an object of them by name
   * @param y targets in the form the loss takes: one-hot rows, class numbers, numbers. Of several outputs as x
   * @returns the loss and metrics of every epoch
   * @throws Error with code ERR_BUSY during another call, ERR_ABORTED after `signal` fired, ERR_NOT_COMPILED
   */
  fit(x: DataOf<I>, y: TargetsOf<O>, options?: FitOptions): Promise<History>;
  /**
   * Trains on batches as they come, one step each, with the bits of arrays in that order; the next ones are read meanwhile.
   *
   * @param source an iterable or async iterable of [x, y] or [x, y, sampleWeight], such as a dataset of `data.*`; or a function
   *   that returns one, called for each epoch
   * @throws Error with the numbers of batch and epoch, from 0, for what the source throws (its `cause`), and for batches that
   *   do not fit (ERR_BATCH): the weights are those after the batch before it
   */
  fit(source: Source<Batch<I, O>>, options?: FitSourceOptions): Promise<History>;
  async fit(x: unknown, y?: unknown, options: FitOptions = {}): Promise<History> {
    const call = fitCall(this.#callee, x, y, options, false);
    return drive(this.#engine.exclusively(call.training), call.signal);
  }

  /** Trains on the calling thread, with the same bits as `fit`. Callbacks must not return promises; they may fire `signal`. */
  fitSync(x: DataOf<I>, y: TargetsOf<O>, options?: FitOptions): History;
  /** The same of an iterable that is not asynchronous, or a function that returns one. */
  fitSync(source: Source<Batch<I, O>>, options?: FitSourceOptions): History;
  fitSync(x: unknown, y?: unknown, options: FitOptions = {}): History {
    const call = fitCall(this.#callee, x, y, options, true);
    return driveSync(this.#engine.exclusively(call.training), call.signal);
  }

  /** One update of the weights on all samples given. Returns the loss and metrics before the update. */
  trainOnBatch(x: DataOf<I>, y: TargetsOf<O>, options: BatchOptions = {}): Logs {
    checkOptions('options', options, ['sampleWeight', 'classWeight']);
    return driveSync(this.#engine.exclusively(trainingStep(this.#callee, x, y, options)));
  }

  /** The loss and the metrics of one batch. */
  testOnBatch(x: DataOf<I>, y: TargetsOf<O>, options: Pick<BatchOptions, 'sampleWeight'> = {}): Logs {
    checkOptions('options', options, ['sampleWeight']);
    return driveSync(this.#engine.betweenBatches(evaluation(this.#callee, x, y, options, true)));
  }

  /** The network's output for one batch. */
  predictOnBatch(x: DataOf<I>): Predicted<O>;
  predictOnBatch(x: DataOf<I>, ...others: unknown[]): Predicted<O> {
    checkAlone('predictOnBatch', 1, others);
    return this.#structured(this.#engine.now(() => predictNow(this.#callee, x, {}, true)));
  }

  /**
   * The loss of samples, all of them as one batch of training (dropout included), and its derivative by each trainable weight,
   * in the order of `getWeights`. Changes nothing: no weight, no moving average, no state of the generator.
   */
  async gradients(
    x: DataOf<I>,
    y: TargetsOf<O>,
    options: Pick<BatchOptions, 'sampleWeight'> = {},
  ): Promise<{ loss: number; gradients: NDArray[] }> {
    checkOptions('options', options, ['sampleWeight']);
    return drive(this.#engine.exclusively(gradientsOf(this.#callee, x, y, options)));
  }

  /**
   * One update of the weights by the optimizer, as a step of training makes it (clipping, weight decay, constraints, averages …), by
   * derivatives that are given: those of `gradients`, or what was made of several.
   * @param gradients one array for each trainable weight, in the order of `getWeights`
   * @throws TypeError or RangeError unless they fit; nothing is changed then. Error with code ERR_NOT_COMPILED, ERR_BUSY
   */
  applyGradients(gradients: readonly ArrayInput[]): void {
    driveSync(this.#engine.exclusively(applying(this.#callee, this.needGraph(), gradients)));
  }

  /** The loss and the metrics of samples, off the main thread. @throws Error with code ERR_BUSY; in callbacks take `evaluateSync` */
  evaluate(x: DataOf<I>, y: TargetsOf<O>, options?: EvaluateOptions): Promise<Logs>;
  /** The same over the batches of a source. @throws as `fit` of one */
  evaluate(source: Source<Batch<I, O>>, options?: EvaluateSourceOptions): Promise<Logs>;
  async evaluate(x: unknown, y?: unknown, options: EvaluateOptions = {}): Promise<Logs> {
    const call = evaluateCall(this.#callee, x, y, options, false);
    return drive(this.#engine.exclusively(call.judging), signalOf(call.options), 'evaluation');
  }

  /** The same on the calling thread; also in the callbacks of a training, whose bits it does not change. */
  evaluateSync(x: DataOf<I>, y: TargetsOf<O>, options?: EvaluateOptions): Logs;
  evaluateSync(source: Source<Batch<I, O>>): Logs;
  evaluateSync(x: unknown, y?: unknown, options: EvaluateOptions = {}): Logs {
    const call = evaluateCall(this.#callee, x, y, options, true);
    return driveSync(this.#engine.betweenBatches(call.judging), signalOf(call.options), 'evaluation');
  }

  /**
   * The network's output for x [n, ...], in batches, off the main thread: [n, ...] in the network's dtype; of several outputs a list. May
   * be asked for at any time, any number of times at once, also while the network trains: it goes ahead of the training's next job, and
   * has the weights after some whole step, all samples the same. Calls with as many samples, no more than a batch, share a job, in which
   * each is a batch of its own, so that no call changes another's digits. With stateful layers calls are answered in their order, each
   * from the states of the one before, and not while the network trains (ERR_BUSY).
   * @throws Error with code ERR_ABORTED after `signal` fired
   */
  predict(x: DataOf<I>, options?: PredictOptions): Promise<Predicted<O>>;
  /**
   * The same for the batches of a source, [x] or [x, y …], of which x is taken, or x alone as an NDArray: what it gives for all
   * of them in one array. During a training each batch has the weights of its moment.
   */
  predict(source: Source<BatchOfInputs<I>>, options?: PredictSourceOptions): Promise<Predicted<O>>;
  async predict(x: unknown, options: PredictOptions = {}): Promise<Predicted<O>> {
    return this.#structured(await (isSource(x) ? predictionOf : prediction)(this.#callee, x as never, options));
  }

  /** The same on the calling thread; also in the callbacks of a training, whose bits it does not change. */
  predictSync(x: DataOf<I>, options: PredictNowOptions<O> = {}): Predicted<O> {
    return this.#structured(this.#engine.now(() => predictNow(this.#callee, x, options, false)));
  }

  /**
   * Stateful layers begin with zeros in the next batch, which may have another number of rows; in a callback of `fit` in the one behind.
   * @throws Error with code ERR_BUSY while a batch is being computed, or predictions wait for each other
   */
  resetStates(): void {
    this.#engine.checkBetweenCalls();
    this.#engine.network?.states?.reset();
  }

  /**
   * The network as it is now, for predictions alone: what is trained or set afterwards does not change it. During `fit` as
   * after the last batch that was computed.
   */
  async snapshot(): Promise<Snapshot<O, I>> {
    const graph = this.needGraph();
    if (this.ports().isStateful)
      throw new TypeError('Expected a network without stateful layers for snapshot: its states go on with every call');
    const placed = this.placed();
    const weights = await this.#engine.jobs.atRest(() => readHeld(placed.map(({ weight }) => weight)));
    return new Snapshot<O, I>(graph, this.dtype, weights, this.ports(), this.isListed);
  }

  /**
   * Saves architecture, weights, the optimizer's state, the generator's and `metadata` into one file of the safetensors format, so
   * that training goes on with the same bits after `load`. During `fit` all of it is as after one and the same batch: the
   * last one, in a callback, else the one that ends the job on its way. The file is replaced at once or not at all.
   */
  save(path: string | URL): Promise<void>;
  async save(path: string | URL, ...others: unknown[]): Promise<void> {
    checkAlone('save', 1, others);
    this.#engine.build(this.needGraph());
    const place = placeOf(path);
    const file = await this.#engine.jobs.atRest(() => snapshot(this, this.placed(), this.#engine));
    await saveModel(place, file);
  }

  /** What `save` writes. @throws Error with code ERR_BUSY while a batch is being computed */
  toBytes(): Uint8Array<ArrayBuffer> {
    return modelBytes(this[networkFile]());
  }

  /** For files of which it is a part. */
  [networkFile](): ModelFile {
    this.#engine.build(this.needGraph());
    checkBetweenBatches(this.#engine.jobs.running);
    return snapshot(this, this.placed(), this.#engine);
  }

  /** A network that `toBytes` made. @throws as `load` does */
  static fromBytes(bytes: Uint8Array, options?: LoadOptions): Model {
    return loadBytes(bytes, options, (loaded) => loaded.#engine);
  }

  /**
   * A network that `save` wrote, of whatever class. All of the file is checked before the network is built.
   * @throws Error with code ERR_FORMAT, and the place and reason, if the file is damaged, or holds NaN or Infinity and
   *   that is not allowed; ERR_MEMORY; the file system's code (ENOENT …)
   */
  static async load(path: string | URL, options?: LoadOptions): Promise<Model> {
    return loadFile(path, options, (loaded) => loaded.#engine);
  }

  override getConfig(): Record<string, unknown> {
    return architectureOf(this);
  }

  /** The inputs and outputs, which data are checked against; `shapes` are those of the data. */
  protected ports(_shapes?: readonly Shape[]): Ports {
    const graph = this.needGraph();
    const { compiled } = this.#engine;
    // a third of what the prediction of one row costs, so not each time
    if (this.#ports?.graph !== graph || this.#ports.compiled !== compiled)
      this.#ports = { graph, compiled, ports: portsOf(graph, compiled) };
    return this.#ports.ports;
  }

  #structured(arrays: NDArray[]): Predicted<O> {
    return (this.isListed ? arrays : arrays[0]) as Predicted<O>;
  }
}

const onlyCompiled = (name: string) =>
  new TypeError(`Expected ${name} to be set by compile, with optimizer, loss and metrics`);

/** @throws TypeError or RangeError, in one sentence that names the layers, for inputs and outputs that make no network */
export function model<const O extends Outputs, const I extends Outputs>(
  options: ModelOptions<O, I>,
  ...others: never[]
): Model<O, I> {
  checkOptionsAlone('model', [options, ...others]);
  return new Model(options);
}
