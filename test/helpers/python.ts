import { spawnSync } from 'node:child_process';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** Where scripts/bench/setup puts its peers. */
const peers =
  process.env.FJORDNET_BENCH_PEERS ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'fjordnet-bench');

/**
 * A Python that has these packages: FJORDNET_TEST_PYTHON (several, with colons between), that of scripts/bench/setup, or the system's.
 * Undefined where there is none.
 */
export function pythonWith(...packages: string[]): string | undefined {
  const given = (process.env.FJORDNET_TEST_PYTHON ?? '').split(':').filter((path) => path !== '');
  const script = packages.map((name) => `import ${name}`).join('\n');
  return [...given, join(peers, 'python/bin/python'), 'python3'].find(
    (python) => spawnSync(python, ['-c', script], { stdio: 'ignore' }).status === 0,
  );
}

/** What a script writes to its standard output, as JSON. @throws Error with what it complains of */
export function runPython(python: string, script: string, ...args: string[]): any {
  const { status, stdout, stderr } = spawnSync(python, ['-c', script, ...args], {
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  });
  if (status !== 0) throw new Error(`${python}: ${stderr.slice(-2000)}`);
  return JSON.parse(stdout);
}
