import { resolve } from 'node:path';
import { isMainThread } from 'node:worker_threads';
import { checkBinary } from './elf.js';
import { bundled, loadFailure } from './load-failure.js';
import { packageRoot, requireHere } from './package-root.js';

interface Resolver {
  resolve(root: string): string;
}

interface Addon {
  buildInfo(): { blas: string };
}

/** The file that `loadAddon` loads. */
export function addonFile(): string {
  const root = packageRoot();
  if (process.env.FJORDNET_NATIVE) return resolve(process.env.FJORDNET_NATIVE);
  if (root === undefined) throw bundled();
  try {
    return (requireHere()('node-gyp-build') as Resolver).resolve(root);
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
  const file = addonFile();
  let addon: Addon;
  try {
    if (process.platform === 'linux') checkBinary(file);
    addon = requireHere()(file);
  } catch (cause) {
    if ((cause as { code?: string }).code === 'ERR_SIMD') throw cause;
    throw loadFailure(cause as Error, file, packageRoot() ?? '.');
  }
  if (isMainThread && addon.buildInfo().blas === 'built-in')
    process.emitWarning(
      'this build of fjordnet has its own matrix products in place of OpenBLAS; install libopenblas-dev and build it ' +
        `again for full speed: npm --prefix "${packageRoot()}" run build:native`,
      'FjordnetWarning',
    );
  return addon;
}
