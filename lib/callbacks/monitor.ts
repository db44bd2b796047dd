import { checkNumber, checkOneOf, wrongType, wrongValue } from '../check.js';
import { ALIASES, type MetricName } from '../metrics.js';
import { warn } from '../warn.js';
import type { CallbackModel, Logs } from './callback.js';

export interface MonitorOptions {
  /** The name in the logs to watch. Default 'val_loss' */
  monitor?: string;
  /** Is less ('min') or more ('max') of it better? Default 'auto': known of losses and of the metrics, whatever they are called */
  mode?: 'auto' | 'min' | 'max';
}

/** What is better of each metric. */
const DIRECTIONS: Readonly<Record<MetricName, 'min' | 'max'>> = {
  accuracy: 'max',
  binaryAccuracy: 'max',
  topKCategoricalAccuracy: 'max',
  precision: 'max',
  recall: 'max',
  f1Score: 'max',
  fBetaScore: 'max',
  auc: 'max',
  meanIoU: 'max',
  sensitivityAtSpecificity: 'max',
  specificityAtSensitivity: 'max',
  precisionAtRecall: 'max',
  recallAtPrecision: 'max',
  truePositives: 'max',
  trueNegatives: 'max',
  falsePositives: 'min',
  falseNegatives: 'min',
  rSquared: 'max',
  cosineSimilarity: 'max',
  meanSquaredError: 'min',
  rootMeanSquaredError: 'min',
  meanAbsoluteError: 'min',
  meanAbsolutePercentageError: 'min',
  meanSquaredLogarithmicError: 'min',
  logCosh: 'min',
  poisson: 'min',
  klDivergence: 'min',
  hinge: 'min',
  squaredHinge: 'min',
  categoricalHinge: 'min',
  categoricalCrossentropy: 'min',
  sparseCategoricalCrossentropy: 'min',
  binaryCrossentropy: 'min',
};

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
    this.#minDelta = Math.abs(checkNumber('minDelta', minDelta));
  }

  /** @throws RangeError if the mode is 'auto' and cannot be known from the name */
  begin(model: CallbackModel): void {
    this.#warned = false;
    this.#sign = this.#minimizes(model) ? -1 : 1;
  }

  /** The value in the logs, or nothing and, the first time, a warning that says what `purpose` would have needed it. */
  read(logs: Logs, purpose: string): number | undefined {
    const value = Object.hasOwn(logs, this.name) ? logs[this.name] : undefined;
    if (value !== undefined && typeof value !== 'number') throw wrongType(`logs.${this.name}`, 'a number', value);
    if (value === undefined && !this.#warned) {
      this.#warned = true;
      const names = Object.keys(logs).join(', ');
      warn('FJORDNET_MONITOR', `${purpose} needs '${this.name}', which is not in the logs; there are: ${names}`);
    }
    return value;
  }

  /** Is `value` better than `reference` by more than minDelta? Any number is better than nothing; NaN never is. */
  improves(value: number, reference: number | undefined): boolean {
    if (Number.isNaN(value)) return false;
    return reference === undefined || this.#sign * value - this.#minDelta > this.#sign * reference;
  }

  #minimizes(model: CallbackModel): boolean {
    if (this.#mode !== 'auto') return this.#mode === 'min';
    const name = this.name.replace(/^val_/, '');
    if (/(^|_)loss$/.test(name)) return true; // that of an output, too
    const known =
      model.metrics.find((m) => m.name === name)?.config.name ?? ALIASES[name as keyof typeof ALIASES] ?? name;
    if (Object.hasOwn(DIRECTIONS, known)) return DIRECTIONS[known as MetricName] === 'min';
    const names = ['loss', ...model.metrics.map((m) => m.name)].join(', ');
    throw wrongValue('mode', `'min' or 'max' where monitor is '${this.name}' (this network logs ${names})`, 'auto');
  }
}
