import type { ArrayInput, NDArray } from '../array.js';
import type { Callback } from '../callbacks/callback.js';
import type { ClassWeight } from '../class-weight.js';
import type { ForEach, ForSome } from '../graph/name-types.js';
import type { Value } from '../graph/value.js';
import type { FloatType } from '../tape.js';
import type { ByPort } from '../training/data.js';
import type { DistributedOptions } from '../training/ranks.js';
import type { Source } from '../training/source.js';

/** One value, or several. */
export type Outputs = Value | readonly Value[];
/** The samples of a network's inputs: an array, a list of them, or by the names of the inputs. */
export type DataOf<I> = ForEach<I, ArrayInput>;
/** Targets: the same, for the outputs that have a loss. */
export type TargetsOf<O> = ForSome<O, ArrayInput>;
/** What `predict` gives: an array for each output, in a list where the outputs were given as one. */
export type Predicted<O extends Outputs> = O extends readonly Value[] ? NDArray[] : NDArray;

/** What a source gives at a time: samples of one step with their targets, and perhaps weights. */
export type Batch<I = any, O = any> =
  | readonly [x: DataOf<I>, y: TargetsOf<O>]
  | readonly [x: DataOf<I>, y: TargetsOf<O>, sampleWeight: ByPort | undefined]
  | readonly ArrayInput[];
/** The same for predictions, which look at x alone. */
export type BatchOfInputs<I = any> = readonly [x: DataOf<I>, ...rest: unknown[]] | readonly ArrayInput[] | NDArray;

export interface ModelOptions<O extends Outputs = Outputs, I extends Outputs = Outputs> {
  /** What `input` gives; or the values of another network's layers, from which this one begins anew. */
  inputs: I;
  /** What layers make of the inputs. */
  outputs: O;
  /** Default 'model' */
  name?: string;
  /** What the network computes in. Default 'float32' */
  dtype?: FloatType;
  /** Decides the initial weights, the shuffles and the dropout masks. Default: an unpredictable one */
  seed?: number;
}

export interface FitOptions extends DistributedOptions {
  /** Samples for each update of the weights, with `distributed` on each rank. The last batch of an epoch may be smaller. Default 32 */
  batchSize?: number;
  /** Passes over the data, counted from 0: training ends before the epoch of this number. Default 1 */
  epochs?: number;
  /** Share of the samples, the last ones before any shuffling, to validate on. Default 0 */
  validationSplit?: number;
  /** [x, y] or [x, y, sampleWeight] to validate on after each epoch, or a source of such batches, gone over each time. */
  validationData?: readonly [ByPort, ByPort] | readonly [ByPort, ByPort, ByPort] | Source<Batch>;
  /** Of arrays to validate on. Default: batchSize; with a source to train on 32 */
  validationBatchSize?: number;
  /** Validate after every n-th epoch, or after those of an array, counted from 1, as in Keras. Default 1 */
  validationFreq?: number | readonly number[];
  /** Put the samples into a new order for each epoch. Default true */
  shuffle?: boolean;
  /**
   * Weight of each class in the training loss, such as `{ 0: 1, 1: 5 }` or a Map; classes that are not named weigh 1. Or
   * 'balanced': n / (k * count) for a class of `count` among n training samples of k classes, as scikit-learn. Multiplies
   * `sampleWeight`; the validation loss has no part in it, as in Keras. For networks of one output.
   */
  classWeight?: ClassWeight;
  /**
   * Weight of each sample in the loss, [n], none negative; with `validationSplit` also of those to validate on. Of a network of
   * several outputs one array for all of them, or one for each.
   */
  sampleWeight?: ByPort;
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

export interface FitSourceOptions
  extends Omit<FitOptions, 'batchSize' | 'validationSplit' | 'shuffle' | 'sampleWeight'> {
  /**
   * Batches of an epoch, Keras' `steps_per_epoch`: the next epoch goes on where the last one stopped, and a source that ends before
   * begins anew. One that cannot, as what a generator gives, ends training then, with a warning; a function is called for each
   * epoch in any case. Default: all that there are
   */
  batchesPerEpoch?: number;
  /** As with arrays; 'balanced' of `data.imageFolder` alone, shuffled and in batches or not, as other labels are not known before. */
  classWeight?: ClassWeight;
}

export interface EvaluateOptions {
  /** Default 32 */
  batchSize?: number;
  sampleWeight?: ByPort;
  signal?: AbortSignal;
}

export type EvaluateSourceOptions = Pick<EvaluateOptions, 'signal'>;
export type PredictSourceOptions = Pick<PredictOptions, 'signal'>;

export interface PredictOptions {
  /** Samples computed at a time. Default 32 */
  batchSize?: number;
  signal?: AbortSignal;
  /**
   * Microseconds that a call of at most one batch may wait for others that wait, too, and share batches of up to `batchSize` with
   * it: the weights are read once for all of them. The last digits then depend on how many there are. Default 0: calls go
   * together with those that wait for their turn anyway, each as a batch of its own
   */
  maxQueueDelay?: number;
}

export interface PredictNowOptions<O extends Outputs = Outputs> {
  /** Samples computed at a time. Default 32 */
  batchSize?: number;
  /**
   * Where the outputs are written, and what is returned: an array [n, ...] of the network's dtype, of several outputs a list of
   * them. With samples of that dtype, too, a call allocates next to nothing. Default: new arrays
   */
  out?: Predicted<O>;
}

export interface BatchOptions {
  /** Weight of each sample in the loss, [n], none negative. */
  sampleWeight?: ByPort;
  classWeight?: ClassWeight;
}
