import { NDArray } from '../array.js';
import { toNumber, toNumbers } from '../io/cells.js';
import { isNDArray } from '../kind.js';
import { codesOf, type Label } from '../labels.js';
import { CommandError, EXIT } from './errors.js';
import type { Table } from './sources.js';

export type Task = 'classification' | 'regression';

/** What is to be predicted of a table. */
export type Asked = Pick<Table, 'name' | 'y' | 'target'>;

/** Numbers with a fraction, or very many different ones, are no classes, and texts that are another one in most rows are nothing. */
export function guessTask({ y, name, target }: Asked): Task {
  if (!y)
    throw new CommandError(
      EXIT.input,
      `Expected '${name}' to hold labels, got samples only (--labels FILE names theirs)`,
    );
  // text that is numbers, with a fraction, is a measurement that was written in two ways, such as 2.5 and 2.50
  if (Array.isArray(y) && toNumbers(y)?.some((v) => !Number.isInteger(v))) return 'regression';
  if (Array.isArray(y)) {
    const kinds = new Set(y).size;
    if (kinds > Math.max(DOUBTFUL, y.length / 2))
      throw new CommandError(
        EXIT.usage,
        `Expected --label to name a column of classes or numbers of '${name}', got ${target === undefined ? 'labels' : `'${target}'`} of ${kinds} different texts in ${y.length} rows, such as '${y[0]}' (--task classification takes each for a class)`,
      );
    return 'classification';
  }
  const distinct = new Set<number>();
  for (const value of (y as NDArray).data) {
    if (!Number.isInteger(value)) return 'regression';
    if (distinct.size <= MOST_CLASSES) distinct.add(value);
  }
  if (distinct.size > Math.min(MOST_CLASSES, Math.max(2, y.length / 2))) return 'regression';
  if (distinct.size > DOUBTFUL)
    throw new CommandError(
      EXIT.usage,
      `Expected --task for '${name}', whose labels are ${distinct.size} different whole numbers: --task classification takes them for classes, --regression for numbers`,
    );
  return 'classification';
}

const MOST_CLASSES = 100;
/** Whole numbers of more kinds than this may be classes or not: who knows is asked. */
const DOUBTFUL = 30;

export function checkTask({ y, name, target }: Asked, task: Task): void {
  if (!y)
    throw new CommandError(
      EXIT.input,
      `Expected '${name}' to hold labels, got samples only (--labels FILE names theirs)`,
    );
  const text = task === 'regression' && Array.isArray(y) ? y.find((label) => Number.isNaN(toNumber(label))) : undefined;
  if (text !== undefined)
    throw new CommandError(
      EXIT.input,
      `Expected ${target === undefined ? 'the labels' : `the column '${target}'`} of '${name}' to hold numbers for a regression, got '${text}'`,
    );
}

export const labelsOf = ({ y }: Asked): ArrayLike<Label> => (isNDArray(y) ? y.data : (y as readonly string[]));

/** Class numbers, or numbers. */
export function targetsOf(table: Asked, classes: readonly Label[] | undefined): NDArray {
  const { name, y } = table;
  if (!classes)
    return Array.isArray(y)
      ? NDArray.wrap(toNumbers(y) as Float64Array)
      : NDArray.from(y as NDArray, { dtype: 'float64', shape: [-1] });
  const labels = labelsOf(table);
  // numbers in one file may be text in another, where they stand beside text: those of the same text are the same class
  const codes =
    typeof classes[0] === typeof labels[0]
      ? codesOf(labels, classes)
      : codesOf(Array.from(labels, String), classes.map(String));
  const row = codes.indexOf(-1);
  if (row >= 0)
    throw new CommandError(
      EXIT.input,
      `Expected the labels of '${name}' to be among ${list(classes)}, got '${labels[row]}' in sample ${row}`,
    );
  return NDArray.wrap(codes);
}

const list = (classes: readonly Label[]) =>
  classes.length > 12 ? `${classes.slice(0, 12).join(', ')}, …` : classes.join(', ');
