import type { NDArray } from '../array.js';
import { isNDArray, isRandomState } from '../kind.js';
import type { Label } from '../labels.js';
import type { RandomState } from '../random.js';

/** Checks a value that a file holds, `name` being its path within the file, and returns it as what it is then known to be. */
export type Schema<T> = (name: string, value: unknown) => T;

/** A sentence of the library's shape. */
export function expected(name: string, what: string, value: unknown): Error {
  return new RangeError(`Expected ${name} to be ${what}, got ${shown(value)}`);
}

/** A value of JSON in a few words. */
function shown(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (typeof value === 'string') return `'${value.length > 40 ? `${value.slice(0, 40)}…` : value}'`;
  if (Array.isArray(value)) return `a list of ${value.length}`;
  return typeof value === 'object' && value !== null ? 'an object' : String(value);
}

export const number =
  (low = Number.NEGATIVE_INFINITY, high = Number.POSITIVE_INFINITY): Schema<number> =>
  (name, value) => {
    if (typeof value === 'number' && Number.isFinite(value) && value >= low && value <= high) return value;
    const bounds = high < Number.POSITIVE_INFINITY ? ` in [${low}, ${high}]` : low > -Infinity ? ` >= ${low}` : '';
    throw expected(name, bounds ? `a number${bounds}` : 'a finite number', value);
  };

export const integer =
  (low: number, high = Number.MAX_SAFE_INTEGER): Schema<number> =>
  (name, value) => {
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= low && value <= high) return value;
    if (high < Number.MAX_SAFE_INTEGER) throw expected(name, `an integer in [${low}, ${high}]`, value);
    throw expected(
      name,
      low === 1 ? 'a positive integer' : low === 0 ? 'a non-negative integer' : `an integer >= ${low}`,
      value,
    );
  };

export const text: Schema<string> = (name, value) => {
  if (typeof value === 'string') return value;
  throw expected(name, 'a text', value);
};

export const boolean: Schema<boolean> = (name, value) => {
  if (typeof value === 'boolean') return value;
  throw expected(name, 'true or false', value);
};

export const oneOf =
  <T extends string | number>(...allowed: readonly T[]): Schema<T> =>
  (name, value) => {
    if (allowed.includes(value as T)) return value as T;
    const list = allowed.map((item) => (typeof item === 'string' ? `'${item}'` : String(item)));
    throw expected(name, list.length > 1 ? `one of ${list.join(', ')}` : list[0], value);
  };

/** The first of several that takes the value; `what` says all of them. */
export const either =
  <T>(what: string, ...schemas: readonly Schema<T>[]): Schema<T> =>
  (name, value) => {
    for (const schema of schemas) {
      try {
        return schema(name, value);
      } catch {
        // the next one may take it
      }
    }
    throw expected(name, what, value);
  };

export const list =
  <T>(item: Schema<T>, least = 0): Schema<readonly T[]> =>
  (name, value) => {
    if (!Array.isArray(value)) throw expected(name, 'a list', value);
    if (value.length < least) throw expected(name, `a list of ${least} or more`, value);
    for (let i = 0; i < value.length; i++) item(`${name}[${i}]`, value[i]);
    return value;
  };

export const record =
  <T>(item: Schema<T>): Schema<Readonly<Record<string, T>>> =>
  (name, value) => {
    if (!isObject(value)) throw expected(name, 'an object', value);
    for (const [key, entry] of Object.entries(value)) item(`${name}.${key}`, entry);
    return value as Record<string, T>;
  };

/** An object of these fields, the optional ones if they are there; more of them are a later version's. */
export const object =
  <T extends object>(fields: { [K in keyof T]-?: Schema<T[K]> }, optional: readonly (keyof T)[] = []): Schema<T> =>
  (name, value) => {
    if (!isObject(value)) throw expected(name, 'an object', value);
    for (const key of Object.keys(fields) as (keyof T & string)[]) {
      const entry = Object.hasOwn(value, key) ? value[key] : undefined;
      if (entry !== undefined || !optional.includes(key)) fields[key](`${name}.${key}`, entry);
    }
    return value as T;
  };

/** A class label. */
export const label: Schema<Label> = (name, value) => {
  if (typeof value === 'string' || typeof value === 'boolean' || Number.isFinite(value)) return value as Label;
  throw expected(name, 'a finite number, a text, true or false', value);
};

/** An array of floats, of so many dimensions. */
export function floats(ndim?: number): Schema<NDArray> {
  return (name, value) => {
    if (isNDArray(value) && value.dtype !== 'int32' && (ndim === undefined || value.ndim === ndim)) return value;
    throw expected(name, ndim === undefined ? 'an array of floats' : `an array of floats of ${ndim} dimensions`, value);
  };
}

export const randomState: Schema<RandomState> = (name, value) => {
  if (isRandomState(value)) return value;
  throw expected(name, 'a RandomState', value);
};

/** An array of one dimension, of finite numbers. */
export const vector: Schema<NDArray> = (name, value) => {
  if (!isNDArray(value) || value.ndim !== 1) throw expected(name, 'an array of one dimension', value);
  const at = value.data.findIndex((v: number) => !Number.isFinite(v));
  if (at >= 0) throw expected(`${name}[${at}]`, 'a finite number', value.data[at]);
  return value;
};

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
