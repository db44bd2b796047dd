import { zlib } from '../builtins.js';
import { damaged } from './read.js';

/** Deflate can make 1032 bytes of one; no table or picture comes near this. */
const RATIO = 256;
/** What any file may unzip to, in bytes. */
const ALWAYS = 2 ** 26;

/** Do these first bytes begin a gzip file? */
export const isGzip = (bytes: Uint8Array) => bytes[0] === 0x1f && bytes[1] === 0x8b;

/** The most that so many bytes may unzip to: a file made to exhaust the memory holds more. */
export const mostUnzipped = (bytes: number) => Math.max(ALWAYS, RATIO * bytes);

/** Unzips as the bytes come. @throws Error with code ERR_FORMAT for damage, a cut end, and far too much of a content */
export async function* gunzip(chunks: AsyncIterable<Uint8Array>, source: string): AsyncGenerator<Buffer> {
  let taken = 0;
  let given = 0;
  const { pipeline } = await import('node:stream/promises');
  const unzip = zlib().createGunzip();
  const feeding = pipeline(async function* () {
    for await (const chunk of chunks) {
      taken += chunk.length;
      yield chunk;
    }
  }, unzip);
  feeding.catch(() => {}); // the loop below meets the same error
  try {
    for await (const chunk of unzip as AsyncIterable<Buffer>) {
      given += chunk.length;
      if (given > mostUnzipped(taken))
        throw damaged(source, `it unzips to more than ${RATIO} times its size, as no data do`);
      yield chunk;
    }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw code?.startsWith('Z_') ? damaged(source, 'its gzip is damaged or cut short', error) : error;
  }
}

/** The same bytes, unzipped if they begin as gzip does. */
export async function* unzipped(chunks: AsyncIterable<unknown>, source: string): AsyncGenerator<unknown> {
  const iterator = chunks[Symbol.asyncIterator]();
  // two bytes tell, and a stream may begin with fewer
  const first: unknown[] = [];
  let head = Buffer.alloc(0);
  while (head.length < 2) {
    const { value, done } = await iterator.next();
    if (done) break;
    first.push(value);
    if (!ArrayBuffer.isView(value)) break;
    head = Buffer.concat([head, Buffer.from(value.buffer, value.byteOffset, value.byteLength)]);
  }
  const whole = async function* () {
    yield* first;
    yield* { [Symbol.asyncIterator]: () => iterator };
  };
  try {
    const zipped = isGzip(head);
    yield* zipped ? gunzip(whole() as AsyncIterable<Uint8Array>, source) : whole();
  } finally {
    await iterator.return?.();
  }
}
