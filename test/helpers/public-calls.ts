import * as fjordnet from 'fjordnet';
import * as plots from 'fjordnet/plots';
import { placeholder, type Value } from '../../dist/graph/value.js';

interface Call {
  call: (...args: any[]) => unknown;
  args: () => unknown[];
}

const { NDArray, RandomState, layers, losses, metrics, optimizers, schedules, activations, initializers } = fjordnet;
const { StandardScaler, MinMaxScaler, MLPClassifier, MLPRegressor } = fjordnet;
const { meanAbsoluteError, rootMeanSquaredError, medianAbsoluteError, meanAbsolutePercentageError } = fjordnet;
const { precisionScore, recallScore, f1Score } = fjordnet;
const x = () => [
  [0, 1],
  [1, 0],
  [2, 1],
  [1, 3],
  [0, 2],
  [3, 3],
];
const y = () => [0, 1, 0, 1, 0, 1];
const oneHot = () => fjordnet.toCategorical(y(), 2);
const scores = () => [0.1, 0.9, 0.4, 0.6, 0.5, 0.5];
const thirds = () => y().map((label) => [0.25, label / 2, 0.75 - label / 2]);
const network = () => {
  const model = fjordnet.sequential({
    layers: [layers.dense({ units: 2, inputShape: [2], activation: 'softmax' })],
    seed: 1,
  });
  model.compile({ optimizer: 'sgd', loss: 'sparseCategoricalCrossentropy', metrics: ['accuracy'] });
  return model;
};
const ends = () => {
  const [a, b] = ['a', 'b'].map((name) => fjordnet.input({ shape: [2], name }));
  const both = fjordnet.ops.concat([a, b]);
  return { inputs: [a, b], outputs: [1, 1].map((units) => layers.dense({ units }).apply(both)) };
};
const two = () => {
  const model = fjordnet.model({ ...ends(), seed: 1 });
  model.compile({ optimizer: 'sgd', loss: 'mse' });
  return model;
};
const lecture = () =>
  new fjordnet.NeuralNetwork(x(), oneHot(), {
    nCategories: 2,
    nHiddenNeurons: 2,
    batchSize: 2,
    epochs: 1,
    eta: 0.1,
    lmbd: 0,
    randomState: 1,
  });
const matrix = () => NDArray.from(x());
const deepOptions = {
  learningRate: 0.1,
  batchSize: 4,
  nIter: 1,
  pretrainIter: 1,
  k: 1,
  nChains: 2,
  meanFieldIter: 1,
  weightDecay: 0,
  momentum: 0,
  warmStart: false,
  verbose: false,
  randomState: 1,
};
const deepWeights = () => ({ components: [[[1, 2]], [[1]]], intercepts: [[0, 0], [0], [0]] });
const deep = () => fjordnet.DeepBoltzmannMachine.fromWeights(deepWeights(), deepOptions);
const of = <T>(make: () => T, call: (object: T, ...args: any[]) => unknown, ...args: unknown[]): Call => ({
  call: (...given) => call(make(), ...given),
  args: () => args.map((arg) => (typeof arg === 'function' && FRESH.has(arg) ? arg() : arg)),
});
const kinds = (): any => [
  { a: 'x', b: 1 },
  { a: 'y', b: 2 },
];
const FRESH = new Set<unknown>([kinds, x, y, oneHot, scores, thirds, matrix, network, lecture]);
const plain = (call: (...args: any[]) => unknown, ...args: unknown[]) =>
  of(
    () => undefined,
    (_, ...given) => call(...given),
    ...args,
  );
const fresh = <T>(make: () => T): (() => T) => {
  FRESH.add(make);
  return make;
};

const TRANSFORMERS: Record<string, [make: (options: any) => any, options: object]> = {
  MaxAbsScaler: [(o) => new fjordnet.MaxAbsScaler(o), {}],
  Normalizer: [(o) => new fjordnet.Normalizer(o), { norm: 'l1' }],
  PolynomialFeatures: [
    (o) => new fjordnet.PolynomialFeatures(o),
    { degree: 2, interactionOnly: false, includeBias: true },
  ],
  RobustScaler: [
    (o) => new fjordnet.RobustScaler(o),
    { withCentering: true, withScaling: true, quantileRange: [25, 75], unitVariance: false },
  ],
  SimpleImputer: [
    (o) => new fjordnet.SimpleImputer(o),
    { strategy: 'constant', fillValue: 'x', addIndicator: true, keepEmptyFeatures: true },
  ],
  OneHotEncoder: [
    (o) => new fjordnet.OneHotEncoder(o),
    { categories: 'auto', drop: 'first', handleUnknown: 'ignore', minFrequency: 1, maxCategories: 3 },
  ],
  OrdinalEncoder: [
    (o) => new fjordnet.OrdinalEncoder(o),
    { categories: 'auto', handleUnknown: 'useEncodedValue', unknownValue: -1, encodedMissingValue: -2 },
  ],
  DatetimeEncoder: [
    (o) => new fjordnet.DatetimeEncoder(o),
    { parts: ['year'], periodic: true, format: 'iso', unit: 's' },
  ],
};

const fittedOn = (name: string) => (/Encoder|Imputer/.test(name) && name !== 'DatetimeEncoder' ? kinds : x);

const machine = () => new fjordnet.BernoulliRBM({ nComponents: 2, nIter: 1, randomState: 1 }).fitSync(x());
const estimatorModel = () => ({
  predict: (rows: { length: number }) => new Float64Array(rows.length),
  fit: async () => {},
  score: () => 0.5,
  getParams: () => ({}),
});
const build = () => estimatorModel();
class Adjustable {
  clone = () => this;
  setParams = () => this;
  getParams = () => ({});
  fit = async () => {};
  predict = (rows: { length: number }) => new Float64Array(rows.length);
  score = () => 0.5;
}
const small = () => new MLPClassifier({ hiddenLayerSizes: [2], maxIter: 2, randomState: 1 });
const kmeans = () => new fjordnet.KMeans({ nClusters: 2, randomState: 1 }).fitSync(x());
const perceptron = () => new fjordnet.Perceptron().fitSync(x(), y());
const halving = {
  estimator: small(),
  train: [x(), y()],
  cv: 2,
  factor: 2,
  resource: 'maxIter',
  minResources: 1,
  maxResources: 2,
  aggressiveElimination: true,
  randomState: 1,
};
const SEARCH = {
  estimator: small(),
  grid: { alpha: [1, 2] },
  cv: [
    [
      [0, 1, 2, 3],
      [4, 5],
    ],
  ],
  refit: true,
};
const drawn = (options: any) => {
  if (options?.grid === undefined) return options;
  const { grid: distributions, ...rest } = options;
  return { ...rest, distributions };
};
/** Each of the options of one search. */
const searches: Record<string, (options: any) => any> = {
  GridSearchCV: (o) => new fjordnet.GridSearchCV(o),
  RandomizedSearchCV: (o) => new fjordnet.RandomizedSearchCV(drawn(o)),
  HalvingGridSearchCV: (o) => new fjordnet.HalvingGridSearchCV(o),
  HalvingRandomSearchCV: (o) => new fjordnet.HalvingRandomSearchCV(drawn(o)),
};
const random = () => new RandomState(1);
const ISING = {
  size: 2,
  temperatures: [2],
  samples: 1,
  algorithm: 'wolff',
  burnIn: 1,
  interval: 1,
  start: 'random',
  states: 3,
  coupling: 1,
  randomState: 1,
} as const;
/** Without any option it makes 4,000 lattices, which takes seconds. */
const orFew = (options: any) =>
  options === undefined ||
  (Object.prototype.toString.call(options) === '[object Object]' && Object.keys(options).length === 0)
    ? ISING
    : options;
const split = { testSize: 0.5, trainSize: 0.5, randomState: 1, shuffle: true, stratify: y() };
const axes = { title: 'a', description: 'b', width: 300, theme: 'light', background: 'white' };
const folds = { nSplits: 2, shuffle: true, randomState: 1 };

/** Splitters, and their `split` of rows, classes and groups. */
function splitterCalls(): Record<string, Call> {
  const drawn = { nSplits: 2, testSize: 0.5, trainSize: 0.5, randomState: 1 };
  const repeated = { nSplits: 2, nRepeats: 2, randomState: 1 };
  const splitters: [name: string, make: (options: any) => any, options: object, ...more: unknown[]][] = [
    ['GroupKFold', (o) => new fjordnet.GroupKFold(o), folds, y, y],
    ['GroupShuffleSplit', (o) => new fjordnet.GroupShuffleSplit(o), drawn, y, y],
    ['LeaveOneGroupOut', (o) => new fjordnet.LeaveOneGroupOut(o), {}, y, y],
    ['LeaveOneOut', (o) => new fjordnet.LeaveOneOut(o), {}],
    ['LeavePGroupsOut', (o) => new fjordnet.LeavePGroupsOut(o), { nGroups: 1 }, y, y],
    ['LeavePOut', (o) => new fjordnet.LeavePOut(o), { p: 2 }],
    ['PredefinedSplit', (o) => new fjordnet.PredefinedSplit(o), { testFold: [0, 1, -1, 1, 0, 0] }],
    ['RepeatedKFold', (o) => new fjordnet.RepeatedKFold(o), repeated],
    ['RepeatedStratifiedKFold', (o) => new fjordnet.RepeatedStratifiedKFold(o), repeated, y],
    ['ShuffleSplit', (o) => new fjordnet.ShuffleSplit(o), drawn],
    ['StratifiedGroupKFold', (o) => new fjordnet.StratifiedGroupKFold(o), folds, y, y],
  ];
  return Object.fromEntries(
    splitters.flatMap(([name, make, options, ...more]) => [
      [name, plain(make, options)],
      [
        `${name}.split`,
        of(
          () => make(options),
          (splitter, ...given) =>
            splitter
              .split(...given)
              [Symbol.iterator]()
              .next().done,
          ...[x, ...more],
        ),
      ],
    ]),
  );
}
const layer = { name: 'a', inputShape: [4, 4, 1] };
const reading = { fillMode: 'constant', interpolation: 'nearest', fillValue: 1 } as const;
const recurrent = {
  name: 'a',
  inputShape: [3, 2],
  units: 2,
  activation: 'tanh',
  useBias: true,
  kernelInitializer: 'zeros',
  recurrentInitializer: 'zeros',
  biasInitializer: 'zeros',
  kernelRegularizer: 'l1',
  recurrentRegularizer: 'l1',
  biasRegularizer: 'l1',
  kernelConstraint: 'nonNeg',
  recurrentConstraint: 'nonNeg',
  biasConstraint: 'nonNeg',
  dropout: 0.1,
  recurrentDropout: 0.1,
  returnSequences: true,
  returnState: true,
  goBackwards: true,
  stateful: true,
};
const headOf = () => fjordnet.sequential({ layers: [layers.dense({ name: 'head', units: 1, inputShape: [2] })] });
const headTensors = { 'head.weight': [[1, 2]], 'head.bias': [0] };
const conv = {
  ...layer,
  filters: 1,
  kernelSize: 2,
  strides: 1,
  padding: 'same',
  activation: 'relu',
  useBias: true,
  kernelInitializer: 'zeros',
  biasInitializer: 'zeros',
  kernelRegularizer: 'l2',
  biasRegularizer: 'l1',
  dilationRate: 1,
};
const depthwise = {
  ...layer,
  kernelSize: 2,
  strides: 1,
  padding: 'same',
  depthMultiplier: 2,
  dilationRate: 1,
  activation: 'relu',
  useBias: true,
  depthwiseInitializer: 'zeros',
  biasInitializer: 'zeros',
  depthwiseRegularizer: 'l2',
  biasRegularizer: 'l1',
  depthwiseConstraint: { name: 'maxNorm', maxValue: 1, axis: 0 },
  biasConstraint: 'nonNeg',
};
const decay = { initialLearningRate: 0.1, decaySteps: 1, decayRate: 0.5 };
const rates = { learningRate: 0.1, weightDecay: 0.1, clipNorm: 1 };

const value = () => placeholder([2]);

function opArguments(name: string): unknown[] {
  switch (name) {
    case 'concat':
    case 'stack':
      return [fresh(() => [value(), value()]), { axis: 0 }];
    case 'where':
      return [value, value, value];
    case 'reshape':
      return [value, [1, 2]];
    case 'transpose':
      return [value, [0]];
    case 'slice':
      return [value, [0], [1]];
    case 'gather':
      return [value, [0, 1]];
    case 'oneHot':
      return [value, 2];
    case 'clip':
      return [value, 0, 1];
    case 'cumsum':
      return [value, { axis: 0, reverse: true }];
  }
  if (/^(sum|mean|var|std|max|min|prod|logSumExp)$/.test(name)) return [value, { axis: 0, keepDims: true }];
  return /^(add|sub|mul|div|pow|maximum|minimum|greater|less|equal|matmul)/.test(name) ? [value, value] : [value];
}
FRESH.add(value);

class OwnLayer extends fjordnet.Layer {
  override call(x: Value): Value {
    return x;
  }
}

/** Every public call, with arguments that are as they should be. */
export const CALLS: Record<string, Call> = {
  'NDArray.from': plain(NDArray.from, x, { shape: [12], dtype: 'float32' }),
  'NDArray.wrap': plain(NDArray.wrap, new Float64Array(4), [2, 2]),
  'NDArray.zeros': plain(NDArray.zeros, [2], 'float64'),
  'NDArray.reshape': of(matrix, (a, ...args) => a.reshape(...args), 3, 4),
  'NDArray.take': of(matrix, (a, rows) => a.take(rows), [0]),
  'NDArray.slice': of(matrix, (a, ...parts) => a.slice(...(parts as [number])), [0, 4, 2], 0),
  'NDArray.slice of bounds': of(matrix, (a, ...part) => a.slice(part as [number]), 0, 4, 2),
  'NDArray.at': of(matrix, (a, ...indices) => a.at(...(indices as [number])), 0, 1),
  'NDArray.argmax': of(matrix, (a, axis) => a.argmax(axis), 1),
  'NDArray.from of a clone': plain(NDArray.from, { shape: [2], dtype: 'float64', data: new Float64Array(2) }),
  'NDArray.from of strides': plain(NDArray.from, { data: [1, 2], shape: [2], stride: [1], offset: 0 }),
  readCsv: plain(fjordnet.readCsv, 'missing', { label: 0, header: true, separator: ',', dtype: 'float32' }),
  readIdx: plain(fjordnet.readIdx, 'missing'),
  readImage: plain(fjordnet.readImage, new Uint8Array(8), { size: [2, 2], colorMode: 'rgb' }),
  readNpy: plain(fjordnet.readNpy, 'missing'),
  readNpz: plain(fjordnet.readNpz, 'missing'),
  writeNpy: plain(fjordnet.writeNpy, 'x.npy', x),
  linspace: plain(fjordnet.linspace, 0, 1, 3),
  logspace: plain(fjordnet.logspace, 0, 1, 3),
  RandomState: plain((seed) => new RandomState(seed), 1),
  'RandomState.randomSample': of(random, (r, shape) => r.randomSample(shape), [2]),
  'RandomState.randn': of(random, (r, ...shape) => r.randn(...(shape as [number])), 2, 2),
  'RandomState.normal': of(random, (r, ...args) => r.normal(...(args as [number, number, number])), 0, 1, [2]),
  'RandomState.uniform': of(random, (r, ...args) => r.uniform(...(args as [number, number, number])), 0, 1, [2]),
  'RandomState.randint': of(random, (r, ...args) => r.randint(...(args as [number, number, number])), 0, 3, [2]),
  'RandomState.choice': of(random, (r, ...args) => r.choice(...(args as [number, number, object])), [1, 2, 3], [2], {
    replace: false,
    p: [0.5, 0.25, 0.25],
  }),
  'RandomState.permutation': of(random, (r, n) => r.permutation(n), [1, 2]),
  'RandomState.shuffle': of(
    random,
    (r, a) => r.shuffle(a),
    fresh(() => [1, 2, 3]),
  ),
  'RandomState.setState': of(
    random,
    (r, s) => r.setState(s),
    fresh(() => random().getState()),
  ),
  ...Object.fromEntries(
    [1, 2, 3, 4].map((part) => [
      `RandomState.setState[${part}]`,
      of(random, (r, value) => r.setState(Object.assign([...random().getState()], { [part]: value }) as never), 0),
    ]),
  ),
  toCategorical: plain(fjordnet.toCategorical, y, 2),
  setThreads: plain(fjordnet.setThreads, fjordnet.getThreads()),
  loadDigits: plain(fjordnet.loadDigits),
  makeIsing: plain((o) => fjordnet.makeIsing(orFew(o)), ISING),
  makeIsingAsync: plain((o) => fjordnet.makeIsingAsync(orFew(o)), {
    ...ISING,
    signal: undefined,
    onProgress: () => {},
  }),
  onsager: plain(fjordnet.onsager, 2, 1),
  buildInfo: plain(fjordnet.buildInfo),
  getThreads: plain(fjordnet.getThreads),
  'kernels.affine': plain(
    fjordnet.kernels.affine,
    { B: 1, O: 1, I: 1 },
    fresh(() => [1, 1, 1, 1].map(() => new Float64Array(1))),
    {},
  ),
  'kernels.sgd': plain(
    fjordnet.kernels.sgd ?? fjordnet.kernels.relu,
    { N: 1 },
    fresh(() => [new Float64Array(1), new Float64Array(1)]),
    {},
  ),

  BernoulliRBM: plain((o) => new fjordnet.BernoulliRBM(o), {
    ...{
      nComponents: 2,
      learningRate: 0.1,
      batchSize: 2,
      nIter: 1,
      verbose: false,
      randomState: 1,
      k: 1,
      persistent: true,
    },
    ...{ visible: 'bernoulli', weightDecay: 0, momentum: 0, trackPseudoLikelihood: false },
  }),
  ...Object.fromEntries(
    (
      [
        'fit',
        'fitSync',
        'fitTransform',
        'partialFit',
        'transform',
        'gibbs',
        'reconstruct',
        'scoreSamples',
        'freeEnergy',
      ] as const
    ).map((method) => [`BernoulliRBM.${method}`, of(machine, (rbm, a) => rbm[method](a), x)]),
  ),
  'BernoulliRBM.fit with options': of(machine, (rbm, o) => rbm.fit(x(), o), {
    signal: undefined,
    onEpochEnd: () => {},
  }),
  'BernoulliRBM.fitTransform with options': of(machine, (rbm, o) => rbm.fitTransform(x(), o), { onEpochEnd: () => {} }),
  'BernoulliRBM.fit with labels': of(machine, (rbm, o) => rbm.fit(x(), [0, 1], o), {
    signal: undefined,
    onEpochEnd: () => {},
  }),
  'BernoulliRBM.setParams': of(machine, (rbm, o) => rbm.setParams(o), { nComponents: 3, k: 2 }),
  'BernoulliRBM.sample': of(machine, (rbm, n, o) => rbm.sample(n, o), 6, { steps: 2, start: x(), randomState: 1 }),

  StandardScaler: plain((o) => new fjordnet.StandardScaler(o), { withMean: true, withStd: true }),
  MinMaxScaler: plain((o) => new fjordnet.MinMaxScaler(o), { featureRange: [0, 1], clip: true }),
  ...Object.fromEntries(
    (['StandardScaler', 'MinMaxScaler'] as const).flatMap((name) =>
      (['fit', 'transform', 'fitTransform', 'inverseTransform'] as const).map((method) => [
        `${name}.${method}`,
        of(
          () => new ({ StandardScaler, MinMaxScaler })[name]().fit(x()),
          (scaler, a) => scaler[method](a),
          x,
        ),
      ]),
    ),
  ),

  ...Object.fromEntries(
    Object.entries(TRANSFORMERS).flatMap(([name, [make, options]]) => [
      [name, plain((o) => make(o), options)],
      ...['fit', 'fitTransform', 'transform', 'getFeatureNamesOut'].map((method) => [
        `${name}.${method}`,
        of(
          () => make(options).fit(fittedOn(name)()),
          (transformer, a) => (transformer as any)[method](a),
          method === 'getFeatureNamesOut' ? ['a', 'b'] : fittedOn(name),
        ),
      ]),
      [
        `${name}.clone`,
        of(
          () => make(options),
          (transformer, changes) => transformer.clone(changes),
          options,
        ),
      ],
    ]),
  ),
  'OneHotEncoder.inverseTransform': of(
    () => new fjordnet.OneHotEncoder().fit(kinds()),
    (encoder, z) => encoder.inverseTransform(z),
    x,
  ),
  'OrdinalEncoder.inverseTransform': of(
    () => new fjordnet.OrdinalEncoder().fit(kinds()),
    (encoder, z) => encoder.inverseTransform(z),
    [[0], [1]],
  ),
  'ColumnTransformer of entries': plain(
    (entry) => new fjordnet.ColumnTransformer([entry]).fit(kinds()),
    ['a', new fjordnet.OneHotEncoder(), ['a']],
  ),
  'ColumnTransformer, columns': plain(
    (columns, transformer, options) =>
      new fjordnet.ColumnTransformer([['a', transformer, columns]], options).fitTransform(kinds()),
    ['a'],
    new fjordnet.OneHotEncoder(),
    { remainder: 'drop', verboseFeatureNamesOut: true },
  ),
  TableTransformer: plain((table, options) => fjordnet.TableTransformer.infer(table, options).fit(table), kinds, {
    target: 'b',
    drop: [],
    categorical: ['a'],
    date: [],
    impute: 'mean',
  }),
  'Pipeline.inverseTransform': of(
    () => fjordnet.makePipeline(new StandardScaler()).fitSync(x()),
    (pipeline, z) => pipeline.inverseTransform(z),
    x,
  ),
  Pipeline: plain((steps) => new fjordnet.Pipeline(steps), [['a', new StandardScaler()]]),
  'Pipeline of steps': plain((name, step) => new fjordnet.Pipeline([[name, step]]), 'a', new StandardScaler()),
  makePipeline: plain((a, b) => fjordnet.makePipeline(a, b), new StandardScaler(), new MLPClassifier()),
  ...Object.fromEntries(
    ['fit', 'fitSync', 'predict', 'predictSync', 'predictProba', 'predictWithProba', 'score', 'setParams', 'save'].map(
      (method) => [
        `Pipeline.${method}`,
        of(
          () => fjordnet.makePipeline(new StandardScaler(), new MLPClassifier({ maxIter: 1 })).fitSync(x(), y()),
          (pipeline, ...args) => (pipeline as any)[method](...args),
          ...(method === 'setParams'
            ? [{ mlpclassifier__alpha: 0.1, standardscaler: 'passthrough' }]
            : method === 'save'
              ? ['pipeline']
              : [x, y, { sampleWeight: undefined }].slice(
                  0,
                  method.startsWith('fit') ? 3 : method === 'score' ? 2 : 1,
                )),
        ),
      ],
    ),
  ),
  ...Object.fromEntries(
    [
      () => fjordnet.makePipeline(new StandardScaler(), new MLPClassifier({ maxIter: 1 })).fitSync(x(), y()),
      () =>
        new fjordnet.Predictor({
          pipeline: fjordnet.makePipeline(new StandardScaler(), new MLPClassifier({ maxIter: 1 })).fitSync(x(), y()),
        }),
      () => small().fitSync(x(), y()),
    ].flatMap((made) => {
      const { className } = made().constructor as unknown as { className: string };
      const options = { format: 'onnx', opset: 17, dtype: 'float32' };
      return [
        [`${className}.export`, of(made as any, (own: any, ...a) => own.export(...a), 'missing/model.onnx', options)],
        [`${className}.exportBytes`, of(made as any, (own: any, o) => own.exportBytes(o), options)],
      ];
    }),
  ),
  'Pipeline.setParams of a network': of(
    () => fjordnet.makePipeline(new StandardScaler(), network()),
    (pipeline, learningRate, optimizer, seed, epochs, batchSize) =>
      pipeline.setParams({
        sequential__learningRate: learningRate,
        sequential__optimizer: optimizer,
        sequential__seed: seed,
        sequential__epochs: epochs,
        sequential__batchSize: batchSize,
      }),
    0.1,
    'adam',
    1,
    2,
    3,
  ),
  'Pipeline.fit of a network': of(
    () => fjordnet.makePipeline(new StandardScaler(), network()),
    (pipeline, ...args) => pipeline.fit(...(args as [any, any, any])),
    x,
    y,
    { validationData: [x(), y()], epochs: 1 },
  ),
  Predictor: plain((o) => new fjordnet.Predictor(o), {
    pipeline: fjordnet.makePipeline(new StandardScaler(), new MLPClassifier()),
    classes: ['yes', 'no'],
    target: 'a',
    targetScaler: new StandardScaler(),
  }),
  ...Object.fromEntries(
    ['predict', 'predictSync', 'predictProba', 'predictWithProba'].map((method) => [
      `Predictor.${method}`,
      of(
        () =>
          new fjordnet.Predictor({
            pipeline: fjordnet
              .makePipeline(new fjordnet.OneHotEncoder(), new MLPClassifier({ maxIter: 1 }))
              .fitSync(kinds(), [0, 1]),
          }),
        (predictor, rows) => (predictor as any)[method](rows),
        kinds,
      ),
    ]),
  ),
  'readTable of Parquet': plain(fjordnet.readTable, 'missing.parquet', { columns: ['a', 'b'], rows: 3 }),
  readTable: plain(fjordnet.readTable, 'missing.csv', {
    columns: ['a', 'b'],
    rows: 3,
    separator: ',',
    header: true,
    decimal: '.',
    encoding: 'utf8',
  }),
  loadPredictor: plain(fjordnet.loadPredictor, 'missing.fjordnet'),
  'StandardScaler.load': plain((path) => StandardScaler.load(path), 'missing.fjordnet'),
  'StandardScaler.fromBytes': plain((bytes) => StandardScaler.fromBytes(bytes), new StandardScaler().toBytes()),
  ...Object.fromEntries(
    [
      ...([fjordnet.GridSearchCV, fjordnet.RandomizedSearchCV] as unknown as (typeof StandardScaler)[]),
      ...([fjordnet.HalvingGridSearchCV, fjordnet.HalvingRandomSearchCV] as unknown as (typeof StandardScaler)[]),
    ].flatMap((search) => [
      [`${search.className}.load`, plain((path) => search.load(path), 'missing.fjordnet')],
      [`${search.className}.fromBytes`, plain((bytes) => search.fromBytes(bytes), new StandardScaler().toBytes())],
    ]),
  ),
  'Sequential.fromBytes': plain(
    (bytes, options) => fjordnet.Sequential.fromBytes(bytes, options),
    network().toBytes(),
    {
      allowNonFinite: false,
    },
  ),
  LabelEncoder: plain(() => new fjordnet.LabelEncoder()),
  ...Object.fromEntries(
    (['fit', 'transform', 'fitTransform', 'inverseTransform'] as const).map((method) => [
      `LabelEncoder.${method}`,
      of(
        () => new fjordnet.LabelEncoder().fit(y()),
        (encoder, a) => encoder[method](a),
        y,
      ),
    ]),
  ),
  'data.timeSeries': plain(fjordnet.data.timeSeries, x, {
    window: 2,
    stride: 1,
    horizon: 1,
    gap: 1,
    targets: [0],
    samplingRate: 1,
  }),
  'data.fromArrays': plain(
    fjordnet.data.fromArrays,
    fresh(() => [x(), y()]),
  ),
  'data.fromArrays of one': plain(fjordnet.data.fromArrays, y),
  'data.generator': plain(fjordnet.data.generator, () => [1]),
  'data.generator, gone over': plain(
    async (fn) => {
      for await (const _ of fjordnet.data.generator(fn));
    },
    () => [1],
  ),
  ...Object.fromEntries(
    (
      [
        ['map', (i: number) => i, { concurrency: 2 }],
        ['filter', () => true],
        ['shuffle', 2, 1],
        ['batch', 2, { dropRemainder: true }],
        ['prefetch', 2],
        ['repeat', 2],
        ['take', 2],
        ['skip', 2],
      ] as const
    ).map(([method, ...args]) => [
      `data.fromArrays(…).${method}`,
      of(
        () => fjordnet.data.fromArrays(y()),
        (d: any, ...given) => d[method](...given),
        ...args,
      ),
    ]),
  ),
  'data.csv': plain((p, o) => fjordnet.data.csv(p, o), 'missing.csv', {
    label: 'a',
    columns: ['b', 2],
    classes: ['yes', 'no'],
    header: true,
    separator: ';',
    dtype: 'float32',
  }),
  'data.csv with a transformer': plain((p, o) => fjordnet.data.csv(p, o), 'missing.csv', {
    label: 'a',
    transformer: fjordnet.TableTransformer.infer(kinds()).fit(kinds()),
  }),
  'data.parquet': plain((p, o) => fjordnet.data.parquet(p, o), 'missing.parquet', {
    label: 'a',
    columns: ['b', 2],
    classes: ['yes', 'no'],
    dtype: 'float32',
  }),
  'data.npy': plain(fjordnet.data.npy, ['missing.npy']),
  'data.npy of one': plain(fjordnet.data.npy, 'missing.npy'),
  'data.imageFolder': plain((p, o) => fjordnet.data.imageFolder(p, o), 'missing', {
    size: [2, 2],
    colorMode: 'grayscale',
    split: { part: 'train', testSize: 0.5, randomState: 1 },
    classes: ['yes', 'no'],
    shuffle: true,
    randomState: 1,
    concurrency: 2,
    skipDamaged: true,
  }),
  'data.safetensors': plain(fjordnet.data.safetensors, 'missing.safetensors', ['x', 'y']),
  'Sequential.fit of a source': of(
    network,
    (m, ...a) => m.fit(...(a as [[], object])),
    () => [[x(), y()]],
    {
      epochs: 1,
      batchesPerEpoch: 1,
      validationData: () => [[x(), y()]],
      classWeight: { 0: 1 },
      signal: new AbortController().signal,
    },
  ),
  'Sequential.fit of a batch': of(network, (m, ...a) => m.fit([a as [[], []]]), x, y, y),
  'Sequential.evaluate of a source': of(
    network,
    (m, ...a) => m.evaluate(...(a as [[], object])),
    () => [[x(), y()]],
    {
      signal: new AbortController().signal,
    },
  ),
  'Sequential.predict of a source': of(
    network,
    (m, ...a) => m.predict(...(a as [[], object])),
    () => [[x()]],
    {
      signal: new AbortController().signal,
    },
  ),
  padSequences: plain(
    fjordnet.padSequences,
    fresh(() => [[1], [2, 3]]),
    { maxLength: 2, padding: 'post', truncating: 'post', value: 0, dtype: 'float32' },
  ),
  Tokenizer: plain((o) => new fjordnet.Tokenizer(o), {
    level: 'word',
    vocabularySize: 3,
    lowercase: true,
    filters: '.',
    oovToken: '?',
  }),
  'Tokenizer.from': plain((json) => fjordnet.Tokenizer.from(json), {
    level: 'character',
    vocabularySize: 3,
    lowercase: false,
    oovToken: '?',
    vocabulary: ['', '?', 'a'],
  }),
  ...Object.fromEntries(
    (['fit', 'transform', 'fitTransform'] as const).map((method) => [
      `Tokenizer.${method}`,
      of(
        () => new fjordnet.Tokenizer().fit(['a b']),
        (tokenizer, texts) => tokenizer[method](texts),
        ['a', 'b c'],
      ),
    ]),
  ),
  'Tokenizer.inverseTransform': of(
    () => new fjordnet.Tokenizer().fit(['a b']),
    (tokenizer, ids) => tokenizer.inverseTransform(ids),
    [[0, 2], [3]],
  ),

  trainTestSplit: plain(
    fjordnet.trainTestSplit,
    fresh(() => [x(), y()]),
    split,
  ),
  trainValidationTestSplit: plain(
    fjordnet.trainValidationTestSplit,
    fresh(() => [
      [...x(), ...x()],
      [...y(), ...y()],
    ]),
    { trainSize: 4, validationSize: 4, testSize: 4, randomState: 1, shuffle: true, stratify: [...y(), ...y()] },
  ),
  mismatchSplit: plain(
    fjordnet.mismatchSplit,
    fresh(() => [x(), y()]),
    fresh(() => [x(), y()]),
    { trainValidationSize: 2, testValidationSize: 2, randomState: 1, shuffle: true, stratify: [y(), y()] },
  ),
  KFold: plain((o) => new fjordnet.KFold(o), folds),
  'KFold.split': of(
    () => new fjordnet.KFold({ nSplits: 2 }),
    (k, a) => k.split(a),
    x,
  ),
  StratifiedKFold: plain((o) => new fjordnet.StratifiedKFold(o), folds),
  'StratifiedKFold.split': of(
    () => new fjordnet.StratifiedKFold({ nSplits: 2 }),
    (k, a, b) => k.split(a, b),
    x,
    y,
  ),
  TimeSeriesSplit: plain((o) => new fjordnet.TimeSeriesSplit(o), { nSplits: 2, maxTrainSize: 2, testSize: 1, gap: 1 }),
  'TimeSeriesSplit.split': of(
    () => new fjordnet.TimeSeriesSplit({ nSplits: 2 }),
    (k, a) => k.split(a),
    x,
  ),
  StratifiedShuffleSplit: plain((o) => new fjordnet.StratifiedShuffleSplit(o), {
    nSplits: 2,
    trainSize: 0.5,
    testSize: 0.5,
    randomState: 1,
  }),
  'StratifiedShuffleSplit.split': of(
    () => new fjordnet.StratifiedShuffleSplit({ nSplits: 2, testSize: 0.5 }),
    (k, a, b) => k.split(a, b),
    x,
    y,
  ),
  ...splitterCalls(),
  crossValScore: plain(fjordnet.crossValScore, build, x, y, {
    cv: 2,
    scoring: () => 1,
    fitOptions: {},
    threads: 1,
    signal: new AbortController().signal,
  }),
  'crossValScore by groups': plain(fjordnet.crossValScore, build, x, y, {
    cv: new fjordnet.GroupKFold(folds),
    groups: y(),
  }),
  crossValidate: plain(fjordnet.crossValidate, build, x, y, {
    ...{ cv: 2, scoring: { a: () => 1 }, fitOptions: {}, threads: 1, signal: new AbortController().signal },
    ...{ returnTrainScore: true, returnEstimator: true, returnIndices: true },
  }),
  crossValPredict: plain(fjordnet.crossValPredict, build, x, y, {
    ...{ cv: 2, method: 'predict', fitOptions: {}, threads: 1, signal: new AbortController().signal },
  }),
  learningCurve: plain(fjordnet.learningCurve, build, x, y, {
    ...{ cv: 2, scoring: () => 1, fitOptions: {}, threads: 1, signal: new AbortController().signal },
    ...{ trainSizes: [2, 3], shuffle: true, randomState: 1 },
  }),
  validationCurve: plain(fjordnet.validationCurve, new Adjustable(), x, y, {
    ...{ cv: 2, scoring: () => 1, fitOptions: {}, threads: 1, signal: new AbortController().signal },
    ...{ paramName: 'alpha', paramRange: [0.1, 1] },
  }),
  'crossValScore of an object': plain(fjordnet.crossValScore, estimatorModel(), x, y, { cv: 2 }),
  bootstrapScore: plain(fjordnet.bootstrapScore, build, x, y, {
    nResamples: 2,
    randomState: 1,
    confidenceLevel: 0.5,
    scoring: () => 1,
    fitOptions: {},
    threads: 1,
    signal: new AbortController().signal,
  }),
  gridSearch: plain(fjordnet.gridSearch, {
    grid: { a: [1, 2] },
    build,
    train: [x(), y()],
    test: [x(), y()],
    fitOptions: {},
    scoring: () => 1,
    threads: 1,
    signal: new AbortController().signal,
    onResult: () => {},
  }),
  'gridSearch with cv': plain(fjordnet.gridSearch, { grid: { a: [1, 2] }, build, train: [x(), y()], cv: 2 }),
  'gridSearch of several scores': plain(fjordnet.gridSearch, {
    grid: { a: [1, 2] },
    build,
    train: [x(), y()],
    scoring: { a: () => 1, b: 'accuracy' },
    refit: 'a',
  }),
  'gridSearch by groups': plain(fjordnet.gridSearch, {
    grid: { a: [1, 2] },
    build,
    train: [x(), y()],
    cv: new fjordnet.GroupKFold(folds),
    groups: y(),
  }),
  'gridSearch in one grid': plain(
    (values) => fjordnet.gridSearch({ grid: { a: values }, build, train: [x(), y()] }),
    [1],
  ),
  'gridSearch of samples': plain(
    (a, b) => fjordnet.gridSearch({ grid: { a: [1] }, build, train: [a, b], cv: 2 }),
    x,
    y,
  ),
  'gridSearch of an estimator': plain(fjordnet.gridSearch, {
    grid: { alpha: [1, 2] },
    estimator: new fjordnet.MLPClassifier({ hiddenLayerSizes: [2], maxIter: 2 }),
    train: [x(), y()],
  }),
  randomizedSearch: plain(fjordnet.randomizedSearch, {
    distributions: { a: [1, 2], b: (drawn: ReturnType<typeof random>) => drawn.uniform() },
    nIter: 2,
    randomState: 1,
    build,
    train: [x(), y()],
    test: [x(), y()],
    fitOptions: {},
    scoring: () => 1,
    threads: 1,
    signal: new AbortController().signal,
    onResult: () => {},
  }),
  halvingGridSearch: plain(fjordnet.halvingGridSearch, { grid: { alpha: [1, 2] }, ...halving }),
  halvingRandomSearch: plain(fjordnet.halvingRandomSearch, {
    distributions: { alpha: [1, 2] },
    nCandidates: 2,
    ...halving,
  }),
  ...Object.fromEntries(
    Object.entries(searches).flatMap(([name, make]) => [
      [name, plain((options) => make(options).fit(x(), y()), SEARCH)],
      [
        `${name}.fit`,
        of(
          () => make(SEARCH),
          (search, ...args) => search.fit(...args),
          x,
          y,
          {},
        ),
      ],
      [
        `${name}.setParams`,
        of(
          () => make(SEARCH),
          (search, params) => search.setParams(params),
          { cv: 2 },
        ),
      ],
      ...['predict', 'predictProba', 'score'].map((method) => [
        `${name}.${method}`,
        of(
          () => make({ ...SEARCH, grid: { alpha: [1] } }).fit(x(), y()),
          async (search, ...args) => (await search)[method](...args),
          x,
          ...(method === 'score' ? [y] : []),
        ),
      ]),
    ]),
  ),
  'gridSearch(…).table': of(
    () => undefined,
    async (_, name) => (await fjordnet.gridSearch({ grid: { a: [1] }, build, train: [x(), y()] })).table(name),
    'testScore',
  ),

  getScorer: plain(fjordnet.getScorer, 'roc_auc'),
  'getScorer(…)': plain(
    (a, b, options) => fjordnet.getScorer('accuracy')({ predict: () => y() }, a, b, options),
    x,
    y,
    fresh(() => ({ sampleWeight: [1, 1, 1, 1, 1, 1] })),
  ),
  'getScorer(…) of probabilities': plain(
    (p, classes) => fjordnet.getScorer('neg_log_loss')({ predict: y, predictProba: () => p, classes }, x(), y()),
    oneHot,
    fresh(() => [0, 1]),
  ),
  permutationImportance: plain(
    (rows, labels, options) => fjordnet.permutationImportance({ predict: y }, rows, labels, options),
    x,
    y,
    { scoring: () => 1, nRepeats: 1, randomState: 1, sampleWeight: y(), signal: new AbortController().signal },
  ),
  'permutationImportance of a model': plain(
    (model) => fjordnet.permutationImportance(model, x(), y(), { nRepeats: 1 }),
    fresh(estimatorModel),
  ),

  'layers.dense': plain(layers.dense, {
    name: 'a',
    inputShape: [2],
    units: 1,
    activation: 'relu',
    useBias: true,
    kernelInitializer: 'zeros',
    biasInitializer: 'zeros',
    kernelRegularizer: 'l2',
    biasRegularizer: 'l1',
  }),
  'layers.conv2d': plain(layers.conv2d, { ...conv, groups: 1 }),
  'layers.maxPooling2d': plain(layers.maxPooling2d, { ...layer, poolSize: 2, strides: 2, padding: 'valid' }),
  'layers.averagePooling2d': plain(layers.averagePooling2d, { ...layer, poolSize: 2, strides: 2, padding: 'valid' }),
  'layers.globalAveragePooling2d': plain(layers.globalAveragePooling2d, { ...layer, keepDims: true }),
  'layers.flatten': plain(layers.flatten, layer),
  'layers.reshape': plain(layers.reshape, { ...layer, targetShape: [16] }),
  'layers.dropout': plain(layers.dropout, { ...layer, rate: 0.5, noiseShape: [1] }),
  'layers.batchNormalization': plain(layers.batchNormalization, {
    ...layer,
    momentum: 0.9,
    epsilon: 0.1,
    center: true,
    scale: true,
    betaInitializer: 'zeros',
    gammaInitializer: 'ones',
    movingMeanInitializer: 'zeros',
    movingVarianceInitializer: 'ones',
    betaRegularizer: 'l1',
    gammaRegularizer: 'l1',
    betaConstraint: 'nonNeg',
    gammaConstraint: { name: 'maxNorm', maxValue: 1, axis: 0 },
  }),
  'layers.activation': plain(layers.activation, { ...layer, activation: 'relu' }),
  'layers.inputLayer': plain(layers.inputLayer, { name: 'a', shape: [2] }),
  'layers.depthwiseConv2d': plain(layers.depthwiseConv2d, depthwise),
  'layers.separableConv2d': plain(layers.separableConv2d, {
    ...depthwise,
    filters: 2,
    pointwiseInitializer: 'zeros',
    pointwiseRegularizer: 'l1',
    pointwiseConstraint: { name: 'unitNorm', axis: [0, 1] },
  }),
  'layers.conv2dTranspose': plain(layers.conv2dTranspose, { ...conv, outputPadding: 0 }),
  'layers.upSampling2d': plain(layers.upSampling2d, { ...layer, size: 2, interpolation: 'nearest' }),
  'layers.upSampling2d bilinear': plain(layers.upSampling2d, { ...layer, size: 2, interpolation: 'bilinear' }),
  'layers.zeroPadding2d': plain(layers.zeroPadding2d, { ...layer, padding: 1 }),
  'layers.cropping2d': plain(layers.cropping2d, { ...layer, cropping: 1 }),
  'layers.cropping2d of sides': plain((a, b) => layers.cropping2d({ cropping: [a, b] }), [1, 2], 1),
  'layers.zeroPadding2d of sides': plain((a, b) => layers.zeroPadding2d({ padding: [a, b] }), [1, 2], 1),
  'layers.globalMaxPooling2d': plain(layers.globalMaxPooling2d, { ...layer, keepDims: true }),
  'layers.conv1d': plain(layers.conv1d, { ...conv, groups: 1 }),
  'layers.maxPooling1d': plain(layers.maxPooling1d, { ...layer, poolSize: 2, strides: 2, padding: 'valid' }),
  'layers.averagePooling1d': plain(layers.averagePooling1d, { ...layer, poolSize: 2, strides: 2, padding: 'valid' }),
  'layers.globalMaxPooling1d': plain(layers.globalMaxPooling1d, { ...layer, keepDims: true }),
  'layers.globalAveragePooling1d': plain(layers.globalAveragePooling1d, { ...layer, keepDims: true }),
  'layers.upSampling1d': plain(layers.upSampling1d, { ...layer, size: 2 }),
  'layers.zeroPadding1d': plain(layers.zeroPadding1d, { ...layer, padding: [1, 2] }),
  'layers.cropping1d': plain(layers.cropping1d, { ...layer, cropping: [1, 2] }),
  'layers.layerNormalization': plain(layers.layerNormalization, {
    ...layer,
    axis: [1, -1],
    epsilon: 0.1,
    center: true,
    scale: true,
    betaInitializer: 'zeros',
    gammaInitializer: 'ones',
    betaRegularizer: 'l1',
    gammaRegularizer: 'l1',
    betaConstraint: 'nonNeg',
    gammaConstraint: { name: 'maxNorm', maxValue: 1, axis: 0 },
  }),
  'layers.permute': plain(layers.permute, { ...layer, dims: [3, 2, 1] }),
  'layers.normalization': plain(layers.normalization, layer),
  'layers.groupNormalization': plain(layers.groupNormalization, {
    ...layer,
    groups: 2,
    axis: 1,
    epsilon: 0.1,
    center: true,
    scale: true,
    betaInitializer: 'zeros',
    gammaInitializer: 'ones',
    betaRegularizer: 'l1',
    gammaRegularizer: 'l1',
    betaConstraint: 'nonNeg',
    gammaConstraint: 'nonNeg',
  }),
  'layers.rmsNormalization': plain(layers.rmsNormalization, { ...layer, axis: [1, -1], epsilon: 0.1 }),
  'layers.unitNormalization': plain(layers.unitNormalization, { ...layer, axis: [1, -1] }),
  'layers.reLU': plain(layers.reLU, { ...layer, maxValue: 1, negativeSlope: 0.1, threshold: 0.5 }),
  'layers.gaussianDropout': plain(layers.gaussianDropout, { ...layer, rate: 0.1 }),
  'layers.alphaDropout': plain(layers.alphaDropout, { ...layer, rate: 0.1 }),
  'layers.depthwiseConv1d': plain(layers.depthwiseConv1d, depthwise),
  'layers.conv1dTranspose': plain(layers.conv1dTranspose, { ...conv, outputPadding: 0 }),
  'layers.separableConv1d': plain(layers.separableConv1d, {
    ...depthwise,
    filters: 2,
    pointwiseInitializer: 'zeros',
    pointwiseRegularizer: 'l1',
    pointwiseConstraint: { name: 'unitNorm', axis: [0, 1] },
  }),
  'layers.attention': plain(layers.attention, {
    name: 'a',
    useScale: true,
    scoreMode: 'concat',
    dropout: 0.1,
    useCausalMask: true,
    returnAttentionScores: true,
  }),
  'layers.additiveAttention': plain(layers.additiveAttention, {
    name: 'a',
    useScale: false,
    dropout: 0.1,
    useCausalMask: true,
    returnAttentionScores: true,
  }),
  'layers.repeatVector': plain(layers.repeatVector, { ...layer, n: 2 }),
  'layers.rescaling': plain(layers.rescaling, { ...layer, scale: 2, offset: [1, 2] }),
  'layers.leakyReLU': plain(layers.leakyReLU, { ...layer, negativeSlope: 0.1 }),
  'layers.leakyReLU of alpha': plain(layers.leakyReLU, { ...layer, alpha: 0.1 }),
  'layers.prelu': plain(layers.prelu, {
    ...layer,
    alphaInitializer: 'zeros',
    alphaRegularizer: 'l2',
    alphaConstraint: 'nonNeg',
    sharedAxes: [1, 2],
  }),
  'layers.rbf': plain(layers.rbf, {
    ...{ ...layer, units: 2, centersInitializer: 'zeros', epsilonInitializer: 'ones' },
  }),
  'layers.softmax': plain(layers.softmax, { ...layer, axis: 1 }),
  'layers.gaussianNoise': plain(layers.gaussianNoise, { ...layer, stddev: 0.1 }),
  'layers.spatialDropout1d': plain(layers.spatialDropout1d, { ...layer, rate: 0.5 }),
  'layers.spatialDropout2d': plain(layers.spatialDropout2d, { ...layer, rate: 0.5 }),
  'layers.randomFlip': plain(layers.randomFlip, { ...layer, mode: 'vertical' as const }),
  'layers.randomRotation': plain(layers.randomRotation, { ...layer, ...reading, factor: 0.1 }),
  'layers.randomTranslation': plain(layers.randomTranslation, {
    ...layer,
    ...reading,
    heightFactor: 0.1,
    widthFactor: [-0.1, 0.2],
  }),
  'layers.randomZoom': plain(layers.randomZoom, { ...layer, ...reading, heightFactor: [-0.1, 0.2], widthFactor: 0.1 }),
  'layers.randomContrast': plain(layers.randomContrast, { ...layer, factor: 0.1, valueRange: [0, 1] }),
  'layers.lambda': plain(layers.lambda, (value: Value) => value, layer),
  ...Object.fromEntries(
    (['add', 'subtract', 'multiply', 'average', 'maximum', 'minimum'] as const).map((name) => [
      `layers.${name}`,
      plain(layers[name], { name: 'a' }),
    ]),
  ),
  'layers.concatenate': plain(layers.concatenate, { name: 'a', axis: 1 }),
  'layers.dot': plain(layers.dot, { name: 'a', axes: [1, 1], normalize: true }),
  ...Object.fromEntries(
    Object.entries(activations).map(([name, make]) => [
      `activations.${name}`,
      plain(make as () => unknown, { alpha: 0.1 }),
    ]),
  ),
  ...Object.fromEntries(
    Object.entries(initializers).map(([name, make]) => [
      `initializers.${name}`,
      plain(make as () => unknown, {
        seed: 1,
        ...(name === 'constant' && { value: 1 }),
        ...(/Normal/.test(name) && { mean: 0, stddev: 1 }),
        ...(name === 'randomUniform' && { minval: 0, maxval: 1 }),
        ...(name === 'varianceScaling' && { scale: 1, mode: 'fanIn', distribution: 'uniform' }),
        ...(/orthogonal|identity/.test(name) && { gain: 1 }),
      }),
    ]),
  ),
  ...Object.fromEntries(
    Object.entries(fjordnet.regularizers).map(([name, make]) => [
      `regularizers.${name}`,
      plain(make, name === 'l1l2' ? { l1: 1, l2: 1 } : { [name]: 1 }),
    ]),
  ),
  'constraints.maxNorm': plain(fjordnet.constraints.maxNorm, { maxValue: 1, axis: 0 }),
  'constraints.nonNeg': plain(fjordnet.constraints.nonNeg, {}),
  'constraints.unitNorm': plain(fjordnet.constraints.unitNorm, { axis: [0] }),
  'constraints.minMaxNorm': plain(fjordnet.constraints.minMaxNorm, { minValue: 0, maxValue: 1, rate: 1, axis: 0 }),
  ...Object.fromEntries(
    Object.entries(losses).map(([name, make]) => [
      `losses.${name}`,
      plain(
        make as () => unknown,
        /Focal/.test(name)
          ? { gamma: 2, alpha: 0.25, fromLogits: true, labelSmoothing: 0.1 }
          : /^(categorical|binary)Crossentropy/.test(name)
            ? { fromLogits: true, labelSmoothing: 0.1 }
            : /Crossentropy/.test(name)
              ? { fromLogits: true }
              : name === 'huber'
                ? { delta: 1 }
                : {},
      ),
    ]),
  ),
  ...Object.fromEntries(
    Object.entries(metrics).map(([name, make]) => [
      `metrics.${name}`,
      plain(make as () => unknown, {
        as: 'a',
        ...(/binaryAccuracy|precision$|recall$|Positives|Negatives|f1|fBeta/.test(name) && { threshold: 0.5 }),
        ...(/topK/.test(name) && { k: 1 }),
        ...(/precision$|recall$/.test(name) && { topK: 1, classId: 0 }),
        ...(/At[A-Z]/.test(name) && {
          [name.replace(/.*At(.)/, (_, first) => first.toLowerCase())]: 0.5,
          numThresholds: 3,
          classId: 0,
        }),
        ...(name === 'f1Score' && { average: 'micro' }),
        ...(name === 'fBetaScore' && { average: 'micro', beta: 2 }),
        ...(name === 'meanIoU' && { numClasses: 2, ignoreClass: 1, sparseYPred: true }),
        ...(name === 'auc' && { numThresholds: 3, curve: 'PR', summationMethod: 'minoring' }),
        ...(/entropy/.test(name) && { fromLogits: true, ...(!/sparse/.test(name) && { labelSmoothing: 0 }) }),
      }),
    ]),
  ),
  ...Object.fromEntries(
    Object.entries(optimizers).map(([name, make]) => [
      `optimizers.${name}`,
      plain(make as () => unknown, {
        ...rates,
        ...(name === 'sgd' && { momentum: 0.1, nesterov: true }),
        ...(/adam/.test(name) && { beta1: 0.5, beta2: 0.5, epsilon: 1e-7 }),
        ...(/^adamW?$/.test(name) && { amsgrad: true }),
        ...(name === 'lion' && { beta1: 0.5, beta2: 0.5 }),
        useEma: true,
        emaMomentum: 0.9,
        emaOverwriteFrequency: 2,
        gradientAccumulationSteps: 2,
        excludeFromWeightDecay: ['bias'],
      }),
    ]),
  ),
  'custom.loss': plain(fjordnet.custom.loss, 'own loss', () => value(), { targetShape: [1] }),
  'custom.metric': plain(fjordnet.custom.metric, 'own metric', () => value()),
  'custom.activation': plain(fjordnet.custom.activation, 'own activation', () => value()),
  'custom.layer': plain(fjordnet.custom.layer, 'Own', OwnLayer),
  Layer: plain((options) => new OwnLayer(options), layer),
  ...Object.fromEntries(
    Object.entries(fjordnet.ops).map(([name, make]) => [
      `ops.${name}`,
      plain(make as (...args: any[]) => unknown, ...opArguments(name)),
    ]),
  ),
  'schedules.exponentialDecay': plain(schedules.exponentialDecay, { ...decay, staircase: true }),
  'schedules.stepDecay': plain(schedules.stepDecay, decay),
  'schedules.inverseTimeDecay': plain(schedules.inverseTimeDecay, { ...decay, staircase: true }),
  'schedules.piecewiseConstant': plain(schedules.piecewiseConstant, { boundaries: [1], values: [0.1, 0.2] }),
  'schedules.polynomial': plain(schedules.polynomial, {
    initialLearningRate: 0.1,
    decaySteps: 1,
    endLearningRate: 0,
    power: 1,
    cycle: true,
  }),
  'schedules.cosineDecay': plain(schedules.cosineDecay, {
    initialLearningRate: 0.1,
    decaySteps: 1,
    alpha: 0,
    warmupTarget: 0.2,
    warmupSteps: 1,
  }),
  'schedules.cosineDecayRestarts': plain(schedules.cosineDecayRestarts, {
    initialLearningRate: 0.1,
    firstDecaySteps: 1,
    tMul: 1,
    mMul: 1,
    alpha: 0,
  }),
  'schedules.warmup': plain(schedules.warmup, { learningRate: 0.1, warmupSteps: 1, initialLearningRate: 0 }),

  sequential: plain(fjordnet.sequential, { layers: [], name: 'a', dtype: 'float32', seed: 1 }),
  Sequential: plain((o) => new fjordnet.Sequential(o), { layers: [], name: 'a', dtype: 'float32', seed: 1 }),
  'layers.simpleRNN': plain(layers.simpleRNN, recurrent),
  'layers.lstm': plain(layers.lstm, { ...recurrent, recurrentActivation: 'sigmoid', unitForgetBias: true }),
  'layers.gru': plain(layers.gru, { ...recurrent, recurrentActivation: 'sigmoid', resetAfter: true }),
  'layers.bidirectional': plain((o) => layers.bidirectional({ ...o, layer: layers.gru({ units: 2 }) }), {
    name: 'a',
    backwardLayer: layers.gru({ units: 2, goBackwards: true }),
    mergeMode: 'sum',
  }),
  'layers.bidirectional of': plain((layer) => layers.bidirectional({ layer }), layers.gru({ units: 2 })),
  'layers.timeDistributed': plain(layers.timeDistributed, { name: 'a', layer: layers.flatten() }),
  'layers.masking': plain(layers.masking, { name: 'a', maskValue: 1 }),
  'layers.multiHeadAttention': plain(layers.multiHeadAttention, {
    name: 'a',
    numHeads: 2,
    keyDim: 2,
    valueDim: 2,
    outputDim: 3,
    scale: 0.5,
    dropout: 0.1,
    useBias: true,
    useCausalMask: true,
    attentionMask: false,
    returnAttentionScores: false,
    kernelInitializer: 'zeros',
    biasInitializer: 'zeros',
    kernelRegularizer: 'l1',
    biasRegularizer: 'l1',
    kernelConstraint: 'nonNeg',
    biasConstraint: 'nonNeg',
  }),
  'layouts.pytorch': plain((tensors, o) => fjordnet.layouts.pytorch(headOf(), tensors, o), headTensors, {
    partial: true,
    names: { head: 'head' },
  }),
  'Sequential.exportBytes': of(headOf, (m, o) => m.exportBytes(o), {
    format: 'safetensors-torch',
    names: { head: '0' },
  }),
  'Sequential.export': of(headOf, (m, ...a) => (m.export as any)(...a), 'missing/model.json', { format: 'tfjs' }),
  importModel: plain(fjordnet.importModel, 'missing.onnx', { dtype: 'float64' }),
  importBytes: plain(fjordnet.importBytes, headOf().toBytes(), { dtype: 'float64' }),
  'importBytes with parameters': plain(
    async (bytes, options) => fjordnet.importBytes(await bytes, options),
    headOf().exportBytes({ format: 'onnx' }),
    { parameters: ['head/kernel'] },
  ),
  'MLPRegressor.import': plain((path) => MLPRegressor.import(path), 'missing.npz'),
  'MLPRegressor.importBytes': plain((bytes) => MLPRegressor.importBytes(bytes), new Uint8Array(3)),
  'layouts.keras': plain((tensors, o) => fjordnet.layouts.keras(headOf(), tensors, o), {}, { partial: true }),
  'layers.embedding': plain(layers.embedding, {
    name: 'a',
    inputDim: 3,
    outputDim: 2,
    embeddingsInitializer: 'zeros',
    embeddingsRegularizer: 'l2',
    embeddingsConstraint: 'nonNeg',
    maskZero: false,
  }),
  input: plain(fjordnet.input, { shape: [2], name: 'a', dtype: 'float32' }),
  model: plain(fjordnet.model, { ...ends(), name: 'a', dtype: 'float32', seed: 1 }),
  Model: plain((o) => new fjordnet.Model(o), { ...ends(), name: 'a', dtype: 'float32', seed: 1 }),
  'Model.compile': of(two, (m, o) => m.compile(o), {
    optimizer: 'sgd',
    loss: ['mse', 'mse'],
    lossWeights: [1, 0.5],
    metrics: [['mae'], ['mae']],
    weightedMetrics: [['mae'], ['mae']],
  }),
  'Model.fit': of(two, (m, ...a) => m.fit(...(a as [[], [], object])), [x(), x()], [y(), y()], {
    batchSize: 2,
    validationData: [
      [x(), x()],
      [y(), y()],
    ],
    sampleWeight: [y(), y()],
  }),
  'Model.predict': of(two, (m, ...a) => m.predict(...(a as [[], object])), [x(), x()], { batchSize: 2 }),
  'Model.testOnBatch': of(two, (m, ...a) => m.testOnBatch(...(a as [[], [], object])), [x(), x()], [y(), y()], {
    sampleWeight: [y(), y()],
  }),
  'Model.predictOnBatch': of(two, (m, a) => m.predictOnBatch(a), { a: x(), b: x() }),
  'Model.gradients': of(two, (m, ...a) => m.gradients(...(a as [[], [], object])), [x(), x()], [y(), y()], {
    sampleWeight: y(),
  }),
  'Model.applyGradients': of(two, (m, g) => m.applyGradients(g), [
    [[1], [1], [1], [1]],
    [1],
    [[1], [1], [1], [1]],
    [1],
  ]),
  'Model.clone': of(two, (m, o) => m.clone(o), { seed: 1, optimizer: 'adam' }),
  'Model.getLayer': of(two, (m, n) => m.getLayer(n), 'dense'),
  'Model.metadata': of(
    two,
    (m, value) => {
      m.metadata = value;
    },
    { a: 1 },
  ),
  'Model.load': plain((p) => fjordnet.Model.load(p), 'missing'),
  'Layer.apply': of(
    () => layers.dense({ units: 2 }),
    (l, v) => l.apply(v),
    fjordnet.input({ shape: [2] }),
  ),
  'Layer.setWeights': of(network, (m, w) => m.layers[0].setWeights(w), [x().slice(0, 2), [0, 1]]),
  'Sequential.add': of(
    network,
    (m, l) => m.add(l),
    fresh(() => layers.dense({ units: 1 })),
  ),
  'Sequential.compile': of(network, (m, o) => m.compile(o), {
    optimizer: 'sgd',
    loss: 'meanSquaredError',
    metrics: ['accuracy'],
  }),
  'Sequential.compile, one metric': of(
    network,
    (m, metric) => m.compile({ optimizer: 'sgd', loss: 'meanSquaredError', metrics: [metric] }),
    'accuracy',
  ),
  'Sequential.build': of(network, (m, s) => m.build(s), [2]),
  'Sequential.setWeights': of(
    network,
    (m, w) => m.setWeights(w),
    fresh(() => network().getWeights()),
  ),
  'Sequential.setWeights, one': of(network, (m, w) => m.setWeights([w, [0, 0]]), x),
  'Sequential.fit': of(network, (m, ...a) => m.fit(...(a as [[], [], object])), x, y, {
    batchSize: 2,
    epochs: 1,
    validationData: [x(), y()],
    validationBatchSize: 2,
    validationFreq: [1],
    shuffle: true,
    classWeight: { 0: 1 },
    sampleWeight: y(),
    callbacks: [],
    verbose: 0,
    initialEpoch: 0,
    signal: new AbortController().signal,
    validationSplit: 0,
  }),
  'Sequential.fitSync': of(network, (m, ...a) => m.fitSync(...(a as [[], [], object])), x, y, { batchSize: 2 }),
  'Sequential.trainOnBatch': of(network, (m, ...a) => m.trainOnBatch(...(a as [[], [], object])), x, y, {
    sampleWeight: y(),
  }),
  'Sequential.evaluate': of(network, (m, ...a) => m.evaluate(...(a as [[], [], object])), x, y, {
    batchSize: 2,
    sampleWeight: y(),
    signal: new AbortController().signal,
  }),
  'Sequential.evaluateSync': of(network, (m, ...a) => m.evaluateSync(...(a as [[], [], object])), x, y, {
    batchSize: 2,
  }),
  'Sequential.predict': of(network, (m, ...a) => m.predict(...(a as [[], object])), x, {
    batchSize: 2,
    signal: new AbortController().signal,
  }),
  'Sequential.predictSync': of(network, (m, ...a) => m.predictSync(...(a as [[], object])), x, { batchSize: 2 }),
  'Sequential.save': of(network, (m, p) => m.save(p), 'file'),
  'Sequential.load': plain((p) => fjordnet.Sequential.load(p), 'missing'),

  NeuralNetwork: plain((...a) => new fjordnet.NeuralNetwork(...(a as [[], []])), x, oneHot, {
    nCategories: 2,
    nHiddenNeurons: 2,
    batchSize: 2,
    epochs: 1,
    eta: 0.1,
    lmbd: 0,
    randomState: 1,
  }),
  'NeuralNetwork.train': of(lecture, (n, o) => n.train(o), {
    signal: new AbortController().signal,
    onEpochEnd: () => {},
  }),
  'NeuralNetwork.trainSync': of(lecture, (n, o) => n.trainSync(o), { onEpochEnd: () => {} }),
  'NeuralNetwork.predict': of(lecture, (n, a) => n.predict(a), x),
  'NeuralNetwork.predictProbabilities': of(lecture, (n, a) => n.predictProbabilities(a), x),
  'NeuralNetwork.feedForward': of(lecture, (n, a) => n.feedForward(a), x),
  'NeuralNetwork.backpropagation': of(lecture, (n, ...a) => n.backpropagation(...(a as [[], []])), x, oneHot),
  'NeuralNetwork.hiddenWeights': of(
    lecture,
    (n, a) => {
      n.hiddenWeights = a;
    },
    x,
  ),

  RBFInterpolator: plain((a, b, o) => new fjordnet.RBFInterpolator(a, b, o), x, y, {
    ...{ kernel: 'gaussian', epsilon: 1, degree: 0, smoothing: 0.1, neighbors: 2 },
  }),
  'RBFInterpolator.predict': of(
    () => new fjordnet.RBFInterpolator(x(), y(), { epsilon: 1 }),
    (r, a) => r.predict(a),
    x,
  ),
  ...Object.fromEntries(
    ([fjordnet.RBFClassifier, fjordnet.RBFRegressor] as const).flatMap((RBF) => {
      const options = { nCenters: 2, width: 1, nNeighbors: 1, alpha: 0.1, maxIter: 2, randomState: 1 };
      const made = () => new RBF(options).fitSync(x(), y());
      return [
        [RBF.name, plain((o) => new RBF(o), options)],
        [`${RBF.name}.fit`, of(made, (r, ...args) => r.fit(...(args as [never, never])), x, y, {})],
        [`${RBF.name}.fitSync`, of(made, (r, ...args) => r.fitSync(...(args as [never, never])), x, y)],
        [`${RBF.name}.predict`, of(made, (r, a) => r.predict(a), x)],
        [
          `${RBF.name}.score`,
          of(made, (r, ...args) => r.score(...(args as [never, never])), x, y, { sampleWeight: y() }),
        ],
        [`${RBF.name}.setParams`, of(made, (r, o) => r.setParams(o), { nCenters: 2 })],
      ] as [string, Call][];
    }),
  ),
  'RBFClassifier.decisionFunction': of(
    () => new fjordnet.RBFClassifier({ nCenters: 2, width: 1, randomState: 1 }).fitSync(x(), y()),
    (r, a) => r.decisionFunction(a),
    x,
  ),
  KMeans: plain((o) => new fjordnet.KMeans(o), {
    ...{ nClusters: 2, init: x(), nInit: 1, maxIter: 2, tol: 0.1, randomState: 1, verbose: true },
  }),
  'KMeans.fit': of(kmeans, (k, a, _, o) => k.fit(a, _, o), x, undefined, { sampleWeight: y() }),
  'KMeans.setParams': of(kmeans, (k, o) => k.setParams(o), { nClusters: 2 }),
  ...Object.fromEntries(
    (['fitSync', 'fitPredict', 'fitTransform', 'predict', 'transform', 'score'] as const).map((method) => [
      `KMeans.${method}`,
      of(kmeans, (k, a) => k[method](a), x),
    ]),
  ),
  Perceptron: plain((o) => new fjordnet.Perceptron(o), {
    ...{ penalty: 'l1', alpha: 0.1, l1Ratio: 0.5, fitIntercept: true, maxIter: 2, tol: null, shuffle: true, eta0: 1 },
    ...{ randomState: 1, nIterNoChange: 2, classWeight: { 0: 1, 1: 2 }, warmStart: true },
  }),
  'Perceptron.fit': of(perceptron, (p, ...args) => p.fit(...(args as [never, never])), x, y, { sampleWeight: y() }),
  'Perceptron.fitSync': of(perceptron, (p, ...args) => p.fitSync(...(args as [never, never])), x, y, {
    sampleWeight: y(),
  }),
  'Perceptron.partialFit': of(perceptron, (p, ...args) => p.partialFit(...(args as [never, never])), x, y, [0, 1], {
    sampleWeight: y(),
  }),
  'Perceptron.setParams': of(perceptron, (p, o) => p.setParams(o), { eta0: 2 }),
  'Perceptron.predict': of(perceptron, (p, a) => p.predict(a), x),
  'Perceptron.decisionFunction': of(perceptron, (p, a) => p.decisionFunction(a), x),
  'Perceptron.score': of(perceptron, (p, ...args) => p.score(...(args as [never, never])), x, y, {
    sampleWeight: y(),
  }),
  DeepBoltzmannMachine: plain((o) => new fjordnet.DeepBoltzmannMachine(o), { ...deepOptions, nComponents: [2, 1] }),
  'DeepBoltzmannMachine.fromWeights': plain(
    (weights, o) => fjordnet.DeepBoltzmannMachine.fromWeights(weights, o),
    deepWeights(),
    deepOptions,
  ),
  'DeepBoltzmannMachine.setParams': of(deep, (m, o) => m.setParams(o), deepOptions),
  'DeepBoltzmannMachine.clone': of(deep, (m, o) => m.clone(o), deepOptions),
  'DeepBoltzmannMachine.fit': of(deep, (m, ...a) => m.fit(...(a as [[]])), oneHot, { onEpochEnd: () => {} }),
  'DeepBoltzmannMachine.fitSync': of(deep, (m, ...a) => m.fitSync(...(a as [[]])), oneHot, { onEpochEnd: () => {} }),
  'DeepBoltzmannMachine.fitTransform': of(deep, (m, ...a) => m.fitTransform(...(a as [[]])), oneHot, {
    onEpochEnd: () => {},
  }),
  'DeepBoltzmannMachine.transform': of(deep, (m, ...a) => m.transform(...(a as [[]])), oneHot, { layer: 1 }),
  'DeepBoltzmannMachine.meanField': of(deep, (m, a) => m.meanField(a), oneHot),
  'DeepBoltzmannMachine.reconstruct': of(deep, (m, a) => m.reconstruct(a), oneHot),
  'DeepBoltzmannMachine.logLikelihoodBound': of(deep, (m, a, logZ) => m.logLikelihoodBound(a, logZ), oneHot, 1),
  'DeepBoltzmannMachine.sample': of(deep, (m, n, o) => m.sample(n, o), 2, {
    steps: 1,
    start: [
      [0, 1],
      [1, 1],
    ],
    randomState: 1,
    signal: undefined,
  }),
  'DeepBoltzmannMachine.annealedImportanceSampling': of(deep, (m, o) => m.annealedImportanceSampling(o), {
    betas: [0, 1],
    nRuns: 2,
    randomState: 1,
    signal: undefined,
  }),
  'DeepBoltzmannMachine.annealedImportanceSampling of a number': of(deep, (m, o) => m.annealedImportanceSampling(o), {
    nBetas: 2,
  }),
  'DeepBoltzmannMachine.toClassifier': of(deep, (m, o) => m.toClassifier(o), { classes: 2, seed: 1, name: 'a' }),
  'DeepBoltzmannMachine.getFeatureNamesOut': of(deep, (m, names) => m.getFeatureNamesOut(names), ['a', 'b']),
  'DeepBoltzmannMachine.fromBytes': plain((b) => fjordnet.DeepBoltzmannMachine.fromBytes(b), new Uint8Array(3)),

  ...Object.fromEntries(
    (['MLPClassifier', 'MLPRegressor'] as const).flatMap((name) => {
      const options = {
        hiddenLayerSizes: [2],
        activation: 'relu',
        solver: 'adam',
        alpha: 0,
        batchSize: 2,
        learningRate: 'constant',
        learningRateInit: 0.1,
        powerT: 0.5,
        maxIter: 1,
        shuffle: true,
        randomState: 1,
        tol: 0,
        verbose: false,
        warmStart: false,
        momentum: 0.5,
        nesterovsMomentum: true,
        earlyStopping: false,
        validationFraction: 0.1,
        beta1: 0.5,
        beta2: 0.5,
        epsilon: 1e-8,
        nIterNoChange: 1,
      };
      const made = () =>
        new ({ MLPClassifier, MLPRegressor })[name]({ ...options, maxIter: 1 } as object).fitSync(x(), y());
      return [
        [name, plain((o) => new ({ MLPClassifier, MLPRegressor })[name](o), options)],
        [`${name}.setParams`, of(made, (m, o) => m.setParams(o), options)],
        ...(['fit', 'fitSync', 'partialFit'] as const).map((method) => [
          `${name}.${method}`,
          of(made, (m, ...a) => (m as any)[method](...a), x, y, method === 'partialFit' ? {} : { callbacks: [] }),
        ]),
        ...(['predict', 'predictProba', 'predictLogProba'] as const).map((method) => [
          `${name}.${method}`,
          of(made, (m, ...a) => (m as any)[method]?.(...a), x),
        ]),
        [`${name}.score`, of(made, (m, ...a) => (m as any).score(...a), x, y, {})],
        [
          `${name}.coefs`,
          of(
            made,
            (m, a) => {
              m.coefs = a;
            },
            fresh(() => made().coefs),
          ),
        ],
      ];
    }),
  ),

  accuracyScore: plain(fjordnet.accuracyScore, y, y, { sampleWeight: y() }),
  confusionMatrix: plain(fjordnet.confusionMatrix, y, y, { labels: [0, 1], normalize: 'true', sampleWeight: y() }),
  logLoss: plain(
    fjordnet.logLoss,
    y,
    fresh(() => oneHot()),
    { labels: [0, 1], sampleWeight: y(), normalize: true },
  ),
  classificationReport: plain(fjordnet.classificationReport, y, y, {
    labels: [0, 1],
    targetNames: ['a', 'b'],
    sampleWeight: y(),
    digits: 2,
    outputDict: true,
    zeroDivision: 0,
  }),
  precisionRecallFscoreSupport: plain(fjordnet.precisionRecallFscoreSupport, y, y, {
    labels: [0, 1],
    average: 'macro',
    beta: 1,
    posLabel: 1,
    sampleWeight: y(),
    zeroDivision: 0,
  }),
  meanSquaredError: plain(fjordnet.meanSquaredError, y, y, { sampleWeight: y(), multioutput: 'uniform' }),
  r2Score: plain(fjordnet.r2Score, y, y, { sampleWeight: y(), multioutput: 'uniform' }),
  explainedVarianceScore: plain(fjordnet.explainedVarianceScore, y, y, {
    sampleWeight: y(),
    multioutput: 'varianceWeighted',
    forceFinite: false,
  }),
  ...Object.fromEntries(
    Object.entries({ meanAbsoluteError, rootMeanSquaredError, medianAbsoluteError, meanAbsolutePercentageError }).map(
      ([name, error]) => [name, plain(error, x, x, { sampleWeight: y(), multioutput: [0.5, 0.5] })],
    ),
  ),
  maxError: plain(fjordnet.maxError, y, y),
  rocCurve: plain(fjordnet.rocCurve, y, scores, { posLabel: 1, sampleWeight: y(), dropIntermediate: false }),
  precisionRecallCurve: plain(fjordnet.precisionRecallCurve, y, scores, {
    posLabel: 1,
    sampleWeight: y(),
    dropIntermediate: true,
  }),
  calibrationCurve: plain(fjordnet.calibrationCurve, y, scores, { posLabel: 1, nBins: 2, strategy: 'quantile' }),
  rocAucScore: plain(fjordnet.rocAucScore, y, scores, {
    average: 'macro',
    sampleWeight: [1, 2, 1, 2, 1, 2],
    maxFpr: 0.5,
  }),
  'rocAucScore of classes': plain(fjordnet.rocAucScore, [0, 1, 2, 0, 1, 2], thirds, {
    multiClass: 'ovr',
    average: 'micro',
    labels: [0, 1, 2],
  }),
  averagePrecisionScore: plain(fjordnet.averagePrecisionScore, y, scores, {
    average: 'macro',
    posLabel: 1,
    sampleWeight: y(),
  }),
  brierScoreLoss: plain(fjordnet.brierScoreLoss, y, scores, { posLabel: 1, sampleWeight: y(), scaleByHalf: true }),
  'brierScoreLoss of classes': plain(fjordnet.brierScoreLoss, y, oneHot, { labels: [0, 1] }),
  topKAccuracyScore: plain(fjordnet.topKAccuracyScore, y, thirds, {
    k: 1,
    normalize: false,
    sampleWeight: y(),
    labels: [0, 1, 2],
  }),
  ...Object.fromEntries(
    Object.entries({ precisionScore, recallScore, f1Score }).map(([name, score]) => [
      name,
      plain(score, y, y, {
        labels: [0, 1],
        average: 'macro',
        posLabel: 1,
        sampleWeight: y(),
        zeroDivision: 0,
      }),
    ]),
  ),
  fbetaScore: plain(fjordnet.fbetaScore, y, y, { beta: 2, average: 'binary', posLabel: 1 }),
  balancedAccuracyScore: plain(fjordnet.balancedAccuracyScore, y, y, {
    adjusted: true,
    sampleWeight: [1, 1, 1, 1, 1, 1],
  }),
  matthewsCorrcoef: plain(fjordnet.matthewsCorrcoef, y, y, { sampleWeight: y() }),
  cohenKappaScore: plain(fjordnet.cohenKappaScore, y, y, {
    labels: [0, 1],
    weights: 'linear',
    sampleWeight: y(),
    replaceUndefinedBy: 0,
  }),

  ...Object.fromEntries(
    Object.entries(fjordnet.callbacks).map(([name, make]) => [
      `callbacks.${name}`,
      plain(make as () => unknown, {
        monitor: 'loss',
        verbose: 0,
        path: 'a',
        directory: 'a',
        patience: 1,
        ...(name === 'backupAndRestore' && { deleteCheckpoint: true }),
        ...(name === 'swapEmaWeights' && { swapOnEpoch: true }),
      }),
    ]),
  ),
  History: plain(() => new fjordnet.History()),

  'plots.activation': plain(plots.activation, ['relu'], { ...axes, range: 3 }),
  'plots.calibration': plain(plots.calibration, y, scores, {
    ...axes,
    labels: [0, 1],
    classNames: ['a', 'b'],
    posLabel: 1,
    nBins: 2,
    strategy: 'quantile',
  }),
  'plots.confusionMatrix': plain(
    plots.confusionMatrix,
    fresh(() => [
      [1, 0],
      [0, 1],
    ]),
    { ...axes, labels: ['a', 'b'], normalize: 'true', colormap: 'viridis' },
  ),
  'plots.decisionBoundary': plain(plots.decisionBoundary, estimatorModel(), x, y, {
    ...axes,
    xLabel: 'a',
    yLabel: 'b',
    classNames: ['a', 'b'],
    resolution: 10,
  }),
  'plots.decisionBoundary of what a model predicts': plain(
    (p) => plots.decisionBoundary({ predict: () => p }, x(), y(), { resolution: 10 }),
    new Float64Array(100),
  ),
  'plots.filters': plain(
    plots.filters,
    fresh(() => NDArray.zeros([4, 2])),
    { ...axes, channel: 0, imageShape: [2, 2], limit: 1, columns: 1 },
  ),
  'plots.forecast': plain(
    plots.forecast,
    { observed: [1, 2, 3], forecast: [2, 1], lower: [1, 0], upper: [3, 2], start: 1 },
    { ...axes, xLabel: 'a', yLabel: 'b' },
  ),
  'plots.heatmap': plain(plots.heatmap, x, {
    ...axes,
    x: [1, 2],
    y: [1, 2, 3, 4, 5, 6],
    xLabel: 'a',
    yLabel: 'b',
    valueLabel: 'c',
    annotate: true,
    colormap: 'viridis',
    domain: [0, 1],
  }),
  'plots.history': plain(plots.history, { loss: [1, 2] }, { ...axes, lossScale: 'log' }),
  'plots.history of a History': plain(plots.history, { epoch: [0, 1], history: { loss: [1, 2] } }),
  'plots.images': plain(
    plots.images,
    fresh(() => NDArray.zeros([2, 2, 2])),
    { ...axes, labels: [0, 1], predicted: [0, 1], indices: [0], limit: 1, columns: 1 },
  ),
  'plots.importances': plain(
    plots.importances,
    ['a', 'b'],
    { importancesMean: [0.1, 0.2], importancesStd: [0.1, 0.1] },
    { ...axes, limit: 1 },
  ),
  'plots.precisionRecallCurve': plain(plots.precisionRecallCurve, y, scores, {
    ...axes,
    labels: [0, 1],
    classNames: ['a', 'b'],
    posLabel: 0,
  }),
  'plots.predictions': plain(plots.predictions, y, scores, { ...axes, xLabel: 'a', yLabel: 'b', maxPoints: 3 }),
  'plots.residuals': plain(plots.residuals, y, scores, { ...axes, xLabel: 'a', yLabel: 'b', maxPoints: 3 }),
  'plots.rocCurve': plain(plots.rocCurve, y, scores, {
    ...axes,
    labels: [0, 1],
    classNames: ['a', 'b'],
    posLabel: 1,
  }),
  'plots.thresholds': plain(plots.thresholds, y, scores, {
    ...axes,
    labels: [0, 1],
    classNames: ['a', 'b'],
    posLabel: 1,
  }),
  'plots.network': plain(plots.network, { sizes: [2, 3], activations: ['relu'] }, { ...axes, maxNodes: 3 }),
  'plots.network of layers': plain(plots.network, {
    layers: [{ className: 'Dense', name: 'a', activation: 'relu', outputShape: [2] }],
    inputShape: [2],
    outputShapes: [[2]],
  }),
  'plots.network of one layer': plain((l) => plots.network({ layers: [l], inputShape: [2] }), {
    className: 'Dense',
    name: 'a',
    activation: 'relu',
    outputShape: [2],
  }),
  'plots.network of an estimator': plain(plots.network, { coefs: [[[1]]], activation: 'relu', outActivation: 'a' }),
  'plots.network of the lecture': plain(plots.network, { hiddenWeights: [[1]], outputWeights: [[1]] }),
  'plots.weights': plain(plots.weights, { a: [1, 2] }, { ...axes, scale: 'log', biases: true, bins: 3 }),
  'plots.weights of a network': plain(plots.weights, { weightNames: ['a'], getWeights: () => [[1]] }),
  'plots.Plot': of(
    () => plots.heatmap(x()),
    (p, o) => p.png(o),
    { scale: 0.01 },
  ),
  'plots.Plot.save': of(
    () => plots.heatmap(x()),
    (p, ...a) => p.save(...(a as [string, object])),
    'a.json',
    { scale: 1 },
  ),
  'plots.TextPlot': of(
    () => plots.heatmap(x()),
    (p, o) => p.text(o),
    { color: true, width: 30 },
  ),
};
