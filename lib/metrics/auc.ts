import { checkInteger, checkObject, checkOneOf } from '../check.js';
import type { Recorder } from '../graph/recorder.js';
import type { Buffer } from '../tape.js';
import {
  areLabels,
  elements,
  type MetricBuffers,
  type MetricChoice,
  type MetricOptions,
  make,
  probabilities,
  type Report,
  ratio,
  rows,
} from './metric.js';

export interface AUCOptions extends MetricOptions {
  /** Thresholds, two or more, that the curve is drawn through: 0, 1 / (numThresholds - 1), …, 1. Default 200 */
  numThresholds?: number;
  /** 'ROC': recall over the rate of false positives; 'PR': precision over recall. Default 'ROC' */
  curve?: 'ROC' | 'PR';
  /**
   * 'interpolation': trapezoids, of 'PR' Davis and Goadrich's (2006) interpolation of counts; 'minoring' and 'majoring': rectangles
   * below and above. Default 'interpolation'
   */
  summationMethod?: 'interpolation' | 'minoring' | 'majoring';
}

/** Emits how many probabilities of positive targets, and of others, lie between K thresholds; of one class alone, or of all. */
export function emitBins(t: Recorder, io: MetricBuffers, report: Report, K: number, classId = -1): Buffer[] {
  const bins = [report('positives', K), report('negatives', K)];
  const kernel = areLabels(io) ? 'sparseThresholdCounts' : 'thresholdCounts';
  t.emit(kernel, [io.output, io.targets, io.weights, ...bins], { ...rows(io.output), K }, { column: classId });
  return bins.flatMap((buffer) => elements(t, buffer));
}

/** How many are above each threshold: sums of the bins from the last on. */
export function above(bins: readonly number[]): number[] {
  let total = 0;
  return bins.map((_, i) => (total += bins[bins.length - 1 - i])).reverse();
}

/** How many are not above each threshold: sums of the bins before it, 0 where these are empty, whatever rounding does to other sums. */
export function below(bins: readonly number[]): number[] {
  let total = 0;
  return bins.map((count) => {
    const before = total;
    total += count;
    return before;
  });
}

/** The area below y over x, which fall from one threshold to the next. */
function area(x: readonly number[], y: readonly number[], method: NonNullable<AUCOptions['summationMethod']>): number {
  let total = 0;
  for (let i = 0; i + 1 < x.length; i++) {
    const [a, b] = [y[i], y[i + 1]];
    const height = method === 'interpolation' ? (a + b) / 2 : method === 'minoring' ? Math.min(a, b) : Math.max(a, b);
    total += (x[i] - x[i + 1]) * height;
  }
  return total;
}

/** The area below precision over recall where true positives and all positives change linearly between two thresholds. */
function interpolatedArea(tp: readonly number[], fp: readonly number[]): number {
  let total = 0;
  for (let i = 0; i + 1 < tp.length; i++) {
    const [p, q] = [tp[i] + fp[i], tp[i + 1] + fp[i + 1]];
    const slope = ratio(tp[i] - tp[i + 1], Math.max(p - q, 0));
    const intercept = tp[i + 1] - slope * q;
    const change = p > 0 && q > 0 ? p / q : 1;
    total += ratio(slope * (tp[i] - tp[i + 1] + intercept * Math.log(change)), tp[0]);
  }
  return total;
}

/**
 * The area under the curve of a classifier's outputs, all of them taken as those of one (Hanley and McNeil 1982), from their
 * counts between thresholds; Keras' AUC.
 */
export function auc(options: AUCOptions = {}): MetricChoice {
  checkObject('options', options);
  const K = checkInteger('numThresholds', options.numThresholds ?? 200, 2);
  const curve = checkOneOf('curve', options.curve ?? 'ROC', ['ROC', 'PR']);
  const methods = ['interpolation', 'minoring', 'majoring'] as const;
  const method = checkOneOf('summationMethod', options.summationMethod ?? 'interpolation', methods);
  return make(
    'auc',
    options,
    ['numThresholds', 'curve', 'summationMethod'],
    (loss) => (t, io, report) => emitBins(t, { ...io, output: probabilities(t, loss, io.output) }, report, K),
    (sums) => {
      const [tp, fp] = [above(sums.slice(0, K)), above(sums.slice(K))];
      if (curve === 'PR' && method === 'interpolation') return interpolatedArea(tp, fp);
      const recall = tp.map((n) => ratio(n, tp[0]));
      if (curve === 'ROC')
        return area(
          fp.map((n) => ratio(n, fp[0])),
          recall,
          method,
        );
      return area(
        recall,
        tp.map((n, i) => ratio(n, n + fp[i])),
        method,
      );
    },
  );
}
