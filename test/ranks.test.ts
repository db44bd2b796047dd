// What TypeScript knows of shapes. That this file compiles is half of the test: every @ts-expect-error must be an error.
import test from 'ava';
import { custom, input, Layer, layers, model, type NDArray, ops, sequential, type Value } from 'fjordnet';

/** Fails to compile unless A and B are the same type. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const isRank = <N extends number>(value: { readonly shape: { readonly length: NoInfer<N> } }, n: N) =>
  value.shape.length === n;

test('input() has as many axes as its shape, and layers keep, add or take some', (t) => {
  const image = input({ shape: [8, 8, 3] });
  const words = input({ shape: [5], dtype: 'int32' });
  t.true(isRank(image, 3));
  t.true(isRank(layers.conv2d({ filters: 2, kernelSize: 3 }).apply(image), 3));
  t.true(isRank(layers.batchNormalization().apply(image), 3));
  t.true(isRank(layers.flatten().apply(image), 1));
  t.true(isRank(layers.globalMaxPooling2d().apply(image), 1));
  t.true(isRank(layers.reshape({ targetShape: [64, 3] }).apply(image), 2));
  t.true(isRank(layers.embedding({ inputDim: 9, outputDim: 2 }).apply(words), 2));
  t.true(isRank(layers.repeatVector({ n: 2 }).apply(layers.flatten().apply(image)), 2));
  t.true(isRank(layers.dense({ units: 2 }).apply(image), 3));
  const steps = input({ shape: [9, 2] });
  t.true(isRank(layers.dense({ units: 2 }).apply(steps), 2));
  t.true(isRank(layers.layerNormalization().apply(steps), 2));
  t.true(isRank(layers.cropping1d().apply(layers.conv1d({ filters: 2, kernelSize: 3 }).apply(steps)), 2));
  t.true(isRank(layers.maxPooling1d().apply(layers.upSampling1d().apply(layers.zeroPadding1d().apply(steps))), 2));
  t.true(isRank(layers.globalMaxPooling1d().apply(layers.averagePooling1d().apply(steps)), 1));
  t.true(isRank(layers.globalAveragePooling1d().apply(steps), 1));
  t.true(isRank(layers.globalAveragePooling1d({ keepDims: true }).apply(steps), 2));
  t.true(isRank(layers.globalMaxPooling2d({ keepDims: true }).apply(image), 3));
  t.true(isRank(layers.globalMaxPooling2d({ keepDims: false, name: 'a' }).apply(image), 1));
  t.true(isRank(layers.lstm({ units: 2 }).apply(steps), 1));
  t.true(isRank(layers.masking().apply(layers.gru({ units: 2, returnSequences: true }).apply(steps)), 2));
  const [, state] = layers.gru({ units: 2, returnState: true }).apply(steps);
  t.true(isRank(layers.gru({ units: 2, returnSequences: true }).apply([steps, state]), 2));
  const flat = layers.flatten().apply(image);
  t.true(isRank(layers.add().apply([flat, layers.dropout({ rate: 0.5 }).apply(flat)]), 1));
  t.true(
    isRank(layers.add().apply([image, layers.dense({ units: 3 }).apply(layers.globalMaxPooling2d().apply(image))]), 3),
  );
  t.true(isRank(layers.concatenate().apply([flat, flat]), 1));
  t.true(isRank(layers.lambda((x: Value<readonly [number]>) => ops.square(x)).apply(flat), 1));
});

test('a layer is not applied to what it cannot take', (t) => {
  const row = input({ shape: [8] });
  const image = input({ shape: [8, 8, 1] });
  // @ts-expect-error
  t.throws(() => layers.conv2d({ filters: 2, kernelSize: 3 }).apply(row), { instanceOf: RangeError });
  // @ts-expect-error
  t.throws(() => layers.maxPooling2d().apply(row), { instanceOf: RangeError });
  // @ts-expect-error
  t.throws(() => layers.repeatVector({ n: 2 }).apply(image), { instanceOf: RangeError });
  // @ts-expect-error
  t.throws(() => layers.spatialDropout1d({ rate: 0.5 }).apply(image), { instanceOf: RangeError });
  // @ts-expect-error
  t.throws(() => layers.add().apply(row), { instanceOf: RangeError });
  // @ts-expect-error
  t.throws(() => layers.dense({ units: 2 }).apply([row, row]), { instanceOf: RangeError });
  // @ts-expect-error
  t.throws(() => layers.conv1d({ filters: 2, kernelSize: 3 }).apply(row), { instanceOf: RangeError });
  // @ts-expect-error
  t.throws(() => layers.maxPooling1d().apply(image), { instanceOf: RangeError });
  // @ts-expect-error
  t.throws(() => layers.globalAveragePooling1d().apply(row), { instanceOf: RangeError });
  // @ts-expect-error
  t.throws(() => layers.lstm({ units: 2 }).apply(row), { instanceOf: RangeError });
  // @ts-expect-error
  t.is(row.shape[1], undefined);
});

test('a shape that is not written out goes anywhere, and is checked when the graph is made', (t) => {
  const shape: number[] = [8];
  const row = input({ shape });
  t.throws(() => layers.conv2d({ filters: 2, kernelSize: 3 }).apply(row), { instanceOf: RangeError });
  let x: Value = input({ shape: [4, 4, 1] });
  for (const layer of [layers.conv2d({ filters: 2, kernelSize: 3 }), layers.flatten(), layers.dense({ units: 2 })])
    x = layer.apply(x);
  t.deepEqual(x.shape, [2]);
});

test('layers of one own give what their call returns', (t) => {
  const split = custom.layer(
    'RankedSplit',
    class extends Layer {
      call(x: Value<readonly [number]>) {
        return [ops.slice(x, [0], [2]), ops.slice(x, [2], [-1])] as const;
      }
    },
  );
  const [a, b] = split().apply(input({ shape: [5] }));
  t.true(isRank(a, 1));
  t.deepEqual(b.shape, [3]);
});

test('ops have the rank that NumPy gives', (t) => {
  const image = input({ shape: [4, 5, 3] });
  const row = input({ shape: [3] });
  const matrix = input({ shape: [3, 2] });
  t.true(isRank(ops.relu(image), 3));
  t.true(isRank(ops.add(row, image), 3));
  t.true(isRank(ops.add(image, 2), 3));
  t.true(isRank(ops.sum(image), 0));
  t.true(isRank(ops.mean(image, { axis: 1 }), 2));
  t.true(isRank(ops.max(image, { axis: [0, 1], keepDims: true }), 3));
  t.true(isRank(ops.matmul(row, matrix), 1));
  t.true(isRank(ops.matmul(matrix, ops.transpose(matrix)), 2));
  t.true(isRank(ops.matmul(image, matrix), 3));
  t.true(isRank(ops.reshape(image, [-1, 3]), 2));
  t.true(isRank(ops.concat([row, row]), 1));
  t.true(isRank(ops.stack([row, row]), 2));
  t.true(isRank(ops.oneHot(row, 4), 2));
  t.true(isRank(ops.gather(matrix, row), 2));
  t.true(isRank(ops.where(row, image, 0), 3));
  const unknown: Same<ReturnType<typeof ops.sum<Value, { axis: number[] }>>, Value> = true;
  t.true(unknown);
});

test('networks are layers of what they give, and predict an array for each output', async (t) => {
  const x = input({ shape: [4] });
  const h = layers.dense({ units: 3 });
  const one = model({ inputs: x, outputs: h.apply(x) });
  const two = model({ inputs: x, outputs: [h.apply(x), layers.dense({ units: 1 }).apply(x)] });
  const chain = sequential({ layers: [layers.dense({ units: 2, inputShape: [4] })] });
  t.true(isRank(one.apply(x), 1));
  t.is(chain.apply(x).shape.length, 1);
  const [kind, size]: readonly NDArray[] = two.predictSync([[1, 2, 3, 4]]);
  t.deepEqual(
    [kind.shape, size.shape],
    [
      [1, 3],
      [1, 1],
    ],
  );
  const row: NDArray = await one.predict([[1, 2, 3, 4]]);
  t.deepEqual(row.shape, [1, 3]);
  t.is(model({ inputs: two.inputs, outputs: two.getLayer(2).output }).outputs.length, 1);
});

test('inputs and outputs have the names that their layers were given', async (t) => {
  const words = input({ shape: [3], dtype: 'int32', name: 'words' });
  const numbers = input({ shape: [2], name: 'numbers' });
  const embedded = layers.flatten().apply(layers.embedding({ inputDim: 9, outputDim: 4 }).apply(words));
  const both = layers.concatenate().apply([embedded, numbers]);
  const outputs = [
    layers.dense({ units: 3, name: 'tag', activation: 'softmax' }).apply(both),
    layers.dense({ units: 1, name: 'size' }).apply(both),
  ] as const;
  const net = model({ inputs: [words, numbers], outputs, seed: 1 });
  const x = { words: [[1, 2, 3]], numbers: [[0.5, 1]] };
  net.compile({ optimizer: 'sgd', loss: { tag: 'categoricalCrossentropy', size: 'meanSquaredError' } });
  net.fitSync(x, { tag: [[0, 1, 0]], size: [[2]] });
  net.fitSync([x.words, x.numbers], [[[0, 1, 0]], [[2]]]);
  // @ts-expect-error
  t.throws(() => net.predictSync({ wrods: [[1, 2, 3]], numbers: [[0.5, 1]] }), {
    message: /by name \(words, numbers\)/,
  });
  // @ts-expect-error
  t.throws(() => net.predictSync({ words: [[1, 2, 3]] }), { instanceOf: TypeError });
  t.throws(() => net.predictSync([x.words]), { instanceOf: TypeError });
  // @ts-expect-error
  t.throws(() => net.fitSync(x, { tag: [[0, 1, 0]], sise: [[2]] }), { message: /by name \(tag, size\)/ });
  // @ts-expect-error
  t.throws(() => net.compile({ optimizer: 'sgd', loss: { tga: 'categoricalCrossentropy' } }), {
    instanceOf: RangeError,
  });
  net.compile({ optimizer: 'sgd', loss: { size: 'meanSquaredError' } });
  net.fitSync(x, { size: [[2]] });
  const steady = await net.snapshot();
  // @ts-expect-error
  t.throws(() => steady.predictSync({ words: [[1, 2, 3]] }), { instanceOf: TypeError });

  // a network in another one is called by its own name, and names that are not written out are any
  const inner = layers.dense({ units: 1, name: 'inner' });
  const part = model({ inputs: numbers, outputs: inner.apply(numbers), name: 'part' });
  const whole = model({ inputs: numbers, outputs: part.apply(numbers), seed: 1 });
  whole.compile({ optimizer: 'sgd', loss: { part: 'meanSquaredError' } });
  whole.fitSync({ numbers: [[1, 2]] }, { part: [[1]] });
  const name: string = 'later';
  const later = input({ shape: [2], name });
  t.deepEqual(
    model({ inputs: later, outputs: inner.apply(later), seed: 1 }).predictSync({ later: [[1, 2]] }).shape,
    [1, 1],
  );
});

test('one layer that makes two outputs gives them two names', (t) => {
  const [a, b] = [input({ shape: [2], name: 'a' }), input({ shape: [2], name: 'b' })];
  const shared = layers.dense({ units: 1, name: 'shared' });
  const net = model({ inputs: [a, b], outputs: [shared.apply(a), shared.apply(b)], seed: 1 });
  t.deepEqual(net.outputNames, ['shared', 'shared_1']);
  net.compile({ optimizer: 'sgd', loss: { shared: 'mse', shared_1: 'mse' } });
  net.fitSync({ a: [[1, 2]], b: [[1, 2]] }, { shared: [[1]], shared_1: [[1]] });
});
