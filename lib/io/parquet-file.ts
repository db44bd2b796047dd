import type { FileHandle } from 'node:fs/promises';
import { twiceIn } from '../check.js';
import { mostUnzipped } from './gzip.js';
import { loadPeer } from './peer.js';
import { allocateBytes, damaged, quoted, readFully, readHead, sourceOf } from './read.js';
import { ByteReader } from './thrift.js';

/** A column in a schema, as hyparquet tells it. */
export interface SchemaElement {
  readonly name: string;
  readonly type?: string;
  readonly type_length?: number;
  readonly repetition_type?: 'REQUIRED' | 'OPTIONAL' | 'REPEATED';
  readonly num_children?: number;
  readonly converted_type?: string;
  readonly scale?: number;
  readonly logical_type?: { readonly type: string; readonly unit?: string; readonly scale?: number };
}

/** Where the values of a column lie, of one group of rows. */
export interface Chunk {
  readonly codec: string;
  readonly begin: number;
  readonly end: number;
}

/** What is used of hyparquet, as its version 1.33 has it. */
interface Hyparquet {
  parquetMetadata(footer: Uint8Array, options: { geoparquet: boolean }): Metadata;
}
interface Metadata {
  readonly schema: readonly SchemaElement[];
  readonly num_rows: bigint;
  readonly row_groups: readonly {
    readonly num_rows: bigint;
    readonly columns: readonly {
      readonly file_path?: string;
      readonly meta_data?: {
        readonly path_in_schema: readonly string[];
        readonly type: string;
        /** Undefined of one that it does not know. */
        readonly codec?: string;
        readonly num_values: bigint;
        readonly total_compressed_size: bigint;
        readonly data_page_offset: bigint;
        readonly dictionary_page_offset?: bigint;
      };
    }[];
  }[];
}

const PACKAGE: string = 'hyparquet';
/** @throws Error with code ERR_MISSING_PEER */
const loadHyparquet = (): Promise<Hyparquet> => loadPeer(PACKAGE, () => import(PACKAGE) as Promise<Hyparquet>);

/** A column of constants takes no bytes a row; no table of more rows than this has nothing else. */
const ROWS_PER_BYTE = 1024;
/** What any file may hold. */
const ALWAYS_ROWS = 2 ** 24;

/** A Parquet file that is open: what it holds, and where. */
export interface ParquetFile {
  readonly file: FileHandle;
  readonly source: string;
  /** In bytes. */
  readonly size: number;
  readonly rows: number;
  readonly names: readonly string[];
  /** Those of the top level; of what has columns within it, `leaf` is undefined. */
  readonly columns: readonly { readonly element: SchemaElement; readonly leaf?: number }[];
  /** Those that have rows. */
  readonly groups: readonly { readonly first: number; readonly rows: number; readonly chunks: readonly Chunk[] }[];
  /** Bytes that may yet be unzipped: a file made to exhaust the memory holds more. */
  readonly budget: { left: number };
  /** @throws Error with code ERR_FORMAT if the file changed since it was opened */
  checkUnchanged(): Promise<void>;
}

/** @throws Error with code ERR_FORMAT and the reason, ERR_MISSING_PEER, the file system's */
export async function openParquet(path: string | URL): Promise<ParquetFile> {
  const { parquetMetadata } = await loadHyparquet();
  const source = sourceOf(path);
  return readHead(path, async (file, size) => {
    const before = await file.stat();
    const footer = await readFooter(file, size, source);
    let metadata: Metadata;
    try {
      // hyparquet makes lists as long as they say they are: their lengths are checked before
      new ByteReader(footer, 0, footer.length - 8).struct();
      metadata = parquetMetadata(footer, { geoparquet: false });
    } catch (error) {
      throw damaged(source, 'its footer is damaged', error);
    }
    return {
      source,
      size,
      ...contentOf(metadata, size, source),
      budget: { left: mostUnzipped(size) },
      async checkUnchanged() {
        const { size: now, mtimeMs } = await file.stat();
        if (now !== size || mtimeMs !== before.mtimeMs) throw damaged(source, 'it changed while it was read');
      },
    };
  });
}

const MAGIC = 'PAR1';

async function readFooter(file: FileHandle, size: number, source: string): Promise<Uint8Array> {
  if (size === 0) throw damaged(source, 'it is empty');
  const [start, end] = [Buffer.alloc(4), Buffer.alloc(8)];
  if (size >= 12) {
    await readFully(file, start, 0, source);
    await readFully(file, end, size - 8, source);
  }
  const [first, last] = [start.toString('latin1'), end.toString('latin1', 4)];
  if (last === 'PARE') throw damaged(source, 'it is encrypted');
  if (first !== MAGIC) throw damaged(source, "it is no Parquet file: it does not begin with 'PAR1'");
  if (last !== MAGIC) throw damaged(source, "it is cut short: it does not end with 'PAR1'");
  const length = end.readUInt32LE(0);
  if (length > size - 12) throw damaged(source, `its footer of ${length} bytes is longer than the file`);
  const footer = allocateBytes(length + 8, source);
  await readFully(file, footer, size - length - 8, source);
  return footer;
}

/** Checks the sizes and places that a footer declares. */
function contentOf(metadata: Metadata, size: number, source: string) {
  const { schema, row_groups } = metadata;
  const rows = Number(metadata.num_rows);
  const groupRows = row_groups.map(({ num_rows }) => Number(num_rows));
  if ([rows, ...groupRows].some((n) => !(Number.isSafeInteger(n) && n >= 0)))
    throw damaged(source, 'its footer is damaged: its number of rows is none');
  if (rows > Math.max(ALWAYS_ROWS, ROWS_PER_BYTE * size))
    throw damaged(source, `its footer declares ${rows} rows in ${size} bytes, as no data have`);
  if (groupRows.reduce((sum, n) => sum + n, 0) !== rows)
    throw damaged(source, `its footer is damaged: it declares ${rows} rows, and others in its parts`);
  const columns = topLevel(schema, source);
  const names = columns.map(({ element }) => element.name);
  if (names.length === 0) throw damaged(source, 'it has no columns');
  const twice = twiceIn(names);
  if (twice >= 0) throw damaged(source, `it has two columns ${quoted(names[twice])}`);
  let first = 0;
  const groups = row_groups.flatMap(({ columns: chunks }, g) => {
    const n = groupRows[g];
    if (n === 0) return []; // of no rows Apache Arrow writes no pages, and says that they lie at 0
    first += n;
    return [{ first: first - n, rows: n, chunks: columns.map((column) => chunkOf(column, chunks, n, size, source)) }];
  });
  return { rows, names, columns, groups };
}

type Top = ParquetFile['columns'][number];

/** The schema is a tree, written as each node before its children. */
function topLevel(schema: readonly SchemaElement[], source: string): Top[] {
  const columns: Top[] = [];
  let [at, leaf] = [1, 0];
  const pass = (): void => {
    let open = 1;
    for (; open > 0; open--, at++) {
      const { num_children = 0 } = schema[at] ?? {};
      if (at >= schema.length || num_children < 0 || num_children > schema.length)
        throw damaged(source, 'its footer is damaged: its schema is no tree');
      open += num_children;
      if (num_children === 0) leaf++;
    }
  };
  for (let k = 0; k < (schema[0]?.num_children ?? 0); k++) {
    const element = schema[at];
    if (!isElement(element)) throw damaged(source, 'its footer is damaged: it names no column');
    const own = leaf;
    pass();
    const isFlat = !element.num_children && element.repetition_type !== 'REPEATED';
    if (isFlat) checkWidth(element, source);
    columns.push({ element, ...(isFlat && { leaf: own }) });
  }
  return columns;
}

/** Only what is used of it is looked at. */
const isElement = (element: SchemaElement | undefined): boolean =>
  typeof element?.name === 'string' &&
  [element.type_length, element.scale, element.logical_type?.scale].every(
    (size) => size === undefined || (Number.isInteger(size) && size >= 0 && size < 2 ** 31),
  );

/** Bytes of a value of these types. */
const BYTES: Readonly<Record<string, number>> = { UUID: 16, FLOAT16: 2 };

/** Values of no bytes could be any number of values. @throws Error with code ERR_FORMAT */
function checkWidth({ name, type, type_length = 0, logical_type }: SchemaElement, source: string): void {
  const isFixed = type === 'FIXED_LEN_BYTE_ARRAY';
  const wanted = BYTES[logical_type?.type ?? ''];
  if (isFixed && type_length === 0)
    throw damaged(source, `its footer is damaged: a value of its column ${quoted(name)} has no bytes`);
  if (wanted !== undefined && !(isFixed && type_length === wanted))
    throw damaged(
      source,
      `its footer is damaged: a value of its column ${quoted(name)}, of type ${logical_type?.type}, has other than ${wanted} bytes`,
    );
}

const NOWHERE: Chunk = { codec: '', begin: 0, end: 0 };

function chunkOf(
  { element, leaf }: Top,
  chunks: Metadata['row_groups'][number]['columns'],
  rows: number,
  size: number,
  source: string,
): Chunk {
  if (leaf === undefined) return NOWHERE;
  const { file_path, meta_data: meta } = chunks[leaf] ?? {};
  const what = `its column ${quoted(element.name)}`;
  if (file_path) throw damaged(source, `${what} lies in another file`);
  if (!meta || meta.path_in_schema?.join('.') !== element.name || meta.type !== element.type)
    throw damaged(source, `its footer is damaged: ${what} is not in each of its parts`);
  const begin = Number(meta.dictionary_page_offset || meta.data_page_offset);
  const end = begin + Number(meta.total_compressed_size);
  if (!(begin >= 4 && end >= begin && end <= size))
    throw damaged(source, `its footer is damaged: ${what} lies outside the file`);
  if (Number(meta.num_values) !== rows)
    throw damaged(source, `its footer is damaged: ${what} has ${meta.num_values} values in ${rows} rows`);
  return { codec: meta.codec ?? 'a method that is not known', begin, end };
}
