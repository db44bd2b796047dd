import { Readable } from 'node:stream';
import { CommandError, EXIT } from './errors.js';

/** What is kept of standard input, in bytes, so that it can be read a second time. */
const KEPT = 2 ** 28;

type Piece = Promise<IteratorResult<Buffer>>;
let pieces: Piece[] | undefined;
let iterator: AsyncIterator<Buffer> | undefined;

/**
 * Standard input from its beginning, also a second time: a table is read as numbers, and where it holds other cells, nearly always in
 * its first rows, once more as columns of any kind.
 * @throws CommandError, a second time, if it was longer than what is kept
 */
export function standardInput(): Readable {
  if (iterator && !pieces)
    throw new CommandError(
      EXIT.input,
      `Cannot read standard input twice, as more than ${KEPT / 2 ** 20} MB of it came before what is no number: an option of columns, such as --impute median, reads all of it as columns of any kind`,
    );
  pieces ??= [];
  iterator ??= process.stdin.iterator({ destroyOnReturn: false });
  return Readable.from(bytes(iterator, pieces), { objectMode: false });
}

/** @throws CommandError for more than may be kept */
export async function allOfStandardInput(): Promise<Uint8Array> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of standardInput()) {
    size += part.length;
    if (size > KEPT)
      throw new CommandError(
        EXIT.input,
        `Expected standard input of at most ${KEPT / 2 ** 20} MB, which rank 0 hands to the others: a file can be larger`,
      );
    parts.push(part);
  }
  return Buffer.concat(parts);
}

/** These bytes are read in place of standard input. */
export function useAsStandardInput(bytes: Uint8Array): void {
  const all: IteratorResult<Buffer>[] = [
    { done: false, value: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length) },
    { done: true, value: undefined },
  ];
  pieces = all.map((piece) => Promise.resolve(piece));
  iterator ??= { next: () => pieces![1] };
}

/** It is waited for no longer. */
export function leaveStandardInput(): void {
  if (iterator) process.stdin.destroy();
}

async function* bytes(from: AsyncIterator<Buffer>, kept: Piece[]): AsyncGenerator<Buffer> {
  let size = 0;
  for (let i = 0; ; i++) {
    kept[i] ??= from.next();
    const { value, done } = await kept[i];
    if (done) return;
    size += value.length;
    if (size > KEPT) [pieces, kept] = [undefined, []];
    yield value;
  }
}
