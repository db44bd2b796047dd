import { spawnSync } from 'node:child_process';
import { arch, platform } from 'node:process';
import { packageFile, packageRoot } from '../../package-root.js';
import { type Tried, tryDarwin } from '../darwin-trial.js';
import { EXIT } from '../errors.js';
import { Output } from '../output.js';

const SECONDS = 60;

/** @returns the exit code */
export async function run(): Promise<number> {
  const root = packageRoot() ?? '.';
  new Output({}).say(tryDarwin({ platform, arch, root }, trial));
  return EXIT.done;
}

/** Runs `fjordnet doctor --here` with a binary, in a process that it may end. */
export function trial(binary: string): Tried {
  const { status, signal, stdout, stderr, error } = spawnSync(
    process.execPath,
    [packageFile('dist', 'cli', 'main.js'), 'doctor', '--here'],
    { encoding: 'utf8', timeout: SECONDS * 1000, env: { ...process.env, FJORDNET_NATIVE: binary } },
  );
  const output = stdout + stderr;
  if ((error as NodeJS.ErrnoException | undefined)?.code === 'ETIMEDOUT')
    return { wrong: `its self-test took more than ${SECONDS} s`, output };
  if (signal) return { wrong: `it ends the process with ${signal}`, output };
  return status === 0 ? { output } : { wrong: 'its self-test failed', output };
}
