import { allocate } from '../allocate.js';
import { type ArrayInput, checkArray, floatDType, position } from '../array.js';
import { checkBoolean, checkOptions, wrongValue } from '../check.js';
import { codesOf, type Labels, readLabels, uniqueLabels } from '../labels.js';
import { checkKind, readClasses, readIndicators, readWeights } from './classification.js';
import { averageOf, pairwiseSum } from './sums.js';

/**
 * The mean negative log-likelihood of the true classes: scikit-learn's `log_loss`, as of its version 1.9. Probabilities are
 * clipped to [eps, 1 - eps], eps being that of their dtype. Rows are taken as they are: a 'UserWarning' tells where they do
 * not sum to 1, to a relative sqrt(eps).
 *
 * @param yTrue labels [n], or rows of 0s and 1s [n, classes]
 * @param yPred probabilities in [0, 1], [n, classes] in the order of the sorted classes, or [n] of the second of two classes
 * @param options.labels all classes, where some do not occur in yTrue; sorted, whatever their order here
 * @param options.normalize whether to divide by the number (or weight) of samples; default: true
 * @param options.sampleWeight one weight >= 0 a sample
 * @throws RangeError for a probability outside [0, 1], and where classes and columns do not agree
 */
export function logLoss(
  yTrue: Labels,
  yPred: ArrayInput,
  options: { labels?: Labels; normalize?: boolean; sampleWeight?: ArrayInput } = {},
): number {
  checkOptions('options', options, ['labels', 'normalize', 'sampleWeight']);
  const normalize = checkBoolean('normalize', options.normalize ?? true);
  const indicators = readIndicators('yTrue', yTrue);
  const labels = indicators ? undefined : readClasses('yTrue', yTrue);
  const n = indicators ? indicators.shape[0] : (labels as ArrayLike<unknown>).length;
  const { p, columns, float32 } = readProbabilities(yPred, n);
  const weight = options.sampleWeight === undefined ? undefined : readWeights(options.sampleWeight, n);

  let member: (i: number, k: number) => boolean;
  if (indicators) {
    if (options.labels !== undefined)
      throw wrongValue('labels', 'left out for rows of 0s and 1s, whose columns are the classes', options.labels);
    checkColumns(indicators.shape[1], columns, 'yTrue');
    member = (i, k) => indicators.data[i * columns + k] === 1;
  } else {
    const codes = readCodes(labels as ReturnType<typeof readLabels>, options.labels, columns);
    member = (i, k) => codes[i] === k;
  }

  const eps = float32 ? 2 ** -23 : Number.EPSILON;
  const losses = new Float64Array(n);
  let unnormalized = false;
  for (let i = 0; i < n; i++) {
    const row = p.subarray(i * columns, (i + 1) * columns);
    unnormalized ||= Math.abs(pairwiseSum(row) - 1) > 1e-8 + Math.sqrt(eps);
    for (let k = 0; k < columns; k++) if (member(i, k)) losses[i] -= Math.log(Math.min(Math.max(row[k], eps), 1 - eps));
  }
  if (unnormalized)
    process.emitWarning('The rows of yPred do not sum to one. Make sure to pass probabilities.', 'UserWarning');
  if (normalize) return averageOf(losses, weight);
  return pairwiseSum(weight ? losses.map((loss, i) => loss * weight[i]) : losses);
}

/** The probabilities of all classes, [n, columns]; those of the second of two classes are completed. */
function readProbabilities(yPred: ArrayInput, n: number) {
  const array = checkArray('yPred', yPred);
  if (array.ndim > 2 || array.length !== n)
    throw new RangeError(`Expected yPred to have ${n} rows, got shape [${array.shape.join(', ')}]`);
  const outside = array.data.findIndex((p: number) => p < 0 || p > 1);
  if (outside >= 0)
    throw new RangeError(
      `Expected yPred to hold probabilities in [0, 1], got ${array.data[outside]} at ${position(outside, array.shape)}`,
    );
  const float32 = floatDType(yPred) === 'float32';
  const columns = array.shape[1] ?? 1;
  if (columns > 1) return { p: allocate(Float64Array, array.data), columns, float32 };
  const p = allocate(Float64Array, 2 * n);
  for (let i = 0; i < n; i++) {
    p[2 * i] = float32 ? Math.fround(1 - array.data[i]) : 1 - array.data[i];
    p[2 * i + 1] = array.data[i];
  }
  return { p, columns: 2, float32 };
}

/** For every sample the column of its class. */
function readCodes(labels: ReturnType<typeof readLabels>, all: Labels | undefined, columns: number): Int32Array {
  const given = all === undefined ? labels : readLabels('labels', all);
  checkKind('labels', given, labels, all);
  const classes = uniqueLabels(given);
  const source = all === undefined ? 'yTrue' : 'labels';
  if (classes.length < 2)
    throw new RangeError(
      `Expected ${source} to hold two classes or more${all === undefined ? ' (options.labels may name them)' : ''}, got ${classes.join()}`,
    );
  if (all !== undefined && classes.some((label, k) => label !== given[k]))
    process.emitWarning(
      `Expected labels to be sorted: the columns of yPred are taken in the order ${classes.join(', ')}`,
      'UserWarning',
    );
  checkColumns(classes.length, columns, source);
  const codes = codesOf(labels, classes);
  const unknown = codes.indexOf(-1);
  if (unknown >= 0) throw wrongValue(`yTrue[${unknown}]`, 'one of labels', labels[unknown]);
  return codes;
}

function checkColumns(classes: number, columns: number, source: string): void {
  if (classes !== columns)
    throw new RangeError(
      `Expected yPred to have a column for each of the ${classes} classes in ${source}, got ${columns}`,
    );
}
