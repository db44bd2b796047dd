import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { failure } from './check.js';

interface Resolver {
  resolve(root: string): string;
}

/** The C library, as prebuilt binaries name it: only those for `glibc` are published. */
function libc(): string {
  if (process.platform !== 'linux') return '';
  const report = process.report.getReport() as unknown as { header: { glibcVersionRuntime?: string } };
  const version = report.header.glibcVersionRuntime;
  return version ? `, glibc ${version}` : ', not glibc';
}

/**
 * Loads the native addon: the file that the environment variable FJORDNET_NATIVE names (sanitizer builds), else
 * build/Release of a source build, else the prebuilt binary for this platform.
 *
 * @throws Error with code ERR_NATIVE_LOAD, whose message says what was tried and how to build from source.
 */
export function loadAddon(): unknown {
  const require = createRequire(import.meta.url);
  const root = dirname(dirname(fileURLToPath(import.meta.url)));
  const platform = `${process.platform}-${process.arch}`;
  let file = process.env.FJORDNET_NATIVE;
  try {
    file ??= (require('node-gyp-build') as Resolver).resolve(root);
    return require(file);
  } catch (cause) {
    const tried = file
      ? `${file} does not load: ${(cause as Error).message}`
      : `There is no build/Release/*.node and no fitting prebuilds/${platform}/*.node in ${root}.`;
    throw failure(
      'ERR_NATIVE_LOAD',
      `fjordnet has no working native binary for ${platform}${libc()}, Node.js ${process.versions.node}.\n${tried}\n` +
        `To build one from source: npm --prefix "${root}" run build:native\n` +
        '(needs g++, make and Python 3; with libopenblas-dev it is several times faster)',
      { cause },
    );
  }
}
