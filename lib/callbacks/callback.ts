import type { ArrayInput, NDArray } from '../array.js';
import { wrongValue } from '../check.js';
import type { Graph } from '../graph/graph.js';
import type { Layer, Shape } from '../layers/layer.js';
import type { Schedule } from '../schedules.js';

/** The loss and the metrics by name; those of the validation data begin with 'val_'. */
export type Logs = Record<string, number>;

/** What `fit` is about to do. */
export interface CallbackParams {
  /** Training ends before the epoch of this number. */
  readonly epochs: number;
  /** The number of the first epoch. May be set in `onTrainBegin`, to go on with an earlier training. */
  initialEpoch: number;
  /** Batches of an epoch. Of a source known after the first one, where `batchesPerEpoch` does not say. */
  readonly steps?: number;
  /** Samples of an epoch. Of a source known after the first one. */
  readonly samples?: number;
  /** Of arrays: a source decides for each batch. */
  readonly batchSize?: number;
  readonly verbose: 0 | 1 | 2;
  /** Names of the metrics, beside 'loss'. */
  readonly metrics: readonly string[];
  /** Which of several ranks this is that train together. Absent: it is alone */
  readonly rank?: number;
}

/** The network as callbacks see it; a `Sequential` is one. */
export interface CallbackModel {
  readonly name: string;
  /** Set it to true to end training after the batch in progress. */
  stopTraining: boolean;
  readonly optimizer: { learningRate: number | Schedule };
  /** Updates of the weights done so far. */
  readonly iterations: number;
  readonly metrics: readonly { readonly name: string; readonly config: { readonly name: string } }[];
  /** How the layers are applied. */
  readonly graph?: Graph | undefined;
  readonly layers: readonly Layer[];
  readonly layerNames: readonly string[];
  readonly inputShape?: Shape | undefined;
  readonly outputShapes?: readonly Shape[] | undefined;
  readonly weightNames: readonly string[];
  getWeights(): NDArray[];
  setWeights(weights: readonly ArrayInput[]): void;
  save(path: string): Promise<void>;
}

/** What callbacks may do to the training they are called in, while they are called. */
export interface TrainingState {
  /**
   * Takes up the training of a file that `save` wrote of such a network: its weights, the optimizer's memory and learning rate,
   * the count of updates and the generator.
   *
   * @throws Error with code ERR_FORMAT, and the place and reason, if the file is damaged, or of another network
   */
  restore(path: string): Promise<void>;
  /**
   * Exchanges the weights and their moving averages, unless that is done already; with `back`, undoes it.
   * @throws TypeError if the optimizer has no `useEma`
   */
  swapAverages(back?: boolean): void;
}

/**
 * Something that watches or steers `fit`: any object of these methods. Where one returns a promise, `fit` waits for it
 * before it goes on (until its signal fires), and `fitSync` throws; what one throws, `fit` rejects with. The network is
 * between two batches: `save`, `getWeights`, `setWeights`, `predict`, `predictSync` and `evaluateSync` work, `evaluate` is
 * ERR_BUSY. Epochs and batches count from 0. All callbacks are given the same `logs`, in their order, and what one adds to those of an epoch is in the History.
 */
export interface Callback {
  /**
   * Of several ranks that train together (`distributed`), whether rank 0 alone calls it: for what writes files or prints. Default
   * false: each rank calls its own, with the same logs of epochs
   */
  readonly firstRankOnly?: boolean;
  setModel?(model: CallbackModel): unknown;
  setParams?(params: CallbackParams): unknown;
  setTraining?(training: TrainingState): unknown;
  onTrainBegin?(): unknown;
  /** @param logs those of the last epoch. Not called when training ends with an error or is aborted */
  onTrainEnd?(logs: Logs): unknown;
  onEpochBegin?(epoch: number): unknown;
  onEpochEnd?(epoch: number, logs: Logs): unknown;
  /** Around the validation of an epoch, before `onEpochEnd`. */
  onTestBegin?(): unknown;
  /** @param logs those of the validation data, without 'val_' */
  onTestEnd?(logs: Logs): unknown;
  /** Batches then run one by one, which costs a round trip of some 15 µs each; `onProgress` does not. */
  onBatchBegin?(batch: number): unknown;
  /** @param logs means over the epoch so far */
  onBatchEnd?(batch: number, logs: Logs): unknown;
  /**
   * Called every 10 ms or so, at the end of a batch.
   * @param batches of the epoch done so far
   * @param logs means over the epoch so far
   */
  onProgress?(batches: number, logs: Logs): unknown;
}

/** What `fit` returns: the logs of every epoch. */
export class History implements Callback {
  /** The numbers of the epochs, from 0. */
  readonly epoch: number[] = [];
  /** Those of them with a validation: all, unless `validationFreq` says otherwise. */
  readonly validationEpoch: number[] = [];
  /** For each name in the logs its values, one for each epoch that has it. */
  readonly history: Record<string, number[]> = {};

  onEpochEnd(epoch: number, logs: Logs): void {
    this.epoch.push(epoch);
    if (Object.keys(logs).some((name) => name.startsWith('val_'))) this.validationEpoch.push(epoch);
    for (const [name, value] of Object.entries(logs)) {
      if (!Object.hasOwn(this.history, name)) this.history[name] = [];
      this.history[name].push(value);
    }
  }
}

/** Prints what a callback of `verbose: 1` does; of several ranks, whose `setParams` says so, the first alone. */
export function announcing(verbose: 0 | 1): {
  announce(message: string): void;
  setParams(params: CallbackParams): void;
} {
  let rank = 0;
  return {
    announce(message) {
      if (verbose === 1 && rank === 0) process.stdout.write(`\n${message}\n`);
    },
    setParams(params) {
      rank = params.rank ?? 0;
    },
  };
}

export function checkVerbose(verbose: unknown = 0): 0 | 1 {
  if (verbose !== 0 && verbose !== 1) throw wrongValue('verbose', '0 or 1', verbose);
  return verbose;
}
