import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Ran, root } from './packed.js';

const WINE = '/usr/bin/wine';

export const windowsNode = (version: number) =>
  join(root, 'test', 'windows', 'node_modules', `node-${version}`, 'bin', 'node.exe');

/** Whether programs for Windows can be run here. */
export const hasWine = existsSync(WINE) && existsSync(windowsNode(20));

const env = {
  PATH: '/usr/bin:/bin',
  HOME: process.env.HOME,
  WINEPREFIX: join(root, 'build-wine'),
  WINEARCH: 'win64',
  WINEDEBUG: '-all',
  WINEDLLOVERRIDES: 'mscoree,mshtml=', // else it asks whether to install them
};

/** Makes Wine's Windows 10, once. */
export function setUpWine(): void {
  if (existsSync(join(env.WINEPREFIX, 'system.reg'))) return;
  const { status } = spawnSync(WINE, ['winecfg', '-v', 'win10'], { env, stdio: 'ignore' });
  if (status !== 0) throw new Error('winecfg failed');
}

/** A path of this system, as Wine's Windows has it. */
export const windowsPath = (path: string) => `Z:${path.replaceAll('/', '\\')}`;

/** Runs a program for Windows. Its output goes through files: Wine's pipes are none that Node.js can write to. */
export function wine(args: readonly string[], options: { cwd: string; env?: Record<string, string> }): Ran {
  const folder = mkdtempSync(join(tmpdir(), 'fjordnet-wine-'));
  const [out, err] = ['stdout', 'stderr'].map((name) => join(folder, name));
  try {
    const { status } = spawnSync('/bin/sh', ['-c', 'exec "$0" "$@" >"$OUT" 2>"$ERR"', WINE, ...args], {
      cwd: options.cwd,
      env: { ...env, ...options.env, OUT: out, ERR: err },
      stdio: 'ignore',
    });
    return { status, stdout: readFileSync(out, 'utf8'), stderr: readFileSync(err, 'utf8') };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** MinGW's compiler of C. @throws Error with what it says */
export const compileForWindows = (source: string, program: string, ...options: string[]): void =>
  void execFileSync('x86_64-w64-mingw32-gcc-posix', ['-O1', ...options, source, '-o', program]);

/** Whether there is a console that Ctrl-C can come from: a terminal, which `script` makes. */
export const hasConsole = existsSync('/usr/bin/script');

/**
 * Runs a program for Windows on a console of its own, and has it get Ctrl-C there once `ready`, which is given the first line of its
 * output, has come to its end.
 */
export async function interrupted(
  args: readonly string[],
  options: { cwd: string },
  ready: (line: string) => Promise<void> = async () => {},
): Promise<Ran> {
  const folder = mkdtempSync(join(tmpdir(), 'fjordnet-wine-'));
  const [out, err, now, ctrl] = ['stdout', 'stderr', 'now', 'ctrl.exe'].map((name) => join(folder, name));
  compileForWindows(join(root, 'test', 'native', 'ctrl.c'), ctrl);
  const command = [WINE, ctrl, windowsPath(now), ...args].map((word) => `'${word}'`).join(' ');
  const child = spawn('/usr/bin/script', ['-qec', `${command} >${out} 2>${err}`, '/dev/null'], {
    cwd: options.cwd,
    env,
    stdio: 'ignore',
  });
  const closed = once(child, 'close');
  try {
    const firstLine = () => (existsSync(out) ? /^.+\n/.exec(readFileSync(out, 'utf8'))?.[0] : undefined);
    while (firstLine() === undefined && child.exitCode === null) await sleep(20);
    await ready(firstLine() ?? '');
  } finally {
    writeFileSync(now, '');
    await closed;
  }
  const ran = { status: child.exitCode, stdout: readFileSync(out, 'utf8'), stderr: readFileSync(err, 'utf8') };
  rmSync(folder, { recursive: true, force: true });
  return ran;
}
