import {
  called,
  checkInteger,
  checkNumber,
  checkObject,
  checkOneOf,
  checkOptions,
  wrongType,
  wrongValue,
} from './check.js';
import type { Recorder } from './graph/recorder.js';
import { hasMethods } from './kind.js';
import type { Shape } from './layers/layer.js';
import { hasSigns, isBinary, type Loss } from './losses.js';
import { isMade, made, markMakers } from './made.js';
import type { Buffer } from './tape.js';

/** A metric for the targets of one loss: sums of each batch, and the value they make. */
export interface Metric {
  /** Its key in History: the name it was asked for by. */
  readonly name: string;
  readonly config: MetricChoice['config'];
  /** Emits the sums of one batch; each is a report buffer of one value. */
  record(t: Recorder, io: MetricBuffers, outputShape: Shape): Buffer[];
  /** The metric, from the sums over all batches and their number of samples. */
  result(sums: readonly number[], samples: number): number;
}

export interface MetricBuffers {
  /** The network's output. */
  readonly output: Buffer;
  /** As `Loss.prepare` gave them. */
  readonly targets: Buffer;
}

/** A metric that was chosen, before it is known for which loss. */
export interface MetricChoice {
  /** `name` is one of `metrics`, or what `custom.metric` was given. */
  readonly config: { readonly name: string; readonly as: string; readonly [option: string]: unknown };
  for(loss: Loss): Metric;
}

export type MetricName = keyof typeof metrics;
/** A name (one that `custom.metric` was given, too), one of `metrics.*`, called or not. */
export type MetricInput = MetricName | keyof typeof ALIASES | MetricChoice | (() => MetricChoice) | (string & {});

export const ALIASES = { acc: 'accuracy', mse: 'meanSquaredError', mae: 'meanAbsoluteError' } as const;

export interface MetricOptions {
  /** The key in History. Default: the metric's name */
  as?: string;
}

interface Threshold extends MetricOptions {
  /** An output above it is read as 1. Default 0.5, with the hinge loss 0 */
  threshold?: number;
}

/** Emits the sums of a batch, into buffers of the report. */
export type RecordSums = (t: Recorder, io: MetricBuffers, report: (name: string) => Buffer) => Buffer[];

const FREE = "that is not 'loss', 'epoch' or 'learning_rate', nor begins with 'val_'";
/** What the logs have of their own, and names that objects cannot have. */
const TAKEN = /^(loss|learning_rate|epoch|val_.*|__proto__)$/s;

/** A metric named `name` that `record`s sums, of which `result` makes the value. */
function make(
  name: string,
  options: MetricOptions,
  allowed: readonly string[],
  record: (loss: Loss) => RecordSums,
  result: Metric['result'],
): MetricChoice {
  checkOptions('options', options, ['as', ...allowed]);
  const { as = name } = options;
  if (typeof as !== 'string') throw wrongType('as', 'a string', as);
  if (as === '' || TAKEN.test(as)) throw wrongValue('as', `a name ${FREE}`, as);
  const config = { ...options, name, as };
  return {
    config,
    for: (loss) =>
      made({
        name: as,
        config,
        record: (t, io) => record(loss)(t, io, (sum) => t.fixed('report', `${as}/${sum}`, [1])),
        result,
      }),
  };
}

const rows = ({ shape, size }: Buffer) => ({ M: size / (shape.at(-1) ?? 1), N: shape.at(-1) ?? 1 });

/** Do the targets hold class numbers, one for each row of the output? */
const areLabels = ({ output, targets }: MetricBuffers) => targets.size < output.size;

/** The output as probabilities: for a loss that takes logits, what its softmax or sigmoid makes of them. */
function probabilities(t: Recorder, loss: Loss, output: Buffer): Buffer {
  if (!loss.config.fromLogits) return output;
  const p = t.batched('probabilities', output.shape);
  if (loss.config.name === 'binaryCrossentropy') t.emit('sigmoid', [output, p], { N: output.size });
  else t.emit('softmax', [output, p], rows(output));
  return p;
}

/** The share of rows of the output whose largest value stands at the target's class. */
const categorical: RecordSums = (t, io, report) => {
  const sum = report('matches');
  const { output, targets } = io;
  t.emit(areLabels(io) ? 'sparseMatches' : 'categoricalMatches', [output, targets, sum], rows(output));
  return [sum];
};

/** The share of outputs on the same side of the threshold as their targets. */
const binary = (loss: Loss, threshold?: number): RecordSums => {
  return (t, io, report) => {
    const [output, targets] = compared('binaryAccuracy', io);
    const sum = report('matches');
    const hinge = hasSigns(loss);
    const scalars = { threshold: threshold ?? (hinge ? 0 : 0.5), negative: hinge ? -1 : 0 };
    t.emit('binaryMatches', [probabilities(t, loss, output), targets, sum], { N: output.size }, scalars);
    return [sum];
  };
};

const mean: Metric['result'] = ([sum], samples) => sum / samples;

/** x / y, or 0 where there is nothing to divide by, as Keras. */
const ratio: Metric['result'] = ([x, y]) => (y === 0 ? 0 : x / y);

/** Counts of all elements: true positives, and the positives among predictions or targets. */
const positives =
  (of: 'predicted' | 'actual', { threshold }: Threshold) =>
  (loss: Loss): RecordSums => {
    return (t, io, report) => {
      const [both, predicted, actual] = ['true', 'predicted', 'actual'].map(report);
      const p = probabilities(t, loss, io.output);
      const kernel = areLabels(io) ? 'sparsePositives' : 'positives';
      t.emit(kernel, [p, io.targets, both, predicted, actual], rows(io.output), {
        threshold: threshold ?? (hasSigns(loss) ? 0 : 0.5),
      });
      return [both, of === 'predicted' ? predicted : actual];
    };
  };

function checkThreshold(options: Threshold): Threshold {
  checkObject('options', options);
  if (options.threshold !== undefined) checkNumber('threshold', options.threshold);
  return options;
}

/** Refuses targets that are class numbers where the metric compares values. */
function compared(metric: MetricName, io: MetricBuffers): [output: Buffer, targets: Buffer] {
  if (areLabels(io))
    throw new RangeError(
      `Expected the loss to have targets of the output's shape for the metric '${metric}', got class numbers`,
    );
  return [io.output, io.targets];
}

const errors = (name: 'meanSquaredError' | 'meanAbsoluteError', kernel: string, options: MetricOptions): MetricChoice =>
  make(
    name,
    options,
    [],
    () => (t, io, report) => {
      const sum = report('sum');
      t.emit(kernel, [...compared(name, io), sum], { N: io.output.size });
      return [sum];
    },
    mean,
  );

/** What the R² of one column is made of; y and y^2 in two parts each, for sums of more digits than float32 has. */
const R_SQUARED = ['residual', 'y', 'yRest', 'y2', 'y2Rest'];

/**
 * Keras' metrics. They are means over all samples seen in an epoch, without sample weights; for classes, targets may be
 * class numbers or one-hot rows, as the loss takes them.
 */
export const metrics = {
  /**
   * The share of right answers: `binaryAccuracy` with one output or the loss binaryCrossentropy, else the class of the
   * largest output, against class numbers or one-hot rows.
   */
  accuracy: (options: MetricOptions = {}): MetricChoice =>
    make(
      'accuracy',
      options,
      [],
      (loss) => (t, io, report) => {
        const oneEach = io.output.shape.at(-1) === 1 || isBinary(loss);
        return (oneEach ? binary(loss) : categorical)(t, io, report);
      },
      mean,
    ),
  /** The share of outputs whose value, 1 above `threshold` and 0 (with the hinge loss, -1) else, equals the target. */
  binaryAccuracy: (options: Threshold = {}): MetricChoice =>
    make('binaryAccuracy', checkThreshold(options), ['threshold'], (loss) => binary(loss, options.threshold), mean),
  /** The share of samples whose class is among the k largest outputs; ties count. Default k = 5 */
  topKCategoricalAccuracy: (options: MetricOptions & { k?: number } = {}): MetricChoice => {
    checkObject('options', options);
    const k = checkInteger('k', options.k ?? 5, 1);
    const record = (): RecordSums => (t, io, report) => {
      const sum = report('matches');
      const kernel = areLabels(io) ? 'sparseTopKMatches' : 'topKMatches';
      t.emit(kernel, [io.output, io.targets, sum], rows(io.output), { k });
      return [sum];
    };
    return make('topKCategoricalAccuracy', options, ['k'], record, mean);
  },
  /** True positives / predicted positives, over all outputs; 0 where none is predicted. */
  precision: (options: Threshold = {}): MetricChoice =>
    make('precision', checkThreshold(options), ['threshold'], positives('predicted', options), ratio),
  /** True positives / actual positives, over all outputs; 0 where there are none. */
  recall: (options: Threshold = {}): MetricChoice =>
    make('recall', checkThreshold(options), ['threshold'], positives('actual', options), ratio),
  meanSquaredError: (options: MetricOptions = {}) => errors('meanSquaredError', 'squaredErrors', options),
  meanAbsoluteError: (options: MetricOptions = {}) => errors('meanAbsoluteError', 'absoluteErrors', options),
  /**
   * R², the coefficient of determination: 1 - sum((y - p)^2) / sum((y - mean(y))^2), the mean over outputs. Of an output
   * whose targets are all the same: 1 where it is exact, else 0, as scikit-learn.
   */
  rSquared: (options: MetricOptions = {}): MetricChoice =>
    make(
      'rSquared',
      options,
      [],
      () => (t, io, report) => {
        const buffers = compared('rSquared', io);
        const N = io.output.size;
        return Array.from({ length: N }, (_, column) => {
          const sums = R_SQUARED.map((sum) => report(`${sum}${column}`));
          t.emit('rSquaredSums', [...buffers, ...sums], { N }, { column });
          return sums;
        }).flat();
      },
      (sums, samples) => {
        let total = 0;
        for (let i = 0; i < sums.length; i += R_SQUARED.length) {
          const [residual, y, yRest, y2, y2Rest] = sums.slice(i);
          const squares = y2 + y2Rest;
          const variation = squares - (y + yRest) ** 2 / samples;
          total += variation > 1e-13 * squares ? 1 - residual / variation : residual === 0 ? 1 : 0;
        }
        return (total * R_SQUARED.length) / sums.length;
      },
    ),
};
markMakers('metrics', metrics);

/** Those of `custom.metric`, by name. */
const registered = new Map<string, (options: MetricOptions) => MetricChoice>();

/** A metric of one's own: `record` emits one sum over the batch, of which the mean over all samples is the value. */
export function register(name: string, record: RecordSums): MetricChoice {
  const choice = (options: MetricOptions) => made(make(name, options, [], () => record, mean));
  registered.set(name, choice);
  return choice({});
}

/** A metric by name, or the one given, for the targets of `loss`. */
export function getMetric(option: string, given: unknown, loss: Loss): Metric {
  const input = called(given, metrics);
  if (hasMethods(input, 'for') && 'config' in (input as object)) {
    const metric = (input as MetricChoice).for(loss);
    if (!hasMethods(metric, 'record', 'result')) throw wrongType(`${option}.for(loss)`, 'a metric', metric);
    return metric;
  }
  if (typeof input !== 'string') throw wrongType(option, 'the name of a metric or one of metrics.*', input);
  const own = registered.get(input);
  if (own) return own({ as: input }).for(loss);
  const name = ALIASES[input as keyof typeof ALIASES] ?? input;
  return metrics[checkOneOf(option, name, Object.keys(metrics) as MetricName[])]({ as: input }).for(loss);
}

/** The metric that `config` describes, for the targets of `loss`. */
export function metricFrom({ name, ...options }: Metric['config'], loss: Loss): Metric {
  const own = registered.get(name);
  if (own) return own(options).for(loss);
  const factory = metrics[checkOneOf('metric', name, Object.keys(metrics) as MetricName[])];
  return (factory as (options: object) => MetricChoice)(options).for(loss);
}

/** The metrics, by names of their own: a second 'precision' is 'precision_1', as in Keras. */
export function named(metrics: readonly Metric[]): readonly Metric[] {
  const names = new Set<string>();
  return metrics.map((metric) => {
    const { name, config } = metric;
    if (typeof name !== 'string' || name === '' || TAKEN.test(name))
      throw wrongValue('the name of a metric', `one ${FREE}`, name);
    let free = name;
    for (let i = 1; names.has(free); i++) free = `${name}_${i}`;
    names.add(free);
    if (free === name) return metric;
    const renamed = { ...metric, name: free, config: { ...config, as: free } };
    return isMade(metric) ? made(renamed) : renamed;
  });
}
