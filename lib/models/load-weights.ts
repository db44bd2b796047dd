import type { NDArray } from '../array.js';
import { checkBoolean, checkOptions } from '../check.js';
import { type PlacedWeight, weightName } from '../graph/weights.js';
import { ofFile } from '../io/file-errors.js';
import { loadModel } from '../io/model-file.js';
import { checkFinite, type LoadOptions } from './loading.js';

export interface LoadWeightsOptions extends LoadOptions {
  /**
   * Take the weights whose names ('dense/kernel') both networks have, and leave the others as they are. Default false: take all,
   * which must be of one number, by name where the names are the same, else in the order of the layers
   */
  byName?: boolean;
  /** Leave weights of another shape as they are, instead of refusing the file. Default false */
  skipMismatch?: boolean;
}

/** What `loadWeights` did, by the weights' names in the network. */
export interface LoadedWeights {
  readonly loaded: readonly string[];
  /** Weights that stayed: the file has none of the name or, with skipMismatch, one of another shape. */
  readonly skipped: readonly string[];
}

/** The weights of a file that fit those of a network; all of it is checked. */
export async function readWeights(
  path: string | URL,
  placed: readonly PlacedWeight[],
  options: LoadWeightsOptions,
): Promise<{ found: ReadonlyMap<PlacedWeight, NDArray>; report: LoadedWeights }> {
  checkOptions('options', options, ['byName', 'skipMismatch', 'allowNonFinite']);
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
    if (byName && loaded.length === 0 && placed.length > 0)
      throw new RangeError(
        `Expected it to hold a weight of the network, such as '${names[0]}', got others: '${weights[0]?.[0] ?? 'none'}'`,
      );
    const taken = new Set(loaded);
    return { found, report: { loaded, skipped: names.filter((name) => !taken.has(name)) } };
  });
}
