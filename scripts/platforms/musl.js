// Linux with musl, such as Alpine, by zig, with Debian's archive of OpenBLAS inside: its products are the same code, and
// give the same bits, as in the binaries for glibc. What musl lacks of what the archive calls is in native/compat_musl.cc.
import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { compile } from './compile.js';
import { checkElf } from './elf.js';
import { checkObjects } from './instructions.js';
import { root } from './root.js';
import { zigCompiler, zigVersion } from './zig.js';

/** zig's names of an architecture and of its oldest processor. */
const PROCESSORS = { x64: ['x86_64', 'x86_64'], arm64: ['aarch64', 'generic'] };
const wrap = (name) => `-Wl,--wrap=${name}`;
const LINK = [
  '-rtlib=none', // zig's own has functions of the C library, which would go before musl's
  ...['-shared', '-s', '-pthread', '-Wl,--gc-sections', '-Wl,-z,now', '-Wl,--version-script=native/exports.map'],
  wrap('pthread_create'),
];

/** What scripts/openblas.cjs answers about Debian's OpenBLAS for an architecture. */
const openblas = (cpu, ...question) =>
  execFileSync(process.execPath, ['scripts/openblas.cjs', ...question], {
    cwd: root,
    encoding: 'utf8',
    env: { ...process.env, CXX: `${cpu}-linux-gnu-g++`, FJORDNET_BLAS: 'static' },
  }).trim();

export const musl = Object.entries(PROCESSORS).map(([arch, [cpu, model]]) => {
  const files = [`linux-${arch}/fjordnet.musl.node`, `linux-${arch}/mpi/fjordnet_mpi.musl.node`];
  const file = (place) => join(root, 'prebuilds', files[place]);
  return {
    name: `linux-${arch}-musl`,
    files,
    contains: ['libc++', 'libc++abi', 'libunwind'],
    compilers: zigVersion,
    recipe: ['scripts/openblas.cjs', ...['compile', 'musl', 'zig'].map((name) => `scripts/platforms/${name}.js`)],
    async build(folder) {
      const compiler = zigCompiler('-target', `${cpu}-linux-musl`, `-mcpu=${model}`, '-O3');
      const script = join(folder, 'openblas.ld');
      mkdirSync(folder, { recursive: true });
      openblas(cpu, 'script', script);
      await compile({
        name: 'fjordnet',
        folder: join(folder, 'fjordnet'),
        compiler,
        defines: ['FJORDNET_BLAS_STATIC'],
        flags: ['-fPIC', '-g0', '-isystem', openblas(cpu, 'includes')],
        also: ['native/compat_musl.cc'],
        // wrapped are those of scripts/openblas.cjs that are not for the sake of glibc's versions
        link: [
          ...[openblas(cpu, 'libraries'), `-Wl,-T,${script}`],
          ...[...LINK, ...['getenv', 'blas_memory_alloc', 'blas_memory_free'].map(wrap)],
        ],
        file: file(0),
      });
      const problems = arch === 'x64' ? checkObjects(join(folder, 'fjordnet')) : [];
      if (problems.length > 0) throw new Error(problems.join('\n'));
      await compile({
        name: 'fjordnet_mpi',
        folder: join(folder, 'fjordnet_mpi'),
        compiler,
        flags: ['-fPIC', '-g0'],
        also: ['native/compat_musl.cc'],
        link: [...LINK, '-Wl,-z,nodelete'],
        file: file(1),
      });
    },
    check: (file) => checkElf(file, { libraries: /^libc\.so$/ }),
  };
});
