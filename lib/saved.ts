import type { NDArray } from './array.js';
import { checkAlone, checkObject, failure, wrongType, wrongValue } from './check.js';
import { at, ofFile } from './io/file-errors.js';
import { type JsonObject, loadModel, type ModelFile, modelBytes, parseModel, saveModel } from './io/model-file.js';
import { expected } from './io/schema.js';
import { hasMethods, isNDArray, isPlain, isRandomState } from './kind.js';
import { RandomState } from './random.js';

/** What a file keeps of an object. Its values: JSON's, NaN and the infinities, NDArrays, RandomStates, saved objects, a network. */
export interface Parts {
  /** What makes it again. */
  readonly config: object;
  /** What `fit` found; absent before. */
  readonly state?: object | undefined;
}

/** Symbols of the registry, so that all copies of the package in a process know each other's objects. */
const PARTS = Symbol.for('fjordnet.parts');
const NETWORK = Symbol.for('fjordnet.network');

interface SavedClass {
  readonly className: string;
  /** Of values that come from a file, and may be anything. */
  revive(config: any, state: any): object;
}

const classes = new Map<string, SavedClass>();

/** Has files with this class load again. */
export function registerSaved(type: SavedClass): void {
  classes.set(type.className, type);
}

/** The same of what its own fields make again, as parts of other objects: splitters. */
export function registerFields(type: (new (options: any) => object) & { readonly className: string }): void {
  classes.set(type.className, { className: type.className, revive: (config) => new type(config) });
  Object.defineProperty(type.prototype, PARTS, {
    value(this: object): Parts {
      return { config: { ...this } };
    },
  });
}

/** How a network within an object is saved: networks know, and are above this. */
interface Networks {
  read(file: ModelFile): object;
}
let networks: Networks | undefined;

export function registerNetworks(own: Networks): void {
  networks = own;
}

/** A network takes part in files by this method. */
export const networkFile = NETWORK;

/** What of a network is written for other programs, it says by this method. */
export const networkExport = Symbol.for('fjordnet.export');

const isNetwork = (value: unknown): value is { [NETWORK](): ModelFile } =>
  typeof value === 'object' && value !== null && typeof (value as { [NETWORK]?: unknown })[NETWORK] === 'function';

const isSaved = (value: unknown): value is Saved =>
  typeof value === 'object' && value !== null && typeof (value as { [PARTS]?: unknown })[PARTS] === 'function';

type ClassOf<T> = (abstract new (...args: never[]) => T) & { readonly className: string };

/**
 * What can be saved into one file and travel: transformers, estimators, pipelines, predictors. The file is of the safetensors
 * format, and is replaced at once or not at all; all of it is checked before anything of it is used.
 */
export abstract class Saved {
  static readonly className: string;

  /** What a file keeps of it. */
  protected abstract parts(): Parts;

  /** Takes over what a file says `fit` found; it may say anything. @throws TypeError or RangeError with the place of what is wrong */
  protected abstract restore(state: unknown): void;

  [PARTS](): Parts {
    return this.parts();
  }

  /** Makes one of what a file says of it. For files. */
  static revive(config: never, state: unknown): Saved {
    // biome-ignore lint/complexity/noThisInStatic: the class that it is called of is the one that is meant
    const made = new (this as unknown as new (config: never) => Saved)(config);
    if (state !== undefined) made.restore(state);
    return made;
  }

  /**
   * Saves it, fitted or not, with all that is in it.
   * @throws TypeError, before anything is written, for a part that could not be loaded again; the file system's error (ENOENT …)
   */
  save(path: string | URL): Promise<void>;
  async save(path: string | URL, ...others: unknown[]): Promise<void> {
    checkAlone('save', 1, others);
    await saveModel(path, fileOf(this));
  }

  /** What `save` writes. @throws TypeError for a part that could not be loaded again */
  toBytes(): Uint8Array<ArrayBuffer>;
  toBytes(...others: unknown[]): Uint8Array<ArrayBuffer> {
    checkAlone('toBytes', 0, others);
    return modelBytes(fileOf(this));
  }

  /**
   * What `save` wrote.
   * @throws Error with code ERR_FORMAT, the place and the reason, if the file is damaged or holds something else; the file system's
   */
  static async load<T extends Saved>(this: ClassOf<T>, path: string | URL): Promise<T> {
    const file = await loadModel(path);
    // biome-ignore lint/complexity/noThisInStatic: the class that it is called of is the one that is meant
    return ofFile(path, () => ofClass(this.className, objectIn(file))) as T;
  }

  /** What `toBytes` made. @throws as `load` does */
  static fromBytes<T extends Saved>(this: ClassOf<T>, bytes: Uint8Array): T {
    const file = parseModel(bytes);
    // biome-ignore lint/complexity/noThisInStatic: the class that it is called of is the one that is meant
    return ofFile('the bytes', () => ofClass(this.className, objectIn(file))) as T;
  }
}

function ofClass(className: string, value: object): object {
  const own = classNameOf(value);
  if (own !== className)
    throw new TypeError(
      `Expected a ${className}, got a ${own ?? 'network'} (${own ?? 'Model'}.load, or loadPredictor, reads it)`,
    );
  return value;
}

const classNameOf = (value: object) => (isSaved(value) ? (value.constructor as typeof Saved).className : undefined);

/** The file of an object: a network in it lies in the file as if it were alone. */
export function fileOf(value: Saved): ModelFile {
  const writer = new Writer();
  const object = writer.write('it', value) as JsonObject;
  return { ...writer.network, object: { json: object, arrays: writer.arrays } };
}

/** What a file would keep of a value; undefined for what is no saved object. */
export const partsOf = (value: unknown): (Parts & { readonly className: string | undefined }) | undefined =>
  isSaved(value) ? { className: classNameOf(value), ...value[PARTS]() } : undefined;

/** The object of a file. @throws TypeError or RangeError with the place of what it cannot be made of */
export function objectIn(file: ModelFile): object {
  const { object } = file;
  if (!object) {
    if (!networks) throw failure('ERR_FORMAT', 'it holds a network alone');
    return networks.read(file);
  }
  return new Reader(file).read('object', object.json) as object;
}

/** Marks of what is no JSON. A record of the caller's own never stands beside them: it has a mark, too. */
type Marked =
  | { readonly $: 'number'; readonly value: string }
  | { readonly $: 'array'; readonly number: number }
  | { readonly $: 'date'; readonly value: number }
  | {
      readonly $: 'random';
      readonly key: number;
      readonly position: number;
      readonly hasGauss: number;
      readonly cachedGaussian: string;
    }
  | { readonly $: 'object'; readonly className: string; readonly config: unknown; readonly state?: unknown }
  | { readonly $: 'network'; readonly number?: number; readonly length?: number };

class Writer {
  readonly arrays: { readonly shape: readonly number[]; readonly data: NDArray['data'] | Uint32Array }[] = [];
  network: ModelFile | undefined;

  write(place: string, value: unknown): unknown {
    if (typeof value === 'number')
      return Number.isFinite(value) && !Object.is(value, -0)
        ? value
        : ({ $: 'number', value: text(value) } satisfies Marked);
    if (value === null || typeof value === 'string' || typeof value === 'boolean') return value;
    if (Array.isArray(value)) return value.map((item, i) => this.write(`${place}[${i}]`, item));
    if (isNDArray(value)) return { $: 'array', number: this.arrays.push(value) - 1 } satisfies Marked;
    if (isRandomState(value)) return this.#random(value);
    if (isSaved(value)) return this.#object(place, value);
    if (isNetwork(value)) {
      if (this.network) return this.#inside(value[NETWORK]());
      this.network = value[NETWORK]();
      return { $: 'network' } satisfies Marked;
    }
    if (isPlain(value)) {
      const entries = Object.entries(value).filter(([, held]) => held !== undefined);
      return Object.fromEntries(entries.map(([key, held]) => [key, this.write(`${place}.${key}`, held)]));
    }
    const what = hasMethods(value, 'fit')
      ? 'one of Fjordnet’s own, as only these can be loaded again'
      : 'a value that can be saved';
    throw wrongType(place, what, value);
  }

  #object(place: string, value: Saved): Marked {
    const type = value.constructor as typeof Saved;
    if (!Object.hasOwn(type, 'className') || !classes.has(type.className))
      throw wrongType(place, 'one of Fjordnet’s own, as only these can be loaded again', value);
    const { config, state } = value[PARTS]();
    const own = `${type.className}`;
    // what was found first: its network is the one that the file is of
    const found = state !== undefined && { state: this.write(own, { ...state }) };
    return { $: 'object', className: type.className, config: this.write(own, { ...config }), ...found };
  }

  /** A network beside that of the file: a file within it. */
  #inside(file: ModelFile): Marked {
    const bytes = modelBytes(file);
    const data = new Uint32Array(Math.ceil(bytes.length / 4));
    new Uint8Array(data.buffer).set(bytes);
    return { $: 'network', number: this.arrays.push({ shape: [data.length], data }) - 1, length: bytes.length };
  }

  #random(random: RandomState): Marked {
    const [, key, position, hasGauss, cachedGaussian] = random.getState();
    const number = this.arrays.push({ shape: [key.length], data: key }) - 1;
    return { $: 'random', key: number, position, hasGauss, cachedGaussian: text(cachedGaussian) };
  }
}

const text = (value: number) => (Object.is(value, -0) ? '-0' : String(value));

class Reader {
  readonly #file: ModelFile;

  constructor(file: ModelFile) {
    this.#file = file;
  }

  read(place: string, value: unknown): unknown {
    if (Array.isArray(value)) return value.map((item, i) => this.read(`${place}[${i}]`, item));
    if (!isPlain(value)) return value;
    if (value.$ === undefined)
      return Object.fromEntries(Object.entries(value).map(([key, held]) => [key, this.read(`${place}.${key}`, held)]));
    const marked = value as Marked;
    switch (marked.$) {
      case 'number':
        return this.#number(place, marked.value);
      case 'array':
        return this.#array(place, marked.number);
      case 'random':
        return this.#random(place, marked);
      case 'network':
        return this.#network(place, marked);
      case 'object':
        return this.#object(place, marked);
      default:
        throw expected(`${place}.$`, 'a mark that is known', value.$);
    }
  }

  #number(place: string, value: unknown): number {
    if (value === 'NaN') return Number.NaN;
    const number = typeof value === 'string' && value !== '' ? Number(value) : Number.NaN;
    if (Number.isNaN(number)) throw expected(place, 'a number', value);
    return number;
  }

  #array(place: string, number: unknown): NDArray {
    const tensor = this.#tensor(place, number);
    if (!isNDArray(tensor)) throw expected(place, 'the number of an array', number);
    return tensor;
  }

  #tensor(place: string, number: unknown) {
    const tensor = Number.isInteger(number) ? this.#file.object?.arrays[number as number] : undefined;
    if (!tensor) throw expected(place, 'the number of an array in the file', number);
    return tensor;
  }

  #random(place: string, { key, position, hasGauss, cachedGaussian }: Extract<Marked, { $: 'random' }>): RandomState {
    const { data } = this.#tensor(`${place}.key`, key);
    const random = new RandomState(0);
    at(place, () =>
      random.setState(['MT19937', data as Uint32Array, position, hasGauss, this.#number(place, cachedGaussian)]),
    );
    return random;
  }

  #network(place: string, { number, length }: Extract<Marked, { $: 'network' }>): object {
    const file = number === undefined ? this.#file : this.#inside(place, number, length);
    if (!file.architecture || !networks) throw expected(place, 'a network that is in the file', 'none');
    return networks.read(file);
  }

  #inside(place: string, number: number, length: unknown): ModelFile {
    const { data } = this.#tensor(place, number);
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    if (!Number.isInteger(length) || (length as number) > bytes.length)
      throw expected(`${place}.length`, `at most ${bytes.length}`, length);
    return parseModel(bytes.subarray(0, length as number), place);
  }

  #object(place: string, { className, config, state }: Extract<Marked, { $: 'object' }>): object {
    const type = classes.get(className);
    if (!type) throw wrongValue(`${place}.className`, `one of ${[...classes.keys()].join(', ')}`, className);
    const own = this.read(`${place}.config`, config ?? {});
    const found = state === undefined ? undefined : this.read(`${place}.state`, state);
    return at(place, () => {
      checkObject('config', own as object);
      return type.revive(own, found);
    });
  }
}
