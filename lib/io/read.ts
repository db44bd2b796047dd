import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { allocate } from '../allocate.js';
import { failure } from '../check.js';
import { filePath } from './atomic.js';

/** Reads at most this much at a time, since Node reads less than 2^31 bytes. */
const MAX_READ = 2 ** 30;

/** For what cannot be read: an Error with code ERR_FORMAT and the reason. */
export const damaged = (source: string, reason: string, cause?: unknown) =>
  failure('ERR_FORMAT', `Cannot read ${source}: ${reason}`, { cause });

/** A name from a file, in quotes, as long as a message may show it. */
export const quoted = (name: string) => `'${name.length > 60 ? `${name.slice(0, 60)}…` : name}'`;

/** A shape from a file, as much of it as a message may show. */
export const sizes = (shape: readonly number[]) => shape.slice(0, 8).join(', ') + (shape.length > 8 ? ', …' : '');

/** What to call a file in an error message. */
export const sourceOf = (path: string | URL) => `'${filePath(path)}'`;

/** Opens a file for reading. @throws Error with the file system's code (ENOENT …) and the caller's stack */
export async function openFile(path: string | URL, flags: number = constants.O_RDONLY): Promise<FileHandle> {
  const source = sourceOf(path);
  try {
    return await open(path, flags);
  } catch (error) {
    throw failure((error as NodeJS.ErrnoException).code ?? 'ERR_IO', `Cannot open ${source}`, { cause: error });
  }
}

/**
 * Opens a file that is one, and no folder, device or pipe, and tells its size: none may be waited for, as a pipe that
 * nobody writes to would be. @throws as `openFile`, and Error with code ERR_FORMAT
 */
export async function openRegularFile(path: string | URL): Promise<{ file: FileHandle; size: number }> {
  const file = await openFile(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  try {
    return { file, size: await sizeOfFile(file, sourceOf(path)) };
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** What `read` gives of a file that it opens, and the file, to go on reading; closed where that fails. */
export async function readHead<T extends object>(
  path: string | URL,
  read: (file: FileHandle, size: number) => Promise<T>,
): Promise<T & { file: FileHandle }> {
  const { file, size } = await openRegularFile(path);
  try {
    return { ...(await read(file, size)), file };
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** The size of a file that is one, and no folder or pipe. */
export async function sizeOfFile(file: FileHandle, source: string): Promise<number> {
  const stats = await file.stat();
  if (!stats.isFile()) throw damaged(source, 'it is no file');
  return stats.size;
}

/** What is read at any place: a file, or bytes. */
export interface Positioned {
  read(bytes: Uint8Array, offset: number, length: number, position: number): Promise<{ readonly bytesRead: number }>;
}

/** Bytes as if they were a file. */
export const inMemory = (content: Uint8Array): Positioned => ({
  async read(bytes, offset, length, position) {
    const part = content.subarray(position, position + length);
    bytes.set(part, offset);
    return { bytesRead: part.length };
  },
});

/** Fills `bytes` from the given position. @throws Error with code ERR_FORMAT if the file ends before */
export async function readFully(file: Positioned, bytes: Uint8Array, position: number, source: string): Promise<void> {
  let done = 0;
  while (done < bytes.length) {
    const length = Math.min(bytes.length - done, MAX_READ);
    const { bytesRead } = await file.read(bytes, done, length, position + done);
    if (bytesRead === 0) throw damaged(source, `it ended at byte ${position + done}`);
    done += bytesRead;
  }
}

/** Turns the bytes of every element round, in place. */
export function swapBytes(bytes: Uint8Array, width: number): void {
  if (width === 1) return;
  for (let at = 0; at < bytes.length; at += width)
    for (let i = at, j = at + width - 1; i < j; i++, j--) [bytes[i], bytes[j]] = [bytes[j], bytes[i]];
}

/** Zero bytes, or an Error with code ERR_MEMORY. */
export function allocateBytes(length: number, source: string): Uint8Array<ArrayBuffer> {
  try {
    return allocate(Uint8Array, length);
  } catch (error) {
    throw failure('ERR_MEMORY', `Cannot read ${source}: there is no memory for ${length} bytes`, { cause: error });
  }
}

/** All of a file. @throws Error with the file system's code, and ERR_FORMAT if it becomes shorter meanwhile */
export async function readWhole(path: string | URL): Promise<Uint8Array<ArrayBuffer>> {
  const { file, size } = await openRegularFile(path);
  const source = sourceOf(path);
  try {
    const bytes = allocateBytes(size, source);
    await readFully(file, bytes, 0, source);
    return bytes;
  } finally {
    await file.close();
  }
}
