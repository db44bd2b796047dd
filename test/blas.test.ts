import { execFile, execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import test from 'ava';

const root = fileURLToPath(new URL('../', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'fjordnet-gemm-'));
test.after.always(() => rmSync(folder, { recursive: true }));

const CROSS = 'aarch64-linux-gnu-g++';
/** OpenBLAS chooses its kernels itself here, whatever this machine's settings are. */
const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(OPENBLAS|FJORDNET)_/.test(name)));
const has = (command: string) => spawnSync(command, ['--version']).status === 0;

function openblas(question: string, argument: string, compiler = 'g++'): string[] {
  const answer = execFileSync(process.execPath, ['scripts/openblas.cjs', question, argument], {
    cwd: root,
    encoding: 'utf8',
    env: { ...process.env, CXX: compiler },
  });
  return answer.trim().split(/\s+/).filter(Boolean);
}

const flagsOfRelease = [...JSON.parse(readFileSync(join(root, 'binding.gyp'), 'utf8')).targets[0].cflags_cc, '-Werror'];
const compiled = (compiler: string, ...args: string[]) =>
  promisify(execFile)(compiler, [...flagsOfRelease, ...args], { cwd: root });

const builtins = new Map<string, Promise<string[]>>();

/** The objects of the built-in products, which serve every program of the same compiler and flags. */
function builtin(compiler: string, flags: readonly string[]): Promise<string[]> {
  const key = [compiler, ...flags].join(' ');
  const at = join(folder, `builtin-${builtins.size}`);
  const made = async (name: string) => {
    const object = `${at}-${name}.o`;
    await compiled(compiler, ...flags, '-DFJORDNET_BLAS_BUILTIN', '-c', `native/blas_${name}.cc`, '-o', object);
    return object;
  };
  if (!builtins.has(key)) builtins.set(key, Promise.all(['fallback', 'fallback_avx2', 'fallback_avx512'].map(made)));
  return builtins.get(key) as Promise<string[]>;
}

/** Compiles test/native/gemm.cc for one BLAS with the flags of a release; returns what runs it. */
async function program(
  kind: string,
  compiler: string,
  ...flags: string[]
): Promise<(emulator: string[], ...args: string[]) => string> {
  const file = join(folder, `${kind}-${compiler}`);
  const withoutDefinitions = flags.filter((flag) => !flag.startsWith('-D')); // which are blas.cc's
  const sources = [
    'test/native/gemm.cc',
    'native/blas.cc',
    ...(await builtin(compiler, withoutDefinitions)),
    ...(kind === 'static' ? ['native/compat.cc'] : []),
  ];
  const definitions = openblas('defines', kind, compiler).map((name) => `-D${name}`);
  const includes = openblas('includes', kind, compiler).map((path) => `-I${path}`);
  const libraries = [...openblas('libraries', kind, compiler), ...openblas('ldflags', kind, compiler)];
  if (kind === 'static') {
    libraries.unshift(`${file}.ld`);
    openblas('script', libraries[0], compiler);
  }
  await compiled(compiler, ...flags, ...definitions, ...includes, ...sources, ...libraries, '-o', file);
  return (emulator, ...args) => {
    const command = [...emulator, file, ...args];
    return execFileSync(command[0], command.slice(1), { env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  };
}

const passed = (core: string, products: number) =>
  new RegExp(`^\\S+ ${core}\\nfloat32: ${products} products.*\\nfloat64: ${products} products.*\\n$`);

test.serial(
  'the built-in gemm equals sums in double for every transpose and row length, into C and on top of it',
  async (t) => {
    // as in CMakeLists.txt
    const sanitized = [
      '-fsanitize=address,undefined',
      '-fno-sanitize=null,pointer-overflow',
      '-fno-sanitize-recover=undefined',
    ];
    const run = await program('builtin', 'g++', '-O1', ...sanitized);
    t.regex(run([], 'fuzz', '4000'), passed('(AVX-512|AVX2|SSE2|NEON|generic)', 4000));
    for (const simd of ['avx2', 'baseline'])
      t.regex(run(['env', `FJORDNET_SIMD=${simd}`], 'fuzz', '1000'), passed('(AVX2|SSE2|NEON|generic)', 1000), simd);
  },
);

(has('clang++') ? test.serial : test.serial.skip)('Clang builds it for every instruction set, too', async (t) => {
  const run = await program('builtin', 'clang++');
  for (const simd of ['avx512', 'avx2', 'baseline'])
    t.regex(run(['env', `FJORDNET_SIMD=${simd}`], 'fuzz', '1000'), passed('(AVX-512|AVX2|SSE2|NEON)', 1000), simd);
});

const kind = openblas('kind', '')[0];
const withOpenblas = kind === 'static' || kind === 'shared' ? test.serial : test.serial.skip;

withOpenblas('so does OpenBLAS, vectors through gemv', async (t) => {
  const run = await program(kind, 'g++');
  t.regex(run([], 'fuzz', '4000'), passed('\\w+', 4000));
  const rates = run([], 'rate').trim().split('\n').slice(1);
  t.is(rates.length, 6);
  for (const line of rates) {
    const [dtype, shape, theirs, ours] = line.split(' ');
    t.log(`${dtype} ${shape}: the built-in reaches ${ours} of ${theirs} GFLOP/s`);
  }
  if (kind === 'static' && process.arch === 'x64' && has('qemu-x86_64'))
    for (const [cpu, core] of Object.entries({ Nehalem: 'Prescott', SandyBridge: 'Sandybridge', Haswell: 'Haswell' }))
      t.regex(run(['qemu-x86_64', '-cpu', cpu], 'fuzz', '400'), passed(core, 400), cpu);
});

const onUnix = process.platform === 'win32' ? test.serial.skip : test.serial;

onUnix("so does a library that is found at run time, as Apple's is, or else the built-in", async (t) => {
  const library = join(folder, 'accelerate.so');
  const apple = (...flags: string[]) =>
    execFileSync(
      'g++',
      ['-std=c++17', '-O2', '-shared', '-fPIC', ...flags, 'test/native/accelerate.cc', '-o', library],
      {
        cwd: root,
      },
    );
  const run = await program('accelerate', 'g++', `-DFJORDNET_ACCELERATE="${library}"`);
  const builtin = passed('(AVX-512|AVX2|SSE2|NEON|generic)', 400);
  t.regex(run([], 'fuzz', '400'), builtin, 'no such library');
  for (const flags of [[], ['-DOLD']]) {
    apple(...flags);
    t.regex(run([], 'fuzz', '400'), passed('Accelerate', 400));
  }
  apple('-DPART');
  t.regex(run([], 'fuzz', '400'), builtin, 'without one of the products');
});

const onX64 = kind === 'static' && process.arch === 'x64' ? test.serial : test.serial.skip;

onX64("OpenBLAS' kernels are those of the processor's instruction set, also on models that it does not know", (t) => {
  const script = "import('fjordnet').then(({ buildInfo }) => console.log(buildInfo().simd, buildInfo().blasCore))";
  const info = (settings: Record<string, string>) =>
    execFileSync(process.execPath, ['-e', script], {
      cwd: root,
      env: { ...env, ...settings },
      encoding: 'utf8',
    }).trim();
  const expected: Record<string, RegExp> = {
    'AVX-512': /^SkylakeX$/,
    AVX2: /^Haswell$/,
    SSE2: /^(Prescott|Sandybridge)$/,
  };
  for (const settings of [{}, { OPENBLAS_CORETYPE: '' }] as Record<string, string>[]) {
    const [simd, core] = info(settings).split(' ');
    t.regex(core, expected[simd], simd);
  }
  t.is(info({ OPENBLAS_CORETYPE: 'Prescott' }).split(' ')[1], 'Prescott');
});

const onArm64 =
  has(CROSS) && has('qemu-aarch64') && openblas('kind', '', CROSS)[0] === 'static' ? test.serial : test.serial.skip;

onArm64('and so do both on arm64', async (t) => {
  const run = await program('static', CROSS);
  const cores = { 'cortex-a53': 'cortexa53', 'cortex-a72': 'cortexa57', 'neoverse-n1': 'neoversen1', max: 'armv8' };
  for (const [cpu, core] of Object.entries(cores))
    t.regex(run(['qemu-aarch64', '-cpu', cpu], 'fuzz', '400'), passed(core, 400), cpu);
  t.regex((await program('builtin', CROSS))(['qemu-aarch64'], 'fuzz', '400'), passed('NEON', 400));
});
