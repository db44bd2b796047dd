// What the compiler alone can say of native/kernels/.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';

const root = fileURLToPath(new URL('../', import.meta.url));
/** Clang where it is installed: that is what an editor asks. */
const compiler = ['clang++', 'g++'].find((name) => spawnSync(name, ['--version']).status === 0) ?? 'c++';
const headers = readdirSync(`${root}/native/kernels`).map((name) => `native/kernels/${name}`);

function compile(...options: string[]): string {
  const strict = ['-std=c++17', '-Wall', '-Wextra', '-Wno-unknown-pragmas', '-Werror', '-DFJORDNET_BLAS_BUILTIN'];
  const { status, stderr, error } = spawnSync(compiler, [...strict, ...options], { cwd: root, encoding: 'utf8' });
  return status === 0 ? '' : stderr || String(error);
}
const check = (source: string, ...options: string[]) => compile('-fsyntax-only', ...options, source);

test('every header of the kernels stands alone, as in an editor', (t) => {
  t.true(headers.length > 15);
  const all = 'native/kernels/includes.h'; // which takes Clang three quarters of the time, unless it is read once
  const read: string[] = [];
  if (compiler === 'clang++') {
    const folder = mkdtempSync(join(tmpdir(), 'fjordnet-headers-'));
    t.teardown(() => rmSync(folder, { recursive: true }));
    const file = join(folder, 'includes.pch');
    t.is(compile('-Wno-pragma-once-outside-header', '-xc++-header', all, '-o', file), '');
    read.push('-include-pch', file);
  }
  for (const header of headers.filter((name) => name !== all))
    t.is(check('/dev/null', ...read, '-xc++', '-include', header), '', header);
  t.is(check('/dev/null', '-xc++', '-include', all), '');
});

test('the kernels and the built-in products compile where there are no vector types, as in MSVC', (t) => {
  const options = ['-DFJORDNET_VECTOR_BYTES=0', '-DFJORDNET_AVX2=0', '-DFJORDNET_AVX512=0'];
  for (const source of ['native/kernels.cc', 'native/blas_fallback.cc']) t.is(check(source, ...options), '', source);
});

test('a kernel that does not agree with its signature does not compile', (t) => {
  const row = 'test/native/row.cc';
  t.is(check(row, '-DWRONG=0'), '');
  const message = check(row, '-DWRONG=1');
  const lines = readFileSync(`${root}/${row}`, 'utf8').split('\n');
  const wrong = lines.flatMap((line, i) => (line.endsWith('// wrong') ? [i + 1] : []));
  t.is(wrong.length, 9);
  t.is(message.match(/error: static.assert.*Expected the parameters of a kernel/g)?.length, wrong.length, message);
  for (const line of wrong) t.true(message.includes(`${row}:${line}:`), `${line}\n${message}`);
});

// A function of the standard library that were compiled for AVX-512 could be the one that the linker keeps for all.
test('the tables for one instruction set include the standard library before they set it', (t) => {
  for (const isa of ['avx2', 'avx512']) {
    const { stdout } = spawnSync('g++', ['-std=c++17', '-E', '-DFJORDNET_BLAS_BUILTIN', `native/kernels_${isa}.cc`], {
      cwd: root,
      encoding: 'utf8',
      maxBuffer: 1 << 28,
    });
    const target = stdout.search(/^#pragma GCC target ?\("(avx2,fma,bmi2|avx512f,avx512dq,)/m);
    t.true(target > 0, isa);
    const files = [...stdout.slice(target).matchAll(/^# \d+ "([^"]+)"/gm)].map((match) => match[1]);
    t.deepEqual(
      files.filter((file) => !file.startsWith('native/')),
      [],
      isa,
    );
  }
});

const objects = `${root}/build/Release/obj.target/fjordnet/native`;
const onX64 = process.arch === 'x64' && existsSync(objects) ? test : test.skip;

onX64('no function that objects share has instructions of newer processors', async (t) => {
  const { checkObjects } = await import(`${root}/scripts/platforms/instructions.js`);
  t.deepEqual(checkObjects(objects), []);
});
