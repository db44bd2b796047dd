import { wrongValue } from '../../check.js';
import type { JsonObject } from '../../io/model-file.js';
import { isPlain } from '../../kind.js';
import { warn } from '../../warn.js';

/**
 * The type that a network computes in: float64 where a layer says so, also one of networks within. Halves are told of, once a file.
 * @throws RangeError for weights that are quantized
 */
export function dtypeIn(config: JsonObject, source: string): 'float32' | 'float64' {
  let dtype: 'float32' | 'float64' = 'float32';
  let half: string | undefined;
  for (const { layer, policy } of policiesIn(config)) {
    if (/_from_/.test(policy))
      throw wrongValue(`the dtype of the layer '${layer}'`, 'that of floats, as no weights are quantized here', policy);
    if (policy === 'float64') dtype = policy;
    if (/float16$/.test(policy)) half ??= policy;
  }
  if (half !== undefined)
    warn(
      'FJORDNET_IMPORT',
      `Layers of ${source} compute in ${half}, which there is not here: they are read as of ${dtype}, and answers differ as much`,
    );
  return dtype;
}

interface Policy {
  readonly layer: unknown;
  readonly policy: string;
}

/** What all layers say of their types, those within others too. */
function policiesIn(config: JsonObject): Policy[] {
  const found: Policy[] = [];
  const waiting: unknown[] = [config];
  for (const entry of waiting) {
    if (!isPlain(entry)) continue;
    const own = isPlain(entry.config) ? entry.config : entry;
    for (const policy of namesOf(own.dtype)) found.push({ layer: own.name ?? entry.name, policy });
    const { layers } = own;
    for (const inner of [Array.isArray(layers) ? layers : entry.config, own.layer, own.backward_layer].flat())
      if (inner !== own) waiting.push(inner);
  }
  return found;
}

/** A policy's name, as of a quantized one 'int8_from_float32', and those of a map of policies. */
function namesOf(dtype: unknown): string[] {
  if (typeof dtype === 'string') return [dtype];
  if (!isPlain(dtype) || !isPlain(dtype.config)) return [];
  const { name, mode, source_name: source, default_policy: byDefault, policy_map: map } = dtype.config;
  if (mode !== undefined || /^Quantized/.test(`${dtype.class_name}`)) return [`${mode ?? name}_from_${source}`];
  const named = typeof name === 'string' ? [name] : [];
  // a policy of a map is no map
  const others = [byDefault, ...(isPlain(map) ? Object.values(map) : [])];
  return [...named, ...others.flatMap((own) => (isPlain(own) && 'policy_map' in own ? [] : namesOf(own)))];
}
