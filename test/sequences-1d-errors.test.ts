// What layers of sequences, layer normalization and dense layers on any number of axes refuse: one sentence each.
import test from 'ava';
import { input, type Layer, layers, NDArray, sequential } from 'fjordnet';

test('inputs that a layer cannot take', (t) => {
  const refuse = (layer: Layer, shape: number[], message: string) =>
    t.throws(() => layer.outputShape(shape), { instanceOf: RangeError, message });
  refuse(
    layers.conv1d({ filters: 1, kernelSize: 3 }),
    [8],
    'Expected the input of Conv1D to be sequences [steps, channels] (one channel: [8, 1]), got shape [8]',
  );
  refuse(
    layers.conv1d({ filters: 1, kernelSize: 3, name: 'words' }),
    [8, 8, 3],
    "Expected the input of Conv1D 'words' to be sequences [steps, channels], got shape [8, 8, 3]",
  );
  refuse(
    layers.conv1d({ filters: 1, kernelSize: 3, dilationRate: 3 }),
    [6, 2],
    "Expected the input of Conv1D to be sequences of at least 7 steps, as its kernel with padding 'valid' (or use padding " +
      "'same'), got shape [6, 2]",
  );
  refuse(
    layers.conv1d({ filters: 4, kernelSize: 1, groups: 2 }),
    [5, 3],
    'Expected the input of Conv1D to be sequences whose channels are a multiple of groups (2), got shape [5, 3]',
  );
  refuse(
    layers.maxPooling1d({ poolSize: 4 }),
    [3, 2],
    "Expected the input of MaxPooling1D to be sequences of at least 4 steps, as its window with padding 'valid' (or use " +
      "padding 'same'), got shape [3, 2]",
  );
  for (const [layer, name] of [
    [layers.averagePooling1d(), 'AveragePooling1D'],
    [layers.globalMaxPooling1d(), 'GlobalMaxPooling1D'],
    [layers.globalAveragePooling1d(), 'GlobalAveragePooling1D'],
    [layers.upSampling1d(), 'UpSampling1D'],
    [layers.zeroPadding1d(), 'ZeroPadding1D'],
    [layers.cropping1d(), 'Cropping1D'],
  ] as [Layer, string][])
    refuse(layer, [4, 4, 1], `Expected the input of ${name} to be sequences [steps, channels], got shape [4, 4, 1]`);
  refuse(
    layers.cropping1d({ cropping: [2, 1] }),
    [3, 2],
    'Expected the input of Cropping1D to be sequences of more than 3 steps (cropping [2, 1]), got shape [3, 2]',
  );
  refuse(
    layers.layerNormalization({ axis: [1, 3] }),
    [4, 2],
    'Expected the input of LayerNormalization to be of an axis 3 (0 is that of the batch), got shape [4, 2]',
  );
  refuse(
    layers.layerNormalization({ axis: [2, -1] }),
    [4, 2],
    'Expected the input of LayerNormalization to be of axes [2, -1] that all differ, got shape [4, 2]',
  );
  refuse(
    layers.layerNormalization(),
    [],
    'Expected the input of LayerNormalization to be of an axis -1 (0 is that of the batch), got shape []',
  );
  refuse(
    layers.dense({ units: 1 }),
    [],
    'Expected the input of Dense to be one value of at least one dimension, the last of them inputs, got shape []',
  );
  const row = input({ shape: [8] });
  t.throws(() => layers.dense({ units: 1 }).apply([row, row] as never), { instanceOf: RangeError });
});

test('options that cannot be', (t) => {
  const refuse = (make: () => unknown, message: string | RegExp) => t.throws(make, { message });
  const wrong = (value: unknown) => value as never;
  refuse(
    () => layers.conv1d({ filters: 1, kernelSize: wrong([3, 3]) }),
    'Expected kernelSize to be a positive integer, got Array(2)',
  );
  refuse(
    () => layers.conv1d({ filters: 1, kernelSize: 3, strides: 0 }),
    'Expected strides to be a positive integer, got 0 (number)',
  );
  refuse(
    () => layers.conv1d({ filters: 1, kernelSize: 3, padding: wrong('casual') }),
    "Expected padding to be one of 'valid', 'same', 'causal' (did you mean 'causal'?), got 'casual' (string)",
  );
  refuse(
    () => layers.maxPooling1d({ padding: wrong('causal') }),
    "Expected padding to be one of 'valid', 'same', got 'causal' (string)",
  );
  refuse(
    () => layers.conv1d({ filters: 3, kernelSize: 3, groups: 2 }),
    'Expected filters to be a multiple of groups (2), got 3 (number)',
  );
  refuse(
    () => layers.conv1d(wrong({ filters: 1, kernelsize: 3 })),
    /^Expected options to have no option 'kernelsize' \(did you mean 'kernelSize'\?\); there are: /,
  );
  refuse(
    () => layers.zeroPadding1d({ padding: wrong([1]) }),
    'Expected padding to be two non-negative integers, got Array(1)',
  );
  refuse(
    () => layers.cropping1d({ cropping: [0, -1] }),
    'Expected cropping[1] to be a non-negative integer, got -1 (number)',
  );
  refuse(() => layers.upSampling1d({ size: 0.5 }), 'Expected size to be a positive integer, got 0.5 (number)');
  refuse(
    () => layers.layerNormalization({ axis: 0 }),
    'Expected axis to be an axis of a sample, from 1 or from the end by -1 (0 is the batch), got 0 (number)',
  );
  refuse(
    () => layers.layerNormalization({ axis: [] }),
    'Expected axis to be an axis or an array of some, got Array(0)',
  );
  refuse(() => layers.layerNormalization({ epsilon: 0 }), 'Expected epsilon to be a positive number, got 0 (number)');
  refuse(() => layers.layerNormalization({ scale: wrong(1) }), 'Expected scale to be a boolean, got 1 (number)');
});

test('targets of one row a sample for outputs of many: the message says what is missing', (t) => {
  const model = (loss: 'mse' | 'categoricalCrossentropy' | 'sparseCategoricalCrossentropy') => {
    const activation = loss === 'mse' ? 'linear' : 'softmax';
    const one = sequential({ layers: [layers.dense({ units: 3, activation, inputShape: [4, 4, 2] })], seed: 1 });
    one.compile({ optimizer: 'sgd', loss });
    return one;
  };
  const x = NDArray.zeros([2, 4, 4, 2]);
  const hint = ' (for one row of outputs a sample add layers.flatten() before the last layers.dense())';
  const rows = NDArray.zeros([2, 3]);
  t.throws(() => model('mse').trainOnBatch(x, rows), {
    instanceOf: RangeError,
    message: `Expected y to have the output's shape [n, 4, 4, 3] for meanSquaredError, got shape [2, 3]${hint}`,
  });
  t.throws(() => model('categoricalCrossentropy').trainOnBatch(x, rows), {
    message:
      /^Expected y to have the output's shape \[n, 4, 4, 3\] for categoricalCrossentropy .*add layers\.flatten\(\) before/,
  });
  t.throws(() => model('sparseCategoricalCrossentropy').trainOnBatch(x, [0, 2]), {
    message:
      'Expected y to have shape [n, 4, 4], a class number for each row of the output, for sparseCategoricalCrossentropy, ' +
      `got shape [2]${hint}`,
  });
  t.is(typeof model('sparseCategoricalCrossentropy').trainOnBatch(x, NDArray.zeros([2, 4, 4])).loss, 'number');
});
