import { checkInterval, checkOptions, wrongType, wrongValue } from '../check.js';
import { isPlain } from '../kind.js';
import type { Layer } from '../layers/layer.js';
import { getLoss, type Loss, type LossInput } from '../losses.js';
import { isMade, made } from '../made.js';
import { getMetric, type Metric, type MetricInput, named } from '../metrics.js';
import { getOptimizer, type OptimizerInput } from '../optimizers.js';
import { checkLogNames, logNames, ofOutput } from '../training/totals.js';
import type { Compiled, CompiledOutput } from './network.js';

/** Something for each output: a list in their order, or by their names. */
export type PerOutput<T, N extends string = string> = readonly T[] | { readonly [K in N]?: T };

export interface CompileOptions<N extends string = string> {
  /** An optimizer or its name, such as 'adam'. */
  optimizer: OptimizerInput;
  /**
   * A loss or its name, such as 'categoricalCrossentropy'. Of a network of several outputs: one for all of them, or one for each;
   * null (or none, by name) for those that are not trained.
   */
  loss: LossInput | PerOutput<LossInput | null, N>;
  /** What the loss of each output counts in their sum. Default: 1 each */
  lossWeights?: PerOutput<number, N>;
  /** Metrics or their names, such as 'accuracy'; of a network of several outputs a list (or one metric) for each. Default: none */
  metrics?: MetricsInput<N>;
  /**
   * The same, but counted by sample and class weights, and by masks: where there are none each sample counts 1. In the logs one
   * whose name `metrics` has is 'weighted_' and that name. Default: none
   */
  weightedMetrics?: MetricsInput<N>;
}

export type MetricsInput<N extends string = string> =
  | readonly MetricInput[]
  | PerOutput<MetricInput | readonly MetricInput[] | null, N>;

/** What `compile` was given, checked, for outputs of these names. */
export function readCompile(options: CompileOptions, names: readonly string[], frozen: ReadonlySet<Layer>): Compiled {
  checkOptions('options', options, ['optimizer', 'loss', 'lossWeights', 'metrics', 'weightedMetrics']);
  const optimizer = getOptimizer('optimizer', options.optimizer);
  const losses = lossesOf(options.loss, names);
  const weights = perOutput('lossWeights', options.lossWeights, names) ?? [];
  const metrics = metricLists('metrics', options.metrics, names);
  const weighted = metricLists('weightedMetrics', options.weightedMetrics, names);
  const outputs = names.map((name, i): CompiledOutput => {
    const [loss, own, byWeights] = [losses[i], metrics[i] ?? [], weighted[i] ?? []];
    if (!loss && own.length + byWeights.length > 0)
      throw new TypeError(`Expected the output '${name}' to have a loss, as it has metrics: they read its targets`);
    return {
      name,
      ...(loss && { loss }),
      lossWeight: checkInterval(placeOf('lossWeights', names, i), weights[i] ?? 1, 0, Number.POSITIVE_INFINITY),
      metrics: loss
        ? allMetrics(
            readMetrics(placeOf('metrics', names, i), own, loss),
            readMetrics(placeOf('weightedMetrics', names, i), byWeights, loss),
          )
        : [],
    };
  });
  if (!outputs.some(({ loss }) => loss)) throw wrongType('loss', 'a loss of one output at least', options.loss);
  checkLogNames(logNames(outputs, metricsIn(outputs)));
  return { optimizer, outputs: Object.freeze(outputs), frozen };
}

/** Those of `weightedMetrics`, or the others. */
export const metricsOf = ({ metrics }: CompiledOutput, isWeighted: boolean): readonly Metric[] =>
  metrics.filter((metric) => (metric.isWeighted ?? false) === isWeighted);

/** The metrics of all outputs, by their names in the logs. */
export function metricsIn(outputs: readonly CompiledOutput[]): readonly Metric[] {
  if (outputs.length === 1) return outputs[0].metrics;
  return outputs.flatMap(({ name, metrics }) =>
    metrics.map((metric) => ({ ...metric, name: ofOutput(name, metric.name) })),
  );
}

/** What the option of one output is called in messages. */
const placeOf = (option: string, names: readonly string[], i: number) =>
  names.length === 1 ? option : `${option}.${names[i]}`;

const readMetrics = (option: string, given: readonly unknown[], loss: Loss): Metric[] =>
  Array.from(given, (metric, i) => getMetric(`${option}[${i}]`, metric, loss));

/** The metrics of one output, by names of their own. @throws TypeError for one that cannot count by weights */
export function allMetrics(metrics: readonly Metric[], weighted: readonly Metric[]): readonly Metric[] {
  const byWeights = weighted.map((metric) => {
    if (!metric.takesWeights)
      throw new TypeError(
        `Expected weightedMetrics to hold metrics that count by weights (takesWeights), got '${metric.name}'`,
      );
    const own = { ...metric, isWeighted: true };
    return isMade(metric) ? made(own) : own;
  });
  return Object.freeze(named([...metrics, ...byWeights]));
}

const isByName = (given: unknown, names: readonly string[]): given is Readonly<Record<string, unknown>> =>
  isPlain(given) && Object.keys(given).length > 0 && Object.keys(given).every((key) => names.includes(key));

/** What is given for each output, in their order. @throws TypeError or RangeError for another number, and for unknown names */
function perOutput<T>(option: string, given: PerOutput<T> | undefined, names: readonly string[]): T[] | undefined {
  if (given === undefined) return undefined;
  if (Array.isArray(given)) {
    if (given.length !== names.length)
      throw wrongValue(option, `a list of ${names.length}, one for each output (${names.join(', ')})`, given.length);
    return [...given];
  }
  const expected = `a list, or an object by the names of the outputs (${names.join(', ')})`;
  if (!isPlain(given)) throw wrongType(option, expected, given);
  const unknown = Object.keys(given).find((name) => !names.includes(name));
  if (unknown !== undefined) throw wrongValue(option, expected, unknown);
  return names.map((name) => (given as Record<string, T>)[name]);
}

function lossesOf(given: CompileOptions['loss'], names: readonly string[]): (Loss | undefined)[] {
  const isOne = !Array.isArray(given) && !isByName(given, names);
  // a record of names that no output has is told as that, any other object as no loss
  const looksByName = names.length > 1 && isPlain(given) && !('config' in given);
  const list =
    isOne && !looksByName
      ? names.map(() => given as LossInput)
      : perOutput('loss', given as PerOutput<LossInput | null>, names);
  return (list ?? []).map((loss: LossInput | null | undefined, i) =>
    loss === null || (loss === undefined && !isOne)
      ? undefined
      : getLoss(isOne ? 'loss' : placeOf('loss', names, i), loss),
  );
}

function metricLists(
  option: string,
  given: MetricsInput | undefined,
  names: readonly string[],
): (readonly unknown[])[] {
  if (given === undefined) return [];
  if (names.length === 1 && Array.isArray(given) && !Array.isArray(given[0])) return [given];
  if (names.length === 1 && !Array.isArray(given) && !isByName(given, names))
    throw wrongType(option, 'an array of metrics', given);
  const list = perOutput(option, given as PerOutput<unknown>, names) ?? [];
  return list.map((own) => (own === undefined || own === null ? [] : Array.isArray(own) ? own : [own]));
}
