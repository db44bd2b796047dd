import { isUtf8 } from 'node:buffer';
import { readFileSync, realpathSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { twiceIn, wrongValue } from '../check.js';
import { temporaryIn } from '../io/atomic.js';
import { patientlySync } from '../io/windows.js';

/** A log that `csvLogger` wrote before. */
export interface CsvLog {
  /** The names in its header, without the first one, 'epoch'. */
  readonly columns: string[];
  /** What its lines end with. */
  readonly lineEnd: string;
  /** Whether its last line has an end. */
  readonly isEnded: boolean;
}

interface CsvRecord {
  readonly fields: readonly string[];
  /** Where its text ends, before the end of its line. */
  readonly end: number;
  /** Empty where the text ends without one. */
  readonly lineEnd: string;
}

const BOM = '\ufeff';

/** The log in `file`, or nothing where there is none yet. @throws RangeError if what is there is no log to append to */
export function readLog(file: string, separator: string): CsvLog | undefined {
  if (!statSync(file, { throwIfNoEntry: false })?.isFile()) return undefined;
  const bytes = readFileSync(file);
  const text = bytes.toString('utf8').replace(BOM, '');
  if (!isUtf8(bytes)) throw wrongValue('filename', 'a log in UTF-8, to append to', text.slice(0, 80));
  if (text.trim() === '') return undefined;
  const all = [...records(text, separator)];
  const [{ fields, lineEnd }] = all;
  const [first, ...columns] = fields;
  if (first !== 'epoch') {
    const other = /^"?epoch"?([^\w"])/.exec(first)?.[1];
    const hint = other ? ` (is its separator '${other}'?)` : '';
    const header = text.slice(0, all[0].end).slice(0, 80);
    throw wrongValue('filename', `a log whose first column is 'epoch', to append to${hint}`, header);
  }
  const twice = twiceIn(fields);
  if (twice >= 0) throw wrongValue('filename', 'a log that has each column once, to append to', fields[twice]);
  return { columns, lineEnd: lineEnd || '\r\n', isEnded: all[all.length - 1].lineEnd !== '' };
}

/**
 * Adds columns to the log in `file`, with 'NA' in all rows so far; what else is in it stays as it is. A crash leaves the
 * old file or the new one.
 */
export function widenLog(file: string, separator: string, names: readonly string[]): void {
  const text = readFileSync(file, 'utf8');
  const start = text.startsWith(BOM) ? 1 : 0;
  const all = [...records(text.slice(start), separator)];
  const width = all[0].fields.length;
  let at = 0;
  let widened = '';
  for (const [i, { fields, end, lineEnd }] of all.entries()) {
    const isBlank = fields.length === 1 && fields[0] === '';
    const missing = Array<string>(Math.max(0, width - fields.length)).fill('NA'); // of a row that was cut
    const added = i === 0 ? names.map((name) => quote(name, separator)) : [...missing, ...names.map(() => 'NA')];
    widened += text.slice(start + at, start + end) + (isBlank ? '' : added.map((field) => separator + field).join(''));
    widened += lineEnd;
    at = end + lineEnd.length;
  }
  const target = realpathSync(file);
  const temporary = temporaryIn(dirname(target));
  try {
    writeFileSync(temporary, text.slice(0, start) + widened, { mode: statSync(target).mode & 0o777, flag: 'wx' });
    patientlySync(target, () => renameSync(temporary, target));
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}

/** One line of fields, without its end. */
export const formatRow = (values: readonly (string | number)[], separator: string): string =>
  values.map((value) => quote(value, separator)).join(separator);

function quote(value: string | number, separator: string): string {
  const text = String(value);
  return text.includes(separator) || /["\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** The records of a CSV text: RFC 4180, with lines that end in \r\n, \n or \r. */
function* records(text: string, separator: string): Generator<CsvRecord> {
  let fields: string[] = [];
  for (let at = 0; at < text.length; ) {
    let field = '';
    if (text[at] === '"') {
      let close = text.indexOf('"', at + 1);
      while (close >= 0 && text[close + 1] === '"') close = text.indexOf('"', close + 2);
      if (close < 0)
        throw wrongValue('filename', 'a log whose quotes are closed, to append to', text.slice(at, at + 80));
      field = text.slice(at + 1, close).replaceAll('""', '"');
      at = close + 1;
    }
    const from = at;
    while (at < text.length && text[at] !== separator && text[at] !== '\r' && text[at] !== '\n') at++;
    fields.push(field + text.slice(from, at));
    if (text[at] === separator) {
      at++;
      if (at < text.length) continue;
      fields.push('');
    }
    const lineEnd = text.startsWith('\r\n', at) ? '\r\n' : (text[at] ?? '');
    yield { fields, end: at, lineEnd };
    fields = [];
    at += lineEnd.length;
  }
}
