import { allocate } from '../allocate.js';
import { type ArrayInput, asArray, checkArray, checkFinite, NDArray, position } from '../array.js';
import { checkBoolean, checkOneOf, checkOptions, wrongType, wrongValue } from '../check.js';
import { codesOf, isStrings, type Label, type Labels, readLabels, uniqueLabels } from '../labels.js';

/** True and predicted classes, checked against each other. */
export type Targets =
  | { kind: 'labels'; n: number; classes: Label[]; yTrue: Int32Array; yPred: Int32Array }
  | { kind: 'multilabel'; n: number; classes: Label[]; yTrue: ArrayLike<number>; yPred: ArrayLike<number> };

/**
 * The share of correct predictions: scikit-learn's `accuracy_score`. For multi-label targets (rows of 0s and 1s) a row
 * is correct when all of it is.
 *
 * @param options.normalize whether to divide by the number of samples; default: true
 * @param options.sampleWeight one weight >= 0 a sample
 */
export function accuracyScore(
  yTrue: Labels,
  yPred: Labels,
  options: { normalize?: boolean; sampleWeight?: ArrayInput } = {},
): number {
  checkOptions('options', options, ['normalize', 'sampleWeight']);
  const normalize = checkBoolean('normalize', options.normalize ?? true);
  const targets = readTargets(yTrue, yPred);
  const weight = readWeights(options.sampleWeight, targets.n);
  const width = targets.kind === 'multilabel' ? targets.classes.length : 1;
  let correct = 0;
  let total = 0;
  for (let i = 0; i < targets.n; i++) {
    let equal = true;
    for (let k = i * width; k < (i + 1) * width; k++) equal &&= targets.yTrue[k] === targets.yPred[k];
    correct += equal ? weight[i] : 0;
    total += weight[i];
  }
  return normalize ? correct / total : correct;
}

/**
 * How many samples of class i (rows) were predicted as class j (columns): scikit-learn's `confusion_matrix`.
 *
 * @param options.labels the classes and their order; samples of other classes are left out. Default: all, sorted
 * @param options.normalize divide by the sums over 'true' (rows), 'pred' (columns) or 'all'; the result is then float64
 * @param options.sampleWeight one weight >= 0 a sample; the result is then float64
 * @returns int32 [classes, classes]
 */
export function confusionMatrix(
  yTrue: Labels,
  yPred: Labels,
  options: { labels?: Labels; normalize?: 'true' | 'pred' | 'all'; sampleWeight?: ArrayInput } = {},
): NDArray {
  checkOptions('options', options, ['labels', 'normalize', 'sampleWeight']);
  const { normalize } = options;
  if (normalize !== undefined) checkOneOf('normalize', normalize, ['true', 'pred', 'all']);
  const targets = readTargets(yTrue, yPred);
  if (targets.kind === 'multilabel') throw wrongValue('yTrue', 'one label a row', yTrue);
  const weight = readWeights(options.sampleWeight, targets.n);
  const labels = options.labels === undefined ? targets.classes : Array.from(readLabels('labels', options.labels));
  const place = codesOf(targets.classes, labels);
  const k = labels.length;
  const counts = allocate(Float64Array, k * k);
  let known = 0;
  for (let i = 0; i < targets.n; i++) {
    const row = place[targets.yTrue[i]];
    const column = place[targets.yPred[i]];
    if (row >= 0) known++;
    if (row >= 0 && column >= 0) counts[row * k + column] += weight[i];
  }
  if (known === 0) throw wrongValue('labels', 'labels of which one occurs in yTrue', options.labels);
  if (normalize === undefined && options.sampleWeight === undefined)
    return NDArray.wrap(Int32Array.from(counts), [k, k]);
  if (normalize !== undefined) divideBySums(counts, k, normalize);
  return NDArray.wrap(counts, [k, k]);
}

function divideBySums(counts: Float64Array, k: number, by: 'true' | 'pred' | 'all'): void {
  const group = (i: number) => (by === 'all' ? 0 : by === 'true' ? Math.floor(i / k) : i % k);
  const sums = new Float64Array(k);
  counts.forEach((count, i) => {
    sums[group(i)] += count;
  });
  counts.forEach((count, i) => {
    counts[i] = sums[group(i)] === 0 ? 0 : count / sums[group(i)];
  });
}

/**
 * The mean negative log-likelihood of the true classes: scikit-learn's `log_loss`. Probabilities are clipped to
 * [eps, 1 - eps], eps being that of their dtype, and rows are scaled to sum to 1.
 *
 * @param yPred probabilities [n, classes] in the order of the sorted classes, or [n] of the second of two classes
 * @param options.labels all classes, where some do not occur in yTrue
 * @param options.normalize whether to divide by the number of samples; default: true
 * @param options.sampleWeight one weight >= 0 a sample
 */
export function logLoss(
  yTrue: Labels,
  yPred: ArrayInput,
  options: { labels?: Labels; normalize?: boolean; sampleWeight?: ArrayInput } = {},
): number {
  checkOptions('options', options, ['labels', 'normalize', 'sampleWeight']);
  const normalize = checkBoolean('normalize', options.normalize ?? true);
  const labels = readLabels('yTrue', yTrue);
  const n = labels.length;
  const probabilities = checkArray('yPred', yPred);
  if (probabilities.ndim > 2 || probabilities.length !== n)
    throw new RangeError(`Expected yPred to have ${n} rows, got shape [${probabilities.shape.join(', ')}]`);
  const weight = readWeights(options.sampleWeight, n);
  const given = options.labels === undefined ? labels : readLabels('labels', options.labels);
  const classes = uniqueLabels(given);
  const columns = probabilities.shape[1] ?? 1;
  const width = Math.max(columns, 2);
  const source = given === labels ? 'yTrue' : 'labels';
  if (classes.length < 2)
    throw new RangeError(
      `Expected ${source} to hold two classes or more (options.labels may name them), got ${classes.join()}`,
    );
  if (classes.length !== width)
    throw new RangeError(
      `Expected yPred to have a column for each of the ${classes.length} classes in ${source}, got ${columns}`,
    );
  const code = codesOf(labels, classes);
  const unknown = code.indexOf(-1);
  if (unknown >= 0) throw wrongValue(`yTrue[${unknown}]`, 'one of labels', labels[unknown]);

  const eps = probabilities.dtype === 'float32' ? 2 ** -23 : Number.EPSILON;
  const clip = (p: number) => Math.min(Math.max(p, eps), 1 - eps);
  let loss = 0;
  let total = 0;
  for (let i = 0; i < n; i++) {
    const row = Array.from(probabilities.data.subarray(i * columns, (i + 1) * columns), clip);
    const p = columns > 1 ? row[code[i]] / row.reduce((a, b) => a + b) : code[i] === 1 ? row[0] : 1 - row[0];
    loss -= weight[i] * Math.log(p);
    total += weight[i];
  }
  return normalize ? loss / total : loss;
}

/** Reads true and predicted labels of one kind, or two matrices of 0s and 1s. */
export function readTargets(yTrue: Labels, yPred: Labels): Targets {
  const [a, b] = [readIndicators('yTrue', yTrue), readIndicators('yPred', yPred)];
  if (a && b) {
    if (a.shape[0] !== b.shape[0] || a.shape[1] !== b.shape[1])
      throw new RangeError(
        `Expected yPred to have shape [${a.shape.join(', ')}], as yTrue has, got [${b.shape.join(', ')}]`,
      );
    const classes = Array.from({ length: a.shape[1] }, (_, k) => k);
    return { kind: 'multilabel', n: a.shape[0], classes, yTrue: a.data, yPred: b.data };
  }
  if (a || b) throw wrongType('yPred', a ? 'rows of 0s and 1s, as yTrue is' : 'one label a row, as yTrue is', yPred);
  const labels = [readClasses('yTrue', yTrue), readClasses('yPred', yPred)];
  if (labels[0].length !== labels[1].length)
    throw new RangeError(`Expected yPred to have ${labels[0].length} rows, as yTrue has, got ${labels[1].length}`);
  if (typeof labels[0][0] !== typeof labels[1][0])
    throw wrongType('yPred', `${typeof labels[0][0]}s, as yTrue is`, yPred);
  const classes = uniqueLabels(...labels);
  const [codesTrue, codesPred] = labels.map((y) => codesOf(y, classes));
  return { kind: 'labels', n: labels[0].length, classes, yTrue: codesTrue, yPred: codesPred };
}

export function readClasses(name: string, y: Labels): ArrayLike<Label> {
  const labels = readLabels(name, y);
  for (let i = 0; i < labels.length; i++)
    if (typeof labels[i] === 'number' && !Number.isInteger(labels[i]))
      throw new RangeError(`Expected ${name} to hold class labels (integers or strings), got ${labels[i]} at row ${i}`);
  return labels;
}

export function readIndicators(name: string, y: Labels): NDArray | undefined {
  if (isStrings(y)) return undefined;
  const array = asArray(name, y);
  if (array.ndim !== 2 || array.shape[1] === 1) return undefined;
  checkFinite(name, array);
  const wrong = array.data.findIndex((v: number) => v !== 0 && v !== 1);
  if (wrong >= 0)
    throw new RangeError(
      `Expected ${name} to hold rows of 0s and 1s (multi-label), got ${array.data[wrong]} at ${position(wrong, array.shape)}`,
    );
  return array;
}

/** One weight >= 0 a sample; ones by default. */
export function readWeights(weights: ArrayInput | undefined, n: number): ArrayLike<number> {
  if (weights === undefined) return new Float64Array(n).fill(1);
  const array = checkArray('sampleWeight', weights, { ndim: 1 });
  if (array.length !== n) throw new RangeError(`Expected sampleWeight to have ${n} rows, got ${array.length}`);
  let total = 0;
  array.data.forEach((w: number, i: number) => {
    if (w < 0) throw wrongValue(`sampleWeight[${i}]`, 'a non-negative number', w);
    total += w;
  });
  if (total === 0) throw wrongValue('sampleWeight', 'weights of which one is positive', weights);
  return array.data;
}
