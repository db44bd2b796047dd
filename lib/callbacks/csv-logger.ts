import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { checkBoolean, checkOptions, wrongType, wrongValue } from '../check.js';
import { filePath } from '../io/atomic.js';
import type { Callback, Logs } from './callback.js';

export interface CsvLoggerOptions {
  /** One character between the columns. Default ',' */
  separator?: string;
  /** Go on with a file that exists, and its columns. Default false: begin anew */
  append?: boolean;
}

/**
 * Writes the logs of every epoch to a CSV file, as Keras' CSVLogger: the column `epoch` (from 0), then the names in the
 * logs by alphabet. Without validation data there are `val_` columns nevertheless, of 'NA'. Each row is on disk when
 * its epoch ends.
 *
 * @param filename of a folder that exists
 */
export function csvLogger(filename: string | URL, options: CsvLoggerOptions = {}): Callback {
  checkOptions('options', options, ['separator', 'append']);
  const file = filePath(filename);
  const { separator = ',' } = options;
  if (typeof separator !== 'string') throw wrongType('separator', 'a string', separator);
  if (separator.length !== 1 || '"\r\n'.includes(separator)) throw wrongValue('separator', 'one character', separator);
  const append = checkBoolean('append', options.append ?? false);
  let columns: string[] | undefined;

  const row = (values: readonly (string | number)[]) =>
    `${values.map((value) => quote(value, separator)).join(separator)}\r\n`;
  return {
    onTrainBegin() {
      columns = append ? readColumns(file, separator) : undefined;
      if (!append) writeFileSync(file, '');
    },
    onEpochEnd(epoch, logs) {
      let text = '';
      if (columns === undefined) {
        columns = columnsOf(logs);
        text = row(['epoch', ...columns]);
      }
      text += row([epoch, ...columns.map((name) => logs[name] ?? 'NA')]);
      appendFileSync(file, text);
    },
  };
}

function columnsOf(logs: Logs): string[] {
  const names = Object.keys(logs).sort();
  return names.some((name) => name.startsWith('val_')) ? names : [...names, ...names.map((name) => `val_${name}`)];
}

/** The columns of a log that `csvLogger` wrote before, or nothing where there is none. */
function readColumns(file: string, separator: string): string[] | undefined {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  const [header] = text.split(/\r?\n/, 1);
  if (header === '') return undefined;
  const [first, ...names] = header.split(separator).map((name) => name.replace(/^"(.*)"$/, '$1').replaceAll('""', '"'));
  if (first !== 'epoch')
    throw wrongValue('filename', "a log whose first column is 'epoch', to append to", header.slice(0, 80));
  return names;
}

function quote(value: string | number, separator: string): string {
  const text = String(value);
  return text.includes(separator) || /["\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
