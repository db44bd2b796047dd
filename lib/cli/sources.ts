import { createReadStream, existsSync } from 'node:fs';
import { basename, isAbsolute, relative } from 'node:path';
import { checkFinite, NDArray } from '../array.js';
import { twiceIn } from '../check.js';
import { loadDigits } from '../datasets/digits.js';
import { isUnusable, LabelColumn, toNumber } from '../io/cells.js';
import type { CsvData } from '../io/csv.js';
import type { TableOptions } from '../io/csv-table.js';
import { separatorOf } from '../io/extensions.js';
import { readIdx } from '../io/idx.js';
import { readNpy, readNpzAs, takeNpy } from '../io/npy.js';
import { takeNpyLabels } from '../io/npy-labels.js';
import { damaged, readWhole } from '../io/read.js';
import { readTable } from '../io/read-csv.js';
import { textOf } from '../io/text.js';
import { isError, isNDArray } from '../kind.js';
import type { Label, Labels } from '../labels.js';
import type { FloatType } from '../tape.js';
import { CommandError, EXIT, unreadable, usage } from './errors.js';
import type { ColumnOptions } from './mixed.js';
import { type PictureOptions, readPictures } from './pictures.js';
import { readRecordTable } from './records-source.js';
import { checkUse, formatOf } from './source-format.js';
import { standardInput } from './standard-input.js';

/** Where samples come from. Plain JSON. */
export interface SourceOptions extends PictureOptions {
  /** 'digits', a file, a folder of pictures, or '-' for CSV on standard input. */
  readonly source: string;
  /** The file of the labels of an NPY or IDX file. */
  readonly labels?: string;
  /** The column of the labels of a CSV file: a name or a number. Default: the last one */
  readonly label?: string;
  readonly header?: boolean;
  readonly separator?: string;
  /** Labels may be missing: the samples are to be predicted. */
  readonly labelOptional?: boolean;
  /** What is known of the samples, from those that a network was trained on: of a folder of pictures their classes. */
  readonly expected?: {
    readonly label?: string;
    readonly features?: readonly string[];
    readonly width?: number;
    readonly classes?: readonly Label[];
    /** Columns of text, whatever a part of their cells looks like. */
    readonly text?: readonly string[];
    /** How a CSV file is written where options do not say otherwise. */
    readonly written?: { readonly header?: boolean; readonly separator?: string };
  };
  /** Which arrays of an NPZ file: x and y, or x_test and y_test. */
  readonly keys?: 'test';
}

/** A first row that was found to be names is looked for again; that there is none is known. */
export const writtenAs = ({ header, separator }: SourceOptions): Pick<SourceOptions, 'header' | 'separator'> => ({
  ...(header === false && { header }),
  ...(separator !== undefined && { separator }),
});

/** Samples as they are in a file. */
export interface Table {
  readonly name: string;
  /** [n, ...] of floats. */
  readonly x: NDArray;
  readonly y?: NDArray | readonly string[];
  /** The names of the features. */
  readonly columns?: readonly string[];
  /** The name of the labels' column. */
  readonly target?: string;
  /** [height, width, channels], where the samples are images. */
  readonly imageShape?: readonly number[];
  /** Whether a first row that may be names or data was taken for names, where nobody said so. */
  readonly decided?: string;
  /** The test set that an NPZ file, or a folder of pictures, brings along. */
  readonly test?: Table;
  /** The files of pictures, relative to their folder. */
  readonly files?: readonly string[];
}

/**
 * The samples of a source, in float64 instead of float32 where that would round them: what they are scaled to is rounded once.
 * @throws CommandError in one sentence for what cannot be read or understood
 */
export async function readSource(options: SourceOptions, dtype: FloatType): Promise<Table> {
  const source = shownPath(options.source);
  const { labels } = options;
  try {
    const format = await formatOf(source);
    checkUse(options, source, format);
    if (format === 'digits') return digits(dtype);
    if (format === 'pictures') return await readPictures({ ...options, source }, dtype);
    if (format === 'csv') return await csv({ ...options, source }, dtype);
    if (format === 'parquet' || format === 'json') return await records({ ...options, source }, dtype);
    if (format === 'npz') return await npz({ ...options, source }, dtype);
    const array = format === 'npy' ? await readNpy(source) : await readIdx(source);
    const file = labels ?? (format === 'idx' ? labelsBeside(source) : undefined);
    return table(
      source,
      array,
      file === undefined ? undefined : await readLabelFile(file, array.shape[0], areTexts(options.expected?.classes)),
      dtype,
    );
  } catch (error) {
    throw unreadable(source, error);
  }
}

/** Checks that a source is a table, for columns of any kind, which arrays have none of, and that it has use for all options. */
export async function checkTabular(options: SourceOptions & ColumnOptions): Promise<void> {
  const source = shownPath(options.source);
  const format = await formatOf(source).catch((error) => {
    throw unreadable(source, error);
  });
  if (['digits', 'npy', 'npz'].includes(format))
    throw new CommandError(EXIT.input, `Expected a table with columns (CSV, Parquet or JSON), got '${source}'`);
  checkUse(options, source, format);
}

/** Paths are kept whole; people read them as they typed them. */
export function shownPath(source: string): string {
  if (!isAbsolute(source)) return source;
  const short = relative('', source) || '.';
  return short.startsWith('..') || short === 'digits' || short === '-' ? source : short;
}

function digits(dtype: FloatType): Table {
  const { data, target } = loadDigits();
  return { name: 'digits', x: floats(data, dtype), y: target, target: 'digit', imageShape: [8, 8, 1] };
}

async function csv(options: SourceOptions, dtype: FloatType): Promise<Table> {
  const { source, label, labelOptional, expected } = options;
  const { header, separator = separatorOf(source) } = { ...expected?.written, ...options };
  // samples to predict have the label that is named here, or that of the training, or none
  const column = label ?? expected?.label ?? (labelOptional ? undefined : -1);
  const tableOptions: TableOptions = {
    dtype: 'float64',
    separator,
    ...(column !== undefined && { label: column }),
    ...(labelOptional && label === undefined && { labelOptional }),
    ...(expected?.width !== undefined && { width: expected.width }),
    ...(expected?.features && { known: expected.features }),
    ...(areTexts(expected?.classes) && { textLabels: true }),
    ...(header !== undefined && { header }),
  };
  const reading =
    source === '-' ? readTable(standardInput(), tableOptions, 'standard input') : readTable(source, tableOptions);
  const read = await explained(source, reading);
  // what is predicted later is found by its names; rows that a network is given now may go by their order
  const twice = expected ? -1 : twiceIn(read.names);
  if (twice >= 0)
    throw damaged(
      source === '-' ? 'standard input' : `'${source}'`,
      `its first row names two columns '${read.names[twice]}'`,
    );
  return tableOf(source, { ...read, x: floats(read.x, dtype) }, header);
}

/** Whether classes are texts: 1.10 is then another one than 1.1. */
export const areTexts = (classes: readonly Label[] = []): boolean => typeof classes[0] === 'string';

/** Says which option helps. */
async function explained(source: string, reading: Promise<CsvData>): Promise<CsvData> {
  try {
    return await reading;
  } catch (error) {
    if (!isError(error)) throw error;
    const { message } = error;
    if (error.name === 'RangeError' && message.startsWith('Expected label'))
      throw new CommandError(EXIT.usage, message.replace('Expected label', `Expected --label for '${source}'`), {
        cause: error,
      });
    if (message.includes('expected a finite number'))
      throw new CommandError(EXIT.input, `${message} (only labels may be text, and missing values must be filled in)`, {
        cause: error,
      });
    throw withEncoding(error);
  }
}

/** What is no UTF-8 may be of the one other encoding that there is an option for. */
export function withEncoding(error: unknown): unknown {
  if (!isError(error) || !error.message.includes('it is no UTF-8')) return error;
  return new CommandError(EXIT.input, `${error.message}, or train with --encoding latin1`, { cause: error });
}

function tableOf(source: string, { x, y, names, header, label }: CsvData, asked: boolean | undefined): Table {
  return {
    name: source === '-' ? 'standard input' : basename(source),
    x,
    ...(y && { y }),
    ...(header && { columns: names }),
    ...(label !== undefined && { target: label }),
    ...(asked === undefined && { decided: decision(x, names, header) }),
  };
}

export const takenForNames = (names: readonly string[]) =>
  `The first row (${names.slice(0, 3).join(', ')}, …) is taken for names; --no-header takes it for data`;

/** What is said of a first row of 0, 1, 2, … */
function decision({ data, shape }: NDArray, names: readonly string[], header: boolean): string | undefined {
  if (shape[1] < 2) return undefined;
  if (header) return names.every((name) => /^(\d+|column 0)$/.test(name)) ? takenForNames(names) : undefined;
  const counts = data.subarray(0, shape[1]).every((value, i) => value === i);
  return counts ? 'The first row (0, 1, …) is taken for data; --header takes it for names' : undefined;
}

const KEYS = {
  x: ['x_train', 'X_train', 'x', 'X', 'data', 'images', 'train_images', 'arr_0'],
  y: ['y_train', 'Y_train', 'y', 'Y', 'target', 'labels', 'label', 'train_labels', 'arr_1'],
  xTest: ['x_test', 'X_test', 'test_images'],
  yTest: ['y_test', 'Y_test', 'test_labels'],
};

const isOfX = (name: string) => [...KEYS.x, ...KEYS.xTest].includes(name);
const isOfY = (name: string) => [...KEYS.y, ...KEYS.yTest].includes(name);

async function records(options: SourceOptions, dtype: FloatType): Promise<Table> {
  const { source, label, labelOptional, expected } = options;
  const column = label ?? expected?.label ?? (labelOptional ? undefined : -1);
  const { x, y, names, target } = await readRecordTable(source, column, {
    isOptional: labelOptional === true && label === undefined,
    ...(expected?.features && { known: expected.features }),
  });
  return {
    name: basename(source),
    x: floats(x, dtype),
    ...(y && { y }),
    columns: names,
    ...(target !== undefined && { target }),
  };
}

async function npz({ source, labelOptional, keys }: SourceOptions, dtype: FloatType): Promise<Table> {
  const names: string[] = [];
  const arrays = await readNpzAs<Labels>(source, (name) => {
    names.push(name);
    return isOfX(name) ? takeNpy : isOfY(name) ? takeNpyLabels : undefined;
  });
  const find = (names: readonly string[]) => arrays.get(names.find((name) => arrays.has(name)) ?? '');
  const [xTest, yTest] = [find(KEYS.xTest) as NDArray | undefined, find(KEYS.yTest)];
  const [x, y] =
    keys === 'test' && xTest ? [xTest, yTest] : [(find(KEYS.x) as NDArray | undefined) ?? xTest, find(KEYS.y) ?? yTest];
  if (!x || (!y && !labelOptional))
    throw new CommandError(
      EXIT.input,
      `Expected '${source}' to hold arrays x and y (or x_train and y_train), got: ${names.join(', ') || 'none'}`,
    );
  const whole = table(source, x, y, dtype);
  return x !== xTest && xTest && yTest ? { ...whole, test: table(source, xTest, yTest, dtype) } : whole;
}

function table(source: string, x: NDArray, y: Labels | undefined, dtype: FloatType): Table {
  if (x.ndim < 2 || x.size === 0)
    throw new CommandError(
      EXIT.input,
      `Expected '${source}' to hold samples [n, …], got shape [${x.shape.join(', ')}]`,
    );
  checkValues(`the samples of '${source}'`, x);
  const targets = isNDArray(y) ? classNumbers(source, y) : (y as readonly string[] | undefined);
  if (isNDArray(targets)) checkValues(`the labels of '${source}'`, targets);
  if (targets && targets.length !== x.shape[0])
    throw new CommandError(
      EXIT.input,
      `Expected one label for each of the ${x.shape[0]} samples of '${source}', got ${targets.length}`,
    );
  return {
    name: basename(source),
    x: floats(x, dtype),
    ...(targets && { y: targets }),
    ...(x.ndim === 3 && { imageShape: [...x.shape.slice(1), 1] }),
    ...(x.ndim === 4 && { imageShape: x.shape.slice(1) }),
  };
}

/** Labels [n] or [n, 1]; of one-hot rows the place of the 1. */
function classNumbers(source: string, y: NDArray): NDArray {
  const [n, width = 1] = y.shape;
  if (y.ndim === 1 || (y.ndim === 2 && width === 1)) return y.reshape(n);
  const oneHot = y.ndim === 2 && y.data.every((v) => v === 0 || v === 1);
  if (!oneHot)
    throw new CommandError(
      EXIT.input,
      `Expected the labels of '${source}' to have shape [n], got [${y.shape.join(', ')}]`,
    );
  const codes = new Int32Array(n);
  for (let i = 0; i < n; i++) {
    const row = y.data.subarray(i * width, (i + 1) * width);
    codes[i] = row.indexOf(1);
    if (codes[i] < 0 || codes[i] !== row.lastIndexOf(1))
      throw new CommandError(
        EXIT.input,
        `Expected every row of the labels of '${source}' to hold one 1, got ${codes[i] < 0 ? 'none' : 'several'} in row ${i}`,
      );
  }
  return NDArray.wrap(codes);
}

async function readLabelFile(file: string, n: number, isText: boolean): Promise<Labels> {
  const path = shownPath(file);
  try {
    const format = await formatOf(path);
    if (format === 'npy') return takeNpyLabels(await readWhole(path), `'${path}'`);
    if (format === 'idx') return await readIdx(path);
    if (format === 'npz' || format === 'pictures')
      throw usage(`Expected --labels to be an NPY, IDX or text file, got '${path}'`);
    return labelLines(path, await textOf(createReadStream(path), `'${path}'`), n, isText);
  } catch (error) {
    throw unreadable(path, error);
  }
}

/** A label a line. The first of one line too many is the column's name, if it can be none of the labels. */
function labelLines(path: string, text: string, n: number, isText: boolean): Labels {
  const lines = text.split(/\r\n|\n|\r/).map((line) => line.trim());
  while (lines.at(-1) === '') lines.pop();
  const empty = lines.findIndex(isUnusable);
  if (empty >= 0)
    throw new CommandError(
      EXIT.input,
      `Cannot read '${path}': expected a label in line ${empty + 1}, got ${lines[empty] === '' ? 'nothing' : `'${lines[empty]}'`}`,
    );
  const columns = [',', ';', '\t'].find((c) => {
    const [own, ...others] = lines.map((line) => line.split(c).length);
    return own > 1 && others.every((n) => n === own);
  });
  if (columns !== undefined)
    throw usage(
      `Expected --labels '${path}' to hold one label a line, got columns: CSV is for DATA, where --label names one`,
    );
  const [first, ...rest] = lines;
  const isName = lines.length === n + 1 && !rest.includes(first) && Number.isNaN(toNumber(first));
  const labels = new LabelColumn(isText);
  for (const line of isName ? rest : lines) labels.push(line);
  return labels.finish();
}

/** MNIST's own names: train-images-idx3-ubyte.gz has its labels in train-labels-idx1-ubyte.gz. */
function labelsBeside(path: string): string | undefined {
  const beside = path.replace(/images([-.])idx3/, 'labels$1idx1');
  return beside !== path && existsSync(beside) ? beside : undefined;
}

function checkValues(name: string, array: NDArray, original = array): void {
  try {
    checkFinite(name, array, original);
  } catch (error) {
    throw new CommandError(EXIT.input, (error as Error).message, { cause: error });
  }
}

/** A copy of its own, or the array itself: nobody else has it. In float64 where float32 would round. */
function floats(x: NDArray, dtype: FloatType): NDArray {
  if (x.dtype === dtype) return x;
  const converted = NDArray.from(x, { dtype });
  checkValues('the samples', converted, x);
  const isExact = converted.data.every((value: number, i: number) => value === x.data[i]);
  return isExact ? converted : floats(x, 'float64');
}
