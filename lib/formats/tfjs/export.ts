import { endianness } from 'node:os';
import { NDArray } from '../../array.js';
import { checkBoolean } from '../../check.js';
import type { Graph } from '../../graph/graph.js';
import { allLayers, weightsOfGraph } from '../../graph/weights.js';
import { swapBytes } from '../../io/read.js';
import { type Layer, nameOf } from '../../layers/layer.js';
import { architectureOf } from '../../models/architecture.js';
import type { Exported, ExportOptions, Format } from '../export.js';
import { hardSigmoids } from '../keras/hard-sigmoid.js';
import { keepsTo } from './constrained.js';
import { checkMasks } from './masks.js';
import { trainingOut } from './training.js';
import { numbersThere, tfjsWeights } from './weights.js';
import { NetworkWriter } from './write-network.js';

/** Bytes of a file of weights: what TensorFlow.js writes, so that browsers cache them. */
const SHARD = 2 ** 22;

/**
 * TensorFlow.js' layers model: model.json, and its weights beside it in files of 4 MB, float32; how it is trained, too, where TensorFlow.js
 * can go on (see training.ts).
 *
 * @param file what it is called; another name than model.json goes before those of the weights, so that models do not mix in one folder
 * @throws TypeError naming the layer that TensorFlow.js lacks, RangeError naming one whose weights it would change
 */
function files(network: Exported, { includeOptimizer = true }: ExportOptions, file: string) {
  const { model, graph, weights } = network;
  checkMasks(graph);
  checkShared(graph);
  const writer = new NetworkWriter(graph);
  const { class_name, config } = writer.write(architectureOf(model));
  const named = tfjsWeights(graph, writer.names);
  for (const layer of allLayers(graph.layers))
    if (layer.className !== 'Activation' && hardSigmoids(layer) === false)
      throw new TypeError(
        `Expected ${nameOf(layer)} to have another activation than hardSigmoid, which is another function in TensorFlow.js (formats 'onnx' and 'keras' hold it)`,
      );
  const specs: { name: string; shape: readonly number[]; dtype: string; group?: string }[] = [];
  const arrays: Uint8Array[] = [];
  const put = (data: NDArray['data']) => {
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    if (endianness() === 'BE') swapBytes(bytes, data.BYTES_PER_ELEMENT);
    arrays.push(bytes);
  };
  const placed = weightsOfGraph(graph);
  for (const trained of [true, false])
    for (const [i, weight] of named.entries()) {
      if (weight.trained !== trained) continue;
      const written = NDArray.from(numbersThere(weight, weights[i]), { dtype: 'float32' });
      const { constraint } = placed[i].weight;
      if (constraint && !keepsTo(constraint, written))
        throw new RangeError(
          `Expected the ${weight.own} of ${nameOf(weight.layer)} to keep to its constraint, which TensorFlow.js applies to the weights that it reads: a step of training brings it there (formats 'onnx' and 'keras' hold it as it is)`,
        );
      put(written.data);
      specs.push({ name: weight.name, shape: weight.shape, dtype: 'float32' });
    }
  const training = checkBoolean('includeOptimizer', includeOptimizer) ? trainingOut(network, named) : undefined;
  for (const { name, shape, data } of training?.memory ?? []) {
    put(data);
    specs.push({ name, shape, dtype: name === 'iter' ? 'int32' : 'float32', group: 'optimizer' });
  }
  const shards = sharded(arrays);
  const group = file === 'model.json' ? 'group1' : `${file.replace(/\.json$/, '')}-group1`;
  const paths = shards.map((_, i) => `${group}-shard${i + 1}of${shards.length}.bin`);
  const { metadata } = model;
  const json = {
    modelTopology: { class_name, config, keras_version: 'tfjs-layers 4.22.0', backend: 'tensor_flow.js' },
    format: 'layers-model',
    generatedBy: 'Fjordnet',
    convertedBy: null,
    weightsManifest: [{ paths, weights: specs }],
    ...(training?.config && { trainingConfig: training.config }),
    ...(Object.keys(metadata).length > 0 && { userDefinedMetadata: metadata }),
  };
  return [
    ...shards.map((parts, i) => [paths[i], parts] as const),
    [file, [Buffer.from(JSON.stringify(json))]] as const,
  ];
}

/** @throws TypeError naming a layer of several networks or layers, which would be several layers there */
function checkShared({ layers }: Graph): void {
  const seen = new Set<Layer>();
  for (const layer of allLayers(layers)) {
    if (seen.has(layer) && Object.keys(layer.builtFor?.weights ?? {}).length > 0)
      throw new TypeError(
        `Expected ${nameOf(layer)} to be in one network or layer, as one of several is several in TensorFlow.js (format 'onnx' holds it)`,
      );
    seen.add(layer);
  }
}

/** The bytes in pieces of one size, but for the last. */
function sharded(arrays: readonly Uint8Array[]): Uint8Array[][] {
  const shards: Uint8Array[][] = [[]];
  let room = SHARD;
  for (const array of arrays)
    for (let at = 0; at < array.length; ) {
      if (room === 0) {
        shards.push([]);
        room = SHARD;
      }
      const piece = array.subarray(at, at + room);
      (shards.at(-1) as Uint8Array[]).push(piece);
      at += piece.length;
      room -= piece.length;
    }
  return shards;
}

/** https://www.tensorflow.org/js/guide/save_load */
export const tfjs: Format = { extension: '.json', options: ['includeOptimizer'], files };
