// How a network is trained and judged, as Keras writes it and as we do: optimizers, schedules, losses, metrics.
import { wrongType, wrongValue } from '../../check.js';
import type { JsonObject } from '../../io/model-file.js';
import { isPlain } from '../../kind.js';
import { camel, type KerasObject, plain, readObject, snake } from './config-parts.js';

/** Keras' names of what both have, by ours, and of the options that are called otherwise. */
interface Table {
  readonly module: string;
  readonly classes: Readonly<Record<string, string>>;
  readonly options: Readonly<Record<string, string>>;
  /** Options of Keras' that there are not here, with the values at which they change nothing. None: any value */
  readonly others: Readonly<Record<string, readonly unknown[] | undefined>>;
  /** Other names that Keras takes. */
  readonly aliases?: Readonly<Record<string, string>>;
}

const OPTIMIZERS: Table = {
  module: 'keras.optimizers',
  classes: {
    sgd: 'SGD',
    adam: 'Adam',
    adamW: 'AdamW',
    nadam: 'Nadam',
    adamax: 'Adamax',
    lion: 'Lion',
    rmsprop: 'RMSprop',
    adagrad: 'Adagrad',
    adadelta: 'Adadelta',
  },
  options: {
    clipNorm: 'clipnorm',
    globalClipNorm: 'global_clipnorm',
    clipValue: 'clipvalue',
    beta1: 'beta_1',
    beta2: 'beta_2',
  },
  others: {
    name: undefined,
    loss_scale_factor: [null],
    jit_compile: undefined,
    is_legacy_optimizer: undefined,
  },
};

const SCHEDULES: Table = {
  module: 'keras.optimizers.schedules',
  classes: {
    exponentialDecay: 'ExponentialDecay',
    inverseTimeDecay: 'InverseTimeDecay',
    piecewiseConstant: 'PiecewiseConstantDecay',
    polynomial: 'PolynomialDecay',
    cosineDecay: 'CosineDecay',
    cosineDecayRestarts: 'CosineDecayRestarts',
  },
  options: {},
  others: { name: undefined },
};

/** What Keras also calls losses, and the metrics of their names. */
const ABBREVIATED = {
  mse: 'meanSquaredError',
  mae: 'meanAbsoluteError',
  bce: 'binaryCrossentropy',
  mape: 'meanAbsolutePercentageError',
  msle: 'meanSquaredLogarithmicError',
};

const LOSSES: Table = {
  module: 'keras.losses',
  classes: {
    categoricalCrossentropy: 'CategoricalCrossentropy',
    sparseCategoricalCrossentropy: 'SparseCategoricalCrossentropy',
    binaryCrossentropy: 'BinaryCrossentropy',
    meanSquaredError: 'MeanSquaredError',
    meanAbsoluteError: 'MeanAbsoluteError',
    huber: 'Huber',
    hinge: 'Hinge',
    squaredHinge: 'SquaredHinge',
    categoricalHinge: 'CategoricalHinge',
    klDivergence: 'KLDivergence',
    poisson: 'Poisson',
    logCosh: 'LogCosh',
    meanAbsolutePercentageError: 'MeanAbsolutePercentageError',
    meanSquaredLogarithmicError: 'MeanSquaredLogarithmicError',
    cosineSimilarity: 'CosineSimilarity',
    binaryFocalCrossentropy: 'BinaryFocalCrossentropy',
    categoricalFocalCrossentropy: 'CategoricalFocalCrossentropy',
  },
  options: {},
  others: {
    name: undefined,
    dtype: undefined,
    fn: undefined,
    reduction: ['sum_over_batch_size', 'auto', 'mean'],
    axis: [-1],
    ignore_class: [null],
  },
  aliases: {
    ...ABBREVIATED,
    kld: 'klDivergence',
    logcosh: 'logCosh',
    huberloss: 'huber',
    kullbackleiblerdivergence: 'klDivergence',
  },
};

const METRICS: Table = {
  module: 'keras.metrics',
  classes: {
    binaryAccuracy: 'BinaryAccuracy',
    topKCategoricalAccuracy: 'TopKCategoricalAccuracy',
    precision: 'Precision',
    recall: 'Recall',
    truePositives: 'TruePositives',
    falsePositives: 'FalsePositives',
    trueNegatives: 'TrueNegatives',
    falseNegatives: 'FalseNegatives',
    f1Score: 'F1Score',
    fBetaScore: 'FBetaScore',
    meanIoU: 'MeanIoU',
    auc: 'AUC',
    sensitivityAtSpecificity: 'SensitivityAtSpecificity',
    specificityAtSensitivity: 'SpecificityAtSensitivity',
    precisionAtRecall: 'PrecisionAtRecall',
    recallAtPrecision: 'RecallAtPrecision',
    meanSquaredError: 'MeanSquaredError',
    rootMeanSquaredError: 'RootMeanSquaredError',
    meanAbsoluteError: 'MeanAbsoluteError',
    meanAbsolutePercentageError: 'MeanAbsolutePercentageError',
    meanSquaredLogarithmicError: 'MeanSquaredLogarithmicError',
    cosineSimilarity: 'CosineSimilarity',
    categoricalCrossentropy: 'CategoricalCrossentropy',
    sparseCategoricalCrossentropy: 'SparseCategoricalCrossentropy',
    binaryCrossentropy: 'BinaryCrossentropy',
    rSquared: 'R2Score',
    logCosh: 'LogCoshError',
    poisson: 'Poisson',
    klDivergence: 'KLDivergence',
    hinge: 'Hinge',
    squaredHinge: 'SquaredHinge',
    categoricalHinge: 'CategoricalHinge',
  },
  options: { sparseYPred: 'sparse_y_pred' },
  others: {
    dtype: undefined,
    axis: [-1],
    fn: undefined,
    thresholds: [null],
    multi_label: [false],
    num_labels: [null],
    label_weights: [null],
    from_logits: undefined, // as in the loss
    class_aggregation: ['uniform_average'],
    num_regressors: [0],
    sparse_y_true: undefined, // as the loss takes them
    name: undefined,
  },
  aliases: {
    ...ABBREVIATED,
    sparsetopkcategoricalaccuracy: 'topKCategoricalAccuracy',
    kld: 'klDivergence',
    kullbackleiblerdivergence: 'klDivergence',
  },
};

function toKeras(place: string, table: Table, { name, ...options }: JsonObject): KerasObject {
  const className = Object.hasOwn(table.classes, name as string) ? table.classes[name as string] : undefined;
  if (!className) throw new TypeError(`Expected ${place} to be one that Keras has, got '${name}'`);
  const config = Object.entries(options)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => [Object.hasOwn(table.options, key) ? table.options[key] : snake(key), value]);
  return { module: table.module, class_name: className, config: Object.fromEntries(config), registered_name: null };
}

/** A function, in a class that takes the mean of what it gives. */
function unwrapped(given: unknown): unknown {
  if (!isPlain(given) || !/^(MeanMetric|LossFunction)Wrapper$/.test(String(given.class_name))) return given;
  const { fn, ...config } = isPlain(given.config) ? given.config : { fn: undefined };
  const name = isPlain(fn) ? (fn.config ?? fn.class_name) : fn;
  return { class_name: name, config };
}

function fromKeras(place: string, table: Table, given: unknown): { name: string; options: Record<string, unknown> } {
  const { name, config } = readObject(place, unwrapped(given));
  const known = plain(name.replace(/^.*>/, '')); // 'Custom>Adam'
  const own =
    Object.keys(table.classes).find((key) => plain(key) === known || plain(table.classes[key]) === known) ??
    (table.aliases && Object.hasOwn(table.aliases, known) ? table.aliases[known] : undefined);
  if (own === undefined) throw wrongValue(place, 'one that there is here', name);
  const options: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(config)) {
    if (Object.hasOwn(table.others, key)) {
      const harmless = table.others[key];
      if (harmless && !harmless.includes(value)) throw wrongValue(`the ${key} of ${place}`, `${harmless[0]}`, value);
    } else if (value !== null) {
      options[Object.keys(table.options).find((option) => table.options[option] === key) ?? camel(key)] = value;
    }
  }
  return { name: own, options };
}

/** Keras' optimizer for the config of ours. @throws TypeError for what Keras does not have */
export function kerasOptimizer(config: JsonObject): KerasObject {
  const { learningRate, excludeFromWeightDecay, ...rest } = config;
  if (rest.epsilonHat === false)
    throw new TypeError('Expected the optimizer to add epsilon where Keras does (epsilonHat: true), got false');
  if (excludeFromWeightDecay && rest.weightDecay)
    throw new TypeError(
      "Expected the optimizer to have no excludeFromWeightDecay, for which Keras' files have no place (it is a call there)",
    );
  const rate = isPlain(learningRate) ? kerasSchedule(learningRate) : learningRate;
  // Keras wants 0.0, which JSON has not
  const { momentum, ...others } = rest;
  return toKeras('the optimizer', OPTIMIZERS, {
    ...others,
    ...(momentum ? { momentum } : {}),
    learningRate: rate,
  });
}

function kerasSchedule(config: JsonObject): KerasObject {
  const place = 'the learning rate';
  return config.name === 'stepDecay'
    ? toKeras(place, SCHEDULES, { ...config, name: 'exponentialDecay', staircase: true })
    : toKeras(place, SCHEDULES, config);
}

export function ourOptimizer(given: unknown): JsonObject & { readonly name: string } {
  const { name, options: read } = fromKeras('the optimizer', OPTIMIZERS, given);
  // the first versions of Keras called it lr
  const { decay = 0, lr, ...others } = read;
  const options: Record<string, unknown> = { ...(lr !== undefined && { learningRate: lr }), ...others };
  const { learningRate, weightDecay } = options;
  if (decay !== 0) {
    // that of Nadam is of its momentum
    if (name === 'nadam' || typeof learningRate !== 'number')
      throw wrongValue('the decay of the optimizer', '0', decay);
    options.learningRate = {
      name: 'inverseTimeDecay',
      initialLearningRate: learningRate,
      decaySteps: 1,
      decayRate: decay,
    };
  }
  if (isPlain(learningRate)) {
    const schedule = fromKeras('the learning rate', SCHEDULES, learningRate);
    options.learningRate = { name: schedule.name, ...schedule.options };
  }
  // TensorFlow.js and Keras 2 write what is not used
  if (weightDecay === 0 && name !== 'adamW') delete options.weightDecay;
  if (name === 'adamW' && weightDecay === undefined && isPlain(given)) options.weightDecay = 0;
  if (options.useEma !== true)
    for (const key of ['useEma', 'emaMomentum', 'emaOverwriteFrequency']) delete options[key];
  if (name === 'nadam' || name === 'adamax') delete options.amsgrad;
  return { name, ...options };
}

/** Keras' loss for the config of ours. @throws TypeError for what Keras does not have */
export function kerasLoss(config: JsonObject): KerasObject {
  const { name, alpha, ...options } = config;
  const balanced = name === 'binaryFocalCrossentropy' && alpha !== undefined ? { applyClassBalancing: true } : {};
  return toKeras('the loss', LOSSES, { name, ...options, ...(alpha !== undefined && { alpha }), ...balanced });
}

export function ourLoss(given: unknown): JsonObject {
  const { name, options } = fromKeras('the loss', LOSSES, given);
  const { fromLogits, labelSmoothing, applyClassBalancing, alpha, ...rest } = options;
  const takesLogits = /^(sparseC|c|b)\w*Crossentropy$/.test(name);
  if (fromLogits && !takesLogits) throw wrongValue('the from_logits of the loss', 'false', fromLogits);
  const smooth = takesLogits && name !== 'sparseCategoricalCrossentropy';
  if (labelSmoothing && !smooth) throw wrongValue('the label_smoothing of the loss', '0', labelSmoothing);
  return {
    name,
    ...rest,
    ...(takesLogits && { fromLogits: fromLogits ?? false }),
    ...(labelSmoothing ? { labelSmoothing } : {}),
    ...(alpha !== undefined && (name !== 'binaryFocalCrossentropy' || applyClassBalancing === true) && { alpha }),
  };
}

/** What Keras resolves by targets and outputs, we by these and the loss. */
const PLAIN = ['accuracy', 'acc'];
const SHORT = ['mse', 'mae', 'mape', 'msle'];

const isFScore = (name: unknown) => name === 'f1Score' || name === 'fBetaScore';

/** Keras' metric for the config of ours. @throws TypeError for what Keras does not have */
export function kerasMetric(config: JsonObject): string | KerasObject {
  const { as, ...rest } = config;
  const isPlainName = Object.keys(rest).length === 1;
  if (rest.name === 'accuracy' && PLAIN.includes(as as string)) return as as string;
  if (rest.name === 'accuracy')
    throw new TypeError(`Expected the metric accuracy to be called so for Keras, got '${as}'`);
  if (isPlainName && SHORT.includes(as as string)) return as as string;
  const { threshold, ...options } = rest as JsonObject & { threshold?: unknown };
  const isList = /^(precision|recall|\w+(Positives|Negatives))$/.test(rest.name as string);
  const metric = toKeras('a metric', METRICS, {
    ...(isFScore(rest.name) && { average: 'macro' }), // not Keras' default
    ...options,
    ...(threshold !== undefined && (isList ? { thresholds: threshold } : { threshold })),
  });
  return { ...metric, config: { ...metric.config, name: as } };
}

/** Whether a metric of Keras is the share of right classes, by name, as a function or a class. */
export function isCategorical(given: unknown): boolean {
  const { name } = readObject('a metric', unwrapped(given));
  return /^(Sparse)?CategoricalAccuracy$|^(sparse_)?categorical_accuracy$/.test(name);
}

export function ourMetric(given: unknown): JsonObject {
  const { name, config } = readObject('a metric', unwrapped(given));
  const isName = typeof given === 'string';
  if (PLAIN.includes(name) && isName) return { name: 'accuracy', as: name };
  if (isCategorical(given)) return { name: 'accuracy', as: typeof config.name === 'string' ? config.name : name };
  const { thresholds, ...others } = config;
  const read = fromKeras('a metric', METRICS, isName ? given : { class_name: name, config: others });
  if (thresholds !== undefined && thresholds !== null) {
    const list = [thresholds].flat();
    if (list.length !== 1) throw wrongType('the thresholds of a metric', 'one number', thresholds);
    read.options.threshold = list[0];
  }
  if (isFScore(read.name) && read.options.average === undefined)
    throw wrongValue(
      `the average of ${METRICS.classes[read.name]}`,
      "'macro', 'micro' or 'weighted', as a score is one number here",
      null,
    );
  const as = isName ? given : typeof config.name === 'string' ? config.name : name;
  return { name: read.name, as, ...read.options };
}
