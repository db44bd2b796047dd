import { extent, type NDArray } from '../array.js';
import { checkBoolean, checkOneOf, checkOptions, wrongType, wrongValue } from '../check.js';
import { expected, integer, label, list, object, type Schema } from '../io/schema.js';
import { isFloat32Array } from '../kind.js';
import type { Label } from '../labels.js';
import { registerSaved } from '../saved.js';
import { columnSums } from '../scores/sums.js';
import { warn } from '../warn.js';
import { categoriesOf, placesOf } from './categories.js';
import { Frame, isDate, isMissing } from './frame.js';
import { Transformer } from './transformer.js';

type Strategy = 'mean' | 'median' | 'mostFrequent' | 'constant';

export interface SimpleImputerOptions {
  /** What stands in for a missing value: of numbers the mean or the median, of numbers, texts and booleans the most frequent (the
   * smallest of equals), or `fillValue`. Default 'mean' */
  strategy?: Strategy;
  /** Of the strategy 'constant'. Default: 0 for numbers, 'missing_value' for text */
  fillValue?: number | string | boolean;
  /** Whether a column of 0s and 1s follows for each column that had missing values in `fit`. Default false */
  addIndicator?: boolean;
  /** Whether columns without any value in `fit` are kept, filled with 0 (or `fillValue`). Default false: they are left out */
  keepEmptyFeatures?: boolean;
}

interface Fills {
  /** Of each column; null for one without any value. */
  readonly statistics: readonly (Label | null)[];
  /** Which columns had missing values. */
  readonly indicators: readonly number[];
}

const OPTIONS = ['strategy', 'fillValue', 'addIndicator', 'keepEmptyFeatures'];

/**
 * Fills missing values in: scikit-learn's `SimpleImputer`. Missing are null, undefined, NaN and ''. Where there is text among the
 * columns, `transform` gives rows of values in place of an array; float32 columns give float32, all else float64.
 *
 * ```js
 * new SimpleImputer({ strategy: 'median' }).fitTransform({ mass: [3750, null, 4200] }); // [[3750], [3975], [4200]]
 * ```
 */
export class SimpleImputer extends Transformer<Fills, NDArray | unknown[][]> {
  static override readonly className = 'SimpleImputer';
  readonly strategy: Strategy;
  readonly fillValue: number | string | boolean | undefined;
  readonly addIndicator: boolean;
  readonly keepEmptyFeatures: boolean;

  static {
    registerSaved(SimpleImputer);
  }

  constructor(options: SimpleImputerOptions = {}) {
    super();
    checkOptions('options', options, OPTIONS);
    const { strategy = 'mean', fillValue } = options;
    this.strategy = checkOneOf('strategy', strategy, ['mean', 'median', 'mostFrequent', 'constant']);
    if (fillValue !== undefined && !['number', 'string', 'boolean'].includes(typeof fillValue))
      throw wrongType('fillValue', 'a number, a string or a boolean', fillValue);
    if (isMissing(fillValue ?? 0)) throw wrongValue('fillValue', 'a value that is not missing itself', fillValue);
    this.fillValue = fillValue;
    this.addIndicator = checkBoolean('addIndicator', options.addIndicator ?? false);
    this.keepEmptyFeatures = checkBoolean('keepEmptyFeatures', options.keepEmptyFeatures ?? false);
  }

  override getParams() {
    const { strategy, fillValue, addIndicator, keepEmptyFeatures } = this;
    return { strategy, ...(fillValue !== undefined && { fillValue }), addIndicator, keepEmptyFeatures };
  }

  /** What stands in for missing values, for each column; NaN for one that is left out. Throws ERR_NOT_FITTED before `fit`. */
  get statistics(): Label[] {
    const ofNone = this.keepEmptyFeatures ? this.#ofNone : Number.NaN;
    return this.fitted('statistics').statistics.map((value) => value ?? ofNone);
  }

  /** What stands in for missing values of a column that had no others. */
  get #ofNone(): Label {
    return this.fillValue ?? 0;
  }

  protected override measure(x: Frame): Fills {
    const columns = Array.from({ length: x.width }, (_, k) => k);
    const statistics = columns.map((k) => this.#statistic(x, k));
    const indicators = this.addIndicator ? columns.filter((k) => Array.from(x.column(k)).some(isMissing)) : [];
    const empty = columns.filter((k) => statistics[k] === null);
    if (empty.length > 0 && !this.keepEmptyFeatures)
      warn(
        'FJORDNET_EMPTY_COLUMN',
        `Columns without any value cannot be filled in, and are left out: ${empty.map((k) => x.nameOf(k)).join(', ')} (keepEmptyFeatures: true fills them with ${this.#ofNone})`,
      );
    return { statistics, indicators };
  }

  protected override apply(x: Frame, fills: Fills): Frame {
    const filled = this.#kept(fills).map((k) => {
      const value = fills.statistics[k];
      return value === null ? fillAny(x, k, this.#ofNone) : fill(x, k, value);
    });
    const isFloat32 = fills.statistics.every((_, k) => isFloat32Array(x.column(k)));
    const Type = isFloat32 ? Float32Array : Float64Array;
    const marks = fills.indicators.map((k) => new Type(Array.from(x.column(k), (value) => Number(isMissing(value)))));
    return Frame.ofColumns(x.n, [...filled, ...marks]);
  }

  protected override namesOut(names: readonly string[], fills: Fills): string[] {
    return [...this.#kept(fills).map((k) => names[k]), ...fills.indicators.map((k) => `missingindicator_${names[k]}`)];
  }

  protected override readonly schema: Schema<Fills> = object<Fills>({
    statistics: list((name, value) => (value === null ? null : label(name, value))),
    indicators: list(integer(0)),
  });

  protected override checkState({ statistics, indicators }: Fills, width: number): void {
    if (statistics.length !== width) throw expected('state.statistics', `a list of ${width}`, statistics);
    const other = indicators.findIndex((k) => k >= width);
    if (other >= 0) throw expected(`state.indicators[${other}]`, 'the number of a column', indicators[other]);
  }

  #kept({ statistics }: Fills): number[] {
    return statistics.flatMap((value, k) => (value !== null || this.keepEmptyFeatures ? [k] : []));
  }

  #statistic(x: Frame, k: number): Label | null {
    const { strategy, fillValue } = this;
    if (x.kind(k) === 'number') return this.#ofNumbers(x, k);
    const values = Array.from(x.column(k)).filter((value) => !isMissing(value));
    if (strategy === 'constant') return fillValue ?? (typeof values[0] === 'string' ? 'missing_value' : 0);
    if (strategy === 'mostFrequent') return mostFrequent(x, k);
    const text = values.find((value) => typeof value === 'string' || isDate(value));
    if (text !== undefined && typeof text === 'string' && !isNumeric(values))
      throw wrongType(
        `${x.nameOf(k)} of x`,
        `numbers for the strategy '${strategy}' ('mostFrequent' and 'constant' take text)`,
        text,
      );
    return this.#ofNumbers(x, k);
  }

  #ofNumbers(x: Frame, k: number): Label | null {
    const { strategy, fillValue } = this;
    const numbers = present(x.numbers(k));
    if (numbers.length === 0) return null;
    if (strategy === 'constant') return fillValue ?? 0;
    if (strategy === 'mostFrequent') return mode(numbers.sort());
    const middle = strategy === 'mean' ? columnSums(numbers, 1)[0] / numbers.length : median(numbers.sort());
    if (Number.isFinite(middle)) return middle;
    throw new RangeError(`Expected ${x.nameOf(k)} of x to hold numbers whose ${strategy} is finite, got ${middle}`);
  }
}

const isNumeric = (values: readonly unknown[]) =>
  values.every((value) => typeof value !== 'string' || !Number.isNaN(Number(value)));

const median = (sorted: Float64Array) => (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2;

/** Those that are not NaN, at the beginning of the array that is given: `filter` would make a list of them first. */
function present(numbers: Float64Array): Float64Array {
  let n = 0;
  for (const value of numbers) if (!Number.isNaN(value)) numbers[n++] = value;
  return numbers.subarray(0, n);
}

/** The smallest of several. */
function mode(sorted: Float64Array): number {
  let [value, most] = [sorted[0], 0];
  for (let i = 0, first = 0; i < sorted.length; i++) {
    if (sorted[i] !== sorted[first]) first = i;
    if (i - first >= most) [value, most] = [sorted[i], i - first + 1];
  }
  return value + 0; // -0 is 0
}

/** The smallest of several. */
function mostFrequent(x: Frame, k: number): Label {
  const labels = categoriesOf(x, k).filter((category) => category !== null);
  const counts = new Float64Array(labels.length);
  for (const place of placesOf(x, k, labels)) if (place >= 0) counts[place]++;
  return labels[counts.indexOf(extent(counts)[1])];
}

/** Of a column whose kind `fit` did not see. */
function fillAny(x: Frame, k: number, value: Label): ArrayLike<unknown> {
  const column = Array.from(x.column(k));
  const isText = column.some((v) => !isMissing(v) && typeof v === 'string');
  return isText || typeof value !== 'number' ? column.map((v) => (isMissing(v) ? value : v)) : fill(x, k, value);
}

function fill(x: Frame, k: number, value: Label): ArrayLike<unknown> {
  if (typeof value === 'number') {
    const numbers = x.numbers(k).map((v) => (Number.isNaN(v) ? value : v));
    return isFloat32Array(x.column(k)) ? Float32Array.from(numbers) : numbers;
  }
  const column = Array.from(x.column(k));
  const other = column.findIndex((v) => !isMissing(v) && typeof v !== typeof value);
  if (other >= 0) throw wrongType(`${x.nameOf(k)} of x at row ${other}`, `a ${typeof value}, as at fit`, column[other]);
  return column.map((v) => (isMissing(v) ? value : v));
}
