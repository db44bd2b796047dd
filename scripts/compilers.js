// The addon as other compilers make it from the flags of the release, with OpenBLAS inside, for
// test/compilers.test.ts, which compares its numbers with those of GCC's: build-compilers/NAME/fjordnet.node. Of the kernels
// those are compiled that this processor chooses: all of them take three times as long. Linux on x64 alone.
//   node scripts/compilers.js [--all] [NAME...]    --all: those for every instruction set
//                                                  NAME: clang, or zig, which is installed where it is not there
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { compile } from './platforms/compile.js';
import { sourcesHash } from './platforms/index.js';
import { root } from './platforms/root.js';
import { zigCompiler, zigInstalled } from './platforms/zig.js';

const openblas = (...question) =>
  execFileSync(process.execPath, ['scripts/openblas.cjs', ...question, 'static'], {
    cwd: root,
    encoding: 'utf8',
  }).trim();

/** The folders where g++ looks for the C++ library: zig would compile its own first, which takes a minute. */
function libstdcxx() {
  const { stderr } = spawnSync('g++', ['-E', '-xc++', '-v', '/dev/null'], { encoding: 'utf8' });
  return stderr.match(/^ \/\S*c\+\+\S*$/gm).map((line) => line.trim());
}

/** libstdc++ was built with this one. */
const glibc = process.report.getReport().header.glibcVersionRuntime;
const hasAvx512 = /avx512f.*avx512dq.*avx512bw.*avx512vl/.test(readFileSync('/proc/cpuinfo', 'utf8'));
const KERNELS = hasAvx512 ? ['FJORDNET_BASELINE=0', 'FJORDNET_AVX2=0'] : ['FJORDNET_AVX512=0'];

const INSTALLED_BY = { clang: 'scripts/setup --test', zig: 'node scripts/compilers.js zig' };
const COMPILERS = {
  clang: () => spawnSync('clang++', ['--version']).status === 0 && { compiler: ['clang++'], flags: [] },
  zig: () =>
    (zigInstalled() || names.includes('zig')) && {
      compiler: zigCompiler('-target', `x86_64-linux-gnu.${glibc}`, '-mcpu=x86_64'),
      flags: ['-g0', '-nostdinc++', ...libstdcxx().map((folder) => `-I${folder}`)],
    },
};

if (process.platform !== 'linux' || process.arch !== 'x64' || openblas('kind') !== 'static') process.exit();
const args = process.argv.slice(2);
const defines = args.includes('--all') ? [] : KERNELS;
const names = args.filter((arg) => arg !== '--all');
const unknown = names.find((name) => !COMPILERS[name]);
if (unknown) throw new Error(`Expected --all, ${Object.keys(COMPILERS).join(' or ')}, got ${unknown}`);
for (const [name, find] of Object.entries(COMPILERS)) {
  if (names.length > 0 && !names.includes(name)) continue;
  const folder = join(root, 'build-compilers', name);
  const [file, note] = [join(folder, 'fjordnet.node'), join(folder, 'sources')];
  const found = find();
  if (!found) {
    rmSync(folder, { recursive: true, force: true });
    console.log(`${name} is not installed: ${INSTALLED_BY[name]}`);
    continue;
  }
  const sources = `${sourcesHash({ recipe: ['scripts/compilers.js', 'scripts/openblas.cjs'] })} ${defines}`;
  if (existsSync(file) && existsSync(note) && readFileSync(note, 'utf8') === sources) continue;
  rmSync(file, { force: true });
  const script = join(folder, 'openblas.ld');
  openblas('script', script);
  await compile({
    name: 'fjordnet',
    folder,
    compiler: found.compiler,
    linker: ['g++'], // zig's has no symbols of older C libraries, which native/compat.cc asks for
    defines: ['FJORDNET_BLAS_STATIC', ...defines],
    flags: ['-fPIC', '-isystem', openblas('includes'), ...found.flags],
    link: [
      ...['-shared', '-s', '-pthread', '-Wl,--gc-sections', '-Wl,-z,now', '-Wl,--version-script=native/exports.map'],
      ...[openblas('libraries'), script, ...openblas('ldflags').split(' ')],
    ],
    file,
  });
  writeFileSync(note, sources);
}
