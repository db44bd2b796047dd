import { NDArray } from '../array.js';
import { failure, wrongType, wrongValue } from '../check.js';
import { isFloat32Array, isFloat64Array, isInt32Array, isPlain, isUint32Array, typedArrayName } from '../kind.js';
import type { MT19937State } from '../random.js';
import { warn } from '../warn.js';
import { filePath, type Path, placeOf } from './atomic.js';
import { checkBytes } from './bytes.js';
import { oneFile } from './one-file.js';
import { quoted, sizes } from './read.js';
import {
  formatSafetensors,
  parseSafetensors,
  readSafetensors,
  type Safetensors,
  type Tensor,
  writeSafetensors,
} from './safetensors.js';

/** An object of JSON's values only: no typed arrays, no functions, no NaN or Infinity. */
export type JsonObject = { readonly [key: string]: unknown };

/** What a model file holds: a network, or an object such as a transformer, an estimator, a predictor with a network in it. */
export interface ModelFile {
  /** From which the network is built again. */
  readonly architecture?: JsonObject;
  /** Names are unique; the order is kept, but after another program rewrote the file only the names can be relied on. */
  readonly weights?: readonly (readonly [name: string, values: NDArray])[];
  /** The optimizer's memory. Absent (or empty): none was saved. */
  readonly optimizerState?: readonly (readonly [name: string, values: NDArray])[];
  /** What else resuming needs: epoch, iterations, the optimizer's configuration … */
  readonly training?: JsonObject;
  /** What the user keeps with the network. */
  readonly metadata?: JsonObject;
  /** The generator's state, as RandomState's `getState` gives and `setState` takes it. */
  readonly randomState?: MT19937State;
  /** What is no network, or what is around it: see lib/saved.ts. */
  readonly object?: { readonly json: JsonObject; readonly arrays: readonly Held[] };
}

type Held = NDArray | { readonly shape: readonly number[]; readonly data: NDArray['data'] | Uint32Array };

const FORMAT = 'fjordnet';
const VERSION = 1;
const WEIGHTS = 'weights/';
const OPTIMIZER = 'optimizer/';
const RANDOM_KEY = 'random/key';
const OBJECT = 'object/';
const MAX_DEPTH = 100;
/** Characters of architecture, training or metadata: far more than any network's, far less than what would take all memory. */
const MAX_JSON = 2 ** 25;

/**
 * Writes a model to one safetensors file, atomically: a crash leaves the old file or the new one. Tensors are called
 * `weights/NAME`, `optimizer/NAME`, `random/key` and `object/NUMBER`; `__metadata__` holds format, version, architecture,
 * training, the user's metadata and the object as strings. The arrays are read until the promise is settled.
 *
 * @throws TypeError or RangeError for what cannot be written exactly, before anything is written; Error with the file
 *   system's code (ENOENT, EACCES, ENOSPC …)
 */
export async function saveModel(path: Path, model: ModelFile): Promise<void> {
  const place = placeOf(path);
  await writeSafetensors(place, ...formatModel(model));
  const [ending] = /\.(h5|hdf5|keras|onnx)$/i.exec(place.given) ?? [];
  if (ending === undefined || named.has(ending)) return;
  named.add(ending);
  warn(
    'FJORDNET_ENDING',
    `'${place.given}' is a file in fjordnet's own format, whatever its name: programs that read ${ending} files need one of export(), or of fjordnet convert`,
  );
}

/** Endings of others' files that were warned of: a checkpoint is saved again and again. */
const named = new Set<string>();

/** What `saveModel` writes. */
export const modelBytes = (model: ModelFile): Uint8Array<ArrayBuffer> =>
  oneFile(formatSafetensors(...formatModel(model)));

function formatModel(model: ModelFile): [tensors: (readonly [string, Tensor])[], metadata: Record<string, string>] {
  const { architecture, weights = [], optimizerState = [], training, metadata: own, randomState, object } = model;
  const tensors: (readonly [string, Tensor])[] = [
    ...weights.map(([name, values]) => [WEIGHTS + name, values] as const),
    ...optimizerState.map(([name, values]) => [OPTIMIZER + name, values] as const),
    ...(object?.arrays ?? []).map((array, i) => [OBJECT + i, array] as const),
  ];
  const metadata: Record<string, string> = { format: FORMAT, version: String(VERSION) };
  for (const [name, value] of Object.entries({ architecture, training, metadata: own, object: object?.json }))
    if (value !== undefined) metadata[name] = formatJson(name, value);
  if (randomState !== undefined) {
    const [algorithm, key, position, hasGauss, cachedGaussian] = randomState;
    metadata.randomState = formatJson('randomState', { algorithm, position, hasGauss, cachedGaussian });
    tensors.push([RANDOM_KEY, { shape: [key.length], data: key }]);
  }
  return [tensors, metadata];
}

/**
 * Reads what `saveModel` wrote. What was not saved is absent: of `architecture` and `object` one is there, of an object that
 * holds a network both.
 *
 * @throws Error with code ERR_FORMAT and the reason if the file is damaged, hostile, no model, or of a later version;
 *   ERR_MEMORY if it does not fit into memory; the file system's code (ENOENT …)
 */
export async function loadModel(path: string | URL): Promise<ModelFile> {
  return modelOf(`'${filePath(path)}'`, await readSafetensors(path));
}

/** The same of what `modelBytes` made. @throws TypeError for what is no Uint8Array */
export function parseModel(bytes: Uint8Array, source = 'the bytes'): ModelFile {
  checkBytes('bytes', bytes);
  return modelOf(source, parseSafetensors(bytes, source));
}

function modelOf(source: string, { tensors, metadata }: Safetensors): ModelFile {
  const damaged = (reason: string) => failure('ERR_FORMAT', `Cannot load a model from ${source}: ${reason}`);
  const format = metadata.get('format');
  if (format !== FORMAT)
    throw damaged(
      `it is a safetensors file ${format === undefined ? 'without a format' : `of format ${quoted(format)}`}; ` +
        "weights of another library are read by a network's loadWeights, with layout",
    );
  const version = metadata.get('version');
  if (version !== String(VERSION))
    throw damaged(
      `it is of version ${version === undefined ? '(none)' : version.slice(0, 20)}, this Fjordnet reads version ${VERSION}`,
    );

  const json = (name: string): JsonObject | undefined => {
    const text = metadata.get(name);
    return text === undefined ? undefined : parseJson(text, (reason) => damaged(`its ${name} ${reason}`));
  };
  const [architecture, training, own, random, object] = [
    'architecture',
    'training',
    'metadata',
    'randomState',
    'object',
  ].map(json);
  if (architecture === undefined && object === undefined) throw damaged('it has no architecture');

  const weights: (readonly [string, NDArray])[] = [];
  const optimizerState: (readonly [string, NDArray])[] = [];
  const arrays: Held[] = [];
  let key: Uint32Array | undefined;
  for (const [name, { shape, data }] of tensors) {
    const list = name.startsWith(WEIGHTS) ? weights : name.startsWith(OPTIMIZER) ? optimizerState : undefined;
    const values =
      isFloat32Array(data) || isFloat64Array(data) || isInt32Array(data) ? NDArray.wrap(data, shape) : undefined;
    const number = name.startsWith(OBJECT) ? Number(name.slice(OBJECT.length)) : -1;
    if (list && values) list.push([name.slice(list === weights ? WEIGHTS.length : OPTIMIZER.length), values]);
    else if (name === RANDOM_KEY && isUint32Array(data) && data.length === 624) key = data;
    else if (object && number >= 0 && number < tensors.size && (values || isUint32Array(data)))
      arrays[number] = values ?? { shape, data: data as Uint32Array };
    else
      throw damaged(`its tensor ${quoted(name)} (${typedArrayName(data)}, shape [${sizes(shape)}]) is none of a model`);
  }
  return {
    ...(architecture && { architecture }),
    weights,
    ...(optimizerState.length > 0 ? { optimizerState } : {}),
    ...(training ? { training } : {}),
    ...(own ? { metadata: own } : {}),
    ...(random ? { randomState: readRandomState(random, key, damaged) } : {}),
    ...(object && { object: { json: object, arrays } }),
  };
}

function readRandomState(
  { algorithm, position, hasGauss, cachedGaussian }: JsonObject,
  key: Uint32Array | undefined,
  damaged: (reason: string) => Error,
): MT19937State {
  const valid =
    algorithm === 'MT19937' &&
    Number.isInteger(position) &&
    (position as number) >= 0 &&
    (position as number) <= 624 &&
    (hasGauss === 0 || hasGauss === 1) &&
    Number.isFinite(cachedGaussian);
  if (!valid || !key) throw damaged('its randomState is not that of an MT19937 generator');
  return ['MT19937', key, position as number, hasGauss as number, cachedGaussian as number];
}

/** A copy that nobody can change, of what can be saved. @throws TypeError or RangeError naming the place of what cannot */
export const frozenJson = (name: string, value: JsonObject): JsonObject =>
  JSON.parse(formatJson(name, value), (_, part) => Object.freeze(part));

/** JSON that reads back as the same value, or an error. */
function formatJson(name: string, value: JsonObject): string {
  checkJson(value, (path, what, actual) =>
    typeof actual === 'number' ? wrongValue(name + path, what, actual) : wrongType(name + path, what, actual),
  );
  const text = JSON.stringify(value);
  if (text.length > MAX_JSON) throw wrongValue(name, `of at most ${MAX_JSON} characters as JSON`, text.length);
  return text;
}

function parseJson(text: string, damaged: (reason: string) => Error): JsonObject {
  if (text.length > MAX_JSON) throw damaged(`has ${text.length} characters, more than ${MAX_JSON}`);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw damaged('is not JSON');
  }
  checkJson(value, (path, what) => damaged(`has ${path.slice(0, 200) || 'a value'} that is not ${what}`));
  return value as JsonObject;
}

/**
 * Walks through without recursion, so that hostile nesting cannot exhaust the stack, and with one frame a level, so that
 * a long list takes no memory of its own.
 */
function checkJson(root: unknown, wrong: (path: string, what: string, actual: unknown) => Error): void {
  if (!isPlain(root)) throw wrong('', 'an object', root);
  const frames: { value: JsonObject | unknown[]; keys: string[] | undefined; at: number }[] = [];
  const path = (): string => frames.map(({ keys, at }) => (keys ? `.${keys[at - 1]}` : `[${at - 1}]`)).join('');
  const enter = (value: JsonObject | unknown[]) => {
    if (frames.length > MAX_DEPTH) throw wrong(path().slice(0, 40), `at most ${MAX_DEPTH} levels deep`, frames.length);
    const keys = Array.isArray(value) ? undefined : Object.keys(value);
    frames.push({ value, keys, at: 0 });
  };
  enter(root);
  for (let frame = frames.at(-1); frame; frame = frames.at(-1)) {
    const { value, keys } = frame;
    if (frame.at === (keys ?? (value as unknown[])).length) {
      frames.pop();
      continue;
    }
    const key = keys ? keys[frame.at] : frame.at;
    const item = (value as Record<string | number, unknown>)[key];
    frame.at++;
    if (key === '__proto__') throw wrong(path(), 'a name that is not reserved', value);
    if (keys && item === undefined) continue;
    if (Array.isArray(item) || isPlain(item)) enter(item);
    else if (typeof item === 'number' ? !Number.isFinite(item) : !isPrimitive(item))
      throw wrong(path(), 'a finite number, a string, a boolean, null, or an array or plain object of these', item);
  }
}

const isPrimitive = (value: unknown) => value === null || typeof value === 'string' || typeof value === 'boolean';
