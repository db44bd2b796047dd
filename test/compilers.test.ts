// What other compilers make of the sources with the flags of the release (scripts/compilers.js): GCC's bits, and the golden runs
// of NumPy, scikit-learn and Keras.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { files, passed } from './helpers/numbers.js';
import { prebuilt, result, root, Sandbox } from './helpers/packed.js';

const child = fileURLToPath(new URL('helpers/children/compilers.js', import.meta.url));
const sandbox = new Sandbox();
test.after.always(() => sandbox.remove());

const bitsOf = (native: string) =>
  result(sandbox.node([child], { cwd: root, env: { ...sandbox.env, FJORDNET_NATIVE: native } }));

for (const name of ['clang', 'zig']) {
  const binary = join(root, 'build-compilers', name, 'fjordnet.node');
  const here = existsSync(binary) ? test.serial : test.serial.skip;

  here(`${name}: every kernel and every training has the bits of the binary that is published`, async (t) => {
    const [expected, got] = [bitsOf(await prebuilt('x64')), bitsOf(binary)];
    t.is(got.simd, expected.simd);
    t.true(Object.keys(expected.bits).length > 200);
    t.deepEqual(got.bits, expected.bits);
  });

  here(`${name}: NumPy's, scikit-learn's and Keras' numbers`, (t) => {
    const golden = files('neural-network', 'mlp-scikit', 'sequential', 'keras-training', 'keras-layers');
    t.true(passed(sandbox, binary, golden) > 100);
  });
}
