import { performance } from 'node:perf_hooks';
import { checkOptions, wrongType, wrongValue } from '../check.js';
import type { Callback, CallbackParams, Logs } from './callback.js';

export interface ProgressBarOptions {
  /** 0: nothing; 1: a bar where the stream is a terminal; 2: one line an epoch anywhere. Default 1 */
  verbose?: 0 | 1 | 2;
  /** Where to write. Default: standard output. A terminal that tells no width (0 columns) is taken for 80 wide. */
  stream?: NodeJS.WritableStream & { isTTY?: boolean; columns?: number };
}

/** Between two drawings, in ms. */
const INTERVAL = 50;
const BAR = { least: 8, most: 30 };

/**
 * Shows how training gets on. On a terminal one line is drawn over and over, no wider than the terminal: a bar of the
 * epoch, the time that all epochs will still take, samples per second of training, loss and metrics so far. Elsewhere, and with
 * `verbose: 2`, one line is written when an epoch ends.
 */
export function progressBar(options: ProgressBarOptions = {}): Callback {
  checkOptions('options', options, ['verbose', 'stream']);
  const { verbose = 1, stream = process.stdout } = options;
  if (verbose !== 0 && verbose !== 1 && verbose !== 2) throw wrongValue('verbose', '0, 1 or 2', verbose);
  if (typeof stream?.write !== 'function') throw wrongType('stream', 'a stream to write to', stream);
  const draws = verbose === 1 && stream.isTTY === true;
  let params: CallbackParams;
  let epoch = 0;
  let begun = 0; // ms, of training
  let epochBegun = 0;
  let trained = 0; // when the last batch was known to be done
  let drawn = 0;

  /** What so many batches are of an epoch, and of samples: unknown in the first epoch of a source. */
  const doneOf = (batches: number) => {
    const { steps, samples, batchSize } = params;
    if (samples === undefined || steps === undefined) return { share: steps && batches / steps };
    const done = batchSize === undefined ? (samples * batches) / steps : Math.min(batches * batchSize, samples);
    return { share: done / samples, samples: done };
  };
  const title = () => {
    const total = String(params.epochs);
    return `Epoch ${String(epoch + 1).padStart(total.length)}/${total}`;
  };
  const bar: Callback = {
    firstRankOnly: true,
    setParams(given) {
      params = given;
    },
    onTrainBegin() {
      begun = performance.now();
    },
    onEpochBegin(number) {
      epoch = number;
      epochBegun = performance.now();
    },
    onProgress(batches, logs) {
      trained = performance.now();
      if (!draws || trained - drawn < INTERVAL) return;
      drawn = trained;
      const { share, samples } = doneOf(batches);
      const time = seconds(epochBegun, trained);
      const speed = samples === undefined ? rate(batches / time, 'batches') : rate(samples / time);
      const done = epoch - params.initialEpoch + (share ?? 0);
      const left = ((trained - begun) / done) * (params.epochs - params.initialEpoch - done);
      const parts =
        share === undefined
          ? [`${batches} batches`, speed, ...values(logs)]
          : [`ETA ${duration(left / 1000)}`, speed, ...values(logs)];
      stream.write(`\r${CLEAR}${line(title(), share, parts, (stream.columns || 80) - 1)}`);
    },
    onEpochEnd(_epoch, logs) {
      const now = performance.now();
      const speed = rate((params.samples ?? 0) / seconds(epochBegun, trained > epochBegun ? trained : now));
      const parts = [title(), duration(seconds(epochBegun, now)), speed, ...values(logs)];
      stream.write(draws ? `\r${CLEAR}${parts.join(' - ')}\n` : `${parts.join(' - ')}\n`);
    },
  };
  return verbose === 0 ? { setParams() {} } : bar;
}

/** ANSI: from the cursor to the end of the line. */
const CLEAR = '\x1b[K';

/** One line of at most `width` characters: as many parts as there is room for, and a bar of what is left, if that is known. */
function line(title: string, share: number | undefined, parts: readonly string[], width: number): string {
  const percent = share === undefined ? '' : `${Math.floor(100 * share)}%`.padStart(4);
  let room = width - title.length - (share === undefined ? 0 : percent.length + BAR.least + 2);
  let text = '';
  for (const part of parts) {
    if (part.length + 3 > room) break;
    text += ` - ${part}`;
    room -= part.length + 3;
  }
  if (share === undefined) return `${title}${text}`.slice(0, width);
  const length = Math.min(BAR.least + room, BAR.most);
  if (length < BAR.least) return `${title}${percent}`.slice(0, width);
  const full = Math.round(share * length);
  return `${title} ${'━'.repeat(full)}${'╌'.repeat(length - full)} ${percent}${text}`.slice(0, width);
}

/** Digits as Keras prints them. */
const values = (logs: Logs) =>
  Object.entries(logs).map(
    ([name, value]) => `${name}: ${typeof value === 'number' ? digits(value) : value}`, // a callback may add what it likes
  );
const digits = (value: number) => (Math.abs(value) > 1e-3 || value === 0 ? value.toFixed(4) : value.toExponential(4));

const seconds = (from: number, to: number) => (to - from) / 1000;
const rate = (perSecond: number, unit = 'samples') => `${Math.round(perSecond).toLocaleString('en')} ${unit}/s`;

function duration(length: number): string {
  const s = Math.round(length);
  const two = (n: number) => String(n).padStart(2, '0');
  if (s < 60) return `${s}s`;
  if (s < 3600) return `${Math.floor(s / 60)}:${two(s % 60)}`;
  return `${Math.floor(s / 3600)}:${two(Math.floor(s / 60) % 60)}:${two(s % 60)}`;
}
