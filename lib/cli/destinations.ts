import { access, constants, mkdir, open, realpath, rm, stat, statfs } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { checkSpecial, isRestricted, targetOf, temporaryIn } from '../io/atomic.js';
import { wrongName } from '../io/windows.js';
import { CommandError, EXIT, unwritable, usage } from './errors.js';

/**
 * Makes sure, before hours of training, that a file can be written: its folder (where it is a link: the one it leads to)
 * exists and takes a file, what is there is no folder or socket and may be replaced, and the disk has room.
 *
 * @param option how the user named it, such as '--save'
 * @param bytes what it will take
 */
export async function checkDestination(option: string, path: string, bytes = 65536): Promise<void> {
  try {
    const wrong = wrongName(path);
    if (wrong) throw new CommandError(EXIT.output, `Cannot write ${option} '${path}': ${wrong}`);
    const target = await targetOf(path);
    const folder = dirname(target);
    const existing = await stat(target).catch(() => undefined);
    if (existing && !existing.isFile()) checkSpecial(path, existing);
    const isAsked = process.platform !== 'win32' || existing?.isFile(); // Windows knows no rights of \\.\NUL
    if (existing && isAsked) await access(target, constants.W_OK);
    if (existing && !existing.isFile()) return; // pipes and devices are written to, and take no room
    const where = await stat(folder).catch((error) => {
      throw error.code === 'ENOENT'
        ? new CommandError(EXIT.output, `Cannot write ${option} '${path}': there is no folder '${folder}'`)
        : error;
    });
    if (!where.isDirectory()) throw Object.assign(new Error(), { code: 'ENOTDIR' });
    await tryFolder(folder);
    const { bavail, bsize } = await statfs(folder);
    if (bavail * bsize < bytes)
      throw new CommandError(
        EXIT.output,
        `Cannot write ${option} '${path}': it takes some ${megabytes(bytes)}, and the disk has ${megabytes(bavail * bsize)} left`,
      );
  } catch (error) {
    throw unwritable(option, path, error);
  }
}

/** Files by what the user calls them. */
type Named = Readonly<Record<string, string | undefined>>;

/** Refuses to write over what is read, or what else is written. */
export async function checkApart(written: Named, read: Named): Promise<void> {
  const names = new Map<string, string>();
  for (const [name, path] of [...Object.entries(read), ...Object.entries(written)]) {
    const place = path === undefined ? undefined : await placeOf(path, Object.hasOwn(read, name));
    if (place === undefined) continue;
    const other = names.get(place);
    if (other !== undefined && Object.hasOwn(written, name))
      throw usage(`Expected ${name} and ${other} to be two files, got '${path}' for both`);
    names.set(place, name);
  }
}

/** Where a file is, or is to be; undefined for pipes, devices and folders, and for what is to be read and is not there. */
async function placeOf(path: string, isRead: boolean): Promise<string | undefined> {
  try {
    const target = await targetOf(path);
    const existing = await stat(target).catch(() => undefined);
    if (existing ? !existing.isFile() : isRead) return undefined;
    return join(await realpath(dirname(target)), basename(target));
  } catch {
    return undefined; // said by who reads or writes it
  }
}

/**
 * Writes where it was asked to, or, if that cannot be written any more, to `spare`, that work is not lost.
 * @returns where it was written, and what went wrong
 */
export async function writeOrSpare(
  [option, wanted]: readonly [option: string, path: string],
  spare: string | undefined,
  write: (path: string) => Promise<void>,
): Promise<{ path?: string; error?: unknown }> {
  try {
    await write(wanted);
    return { path: wanted };
  } catch (cause) {
    const error = unwritable(option, wanted, cause);
    if (spare === undefined) return { error };
    return write(spare).then(
      () => ({ path: spare, error }),
      () => ({ error }),
    );
  }
}

/** As `checkDestination`, of a folder, which is made. */
export async function checkFolder(option: string, path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true });
    await tryFolder(resolve(path));
  } catch (error) {
    throw unwritable(option, path, error);
  }
}

const megabytes = (bytes: number) => `${(bytes / 2 ** 20).toFixed(1)} MB`;

async function tryFolder(folder: string): Promise<void> {
  const probe = temporaryIn(folder);
  const file = await open(probe, 'wx');
  try {
    await file.write(new Uint8Array(4096));
    if (!isRestricted()) await file.sync();
  } finally {
    await file.close();
    await rm(probe, { force: true });
  }
}
