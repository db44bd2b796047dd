import { wrongValue } from '../../check.js';
import type { Graph } from '../../graph/graph.js';
import { allLayers, frozenOf, layerPaths, type PlacedWeight, weightsOfGraph } from '../../graph/weights.js';
import type { JsonObject } from '../../io/model-file.js';
import { isPlain } from '../../kind.js';
import type { Layer } from '../../layers/layer.js';
import { isBinary, type Loss, lossFrom } from '../../losses.js';
import { type Metric, metricFrom } from '../../metrics.js';
import type { Model } from '../../models/model.js';
import { type Optimizer, optimizerFrom } from '../../optimizers.js';
import { warn } from '../../warn.js';
import { isCategorical, ourLoss, ourMetric, ourOptimizer } from './config-training.js';

/** How a network is trained, as our files say it. */
export interface ReadTraining {
  readonly optimizer: Optimizer['config'];
  readonly training: JsonObject;
}

/** Of which file it is, and what that calls the outputs. */
export interface TrainingOf {
  readonly source: string;
  /** Default: as the network does */
  readonly outputNames?: readonly string[];
  /** Whether 'accuracy' goes by the outputs alone, as in Keras, and not by the loss. */
  readonly isByWidth?: boolean;
}

/**
 * How a network is trained. Metrics that there are not here are left out with a warning.
 * @throws TypeError or RangeError naming what there is not here
 */
export function readTraining(
  given: unknown,
  model: Model,
  { source, outputNames: names = model.outputNames, isByWidth = false }: TrainingOf,
): ReadTraining | undefined {
  if (!isPlain(given) || !given.loss) return undefined;
  const optimizer = optimizerFrom(
    ourOptimizer(given.optimizer ?? given.optimizer_config) as Optimizer['config'],
  ).config;
  const losses = perOutput('the loss', given.loss, names, true).map((loss) =>
    loss === null || loss === undefined ? null : lossFrom(ourLoss(loss) as Loss['config']),
  );
  if (losses.every((loss) => loss === null)) throw wrongValue('the loss', 'that of an output', 'none');
  const widths = model.graph?.outputs.map(({ shape }) => shape.at(-1)) ?? [];
  const metricsIn = (all: unknown) =>
    metricsPerOutput(all, names).map((own, i) =>
      own.flatMap((metric) => metricIn(metric, losses[i] as Loss, { source, width: widths[i], isByWidth })),
    );
  const [metrics, weighted] = [metricsIn(given.metrics), metricsIn(given.weighted_metrics)];
  const factors = perOutput('loss_weights', given.loss_weights ?? 1, names, true).map((factor) => factor ?? 1);
  const isOne = names.length === 1;
  const configs = losses.map((loss) => loss?.config ?? null);
  const training = {
    optimizer,
    loss: isOne ? configs[0] : configs,
    metrics: isOne ? metrics[0] : metrics,
    ...(weighted.flat().length > 0 && { weightedMetrics: isOne ? weighted[0] : weighted }),
    ...(factors.some((factor) => factor !== 1) && { lossWeights: factors }),
  };
  return { optimizer, training };
}

interface MetricOf {
  readonly source: string;
  /** The length of the output's last axis. */
  readonly width?: number;
  readonly isByWidth: boolean;
}

/** A metric's config, if there is one here, else none and a warning. */
function metricIn(given: unknown, loss: Loss, { source, width, isByWidth }: MetricOf): JsonObject[] {
  try {
    const config = ourMetric(given) as Metric['config'];
    const isBinaryHere = config.name === 'accuracy' && (width === 1 || (loss !== null && isBinary(loss)));
    if (isBinaryHere && isCategorical(given))
      throw wrongValue(
        `the metric '${config.as}'`,
        'that of classes, where here it is one of each output',
        loss?.config.name,
      );
    const metric = metricFrom(config, loss);
    if (isBinaryHere && width !== 1 && isByWidth)
      warn(
        'FJORDNET_IMPORT',
        `The metric '${config.as}' of ${source} is that of each output here, as its loss is ${loss.config.name}; Keras' is that of the largest output`,
      );
    return [metric.config];
  } catch (error) {
    warn('FJORDNET_IMPORT', `A metric of ${source} is left out, as there is none here: ${(error as Error).message}`);
    return [];
  }
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
  const frozen = frozenOf([model]);
  return {
    layers,
    weights: weightsOfGraph(graph, frozen).filter(({ weight, trainable }) => weight.trained && trainable),
    frozen: [...frozen].flatMap((layer) => paths.get(layer) ?? []),
  };
}

/** A list or an object by the outputs' names; one alone is that of all, where `isForAll`. */
function perOutput(place: string, given: unknown, names: readonly string[], isForAll: boolean): unknown[] {
  if (Array.isArray(given)) return names.map((_, i) => given[i]);
  if (isPlain(given) && !('class_name' in given)) {
    const other = Object.keys(given).find((name) => !names.includes(name));
    if (other !== undefined) throw wrongValue(`the names in ${place}`, `those of outputs, ${names.join(', ')}`, other);
    return names.map((name) => given[name]);
  }
  return names.map(() => (isForAll ? given : undefined));
}

function metricsPerOutput(given: unknown, names: readonly string[]): unknown[][] {
  if (names.length === 1 && Array.isArray(given) && !Array.isArray(given[0])) return [given];
  return perOutput('metrics', given ?? [], names, false).map((own) =>
    own === null || own === undefined ? [] : [own].flat(),
  );
}
