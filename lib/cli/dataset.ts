import { NDArray } from '../array.js';
import { didYouMean } from '../check.js';
import { isNDArray } from '../kind.js';
import { codesOf, type Label, uniqueLabels } from '../labels.js';
import { trainTestSplit } from '../model-selection/splits.js';
import type { FloatType } from '../tape.js';
import { CommandError, EXIT } from './errors.js';
import { applyScaling, fitScaling, type Scaling, type ScalingName } from './scaling.js';
import { readSource, type SourceOptions, type Table } from './sources.js';

export type Task = 'classification' | 'regression';

/** Everything that decides what a network is trained and tested on; kept with the network. Plain JSON. */
export interface DataOptions extends SourceOptions {
  readonly task: Task | 'auto';
  readonly scale: ScalingName;
  /** The shape of one sample, such as [8, 8, 1]. Default: that of the file */
  readonly shape?: readonly number[];
  /** The share of the samples that is held out for testing; 0 with `testData`. */
  readonly testSize: number;
  /** A file of test samples of its own, and of their labels. */
  readonly testData?: string;
  readonly testLabels?: string;
}

/** What the network learned to read and to answer; kept with it. Plain JSON. */
export interface Meaning {
  readonly task: Task;
  /** The classes by the number of the network's output. */
  readonly classes?: readonly Label[];
  readonly target?: string;
  readonly features?: readonly string[];
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
}

/** Reads the data, splits the test set off, and scales by what the training set says. */
export async function loadSplit(options: DataOptions, dtype: FloatType, seed: number, flat: boolean): Promise<Split> {
  const table = await readSource(options, dtype);
  const task = options.task === 'auto' ? guessTask(table) : options.task;
  checkTask(table, task);
  const classes = task === 'classification' ? uniqueLabels(labelsOf(table)) : undefined;
  if (classes && classes.length < 2)
    throw new CommandError(EXIT.input, `Expected '${table.name}' to hold two classes or more, got one: ${classes[0]}`);
  const x = shaped(table, options.shape, flat);
  const y = targetsOf(table, classes);
  const other = options.testData
    ? await readSource({ ...options, source: options.testData, labels: options.testLabels, keys: 'test' }, dtype)
    : table.test;
  const [train, test] = other
    ? [{ x, y }, await testSamples(other, x, classes)]
    : split(table, x, y, options.testSize, seed);

  const imageShape = [x.shape.slice(1), options.shape, table.imageShape].find((shape) => shape?.length === 3);
  const scaling = fitScaling(options.scale === 'auto' ? (imageShape ? 'max' : 'standard') : options.scale, train.x);
  const targetScaling = classes ? undefined : fitScaling('standard', train.y.reshape(-1, 1));
  for (const samples of test ? [train, test] : [train]) {
    applyScaling(scaling, samples.x);
    if (targetScaling) applyScaling(targetScaling, samples.y);
  }
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
    train,
    ...(test && { test }),
  };
}

/** Reads samples for a network that was trained: its features in its order, scaled as in its training. */
export async function loadFor(
  meaning: Meaning,
  options: SourceOptions,
  dtype: FloatType,
  withTargets: boolean,
): Promise<{ x: NDArray; y?: NDArray; name: string }> {
  const label = options.label ?? meaning.target;
  const table = await readSource(
    { ...options, ...(label !== undefined && { label }), labelOptional: !withTargets },
    dtype,
  );
  const x = selectFeatures(table, meaning);
  applyScaling(meaning.scaling, x);
  if (!table.y) {
    if (withTargets) throw new CommandError(EXIT.input, `Expected '${table.name}' to hold labels, got samples only`);
    return { x, name: table.name };
  }
  const y = withTargets ? targetsOf(table, meaning.classes) : undefined;
  if (y && meaning.targetScaling) applyScaling(meaning.targetScaling, y);
  return { x, name: table.name, ...(y && { y }) };
}

/** Columns by their names where both sides have names, else as they stand. */
export function selectFeatures(table: Pick<Table, 'x' | 'name' | 'columns'>, meaning: Meaning): NDArray {
  const { inputShape, features } = meaning;
  const size = inputShape.reduce((product, n) => product * n, 1);
  const { x, columns, name } = table;
  const width = x.size / x.shape[0];
  if (features && columns && features.join('\n') !== columns.join('\n')) {
    const places = features.map((feature) => {
      const place = columns.indexOf(feature);
      if (place >= 0) return place;
      throw new CommandError(
        EXIT.input,
        `Expected '${name}' to have the column '${feature}' that the network was trained on${didYouMean(feature, columns)}; it has: ${columns.join(', ')}`,
      );
    });
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

/** Numbers with a fraction, or very many different ones, are no classes. */
function guessTask({ y, name }: Table): Task {
  if (!y)
    throw new CommandError(
      EXIT.input,
      `Expected '${name}' to hold labels, got samples only (--labels FILE names theirs)`,
    );
  if (!isNDArray(y)) return 'classification';
  const distinct = new Set<number>();
  for (const value of y.data) {
    if (!Number.isInteger(value)) return 'regression';
    if (distinct.size <= MOST_CLASSES) distinct.add(value);
  }
  return distinct.size <= Math.min(MOST_CLASSES, Math.max(2, y.size / 2)) ? 'classification' : 'regression';
}

const MOST_CLASSES = 100;

function checkTask({ y, name, target }: Table, task: Task): void {
  if (!y)
    throw new CommandError(
      EXIT.input,
      `Expected '${name}' to hold labels, got samples only (--labels FILE names theirs)`,
    );
  if (task === 'regression' && !isNDArray(y))
    throw new CommandError(
      EXIT.input,
      `Expected the column '${target}' of '${name}' to hold numbers for a regression, got '${y[0]}'`,
    );
}

const labelsOf = ({ y }: Table): ArrayLike<Label> => (isNDArray(y) ? y.data : (y as readonly string[]));

/** Class numbers, or numbers. */
function targetsOf(table: Table, classes: readonly Label[] | undefined): NDArray {
  const { name, y } = table;
  if (!classes) return NDArray.from(y as NDArray, { dtype: 'float64', shape: [-1] });
  const labels = labelsOf(table);
  const known =
    typeof classes[0] === typeof labels[0] ? labels : Array.from(labels, (label) => alike(label, classes[0]));
  const codes = codesOf(known, classes);
  const row = codes.indexOf(-1);
  if (row >= 0)
    throw new CommandError(
      EXIT.input,
      `Expected the labels of '${name}' to be among ${list(classes)}, got '${labels[row]}' in sample ${row}`,
    );
  return NDArray.wrap(codes);
}

/** A label read from a file where the other one was read from another: '3' and 3 are the same class. */
const alike = (label: Label, like: Label): Label => (typeof like === 'string' ? String(label) : Number(label));

const list = (classes: readonly Label[]) =>
  classes.length > 12 ? `${classes.slice(0, 12).join(', ')}, …` : classes.join(', ');

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

async function testSamples(table: Table, like: NDArray, classes: readonly Label[] | undefined): Promise<Samples> {
  checkTask(table, classes ? 'classification' : 'regression');
  const width = like.size / like.shape[0];
  if (table.x.size / table.x.shape[0] !== width)
    throw new CommandError(
      EXIT.input,
      `Expected the test samples of '${table.name}' to have ${width} values, as those to train on, got ${table.x.size / table.x.shape[0]}`,
    );
  return { x: table.x.reshape(-1, ...like.shape.slice(1)), y: targetsOf(table, classes) };
}

function split({ name }: Table, x: NDArray, y: NDArray, testSize: number, seed: number): [Samples, Samples?] {
  if (testSize === 0) return [{ x, y }];
  const n = x.shape[0];
  if (n < 2)
    throw new CommandError(
      EXIT.input,
      `Expected '${name}' to hold two samples or more to split a test set off, got ${n}`,
    );
  // as the lecture: train_size=0.8, test_size=1 - 0.8
  const [xTrain, xTest, yTrain, yTest] = trainTestSplit([x, y], { testSize, randomState: seed });
  return [
    { x: xTrain, y: yTrain },
    { x: xTest, y: yTest },
  ];
}
