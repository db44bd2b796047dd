import { rmSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { childSeconds, prebuilt, Sandbox } from './helpers/packed.js';

const here = process.platform === 'linux' && process.arch === 'x64' ? test : test.skip;
const sandbox = new Sandbox();
test.after.always(() => sandbox.remove());

here('the package is installed in a few times what its one dependency takes: nothing is built', async (t) => {
  await prebuilt('x64');
  const tarballs = sandbox.pack();
  const app = sandbox.project('app');
  const seconds = (packages: typeof tarballs) => {
    rmSync(join(app, 'node_modules'), { recursive: true, force: true });
    const before = childSeconds();
    t.is(sandbox.install(packages, app, '--ignore-scripts').status, 0);
    return childSeconds() - before;
  };
  const trials = Array.from({ length: 3 }, () => [
    seconds({ ...tarballs, fjordnet: tarballs.nodeGypBuild }),
    seconds(tarballs),
  ]);
  const [little, whole] = [0, 1].map((k) => Math.min(...trials.map((trial) => trial[k])));
  t.log(`${whole.toFixed(2)} s of a processor, ${little.toFixed(2)} s for the dependency alone`);
  t.true(whole < 5 * little, trials.join());
});
