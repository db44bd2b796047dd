import { checkBoolean, checkOptions } from '../check.js';
import type { Callback, TrainingState } from './callback.js';

export interface SwapEmaWeightsOptions {
  /** Exchange them at the end of every epoch too, until the next one begins, for callbacks behind this one. Default false */
  swapOnEpoch?: boolean;
}

/**
 * Has validation look at the moving averages of the weights instead of the weights, with an optimizer that has `useEma: true`;
 * with `swapOnEpoch`, a modelCheckpoint behind it saves them. Keras' SwapEMAWeights.
 */
export function swapEmaWeights(options: SwapEmaWeightsOptions = {}): Callback {
  checkOptions('options', options, ['swapOnEpoch']);
  const swapOnEpoch = checkBoolean('swapOnEpoch', options.swapOnEpoch ?? false);
  let training: TrainingState;
  return {
    setTraining(given) {
      training = given;
    },
    onTrainBegin() {
      training.swapAverages(true); // refuses an optimizer without averages now
    },
    onTestBegin() {
      training.swapAverages();
    },
    onTestEnd() {
      training.swapAverages(true);
    },
    onEpochBegin() {
      if (swapOnEpoch) training.swapAverages(true);
    },
    onEpochEnd() {
      if (swapOnEpoch) training.swapAverages();
    },
  };
}
