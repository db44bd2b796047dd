import { execFileSync } from 'node:child_process';
import { availableParallelism, cpus, loadavg, platform, release, totalmem } from 'node:os';

/** What the numbers were measured on. */
export function machine() {
  return {
    date: new Date().toISOString(),
    processor: cpus()[0].model,
    cores: availableParallelism(),
    memory: totalmem(),
    system: `${platform()} ${release()} ${process.arch}`,
    node: process.version,
    commit: commit(),
    /** Of all processes, when the run began: what else the machine was doing. */
    load: loadavg()[0],
    vectors: vectors(),
  };
}

function commit() {
  try {
    const git = (...args) =>
      execFileSync('git', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
    return git('rev-parse', '--short', 'HEAD') + (git('status', '--porcelain', 'lib', 'native') ? ' and changes' : '');
  } catch {
    return undefined;
  }
}

/** The widest vector instructions, as Linux reports them. */
function vectors() {
  try {
    const flags = execFileSync('grep', ['-m1', '^flags', '/proc/cpuinfo'], { encoding: 'utf8' }).split(/\s+/);
    return ['avx512f', 'avx2', 'avx'].find((flag) => flags.includes(flag));
  } catch {
    return undefined;
  }
}
