// Networks that are copied untrained, and pipelines that end in one: their parameters, searches over them.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import {
  crossValScore,
  custom,
  GridSearchCV,
  gridSearch,
  halvingGridSearch,
  input,
  Layer,
  layers,
  loadPredictor,
  type Model,
  model,
  NDArray,
  ops,
  optimizers,
  Pipeline,
  RandomState,
  Sequential,
  StandardScaler,
  sequential,
} from 'fjordnet';

const folder = mkdtempSync(join(tmpdir(), 'fjordnet-cloning-'));
test.after.always(() => rmSync(folder, { recursive: true }));

const random = new RandomState(3);
const n = 60;
const x = random.normal(0, 1, [n, 4]);
const y = NDArray.from(x.toArray<number[][]>().map(([a, b]) => (a + b > 0 ? 1 : 0)));
const words = Array.from(y.data, (label) => (label ? 'yes' : 'no'));
const FIT = { epochs: 3, batchSize: 16 };

const weightsOf = (network: { getWeights(): NDArray[] }) => network.getWeights().map(({ data }) => Array.from(data));

function dense(options: object = {}, inputShape: number[] | undefined = [4]): Sequential {
  const network = sequential({
    layers: [
      layers.dense({ units: 6, activation: 'relu', kernelRegularizer: 'l2', ...(inputShape && { inputShape }) }),
      layers.batchNormalization(),
      layers.dropout({ rate: 0.2 }),
      layers.dense({ units: 1, activation: 'sigmoid', name: 'head' }),
    ],
    seed: 5,
    dtype: 'float64',
    ...options,
  });
  network.compile({
    optimizer: optimizers.adam({ learningRate: 0.02, beta1: 0.8 }),
    loss: 'binaryCrossentropy',
    metrics: ['accuracy'],
  });
  return network;
}

function branched(): Model<any, any> {
  const inner = sequential({ layers: [layers.dense({ units: 3, inputShape: [4] })], name: 'inner' });
  const a = input({ shape: [4], name: 'a' });
  const h = layers.dense({ units: 3, activation: 'tanh' }).apply(a);
  const both = ops.concat([ops.add(h, inner.apply(a)), h]);
  const outputs = [
    layers.dense({ units: 1, name: 'p' }).apply(both),
    layers.dense({ units: 1, name: 'q' }).apply(both),
  ];
  inner.trainable = false;
  const network = model({ inputs: a, outputs, seed: 4 });
  network.compile({ optimizer: 'sgd', loss: ['meanSquaredError', 'meanAbsoluteError'], lossWeights: [1, 0.5] });
  return network as Model<any, any>;
}

const KINDS: Record<string, { make: () => Model<any, any>; targets: unknown }> = {
  'a Sequential': { make: () => dense(), targets: y },
  'a Sequential that does not know its input': { make: () => dense({}, undefined as never), targets: y },
  'a Sequential in float32': { make: () => dense({ dtype: 'float32' }), targets: y },
  'a Model with a frozen part and two outputs': { make: branched, targets: [y, y] },
};
for (const [name, { make, targets }] of Object.entries(KINDS))
  test(`${name}: a clone is what it was before it was trained, and shares nothing with it`, async (t) => {
    const [original, other] = [make(), make()];
    await original.fit(x, targets as never, FIT);
    const trained = weightsOf(original);
    const copy = original.clone();
    t.is(copy.constructor, original.constructor);
    t.is(copy.seed, original.seed);
    t.is(copy.iterations, 0);
    t.not(copy.optimizer, original.optimizer);
    t.deepEqual(
      JSON.parse(JSON.stringify(copy.optimizer.config)),
      JSON.parse(JSON.stringify(original.optimizer.config)),
    );
    if (other.graph) t.deepEqual(weightsOf(copy), weightsOf(other));
    const history = await copy.fit(x, targets as never, FIT);
    t.deepEqual(history, await other.fit(x, targets as never, FIT));
    t.deepEqual(weightsOf(copy), weightsOf(other));
    t.deepEqual(weightsOf(copy), trained);
    await copy.fit(x, targets as never, FIT);
    t.notDeepEqual(weightsOf(copy), trained);
    t.deepEqual(weightsOf(original), trained);
    t.is(copy.summary(), original.summary());
    t.notDeepEqual(weightsOf(await fitted(original.clone({ seed: 6 }), targets)), trained);
  });

async function fitted(network: Model<any, any>, targets: unknown) {
  await network.fit(x, targets as never, FIT);
  return network;
}

test('seeds, optimizers, metadata; networks that are loaded, not compiled, or of parts that cannot be made again', async (t) => {
  const network = dense();
  network.metadata = { classes: ['no', 'yes'] };
  network.optimizer.learningRate = 0.5;
  const copy = network.clone();
  t.deepEqual(copy.metadata, network.metadata);
  t.is(copy.optimizer.learningRate, 0.5);
  copy.optimizer.learningRate = 0.1;
  t.is(network.optimizer.learningRate, 0.5);
  t.is(network.clone({ optimizer: 'rmsprop' }).optimizer.config.name, 'rmsprop');
  t.throws(() => network.clone({ optimizer: 'none' as never }), { message: /^Expected optimizer to be one of / });
  t.throws(() => network.clone({ seeds: 1 } as never), { message: /'seeds'/ });
  t.throws(() => network.clone({ seed: -1 }), { message: /^Expected seed to be / });

  const loaded = Sequential.fromBytes(network.toBytes());
  t.is(loaded.seed, undefined);
  t.notDeepEqual(weightsOf(loaded.clone()), weightsOf(loaded));
  t.notDeepEqual(weightsOf(loaded.clone()), weightsOf(loaded.clone()));
  t.deepEqual(weightsOf(loaded.clone({ seed: 5 })), weightsOf(dense()));

  const bare = sequential({ layers: [layers.dense({ units: 1, inputShape: [2] })], seed: 1 });
  t.throws(() => bare.clone().optimizer, { code: 'ERR_NOT_COMPILED' });
  t.deepEqual(weightsOf(bare.clone()), weightsOf(bare));
  t.is(sequential({ name: 'empty' }).clone().name, 'empty');

  class Times extends Layer {
    readonly factor: number;
    constructor({ factor, ...rest }: { factor: number; inputShape?: number[]; name?: string }) {
      super(rest);
      this.factor = factor;
    }
    call(value: any) {
      return ops.mul(value, this.factor);
    }
    override getConfig() {
      return { factor: this.factor };
    }
  }
  const times = custom.layer('CloningTimes', Times);
  const own = sequential({ layers: [times({ inputShape: [2], factor: 3 }), layers.dense({ units: 1 })], seed: 1 });
  t.is((own.clone().layers[0] as Times).factor, 3);
  t.deepEqual(weightsOf(own.clone()), weightsOf(own));
  class Unnamed extends Times {}
  Object.defineProperty(Unnamed.prototype, 'className', { value: 'Unnamed' });
  const strange = sequential({ layers: [new Unnamed({ inputShape: [2], factor: 3 })] });
  t.throws(() => strange.clone(), {
    message: /^Expected the layer '\w+' to be one of layers\.\* or made by custom\.layer/,
  });
});

const pipelineOf = (network = dense()) =>
  new Pipeline([
    ['scale', new StandardScaler()],
    ['model', network],
  ]);

test('a pipeline that ends in a network has its parameters', async (t) => {
  const pipeline = pipelineOf();
  const params = pipeline.getParams();
  t.like(params, { model__learningRate: 0.02, model__seed: 5, model__epochs: undefined, model__batchSize: undefined });
  const [, network] = pipeline.steps[1];
  pipeline.setParams({ model__epochs: 4, model__batchSize: 10 });
  t.is(pipeline.steps[1][1], network);
  await pipeline.fit(x, words);
  t.is((network as Sequential).iterations, 24);
  await t.throwsAsync(pipeline.fit(x, words, { epochs: 2 }), {
    message: 'Expected epochs to be left out, as it is a parameter of the pipeline, got 2 (number)',
  });
  const unbuilt = await pipelineOf(sequentialOf(3)).fit(x, words, FIT); // its outputs are known by its first fit alone
  t.deepEqual(unbuilt.classes, ['no', 'yes']);
  const file = join(folder, 'pipeline.safetensors');
  await pipeline.save(file);
  const loaded = await Pipeline.load(file);
  t.like(loaded.getParams(), { model__epochs: 4, model__batchSize: 10 });
  t.deepEqual(await (await loadPredictor(file)).predict(x as never), await pipeline.predict(x));

  const copy = pipeline.clone();
  t.false(copy.isFitted);
  t.like(copy.getParams(), { model__epochs: 4, model__batchSize: 10, model__learningRate: 0.02, model__seed: 5 });
  await copy.fit(x, words);
  t.deepEqual(await copy.predictProba(x), await pipeline.predictProba(x));
  copy.setParams({ model__learningRate: 0.3, model__optimizer: 'sgd', model__seed: 8 });
  const changed = copy.steps[1][1] as Sequential;
  t.is(changed.optimizer.config.name, 'sgd');
  t.is(changed.optimizer.learningRate, 0.3);
  t.is(changed.seed, 8);
  t.is(changed.iterations, 0);
  const refused: [object, RegExp][] = [
    [
      { model__units: 3 },
      /^Expected the parameter of a network to be learningRate, optimizer, seed, epochs or batchSize \(.*\), got 'units'/,
    ],
    [{ model__epochs: 0 }, /^Expected epochs to be a positive integer, got 0/],
    [{ model__learningRate: 'fast' }, /^Expected learningRate to be /],
    [{ model__optimizer: 'fast' }, /^Expected optimizer to be one of /],
  ];
  for (const [given, message] of refused) {
    const before = copy.getParams();
    t.throws(() => copy.setParams({ model__seed: 1, ...given }), { message });
    t.deepEqual(copy.getParams(), before);
  }
});

test('searches over a pipeline that ends in a network', async (t) => {
  const estimator = pipelineOf();
  const grid = { model__learningRate: [0.001, 0.05], model__epochs: [2, 12] };
  const options = { estimator, grid, train: [x, words] as const, cv: 3, fitOptions: { batchSize: 16 } };
  const whole = await gridSearch(options as never);
  for (const { params, testScores, error } of whole.results) {
    t.is(error, undefined);
    const alone = pipelineOf().setParams(params);
    t.deepEqual(testScores, await crossValScore(alone, x, words, { cv: 3, fitOptions: { batchSize: 16 } }));
  }
  t.true(whole.best.params.model__learningRate === 0.05 && whole.best.params.model__epochs === 12);
  t.false(estimator.isFitted);
  t.is((estimator.steps[1][1] as Sequential).iterations, 0);

  const halved = await halvingGridSearch({
    estimator: pipelineOf().setParams({ model__batchSize: 16 }),
    grid: { model__learningRate: [0.0001, 0.001, 0.05] },
    resource: 'model__epochs',
    maxResources: 12,
    minResources: 4,
    train: [x, words],
    cv: 3,
  });
  t.deepEqual(
    [halved.nCandidates, halved.nResources],
    [
      [3, 1],
      [4, 12],
    ],
  );
  const asEstimator = new GridSearchCV({ estimator: pipelineOf(), grid, cv: 3 });
  await asEstimator.fit(x, words, { batchSize: 16 });
  t.deepEqual(asEstimator.bestParams, { model__epochs: 12, model__learningRate: 0.05 });
  const chosen = await pipelineOf().setParams(asEstimator.bestParams).fit(x, words, { batchSize: 16 });
  t.deepEqual(await asEstimator.predictProba(x), await chosen.predictProba(x));
  t.deepEqual(asEstimator.classes, ['no', 'yes']);
  t.is(asEstimator.bestScore, whole.best.testScore);
  t.is((await crossValScore(asEstimator, x, words, { cv: 2, fitOptions: { batchSize: 16 } })).length, 2);

  await t.throwsAsync(gridSearch({ ...options, fitOptions: { epochs: 5 } } as never), {
    message: 'Expected epochs to be left out, as it is a parameter of the pipeline, got 5 (number)',
  });
  for (const refused of [
    () => gridSearch({ ...options, estimator: dense() } as never),
    async () => new GridSearchCV({ estimator: dense(), grid } as never),
  ])
    await t.throwsAsync(refused, {
      message: 'Expected estimator to be a Pipeline of the network, which has parameters, got Sequential',
    });
  const networks = await gridSearch({
    ...options,
    grid: { model: [dense(), dense({ seed: 7 })] },
    fitOptions: FIT,
  } as never);
  t.true(networks.results.every(({ error }) => !error));
});

test('a journal tells networks apart', async (t) => {
  const journal = join(folder, 'networks.jsonl');
  const search = (estimator: Pipeline<any>) =>
    gridSearch({ estimator, grid: { model__seed: [1, 2] }, train: [x, words], cv: 2, fitOptions: FIT, journal });
  const first = await search(pipelineOf());
  const text = readFileSync(journal, 'utf8');
  const again = await search(pipelineOf());
  t.deepEqual(again.results, first.results);
  const wider = pipelineOf(sequentialOf(7));
  const others = [
    wider,
    pipelineOf(dense({ dtype: 'float32' })),
    pipelineOf(dense({ seed: 9 })),
    pipelineOf(dense().clone({ optimizer: 'sgd' })),
    pipelineOf().setParams({ model__batchSize: 4 }),
  ];
  for (const other of others)
    await t.throwsAsync(search(other), { message: / of a search of the same estimator, got / });
  t.is(readFileSync(journal, 'utf8'), text);
});

function sequentialOf(units: number): Sequential {
  const network = sequential({
    layers: [layers.dense({ units }), layers.dense({ units: 1, activation: 'sigmoid' })],
    seed: 5,
  });
  network.compile({ optimizer: 'adam', loss: 'binaryCrossentropy' });
  return network;
}
