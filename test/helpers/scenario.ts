import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { pathToFileURL } from 'node:url';
import { types } from 'node:util';
import vm from 'node:vm';

/** The modules of the package as the realm under test has loaded them. */
export interface Modules {
  fjordnet: typeof import('fjordnet');
  plots: typeof import('fjordnet/plots');
  csv: { readCsv(input: unknown, options?: object): Promise<{ x: unknown; y?: unknown }> };
  npy: { parseNpy(bytes: Uint8Array): unknown };
  safetensors: {
    writeSafetensors(path: string, tensors: Iterable<readonly [string, object]>): Promise<void>;
    readSafetensors(path: string): Promise<{ tensors: Map<string, { data: unknown }> }>;
  };
}

export const MODULES: Readonly<Record<keyof Modules, string>> = {
  fjordnet: 'index.js',
  plots: 'plots/index.js',
  csv: 'io/csv.js',
  npy: 'io/npy.js',
  safetensors: 'io/safetensors.js',
};

const hex = (array: ArrayBufferView) =>
  Buffer.from(array.buffer as ArrayBuffer, array.byteOffset, array.byteLength).toString('hex');
const digest = (text: string | Uint8Array) => createHash('sha256').update(text).digest('hex').slice(0, 16);

/** A value as text, to the last bit; what is an array of this realm says so. */
function show(value: any): string {
  if (types.isTypedArray(value)) {
    const kind = Object.prototype.toString.call(value).slice(8, -1);
    const bits = hex(value);
    return `${kind}${value instanceof Float32Array || value instanceof Float64Array || value instanceof Int32Array ? '!' : ''} ${bits.length > 200 ? digest(bits) : bits}`;
  }
  if (typeof value === 'object' && value !== null && 'dtype' in value && 'shape' in value)
    return `${value.dtype} [${value.shape}] ${show(value.data)}`;
  if (Array.isArray(value)) return `[${value.map(show).join(', ')}]`;
  if (typeof value === 'object' && value !== null)
    return `{${Object.entries(value).map(([key, held]) => (key === 'seconds' ? '' : `${key}: ${show(held)}`))}}`;
  return Object.is(value, -0) ? '-0' : String(value);
}

/**
 * A slice of the suite: many public calls, and what each gave or threw, with whether arrays and errors are of the realm that
 * this module runs in.
 */
export async function scenario({ fjordnet, plots, csv, npy, safetensors }: Modules): Promise<Record<string, string>> {
  const { NDArray, RandomState, layers, losses, sequential } = fjordnet;
  const folder = mkdtempSync(join(tmpdir(), 'fjordnet-scenario-'));
  const results: Record<string, string> = {};
  const record = async (name: string, call: () => unknown) => {
    try {
      results[name] = show(await call());
    } catch (error) {
      const { name: kind, code, message } = error as Error & { code?: string };
      const realm =
        (error as object) instanceof Error && (kind !== 'RangeError' || (error as object) instanceof RangeError);
      results[name] = `${kind} ${code ?? ''} ${message.replaceAll(folder, '')} ${realm ? 'of this realm' : 'foreign'}`;
    }
  };
  const foreign = (code: string) => vm.runInNewContext(code, { URL, AbortController, structuredClone });
  const x = new RandomState(0).randn(60, 4);
  const labels = Array.from({ length: 60 }, (_, i) => (x.data[4 * i] + x.data[4 * i + 1] > 0 ? 1 : 0));
  const names = labels.map((k) => ['iris', 'rose'][k]);
  const oneHot = fjordnet.toCategorical(labels, 2);

  // Arrays of every kind, of this realm and of another
  for (const type of [
    'Float64',
    'Float32',
    'Int32',
    'Uint8',
    'Uint8Clamped',
    'Int8',
    'Int16',
    'Uint32',
    'BigInt64',
    'Float16',
  ]) {
    const literal = type === 'BigInt64' ? '[1n, 2n, 3n, 4n, 5n]' : '[1, 2, 3, 4, 5]';
    const code = `typeof ${type}Array === 'function' ? new ${type}Array(${literal}) : 'none'`;
    for (const [realm, array] of [
      ['own', new Function(`return ${code}`)()],
      ['foreign', foreign(code)],
    ] as const) {
      await record(`${realm} ${type}Array as an array`, () => NDArray.from(array));
      await record(`${realm} ${type}Array as a row`, () => NDArray.from([array]));
      await record(`${realm} ${type}Array wrapped`, () => NDArray.wrap(array).dtype);
      await record(`${realm} ${type}Array as labels`, () => fjordnet.accuracyScore([1, 2, 3, 4, 5], array));
      await record(`${realm} ${type}Array as folds' rows`, () => [...new fjordnet.KFold({ nSplits: 2 }).split(array)]);
      await record(`${realm} ${type}Array shuffled`, () => {
        const copy = array.slice();
        new RandomState(1).shuffle(copy);
        return hex(copy);
      });
    }
  }
  await record('a foreign DataView', () => NDArray.from(foreign('new DataView(new ArrayBuffer(8))')));
  await record('foreign nested arrays', () => NDArray.from(foreign('[[1, 2], new Float32Array([3, 4])]')));
  await record('take, reshape, text', () => [x.take([0, -1]), x.reshape(-1, 8), String(x.take(foreign('[1, 2]')))]);
  await record('linspace and logspace', () => [fjordnet.linspace(0, 1, 5), fjordnet.logspace(-2, 2, 5)]);

  // The generator
  const random = new RandomState(3);
  await record('draws', () => [
    random.randn(3),
    random.randint(0, 9, [4]),
    random.choice([1, 2, 3], 2, { replace: false }),
    random.permutation(5),
    random.getState(),
  ]);
  await record('a state of another realm', () => {
    const copy = new RandomState(0);
    const [name, key, ...rest] = random.getState();
    copy.setState([name, foreign(`Uint32Array.from([${key}])`), ...rest] as never);
    return copy.randomSample(3);
  });

  // Networks
  for (const dtype of ['float32', 'float64'] as const) {
    const make = () => {
      const model = sequential({
        layers: [
          layers.inputLayer({ shape: [4] }),
          layers.dense({ units: 5, activation: 'relu' }),
          layers.batchNormalization(),
          layers.dense({ units: 2, activation: 'softmax' }),
        ],
        dtype,
        seed: 1,
      });
      model.compile({
        optimizer: fjordnet.optimizers.adam({
          learningRate: fjordnet.schedules.stepDecay({ initialLearningRate: 0.1, decaySteps: 5, decayRate: 0.5 }),
        }),
        loss: losses.categoricalCrossentropy(),
        metrics: ['accuracy'],
      });
      return model;
    };
    const model = make();
    await record(`${dtype} predict`, () => model.predict(x));
    await record(`${dtype} predictSync`, () => model.predictSync(x));
    await record(`${dtype} predict, a row`, async () => (await model.predict(x)).take([0]));
    await record(`${dtype} predict of a foreign row`, () => model.predict([foreign('new Float32Array([1, 2, 3, 4])')]));
    const epochs: number[] = [];
    const options = {
      epochs: 3,
      batchSize: 8,
      validationData: [x, oneHot] as const,
      sampleWeight: foreign('new Float64Array(60).fill(0.5)'),
      callbacks: [
        fjordnet.callbacks.earlyStopping({ patience: 5 }),
        { onEpochEnd: async (k: number) => epochs.push(k) },
      ],
      signal: foreign('new AbortController().signal'),
    };
    await record(`${dtype} fit`, async () => (await model.fit(x, oneHot, options as never)).history);
    await record(`${dtype} callbacks`, () => epochs);
    await record(`${dtype} evaluate`, () => model.evaluate(x, oneHot));
    await record(`${dtype} weights`, () => model.getWeights());
    await record(`${dtype} summary`, () => model.summary());
    await record(`${dtype} fitSync`, () => make().fitSync(x, oneHot, { epochs: 2 }).history);
    await record(`${dtype} trainOnBatch`, () => make().trainOnBatch(x, oneHot));
    const path = join(folder, `${dtype}.safetensors`);
    await record(`${dtype} save`, async () => {
      await model.save(path);
      return digest(readFileSync(path));
    });
    await record(`${dtype} load`, async () => {
      const loaded = await fjordnet.Sequential.load(pathToFileURL(path) as never);
      return [loaded.predictSync(x), (await loaded.fit(x, oneHot)).history];
    });
    await record(`${dtype} aborted`, () =>
      model.fit(x, oneHot, { signal: foreign('AbortController.abort?.()') ?? AbortSignal.abort() }),
    );
    await record(`${dtype} aborted by a callback`, () => {
      const controller = new AbortController();
      return model.fit(x, oneHot, {
        epochs: 9,
        signal: controller.signal,
        callbacks: { onEpochEnd: () => controller.abort() },
      });
    });
    await record(`${dtype} aborted by a polyfill’s signal`, () => {
      const signal = Object.assign(new EventTarget(), { aborted: false });
      const callbacks = { onEpochEnd: () => (signal.aborted = signal.dispatchEvent(new Event('abort'))) };
      return model.fit(x, oneHot, { epochs: 9, signal: signal as never, callbacks: callbacks as never });
    });
    await record(`${dtype} busy`, async () => {
      const running = model.fit(x, oneHot, { epochs: 50 });
      try {
        await model.fit(x, oneHot);
      } finally {
        await running;
      }
    });
  }
  await record('a convolution', () =>
    sequential({
      layers: [
        layers.conv2d({ filters: 2, kernelSize: 2, activation: 'relu', inputShape: [6, 6, 1] }),
        layers.maxPooling2d(),
        layers.flatten(),
        layers.dense({ units: 2 }),
      ],
      seed: 1,
    }).predict(new RandomState(1).randn(3, 6, 6, 1)),
  );
  await record('the lecture’s network', async () => {
    const network = new fjordnet.NeuralNetwork(x, oneHot, {
      nCategories: 2,
      nHiddenNeurons: 4,
      epochs: 2,
      batchSize: 10,
      randomState: 0,
    });
    await network.train();
    return [network.predictProbabilities(x), network.hiddenWeights, network.backpropagation(x, oneHot)];
  });
  await record('kernels', () => {
    const y = new Float32Array(2);
    fjordnet.kernels.affine({ B: 1, O: 2, I: 1 }, [
      new Float32Array([3]),
      foreign('new Float32Array([1, 2])'),
      new Float32Array(2),
      y,
    ]);
    return y;
  });

  // Estimators, model selection, scores
  for (const solver of ['adam', 'lbfgs', 'sgd'] as const) {
    const options = { hiddenLayerSizes: foreign('new Int32Array([5])'), solver, maxIter: 20, tol: 1e9, randomState: 1 };
    await record(`MLPClassifier by ${solver}`, async () => {
      const estimator = await new fjordnet.MLPClassifier(options).fit(x, names);
      return [estimator.predict(x), estimator.predictProba(x), estimator.coefs, estimator.lossCurve ?? null];
    });
  }
  await record('crossValScore', () =>
    fjordnet.crossValScore(
      new fjordnet.MLPClassifier({
        hiddenLayerSizes: [3],
        maxIter: 5,
        tol: 1e9,
        solver: 'lbfgs',
        randomState: new RandomState(2),
      }),
      x,
      labels,
      { cv: 3 },
    ),
  );
  await record('gridSearch', async () => {
    const search = await fjordnet.gridSearch({
      grid: { hidden: foreign('new Float64Array([2, 3])'), alpha: fjordnet.logspace(-2, -1, 2) },
      build: ({ hidden, alpha }: { hidden: number; alpha: number }) =>
        new fjordnet.MLPClassifier({
          hiddenLayerSizes: [hidden],
          alpha,
          solver: 'lbfgs',
          maxIter: 5,
          tol: 1e9,
          randomState: 1,
        }),
      train: [x, labels],
      signal: foreign('new AbortController().signal'),
    });
    return [search.table('trainScore'), search.best.params];
  });
  await record('splits', () => fjordnet.trainTestSplit([x, names], { randomState: 1, stratify: names }));
  await record('scalers', () => [
    new fjordnet.StandardScaler().fitTransform(x),
    new fjordnet.MinMaxScaler().fitTransform(x),
  ]);
  await record('scores', () => [
    fjordnet.confusionMatrix(names, names.toReversed()),
    fjordnet.classificationReport(labels, labels.toReversed()),
    fjordnet.r2Score(labels, labels.toReversed()),
  ]);

  // Figures
  await record('a heatmap', () => {
    const plot = plots.heatmap(x, { x: ['a', 'b', 'c', 'd'] });
    return [digest(JSON.stringify(plot.spec)), plot.text({ color: false, width: 60 })];
  });
  await record('weights', () => digest(JSON.stringify(plots.weights({ a: x, b: foreign('[1, 2]') }).spec)));
  await record('a boundary', async () =>
    digest(
      JSON.stringify(
        (
          await plots.decisionBoundary(
            { predict: (grid: { length: number }) => foreign(`new Int32Array(${grid.length})`) },
            [
              [0, 1],
              [1, 0],
            ],
            [0, 1],
            { resolution: 9 },
          )
        ).spec,
      ),
    ),
  );
  await record('a figure’s file', async () => {
    const path = join(folder, 'plot.json');
    await plots.history({ loss: [1, 2] }).save(foreign(`new URL(${JSON.stringify(pathToFileURL(path).href)})`));
    return digest(readFileSync(path));
  });

  // Files
  const table = join(folder, 'table.csv');
  writeFileSync(table, 'a,b,kind\n1,2,iris\n3,4,rose\n');
  await record('a CSV file', () => csv.readCsv(table, { label: 'kind' }));
  await record('a CSV file by URL', () =>
    csv.readCsv(foreign(`new URL(${JSON.stringify(pathToFileURL(table).href)})`), { label: 'kind' }),
  );
  await record('a stream', () => {
    const stream = new PassThrough();
    stream.end('1,2\n3,4\n');
    return csv.readCsv(stream);
  });
  await record('an NPY file', () => {
    const header = `${"{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }".padEnd(117)}\n`;
    const head = Buffer.concat([
      Buffer.from('\x93NUMPY\x01\x00', 'latin1'),
      Buffer.from([header.length, 0]),
      Buffer.from(header),
    ]);
    return npy.parseNpy(Buffer.concat([head, Buffer.from(new Float32Array([1.5, 2]).buffer)]));
  });
  await record('tensors', async () => {
    const path = join(folder, 'tensors');
    await safetensors.writeSafetensors(path, [
      ['a', { shape: [2], data: foreign('new Int16Array([1, 2])') }],
      ['b', x],
    ]);
    return [...(await safetensors.readSafetensors(path)).tensors].map(([name, { data }]) => [name, data]);
  });

  // What is refused
  const model = sequential({ layers: [layers.dense({ units: 1, inputShape: [4] })], seed: 1 });
  await record('options of another realm', () => sequential(foreign('({ name: "a", seed: 1 })')).name);
  await record('options that are a foreign Map', () => sequential(foreign('new Map()')));
  await record('a wrong type', () => sequential({ name: 3 as never }));
  await record('a wrong value', () => sequential({ dtype: 'float16' as never }));
  await record('no file', () => fjordnet.Sequential.load(join(folder, 'missing')));
  await record('no network', () => fjordnet.Sequential.load(table));
  await record('not compiled', () => model.fit(x, oneHot));
  await record('a signal that is none', () => model.predict(x, { signal: foreign('({ aborted: false })') }));
  await record('wrong arrays of a kernel', () => fjordnet.kernels.affine({ B: 1, O: 1, I: 1 }, [1, 2] as never));
  await record('kernels of two dtypes', () =>
    fjordnet.kernels.affine({ B: 1, O: 1, I: 1 }, [
      new Float32Array(1),
      new Float64Array(1),
      new Float32Array(1),
      new Float32Array(1),
    ]),
  );
  await record('too many threads', () => fjordnet.setThreads(1e6));
  await record('too much memory', () => NDArray.zeros([2 ** 26, 2 ** 26]));
  rmSync(folder, { recursive: true });
  return results;
}
