import type { Readable } from 'node:stream';
import { types } from 'node:util';
import type { NDArray } from './array.js';
import type { CommandError } from './cli/errors.js';
import type { InputLayer } from './layers/shape.js';
import type { World } from './mpi/world.js';
import type { TextPlot } from './plots/plot.js';
import type { RandomState } from './random.js';
import type { Html } from './report/html.js';

/**
 * What a value is, told by what it carries and not by the constructor it came from: a vm context, a test runner's realm
 * and a second copy of this package have constructors of their own.
 */
interface Branded {
  NDArray: NDArray;
  RandomState: RandomState;
  InputLayer: InputLayer;
  TextPlot: TextPlot;
  Html: Html;
  CommandError: CommandError;
  World: World;
}

/** Marks a class of ours, for all copies of the package in the process. */
export function brand<N extends keyof Branded>(type: { readonly prototype: Branded[N] }, name: N): void {
  Object.defineProperty(type.prototype, Symbol.for(`fjordnet.${name}`), { value: true });
}

const FACTORY = Symbol.for('fjordnet.factory');

/** Marks the functions of a table such as `losses`, for all copies of the package: each may be passed uncalled. */
export function brandFactories(kind: string, table: Readonly<Record<string, unknown>>): void {
  for (const factory of Object.values(table)) Object.defineProperty(factory, FACTORY, { value: kind });
}

/** A class cannot be called: it is no function that makes something. */
export const isClass = (value: unknown): boolean =>
  typeof value === 'function' && /^class\b/.test(Function.prototype.toString.call(value));

/** The table that a function belongs to, of whatever copy. */
export const factoryKind = (value: unknown): unknown => property(value, FACTORY);

const branded = <N extends keyof Branded>(name: N) => {
  const mark = Symbol.for(`fjordnet.${name}`);
  return (value: unknown): value is Branded[N] => isObject(value) && property(value, mark) === true;
};

const NDARRAY = Symbol.for('fjordnet.NDArray');

/** Asked several times in every call: by itself, engines look it up faster. */
export const isNDArray = (value: unknown): value is NDArray => {
  try {
    return isObject(value) && (value as { [NDARRAY]?: unknown })[NDARRAY] === true;
  } catch {
    return false; // a revoked proxy
  }
};
export const isRandomState = branded('RandomState');
export const isInputLayer = branded('InputLayer');
export const isTextPlot = branded('TextPlot');
export const isHtml = branded('Html');
export const isCommandError = branded('CommandError');
export const isWorld = branded('World');

export const { isFloat64Array, isFloat32Array, isInt32Array, isUint32Array, isUint8Array, isTypedArray, isProxy } =
  types;

const tagOfTypedArray = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(Uint8Array.prototype), Symbol.toStringTag)
  ?.get as (this: unknown) => string | undefined;

/** 'Float64Array', 'Uint8Array' (a Buffer's, too) …; nothing for what is no typed array. */
export const typedArrayName = (value: unknown): string | undefined => tagOfTypedArray.call(value);

/** An AbortSignal, also a polyfill's (which may lack `reason` and `throwIfAborted`). */
export function isAbortSignal(value: unknown): value is AbortSignal {
  return (
    isObject(value) &&
    typeof property(value, 'aborted') === 'boolean' &&
    hasMethods(value, 'addEventListener', 'removeEventListener')
  );
}

/** A URL, as Node's own functions tell one; the objects of the old `url.parse` are none. */
export function isURL(value: unknown): value is URL {
  return (
    isObject(value) &&
    typeof property(value, 'href') === 'string' &&
    typeof property(value, 'protocol') === 'string' &&
    typeof property(value, 'pathname') === 'string' &&
    property(value, 'auth') === undefined &&
    property(value, 'path') === undefined
  );
}

/** A stream of Node's kind that can be read. */
export function isReadable(value: unknown): value is Readable {
  return hasMethods(value, 'pipe', 'on', 'read');
}

/** Whether an object has all of these methods, as what callers write themselves must. */
export function hasMethods(value: unknown, ...names: readonly string[]): boolean {
  return isObject(value) && names.every((name) => typeof property(value, name) === 'function');
}

/** What describes an activation, an initializer and the like: an object with their name. */
export const isConfig = (value: unknown): boolean => typeof property(value, 'name') === 'string';

/** An error, of the class `name` if one is given: 'RangeError', 'SyntaxError' … */
export function isError(value: unknown, name?: string): value is Error {
  if (!types.isNativeError(value) && !(isObject(value) && property(value, Symbol.toStringTag) === 'DOMException'))
    return false;
  return name === undefined || (value as Error).name === name;
}

/** An object of names and values: a literal, or what JSON or structuredClone make. */
export function isPlain(value: unknown): value is { readonly [name: string]: unknown } {
  if (!isObject(value) || types.isProxy(value) || Object.prototype.toString.call(value) !== '[object Object]')
    return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === null || (Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype, 'isPrototypeOf'));
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;

/** Nothing where reading throws: of a getter, or a Proxy that was revoked. */
export function property(value: unknown, key: string | symbol): unknown {
  try {
    return (value as Record<string | symbol, unknown> | undefined)?.[key];
  } catch {
    return undefined;
  }
}
