import { NDArray } from '../array.js';
import type { History, Logs } from '../callbacks/callback.js';
import { checkInteger, checkOptions } from '../check.js';
import type { Graph } from '../graph/graph.js';
import type { Shape } from '../graph/value.js';
import { type FloatArray, valuesOf } from '../tape.js';
import { signalOf, type Training } from '../train.js';
import { type ByPort, type FitModel, type Port, type Ports, prepareFit, readInputs } from '../training/data.js';
import { evaluateLoop, type FitPlan, fitLoop, gradientsLoop, oneStep } from '../training/loop.js';
import type { Engine } from './engine.js';
import type { Network } from './network.js';
import type { BatchOptions, EvaluateOptions, FitOptions, PredictOptions } from './options.js';

/** A network, as calls use it. */
export interface Callee {
  readonly model: FitModel;
  readonly engine: Engine;
  ports(shapes?: readonly Shape[]): Ports;
  graphFor(shapes: readonly Shape[]): Graph;
}

export function* fitting(callee: Callee, x: ByPort, y: ByPort, options: FitOptions): Training<History> {
  const plan = prepare(callee, x, y, options, { moves: true });
  callee.model.stopTraining = false;
  return yield* fitLoop(plan);
}

export function* trainingStep(callee: Callee, x: ByPort, y: ByPort, options: BatchOptions): Training<Logs> {
  const plan = prepare(callee, x, y, options, { moves: true, isBatch: true });
  return yield* oneStep(plan, plan.samples);
}

export function* gradientsOf(callee: Callee, x: ByPort, y: ByPort, options: BatchOptions) {
  const plan = prepare(callee, x, y, options, { moves: true, isBatch: true });
  return yield* gradientsLoop(plan, plan.samples);
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
  const plan = prepare(callee, x, y, { batchSize, sampleWeight }, { moves: false });
  return yield* evaluateLoop(plan.network, plan.samples, isBatch ? plan.samples.count : plan.batchSize);
}

/** Beside whatever the network does. */
export async function prediction(callee: Callee, x: ByPort, options: PredictOptions): Promise<NDArray[]> {
  const { arrays, inputs, batchSize } = checked(callee, x, options);
  const signal = signalOf(options);
  return callee.engine.server(callee.graphFor(shapesOf(arrays)), inputs).predict(arrays, batchSize, signal);
}

/** The same at once, of samples where they are. `isBatch`: all of them in one batch */
export function predictNow(callee: Callee, x: ByPort, options: PredictOptions, isBatch: boolean): NDArray[] {
  const { network, arrays, inputs, batchSize } = entered(callee, x, options);
  return outputsNow(network, arrays, inputs, isBatch ? arrays[0].shape[0] : batchSize);
}

/** The network's outputs for arrays that were checked. */
export function outputsNow(
  { plan, inputs: buffers, outputs }: Pick<Network, 'plan' | 'inputs' | 'outputs'>,
  arrays: readonly NDArray[],
  ports: readonly Port[],
  batchSize: number,
): NDArray[] {
  const n = arrays[0].shape[0];
  const result = plan.runSync({
    program: 'predict',
    inputs: arrays.map((array, i) => [buffers[i], valuesOf(array, ports[i].dtype ?? plan.dtype)] as const),
    ...{ outputs, first: 0, count: n, batchSize },
  });
  return (result.outputs as FloatArray[]).map((part, i) => NDArray.wrap(part, [n, ...outputs[i].shape]));
}

function entered(callee: Callee, x: ByPort, options: PredictOptions) {
  const { arrays, ...rest } = checked(callee, x, options);
  return { network: callee.engine.enter(callee.graphFor(shapesOf(arrays)), false), arrays, ...rest };
}

/** @throws TypeError or RangeError for options and samples that cannot be used */
export function checked({ ports }: Pick<Callee, 'ports'>, x: ByPort, options: PredictOptions) {
  checkOptions('options', options, ['batchSize', 'signal']);
  const batchSize = checkInteger('batchSize', options.batchSize ?? 32, 1);
  const { inputs } = ports();
  return { arrays: readInputs('x', x, inputs), inputs, batchSize };
}

const shapesOf = (arrays: readonly NDArray[]) => arrays.map(({ shape }) => shape.slice(1));

/** Checks all that a call was given, then enters the network. */
function prepare(
  { model, engine, ports, graphFor }: Callee,
  x: ByPort,
  y: ByPort,
  options: FitOptions,
  { moves, isBatch = false }: { moves: boolean; isBatch?: boolean },
): FitPlan {
  const { optimizer } = engine.needCompiled();
  const arrays = readInputs('x', x, ports().inputs);
  const shapes = shapesOf(arrays);
  const prepared = prepareFit(model, ports(shapes), arrays, y, options, isBatch);
  return {
    ...prepared,
    network: engine.enter(graphFor(shapes), moves),
    optimizer,
    random: engine.random,
    progress: engine.progress,
    stopRequested: () => model.stopTraining,
  };
}
