// What the layers of a functional model of Keras are applied to: as version 3 writes it, and as version 2 did.
import { NDArray } from '../../array.js';
import { checkInteger, wrongType, wrongValue } from '../../check.js';
import type { Value } from '../../graph/value.js';
import type { JsonObject } from '../../io/model-file.js';
import { isPlain } from '../../kind.js';
import { ELLIPSIS, type Slice } from './items-in.js';
import type { Given } from './operations-in.js';

/** The place of a value: number `output` of what node `node` of a layer gave. */
export interface Reference {
  readonly layer: string;
  readonly node: number;
  readonly output: number;
  /** Whether the file says that it holds booleans. */
  readonly isBoolean?: boolean;
}

/** An argument before values are known. */
export type Argument = Reference | NDArray | number | boolean | string | null | Slice | readonly Argument[];

export interface CallNode {
  readonly args: readonly Argument[];
  readonly kwargs: Readonly<Record<string, Argument>>;
  /** Where the masks were made that it is given beside its inputs. */
  readonly masks?: readonly (Reference | null)[];
}

/** Lists within lists: no one writes more. */
const MAX_DEPTH = 8;

export const isReference = (argument: Argument): argument is Reference =>
  typeof argument === 'object' && argument !== null && 'output' in argument;

/** The place that a list [name, node, output] says. */
export function readReference(place: string, given: unknown): Reference {
  if (!Array.isArray(given) || given.length < 3 || typeof given[0] !== 'string')
    throw wrongType(place, 'the place of a value, [layer, node, output]', given);
  const [layer, node, output] = given;
  return { layer, node: checkInteger(place, node, 0), output: checkInteger(place, output, 0) };
}

/** ["x", 0, 0], or a list or an object of such; and what they are called, where no two have one name. */
export function placesIn(
  place: string,
  given: unknown,
): { list: Reference[]; isList: boolean; names?: readonly string[] } {
  const isOne = Array.isArray(given) && typeof given[0] === 'string';
  const all = isOne ? [given] : isPlain(given) ? Object.values(given) : given;
  if (!Array.isArray(all) || all.length === 0) throw wrongType(place, 'a list of places', given);
  const list = all.map((own, i) => readReference(`${place}[${i}]`, own));
  const names = isPlain(given) ? Object.keys(given) : list.map(({ layer }) => layer);
  return { list, isList: !isOne, ...(new Set(names).size === names.length && { names }) };
}

/** A node of a layer. @throws TypeError or RangeError with its place */
export function readNode(place: string, given: unknown): CallNode {
  const { args, kwargs } = readArguments(place, given);
  const { mask = null, ...others } = kwargs;
  const masks = Array.isArray(mask) ? mask : [mask];
  const isMask = (own: Argument): own is Reference | null => own === null || isReference(own);
  if (!masks.every(isMask)) throw wrongType(`${place}.mask`, 'a value, if any, or a list of some', mask);
  return { args, kwargs: others, ...(mask !== null && { masks }) };
}

function readArguments(place: string, given: unknown): CallNode {
  if (Array.isArray(given)) return readNode2(place, given);
  if (!isPlain(given) || !Array.isArray(given.args) || !isPlain(given.kwargs))
    throw wrongType(place, 'an object of args and kwargs', given);
  const kwargs = Object.entries(given.kwargs).map(([key, value]) => [key, argument3(`${place}.${key}`, value, 0)]);
  return {
    args: given.args.map((value, i) => argument3(`${place}.args[${i}]`, value, 0)),
    kwargs: Object.fromEntries(kwargs),
  };
}

function argument3(place: string, given: unknown, depth: number): Argument {
  if (depth > MAX_DEPTH) throw wrongValue(place, `at most ${MAX_DEPTH} lists deep`, depth);
  if (Array.isArray(given)) return given.map((value, i) => argument3(`${place}[${i}]`, value, depth + 1));
  if (!isPlain(given)) return given as Argument;
  const config = isPlain(given.config) ? given.config : {};
  switch (given.class_name) {
    case '__keras_tensor__':
      return { ...readReference(place, config.keras_history), ...(config.dtype === 'bool' && { isBoolean: true }) };
    case '__numpy__':
    case '__tensor__':
      return typeof config.value === 'number' ? config.value : NDArray.from(config.value as number[]);
    case '__ellipsis__':
      return ELLIPSIS;
    case '__slice__':
      return readSlice(place, config);
  }
  throw wrongValue(place, 'a value, numbers or a slice', given.class_name);
}

function readSlice(place: string, { start, stop, step: given }: JsonObject): Slice {
  const bound = (value: unknown) => (value === null || value === undefined ? null : checkInteger(place, value));
  const step = checkInteger(`${place}.step`, given ?? 1);
  if (step === 0) throw wrongValue(`${place}.step`, 'other than 0', step);
  return { start: bound(start), stop: bound(stop), step };
}

/**
 * [["dense", 0, 0, {}]], one or more of which are a list of inputs; other arguments stand in the first one's object. Of an operation of
 * TensorFlow the input of one is not in a list.
 */
function readNode2(place: string, given: readonly unknown[]): CallNode {
  const all = typeof given[0] === 'string' ? [given] : given;
  const inputs = all.map((input, i) => readInput2(`${place}[${i}]`, input));
  if (inputs.length === 0) throw wrongType(place, 'a list of one input or more', given);
  const [, , , named = {}] = all[0] as readonly unknown[];
  if (!isPlain(named)) throw wrongType(place, 'an object of other arguments', named);
  const kwargs = Object.entries(named).map(([key, value]) => [key, argument2(`${place}.${key}`, value, 0)]);
  return { args: [inputs.length === 1 ? inputs[0] : inputs], kwargs: Object.fromEntries(kwargs) };
}

/** The place of a value, or numbers: ["_CONSTANT_VALUE", -1, 0.5, {}]. */
function readInput2(place: string, given: unknown): Argument {
  const isConstant = Array.isArray(given) && given[0] === '_CONSTANT_VALUE';
  return isConstant ? argument2(place, given[2], 0) : readReference(place, given);
}

function argument2(place: string, given: unknown, depth: number): Argument {
  if (depth > MAX_DEPTH) throw wrongValue(place, `at most ${MAX_DEPTH} lists deep`, depth);
  if (isPlain(given)) return 'stop' in given ? readSlice(place, given) : argument3(place, given, depth);
  if (!Array.isArray(given)) return given as Argument;
  if (typeof given[0] === 'string' && given.length === 3) return readReference(place, given);
  return given.map((value, i) => argument2(`${place}[${i}]`, value, depth + 1));
}

/** The places that a node reads. */
export function referencesIn({ args, kwargs }: CallNode): Reference[] {
  const found: Reference[] = [];
  const visit = (argument: Argument): void => {
    if (Array.isArray(argument)) argument.forEach(visit);
    else if (isReference(argument)) found.push(argument);
  };
  args.forEach(visit);
  Object.values(kwargs).forEach(visit);
  return found;
}

/** An argument with its values. */
export function resolved(argument: Argument, valueAt: (reference: Reference) => Value): Given {
  if (Array.isArray(argument)) return argument.map((own) => resolved(own, valueAt));
  return isReference(argument) ? valueAt(argument) : (argument as Given);
}
