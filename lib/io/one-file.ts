import { allocate } from '../allocate.js';

/**
 * The parts of a file as one, in memory that is nobody else's: a Buffer may lie in Node.js' pool, which other Buffers would lose
 * to whom its memory is transferred.
 * @throws Error with code ERR_MEMORY
 */
export function oneFile(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const bytes = allocate<number, Uint8Array<ArrayBuffer>>(Uint8Array, length);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
