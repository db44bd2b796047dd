import { extent } from '../array.js';
import { checkOneOf, wrongType } from '../check.js';
import { general, plural } from './format.js';
import { TextPlot } from './plot.js';
import { historyText } from './terminal.js';
import { base, type Frame, PADDING, type PlotOptions, panelTitle, readFrame, SERIES, SHORT_NUMBER } from './theme.js';

/** Keras' History, or its `history` alone: one array a quantity, those of the validation data named `val_…`. */
export type HistoryInput =
  | {
      readonly epoch?: readonly number[];
      /** Those with a validation, where not all have one. */
      readonly validationEpoch?: readonly number[];
      readonly history: Readonly<Record<string, readonly number[]>>;
    }
  | Readonly<Record<string, readonly number[]>>;

export interface HistoryOptions extends PlotOptions {
  /** The scale of losses and errors, as their names tell; 'log' leaves out values that are not positive. Default 'linear' */
  lossScale?: 'linear' | 'log';
}

/** One quantity over the epochs. */
export interface Series {
  readonly name: string;
  /** Counted from 1. */
  readonly epochs: readonly number[];
  readonly training?: readonly number[];
  readonly validation?: readonly number[];
  /** Those that `validation` is of. */
  readonly validated: readonly number[];
}

/**
 * Loss and metrics over the epochs, training beside validation. Epochs are counted from 1: the first point is the state
 * after the first epoch. Values that are not finite leave a gap.
 *
 * @param history what `fit` resolves to
 */
export function history(history: HistoryInput, options: HistoryOptions = {}): TextPlot {
  const frame = readFrame(options, ['lossScale']);
  const lossScale = checkOneOf('lossScale', options.lossScale ?? 'linear', ['linear', 'log']);
  const series = readHistory(history);
  const epochs = Math.max(...series.map((s) => s.epochs.length));
  const figure = {
    frame,
    spec: specOf(frame, series, lossScale),
    title: 'Training history',
    description: `${plural(epochs, 'epoch')}. ${series.map(describe).join(' ')}`,
  };
  return new TextPlot(figure, (color, width) => historyText(series, color, width, frame.title));
}

function readHistory(history: HistoryInput): Series[] {
  if (typeof history !== 'object' || history === null) throw wrongType('history', 'a History', history);
  const whole = 'history' in history && !Array.isArray(history.history);
  const record = (whole ? history.history : history) as Record<string, readonly number[]>;
  if (typeof record !== 'object' || record === null) throw wrongType('history.history', 'an object of arrays', record);
  const { epoch, validationEpoch = epoch } = (whole ? history : {}) as Exclude<
    HistoryInput,
    Readonly<Record<string, readonly number[]>>
  >;
  if (epoch !== undefined) checkNumbers('history.epoch', epoch);
  if (validationEpoch !== undefined) checkNumbers('history.validationEpoch', validationEpoch);
  const names = Object.keys(record);
  for (const name of names) {
    checkNumbers(`history.${name}`, record[name]);
  }
  const quantities = [...new Set(names.map((name) => name.replace(/^val_/, '')))];
  const series = quantities.map((name) => {
    const [training, validation] = [name, `val_${name}`].map((key) =>
      Object.hasOwn(record, key) ? record[key] : undefined,
    );
    const length = Math.max(training?.length ?? 0, validation?.length ?? 0);
    const numbers = (given: readonly number[] | undefined, length: number) =>
      Array.from({ length }, (_, i) => (given?.[i] ?? i) + 1);
    const validated = numbers(validationEpoch, validation?.length ?? 0);
    return { name, epochs: numbers(epoch, length), training, validation, validated };
  });
  const filled = series.filter((s) => s.epochs.length > 0);
  if (filled.length === 0) throw new RangeError('Expected history to hold at least one epoch, got none');
  return filled;
}

function checkNumbers(name: string, values: unknown): void {
  if (!Array.isArray(values) || Array.from(values).some((value) => typeof value !== 'number'))
    throw wrongType(name, 'an array of numbers', values);
}

const MIN =
  /loss|error|entropy|(^|_)(mse|rmse|mae|mape|r?msle|nll|hinge|poisson|kld?|divergence|perplexity|brier|logcosh|false)(_|$)/;
const MAX =
  /(^|_)(acc|accuracy|(roc_?|pr_?)?auc|precision|recall|sensitivity|specificity|f\d|fbeta|r_?2|r_?squared|score|similarity|io_?u|dice|kappa|mcc|true)(_|$)/;

/** Which of its values is the best, as far as the name tells: Keras', scikit-learn's or ours. */
function directionOf(name: string): 'min' | 'max' | undefined {
  const words = name.replace(/([a-z\d])(?=[A-Z])/g, '$1_').toLowerCase();
  if (MIN.test(words)) return /^neg(ative)?_/.test(words) ? 'max' : 'min'; // scikit-learn's neg_log_loss
  return MAX.test(words) ? 'max' : undefined;
}

function specOf(frame: Frame, series: readonly Series[], lossScale: 'linear' | 'log') {
  const { width } = frame;
  const columns = width >= 560 ? Math.min(series.length, width >= 1100 ? 3 : 2) : 1;
  const extent = 46;
  const spacing = 18;
  const panel = (width - 2 * PADDING - (columns - 1) * spacing) / columns - extent - 8;
  const kinds = ['training', 'validation'].filter((kind) => series.some((s) => s[kind as 'training' | 'validation']));
  const panels = series.map((s) => {
    const log = lossScale === 'log' && directionOf(s.name) === 'min';
    const data = kinds.flatMap((kind) =>
      (s[kind as 'training' | 'validation'] ?? []).map((value, i) => ({
        epoch: (kind === 'training' ? s.epochs : s.validated)[i],
        value: Number.isFinite(value) && !(log && value <= 0) ? value : null,
        data: kind,
      })),
    );
    const few = s.epochs.length <= 30;
    return {
      width: panel,
      height: Math.round(Math.min(260, panel * 0.62)),
      layer: [
        panelTitle(frame, s.name, panel),
        {
          data: { values: data },
          mark: {
            type: 'line',
            strokeWidth: 2,
            invalid: 'break-paths-show-domains',
            point: few ? { size: 22 } : false,
          },
          encoding: {
            x: {
              field: 'epoch',
              type: 'quantitative',
              title: 'epoch',
              scale: { zero: false, nice: false, ...(s.epochs.length === 1 ? { padding: 20 } : {}) },
              axis: {
                grid: false,
                tickMinStep: 1,
                format: 'd',
                tickCount: Math.max(2, Math.floor(panel / 60)),
                labelFlush: false,
              },
            },
            y: {
              field: 'value',
              type: 'quantitative',
              title: null,
              scale: log ? { type: 'log', nice: true } : { zero: false, nice: true },
              axis: {
                minExtent: extent,
                maxExtent: extent,
                tickCount: 5,
                domain: false,
                ticks: false,
                labelPadding: 6,
                labelExpr: SHORT_NUMBER,
              },
            },
            color: {
              field: 'data',
              type: 'nominal',
              scale: { domain: kinds, range: SERIES.slice(0, kinds.length) },
              legend: kinds.length > 1 ? { title: null, orient: 'top', symbolType: 'circle', offset: 10 } : null,
            },
          },
        },
      ],
    };
  });
  return { ...base(frame), columns, spacing: { row: 22, column: spacing }, concat: panels };
}

function describe({ name, training, validation, epochs, validated }: Series): string {
  const run = (values: readonly number[], epochs: readonly number[]) => {
    const broken = values.findIndex((value) => !Number.isFinite(value));
    const last = broken < 0 ? values.length - 1 : broken - 1;
    const told = last < 0 ? [] : [`from ${general(values[0])} to ${general(values[last])}`];
    return [...told, ...(broken < 0 ? [] : [`not finite at epoch ${epochs[broken]}`])].join(', ');
  };
  const parts: string[] = [];
  if (training?.length) parts.push(`training ${run(training, epochs)}`);
  if (validation?.length) {
    const [low, high] = extent(validation.filter(Number.isFinite));
    const at = validation.indexOf({ min: low, max: high, none: Number.NaN }[directionOf(name) ?? 'none']);
    const best = at < 0 ? '' : `, best ${general(validation[at])} at epoch ${validated[at]}`;
    parts.push(`validation ${run(validation, validated)}${best}`);
  }
  return `${name}: ${parts.join(', ')}.`;
}
