import { checkInteger, checkNumber, checkObject } from '../check.js';
import { hasSigns, isBinary, type Loss } from '../losses.js';
import {
  areLabels,
  compared,
  type MetricChoice,
  type MetricOptions,
  make,
  mean,
  probabilities,
  type RecordSums,
  rows,
} from './metric.js';

export interface Threshold extends MetricOptions {
  /** An output above it is read as 1. Default 0.5, with the hinge loss 0 */
  threshold?: number;
}

export const thresholdFor = (loss: Loss, threshold?: number): number => threshold ?? (hasSigns(loss) ? 0 : 0.5);

export function checkThreshold<O extends Threshold>(options: O): O {
  checkObject('options', options);
  if (options.threshold !== undefined) checkNumber('threshold', options.threshold);
  return options;
}

/** The share of rows of the output whose largest value stands at the target's class. */
const categorical: RecordSums = (t, io, report) => {
  const sum = report('matches');
  const { output, targets, weights } = io;
  t.emit(areLabels(io) ? 'sparseMatches' : 'categoricalMatches', [output, targets, weights, sum], rows(output));
  return [sum];
};

/** The share of outputs on the same side of the threshold as their targets. */
const binary = (loss: Loss, threshold?: number): RecordSums => {
  return (t, io, report) => {
    const [output, targets] = compared('binaryAccuracy', io);
    const sum = report('matches');
    const scalars = { threshold: thresholdFor(loss, threshold), negative: hasSigns(loss) ? -1 : 0 };
    t.emit('binaryMatches', [probabilities(t, loss, output), targets, io.weights, sum], { N: output.size }, scalars);
    return [sum];
  };
};

export const accuracies = {
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
      true,
    ),
  /** The share of outputs whose value, 1 above `threshold` and 0 (with the hinge loss, -1) else, equals the target. */
  binaryAccuracy: (options: Threshold = {}): MetricChoice =>
    make(
      'binaryAccuracy',
      checkThreshold(options),
      ['threshold'],
      (loss) => binary(loss, options.threshold),
      mean,
      true,
    ),
  /** The share of samples whose class is among the k largest outputs; ties count. Default k = 5 */
  topKCategoricalAccuracy: (options: MetricOptions & { k?: number } = {}): MetricChoice => {
    checkObject('options', options);
    const k = checkInteger('k', options.k ?? 5, 1);
    const record = (): RecordSums => (t, io, report) => {
      const sum = report('matches');
      const kernel = areLabels(io) ? 'sparseTopKMatches' : 'topKMatches';
      t.emit(kernel, [io.output, io.targets, io.weights, sum], rows(io.output), { k });
      return [sum];
    };
    return make('topKCategoricalAccuracy', options, ['k'], record, mean, true);
  },
};
