import { existsSync } from 'node:fs';
import { open, readFile } from 'node:fs/promises';
import { basename, isAbsolute, relative } from 'node:path';
import { NDArray } from '../array.js';
import { loadDigits } from '../datasets/digits.js';
import { type CsvData, readCsv } from '../io/csv.js';
import { readIdx } from '../io/idx.js';
import { readNpy, readNpz } from '../io/npy.js';
import { isError, isNDArray } from '../kind.js';
import type { Labels } from '../labels.js';
import type { FloatType } from '../tape.js';
import { CommandError, EXIT, unreadable, usage } from './errors.js';

/** Where samples come from. Plain JSON. */
export interface SourceOptions {
  /** 'digits', a file, or '-' for CSV on standard input. */
  readonly source: string;
  /** The file of the labels of an NPY or IDX file. */
  readonly labels?: string;
  /** The column of the labels of a CSV file: a name or a number. Default: the last one */
  readonly label?: string;
  readonly header?: boolean;
  readonly separator?: string;
  /** Labels may be missing: the samples are to be predicted. */
  readonly labelOptional?: boolean;
  /** Features that the samples should have, to tell whether a CSV file without names has labels too. */
  readonly width?: number;
  /** Which arrays of an NPZ file: x and y, or x_test and y_test. */
  readonly keys?: 'test';
}

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
  /** The test set that an NPZ file brings along. */
  readonly test?: Table;
}

type Format = 'npy' | 'npz' | 'idx' | 'csv';

/** @throws CommandError in one sentence for what cannot be read or understood */
export async function readSource(options: SourceOptions, dtype: FloatType): Promise<Table> {
  const source = shownPath(options.source);
  const { labels } = options;
  try {
    if (source === 'digits') return digits(dtype);
    if (source === '-') return await csv({ ...options, source }, dtype);
    const format = await formatOf(source);
    if (labels !== undefined && format === 'csv')
      throw usage(`Expected no --labels with a CSV file: --label names the column of '${source}'`);
    if (format === 'csv') return await csv({ ...options, source }, dtype);
    if (format === 'npz') return await npz({ ...options, source }, dtype);
    const array = format === 'npy' ? await readNpy(source) : await readIdx(source);
    const file = labels ?? (format === 'idx' ? labelsBeside(source) : undefined);
    return table(source, array, file === undefined ? undefined : await readLabelFile(file, array.shape[0]), dtype);
  } catch (error) {
    throw unreadable(source, error);
  }
}

/** Paths are kept whole; people read them as they typed them. */
function shownPath(source: string): string {
  if (!isAbsolute(source)) return source;
  const short = relative('', source);
  return short.startsWith('..') || short === 'digits' || short === '-' ? source : short;
}

function digits(dtype: FloatType): Table {
  const { data, target } = loadDigits();
  return { name: 'digits', x: floats(data, dtype), y: target, target: 'digit', imageShape: [8, 8, 1] };
}

/** By the first bytes, which lie less than names do. */
async function formatOf(path: string): Promise<Format> {
  const start = Buffer.alloc(6);
  const file = await open(path);
  try {
    await file.read(start, 0, start.length, 0);
  } finally {
    await file.close();
  }
  if (start.toString('latin1') === '\x93NUMPY') return 'npy';
  if (start.toString('latin1', 0, 2) === 'PK') return 'npz';
  if (start[0] === 0 && start[1] === 0 && start[2] >= 8 && start[2] <= 14) return 'idx';
  if (start[0] === 0x1f && start[1] === 0x8b) return /\.(csv|tsv|txt|data)\.gz$/i.test(path) ? 'csv' : 'idx';
  return 'csv';
}

async function csv(options: SourceOptions, dtype: FloatType): Promise<Table> {
  const { source, label, header, labelOptional, width } = options;
  const separator = options.separator ?? (/\.tsv(\.gz)?$/i.test(source) ? '\t' : ',');
  const shared = { separator, dtype, ...(header !== undefined && { header }) };
  const input = source === '-' ? process.stdin : source;
  const read = (column: string | number | undefined) =>
    readCsv(input, { ...shared, ...(column !== undefined && { label: column }) });
  const asNumber = label !== undefined && /^-?\d+$/.test(label) && header === false ? Number(label) : label;
  if (!labelOptional) return tableOf(source, await explained(source, read(asNumber ?? -1)));
  // To be predicted: the label may be there, or not.
  if (source === '-' || asNumber === undefined) return tableOf(source, await explained(source, read(undefined)));
  try {
    const data = await read(asNumber);
    if (width === undefined || data.x.shape[1] >= width) return tableOf(source, data);
  } catch (error) {
    if (!isError(error, 'RangeError')) throw error;
  }
  return tableOf(source, await explained(source, read(undefined)));
}

/** Says which option helps. */
async function explained(source: string, reading: Promise<CsvData>): Promise<CsvData> {
  try {
    return await reading;
  } catch (error) {
    if (isError(error, 'RangeError') && error.message.startsWith('Expected label'))
      throw new CommandError(EXIT.usage, error.message.replace('Expected label', `Expected --label for '${source}'`), {
        cause: error,
      });
    if ((error as Error).message.includes('expected a finite number'))
      throw new CommandError(
        EXIT.input,
        `${(error as Error).message} (only labels may be text, and missing values must be filled in)`,
        { cause: error },
      );
    throw error;
  }
}

const tableOf = (source: string, { x, y, names, label }: CsvData): Table => ({
  name: source === '-' ? 'standard input' : basename(source),
  x,
  ...(y && { y }),
  ...(names.every((name, i) => name === `column ${i}`) ? {} : { columns: names }),
  ...(label !== undefined && { target: label }),
});

const KEYS = {
  x: ['x_train', 'X_train', 'x', 'X', 'data', 'images', 'train_images', 'arr_0'],
  y: ['y_train', 'Y_train', 'y', 'Y', 'target', 'labels', 'label', 'train_labels', 'arr_1'],
  xTest: ['x_test', 'X_test', 'test_images'],
  yTest: ['y_test', 'Y_test', 'test_labels'],
};

async function npz({ source, labelOptional, keys }: SourceOptions, dtype: FloatType): Promise<Table> {
  const arrays = await readNpz(source);
  const find = (names: readonly string[]) => arrays.get(names.find((name) => arrays.has(name)) ?? '');
  const [xTest, yTest] = [find(KEYS.xTest), find(KEYS.yTest)];
  const [x, y] = keys === 'test' && xTest ? [xTest, yTest] : [find(KEYS.x) ?? xTest, find(KEYS.y) ?? yTest];
  if (!x || (!y && !labelOptional))
    throw new CommandError(
      EXIT.input,
      `Expected '${source}' to hold arrays x and y (or x_train and y_train), got: ${[...arrays.keys()].join(', ') || 'none'}`,
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
  const targets = isNDArray(y) ? classNumbers(source, y) : (y as readonly string[] | undefined);
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
  if (y.ndim <= 2 && width === 1) return y.reshape(n);
  const oneHot = y.ndim === 2 && y.data.every((v) => v === 0 || v === 1);
  if (!oneHot)
    throw new CommandError(
      EXIT.input,
      `Expected the labels of '${source}' to have shape [n], got [${y.shape.join(', ')}]`,
    );
  const codes = new Int32Array(n);
  for (let i = 0; i < n; i++) codes[i] = y.data.subarray(i * width, (i + 1) * width).indexOf(1);
  return NDArray.wrap(codes);
}

async function readLabelFile(path: string, n: number): Promise<Labels> {
  try {
    const format = await formatOf(path);
    if (format === 'npy') return await readNpy(path);
    if (format === 'idx') return await readIdx(path);
    if (format === 'npz') throw usage(`Expected --labels to be an NPY, IDX or text file, got '${path}'`);
    const lines = (await readFile(path, 'utf8'))
      .split(/\r?\n/)
      .map((line) => line.trim())
      .filter((line) => line !== '');
    const labels = lines.length === n + 1 ? lines.slice(1) : lines;
    return labels.every((label) => Number.isFinite(Number(label))) ? NDArray.from(labels.map(Number)) : labels;
  } catch (error) {
    throw unreadable(path, error);
  }
}

/** MNIST's own names: train-images-idx3-ubyte.gz has its labels in train-labels-idx1-ubyte.gz. */
function labelsBeside(path: string): string | undefined {
  const beside = path.replace(/images([-.])idx3/, 'labels$1idx1');
  return beside !== path && existsSync(beside) ? beside : undefined;
}

/** A copy of its own, or the array itself if it is of the dtype: nobody else has it. */
const floats = (x: NDArray, dtype: FloatType) => (x.dtype === dtype ? x : NDArray.from(x, { dtype }));
