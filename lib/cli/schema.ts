import { createReadStream } from 'node:fs';
import { textOf } from '../io/text.js';
import { CommandError, EXIT, unreadable } from './errors.js';

/** Checks a value that a file holds, `name` being its path within the file, and returns it as what it is then known to be. */
export type Schema<T> = (name: string, value: unknown) => T;

/** Files that hold more are none of ours. */
const MOST_BYTES = 2 ** 26;
const MOST_DEPTH = 100;

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

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The JSON of a file. @throws CommandError that says why it cannot be read; `what` names what the file should be */
export async function readJson(path: string, what: string): Promise<unknown> {
  const bad = (why: string, cause?: unknown) =>
    new CommandError(EXIT.input, `Expected '${path}' to be ${what}: ${why}`, { cause });
  let content: string;
  try {
    content = await textOf(bounded(createReadStream(path), bad), `'${path}'`);
  } catch (error) {
    throw unreadable(path, error);
  }
  let value: unknown;
  try {
    value = JSON.parse(content);
  } catch (error) {
    throw bad('it is no JSON', error);
  }
  if (isDeep(value)) throw bad(`it is more than ${MOST_DEPTH} levels deep`);
  return value;
}

async function* bounded(chunks: AsyncIterable<Buffer>, bad: (why: string) => Error): AsyncGenerator<Buffer> {
  let bytes = 0;
  for await (const chunk of chunks) {
    bytes += chunk.length;
    if (bytes > MOST_BYTES) throw bad(`it has more than ${MOST_BYTES} bytes`);
    yield chunk;
  }
}

/** Level by level, so that hostile nesting cannot exhaust the stack. */
function isDeep(root: unknown): boolean {
  let level: unknown[] = [root];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > MOST_DEPTH) return true;
    const below: unknown[] = [];
    for (const value of level)
      if (typeof value === 'object' && value !== null) for (const item of Object.values(value)) below.push(item);
    level = below;
  }
  return false;
}
