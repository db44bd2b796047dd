import { statSync } from 'node:fs';
import { harmless } from '../check.js';

/** Files that take a while to read, in bytes. */
const LARGE = 2 ** 25;

/** Where a command's words go: people read text, programs read JSON. */
export class Output {
  readonly json: boolean;
  readonly quiet: boolean;
  readonly #isSilent: boolean;

  /**
   * @param json one JSON document a line on standard output, and text for people on standard error
   * @param isSilent nothing at all, as of the second process of several that run one command
   */
  constructor({
    json = false,
    quiet = false,
    isSilent = false,
  }: { json?: boolean; quiet?: boolean; isSilent?: boolean }) {
    this.json = json;
    this.quiet = quiet || isSilent;
    this.#isSilent = isSilent;
  }

  /** A line of a result, for people. */
  say(line = ''): void {
    this.draw(harmless(line));
  }

  /** A figure, which may have colours. */
  draw(text: string): void {
    if (!this.#isSilent) (this.json ? process.stderr : process.stdout).write(`${text}\n`);
  }

  /** A line for people that is no result: on standard error. */
  note(line: string): void {
    if (!this.quiet) process.stderr.write(`${harmless(line)}\n`);
  }

  /** Says that a large file is about to be read. */
  reading(path: string): void {
    let size = 0;
    try {
      size = statSync(path).size;
    } catch {
      return; // the reading itself says what is wrong
    }
    if (size >= LARGE) this.note(`Reading ${path} (${(size / 1e6).toFixed(0)} MB) …`);
  }

  /** What is important even to those who want silence: on standard error. */
  alert(line: string): void {
    if (!this.#isSilent) process.stderr.write(`${harmless(line)}\n`);
  }

  /** A document for programs. NaN and Infinity, which JSON lacks, are null. */
  document(value: object): void {
    if (this.json && !this.#isSilent) process.stdout.write(`${JSON.stringify(value)}\n`);
  }
}

/** A path as the shells of all systems take it for one word. */
export const argument = (path: string): string => (/\s/.test(path) ? `"${path}"` : path);

/** 0.973 as '97.3 %'. */
export const percent = (share: number): string => (Number.isFinite(share) ? `${(100 * share).toFixed(1)} %` : 'nan');

/** Four significant digits. */
export const short = (value: number): string => {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'nan' : String(value);
  const size = Math.abs(value);
  return size !== 0 && (size < 1e-3 || size >= 1e5) ? value.toExponential(3) : String(Number(value.toPrecision(4)));
};

export const count = (n: number, noun: string): string =>
  `${n.toLocaleString('en-US')} ${noun}${n === 1 ? '' : noun.endsWith('s') ? 'es' : 's'}`;

export function seconds(s: number): string {
  if (s < 0.0995) return `${(1000 * s).toFixed(0)} ms`;
  if (s < 99.5) return `${s.toFixed(1)} s`;
  return `${Math.floor(s / 60)} min ${String(Math.round(s % 60)).padStart(2, '0')} s`;
}
