import type { FileHandle } from 'node:fs/promises';
import type { NDArray } from '../array.js';
import { checkAlone, didYouMean, wrongType, wrongValue } from '../check.js';
import { absolutePath, filePath } from '../io/atomic.js';
import { openNpy, toArray } from '../io/npy.js';
import type { NpyHeader, NpyType } from '../io/npy-header.js';
import { allocateBytes, damaged, readFully, sourceOf } from '../io/read.js';
import { openSafetensors, type SafetensorsDType } from '../io/safetensors.js';
import { isPlain, isURL } from '../kind.js';
import { shareOf } from '../training/ranks.js';
import { Rows } from './block.js';
import { BlockCursor } from './block-cursor.js';
import { Dataset } from './dataset.js';
import { collect, type Layout, layoutOf } from './element.js';
import type { Share } from './share.js';

/** Read at a time, of all arrays together; one row may be larger. */
const BLOCK = 2 ** 22;

/** What stands for arrays: one, [x, y] or [x, y, sampleWeight]; x and y may be records of several. */
type Parts<T> = T | readonly (T | Readonly<Record<string, T>>)[];

/** An array in a file that is open. */
interface Column {
  readonly file: FileHandle;
  readonly source: string;
  readonly header: NpyHeader;
}

/**
 * The rows of arrays in NPY files, read as they are needed: memory does not grow with the files. `data.npy('x.npy')` has samples x,
 * `data.npy(['x.npy', 'y.npy'])` samples [x, y], of the same rows.
 *
 * @param paths from the current folder when the dataset is made
 * @throws when it is read: Error with code ERR_FORMAT and the reason for files that are damaged, in Fortran order, or have different
 *   numbers of rows; the file system's (ENOENT …)
 */
export function npy(paths: Parts<string | URL>): Dataset;
export function npy(paths: Parts<string | URL>, ...others: unknown[]): Dataset {
  checkAlone('npy', 1, others, ', a list such as [xPath, yPath],');
  const { layout, parts } = partsOf('paths', paths, filePathOf);
  return new Dataset(
    (share) =>
      new FileCursor(layout, share, async (files) => {
        const columns: Column[] = [];
        for (const path of parts) {
          const { file, header } = await openNpy(path);
          files.push(file);
          columns.push({ file, header, source: sourceOf(path) });
        }
        return columns;
      }),
  );
}

/**
 * The same of tensors in a safetensors file, by their names: `data.safetensors('digits.safetensors', ['images', 'labels'])`.
 *
 * @param path from the current folder when the dataset is made
 * @throws when it is read: RangeError for a name that is not in the file; Error with code ERR_FORMAT and the reason if it is damaged,
 *   or the tensors have different numbers of rows; the file system's (ENOENT …)
 */
export function safetensors(path: string | URL, names: Parts<string>): Dataset;
export function safetensors(path: string | URL, names: Parts<string>, ...others: unknown[]): Dataset {
  checkAlone('safetensors', 2, others, ', the second a list such as [x, y],');
  const own = absolutePath(filePath(path));
  const { layout, parts } = partsOf('names', names, (name, part) => {
    if (typeof part !== 'string') throw wrongType(name, 'the name of a tensor', part);
    return part;
  });
  return new Dataset(
    (share) =>
      new FileCursor(layout, share, async (files) => {
        const { file, entries, body } = await openSafetensors(own);
        files.push(file);
        const known = entries.map(({ name }) => name);
        return parts.map((part) => {
          const entry = entries[known.indexOf(part)];
          if (!entry) {
            const few = known.slice(0, 20).map((name) => `'${name.slice(0, 60)}'`);
            throw wrongValue(
              'names',
              `tensors of the file${didYouMean(part, known.slice(0, 1000))}: ${few.join(', ')}`,
              part,
            );
          }
          const { shape, begin, end, dtype } = entry;
          const header = {
            type: TYPES[dtype],
            big: false,
            fortran: false,
            shape,
            offset: body + begin,
            size: end - begin,
          };
          return { file, header, source: `${sourceOf(own)}, '${part.slice(0, 60)}'` };
        });
      }),
  );
}

const TYPES: Readonly<Record<SafetensorsDType, NpyType>> = {
  ...{ F64: 'f8', F32: 'f4', I64: 'i8', U64: 'u8', I32: 'i4', U32: 'u4', I16: 'i2', U16: 'u2', I8: 'i1', U8: 'u1' },
  ...{ F16: 'f2', BF16: 'bf2', BOOL: 'b1' },
};

/** Wherever the process goes before it is read. */
function filePathOf(name: string, path: unknown): string {
  if (typeof path !== 'string' && !isURL(path)) throw wrongType(name, 'a path or a file URL', path);
  return absolutePath(filePath(path));
}

function partsOf(option: string, given: unknown, read: (name: string, part: unknown) => string) {
  const layout = layoutOf(given);
  const parts: unknown[] = [];
  collect(layout, given, parts);
  if (parts.length === 0) throw wrongType(option, 'one, or a list such as [x, y]', given);
  const name = (k: number) => (isPlain(given) || parts.length > 1 ? `${option}[${k}]` : option);
  return { layout, parts: parts.map((part, k) => read(name(k), part)) };
}

/** Reads rows of all arrays by their place in the file, some megabytes at a time, and the next ones while these are in use. */
class FileCursor extends BlockCursor {
  readonly #layout: Layout;
  readonly #share?: Share;
  readonly #open: (files: FileHandle[]) => Promise<Column[]>;
  readonly #files: FileHandle[] = [];
  #columns: readonly Column[] = [];
  #isOpen = false;
  #perBlock = 1;
  /** The rows that are to be read yet. */
  #at = 0;
  #end = 0;

  /** `open` hands over the files that are to be closed, also where it fails after that. */
  constructor(layout: Layout, share: Share | undefined, open: (files: FileHandle[]) => Promise<Column[]>) {
    super(true);
    this.#layout = layout;
    if (share) this.#share = share;
    this.#open = open;
  }

  protected override async closeFiles(): Promise<void> {
    for (const file of this.#files.splice(0)) await file.close();
  }

  async #begin(): Promise<void> {
    this.#columns = await this.#open(this.#files);
    for (const { header, source } of this.#columns) {
      if (header.shape.length === 0) throw damaged(source, 'it has no rows, but a single number');
      if (header.fortran && header.shape.length > 1)
        throw damaged(source, 'it is in Fortran order, where rows do not lie together: save np.ascontiguousarray(x)');
    }
    const rows = this.#columns[0].header.shape[0];
    for (const { header, source } of this.#columns)
      if (header.shape[0] !== rows)
        throw damaged(source, `it has ${header.shape[0]} rows, and ${this.#columns[0].source} ${rows}`);
    const bytes = this.#columns.reduce((sum, { header }) => sum + header.size / Math.max(1, rows), 0);
    [this.#at, this.#end] = this.#share ? shareOf(rows, this.#share.index, this.#share.count) : [0, rows];
    this.#perBlock = Math.max(1, Math.floor(BLOCK / Math.max(1, bytes)));
  }

  protected override async read(): Promise<Rows<unknown> | undefined> {
    if (!this.#isOpen) {
      this.#isOpen = true;
      await this.#begin();
    }
    const first = this.#at;
    const n = Math.min(this.#perBlock, this.#end - first);
    if (n === 0) return undefined;
    this.#at += n;
    const arrays = await Promise.all(this.#columns.map((column) => rowsOf(column, first, n)));
    return new Rows(this.#layout, arrays, 0, n);
  }
}

async function rowsOf({ file, source, header }: Column, first: number, n: number): Promise<NDArray> {
  const shape = [n, ...header.shape.slice(1)];
  const width = header.size / header.shape[0];
  const bytes = allocateBytes(n * width, source);
  await readFully(file, bytes, header.offset + first * width, source);
  return toArray({ ...header, shape, fortran: false, size: n * width }, bytes, source);
}
