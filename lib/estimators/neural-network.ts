import { allocate } from '../allocate.js';
import { type ArrayInput, argmaxRows, asArray, NDArray, toMatrix } from '../array.js';
import type { NativeDataset } from '../binding.js';
import { checkInteger, checkInterval, checkOptions, failure, wrongShape, wrongType, wrongValue } from '../check.js';
import { isAbortSignal, isRandomState } from '../kind.js';
import { dataset, look, valuesOf } from '../plan.js';
import { checkRandomState, passOver, type RandomState } from '../random.js';
import type { Buffer } from '../tape.js';
import { drive, driveSync, isPromise, type Training } from '../train.js';
import { Pace, sweep } from '../training/sweep.js';
import { type Network, type ParameterName, record } from './neural-network-tape.js';

export interface NeuralNetworkOptions {
  /** Neurons of the hidden layer. Default 50 */
  nHiddenNeurons?: number;
  /** Classes, the columns of `yOneHot`. Default 10 */
  nCategories?: number;
  /** Passes over the data; one is `floor(n / batchSize)` batches. Default 10 */
  epochs?: number;
  /** Samples of a batch, drawn without replacement. Default 100 */
  batchSize?: number;
  /** Learning rate, >= 0. Default 0.1 */
  eta?: number;
  /** L2 regularization of the weights, >= 0: `lmbd * W` is added to their gradients. Default 0 */
  lmbd?: number;
  /**
   * A seed, or a RandomState to go on drawing from. A RandomState may have other users, so `train` and `trainSync` draw
   * all their batches from it when they are called. Default: an unpredictable seed
   */
  randomState?: number | RandomState;
}

export interface TrainOptions {
  /** Aborts the training after the batch in progress: `train` rejects with ERR_ABORTED, the network stays usable. */
  signal?: AbortSignal;
  /** Called after each epoch; a promise is waited for. `loss` is the epoch's mean cross-entropy per sample. */
  onEpochEnd?: (info: { epoch: number; epochs: number; loss: number }) => unknown;
}

export interface Gradients {
  /** [nHiddenNeurons, nCategories] */
  outputWeightsGradient: NDArray;
  /** [nCategories] */
  outputBiasGradient: NDArray;
  /** [features, nHiddenNeurons] */
  hiddenWeightsGradient: NDArray;
  /** [nHiddenNeurons] */
  hiddenBiasGradient: NDArray;
}

/** What the plan was recorded with: another value would be passed over. */
const RECORDED = ['nInputs', 'nFeatures', 'nHiddenNeurons', 'nCategories', 'eta', 'lmbd'];
const OPTIONS = ['nHiddenNeurons', 'nCategories', 'epochs', 'batchSize', 'eta', 'lmbd', 'randomState'];
const PARAMETERS: readonly ParameterName[] = ['wh', 'bh', 'wo', 'bo'];
const PREDICT_BATCH = 256;

/**
 * The lecture's network: one hidden layer with the logistic function, a softmax output, cross-entropy, minibatch
 * gradient descent. float64; gradients are *sums* over the batch.
 * Source: M. Hjorth-Jensen, Applied Data Analysis and Machine Learning (University of Oslo), "Neural networks".
 */
export class NeuralNetwork {
  readonly nInputs: number;
  readonly nFeatures: number;
  readonly nHiddenNeurons: number;
  readonly nCategories: number;
  readonly epochs: number;
  readonly batchSize: number;
  readonly eta: number;
  readonly lmbd: number;

  #random: RandomState;
  #shared: boolean;
  #training = false;
  #x: NativeDataset;
  #y: NativeDataset;
  #net: Network;
  /** The parameters as they were read since a job began, so that they are read together. */
  #seen?: Record<ParameterName, NDArray>;
  /** What predicts during a training, whose own plan is busy. */
  #aside?: Network;

  /**
   * @param xData [n, features], finite numbers
   * @param yOneHot [n, nCategories], one row a sample
   * @throws RangeError if shapes do not fit, data are empty or not finite, or an option is out of its range
   */
  constructor(xData: ArrayInput, yOneHot: ArrayInput, options: NeuralNetworkOptions = {}) {
    checkOptions('options', options, OPTIONS);
    this.nHiddenNeurons = checkInteger('nHiddenNeurons', options.nHiddenNeurons ?? 50, 1);
    this.nCategories = checkInteger('nCategories', options.nCategories ?? 10, 1);
    this.epochs = checkInteger('epochs', options.epochs ?? 10, 0);
    this.batchSize = checkInteger('batchSize', options.batchSize ?? 100, 1);
    this.eta = checkInterval('eta', options.eta ?? 0.1, 0, Number.POSITIVE_INFINITY);
    this.lmbd = checkInterval('lmbd', options.lmbd ?? 0, 0, Number.POSITIVE_INFINITY);
    const x = toMatrix('xData', xData, { look });
    const y = this.#checkTargets('yOneHot', yOneHot, x.shape[0]);
    [this.nInputs, this.nFeatures] = x.shape;
    if (this.batchSize > this.nInputs)
      throw wrongValue('batchSize', `at most the number of samples, ${this.nInputs}`, this.batchSize);
    this.#shared = isRandomState(options.randomState);
    this.#random = checkRandomState(options.randomState);
    this.#x = dataset('xData', x, 'float64');
    this.#y = dataset('yOneHot', y, 'float64');
    this.#net = this.#record();
    for (const name of RECORDED) Object.defineProperty(this, name, { writable: false });
    const { plan, wh, bh, wo, bo } = this.#net;
    plan.write(wh, this.#random.randn(this.nFeatures, this.nHiddenNeurons));
    plan.write(bh, constant(this.nHiddenNeurons, 0.01));
    plan.write(wo, this.#random.randn(this.nHiddenNeurons, this.nCategories));
    plan.write(bo, constant(this.nCategories, 0.01));
  }

  /** [features, nHiddenNeurons]; reading gives a copy. During a training all four are of one moment, after a whole batch. */
  get hiddenWeights(): NDArray {
    return this.#parameter('wh');
  }
  set hiddenWeights(values: ArrayInput) {
    this.#write('hiddenWeights', this.#net.wh, values);
  }

  /** [nHiddenNeurons] */
  get hiddenBias(): NDArray {
    return this.#parameter('bh');
  }
  set hiddenBias(values: ArrayInput) {
    this.#write('hiddenBias', this.#net.bh, values);
  }

  /** [nHiddenNeurons, nCategories] */
  get outputWeights(): NDArray {
    return this.#parameter('wo');
  }
  set outputWeights(values: ArrayInput) {
    this.#write('outputWeights', this.#net.wo, values);
  }

  /** [nCategories] */
  get outputBias(): NDArray {
    return this.#parameter('bo');
  }
  set outputBias(values: ArrayInput) {
    this.#write('outputBias', this.#net.bo, values);
  }

  /**
   * Probabilities [n, nCategories] for x [n, features]. During a training, all are of the weights after one whole batch, as
   * `hiddenWeights` are.
   */
  feedForward(x: ArrayInput): NDArray {
    const array = this.#checkSamples(x);
    const net = this.#training ? this.#copy() : this.#net;
    const n = array.shape[0];
    const inputs = [[net.x, valuesOf(array, 'float64')] as const];
    const { outputs } = net.plan.runSync({
      program: 'predict',
      inputs,
      first: 0,
      count: n,
      batchSize: Math.min(n, PREDICT_BATCH),
      outputs: [net.p],
    });
    return NDArray.wrap((outputs as [Float64Array])[0], [n, this.nCategories]);
  }

  /**
   * The gradients of the network's cost for samples x [n, features] and targets y [n, nCategories]: summed over the
   * samples, with `lmbd * W` in those of the weights, as the lecture's class computes them. Changes no weight.
   */
  backpropagation(x: ArrayInput, y: ArrayInput): Gradients {
    const array = this.#checkSamples(x);
    const n = array.shape[0];
    const targets = this.#checkTargets('y', y, n);
    this.#checkIdle();
    const net = this.#net;
    net.plan.runSync({
      program: 'gradients',
      inputs: [
        [net.x, valuesOf(array, 'float64')],
        [net.y, valuesOf(targets, 'float64')],
      ],
      first: 0,
      count: n,
      batchSize: n,
    });
    return {
      outputWeightsGradient: this.#penalised(net.dwo, net.wo),
      outputBiasGradient: net.plan.read(net.dbo),
      hiddenWeightsGradient: this.#penalised(net.dwh, net.wh),
      hiddenBiasGradient: net.plan.read(net.dbh),
    };
  }

  /**
   * Trains for `epochs` epochs off the main thread. Same bits as `trainSync`. A diverging run ends with NaN weights and
   * a loss of NaN; it does not throw.
   * @throws Error with code ERR_BUSY if the network is training already, ERR_ABORTED after `signal` fired
   */
  async train(options: TrainOptions = {}): Promise<this> {
    checkOptions('options', options, ['signal', 'onEpochEnd']);
    if (options.signal !== undefined && !isAbortSignal(options.signal))
      throw wrongType('signal', 'an AbortSignal', options.signal);
    await drive(this.#loop(options), options.signal);
    return this;
  }

  /** Trains on the calling thread. */
  trainSync(options: Omit<TrainOptions, 'signal'> = {}): this {
    checkOptions('options', options, ['onEpochEnd']);
    driveSync(this.#loop(options));
    return this;
  }

  /** The most probable class of every row of x: int32 [n]. */
  predict(x: ArrayInput): NDArray {
    return argmaxRows(this.feedForward(x));
  }

  /** The same as `feedForward`. */
  predictProbabilities(x: ArrayInput): NDArray {
    return this.feedForward(x);
  }

  *#loop({ onEpochEnd }: TrainOptions): Training<void> {
    this.#checkIdle();
    if (onEpochEnd !== undefined && typeof onEpochEnd !== 'function')
      throw wrongType('onEpochEnd', 'a function', onEpochEnd);
    this.#training = true;
    try {
      const { plan, x, y } = this.#net;
      const { batchSize, epochs } = this;
      const inputs = [[x, this.#x] as const, [y, this.#y] as const];
      const perEpoch = this.#rowsPerEpoch;
      const all = this.#shared ? this.#draw(epochs * perEpoch) : undefined;
      let begun: (() => Int32Array) | undefined;
      const ahead = (n: number) => {
        begun = all ? undefined : this.#random.batchesAhead(this.nInputs, batchSize, n);
        return begun !== undefined;
      };
      const pace = new Pace();
      const settle = () => {
        this.#seen = undefined;
      };
      // Rows are drawn while a job is on its way, but not beyond a callback, which might draw itself.
      const [sweeps, count] = onEpochEnd ? [epochs, perEpoch] : [1, epochs * perEpoch];
      for (let epoch = 0; epoch < sweeps; epoch++) {
        const first = epoch * count;
        const take = (at: number, n: number) => {
          const end = begun;
          begun = undefined;
          return all?.subarray(first + at, first + at + n) ?? end?.() ?? this.#draw(n);
        };
        let loss = 0;
        yield* sweep(
          {
            plan,
            program: 'train',
            inputs,
            rows: { count, take, ahead },
            batchSize,
            pace,
            prepare: () => ({ settle }),
          },
          ({ result }) => {
            for (const batchLoss of result.report) loss += batchLoss;
            return undefined;
          },
        );
        const answer = onEpochEnd?.({ epoch, epochs, loss: loss / count });
        if (isPromise(answer)) yield answer;
      }
    } finally {
      this.#training = false;
      this.#seen = undefined;
      this.#aside = undefined;
    }
  }

  #record(): Network {
    return record(this.nFeatures, this.nHiddenNeurons, this.nCategories, this.eta, this.lmbd);
  }

  /** The network with the weights of this moment, in a plan of its own. */
  #copy(): Network {
    this.#aside ??= this.#record();
    for (const name of PARAMETERS) this.#aside.plan.write(this.#aside[name], this.#parameter(name));
    return this.#aside;
  }

  get #rowsPerEpoch(): number {
    return Math.floor(this.nInputs / this.batchSize) * this.batchSize;
  }

  #draw(count: number): Int32Array {
    return this.#random.batches(this.nInputs, this.batchSize, allocate(Int32Array, count));
  }

  /** @internal */
  [passOver](): void {
    if (this.#shared) this.#draw(this.epochs * this.#rowsPerEpoch);
  }

  #checkIdle(): void {
    if (this.#training) throw failure('ERR_BUSY', 'Expected the network to be idle, but it is training already');
  }

  #checkSamples(x: ArrayInput): NDArray {
    const array = toMatrix('x', x, { look });
    if (array.shape[1] !== this.nFeatures)
      throw wrongShape('x', `a matrix of ${this.nFeatures} columns, as xData is`, array.shape);
    return array;
  }

  #checkTargets(name: string, y: ArrayInput, samples: number): NDArray {
    const array = toMatrix(name, y, { look });
    if (array.shape[0] !== samples || array.shape[1] !== this.nCategories)
      throw wrongShape(name, `of shape [n, nCategories] = [${samples}, ${this.nCategories}]`, array.shape);
    return array;
  }

  #parameter(name: ParameterName): NDArray {
    const { plan, wh, bh, wo, bo } = this.#net;
    if (!this.#training) return plan.read(this.#net[name]);
    if (!this.#seen) {
      const [hiddenWeights, hiddenBias, outputWeights, outputBias] = plan.readTogether([wh, bh, wo, bo]);
      this.#seen = { wh: hiddenWeights, bh: hiddenBias, wo: outputWeights, bo: outputBias };
    }
    return NDArray.from(this.#seen[name]);
  }

  #write(name: string, buffer: Buffer, values: ArrayInput): void {
    this.#checkIdle();
    const array = asArray(name, values);
    if (array.shape.join() !== buffer.shape.join())
      throw wrongShape(name, `of shape [${buffer.shape.join(', ')}]`, array.shape);
    this.#net.plan.write(buffer, array);
  }

  #penalised(gradient: Buffer, weights: Buffer): NDArray {
    const sum = this.#net.plan.read(gradient);
    if (this.lmbd === 0) return sum;
    const w = this.#net.plan.read(weights);
    for (let i = 0; i < sum.data.length; i++) sum.data[i] += this.lmbd * w.data[i];
    return sum;
  }
}

const constant = (n: number, value: number) => NDArray.wrap(allocate(Float64Array, n).fill(value));
