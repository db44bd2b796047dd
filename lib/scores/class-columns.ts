import { wrongValue } from '../check.js';
import { codesOf, type Label, type Labels, readLabels, uniqueLabels } from '../labels.js';
import { checkKind } from './classification.js';

/**
 * For every sample the column of its class, where the columns are the sorted classes.
 *
 * @param all all classes, sorted, where some may be missing among the labels
 */
export function readColumns(labels: ArrayLike<Label>, all: Labels | undefined, columns: number): Int32Array {
  const given = all === undefined ? labels : readLabels('labels', all);
  checkKind('labels', given, labels, all);
  const classes = uniqueLabels(given);
  if (all !== undefined && (classes.length !== given.length || classes.some((label, k) => label !== given[k])))
    throw wrongValue('labels', 'sorted, each class once', all);
  checkColumns('yScore', classes.length, columns, all === undefined ? 'yTrue' : 'labels');
  const codes = codesOf(labels, classes);
  checkNamed(codes, labels);
  return codes;
}

export function checkColumns(name: string, classes: number, columns: number, source: string): void {
  if (classes !== columns)
    throw new RangeError(
      `Expected ${name} to have a column for each of the ${classes} classes in ${source}, got ${columns}`,
    );
}

/** Refuses samples of a class that the option `labels` does not name. */
export function checkNamed(codes: Int32Array, labels: ArrayLike<Label>): void {
  const unknown = codes.indexOf(-1);
  if (unknown >= 0) throw wrongValue(`yTrue[${unknown}]`, 'one of labels', labels[unknown]);
}
