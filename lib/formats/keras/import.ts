import { NDArray } from '../../array.js';
import { wrongValue } from '../../check.js';
import type { Graph } from '../../graph/graph.js';
import { sizeOf } from '../../graph/value.js';
import { allLayers, layerPaths, weightName, weightsOfGraph } from '../../graph/weights.js';
import { ofSource } from '../../io/file-errors.js';
import type { JsonObject } from '../../io/model-file.js';
import { damaged, inMemory } from '../../io/read.js';
import { readZipDirectory, readZipEntry } from '../../io/zip.js';
import { isPlain } from '../../kind.js';
import { type Layer, nameOf } from '../../layers/layer.js';
import { isBilinear } from '../../layers/resizing.js';
import { architectureOf } from '../../models/architecture.js';
import type { Model } from '../../models/model.js';
import { RandomState } from '../../random.js';
import { warn } from '../../warn.js';
import { type Group, openHdf5 } from '../hdf5/read.js';
import type { ImportFile, ImportOptions, Reader } from '../import.js';
import { type Trained, trainedFrom } from '../made.js';
import { checkHardSigmoids, checkUnscaled, forHardSigmoid, HARD } from './hard-sigmoid.js';
import { type ReadModel, readModel } from './model-in.js';
import { arranged, type Stored, variablesOf } from './optimizer-state.js';
import { dtypeIn } from './policies.js';
import { type ReadTraining, readTraining, trainedIn } from './training-in.js';
import { arrayOf, type Found, findByClass, findByName, listAttribute } from './weights-in.js';

/** What a file of Keras says, in whatever form. */
interface KerasFile {
  readonly config: JsonObject;
  readonly version: string;
  readonly weights: Group;
  readonly isLegacy: boolean;
  readonly training: unknown;
}

/** Keras stores what it has as it is; whoever packs it again does not get it smaller than this, unless its weights are all the same. */
const MOST_PACKED = 64;

/** Keras 3's ZIP file. */
export const kerasReader: Reader = {
  async read(file, options) {
    const { bytes, source } = file;
    const archive = inMemory(bytes);
    const entries = await readZipDirectory(archive, bytes.length, source);
    const content = async (name: string) => {
      const entry = entries.find((own) => own.name === name);
      if (!entry) {
        const names = entries.slice(0, 5).map((own) => own.name.slice(0, 40));
        throw damaged(source, `it is a ZIP file without ${name}, which those of Keras have (${names.join(', ')})`);
      }
      if (entry.size > MOST_PACKED * bytes.length)
        throw damaged(source, `its ${name} would be ${entry.size} bytes long, of a file of ${bytes.length}`);
      return readZipEntry(archive, entry, source);
    };
    const json = async (name: string) => parsed(new TextDecoder().decode(await content(name)), name, source);
    const config = await json('config.json');
    const hasMetadata = entries.some(({ name }) => name === 'metadata.json');
    const version = hasMetadata ? (await json('metadata.json')).keras_version : undefined;
    const weights = openHdf5(await content('model.weights.h5'), source);
    const { compile_config: training } = config;
    return build(file, options, { config, version: String(version ?? '3'), weights, isLegacy: false, training });
  },
};

/** The file of HDF5 of Keras 2 and 3. */
export const h5Reader: Reader = {
  async read(file, options) {
    const { bytes, source } = file;
    const weights = openHdf5(bytes, source);
    const [text] = weights.attribute('model_config') ?? [];
    if (text === undefined)
      throw damaged(source, 'it has no model_config: a file of weights alone, which takes the network it was made of');
    const [trained] = weights.attribute('training_config') ?? [];
    const [version = '1'] = weights.attribute('keras_version') ?? [];
    const config = parsed(text, 'model_config', source);
    const training = trained === undefined ? undefined : parsed(trained, 'training_config', source);
    return build(file, options, { config, version, weights, isLegacy: true, training });
  },
};

function parsed(text: string, name: string, source: string): JsonObject {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw damaged(source, `its ${name} is not JSON`);
  }
  if (!isPlain(value)) throw damaged(source, `its ${name} is no object`);
  return value;
}

/** Before TensorFlow 2.2, 'bilinear' took the corners of pixels for their middles, or that depended on what computed. */
const OLD_BILINEAR = /^([01](\.|$)|2$|2\.[0-2](\.|$)|2\.3\.\d+$)/;

function checkNearest({ layers }: Graph): void {
  const between = allLayers(layers).find(isBilinear);
  if (between)
    throw wrongValue(`the interpolation of ${nameOf(between)}`, "'nearest' where Keras is older than 2.4", 'bilinear');
}

function build({ source }: ImportFile, options: ImportOptions, file: KerasFile): Model {
  return ofSource(source, () => {
    const declared = dtypeIn(file.config, source);
    const dtype = options.dtype ?? declared;
    const isKeras2 = /^[012](\.|$)/.test(file.version);
    const network = readModel(file.config, { dtype, isKeras2 });
    const { model, layers } = network;
    const graph = model.graph as Graph;
    if (OLD_BILINEAR.test(file.version)) checkNearest(graph);
    if (isKeras2) checkHardSigmoids(graph.layers);
    const byPath = new Map(Array.from(layerPaths(graph), ([own, path]) => [path, own]));
    const found: Found = new Map();
    if (file.isLegacy) findByName(file.weights, layers, found);
    else findByClass(file.weights, layers, found);
    const weights = weightsOfGraph(graph).map(({ layer, weight }) => {
      const read = found.get(weight);
      const name = weightName(layer, weight);
      if (!read) throw new RangeError(`Expected the file to have the weight '${name}', got none`);
      const array = arrayOf(read(), dtype);
      const of = { layer: byPath.get(layer) as Layer, own: weight.name };
      return [name, isKeras2 ? forHardSigmoid(of, array, HARD) : array] as const;
    });
    const whole = {
      architecture: JSON.parse(JSON.stringify(architectureOf(model))) as JsonObject,
      weights,
      randomState: new RandomState().getState(),
    };
    return trainedFrom(whole, {
      source,
      read: () => {
        if (isKeras2 && file.training) checkUnscaled(allLayers(graph.layers));
        return readTraining(file.training, model, { source, outputNames: network.outputNames, isByWidth: true });
      },
      rest: (training) => trained(network, file, training, dtype, source),
    });
  });
}

/** How it is trained, and the optimizer's memory where the file has that of just this network. */
function trained(
  { model }: ReadModel,
  file: KerasFile,
  { training, optimizer }: ReadTraining,
  dtype: 'float32' | 'float64',
  source: string,
): Trained {
  const { weights, frozen } = trainedIn(model);
  const isKeras2 = /^2(\.|$)/.test(file.version);
  const all = variablesOf(optimizer, weights.length);
  // Keras 2 has momenta also where none are used
  const isPlainDescent = isKeras2 && optimizer.name === 'sgd' && !optimizer.momentum;
  const stored = isPlainDescent ? variablesIn(file).slice(0, 1) : variablesIn(file);
  // Keras 2 kept its learning rate to itself
  const variables = stored.length < all.length ? all.filter(({ kind }) => kind !== 'learning_rate') : all;
  const arrays = arranged(variables, stored);
  const isWhole =
    arrays !== undefined &&
    variables.every((own, i) => {
      const wanted = own.kind === 'state' ? weights[own.weight].weight.shape : [];
      return arrays[i]?.isDataset && arrays[i].shape.join() === wanted.join();
    });
  if (!isWhole && stored.some(({ array }) => array.isDataset && array.shape.length > 0))
    warn(
      'FJORDNET_IMPORT',
      `The optimizer's memory in ${source} is left out, as it is not that of ${optimizer.name} for this network: it begins anew`,
    );
  const optimizerState: [string, NDArray][] = [];
  let iterations = 0;
  for (const [i, variable] of variables.entries()) {
    if (variable.kind === 'iteration' && isWhole) iterations = arrays[i].read().data[0];
    if (variable.kind !== 'state') continue;
    const { layer, weight } = weights[variable.weight];
    const values = isWhole ? arrayOf(arrays[i].read(), dtype) : zeros(weight.shape, dtype);
    if (isWhole && variable.plus !== 0) for (const [k, x] of values.data.entries()) values.data[k] = x - variable.plus;
    optimizerState.push([`${layer}/${weight.name}/${variable.own}`, values]);
  }
  return { training: { iterations, ...training, ...(frozen.length > 0 && { frozen }) }, optimizerState };
}

const zeros = (shape: readonly number[], dtype: 'float32' | 'float64') =>
  NDArray.wrap(new (dtype === 'float32' ? Float32Array : Float64Array)(sizeOf(shape)), shape);

/** The optimizer's variables, in their order. */
function variablesIn({ weights, isLegacy }: KerasFile): Stored<Group>[] {
  if (isLegacy) {
    const group = weights.find('optimizer_weights');
    return (group ? listAttribute(group, 'weight_names') : []).flatMap((name) => storedIn(group, name));
  }
  const group = weights.find('optimizer/vars');
  return (group?.names ?? []).flatMap((_, i) => storedIn(group, String(i)));
}

function storedIn(group: Group | undefined, name: string): Stored<Group>[] {
  const array = group?.find(name);
  return array ? [{ name, array }] : [];
}
