import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isMainThread } from 'node:worker_threads';
import { failure } from './check.js';

interface Resolver {
  resolve(root: string): string;
}

interface Addon {
  buildInfo(): { blas: string };
}

/** The C library, as prebuilt binaries name it: only those for `glibc` are published. */
function libc(): string {
  if (process.platform !== 'linux') return '';
  const report = process.report.getReport() as unknown as { header: { glibcVersionRuntime?: string } };
  const version = report.header.glibcVersionRuntime;
  return version ? `, glibc ${version}` : ', not glibc';
}

/**
 * Refuses an ELF file that ends before its section headers do (they come last): the system's loader would end the process
 * with SIGBUS on it.
 */
function checkComplete(file: string): void {
  const descriptor = openSync(file, 'r');
  try {
    const header = Buffer.alloc(64);
    const read = readSync(descriptor, header);
    const { size } = fstatSync(descriptor);
    const expected =
      read < 64 ? 64 : Number(header.readBigUInt64LE(40)) + header.readUInt16LE(58) * header.readUInt16LE(60);
    if (size < expected) throw new Error(`it has ${size} bytes, and should have ${expected} or more`);
  } finally {
    closeSync(descriptor);
  }
}

/**
 * Loads the native addon: the file that the environment variable FJORDNET_NATIVE names (sanitizer builds), else
 * build/Release of a source build, else the prebuilt binary for this platform.
 *
 * @throws Error with code ERR_NATIVE_LOAD, whose message says what was tried and how to build from source; with code ERR_SIMD
 *   if the environment variable FJORDNET_SIMD is none of avx512, avx2 and baseline.
 */
export function loadAddon(): unknown {
  const require = createRequire(import.meta.url);
  const root = dirname(dirname(fileURLToPath(import.meta.url)));
  const platform = `${process.platform}-${process.arch}`;
  let file = process.env.FJORDNET_NATIVE;
  let addon: Addon;
  try {
    file ??= (require('node-gyp-build') as Resolver).resolve(root);
    if (process.platform === 'linux') checkComplete(file);
    addon = require(file);
  } catch (cause) {
    if ((cause as { code?: string }).code === 'ERR_SIMD') throw cause;
    const tried = file
      ? `${file} does not load: ${(cause as Error).message}`
      : `There is no build/Release/*.node and no fitting prebuilds/${platform}/*.node in ${root}.`;
    throw failure(
      'ERR_NATIVE_LOAD',
      `fjordnet has no working native binary for ${platform}${libc()}, Node.js ${process.versions.node}.\n${tried}\n` +
        `To build one from source: npm --prefix "${root}" run build:native\n` +
        '(needs g++, make and Python 3, and libopenblas-dev for full speed)',
      { cause },
    );
  }
  if (isMainThread && addon.buildInfo().blas === 'built-in')
    process.emitWarning(
      'this build of fjordnet has its own matrix products in place of OpenBLAS; install libopenblas-dev and build it ' +
        `again for full speed: npm --prefix "${root}" run build:native`,
      'FjordnetWarning',
    );
  return addon;
}
