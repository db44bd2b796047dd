import { activations } from '../activations.js';
import type { NDArray } from '../array.js';
import { didYouMean } from '../check.js';
import { MLPClassifier, MLPRegressor } from '../estimators/mlp.js';
import type { MLPOptions } from '../estimators/mlp-parameters.js';
import { expected } from '../io/schema.js';
import { layers } from '../layers/index.js';
import type { Layer } from '../layers/layer.js';
import { layerFrom } from '../layers/registry.js';
import { type LossInput, lossFrom } from '../losses.js';
import { Sequential, sequential } from '../models/sequential.js';
import { type Optimizer, optimizerFrom, optimizers } from '../optimizers.js';
import { regularizers } from '../regularizers.js';
import type { FloatType } from '../tape.js';
import { type DataOptions, loadSplit, type Meaning, type Split } from './dataset.js';
import { CommandError, EXIT, usage } from './errors.js';
import { readJson } from './json-file.js';

export const MODEL_NAMES = ['mlp', 'cnn', 'lecture', 'sklearn'] as const;
export type ModelKind = (typeof MODEL_NAMES)[number] | 'file';

/** How a network is built and trained; kept with it. Plain JSON. */
export interface Recipe {
  readonly kind: ModelKind;
  /** The content of FILE.json. */
  readonly architecture?: Architecture;
  /** Neurons of the hidden layers. */
  readonly hidden: readonly number[];
  readonly activation: string;
  /** Of a convolutional network: filters of its convolutions, each followed by 2 x 2 pooling. */
  readonly filters: readonly number[];
  readonly kernel: number;
  readonly dropout: number;
  readonly optimizer: string;
  /** Default: the optimizer's own */
  readonly learningRate?: number;
  readonly momentum?: number;
  /** l2 * sum(w^2) of every kernel; the lecture's lambda; scikit-learn's alpha. */
  readonly l2: number;
  readonly epochs: number;
  readonly batchSize: number | 'auto';
  readonly dtype: FloatType;
}

export type RecipeOverrides = Partial<Omit<Recipe, 'kind' | 'architecture'>>;

/** A network as FILE.json describes it. */
export interface Architecture {
  readonly layers: readonly LayerSpec[];
  readonly optimizer?: string | ({ readonly name: string } & Record<string, unknown>);
  readonly loss?: string | ({ readonly name: string } & Record<string, unknown>);
}

type LayerSpec = { readonly type: string } & Record<string, unknown>;

const SHARED = { filters: [10], kernel: 3, dropout: 0, l2: 0, dtype: 'float32' } as const;

/** What is trained when no option says otherwise. */
const DEFAULTS: Readonly<Record<ModelKind, Recipe>> = {
  mlp: { ...SHARED, kind: 'mlp', hidden: [100, 50], activation: 'relu', optimizer: 'adam', epochs: 30, batchSize: 32 },
  cnn: { ...SHARED, kind: 'cnn', hidden: [50], activation: 'relu', optimizer: 'adam', epochs: 30, batchSize: 32 },
  lecture: {
    ...SHARED,
    kind: 'lecture',
    hidden: [50],
    activation: 'sigmoid',
    optimizer: 'sgd',
    learningRate: 0.001,
    l2: 0.1,
    epochs: 100,
    batchSize: 100,
    dtype: 'float64',
  },
  sklearn: {
    ...SHARED,
    kind: 'sklearn',
    hidden: [100],
    activation: 'relu',
    optimizer: 'adam',
    learningRate: 0.001,
    l2: 1e-4,
    epochs: 200,
    batchSize: 'auto',
    dtype: 'float64',
  },
  file: { ...SHARED, kind: 'file', hidden: [], activation: '', optimizer: 'adam', epochs: 30, batchSize: 32 },
};

/** What each kind of network has no use for: giving it is a mistake that should be told. */
const UNUSED: Readonly<Record<ModelKind, readonly (keyof RecipeOverrides)[]>> = {
  mlp: ['filters', 'kernel'],
  cnn: [],
  lecture: ['filters', 'kernel', 'dropout', 'optimizer', 'activation', 'momentum', 'dtype'],
  sklearn: ['filters', 'kernel', 'dropout'],
  file: ['filters', 'kernel', 'dropout', 'hidden', 'activation', 'l2'],
};

const OPTION_NAMES: Partial<Record<keyof RecipeOverrides, string>> = {
  learningRate: 'learning-rate',
  batchSize: 'batch-size',
};
export const optionName = (key: keyof RecipeOverrides): string => OPTION_NAMES[key] ?? key;

/** The recipe that `--model` names, with the options that were given. */
export async function readRecipe(model: string, overrides: RecipeOverrides): Promise<Recipe> {
  const isFile = /\.json$/i.test(model);
  const kind = MODEL_NAMES.find((name) => name === model) ?? (isFile ? 'file' : undefined);
  if (kind === undefined) {
    const names = MODEL_NAMES.join(', ');
    throw usage(
      `Expected --model to be one of ${names} or a FILE.json${didYouMean(model, MODEL_NAMES)}, got '${model}'`,
    );
  }
  const given = Object.fromEntries(
    Object.entries(overrides).filter(([, value]) => value !== undefined),
  ) as RecipeOverrides;
  const unused = UNUSED[kind].find((key) => given[key] !== undefined);
  if (unused)
    throw usage(`Expected no option --${optionName(unused)} with --model ${kind === 'file' ? 'FILE.json' : kind}`);
  const recipe = { ...DEFAULTS[kind], ...given };
  const ofSteps = (['learningRate', 'batchSize'] as const).find((key) => given[key] !== undefined);
  if (ofSteps && kind === 'sklearn' && recipe.optimizer === 'lbfgs')
    throw usage(`Expected no option --${optionName(ofSteps)} with --optimizer lbfgs, which takes all samples at once`);
  checkRecipe(recipe);
  return kind === 'file' ? { ...recipe, architecture: await readArchitecture(model) } : recipe;
}

const SKLEARN = {
  activation: ['relu', 'logistic', 'tanh', 'identity'],
  optimizer: ['adam', 'sgd', 'lbfgs'],
};

/** @param name what to call a part of the recipe: an option of the command line, or its path in a file */
export function checkRecipe(
  { kind, architecture, activation, optimizer, hidden, batchSize, momentum }: Recipe,
  name: (key: keyof Recipe) => string = (key) => `--${optionName(key as keyof RecipeOverrides)}`,
): void {
  const oneOf = (key: keyof Recipe, value: string, allowed: readonly string[]) => {
    if (!allowed.includes(value))
      throw usage(
        `Expected ${name(key)} to be one of ${allowed.join(', ')}${didYouMean(value, allowed)}, got '${value}'`,
      );
  };
  const sklearn = kind === 'sklearn';
  if (kind !== 'file') oneOf('activation', activation, sklearn ? SKLEARN.activation : Object.keys(activations));
  oneOf('optimizer', optimizer, sklearn ? SKLEARN.optimizer : Object.keys(optimizers));
  if (kind === 'lecture' && hidden.length !== 1)
    throw usage(`Expected ${name('hidden')} to be one layer with --model lecture, got ${hidden.join(',')}`);
  if (batchSize === 'auto' && !sklearn)
    throw usage(`Expected ${name('batchSize')} to be a positive integer, got 'auto'`);
  if (momentum !== undefined && !['sgd', 'rmsprop'].includes(optimizer))
    throw usage(`Expected no ${name('momentum').replace(/^--/, 'option --')} with --optimizer ${optimizer}`);
  if (architecture) within(name('architecture'), () => checkArchitecture(architecture));
}

async function readArchitecture(path: string): Promise<Architecture> {
  const what = 'a network described as { "layers": [{ "type": "dense", "units": 10 }, …] }';
  const value = await readJson(path, what);
  try {
    return checkArchitecture(value);
  } catch (error) {
    throw new CommandError(EXIT.input, `Expected '${path}' to be ${what}: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

/** What FILE.json holds, whole: its layers, optimizer and loss can be made. @throws Error in one sentence */
export function checkArchitecture(value: unknown): Architecture {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new TypeError('it holds no object');
  const { layers: list, optimizer, loss, ...rest } = value as Record<string, unknown>;
  const [unknown] = Object.keys(rest);
  if (unknown) throw new TypeError(`there is no '${unknown}'${didYouMean(unknown, ['layers', 'optimizer', 'loss'])}`);
  if (!Array.isArray(list) || list.length === 0) throw new TypeError('it has no layers');
  const architecture = {
    layers: list,
    ...(optimizer !== undefined && { optimizer }),
    ...(loss !== undefined && { loss }),
  } as Architecture;
  for (const [i, layer] of architecture.layers.entries()) within(`layer ${i}`, () => layerOf(layer));
  if (optimizer !== undefined) within('optimizer', () => optimizerOf(architecture.optimizer as string));
  if (loss !== undefined) within('loss', () => lossOf(architecture.loss as string));
  return architecture;
}

/** Errors of a part are ours, with its name. */
function within<T>(where: string, make: () => T): T {
  try {
    return make();
  } catch (error) {
    throw new RangeError(`${where}: ${(error as Error).message}`, { cause: error });
  }
}

function layerOf(spec: LayerSpec): Layer {
  checkObject('it', spec);
  const { type, className, config = {}, ...options } = spec as LayerSpec & { className?: string; config?: object };
  if (typeof className === 'string') {
    checkObject('its config', config);
    return layerFrom(className, config);
  }
  const names = Object.keys(layers);
  if (typeof type !== 'string' || !names.includes(type))
    throw expected(
      'its type',
      `one of ${names.join(', ')}${typeof type === 'string' ? didYouMean(type.slice(0, 40), names) : ''}`,
      type,
    );
  return (layers[type as keyof typeof layers] as (options: object) => Layer)(options);
}

function checkObject(name: string, value: unknown): void {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw expected(name, 'an object', value);
}

/** A name alone, or an object of name and options. */
function named<T extends string | ({ readonly name: string } & object)>(spec: T): { readonly name: string } {
  if (typeof spec === 'string') return { name: spec };
  checkObject('it', spec);
  if (typeof spec.name !== 'string') throw expected('its name', 'a text', spec.name);
  return spec;
}
const optimizerOf = (spec: NonNullable<Architecture['optimizer']>) => optimizerFrom(named(spec) as Optimizer['config']);
const lossOf = (spec: NonNullable<Architecture['loss']>) => lossFrom(named(spec) as Parameters<typeof lossFrom>[0]);

/** The data as the recipe takes them: the lecture's and scikit-learn's networks as they are, unless told otherwise. */
export function dataFor(recipe: Recipe, data: DataOptions): DataOptions {
  return data.scale === 'auto' && hasOwnLoop(recipe) ? { ...data, scale: 'none' } : data;
}

/** Is it trained by another class than Sequential? */
export const hasOwnLoop = ({ kind }: Recipe): boolean => kind === 'lecture' || kind === 'sklearn';

/** Reads the data and splits them for the recipe's network. */
export async function splitFor(recipe: Recipe, data: DataOptions, seed: number): Promise<Split> {
  const split = await loadSplit(data, recipe.dtype, seed, takesRows(recipe));
  if (recipe.kind === 'lecture' && !split.meaning.classes)
    throw usage('Expected classes with --model lecture, got numbers: --task classification takes them for classes');
  return split;
}

/** Does the network take rows of numbers rather than images? */
function takesRows({ kind, architecture }: Recipe): boolean {
  if (kind === 'cnn') return false;
  return !architecture?.layers.some((layer) => /conv|pool/i.test(String(layer.type ?? layer.className)));
}

/** scikit-learn's estimator for the task, not trained yet; with `more` of its options. */
export function buildEstimator(recipe: Recipe, { classes }: Meaning, seed: number, more: MLPOptions = {}) {
  const options = {
    hiddenLayerSizes: [...recipe.hidden],
    activation: recipe.activation as 'relu',
    solver: recipe.optimizer as 'adam',
    alpha: recipe.l2,
    learningRateInit: recipe.learningRate,
    batchSize: recipe.batchSize,
    maxIter: recipe.epochs,
    randomState: seed,
    ...(recipe.momentum !== undefined && { momentum: recipe.momentum }),
    ...more,
  };
  return classes ? new MLPClassifier(options) : new MLPRegressor(options);
}

/** The network, not trained yet. Its output fits the task: a softmax over the classes, or one number. */
export function buildSequential(recipe: Recipe, meaning: Meaning, seed: number): Sequential {
  const { inputShape, classes } = meaning;
  const model = sequential({ layers: layersOf(recipe, meaning), dtype: recipe.dtype, seed });
  model.build(inputShape);
  if (recipe.kind === 'file') checkOutput(model, meaning);
  model.compile({
    optimizer: optimizerFor(recipe),
    loss: lossFor(recipe, meaning, model.outputShapes?.at(-1)?.[0]),
    metrics: [classes ? 'accuracy' : 'meanAbsoluteError'],
  });
  return model;
}

function layersOf(
  { kind, architecture, hidden, activation, filters, kernel, dropout, l2 }: Recipe,
  meaning: Meaning,
): Layer[] {
  if (architecture) return architecture.layers.map((layer, i) => within(`layer ${i}`, () => layerOf(layer)));
  const penalty = l2 > 0 ? { kernelRegularizer: regularizers.l2({ l2 }) } : {};
  const convolutions =
    kind === 'cnn'
      ? [
          ...filters.flatMap((n) => [
            layers.conv2d({
              filters: n,
              kernelSize: kernel,
              padding: 'same',
              activation: activation as 'relu',
              ...penalty,
            }),
            layers.maxPooling2d({ poolSize: 2 }),
          ]),
          layers.flatten(),
        ]
      : meaning.inputShape.length > 1
        ? [layers.flatten()]
        : [];
  return [
    ...convolutions,
    ...hidden.flatMap((units) => [
      layers.dense({ units, activation: activation as 'relu', ...penalty }),
      ...(dropout > 0 ? [layers.dropout({ rate: dropout })] : []),
    ]),
    layers.dense({
      units: meaning.classes?.length ?? 1,
      activation: meaning.classes ? 'softmax' : 'linear',
      ...penalty,
    }),
  ];
}

function optimizerFor({ architecture, optimizer, learningRate, momentum }: Recipe): Optimizer {
  const base = architecture?.optimizer ? named(architecture.optimizer) : { name: optimizer };
  return optimizerFrom({
    ...base,
    ...(learningRate !== undefined && { learningRate }),
    ...(momentum !== undefined && { momentum }),
  } as Optimizer['config']);
}

function lossFor({ architecture }: Recipe, { classes }: Meaning, outputs: number | undefined): LossInput {
  if (architecture?.loss) return lossOf(architecture.loss);
  if (!classes) return 'meanSquaredError';
  return outputs === 1 ? 'binaryCrossentropy' : 'sparseCategoricalCrossentropy';
}

function checkOutput(model: Sequential, { classes }: Meaning): void {
  const output = model.outputShapes?.at(-1) ?? [];
  const wanted = classes?.length ?? 1;
  const oneForTwo = classes?.length === 2 && output.join() === '1';
  if (output.length !== 1 || (output[0] !== wanted && !oneForTwo))
    throw new CommandError(
      EXIT.input,
      `Expected the network's output to be ${wanted} ${classes ? `values, one a class (${classes.join(', ')})` : 'number'}, got shape [${output.join(', ')}]`,
    );
}

/** A network of dense layers with weights from elsewhere: [kernel, bias, kernel, bias, …]. */
export function denseNetwork(
  weights: readonly NDArray[],
  names: { hidden: string; output: string; dtype: FloatType },
  meaning: Meaning,
): Sequential {
  const kernels = weights.filter((_, i) => i % 2 === 0);
  const model = new Sequential({
    dtype: names.dtype,
    seed: 0,
    layers: kernels.map((kernel, i) =>
      layers.dense({
        units: kernel.shape[1],
        activation: (i < kernels.length - 1 ? names.hidden : names.output) as 'relu',
        ...(i === 0 && { inputShape: [kernel.shape[0]] }),
      }),
    ),
  });
  const binary = meaning.classes && names.output === 'sigmoid';
  model.compile({
    optimizer: 'sgd',
    loss: binary ? 'binaryCrossentropy' : meaning.classes ? 'sparseCategoricalCrossentropy' : 'meanSquaredError',
    metrics: [meaning.classes ? 'accuracy' : 'meanAbsoluteError'],
  });
  model.setWeights(weights);
  return model;
}
