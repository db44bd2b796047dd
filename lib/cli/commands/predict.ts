import { once } from 'node:events';
import type { NDArray } from '../../array.js';
import { writeFileAtomic } from '../../io/atomic.js';
import { isNDArray } from '../../kind.js';
import type { Label } from '../../labels.js';
import { isDate } from '../../tables/frame.js';
import { readSourceOptions } from '../data-options.js';
import { checkApart, checkDestination } from '../destinations.js';
import { EXIT, unwritable, usage } from '../errors.js';
import type { Values } from '../options.js';
import { count, Output } from '../output.js';
import { isOfPictures } from '../pictures.js';
import { predicted, readRawRows } from '../raw-rows.js';
import { loadAnswering } from '../run-file.js';

/** Characters that are written at a time. */
const WRITTEN = 2 ** 16;

/** @returns the exit code */
export async function run(values: Values): Promise<number> {
  const json = values.switch('json');
  const out = new Output({ json });
  const [path, source] = values.positionals;
  const file = values.text('out');
  await checkApart({ '--out': file }, { MODEL: path, DATA: source });
  if (file !== undefined) await checkDestination('--out', file);
  const { predictor, run } = await loadAnswering(path);
  const { classes } = predictor;
  const withProbabilities = values.switch('probabilities');
  if (withProbabilities && classes.length === 0) throw usage(`Expected no --probabilities: '${path}' predicts numbers`);
  if (!json) out.reading(source);
  const options = readSourceOptions(values, source);
  const withRows = values.switch('rows');
  if (withRows && (source === '-' || source === 'digits' || isOfPictures(source)))
    throw usage(`Expected no --rows with '${source}', but with a file of CSV, JSON or Parquet`);
  const rows = await readRawRows(predictor, run, options, withRows);
  if (rows.decided) out.note(rows.decided);
  const table = withRows ? rows.table : undefined;

  let n = 0;
  async function* lines(): AsyncGenerator<string> {
    const origins = rows.files ? ['file'] : (table?.names ?? []);
    const shares = withProbabilities ? classes.map((c) => `p(${c})`) : [];
    for await (const { answers, probabilities } of predicted(predictor, rows, withProbabilities)) {
      const predictions = isNDArray(answers) ? answers.data : answers;
      let text = n === 0 && !json ? `${csvRow([...origins, 'prediction', ...shares])}\n` : '';
      for (const [i, prediction] of predictions.entries()) {
        const p = probabilities && sharesOf(probabilities, i);
        const file = rows.files?.[n];
        const before = file !== undefined ? [file] : table ? table.columns.map((column) => written(column[n])) : [];
        const origin =
          file !== undefined
            ? { file }
            : table && { row: Object.fromEntries(table.names.map((name, k) => [name, before[k]])) };
        text += json
          ? jsonLine(n, prediction, classes, p, origin)
          : `${csvRow([...before.map((cell) => cell ?? ''), prediction, ...(p ?? [])])}\n`;
        n++;
        if (text.length < WRITTEN && i < predictions.length - 1) continue;
        yield text;
        text = '';
      }
    }
  }
  if (file === undefined) {
    for await (const text of lines()) await print(text);
  } else {
    await writeFileAtomic(file, encoded(lines())).catch((error) => {
      throw unwritable('--out', file, error);
    });
  }
  if (file !== undefined) out.note(`${count(n, 'prediction')} written to ${file}`);
  return EXIT.done;
}

/** Waits where the reader is slower, so that memory stays small. */
async function print(text: string): Promise<void> {
  if (!process.stdout.write(text)) await once(process.stdout, 'drain');
}

async function* encoded(texts: AsyncIterable<string>): AsyncGenerator<Uint8Array> {
  for await (const text of texts) yield Buffer.from(text);
}

function jsonLine(
  sample: number,
  prediction: Label,
  classes: readonly Label[],
  p: readonly number[] | undefined,
  origin: object | undefined,
): string {
  const probabilities = p && Object.fromEntries(p.map((share, i) => [String(classes[i]), share]));
  return `${JSON.stringify({ sample, ...origin, prediction, ...(probabilities && { probabilities }) })}\n`;
}

const written = (cell: Label | Date | null): Label | null => (isDate(cell) ? cell.toISOString() : cell);

/** Seven significant digits: more than float32 has. */
const sharesOf = ({ data, shape: [, width] }: NDArray, row: number): number[] =>
  Array.from(data.subarray(row * width, (row + 1) * width), (share) => Number(share.toPrecision(7)));

/** Quoted as RFC 4180 says. */
const csvRow = (cells: readonly Label[]) =>
  cells
    .map((cell) => (/[",\r\n]/.test(String(cell)) ? `"${String(cell).replaceAll('"', '""')}"` : String(cell)))
    .join(',');
