import { readFileSync, statSync, truncateSync } from 'node:fs';
import { type ArrayInput, asArray, type NDArray } from '../array.js';
import { crypto } from '../builtins.js';
import { wrongValue } from '../check.js';
import { absolutePath, filePath } from '../io/atomic.js';
import { LogFile, writing } from '../io/log-file.js';
import { expected, integer, list, object, record, type Schema } from '../io/schema.js';
import { hasMethods, isNDArray, isPlain, isRandomState, isTypedArray, property } from '../kind.js';
import { isMade } from '../made.js';
import { hasNamedColumns, readFrame, type Table } from '../tables/frame.js';
import type { Outcome, Pair } from './fits.js';
import type { GridResult, Params, PointScores } from './search.js';

interface Entry {
  index: number;
  params: unknown;
  trainScore: number;
  testScore: number;
  seconds: number;
  trainScores?: number[];
  testScores?: number[];
  iteration?: number;
  nResources?: number;
  scores?: Record<string, PointScores>;
}

/** JSON has no NaN, and no infinity: they stand there as texts. */
const score: Schema<number> = (name, value) => {
  if (typeof value === 'number' || /^(NaN|-?Infinity)$/.test(String(value))) return Number(value);
  throw expected(name, 'a number', value);
};

const ofPoint = {
  ...{ trainScore: score, testScore: score },
  ...{ trainScores: list(score) as Schema<number[]>, testScores: list(score) as Schema<number[]> },
};
const pointScores = record(object<PointScores>(ofPoint, ['trainScores', 'testScores']));

const entry = object<Entry>(
  {
    index: integer(0),
    params: (_, value) => value,
    ...ofPoint,
    seconds: score,
    scores: pointScores,
    iteration: integer(0),
    nResources: integer(1),
  },
  ['trainScores', 'testScores', 'scores', 'iteration', 'nResources'],
);

/**
 * The points of a search that are done, line by line in a file: first what search it is, then each point as it is done. Lines
 * are whole or, where the process was killed, the last one is cut: that one does not count.
 */
export class Journal {
  readonly #path: string;
  readonly #file: LogFile;
  #entries: ReadonlyMap<number, Entry> = new Map();

  constructor(path: string | URL) {
    this.#path = absolutePath(filePath(path));
    this.#file = new LogFile(this.#path);
  }

  /**
   * Reads what is there of this search; the file is ready for more then.
   * @param grows whether points come after these that are not known yet
   * @throws RangeError, with the file as it was, if it is that of another search
   */
  begin(setting: Readonly<Record<string, unknown>>, points: readonly Params[], grows: boolean): void {
    const header = `${lineOf({ ...digests(setting), points: digest(points) })}\n`;
    const text = writing(this.#path, () => this.#read());
    const [first = '', ...lines] = text.slice(0, text.lastIndexOf('\n') + 1).split(/(?<=\n)/);
    if (first === '') {
      if (!header.startsWith(text)) throw this.#foreign('of this search', text);
      this.#file.begin(false);
      this.#file.append(header);
      return;
    }
    if (first !== header) throw this.#foreign(differing(first, header), first);
    const entries = new Map<number, Entry>();
    lines.forEach((line, i) => {
      const found = this.#entry(line, i + 2);
      const isPoint = found.index < points.length ? isSame(points[found.index], found.params) : grows;
      if (!isPoint) throw this.#foreign(`of points of this search, as in its line ${i + 2}`, line);
      entries.set(found.index, found);
    });
    writing(this.#path, () => truncateSync(this.#path, Buffer.byteLength(first + lines.join(''))));
    this.#file.begin(true);
    this.#entries = entries;
  }

  /** What is there of a point, by its number. Nothing if another one had it, as a point before it failed then. */
  known(index: number, point: Params): Outcome | undefined {
    const found = this.#entries.get(index);
    if (!found || !isSame(point, found.params)) return undefined;
    const { seconds, scores } = found;
    const named = scores && Object.entries(scores).map(([name, own]) => [name, scoresIn(own)]);
    return { ...scoresIn(found), seconds, ...(named && { scores: Object.fromEntries(named) }) };
  }

  /** Points that failed are to be tried again, and left out. */
  add(index: number, { error, ...result }: GridResult): void {
    if (!error) this.#file.append(`${lineOf({ index, ...result })}\n`);
  }

  #read(): string {
    const stats = statSync(this.#path, { throwIfNoEntry: false });
    if (!stats) return '';
    if (!stats.isFile()) throw wrongValue('journal', 'a file', this.#path);
    return readFileSync(this.#path, 'utf8');
  }

  #entry(line: string, number: number): Entry {
    try {
      return entry('the point', JSON.parse(line));
    } catch {
      throw this.#foreign(`of points of this search, as in its line ${number}`, line);
    }
  }

  #foreign(what: string, line: string): RangeError {
    return wrongValue(`the journal '${this.#path}'`, what, line.trimEnd());
  }
}

const scoresIn = ({ trainScore, testScore, trainScores, testScores }: PointScores): PointScores => ({
  trainScore: Number(trainScore),
  testScore: Number(testScore),
  ...(trainScores && { trainScores: trainScores.map(Number) }),
  ...(testScores && { testScores: testScores.map(Number) }),
});

const isSame = (point: Params, params: unknown) => lineOf(point) === lineOf(params);

/** The first thing in which the search of a journal is another one. */
function differing(first: string, header: string): string {
  let there: unknown;
  try {
    there = JSON.parse(first);
  } catch {
    return 'of this search';
  }
  const here: Record<string, unknown> = JSON.parse(header);
  if (!isPlain(there)) return 'of this search';
  const key = Object.keys({ ...here, ...there }).find((name) => lineOf(there[name]) !== lineOf(here[name]));
  return key === undefined || !('search' in there) ? 'of this search' : `of a search of the same ${key}`;
}

/** What tells a search from others, in texts and numbers. */
export const fingerprint = (setting: Readonly<Record<string, unknown>>): Record<string, unknown> =>
  JSON.parse(lineOf(digests(setting)));

/** Long values by their digests: they are there to be compared. */
const digests = (setting: Readonly<Record<string, unknown>>) =>
  Object.fromEntries(
    Object.entries(setting)
      .filter(([, value]) => value !== undefined)
      .map(([key, value]) => [key, typeof value === 'object' ? digest(value) : value]),
  );

const digest = (value: unknown): string => digestOf([lineOf(value)]);

function digestOf(parts: Iterable<string | Uint8Array>): string {
  const hash = crypto().createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest('hex').slice(0, 16);
}

/** Tells samples from others, by all that they hold. */
export const digestOfPair = ([x, y]: Pair): string => digestOf(columnsOf(Object.entries({ x, y })));

function* partsOf(values: unknown): Generator<string | Uint8Array> {
  const array = numbersIn(values);
  if (array) {
    yield lineOf([array.dtype, array.shape]);
    yield new Uint8Array(array.data.buffer, array.data.byteOffset, array.data.byteLength);
  } else if (Array.isArray(values)) {
    yield lineOf(values.length);
    for (let i = 0; i < values.length; i += 1000) yield lineOf(values.slice(i, i + 1000));
  } else if (isPlain(values)) yield* columnsOf(Object.entries(values));
  else if (hasNamedColumns(values)) {
    const frame = readFrame('x', values as Table);
    yield* columnsOf((frame.names ?? []).map((name, k) => [name, frame.column(k)]));
  } else yield lineOf(values);
}

function* columnsOf(columns: readonly (readonly [name: string, values: unknown])[]): Generator<string | Uint8Array> {
  for (const [name, values] of columns) {
    yield lineOf(name);
    yield* partsOf(values);
  }
}

/** Nothing of what holds more than numbers. */
function numbersIn(values: unknown): NDArray | undefined {
  try {
    return hasNamedColumns(values) ? undefined : asArray('x', values as ArrayInput);
  } catch {
    return undefined;
  }
}

/** JSON that tells parameters from one another: also those that JSON itself would leave out. */
function lineOf(value: unknown): string {
  try {
    return JSON.stringify(value, readable);
  } catch (cause) {
    throw new TypeError(
      'Expected parameters that JSON can hold where journal or distributed is given, got one that refers to itself',
      {
        cause,
      },
    );
  }
}

function readable(_: string, value: any): unknown {
  if (typeof value === 'number' && !Number.isFinite(value)) return String(value);
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value === 'function') return `function ${value.name}`;
  if (typeof value === 'symbol' || value === undefined) return String(value);
  if (isNDArray(value)) return value.toArray();
  if (isTypedArray(value)) return Array.from(value as ArrayLike<number>);
  if (isRandomState(value)) return 'RandomState';
  if (hasMethods(value, 'getParams')) return [value.constructor?.name, value.getParams()];
  if (hasMethods(value, 'getConfig', 'callOn')) return describedLayer(value);
  return typeof value === 'object' && value !== null && isMade(value) ? value.config : value; // an optimizer, a loss
}

/** A layer or a network; what it has learnt does not matter. */
const describedLayer = (layer: any) => [
  layer.className,
  layer.layers && !layer.graph ? layer.layers : layer.getConfig(), // a Sequential that does not know its input yet
  ...['loss', 'metrics', 'dtype'].map((name) => property(layer, name)),
];
