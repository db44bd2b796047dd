// The published package on systems that are not this one: without OpenBLAS, with Debian 11's libraries, on arm64; and the golden
// runs of NumPy, scikit-learn and PyTorch there and with each set of kernels.
import { cpSync, existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { EMULATED, NUMBERS, passed } from './helpers/numbers.js';
import { prebuilt, result, root, runtime, Sandbox } from './helpers/packed.js';
import { unshare } from './helpers/unshare.js';

const onLinux = process.platform === 'linux' && process.arch === 'x64';
const here = onLinux ? test.serial : test.serial.skip;

const sandbox = new Sandbox();
let app: string;
let expected: { weights: string };

test.before(async () => {
  if (!onLinux) return;
  await prebuilt('x64');
  await prebuilt('arm64');
  app = sandbox.project('app');
  const { status, stderr } = sandbox.install(sandbox.pack(), app, '--ignore-scripts');
  if (status !== 0) throw new Error(stderr);
  expected = result(sandbox.node(['train.mjs'], { cwd: app }));
});
test.after.always(() => sandbox.remove());

here('it trains where the system has no OpenBLAS', (t) => {
  const ran = sandbox.withoutOpenblas([process.execPath, 'train.mjs'], { cwd: app });
  t.is(result(ran).weights, expected.weights);
});

const debian11 = join(root, 'build-debian11');
(existsSync(debian11) ? here : test.serial.skip)("it trains with Debian 11's libraries: glibc 2.31", (t) => {
  const folder = sandbox.path('debian11');
  cpSync(debian11, folder, { recursive: true, verbatimSymlinks: true });
  cpSync(app, join(folder, 'app'), { recursive: true });
  mkdirSync(join(folder, 'bin'));
  cpSync(runtime('node-20'), join(folder, 'bin', 'node'));
  const chroot = (...args: string[]) =>
    sandbox.run(unshare[0], [...unshare.slice(1), '--root', folder, '--wd', '/app', '/bin/node', ...args], {
      env: { PATH: '/bin', HOME: '/' },
    });
  t.is(chroot('-p', 'process.report.getReport().header.glibcVersionRuntime').stdout, '2.31\n');
  t.is(result(chroot('train.mjs')).weights, expected.weights);
});

here('linux-arm64: the package trains', (t) => {
  const [node, emulated] = [runtime('node-arm64'), ['/usr/bin/qemu-aarch64']];
  const trained = result(sandbox.run(emulated[0], [node, 'train.mjs', '5'], { cwd: app }));
  t.is(trained.build.blas, 'OpenBLAS');
  t.is(trained.build.blasLinkage, 'static');
  t.true(trained.libraries.includes('ld-linux-aarch64.so.1'));
  t.true(Number.isFinite(trained.firstWeight));
});

here("linux-arm64: NumPy's, scikit-learn's and PyTorch's numbers", async (t) => {
  const node = ['/usr/bin/qemu-aarch64', runtime('node-arm64')];
  t.true(passed(sandbox, await prebuilt('arm64'), EMULATED, {}, node) > 80);
});

// As on processors that have no AVX-512, or no AVX2: OpenBLAS' kernels and our own.
for (const [simd, core] of Object.entries({ avx2: 'Haswell', baseline: 'Prescott' }))
  here(`the numbers with the kernels of FJORDNET_SIMD=${simd}`, async (t) => {
    const env = { FJORDNET_SIMD: simd, OPENBLAS_CORETYPE: core };
    const { build } = result(sandbox.node(['train.mjs', '1'], { cwd: app, env: { ...sandbox.env, ...env } }));
    t.deepEqual([build.simd, build.blasCore], [simd === 'avx2' ? 'AVX2' : 'SSE2', core]);
    t.true(passed(sandbox, await prebuilt('x64'), NUMBERS, env) > 250);
  });

here('FJORDNET_SIMD must be one of its values', (t) => {
  const { code, message } = result(
    sandbox.node(['fails.mjs'], { cwd: app, env: { ...sandbox.env, FJORDNET_SIMD: 'avx' } }),
  );
  t.is(code, 'ERR_SIMD');
  t.is(message, 'Expected FJORDNET_SIMD to be avx512, avx2 or baseline');
});
