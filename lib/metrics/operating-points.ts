import { checkInteger, checkInterval, checkObject } from '../check.js';
import { above, below, emitBins } from './auc.js';
import { checkClassId, emitConfusion, precision, recall } from './confusion.js';
import { type MetricChoice, type MetricOptions, make, probabilities, ratio, rows } from './metric.js';

export interface OperatingPointOptions extends MetricOptions {
  /** Thresholds, two or more, among which one is looked for: 0, 1 / (numThresholds - 1), …, 1. Default 200 */
  numThresholds?: number;
  /** Look at this class alone: its number along the last axis. Default: at all */
  classId?: number;
}

/** What a classifier's answers at one threshold are worth. */
const SHARES = {
  precision,
  recall,
  sensitivity: recall,
  specificity: ({ tn, fp }: Counts) => ratio(tn, tn + fp),
} as const;
type Share = keyof typeof SHARES;
type Counts = Record<'tp' | 'fp' | 'tn' | 'fn', number>;

/** The largest share that a threshold reaches where the other is `option` of the options or more; 0 where none is. */
function operatingPoint<S extends Share>(
  name: string,
  best: Share,
  option: S,
  options: OperatingPointOptions & Record<S, number>,
): MetricChoice {
  checkObject('options', options);
  const least = checkInterval(option, options[option], 0, 1);
  const K = checkInteger('numThresholds', options.numThresholds ?? 200, 2);
  const { classId } = options;
  if (classId !== undefined) checkInteger('classId', classId, 0);
  return make(
    name,
    options,
    [option, 'numThresholds', 'classId'],
    (loss) => (t, io, report) => {
      checkClassId(name, classId, rows(io.output).N);
      const own = { ...io, output: probabilities(t, loss, io.output) };
      const positive = { threshold: 0, top: 0, column: classId ?? -1 };
      return [...emitConfusion(t, own, report, positive), ...emitBins(t, own, report, K, classId)];
    },
    ([tp, fp, tn, fn, ...bins]) => {
      const [positives, negatives] = [bins.slice(0, K), bins.slice(K)];
      const [tps, fps, fns, tns] = [above(positives), above(negatives), below(positives), below(negatives)];
      let found = 0;
      for (let k = 0; k < K; k++) {
        // the first bins hold what is 0 as well, which is not above the threshold 0
        const counts = k === 0 ? { tp, fp, fn, tn } : { tp: tps[k], fp: fps[k], fn: fns[k], tn: tns[k] };
        if (SHARES[option](counts) >= least) found = Math.max(found, SHARES[best](counts));
      }
      return found;
    },
  );
}

export const operatingPoints = {
  /** The largest sensitivity (recall) of a threshold whose specificity is `specificity` or more; 0 where none is. */
  sensitivityAtSpecificity: (options: OperatingPointOptions & { specificity: number }): MetricChoice =>
    operatingPoint('sensitivityAtSpecificity', 'sensitivity', 'specificity', options),
  /** The largest specificity, the share of negatives not above the threshold, where the sensitivity is `sensitivity` or more. */
  specificityAtSensitivity: (options: OperatingPointOptions & { sensitivity: number }): MetricChoice =>
    operatingPoint('specificityAtSensitivity', 'specificity', 'sensitivity', options),
  /** The largest precision of a threshold whose recall is `recall` or more; 0 where none is. */
  precisionAtRecall: (options: OperatingPointOptions & { recall: number }): MetricChoice =>
    operatingPoint('precisionAtRecall', 'precision', 'recall', options),
  /** The largest recall of a threshold whose precision is `precision` or more; 0 where none is. */
  recallAtPrecision: (options: OperatingPointOptions & { precision: number }): MetricChoice =>
    operatingPoint('recallAtPrecision', 'recall', 'precision', options),
};
