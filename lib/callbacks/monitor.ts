import { checkInterval, checkOneOf, wrongType, wrongValue } from '../check.js';
import type { CallbackModel, Logs } from './callback.js';

export interface MonitorOptions {
  /** The name in the logs to watch. Default 'val_loss' */
  monitor?: string;
  /** Is less ('min') or more ('max') of it better? Default 'auto': known from the name */
  mode?: 'auto' | 'min' | 'max';
}

const MINIMIZED = ['loss', 'meanSquaredError', 'mse', 'meanAbsoluteError', 'mae'];
const MAXIMIZED = ['accuracy', 'acc', 'topKCategoricalAccuracy', 'precision', 'recall', 'rSquared'];

/** Watches one value of the logs and knows what an improvement of it is, as Keras' MonitorCallback. */
export class Monitor {
  readonly name: string;
  readonly #mode: 'auto' | 'min' | 'max';
  readonly #minDelta: number;
  #sign = 1;
  #warned = false;

  constructor({ monitor = 'val_loss', mode = 'auto' }: MonitorOptions, minDelta = 0) {
    if (typeof monitor !== 'string') throw wrongType('monitor', 'a string', monitor);
    this.name = monitor;
    this.#mode = checkOneOf('mode', mode, ['auto', 'min', 'max']);
    this.#minDelta = Math.abs(checkInterval('minDelta', minDelta, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY));
  }

  /** @throws RangeError if the mode is 'auto' and cannot be known from the name */
  begin(model: CallbackModel): void {
    this.#warned = false;
    this.#sign = this.#minimizes(model) ? -1 : 1;
  }

  /** The value in the logs, or nothing and, the first time, a warning that says what `purpose` would have needed it. */
  read(logs: Logs, purpose: string): number | undefined {
    const value = logs[this.name];
    if (value === undefined && !this.#warned) {
      this.#warned = true;
      const names = Object.keys(logs).join(', ');
      process.emitWarning(`${purpose} needs '${this.name}', which is not in the logs; there are: ${names}`, {
        code: 'FJORDNET_MONITOR',
      });
    }
    return value;
  }

  /** Is `value` better than `reference` by more than minDelta? Anything is better than nothing, NaN than no number. */
  improves(value: number, reference: number | undefined): boolean {
    return reference === undefined || this.#sign * value - this.#minDelta > this.#sign * reference;
  }

  #minimizes(model: CallbackModel): boolean {
    if (this.#mode !== 'auto') return this.#mode === 'min';
    const name = this.name.replace(/^val_/, '');
    const metric = model.metrics.find((m) => m.name === name)?.config.name ?? name;
    if (MINIMIZED.includes(metric)) return true;
    if (MAXIMIZED.includes(metric)) return false;
    const names = ['loss', ...model.metrics.map((m) => m.name)].join(', ');
    throw wrongValue('mode', `'min' or 'max' where monitor is '${this.name}' (this network logs ${names})`, 'auto');
  }
}
