import { allocate } from './allocate.js';
import { type ArrayInput, checkArray, NDArray, position } from './array.js';
import { History } from './callbacks/callback.js';
import { CallbackList } from './callbacks/callback-list.js';
import { callbacks as callbackFactories } from './callbacks/index.js';
import { checkBoolean, checkInteger, checkInterval, checkOptions, wrongShape, wrongType, wrongValue } from './check.js';
import { classWeights } from './class-weight.js';
import type { FitPlan, Samples } from './fit.js';
import { isAbortSignal } from './kind.js';
import type { Shape } from './layers/layer.js';
import type { Loss } from './losses.js';
import type { FitOptions, Sequential } from './sequential.js';
import { dataset, type FloatType } from './tape.js';
import { warn } from './warn.js';

const OPTIONS = [
  'batchSize',
  'epochs',
  'validationSplit',
  'validationData',
  'validationBatchSize',
  'shuffle',
  'classWeight',
  'sampleWeight',
  'callbacks',
  'verbose',
  'initialEpoch',
  'signal',
];

type Prepared = Omit<FitPlan, 'network' | 'compiled' | 'random' | 'progress' | 'stopRequested'>;

/** Checks everything a `fit` is given, then copies the data. `checkX` checks the samples of validationData. `isBatch`: for one step. */
export function prepareFit(
  model: Sequential,
  x: NDArray,
  y: ArrayInput,
  outputShape: Shape,
  loss: Loss,
  options: FitOptions,
  checkX: (name: string, x: ArrayInput) => NDArray,
  isBatch = false,
): Prepared {
  checkOptions('options', options, OPTIONS);
  const n = x.shape[0];
  const batchSize = checkInteger('batchSize', options.batchSize ?? 32, 1);
  const validationBatchSize = checkInteger('validationBatchSize', options.validationBatchSize ?? batchSize, 1);
  const epochs = checkInteger('epochs', options.epochs ?? 1, 0);
  const initialEpoch = checkInteger('initialEpoch', options.initialEpoch ?? 0, 0);
  if (initialEpoch > epochs)
    warn(
      'FJORDNET_EPOCHS',
      `initialEpoch ${initialEpoch} is beyond epochs ${epochs}, the number of the epoch before which training ends: nothing is trained`,
    );
  const shuffle = checkBoolean('shuffle', options.shuffle ?? true);
  const verbose = options.verbose ?? 0;
  if (verbose !== 0 && verbose !== 1 && verbose !== 2) throw wrongValue('verbose', '0, 1 or 2', verbose);
  if (options.signal !== undefined && !isAbortSignal(options.signal))
    throw wrongType('signal', 'an AbortSignal', options.signal);
  const targets = checkTargets('y', y, n, loss, outputShape);
  const split = checkInterval('validationSplit', options.validationSplit ?? 0, 0, 1, 'high');
  const count = Math.floor(n * (1 - split));
  if (split > 0 && options.validationData)
    throw new TypeError('Expected one of validationSplit and validationData, got both');
  if (split > 0 && (count === 0 || count === n))
    throw new RangeError(
      `Expected validationSplit to leave samples to train and to validate on, got ${split} of ${n} samples`,
    );
  const weights = weightsOf(targets, outputShape, loss, count, options, isBatch);
  const validation = options.validationData && checkValidation(options.validationData, loss, outputShape, checkX);
  const list = options.callbacks === undefined ? [] : [options.callbacks].flat();
  if (verbose > 0) list.push(callbackFactories.progressBar({ verbose }));

  const { dtype } = model;
  const samples: Samples = { ...copy('', x, targets, weights, dtype), first: 0, count };
  let validationSamples: Samples | undefined;
  if (validation) {
    const [vx, vy, vw] = validation;
    validationSamples = { ...copy('validation ', vx, vy, vw, dtype), first: 0, count: vx.shape[0] };
  } else if (split > 0) {
    const own = options.sampleWeight === undefined ? undefined : samples.weights;
    validationSamples = { x: samples.x, y: samples.y, weights: own, first: count, count: n - count };
  }
  const history = new History();
  const callbacks = new CallbackList([...list, history], model, {
    epochs,
    initialEpoch,
    steps: Math.ceil(count / batchSize),
    samples: count,
    batchSize,
    verbose,
    metrics: model.metrics.map((metric) => metric.name),
  });
  return {
    samples,
    ...(validationSamples ? { validation: validationSamples } : {}),
    batchSize,
    validationBatchSize,
    epochs,
    shuffle,
    callbacks,
    history,
    everyBatch: callbacks.wantsBatches,
  };
}

function checkTargets(name: string, y: ArrayInput, n: number, loss: Loss, outputShape: Shape): NDArray {
  const targets = loss.prepare(name, checkArray(name, y), outputShape);
  if (targets.shape[0] !== n) throw wrongValue(name, `${n} targets, one for each sample of x`, targets.shape[0]);
  return targets;
}

/** Sample weights, for the `count` samples to train on times those of their classes: these are for training alone, as in Keras. */
function weightsOf(
  targets: NDArray,
  outputShape: Shape,
  loss: Loss,
  count: number,
  { sampleWeight, classWeight }: FitOptions,
  isBatch: boolean,
): NDArray | undefined {
  if (sampleWeight === undefined && classWeight === undefined) return undefined;
  const n = targets.shape[0];
  const weights = sampleWeight === undefined ? ones(n) : checkSampleWeight('sampleWeight', sampleWeight, n);
  if (classWeight !== undefined) {
    const factors = classWeights(classWeight, targets, outputShape.at(-1) ?? 1, loss, count, isBatch);
    for (let i = 0; i < count; i++) weights.data[i] *= factors[i];
  }
  if (!weights.data.subarray(0, count).some((weight) => weight > 0))
    warn('FJORDNET_WEIGHTS', 'All samples have the weight 0: their loss is 0, and nothing is learnt from them');
  return weights;
}

const ones = (n: number) => NDArray.wrap(allocate(Float64Array, n).fill(1), [n, 1]);

function checkSampleWeight(name: string, weights: ArrayInput, n: number): NDArray {
  const array = checkArray(name, weights);
  if (array.size !== n || array.shape[0] !== n)
    throw wrongShape(name, `${n} numbers, one for each sample`, array.shape);
  const negative = array.data.findIndex((weight) => weight < 0);
  if (negative >= 0)
    throw new RangeError(
      `Expected ${name} to hold non-negative numbers, got ${array.data[negative]} at ${position(negative, array.shape)}`,
    );
  return NDArray.wrap(allocate(Float64Array, array.data), [n, 1]);
}

function checkValidation(
  data: NonNullable<FitOptions['validationData']>,
  loss: Loss,
  outputShape: Shape,
  checkX: (name: string, x: ArrayInput) => NDArray,
): [NDArray, NDArray, NDArray | undefined] {
  if (!Array.isArray(data) || data.length < 2 || data.length > 3)
    throw wrongType('validationData', '[x, y] or [x, y, sampleWeight]', data);
  const x = checkX('validationData[0]', data[0]);
  const n = x.shape[0];
  const y = checkTargets('validationData[1]', data[1], n, loss, outputShape);
  return [x, y, data[2] == null ? undefined : checkSampleWeight('validationData[2]', data[2], n)];
}

function copy(prefix: string, x: NDArray, y: NDArray, weights: NDArray | undefined, dtype: FloatType) {
  return {
    x: dataset(`${prefix}x`, x, dtype),
    y: dataset(`${prefix}y`, y, dtype),
    ...(weights ? { weights: dataset(`${prefix}sampleWeight`, weights, dtype) } : {}),
  };
}
