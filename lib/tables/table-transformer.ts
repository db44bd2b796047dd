import { plural } from '../array/shape.js';
import { checkOneOf, checkOptions, cut, didYouMean, wrongType, wrongValue } from '../check.js';
import { toNumber, toNumbers } from '../io/cells.js';
import { listed } from '../labels.js';
import { registerSaved } from '../saved.js';
import { ColumnTransformer, type ColumnTransformerEntry, type Learnt, repeated } from './column-transformer.js';
import { DatetimeEncoder } from './datetime-encoder.js';
import { type Frame, isDate, isMissing, readFrame, type Table } from './frame.js';
import { formatsOf } from './instants.js';
import { OneHotEncoder } from './one-hot-encoder.js';
import { SimpleImputer } from './simple-imputer.js';
import { StandardScaler } from './standard-scaler.js';
import type { AnyTransformer } from './steps.js';
import { countsRows, standsFor } from './suspects.js';

export interface InferOptions {
  /** The column to predict, which is no feature. */
  target?: string;
  /** Columns to leave out. */
  drop?: readonly string[];
  /** Columns of numbers that are names of kinds, such as postal codes. */
  categorical?: readonly string[];
  /** Columns of dates that would be taken for something else. */
  date?: readonly string[];
  /** What stands in for missing numbers. Default 'median' */
  impute?: 'mean' | 'median';
}

/** What is done with a column, and why. */
interface Plan {
  readonly words: string;
  /** Absent: it is left out. */
  readonly steps?: readonly AnyTransformer[];
}

/** More categories than this share their rarest as one. */
const MOST_CATEGORIES = 30;
/** From this share of missing values on, that a value is missing is told as a feature of its own. */
const MANY_MISSING = 0.05;

/**
 * The `ColumnTransformer` that a careful person would write for a table, and says why in words.
 *
 * ```js
 * const transformer = TableTransformer.infer(trainRows, { target: 'species' });
 * transformer.describe(); // 'island: text of 3 kinds: a column of 0 and 1 for each', …
 * ```
 *
 * It looks at the rows that it is given and at nothing else: give it those that are trained on.
 */
export class TableTransformer extends ColumnTransformer {
  static override readonly className = 'TableTransformer';
  #words: readonly string[] = [];

  static {
    registerSaved(TableTransformer);
  }

  /** @throws TypeError or RangeError for a column that is named and not there, and for a table of which nothing can be learnt */
  static infer(table: Table, options: InferOptions = {}): TableTransformer {
    checkOptions('options', options, ['target', 'drop', 'categorical', 'date', 'impute']);
    const x = readFrame('table', table);
    if (!x.names) throw wrongType('table', 'a table whose columns have names', table);
    const { target, impute } = options;
    if (target !== undefined) checkColumn('target', target, x.names);
    for (const [option, columns] of Object.entries(pick(options))) {
      if (!Array.isArray(columns)) throw wrongType(option, 'an array of names of columns', columns);
      for (let i = 0; i < columns.length; i++) checkColumn(`${option}[${i}]`, columns[i], x.names);
    }
    if (impute !== undefined) checkOneOf('impute', impute, ['mean', 'median']);
    const plans = x.names.flatMap((name, k): [string, Plan][] =>
      name === target ? [] : [[name, leak(x, k, target) ?? planFor(x, k, options)]],
    );
    const entries = plans.flatMap(([name, { steps }], k): ColumnTransformerEntry[] =>
      steps ? [[name.includes('__') || name === '' ? `column ${k}` : name, steps, [name]]] : [],
    );
    if (entries.length === 0)
      throw new RangeError(
        `Expected table to hold a column to learn from: ${plans.map(([name, { words }]) => `${name}: ${words}`).join('; ')}`,
      );
    const made = new TableTransformer(entries, { verboseFeatureNamesOut: false });
    made.#words = plans.map(([name, { words }]) => `${name}: ${words}`);
    return made;
  }

  /** A line for each column: what it holds, and what it becomes. */
  describe(): string {
    return this.#words.join('\n');
  }

  protected override get config() {
    return { ...super.config, words: this.#words };
  }

  protected override copy(...how: Parameters<ColumnTransformer['copy']>): this {
    const copy = super.copy(...how);
    copy.#words = this.#words;
    return copy;
  }

  /** Where two columns give the same name, as `color` with its 'red' does beside `color_red`, theirs stand before it. */
  protected override namesOut(names: readonly string[], learnt: Learnt): string[] {
    if (this.verboseFeatureNamesOut) return super.namesOut(names, learnt);
    const twice = repeated(learnt.parts);
    return learnt.parts.flatMap(({ name, names }) =>
      names.map((each) => (twice.has(each) ? `${name}__${each}` : each)),
    );
  }

  static override revive(config: never, state: unknown): TableTransformer {
    const { words, ...rest } = config as { words: unknown };
    if (!Array.isArray(words) || !words.every((line) => typeof line === 'string'))
      throw wrongType('config.words', 'a list of texts', words);
    const { transformers, ...settings } = rest as { transformers: ColumnTransformerEntry[] };
    const made = new TableTransformer(transformers, settings);
    if (state !== undefined) made.restore(state);
    made.#words = words;
    return made;
  }
}

const pick = ({ drop = [], categorical = [], date = [] }: InferOptions) => ({ drop, categorical, date });

function checkColumn(what: string, name: unknown, names: readonly string[]): void {
  if (typeof name !== 'string') throw wrongType(what, 'the name of a column', name);
  if (!names.includes(name))
    throw wrongValue(what, `one of the columns ${listed(names)}${didYouMean(name, names)}`, name);
}

function planFor(x: Frame, k: number, options: InferOptions): Plan {
  const { drop, categorical, date } = pick(options);
  const name = (x.names as readonly string[])[k];
  const values = Array.from(x.column(k)).filter((value) => !isMissing(value));
  const missing = x.n - values.length;
  if (drop.includes(name)) return { words: 'left out, as asked' };
  if (values.length === 0) return { words: 'left out, as it has no values' };
  refuseObjects(x, k);
  const distinct = new Set(values.map((value) => (isDate(value) ? value.getTime() : value)));
  if (distinct.size === 1 && missing === 0) return { words: `left out, as it is ${shown(values[0])} in every row` };
  const asDate = dates(name, values, missing, date.includes(name));
  if (asDate) return asDate;
  if (categorical.includes(name)) return kinds(values, distinct.size, missing, 'a name, as asked,');
  if (values.every((value) => typeof value === 'boolean'))
    return kinds(values, distinct.size, missing, 'true or false');
  const isNumber = values.every((value) => typeof value === 'number' || typeof value === 'bigint');
  const isText = values.every((value) => typeof value === 'string');
  const numerals = isText ? toNumbers(values) : undefined;
  if ((isNumber || numerals) && countsRows(name, values.length, (i) => (numerals ?? values)[i]))
    return { words: 'left out, as it counts the rows' };
  if (isNumber) return numbers(missing, x.n, options, 'a number');
  if (numerals?.every((value) => value === numerals[0]))
    return { words: `left out, as its texts are all the number ${numerals[0]}` };
  if (numerals) return numbers(missing, x.n, options, 'a number that is written as text');
  const isNames = distinct.size > 20 && distinct.size > values.length / 2;
  const isMostlyNumbers = values.filter(isNumeral).length >= values.length / 2;
  if (!isText) {
    const several = firstOfEach(x, k);
    if (isNames && !isMostlyNumbers)
      return {
        words: `left out, as it has ${distinct.size} different values of several kinds in ${values.length} rows: ${several}`,
      };
    throw new TypeError(
      `Expected the column '${name}' of the table to hold values of one kind, got ${several} (drop leaves it out)`,
    );
  }
  if (isMostlyNumbers)
    throw new TypeError(
      `Expected the column '${name}' of the table to hold numbers, as most of it is, or text, got '${values.find((value) => !isNumeral(value))}' among numbers (categorical takes all for text, drop leaves it out)`,
    );
  if (isNames)
    return { words: `left out, as it has ${distinct.size} different texts in ${values.length} rows${commas(values)}` };
  return kinds(values, distinct.size, missing, 'text');
}

const isNumeral = (value: unknown) => !Number.isNaN(toNumber(String(value)));

/** The first value of each kind of a column, and its row. */
function firstOfEach(x: Frame, k: number): string {
  const firsts = new Map<string, string>();
  for (const [row, value] of Array.from(x.column(k)).entries()) {
    const kind = typeof value === 'bigint' ? 'number' : typeof value;
    if (!isMissing(value) && !firsts.has(kind)) firsts.set(kind, `${cut(shown(value), 60)} at row ${row}`);
  }
  return [...firsts.values()].join(' and ');
}

/** @throws TypeError with the row of a value that no transformer takes, such as a list, bytes, or an object of a database */
function refuseObjects(x: Frame, k: number): void {
  const column = Array.from(x.column(k));
  const row = column.findIndex((value) => typeof value === 'object' && !isMissing(value) && !isDate(value));
  if (row < 0) return;
  const expected = 'a number, a boolean, text or a Date (drop leaves the column out)';
  throw wrongType(`${x.nameOf(k)} of the table at row ${row}`, expected, column[row]);
}

/** Numbers that were read with another decimal character than they were written with; of three decimals they may be thousands. */
const commas = (values: readonly unknown[]): string =>
  values.every((value) => /^[+-]?[\d.]*,\d+$/.test(String(value))) && values.some((v) => !/,\d{3}$/.test(String(v)))
    ? "; with ',' as the option decimal (--decimal) they are numbers"
    : '';

/** A column that says the target already. */
function leak(x: Frame, k: number, target: string | undefined): Plan | undefined {
  if (target === undefined) return undefined;
  const [own, wanted] = [x.column(k), x.column((x.names as readonly string[]).indexOf(target))];
  const rowOf = (column: ArrayLike<unknown>) => (i: number) => column[i];
  if (!standsFor(x.n, rowOf(own), rowOf(wanted))) return undefined;
  return {
    words: `left out, as each of its values stands for one of '${target}': what is to be predicted is not known before`,
  };
}

function numbers(missing: number, n: number, { impute = 'median' }: InferOptions, what: string): Plan {
  const addIndicator = missing / n >= MANY_MISSING;
  const strategy = impute;
  return {
    words: `${what}${filling(missing, `by the ${impute}`)}${addIndicator ? ' and told by a column of its own' : ''}; scaled to mean 0 and variance 1`,
    steps: [new SimpleImputer({ strategy, addIndicator }), new StandardScaler()],
  };
}

function kinds(values: readonly unknown[], distinct: number, missing: number, what: string): Plan {
  const isRare = missing / (values.length + missing) < MANY_MISSING;
  const isText = typeof values[0] === 'string';
  const fill = isRare || !isText ? 'by the most frequent one' : "by a kind of its own, 'missing'";
  const imputer =
    isRare || !isText
      ? new SimpleImputer({ strategy: 'mostFrequent' })
      : new SimpleImputer({ strategy: 'constant', fillValue: 'missing' });
  const isMany = distinct > MOST_CATEGORIES;
  const encoder = isMany
    ? new OneHotEncoder({ handleUnknown: 'infrequentIfExist', maxCategories: MOST_CATEGORIES })
    : new OneHotEncoder({ handleUnknown: 'ignore' });
  const columns = isMany
    ? `a column of 0 and 1 for each of the ${MOST_CATEGORIES - 1} most frequent, and one for the others`
    : 'a column of 0 and 1 for each';
  return {
    words: `${what} of ${plural(distinct, 'kind')}${filling(missing, fill)}: ${columns}${commas(values)}`,
    steps: [imputer, encoder],
  };
}

function dates(name: string, values: readonly unknown[], missing: number, isAsked: boolean): Plan | undefined {
  const isDates = values.every(isDate);
  const formats = isDates ? (['iso'] as const) : formatsOf(values);
  if (formats.length === 0) {
    if (!isAsked) return undefined;
    const odd = values.find((value) => !isDate(value) && formatsOf([value]).length === 0);
    throw new TypeError(
      `Expected the column '${name}' of date to hold dates of one form, such as 2012-01-31, 1/31/2012 or 31/1/2012, got ${odd === undefined ? 'several' : shown(odd)}`,
    );
  }
  const written = isDates ? '' : { iso: ', year first', mdy: ', month first', dmy: ', day first' }[formats[0]];
  const doubt = formats.length > 1 ? ` (day first would be possible, too)` : '';
  return {
    words: `a date${written}${doubt}${filling(missing, 'by the mean')}: its parts, those that come again as sine and cosine`,
    steps: [new DatetimeEncoder({ format: formats[0], periodic: true }), new SimpleImputer(), new StandardScaler()],
  };
}

const filling = (missing: number, how: string) => (missing > 0 ? `, ${missing} missing, filled in ${how}` : '');

const shown = (value: unknown) => (typeof value === 'string' ? `'${value}'` : String(value));
