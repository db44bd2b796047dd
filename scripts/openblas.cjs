'use strict';
// Which BLAS to build with and how to link it. binding.gyp and CMakeLists.txt both ask here:
//   node scripts/openblas.cjs kind | defines | includes | libraries | ldflags   [KIND]
//   node scripts/openblas.cjs script FILE                        (writes the linker script that goes with `static`)
// KIND, or the environment's FJORDNET_BLAS, is one of
//   static      OpenBLAS' archive inside the .node, its symbols hidden (the default where the archive is found)
//   shared      the system's libopenblas.so
//   accelerate  macOS' own, found at run time (native/accelerate.h); native/blas_fallback.cc where it is not
//   builtin     native/blas_fallback.cc
// CXX names the compiler, as for make; a cross compiler's own target decides where OpenBLAS is looked for.

const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');

/** Debian's multiarch name of the compiler's target, such as x86_64-linux-gnu (Clang: x86_64-pc-linux-gnu); '' without a compiler. */
function target() {
  const [compiler, ...args] = (process.env.CXX || 'g++').split(' ');
  try {
    const stdio = ['ignore', 'pipe', 'ignore'];
    const name = execFileSync(compiler, [...args, '-dumpmachine'], { encoding: 'utf8', stdio });
    return name.trim().replace(/^(\w+)-\w+-linux-/, '$1-linux-');
  } catch {
    return '';
  }
}

const triplet = target();
const architecture = triplet.split('-')[0];
const first = (paths) => paths.find((path) => path && fs.existsSync(path)) ?? '';

// Only the pthread flavour: the serial one returns wrong numbers when two threads call it at once.
const archive = first([
  process.env.OPENBLAS_STATIC,
  `/usr/lib/${triplet}/openblas-pthread/libopenblas.a`,
  '/usr/lib64/libopenblasp.a',
]);
const sharedObject = first([
  `/usr/lib/${triplet}/openblas-pthread/libopenblas.so`,
  '/usr/lib64/libopenblasp.so',
  '/usr/lib/libopenblas.so',
  '/usr/local/lib/libopenblas.so',
]);
const headers = [
  process.env.OPENBLAS_INCLUDE,
  `/usr/include/${triplet}/openblas-pthread`,
  '/usr/include/openblas',
  '/usr/local/include/openblas',
  '/usr/local/include',
  '/usr/include',
].find((folder) => folder && fs.existsSync(`${folder}/cblas.h`));

function kind() {
  const wanted = (process.argv[2] !== 'script' && process.argv[3]) || process.env.FJORDNET_BLAS;
  if (wanted) return wanted;
  if (process.platform === 'darwin') return 'accelerate';
  if (process.platform !== 'linux' || !headers) return 'builtin';
  return archive ? 'static' : sharedObject ? 'shared' : 'builtin';
}

/**
 * OpenBLAS carries one table of kernels per CPU model. Each table here stands in for those on its right, whose CPUs have its
 * whole instruction set, so that the linker leaves their kernels out.
 */
const standIns = {
  x86_64: {
    PRESCOTT: 'CORE2 PENRYN DUNNINGTON NEHALEM ATOM NANO OPTERON OPTERON_SSE3 BARCELONA BOBCAT',
    SANDYBRIDGE: 'BULLDOZER PILEDRIVER STEAMROLLER EXCAVATOR',
    HASWELL: 'ZEN',
    SKYLAKEX: 'COOPERLAKE SAPPHIRERAPIDS',
  },
  aarch64: {
    ARMV8: 'THUNDERX',
    CORTEXA53: 'CORTEXA55',
    CORTEXA57: 'CORTEXA72 CORTEXA73 FALKOR EMAG8180 TSV110',
    NEOVERSEN1: 'NEOVERSEV1 NEOVERSEN2',
    THUNDERX2T99: 'THUNDERX3T110',
  },
}[architecture];

/** Complex kernels and the triangular and symmetric products: in the tables, but nothing that native/blas.cc calls. */
const UNUSED = /^(?:i?[cz]|xc)|^[sd](?:trsm|trmm|symm|neg_tcopy|laswp)|_i?(?:trsm|trmm|symm|hemm)/;

/**
 * A linker script that gives the unwanted tables and the unused kernels of the wanted ones another address, so that the
 * archive's members with them stay out: 2 MB of OpenBLAS are left of 25.
 */
function linkerScript() {
  if (kind() !== 'static' || !standIns) return '';
  const names = archiveIndex(archive).split('\0');
  const tables = new Set(names.filter((name) => name.startsWith('gotoblas_')));
  const lines = [];
  for (const [table, others] of Object.entries(standIns)) {
    if (!tables.has(`gotoblas_${table}`)) continue;
    for (const other of others.split(' '))
      if (tables.has(`gotoblas_${other}`)) lines.push(`gotoblas_${other} = gotoblas_${table};`);
    for (const name of names)
      if (name.endsWith(`_${table}`) && UNUSED.test(name)) lines.push(`${name} = fjordnet_unused_blas;`);
  }
  return `${lines.join('\n')}\n`;
}

/** The names an archive defines, NUL-separated: its first member (ar(5)), read here because nm takes seconds over 58 MB. */
function archiveIndex(path) {
  const file = fs.openSync(path, 'r');
  const header = Buffer.alloc(68);
  fs.readSync(file, header);
  const index = Buffer.alloc(Number(header.toString('latin1', 56, 66)));
  fs.readSync(file, index);
  fs.closeSync(file);
  return index.toString('latin1');
}

/** What native/compat.cc wraps: OpenBLAS' settings and buffers, the rest for the sake of older C libraries. */
const wrapped = [
  'getenv',
  'blas_memory_alloc',
  'blas_memory_free',
  'pthread_create',
  'pthread_join',
  'pthread_setaffinity_np',
  'pthread_getaffinity_np',
  'exp',
  'log',
  'pow',
  '_ZNSt18condition_variable4waitERSt11unique_lockISt5mutexE',
  '_ZNSt15__exception_ptr13exception_ptr9_M_addrefEv',
  '_ZNSt15__exception_ptr13exception_ptr10_M_releaseEv',
];

const answers = {
  kind: () => kind(),
  defines: () => `FJORDNET_BLAS_${kind().toUpperCase()}`,
  includes: () => (kind() === 'static' || kind() === 'shared' ? (headers ?? '/usr/include') : 'native'),
  libraries: () => ({ static: archive, shared: sharedObject, accelerate: '', builtin: '' })[kind()],
  ldflags: () => (kind() === 'static' ? wrapped.map((name) => `-Wl,--wrap=${name}`).join(' ') : ''),
  script: () => {
    fs.mkdirSync(path.dirname(process.argv[3]), { recursive: true });
    fs.writeFileSync(process.argv[3], linkerScript());
    return '';
  },
};
const answer = answers[process.argv[2]];
if (!answer) throw new Error(`Expected one of ${Object.keys(answers).join(', ')}, got ${process.argv[2]}`);
console.log(answer());
