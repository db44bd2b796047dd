// The self-test of `fjordnet doctor`: NumPy's numbers on this machine, with each of the instruction sets, and a difference is seen.
import { spawnSync } from 'node:child_process';
import test from 'ava';
import { differenceOf, selfTest } from '../dist/cli/self-test.js';

const NAMES = [
  'random numbers',
  "the lecture's network, float64",
  'a convolutional network, float64',
  'a convolutional network, float32',
  'a matrix product, float64',
  'a matrix product, float32',
  'the same bits with any number of threads',
];

test('all its numbers are those of NumPy', async (t) => {
  t.deepEqual(
    await selfTest(),
    NAMES.map((name) => ({ name })),
  );
});

for (const [simd, core] of [
  ['baseline', 'Prescott'],
  ['avx2', 'Haswell'],
])
  test(`also with ${simd} and OpenBLAS' kernels for ${core}`, (t) => {
    const program = `import(${JSON.stringify(new URL('../dist/cli/self-test.js', import.meta.url).href)})
      .then(({ selfTest }) => selfTest()).then((trials) => console.log(JSON.stringify(trials)));`;
    const env = { ...process.env, FJORDNET_SIMD: simd, OPENBLAS_CORETYPE: core };
    const { stdout, stderr } = spawnSync(process.execPath, ['-e', program], { env, encoding: 'utf8' });
    t.deepEqual(
      stdout && JSON.parse(stdout),
      NAMES.map((name) => ({ name })),
      stderr,
    );
  });

test('a wrong number, a missing one and NaN are told', (t) => {
  t.is(differenceOf([1, 2000], [1, 2000 * (1 + 0.9e-6)], 1e-6), undefined);
  t.is(differenceOf([1, 2000], [1, 2000 * (1 + 1.1e-6)], 1e-6), 'number 2 of 2 is 2000, and 2000.0022 in NumPy');
  t.is(differenceOf([0.5, 1e-9], [0.5, 0], 1e-8), undefined);
  t.is(differenceOf([Number.NaN], [1], 1), 'number 1 of 1 is NaN, and 1 in NumPy');
  t.is(differenceOf([], [3], 1), 'number 1 of 1 is undefined, and 3 in NumPy');
});
