import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import type { Writable } from 'node:stream';
import { finished } from 'node:stream/promises';
import type { NDArray } from '../../array.js';
import type { Label } from '../../labels.js';
import { isDate } from '../../tables/frame.js';
import { classCodes, probabilities } from '../../tables/network-step.js';
import { inUnits } from '../assessment.js';
import { readSourceOptions } from '../data-options.js';
import { loadFor } from '../dataset.js';
import { checkDestination } from '../destinations.js';
import { EXIT, unwritable, usage } from '../errors.js';
import { readMixed } from '../mixed.js';
import type { Values } from '../options.js';
import { count, Output } from '../output.js';
import { loadOwnRun } from '../run-file.js';

const BATCH = 256;
/** Samples whose lines are written at a time. */
const CHUNK = 4096;

/** @returns the exit code */
export async function run(values: Values): Promise<number> {
  const json = values.switch('json');
  const out = new Output({ json });
  const [path, source] = values.positionals;
  const file = values.text('out');
  if (file !== undefined) await checkDestination('--out', file);
  const { model, run } = await loadOwnRun(path);
  const { meaning } = run;
  const { classes } = meaning;
  const withProbabilities = values.switch('probabilities');
  if (withProbabilities && !classes) throw usage(`Expected no --probabilities: '${path}' predicts numbers`);
  if (!json) out.reading(source);
  const options = readSourceOptions(values, source);
  if (values.switch('rows') && (source === '-' || source === 'digits'))
    throw usage(`Expected no --rows with '${source}', but with a file of CSV, JSON or Parquet`);
  const { x, decided } = await loadFor(run, options, false);
  if (decided) out.note(decided);
  const table = values.switch('rows') ? await readMixed({ ...options, ...run.data, ...options }) : undefined;

  const [n] = x.shape;
  const stream = file === undefined ? process.stdout : createWriteStream(file);
  try {
    if (!json)
      await write(
        stream,
        `${csvRow([...(table?.names ?? []), 'prediction', ...(withProbabilities && classes ? classes.map((c) => `p(${c})`) : [])])}\n`,
      );
    for (let at = 0; at < n; at += CHUNK) {
      const rows = Int32Array.from({ length: Math.min(CHUNK, n - at) }, (_, i) => at + i);
      const output = await model.predict(x.take(rows), { batchSize: BATCH });
      const predicted = classes ? classCodes(output).data : inUnits(output.reshape(-1), meaning).data;
      const p = withProbabilities ? probabilities(output) : undefined;
      let text = '';
      for (let i = 0; i < rows.length; i++) {
        const prediction = classes ? classes[predicted[i]] : predicted[i];
        const before = table ? table.columns.map((column) => written(column[at + i])) : [];
        text += json
          ? jsonLine(
              at + i,
              prediction,
              classes,
              p,
              i,
              table && Object.fromEntries(table.names.map((name, k) => [name, before[k]])),
            )
          : csvLine(before, prediction, p, i);
      }
      await write(stream, text);
    }
    if (stream !== process.stdout) {
      stream.end();
      await finished(stream);
    }
  } catch (error) {
    throw file === undefined ? error : unwritable('--out', file, error);
  }
  if (file !== undefined) out.note(`${count(n, 'prediction')} written to ${file}`);
  return EXIT.done;
}

/** Waits where the reader is slower, so that memory stays small. */
async function write(stream: Writable, text: string): Promise<void> {
  if (!stream.write(text)) await once(stream, 'drain');
}

function csvLine(before: readonly (Label | null)[], prediction: Label, p: NDArray | undefined, row: number): string {
  return `${csvRow([...before.map((cell) => cell ?? ''), prediction, ...(p ? rowOf(p, row) : [])])}\n`;
}

function jsonLine(
  sample: number,
  prediction: Label,
  classes: readonly Label[] | undefined,
  p: NDArray | undefined,
  row: number,
  cells: object | undefined,
): string {
  const shares = p && classes && Object.fromEntries(rowOf(p, row).map((share, i) => [String(classes[i]), share]));
  return `${JSON.stringify({ sample, ...(cells && { row: cells }), prediction, ...(shares && { probabilities: shares }) })}\n`;
}

const written = (cell: Label | Date | null): Label | null => (isDate(cell) ? cell.toISOString() : cell);

/** Seven significant digits: more than float32 has. */
const rowOf = (p: NDArray, row: number): number[] => {
  const [, width] = p.shape;
  return Array.from(p.data.subarray(row * width, (row + 1) * width), (share) => Number(share.toPrecision(7)));
};

/** Quoted as RFC 4180 says. */
const csvRow = (cells: readonly Label[]) =>
  cells
    .map((cell) => (/[",\r\n]/.test(String(cell)) ? `"${String(cell).replaceAll('"', '""')}"` : String(cell)))
    .join(',');
