// A source build of the published package where there is no OpenBLAS.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { files, NUMBERS, passed } from './helpers/numbers.js';
import { npm, prebuilt, result, Sandbox } from './helpers/packed.js';

const here = process.platform === 'linux' && process.arch === 'x64' ? test : test.skip;
const sandbox = new Sandbox();
test.after.always(() => sandbox.remove());

here('a source build on a machine without OpenBLAS says so, trains, and has the same numbers', async (t) => {
  await prebuilt('x64');
  const folder = sandbox.project('bare');
  t.is(sandbox.install(sandbox.pack(), folder, '--ignore-scripts').status, 0);
  const installed = join(folder, 'node_modules', 'fjordnet');
  rmSync(join(installed, 'prebuilds'), { recursive: true });
  const ran = sandbox.withoutOpenblas([process.execPath, npm, '--prefix', installed, 'run', 'build:native'], {
    cwd: folder,
    env: sandbox.toolchain,
  });
  t.is(ran.status, 0, ran.stdout + ran.stderr);
  t.regex(ran.stdout, /No OpenBLAS was found: built with the portable matrix product/);

  const trained = sandbox.node(['train.mjs'], { cwd: folder });
  t.is(result(trained).build.blas, 'built-in');
  t.true(result(trained).accuracy > 0.85);
  t.is(trained.stderr.match(/FjordnetWarning: this build of fjordnet has its own matrix products/g)?.length, 1);

  const binary = join(installed, 'build', 'Release', 'fjordnet.node');
  t.true(passed(sandbox, binary, NUMBERS) > 250);
  t.true(passed(sandbox, binary, files('neural-network', 'mlp'), { FJORDNET_SIMD: 'baseline' }) > 80);
});
