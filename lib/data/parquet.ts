import type { NDArray } from '../array.js';
import { checkOptions } from '../check.js';
import { absolutePath, filePath } from '../io/atomic.js';
import { loaded } from './cursor.js';
import { Dataset } from './dataset.js';
import { checkTableOptions, type TableDatasetOptions } from './table-options.js';

/**
 * The rows of a Parquet file, read anew in each pass as they are needed: of the columns that are wanted a page each, so that memory
 * does not grow with the file, nor with its groups of rows. With `label`, samples are [x, y], x of shape [columns] and y a number.
 * Columns hold numbers (booleans are 0 and 1), and missing ones are refused; with `transformer`, x is what it makes of columns of any
 * kind, as `readTable` gives them. Needs the package hyparquet and, for Zstandard and LZ4, hyparquet-compressors.
 *
 * @param path from the current folder when the dataset is made
 * @throws when it is read: RangeError if there is no such column, naming the nearest; Error with code ERR_FORMAT, the column and the
 *   row for a value that is missing, no number, or no class, for columns of lists, a damaged file and one that changes meanwhile;
 *   ERR_MISSING_PEER; the file system's
 */
export function parquet(
  path: string | URL,
  options: TableDatasetOptions & { label: string | number },
): Dataset<[NDArray, number]>;
export function parquet(path: string | URL, options?: TableDatasetOptions): Dataset<NDArray>;
export function parquet(path: string | URL, options: TableDatasetOptions = {}): Dataset {
  const file = absolutePath(filePath(path));
  checkOptions('options', options, ['label', 'columns', 'classes', 'transformer', 'dtype']);
  const wanted = checkTableOptions(options);
  return new Dataset((share) =>
    loaded(async () => new (await import('../io/all.js')).ParquetCursor(file, wanted, share)),
  );
}
