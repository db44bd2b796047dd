import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import test from 'ava';
import { importModel, layers, type Model, NDArray, sequential } from 'fjordnet';
import { drawn, filled, MODELS, outputsOf, samplesFor, scaledAttention } from './helpers/networks.js';

// The real Keras, where scripts/bench/setup has installed it: FJORDNET_BENCH_PEERS says where.
const peers = process.env.FJORDNET_BENCH_PEERS;
const python = peers && join(peers, 'python', 'bin', 'python');
const reading = python && existsSync(python) ? test : test.skip;
const script = fileURLToPath(new URL('../test/fixtures/keras-read.py', import.meta.url));

const listed = ({ shape, data }: NDArray) => ({ shape, data: Array.from(data) });

reading('the real Keras reads every network, predicts the same, and trains on', async (t) => {
  t.timeout(300_000);
  const home = await mkdtemp(join(tmpdir(), 'fjordnet-keras-'));
  const cases: object[] = [];
  const write = async (name: string, network: Model<any, any>, inputs: readonly NDArray[], rest: object = {}) => {
    const outputs = (await outputsOf(network, inputs)).map(listed);
    for (const format of ['keras', 'h5'] as const) {
      if (format === 'h5' && ['ops', 'passThrough', 'positional'].includes(name)) continue;
      const file = `${name}-${network.dtype}.${format}`;
      await network.export(join(home, file));
      cases.push({ file, dtype: network.dtype, inputs: inputs.map(listed), outputs, ...rest });
    }
  };
  for (const name of Object.keys(MODELS).filter((name) => name !== 'heaviside'))
    for (const dtype of ['float32', 'float64'] as const) {
      const { network, inputs } = drawn(name, dtype);
      await write(name, network, inputs);
    }
  for (const dtype of ['float32', 'float64'] as const) {
    const network = scaledAttention(dtype);
    filled(network);
    await write('attentionScaled', network, samplesFor(network));
  }
  const x = NDArray.from([
    [1, 2, 3],
    [-1, 0, 1],
  ]);
  const y = NDArray.from([
    [0, 1],
    [1, 0],
  ]);
  for (const optimizer of [
    'sgd',
    'adam',
    'rmsprop',
    'adagrad',
    'adadelta',
    'nadam',
    'adamax',
    'lion',
    'adamW',
  ] as const) {
    const network = sequential({ layers: [layers.dense({ units: 2, inputShape: [3] })], seed: 1 });
    network.compile({ optimizer, loss: 'mse' });
    network.trainOnBatch(x, y);
    await write(optimizer, network, [x]);
    const losses = [0, 1, 2].map(() => network.trainOnBatch(x, y).loss);
    // the optimizer's memory is in the newer form alone
    Object.assign(cases[cases.length - 2], { targets: listed(y), losses });
  }
  await writeFile(join(home, 'cases.json'), JSON.stringify(cases));
  const { stdout } = await promisify(execFile)(python as string, [script, home], { maxBuffer: 2 ** 26 });
  const found: { readonly file: string; readonly error: number; readonly losses: number }[] = JSON.parse(
    stdout.slice(stdout.indexOf('[')),
  );
  t.is(found.length, cases.length);
  for (const { file, error, losses } of found) {
    // Keras' attention gives weights of 0, ours equal ones, at steps of the query that do not count
    if (file.startsWith('attentionMasked')) continue;
    // TensorFlow's gelu, leaky_relu and layer normalization have constants of float32; its bilinear resizing gives float32
    const isRounded = /^(geluApprox|dropout|layerNorm|activationsAll|ops|bilinear)/.test(file);
    t.true(error <= (file.includes('float64') ? (isRounded ? 1e-7 : 1e-12) : 1e-6), `${file}: ${error}`);
    t.true(losses <= 1e-5, `${file}: ${losses}`);
  }
  t.log(`${found.length} files`);
  await rm(home, { recursive: true });
});

reading('training goes on from an HDF5 file of the real Keras, which cannot do so itself', async (t) => {
  t.timeout(300_000);
  const home = await mkdtemp(join(tmpdir(), 'fjordnet-keras-'));
  const memory = fileURLToPath(new URL('../test/fixtures/keras-h5.py', import.meta.url));
  const { stdout } = await promisify(execFile)(python as string, [memory, home], { maxBuffer: 2 ** 26 });
  const { x, y, found, own } = JSON.parse(stdout.slice(stdout.lastIndexOf('{"x"')));
  for (const { file, losses } of found as { file: string; losses: number[] }[]) {
    const network = await importModel(join(home, file));
    t.is(network.iterations, 3, file);
    for (const wanted of losses) {
      const { loss } = network.trainOnBatch(x, y) as { loss: number };
      t.true(Math.abs(loss - wanted) < 1e-5 * wanted, `${file}: ${loss} for ${wanted}`);
    }
  }
  // where this changes, the optimizer's memory may go into our files, too
  t.regex(own, /^Unknown variable/);
  await rm(home, { recursive: true });
});
