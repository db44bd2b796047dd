import { called, checkOneOf, wrongType, wrongValue } from './check.js';
import { hasMethods } from './kind.js';
import type { Loss } from './losses.js';
import { isMade, made, markMakers } from './made.js';
import { accuracies } from './metrics/accuracy.js';
import { auc } from './metrics/auc.js';
import { counts } from './metrics/confusion.js';
import { means } from './metrics/errors.js';
import {
  FREE,
  type Metric,
  type MetricChoice,
  type MetricOptions,
  make,
  mean,
  type RecordSums,
  TAKEN,
} from './metrics/metric.js';
import { operatingPoints } from './metrics/operating-points.js';

export type { Metric, MetricChoice, MetricOptions } from './metrics/metric.js';
export type MetricName = keyof typeof metrics;
/** A name (one that `custom.metric` was given, too), one of `metrics.*`, called or not. */
export type MetricInput = MetricName | keyof typeof ALIASES | MetricChoice | (() => MetricChoice) | (string & {});

export const ALIASES = {
  acc: 'accuracy',
  mse: 'meanSquaredError',
  rmse: 'rootMeanSquaredError',
  mae: 'meanAbsoluteError',
  mape: 'meanAbsolutePercentageError',
  msle: 'meanSquaredLogarithmicError',
  bce: 'binaryCrossentropy',
  kld: 'klDivergence',
} as const;

/**
 * Keras' metrics. They are means over all samples seen in an epoch, or made of counts of them, without sample weights; for
 * classes, targets may be class numbers or one-hot rows, as the loss takes them.
 */
export const metrics = { ...accuracies, ...counts, auc, ...operatingPoints, ...means };
markMakers('metrics', metrics);

/** Those of `custom.metric`, by name. */
const registered = new Map<string, (options: MetricOptions) => MetricChoice>();

/** A metric of one's own: `record` emits one sum over the batch, of which the mean over all samples is the value. */
export function register(name: string, record: RecordSums): MetricChoice {
  const choice = (options: MetricOptions) => {
    const { config, for: own } = make(name, options, [], () => record, mean);
    return made({ config, for: (loss: Loss) => made({ ...own(loss), ofWholeSamples: true }) });
  };
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
  if (typeof input !== 'string')
    throw wrongType(option, 'the name of a metric, one of metrics.* or what custom.metric makes', input);
  const own = registered.get(input);
  if (own) return own({ as: input }).for(loss);
  const name = ALIASES[input as keyof typeof ALIASES] ?? input;
  const factory = metrics[checkOneOf(option, name, Object.keys(metrics) as MetricName[])];
  return (factory as (options: MetricOptions) => MetricChoice)({ as: input }).for(loss);
}

/** The metric that `config` describes, for the targets of `loss`. */
export function metricFrom({ name, ...options }: Metric['config'], loss: Loss): Metric {
  const own = registered.get(name);
  if (own) return own(options).for(loss);
  const factory = metrics[checkOneOf('metric', name, Object.keys(metrics) as MetricName[])];
  return (factory as (options: object) => MetricChoice)(options).for(loss);
}

/**
 * The metrics, by names of their own, as in Keras: a second 'precision' is 'precision_1', one by weights beside it
 * 'weighted_precision'.
 */
export function named(metrics: readonly Metric[]): readonly Metric[] {
  const names = new Set<string>();
  return metrics.map((metric) => {
    const { config } = metric;
    let { name } = metric;
    if (typeof name !== 'string' || name === '' || TAKEN.test(name))
      throw wrongValue('the name of a metric', `one ${FREE}`, name);
    if (metric.isWeighted && names.has(name)) name = `weighted_${name}`;
    let free = name;
    for (let i = 1; names.has(free); i++) free = `${name}_${i}`;
    names.add(free);
    if (free === metric.name) return metric;
    const renamed = { ...metric, name: free, config: { ...config, as: free } };
    return isMade(metric) ? made(renamed) : renamed;
  });
}
