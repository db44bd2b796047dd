import { csvLogger } from './csv-logger.js';
import { earlyStopping } from './early-stopping.js';
import { learningRateScheduler, reduceLROnPlateau } from './learning-rate.js';
import { modelCheckpoint } from './model-checkpoint.js';
import { progressBar } from './progress-bar.js';
import { tensorBoard } from './tensor-board.js';
import { terminateOnNaN } from './terminate-on-nan.js';

export { type Callback, type CallbackModel, type CallbackParams, History, type Logs } from './callback.js';

/** Ready-made callbacks for `fit`, with Keras' names, defaults and behaviour. */
export const callbacks = {
  earlyStopping,
  modelCheckpoint,
  reduceLROnPlateau,
  learningRateScheduler,
  csvLogger,
  tensorBoard,
  terminateOnNaN,
  progressBar,
};
