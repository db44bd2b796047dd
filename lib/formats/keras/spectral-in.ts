import type { JsonObject } from '../../io/model-file.js';
import { warn } from '../../warn.js';
import { readObject } from './config-parts.js';

interface Entry {
  readonly class_name: string;
  readonly config: JsonObject;
}

/**
 * The layer that Keras normalizes by its largest singular value, under the name of what does so; undefined for other layers. Keras
 * divides the kernel itself, in each step of training: what the file holds is what it predicts by.
 */
export function withoutSpectral(name: string, { class_name: className, config }: Entry): Entry | undefined {
  if (className !== 'SpectralNormalization') return undefined;
  const inner = readObject(`the layer of '${name}'`, config.layer);
  warn(
    'FJORDNET_IMPORT',
    `The spectral normalization of '${name}' is left out, as there is none here: it predicts the same, and trains without it`,
  );
  const trainable = config.trainable !== false && inner.config.trainable !== false;
  return { class_name: inner.name, config: { ...inner.config, name, trainable } };
}
