import { NDArray } from '../array.js';
import { checkBoolean, checkOneOf, checkOptions } from '../check.js';
import { type PlacedWeight, weightName } from '../graph/weights.js';
import { ofFile } from '../io/file-errors.js';
import { loadModel } from '../io/model-file.js';
import { readSafetensors, type Tensor } from '../io/safetensors.js';
import { typedArrayName } from '../kind.js';
import { kerasWeights, numbersOf, pytorchWeights } from './layouts.js';
import { checkFinite, type LoadOptions } from './loading.js';
import type { Model } from './model.js';

export interface LoadWeightsOptions extends LoadOptions {
  /**
   * Take the weights whose names ('dense/kernel') both networks have, and leave the others as they are. Default false: take all,
   * which must be of one number, by name where the names are the same, else in the order of the layers
   */
  byName?: boolean;
  /** Leave weights of another shape as they are, instead of refusing the file. Default false */
  skipMismatch?: boolean;
  /**
   * Of a safetensors file that another library wrote: PyTorch's state_dict, or weights by Keras' paths, read as `layouts.pytorch` and
   * `layouts.keras` do. byName is their `partial`. Default: files that `save` wrote
   */
  layout?: 'pytorch' | 'keras';
  /** What PyTorch's modules are called that are not called as their layers: see `layouts.pytorch` */
  names?: Readonly<Record<string, string>>;
}

/** What `loadWeights` did, by the weights' names in the network. */
export interface LoadedWeights {
  readonly loaded: readonly string[];
  /** Weights that stayed: the file has none of the name or, with skipMismatch, one of another shape. */
  readonly skipped: readonly string[];
}

interface Read {
  readonly found: ReadonlyMap<PlacedWeight, NDArray>;
  readonly report: LoadedWeights;
}

function arrayOf(name: string, { shape, data }: Tensor): NDArray {
  const isLong = /^Big/.test(`${typedArrayName(data)}`);
  const values = isLong ? Float64Array.from(data as BigInt64Array, Number) : (data as Float64Array);
  return NDArray.wrap(numbersOf(name, values).data, shape);
}

/** The weights of another library's file. */
async function readLayout(
  path: string | URL,
  model: Model<any, any>,
  placed: readonly PlacedWeight[],
  options: LoadWeightsOptions,
): Promise<Read> {
  checkOptions('options', options, ['layout', 'byName', 'names', 'allowNonFinite']);
  const { layout, byName, names } = options;
  const allowNonFinite = checkBoolean('allowNonFinite', options.allowNonFinite ?? false);
  const read = { pytorch: pytorchWeights, keras: kerasWeights }[checkOneOf('layout', layout, ['pytorch', 'keras'])];
  const { tensors, metadata } = await readSafetensors(path);
  return ofFile(path, () => {
    const arrays: Record<string, NDArray> = {};
    // read where they are asked for: what no layer takes may be of any kind
    for (const [name, tensor] of tensors)
      Object.defineProperty(arrays, name, { enumerable: true, get: () => arrayOf(name, tensor) });
    const own = { ...(byName !== undefined && { partial: byName }), ...(names && { names }) };
    // of tensors under two names save_model writes one, and says in the metadata what the other is
    const weights = read(model, arrays, own, new Map(metadata));
    const found = new Map<PlacedWeight, NDArray>();
    const [loaded, skipped]: string[][] = [[], []];
    for (const own of placed) {
      const name = weightName(own.layer, own.weight);
      const array = weights.get(own.weight);
      (array ? loaded : skipped).push(name);
      if (!array) continue;
      if (!allowNonFinite) checkFinite('weight', [name, array]);
      found.set(own, array);
    }
    return { found, report: { loaded, skipped } };
  });
}

/** The weights of a file that fit those of a network; all of it is checked. */
export async function readWeights(
  path: string | URL,
  model: Model<any, any>,
  placed: readonly PlacedWeight[],
  options: LoadWeightsOptions,
): Promise<Read> {
  if (options?.layout !== undefined) return readLayout(path, model, placed, options);
  checkOptions('options', options, ['byName', 'skipMismatch', 'allowNonFinite', 'layout']);
  const [byName, skipMismatch, allowNonFinite] = (['byName', 'skipMismatch', 'allowNonFinite'] as const).map((option) =>
    checkBoolean(option, options[option] ?? false),
  );
  const { weights = [] } = await loadModel(path);
  return ofFile(path, () => {
    const values = new Map(weights);
    const names = placed.map(({ layer, weight }) => weightName(layer, weight));
    if (!byName && weights.length !== placed.length)
      throw new RangeError(
        `Expected it to hold ${placed.length} weights, as the network does, got ${weights.length} (byName: true takes those of the same names)`,
      );
    const isInOrder = !byName && !names.every((name) => values.has(name));
    const found = new Map<PlacedWeight, NDArray>();
    const loaded: string[] = [];
    for (const [i, name] of names.entries()) {
      const array = isInOrder ? weights[i][1] : values.get(name);
      const { shape } = placed[i].weight;
      if (!array) continue;
      if (array.shape.join() !== shape.join()) {
        if (skipMismatch) continue;
        throw new RangeError(
          `Expected the weight '${isInOrder ? weights[i][0] : name}' to be of shape [${shape.join(', ')}], got shape ` +
            `[${array.shape.join(', ')}] (skipMismatch: true leaves such ones as they are)`,
        );
      }
      if (!allowNonFinite) checkFinite('weight', [name, array]);
      found.set(placed[i], array);
      loaded.push(name);
    }
    if (byName && loaded.length === 0 && placed.length > 0) throw nothingFor(placed, names, values);
    const taken = new Set(loaded);
    return { found, report: { loaded, skipped: names.filter((name) => !taken.has(name)) } };
  });
}

/** None of the network's weights is there, or those of their names have other shapes. */
function nothingFor(placed: readonly PlacedWeight[], names: readonly string[], values: ReadonlyMap<string, NDArray>) {
  const i = names.findIndex((name) => values.has(name));
  if (i < 0) {
    const [other = 'none'] = values.keys();
    return new RangeError(`Expected it to hold a weight of the network, such as '${names[0]}', got others: '${other}'`);
  }
  const [wanted, got] = [placed[i].weight.shape, (values.get(names[i]) as NDArray).shape];
  return new RangeError(
    `Expected it to hold a weight of the network in its shape, such as '${names[i]}' of shape [${wanted.join(', ')}], got shape [${got.join(', ')}]`,
  );
}
