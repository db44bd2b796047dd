import { readFileSync } from 'node:fs';
import { binding } from './binding.js';
import { checkInteger, wrongValue } from './check.js';
import { packageFile } from './package-root.js';

const MOST_THREADS = 256;

export interface BuildInfo {
  /** The version of this package. */
  version: string;
  /** The matrix library: 'OpenBLAS', 'Accelerate' or 'built-in'. */
  blas: string;
  /** The library's version and build options in its own words. */
  blasConfig: string;
  /** The processor whose matrix kernels are in use, such as 'SkylakeX' or 'Haswell'. */
  blasCore: string;
  blasLinkage: 'static' | 'shared';
  /** The instruction set of our own kernels, such as 'AVX-512', and its width in bits. */
  simd: string;
  simdBits: number;
  threads: number;
  napiVersion: number;
}

/** What this build of the library runs on. */
export function buildInfo(): BuildInfo {
  const { version } = JSON.parse(readFileSync(packageFile('package.json'), 'utf8')) as { version: string };
  return { version, ...binding.buildInfo(), threads: getThreads() };
}

/**
 * Sets the number of threads that compute, in this thread's environment (the main thread and each Worker have their own).
 * It changes the speed, never a bit of a result. Waits for a job in progress. Default: the processors that
 * the affinity mask and, on Linux, the quota of the process's control groups leave it (docs/threads.md).
 *
 * @param n an integer in [1, 256]
 */
export function setThreads(n: number): void {
  if (checkInteger('n', n, 1) > MOST_THREADS) throw wrongValue('n', `at most ${MOST_THREADS}`, n);
  binding.setThreads(n);
}

/** The number of threads that compute. */
export function getThreads(): number {
  return binding.getThreads();
}
