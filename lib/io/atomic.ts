import { randomBytes } from 'node:crypto';
import { type FileHandle, open, realpath, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { failure, wrongType } from '../check.js';
import { isURL } from '../kind.js';

/**
 * Replaces a file so that whoever reads it, and whatever crashes, finds the old content or the new one, never half of
 * it. The chunks go into a temporary file of the same directory, which is synced to disk and then renamed; of two
 * writers the later one wins. An existing file keeps its permissions, a symbolic link is followed. A process that is
 * killed leaves a file `.fjordnet-….tmp` behind; after an error none is left.
 *
 * @param chunks read one after the other while writing
 * @throws Error with the file system's code (ENOENT, EACCES, ENOSPC …), or whatever `chunks` throws
 */
export async function writeFileAtomic(path: string | URL, chunks: Iterable<Uint8Array>): Promise<void> {
  const given = filePath(path);
  const target = await realpath(given).catch(() => given);
  const mode = await stat(target).then(
    (old) => old.mode & 0o777,
    () => undefined,
  );
  const directory = dirname(target);
  const temporary = join(directory, `.fjordnet-${randomBytes(8).toString('hex')}.tmp`);
  let file: FileHandle | undefined;
  try {
    file = await open(temporary, 'wx', mode);
    if (mode !== undefined) await file.chmod(mode);
    for (const chunk of chunks) await file.writeFile(chunk);
    await file.sync();
    await file.close();
    await rename(temporary, target);
  } catch (error) {
    await file?.close().catch(() => {});
    if (file) await rm(temporary, { force: true });
    const { code, syscall } = error as NodeJS.ErrnoException;
    if (!code || !syscall) throw error;
    throw failure(code, `Cannot write '${given}': ${(error as Error).message}`, { cause: error });
  }
  await syncDirectory(directory);
}

/** @throws TypeError if `path` is neither a string nor a file: URL */
export function filePath(path: string | URL): string {
  if (isURL(path)) return fileURLToPath(path);
  if (typeof path !== 'string' || path === '') throw wrongType('path', 'a file name or URL', path);
  return path;
}

/** Makes a rename survive a power cut. Windows has no such call, and some file systems refuse it. */
async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path).catch(() => undefined);
  await directory?.sync().catch(() => {});
  await directory?.close();
}
