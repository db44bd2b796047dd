// How a network is trained, in files of TensorFlow.js: `trainingConfig`, and the optimizer's memory among the weights.
import { NDArray } from '../../array.js';
import { wrongValue } from '../../check.js';
import { sizeOf } from '../../graph/value.js';
import { allLayers, weightsOfGraph } from '../../graph/weights.js';
import type { JsonObject } from '../../io/model-file.js';
import { isPlain } from '../../kind.js';
import type { Layer } from '../../layers/layer.js';
import type { Loss } from '../../losses.js';
import { isMade } from '../../made.js';
import type { Model } from '../../models/model.js';
import type { Compiled } from '../../models/network.js';
import type { FloatType } from '../../tape.js';
import { warn } from '../../warn.js';
import type { Exported } from '../export.js';
import { snake } from '../keras/config-parts.js';
import { ourMetric } from '../keras/config-training.js';
import { checkUnscaled, hardSigmoids } from '../keras/hard-sigmoid.js';
import { type ReadTraining, readTraining, trainedIn } from '../keras/training-in.js';
import type { Trained } from '../made.js';
import { kerasOptimizerOf, Lacking, lacks, type TfjsOptimizer, tfjsOptimizer } from './optimizers.js';
import type { Entry } from './read-weights.js';
import type { NamedWeight } from './weights.js';

/** Losses that both have, by what TensorFlow.js calls those that it calls otherwise. */
const LOSSES: Readonly<Record<string, string | true>> = {
  meanSquaredError: true,
  meanAbsoluteError: true,
  meanAbsolutePercentageError: true,
  meanSquaredLogarithmicError: true,
  hinge: true,
  squaredHinge: true,
  categoricalHinge: true,
  categoricalCrossentropy: true,
  sparseCategoricalCrossentropy: true,
  binaryCrossentropy: true,
  poisson: true,
  logCosh: 'logcosh',
  klDivergence: 'kullback_leibler_divergence',
  cosineSimilarity: 'cosine_proximity',
};

/** Metrics that both have: the means over samples, which a batch has, too. */
const METRICS: Readonly<Record<string, string>> = {
  accuracy: 'accuracy',
  binaryAccuracy: 'binary_accuracy',
  meanSquaredError: 'mse',
  meanAbsoluteError: 'mae',
  meanAbsolutePercentageError: 'mape',
  categoricalCrossentropy: 'categorical_crossentropy',
  sparseCategoricalCrossentropy: 'sparse_categorical_crossentropy',
};

export const ACTIVITY = 'penalties on what layers give (activityRegularizer)';

/** How training goes on in TensorFlow.js. */
export interface TrainingOut {
  /** Absent: it does not. */
  readonly config?: JsonObject;
  /** Why it does not. */
  readonly lacking?: string;
  readonly memory: readonly {
    readonly name: string;
    readonly shape: readonly number[];
    readonly data: Float32Array | Int32Array;
  }[];
  /** What of it does not, in words. */
  readonly lost: readonly string[];
}

/** @param named its weights there */
export function trainingOut(network: Exported, named: readonly NamedWeight[]): TrainingOut | undefined {
  const { graph, training } = network;
  if (!training) return undefined;
  try {
    return written(graph, training, named);
  } catch (error) {
    if (error instanceof Lacking) return { lacking: error.message, memory: [], lost: [] };
    throw error;
  }
}

/** @throws Lacking */
function written(
  graph: Exported['graph'],
  training: NonNullable<Exported['training']>,
  named: readonly NamedWeight[],
): TrainingOut {
  const { compiled, iterations, state } = training;
  const { outputs } = compiled;
  if (!isMade(compiled.optimizer)) throw lacks("optimizers of one's own");
  const optimizer = tfjsOptimizer(compiled.optimizer.config);
  if (outputs.some(({ lossWeight }) => lossWeight !== 1)) throw lacks('lossWeights');
  if (allLayers(graph.layers).some(({ activityRegularizer }) => activityRegularizer)) throw lacks(ACTIVITY);
  const losses = outputs.map(({ loss }) => tfjsLoss(loss));
  const scaled = named.find(({ layer }) => hardSigmoids(layer));
  if (scaled) throw lacks('hardSigmoid of these weights, which are divided by 1.2');
  const isTrained = trainedOf(graph, compiled.frozen);
  // TensorFlow.js asks the layers themselves, and the file says nothing of networks that are frozen
  const now = trainedOf(graph, new Set(allLayers(graph.layers).filter(({ trainable }) => !trainable)));
  if (isTrained.some((own, i) => own !== now[i]))
    throw lacks('layers that are frozen by what holds them, or were frozen, or no longer are, since compile');
  const { metrics, without } = tfjsMetrics(outputs);
  const values = new Map(state);
  const placed = weightsOfGraph(graph);
  const slots = optimizer.memory.flatMap((slot) =>
    named.flatMap(({ name, shape }, i) => {
      if (!isTrained[i]) return [];
      const { layer, weight } = placed[i];
      const own = values.get(`${layer}/${weight.name}/${slot.own}`);
      return [{ name: `${name}/${slot.theirs}`, shape, data: own && theirs(own.data, slot), isKept: own || !slot.own }];
    }),
  );
  // before the first step TensorFlow.js begins as we do
  const isWhole = iterations > 0 && slots.every(({ isKept }) => isKept) && !optimizer.isNotSaved;
  const memory = slots.map(({ name, shape, data }) => ({
    name,
    shape,
    data: data ?? new Float32Array(sizeOf(shape)),
  }));
  return {
    config: {
      loss: losses.length === 1 ? losses[0] : losses,
      metrics,
      optimizer_config: { class_name: optimizer.className, config: optimizer.config },
    },
    memory: isWhole ? [{ name: 'iter', shape: [], data: Int32Array.of(iterations) }, ...memory] : [],
    lost: [
      ...without.map((name) => `the metric ${name}`),
      ...(!isWhole && iterations > 0
        ? [`the optimizer's memory of ${iterations} ${iterations === 1 ? 'update' : 'updates'}`]
        : []),
      ...(optimizer.isClose ? [`the place of the optimizer's epsilon: TensorFlow.js ${optimizer.isClose}`] : []),
    ],
  };
}

/** Of each weight, whether it is trained. */
const trainedOf = (graph: Exported['graph'], frozen: ReadonlySet<Layer>) =>
  weightsOfGraph(graph, frozen).map(({ weight, trainable }) => weight.trained && trainable);

const theirs = (values: NDArray['data'], { scale, plus }: { scale: number; plus: number }) =>
  Float32Array.from(values as Float64Array, (value) => value * scale + plus);

function tfjsLoss(loss: Loss | undefined): string {
  if (!loss) throw lacks('outputs without a loss');
  if (!isMade(loss)) throw lacks("losses of one's own");
  const { name, ...options } = loss.config;
  const found = Object.hasOwn(LOSSES, name) ? LOSSES[name] : undefined;
  const option = Object.keys(options).find((key) => options[key]);
  if (!found || option) throw lacks(`${option ? `${option} of ` : ''}${name}`);
  return found === true ? snake(name) : found;
}

/** Those of one output, or of each by its name: of several it takes one each. */
function tfjsMetrics(outputs: Compiled['outputs']) {
  const without: string[] = [];
  const lists = outputs.map(({ name: output, metrics }) => {
    const known = metrics.flatMap(({ name, config }) => {
      const { name: own, as: _, ...options } = config;
      const isPlainOne =
        Object.hasOwn(METRICS, own) && Object.values(options).every((value) => !value || value === 0.5);
      if (!isPlainOne) without.push(name);
      return isPlainOne ? [METRICS[own]] : [];
    });
    if (outputs.length > 1) without.push(...known.slice(1));
    return [output, known] as const;
  });
  if (outputs.length === 1) return { metrics: lists[0][1], without };
  const firsts = lists.flatMap(([output, [first]]) => (first ? [[output, first] as const] : []));
  return { metrics: Object.fromEntries(firsts), without };
}

/** What a file says of its training, @throws TypeError or RangeError for what there is not here */
export function trainingIn(given: unknown, model: Model, source: string): ReadTraining | undefined {
  if (!isPlain(given)) return undefined;
  checkUnscaled(trainedIn(model).layers);
  const { loss, metrics, optimizer_config } = given;
  let unknown: unknown;
  const isKnown = (metric: unknown) => {
    try {
      ourMetric(metric);
      return true;
    } catch (error) {
      unknown ??= error;
      return false;
    }
  };
  const known = (list: unknown): unknown[] => [list ?? []].flat().filter(isKnown);
  const training = readTraining(
    {
      loss: renamed(loss),
      metrics: isPlain(metrics)
        ? Object.fromEntries(Object.entries(metrics).map(([name, own]) => [name, known(own)]))
        : model.outputNames.map(() => known(metrics)),
      optimizer_config: kerasOptimizerOf(optimizer_config),
    },
    model,
    { source },
  );
  if (unknown)
    warn('FJORDNET_IMPORT', `A metric of ${source} is left out, as there is none here: ${(unknown as Error).message}`);
  return training;
}

/** Keras has dropped the name. */
function renamed(loss: unknown): unknown {
  if (Array.isArray(loss)) return loss.map(renamed);
  if (isPlain(loss)) return Object.fromEntries(Object.entries(loss).map(([name, own]) => [name, renamed(own)]));
  return loss === 'cosine_proximity' ? 'cosine_similarity' : loss;
}

/**
 * The optimizer's memory in a file. TensorFlow.js finds it by its place: behind the number of steps one list after the other, of the trained
 * weights in their order.
 * @param entries those of the optimizer
 * @param order the names of our weights in the file, each at its place there
 * @throws RangeError for a memory of other weights
 */
export function memoryIn(
  entries: readonly Entry[],
  { training, optimizer }: ReadTraining,
  model: Model,
  order: readonly { readonly name: string; readonly place: number }[],
): Trained {
  const { weights, frozen } = trainedIn(model);
  const all = weightsOfGraph(model.graph as NonNullable<Model['graph']>);
  const sorted = weights
    .map((own) => ({ own, ...order[all.findIndex(({ weight }) => weight === own.weight)] }))
    .sort((a, b) => a.place - b.place);
  const kind: TfjsOptimizer = tfjsOptimizer(optimizer);
  const [steps, ...arrays] = entries;
  if (steps && (steps.name !== 'iter' || steps.array.size !== 1))
    throw wrongValue("the optimizer's first array", "the number of steps, 'iter'", steps.name);
  if (arrays.length > 0 && arrays.length !== kind.memory.length * sorted.length)
    throw wrongValue(
      "the optimizer's memory",
      `${kind.memory.length} arrays of ${sorted.length} weights each`,
      arrays.length,
    );
  const state = kind.memory.flatMap((slot, k) =>
    sorted.flatMap(({ own: { layer, weight }, name }, i) => {
      const entry = arrays[k * sorted.length + i];
      if (entry) checkEntry(entry, name, slot.theirs, sizeOf(weight.shape));
      if (!slot.own) return [];
      const values = entry?.array.data ?? new Float32Array(sizeOf(weight.shape));
      const data = floats(model.dtype, values, (x) => (entry ? (x - slot.plus) / slot.scale : 0));
      return [[`${layer}/${weight.name}/${slot.own}`, NDArray.wrap(data, [...weight.shape])] as const];
    }),
  );
  return {
    training: { iterations: steps?.array.data[0] ?? 0, ...training, ...(frozen.length > 0 && { frozen }) },
    optimizerState: state,
  };
}

/** In one process a second weight of a name gets a number there, 'dense/kernel_1', and its memory, too. */
function checkEntry({ name, array }: Entry, weight: string, slot: string, size: number): void {
  const tail = name.startsWith(weight) ? name.slice(weight.length).replace(/^_\d+/, '') : '';
  if (tail !== `/${slot}` || array.size !== size)
    throw new RangeError(
      `Expected the optimizer's memory to be '${weight}/${slot}' of ${size} numbers, got '${name}' of ${array.size}`,
    );
}

const floats = (dtype: FloatType, values: ArrayLike<number>, of: (x: number) => number) =>
  dtype === 'float32' ? Float32Array.from(values, of) : Float64Array.from(values, of);
