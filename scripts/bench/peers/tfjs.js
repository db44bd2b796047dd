// TensorFlow.js on its cpu or wasm backend: `await model.fit`. Its packages lie outside this one: see scripts/bench/setup.
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { PEERS } from '../adapters.js';
import { means, Skip, serve } from './protocol.js';

const backend = process.argv[2]?.split('=')[1];
process.argv.splice(2, 1);
const require = createRequire(join(PEERS, 'node', 'package.json'));
console.log = console.info = console.warn = () => {};
const tf = require('@tensorflow/tfjs');
if (backend === 'wasm') {
  const wasm = require('@tensorflow/tfjs-backend-wasm');
  wasm.setWasmPaths(`${dirname(require.resolve('@tensorflow/tfjs-backend-wasm'))}/`);
}
await tf.setBackend(backend);
await tf.ready();

const about = () => ({
  name: `TensorFlow.js ${tf.version.tfjs}, ${backend}`,
  kernel: backend === 'wasm' ? 'XNNPACK' : 'JavaScript',
});

function build(workload) {
  const { layers, inputShape, learningRate } = workload;
  const model = tf.sequential();
  for (const [i, { kind, ...options }] of layers.entries())
    model.add(tf.layers[kind]({ ...options, ...(i === 0 ? { inputShape } : {}) }));
  model.setWeights(workload.weights().map(({ data, shape }) => tf.tensor(data, shape)));
  model.compile({ optimizer: tf.train.sgd(learningRate), loss: 'categoricalCrossentropy' });
  return model;
}

/** Some backends lack the kernels of some gradients. */
async function trained(train) {
  try {
    return await train();
  } catch (error) {
    if (!/not registered for backend/.test(error.message)) throw error;
    throw new Skip(`it cannot train this on ${backend}: ${error.message.split('\n')[0]}`);
  }
}

/** TensorFlow.js' sparse loss takes float labels and converts them at every step; one-hot rows are the faster way. */
async function openCase(workload) {
  const { kind, dtype, samples, batchSize, layers, loss } = workload;
  if (!['train', 'start', 'memory', 'predict'].includes(kind)) throw new Skip('not a thing TensorFlow.js does');
  if (loss || layers.some(({ from }) => from)) throw new Skip('not measured on graphs of layers and losses of our own');
  if (layers.some((layer) => layer.kind === 'lstm' || layer.kind === 'gru'))
    throw new Skip('a step of a recurrent layer takes it some ten seconds, and its GRU has the older form alone');
  if (dtype === 'float64') throw new Skip('it has no float64');
  if (kind === 'memory' && backend === 'cpu') throw new Skip('a step takes it more than half a minute: see row f');
  const all = workload.array('x');
  const x = tf.tensor(all.data, all.shape);
  const y = tf.oneHot(tf.tensor(workload.array('y').data, [samples], 'int32'), layers.at(-1).units).toFloat();
  const model = build(workload);
  const work = { call() {}, close: () => tf.disposeVariables() };
  if (kind === 'predict') {
    const rows = tf.tensor(all.data.subarray(0, workload.rows * all.shape[1]), [workload.rows, all.shape[1]]);
    work.call = () => tf.tidy(() => model.predict(rows).dataSync());
    work.losses = work.call().subarray(0, 10);
    return work;
  }
  const groups = [];
  for (const group of workload.batches()) {
    const losses = [];
    for (const rows of group) {
      const index = tf.tensor(rows, [rows.length], 'int32');
      losses.push(await trained(() => model.trainOnBatch(x.gather(index), y.gather(index))));
    }
    groups.push(losses);
  }
  work.losses = means(groups);
  return {
    ...work,
    async run(epochs) {
      await trained(() => model.fit(x, y, { batchSize, epochs, verbose: 0, yieldEvery: 'never' }));
      return (epochs * samples) / batchSize;
    },
    async steps(n) {
      const [some, labels] = [x, y].map((t) => t.slice(0, n * batchSize));
      await trained(() => model.fit(some, labels, { batchSize, epochs: 1, verbose: 0, yieldEvery: 'never' }));
      tf.dispose([some, labels]);
      return n;
    },
  };
}

await serve(about, openCase);
