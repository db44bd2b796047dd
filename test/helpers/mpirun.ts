import { spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { root } from './packed.js';

export interface Launcher {
  readonly name: string;
  readonly command: string;
  readonly options: readonly string[];
  /** What the system's loader calls it. */
  readonly library: string;
  /** What the library says of itself. */
  readonly version: RegExp;
}

export const LAUNCHERS: readonly Launcher[] = [
  {
    name: 'Open MPI',
    command: 'mpirun.openmpi',
    options: ['--allow-run-as-root', '--oversubscribe', '--mca', 'mpi_yield_when_idle', '1'],
    library: 'libmpi.so.40',
    version: /^Open MPI v\d/,
  },
  {
    name: 'MPICH',
    command: 'mpirun.mpich',
    options: [],
    library: 'libmpich.so.12',
    version: /^MPICH Version: \d/,
  },
];

/** Those of the two that are there. Where scripts/setup --test has run, both have to be. */
export const launchers = LAUNCHERS.filter(({ command }) => spawnSync(command, ['--version']).status === 0);
export const areWanted = process.platform === 'linux' && existsSync(join(root, 'test', 'runners', 'node_modules'));

export interface Ended {
  readonly code: number | null;
  /** The lines of JSON that ranks printed, in any order. */
  readonly said: any[];
  readonly stderr: string;
  readonly seconds: number;
}

export interface RunOptions {
  readonly env?: Record<string, string>;
  /** Told what ranks have printed so far, and how to send the launcher a signal. */
  readonly seen?: (output: string, kill: (signal: NodeJS.Signals) => void) => void;
}

/** The command of a job of n ranks, each of which is given a mark to find it by, then `args`. */
export const ranks =
  ({ command, options }: Pick<Launcher, 'command' | 'options'>, n: number, child: string, ...args: string[]) =>
  (mark: string): string[] => [command, ...options, '-n', String(n), process.execPath, child, mark, ...args];

/** Milliseconds after which a job is killed, and its test fails. */
const LIMIT = 120_000;

/** Runs a job to its end; fails where a process of it is left. */
export async function run(
  t: ExecutionContext,
  command: (mark: string) => string[],
  { env = {}, seen }: RunOptions = {},
): Promise<Ended> {
  const mark = `fjordnet-ranks-${process.pid}-${Math.random().toString(36).slice(2)}`;
  const start = performance.now();
  const { FJORDNET_MPI: _, ...inherited } = process.env;
  const [file, ...args] = command(mark);
  const job = spawn(file, args, { env: { ...inherited, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  const late = setTimeout(() => job.kill('SIGKILL'), LIMIT);
  const output = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const)
    job[name].setEncoding('utf8').on('data', (text) => {
      output[name] += text;
      seen?.(output.stdout, (signal) => job.kill(signal));
    });
  const code = await new Promise<number | null>((done) => job.on('close', done));
  clearTimeout(late);
  const seconds = (performance.now() - start) / 1000;
  const left = () => spawnSync('pgrep', ['-fl', mark], { encoding: 'utf8' }).stdout;
  for (let wait = 0; wait < 20 && left(); wait++) await new Promise((done) => setTimeout(done, 100));
  t.is(left(), '', 'no process is left');
  const said = output.stdout.split(/\r?\n/).filter((line) => /^["\d{]|^\[["\d]/.test(line));
  return { code, said: said.map((line) => JSON.parse(line)), stderr: output.stderr, seconds };
}
