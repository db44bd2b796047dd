import { basename } from 'node:path';
import { NDArray } from '../array.js';
import { didYouMean } from '../check.js';
import { type CsvRecords, columnAt, labelledRows, type RecordColumn, RecordSink, rowsOf } from '../io/csv-records.js';
import { isParquet, isRecords, separatorOf } from '../io/extensions.js';
import { asText, readJsonRecords } from '../io/json-records.js';
import { type ParquetRecords, readParquet } from '../io/parquet.js';
import { readRows } from '../io/read-csv.js';
import { isError, isNDArray } from '../kind.js';
import { TableTransformer } from '../tables/table-transformer.js';
import { CommandError, EXIT, unreadable } from './errors.js';
import { areTexts, type SourceOptions, shownPath, withEncoding } from './sources.js';
import { standardInput } from './standard-input.js';

/** What is said of the columns of a table. Plain JSON. */
export interface ColumnOptions {
  /** The columns to learn from. Default: all but the label */
  readonly columns?: readonly string[];
  readonly drop?: readonly string[];
  /** Columns of numbers that are names of kinds. */
  readonly categorical?: readonly string[];
  readonly date?: readonly string[];
  readonly impute?: 'mean' | 'median';
  readonly decimal?: '.' | ',';
  readonly encoding?: 'utf8' | 'latin1';
}

/** A table of columns of any kind. */
export interface MixedTable extends CsvRecords {
  readonly name: string;
  /** Columns of a Parquet file that nobody asked for. */
  readonly unread?: readonly string[];
}

/** Whether an option asks for columns to be looked at one by one. */
export const asksForColumns = ({
  columns,
  drop,
  categorical,
  date,
  impute,
  decimal,
  encoding,
}: ColumnOptions): boolean =>
  [columns, drop, categorical, date, impute, decimal, encoding].some((option) => option !== undefined);

/** Whether a numeric reader gave up at text, or at a missing value or label: the table has columns of other kinds. */
export const isOfColumns = (error: unknown): boolean =>
  isError(error) && /expected a (finite number|label in \w+ \d+, ')/.test(error.message);

/** Reads a table of any kind as columns of numbers, booleans, text and dates. */
export async function readMixed(given: SourceOptions & ColumnOptions, label?: string | number): Promise<MixedTable> {
  const options = { ...given, source: shownPath(given.source) };
  if (isRecords(options.source) || isParquet(options.source)) return readRecords(options, label);
  const { source, header, decimal, encoding, expected, columns } = options;
  const known = expected?.features ?? columns;
  const separator = options.separator ?? separatorOf(source);
  const shown = source === '-' ? 'standard input' : `'${source}'`;
  const sink = new RecordSink(shown, {
    separator,
    ...(header !== undefined && { header }),
    ...(decimal !== undefined && { decimal }),
    ...(label !== undefined && { label }),
    ...(areTexts(expected?.classes) && { textLabels: true }),
    ...(expected?.text && { text: expected.text }),
    ...(known && { known }),
  });
  try {
    const records = await readRows(source === '-' ? standardInput() : source, separator, sink, encoding, shown);
    return { ...records, name: source === '-' ? 'standard input' : basename(source) };
  } catch (error) {
    if (isError(error) && error.message.startsWith('Expected label'))
      throw new CommandError(EXIT.usage, error.message.replace('Expected label', 'Expected --label'), { cause: error });
    throw unreadable(source, withEncoding(error));
  }
}

/** Records of a file; of some of its columns the others, and what the label is called. */
interface Records extends ParquetRecords {
  readonly unread?: readonly string[];
  readonly labelled?: string;
}

async function readRecords(options: SourceOptions & ColumnOptions, label?: string | number): Promise<MixedTable> {
  const { source, expected } = options;
  const read: Promise<Records> = isParquet(source) ? readParquetRecords(options, label) : readJsonRecords(source);
  const {
    n,
    names,
    columns: given,
    unread,
    labelled = label,
  } = await read.catch((error) => {
    throw unreadable(source, error);
  });
  // of JSON kinds may be mixed in a column, and it is text as a whole
  const isText = (k: number) => isRecords(source) && expected?.text?.includes(names[k]);
  const columns = given.map((column, k) => (isText(k) ? asText(column) : column));
  const at = labelled === undefined ? -1 : columnAt(labelled, names);
  if (at < 0 && label !== undefined)
    throw new CommandError(
      EXIT.usage,
      `Expected --label for '${source}' to be a column, got '${label}'${didYouMean(String(label), names)}; it has: ${names.join(', ')}`,
    );
  const name = basename(source);
  const others = unread && { unread };
  if (at < 0) return { name, names, columns, ...others };
  const rest = names.map((_, k) => k).filter((k) => k !== at);
  const kept = labelledRows(columns[at]);
  if (kept.length === 0)
    throw new CommandError(EXIT.input, `Cannot read '${source}': its label '${names[at]}' is missing in every row`);
  const labels: unknown[] = rowsOf(columns[at] as unknown[], kept);
  const isNumeric = labels.every((value) => typeof value === 'number');
  return {
    name,
    names: rest.map((k) => names[k]),
    columns: rest.map((k) => rowsOf(columns[k] as unknown[], kept) as RecordColumn),
    label: { name: names[at], y: isNumeric ? NDArray.from(labels as number[]) : labels.map(String) },
    ...(kept.length < n && { unlabelled: n - kept.length }),
    ...others,
  };
}

/** Of the columns of a Parquet file those that are asked for, and the label; the others may hold lists. */
async function readParquetRecords(
  { source, columns, drop = [] }: SourceOptions & ColumnOptions,
  label?: string | number,
) {
  let [unread, labelled]: [string[], string | undefined] = [[], undefined];
  const records = await readParquet(source, {
    columns: (names) => {
      labelled = label === undefined ? undefined : names[columnAt(label, names)];
      const isRead = (name: string) => name === labelled || (!drop.includes(name) && (columns?.includes(name) ?? true));
      unread = names.filter((name) => !isRead(name));
      return names.filter(isRead);
    },
  });
  return { ...records, unread, ...(labelled !== undefined && { labelled }) };
}

/** The columns by name, of some rows or of all. */
export function columnsOf({ names, columns }: CsvRecords, rows?: NDArray): Record<string, unknown[]> {
  return Object.fromEntries(
    names.map((name, k) => [name, rows ? Array.from(rows.data, (row) => columns[k][row]) : columns[k]]),
  );
}

/** What a careful person would make of the columns, by the rows that are trained on. */
export function transformerFor(table: MixedTable, rows: NDArray, options: ColumnOptions): TableTransformer {
  const { columns, drop = [], categorical, date, impute } = options;
  const known = [...table.names, ...(table.unread ?? [])];
  for (const [option, list] of Object.entries({ columns, drop, categorical, date }))
    for (const name of list ?? [])
      if (!known.includes(name))
        throw new CommandError(
          EXIT.usage,
          `Expected --${option} to name columns of '${table.name}', got '${name}'${didYouMean(name, known)}; it has: ${known.join(', ')}`,
        );
  const others = columns ? table.names.filter((name) => !columns.includes(name)) : [];
  const asked = {
    drop: [...drop.filter((name) => table.names.includes(name)), ...others],
    ...(categorical && { categorical }),
    ...(date && { date }),
    ...(impute && { impute }),
  };
  const { label } = table;
  const labels = label && (isNDArray(label.y) ? label.y.data : label.y);
  const target = labels && { [label.name]: Array.from(rows.data, (row) => labels[row]) };
  return refused(
    table,
    () =>
      TableTransformer.infer({ ...columnsOf(table, rows), ...target } as never, {
        ...asked,
        ...(label && { target: label.name }),
      }),
    rows,
  );
}

/** The same, fitted to these rows. */
export function fittedTo(table: MixedTable, rows: NDArray, options: ColumnOptions): TableTransformer {
  const transformer = transformerFor(table, rows, options);
  return refused(table, () => transformer.fit(columnsOf(table, rows) as never), rows);
}

/** What the library refuses is said of the file, and of its rows. */
function refused<T>({ name }: MixedTable, make: () => T, rows?: NDArray): T {
  try {
    return make();
  } catch (error) {
    if (!isError(error) || !error.message.startsWith('Expected ')) throw error;
    const { message } = error;
    const told = rows ? message.replace(/ at row (\d+)/, (_, row) => ` at row ${rows.data[row]}`) : message;
    throw new CommandError(EXIT.input, `Cannot use '${name}': ${told}`, { cause: error });
  }
}

/** What a transformer makes of all rows, or of some. */
export function transformed(transformer: { transform(x: never): NDArray }, table: MixedTable, rows?: NDArray): NDArray {
  return refused(table, () => transformer.transform(columnsOf(table, rows) as never), rows);
}
