import { wrongType } from '../check.js';
import type { Graph } from '../graph/graph.js';
import { readHeld } from '../graph/held.js';
import { layerPaths, type PlacedWeight, weightName } from '../graph/weights.js';
import type { JsonObject, ModelFile } from '../io/model-file.js';
import { isPlain } from '../kind.js';
import { layersIn } from '../layers/described.js';
import type { Layer } from '../layers/layer.js';
import { isRegistered, layerFrom } from '../layers/registry.js';
import { nameWithin } from '../layers/wrapper.js';
import { isMade, isOfMadeClass } from '../made.js';
import { optimizerFrom } from '../optimizers.js';
import { architectureOf, plain } from './architecture.js';
import { metricsOf } from './compile.js';
import type { Engine } from './engine.js';
import type { Model } from './model.js';
import type { Compiled, Network } from './network.js';

/** All of the network as it is now: copies, for a file that may take its time to be written. */
export function snapshot(model: Model, placed: readonly PlacedWeight[], engine: Engine): ModelFile {
  const { progress, random } = engine;
  const { plan, recorder, training } = engine.network as Network;
  const compiled = training && engine.compiled; // not where it no longer fits the network
  const graph = model.graph as Graph;
  const paths = layerPaths(graph);
  checkLoadable(graph, compiled);
  const values = readHeld(placed.map(({ weight }) => weight));
  return {
    architecture: plain(architectureOf(model)),
    weights: placed.map(({ layer, weight }, i) => [weightName(layer, weight), values[i]] as const),
    optimizerState: recorder.states.map((buffer) => [buffer.name, plan.read(buffer)] as const),
    training: plain({ iterations: progress.iterations, ...(compiled && trainingOf(compiled, paths)) }),
    ...(Object.keys(model.metadata).length > 0 && { metadata: model.metadata }),
    randomState: random.getState(),
  };
}

/** How it is trained: of one output its loss and metrics, of several a list for each. */
function trainingOf({ optimizer, outputs, frozen }: Compiled, paths: ReadonlyMap<Layer, string>): JsonObject {
  const losses = outputs.map(({ loss }) => loss?.config ?? null);
  const metrics = (isWeighted: boolean) =>
    outputs.map((output) => metricsOf(output, isWeighted).map((metric) => metric.config));
  const [unweighted, weighted] = [metrics(false), metrics(true)];
  const isOne = outputs.length === 1;
  const weights = outputs.map(({ lossWeight }) => lossWeight);
  return {
    optimizer: optimizer.config,
    loss: isOne ? losses[0] : losses,
    metrics: isOne ? unweighted[0] : unweighted,
    ...(weighted.flat().length > 0 && { weightedMetrics: isOne ? weighted[0] : weighted }),
    ...(weights.some((weight) => weight !== 1) && { lossWeights: weights }),
    // layers may have been popped since they were frozen
    ...(frozen.size > 0 && { frozen: [...frozen].flatMap((layer) => paths.get(layer) ?? []) }),
  };
}

/** What cannot be loaded again is not saved. @throws TypeError for parts of a network that `load` could not make */
export function checkLoadable(graph: Pick<Graph, 'layers' | 'names'>, compiled?: Compiled): void {
  const check = (what: string, table: string, made: boolean, name: unknown) => {
    if (made) return;
    const own = { layers: 'layer', losses: 'loss', metrics: 'metric', activations: 'activation' }[table];
    throw new TypeError(
      `Expected ${what} to be one of ${table}.*${own ? ` or made by custom.${own}` : ''}, as only these can be loaded again, got '${name}'`,
    );
  };
  for (const [layer, path] of described(graph)) {
    const name = `the layer '${path}'`;
    check(name, 'layers', isOfMadeClass(layer), layer.className);
    if (isRegistered(layer.className)) checkConfig(name, layer);
    for (const [option, part] of partsOf(layer)) {
      const table = option.endsWith('nitializer') ? 'initializers' : 'activations';
      check(`the ${option} of ${name}`, table, isMade(part), part.config.name);
    }
    for (const [option, part] of Object.entries(layer))
      if (
        typeof (part as { graph?: unknown } | undefined)?.graph === 'function' &&
        /(egularizer|onstraint)$/.test(option)
      )
        check(
          `the ${option} of ${name}`,
          option.endsWith('egularizer') ? 'regularizers' : 'constraints',
          false,
          'a function',
        );
  }
  if (!compiled) return;
  const { optimizer } = compiled;
  check('the optimizer', 'optimizers', isMade(optimizer), optimizer.config?.name);
  const { learningRate } = optimizer;
  if (typeof learningRate === 'function')
    check('the learning rate', 'schedules', isMade(learningRate), learningRate.config.name);
  try {
    optimizerFrom(JSON.parse(JSON.stringify(optimizer.config))); // a schedule may hold another
  } catch (error) {
    throw new TypeError(`Expected an optimizer that can be loaded again: ${(error as Error).message}`, {
      cause: error,
    });
  }
  for (const { loss, metrics } of compiled.outputs) {
    if (loss) check('the loss', 'losses', isMade(loss), loss.config?.name);
    for (const metric of metrics) check('the metric', 'metrics', isMade(metric), metric.name);
  }
}

/** A layer of one's own is made again of what its `getConfig` gives. */
function checkConfig(name: string, layer: Layer): void {
  const config = layer.getConfig() ?? {};
  const missing = layer.givenOptions.find((option) => !(option in config));
  if (missing !== undefined)
    throw new TypeError(
      `Expected getConfig of ${name} (${layer.className}) to give its option ${missing}, as the layer is made again of these`,
    );
  try {
    const options = Object.entries(config);
    const isHeld = ([, option]: [string, unknown]) => layersIn(option).length > 0;
    const others = plain(Object.fromEntries(options.filter((option) => !isHeld(option))));
    checkReadBack(others);
    layerFrom(layer.className, {
      name: layer.name ?? 'layer',
      ...others,
      ...Object.fromEntries(options.filter(isHeld)),
    });
  } catch (error) {
    throw new TypeError(
      `Expected getConfig of ${name} (${layer.className}) to give what makes it again: ${(error as Error).message}`,
      {
        cause: error,
      },
    );
  }
}

/** What has a className is read as a layer, and what has a config is not read. */
function checkReadBack(config: JsonObject): void {
  for (const [option, value] of Object.entries(config)) {
    if ([value].flat().some((each) => isPlain(each) && typeof each.className === 'string'))
      throw wrongType(option, 'no object with a className, but the layer', value);
    if (isPlain(value) && 'config' in value) throw wrongType(option, 'no object with a config, but its config', value);
  }
}

type Placed = [layer: Layer, path: string];

/** The layers that a file describes: those of wrappers too, but not those that a layer of one's own makes itself. */
const described = ({ layers, names }: Pick<Graph, 'layers' | 'names'>, prefix = ''): Placed[] =>
  layers.flatMap((layer) => withInner(layer, prefix + names.get(layer)));

function withInner(layer: Layer, path: string): Placed[] {
  const { graph, wrappedLayers: parts = Object.values(layer.getConfig() ?? {}).flatMap(layersIn) } = layer;
  const inner = graph
    ? described(graph, `${path}/`)
    : parts.flatMap((part) => withInner(part, `${path}/${part.name ?? nameWithin(part)}`));
  return [[layer, path], ...inner];
}

/** What a layer is made with that has a config: its activation and its initializers. */
function partsOf(layer: object): [string, { config: { name: unknown } }][] {
  return Object.entries(layer).flatMap(([option, value]) => {
    if (option === 'initializers') return partsOf(value);
    return value !== null && (typeof value === 'object' || typeof value === 'function') && 'config' in value
      ? [[option, value]]
      : [];
  });
}
