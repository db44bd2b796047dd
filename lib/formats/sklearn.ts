import { NDArray } from '../array.js';
import { failure } from '../check.js';
import type { Architecture } from '../estimators/mlp-network.js';
import type { SavedMLP } from '../estimators/mlp-saved.js';
import { begun } from '../estimators/mlp-training.js';
import { parseNpy } from '../io/npy.js';
import { parseNpyLabels } from '../io/npy-labels.js';
import { damaged, inMemory } from '../io/read.js';
import { formatNpz } from '../io/write-npy.js';
import { readZipDirectory, readZipEntry } from '../io/zip.js';
import type { Label } from '../labels.js';

/** What of an estimator goes into the file. */
export interface FittedMLP {
  readonly coefs: readonly NDArray[];
  readonly intercepts: readonly NDArray[];
  readonly outActivation: Architecture['outActivation'] | undefined;
  readonly classes?: readonly Label[];
  getParams(): { activation?: Architecture['activation'] };
}

/**
 * The arrays that make scikit-learn's estimator, as an NPZ file: coefs_0 …, intercepts_0 …, activation, out_activation and, of a
 * classifier, classes.
 * @throws Error with code ERR_NOT_FITTED
 */
export function formatSklearn(mlp: FittedMLP): Uint8Array[] {
  const { coefs, intercepts, outActivation, classes } = mlp;
  if (outActivation === undefined) throw failure('ERR_NOT_FITTED', 'Expected the estimator to be fitted before export');
  const numbered = (name: string, arrays: readonly NDArray[]) => arrays.map((array, i) => [`${name}_${i}`, array]);
  return formatNpz({
    ...Object.fromEntries([...numbered('coefs', coefs), ...numbered('intercepts', intercepts)]),
    activation: mlp.getParams().activation as string,
    out_activation: outActivation,
    ...(classes && { classes }),
  });
}

/** An estimator as our files have it: what it is made with, and what `fit` found. */
export interface SklearnMLP {
  readonly className: 'MLPClassifier' | 'MLPRegressor';
  readonly config: object;
  readonly state: SavedMLP & { readonly architecture: Architecture };
}

/** The same of bytes that scikit-learn's arrays were written to. @throws Error with code ERR_FORMAT and the reason */
export async function parseSklearn(bytes: Uint8Array, source: string): Promise<SklearnMLP> {
  const file = inMemory(bytes);
  const entries = new Map<string, Uint8Array<ArrayBuffer>>();
  for (const entry of await readZipDirectory(file, bytes.length, source))
    entries.set(entry.name.replace(/\.npy$/, ''), await readZipEntry(file, entry, source));
  const labels = (name: string): Label[] | undefined => {
    const own = entries.get(name);
    return own && parseNpyLabels(own, `${source}, ${name}`);
  };
  const arrays = (name: string): NDArray[] => {
    const found: NDArray[] = [];
    for (let own = entries.get(`${name}_0`); own; own = entries.get(`${name}_${found.length}`))
      found.push(parseNpy(own, `${source}, ${name}_${found.length}`));
    if (found.length === 0) throw damaged(source, `it has no ${name}_0, as the arrays of scikit-learn's networks do`);
    return found;
  };
  const [coefs, intercepts] = [arrays('coefs'), arrays('intercepts')];
  const units = [coefs[0].shape[0], ...intercepts.map(({ size }) => size)];
  if (intercepts.length !== coefs.length)
    throw damaged(source, `it has ${coefs.length} coefs, and ${intercepts.length} intercepts`);
  for (const [k, { shape }] of coefs.entries())
    if (shape.length !== 2 || shape[0] !== units[k] || shape[1] !== units[k + 1])
      throw damaged(
        source,
        `coefs_${k} has the shape [${shape.join(', ')}] in place of [${units[k]}, ${units[k + 1]}]`,
      );
  const dtype = [...coefs, ...intercepts].every((array) => array.dtype === 'float32') ? 'float32' : 'float64';
  const weights = [...coefs, ...intercepts].map((array) => NDArray.from(array, { dtype }));
  for (const { data } of weights)
    if (!data.every(Number.isFinite)) throw damaged(source, 'its numbers are not all finite');
  const [activation, outActivation] = ['activation', 'out_activation'].map((name) => {
    const [own] = labels(name) ?? [];
    if (own === undefined) throw damaged(source, `it has no ${name}, which says what its layers do with their sums`);
    return own;
  });
  const classes = labels('classes');
  const architecture = { units, activation, outActivation, solver: 'adam', dtype, weighted: false } as Architecture;
  return {
    className: classes ? 'MLPClassifier' : 'MLPRegressor',
    config: {
      hiddenLayerSizes: units.slice(1, -1),
      activation,
      ...(!classes && outActivation === 'exp' && { loss: 'poisson' }),
    },
    state: {
      architecture,
      weights,
      progress: begun(true),
      ...(classes && { targets: { kind: kindOf(architecture, classes, source), classes } }),
    },
  };
}

function kindOf({ outActivation, units }: Architecture, classes: readonly Label[], source: string): string {
  if (outActivation === 'softmax') return 'multiclass';
  if (units.at(-1) === 1) return 'binary';
  if (classes.length !== units.at(-1))
    throw damaged(source, `it has ${classes.length} classes, and ${units.at(-1)} outputs`);
  return 'multilabel';
}
