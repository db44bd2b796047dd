import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { roundEven } from '../array-format.js';
import { checkBoolean, checkInteger, checkNumber, checkOptions, wrongType, wrongValue } from '../check.js';
import { absolutePath, writeFailure } from '../io/atomic.js';
import { announcing, type Callback, type CallbackModel, checkVerbose, type Logs } from './callback.js';
import { Monitor, type MonitorOptions } from './monitor.js';

export interface ModelCheckpointOptions extends MonitorOptions {
  /**
   * Where to save. `{epoch}` (from 1), `{batch}` (from 1, where saveFreq is a number) and the names in the logs are
   * filled in, with Python's formats: 'run/{epoch:02d}-{val_loss:.2f}.safetensors'. Missing folders are made,
   * from the current folder when the callback is made.
   */
  filepath: string;
  /** Save only what is better than all before; NaN never is. Default false */
  saveBestOnly?: boolean;
  /** 'epoch', or the number of batches after which to save. Default 'epoch' */
  saveFreq?: 'epoch' | number;
  /** With saveBestOnly: save only what is better than this. Default: none */
  initialValueThreshold?: number;
  /** 1: say what is done. Default 0 */
  verbose?: 0 | 1;
}

export interface ModelCheckpoint extends Callback {
  /** With saveBestOnly: the best value so far, over all trainings. */
  readonly best: number | undefined;
  /** The file that was saved last, with its whole path. */
  readonly lastSaved: string | undefined;
}

/**
 * Saves the network during training; Keras' ModelCheckpoint. Files are replaced at once or not at all (see
 * `Sequential.save`). Saving takes a promise, so `fitSync` cannot have this callback.
 */
export function modelCheckpoint(options: ModelCheckpointOptions): ModelCheckpoint {
  checkOptions('options', options, [
    'filepath',
    'monitor',
    'mode',
    'saveBestOnly',
    'saveFreq',
    'initialValueThreshold',
    'verbose',
  ]);
  const { filepath, saveFreq = 'epoch' } = options;
  const path = pathTemplate(filepath);
  const home = process.cwd();
  const monitor = new Monitor(options);
  const saveBestOnly = checkBoolean('saveBestOnly', options.saveBestOnly ?? false);
  if (saveFreq !== 'epoch') {
    if (typeof saveFreq !== 'number') throw wrongType('saveFreq', "'epoch' or a positive integer", saveFreq);
    checkInteger('saveFreq', saveFreq, 1);
  }
  const { initialValueThreshold } = options;
  let best =
    initialValueThreshold === undefined ? undefined : checkNumber('initialValueThreshold', initialValueThreshold);
  const { announce } = announcing(checkVerbose(options.verbose));
  let model: CallbackModel;
  let lastSaved: string | undefined;
  let currentEpoch = 0;
  let batches = 0;

  const isDue = (epoch: number, logs: Logs): boolean => {
    if (!saveBestOnly) return true;
    const current = monitor.read(logs, 'modelCheckpoint, which then saves every time,');
    if (current === undefined) return true;
    const before = best === undefined ? 'nothing' : best.toFixed(5);
    if (!monitor.improves(current, best)) {
      announce(`Epoch ${epoch + 1}: ${monitor.name} did not improve from ${before}`);
      return false;
    }
    announce(`Epoch ${epoch + 1}: ${monitor.name} improved from ${before} to ${current.toFixed(5)}`);
    best = current;
    return true;
  };
  const save = async (epoch: number, file: string): Promise<void> => {
    const folder = dirname(file);
    try {
      await mkdir(folder, { recursive: true });
    } catch (error) {
      throw writeFailure(folder, error);
    }
    await model.save(file);
    lastSaved = file;
    announce(`Epoch ${epoch + 1}: saved to ${file}`);
  };
  const saveIfDue = (epoch: number, logs: Logs, batch?: number): Promise<void> | undefined => {
    const name = path({ ...(batch === undefined ? {} : { batch: batch + 1 }), ...logs, epoch: epoch + 1 });
    return isDue(epoch, logs) ? save(epoch, absolutePath(name, home)) : undefined;
  };

  const checkpoint: ModelCheckpoint = {
    firstRankOnly: true,
    get best() {
      return best;
    },
    get lastSaved() {
      return lastSaved;
    },
    setModel(given) {
      model = given;
    },
    onTrainBegin() {
      if (saveBestOnly) monitor.begin(model);
    },
    onEpochBegin(epoch) {
      currentEpoch = epoch;
    },
  };
  if (saveFreq === 'epoch') checkpoint.onEpochEnd = (epoch, logs) => saveIfDue(epoch, logs);
  else
    checkpoint.onBatchEnd = (batch, logs) => {
      if (++batches < saveFreq) return undefined;
      batches = 0;
      return saveIfDue(currentEpoch, logs, batch);
    };
  return checkpoint;
}

const PLACEHOLDER = /\{([^{}:]+)(?::(0?)(\d*)(?:\.(\d+))?([dfe]))?\}/g;

/** A function that fills in a path with placeholders as `{epoch:02d}`. @throws RangeError for other uses of braces */
function pathTemplate(filepath: unknown): (values: Readonly<Record<string, number>>) => string {
  if (typeof filepath !== 'string') throw wrongType('filepath', 'a string', filepath);
  if (filepath === '' || /[{}]/.test(filepath.replace(PLACEHOLDER, '')))
    throw wrongValue(
      'filepath',
      'a file name with placeholders such as {epoch}, {epoch:02d} or {val_loss:.2f}',
      filepath,
    );
  return (values) =>
    filepath.replace(PLACEHOLDER, (_, name: string, zero: string, width: string, digits = '6', type?: string) => {
      if (!Object.hasOwn(values, name) || typeof values[name] !== 'number')
        throw wrongValue('filepath', `made of the names ${Object.keys(values).join(', ')}`, filepath);
      const value = values[name];
      const text = inDigits(value, type, Number(digits));
      if (zero === '') return text.padStart(Number(width));
      const sign = text.startsWith('-') ? '-' : '';
      return sign + text.slice(sign.length).padStart(Number(width) - sign.length, '0');
    });
}

function inDigits(value: number, type: string | undefined, digits: number): string {
  if (!Number.isFinite(value)) return `${value}`.replace('inity', '').toLowerCase(); // 'nan', '-inf'
  if (type !== 'e' && type !== 'f') return `${value}`;
  const sign = value < 0 || Object.is(value, -0) ? '-' : '';
  return sign + (type === 'e' ? exponential(Math.abs(value), digits) : fixed(Math.abs(value), digits));
}

/** From here on JavaScript writes an exponent; such numbers are whole. */
const MOST_FIXED = 1e21;

function fixed(size: number, digits: number): string {
  if (size < MOST_FIXED) return rounded((d) => size.toFixed(d), digits);
  return `${BigInt(size)}${digits > 0 ? `.${'0'.repeat(digits)}` : ''}`;
}

/** As Python and C print it, with two digits of exponent at least. */
const exponential = (size: number, digits: number) =>
  rounded((d) => size.toExponential(d), digits).replace(/e([+-])(\d)$/, (_, sign, digit) => `e${sign}0${digit}`);

/** Exact halves have few digits: none is cut where there are many. */
const rounded = (print: (digits: number) => string, digits: number) =>
  digits > 60 ? print(digits) : roundEven(print, digits);
