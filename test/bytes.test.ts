// What toBytes and exportBytes give is sent to Workers: plain bytes, in memory that nothing else lies in.
import test from 'ava';
import { LabelEncoder, layers, MLPClassifier, makePipeline, StandardScaler, sequential } from '../dist/index.js';

const x = [[1], [2]];
const mlp = () => new MLPClassifier({ hiddenLayerSizes: [2], maxIter: 1000, tol: 0.1, randomState: 1 });

test('bytes of whatever is saved have memory of their own, which may be transferred', async (t) => {
  const network = sequential({ layers: [layers.dense({ units: 1, inputShape: [1] })], seed: 1 });
  const classifier = await mlp().fit(x, [0, 1]);
  const pipeline = await makePipeline(new StandardScaler(), mlp()).fit(x, ['a', 'b']);
  const given = {
    network: network.toBytes(),
    onnx: await network.exportBytes({ format: 'onnx' }),
    classifier: classifier.toBytes(),
    npz: classifier.exportBytes(),
    pipeline: pipeline.toBytes(),
    ofPipeline: await pipeline.exportBytes(),
    scaler: new StandardScaler().fit(x).toBytes(),
    labels: new LabelEncoder().fit(['a', 'b']).toBytes(),
  };
  const other = Buffer.from('another one');
  for (const [name, bytes] of Object.entries(given)) {
    t.is(Object.getPrototypeOf(bytes), Uint8Array.prototype, name);
    t.is(bytes.buffer.byteLength, bytes.length, name);
    t.true(structuredClone(bytes, { transfer: [bytes.buffer] }).length > 0, name);
  }
  t.is(other.toString(), 'another one');
});
