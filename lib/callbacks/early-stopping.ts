import type { NDArray } from '../array.js';
import { checkBoolean, checkInteger, checkNumber, checkOptions } from '../check.js';
import { announcing, type Callback, type CallbackModel, checkVerbose } from './callback.js';
import { Monitor, type MonitorOptions } from './monitor.js';

export interface EarlyStoppingOptions extends MonitorOptions {
  /** A change of no more than this is no improvement. Default 0 */
  minDelta?: number;
  /** Epochs without improvement after which training stops; never at epoch 0. Default 0: at the first */
  patience?: number;
  /**
   * An improvement starts the count of `patience` anew only if it is also better than this. Training stops at the first
   * epoch that is not better than the best before, once `patience` epochs have gone by since the count began: values that
   * keep improving, and never reach the baseline, do not stop it. Default: none
   */
  baseline?: number;
  /**
   * Put back the weights of the best epoch when training ends, whether it was stopped or not: the best value of all,
   * whether better than `baseline` or not; where all values are NaN, the first epoch looked at. Default false
   */
  restoreBestWeights?: boolean;
  /** Epochs before this one are not looked at. Default 0 */
  startFromEpoch?: number;
  /** 1: say what is done. Default 0 */
  verbose?: 0 | 1;
}

export interface EarlyStopping extends Callback {
  /** The epoch after which training was stopped, from 0; undefined if it was not. */
  readonly stoppedEpoch: number | undefined;
  /** The epoch of the best value, from 0; undefined as long as all values were NaN. */
  readonly bestEpoch: number | undefined;
  /** The best value of the last training. */
  readonly best: number | undefined;
}

/**
 * Stops training when a value of the logs has stopped improving; Keras' EarlyStopping. The optimizer's memory is not put
 * back with the best weights. NaN is no improvement, also as the first value (which is the best for ever in Keras). A
 * value that is missing gives a warning, once, and training goes on.
 */
export function earlyStopping(options: EarlyStoppingOptions = {}): EarlyStopping {
  checkOptions('options', options, [
    'monitor',
    'mode',
    'minDelta',
    'patience',
    'baseline',
    'restoreBestWeights',
    'startFromEpoch',
    'verbose',
  ]);
  const monitor = new Monitor(options, options.minDelta);
  const patience = checkInteger('patience', options.patience ?? 0, 0);
  const baseline = options.baseline === undefined ? undefined : checkNumber('baseline', options.baseline);
  const restoreBestWeights = checkBoolean('restoreBestWeights', options.restoreBestWeights ?? false);
  const startFromEpoch = checkInteger('startFromEpoch', options.startFromEpoch ?? 0, 0);
  const { announce, setParams } = announcing(checkVerbose(options.verbose));
  let model: CallbackModel;
  let wait = 0;
  let best: number | undefined;
  let bestEpoch: number | undefined;
  let bestWeights: NDArray[] | undefined;
  let stoppedEpoch: number | undefined;
  return {
    get stoppedEpoch() {
      return stoppedEpoch;
    },
    get bestEpoch() {
      return bestEpoch;
    },
    get best() {
      return best;
    },
    setParams,
    setModel(given) {
      model = given;
    },
    onTrainBegin() {
      monitor.begin(model);
      wait = 0;
      best = undefined;
      bestEpoch = undefined;
      bestWeights = undefined;
      stoppedEpoch = undefined;
    },
    onEpochEnd(epoch, logs) {
      const current = monitor.read(logs, 'earlyStopping');
      if (current === undefined || epoch < startFromEpoch) return;
      if (restoreBestWeights) bestWeights ??= model.getWeights();
      wait++;
      if (monitor.improves(current, best)) {
        best = current;
        bestEpoch = epoch;
        if (restoreBestWeights) bestWeights = model.getWeights();
        if (baseline === undefined || monitor.improves(current, baseline)) wait = 0;
      } else if (wait >= patience && epoch > 0) {
        stoppedEpoch = epoch;
        model.stopTraining = true;
      }
    },
    onTrainEnd() {
      if (stoppedEpoch !== undefined) announce(`Epoch ${stoppedEpoch + 1}: early stopping`);
      if (bestWeights === undefined) return;
      announce(
        `Restoring the weights of ${bestEpoch === undefined ? 'the first epoch' : `the best epoch, ${bestEpoch + 1}`}`,
      );
      model.setWeights(bestWeights);
    },
  };
}
