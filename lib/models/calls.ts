import { allocate } from '../allocate.js';
import { checkWhole } from '../array/memory.js';
import { type ArrayInput, checkArray, NDArray, type TypedData } from '../array.js';
import type { History, Logs } from '../callbacks/callback.js';
import { checkInteger, checkInterval, checkOptions, wrongShape, wrongType, wrongValue } from '../check.js';
import type { Graph } from '../graph/graph.js';
import { isSampleShape, type Shape, sampleShape } from '../graph/value.js';
import { isNDArray } from '../kind.js';
import type { Buffer, FloatArray, FloatType } from '../tape.js';
import { drive, signalOf, type Training } from '../train.js';
import { type ByPort, copyInputs, inputValues, type Port, type Ports, readInputs } from '../training/data.js';
import { ending, type Feed, ranksFeed, samplesFeed } from '../training/feed.js';
import { type FitModel, type PreparedFit, prepareFit } from '../training/fit.js';
import {
  applyLoop,
  evaluateLoop,
  type FitPlan,
  fitLoop,
  gradientsLoop,
  oneStep,
  predictLoop,
} from '../training/loop.js';
import type { Ranks } from '../training/ranks.js';
import { isSource, orBatches } from '../training/source.js';
import type { Engine } from './engine.js';
import { validationFeed } from './feeds.js';
import type { Network } from './network.js';
import type { BatchOptions, EvaluateOptions, FitOptions, PredictNowOptions, PredictOptions } from './options.js';
import type { Patience } from './serving.js';

/** A network, as calls use it. */
export interface Callee {
  readonly model: FitModel;
  readonly engine: Engine;
  ports(shapes?: readonly Shape[]): Ports;
  graphFor(shapes: readonly Shape[]): Graph;
}

export function* fitting(
  callee: Callee,
  x: ByPort,
  y: ByPort,
  options: FitOptions,
  isSync: boolean,
  ranks?: Ranks,
): Training<History> {
  const plan = prepare(callee, x, y, options, { moves: true });
  const { samples, batchSize, shuffle, network, random, epochs } = plan;
  const order = shuffle ? random : undefined;
  if (ranks) {
    checkStateless(network);
    const call = { ...(!ranks.isShard && { samples: samples.count }), batchSize, shuffle, epochs };
    yield* ranks.checkSame(plan.digest, { ...call, ...judgedCall(options) });
  }
  const given = ranks ? ranksFeed(samples, batchSize, ranks, order) : samplesFeed(samples, batchSize, order);
  const { states } = network;
  const feed: Feed = {
    ...given,
    *each(sweeping) {
      states?.enter(samples.count, batchSize); // not before a batch is computed
      yield* given.each(sweeping);
    },
  };
  const validation = validationFeed(callee, network, plan, isSync, ranks, batchSize);
  callee.model.stopTraining = false;
  return yield* ending([validation], fitLoop({ ...plan, feed, validation, ...(ranks && { ranks }) }));
}

/** What ranks have to be told alike of what they judge after epochs. */
export function judgedCall({ validationData, validationSplit, validationBatchSize, validationFreq }: FitOptions) {
  const kind = isSource(validationData) ? 'a source' : 'arrays';
  return { ...(validationData && { validationData: kind }), validationSplit, validationBatchSize, validationFreq };
}

/** @throws TypeError where layers keep states from batch to batch: a batch of ranks lies in several processes */
export function checkStateless({ states }: Network): void {
  if (states) throw new TypeError('Expected a network without stateful layers with distributed');
}

export function* trainingStep(callee: Callee, x: ByPort, y: ByPort, options: BatchOptions): Training<Logs> {
  const plan = prepare(callee, x, y, options, { moves: true, isBatch: true });
  const { network, samples } = plan;
  network.states?.enter(samples.count, samples.count);
  return yield* oneStep(plan, samples);
}

export function* gradientsOf(callee: Callee, x: ByPort, y: ByPort, options: BatchOptions) {
  const plan = prepare(callee, x, y, options, { moves: true, isBatch: true });
  const { network, samples } = plan;
  network.states?.enter(samples.count, samples.count, false);
  return yield* gradientsLoop(plan, samples);
}

export function* applying({ engine }: Callee, graph: Graph, given: readonly ArrayInput[]): Training<void> {
  const { optimizer } = engine.needCompiled();
  const { recorder, plan } = engine.build(graph);
  const trained = recorder.parameters.filter(({ gradient }) => gradient);
  if (!Array.isArray(given)) throw wrongType('gradients', 'an array of arrays', given);
  if (given.length !== trained.length)
    throw wrongValue('gradients', `${trained.length} arrays, one for each trainable weight`, given.length);
  const gradients = trained.map(({ layer, name, value: { shape } }, i) => {
    const place = `gradients[${i}] (${layer}/${name})`;
    const array = checkArray(place, given[i], { dtype: plan.dtype });
    if (array.shape.join() !== shape.join()) throw wrongShape(place, `of shape [${shape.join(', ')}]`, array.shape);
    return array;
  });
  const { random, progress } = engine;
  yield* applyLoop({ network: engine.enterJudged(graph, true), optimizer, random, progress }, gradients);
}

export function* evaluation(
  callee: Callee,
  x: ByPort,
  y: ByPort,
  options: EvaluateOptions,
  isBatch = false,
): Training<Logs> {
  checkOptions('options', options, ['batchSize', 'sampleWeight', 'signal']);
  const { batchSize, sampleWeight } = options;
  const plan = prepare(callee, x, y, { batchSize, sampleWeight }, { moves: false, isBatch });
  const { network, samples } = plan;
  const rows = isBatch ? samples.count : plan.batchSize;
  network.states?.enter(samples.count, rows);
  return yield* evaluateLoop(network, samplesFeed(samples, rows));
}

/** Beside whatever the network does. */
export async function prediction(callee: Callee, x: ByPort, options: PredictOptions): Promise<NDArray[]> {
  const { arrays, inputs, batchSize } = checked(callee, x, options);
  const patience = patienceOf(options);
  if (callee.ports().isStateful) {
    const data = copyInputs('x', arrays, inputs, callee.model.dtype);
    return drive(callee.engine.inTurn(inOrder(callee, arrays, data, batchSize)), options.signal, 'prediction');
  }
  return callee.engine.server(callee.graphFor(shapesOf(arrays)), inputs).predict(arrays, batchSize, patience);
}

/**
 * Predictions of a stateful network, one call after the other: each begins where the one before ended. Of layers that are all given
 * initial states there is nothing to keep.
 */
function* inOrder(
  { engine, graphFor }: Callee,
  arrays: readonly NDArray[],
  data: ReturnType<typeof copyInputs>,
  batchSize: number,
): Training<NDArray[]> {
  const network = engine.enter(graphFor(shapesOf(arrays)), false);
  const count = arrays[0].shape[0];
  const rows = network.states?.enter(count, batchSize) ?? batchSize;
  return yield* predictLoop(network, data, { first: 0, count }, rows);
}

/** The same at once, of samples where they are. `isBatch`: all of them in one batch */
export function predictNow(callee: Callee, x: ByPort, options: PredictNowOptions, isBatch: boolean): NDArray[] {
  const { network, arrays, inputs, batchSize } = entered(callee, x, options, ['batchSize', 'out']);
  const n = arrays[0].shape[0];
  const rows = isBatch ? n : batchSize;
  return outputsNow(network, arrays, inputs, () => network.states?.enter(n, rows) ?? rows, options.out);
}

/** The network's outputs for arrays that were checked, in `out` where it is given; `enter` gives the rows of a batch. */
export function outputsNow(
  { plan, outputs, predictInto }: Network,
  arrays: readonly NDArray[],
  ports: readonly Port[],
  enter: () => number,
  out?: PredictNowOptions['out'],
): NDArray[] {
  const n = arrays[0].shape[0];
  const into =
    out === undefined ? outputs.map((output) => roomFor(output, n, plan.dtype)) : checkOut(out, outputs, n, plan.dtype);
  const values = inputValues('x', arrays, ports, plan.dtype);
  const all = [...values];
  for (const { data } of into) {
    if (out !== undefined && all.some((other) => overlap(other, data)))
      throw new RangeError('Expected out to lie apart from the samples, got arrays that share memory');
    all.push(data as FloatArray);
  }
  predictInto(enter(), all);
  return into;
}

function roomFor({ shape, size }: Buffer, n: number, dtype: FloatType): NDArray {
  const type = dtype === 'float32' ? Float32Array : Float64Array;
  return NDArray.wrap(allocate<number, FloatArray>(type, n * size), [n, ...shape]);
}

const overlap = (a: TypedData, b: TypedData): boolean =>
  a.buffer === b.buffer && a.byteOffset < b.byteOffset + b.byteLength && b.byteOffset < a.byteOffset + a.byteLength;

/** @throws TypeError or RangeError unless these are arrays for the outputs of n samples */
function checkOut(out: unknown, outputs: readonly { shape: Shape }[], n: number, dtype: FloatType): NDArray[] {
  const given = isNDArray(out) ? [out] : out;
  if (!Array.isArray(given) || given.length !== outputs.length || !given.every(isNDArray))
    throw wrongType('out', outputs.length === 1 ? 'an NDArray' : `a list of ${outputs.length} NDArrays`, out);
  return given.map((array: NDArray, i) => {
    const name = given.length === 1 ? 'out' : `out[${i}]`;
    const { shape } = outputs[i];
    checkWhole(name, array);
    if (array.dtype !== dtype) throw wrongValue(name, `an array of ${dtype}`, array.dtype);
    if (array.shape[0] !== n || !isSampleShape(shape, array.shape))
      throw wrongShape(name, `of shape [${[n, ...shape].join(', ')}]`, array.shape);
    return array;
  });
}

function entered(callee: Callee, x: ByPort, options: PredictNowOptions, allowed: readonly string[]) {
  const { arrays, inputs, batchSize } = checked(callee, x, options, allowed);
  const shapes = shapesOf(arrays);
  const { engine, model } = callee;
  // before the network is built for these samples
  if (options.out !== undefined && !engine.network)
    checkOut(options.out, callee.ports(shapes).outputs, arrays[0].shape[0], model.dtype);
  const network = engine.enter(callee.graphFor(shapes), false);
  return { network, arrays, inputs, batchSize };
}

/** @throws TypeError or RangeError for options and samples that cannot be used */
export function checked(
  { ports }: Pick<Callee, 'ports'>,
  x: ByPort,
  options: Pick<PredictOptions, 'batchSize'>,
  allowed: readonly string[] = ['batchSize', 'signal', 'maxQueueDelay'],
) {
  checkOptions('options', options, allowed);
  const batchSize = checkInteger('batchSize', options.batchSize ?? 32, 1);
  const { inputs } = ports();
  try {
    return { arrays: readInputs('x', x, inputs), inputs, batchSize };
  } catch (error) {
    throw orBatches(error, x, "a network's predict(() => batches) takes a list of batches");
  }
}

/** How long a call waits for its answer, and with others. */
export const patienceOf = (options: PredictOptions): Patience => ({
  signal: signalOf(options),
  maxQueueDelay: checkInterval('maxQueueDelay', options.maxQueueDelay ?? 0, 0, 1e6),
});

const shapesOf = (arrays: readonly NDArray[]) => arrays.map(({ shape }) => sampleShape(shape));

/** How a training is asked to end. */
export const stopping = (model: FitModel): Pick<FitPlan, 'stopRequested' | 'requestStop'> => ({
  stopRequested: () => model.stopTraining,
  requestStop: () => {
    model.stopTraining = true;
  },
});

/** Checks all that a call was given, then enters the network. */
function prepare(
  { model, engine, ports, graphFor }: Callee,
  x: ByPort,
  y: ByPort,
  options: FitOptions,
  { moves, isBatch = false }: { moves: boolean; isBatch?: boolean },
): Omit<FitPlan, 'feed' | 'validation'> & PreparedFit {
  const { optimizer } = engine.needCompiled();
  const arrays = readInputs('x', x, ports().inputs);
  const shapes = shapesOf(arrays);
  const prepared = prepareFit(model, ports(shapes), arrays, y, options, isBatch);
  const network = engine.enterJudged(graphFor(shapes), moves);
  const { samples } = prepared;
  const batchSize = isBatch ? samples.count : prepared.batchSize;
  return {
    ...prepared,
    batchSize: network.states?.check(samples.count, batchSize) ?? prepared.batchSize,
    network,
    optimizer,
    random: engine.random,
    progress: engine.progress,
    ...stopping(model),
  };
}
