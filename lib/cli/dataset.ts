import { NDArray } from '../array.js';
import { didYouMean } from '../check.js';
import { type Label, uniqueLabels } from '../labels.js';
import { RandomState } from '../random.js';
import { countsRows, standsFor } from '../tables/suspects.js';
import type { TableTransformer } from '../tables/table-transformer.js';
import type { FloatType } from '../tape.js';
import { CommandError, EXIT, usage } from './errors.js';
import { asksForColumns, type ColumnOptions, isOfColumns, type MixedTable, readMixed } from './mixed.js';
import { checkMixed, loadMixedFor, splitMixed } from './mixed-dataset.js';
import { isFolder, isOfPictures, type PictureOptions } from './pictures.js';
import type { Run } from './run-file.js';
import { applyScaling, fitScaling, type Scaling, type ScalingName } from './scaling.js';
import { checkTabular, readSource, type SourceOptions, shownPath, type Table, writtenAs } from './sources.js';
import { splitRows } from './split-rows.js';
import { checkTask, guessTask, labelsOf, type Task, targetsOf } from './task.js';

/** Everything that decides what a network is trained and tested on; kept with the network. Plain JSON. */
export interface DataOptions extends SourceOptions, ColumnOptions {
  readonly task: Task | 'auto';
  readonly scale: ScalingName;
  /** The shape of one sample, such as [8, 8, 1]. Default: that of the file */
  readonly shape?: readonly number[];
  /** The share of the samples that is held out for testing; 0 with `testData`. */
  readonly testSize: number;
  /** A file of test samples of its own, and of their labels. */
  readonly testData?: string;
  readonly testLabels?: string;
  /** Whether both sets keep the classes' shares. */
  readonly stratify?: boolean;
}

/** What the network learned to read and to answer; kept with it. Plain JSON. */
export interface Meaning {
  readonly task: Task;
  /** The classes by the number of the network's output. */
  readonly classes?: readonly Label[];
  readonly target?: string;
  /** Of what the network is given; of a table of mixed columns those that its transformer makes. */
  readonly features?: readonly string[];
  /** The columns that a table of mixed columns is to have. */
  readonly columns?: readonly string[];
  readonly inputShape: readonly number[];
  /** [height, width, channels] of samples that are images, also where the network takes them as rows. */
  readonly imageShape?: readonly number[];
  readonly scaling: Scaling;
  /** Of a regression's targets. */
  readonly targetScaling?: Scaling;
}

/** Samples as the network takes them: class numbers [n], or (scaled) targets [n]. */
export interface Samples {
  readonly x: NDArray;
  readonly y: NDArray;
}

export interface Split {
  readonly name: string;
  readonly meaning: Meaning;
  readonly train: Samples;
  readonly test?: Samples;
  /** Whether the data bring a test set along. */
  readonly hasOwnTest?: boolean;
  /** What was taken of a first row that may be names or data. */
  readonly decided?: string;
  /** What makes numbers of mixed columns, fitted to the training set. */
  readonly transformer?: TableTransformer;
  /** Of a table of numbers: columns that may be no features, in words. */
  readonly doubts?: readonly string[];
}

/** Reads the data, splits the test set off, and scales by what the training set says. */
export async function loadSplit(options: DataOptions, dtype: FloatType, seed: number, flat: boolean): Promise<Split> {
  const table = await readTable(options, dtype);
  if ('names' in table) {
    checkMixed(table, options, flat);
    return splitMixed(table, options, dtype, seed);
  }
  const task = table.files ? 'classification' : options.task === 'auto' ? guessTask(table) : options.task;
  checkTask(table, task);
  const classes = task === 'classification' ? uniqueLabels(labelsOf(table)) : undefined;
  if (classes && classes.length < 2)
    throw new CommandError(EXIT.input, `Expected '${table.name}' to hold two classes or more, got one: ${classes[0]}`);
  const x = shaped(table, options.shape, flat);
  const y = targetsOf(table, classes);
  const expected = {
    width: x.size / x.shape[0],
    ...(table.target !== undefined && { label: table.target }),
    ...(table.columns && { features: table.columns }),
    ...(classes && { classes }),
  };
  const { testData: source, testLabels: labels } = options;
  const other =
    source === undefined ? table.test : await readSource({ ...options, source, labels, expected, keys: 'test' }, dtype);
  const [train, test] =
    other || options.testSize === 0
      ? [table.files ? shuffled({ x, y }, seed) : { x, y }, other && testSamples(other, table, x, classes)]
      : split(table, x, y, classes, options, seed);

  const imageShape = [x.shape.slice(1), options.shape, table.imageShape].find((shape) => shape?.length === 3);
  const scaling = fitScaling(options.scale === 'auto' ? (imageShape ? 'max' : 'standard') : options.scale, train.x);
  const targetScaling = classes ? undefined : fitScaling('standard', train.y.reshape(-1, 1));
  const doubts = doubtsOf(table, train);
  const scaled = ({ x, y }: Samples): Samples => {
    if (targetScaling) applyScaling(targetScaling, y);
    return { x: scaledTo(dtype, scaling, x), y };
  };
  return {
    name: table.name,
    meaning: {
      task,
      inputShape: train.x.shape.slice(1),
      ...(imageShape && { imageShape }),
      scaling,
      ...(classes && { classes }),
      ...(targetScaling && { targetScaling }),
      ...(table.target !== undefined && { target: table.target }),
      ...(table.columns && { features: table.columns }),
    },
    train: scaled(train),
    ...(test && { test: scaled(test) }),
    ...(table.test && options.testData === undefined && { hasOwnTest: true }),
    ...(table.decided && { decided: table.decided }),
    ...(doubts.length > 0 && { doubts }),
  };
}

/** What a table of mixed columns is left without: of one of numbers told, as these are taken as they are. */
function doubtsOf({ columns, target }: Table, { x, y }: Samples): string[] {
  const [n, width] = x.shape;
  if (!columns || x.ndim !== 2) return [];
  return columns.flatMap((name, k) => {
    const at = (i: number) => x.data[i * width + k];
    const why = standsFor(n, at, (i) => y.data[i])
      ? `each of its values stands for one of ${target === undefined ? 'the labels' : `'${target}'`}, which are not known before`
      : countsRows(name, n, at)
        ? 'it counts the rows'
        : undefined;
    return why ? [`${name}: ${why} (--drop '${name}' leaves it out)`] : [];
  });
}

/** Samples as the network takes them; scaled in the type they came in, in place. */
function scaledTo(dtype: FloatType, scaling: Scaling, x: NDArray): NDArray {
  applyScaling(scaling, x);
  return x.dtype === dtype ? x : NDArray.from(x, { dtype });
}

/** As numbers, or, where a CSV file holds others or options say so, as columns of any kind. */
async function readTable(options: DataOptions, dtype: FloatType): Promise<Table | MixedTable> {
  if (isFolder(options.source)) {
    checkPictures(options);
    return readSource(options, dtype);
  }
  if (asksForColumns(options)) {
    await checkTabular(options);
    return readMixed(options, options.label ?? -1);
  }
  try {
    return await readSource(options, dtype);
  } catch (error) {
    if (!isOfColumns(error)) throw error;
    return readMixed(options, options.label ?? -1);
  }
}

/** Reads samples for a network that was trained: its features in its order, scaled as in its training. */
export async function loadFor(
  { meaning, recipe, data, transformer }: Pick<Run, 'meaning' | 'recipe' | 'data' | 'transformer'>,
  options: SourceOptions,
  withTargets: boolean,
): Promise<{ x: NDArray; y?: NDArray; name: string; decided?: string; files?: readonly string[] }> {
  if (transformer) return loadMixedFor({ meaning, recipe, data, transformer }, options, withTargets);
  const table = await readSamples({ meaning, data }, options, withTargets, recipe.dtype);
  const { name, decided, files } = table;
  const x = scaledTo(recipe.dtype, meaning.scaling, table.x);
  if (!table.y) {
    if (withTargets) throw new CommandError(EXIT.input, `Expected '${name}' to hold labels, got samples only`);
    return { x, name, ...(decided && { decided }), ...(files && { files }) };
  }
  if (withTargets) checkTask(table, meaning.task);
  const y = withTargets ? targetsOf(table, meaning.classes) : undefined;
  if (y && meaning.targetScaling) applyScaling(meaning.targetScaling, y);
  return { x, name, ...(decided && { decided }), ...(y && { y }) };
}

/** The samples of a file as they are, the features in the order of the training. */
export async function readSamples(
  { meaning, data }: Pick<Run, 'meaning' | 'data'>,
  options: SourceOptions,
  withTargets: boolean,
  dtype: FloatType,
): Promise<Table> {
  const { target, features, inputShape, classes } = meaning;
  const expected = {
    width: sizeOf(inputShape),
    ...(target !== undefined && { label: target }),
    ...(features && { features }),
    ...(classes && { classes }),
    written: writtenAs(data),
  };
  const pictures = picturesFor(meaning, data, options.source);
  const table = await readSource({ ...options, ...pictures, expected, labelOptional: !withTargets }, dtype);
  // where --shape said how the samples lie, the shape in the file says nothing
  if (!data.shape) checkShape(table, meaning.imageShape ?? inputShape);
  return { ...table, x: selectFeatures(table, meaning) };
}

/** Pictures are read as those of the training were. */
export function picturesFor({ imageShape }: Meaning, { size }: DataOptions, source: string): PictureOptions {
  if (!isOfPictures(source)) return {};
  if (!size || !imageShape)
    throw new CommandError(EXIT.input, `Expected a network that was trained on a folder of pictures for '${source}'`);
  return { size: imageShape.slice(0, 2), colorMode: imageShape[2] === 1 ? 'grayscale' : 'rgb' };
}

const sizeOf = (shape: readonly number[]) => shape.reduce((product, n) => product * n, 1);

/** Images of another height and width are others, though they have as many pixels. */
function checkShape({ x, name }: Table, shape: readonly number[]): void {
  const sides = (list: readonly number[]) => list.filter((n) => n !== 1).join(' x ');
  const own = x.shape.slice(1);
  if (own.length > 1 && shape.length > 1 && sides(own) !== sides(shape) && sizeOf(own) === sizeOf(shape))
    throw new CommandError(
      EXIT.input,
      `Expected the samples of '${name}' to be of ${shape.join(' x ')}, as the network was trained on, got ${own.join(' x ')}`,
    );
}

/** Columns by their names where both sides have names, else as they stand. */
export function selectFeatures(
  table: Pick<Table, 'x' | 'name' | 'columns'>,
  { inputShape, features }: Pick<Meaning, 'inputShape' | 'features'>,
): NDArray {
  const size = sizeOf(inputShape);
  const { x, columns, name } = table;
  const width = x.size / x.shape[0];
  const inOrder = features?.length === columns?.length && features?.every((feature, i) => feature === columns?.[i]);
  if (features && columns && !inOrder) {
    const places = features.map((feature) => placeOf(feature, features, columns, name));
    const picked = NDArray.zeros([x.shape[0], places.length], x.dtype);
    for (let i = 0; i < x.shape[0]; i++)
      for (let k = 0; k < places.length; k++) picked.data[i * places.length + k] = x.data[i * width + places[k]];
    return picked.reshape(-1, ...inputShape);
  }
  if (width !== size)
    throw new CommandError(
      EXIT.input,
      `Expected the samples of '${name}' to have ${size} values (${inputShape.join(' x ')}), as the network was trained on, got ${width}`,
    );
  return x.reshape(-1, ...inputShape);
}

function placeOf(feature: string, features: readonly string[], columns: readonly string[], name: string): number {
  const place = columns.indexOf(feature);
  if (place < 0)
    throw new CommandError(
      EXIT.input,
      `Expected '${name}' to have the column '${feature}' that the network was trained on${didYouMean(feature, columns)}; it has: ${columns.join(', ')}`,
    );
  if (columns.lastIndexOf(feature) !== place || features.indexOf(feature) !== features.lastIndexOf(feature))
    throw new CommandError(
      EXIT.input,
      `Expected '${name}' to have its columns in the order of the training, since '${feature}' is the name of several, got: ${columns.join(', ')}`,
    );
  return place;
}

/** Samples in the shape that was asked for, or that the file has; rows of numbers for a network of dense layers. */
function shaped({ x, name, imageShape }: Table, shape: readonly number[] | undefined, flat: boolean): NDArray {
  const width = x.size / x.shape[0];
  if (shape) {
    const size = shape.reduce((product, n) => product * n, 1);
    if (size !== width)
      throw new CommandError(
        EXIT.usage,
        `Expected --shape to hold the ${width} values of a sample of '${name}', got ${shape.join('x')}`,
      );
    return x.reshape(-1, ...shape);
  }
  if (flat) return x.reshape(x.shape[0], -1);
  const own = imageShape ?? (x.ndim > 2 ? x.shape.slice(1) : undefined);
  if (own) return x.reshape(-1, ...(own.length === 2 ? [...own, 1] : own));
  const side = Math.sqrt(width);
  if (Number.isInteger(side) && side > 1) return x.reshape(-1, side, side, 1);
  throw new CommandError(
    EXIT.usage,
    `Expected the samples of '${name}' to be images for a convolutional network, got ${width} values: --shape HEIGHTxWIDTHxCHANNELS says how they lie`,
  );
}

/** Test samples of another file: columns by their names, classes as the training has them. */
function testSamples(table: Table, train: Table, like: NDArray, classes: readonly Label[] | undefined): Samples {
  checkTask(table, classes ? 'classification' : 'regression');
  const inputShape = like.shape.slice(1);
  checkShape(table, train.x.ndim > 2 ? train.x.shape.slice(1) : inputShape);
  const x = selectFeatures(table, { inputShape, ...(train.columns && { features: train.columns }) });
  return { x, y: targetsOf(table, classes) };
}

function split(
  { name }: Table,
  x: NDArray,
  y: NDArray,
  classes: readonly Label[] | undefined,
  options: DataOptions,
  seed: number,
): [Samples, Samples] {
  const rows = NDArray.wrap(Int32Array.from({ length: x.shape[0] }, (_, row) => row));
  const parts = splitRows(name, rows, y, classes, options, seed).map((part) => ({ x: x.take(part), y: y.take(part) }));
  return parts as [Samples, Samples];
}

/** Pictures come by class: the last ones, which are validated on, would be of one. */
function shuffled({ x, y }: Samples, seed: number): Samples {
  const order = new RandomState(seed).permutation(y.shape[0]);
  return { x: x.take(order), y: y.take(order) };
}

/** What has no meaning for a folder of pictures. */
function checkPictures(options: DataOptions): void {
  const { source, task, shape } = options;
  const folder = `'${shownPath(source)}', a folder of pictures`;
  if (asksForColumns(options)) throw usage(`Expected no options of columns with ${folder}`);
  if (task === 'regression') throw usage(`Expected classification of ${folder} by class, got regression`);
  if (shape) throw usage(`Expected no --shape with ${folder}, but --size HEIGHTxWIDTH, what they are scaled to`);
}

/** The samples that are trained on, of n. */
export const trainedOn = (n: number, validation: number): number => Math.floor(n * (1 - validation));
