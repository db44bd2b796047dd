import { takeOptionsAlone } from '../check.js';
import { backupAndRestore } from './backup-and-restore.js';
import { csvLogger } from './csv-logger.js';
import { earlyStopping } from './early-stopping.js';
import { learningRateScheduler, reduceLROnPlateau } from './learning-rate.js';
import { modelCheckpoint } from './model-checkpoint.js';
import { progressBar } from './progress-bar.js';
import { swapEmaWeights } from './swap-ema-weights.js';
import { tensorBoard } from './tensor-board.js';
import { terminateOnNaN } from './terminate-on-nan.js';

export type { BackupAndRestoreOptions } from './backup-and-restore.js';
export {
  type Callback,
  type CallbackModel,
  type CallbackParams,
  History,
  type Logs,
  type TrainingState,
} from './callback.js';
export type { CsvLoggerOptions } from './csv-logger.js';
export type { EarlyStopping, EarlyStoppingOptions } from './early-stopping.js';
export type { ReduceLROnPlateauOptions } from './learning-rate.js';
export type { ModelCheckpoint, ModelCheckpointOptions } from './model-checkpoint.js';
export type { MonitorOptions } from './monitor.js';
export type { ProgressBarOptions } from './progress-bar.js';
export type { SwapEmaWeightsOptions } from './swap-ema-weights.js';
export type { TensorBoardOptions } from './tensor-board.js';

/** Ready-made callbacks for `fit`, with Keras' names, defaults and behaviour. */
export const callbacks = {
  earlyStopping,
  modelCheckpoint,
  backupAndRestore,
  swapEmaWeights,
  reduceLROnPlateau,
  learningRateScheduler,
  csvLogger,
  tensorBoard,
  terminateOnNaN,
  progressBar,
};
takeOptionsAlone('callbacks', callbacks, ['learningRateScheduler', 'csvLogger', 'tensorBoard', 'terminateOnNaN']);
