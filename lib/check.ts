import { factoryKind, isNDArray, isPlain, isProxy, isRandomState, property, typedArrayName } from './kind.js';

/** A message is one sentence: values are cut to about this many characters. */
const ROOM = 100;

/**
 * Describes a received value for an error message: `0 (number)`, `'relu' (string)`, `huber (function)`, `Float64Array(3)`,
 * `{"units":0}`. Never throws and runs no getter of a plain object, whatever the value is.
 */
function describe(actual: unknown): string {
  if (actual === null || actual === undefined) return String(actual);
  if (typeof actual === 'string') return `'${cut(actual)}' (string)`;
  if (isProxy(actual)) return 'a Proxy';
  if (typeof actual === 'function') {
    const name = property(actual, 'name');
    return typeof name === 'string' && name ? `${cut(name)} (function)` : 'a function';
  }
  if (typeof actual !== 'object') return `${cut(String(actual))} (${typeof actual})`;
  const type = typedArrayName(actual) ?? (Array.isArray(actual) ? 'Array' : undefined);
  if (type) return `${type}(${(actual as ArrayLike<unknown>).length})`;
  if (isPlain(actual)) return cut(brief(actual));
  const name = property(property(actual, 'constructor'), 'name');
  return typeof name === 'string' && name ? cut(name) : 'an object';
}

/** Of a value that may be large, cyclic or deep: the JSON of its first entries. */
function brief(value: unknown, depth = 0): string {
  if (typeof value === 'string') return JSON.stringify(cut(value));
  if (typeof value !== 'object' || value === null) return typeof value === 'function' ? '…' : cut(String(value));
  if (depth > 2 || isProxy(value)) return '…';
  if (Array.isArray(value)) {
    const items = Array.from({ length: Math.min(value.length, 5) }, (_, i) => brief(own(value, i), depth + 1));
    return `[${items.join(',')}${value.length > 5 ? ',…' : ''}]`;
  }
  if (!isPlain(value)) return '…';
  const entries: string[] = [];
  for (const key in value) {
    const held = own(value, key);
    if (held === undefined) continue; // as JSON.stringify
    if (entries.length === 10) return `{${entries.join(',')},…}`;
    entries.push(`${JSON.stringify(cut(key))}:${brief(held, depth + 1)}`);
  }
  return `{${entries.join(',')}}`;
}

/** What a property holds. Getters are not run, and count as functions. */
function own(value: object, key: string | number): unknown {
  const descriptor = Object.getOwnPropertyDescriptor(value, key);
  return descriptor && !('value' in descriptor) ? own : descriptor?.value;
}

/** On one line, and no longer than a sentence has room for. */
export function cut(text: string, room = ROOM): string {
  const start = text.length > room ? `${text.slice(0, room - 1)}…` : text;
  return start.replace(/[\p{Cc}\u2028\u2029]/gu, escaped);
}

/** Text of someone's file for a terminal, which would take control characters but line ends and tabs for orders. */
export const harmless = (text: string): string => text.replace(/(?![\n\t])\p{Cc}/gu, escaped);

const escaped = (c: string) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`;

const sentence = (name: string, expected: string, actual: unknown) =>
  `Expected ${name} to be ${expected}, got ${describe(actual)}`;

/** A TypeError in the library's one sentence shape: the value is of the wrong kind. */
export function wrongType(name: string, expected: string, actual: unknown): TypeError {
  return new TypeError(sentence(name, expected, actual));
}

/** A RangeError in the library's one sentence shape: the kind is right, the value is not. */
export function wrongValue(name: string, expected: string, actual: unknown): RangeError {
  return new RangeError(sentence(name, expected, actual));
}

/** The same for an array whose shape is not the one expected. */
export function wrongShape(name: string, expected: string, shape: readonly number[]): RangeError {
  return new RangeError(`Expected ${name} to be ${expected}, got shape [${shape.join(', ')}]`);
}

/** An Error with a stable `code`, such as ERR_BUSY. */
export function failure(code: string, message: string, options?: ErrorOptions): Error & { code: string } {
  return Object.assign(new Error(message, options), { code });
}

/** For what `fit` has to make known: an Error with code ERR_NOT_FITTED. */
export const notFitted = (name: string, member: string) =>
  failure('ERR_NOT_FITTED', `Expected ${name} to be fitted before ${member} is used`);

export function checkNumber(name: string, value: unknown, expected = 'a finite number'): number {
  if (typeof value !== 'number') throw wrongType(name, expected, value);
  if (!Number.isFinite(value)) throw wrongValue(name, expected, value);
  return value;
}

/** A finite number with `low <= value <= high`; `open` excludes the bounds it names. */
export function checkInterval(
  name: string,
  value: unknown,
  low: number,
  high: number,
  open: '' | 'low' | 'high' | 'both' = '',
): number {
  const left = open === 'low' || open === 'both';
  const right = open === 'high' || open === 'both';
  const range =
    high === Number.POSITIVE_INFINITY
      ? low === 0
        ? `a ${left ? 'positive' : 'non-negative'} number`
        : `a number ${left ? '>' : '>='} ${low}`
      : `a number in ${left ? '(' : '['}${low}, ${high}${right ? ')' : ']'}`;
  const x = checkNumber(name, value, range);
  if (x < low || x > high || (left && x === low) || (right && x === high)) throw wrongValue(name, range, value);
  return x;
}

export function checkInteger(name: string, value: unknown, low = Number.MIN_SAFE_INTEGER): number {
  const expected =
    low === 1
      ? 'a positive integer'
      : low === 0
        ? 'a non-negative integer'
        : low === Number.MIN_SAFE_INTEGER
          ? 'an integer'
          : `an integer >= ${low}`;
  if (typeof value !== 'number') throw wrongType(name, expected, value);
  if (!Number.isSafeInteger(value) || value < low) throw wrongValue(name, expected, value);
  return value;
}

export function checkBoolean(name: string, value: unknown): boolean {
  if (typeof value !== 'boolean') throw wrongType(name, 'a boolean', value);
  return value;
}

/** As many names as a sentence has room for. */
function listed(names: readonly string[]): string {
  const all = names.map((name) => `'${name}'`);
  let [shown, length] = [0, 0];
  for (; shown < all.length && length < 400; shown++) length += all[shown].length + 2;
  const first = all.slice(0, shown).join(', ');
  return shown < all.length ? `${first} and ${all.length - shown} more` : first;
}

export function checkOneOf<S extends string>(name: string, value: unknown, allowed: readonly S[]): S {
  const expected = `one of ${listed(allowed)}`;
  if (typeof value !== 'string') throw wrongType(name, expected, value);
  if (!allowed.includes(value as S)) throw wrongValue(name, `${expected}${didYouMean(value, allowed)}`, value);
  return value as S;
}

/**
 * What a factory passed uncalled (`activations.relu`) makes without options; anything else as it is.
 * @param factories a table that `brandFactories` marked, as `input` may be of another copy's
 */
export function called(input: unknown, factories: Readonly<Record<string, unknown>>): unknown {
  if (typeof input !== 'function') return input;
  const kind = factoryKind(input);
  return kind !== undefined && kind === factoryKind(Object.values(factories)[0]) ? input() : input;
}

/** Refuses what options cannot be read from: nothing, a list, a Map, whose options would be none. */
export function checkObject(name: string, options: object, expected = 'an object'): void {
  if (!isOptions(options)) throw wrongType(name, expected, options);
}

/**
 * Refuses what a function would pass over, given beside its n arguments; what `map` and `reduce` give beside is not.
 * @param which of the arguments, said behind their number
 */
export function checkAlone(name: string, n: number, others: readonly unknown[], which = ''): void {
  const isOfLoop = others.length === 2 && typeof others[0] === 'number' && Array.isArray(others[1]);
  if (isOfLoop || others.every((other) => other === undefined)) return;
  throw new TypeError(
    `Expected ${name} to be given ${n} argument${n === 1 ? '' : 's'}${which || ','} got ${n + others.length}`,
  );
}

/** Refuses what a function of options alone would pass over, and such as `dense(3)`; not the place that `Array.from` gives. */
export function checkOptionsAlone(name: string, [options, ...others]: readonly unknown[]): void {
  if (options === undefined && others.length === 1 && typeof others[0] === 'number') return;
  if (options !== undefined) checkObject(`the options of ${name}`, options as object);
  checkAlone(name, 1, others);
}

/** Has the functions of a table such as `layers` refuse what is given beside their options; not those that take something before these. */
export function takeOptionsAlone<T extends Record<string, unknown>>(
  kind: string,
  table: T,
  but: readonly (keyof T)[] = [],
): void {
  for (const [name, make] of Object.entries(table)) {
    if (but.includes(name)) continue;
    const checked = (...given: never[]) => {
      checkOptionsAlone(`${kind}.${name}`, given);
      return (make as (...given: never[]) => object)(...given);
    };
    Object.assign(table, { [name]: Object.defineProperty(checked, 'name', { value: name }) });
  }
}

/** Refuses what was assigned under the name of a parameter, as scikit-learn's estimators take it: here it would be passed over. */
export function checkAssigned(estimator: object, parameters: readonly string[]): void {
  for (const name of parameters)
    if (Object.hasOwn(estimator, name))
      throw new TypeError(
        `Expected ${name} to be set by setParams({ ${name} }), and not as a property of the estimator`,
      );
}

/** Refuses option names that do not exist, naming the nearest one that does; of what is no options at all, such as a layer, its class. */
export function checkOptions(name: string, options: object, allowed: readonly string[], expected = 'an object'): void {
  checkObject(name, options, expected);
  const unknown = Object.keys(options).find((key) => !allowed.includes(key));
  if (unknown === undefined) return;
  const refused =
    isPlain(options) || isProxy(options)
      ? `Expected ${name} to have no option '${cut(unknown)}'${didYouMean(unknown, allowed)}`
      : sentence(name, expected, options);
  throw new TypeError(`${refused}; there are${allowed.length > 0 ? `: ${allowed.join(', ')}` : ' none'}`);
}

/** `options` over `base` over `defaults`. Of an option that is undefined the default counts. @throws as `checkOptions` does */
export function optionsOver<P extends object>(options: object, defaults: P, base: object = {}): P {
  checkOptions('options', options, Object.keys(defaults));
  const given = Object.entries(options).map(([name, value]) => [
    name,
    value === undefined ? defaults[name as keyof P] : value,
  ]);
  return { ...defaults, ...base, ...Object.fromEntries(given) };
}

export function checkVerbose(verbose: unknown): void {
  if (typeof verbose === 'boolean') return;
  if (typeof verbose !== 'number') throw wrongType('verbose', 'a boolean or a non-negative integer', verbose);
  checkInteger('verbose', verbose, 0);
}

function isOptions(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false;
  try {
    if (Object.getPrototypeOf(value) === Object.prototype) return true;
    if (isRandomState(value) || isNDArray(value)) return false;
    return /^\[object (Object|Module)\]$/.test(Object.prototype.toString.call(value));
  } catch {
    return false; // a Proxy that was revoked
  }
}

/**
 * ` (did you mean 'relu'?)` for the nearest allowed name: within two edits, and half of the longer one at most, or one that holds
 * the other, else nothing.
 */
export function didYouMean(value: string, allowed: readonly string[]): string {
  if (value.length > ROOM) return '';
  const plain = (name: string) => name.toLowerCase().replace(/[^\p{L}\p{N}]/gu, '');
  const wanted = plain(value);
  let best = '';
  let least = 3;
  for (const name of allowed) {
    const d = editDistance(wanted, plain(name));
    if (d < least && 2 * d <= Math.max(wanted.length, plain(name).length)) {
      least = d;
      best = name;
    }
  }
  const holds = (a: string, b: string) => b.length > 2 && a.includes(b);
  best ||= allowed.find((name) => holds(plain(name), wanted) || holds(wanted, plain(name))) ?? '';
  return best && best !== value ? ` (did you mean '${best}'?)` : '';
}

/** The place of the first of several that stands before it already, -1 for none: of many, such as names of columns. */
export function twiceIn(list: readonly unknown[]): number {
  const seen = new Set<unknown>();
  return list.findIndex((each) => seen.has(each) || !seen.add(each));
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++)
      next[j] = Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1));
    row = next;
  }
  return row[b.length];
}
