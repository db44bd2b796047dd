import type { NDArray } from '../array.js';
import { wrongType, wrongValue } from '../check.js';
import { label, list, type Schema } from '../io/schema.js';
import { type Label, uniqueLabels } from '../labels.js';
import { Frame, isDate, isMissing } from './frame.js';

/** A value that a column may have; null is a missing one. */
export type Category = Label | null;

/** The distinct values of a column, sorted, a missing one last, as scikit-learn has them. */
export function categoriesOf(x: Frame, k: number): Category[] {
  const column = x.column(k);
  const seen = new Set<Label>();
  let hasMissing = false;
  let kind: string | undefined;
  for (let i = 0; i < column.length; i++) {
    const value = column[i];
    if (isMissing(value)) {
      hasMissing = true;
      continue;
    }
    kind ??= typeof value;
    checkKind(x, k, i, value, kind);
    seen.add(value as Label);
  }
  const sorted: Category[] = uniqueLabels([...seen]);
  return hasMissing ? [...sorted, null] : sorted;
}

function checkKind(x: Frame, k: number, row: number, value: unknown, kind: string): void {
  const what = `${x.nameOf(k)} of x at row ${row}`;
  if (isDate(value)) throw wrongType(what, 'a category (DatetimeEncoder makes numbers of dates)', value);
  if (typeof value === 'bigint') throw wrongValue(what, 'an integer within ±(2^53 - 1), or text', value);
  if (typeof value !== kind) throw wrongType(what, `a ${kind}, as its other values are`, value);
  if (kind !== 'string' && kind !== 'number' && kind !== 'boolean')
    throw wrongType(what, 'a text, a number or a boolean', value);
}

/**
 * For every row the place of its value among the categories, -1 for a value that is none of them.
 * @throws TypeError with row and column for a value of another kind than theirs, which no rule for unknown ones is meant for
 */
export function placesOf(x: Frame, k: number, categories: readonly Category[]): Int32Array {
  const places = new Map(categories.map((category, place) => [category, place]));
  const kind = typeof categories.find((category) => category !== null);
  const column = x.column(k);
  const codes = new Int32Array(column.length);
  for (let i = 0; i < column.length; i++) {
    const missing = isMissing(column[i]);
    if (!missing && kind !== 'undefined' && typeof column[i] !== kind)
      throw wrongType(`${x.nameOf(k)} of x at row ${i}`, `a ${kind}, as at fit`, column[i]);
    codes[i] = places.get(missing ? null : (column[i] as Label)) ?? -1;
  }
  return codes;
}

/** Categories of which a missing one, whatever stands for it, is null. */
const namedAlike = (categories: readonly Category[]): Category[] =>
  categories.map((category) => (isMissing(category) ? null : category));

/** The option `categories`: 'auto', or a list for each column. */
export function checkCategories(categories: 'auto' | readonly (readonly Category[])[]): typeof categories {
  if (categories === 'auto') return categories;
  const expectation = "'auto' or an array of the categories of each column";
  if (!Array.isArray(categories)) throw wrongType('categories', expectation, categories);
  for (const [k, own] of categories.entries()) {
    if (!Array.isArray(own) || own.length === 0) throw wrongType(`categories[${k}]`, 'an array of categories', own);
    const other = own.findIndex(
      (category) => !isMissing(category) && !/^(string|number|boolean)$/.test(typeof category),
    );
    if (other >= 0) throw wrongType(`categories[${k}][${other}]`, 'a text, a number or a boolean', own[other]);
    const seen = new Set<Category>();
    const twice = namedAlike(own).findIndex((category) => seen.has(category) || !seen.add(category));
    if (twice >= 0) throw wrongType(`categories[${k}][${twice}]`, 'another category than those before it', own[twice]);
  }
  return categories;
}

/** The categories of each column: those that were given, or those that it has. */
export function learnCategories(
  x: Frame,
  given: 'auto' | readonly (readonly Category[])[],
  isStrict: boolean,
): Category[][] {
  if (given !== 'auto' && given.length !== x.width)
    throw new RangeError(`Expected categories to hold a list for each of the ${x.width} columns, got ${given.length}`);
  return Array.from({ length: x.width }, (_, k) => {
    if (given === 'auto') return categoriesOf(x, k);
    const own = namedAlike(given[k]);
    if (isStrict) refuseUnknown(x, k, placesOf(x, k, own), own);
    return own;
  });
}

/** @throws RangeError with row and column for a value that is no category */
export function refuseUnknown(x: Frame, k: number, codes: Int32Array, categories: readonly Category[]): void {
  const row = codes.indexOf(-1);
  if (row < 0) return;
  const value = x.column(k)[row];
  const got = isMissing(value) ? 'a missing value' : typeof value === 'string' ? `'${value}'` : String(value);
  throw new RangeError(
    `Expected ${x.nameOf(k)} of x to hold one of ${shown(categories)}, as at fit, got ${got} at row ${row} (the option handleUnknown takes others)`,
  );
}

const shown = (categories: readonly Category[]) =>
  categories
    .slice(0, 8)
    .map((category) => (typeof category === 'string' ? `'${category}'` : String(category)))
    .join(', ') + (categories.length > 8 ? ', …' : '');

/** Categories in a file. */
export const categoryLists: Schema<readonly (readonly Category[])[]> = list(
  list((name, value) => (value === null ? null : label(name, value)), 1),
);

/**
 * The categories that stand in n rows, as a transformer gives them back: a matrix where all are numbers, a missing one as NaN, else
 * rows of values, a missing one as null.
 * @param of the category in a row of column k; null or undefined for none
 */
export function givenBack(
  n: number,
  categories: readonly (readonly Category[])[],
  of: (k: number) => (row: number) => Category | undefined,
): NDArray | unknown[][] {
  const columns = categories.map((own, k) => {
    const missing = own.every((category) => category === null || typeof category === 'number') ? Number.NaN : null;
    const categoryAt = of(k);
    const values = Array.from({ length: n }, (_, row) => categoryAt(row) ?? missing);
    return values.every((value) => typeof value === 'number') ? Float64Array.from(values) : values;
  });
  return Frame.ofColumns(n, columns).output();
}
