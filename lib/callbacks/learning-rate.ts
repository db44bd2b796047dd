import { checkInteger, checkInterval, checkOptions, wrongType } from '../check.js';
import { announcing, type Callback, type CallbackModel, checkVerbose } from './callback.js';
import { Monitor, type MonitorOptions } from './monitor.js';

export interface ReduceLROnPlateauOptions extends MonitorOptions {
  /** The learning rate is multiplied by it, in (0, 1). Default 0.1 */
  factor?: number;
  /** Epochs without improvement after which the rate is reduced. Default 10 */
  patience?: number;
  /** A change of no more than this is no improvement. Default 1e-4 */
  minDelta?: number;
  /** Epochs to wait after a reduction before counting again. Default 0 */
  cooldown?: number;
  /** The rate is not reduced below it. Default 0 */
  minLr?: number;
  /** 1: say what is done. Default 0 */
  verbose?: 0 | 1;
}

/**
 * Reduces the learning rate when a value of the logs has stopped improving; Keras' ReduceLROnPlateau. Adds the rate of
 * each epoch to its logs, as `learning_rate`. NaN is no improvement.
 *
 * @throws TypeError, when training begins, if the optimizer's learning rate is a schedule
 */
export function reduceLROnPlateau(options: ReduceLROnPlateauOptions = {}): Callback {
  checkOptions('options', options, [
    'monitor',
    'mode',
    'factor',
    'patience',
    'minDelta',
    'cooldown',
    'minLr',
    'verbose',
  ]);
  const monitor = new Monitor(options, options.minDelta ?? 1e-4);
  const factor = checkInterval('factor', options.factor ?? 0.1, 0, 1, 'both');
  const patience = checkInteger('patience', options.patience ?? 10, 0);
  const cooldown = checkInteger('cooldown', options.cooldown ?? 0, 0);
  const minLr = checkInterval('minLr', options.minLr ?? 0, 0, Number.POSITIVE_INFINITY);
  const { announce, setParams } = announcing(checkVerbose(options.verbose));
  let model: CallbackModel;
  let best: number | undefined;
  let wait = 0;
  let cooling = 0;
  return {
    setParams,
    setModel(given) {
      model = given;
    },
    onTrainBegin() {
      monitor.begin(model);
      rateOf(model, 'reduceLROnPlateau');
      best = undefined;
      wait = 0;
      cooling = 0;
    },
    onEpochEnd(epoch, logs) {
      const rate = rateOf(model, 'reduceLROnPlateau');
      logs.learning_rate = rate;
      const current = monitor.read(logs, 'reduceLROnPlateau');
      if (current === undefined) return;
      if (cooling > 0) {
        cooling--;
        wait = 0;
      }
      if (monitor.improves(current, best)) {
        best = current;
        wait = 0;
      } else if (cooling === 0) {
        wait++;
        if (wait < patience || rate <= minLr) return;
        const reduced = Math.max(rate * factor, minLr);
        model.optimizer.learningRate = reduced;
        announce(`Epoch ${epoch + 1}: reducing the learning rate to ${reduced}`);
        cooling = cooldown;
        wait = 0;
      }
    },
  };
}

/**
 * Sets the learning rate of every epoch; Keras' LearningRateScheduler. Adds it to the epoch's logs, as `learning_rate`.
 *
 * @param schedule is given the epoch, from 0, and the rate so far, and returns the rate to use, >= 0
 * @param options.verbose 1: say what is done. Default 0
 * @throws TypeError, when training begins, if the optimizer's learning rate is a schedule
 */
export function learningRateScheduler(
  schedule: (epoch: number, learningRate: number) => number,
  options: { verbose?: 0 | 1 } = {},
): Callback {
  if (typeof schedule !== 'function') throw wrongType('schedule', 'a function', schedule);
  checkOptions('options', options, ['verbose']);
  const { announce, setParams } = announcing(checkVerbose(options.verbose));
  let model: CallbackModel;
  return {
    setParams,
    setModel(given) {
      model = given;
    },
    onEpochBegin(epoch) {
      const returned = schedule(epoch, rateOf(model, 'learningRateScheduler'));
      const rate = checkInterval('the rate that schedule returned', returned, 0, Number.POSITIVE_INFINITY);
      model.optimizer.learningRate = rate;
      announce(`Epoch ${epoch + 1}: setting the learning rate to ${rate}`);
    },
    onEpochEnd(_epoch, logs) {
      logs.learning_rate = rateOf(model, 'learningRateScheduler');
    },
  };
}

function rateOf(model: CallbackModel, callback: string): number {
  const { learningRate } = model.optimizer;
  if (typeof learningRate !== 'number')
    throw wrongType('optimizer.learningRate', `a number, for ${callback} to change`, learningRate.config.name);
  return learningRate;
}
