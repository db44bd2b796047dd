import { filled } from '../allocate.js';
import { type ArrayInput, checkArray } from '../array.js';
import { wrongShape, wrongValue } from '../check.js';
import { codesOf, type Label, type Labels, listed, readLabels, uniqueLabels } from '../labels.js';
import { readClasses } from '../scores/classification.js';
import { checkRows, positiveAmong } from '../scores/positives.js';
import { type AxisInput, axisLabels } from './format.js';
import { SERIES } from './theme.js';

export interface ClassScoresOptions {
  /** All classes in the order of the columns, where some do not occur in yTrue. Default: those of yTrue, sorted */
  labels?: Labels;
  /** The names of the classes, in the same order. Default: the labels */
  classNames?: AxisInput;
  /** Of two classes the positive one. Default: the greater one */
  posLabel?: Label;
}

export const CLASS_OPTIONS = ['labels', 'classNames', 'posLabel'] as const;

/** One class against the rest. */
export interface ClassScores {
  readonly name: string;
  /** 1 for samples of the class, else 0. */
  readonly positives: Float64Array;
  readonly scores: Float64Array;
}

/**
 * Every class against the rest; of two classes the positive one alone. Classes of which there are no samples, or no others,
 * have no curve, and are left out.
 *
 * @param scores of the positive class [n] or [n, 1], or of every class [n, classes]
 */
export function readClassScores(
  name: string,
  yTrue: Labels,
  scores: ArrayInput,
  { labels, classNames, posLabel }: ClassScoresOptions,
): ClassScores[] {
  const truth = readClasses('yTrue', yTrue);
  const array = checkArray(name, scores);
  if (array.ndim > 2) throw wrongShape(name, 'of shape [n] or [n, classes]', array.shape);
  const width = array.shape[1] ?? 1;
  checkRows(name, array.length, truth.length);
  const classes = labels === undefined ? uniqueLabels(truth) : Array.from(readLabels('labels', labels));
  const columns = Math.max(2, width);
  if (classes.length !== columns)
    throw new RangeError(
      `Expected ${labels === undefined ? 'yTrue' : 'labels'} to hold ${columns} classes, as ${name} is of, got ${classes.length} (${listed(classes)})`,
    );
  if (columns > SERIES.length)
    throw new RangeError(`Expected ${name} to be of at most ${SERIES.length} classes, got ${columns}`);
  const codes = codesOf(truth, classes);
  const unknown = codes.indexOf(-1);
  if (unknown >= 0) throw wrongValue(`yTrue[${unknown}]`, `one of ${listed(classes)}`, truth[unknown]);
  const names = axisLabels('classNames', classNames ?? classes.map(String), columns);
  const against = (k: number, score: (row: number) => number): ClassScores => ({
    name: names[k],
    positives: filled(Float64Array, codes.length, (row) => Number(codes[row] === k)),
    scores: filled(Float64Array, codes.length, score),
  });
  const { data } = array;
  const drawn =
    columns === 2
      ? [positiveOfTwo(classes, posLabel)].map((k) =>
          against(k, width === 2 ? (row) => data[2 * row + k] : (row) => data[row]),
        )
      : (refuse(posLabel) ?? classes.map((_, k) => against(k, (row) => data[row * width + k])));
  const told = drawn.filter(({ positives }) => positives.includes(1) && positives.includes(0));
  if (told.length === 0)
    throw new RangeError(
      `Expected yTrue to hold samples of two classes or more, got those of one (${listed(uniqueLabels(truth))})`,
    );
  return told;
}

function positiveOfTwo(classes: readonly Label[], posLabel: Label | undefined): number {
  if (posLabel === undefined) return 1;
  const place = classes.indexOf(positiveAmong(classes, posLabel));
  if (place < 0) throw wrongValue('posLabel', `one of ${listed(classes)}`, posLabel);
  return place;
}

function refuse(posLabel: Label | undefined): undefined {
  if (posLabel !== undefined) throw wrongValue('posLabel', 'left out for more than two classes', posLabel);
}
