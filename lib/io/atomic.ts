import { constants, type Stats } from 'node:fs';
import { access, chmod, type FileHandle, lstat, open, readlink, realpath, rename, rm, stat } from 'node:fs/promises';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { crypto } from '../builtins.js';
import { failure, wrongType, wrongValue } from '../check.js';
import { isURL } from '../kind.js';
import { checkName, patiently } from './windows.js';

const { O_CREAT, O_EXCL, O_SYNC, O_WRONLY } = constants;

/** Node.js' permission model allows no change of an open file's mode, and from Node.js 24 on no fsync. */
export const isRestricted = () => process.permission !== undefined;

/** A file in this folder that no other process writes. */
export const temporaryIn = (folder: string): string =>
  join(folder, `.fjordnet-${crypto().randomBytes(8).toString('hex')}.tmp`);

/**
 * Replaces a file so that whoever reads it, and whatever crashes, finds the old content or the new one, never half of
 * it. The chunks go into a temporary file of the same directory, which is synced to disk and then renamed; of two
 * writers the later one wins. A symbolic link is followed, also to a file that is yet to be made. An existing file keeps
 * its permissions, and its owner where the system lets us; a file that may not be written to is not replaced. Other hard
 * links to it keep the old content.
 *
 * Pipes and character devices (/dev/null, a terminal) are written to as they are; folders, sockets and disks refused.
 *
 * A process that is killed leaves a file `.fjordnet-….tmp` behind, which is in nobody's way; after an error none is left.
 *
 * @param chunks read one after the other while writing
 * @throws Error with the file system's code (ENOENT, EACCES, ENOSPC …; EINVAL for names that Windows does not have), or whatever
 *   `chunks` throws
 */
export const writeFileAtomic = (path: Path, chunks: Chunks): Promise<void> => writeFilesAtomic([[path, chunks]]);

type Chunks = Iterable<Uint8Array> | AsyncIterable<Uint8Array>;

/** The same for files that belong together: all are written before the first is replaced, so that the disk is not full halfway. */
export async function writeFilesAtomic(files: readonly (readonly [path: Path, chunks: Chunks])[]): Promise<void> {
  const written: Written[] = [];
  const places = files.map(([path]) => placeOf(path));
  try {
    for (const [i, [, chunks]] of files.entries()) written.push(await writeBeside(places[i], chunks));
    for (const { replace } of written) await replace();
  } catch (error) {
    for (const { discard } of written) await discard();
    throw error;
  }
}

/** A new file that is still to take another one's place. */
interface Written {
  replace(): Promise<void>;
  discard(): Promise<void>;
}

async function writeBeside({ given, place }: Place, chunks: Chunks): Promise<Written> {
  checkName(given);
  let temporary: string | undefined;
  let file: FileHandle | undefined;
  try {
    const old = await existing(stat(place));
    if (old && !old.isFile()) {
      file = await openSpecial(given, place, old);
      for await (const chunk of chunks) await writeThrough(file, chunk);
      await file.close();
      return { replace: async () => {}, discard: async () => {} };
    }
    const target = await targetOf(place);
    if (old) await access(target, constants.W_OK);
    const directory = dirname(target);
    const name = temporaryIn(directory);
    const flags = isRestricted() ? O_CREAT | O_EXCL | O_WRONLY | O_SYNC : 'wx';
    file = await open(name, flags, old ? 0o600 : 0o666);
    temporary = name;
    if (old) await keepOwner(file, name, old);
    for await (const chunk of chunks) await file.writeFile(chunk);
    if (!isRestricted()) await file.sync();
    await file.close();
    return {
      async replace() {
        try {
          await patiently(target, () => rename(name, target));
          await syncDirectory(directory);
        } catch (error) {
          throw writeFailure(given, error);
        }
      },
      discard: () => removed(name),
    };
  } catch (error) {
    await file?.close().catch(() => {});
    if (temporary) await removed(temporary);
    throw writeFailure(given, error);
  }
}

const removed = (file: string) => rm(file, { force: true }).catch(() => {});

/** The error of a file that could not be written, in one sentence; what is no error of the file system stays as it is. */
export function writeFailure(path: string, error: unknown): unknown {
  const { code, syscall, message } = error as NodeJS.ErrnoException;
  if (!code || !syscall) return error;
  const reason = /^[A-Z0-9]+: (.*?), \w+/.exec(message)?.[1] ?? message; // 'ENOSPC: no space left on device, write'
  return failure(code, `Cannot write '${path}': ${reason} (${code})`, { cause: error });
}

/** A file that is to be written. */
class Place {
  /** As messages name it. */
  readonly given: string;
  /** Where it is, whatever folder the process goes to while it is written. */
  readonly place: string;

  constructor(given: string, place: string) {
    this.given = given;
    this.place = place;
  }

  /** Another file of its folder. */
  beside(name: string): Place {
    return new Place(join(dirname(this.given), name), `${dirname(this.place)}/${name}`);
  }
}
export type Path = string | URL | Place;

/** What to save into, where something is awaited before it is written. @throws as `filePath`, or if the process' folder is gone */
export function placeOf(path: Path): Place {
  if (path instanceof Place) return path;
  const given = filePath(path);
  try {
    return new Place(given, absolutePath(given));
  } catch (error) {
    throw writeFailure(given, error);
  }
}

/**
 * A path that stays the same, whatever folder the process goes to: as the system reads it, for which `link/..` is the folder above the
 * one that the link leads to.
 * @param home the folder it is of where it is relative. Default: the current one
 */
export function absolutePath(path: string, home?: string): string {
  if (process.platform === 'win32') return resolve(home ?? '', path);
  return isAbsolute(path) ? path : `${home ?? process.cwd()}/${path.replace(/^(\.\/+)+/, '')}`;
}

/** @throws TypeError if `path` is neither a string nor a file: URL; RangeError if it can be no file's name */
export function filePath(path: string | URL): string {
  if (isURL(path)) {
    try {
      return fileURLToPath(path);
    } catch {
      throw wrongValue('path', 'a file name or a file: URL', path.href);
    }
  }
  if (typeof path !== 'string' || path === '') throw wrongType('path', 'a file name or URL', path);
  if (path.includes('\0')) throw wrongValue('path', 'a file name, without a zero character', path);
  return path;
}

/** Undefined for what does not exist. */
async function existing(stats: Promise<Stats>): Promise<Stats | undefined> {
  try {
    return await stats;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return undefined;
  }
}

/** The file that is written to: where a symbolic link leads to, also to a file that is yet to be made. */
export async function targetOf(path: string): Promise<string> {
  const link = await existing(lstat(path));
  if (!link?.isSymbolicLink()) return path;
  if (await existing(stat(path))) return realpath(path); // a circle of links ends here, with ELOOP
  return targetOf(resolve(await realpath(dirname(path)), await readlink(path)));
}

async function openSpecial(given: string, place: string, stats: Stats): Promise<FileHandle> {
  checkSpecial(given, stats);
  const { O_WRONLY, O_NONBLOCK = 0, O_NOCTTY = 0 } = constants;
  try {
    return await open(place, O_WRONLY | O_NONBLOCK | O_NOCTTY); // else this waits until somebody reads the pipe
  } catch (error) {
    throw pipeFailure(given, stats, error);
  }
}

const refused = (path: string, code: string, what: string) =>
  failure(code, `Cannot write '${path}': it is ${what} (${code})`);

/** Refuses what is neither a file nor a pipe nor a character device. */
export function checkSpecial(path: string, stats: Stats): void {
  if (stats.isDirectory()) throw refused(path, 'EISDIR', 'a folder');
  if (stats.isSocket()) throw refused(path, 'ENOTSUP', 'a socket');
  if (stats.isBlockDevice()) throw refused(path, 'ENOTSUP', 'a disk, whose content would be lost');
}

/** The error of a pipe that was opened without waiting for its reader. */
export function pipeFailure(path: string, stats: Stats, error: unknown): unknown {
  const unread = stats.isFIFO() && (error as NodeJS.ErrnoException).code === 'ENXIO';
  return unread ? refused(path, 'ENXIO', 'a pipe that nobody reads') : error;
}

/** Writes to what takes bytes at its own pace. */
async function writeThrough(file: FileHandle, chunk: Uint8Array): Promise<void> {
  for (let done = 0; done < chunk.length; ) {
    try {
      done += (await file.write(chunk, done, Math.min(chunk.length - done, 2 ** 16))).bytesWritten;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
      await sleep(2); // the pipe is full
    }
  }
}

/**
 * Gives a new file the permissions of the old one, and its owner and group where we may. A group that cannot be kept gets
 * what everybody has: what one group may read is not shown to another.
 */
async function keepOwner(file: FileHandle, name: string, { uid, gid, mode }: Stats): Promise<void> {
  const own = await file.stat();
  const given = (user: number, group: number) =>
    file.chown(user, group).then(
      () => true,
      () => false,
    );
  const kept =
    (own.uid === uid && own.gid === gid) || (await given(uid, gid)) || own.gid === gid || (await given(-1, gid));
  const wanted = kept ? mode & 0o777 : (mode & 0o707) | ((mode & 0o007) << 3);
  await (isRestricted() ? chmod(name, wanted) : file.chmod(wanted));
}

/** Makes a rename survive a power cut. Windows has no such call, and some file systems refuse it. */
async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path).catch(() => undefined);
  await directory?.sync().catch(() => {});
  await directory?.close();
}
