import { didYouMean } from '../check.js';
import type { RecordColumn } from './csv-records.js';
import { openParquet, type ParquetFile } from './parquet-file.js';
import { ColumnPages } from './parquet-pages.js';
import { type ColumnType, READ_OTHERS, typeOf, type Values } from './parquet-types.js';
import { damaged, quoted } from './read.js';

/** A column that is read: its name, what makes values of it, and its place in the file. */
export interface WantedColumn {
  readonly name: string;
  readonly type: ColumnType;
  readonly place: number;
}

export interface ParquetRecords {
  readonly n: number;
  readonly names: string[];
  readonly columns: RecordColumn[];
}

export interface ParquetOptions {
  /** The columns to read, in this order: names, or what chooses among those of the file. Default: all */
  readonly columns?: readonly string[] | ((names: readonly string[]) => readonly string[]);
  /** The first rows alone. */
  readonly rows?: number;
}

/** Columns of constants take no bytes a row, and many of them all memory. */
const CELLS_PER_BYTE = 256;
/** What any file may hold. */
const ALWAYS_CELLS = 2 ** 27;

/**
 * The columns of a Parquet file, as numbers, booleans, texts and dates; null where a value is missing. Needs the package hyparquet.
 * @throws RangeError for a column that it has not; Error with code ERR_FORMAT and the reason; ERR_MISSING_PEER; the file system's
 */
export async function readParquet(path: string | URL, options: ParquetOptions = {}): Promise<ParquetRecords> {
  const parquet = await openParquet(path);
  try {
    const { columns = parquet.names, rows = Number.POSITIVE_INFINITY } = options;
    const names = [...(typeof columns === 'function' ? columns(parquet.names) : columns)];
    const wanted = names.map((name) => wantedColumn(parquet, name));
    const n = Math.min(rows, parquet.rows);
    if (n * names.length > Math.max(ALWAYS_CELLS, CELLS_PER_BYTE * parquet.size))
      throw damaged(
        parquet.source,
        `it declares ${n} rows of ${names.length} columns in ${parquet.size} bytes, as no data have; the option columns (--columns, --drop) reads fewer`,
      );
    if (n === 0) throw damaged(parquet.source, `it has columns (${parquet.names.slice(0, 8).join(', ')}), but no rows`);
    const read: RecordColumn[] = [];
    for (const column of wanted) read.push(await readColumn(parquet, column, n));
    await parquet.checkUnchanged();
    return { n, names, columns: read };
  } finally {
    await parquet.file.close();
  }
}

/** @throws RangeError naming the nearest; Error with code ERR_FORMAT for one that holds lists or other columns */
export function wantedColumn({ names, columns, source }: ParquetFile, name: string, option = 'columns'): WantedColumn {
  const at = names.indexOf(name);
  if (at < 0)
    throw new RangeError(
      `Expected ${option} to name columns of ${source}, got '${name}'${didYouMean(name, names)}; it has: ${names.slice(0, 20).join(', ')}${names.length > 20 ? ', …' : ''}`,
    );
  const { element, leaf } = columns[at];
  const type = typeOf(element);
  if (typeof type !== 'string') return { name, type, place: at };
  throw damaged(
    source,
    `its column ${quoted(name)} holds ${type}${leaf === undefined ? ', not one value a row' : ''}${READ_OTHERS}`,
  );
}

async function readColumn(parquet: ParquetFile, { type, place }: WantedColumn, rows: number): Promise<RecordColumn> {
  const all: unknown[] = [];
  for (let group = 0; group < parquet.groups.length && all.length < rows; group++) {
    const pages = new ColumnPages(parquet, group, type, place);
    for (let page = await pages.next(); page && all.length < rows; page = await pages.next()) append(all, page, rows);
  }
  return all as RecordColumn;
}

function append(all: unknown[], page: Values, rows: number): void {
  const n = Math.min(page.length, rows - all.length);
  if (page instanceof Float64Array) for (let i = 0; i < n; i++) all.push(Number.isNaN(page[i]) ? null : page[i]);
  else for (let i = 0; i < n; i++) all.push(page[i]);
}
