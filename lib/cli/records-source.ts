import { NDArray } from '../array.js';
import { didYouMean } from '../check.js';
import { columnAt } from '../io/csv-records.js';
import { isRecords } from '../io/extensions.js';
import { readJsonRecords } from '../io/json-records.js';
import { readParquet } from '../io/parquet.js';
import { damaged, sourceOf } from '../io/read.js';
import { isMissing } from '../tables/frame.js';
import { CommandError, EXIT } from './errors.js';

/**
 * The samples of a Parquet file, or of JSON's records, of numbers alone, as those of a CSV file.
 * @param options.isOptional whether there may be no label, or rows without one @param options.known columns that are enough
 * @throws Error with code ERR_FORMAT that says 'expected a finite number' for one of other columns
 */
export async function readRecordTable(
  source: string,
  label: string | number | undefined,
  { isOptional, known }: { isOptional: boolean; known?: readonly string[] },
): Promise<{ x: NDArray; names: string[]; y?: NDArray | string[]; target?: string }> {
  const { n, names, columns } = await (isRecords(source) ? readJsonRecords(source) : readParquet(source));
  const at = label === undefined ? -1 : columnAt(label, names);
  if (at < 0 && label !== undefined && !isOptional)
    throw new CommandError(
      EXIT.usage,
      `Expected --label for '${source}' to be a column, got '${label}'${didYouMean(String(label), names)}; it has: ${names.join(', ')}`,
    );
  const isEnough = known?.every((name) => names.includes(name));
  const features = names.map((_, k) => k).filter((k) => k !== at && (!isEnough || known?.includes(names[k])));
  if (features.length === 0) throw damaged(sourceOf(source), `it has no column beside the label '${names[at]}'`);
  const x = NDArray.zeros([n, features.length]);
  for (const [j, k] of features.entries())
    for (let i = 0; i < n; i++) {
      const value = columns[k][i];
      if (typeof value !== 'number' || !Number.isFinite(value))
        throw damaged(
          sourceOf(source),
          `expected a finite number in row ${i}, '${names[k]}', got ${isMissing(value) ? 'nothing' : JSON.stringify(value)}`,
        );
      x.data[i * features.length + j] = value;
    }
  const rest = { x, names: features.map((k) => names[k]) };
  if (at < 0) return rest;
  const labels: unknown[] = columns[at];
  const missing = labels.findIndex(isMissing);
  if (missing >= 0 && isOptional) return rest;
  if (missing >= 0) throw damaged(sourceOf(source), `expected a label in row ${missing}, '${names[at]}', got nothing`);
  const isNumeric = labels.every((value) => typeof value === 'number');
  return { ...rest, target: names[at], y: isNumeric ? NDArray.from(labels as number[]) : labels.map(String) };
}
