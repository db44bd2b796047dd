// brain.js: one sample at a time, squared error, no minibatches. An epoch over the same samples through the same sizes is
// the nearest it has to the others' work, so its losses are not compared.
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { PEERS } from '../adapters.js';
import { Skip, serve } from './protocol.js';

const require = createRequire(join(PEERS, 'node', 'package.json'));
const { NeuralNetwork } = require('brain.js');
const { version } = require('brain.js/package.json');

const about = () => ({ name: `brain.js ${version}`, kernel: 'JavaScript' });

function check({ kind, layers, loss }) {
  if (!['train', 'start', 'memory'].includes(kind)) throw new Skip('not a thing brain.js does');
  if (loss || layers.some(({ from }) => from)) throw new Skip("it has no graph of layers and no loss of one's own");
  if (layers.some((layer) => layer.kind !== 'dense')) throw new Skip('it has no convolution');
  if (layers[0].activation !== 'sigmoid') throw new Skip('not measured: its output layer takes the hidden activation');
}

await serve(about, (workload) => {
  check(workload);
  const x = workload.array('x');
  const y = workload.array('y').data;
  const width = x.shape[1];
  const data = Array.from({ length: workload.samples }, (_, i) => ({
    input: x.data.slice(i * width, (i + 1) * width),
    output: Float32Array.from({ length: 10 }, (_, k) => (k === y[i] ? 1 : 0)),
  }));
  const hiddenLayers = workload.layers.slice(0, -1).map((layer) => layer.units);
  const network = new NeuralNetwork({ hiddenLayers, activation: 'sigmoid' });
  return {
    async run(epochs) {
      network.train(data, { iterations: epochs, errorThresh: 1e-12, learningRate: workload.learningRate });
      return (epochs * workload.samples) / workload.batchSize;
    },
  };
});
