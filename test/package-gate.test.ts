// What scripts/prebuild.js refuses to publish.
import { execFileSync } from 'node:child_process';
import { appendFileSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { npm, prebuilt, published, root } from './helpers/packed.js';

const here = process.platform === 'linux' && process.arch === 'x64' ? test : test.skip;
const folder = mkdtempSync(join(tmpdir(), 'fjordnet-gate-'));
test.after.always(() => rmSync(folder, { recursive: true }));

type Check = (file: string) => string[];
const load = async (): Promise<{ checkElf: Check; floors: (file: string) => Record<string, string> }> => {
  const script = join(root, 'scripts', 'platforms', 'elf.js');
  return import(script);
};

const ENTRIES = `
extern "C" void napi_register_module_v1() {}
extern "C" void node_api_module_get_api_version_v1() {}`;

function compile(name: string, source: string, ...flags: string[]): string {
  const [code, file] = [join(folder, `${name}.cc`), join(folder, `${name}.node`)];
  writeFileSync(code, source);
  execFileSync('g++', ['-shared', '-fPIC', code, '-o', file, ...flags]);
  return file;
}

here('the binaries that are published pass', async (t) => {
  const { floors } = await load();
  for (const arch of ['x64', 'arm64']) {
    const { platform, files } = await published(`linux-${arch}-glibc`);
    for (const file of files) {
      t.deepEqual(platform.check(file), []);
      t.deepEqual(Object.keys(floors(file)).sort(), ['CXXABI', 'GCC', 'GLIBC', 'GLIBCXX']);
    }
  }
});

here('a binary is refused for its size', async (t) => {
  const { checkElf } = await load();
  const file = join(folder, 'large.node');
  copyFileSync(await prebuilt('x64'), file);
  appendFileSync(file, Buffer.alloc(8e6));
  t.regex(checkElf(file).join('\n'), /^\d+ bytes, at most 8000000 are allowed$/);
});

here('a binary is refused for a symbol of BLAS, and for a missing entry point', async (t) => {
  const { checkElf } = await load();
  const file = compile('symbols', `${ENTRIES}\nextern "C" void cblas_sgemm() {}`);
  t.deepEqual(checkElf(file), ['exports 1 symbols more than its entry points, such as cblas_sgemm']);
  const none = compile('none', 'static int x;');
  t.is(checkElf(none).length, 2);
  t.is(checkElf(none)[0], 'does not export napi_register_module_v1');
});

here('a binary is refused for a newer C library, and for a library that a system may not have', async (t) => {
  const { checkElf } = await load();
  const file = compile('newer', `#include <math.h>${ENTRIES}\nvolatile static double x = exp(x);`);
  t.deepEqual(checkElf(file), ['needs GLIBC_2.29, newer than 2.28']);
  const linked = compile(
    'linked',
    ENTRIES,
    '-Wl,--no-as-needed',
    '-l:libopenblas.so.0',
    '-L/usr/lib/x86_64-linux-gnu/openblas-pthread',
  );
  t.deepEqual(checkElf(linked), ['needs libopenblas.so.0']);
});

here('an object is refused for AVX in a function that all objects share', async (t) => {
  const script = join(root, 'scripts', 'platforms', 'instructions.js');
  const { checkObjects } = await import(script);
  const add = '(float* x, int n) { for (int i = 0; i < n; ++i) x[i] += 1; }';
  for (const [name, kind, expected] of [
    ['own_avx2', 'static', []],
    ['shared_avx2', 'inline', ['shared_avx2.o has AVX instructions in the shared _Z3addPfi']],
  ] as const) {
    const objects = join(folder, name);
    mkdirSync(objects);
    writeFileSync(join(objects, 'code.cc'), `${kind} void add${add}\nvoid (*used)(float*, int) = add;`);
    execFileSync('g++', ['-O3', '-mavx2', '-c', 'code.cc', '-o', `${name}.o`], { cwd: objects });
    t.deepEqual(checkObjects(objects), expected);
  }
});

test('npm run build does not run prebuild, thanks to .npmrc', (t) => {
  copyFileSync(join(root, '.npmrc'), join(folder, '.npmrc'));
  const scripts = { prebuild: 'echo the binaries', build: 'echo the build' };
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'named', version: '1.0.0', scripts }));
  const run = (name: string) => execFileSync(process.execPath, [npm, 'run', name], { cwd: folder, encoding: 'utf8' });
  t.regex(run('build'), /\nthe build\n$/);
  t.notRegex(run('build'), /the binaries/);
  t.regex(run('prebuild'), /\nthe binaries\n$/);
});
