import test from 'ava';
import { NDArray, NeuralNetwork, RandomState, toCategorical } from 'fjordnet';
import { binding } from '../dist/binding.js';
import { PARAMETERS, parametersOf, small } from './helpers/lecture.js';

const { x, y } = small();
const with_ = (array: NDArray, at: number, value: number) => {
  const copy = NDArray.from(array);
  copy.data[at] = value;
  return copy;
};
const detached = new Float64Array(128);
structuredClone(detached, { transfer: [detached.buffer] });

type Refused = [what: string, call: () => unknown, kind: typeof TypeError | typeof RangeError, message: string];
const make =
  (xData: unknown, yOneHot: unknown, options: unknown = {}) =>
  () =>
    new NeuralNetwork(xData as NDArray, yOneHot as NDArray, options as object);

const constructions: Refused[] = [
  ['no data', make(undefined, y), TypeError, 'Expected xData to be an array of numbers, got undefined'],
  ['a number', make(3, y), TypeError, 'Expected xData to be an array of numbers, got 3 (number)'],
  ['strings', make([['a']], y), TypeError, "Expected xData[0][0] to be a number, got 'a' (string)"],
  ['one dimension', make(new Float64Array(300), y), RangeError, 'Expected xData to have 2 dimensions, got shape [300]'],
  [
    'three dimensions',
    make(x.reshape(300, 8, 8), y),
    RangeError,
    'Expected xData to have 2 dimensions, got shape [300, 8, 8]',
  ],
  [
    'ragged rows',
    make([[1, 2], [3]], y),
    RangeError,
    'Expected xData[1] to be an array of length 2, as the ones before it are, got Array(1)',
  ],
  [
    'no rows',
    make(NDArray.zeros([0, 64]), NDArray.zeros([0, 10])),
    RangeError,
    'Expected xData to hold data, got shape [0, 64]',
  ],
  ['no columns', make(NDArray.zeros([300, 0]), y), RangeError, 'Expected xData to hold data, got shape [300, 0]'],
  [
    'NaN',
    make(with_(x, 64 * 7 + 5, Number.NaN), y),
    RangeError,
    'Expected xData to hold finite numbers, got NaN at row 7, column 5',
  ],
  [
    'Infinity',
    make(with_(x, 3, Number.NEGATIVE_INFINITY), y),
    RangeError,
    'Expected xData to hold finite numbers, got -Infinity at row 0, column 3',
  ],
  [
    'a detached array',
    make(detached, y),
    TypeError,
    'Expected xData to own its memory, got a detached Float64Array (it was transferred)',
  ],
  [
    'other types',
    make(new BigInt64Array(4), y),
    TypeError,
    'Expected xData to be a Float64Array, Float32Array, Int32Array, Uint8Array or an array of numbers, got BigInt64Array(4)',
  ],
  [
    'fewer targets',
    make(x, y.take([0, 1])),
    RangeError,
    'Expected yOneHot to be of shape [n, nCategories] = [300, 10], got shape [2, 10]',
  ],
  [
    'other classes',
    make(x, y, { nCategories: 3 }),
    RangeError,
    'Expected yOneHot to be of shape [n, nCategories] = [300, 3], got shape [300, 10]',
  ],
  ['labels', make(x, new Int32Array(300)), RangeError, 'Expected yOneHot to have 2 dimensions, got shape [300]'],
  [
    'NaN targets',
    make(x, with_(y, 11, Number.NaN)),
    RangeError,
    'Expected yOneHot to hold finite numbers, got NaN at row 1, column 1',
  ],
  ['options', make(x, y, 3), TypeError, 'Expected options to be an object, got 3 (number)'],
  [
    'an unknown option',
    make(x, y, { batchsize: 3 }),
    TypeError,
    "Expected options to have no option 'batchsize' (did you mean 'batchSize'?); there are: nHiddenNeurons, nCategories, epochs, batchSize, eta, lmbd, randomState",
  ],
  [
    'batchSize 0',
    make(x, y, { batchSize: 0 }),
    RangeError,
    'Expected batchSize to be a positive integer, got 0 (number)',
  ],
  [
    'batchSize 1.5',
    make(x, y, { batchSize: 1.5 }),
    RangeError,
    'Expected batchSize to be a positive integer, got 1.5 (number)',
  ],
  [
    "batchSize '10'",
    make(x, y, { batchSize: '10' }),
    TypeError,
    "Expected batchSize to be a positive integer, got '10' (string)",
  ],
  [
    'batchSize above n',
    make(x, y, { batchSize: 301 }),
    RangeError,
    'Expected batchSize to be at most the number of samples, 300, got 301 (number)',
  ],
  [
    'negative eta',
    make(x, y, { eta: -0.1 }),
    RangeError,
    'Expected eta to be a non-negative number, got -0.1 (number)',
  ],
  [
    'eta NaN',
    make(x, y, { eta: Number.NaN }),
    RangeError,
    'Expected eta to be a non-negative number, got NaN (number)',
  ],
  ['eta null', make(x, y, { lmbd: '1' }), TypeError, "Expected lmbd to be a non-negative number, got '1' (string)"],
  ['negative lmbd', make(x, y, { lmbd: -1 }), RangeError, 'Expected lmbd to be a non-negative number, got -1 (number)'],
  [
    'negative epochs',
    make(x, y, { epochs: -1 }),
    RangeError,
    'Expected epochs to be a non-negative integer, got -1 (number)',
  ],
  [
    'no neurons',
    make(x, y, { nHiddenNeurons: 0 }),
    RangeError,
    'Expected nHiddenNeurons to be a positive integer, got 0 (number)',
  ],
  [
    'a wrong seed',
    make(x, y, { randomState: -1 }),
    RangeError,
    'Expected randomState to be a non-negative integer, got -1 (number)',
  ],
  [
    'another generator',
    make(x, y, { randomState: Math.random }),
    TypeError,
    'Expected randomState to be a non-negative integer, got',
  ],
];

for (const [what, call, instanceOf, message] of constructions) {
  test(`new NeuralNetwork refuses ${what}`, (t) => {
    const error = t.throws(call, { instanceOf })!;
    if (what === 'another generator') t.true(error.message.startsWith(message), error.message);
    else t.is(error.message, message);
  });
}

test('a refused construction draws nothing and holds nothing', (t) => {
  const randomState = new RandomState(0);
  const state = randomState.getState();
  const { objects } = binding.memory();
  const valid = { nHiddenNeurons: 3, batchSize: 10, randomState };
  t.throws(make(with_(x, 0, Number.NaN), y, valid));
  t.throws(make(x, with_(y, 0, Number.NaN), valid));
  t.throws(make(x, y, { ...valid, batchSize: 1000 }));
  t.deepEqual(randomState.getState(), state);
  t.is(binding.memory().objects, objects);
});

test('labels must be integers, not negative, below numClasses', (t) => {
  const refused: Refused[] = [
    ['', () => toCategorical([0, 1, 2.5]), RangeError, ''],
    ['', () => toCategorical([0, -1]), RangeError, ''],
    ['', () => toCategorical([0, 10], 10), RangeError, ''],
    ['', () => toCategorical([0, Number.NaN]), RangeError, ''],
  ];
  for (const [, call, instanceOf] of refused) {
    const error = t.throws(call, { instanceOf })!;
    t.regex(error.message, /^Expected labels.* to .*, got .*(2\.5|-1|10|NaN)/);
    t.false(error.message.includes('\n'));
  }
});

test('more memory than there is: ERR_MEMORY, before anything is drawn', (t) => {
  const randomState = new RandomState(0);
  const state = randomState.getState();
  for (const nHiddenNeurons of [2 ** 36, 2 ** 44]) {
    t.throws(make(x, y, { nHiddenNeurons, randomState }), {
      instanceOf: Error,
      code: 'ERR_MEMORY',
      message: 'Expected enough memory for this network and batch size, but the system has none left',
    });
  }
  t.throws(make(x, y, { nHiddenNeurons: Number.MAX_SAFE_INTEGER }));
  t.deepEqual(randomState.getState(), state);
});

test('methods of what a failed constructor leaves are TypeErrors', (t) => {
  const broken: NeuralNetwork = Object.create(NeuralNetwork.prototype);
  for (const name of PARAMETERS) {
    t.throws(() => broken[name], { instanceOf: TypeError });
    t.throws(() => (broken[name] = [1]), { instanceOf: TypeError });
  }
  for (const call of [
    () => broken.feedForward(x),
    () => broken.predict(x),
    () => broken.predictProbabilities(x),
    () => broken.backpropagation(x, y),
    () => broken.trainSync(),
  ])
    t.throws(call, { instanceOf: TypeError });
  return t.throwsAsync(broken.train(), { instanceOf: TypeError });
});

test('arguments of methods are checked before anything happens', async (t) => {
  const { network } = small(1, { epochs: 1 });
  const before = parametersOf(network);
  const refused: Refused[] = [
    [
      '',
      () => network.feedForward(x.reshape(-1, 32)),
      RangeError,
      'Expected x to be a matrix of 64 columns, as xData is, got shape [600, 32]',
    ],
    [
      '',
      () => network.predict(with_(x, 65, Number.NaN)),
      RangeError,
      'Expected x to hold finite numbers, got NaN at row 1, column 1',
    ],
    [
      '',
      () => network.predict(detached),
      TypeError,
      'Expected x to own its memory, got a detached Float64Array (it was transferred)',
    ],
    [
      '',
      () => network.predictProbabilities(NDArray.zeros([0, 64])),
      RangeError,
      'Expected x to hold data, got shape [0, 64]',
    ],
    [
      '',
      () => network.backpropagation(x, y.take([1])),
      RangeError,
      'Expected y to be of shape [n, nCategories] = [300, 10], got shape [1, 10]',
    ],
    [
      '',
      () => network.backpropagation(x, with_(y, 0, Number.NaN)),
      RangeError,
      'Expected y to hold finite numbers, got NaN at row 0, column 0',
    ],
    [
      '',
      () => (network.hiddenWeights = [[1]]),
      RangeError,
      'Expected hiddenWeights to be of shape [64, 12], got shape [1, 1]',
    ],
    [
      '',
      () => (network.outputBias = 'x' as never),
      TypeError,
      "Expected outputBias to be an array of numbers, got 'x' (string)",
    ],
    [
      '',
      () => network.trainSync({ signal: undefined } as never),
      TypeError,
      "Expected options to have no option 'signal'; there are: onEpochEnd",
    ],
    [
      '',
      () => network.trainSync({ onEpochEnd: 1 as never }),
      TypeError,
      'Expected onEpochEnd to be a function, got 1 (number)',
    ],
  ];
  for (const [, call, instanceOf, message] of refused) t.throws(call, { instanceOf, message });
  await t.throwsAsync(network.train({ signal: {} as never }), {
    instanceOf: TypeError,
    message: 'Expected signal to be an AbortSignal, got {}',
  });
  await t.throwsAsync(network.train({ onEpochEnd: 'x' as never }), {
    instanceOf: TypeError,
    message: "Expected onEpochEnd to be a function, got 'x' (string)",
  });
  await t.throwsAsync(network.train({ epochs: 3 } as never), { instanceOf: TypeError, message: /no option 'epochs'/ });
  t.deepEqual(parametersOf(network), before);
});

const BUSY = {
  instanceOf: Error,
  code: 'ERR_BUSY',
  message: 'Expected the network to be idle, but it is training already',
};

test('every method in every state: idle, training, aborted, failed in a callback, diverged', async (t) => {
  const { network } = small(1, { epochs: 2000 });
  const controller = new AbortController();
  const enter: Record<string, () => Promise<unknown> | undefined> = {
    idle: () => undefined,
    training: () => network.train({ signal: controller.signal }),
    aborted: () => undefined,
    failed: () => undefined,
    diverged: () => undefined,
  };
  for (const [state, begin] of Object.entries(enter)) {
    const training = begin();
    if (state === 'training') await new Promise((resolve) => setTimeout(resolve, 20));
    if (state === 'failed') {
      const onEpochEnd = () => {
        throw new Error('mine');
      };
      await t.throwsAsync(network.train({ onEpochEnd }), { message: 'mine' });
      t.throws(() => network.trainSync({ onEpochEnd }), { message: 'mine' });
      await t.throwsAsync(network.train({ onEpochEnd: () => Promise.reject(new Error('later')) }), {
        message: 'later',
      });
      t.throws(() => network.trainSync({ onEpochEnd: async () => {} }), {
        instanceOf: TypeError,
        message: 'Expected callbacks of a synchronous call to return nothing, got a promise',
      });
    }
    if (state === 'diverged') network.hiddenBias = new Float64Array(12).fill(Number.NaN);

    // Reading and predicting are allowed always.
    for (const name of PARAMETERS) t.deepEqual(network[name].dtype, 'float64', state);
    for (const call of ['feedForward', 'predict', 'predictProbabilities'] as const)
      t.is(network[call](x).shape[0], x.length, `${state} ${call}`);
    const calls = [
      () => network.backpropagation(x, y),
      ...PARAMETERS.map((name) => () => Object.assign(network, { [name]: network[name] })),
    ];
    for (const call of calls) {
      if (training) t.throws(call, BUSY, state);
      else t.notThrows(call, state);
    }
    if (training) {
      t.throws(() => network.trainSync(), BUSY);
      await t.throwsAsync(network.train(), BUSY);
      controller.abort();
      await t.throwsAsync(training, { code: 'ERR_ABORTED', name: 'AbortError' });
    }
  }
});

test('a callback finds the network busy, but readable', async (t) => {
  const { network } = small(1, { epochs: 1 });
  const visit = () => {
    t.throws(() => network.trainSync(), BUSY);
    t.throws(() => network.backpropagation(x, y), BUSY);
    t.is(network.hiddenBias.length, 12);
  };
  network.trainSync({ onEpochEnd: visit });
  await network.train({ onEpochEnd: visit });
  t.notThrows(() => network.backpropagation(x, y));
});

test('predictions during a training are those of its weights after one whole batch, and change none of its bits', async (t) => {
  const after = (epochs: number) => small(3, { epochs }).network.trainSync();
  const { network } = small(3, { epochs: 3 });
  const seen: NDArray[] = [];
  await network.train({ onEpochEnd: () => seen.push(network.feedForward(x)) });
  t.deepEqual(
    seen,
    [1, 2, 3].map((epochs) => after(epochs).feedForward(x)),
  );
  t.deepEqual(parametersOf(network), parametersOf(after(3)));

  const long = small(3, { epochs: 2000 }).network;
  const training = long.train();
  await new Promise((resolve) => setTimeout(resolve, 5));
  const twin = small(4).network;
  const within = long.feedForward(x);
  for (const name of PARAMETERS) Object.assign(twin, { [name]: long[name] }); // of the same moment: no job has ended since
  t.deepEqual(within, twin.feedForward(x));
  await training;
});

/** The number of batches after which a twin of the network has these parameters. */
function replay(network: NeuralNetwork, seed: number, most: number): number {
  // An epoch of the twin is one batch, drawn as the other's batches are.
  const twin = small(seed, { batchSize: 200, epochs: 1 }).network;
  const goal = parametersOf(network);
  const matches = () =>
    parametersOf(twin).every(({ data }, k) => Buffer.from(data.buffer).equals(Buffer.from(goal[k].data.buffer)));
  for (let batch = 0; batch <= most; batch++) {
    if (matches()) return batch;
    twin.trainSync();
  }
  return -1;
}

test('an abort before the training leaves everything as it was', async (t) => {
  const { network } = small(4, { batchSize: 200, epochs: 5 });
  const reason = new Error('no time');
  const error = await t.throwsAsync(network.train({ signal: AbortSignal.abort(reason) }), {
    code: 'ERR_ABORTED',
    name: 'AbortError',
    message: 'The training was aborted; the weights are those after the last finished batch',
  });
  t.is(error!.cause, reason);
  t.is(replay(network, 4, 0), 0);
  t.deepEqual(
    parametersOf(network.trainSync()),
    parametersOf(small(4, { batchSize: 200, epochs: 5 }).network.trainSync()),
  );
});

test('an abort during the training leaves the weights of the last finished batch', async (t) => {
  for (const delay of [0, 3, 12]) {
    const { network } = small(4, { batchSize: 200, epochs: 1_000_000 });
    const controller = new AbortController();
    const training = network.train({ signal: controller.signal });
    setTimeout(() => controller.abort(), delay);
    await t.throwsAsync(training, { code: 'ERR_ABORTED' });
    const batches = replay(network, 4, 20_000);
    t.true(batches >= 0, `aborted after ${delay} ms: no number of batches gives these weights`);
    if (delay > 3) t.true(batches > 0);
  }
});

test('an abort from a callback takes effect after that epoch', async (t) => {
  for (const wait of [false, true]) {
    const { network } = small(4, { batchSize: 200, epochs: 50 });
    const controller = new AbortController();
    const onEpochEnd = ({ epoch }: { epoch: number }) => {
      if (epoch === 6) controller.abort();
      return wait ? new Promise((resolve) => setTimeout(resolve, 1)) : undefined;
    };
    await t.throwsAsync(network.train({ signal: controller.signal, onEpochEnd }), { code: 'ERR_ABORTED' });
    const batches = replay(network, 4, 50);
    t.is(batches, 7);
    t.notThrows(() => network.trainSync());
  }
});

test('listeners are taken off the signal when a training ends', async (t) => {
  const { signal } = new AbortController();
  const listeners = new Set<unknown>();
  signal.addEventListener = (_: string, listener: unknown) => void listeners.add(listener);
  signal.removeEventListener = (_: string, listener: unknown) => void listeners.delete(listener);
  const onEpochEnd = () => t.is(listeners.size, 1);
  await small(1, { epochs: 1 }).network.train({ signal, onEpochEnd });
  t.is(listeners.size, 0);
});

test('errors of asynchronous calls name the line that called', async (t) => {
  const controller = new AbortController();
  const training = small(1, { epochs: 100_000 }).network.train({ signal: controller.signal });
  setTimeout(() => controller.abort(), 5);
  const error = await t.throwsAsync(training);
  t.regex(error!.stack!, /errors\.test/);
});
