import { execFileSync } from 'node:child_process';

export interface Cost {
  /** The error's code, or 'read'. */
  code: string;
  message: string;
  /** Of the processor, so that other processes do not count. */
  seconds: number;
  /** At the most, above what reading the first file took. */
  megabytes: number;
}

/**
 * What reading a file takes, in a process of its own.
 *
 * @param read the source of a function that is given the path
 * @param small a file that is read before, so that what the library itself takes does not count
 */
export function costOf(read: string, small: string, file: string): Cost {
  const script = `
    const read = ${read};
    const attempt = (path) => read(path).then(() => ({ code: 'read', message: '' }), ({ code, message }) => ({ code, message }));
    await attempt(process.argv[1]);
    const before = process.resourceUsage().maxRSS;
    const start = process.cpuUsage();
    const outcome = await attempt(process.argv[2]);
    const { user, system } = process.cpuUsage(start);
    const seconds = (user + system) / 1e6;
    console.log(JSON.stringify({ ...outcome, seconds, megabytes: (process.resourceUsage().maxRSS - before) / 1024 }));`;
  const args = ['--input-type=module', '--eval', script, small, file];
  return JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8' }));
}
