// A test file for Jest and vitest: test/runners.test.ts copies it, beside the scenario and what that gives elsewhere, into a
// folder where the package is installed.
import { readFileSync } from 'node:fs';
import { MODULES, type Modules, scenario } from '../scenario.js';

declare const test: (name: string, run: () => unknown) => void;
declare const expect: (value: unknown) => any;
declare const vi: Tools | undefined;

interface Tools {
  useFakeTimers(): void;
  useRealTimers(): void;
  resetModules(): void;
}

const meta = import.meta as { jest?: Tools; url: string };
const tools = meta.jest ?? (vi as Tools);
const load = () => import('fjordnet');

test('the scenario gives what it gives outside', async () => {
  const modules: Record<string, unknown> = { fjordnet: await load(), plots: await import('fjordnet/plots') };
  for (const [name, path] of Object.entries(MODULES))
    modules[name] ??= await import(
      new URL(`../node_modules/fjordnet/dist/${path}`, meta.url).href.replace('file://', '')
    );
  const expected = JSON.parse(readFileSync(new URL('../expected.json', meta.url), 'utf8'));
  expect(await scenario(modules as unknown as Modules)).toEqual(expected);
});

test('matchers tell arrays and errors', async () => {
  const { NDArray, kernels, layers, sequential, Sequential } = await load();
  const model = sequential({ layers: [layers.dense({ units: 2, inputShape: [2], kernelInitializer: 'ones' })] });
  const predicted = model.predict([[1, 2]]);
  expect(predicted).toBeInstanceOf(Promise);
  const { data } = await predicted;
  expect(data).toBeInstanceOf(Float32Array);
  expect(data).toStrictEqual(new Float32Array([3, 3]));
  expect(model.predictSync([new Float32Array([1, 2])])).toEqual(NDArray.from([[3, 3]], { dtype: 'float32' }));
  expect(() => sequential({ name: 3 as never })).toThrow(TypeError);
  expect(() => NDArray.from([1, 2], { shape: [3] })).toThrow(RangeError);
  expect(() => kernels.affine({ B: 1, O: 1, I: 1 }, [])).toThrow(TypeError);
  await expect(model.fit([[1, 2]], [1])).rejects.toThrow(Error);
  await expect(model.fit([[1, 2]], [1])).rejects.toMatchObject({ code: 'ERR_NOT_COMPILED' });
  await expect(Sequential.load('missing')).rejects.toMatchObject({ code: 'ENOENT' });
});

test('training goes on under fake timers', async () => {
  const { gridSearch, layers, MLPClassifier, sequential } = await load();
  tools.useFakeTimers();
  try {
    const model = sequential({ layers: [layers.dense({ units: 1, inputShape: [1] })], seed: 1 });
    model.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
    const { history } = await model.fit([[1], [2]], [[1], [2]], { epochs: 30 });
    expect(history.loss).toHaveLength(30);
    const { results } = await gridSearch({
      grid: { alpha: [0, 1] },
      build: ({ alpha }: { alpha: number }) =>
        new MLPClassifier({ alpha, hiddenLayerSizes: [2], solver: 'lbfgs', maxIter: 2, tol: 1e9 }),
      train: [
        [[0], [1]],
        [0, 1],
      ],
    });
    expect(results).toHaveLength(2);
  } finally {
    tools.useRealTimers();
  }
});

test('modules that were reset are a second copy, which takes what the first one made', async () => {
  const first = await load();
  tools.resetModules();
  const second = await load();
  if (meta.jest) expect(second.NDArray).not.toBe(first.NDArray); // vitest keeps packages that it does not transform
  const predict = (parts: typeof first) =>
    second
      .sequential({
        layers: [parts.layers.dense({ units: 2, inputShape: [3], activation: parts.activations.relu as never })],
        seed: 1,
      })
      .predictSync(parts.NDArray.from([[1, 2, 3]], { dtype: 'float32' }));
  expect(predict(first)).toEqual(predict(second));
  expect(second.trainTestSplit([[1, 2, 3, 4]], { randomState: new first.RandomState(1) as never })).toEqual(
    second.trainTestSplit([[1, 2, 3, 4]], { randomState: 1 }),
  );
});
