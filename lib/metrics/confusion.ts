import { checkBoolean, checkInteger, checkInterval, checkObject, checkOneOf, wrongValue } from '../check.js';
import type { Recorder } from '../graph/recorder.js';
import type { Buffer } from '../tape.js';
import { checkThreshold, type Threshold, thresholdFor } from './accuracy.js';
import {
  areLabels,
  elements,
  type Metric,
  type MetricBuffers,
  type MetricChoice,
  type MetricOptions,
  make,
  probabilities,
  type RecordSums,
  type Report,
  ratio,
  rows,
} from './metric.js';

export interface Selected extends Threshold {
  /** Read only the k largest outputs of a row as 1, whatever their size unless `threshold` is given. Default: all */
  topK?: number;
  /** Look at this class alone: its number along the last axis. Default: at all */
  classId?: number;
}

/** Keras' epsilon, which its F scores and intersections divide by besides. */
const EPSILON = 1e-7;
/** Keras' threshold of what is among the top k. */
const ANY = -1e10;

/** The shares of right answers, of what is read as positive and of what is; 0 where there is nothing. */
export const precision = ({ tp, fp }: { tp: number; fp: number }) => ratio(tp, tp + fp);
export const recall = ({ tp, fn }: { tp: number; fn: number }) => ratio(tp, tp + fn);

/** @throws RangeError for a class that the outputs have not */
export function checkClassId(metric: string, classId: number | undefined, N: number): void {
  if (classId !== undefined && classId >= N)
    throw wrongValue(`classId of the metric '${metric}'`, `one of the network's ${N} outputs`, classId);
}

/** Emits the counts of true and false positives, and of true and false negatives. */
export function emitConfusion(
  t: Recorder,
  io: MetricBuffers,
  report: Report,
  scalars: Record<'threshold' | 'top' | 'column', number>,
): Buffer[] {
  const counts = ['truePositives', 'falsePositives', 'trueNegatives', 'falseNegatives'].map((sum) => report(sum));
  const kernel = areLabels(io) ? 'sparseConfusion' : 'confusion';
  t.emit(kernel, [io.output, io.targets, io.weights, ...counts], rows(io.output), scalars);
  return counts;
}

/** A metric of counts over all elements. */
function counted(
  name: string,
  options: Selected,
  allowed: readonly (keyof Selected)[],
  result: (counts: { tp: number; fp: number; tn: number; fn: number }) => number,
): MetricChoice {
  const { threshold, topK, classId } = checkThreshold(options);
  if (topK !== undefined) checkInteger('topK', topK, 1);
  if (classId !== undefined) checkInteger('classId', classId, 0);
  return make(
    name,
    options,
    ['threshold', ...allowed],
    (loss) => (t, io, report) => {
      const { N } = rows(io.output);
      checkClassId(name, classId, N);
      if (topK !== undefined && topK > N)
        throw wrongValue(`topK of the metric '${name}'`, `at most ${N}, the network's outputs`, topK);
      return emitConfusion(t, { ...io, output: probabilities(t, loss, io.output) }, report, {
        threshold: topK !== undefined ? (threshold ?? ANY) : thresholdFor(loss, threshold),
        top: topK ?? 0,
        column: classId ?? -1,
      });
    },
    ([tp, fp, tn, fn]) => result({ tp, fp, tn, fn }),
  );
}

export interface F1Options extends Threshold {
  /**
   * An output above it is read as 1. Default: the largest output of each row is; with one output give 0.5, as every one is the
   * largest
   */
  threshold?: number;
  /**
   * 'macro': the mean of all classes; 'weighted': weighed by their targets; 'micro': from the counts of all. Default 'macro'
   * (Keras' own default, one score for each class, is no number that a History could hold)
   */
  average?: 'macro' | 'weighted' | 'micro';
}

export interface FBetaOptions extends F1Options {
  /** Recall counts beta times as much as precision, positive. Default 1 */
  beta?: number;
}

/** Keras' F scores, with its epsilons. */
function fScore(name: 'f1Score' | 'fBetaScore', options: FBetaOptions): MetricChoice {
  checkObject('options', options);
  const { threshold, average = 'macro', beta = 1 } = options;
  if (threshold !== undefined) checkInterval('threshold', threshold, 0, 1, 'low');
  checkOneOf('average', average, ['macro', 'weighted', 'micro']);
  const square = checkInterval('beta', beta, 0, Number.POSITIVE_INFINITY, 'low') ** 2;
  const record: RecordSums = (t, io, report) => {
    const { M, N } = rows(io.output);
    const all = ['both', 'predicted', 'actual'].map((name) => report(name, N));
    const kernel = areLabels(io) ? 'sparseClassCounts' : 'classCounts';
    const scalars = { threshold: threshold ?? 0, largest: Number(threshold === undefined) };
    t.emit(kernel, [io.output, io.targets, io.weights, ...all], { M, N }, scalars);
    return all.flatMap((buffer) => elements(t, buffer));
  };
  const score = (both: number, predicted: number, actual: number) => {
    const [precision, recall] = [both / (predicted + EPSILON), both / (actual + EPSILON)];
    return ((1 + square) * precision * recall) / (square * precision + recall + EPSILON);
  };
  const result: Metric['result'] = (sums) => {
    const [both, predicted, actual] = thirds(sums);
    if (average === 'micro') return score(sum(both), sum(predicted), sum(actual));
    const scores = both.map((tp, j) => score(tp, predicted[j], actual[j]));
    if (average === 'macro') return sum(scores) / scores.length;
    return sum(scores.map((own, j) => (own * actual[j]) / (sum(actual) + EPSILON)));
  };
  return make(
    name,
    options,
    ['threshold', 'average', ...(name === 'fBetaScore' ? ['beta'] : [])],
    (loss) => (t, io, report) => record(t, { ...io, output: probabilities(t, loss, io.output) }, report),
    result,
  );
}

export interface MeanIoUOptions extends MetricOptions {
  numClasses: number;
  /** Rows of this class do not count. Default: none */
  ignoreClass?: number;
  /** Outputs are class numbers, not rows of `numClasses` scores. Default: where their last axis has another length */
  sparseYPred?: boolean;
}

const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);

/** Sums that were recorded as three buffers of the same size, again. */
const thirds = (sums: readonly number[]) => {
  const n = sums.length / 3;
  return [0, 1, 2].map((k) => sums.slice(k * n, (k + 1) * n));
};

export const counts = {
  /** True positives / predicted positives, over all outputs; 0 where none is predicted. */
  precision: (options: Selected = {}): MetricChoice => counted('precision', options, ['topK', 'classId'], precision),
  /** True positives / actual positives, over all outputs; 0 where there are none. */
  recall: (options: Selected = {}): MetricChoice => counted('recall', options, ['topK', 'classId'], recall),
  /** The number of outputs above `threshold` whose target is 1. */
  truePositives: (options: Threshold = {}): MetricChoice => counted('truePositives', options, [], ({ tp }) => tp),
  /** The number of outputs above `threshold` whose target is not 1. */
  falsePositives: (options: Threshold = {}): MetricChoice => counted('falsePositives', options, [], ({ fp }) => fp),
  /** The number of outputs not above `threshold` whose target is not 1. */
  trueNegatives: (options: Threshold = {}): MetricChoice => counted('trueNegatives', options, [], ({ tn }) => tn),
  /** The number of outputs not above `threshold` whose target is 1. */
  falseNegatives: (options: Threshold = {}): MetricChoice => counted('falseNegatives', options, [], ({ fn }) => fn),

  /** 2 * precision * recall / (precision + recall), of each class, then averaged; Keras' F1Score. */
  f1Score: (options: F1Options = {}): MetricChoice => fScore('f1Score', options),
  /** The same with beta: (1 + beta^2) * precision * recall / (beta^2 * precision + recall); Keras' FBetaScore. */
  fBetaScore: (options: FBetaOptions = {}): MetricChoice => fScore('fBetaScore', options),

  /**
   * The mean over classes of |both| / |either|: rows that output and targets put into a class, of those that one of them does
   * (Jaccard 1901); for images a row is a pixel. Classes that neither has do not count. Targets may be class numbers or
   * one-hot rows, as the loss takes them.
   */
  meanIoU: (options: MeanIoUOptions): MetricChoice => {
    checkObject('options', options);
    const K = checkInteger('numClasses', options.numClasses, 1);
    const { ignoreClass, sparseYPred } = options;
    if (ignoreClass !== undefined) checkInteger('ignoreClass', ignoreClass);
    if (sparseYPred !== undefined) checkBoolean('sparseYPred', sparseYPred);
    return make(
      'meanIoU',
      options,
      ['numClasses', 'ignoreClass', 'sparseYPred'],
      (loss) => (t, io, report) => {
        const { output, targets } = io;
        const areScores = /categorical/i.test(loss.config.name);
        const isSparse = sparseYPred ?? (!areScores && output.shape.at(-1) !== K);
        const { M, N } = isSparse ? { M: output.size, N: 1 } : rows(output);
        if ((!isSparse && N > K) || targets.size % M > 0)
          throw wrongValue('numClasses', `${output.shape.at(-1)}, the classes of the output, for meanIoU`, K);
        const all = ['both', 'predicted', 'actual'].map((name) => report(name, K));
        const dims = { M, N, C: targets.size / M, K };
        t.emit('classOverlaps', [output, targets, io.weights, ...all], dims, { ignore: ignoreClass ?? -1 });
        return all.flatMap((buffer) => elements(t, buffer));
      },
      (sums) => {
        const [both, predicted, actual] = thirds(sums);
        const either = both.map((tp, k) => predicted[k] + actual[k] - tp);
        const overlaps = both.map((tp, k) => (either[k] > 0 ? tp / (either[k] + EPSILON) : 0));
        return sum(overlaps) / (either.filter((n) => n > 0).length + EPSILON);
      },
    );
  },
};
