import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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
