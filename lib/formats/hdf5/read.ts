import { type Cursor, FileBytes } from './cursor.js';
import { type DatasetHead, datasetHead, type Numbers, readNumbers } from './dataset.js';
import { countOf, type Datatype, readDataspace, readDatatype } from './datatype.js';
import { FractalHeap } from './fractal-heap.js';
import { GlobalHeaps } from './global-heap.js';
import { readLinks } from './links.js';
import { MESSAGE, type Message, readObjectHeader } from './object-header.js';
import { SIGNATURE } from './signature.js';
import { readRecords } from './tree2.js';

const text = new TextDecoder();

/**
 * A file of HDF5 as h5py writes them, with any bounds of versions: groups, arrays of numbers (in one piece or in chunks, by gzip),
 * attributes that are strings. Nothing is read before it is asked for, and whatever the file declares is held against its size.
 *
 * @throws Error with code ERR_FORMAT and the reason
 */
export function openHdf5(bytes: Uint8Array, source: string): Group {
  const file = new FileBytes(bytes, source);
  if (!SIGNATURE.every((byte, i) => bytes[i] === byte)) throw file.wrong('does not begin as such');
  const head = file.at(8);
  const version = head.u8();
  if (version > 3) throw file.wrong(`is of version ${version}, not 0 to 3`);
  const [offsets, lengths] = version < 2 ? [head.skip(4).u8(), head.u8()] : [head.u8(), head.u8()];
  if (offsets !== 8 || lengths !== 8)
    throw file.wrong(`has places of ${offsets} and lengths of ${lengths} bytes, not 8`);
  head.skip(version < 2 ? 9 + (version === 1 ? 4 : 0) : 1);
  if (head.u64() !== 0) throw file.wrong('does not begin at its beginning');
  head.skip(version < 2 ? 24 + 8 : 16);
  return new Group({ file, heaps: new GlobalHeaps(file) }, head.u64(), '');
}

interface Context {
  readonly file: FileBytes;
  readonly heaps: GlobalHeaps;
}

/** A group, or an array. */
export class Group {
  readonly #context: Context;
  readonly #file: FileBytes;
  readonly #path: string;
  readonly #messages: readonly Message[];
  readonly #dataset: DatasetHead | undefined;
  #links?: Map<string, number>;
  /** Those that were found: the names of a group are read once, however many of its members are asked for. */
  readonly #found = new Map<string, Group>();

  constructor(context: Context, place: number, path: string) {
    const { file } = context;
    this.#context = context;
    this.#file = file;
    this.#path = path;
    this.#messages = readObjectHeader(file, place);
    this.#dataset = datasetHead(file, this.#messages);
  }

  /** The names of its members, in the order of the file. */
  get names(): readonly string[] {
    return [...this.#members.keys()];
  }

  /** A member, or one further down: 'layers/dense'. Undefined where there is none. */
  find(path: string): Group | undefined {
    let found: Group | undefined = this;
    for (const name of path.split('/')) {
      const place: number | undefined = found.#members.get(name);
      if (place === undefined) return undefined;
      const member: Group = found.#found.get(name) ?? new Group(this.#context, place, `${found.#path}/${name}`);
      found.#found.set(name, member);
      found = member;
    }
    return found;
  }

  /** @throws Error with code ERR_FORMAT where there is none */
  get(path: string): Group {
    const found = this.find(path);
    if (!found) throw this.#file.wrong(`has no '${`${this.#path}/${path}`.slice(-100)}'`);
    return found;
  }

  /** Whether it is an array. */
  get isDataset(): boolean {
    return this.#dataset !== undefined;
  }

  /** The shape of an array. */
  get shape(): readonly number[] {
    return this.#head.shape;
  }

  /** Whether its numbers are integers. */
  get isInteger(): boolean {
    return this.#head.type.kind === 'integer';
  }

  /** Its numbers, in memory of their own. */
  read(): Numbers {
    return readNumbers(this.#file, this.#head);
  }

  /** An attribute that is a string or a list of strings; undefined where there is none, or one of another kind. */
  attribute(name: string): string[] | undefined {
    this.#file.forget();
    for (const { type, body } of this.#messages) {
      const found =
        type === MESSAGE.attribute
          ? this.#attribute(body.copy(), name)
          : type === MESSAGE.attributeInfo
            ? this.#denseAttribute(body.copy(), name)
            : undefined;
      if (found) return found;
    }
    return undefined;
  }

  get #head(): DatasetHead {
    if (!this.#dataset) throw this.#file.wrong(`has no array at '${this.#path.slice(-100)}'`);
    return this.#dataset;
  }

  get #members(): Map<string, number> {
    this.#file.forget();
    this.#links ??= readLinks(this.#file, this.#messages);
    return this.#links;
  }

  #denseAttribute(body: Cursor, name: string): string[] | undefined {
    body.skip(1);
    body.skip(body.u8() & 1 ? 2 : 0);
    const [heapAt, treeAt] = [body.address(), body.address()];
    if (heapAt === undefined || treeAt === undefined) return undefined;
    const heap = new FractalHeap(this.#file, heapAt);
    for (const record of readRecords(this.#file, treeAt, 8)) {
      const found = this.#attribute(heap.object(record), name);
      if (found) return found;
    }
    return undefined;
  }

  #attribute(body: Cursor, wanted: string): string[] | undefined {
    const version = body.u8();
    const flags = body.u8();
    const [nameSize, typeSize, spaceSize] = [body.u16(), body.u16(), body.u16()];
    if (version === 3) body.skip(1);
    else if (version !== 1) throw this.#file.wrong(`has an attribute of version ${version}`);
    const part = (size: number) => {
      const own = body.part(size);
      if (version === 1) body.skip(-size & 7);
      return own;
    };
    const name = text.decode(part(nameSize).bytes(Math.max(0, nameSize - 1)));
    const [type, space] = [part(typeSize), part(spaceSize)];
    const kind = type.copy().u8() & 15;
    if (name !== wanted || (flags & 1) !== 0 || (kind !== 3 && kind !== 9)) return undefined;
    return this.#strings(readDatatype(type), readDataspace(space), body);
  }

  #strings(type: Datatype, shape: readonly number[] | undefined, body: Cursor): string[] {
    const count = shape ? countOf(shape) : 0;
    if (count * type.size > body.left)
      throw this.#file.wrong(`has an attribute of ${count} strings that are not there`);
    if (type.kind !== 'string') return Array.from({ length: count }, () => this.#context.heaps.string(body));
    this.#file.spend(count * type.size);
    return Array.from({ length: count }, () => text.decode(body.bytes(type.size)).split('\0', 1)[0]);
  }
}
