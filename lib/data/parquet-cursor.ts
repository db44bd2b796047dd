import { NDArray } from '../array.js';
import { wrongValue } from '../check.js';
import { columnAt } from '../io/csv-records.js';
import { clip, LARGEST_FLOAT32, shown } from '../io/csv-table.js';
import { type WantedColumn, wantedColumn } from '../io/parquet.js';
import { openParquet, type ParquetFile } from '../io/parquet-file.js';
import { ColumnPages } from '../io/parquet-pages.js';
import type { Values } from '../io/parquet-types.js';
import { damaged } from '../io/read.js';
import { Rows } from './block.js';
import { BlockCursor } from './block-cursor.js';
import type { Share } from './share.js';
import { type CheckedTableOptions, transformed } from './table-options.js';

/** Given on at a time. */
const ROWS = 4096;

/** The pages of the columns end at different rows: what all of them have is given on. */
export class ParquetCursor extends BlockCursor {
  readonly #path: string | URL;
  readonly #options: CheckedTableOptions;
  readonly #share?: Share;
  readonly #classes?: ReadonlyMap<string, number>;
  #parquet?: ParquetFile;
  #columns: readonly WantedColumn[] = [];
  /** Of the label among the columns: the last, or -1. */
  #label = -1;
  #group = -1;
  #row = 0;
  /** The row that is not to be read any more. */
  #end = 0;
  #pages: ColumnPages[] = [];
  /** Of each column the page that was read, and from where on it was not given on. */
  #values: { page: Values; at: number }[] = [];

  constructor(path: string | URL, options: CheckedTableOptions, share?: Share) {
    super(false);
    this.#path = path;
    this.#options = options;
    if (share) this.#share = share;
    if (options.classes) this.#classes = new Map(options.classes.map((name, k) => [String(name), k]));
  }

  protected override async closeFiles(): Promise<void> {
    await this.#parquet?.file.close();
    this.#parquet = undefined;
  }

  protected override async read(): Promise<Rows<unknown> | undefined> {
    this.#parquet ??= await this.#open();
    const parquet = this.#parquet;
    if (this.#row === this.#end) {
      await parquet.checkUnchanged();
      return undefined;
    }
    const isOver = () => {
      const { first, rows } = parquet.groups[this.#group];
      return this.#row >= first + rows;
    };
    if (this.#group < 0 || isOver()) {
      if (this.#group >= 0) await parquet.checkUnchanged();
      do this.#group++;
      while (isOver());
      await this.#beginGroup(parquet);
    }
    for (const [k, pages] of this.#pages.entries())
      if (this.#values[k].at === this.#values[k].page.length)
        this.#values[k] = { page: (await pages.next()) as Values, at: 0 };
    const n = Math.min(ROWS, this.#end - this.#row, ...this.#values.map(({ page, at }) => page.length - at));
    const part = this.#values.map(({ page, at }) => slice(page, at, at + n));
    for (const values of this.#values) values.at += n;
    const rows = this.#rowsOf(part, n);
    this.#row += n;
    return rows;
  }

  /** Of a group that is not wholly of the share, pages of others are passed over. */
  async #beginGroup(parquet: ParquetFile): Promise<void> {
    const { first, rows } = parquet.groups[this.#group];
    this.#pages = this.#columns.map(({ type, place }) => new ColumnPages(parquet, this.#group, type, place));
    this.#values = this.#columns.map(() => ({ page: [], at: 0 }));
    const from = this.#row - first;
    if (from === 0 && first + rows <= this.#end) return;
    for (const [k, pages] of this.#pages.entries()) {
      const at = from - (await pages.passTo(from));
      this.#values[k] = { page: (await pages.next()) as Values, at };
    }
  }

  async #open(): Promise<ParquetFile> {
    const parquet = await openParquet(this.#path);
    try {
      this.#settle(parquet);
      const { index, count } = this.#share ?? { index: 0, count: 1 };
      [this.#row, this.#end] = [borderOf(parquet, index, count), borderOf(parquet, index + 1, count)];
      return parquet;
    } catch (error) {
      await parquet.file.close();
      throw error;
    }
  }

  #settle(parquet: ParquetFile): void {
    const { names, source } = parquet;
    const { label, columns } = this.#options;
    const named = (option: string, column: string | number): string => {
      const at = columnAt(column, names);
      return names[at] ?? wantedColumn(parquet, String(column), option).name;
    };
    const y = label === undefined ? undefined : named('label', label);
    const x = columns?.map((column, k) => named(`columns[${k}]`, column)) ?? names.filter((name) => name !== y);
    const leak = y === undefined ? -1 : x.indexOf(y);
    if (leak >= 0) throw wrongValue(`columns[${leak}]`, 'another column than the label', columns?.[leak]);
    if (x.length === 0) throw damaged(source, `it has no column beside the label '${clip(String(y))}'`);
    if (parquet.rows === 0) throw damaged(source, `it has columns (${shown(names)}), but no rows`);
    this.#columns = [...x, ...(y === undefined ? [] : [y])].map((name) => wantedColumn(parquet, name));
    this.#label = y === undefined ? -1 : x.length;
  }

  #rowsOf(part: readonly Values[], n: number): Rows<unknown> {
    const { transformer, dtype } = this.#options;
    const features = this.#label < 0 ? part : part.slice(0, -1);
    const x = transformer ? transformed(transformer, features, dtype) : this.#matrix(features, n);
    if (this.#label < 0) return new Rows('*', [x], 0, n);
    const labels = part[this.#label];
    const y = Float64Array.from({ length: n }, (_, i) => this.#labelOf(labels[i], i));
    return new Rows(['*', '*'], [x, NDArray.wrap(y)], 0, n);
  }

  #matrix(features: readonly Values[], n: number): NDArray {
    const { dtype } = this.#options;
    const largest = dtype === 'float32' ? LARGEST_FLOAT32 : Number.MAX_VALUE;
    const width = features.length;
    const x = NDArray.zeros([n, width], dtype);
    for (const [k, values] of features.entries())
      for (let i = 0; i < n; i++) {
        const value = values[i];
        const number = typeof value === 'boolean' ? Number(value) : value;
        if (typeof number !== 'number' || !(Math.abs(number) <= largest))
          throw this.#wrong(
            k,
            i,
            value,
            typeof number !== 'number' || Number.isNaN(number) ? 'a finite number' : "a number within float32's range",
          );
        x.data[i * width + k] = number;
      }
    return x;
  }

  #labelOf(value: Values[number], row: number): number {
    if (this.#classes) {
      const code = this.#classes.get(String(value));
      if (code !== undefined) return code;
      throw this.#wrong(this.#label, row, value, `one of the classes ${shown([...this.#classes.keys()])}`);
    }
    if (typeof value === 'boolean') return Number(value);
    if (typeof value === 'number' && Number.isFinite(value)) return value;
    const isText = typeof value === 'string';
    throw this.#wrong(
      this.#label,
      row,
      value,
      `a number for a label${isText ? ' (labels of text take the option classes)' : ''}`,
    );
  }

  #wrong(column: number, row: number, value: Values[number], expected: string): Error {
    const isMissing = value === null || Number.isNaN(value);
    const got = isMissing ? 'nothing' : typeof value === 'string' ? JSON.stringify(clip(value)) : String(value);
    const { source } = this.#parquet as ParquetFile;
    return damaged(
      source,
      `expected ${expected} in row ${this.#row + row}, '${clip(this.#columns[column].name)}', got ${got}`,
    );
  }
}

/**
 * The row with which one of so many shares begins. They have as many rows each; but where groups of rows are small, by a twentieth they
 * may differ, so that no group is read for two of them.
 */
function borderOf({ rows, groups }: ParquetFile, index: number, count: number): number {
  const even = Math.floor((rows * index) / count);
  if (even === rows) return rows;
  let nearest = 0;
  for (const { first } of groups) if (Math.abs(first - even) < Math.abs(nearest - even)) nearest = first;
  return Math.abs(nearest - even) <= rows / count / 20 ? nearest : even;
}

const slice = (values: Values, begin: number, end: number): Values =>
  values instanceof Float64Array ? values.subarray(begin, end) : (values.slice(begin, end) as Values);
