import { checkOneOf, wrongType } from '../check.js';
import type { Layer, LayerOptions } from './layer.js';

type LayerClass = new (config: object) => Layer;

const builtIn = new Map<string, LayerClass>();
/** Those of `custom.layer`, by class name. */
const registered = new Map<string, LayerClass>();

/** The classes of this package, by name. */
export function registerBuiltIn(classes: Readonly<Record<string, new (config: any) => Layer>>): void {
  for (const [name, type] of Object.entries(classes)) builtIn.set(name, type);
}

/** Of this package, beside those that are made by name. */
const OTHERS = ['Lambda', 'Model', 'Sequential'];

/** Whether it is of this package, so that its errors name it. */
export const isBuiltIn = (layer: Layer) =>
  OTHERS.includes(layer.className) || builtIn.get(layer.className) === layer.constructor;

export function register(className: string, type: LayerClass): void {
  registered.set(className, type);
}

export const isRegistered = (className: string): boolean => registered.has(className);

/** A layer of one's own. @throws TypeError where its constructor drops options of all layers, which would be passed over */
export function ownLayer<L extends Layer, O extends object>(type: new (options: O) => L, options: O): L {
  const layer = new type(options);
  const { name, inputShape, trainable } = (options ?? {}) as LayerOptions; // a constructor without options may be given null
  const dropped = Object.entries({ name, inputShape, trainable }).find(
    ([option, given]) => given !== undefined && String(layer[option as keyof LayerOptions]) !== String(given),
  );
  if (dropped)
    throw new TypeError(
      `Expected the constructor of ${layer.className} to hand its options on by super(options), as ${dropped[0]} is one of them`,
    );
  return layer;
}

/** The layer that `className` and `config` (of its `getConfig`) describe. */
export function layerFrom(className: string, config: object): Layer {
  if (typeof config !== 'object' || config === null) throw wrongType('config', 'an object', config);
  const own = registered.get(className);
  if (own) return ownLayer(own, config);
  const name = checkOneOf('className', className, [...builtIn.keys()]);
  return new (builtIn.get(name) as LayerClass)(config);
}
