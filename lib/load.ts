import { join, resolve } from 'node:path';
import { limits } from './container.js';
import { darwinFile } from './darwin.js';
import { checkBinary } from './elf.js';
import { bundled, loadFailure, tooOld } from './load-failure.js';
import { packageRoot, requireHere } from './package-root.js';
import { exists, libc, prebuiltFile, prebuiltPath } from './prebuilt.js';

interface Addon {
  buildInfo(): { blas: string };
  getThreads(): number;
  setThreads(n: number): void;
  setMemoryLimit(bytes: number): void;
}

export interface Found {
  readonly file: string;
  /** By the environment variable, of a source build, or of the package. */
  readonly kind: 'named' | 'source' | 'prebuilt';
}

/** What `loadAddon` loads. @throws Error with code ERR_NATIVE_LOAD where there is none */
export function findAddon(): Found {
  const { env, platform, arch } = process;
  if (env.FJORDNET_NATIVE) return { file: resolve(env.FJORDNET_NATIVE), kind: 'named' };
  const root = packageRoot();
  if (root === undefined) throw bundled();
  try {
    const built = join(root, 'build', 'Release', 'fjordnet.node');
    if (exists(built)) return { file: built, kind: 'source' };
    const system = { platform, arch, libc: libc(), root };
    const file = platform === 'darwin' ? darwinFile(system, env) : prebuiltFile(system);
    if (file !== undefined) return { file, kind: 'prebuilt' };
    throw new Error(`neither ${built} nor ${prebuiltPath(system)}`);
  } catch (cause) {
    throw loadFailure(cause as Error, undefined, root);
  }
}

/**
 * Loads the native addon: the file that the environment variable FJORDNET_NATIVE names (sanitizer builds), else
 * build/Release of a source build, else the prebuilt binary for this platform.
 *
 * @throws Error with code ERR_NATIVE_LOAD, whose message says why and what to do; with code ERR_SIMD if the environment
 *   variable FJORDNET_SIMD is none of avx512, avx2 and baseline.
 */
export function loadAddon(): unknown {
  if (process.getBuiltinModule === undefined) throw tooOld();
  const { file } = findAddon();
  let addon: Addon;
  try {
    if (process.platform === 'linux') checkBinary(file);
    addon = requireHere()(file);
  } catch (cause) {
    if ((cause as { code?: string }).code === 'ERR_SIMD') throw cause;
    throw loadFailure(cause as Error, file, packageRoot() ?? '.');
  }
  if (addon.getThreads() === 0) {
    // which another copy of this code would have changed
    const { parallelism, memory } = limits();
    addon.setThreads(parallelism);
    if (memory !== undefined) addon.setMemoryLimit(memory);
  }
  // node:worker_threads takes 2 ms to load
  if (addon.buildInfo().blas === 'built-in' && process.getBuiltinModule('node:worker_threads').isMainThread)
    process.emitWarning(
      'this build of fjordnet has its own matrix products in place of OpenBLAS; install libopenblas-dev and build it ' +
        `again for full speed: npm --prefix "${packageRoot()}" run build:native`,
      'FjordnetWarning',
    );
  return addon;
}
