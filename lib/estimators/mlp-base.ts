import { filled } from '../allocate.js';
import { type ArrayInput, floatDType, NDArray, toMatrix } from '../array.js';
import type { Callback } from '../callbacks/callback.js';
import { checkAssigned, checkOptions, failure, wrongShape, wrongValue } from '../check.js';
import { isRandomState } from '../kind.js';
import type { Labels } from '../labels.js';
import { checkRowCount } from '../model-selection/folds.js';
import { dataset, look } from '../plan.js';
import { checkRandomState, parametersApart } from '../random.js';
import type { Parts } from '../saved.js';
import { drive, driveSync, signalOf, type Training } from '../train.js';
import { digestOfSamples, ranksOf } from '../training/ranks.js';
import { dense, type Features } from './csr.js';
import { type MLPFitOptions, type MLPFitSyncOptions, readCallbacks, WatchedMLP } from './mlp-callbacks.js';
import { ExchangedMLP } from './mlp-exchange.js';
import { dtypeOf, type Given, layersOf, readGiven, wholeOf, writeArrays } from './mlp-given.js';
import { trainLbfgs } from './mlp-lbfgs.js';
import { type Architecture, copyOf, initialize, type MLPNetwork, networkOf, readAll, writeAll } from './mlp-network.js';
import { AdamOptimizer, type Optimizer, SGDOptimizer } from './mlp-optimizers.js';
import {
  checkParameters,
  layerSizes,
  type MLPOptions,
  type MLPRegressorOptions,
  type Parameters,
} from './mlp-parameters.js';
import type { Prepared, Targets } from './mlp-prepared.js';
import { savedMLP, stateOf, trainedOf } from './mlp-saved.js';
import { range, splitter } from './mlp-split.js';
import { begun, type Fit, outputsOf, type Progress, samplesOf, trainStochastic } from './mlp-training.js';
import { checkTurn, inTurn } from './turns.js';

/** What scikit-learn's two multi-layer perceptrons have in common. */
export abstract class MultilayerPerceptron<O extends MLPOptions> extends ExchangedMLP {
  protected parameters: Parameters<O>;
  #extra: Partial<MLPRegressorOptions>;
  #network?: MLPNetwork;
  #given: Given = {};
  #optimizer?: Optimizer;
  /** The optimizer's, where the network has none since 'lbfgs' trained it. */
  #memory?: NDArray[];
  #progress: Progress = begun(false);
  #training = false;
  /** What predicts during a training, whose own plan is busy. */
  #aside: MLPNetwork | undefined;

  constructor(options: O, extra: Partial<MLPRegressorOptions>) {
    super();
    this.#extra = extra;
    this.parameters = checkParameters(options, extra);
  }

  /** Checks y and reads it. Changes nothing. */
  protected abstract readTargets(y: unknown, firstPass: boolean, incremental: boolean, classes?: Labels): Targets;

  /** The activation of the output layer where it is known before y is. */
  protected abstract outActivationBeforeFit(): Architecture['outActivation'] | undefined;

  /**
   * The weight matrices, [fan in, fan out] each; copies, as of the last finished job of a running fit. [] before.
   *
   * Settable, as `intercepts` are: after fit, to arrays of the shapes they have; before it, to any that fit together.
   * With warmStart, and with partialFit, training then starts from them.
   */
  get coefs(): NDArray[] {
    return this.#read('coefs');
  }
  set coefs(values: readonly ArrayInput[]) {
    this.#write('coefs', values);
  }

  /** The bias vectors. [] before fit. */
  get intercepts(): NDArray[] {
    return this.#read('intercepts');
  }
  set intercepts(values: readonly ArrayInput[]) {
    this.#write('intercepts', values);
  }

  /** The loss of the last epoch, penalty included; of 'lbfgs' the least found. NaN before fit. */
  get loss(): number {
    return this.#progress.loss;
  }

  /** The rate of the next step of 'sgd', or of the last of 'adam', bias correction included; null before either trained. */
  get currentLearningRate(): number | null {
    return this.#optimizer?.learningRate ?? null;
  }

  /** Epochs in a row that were no improvement; more than nIterNoChange of them end the training. */
  get noImprovementCount(): number {
    return this.#progress.noImprovement;
  }

  /** The loss of every epoch since the weights were initialized; [] with 'lbfgs'. */
  get lossCurve(): number[] {
    return [...this.#progress.lossCurve];
  }

  /** The least loss of an epoch; null with earlyStopping or 'lbfgs'. */
  get bestLoss(): number | null {
    return this.#progress.bestLoss;
  }

  /** The score of the samples set aside, after every epoch; null without earlyStopping. */
  get validationScores(): number[] | null {
    return this.#progress.validationScores && [...this.#progress.validationScores];
  }

  /** Null without earlyStopping. */
  get bestValidationScore(): number | null {
    return this.#progress.bestValidationScore;
  }

  /** Epochs (with 'lbfgs' iterations) of the last call of fit, as in scikit-learn since 1.3. */
  get nIter(): number {
    return this.#progress.nIter;
  }

  /** Samples seen since the weights were initialized. */
  get t(): number {
    return this.#progress.t;
  }

  /** Layers with input and output; 0 before fit. */
  get nLayers(): number {
    return this.#units.length;
  }

  /** Neurons of the output layer; 0 before fit. */
  get nOutputs(): number {
    return this.#units.at(-1) ?? 0;
  }

  /** Columns of x; 0 before fit. */
  get nFeaturesIn(): number {
    return this.#units[0] ?? 0;
  }

  /** The activation of the output layer; undefined before fit. */
  get outActivation(): Architecture['outActivation'] | undefined {
    return this.#network?.architecture.outActivation;
  }

  /** All parameters, with the values they have. */
  getParams(): Parameters<O> {
    return { ...this.parameters };
  }

  /**
   * Changes parameters, from the next call of fit on. partialFit keeps the optimizer it began with, and what that was
   * made of: solver, rate, momentum, betas; as in scikit-learn.
   *
   * @throws as the constructor does, with nothing changed
   */
  setParams(options: O): this {
    this.parameters = checkParameters(options, this.#extra, this.parameters);
    return this;
  }

  /** A new estimator of the same parameters, that is not fitted: scikit-learn's `clone`. A RandomState is copied. */
  clone(changes: Partial<O> = {}): this {
    const params = parametersApart({ ...this.getParams(), ...changes } as O);
    return new (this.constructor as new (options: O) => this)(params);
  }

  /**
   * Parameters, weights and all that training goes on from: after `load`, partialFit and warm starts have the bits they would have
   * had. @throws Error with code ERR_BUSY while it is training
   */
  protected override parts(): Parts {
    this.#checkIdle();
    const config = {
      ...this.getParams(),
      hiddenLayerSizes: layerSizes((this.parameters as unknown as Parameters).hiddenLayerSizes),
    };
    const [network, optimizer, memory] = [this.#network, this.#optimizer, this.#memory];
    const trained = { network, given: this.#given, progress: this.#progress, optimizer, memory };
    return { config, state: stateOf(trained, this.savedTargets()) };
  }

  protected override restore(saved: unknown): void {
    const state = savedMLP(saved, (options) => checkParameters(options as O, this.#extra) as unknown as Parameters);
    if (state.architecture) this.restoreTargets(state.targets, state.architecture);
    const { network, given, progress, optimizer, memory } = trainedOf(state);
    if (network) this.#network = network;
    this.#given = given;
    this.#progress = progress;
    if (optimizer) this.#optimizer = optimizer;
    if (memory) this.#memory = memory;
  }

  /** What the outputs mean, for a file. */
  protected abstract savedTargets(): unknown;

  /** @throws TypeError or RangeError for what does not belong to a network of this architecture */
  protected abstract restoreTargets(targets: unknown, architecture: Architecture): void;

  protected async fitWith(x: Features, y: unknown, options: MLPFitOptions): Promise<this> {
    checkOptions('options', options, ['signal', 'sampleWeight', 'onEpochEnd', 'callbacks', 'distributed']);
    const signal = signalOf(options);
    const ranks = ranksOf(options);
    if (ranks && this.getParams().solver === 'lbfgs')
      throw wrongValue('solver', "'sgd' or 'adam' with distributed", 'lbfgs');
    const callbacks = readCallbacks(options, () => this.#progress.validationScores);
    const prepared = this.#prepare(x, y, options.sampleWeight, false);
    const training = this.#train({ ...prepared, ...(ranks && { ranks }) }, callbacks);
    const task = () => (ranks ? drive(ranks.together(training)) : drive(training, signal));
    this.#training = true;
    try {
      await (isRandomState(this.parameters.randomState) ? inTurn(prepared.random, task) : task());
    } finally {
      this.#training = false;
      this.#aside = undefined;
    }
    return this;
  }

  /** @param part one epoch, of partialFit */
  protected trainSync(
    x: Features,
    y: unknown,
    options: MLPFitSyncOptions,
    part?: { readonly classes?: Labels | undefined },
  ): this {
    checkOptions('options', options, part ? ['sampleWeight'] : ['sampleWeight', 'onEpochEnd', 'callbacks']);
    const callbacks = readCallbacks(options, () => this.#progress.validationScores);
    const prepared = this.#prepare(x, y, options.sampleWeight, part !== undefined, part?.classes);
    checkTurn(prepared.random);
    this.#training = true;
    try {
      driveSync(this.#train(prepared, callbacks));
    } finally {
      this.#training = false;
      this.#aside = undefined;
    }
    return this;
  }

  /** The network's outputs, [n, outputs]; during a training, those of the weights after one whole step. */
  protected outputs(x: Features): NDArray {
    let network = this.#fitted();
    if (this.#training) network = this.#aside = copyOf(network, this.#aside);
    const array = checkColumns(toMatrix('x', dense('x', x), { look }), network.architecture.units);
    const rows = { first: 0, count: array.shape[0] };
    return driveSync(outputsOf(network, dataset('x', array, network.plan.dtype), rows))[0];
  }

  #prepare(
    features: Features,
    y: unknown,
    sampleWeight: ArrayInput | undefined,
    incremental: boolean,
    classes?: Labels,
  ): Prepared {
    this.#checkIdle();
    checkAssigned(this, Object.keys(this.parameters));
    const p = this.parameters as unknown as Parameters;
    if (incremental && p.solver === 'lbfgs') throw wrongValue('solver', "'sgd' or 'adam' for partialFit", p.solver);
    if (incremental && p.earlyStopping) throw wrongValue('earlyStopping', 'false for partialFit', p.earlyStopping);
    const old = this.#network;
    const known = this.#units;
    const firstPass = known.length === 0 || (!p.warmStart && !incremental);
    if (!firstPass && !old) wholeOf(this.#given);
    const x = dense('x', features);
    const array = toMatrix('x', x, { look });
    if (!firstPass) checkColumns(array, known);
    const [n, width] = array.shape;
    const targets = this.readTargets(y, firstPass, incremental, classes);
    const { columns, outActivation } = targets;
    checkRowCount('y', columns.shape[0], n);
    const units = [width, ...layerSizes(p.hiddenLayerSizes), columns.shape[1]];
    if (!firstPass && units.join() !== known.join())
      throw new RangeError(
        `Expected the layers to be those of ${old ? 'the last fit' : 'coefs'}, [${known.join(', ')}], whose weights are trained on, got [${units.join(', ')}]`,
      );
    const before = firstPass ? floatDType(x) : (old?.architecture.dtype ?? dtypeOf(this.#given));
    const dtype = p.solver === 'lbfgs' ? 'float64' : before;
    const samples = samplesOf(array, columns, sampleWeight, dtype);
    const random = checkRandomState(p.randomState);
    const solver = incremental && !firstPass ? (this.#optimizer?.solver ?? p.solver) : p.solver;
    const architecture = {
      units,
      activation: p.activation,
      outActivation,
      solver,
      dtype,
      weighted: samples.weights !== undefined,
    };
    const split =
      p.earlyStopping && solver !== 'lbfgs' ? splitter(p, n, random, targets.strata) : () => [range(n)] as [Int32Array];
    return {
      ...{ p, incremental, firstPass, float32: before === 'float32', architecture, samples, targets, random, split },
      digest: () => digestOfSamples([array, columns]),
    };
  }

  *#train(prepared: Prepared, callbacks: readonly Callback[]): Training<void> {
    const { p, incremental, firstPass, architecture, samples, targets, random, split, ranks } = prepared;
    if (ranks) {
      yield* ranks.checkSame(prepared.digest(), p);
      yield* ranks.shareRandom(random);
    }
    const old = this.#network;
    const same = old !== undefined && JSON.stringify(old.architecture) === JSON.stringify(architecture);
    const network = same ? old : networkOf(architecture);
    if (old && old.architecture.units.join() !== architecture.units.join()) {
      this.#optimizer = undefined;
      this.#memory = undefined;
    } else if (!same && old && old.architecture.solver !== 'lbfgs') {
      this.#memory = readAll(old, old.states);
    }
    if (firstPass) {
      initialize(network, random, prepared.float32);
    } else if (!same) {
      writeAll(network, network.parameters, old ? readAll(old, old.parameters) : wholeOf(this.#given));
    }
    if (firstPass || !old) this.#progress = begun(p.solver !== 'lbfgs', p.earlyStopping);
    this.#network = network;
    this.#given = {};
    targets.adopt?.();
    const progress = this.#progress;
    const watched = new WatchedMLP(this.constructor.name, network, () => this.currentLearningRate);
    const fit: Fit = { network, samples, parameters: p, progress, callbacks, watched, ...(ranks && { ranks }) };
    if (p.solver === 'lbfgs') {
      yield* trainLbfgs(fit);
    } else {
      if (!incremental || !this.#optimizer) {
        this.#optimizer = p.solver === 'sgd' ? new SGDOptimizer(p) : new AdamOptimizer(p);
        writeAll(network, network.states);
      } else if (!same) {
        writeAll(network, network.states, this.#memory);
      }
      this.#memory = undefined;
      const [rows, aside] = split();
      const weights =
        aside && samples.weights && filled(Float64Array, aside.length, (i) => samples.weights!.values[aside[i]]);
      const score = (outputs: NDArray) => targets.score(outputs, aside as Int32Array, weights);
      const validation = aside && { rows: aside, name: `val_${targets.metric}`, score };
      const shared = isRandomState(p.randomState);
      yield* trainStochastic({ ...fit, optimizer: this.#optimizer, random, shared, incremental, rows, validation });
    }
    if (!readAll(network, network.parameters).every(({ data }) => data.every(Number.isFinite)))
      throw failure(
        'ERR_DIVERGED',
        'The solver produced weights that are not finite: x may hold large values that need scaling, or learningRateInit may be too large',
      );
  }

  /** Features, hidden layers, outputs; [] before fit, unless weights were set. */
  get #units(): readonly number[] {
    return this.#network?.architecture.units ?? layersOf(this.#given);
  }

  #fitted(): MLPNetwork {
    if (this.#network) return this.#network;
    const outActivation = this.outActivationBeforeFit();
    if (outActivation && this.#units.length > 0) {
      const weights = wholeOf(this.#given);
      const { activation, solver } = this.parameters as unknown as Parameters;
      const network = networkOf({
        units: this.#units,
        activation,
        outActivation,
        solver,
        dtype: dtypeOf(this.#given),
        weighted: false,
      });
      writeAll(network, network.parameters, weights);
      return network;
    }
    throw failure('ERR_NOT_FITTED', `Expected this ${this.constructor.name} to be fitted: call fit first`);
  }

  #checkIdle(): void {
    if (this.#training)
      throw failure('ERR_BUSY', `Expected this ${this.constructor.name} to be idle, but it is training`);
  }

  #read(name: 'coefs' | 'intercepts'): NDArray[] {
    const network = this.#network;
    if (network) return network[name].map((buffer) => network.plan.read(buffer));
    return (this.#given[name] ?? []).map((array) => NDArray.from(array));
  }

  #write(name: 'coefs' | 'intercepts', values: readonly ArrayInput[]): void {
    this.#checkIdle();
    const network = this.#network;
    if (!network) {
      this.#given = readGiven(name, values, this.#given);
      return;
    }
    writeArrays(name, network, values);
  }
}

function checkColumns(x: NDArray, [features]: readonly number[]): NDArray {
  if (x.shape[1] !== features) throw wrongShape('x', `a matrix of ${features} columns, as at fit`, x.shape);
  return x;
}
