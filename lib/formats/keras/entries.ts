// The layers of a network as its config lists them.
import { wrongType, wrongValue } from '../../check.js';
import type { JsonObject } from '../../io/model-file.js';
import { isPlain } from '../../kind.js';
import { isTfOperation } from './tf-operations-in.js';

export const NETWORKS = ['Sequential', 'Functional', 'Model'];

export interface LayerEntry {
  readonly class_name: string;
  readonly config: JsonObject;
  readonly name?: unknown;
  readonly inbound_nodes?: unknown;
}

export function readEntry(place: string, entry: unknown): LayerEntry {
  if (!isPlain(entry) || typeof entry.class_name !== 'string')
    throw wrongType(place, 'an object with class_name and config', entry);
  // of old files of Keras: a Sequential's config was the list of its layers
  if (Array.isArray(entry.config)) return { ...entry, class_name: entry.class_name, config: { layers: entry.config } };
  if (!isPlain(entry.config)) throw wrongType(place, 'an object with class_name and config', entry.config);
  const { module, registered_name: registered } = entry;
  if (typeof registered === 'string' && !/^(tf_)?keras(\.|$)|^tensorflow\./.test(`${module}`))
    throw wrongValue(place, 'of a class of Keras, as others are code', registered);
  // which Keras registered itself
  const className = entry.class_name === 'Custom>CustomScaleLayer' ? 'CustomScaleLayer' : entry.class_name;
  return { ...entry, class_name: className } as unknown as LayerEntry;
}

export const nameIn = ({ name, config }: LayerEntry, byDefault: string): string => {
  const own = name ?? config.name ?? byDefault;
  if (typeof own !== 'string' || own === '') throw wrongType('the name of a layer', 'a text', own);
  return own;
};

export function entriesIn({ layers }: JsonObject): LayerEntry[] {
  if (!Array.isArray(layers) || layers.length === 0) throw wrongType('layers', 'a list of one layer or more', layers);
  return layers.map((entry, i) => readEntry(`layers[${i}]`, entry));
}

/** An operation has a module of its own; in files of HDF5, which have none, it is what no layer is. */
export function isOperationEntry({ class_name: className, config, ...entry }: LayerEntry): boolean {
  const { module } = entry as { module?: unknown };
  if (className === 'CustomScaleLayer' || isTfOperation(className)) return true; // the first of Keras' InceptionResNetV2
  if (typeof module === 'string') return /^keras\.(src\.)?ops/.test(module);
  const isLayer = 'trainable' in config || !['bool', null, undefined].includes(config.dtype as string); // as masks are made with
  return !isLayer && ![...NETWORKS, 'InputLayer'].includes(className);
}
