import { allocate } from '../allocate.js';
import { type ArrayInput, asArray, checkArray, checkFinite, NDArray, position } from '../array.js';
import { checkBoolean, checkOneOf, checkOptions, wrongType, wrongValue } from '../check.js';
import { codesOf, isWords, type Label, type Labels, readLabels, uniqueLabels } from '../labels.js';
import { averageOf, pairwiseSum } from './sums.js';

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
  return accuracyOf(targets, readWeights(options.sampleWeight, targets.n), normalize);
}

export function accuracyOf(targets: Targets, weight: ArrayLike<number>, normalize = true): number {
  const width = targets.kind === 'multilabel' ? targets.classes.length : 1;
  const correct = allocate(Float64Array, targets.n);
  for (let i = 0; i < targets.n; i++) {
    correct[i] = 1;
    for (let k = i * width; k < (i + 1) * width; k++) if (targets.yTrue[k] !== targets.yPred[k]) correct[i] = 0;
  }
  return normalize ? averageOf(correct, weight) : pairwiseSum(correct.map((value, i) => value * weight[i]));
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
  options: { labels?: Labels; normalize?: 'true' | 'pred' | 'all' | null; sampleWeight?: ArrayInput } = {},
): NDArray {
  checkOptions('options', options, ['labels', 'normalize', 'sampleWeight']);
  const normalize = options.normalize ?? undefined;
  if (normalize !== undefined) checkOneOf('normalize', normalize, ['true', 'pred', 'all']);
  const targets = readTargets(yTrue, yPred);
  if (targets.kind === 'multilabel') throw wrongValue('yTrue', 'one label a row', yTrue);
  const weight = readWeights(options.sampleWeight, targets.n);
  const labels = options.labels === undefined ? targets.classes : Array.from(readLabels('labels', options.labels));
  checkKind('labels', labels, targets.classes, options.labels);
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
  if (k === 1)
    process.emitWarning(
      'A single label was found in yTrue and yPred. Use the labels option to name all of them.',
      'UserWarning',
    );
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
  const labels = sameKind(readClasses('yTrue', yTrue), readClasses('yPred', yPred));
  if (labels[0].length !== labels[1].length)
    throw new RangeError(`Expected yPred to have ${labels[0].length} rows, as yTrue has, got ${labels[1].length}`);
  checkKind('yPred', labels[1], labels[0], yPred);
  const classes = uniqueLabels(...labels);
  const [codesTrue, codesPred] = labels.map((y) => codesOf(y, classes));
  return { kind: 'labels', n: labels[0].length, classes, yTrue: codesTrue, yPred: codesPred };
}

/** Booleans beside numbers are 0 and 1, as in Python. */
function sameKind(...labels: ArrayLike<Label>[]): ArrayLike<Label>[] {
  const kinds = labels.map((y) => typeof y[0]);
  if (!kinds.includes('boolean') || !kinds.includes('number')) return labels;
  return labels.map((y) => Array.from(y, Number));
}

/** Refuses labels of another type than those of yTrue, none of which they would ever equal. */
export function checkKind(name: string, labels: ArrayLike<Label>, known: ArrayLike<Label>, given: unknown): void {
  const kind = typeof known[0];
  if (typeof labels[0] !== kind) throw wrongType(name, `${kind}s, as yTrue is`, given);
}

export function readClasses(name: string, y: Labels): ArrayLike<Label> {
  const labels = readLabels(name, y);
  for (let i = 0; i < labels.length; i++)
    if (typeof labels[i] === 'number' && !Number.isInteger(labels[i]))
      throw new RangeError(`Expected ${name} to hold class labels (integers or strings), got ${labels[i]} at row ${i}`);
  return labels;
}

export function readIndicators(name: string, y: Labels): NDArray | undefined {
  if (isWords(y)) return undefined;
  const array = asArray(name, y as ArrayInput);
  if (array.ndim !== 2 || array.shape[1] === 1) return undefined;
  if (array.size === 0) throw new RangeError(`Expected ${name} to hold labels, got shape [${array.shape.join(', ')}]`);
  checkFinite(name, array);
  const wrong = array.data.findIndex((v: number) => v !== 0 && v !== 1);
  if (wrong >= 0)
    throw new RangeError(
      `Expected ${name} to hold rows of 0s and 1s (multi-label), got ${array.data[wrong]} at ${position(wrong, array.shape)}`,
    );
  return array;
}

/** One weight >= 0 a sample; ones by default. Where they may be `signed`, one that is not 0 will do. */
export function readWeights(weights: ArrayInput | undefined, n: number, signed = false): ArrayLike<number> {
  if (weights === undefined) return allocate(Float64Array, n).fill(1);
  const array = checkArray('sampleWeight', weights, { ndim: 1 });
  if (array.length !== n) throw new RangeError(`Expected sampleWeight to have ${n} rows, got ${array.length}`);
  const negative = signed ? -1 : array.data.findIndex((w: number) => w < 0);
  if (negative >= 0) throw wrongValue(`sampleWeight[${negative}]`, 'a non-negative number', array.data[negative]);
  if (array.data.every((w: number) => w === 0))
    throw wrongValue('sampleWeight', `weights of which one is positive${signed ? ' or negative' : ''}`, weights);
  return array.data;
}
