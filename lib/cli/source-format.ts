import { open, stat } from 'node:fs/promises';
import { isRecords } from '../io/extensions.js';
import { usage } from './errors.js';
import type { ColumnOptions } from './mixed.js';
import { isOfPictures } from './pictures.js';
import type { SourceOptions } from './sources.js';

/** What a source is. */
export type Format = 'digits' | 'pictures' | 'npy' | 'npz' | 'idx' | 'parquet' | 'json' | 'csv';

/** An option that the format has no use for is a mistake that should be told. */
export function checkUse(
  { labels, label, header, separator, size, colorMode, skipDamaged, decimal, encoding }: SourceOptions & ColumnOptions,
  source: string,
  format: Format,
): void {
  const ofPictures = { size, 'color-mode': colorMode, 'skip-damaged': skipDamaged };
  const unused =
    format === 'pictures' ? undefined : Object.entries(ofPictures).find(([, value]) => value !== undefined);
  if (unused) throw usage(`Expected no --${unused[0]} with '${source}', which is no folder of pictures`);
  if (labels !== undefined && format === 'pictures')
    throw usage(`Expected no --labels with '${source}', whose folders are the classes`);
  const ofColumns = { csv: 'CSV', parquet: 'Parquet', json: 'JSON' }[format as string];
  if (labels !== undefined && ofColumns)
    throw usage(`Expected no --labels with a ${ofColumns} file: --label names the column of '${source}'`);
  if (labels !== undefined && (format === 'npz' || format === 'digits'))
    throw usage(`Expected no --labels with '${source}', which holds its own`);
  if (format === 'csv') return;
  const given = {
    label: ofColumns ? undefined : label,
    separator,
    header: header || undefined,
    'no-header': header === false || undefined,
    decimal,
    encoding,
  };
  const surplus = Object.entries(given).find(([, value]) => value !== undefined)?.[0];
  if (surplus) throw usage(`Expected no --${surplus} with '${source}', which is no CSV file`);
}

/** By the first bytes, which lie less than names do. */
export async function formatOf(path: string): Promise<Format> {
  if (path === 'digits') return 'digits';
  if (path === '-') return 'csv';
  if (isOfPictures(path)) return 'pictures';
  // what is read from a pipe or a device is gone
  if (!(await stat(path)).isFile()) return 'csv';
  const start = Buffer.alloc(6);
  const file = await open(path);
  try {
    await file.read(start, 0, start.length, 0);
  } finally {
    await file.close();
  }
  if (start.toString('latin1') === '\x93NUMPY') return 'npy';
  if (isRecords(path)) return 'json';
  if (start.toString('latin1', 0, 4) === 'PAR1') return 'parquet';
  if (start.toString('latin1', 0, 2) === 'PK') return 'npz';
  if (start[0] === 0 && start[1] === 0 && start[2] >= 8 && start[2] <= 14) return 'idx';
  if (start[0] === 0x1f && start[1] === 0x8b) return /\.(csv|tsv|txt|data)\.gz$/i.test(path) ? 'csv' : 'idx';
  return 'csv';
}
