import { isPlain } from '../kind.js';
import { turns } from '../train.js';
import type { RecordColumn } from './csv-records.js';
import { unzipped } from './gzip.js';
import { damaged, openFile, sourceOf } from './read.js';
import { textOf } from './text.js';

/** The columns of a file of records, in the order in which rows name them first; null where a value is missing. */
export async function readJsonRecords(
  path: string | URL,
): Promise<{ n: number; names: string[]; columns: RecordColumn[] }> {
  const source = sourceOf(path);
  const file = await openFile(path);
  // in one line, as JSON.stringify writes it, if need be; the stream closes the file
  const text = await textOf(unzipped(file.createReadStream(), source), source, Number.POSITIVE_INFINITY);
  const turn = turns();
  const rows = await parse(text, source, turn);
  await checkNumbers(text, source, turn);
  if (rows.length === 0) throw damaged(source, 'it is empty');
  const most = Math.max(LEAST_CELLS, CELLS_A_CHARACTER * text.length);
  const columns = new Map<string, unknown[]>();
  for (const [i, row] of rows.entries()) {
    if (i % PIECE === 0) await turn();
    if (!isPlain(row)) throw damaged(source, `expected a record such as { "mass": 3750 } as row ${i}`);
    for (const [name, value] of Object.entries(row)) {
      if (typeof value === 'object' && value !== null)
        throw damaged(
          source,
          rows.length === 1 && Object.values(row).every((each) => typeof each === 'object')
            ? `expected records, in a list or one a line, got one object whose '${name}' is a list or an object (pandas writes records with to_json(orient='records'))`
            : `expected a value in row ${i} of '${name}', got a list or an object`,
        );
      const known = columns.get(name);
      if (!known && (columns.size + 1) * rows.length > most)
        throw damaged(
          source,
          `its ${rows.length} records name more than ${columns.size} columns, of which each of them has but a few`,
        );
      const column = known ?? new Array(rows.length).fill(null);
      column[i] = value === '' ? null : value;
      columns.set(name, column);
    }
  }
  if (columns.size === 0) throw damaged(source, 'its records have no columns');
  // JavaScript has such names first, wherever they stand
  const found = [...columns.keys()];
  const names = found.some((name) => INDEX.test(name)) ? [...new Set(keysIn(text))] : found;
  return { n: rows.length, names, columns: names.map((name) => ofOneKind(columns.get(name) as unknown[])) };
}

/** Cells that a table may have for each character of its text, and in any case: so much memory does a file ask for. */
const CELLS_A_CHARACTER = 100;
const LEAST_CELLS = 1e7;

/** Records, or numbers, between two turns of others. */
const PIECE = 1024;

const INDEX = /^(0|[1-9]\d*)$/;
const COLON = /\s*:/y;

/** The names in records whose values are no lists and no records, in their order. */
function* keysIn(text: string): Generator<string> {
  for (let quote = text.indexOf('"'); quote >= 0; ) {
    const end = endOfString(text, quote);
    COLON.lastIndex = end + 1;
    if (COLON.test(text)) yield JSON.parse(text.slice(quote, end + 1));
    quote = text.indexOf('"', end + 1);
  }
}

/** Where kinds are mixed, such as in titles of films, all of it is text. */
function ofOneKind(column: unknown[]): RecordColumn {
  const kinds = new Set(column.filter((value) => value !== null).map((value) => typeof value));
  return kinds.size < 2 ? (column as RecordColumn) : asText(column);
}

/** The values of a column as text. */
export const asText = (column: readonly unknown[]): (string | null)[] =>
  column.map((value) => (value === null ? null : String(value)));

const NUMBER = /-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;

/** The numbers of a text in JSON, and where they stand: what lies between its strings. */
function* numbersIn(text: string): Generator<readonly [token: string, at: number]> {
  for (let at = 0, quote = 0; quote >= 0; at = endOfString(text, quote) + 1) {
    quote = text.indexOf('"', at);
    const between = text.slice(at, quote < 0 ? text.length : quote);
    for (const { 0: token, index } of between.matchAll(NUMBER)) yield [token, at + index];
  }
}

/** The quote that ends the string which one begins. */
function endOfString(text: string, quote: number): number {
  for (let at = text.indexOf('"', quote + 1); at >= 0; at = text.indexOf('"', at + 1)) {
    let first = at;
    while (text[first - 1] === '\\') first--;
    if ((at - first) % 2 === 0) return at;
  }
  return text.length;
}

/**
 * Of JSON. What JavaScript writes of a number, rounded as it may be, is that number.
 * @throws Error with code ERR_FORMAT for an integer that float64 rounds, as two of them would become one, and what is beyond it
 */
async function checkNumbers(text: string, source: string, turn: () => Promise<void> | undefined): Promise<void> {
  if (!/\d{16}|[eE]\+?\d{3}/.test(text)) return;
  let count = 0;
  for (const [token, at] of numbersIn(text)) {
    if (++count % PIECE === 0) await turn();
    const value = Number(token);
    const isExact = !/^-?\d{16,}$/.test(token) || String(value) === token || BigInt(token) === BigInt(value);
    if (isExact && Number.isFinite(value)) continue;
    const line = text.slice(0, at).split('\n').length;
    const shown = token.length > 40 ? `${token.slice(0, 40)}…` : token;
    throw damaged(source, `its line ${line} holds ${shown}, which float64 cannot: write it as text`);
  }
}

/** What Python's json writes, and JSON has not. */
const hintFor = (text: string) =>
  /:\s*(NaN|-?Infinity)\b/.test(text) ? ', which has no NaN and no Infinity: null says that a value is missing' : '';

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

async function parse(text: string, source: string, turn: () => Promise<void> | undefined): Promise<unknown[]> {
  if (text.trimStart().startsWith('[')) {
    try {
      return JSON.parse(text);
    } catch (error) {
      throw damaged(source, `it is no JSON${hintFor(text)}`, error);
    }
  }
  const rows: unknown[] = [];
  for (const [i, line] of text.split(/\r?\n/).entries()) {
    if (i % PIECE === 0) await turn();
    if (line.trim() === '') continue;
    try {
      rows.push(JSON.parse(line));
    } catch (error) {
      const what = isPlain(parsed(text))
        ? 'it is one record: a list of them, or one a line, is a table'
        : `its line ${i + 1} is no JSON${hintFor(line)}`;
      throw damaged(source, what, error);
    }
  }
  return rows;
}
