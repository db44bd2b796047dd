import { checkAlone } from '../check.js';
import { warn } from '../warn.js';
import type { Callback, CallbackModel } from './callback.js';

/**
 * Stops training after the first batch whose loss makes the epoch's mean NaN or infinite, with a warning; Keras'
 * TerminateOnNaN. The epoch still ends as every other, with its logs and its validation.
 */
export function terminateOnNaN(): Callback;
export function terminateOnNaN(...others: unknown[]): Callback {
  checkAlone('terminateOnNaN', 0, others);
  let model: CallbackModel;
  return {
    setModel(given) {
      model = given;
    },
    onBatchEnd(batch, logs) {
      if (Number.isFinite(logs.loss) || model.stopTraining) return;
      warn('FJORDNET_NAN', `Batch ${batch}: the loss is ${logs.loss}, so training ends`);
      model.stopTraining = true;
    },
  };
}
