import { filled } from './allocate.js';
import { type ArrayInput, asArray, checkFinite, extent, NDArray, position } from './array.js';
import { checkInteger, cut, failure, wrongType } from './check.js';

/** Class labels: one number, string or boolean a sample. What is missing in a column of a table is refused. */
export type Labels = ArrayInput | readonly string[] | readonly boolean[] | TableColumn;
/** A column of what `readTable` gives. */
export type TableColumn =
  | readonly (string | null)[]
  | readonly (number | null)[]
  | readonly (boolean | null)[]
  | readonly (Date | null)[];
export type Label = number | string | boolean;

/** The labels of `y` one by one: an array of strings or of booleans, or numbers in one dimension (or one column). */
export function readLabels(name: string, y: Labels): ArrayLike<Label> {
  if (isWords(y)) {
    const kind = typeof y[0];
    for (let i = 0; i < y.length; i++)
      if (typeof y[i] !== kind) throw wrongType(`${name}[${i}]`, `a ${kind}, as the labels before it are`, y[i]);
    return y;
  }
  const array = asArray(name, y as ArrayInput);
  if (array.ndim === 2 ? array.shape[1] !== 1 : array.ndim !== 1)
    throw new RangeError(`Expected ${name} to hold one label a row, got shape [${array.shape.join(', ')}]`);
  if (array.size === 0) throw new RangeError(`Expected ${name} to hold labels, got shape [${array.shape.join(', ')}]`);
  checkFinite(name, array);
  if (array.dtype !== 'int32') checkApart(name, array);
  return array.data;
}

/** An array of labels that are no numbers: strings or booleans. */
export function isWords(y: unknown): y is readonly string[] | readonly boolean[] {
  return Array.isArray(y) && (typeof y[0] === 'string' || typeof y[0] === 'boolean');
}

/** The distinct labels, sorted as NumPy's `unique` sorts them. */
export function uniqueLabels(...labels: ArrayLike<Label>[]): Label[] {
  const seen = new Set<Label>();
  for (const y of labels) for (let i = 0; i < y.length; i++) seen.add(y[i]);
  const unique = [...seen];
  if (typeof unique[0] === 'string') return (unique as string[]).sort(byCodePoint);
  const areNumbers = unique.every((label) => typeof label === 'number'); // which are sorted without a call for each two
  if (areNumbers) return Array.from(Float64Array.from(unique).sort());
  return unique.sort((a, b) => Number(a) - Number(b));
}

/** The sorted classes of `y`, and for every sample the number of its class among them. */
export function encodeLabels(name: string, y: Labels): { classes: Label[]; codes: Int32Array } {
  const labels = readLabels(name, y);
  const classes = uniqueLabels(labels);
  return { classes, codes: codesOf(labels, classes) };
}

/** For every label its place in `classes`, or -1. */
export function codesOf(labels: ArrayLike<Label>, classes: readonly Label[]): Int32Array {
  const place = new Map(classes.map((label, code) => [label, code]));
  return filled(Int32Array, labels.length, (i) => place.get(labels[i]) ?? -1);
}

/** The labels that class numbers stand for: of numbers an array, int32 where all classes are 32-bit integers. */
export function labelsOf(codes: ArrayLike<number>, classes: readonly Label[]): NDArray | string[] | boolean[] {
  if (typeof classes[0] !== 'number') return Array.from(codes, (code) => classes[code]) as string[] | boolean[];
  const type = classes.every((label) => ((label as number) | 0) === label) ? Int32Array : Float64Array;
  return NDArray.wrap(filled<Int32Array | Float64Array>(type, codes.length, (i) => classes[codes[i]] as number));
}

/** Numbers of classes, as an array of one dimension or one column: integers 0 .. limit - 1. */
export function readCodes(name: string, codes: ArrayInput, limit = Number.POSITIVE_INFINITY): ArrayLike<number> {
  if (isWords(codes)) throw wrongType(name, 'integers', codes);
  const y = readLabels(name, codes) as ArrayLike<number>;
  for (let i = 0; i < y.length; i++)
    if (!Number.isInteger(y[i]) || y[i] < 0 || y[i] >= limit) {
      const range = limit === Number.POSITIVE_INFINITY ? 'integers >= 0' : `integers in [0, ${limit})`;
      throw new RangeError(`Expected ${name} to hold ${range}, got ${y[i]} at ${position(i, [y.length])}`);
    }
  return y;
}

/** Whether the labels are the same ones: '1' is not 1. */
export const sameLabels = (a: readonly Label[], b: readonly Label[]): boolean =>
  a.length === b.length && a.every((label, k) => label === b[k]);

/** The labels for a message, strings in quotes; of many the first ten. */
export function listed(labels: readonly Label[]): string {
  const shown = labels.slice(0, 10).map((label) => (typeof label === 'string' ? `'${cut(label, 40)}'` : label));
  return shown.join(', ') + (labels.length > 10 ? ', …' : '');
}

/**
 * One-hot rows of class numbers, as Keras' `to_categorical`. Strings and booleans are numbered as by `LabelEncoder`: a column is
 * a class that these labels hold, so where others are to have the same columns, as those of a test set, let one encoder
 * number all of them.
 *
 * @param labels integers 0 .. numClasses - 1, shape [n] or [n, 1]; or strings, or booleans
 * @param numClasses default: the largest label + 1; of strings and booleans, how many classes there are
 * @returns float64 [n, numClasses]
 * @throws RangeError naming the row of a label that is not an integer in range; Error with code ERR_MEMORY
 */
export function toCategorical(labels: Labels, numClasses?: number): NDArray {
  if (numClasses !== undefined) checkInteger('numClasses', numClasses, 1);
  const y = isWords(labels) ? codesOfWords(labels, numClasses) : readCodes('labels', labels as ArrayInput, numClasses);
  const width = numClasses ?? extent(y)[1] + 1;
  const oneHot = zeros(y.length, width);
  for (let i = 0; i < y.length; i++) oneHot.data[i * width + y[i]] = 1;
  return oneHot;
}

function codesOfWords(labels: Labels, numClasses = Number.POSITIVE_INFINITY): Int32Array {
  const { classes, codes } = encodeLabels('labels', labels);
  if (classes.length > numClasses)
    throw new RangeError(
      `Expected labels to hold at most ${numClasses} classes, got ${classes.length}: ${listed(classes)}`,
    );
  return codes;
}

/** Beyond 2^53 one float stands for several integers: two ids would be one class. */
function checkApart(name: string, { data }: NDArray): void {
  for (let i = 0; i < data.length; i++)
    if (Math.abs(data[i]) > Number.MAX_SAFE_INTEGER)
      throw new RangeError(
        `Expected ${name} to hold numbers below 2^53, and larger ones as strings, got ${data[i]} at ${position(i, [data.length])}`,
      );
}

function zeros(rows: number, columns: number): NDArray {
  try {
    return NDArray.zeros([rows, columns]);
  } catch (error) {
    const message = `Cannot make ${rows} one-hot rows of ${columns} classes: there is no memory for ${8 * rows * columns} bytes`;
    throw failure('ERR_MEMORY', message, { cause: error });
  }
}

/** As Python sorts text. JavaScript compares UTF-16 units, which puts U+E000 .. U+FFFF behind the characters above U+FFFF. */
export function byCodePoint(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) if (a[i] !== b[i]) return unitRank(a.charCodeAt(i)) - unitRank(b.charCodeAt(i));
  return a.length - b.length;
}

/** Surrogates, the halves of the characters above U+FFFF, come last. */
const unitRank = (unit: number): number => (unit < 0xd800 ? unit : unit < 0xe000 ? unit + 0x2000 : unit - 0x800);
