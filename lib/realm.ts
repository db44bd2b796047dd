import { types } from 'node:util';
import { isPlain, typedArrayName } from './kind.js';

const ERRORS = { Error, TypeError, RangeError };
const ARRAYS = { Float64Array, Float32Array, Int32Array };

type Native = (this: unknown, ...args: unknown[]) => unknown;
type NativeClass = new (...args: any[]) => object;

/**
 * The addon as this realm's own. Node-API makes errors, promises and arrays in the process' main realm; where this module
 * runs in another one, as test runners have it, `error instanceof RangeError` would be false for them there.
 */
export function ofThisRealm<A extends object>(addon: A): A {
  if (Object.getPrototypeOf(addon) === Object.prototype) return addon;
  const own = Object.entries(addon).map(([name, value]) => [name, /^[A-Z]/.test(name) ? subclass(value) : wrap(value)]);
  return Object.fromEntries(own);
}

function wrap(native: Native): Native {
  return function (...args) {
    try {
      return adopt(Reflect.apply(native, this, args));
    } catch (error) {
      throw adopt(error);
    }
  };
}

function subclass(type: NativeClass): NativeClass {
  class Own extends type {
    constructor(...args: any[]) {
      try {
        super(...args);
      } catch (error) {
        throw adopt(error);
      }
    }
  }
  for (const name of Object.getOwnPropertyNames(type.prototype)) {
    const method = type.prototype[name];
    if (name !== 'constructor') Object.defineProperty(Own.prototype, name, { value: wrap(method) });
  }
  return Own;
}

/** The same value with this realm's prototypes. The memory of arrays is shared, not copied. */
function adopt(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (types.isNativeError(value))
    return Object.setPrototypeOf(value, (ERRORS[value.name as 'Error'] ?? Error).prototype);
  if (types.isPromise(value)) return adoptPromise(value);
  const type = ARRAYS[typedArrayName(value) as keyof typeof ARRAYS];
  if (type) {
    const { buffer, byteOffset, length } = value as Float64Array<ArrayBuffer>;
    return new type(buffer, byteOffset, length);
  }
  if (Array.isArray(value)) return Array.from(value, adopt);
  if (isPlain(value)) return Object.fromEntries(Object.entries(value).map(([key, held]) => [key, adopt(held)]));
  return value;
}

async function adoptPromise(promise: Promise<unknown>): Promise<unknown> {
  try {
    return adopt(await promise);
  } catch (error) {
    throw adopt(error);
  }
}
