// OpenBLAS from Debian's sources, for systems that Debian has no archive for. All of it takes 12 minutes of a processor,
// what is needed two: openblas.mk names it.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './root.js';

const SOURCES = join(root, 'build-openblas');
const MAKEFILE = join(root, 'scripts', 'platforms', 'openblas.mk');
/** The tables that Linux' binaries have (scripts/openblas.cjs), but for Prescott's, which is there anyway. */
const TABLES = 'SANDYBRIDGE HASWELL SKYLAKEX';
/** BUFFER_SIZE is 32 << BUFFERSIZE: 32 MB, because Windows sets aside memory for what may be written to. */
const BUFFERSIZE = 20;

/** What native/blas.cc is to be told of this build. */
export const defines = ['FJORDNET_BLAS_STATIC', 'FJORDNET_BLAS_SERIAL', `FJORDNET_BLAS_BUFFER=${32 << BUFFERSIZE}`];

function sources() {
  const [name] = existsSync(SOURCES) ? readdirSync(SOURCES) : [];
  if (!name) throw new Error('Expected OpenBLAS in build-openblas: scripts/setup --release unpacks it there');
  return name;
}

const symbols = (nm, option, archive) =>
  execFileSync(nm, [option, '--format=posix', archive], { encoding: 'utf8', maxBuffer: 1 << 28 })
    .split('\n')
    .filter((line) => / [A-Za-z]/.test(line))
    .map((line) => line.split(' ')[0]);

/** cblas.h and openblas_config.h, as OpenBLAS' `make install` makes them. */
function writeHeaders(copy, include) {
  const read = (name) => readFileSync(join(copy, name), 'utf8');
  const config = read('config.h').replace(/^#define +/gm, '#define OPENBLAS_');
  mkdirSync(include, { recursive: true });
  writeFileSync(join(include, 'openblas_config.h'), `#pragma once\n${config}${read('openblas_config_template.h')}`);
  writeFileSync(join(include, 'cblas.h'), read('cblas.h').replace('"common.h"', '"openblas_config.h"'));
}

/**
 * Compiles it for one thread: fjordnet's own run above it.
 *
 * @param folder for what is made; of the same sources and arguments nothing is made again
 * @param tool the path of a compiler of C, `gcc`, or of binutils' `ar` and `nm`
 * @returns the folder of its headers; and what to link: the archive, and a linker script which gives the tables another
 *   address for kernels that are left out
 */
export function makeOpenblas({ folder, tool, flags }) {
  const name = sources();
  const cc = tool('gcc');
  const version = parseInt(execFileSync(cc, ['-dumpversion'], { encoding: 'utf8' }), 10);
  const args = [
    `HOSTCC=gcc`,
    `TARGET=PRESCOTT`,
    'DYNAMIC_ARCH=1',
    `DYNAMIC_LIST=${TABLES}`,
    `BUFFERSIZE=${BUFFERSIZE}`,
    ...['USE_THREAD=0', 'USE_OPENMP=0', 'BINARY=64', 'BUILD_SINGLE=1', 'BUILD_DOUBLE=1'],
    ...['ONLY_CBLAS=1', 'NO_LAPACK=1', 'NO_LAPACKE=1', 'SUFFIX=o'],
    `COMMON_OPT=${['-O2', ...flags].join(' ')}`,
  ];
  const state = createHash('sha256')
    .update(JSON.stringify([name, cc, version, args]))
    .update(readFileSync(MAKEFILE))
    .digest('hex');
  const [archive, script, include, stamp] = ['libopenblas.a', 'openblas.ld', 'include', 'state'].map((file) =>
    join(folder, file),
  );
  const made = { include, link: [archive, script] };
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === state) return made;

  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const copy = join(folder, name);
  cpSync(join(SOURCES, name), copy, { recursive: true });
  // c_check takes '12-posix', which MinGW's compiler says of itself, for less than 4.6, and leaves AVX2 out
  const wrapper = join(folder, 'cc');
  writeFileSync(
    wrapper,
    `#!/bin/sh\ncase " $* " in *" -dumpversion "*) exec echo ${version};; esac\nexec ${cc} "$@"\n`,
    {
      mode: 0o755,
    },
  );
  execFileSync('make', ['-s', '-C', copy, '-f', MAKEFILE, `CC=${wrapper}`, ...args, 'objects'], {
    stdio: ['ignore', 'inherit', 'pipe'],
    maxBuffer: 1 << 28,
  });
  const objects = ['interface', 'driver/level3', 'driver/others', 'kernel'].flatMap((part) =>
    readdirSync(join(copy, part))
      .filter((file) => file.endsWith('.o'))
      .map((file) => join(copy, part, file)),
  );
  execFileSync(tool('ar'), ['rcs', archive, ...objects]);
  const defined = new Set(symbols(tool('nm'), '--defined-only', archive));
  const missing = new Set(symbols(tool('nm'), '--undefined-only', archive).filter((symbol) => !defined.has(symbol)));
  const left = [...missing].filter((symbol) => /_(PRESCOTT|SANDYBRIDGE|HASWELL|SKYLAKEX)$/.test(symbol));
  const wanted = left.find((symbol) => /gemm|gemv|scal_k/.test(symbol));
  if (wanted) throw new Error(`Expected openblas.mk to make ${wanted}`);
  writeFileSync(script, left.map((symbol) => `${symbol} = fjordnet_unused_blas;\n`).join(''));
  writeHeaders(copy, include);
  writeFileSync(stamp, state);
  return made;
}
