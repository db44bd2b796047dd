import { checkBoolean, checkOptions, wrongType, wrongValue } from '../check.js';
import { absolutePath, filePath } from '../io/atomic.js';
import { LogFile, writing } from '../io/log-file.js';
import type { Callback, Logs } from './callback.js';
import { formatRow, readLog, widenLog } from './csv-log.js';

export interface CsvLoggerOptions {
  /** One character between the columns. Default ',' */
  separator?: string;
  /** Go on with a file that exists, and its columns. Default false: begin anew */
  append?: boolean;
}

/**
 * Writes the logs of every epoch to a CSV file, as Keras' CSVLogger: the column `epoch` (from 0), then the names in the
 * logs by alphabet. Without validation data there are `val_` columns nevertheless, of 'NA'. Each row is on disk when
 * its epoch ends. Names that come later, or that a log to append to does not have, become columns at its end, 'NA' in
 * the rows before.
 *
 * @param filename of a folder that exists, from the current folder when the callback is made; a pipe or a device is written to
 *   as it is
 * @throws RangeError, before training begins, if the file to append to is no such log; Error with the file system's code
 *   (ENOENT, EACCES, ENOSPC …)
 */
export function csvLogger(filename: string | URL, options: CsvLoggerOptions = {}): Callback {
  checkOptions('options', options, ['separator', 'append']);
  const file = absolutePath(filePath(filename));
  const { separator = ',' } = options;
  if (typeof separator !== 'string') throw wrongType('separator', 'a string', separator);
  if (separator.length !== 1 || '"\r\n'.includes(separator)) throw wrongValue('separator', 'one character', separator);
  const append = checkBoolean('append', options.append ?? false);
  const out = new LogFile(file);
  let columns: string[] | undefined;
  let lineEnd = '\r\n';
  let isEnded = true;

  return {
    firstRankOnly: true,
    onTrainBegin() {
      const log = append ? writing(file, () => readLog(file, separator)) : undefined;
      ({ columns, lineEnd, isEnded } = log ?? { columns: undefined, lineEnd: '\r\n', isEnded: true });
      out.begin(log !== undefined);
    },
    onEpochEnd(epoch, logs) {
      const lines: string[] = [];
      if (columns === undefined) {
        columns = columnsOf(logs);
        lines.push(formatRow(['epoch', ...columns], separator));
      }
      const known = columns;
      const added = namesOf(logs).filter((name) => !known.includes(name));
      if (added.length > 0) {
        if (!out.isRegular)
          throw wrongValue(
            'the logs',
            `of the names ${known.join(', ')}, as before, where filename is no file`,
            added[0],
          );
        writing(file, () => widenLog(file, separator, added));
        columns.push(...added);
      }
      lines.push(
        formatRow([epoch, ...columns.map((name) => (Object.hasOwn(logs, name) ? logs[name] : 'NA'))], separator),
      );
      out.append((isEnded ? '' : lineEnd) + lines.map((line) => line + lineEnd).join(''));
      isEnded = true;
    },
    onTrainEnd: () => out.end(),
  };
}

/** 'epoch' is the first column, whatever the logs have of that name. */
const namesOf = (logs: Logs): string[] =>
  Object.keys(logs)
    .filter((name) => name !== 'epoch')
    .sort();

function columnsOf(logs: Logs): string[] {
  const names = namesOf(logs);
  return names.some((name) => name.startsWith('val_')) ? names : [...names, ...names.map((name) => `val_${name}`)];
}
