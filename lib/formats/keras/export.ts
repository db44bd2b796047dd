import type { NDArray } from '../../array.js';
import type { Value } from '../../graph/value.js';
import { allLayers, weightName, weightsOfGraph } from '../../graph/weights.js';
import type { JsonObject } from '../../io/model-file.js';
import { formatZip } from '../../io/write-zip.js';
import { isInputLayer } from '../../kind.js';
import { nameOf } from '../../layers/layer.js';
import type { Metric } from '../../metrics.js';
import { foldScales } from '../../models/attention-scale.js';
import { metricsOf } from '../../models/compile.js';
import type { Compiled } from '../../models/network.js';
import type { Exported, Format } from '../export.js';
import { type DatasetOut, formatHdf5, type GroupOut } from '../hdf5/write.js';
import { kerasLoss, kerasMetric, kerasOptimizer } from './config-training.js';
import { type WrittenModel, writeModel } from './model-out.js';
import { productOf, variablesOf } from './optimizer-state.js';
import { layersGroup, modelWeights, variables } from './weights-out.js';

/** The version whose files these are like. */
const VERSION = '3.15.0';

function written(network: Exported, hasOperations: boolean): { model: WrittenModel; numbers: Map<Value, NDArray> } {
  const { model, graph, weights } = network;
  const seen = new Set<object>();
  for (const layer of allLayers(graph.layers)) {
    if (isInputLayer(layer)) continue;
    if (seen.has(layer))
      throw new TypeError(
        `Expected each layer to be part of one network, as Keras' files write those within others on their own, got ${nameOf(layer)} in two`,
      );
    seen.add(layer);
    if (layer.stateful)
      throw new TypeError(
        `Expected no stateful layer, as Keras has to know the size of its batches, got ${nameOf(layer)}: save() holds it`,
      );
  }
  const numbers = new Map<Value, NDArray>(weightsOfGraph(graph).map(({ weight }, i) => [weight, weights[i]]));
  foldScales(numbers, model, 'keras', 'to');
  return { model: writeModel(model, model.name, { dtype: model.dtype, hasOperations }), numbers };
}

/** 'weighted_accuracy' is 'accuracy' by weights, and called so again. */
const bare = (config: Metric['config'], isWeighted: boolean) =>
  isWeighted ? { ...config, as: config.as.replace(/^weighted_/, '') } : config;

/** How it is trained, as Keras says it. */
function compileConfig({ optimizer, outputs }: Compiled) {
  const isOne = outputs.length === 1;
  const losses = outputs.map(({ loss }) => (loss ? kerasLoss(loss.config) : null));
  const metrics = (isWeighted: boolean) =>
    outputs.map((output) => metricsOf(output, isWeighted).map(({ config }) => kerasMetric(bare(config, isWeighted))));
  const [plain, weighted] = [metrics(false), metrics(true)];
  const factors = outputs.map(({ lossWeight }) => lossWeight);
  return {
    optimizer: kerasOptimizer(optimizer.config),
    loss: isOne ? losses[0] : losses,
    loss_weights: factors.some((factor) => factor !== 1) ? factors : null,
    metrics: isOne ? plain[0] : plain,
    weighted_metrics: weighted.flat().length === 0 ? null : isOne ? weighted[0] : weighted,
    run_eagerly: false,
    steps_per_execution: 1,
    jit_compile: false,
  };
}

/** The optimizer's variables, in Keras' order. */
function optimizerVariables({ model, graph, training }: Exported): readonly DatasetOut[] {
  if (!training) return [];
  const { compiled, state, iterations } = training;
  const { config } = compiled.optimizer;
  const memory = new Map(state);
  const trained = weightsOfGraph(graph, compiled.frozen).filter(({ weight, trainable }) => weight.trained && trainable);
  const variables = variablesOf(config, trained.length);
  const nameOf = ({ weight: at, own }: { weight: number; own: string }) =>
    `${weightName(trained[at].layer, trained[at].weight)}/${own}`;
  // of a network that was compiled, and computed nothing since
  if (!variables.every((variable) => variable.kind !== 'state' || memory.has(nameOf(variable)))) return [];
  return variables.map((variable) => {
    switch (variable.kind) {
      case 'iteration':
        return { shape: [], data: BigInt64Array.of(BigInt(iterations)) };
      case 'learning_rate':
        return { shape: [], data: Float32Array.of(config.learningRate as number) };
      case 'product':
        return { shape: [], data: floats(model.dtype, [productOf(config.beta1 as number, iterations)]) };
      default: {
        const { shape, data } = memory.get(nameOf(variable)) as NDArray;
        const { plus } = variable;
        return {
          shape,
          data:
            plus === 0
              ? data
              : floats(
                  model.dtype,
                  Array.from(data, (x) => x + plus),
                ),
        };
      }
    }
  });
}

const floats = (dtype: 'float32' | 'float64', values: readonly number[]) =>
  dtype === 'float64' ? Float64Array.from(values) : Float32Array.from(values);

const json = (value: unknown) => [Buffer.from(stringified(value))];
/** The beta of a score has a point, or Keras refuses it. */
const stringified = (value: unknown) => JSON.stringify(value).replace(/"beta":(\d+)(?=[,}])/g, '"beta":$1.0');

/** Keras 3 (https://keras.io): a ZIP file of the config and the weights, which are HDF5. */
export const keras: Format = {
  extension: '.keras',
  options: [],
  parts(network) {
    const { model, numbers } = written(network, true);
    const compiled = network.training?.compiled;
    const config = { ...model.object, ...(compiled && { compile_config: compileConfig(compiled) }) };
    const members = new Map<string, GroupOut>([
      ['layers', layersGroup(model.layers, numbers)],
      ['vars', variables([], network.model.name)],
    ]);
    const state = optimizerVariables(network);
    if (compiled && state.length > 0) {
      members.set('optimizer', { members: new Map([['vars', variables(state, compiled.optimizer.config.name)]]) });
    }
    return formatZip([
      ['metadata.json', json({ keras_version: VERSION, date_saved: '1980-01-01@00:00:00' })],
      ['config.json', json(config)],
      ['model.weights.h5', formatHdf5({ members })],
    ]);
  },
};

/** A config as files of HDF5 have it: layers and networks without the modules that Keras 3 finds them by. */
function legacy(object: JsonObject): JsonObject {
  const { module: _, registered_name: __, ...rest } = object;
  const config = { ...(rest.config as JsonObject) };
  if (Array.isArray(config.layers)) config.layers = config.layers.map(legacy);
  return { ...rest, config };
}

/**
 * The files of HDF5 that Keras 2 wrote, and Keras 3 still does. Without the optimizer's memory: Keras 3.15 writes it and cannot train
 * a network on that it read with one, as it then builds the optimizer for none of the weights (test/fixtures/keras-h5.py).
 */
export const h5: Format = {
  extension: '.h5',
  options: [],
  parts(network) {
    const { model, numbers } = written(network, false);
    const { class_name, config } = legacy(model.object as unknown as JsonObject);
    const entries = config as { layers: readonly { class_name: string; config: { name: string } }[] };
    const inputs = entries.layers
      .filter((entry) => entry.class_name === 'InputLayer')
      .map((entry) => entry.config.name);
    const isFunctional = class_name === 'Functional';
    const members = new Map<string, GroupOut>([
      ['model_weights', modelWeights(model.layers, isFunctional ? inputs : [], numbers, VERSION)],
    ]);
    const compiled = network.training?.compiled;
    const { optimizer, ...rest } = compiled ? compileConfig(compiled) : { optimizer: undefined };
    return formatHdf5({
      attributes: {
        backend: 'tensorflow',
        keras_version: VERSION,
        model_config: JSON.stringify({ class_name, config }),
        ...(optimizer && {
          training_config: stringified({ ...rest, optimizer_config: legacy(optimizer as never) }),
        }),
      },
      members,
    });
  },
};
