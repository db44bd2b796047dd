import type { NDArray } from '../array.js';
import { type Callback, type CallbackModel, type CallbackParams, History } from '../callbacks/callback.js';
import { CallbackList } from '../callbacks/callback-list.js';
import { callbacks as callbackFactories } from '../callbacks/index.js';
import { checkBoolean, checkInteger, checkInterval, checkOptions, wrongType, wrongValue } from '../check.js';
import { balanced, type ClassWeight } from '../class-weight.js';
import { isAbortSignal, property } from '../kind.js';
import type { FitOptions, FitSourceOptions } from '../models/options.js';
import type { FloatType } from '../tape.js';
import { warn } from '../warn.js';
import { type ByPort, copyInputs, type Ports, readInputs, readSampleWeights, readTargets, weightsOf } from './data.js';
import type { Samples } from './loop.js';
import { type DistributedOptions, digestOfSamples } from './ranks.js';
import { checkEnds, isEndless, isSource, knownLabels, orBatches, type Source } from './source.js';
import { checkLogNames, logNames } from './totals.js';

/** What trainings on arrays and on sources have in common. */
const COMMON = [
  'epochs',
  'validationData',
  'validationBatchSize',
  'validationFreq',
  'classWeight',
  'callbacks',
  'verbose',
  'initialEpoch',
  'signal',
  'distributed',
  'shard',
  'overlap',
] as const;

/** Options of arrays, and what a source has in their place. */
const OF_ARRAYS = {
  batchSize: 'the source decides how many samples a batch has',
  validationSplit: 'it has no last samples that could be set aside; give validationData',
  shuffle: 'it decides the order itself, as shuffle(bufferSize) of a data.Dataset does',
  sampleWeight: 'its batches have their own, [x, y, sampleWeight]',
} as const;

/** The names of all options of `fit` and of `evaluate`. */
export const FIT_OPTIONS: readonly string[] = [...COMMON, ...Object.keys(OF_ARRAYS), 'batchesPerEpoch'];
export const EVALUATE_OPTIONS: readonly string[] = ['batchSize', 'sampleWeight', 'signal'];

/** What `fit` needs of the network beside its ports. */
export interface FitModel extends CallbackModel {
  readonly dtype: FloatType;
}

/** What is there to train on, and to validate on. */
export interface PreparedFit extends Judged {
  readonly samples: Samples;
  readonly batchSize: number;
  readonly shuffle: boolean;
}

interface Judged {
  /** Tells the samples of ranks apart that are arrays, which are to be the same. */
  readonly digest?: number;
  readonly validation?: Samples | Source<unknown>;
  readonly validationBatchSize: number;
  /** Whether there is a validation after this epoch. */
  readonly validatesAfter: (epoch: number) => boolean;
  readonly epochs: number;
  readonly callbacks: CallbackList;
  readonly history: History;
}

/** Checks everything a `fit` of arrays is given, then copies the data. `isBatch`: for one step. */
export function prepareFit(
  model: FitModel,
  ports: Ports,
  x: readonly NDArray[],
  y: ByPort,
  options: FitOptions,
  isBatch = false,
): PreparedFit {
  checkOptions('options', options, [...COMMON, ...Object.keys(OF_ARRAYS)]);
  const n = x[0].shape[0];
  const batchSize = checkInteger('batchSize', options.batchSize ?? 32, 1);
  const validationBatchSize = checkInteger('validationBatchSize', options.validationBatchSize ?? batchSize, 1);
  const common = readCommon(options);
  const { size = 1 } = options.distributed ?? {};
  const whole = options.shard ? batchSize : batchSize * size;
  const shuffle = checkBoolean('shuffle', options.shuffle ?? !ports.isStateful);
  const targets = readTargets('y', y, n, ports);
  const split = checkInterval('validationSplit', options.validationSplit ?? 0, 0, 1, 'high');
  const count = Math.floor(n * (1 - split));
  if (split > 0 && options.validationData)
    throw new TypeError('Expected one of validationSplit and validationData, got both');
  if (split > 0 && (count === 0 || count === n))
    throw new RangeError(
      `Expected validationSplit to leave samples to train and to validate on, got ${split} of ${n} samples`,
    );
  if (options.shard && options.classWeight === 'balanced')
    throw wrongValue('classWeight', 'weights by class with shard, as ranks have other shares of them', 'balanced');
  const weights = weightsOf(targets, ports, n, count, options, isBatch);
  if (weights && !weights.some(({ data, size }) => data.subarray(0, (count * size) / n).some((weight) => weight > 0)))
    warn('FJORDNET_WEIGHTS', 'All samples have the weight 0: their loss is 0, and nothing is learnt from them');
  const validation = readValidation(options.validationData, ports);
  if (validation || split > 0) checkValidationNames(model, ports);

  const samples: Samples = { ...copy('', ports, x, targets, weights, model.dtype), first: 0, count };
  const own = options.sampleWeight === undefined ? undefined : samples.weights;
  const rest = { x: samples.x, y: samples.y, ...(own && { weights: own }), first: count, count: n - count };
  const judged = validation ? copied(validation, ports, model.dtype) : split > 0 ? rest : undefined;
  return {
    samples,
    ...(judged && { validation: judged }),
    ...{ batchSize, validationBatchSize, shuffle, epochs: common.epochs, validatesAfter: common.validatesAfter },
    ...(size > 1 && { digest: digestOfSamples([...x, ...targets, ...(weights ?? []), ...arraysOf(validation)]) }),
    ...callbacksOf(model, common, { steps: Math.ceil(count / whole), samples: count, batchSize: whole }, options),
  };
}

/** Refuses what a `fit` of a source cannot be given, before its first batch is asked for. */
export function checkSourceOptions(source: Source<unknown>, options: FitSourceOptions): { initialEpoch: number } {
  checkOptions('options', options, FIT_OPTIONS);
  const { batchesPerEpoch, classWeight, validationBatchSize } = options as FitOptions & FitSourceOptions;
  for (const [name, why] of Object.entries(OF_ARRAYS))
    if ((options as FitOptions)[name as keyof FitOptions] !== undefined)
      throw new TypeError(`Expected no ${name} with a source: ${why}`);
  if (batchesPerEpoch !== undefined) checkInteger('batchesPerEpoch', batchesPerEpoch, 1);
  else if (isEndless(source))
    throw new RangeError('Expected batchesPerEpoch with a dataset of repeat(), which has no end, got undefined');
  if (classWeight === 'balanced' && !labelsOf(source))
    throw wrongValue(
      'classWeight',
      'weights by class for a source whose labels are not known before they are read, as those of data.imageFolder are',
      classWeight,
    );
  if (validationBatchSize !== undefined) checkInteger('validationBatchSize', validationBatchSize, 1);
  return readCommon(options);
}

/** The weights of classes for the batches of a source, one by one. */
export function sourceWeights(source: Source<unknown>, { classWeight }: FitSourceOptions): ClassWeight | undefined {
  return classWeight === 'balanced' ? balanced(labelsOf(source) as Int32Array) : classWeight;
}

const labelsOf = (source: Source<unknown>) => property(source, knownLabels) as Int32Array | undefined;

/** The same once the network is known from the first batch. */
export function prepareSource(model: FitModel, ports: Ports, options: FitSourceOptions): Judged {
  const common = readCommon(options, true);
  const validation = readValidation(options.validationData, ports);
  if (validation) checkValidationNames(model, ports);
  const { batchesPerEpoch: steps } = options;
  return {
    ...(validation && { validation: copied(validation, ports, model.dtype) }),
    ...(options.distributed && { digest: digestOfSamples(arraysOf(validation)) }),
    validationBatchSize: options.validationBatchSize ?? 32,
    ...{ epochs: common.epochs, validatesAfter: common.validatesAfter },
    ...callbacksOf(model, common, steps === undefined ? {} : { steps }, options),
  };
}

function readCommon(options: Omit<FitSourceOptions, 'classWeight'>, isKnown = false) {
  checkEnds('validationData', options.validationData);
  const epochs = checkInteger('epochs', options.epochs ?? 1, 0);
  const initialEpoch = checkInteger('initialEpoch', options.initialEpoch ?? 0, 0);
  if (initialEpoch > epochs && !isKnown)
    warn(
      'FJORDNET_EPOCHS',
      `initialEpoch ${initialEpoch} is beyond epochs ${epochs}, the number of the epoch before which training ends: nothing is trained`,
    );
  const verbose = options.verbose ?? 0;
  if (verbose !== 0 && verbose !== 1 && verbose !== 2) throw wrongValue('verbose', '0, 1 or 2', verbose);
  if (options.signal !== undefined && !isAbortSignal(options.signal))
    throw wrongType('signal', 'an AbortSignal', options.signal);
  const validatesAfter = readFrequency(options.validationFreq);
  const list: Callback[] = options.callbacks === undefined ? [] : [options.callbacks].flat();
  if (verbose > 0) list.push(callbackFactories.progressBar({ verbose }));
  return { epochs, initialEpoch, verbose, list, validatesAfter };
}

/** Epochs are counted from 1 here, as in Keras. */
function readFrequency(given: FitOptions['validationFreq'] = 1): (epoch: number) => boolean {
  if (typeof given === 'number') {
    const every = checkInteger('validationFreq', given, 1);
    return (epoch) => (epoch + 1) % every === 0;
  }
  if (!Array.isArray(given))
    throw wrongType('validationFreq', 'a positive integer, or an array of epochs from 1 on', given);
  const epochs = new Set(Array.from(given, (epoch, i) => checkInteger(`validationFreq[${i}]`, epoch, 1)));
  return (epoch) => epochs.has(epoch + 1);
}

function callbacksOf(
  model: FitModel,
  { list, validatesAfter: _, ...common }: ReturnType<typeof readCommon>,
  extent: Pick<CallbackParams, 'steps' | 'samples' | 'batchSize'>,
  { distributed }: DistributedOptions,
): Pick<Judged, 'callbacks' | 'history'> {
  const history = new History();
  const metrics = model.metrics.map((metric) => metric.name);
  const params = { ...common, ...extent, metrics, ...(distributed && { rank: distributed.rank }) };
  return { callbacks: new CallbackList([...list, history], model, params), history };
}

type ValidationArrays = readonly [NDArray[], NDArray[], NDArray[] | undefined];

const arraysOf = (validation: ValidationArrays | Source<unknown> | undefined): NDArray[] =>
  validation === undefined || isSource(validation) ? [] : (validation as ValidationArrays).flatMap((own) => own ?? []);

function readValidation(
  data: FitOptions['validationData'],
  ports: Ports,
): ValidationArrays | Source<unknown> | undefined {
  if (data === undefined || data === null) return undefined;
  if (isSource(data)) return data;
  const given: readonly unknown[] = data;
  if (!Array.isArray(given) || given.length < 2 || given.length > 3)
    throw wrongType(
      'validationData',
      '[x, y] or [x, y, sampleWeight], or a source of such batches (a list of them from a function: () => batches)',
      data,
    );
  try {
    const x = readInputs('validationData[0]', data[0], ports.inputs);
    const n = x[0].shape[0];
    const y = readTargets('validationData[1]', data[1], n, ports);
    return [x, y, data[2] == null ? undefined : readSampleWeights('validationData[2]', data[2], n, ports)];
  } catch (error) {
    throw orBatches(error, data, 'a list of batches is given as () => batches');
  }
}

function checkValidationNames(model: FitModel, { outputs }: Ports): void {
  const names = logNames(outputs, model.metrics);
  checkLogNames([...names, ...names.map((name) => `val_${name}`)]);
}

function copied(data: ValidationArrays | Source<unknown>, ports: Ports, dtype: FloatType): Samples | Source<unknown> {
  if (isSource(data)) return data;
  const [x, y, weights] = data as ValidationArrays;
  return { ...copy('validation ', ports, x, y, weights, dtype), first: 0, count: x[0].shape[0] };
}

function copy(
  prefix: string,
  { inputs, outputs }: Ports,
  x: readonly NDArray[],
  y: readonly NDArray[],
  weights: readonly NDArray[] | undefined,
  dtype: FloatType,
): Pick<Samples, 'x' | 'y' | 'weights'> {
  const judged = outputs.filter(({ loss }) => loss);
  return {
    x: copyInputs(`${prefix}x`, x, inputs, dtype),
    y: copyInputs(`${prefix}y`, y, judged, dtype),
    ...(weights && { weights: copyInputs(`${prefix}sampleWeight`, weights, judged, dtype) }),
  };
}
