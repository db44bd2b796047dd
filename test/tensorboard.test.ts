import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import {
  type Callback,
  type CallbackModel,
  callbacks,
  input,
  layers,
  type Model,
  model,
  NDArray,
  ops,
  Sequential,
  schedules,
  type Value,
} from 'fjordnet';

// An independent reader, after TensorFlow's record_writer.cc, event.proto, summary.proto and tensor.proto.

/** CRC-32C bit by bit, most significant bit first, on reflected bytes. */
function crc32c(data: Uint8Array): number {
  const reflect = (x: bigint, bits: number) => {
    let out = 0n;
    for (let i = 0; i < bits; i++) if ((x >> BigInt(i)) & 1n) out |= 1n << BigInt(bits - 1 - i);
    return out;
  };
  let rest = 0xffffffffn;
  for (const byte of data) {
    rest ^= reflect(BigInt(byte), 8) << 24n;
    for (let i = 0; i < 8; i++) rest = ((rest << 1n) ^ (rest & 0x80000000n ? 0x1edc6f41n : 0n)) & 0xffffffffn;
  }
  return Number(reflect(rest, 32) ^ 0xffffffffn);
}

function masked(crc: number): number {
  return (((crc >>> 15) | ((crc << 17) >>> 0)) + 0xa282ead8) % 2 ** 32;
}

type Fields = Record<number, (bigint | Buffer)[]>;

/** The fields of a protocol buffer: varints as numbers, all else as bytes. */
function fieldsOf(data: Buffer): Fields {
  const fields: Fields = {};
  let at = 0;
  const varint = () => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = data[at++];
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asIntN(64, value);
    }
  };
  while (at < data.length) {
    const key = Number(varint());
    const type = key & 7;
    const size = type === 1 ? 8 : type === 5 ? 4 : type === 2 ? Number(varint()) : 0;
    if (![0, 1, 2, 5].includes(type) || at + size > data.length) throw new Error(`broken field ${key} at ${at}`);
    fields[key >> 3] ??= [];
    fields[key >> 3].push(type === 0 ? varint() : data.subarray(at, at + size));
    at += size;
  }
  return fields;
}

const messages = (field: (bigint | Buffer)[] = []) => field.map((value) => fieldsOf(value as Buffer));
const texts = (field: (bigint | Buffer)[] = []) => field.map((value) => (value as Buffer).toString());
const one = <T>(list: T[]): T => {
  if (list.length !== 1) throw new Error(`${list.length} values instead of one`);
  return list[0];
};

/** The events of the one file in a folder, with framing and checksums checked. */
function eventsOf(folder: string): Fields[] {
  const name = one(readdirSync(folder));
  if (!/^events\.out\.tfevents\.\d{10}\..*\.v2$/.test(name)) throw new Error(name);
  const file = readFileSync(join(folder, name));
  const events: Fields[] = [];
  for (let at = 0; at < file.length; ) {
    const length = Number(file.readBigUInt64LE(at));
    const data = file.subarray(at + 12, at + 12 + length);
    if (file.readUInt32LE(at + 8) !== masked(crc32c(file.subarray(at, at + 8)))) throw new Error('checksum of length');
    if (file.readUInt32LE(at + 12 + length) !== masked(crc32c(data))) throw new Error('checksum of data');
    events.push(fieldsOf(data));
    at += 16 + length;
  }
  return events;
}

/** [step, tag, value] of all scalars. */
const scalarsOf = (events: Fields[]) =>
  events.flatMap((event) =>
    messages(event[5])
      .map((summary) => one(messages(summary[1])))
      .filter((value) => value[2])
      .map((value) => [Number(one(event[2])), one(texts(value[1])), (one(value[2]) as Buffer).readFloatLE()] as const),
  );

/** Rows [left, right, count] of the histograms by tag and step. */
function histogramsOf(events: Fields[]): Record<string, number[][]> {
  const histograms: Record<string, number[][]> = {};
  for (const event of events)
    for (const summary of messages(event[5])) {
      const value = one(messages(summary[1]));
      if (!value[8]) continue;
      const metadata = one(messages(value[9]));
      if (one(texts(one(messages(metadata[1]))[1])) !== 'histograms' || one(metadata[4]) !== 2n)
        throw new Error('metadata');
      const tensor = one(messages(value[8]));
      const shape = messages(one(messages(tensor[2]))[2]).map((dim) => Number(one(dim[1])));
      const content = one(tensor[4]) as Buffer;
      if (one(tensor[1]) !== 2n || shape[1] !== 3 || content.length !== 8 * shape[0] * 3) throw new Error('tensor');
      histograms[`${one(texts(value[1]))} ${one(event[2])}`] = Array.from({ length: shape[0] }, (_, i) =>
        [0, 1, 2].map((k) => content.readDoubleLE(8 * (3 * i + k))),
      );
    }
  return histograms;
}

function modelOf(weights: () => NDArray[]): CallbackModel {
  return {
    name: 'sequential',
    stopTraining: false,
    optimizer: { learningRate: 0.5 },
    iterations: 0,
    metrics: [],
    layers: [layers.dense({ units: 600 }), layers.dense({ units: 3, activation: 'relu' })],
    layerNames: ['hidden', 'größe'],
    inputShape: [2, 300],
    outputShapes: [[600], [3]],
    weightNames: ['größe/kernel', 'größe/bias'],
    getWeights: weights,
    setWeights() {},
    save: async () => {},
  };
}

function folder(t: { teardown(fn: () => void): void }): string {
  const path = mkdtempSync(join(tmpdir(), 'fjordnet-tensorboard-'));
  t.teardown(() => rmSync(path, { recursive: true }));
  return path;
}

/** Drives a callback as `fit` does. */
function train(callback: Callback, model: CallbackModel, epochs: number, batches = 3): void {
  callback.setModel?.(model);
  callback.onTrainBegin?.();
  for (let epoch = 0; epoch < epochs; epoch++) {
    for (let batch = 0; batch < batches; batch++) {
      (model as { iterations: number }).iterations++;
      callback.onBatchEnd?.(batch, { loss: 10 + batch });
    }
    callback.onEpochEnd?.(epoch, { loss: 1 / (epoch + 1), val_loss: epoch === 1 ? Number.NaN : 2, accuracy: 0.25 });
  }
  callback.onTrainEnd?.({});
}

const flat = () => [NDArray.from(new Float32Array(6)), NDArray.from(new Float32Array(3))];

test('the reader knows the checksum', (t) => {
  t.is(crc32c(Buffer.from('123456789')), 0xe3069283); // the check value of CRC-32C
  t.is(crc32c(Buffer.alloc(32)), 0x8a9136aa); // RFC 3720, B.4
});

test('loss, metrics and learning rate of every epoch are scalars, of training and validation apart', (t) => {
  const home = folder(t);
  const before = Date.now() / 1000;
  train(callbacks.tensorBoard(home), modelOf(flat), 2);
  t.deepEqual(readdirSync(home).sort(), ['train', 'validation']);
  const events = eventsOf(join(home, 'train'));
  t.deepEqual(texts(events[0][3]), ['brain.Event:2']);
  for (const event of events) {
    const time = (one(event[1]) as Buffer).readDoubleLE();
    t.true(time >= before && time <= Date.now() / 1000);
  }
  const half = (step: number) => [step, 'epoch_learning_rate', 0.5] as const;
  t.deepEqual(scalarsOf(events), [
    [0, 'epoch_loss', 1],
    [0, 'epoch_accuracy', 0.25],
    half(0),
    [1, 'epoch_loss', 0.5],
    [1, 'epoch_accuracy', 0.25],
    half(1),
  ]);
  t.deepEqual(scalarsOf(eventsOf(join(home, 'validation'))), [
    [0, 'epoch_loss', 2],
    [1, 'epoch_loss', Number.NaN],
  ]);
});

test('with updateFreq the batches are logged by the number of updates', (t) => {
  const home = folder(t);
  const model = modelOf(flat);
  Object.assign(model, { iterations: 2 ** 33 });
  train(callbacks.tensorBoard(home, { updateFreq: 2 }), model, 2);
  const batches = scalarsOf(eventsOf(join(home, 'train'))).filter(([, tag]) => tag === 'batch_loss');
  t.deepEqual(batches, [
    [2 ** 33 + 2, 'batch_loss', 11],
    [2 ** 33 + 4, 'batch_loss', 10],
    [2 ** 33 + 6, 'batch_loss', 12],
  ]);
});

test('the learning rate of a schedule is that of the step', (t) => {
  const home = folder(t);
  const model = modelOf(flat);
  model.optimizer.learningRate = schedules.stepDecay({ initialLearningRate: 1, decaySteps: 3, decayRate: 0.5 });
  train(callbacks.tensorBoard(home), model, 2);
  const rates = scalarsOf(eventsOf(join(home, 'train'))).filter(([, tag]) => tag === 'epoch_learning_rate');
  t.deepEqual(
    rates.map(([, , rate]) => rate),
    [0.5, 0.25],
  );
});

test('weights are histograms of 30 buckets', (t) => {
  const home = folder(t);
  const kernel = Float32Array.from({ length: 61 }, (_, i) => i / 2 - 15); // -15, -14.5 … 15
  const weights = [Float32Array.of(...kernel, Number.NaN, Number.POSITIVE_INFINITY), new Float32Array(3).fill(7)];
  train(
    callbacks.tensorBoard(home, { histogramFreq: 2 }),
    modelOf(() => weights.map((w) => NDArray.from(w))),
    4,
  );
  const histograms = histogramsOf(eventsOf(join(home, 'train')));
  t.deepEqual(Object.keys(histograms), [
    'größe/kernel/histogram 0',
    'größe/bias/histogram 0',
    'größe/kernel/histogram 2',
    'größe/bias/histogram 2',
  ]);
  t.deepEqual(
    histograms['größe/kernel/histogram 2'],
    Array.from({ length: 30 }, (_, i) => [i - 15, i - 14, i === 29 ? 3 : 2]),
  );
  t.deepEqual(
    histograms['größe/bias/histogram 0'],
    Array.from({ length: 30 }, (_, i) => [7, 7, i === 29 ? 3 : 0]),
  );
});

/** The nodes of the graph in a folder. */
const nodesIn = (home: string) =>
  messages(one(eventsOf(join(home, 'train')).flatMap((event) => messages(event[4])))[1]).map((node) => {
    const attributes = new Map(messages(node[5]).map((entry) => [one(texts(entry[1])), one(messages(entry[2]))]));
    const units = attributes.get('units');
    return {
      name: one(texts(node[1])),
      op: one(texts(node[2])),
      inputs: texts(node[3]),
      shapes: messages(one(messages(attributes.get('_output_shapes')?.[1]))[7]).map((shape) =>
        messages(shape[2]).map((dim) => Number(one(dim[1]))),
      ),
      units: units && one(texts(units[2])),
    };
  });

const trained = (t: ExecutionContext, network: Model, x: NDArray) => {
  const home = folder(t);
  network.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
  const y = NDArray.zeros((network.predictSync(x) as NDArray).shape);
  network.fitSync(x, y, { epochs: 1, verbose: 0, callbacks: callbacks.tensorBoard(home) });
  return nodesIn(home);
};

test('the graph has a node for each layer', (t) => {
  const network = new Sequential({
    layers: [
      layers.dense({ units: 600, name: 'hidden', inputShape: [2, 300] }),
      layers.dense({ units: 3, name: 'größe' }),
    ],
  });
  t.deepEqual(trained(t, network, NDArray.zeros([2, 2, 300])), [
    { name: 'input', op: 'Placeholder', inputs: [], shapes: [[-1, 2, 300]], units: undefined },
    { name: 'hidden', op: 'Dense', inputs: ['input'], shapes: [[-1, 2, 600]], units: '600' },
    { name: 'größe', op: 'Dense', inputs: ['hidden'], shapes: [[-1, 2, 3]], units: '3' },
  ]);
  const without = folder(t);
  train(callbacks.tensorBoard(without, { writeGraph: false }), modelOf(flat), 1);
  t.deepEqual(
    eventsOf(join(without, 'train')).flatMap((event) => messages(event[4])),
    [],
  );
});

test('the graph is connected as the network is: around layers, through one twice, from each of its outputs', (t) => {
  const x = input({ shape: [5, 4], name: 'x' });
  const dense = layers.dense({ units: 4, name: 'shared' });
  const sum = ops.add(x, dense.apply(dense.apply(x)));
  const [, state] = layers.lstm({ units: 2, returnState: true, name: 'lstm' }).apply(sum) as Value[];
  const network = model({ inputs: x, outputs: layers.dense({ units: 1, name: 'out' }).apply(state) });
  t.deepEqual(trained(t, network, NDArray.zeros([2, 5, 4])), [
    { name: 'x', op: 'Placeholder', inputs: [], shapes: [[-1, 5, 4]], units: undefined },
    { name: 'shared', op: 'Dense', inputs: ['x'], shapes: [[-1, 5, 4]], units: '4' },
    { name: 'shared_1', op: 'Dense', inputs: ['shared'], shapes: [[-1, 5, 4]], units: '4' },
    { name: 'add', op: 'add', inputs: ['x', 'shared_1'], shapes: [[-1, 5, 4]], units: undefined },
    {
      name: 'lstm',
      op: 'LSTM',
      inputs: ['add'],
      shapes: [
        [-1, 2],
        [-1, 2],
        [-1, 2],
      ],
      units: '2',
    },
    { name: 'out', op: 'Dense', inputs: ['lstm:1'], shapes: [[-1, 1]], units: '1' },
  ]);
});

test('a second training begins files of its own', (t) => {
  const home = folder(t);
  const callback = callbacks.tensorBoard(home);
  train(callback, modelOf(flat), 1);
  train(callback, modelOf(flat), 1);
  t.is(readdirSync(join(home, 'train')).length, 2);
});

test('a folder that cannot be made is an error', (t) => {
  const home = folder(t);
  writeFileSync(join(home, 'file'), '');
  t.throws(() => train(callbacks.tensorBoard(join(home, 'file')), modelOf(flat), 1), { code: 'ENOTDIR' });
});
