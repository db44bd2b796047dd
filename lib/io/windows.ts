import { setTimeout as sleep } from 'node:timers/promises';
import { failure } from '../check.js';

const isWindows = process.platform === 'win32';

/** The names that belong to devices, whatever comes behind a dot; and what a name may not hold or end in. */
const DEVICE = /^(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]) *(\..*)?$/i;
const FORBIDDEN = /[<>:"|?*]|[. ]$/;

/**
 * What is wrong with the name of a file to be written. Node.js goes around Windows' own reading of names: it would make a file 'NUL'
 * that few programs can open or remove, and write 'log-12:30.csv' into a hidden part of the file 'log-12'.
 */
export function wrongName(path: string): string | undefined {
  if (!isWindows || /^[\\/]{2}[.?][\\/]/.test(path)) return undefined; // \\.\NUL is the device, and meant to be
  const name = path
    .replace(/^[a-z]:/i, '')
    .split(/[\\/]/)
    .at(-1) as string;
  if (name === '' || name === '.' || name === '..') return undefined; // folders are refused as such
  const device = DEVICE.exec(name)?.[1];
  if (device)
    return `on Windows '${device}' is a device${/^nul$/i.test(device) ? ', to be written as \\\\.\\NUL' : ''}`;
  return FORBIDDEN.test(name)
    ? 'Windows has no names that hold one of < > : " | ? * or end in a dot or a space'
    : undefined;
}

/** @throws Error with code EINVAL */
export function checkName(path: string): void {
  const wrong = wrongName(path);
  if (wrong) throw failure('EINVAL', `Cannot write '${path}': ${wrong} (EINVAL)`);
}

const PATIENCE = 5000;

/** Milliseconds to wait before the next attempt. @throws the error where waiting does not help, or has not helped */
function pauseAfter(error: unknown, path: string, waited: number): number {
  const { code = '' } = error as NodeJS.ErrnoException;
  if (!isWindows || !['EACCES', 'EBUSY', 'EPERM'].includes(code)) throw error;
  if (waited >= PATIENCE) throw failure(code, `Cannot write '${path}': it is open in another program (${code})`);
  return Math.min(10 + waited, 100);
}

/**
 * Replaces or removes the file `path`. Windows does neither to one that another program has open; a virus scanner or an indexer has
 * done with it in a moment, which is waited for, up to five seconds.
 */
export async function patiently(path: string, change: () => Promise<void>): Promise<void> {
  for (let waited = 0; ; ) {
    try {
      return await change();
    } catch (error) {
      const pause = pauseAfter(error, path, waited);
      await sleep(pause);
      waited += pause;
    }
  }
}

/** The same for those who cannot wait for a promise. */
export function patientlySync(path: string, change: () => void): void {
  for (let waited = 0; ; ) {
    try {
      change();
      return;
    } catch (error) {
      const pause = pauseAfter(error, path, waited);
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, pause);
      waited += pause;
    }
  }
}
