import { spawn } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { MAIN, Workplace } from './cli.js';

/** Where the commands of one test file are run. */
export const place = new Workplace();

interface Job {
  ranks?: number;
  input?: string;
  env?: Record<string, string>;
  /** Options of mpirun. */
  options?: readonly string[];
  /** The shell's words for a rank. */
  shell?: string;
  /** Called once rank 0 has said something. */
  begun?: (kill: (signal: NodeJS.Signals) => void) => void;
}

/** Runs a command on several ranks, whose shells keep their codes where mpirun would not wait for them. */
export async function job(
  command: readonly string[],
  args: readonly string[],
  { ranks = 2, input = '', env, options = [], shell = 'exec "$0" "$@"', begun }: Job = {},
) {
  const codes = place.path('codes');
  rmSync(codes, { force: true });
  const script = `trap '' TERM; trap : INT; (${shell}); code=$?; echo $code >> '${codes}'; exit $code`;
  const [file, ...own] = command;
  const { FJORDNET_MPI: _, ...inherited } = process.env;
  const child = spawn(
    file,
    [...own, ...options, '-n', String(ranks), 'sh', '-c', script, process.execPath, MAIN, ...args],
    { cwd: place.folder, env: { ...inherited, NO_COLOR: '1', ...env } },
  );
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  const said = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const)
    child[name].setEncoding('utf8').on('data', (text) => {
      if (name === 'stdout' && said.stdout === '') begun?.((signal) => child.kill(signal));
      said[name] += text;
    });
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
  const ended = existsSync(codes) ? readFileSync(codes, 'utf8').trim().split('\n').map(Number) : [];
  // Open MPI has a word of its own for codes other than 0
  const ours = said.stderr.split(/\r?\n/).filter((line) => /^fjordnet: /.test(line));
  return { code, codes: ended, ...said, documents: documentsOf(said.stdout), ours };
}

export const documentsOf = (stdout: string): Record<string, any>[] =>
  stdout
    .split(/\r?\n/)
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line));
