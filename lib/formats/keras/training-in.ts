import type { Graph } from '../../graph/graph.js';
import { allLayers, layerPaths, type PlacedWeight, weightsOfGraph } from '../../graph/weights.js';
import type { JsonObject } from '../../io/model-file.js';
import { isPlain } from '../../kind.js';
import type { Layer } from '../../layers/layer.js';
import { type Loss, lossFrom } from '../../losses.js';
import { type Metric, metricFrom } from '../../metrics.js';
import type { Model } from '../../models/model.js';
import { type Optimizer, optimizerFrom } from '../../optimizers.js';
import { ourLoss, ourMetric, ourOptimizer } from './config-training.js';

/** How a network is trained, as our files say it. */
export interface ReadTraining {
  readonly optimizer: Optimizer['config'];
  readonly training: JsonObject;
}

/** @throws TypeError or RangeError naming what there is not here */
export function readTraining(given: unknown, { outputNames: names }: Model): ReadTraining | undefined {
  if (!isPlain(given) || !given.loss) return undefined;
  const optimizer = optimizerFrom(
    ourOptimizer(given.optimizer ?? given.optimizer_config) as Optimizer['config'],
  ).config;
  const losses = perOutput(given.loss, names, true).map((loss) =>
    loss === null || loss === undefined ? null : lossFrom(ourLoss(loss) as Loss['config']),
  );
  const metrics = metricsPerOutput(given.metrics, names).map((own, i) =>
    own.map((metric) => metricFrom(ourMetric(metric) as Metric['config'], losses[i] as Loss).config),
  );
  const factors = perOutput(given.loss_weights ?? 1, names, true).map((factor) => factor ?? 1);
  const isOne = names.length === 1;
  const configs = losses.map((loss) => loss?.config ?? null);
  const training = {
    optimizer,
    loss: isOne ? configs[0] : configs,
    metrics: isOne ? metrics[0] : metrics,
    ...(factors.some((factor) => factor !== 1) && { lossWeights: factors }),
  };
  return { optimizer, training };
}

/** What of a network that was read is trained: its layers, the weights, and the paths of the layers that are not. */
export function trainedIn(model: Model): {
  readonly layers: readonly Layer[];
  readonly weights: readonly PlacedWeight[];
  readonly frozen: readonly string[];
} {
  const graph = model.graph as Graph;
  const paths = layerPaths(graph);
  const layers = [...new Set(allLayers(graph.layers))];
  const frozen = new Set(layers.filter((layer) => !model.trainable || !layer.trainable));
  return {
    layers,
    weights: weightsOfGraph(graph, frozen).filter(({ weight, trainable }) => weight.trained && trainable),
    frozen: [...frozen].flatMap((layer) => paths.get(layer) ?? []),
  };
}

/** A list or an object by the outputs' names; one alone is that of all, where `isForAll`. */
function perOutput(given: unknown, names: readonly string[], isForAll: boolean): unknown[] {
  if (Array.isArray(given)) return names.map((_, i) => given[i]);
  if (isPlain(given) && !('class_name' in given)) return names.map((name) => given[name]);
  return names.map(() => (isForAll ? given : undefined));
}

function metricsPerOutput(given: unknown, names: readonly string[]): unknown[][] {
  if (names.length === 1 && Array.isArray(given) && !Array.isArray(given[0])) return [given];
  return perOutput(given ?? [], names, false).map((own) => (own === null || own === undefined ? [] : [own].flat()));
}
