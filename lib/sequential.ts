import { advise } from './advice.js';
import { filled } from './allocate.js';
import { type ArrayInput, asArray, checkArray, NDArray, position, type TypedData } from './array.js';
import type { NativeResult } from './binding.js';
import type { Callback, History, Logs } from './callbacks/callback.js';
import { checkInteger, checkOneOf, checkOptions, failure, wrongShape, wrongType, wrongValue } from './check.js';
import type { ClassWeight } from './class-weight.js';
import { evaluateLoop, type FitPlan, fitLoop, Totals, trainStep } from './fit.js';
import { prepareFit } from './fit-options.js';
import type { Parameter } from './graph/recorder.js';
import { saveModel } from './io/model-file.js';
import { hasMethods } from './kind.js';
import { layerNames } from './layers/index.js';
import { checkShape, checkTrainable, type Layer, type Shape } from './layers/layer.js';
import { getLoss, type Loss, type LossInput } from './losses.js';
import { isOfMadeClass } from './made.js';
import { getMetric, type Metric, type MetricInput, named } from './metrics.js';
import { snapshot } from './model-io.js';
import { type LoadOptions, loadSequential, ofFile, restore } from './model-loading.js';
import { type Training as Compiled, type Network, recordNetwork, shapesOf } from './network.js';
import { getOptimizer, type Optimizer, type OptimizerInput } from './optimizers.js';
import { RandomState } from './random.js';
import { summaryText } from './summary.js';
import { dataset, type FloatArray, type FloatType, type Job, valuesOf } from './tape.js';
import { drive, driveSync, JobWatch, Pace, signalOf, type Training } from './train.js';

export interface SequentialOptions {
  layers?: readonly Layer[];
  /** Default 'sequential' */
  name?: string;
  /** What the network computes in. Default 'float32' */
  dtype?: FloatType;
  /** Decides the initial weights, the shuffles and the dropout masks. Default: an unpredictable one */
  seed?: number;
}

export interface CompileOptions {
  /** An optimizer or its name, such as 'adam'. */
  optimizer: OptimizerInput;
  /** A loss or its name, such as 'categoricalCrossentropy'. */
  loss: LossInput;
  /** Metrics or their names, such as 'accuracy'. Default: none */
  metrics?: readonly MetricInput[];
}

export interface FitOptions {
  /** Samples for each update of the weights. The last batch of an epoch may be smaller. Default 32 */
  batchSize?: number;
  /** Passes over the data, counted from 0: training ends before the epoch of this number. Default 1 */
  epochs?: number;
  /** Share of the samples, the last ones before any shuffling, to validate on. Default 0 */
  validationSplit?: number;
  /** [x, y] or [x, y, sampleWeight] to validate on after each epoch. */
  validationData?: readonly [ArrayInput, ArrayInput] | readonly [ArrayInput, ArrayInput, ArrayInput];
  /** Default: batchSize */
  validationBatchSize?: number;
  /** Put the samples into a new order for each epoch. Default true */
  shuffle?: boolean;
  /**
   * Weight of each class in the training loss, such as `{ 0: 1, 1: 5 }` or a Map; classes that are not named weigh 1. Or
   * 'balanced': n / (k * count) for a class of `count` among n training samples of k classes, as scikit-learn. Multiplies
   * `sampleWeight`; the validation loss has no part in it, as in Keras.
   */
  classWeight?: ClassWeight;
  /** Weight of each sample in the loss, [n], none negative; with `validationSplit` also of those to validate on. */
  sampleWeight?: ArrayInput;
  callbacks?: Callback | readonly Callback[];
  /** 0: silent; 1: a progress bar; 2: one line an epoch. Default 0 */
  verbose?: 0 | 1 | 2;
  /** The epoch to begin with, to go on with an earlier run. Default 0 */
  initialEpoch?: number;
  /**
   * Stops after the batch in progress, or while a callback's promise is waited for; `fit` rejects with ERR_ABORTED, whose
   * cause is the signal's reason, and the network stays usable.
   */
  signal?: AbortSignal;
}

export interface EvaluateOptions {
  /** Default 32 */
  batchSize?: number;
  sampleWeight?: ArrayInput;
  signal?: AbortSignal;
}

export interface PredictOptions {
  /** Samples computed at a time. Default 32 */
  batchSize?: number;
  signal?: AbortSignal;
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
export class Sequential {
  readonly name: string;
  readonly dtype: FloatType;
  /** Set by a callback, or anyone, to end training after the batch in progress. */
  stopTraining = false;

  #layers: readonly Layer[] = Object.freeze([]);
  #names: readonly string[] = Object.freeze([]);
  #random: RandomState;
  #compiled?: Compiled;
  #network?: Network;
  #busy = false;
  #jobs = new JobWatch();
  #progress = { iterations: 0 };

  constructor(options: SequentialOptions = {}) {
    checkOptions('options', options, ['layers', 'name', 'dtype', 'seed']);
    const { layers = [], name = 'sequential', dtype = 'float32', seed } = options;
    if (typeof name !== 'string') throw wrongType('name', 'a string', name);
    this.name = name;
    this.dtype = checkOneOf('dtype', dtype, ['float32', 'float64']);
    for (const fixed of ['name', 'dtype']) Object.defineProperty(this, fixed, { writable: false });
    this.#random = new RandomState(seed);
    if (!Array.isArray(layers)) throw wrongType('layers', 'an array of layers', layers);
    try {
      for (const layer of layers) this.add(layer);
    } catch (error) {
      for (const layer of this.#layers) owners.delete(layer); // of a network that never was
      throw error;
    }
  }

  /** The layers, with their names in `layerNames`. */
  get layers(): readonly Layer[] {
    return this.#layers;
  }

  get layerNames(): readonly string[] {
    return this.#names;
  }

  /** The shape of one sample; undefined until it is known. */
  get inputShape(): Shape | undefined {
    return this.#network?.inputShape ?? this.#layers[0]?.inputShape;
  }

  /** The shape of each layer's output for one sample; undefined until the input's is known. */
  get outputShapes(): readonly Shape[] | undefined {
    return this.inputShape && shapesOf(this.#layers, this.inputShape);
  }

  /** The optimizer of `compile`; its `learningRate` may be set at any time. */
  get optimizer(): Optimizer {
    return this.#needCompiled().optimizer;
  }
  /** @throws TypeError: `compile` sets it, with what belongs to it */
  set optimizer(_: never) {
    throw onlyCompiled('optimizer');
  }

  get loss(): Loss | undefined {
    return this.#compiled?.loss;
  }
  /** @throws TypeError: `compile` sets it */
  set loss(_: never) {
    throw onlyCompiled('loss');
  }

  get metrics(): readonly Metric[] {
    return this.#compiled?.metrics ?? [];
  }
  /** @throws TypeError: `compile` sets them */
  set metrics(_: never) {
    throw onlyCompiled('metrics');
  }

  /** All weights are trained yet. @throws TypeError for anything but true */
  get trainable(): boolean {
    return true;
  }
  set trainable(value: boolean) {
    checkTrainable('trainable', value);
  }

  /** Updates of the weights since `compile`; during `fit` those of the jobs that have ended. `save` has count and weights of one moment. */
  get iterations(): number {
    return this.#progress.iterations;
  }

  /** True while `fit`, `evaluate` or `predict` is running. */
  get busy(): boolean {
    return this.#busy;
  }

  /**
   * Appends a layer. A network that was built keeps the weights it has.
   * @throws RangeError if another network has the layer: it would begin anew in this one, as layers are not shared yet
   */
  add(layer: Layer): this {
    if (!hasMethods(layer, 'call', 'outputShape', 'getConfig') || typeof layer.className !== 'string')
      throw wrongType('layer', 'a layer, one of layers.*', layer);
    this.#checkIdle();
    if (this.#layers.includes(layer)) throw new RangeError('Expected layer to be new to this network, but it has it');
    const owner = owners.get(layer);
    if (owner !== undefined)
      throw new RangeError(
        `Expected layer to be new, but the network '${owner}' has it, and layers cannot be shared yet: make another one, ` +
          'and take the weights over with getWeights and setWeights',
      );
    if ('trainable' in layer) checkTrainable('layer.trainable', layer.trainable);
    const name = layer.name ?? this.#freeName(layer.className);
    if (this.#names.includes(name)) throw wrongValue('layer.name', 'unique in the network', name);
    const layers = [...this.#layers, layer];
    const inputShape = this.#network?.inputShape ?? layers[0].inputShape;
    if (inputShape) shapesOf(layers, inputShape);
    const weights = this.#network && this.getWeights();
    const before = [this.#layers, this.#names] as const;
    this.#layers = Object.freeze(layers);
    this.#names = Object.freeze([...this.#names, name]);
    try {
      if (weights && this.#network) this.#record(this.#network.inputShape, weights);
    } catch (error) {
      [this.#layers, this.#names] = before;
      throw error;
    }
    owners.set(layer, this.name);
    return this;
  }

  /**
   * Sets how the network is trained and judged. Weights stay; the optimizer begins anew.
   * @throws RangeError naming what there is, for an unknown optimizer, loss or metric
   */
  compile(options: CompileOptions): void {
    checkOptions('options', options, ['optimizer', 'loss', 'metrics']);
    this.#checkIdle();
    this.#needLayers();
    const loss = getLoss('loss', options.loss);
    const metrics = options.metrics ?? [];
    if (!Array.isArray(metrics)) throw wrongType('metrics', 'an array of metrics', metrics);
    const compiled = {
      optimizer: getOptimizer('optimizer', options.optimizer),
      loss,
      metrics: Object.freeze(named(metrics.map((metric, i) => getMetric(`metrics[${i}]`, metric, loss)))),
    };
    const { inputShape } = this;
    if (inputShape) loss.targetShape(shapesOf(this.#layers, inputShape).at(-1) as Shape);
    for (const layer of this.#layers) if ('trainable' in layer) checkTrainable('layer.trainable', layer.trainable);
    const before = this.#compiled;
    this.#compiled = compiled;
    try {
      if (this.#network) {
        this.#record(this.#network.inputShape, this.getWeights());
        advise(this.#layers, this.#names, shapesOf(this.#layers, this.#network.inputShape));
      } else if (inputShape) this.#build(inputShape);
    } catch (error) {
      this.#compiled = before;
      throw error;
    }
    this.#progress.iterations = 0;
  }

  /**
   * Builds the network for samples of this shape: draws the initial weights. Called by the first `fit`, `evaluate` or
   * `predict` where the first layer has no `inputShape`.
   */
  build(inputShape: Shape): void {
    const shape = checkShape('inputShape', inputShape);
    this.#needLayers();
    this.#build(shape);
  }

  /** Layers, output shapes and numbers of parameters, as Keras prints them. */
  summary(): string {
    return summaryText(this, this.#builtIfPossible());
  }

  /** The number of weights, trained and not. 0 until the input shape is known. */
  countParams(): number {
    return this.#builtIfPossible()?.recorder.parameters.reduce((sum, { value }) => sum + value.size, 0) ?? 0;
  }

  /**
   * Copies of all weights, in the order of the layers; during `fit` all of them after one and the same batch.
   * @throws Error if the input shape is not known yet
   */
  getWeights(): NDArray[] {
    const { plan, recorder } = this.#needBuilt();
    return plan.readTogether(recorder.parameters.map(({ value }) => value));
  }

  /** The weights' names, such as 'dense/kernel', in the order of `getWeights`. */
  get weightNames(): string[] {
    return this.#needBuilt().recorder.parameters.map(({ layer, name }) => `${layer}/${name}`);
  }

  /**
   * Sets all weights, in the order of `getWeights`; in a callback of `fit` for the batches that follow. What `getWeights`
   * gave can always be put back: values that are not finite are taken as they are.
   * @throws RangeError if their number or a shape is wrong; nothing is changed then
   * @throws Error with code ERR_BUSY while a batch is being trained, evaluated or predicted
   */
  setWeights(weights: readonly ArrayInput[]): void {
    const { plan, recorder } = this.#needBuilt();
    if (this.#jobs.running)
      throw failure(
        'ERR_BUSY',
        'Expected the network to be between two batches, but one is being computed: set its weights in a callback of fit, or await the call first',
      );
    if (!Array.isArray(weights)) throw wrongType('weights', 'an array of arrays', weights);
    const { parameters } = recorder;
    if (weights.length !== parameters.length)
      throw new RangeError(`Expected weights to hold ${parameters.length} arrays, got ${weights.length}`);
    const arrays = weights.map((w, i) => {
      const name = `weights[${i}] (${parameters[i].value.name})`;
      const array = asArray(name, w);
      if (array.shape.join() !== parameters[i].value.shape.join())
        throw wrongShape(name, `of shape [${parameters[i].value.shape.join(', ')}]`, array.shape);
      const tooLarge = (value: number) => Number.isFinite(value) && !Number.isFinite(Math.fround(value));
      const large = this.dtype === 'float32' ? array.data.findIndex(tooLarge) : -1;
      if (large >= 0)
        throw new RangeError(
          `Expected ${name} to hold numbers within float32's range, got ${array.data[large]} at ${position(large, array.shape)}`,
        );
      return array;
    });
    for (const [i, array] of arrays.entries()) plan.write(parameters[i].value, array);
  }

  /**
   * Trains off the main thread.
   *
   * @param x [n, ...], samples; images are [n, height, width, channels]
   * @param y targets in the form the loss takes: one-hot rows, class numbers, numbers
   * @returns the loss and metrics of every epoch
   * @throws Error with code ERR_BUSY during another call, ERR_ABORTED after `signal` fired, ERR_NOT_COMPILED
   */
  async fit(x: ArrayInput, y: ArrayInput, options: FitOptions = {}): Promise<History> {
    return drive(this.#exclusively(this.#fitting(x, y, options)), signalOf(options));
  }

  /** Trains on the calling thread, with the same bits as `fit`. Callbacks must not return promises. */
  fitSync(x: ArrayInput, y: ArrayInput, options: Omit<FitOptions, 'signal'> = {}): History {
    return driveSync(this.#exclusively(this.#fitting(x, y, options)));
  }

  /** One update of the weights on all samples given. Returns the loss and metrics before the update. */
  trainOnBatch(
    x: ArrayInput,
    y: ArrayInput,
    options: { sampleWeight?: ArrayInput; classWeight?: ClassWeight } = {},
  ): Logs {
    checkOptions('options', options, ['sampleWeight', 'classWeight']);
    return driveSync(this.#exclusively(this.#oneStep(x, y, options)));
  }

  /**
   * The loss and the metrics of the network on samples, off the main thread.
   * @throws Error with code ERR_BUSY during another call; in the callbacks of a training take `evaluateSync`
   */
  async evaluate(x: ArrayInput, y: ArrayInput, options: EvaluateOptions = {}): Promise<Logs> {
    return drive(this.#exclusively(this.#evaluation(x, y, options)), signalOf(options));
  }

  /** The same on the calling thread; also in the callbacks of a training, whose bits it does not change. */
  evaluateSync(x: ArrayInput, y: ArrayInput, options: Omit<EvaluateOptions, 'signal'> = {}): Logs {
    return driveSync(this.#betweenBatches(this.#evaluation(x, y, options)));
  }

  /**
   * The network's output for x [n, ...], in batches, off the main thread: [n, ...] in the network's dtype.
   * @throws Error with code ERR_BUSY during another call; in the callbacks of a training take `predictSync`
   */
  async predict(x: ArrayInput, options: PredictOptions = {}): Promise<NDArray> {
    const copy = (array: NDArray) => dataset('x', array, this.dtype);
    return drive(this.#exclusively(this.#prediction(x, options, copy)), signalOf(options));
  }

  /** The same on the calling thread; also in the callbacks of a training, whose bits it does not change. */
  predictSync(x: ArrayInput, options: Omit<PredictOptions, 'signal'> = {}): NDArray {
    return driveSync(this.#betweenBatches(this.#prediction(x, options, (array) => valuesOf(array, this.dtype))));
  }

  /**
   * Saves architecture, weights, the optimizer's state and the generator's into one file of the safetensors format, so
   * that training goes on with the same bits after `load`. During `fit` all of it is as after one and the same batch: the
   * last one, in a callback, else the one that ends the job on its way. The file is replaced at once or not at all.
   */
  async save(path: string): Promise<void> {
    const network = this.#needBuilt();
    const file = await this.#jobs.atRest(() =>
      snapshot(this, network, {
        compiled: this.#compiled,
        iterations: this.#progress.iterations,
        random: this.#random.getState(),
      }),
    );
    await saveModel(path, file);
  }

  /**
   * A network that `save` wrote. All of the file is checked before the network is built.
   *
   * @throws Error with code ERR_FORMAT, and the place and reason, if the file is damaged, or holds NaN or Infinity and
   *   that is not allowed; ERR_MEMORY; the file system's code (ENOENT …)
   */
  static async load(path: string | URL, options?: LoadOptions): Promise<Sequential> {
    const loaded = await loadSequential(path, options);
    const { name, dtype, layers, layerNames, inputShape, compiled, iterations, random } = loaded;
    return ofFile(path, () => {
      const model = new Sequential({ name, dtype, seed: 0 });
      model.#layers = layers;
      model.#names = layerNames;
      for (const layer of layers) owners.set(layer, name);
      model.#compiled = compiled;
      restore(model.#record(inputShape), loaded);
      model.#progress.iterations = iterations;
      model.#random.setState(random);
      return model;
    });
  }

  *#fitting(x: ArrayInput, y: ArrayInput, options: FitOptions): Training<History> {
    const plan = this.#prepareFit(x, y, options);
    this.stopTraining = false;
    return yield* fitLoop(plan);
  }

  *#oneStep(x: ArrayInput, y: ArrayInput, options: FitOptions): Training<Logs> {
    const { network, compiled, samples, random, progress } = this.#prepareFit(x, y, options, true);
    const n = samples.count;
    const rows = filled(Int32Array, n, (i) => i);
    const totals = new Totals(network, compiled);
    const result = yield trainStep(network, samples, rows, n, progress, random);
    totals.add(result, n, n);
    return totals.logs();
  }

  *#evaluation(x: ArrayInput, y: ArrayInput, options: EvaluateOptions): Training<Logs> {
    checkOptions('options', options, ['batchSize', 'sampleWeight', 'signal']);
    const { network, compiled, samples, batchSize } = this.#prepareFit(x, y, {
      batchSize: options.batchSize,
      sampleWeight: options.sampleWeight,
    });
    return yield* evaluateLoop(network, compiled, samples, batchSize);
  }

  *#prediction(
    x: ArrayInput,
    options: PredictOptions,
    samples: (array: NDArray) => Job['inputs'][number][1],
  ): Training<NDArray> {
    checkOptions('options', options, ['batchSize', 'signal']);
    const batchSize = checkInteger('batchSize', options.batchSize ?? 32, 1);
    const array = this.#checkSamples('x', x);
    const { plan, x: input, output } = this.#build(array.shape.slice(1));
    const n = array.shape[0];
    const inputs: Job['inputs'] = [[input, samples(array)]];
    const shape = [n, ...output.shape];
    const pace = new Pace();
    let all: TypedData | undefined;
    for (let first = 0; first < n; ) {
      const count = Math.min(n - first, pace.steps * batchSize);
      const job: Job = { program: 'predict', inputs, first, count, batchSize, outputs: [output] };
      const result: NativeResult = yield { plan, job };
      pace.measured(result);
      const [part] = result.outputs as [FloatArray];
      if (count === n) return NDArray.wrap(part, shape);
      all ??= NDArray.zeros(shape, this.dtype).data;
      all.set(part, first * output.size);
      first += count;
    }
    return NDArray.wrap(all as TypedData, shape);
  }

  #prepareFit(x: ArrayInput, y: ArrayInput, options: FitOptions, isBatch = false): FitPlan {
    const compiled = this.#needCompiled();
    const array = this.#checkSamples('x', x);
    const outputShape = this.#network?.outputShape ?? this.#outputShape(array.shape.slice(1));
    const checkX = (name: string, validationX: ArrayInput) => this.#checkSamples(name, validationX);
    const prepared = prepareFit(this, array, y, outputShape, compiled.loss, options, checkX, isBatch);
    const network = this.#build(array.shape.slice(1));
    return {
      ...prepared,
      network,
      compiled,
      random: this.#random,
      progress: this.#progress,
      stopRequested: () => this.stopTraining,
    };
  }

  #outputShape(inputShape: Shape): Shape {
    return shapesOf(this.#layers, this.inputShape ?? inputShape).at(-1) as Shape;
  }

  /** Refuses a second call while one is running. */
  *#exclusively<R>(training: Training<R>): Training<R> {
    this.#checkIdle();
    this.#busy = true;
    try {
      return yield* this.#jobs.watch(training);
    } finally {
      this.#busy = false;
    }
  }

  /** For what changes nothing, and is done when it returns: callbacks may have it too. */
  #betweenBatches<R>(training: Training<R>): Training<R> {
    return this.#busy && !this.#jobs.running ? training : this.#exclusively(training);
  }

  #build(inputShape: Shape): Network {
    if (this.#network) return this.#network;
    shapesOf(this.#layers, inputShape);
    const network = this.#record(inputShape);
    try {
      for (const parameter of network.recorder.parameters)
        network.plan.write(parameter.value, firstValues(parameter, this.#random));
    } catch (error) {
      this.#network = undefined;
      throw error;
    }
    if (this.#compiled) advise(this.#layers, this.#names, shapesOf(this.#layers, inputShape));
    return network;
  }

  #record(inputShape: Shape, weights: readonly NDArray[] = []): Network {
    const network = recordNetwork(this.#layers, this.#names, inputShape, this.dtype, this.#compiled);
    const { parameters } = network.recorder;
    for (const [i, parameter] of parameters.entries()) {
      if (i < weights.length) network.plan.write(parameter.value, weights[i]);
      else if (weights.length > 0) network.plan.write(parameter.value, firstValues(parameter, this.#random));
    }
    // What a layer says of itself in a file is to be what was recorded. Those of one's own may keep what they like in fields.
    for (const layer of this.#layers)
      if (isOfMadeClass(layer) && layerNames.includes(layer.className)) Object.freeze(layer);
    this.#network = network;
    return network;
  }

  #builtIfPossible(): Network | undefined {
    if (!this.#network && this.#layers.length > 0 && this.inputShape) this.#build(this.inputShape);
    return this.#network;
  }

  #needBuilt(): Network {
    this.#needLayers();
    const network = this.#builtIfPossible();
    if (!network)
      throw failure(
        'ERR_NOT_BUILT',
        "Expected the network's input shape to be known: give its first layer an inputShape, or call fit or build(inputShape) first",
      );
    return network;
  }

  #needCompiled(): Compiled {
    this.#needLayers();
    if (!this.#compiled)
      throw failure('ERR_NOT_COMPILED', 'Expected the network to be compiled: call compile({ optimizer, loss }) first');
    return this.#compiled;
  }

  #needLayers(): void {
    if (this.#layers.length === 0)
      throw failure('ERR_NOT_BUILT', 'Expected the network to have layers, got none: call add(layer) first');
  }

  #checkIdle(): void {
    if (this.#busy)
      throw failure(
        'ERR_BUSY',
        'Expected the network to be idle, but it is training, evaluating or predicting already: await that call first, ' +
          'take predictSync or evaluateSync in its callbacks, or load a second network from a saved file',
      );
  }

  /** x as an array [n, ...] of the samples' shape; a sample [h, w] may stand for [h, w, 1]. */
  #checkSamples(name: string, x: ArrayInput): NDArray {
    this.#needLayers();
    const array = checkArray(name, x);
    const { inputShape } = this;
    if (array.shape.length < 2) throw wrongShape(name, 'an array of samples, of two dimensions or more', array.shape);
    if (inputShape && array.shape.slice(1).join() !== inputShape.join())
      throw wrongShape(name, `of shape [n, ${inputShape.join(', ')}], as the network's input`, array.shape);
    return array;
  }

  #freeName(className: string): string {
    // 'MaxPooling2D' -> 'max_pooling2d', as Keras
    const base = className
      .replace(/(.)([A-Z][a-z0-9]+)/g, '$1_$2')
      .replace(/([a-z])([A-Z])/g, '$1_$2')
      .toLowerCase();
    const taken = new Set(this.#names);
    let name = base;
    for (let i = 1; taken.has(name); i++) name = `${base}_${i}`;
    return name;
  }
}

/** The name of the network that each layer is in. */
const owners = new WeakMap<Layer, string>();

/** The values a weight begins with. An initializer of one's own may come to anything. */
function firstValues({ value, initializer }: Parameter, random: RandomState): NDArray {
  const name = `what the initializer of ${value.name} makes`;
  const array = asArray(name, initializer(value.shape, random));
  if (array.shape.join() !== value.shape.join())
    throw wrongShape(name, `of shape [${value.shape.join(', ')}]`, array.shape);
  return array;
}

const onlyCompiled = (name: string) =>
  new TypeError(`Expected ${name} to be set by compile, with optimizer, loss and metrics`);

/** A new `Sequential`. */
export function sequential(options: SequentialOptions = {}): Sequential {
  return new Sequential(options);
}
