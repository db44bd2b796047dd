import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';

const root = fileURLToPath(new URL('../', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'fjordnet-gemm-'));
test.after.always(() => rmSync(folder, { recursive: true }));

// The program is sanitized by its own flags; it must not inherit the preloaded library of a sanitized test run.
const { LD_PRELOAD, ...env } = process.env;

function openblas(question: string, kind: string): string[] {
  const answer = execFileSync(process.execPath, ['scripts/openblas.cjs', question, kind], {
    cwd: root,
    encoding: 'utf8',
  });
  return answer.trim().split(/\s+/).filter(Boolean);
}

/** Compiles test/native/gemm.cc for one BLAS; returns what runs it. */
function program(kind: string, ...flags: string[]): (mode: string) => string {
  const file = join(folder, kind);
  const sources = ['test/native/gemm.cc', ...(kind === 'static' ? ['native/compat.cc'] : [])];
  const definitions = openblas('defines', kind).map((name) => `-D${name}`);
  const includes = openblas('includes', kind).map((path) => `-I${path}`);
  const libraries = [...openblas('libraries', kind), ...openblas('ldflags', kind)];
  if (kind === 'static') {
    libraries.unshift(join(folder, 'openblas.ld'));
    openblas('script', libraries[0]);
  }
  const options = JSON.parse(readFileSync(join(root, 'binding.gyp'), 'utf8')).targets[0].cflags_cc;
  execFileSync(
    'g++',
    [...options, '-Werror', ...flags, ...definitions, ...includes, ...sources, ...libraries, '-o', file],
    {
      cwd: root,
      env,
    },
  );
  return (mode) => execFileSync(file, [mode], { encoding: 'utf8', env });
}

test.serial('the built-in gemm equals sums in double for every transpose, row length, alpha and beta', (t) => {
  const output = program('builtin', '-O1', '-fsanitize=address,undefined', '-fno-sanitize-recover=undefined')('fuzz');
  t.regex(output, /^built-in .*\nfloat32: 4000 products.*\nfloat64: 4000 products.*\n$/);
});

const kind = openblas('kind', '')[0];
const withOpenblas = kind === 'static' || kind === 'shared' ? test.serial : test.serial.skip;

withOpenblas(
  'so does OpenBLAS, rows and columns through gemv; the built-in reaches a third of its rate and more',
  (t) => {
    const run = program(kind);
    t.regex(run('fuzz'), /^OpenBLAS .*\nfloat32: 4000 products.*\nfloat64: 4000 products.*\n$/);
    const rates = run('rate').trim().split('\n').slice(1);
    t.is(rates.length, 6);
    for (const line of rates) {
      const [dtype, shape, theirs, ours] = line.split(' ');
      t.true(Number(ours) > Number(theirs) / 3, `${dtype} ${shape}: ${ours} of ${theirs} GFLOP/s`);
    }
  },
);
