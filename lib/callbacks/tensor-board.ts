import { join } from 'node:path';
import { checkBoolean, checkInteger, checkOptions, wrongType } from '../check.js';
import { isCall, topological, type Value } from '../graph/value.js';
import { absolutePath, filePath } from '../io/atomic.js';
import { type Buckets, EventFile, type GraphNode } from '../io/event-file.js';
import { isInputLayer } from '../kind.js';
import type { Layer } from '../layers/layer.js';
import { learningRateAt } from '../schedules.js';
import type { Callback, CallbackModel } from './callback.js';

export interface TensorBoardOptions {
  /** Epochs from one histogram of the weights to the next; 0: none. Default 0 */
  histogramFreq?: number;
  /** Draw the network. Default true */
  writeGraph?: boolean;
  /** 'epoch', or also loss and metrics so far 'batch' by batch, or every so many batches. Default 'epoch' */
  updateFreq?: 'epoch' | 'batch' | number;
}

/**
 * Writes event files for TensorBoard (`tensorboard --logdir logs`), as Keras' callback of this name: loss, metrics and
 * learning rate of every epoch as `epoch_…`, those of the training data under `<dir>/train` and those of the validation
 * data under `<dir>/validation`; histograms of the weights; the graph of the layers.
 *
 * @param dir made if it does not exist; from the current folder when the callback is made. Default 'logs'
 */
export function tensorBoard(dir: string | URL = 'logs', options: TensorBoardOptions = {}): Callback {
  checkOptions('options', options, ['histogramFreq', 'writeGraph', 'updateFreq']);
  const folder = absolutePath(filePath(dir));
  const histogramFreq = checkInteger('histogramFreq', options.histogramFreq ?? 0, 0);
  const writeGraph = checkBoolean('writeGraph', options.writeGraph ?? true);
  const every = checkUpdateFreq(options.updateFreq ?? 'epoch');
  let model: CallbackModel;
  let train: EventFile;
  let validation: EventFile;

  const callback: Callback = {
    firstRankOnly: true,
    setModel(given) {
      model = given;
    },
    onTrainBegin() {
      train = new EventFile(join(folder, 'train'));
      validation = new EventFile(join(folder, 'validation'));
      if (writeGraph) train.graph(nodesOf(model));
    },
    onEpochEnd(epoch, logs) {
      const { learningRate } = model.optimizer;
      const all = { ...logs, learning_rate: learningRateAt(learningRate, model.iterations) };
      for (const [name, value] of Object.entries(all)) {
        if (typeof value !== 'number') continue; // a callback may add what it likes
        if (name.startsWith('val_')) validation.scalar(epoch, `epoch_${name.slice('val_'.length)}`, value);
        else train.scalar(epoch, `epoch_${name}`, value);
      }
      if (histogramFreq > 0 && epoch % histogramFreq === 0) {
        const names = model.weightNames;
        for (const [i, { data }] of model.getWeights().entries()) {
          const buckets = histogram(data);
          if (buckets.length > 0) train.histogram(epoch, `${names[i]}/histogram`, buckets);
        }
      }
    },
  };
  if (every !== undefined)
    callback.onBatchEnd = (_batch, logs) => {
      const step = model.iterations;
      if (step % every !== 0) return;
      for (const [name, value] of Object.entries(logs)) train.scalar(step, `batch_${name}`, value);
    };
  return callback;
}

function checkUpdateFreq(updateFreq: unknown): number | undefined {
  if (updateFreq === 'epoch') return undefined;
  if (updateFreq === 'batch') return 1;
  if (typeof updateFreq !== 'number')
    throw wrongType('updateFreq', "'epoch', 'batch' or a positive integer", updateFreq);
  return checkInteger('updateFreq', updateFreq, 1);
}

const BUCKETS = 30;

/**
 * Buckets of equal width from the least to the largest finite value, as TensorBoard's own summaries have them
 * (tensorboard/plugins/histogram/summary_v2.py); where all values are the same, all are in the last one.
 */
function histogram(data: ArrayLike<number>): Buckets {
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  const counts = new Float64Array(BUCKETS);
  for (let i = 0; i < data.length; i++) {
    if (!Number.isFinite(data[i])) continue;
    if (data[i] < min) min = data[i];
    if (data[i] > max) max = data[i];
  }
  if (min > max) return [];
  const width = (max - min) / BUCKETS;
  for (let i = 0; i < data.length; i++) {
    if (!Number.isFinite(data[i])) continue;
    counts[width > 0 ? Math.min(BUCKETS - 1, Math.floor((data[i] - min) / width)) : BUCKETS - 1]++;
  }
  const edge = (i: number) => (i === BUCKETS ? max : min + i * width);
  return Array.from(counts, (count, i) => [edge(i), edge(i + 1), count] as const);
}

/** One for each application of a layer and each operation between them, named and connected as TensorFlow's graphs are. */
function nodesOf({ name, graph }: CallbackModel): GraphNode[] {
  if (!graph) return [];
  const taken = new Set<string>();
  const places = new Map<Value, string>();
  const nodes: GraphNode[] = [];
  const add = (node: Omit<GraphNode, 'name' | 'shapes'>, wanted: string, outputs: readonly Value[]) => {
    let own = wanted;
    for (let i = 1; taken.has(own); i++) own = `${wanted}_${i}`;
    taken.add(own);
    outputs.forEach((value, i) => {
      places.set(value, i === 0 ? own : `${own}:${i}`);
    });
    const shapes = outputs.map(({ shape, batched }) => (batched ? [-1, ...shape] : shape));
    nodes.push({ ...node, name: own, shapes });
  };
  // that of a Sequential is none of its layers
  const inputName = [...graph.names.values()].includes('input') ? `${name}_input` : 'input';
  for (const from of topological(graph.outputs)) {
    const inputs = from.inputs.flatMap((value) => places.get(value) ?? []);
    if (isCall(from)) {
      const { layer, outputs } = from;
      const op = isInputLayer(layer) ? 'Placeholder' : layer.className;
      add({ op, inputs, attributes: attributesOf(layer) }, graph.names.get(layer) ?? inputName, outputs);
    } else if (inputs.length > 0) add({ op: from.op.name, inputs, attributes: {} }, from.op.name, [from.output]);
  }
  return nodes;
}

const attributesOf = (layer: Layer) =>
  Object.fromEntries(
    Object.entries(layer.getConfig()).map(([key, value]) => [key, JSON.stringify(value) ?? 'undefined']),
  );
