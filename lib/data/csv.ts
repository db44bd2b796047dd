import type { NDArray } from '../array.js';
import { checkBoolean, checkOptions } from '../check.js';
import { absolutePath, filePath } from '../io/atomic.js';
import { checkSeparator } from '../io/csv.js';
import { loaded } from './cursor.js';
import { Dataset } from './dataset.js';
import { checkTableOptions, type TableDatasetOptions } from './table-options.js';

export interface CsvDatasetOptions extends TableDatasetOptions {
  /** Does the first row hold names? Default: it does if one of its cells, that of the label aside, is text */
  header?: boolean;
  /** One character between the cells. Default ',' */
  separator?: string;
}

/**
 * The rows of a CSV file (RFC 4180; UTF-8, or UTF-16 with its byte order mark; gzipped or not), read anew in each pass as they are
 * needed: memory does not grow with the file. With `label`, samples are [x, y], x of shape [columns] and y a number. Cells hold
 * numbers, and missing ones are refused; with `transformer`, they hold what its columns held in `fit`, and x is what it makes of
 * them. Needs the package csv-parse.
 *
 * @param path from the current folder when the dataset is made
 * @throws when it is read: RangeError if there is no such column, naming the nearest; Error with code ERR_FORMAT and the line
 *   for a cell that is no finite number, or no class, for rows of different lengths, stray quotes and bytes that are no text;
 *   ERR_MISSING_PEER; the file system's
 */
export function csv(
  path: string | URL,
  options: CsvDatasetOptions & { label: string | number },
): Dataset<[NDArray, number]>;
export function csv(path: string | URL, options?: CsvDatasetOptions): Dataset<NDArray>;
export function csv(path: string | URL, options: CsvDatasetOptions = {}): Dataset {
  const file = absolutePath(filePath(path));
  checkOptions('options', options, ['label', 'columns', 'classes', 'transformer', 'header', 'separator', 'dtype']);
  const { header, separator = ',', ...rest } = options;
  const table = checkTableOptions(rest);
  if (header !== undefined) checkBoolean('header', header);
  checkSeparator(separator);
  const wanted = { ...table, separator, ...(header !== undefined && { header }) };
  return new Dataset((share) => loaded(async () => new (await import('../io/all.js')).CsvCursor(file, wanted, share)));
}
