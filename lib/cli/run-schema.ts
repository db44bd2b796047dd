import { twiceIn } from '../check.js';
import {
  boolean,
  either,
  expected,
  integer,
  list,
  number,
  object,
  oneOf,
  record,
  type Schema,
  text,
} from '../io/schema.js';
import type { Label } from '../labels.js';
import type { Sequential } from '../models/sequential.js';
import { SCALINGS } from './data-options.js';
import type { DataOptions, Meaning } from './dataset.js';
import type { Grid, GridValue } from './grid-file.js';
import { LARGEST_SEED } from './options.js';
import { checkRecipe, MODEL_NAMES, type Recipe } from './recipe.js';
import type { Run } from './run-file.js';
import type { Scaling } from './scaling.js';

const sizes = list(integer(1));
const TASKS = ['classification', 'regression'] as const;

const dataOptions = object<DataOptions>(
  {
    source: text,
    labels: text,
    label: text,
    header: boolean,
    separator: text,
    labelOptional: boolean,
    expected: () => undefined,
    keys: oneOf('test'),
    task: oneOf('auto', ...TASKS),
    scale: oneOf(...SCALINGS),
    shape: sizes,
    testSize: number(0, 0.999999),
    testData: text,
    testLabels: text,
    size: sizes,
    colorMode: oneOf('rgb', 'grayscale'),
    skipDamaged: boolean,
    columns: list(text),
    drop: list(text),
    categorical: list(text),
    date: list(text),
    impute: oneOf('mean', 'median'),
    decimal: oneOf('.', ','),
    encoding: oneOf('utf8', 'latin1'),
    stratify: boolean,
  },
  [
    'columns',
    'drop',
    'categorical',
    'date',
    'impute',
    'decimal',
    'encoding',
    'stratify',
    'labels',
    'label',
    'header',
    'separator',
    'labelOptional',
    'expected',
    'keys',
    'shape',
    'testData',
    'testLabels',
    'size',
    'colorMode',
    'skipDamaged',
  ],
);

const recipeFields = object<Recipe>(
  {
    kind: oneOf(...MODEL_NAMES, 'file'),
    architecture: (_, value) => value as Recipe['architecture'], // checked by making its layers
    hidden: sizes,
    activation: text,
    filters: sizes,
    kernel: integer(1),
    dropout: number(0, 0.99),
    optimizer: text,
    learningRate: number(0),
    momentum: number(0, 1),
    l2: number(0),
    epochs: integer(1),
    batchSize: either<number | 'auto'>("a positive integer or 'auto'", integer(1), oneOf('auto')),
    dtype: oneOf('float32', 'float64'),
  },
  ['architecture', 'learningRate', 'momentum'],
);

const recipe: Schema<Recipe> = (name, value) => {
  const read = recipeFields(name, value);
  checkRecipe(read, (key) => `${name}.${key}`);
  return read;
};

const scaling: Schema<Scaling> = (name, value) => {
  const read = object<Scaling>({
    name: oneOf('none', 'standard', 'minmax', 'max'),
    shift: list(number(), 1),
    factor: list(number(), 1),
  })(name, value);
  if (read.shift.length !== read.factor.length)
    throw expected(`${name}.shift`, `as long as the factor (${read.factor.length})`, read.shift);
  const zero = read.factor.indexOf(0);
  if (zero >= 0) throw expected(`${name}.factor[${zero}]`, 'a number other than 0', 0);
  return read;
};

const label = either<Label>('a finite number or a text', number(), text);

const meaningFields = object<Meaning>(
  {
    task: oneOf(...TASKS),
    classes: list(label, 2),
    target: text,
    features: list(text),
    columns: list(text, 1),
    inputShape: list(integer(1), 1),
    imageShape: sizes,
    scaling,
    targetScaling: scaling,
  },
  ['classes', 'target', 'features', 'columns', 'imageShape', 'targetScaling'],
);

const sizeOf = (shape: readonly number[]) => shape.reduce((product, n) => product * n, 1);

const meaning: Schema<Meaning> = (name, value) => {
  const read = meaningFields(name, value);
  const { task, classes, features, inputShape, imageShape, targetScaling } = read;
  const width = sizeOf(inputShape);
  const takes = (key: string, length: number | undefined, wanted: number, what: string, got: unknown) => {
    if (length !== undefined && length !== wanted) throw expected(`${name}.${key}`, what, got);
  };
  if ((task === 'classification') !== (classes !== undefined))
    throw expected(
      `${name}.classes`,
      task === 'classification' ? 'a list of classes' : 'absent from a regression',
      classes,
    );
  if (classes) {
    const other = classes.findIndex((c) => typeof c !== typeof classes[0]);
    if (other >= 0)
      throw expected(`${name}.classes[${other}]`, `a ${typeof classes[0]}, as those before it`, classes[other]);
    const twice = twiceIn(classes);
    if (twice >= 0) throw expected(`${name}.classes[${twice}]`, 'a class of its own', classes[twice]);
  }
  takes('features', features?.length, width, `a list of ${width}, one for each input`, features);
  takes('imageShape', imageShape?.length, 3, 'height, width and channels', imageShape);
  if (imageShape) takes('imageShape', sizeOf(imageShape), width, `of ${width} values`, imageShape);
  const { length } = read.scaling.factor;
  if (length !== 1) takes('scaling.factor', length, width, `a list of 1 or ${width}`, read.scaling.factor);
  if (targetScaling) takes('targetScaling.factor', targetScaling.factor.length, 1, 'a list of 1', targetScaling.factor);
  return read;
};

const build = object<Run['build']>({
  version: text,
  blas: text,
  blasCore: text,
  blasLinkage: oneOf('static', 'shared'),
  simd: text,
  threads: integer(1),
  node: text,
} as { [K in keyof Run['build']]-?: Schema<Run['build'][K]> });

/** What a loss is in a file: JSON has no NaN. */
const loss = either<number | null>('a number or null', number(), (name, value) => {
  if (value === null) return null;
  throw expected(name, 'null', value);
});

const history: Schema<Run['history']> = (name, value) => {
  const read = object<{ epoch: readonly number[]; history: Readonly<Record<string, readonly (number | null)[]>> }>({
    epoch: list(integer(0)),
    history: record(list(loss)),
  })(name, value);
  const late = read.epoch.findIndex((epoch, i) => i > 0 && epoch <= read.epoch[i - 1]);
  if (late >= 0) throw expected(`${name}.epoch[${late}]`, `more than ${read.epoch[late - 1]}`, read.epoch[late]);
  for (const [key, values] of Object.entries(read.history))
    if (values.length !== read.epoch.length)
      throw expected(`${name}.history.${key}`, `a list of ${read.epoch.length}, one for each epoch`, values);
  return read as Run['history'];
};

const runFields = object<Omit<Run, 'transformer'>>(
  {
    version: oneOf(1),
    data: dataOptions,
    recipe,
    meaning,
    seed: integer(0, LARGEST_SEED),
    validation: number(0, 0.999999),
    patience: integer(1),
    balanced: boolean,
    samples: object({ train: integer(0), validation: integer(0), test: integer(0) }),
    epochs: integer(0),
    history,
    seconds: number(0),
    build,
    saved: text,
  },
  ['patience', 'balanced'],
);

/** A run as its file holds it, and as the network beside it needs it. @throws Error in one sentence with the path */
export function checkRun(value: unknown, model: Sequential): Run {
  const run = runFields('run', value);
  const { inputShape, classes } = run.meaning;
  const input = model.inputShape ?? [];
  if (inputShape.join() !== input.join())
    throw new RangeError(
      `Expected run.meaning.inputShape to be [${input.join(', ')}], as the network's, got [${inputShape.join(', ')}]`,
    );
  const [outputs] = model.outputShapes?.at(-1) ?? [];
  if (classes ? outputs !== classes.length && !(outputs === 1 && classes.length === 2) : outputs !== 1)
    throw expected(
      classes ? 'run.meaning.classes' : 'run.meaning.task',
      classes
        ? `a list of ${outputs === 1 ? 2 : outputs}, as the network has outputs`
        : `'classification', since the network has ${outputs} outputs`,
      classes ?? run.meaning.task,
    );
  return run;
}

const gridValue = either<GridValue>('a number, a text or a list of integers', number(), text, list(integer(1), 1));

const gridFields = object<Grid>({
  version: oneOf(1),
  axes: list(object({ name: text, values: list(gridValue, 1) }), 1),
  results: list(
    object<Grid['results'][number]>(
      { params: record(gridValue), trainScore: loss, testScore: loss, seconds: number(0), error: text },
      ['error'],
    ),
    1,
  ),
  best: integer(0),
  score: oneOf('accuracy', 'R²'),
  data: text,
  samples: object({ train: integer(0), test: integer(0) }),
  recipe,
  seed: integer(0, LARGEST_SEED),
  seconds: number(0),
  build,
  saved: text,
});

/** A grid as its file holds it. @throws Error in one sentence with the path */
export function checkGrid(value: unknown): Grid {
  const grid = gridFields('grid', value);
  const { axes, results, best, score } = grid;
  const twice = axes.findIndex(({ name }, i) => axes.findIndex((axis) => axis.name === name) < i);
  if (twice >= 0) throw expected(`grid.axes[${twice}].name`, 'a name of its own', axes[twice].name);
  const total = axes.reduce((product, { values }) => product * values.length, 1);
  if (results.length !== total) throw expected('grid.results', `a list of ${total}, one for each combination`, results);
  if (best >= total) throw expected('grid.best', `the number of one of ${total} results`, best);
  const share = number(0, 1);
  for (const [i, { params, trainScore, testScore }] of results.entries()) {
    for (const { name } of axes)
      if (!Object.hasOwn(params, name))
        throw expected(`grid.results[${i}].params.${name}`, 'the value of its option', undefined);
    for (const [key, value] of Object.entries({ trainScore, testScore }))
      if (score === 'accuracy' && value !== null) share(`grid.results[${i}].${key}`, value);
  }
  return grid;
}
