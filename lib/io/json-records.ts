import { readFile } from 'node:fs/promises';
import { isPlain } from '../kind.js';
import { filePath } from './atomic.js';
import type { RecordColumn } from './csv-records.js';
import { damaged, openFile, sourceOf } from './read.js';

/** The columns of a file of records, in the order in which rows name them first; null where a value is missing. */
export async function readJsonRecords(
  path: string | URL,
): Promise<{ n: number; names: string[]; columns: RecordColumn[] }> {
  const source = sourceOf(path);
  await (await openFile(path)).close(); // says what is wrong with it
  const rows = parse(await readFile(filePath(path), 'utf8'), source);
  if (rows.length === 0) throw damaged(source, 'it is empty');
  const columns = new Map<string, unknown[]>();
  for (const [i, row] of rows.entries()) {
    if (!isPlain(row)) throw damaged(source, `expected a record such as { "mass": 3750 } as row ${i}`);
    for (const [name, value] of Object.entries(row)) {
      if (typeof value === 'object' && value !== null)
        throw damaged(source, `expected a value in row ${i} of '${name}', got a list or an object`);
      const column = columns.get(name) ?? new Array(rows.length).fill(null);
      column[i] = value === '' ? null : value;
      columns.set(name, column);
    }
  }
  return { n: rows.length, names: [...columns.keys()], columns: [...columns.values()].map(ofOneKind) };
}

/** Where kinds are mixed, such as in titles of films, all of it is text. */
function ofOneKind(column: unknown[]): RecordColumn {
  const kinds = new Set(column.filter((value) => value !== null).map((value) => typeof value));
  if (kinds.size < 2) return column as RecordColumn;
  return column.map((value) => (value === null ? null : String(value)));
}

function parse(text: string, source: string): unknown[] {
  if (text.trimStart().startsWith('[')) {
    try {
      return JSON.parse(text);
    } catch (error) {
      throw damaged(source, 'it is no JSON', error);
    }
  }
  return text.split(/\r?\n/).flatMap((line, i) => {
    if (line.trim() === '') return [];
    try {
      return [JSON.parse(line)];
    } catch (error) {
      throw damaged(source, `its line ${i + 1} is no JSON`, error);
    }
  });
}
