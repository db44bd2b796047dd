import type { NDArray } from '../../array.js';
import { wrongType } from '../../check.js';
import type { Graph } from '../../graph/graph.js';
import { allLayers } from '../../graph/weights.js';
import { ofSource } from '../../io/file-errors.js';
import type { JsonObject } from '../../io/model-file.js';
import { damaged } from '../../io/read.js';
import { isPlain } from '../../kind.js';
import { nameOf } from '../../layers/layer.js';
import { isBilinear } from '../../layers/resizing.js';
import { checkFinite } from '../../models/loading.js';
import type { Model } from '../../models/model.js';
import type { ImportFile, ImportOptions, Reader } from '../import.js';
import { checkHardSigmoids, forHardSigmoid, HARD } from '../keras/hard-sigmoid.js';
import { readModel } from '../keras/model-in.js';
import { withNumbers } from '../made.js';
import { likeKeras } from './layers.js';
import { readManifest } from './read-weights.js';
import { memoryIn, trainingIn } from './training.js';
import { type NamedWeight, tfjsWeights } from './weights.js';

async function read(file: ImportFile, { dtype = 'float32' }: ImportOptions): Promise<Model> {
  const { source } = file;
  const json = parse(file);
  const { format, modelTopology: topology, weightsManifest, trainingConfig, userDefinedMetadata: metadata } = json;
  if (format === 'graph-model')
    throw damaged(
      source,
      'it is a graph model of TensorFlow.js, of operations: convert what it was made of, to a layers model or ONNX',
    );
  if (!isPlain(topology)) throw damaged(source, 'it is no layers model of TensorFlow.js: it has no modelTopology');
  // what Python wrote is one level deeper
  const network = isPlain(topology.model_config) ? topology.model_config : topology;
  const isKeras2 = !/^3\./.test(`${topology.keras_version}`);
  const { model } = ofSource(source, () => readModel(likeKeras(network), { dtype, isKeras2 }));
  const { weights: arrays, optimizer } = await readManifest(file, weightsManifest).catch((error) => {
    if (error.code !== undefined) throw error;
    return ofSource(source, () => {
      throw error;
    });
  });
  return ofSource(source, () => {
    const graph = model.graph as Graph;
    if (isKeras2) checkHardSigmoids(graph.layers);
    const between = allLayers(graph.layers).find(isBilinear);
    if (between)
      throw new RangeError(
        `Expected ${nameOf(between)} to have the interpolation 'nearest', as 'bilinear' is another function in TensorFlow.js, got 'bilinear'`,
      );
    const named = tfjsWeights(graph);
    const find = finder(arrays);
    const weights = named.map((weight) => {
      const array = find(weight);
      return isKeras2 ? forHardSigmoid(weight, array, HARD) : array;
    });
    const taken = new Set(find.taken.values());
    const left = [...arrays.keys()].find((name) => !taken.has(name));
    if (left !== undefined) throw wrongType('every weight', 'of a layer of the network', left);
    const places = new Map([...arrays.keys()].map((name, place) => [name, place]));
    const order = named.map((weight) => {
      const name = find.taken.get(weight) as string;
      return { name, place: places.get(name) as number };
    });
    return withNumbers(model, (_, i) => weights[i].data, {
      ...(isPlain(metadata) && { metadata }),
      training: {
        source,
        read: () => {
          const training = trainingIn(trainingConfig, model, source);
          return training && memoryIn(optimizer, training, model, order);
        },
        rest: (trained) => trained,
      },
    });
  });
}

function parse({ bytes, source }: ImportFile): JsonObject {
  try {
    const json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
    if (isPlain(json)) return json;
  } catch {}
  throw damaged(source, 'it is not JSON');
}

/** The array of a weight: by its name, without the cell that TensorFlow puts in it, or without the networks around it. */
function finder(arrays: ReadonlyMap<string, NDArray>) {
  const names = new Map<string, string[]>();
  for (const name of arrays.keys()) {
    const steps = name.replace(/:\d+$/, '').split('/');
    const short = steps.length > 2 ? [...steps.slice(0, -2), steps.at(-1)] : steps;
    const tails = [steps, short].flatMap((own) => own.map((_, i) => own.slice(i).join('/')).slice(0, -1));
    for (const tail of new Set(tails)) names.set(tail, [...(names.get(tail) ?? []), name]);
  }
  const taken = new Map<NamedWeight, string>();
  const find = (weight: NamedWeight): NDArray => {
    const { name, shape } = weight;
    const found = arrays.has(name) ? [name] : (names.get(name) ?? []);
    if (found.length !== 1)
      throw new RangeError(
        `Expected a weight '${name}' of shape [${shape.join(', ')}], got ${found.length === 0 ? 'none' : found.join(', ')}`,
      );
    const array = arrays.get(found[0]) as NDArray;
    if (array.shape.join() !== shape.join())
      throw new RangeError(
        `Expected the weight '${name}' to be of shape [${shape.join(', ')}], got [${array.shape.join(', ')}]`,
      );
    checkFinite('weight', [name, array]);
    taken.set(weight, found[0]);
    return array;
  };
  return Object.assign(find, { taken });
}

/** A layers model of TensorFlow.js, its weights in files beside it. */
export const tfjsReader: Reader = { read };
