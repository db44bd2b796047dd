import { resolve } from 'node:path';
import type { DataOptions } from './dataset.js';
import { usage } from './errors.js';
import type { ColumnOptions } from './mixed.js';
import { type OptionGroup, readInteger, type Values } from './options.js';
import type { SourceOptions } from './sources.js';

export const DATA_ARGUMENT = [
  'DATA',
  "'digits' (1,797 handwritten digits that come with fjordnet) or a folder with a folder of pictures for each class, or a file: CSV or TSV (gzipped or not, '-' for standard input), Parquet, JSON (a list of records, or one a line), NPY, NPZ, or IDX as MNIST's (gzipped or not)",
] as const;

export const SCALINGS = ['auto', 'none', 'standard', 'minmax', 'max'] as const;

/** How a file is read. */
export const SOURCE_OPTIONS = {
  label: {
    value: 'COLUMN',
    help: 'CSV, Parquet, JSON: the column of the labels, by name or number from 0. Default: the last column',
  },
  header: {
    help: 'CSV: the first row holds names. Default: it does if it holds text, or 0, 1, 2, … above rows of another kind',
  },
  'no-header': { help: 'CSV: the first row holds data' },
  separator: {
    value: 'CHARACTER',
    help: "CSV: what stands between cells, such as ';'. Default: ',', in a .tsv file a tab",
  },
  'skip-damaged': { help: 'Folder of pictures: leave out those that cannot be decoded, and name them' },
  labels: {
    value: 'FILE',
    help: "NPY, IDX: the file of the labels. Default: for MNIST's file names the one beside it",
  },
} as const;

/** How a folder of pictures is read. */
export const PICTURE_OPTIONS = {
  size: { value: 'HxW', help: 'Folder of pictures: height and width that all are scaled to, such as 32x32' },
  'color-mode': { value: 'MODE', help: 'Folder of pictures: rgb or grayscale. Default: rgb' },
} as const;

export const DATA_OPTIONS: OptionGroup = [
  'Data',
  {
    ...SOURCE_OPTIONS,
    ...PICTURE_OPTIONS,
    task: { value: 'TASK', help: 'classification or regression. Default: by what the labels are' },
    scale: {
      value: 'HOW',
      help: 'none, standard (mean 0, variance 1 of every feature), minmax (every feature into 0 … 1) or max (all divided by the largest). Default: max for images, else standard; none with --model lecture and sklearn',
    },
    shape: { value: 'HxWxC', help: 'The shape of one sample, such as 28x28x1. Default: that of the file' },
    regression: { help: 'The same as --task regression' },
    columns: {
      value: 'NAMES',
      help: 'CSV, Parquet, JSON: the columns to learn from, such as mass,island; a name with a comma in double quotes. Default: all but the label',
    },
    drop: { value: 'NAMES', help: 'CSV, Parquet, JSON: columns to leave out' },
    categorical: {
      value: 'NAMES',
      help: 'CSV, Parquet, JSON: columns of numbers that are names of kinds, such as postal codes',
    },
    date: { value: 'NAMES', help: 'CSV, Parquet, JSON: columns of dates that would be taken for something else' },
    impute: { value: 'HOW', help: 'CSV, Parquet, JSON: what missing numbers become, median or mean. Default: median' },
    decimal: { value: 'CHARACTER', help: "CSV: what stands before decimals, '.' or ','. Default: '.'" },
    encoding: { value: 'NAME', help: 'CSV: utf8 (or UTF-16 with its mark) or latin1. Default: utf8' },
    stratify: { help: 'The test set keeps the shares of the classes' },
    'test-size': { value: 'SHARE', help: 'The share of the samples held out for testing, 0 for none. Default: 0.2' },
    'test-data': { value: 'FILE', help: 'Test on the samples of this file' },
    'test-labels': { value: 'FILE', help: 'Their labels' },
  },
];

/** The options of a source, checked; files as absolute paths, so that they are found from any folder. */
export function readSourceOptions(values: Values, source: string): SourceOptions {
  const separator = values.text('separator');
  if (separator !== undefined && separator !== '\\t' && separator.length !== 1)
    throw usage(`Expected --separator to be one character, got '${separator}'`);
  if (values.has('header') && values.has('no-header'))
    throw usage('Expected one of --header and --no-header, got both');
  const labels = values.text('labels');
  const label = values.text('label');
  const size = values
    .text('size')
    ?.split(/[x×,]/)
    .map((part) => readInteger('--size', part, 1));
  if (size && size.length > 2)
    throw usage(`Expected --size to be HEIGHTxWIDTH, such as 32x32, got '${values.text('size')}'`);
  const colorMode = values.choice('color-mode', ['rgb', 'grayscale']);
  return {
    source: absolute(source),
    ...(size && { size: size.length === 1 ? [size[0], size[0]] : size }),
    ...(colorMode && { colorMode }),
    ...(values.switch('skip-damaged') && { skipDamaged: true }),
    ...(labels !== undefined && { labels: resolve(labels) }),
    ...(label !== undefined && { label }),
    ...(separator !== undefined && { separator: separator === '\\t' ? '\t' : separator }),
    ...(values.has('header') && { header: true }),
    ...(values.has('no-header') && { header: false }),
  };
}

/** Refuses options of a source where there is none. */
export function checkNoSource({ given }: Values): void {
  const surplus = given.find((name) => Object.hasOwn(SOURCE_OPTIONS, name) || Object.hasOwn(PICTURE_OPTIONS, name));
  if (surplus) throw usage(`Expected DATA with --${surplus}, got none`);
}

/** The files that data are read from, by what the user calls them. */
export const filesOf = ({ source, labels, testData, testLabels }: DataOptions) => ({
  DATA: source,
  '--labels': labels,
  '--test-data': testData,
  '--test-labels': testLabels,
});

export function readDataOptions(values: Values, source: string): DataOptions {
  const shape = values.text('shape')?.split(/[x×,]/);
  if (shape && shape.length > 3)
    throw usage(`Expected --shape to be HEIGHTxWIDTHxCHANNELS, such as 28x28x1, got '${values.text('shape')}'`);
  const sizes = shape?.map((part) => readInteger('--shape', part, 1));
  const testData = values.text('test-data');
  const testLabels = values.text('test-labels');
  const testSize = values.number('test-size', 0, 0.99);
  if (testData !== undefined && testSize !== undefined)
    throw usage('Expected one of --test-data and --test-size, got both');
  if (testLabels !== undefined && testData === undefined)
    throw usage('Expected --test-data beside --test-labels, got none');
  const task = values.choice('task', ['auto', 'classification', 'regression']);
  if (values.switch('regression') && task !== undefined && task !== 'regression')
    throw usage(`Expected one of --regression and --task ${task}, got both`);
  return {
    ...readSourceOptions(values, source),
    ...readColumnOptions(values),
    ...(values.switch('stratify') && { stratify: true }),
    task: values.switch('regression') ? 'regression' : (task ?? 'auto'),
    scale: values.choice('scale', SCALINGS) ?? 'auto',
    testSize: testData !== undefined ? 0 : (testSize ?? 0.2),
    ...(sizes && { shape: sizes.length === 2 ? [...sizes, 1] : sizes }),
    ...(testData !== undefined && { testData: absolute(testData) }),
    ...(testLabels !== undefined && { testLabels: resolve(testLabels) }),
  };
}

function readColumnOptions(values: Values): ColumnOptions {
  const names = (option: string) => namesIn(values.text(option));
  const [columns, drop, categorical, date] = ['columns', 'drop', 'categorical', 'date'].map(names);
  const impute = values.choice('impute', ['mean', 'median']);
  const decimal = values.choice('decimal', ['.', ',']);
  const encoding = values.choice('encoding', ['utf8', 'latin1']);
  return {
    ...(columns && { columns }),
    ...(drop && { drop }),
    ...(categorical && { categorical }),
    ...(date && { date }),
    ...(impute && { impute }),
    ...(decimal && { decimal }),
    ...(encoding && { encoding }),
  };
}

/** Names with commas between them; one that holds a comma is quoted, as in CSV. */
const namesIn = (text: string | undefined): string[] | undefined =>
  text === undefined
    ? undefined
    : Array.from(text.matchAll(/(?:^|,)\s*(?:"((?:[^"]|"")*)"\s*(?=,|$)|([^,]*))/g), ([, quoted, name]) =>
        quoted === undefined ? name.trim() : quoted.replaceAll('""', '"'),
      );

const absolute = (source: string) => (source === 'digits' || source === '-' ? source : resolve(source));
