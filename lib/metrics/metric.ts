import { checkOptions, wrongType, wrongValue } from '../check.js';
import type { Recorder } from '../graph/recorder.js';
import type { Shape } from '../graph/value.js';
import { isBinary, type Loss } from '../losses.js';
import { made } from '../made.js';
import type { Buffer } from '../tape.js';

/** A metric for the targets of one loss: sums of each batch, and the value they make. */
export interface Metric {
  /** Its key in History: the name it was asked for by. */
  readonly name: string;
  readonly config: MetricChoice['config'];
  /** Whether it may be one of `weightedMetrics`: it then counts rows by `io.weights`. */
  readonly takesWeights?: boolean;
  /** Whether rows that a mask leaves out do not count, as in Keras' means; others count all. It then counts by `io.weights`, too. */
  readonly isMasked?: boolean;
  /** Whether `record` is given whole samples, not step by step where each has a weight of its own. */
  readonly ofWholeSamples?: boolean;
  /** Of `weightedMetrics`. */
  readonly isWeighted?: boolean;
  /** Emits the sums of one batch; each is a report buffer of one value. */
  record(t: Recorder, io: MetricBuffers, outputShape: Shape): Buffer[];
  /** The metric, from the sums over all batches and their number of samples. */
  result(sums: readonly number[], samples: number): number;
}

export interface MetricBuffers {
  /** The network's output. */
  readonly output: Buffer;
  /** What goes into the output's activation, where the loss is fused with that. */
  readonly z?: Buffer;
  /** As `Loss.prepare` gave them. */
  readonly targets: Buffer;
  /** [1]: what the sample, or the step of one, counts. Absent: 1 each */
  readonly weights?: Buffer;
}

/** A metric that was chosen, before it is known for which loss. */
export interface MetricChoice {
  /** `name` is one of `metrics`, or what `custom.metric` was given. */
  readonly config: { readonly name: string; readonly as: string; readonly [option: string]: unknown };
  for(loss: Loss): Metric;
}

export interface MetricOptions {
  /** The key in History. Default: the metric's name */
  as?: string;
}

/** A buffer of the report for a sum, or one with several; `name` tells those of one metric apart. */
export type Report = (name: string, size?: number) => Buffer;

/** Emits the sums of a batch, into buffers of the report. */
export type RecordSums = (t: Recorder, io: MetricBuffers, report: Report) => Buffer[];

export const FREE = "that is not 'loss', 'epoch' or 'learning_rate', nor begins with 'val_'";
/** What the logs have of their own, and names that objects cannot have. */
export const TAKEN = /^(loss|learning_rate|epoch|val_.*|__proto__)$/s;

/** A metric named `name` that `record`s sums, of which `result` makes the value. */
export function make(
  name: string,
  options: MetricOptions,
  allowed: readonly string[],
  record: (loss: Loss) => RecordSums,
  result: Metric['result'],
  isMasked = false,
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
        record: (t, io) => record(loss)(t, io, (sum, size = 1) => t.fixed('report', `${as}/${sum}`, [size])),
        result,
        takesWeights: true,
        isMasked,
      }),
  };
}

/** Each value of a buffer of the report, as a sum of its own. */
export const elements = (t: Recorder, buffer: Buffer): Buffer[] =>
  Array.from({ length: buffer.size }, (_, k) => t.part(buffer, k));

/** Rows of the last axis: a sample of shape [..., N] is M rows of N. */
export const rows = ({ shape, size }: Buffer) => ({ M: size / (shape.at(-1) ?? 1), N: shape.at(-1) ?? 1 });

/** Do the targets hold class numbers, one for each row of the output? @throws RangeError for those of a shape of their own */
export function areLabels({ output, targets }: MetricBuffers): boolean {
  if (targets.shape.join() === output.shape.join()) return false;
  const rows = output.shape.slice(0, -1);
  if ([rows, [...rows, 1]].some((shape) => targets.shape.join() === shape.join())) return true;
  throw new RangeError(
    "Expected the loss to have targets of the output's shape, or class numbers, for the metrics that there are here, " +
      `got shape [${targets.shape.join(', ')}]: write them with custom.metric`,
  );
}

/** The output as probabilities: for a loss that takes logits, what its softmax or sigmoid makes of them. */
export function probabilities(t: Recorder, loss: Loss, output: Buffer): Buffer {
  if (!loss.config.fromLogits) return output;
  const p = t.batched('probabilities', output.shape);
  if (isBinary(loss)) t.emit('sigmoid', [output, p], { N: output.size });
  else t.emit('softmax', [output, p], rows(output));
  return p;
}

/** Refuses targets that are class numbers where the metric compares values. */
export function compared(metric: string, io: MetricBuffers): [output: Buffer, targets: Buffer] {
  if (areLabels(io))
    throw new RangeError(
      `Expected the loss to have targets of the output's shape for the metric '${metric}', got one number a row, such as a class number: write it with custom.metric`,
    );
  return [io.output, io.targets];
}

/** The mean over samples of the first sum; 0 where none counts, as Keras. */
export const mean: Metric['result'] = ([sum], samples) => ratio(sum, samples);

/** Emits the sum of one number for each row, by the rows' weights. */
export function emitSum(t: Recorder, each: Buffer, weights: Buffer | undefined, sum: Buffer): void {
  const own = weights ? t.batched('weighed', [1]) : each; // which may be an output
  if (weights) t.emit('weightRows', [each, weights, own], { N: 1 });
  t.emit('sumRows', [own, sum], {});
}

/** x / y, or 0 where there is nothing to divide by, as Keras. */
export const ratio = (x: number, y: number): number => (y === 0 ? 0 : x / y);
