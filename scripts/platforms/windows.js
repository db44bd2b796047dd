// Windows by Debian's MinGW, with OpenBLAS inside. MPI's addon is not made: lib/mpi/load.ts says so.
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { symbols } from 'node-api-headers';
import { compile } from './compile.js';
import { defines, makeOpenblas } from './openblas.js';
import { checkPe } from './pe.js';
import { root } from './root.js';

const FILE = 'win32-x64/fjordnet.node';
/** Those that have POSIX's threads, which std::thread is made of. */
const THREADS = /^g(cc|\+\+)$/;
const tool = (name) => `x86_64-w64-mingw32-${name}${THREADS.test(name) ? '-posix' : ''}`;
/** Windows keeps the stack at multiples of 16 bytes, and GCC writes vectors of 32 and 64 there as if it were more (GCC bug 54412). */
const UNALIGNED = '-Wa,-muse-unaligned-vector-move';

/** native/compat.cc has these instead. */
const WRAPPED = [
  ...['getenv', 'blas_memory_alloc', 'blas_memory_free'],
  ...['log', 'logf', 'log1p', 'log1pf', 'pow', 'powf', 'sincos'],
];

export const COMPILER = [tool('g++'), UNALIGNED];
export const LINK = [
  ...['-static', '-static-libgcc', '-static-libstdc++', '-Wl,--gc-sections'],
  ...WRAPPED.map((name) => `-Wl,--wrap=${name}`),
];

/** What to link for node.exe's functions, which are looked up with the first call. */
function nodeLibrary(folder) {
  const { js_native_api_symbols, node_api_symbols } = symbols.v8;
  const [definition, library] = [join(folder, 'node.def'), join(folder, 'libnode.a')];
  writeFileSync(definition, `NAME node.exe\nEXPORTS\n${[...js_native_api_symbols, ...node_api_symbols].join('\n')}\n`);
  execFileSync(tool('dlltool'), ['-d', definition, '-D', 'node.exe', '-y', library]);
  return library;
}

export const windows = {
  name: 'win32-x64',
  files: [FILE],
  contains: ['libstdc++', 'libgcc', 'winpthreads'],
  compilers: () => [`MinGW-w64's GCC ${execFileSync(tool('g++'), ['-dumpversion'], { encoding: 'utf8' }).trim()}`],
  recipe: ['compile.js', 'openblas.js', 'openblas.mk', 'windows.js'].map((name) => join('scripts', 'platforms', name)),
  async build(folder) {
    const openblas = makeOpenblas({ folder: join(folder, 'openblas'), tool, flags: [UNALIGNED] });
    const objects = join(folder, 'objects');
    mkdirSync(objects, { recursive: true });
    await compile({
      name: 'fjordnet',
      folder: objects,
      compiler: COMPILER,
      defines,
      flags: [`-I${openblas.include}`],
      also: ['native/delay_hook.cc'],
      link: ['-shared', '-s', ...LINK, ...openblas.link, nodeLibrary(objects), '-ldelayimp'],
      file: join(root, 'prebuilds', FILE),
    });
  },
  check: checkPe,
};
