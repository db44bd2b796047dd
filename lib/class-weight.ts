import { types } from 'node:util';
import { filled } from './allocate.js';
import { argmaxRows, type NDArray, position } from './array.js';
import { checkInterval, wrongType, wrongValue } from './check.js';
import { isNDArray } from './kind.js';
import { hasSigns, isBinary, type Loss } from './losses.js';

/**
 * The weight of each class in the loss: an object, an array or a Map of weights by class number, or 'balanced',
 * scikit-learn's n / (k * count) for a class that `count` of n training samples have, k classes among them.
 */
export type ClassWeight =
  | 'balanced'
  | Readonly<Record<number, number>>
  | readonly number[]
  | ReadonlyMap<number | string, number>;

/**
 * The class weight of the first `count` samples. Classes are the labels in y: class numbers, the column of the 1 in
 * one-hot rows (the largest, for categoricalCrossentropy), 0 and 1 of a binary output, integers with other losses.
 * Those that are not named weigh 1.
 *
 * @param targets y as `loss.prepare` gave it
 * @param isBatch whether it is part of the data only, so that classes may be missing
 * @throws TypeError or RangeError for targets that are no classes, and for classes that there cannot be
 */
export function classWeights(
  classWeight: ClassWeight,
  targets: NDArray,
  outputs: number,
  loss: Loss,
  count: number,
  isBatch: boolean,
): Float64Array {
  const labels = labelsOf(targets, loss);
  const areSigns = hasSigns(loss) && outputs === 1;
  const given = classWeight === 'balanced' ? balanced(labels.subarray(0, count)) : readWeights(classWeight, areSigns);
  if (classWeight !== 'balanced') checkKnown([...given.keys()], isBatch ? undefined : labels, outputs, loss);
  return filled(Float64Array, count, (i) => given.get(labels[i]) ?? 1);
}

/** The class of every sample. */
function labelsOf(targets: NDArray, loss: Loss): Float64Array | Int32Array {
  const { shape, data } = targets;
  const n = shape[0];
  const width = targets.size / n;
  if (shape.length > 2 && width > 1)
    throw new RangeError(
      `Expected y to hold one class a sample for classWeight, got shape [${shape.join(', ')}]; give such targets a sampleWeight`,
    );
  if (width === 1) {
    // labels that were smoothed, as Keras reads them
    if (isBinary(loss)) return filled(Float64Array, data.length, (i) => (data[i] > 0.5 ? 1 : 0));
    const wrong = data.findIndex((label) => !Number.isInteger(label));
    if (wrong >= 0)
      throw new RangeError(
        `Expected y to hold class numbers, integers, for classWeight, got ${data[wrong]} at ${position(wrong, shape)}`,
      );
    return filled(Float64Array, data.length, (i) => (hasSigns(loss) && data[i] === 0 ? -1 : data[i]));
  }
  const rows = targets.reshape(n, width);
  const labels = argmaxRows(rows).data as Int32Array;
  if (!/^categorical(Focal)?Crossentropy$/.test(loss.config.name))
    for (let i = 0; i < data.length; i++)
      if (data[i] !== (labels[Math.floor(i / width)] === i % width ? 1 : 0))
        throw new RangeError(
          `Expected y to hold one-hot rows, one class a sample, for classWeight, got ${data[i]} at ${position(i, [n, width])}`,
        );
  return labels;
}

/** scikit-learn's weights of the classes of labels. */
export function balanced(labels: Float64Array | Int32Array): Map<number, number> {
  const counts = new Map<number, number>();
  for (const label of labels) counts.set(label, (counts.get(label) ?? 0) + 1);
  return new Map([...counts].map(([label, count]) => [label, labels.length / (counts.size * count)]));
}

function readWeights(classWeight: Exclude<ClassWeight, 'balanced'>, areSigns: boolean): Map<number, number> {
  const expected = "'balanced', or an object or Map of weights by class number";
  if (typeof classWeight === 'string') throw wrongValue('classWeight', expected, classWeight);
  const isObject = Object.prototype.toString.call(classWeight) === '[object Object]' && !isNDArray(classWeight);
  if (!isObject && !types.isMap(classWeight) && !Array.isArray(classWeight) && !ArrayBuffer.isView(classWeight))
    throw wrongType('classWeight', expected, classWeight);
  const entries: [unknown, unknown][] = types.isMap(classWeight) ? [...classWeight] : Object.entries(classWeight);
  const weights = new Map<number, number>();
  for (const [key, weight] of entries) {
    let label = Number(key);
    const isLabel = typeof key === 'number' || (typeof key === 'string' && String(label) === key);
    if (!isLabel || !Number.isSafeInteger(label)) throw wrongValue('classWeight', expected, key);
    if (areSigns && label === 0) label = -1; // as the targets are read
    if (weights.has(label)) throw wrongValue('classWeight', 'an object or Map that names each class once', key);
    weights.set(label, checkInterval(`classWeight[${label}]`, weight, 0, Number.POSITIVE_INFINITY));
  }
  return weights;
}

/** Refuses classes that the network's targets cannot be of or, where all integers can be targets, are not of. */
function checkKnown(named: number[], labels: ArrayLike<number> | undefined, outputs: number, loss: Loss): void {
  const known = new Set(
    hasSigns(loss) && outputs === 1
      ? [-1, 1]
      : outputs > 1
        ? Array.from({ length: outputs }, (_, k) => k)
        : isBinary(loss)
          ? [0, 1]
          : Array.from(labels ?? named),
  );
  const unknown = named.find((label) => !known.has(label));
  if (unknown === undefined) return;
  const classes = [...known].sort((a, b) => a - b);
  const all =
    classes.length > 8 ? `${classes.slice(0, 3).join(', ')}, … ${classes[classes.length - 1]}` : classes.join(', ');
  throw wrongValue('classWeight', `an object or Map of weights by class (${all})`, unknown);
}
