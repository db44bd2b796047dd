// This package through its public surface, as its README uses it, synchronously and not: the modes of a case.
import { monitorEventLoopDelay } from 'node:perf_hooks';
import {
  accuracyScore,
  BernoulliRBM,
  buildInfo,
  gridSearch,
  KMeans,
  logspace,
  MLPClassifier,
  NDArray,
  NeuralNetwork,
  RandomState,
  setThreads,
  toCategorical,
} from 'fjordnet';
import { measureLimits } from '../limits.js';
import { build } from '../our-network.js';
import { means, Skip, serve, THREADS } from './protocol.js';

setThreads(THREADS);

function about() {
  const { version, blas, blasConfig, blasCore, simd } = buildInfo();
  return { name: `Fjordnet ${version}`, kernel: `${blasConfig || blas}, ${blasCore}; own kernels ${simd}` };
}

const array = ({ data, shape }) => NDArray.from(data).reshape(shape);

function networkCase(workload) {
  const inputs = workload.inputs.map(({ name }) => array(workload.array(name)));
  const labels = array(workload.array('y'));
  const y = workload.loss ? toCategorical(labels, workload.layers.at(-1).units) : labels;
  const model = build(workload, array);
  const of = (values) => (values.length === 1 ? values[0] : values);
  const step = (rows) => model.trainOnBatch(of(inputs.map((values) => values.take(rows))), y.take(rows)).loss;
  const losses = means(workload.batches().map((group) => group.map(step)));
  model.setWeights(workload.weights().map(array));
  const { batchSize, samples } = workload;
  const x = of(inputs);
  return {
    losses,
    model,
    x,
    y,
    modes: ['fitSync', 'fit'],
    async run(epochs, mode = 'fit') {
      await model[mode](x, y, { batchSize, epochs });
      return (epochs * samples) / batchSize;
    },
  };
}

/** The class takes sums over the batch, hence eta / batch; weights and batches are drawn from the case's own seed. */
async function lectureCase(workload) {
  const x = array(workload.array('x'));
  const y = toCategorical(array(workload.array('y')), 10);
  const { batchSize, learningRate, samples, check, seed } = workload;
  const make = (epochs) =>
    new NeuralNetwork(x, y, {
      nHiddenNeurons: workload.layers[0].units,
      epochs,
      batchSize,
      eta: learningRate / batchSize,
      randomState: seed,
    });
  const losses = [];
  make(check[0]).trainSync({ onEpochEnd: ({ loss }) => losses.push(loss) });
  const work = {
    losses,
    seconds: 0,
    modes: ['trainSync', 'train'],
    async run(epochs, mode) {
      const network = make(epochs);
      const start = performance.now();
      await network[mode]();
      work.seconds = (performance.now() - start) / 1000;
      return epochs * Math.floor(samples / batchSize);
    },
  };
  return work;
}

/** Into a new array, and into one of the caller's. */
function predictCase(workload) {
  const x = array(workload.array('x'));
  const model = build(workload, array);
  const rows = x.take(Array.from({ length: workload.rows }, (_, i) => i));
  const batchSize = workload.rows;
  const out = model.predictSync(rows, { batchSize });
  const calls = {
    predictSync: () => model.predictSync(rows, { batchSize }),
    'predictSync with out': () => model.predictSync(rows, { batchSize, out }),
  };
  return { calls, modes: Object.keys(calls), losses: out.data.slice(0, 10) };
}

function mlpCase(workload) {
  const x = array(workload.array('x'));
  const y = array(workload.array('y'));
  const { units, activation, solver, alpha, batchSize, learningRate, epochs, seed } = workload;
  const options = { hiddenLayerSizes: [units], activation, solver, alpha, batchSize, learningRateInit: learningRate };
  const make = () => new MLPClassifier({ ...options, maxIter: epochs, randomState: seed });
  return {
    losses: quietly(() => make().fitSync(x, y)).lossCurve,
    modes: ['fitSync', 'fit'],
    async run(repetitions, mode) {
      for (let i = 0; i < repetitions; i++) await quietly(() => make()[mode](x, y));
      return repetitions;
    },
  };
}

/** `make`: an estimator that is not fitted; `judged`: numbers of one that is. */
async function fitCase(workload, make, judged) {
  const x = array(workload.array('x'));
  return {
    losses: judged(await make().fit(x), x),
    modes: ['fitSync', 'fit'],
    async run(repetitions, mode) {
      for (let i = 0; i < repetitions; i++) await make()[mode](x);
      return repetitions;
    },
  };
}

const rbmCase = (workload) =>
  fitCase(
    workload,
    () =>
      new BernoulliRBM({
        nComponents: workload.units,
        batchSize: workload.batchSize,
        nIter: workload.epochs,
        randomState: workload.seed,
      }),
    (machine, x) => Array.from(machine.freeEnergy(x).data.subarray(0, 10)),
  );

const kmeansCase = (workload) =>
  fitCase(
    workload,
    () => new KMeans({ nClusters: workload.clusters, randomState: workload.seed }),
    ({ inertia, nIter }) => [inertia, nIter],
  );

/** Training stops at maxIter by design here, which the estimators warn of. */
function quietly(call) {
  process.removeAllListeners('warning');
  process.on('warning', () => {});
  return call();
}

/** The lecture's networks, several at a time, or one after another as the lecture has them. */
async function gridCase(workload) {
  const x = array(workload.array('x'));
  const labels = array(workload.array('y'));
  const y = toCategorical(labels, 10);
  const { points, epochs, batchSize, hidden, seed } = workload;
  const values = logspace(-5, 1, points);
  const builder = (count) => {
    const randomState = new RandomState(seed);
    return ({ eta, lmbd }) =>
      new NeuralNetwork(x, y, { nHiddenNeurons: hidden, epochs: count, batchSize, eta, lmbd, randomState });
  };
  const search = async (count) => {
    const { results } = await gridSearch({
      grid: { eta: values, lmbd: values },
      build: builder(count),
      train: [x, labels],
      threads: THREADS,
    });
    return results.map((r) => r.trainScore);
  };
  const loop = (count) => {
    const build = builder(count);
    for (const eta of values.data)
      for (const lmbd of values.data) accuracyScore(labels, build({ eta, lmbd }).trainSync().predict(x));
  };
  return {
    losses: await search(1),
    modes: ['gridSearch', 'trainSync'],
    async run(repetitions, mode) {
      for (let i = 0; i < repetitions; i++) await (mode === 'trainSync' ? loop(epochs) : search(epochs));
      return repetitions;
    },
  };
}

/** scikit-learn's networks; what is compared is the loss of each in its first epoch. */
async function mlpGridCase(workload) {
  const x = array(workload.array('x'));
  const y = array(workload.array('y'));
  const { points, epochs, hidden, seed } = workload;
  const values = logspace(-5, 1, points);
  const search = async (maxIter, scoring) => {
    const { results } = await gridSearch({
      grid: { learningRateInit: values, alpha: values },
      build: (params) =>
        new MLPClassifier({
          hiddenLayerSizes: [hidden],
          activation: 'logistic',
          maxIter,
          randomState: seed,
          ...params,
        }),
      train: [x, y],
      threads: THREADS,
      scoring,
    });
    return results.map((r) => r.trainScore);
  };
  return {
    losses: await quietly(() => search(1, (model) => model.lossCurve[0])),
    async run(repetitions) {
      for (let i = 0; i < repetitions; i++) await quietly(() => search(epochs));
      return repetitions;
    },
  };
}

const KINDS = {
  train: (workload) => (workload.lecture ? lectureCase(workload) : networkCase(workload)),
  predict: predictCase,
  start: networkCase,
  delay: networkCase,
  memory: networkCase,
  mlp: mlpCase,
  grid: gridCase,
  mlpGrid: mlpGridCase,
  rbm: rbmCase,
  kmeans: kmeansCase,
};

function openCase(workload) {
  if (!KINDS[workload.kind]) throw new Skip('no such workload');
  return KINDS[workload.kind](workload);
}

/** Delay of the event loop while `fit` trains, beyond the timer's own resolution of 1 ms. */
async function delay({ count }, work) {
  const { model, x, y } = work;
  await work.run(1);
  const monitor = monitorEventLoopDelay({ resolution: 1 });
  monitor.enable();
  await model.fit(x, y, { batchSize: 128, epochs: count });
  monitor.disable();
  const seconds = (ns) => ns / 1e9;
  return {
    p50: seconds(monitor.percentile(50)),
    p99: seconds(monitor.percentile(99)),
    max: seconds(monitor.max),
  };
}

await serve(about, openCase, { delay, limits: ({ quick }) => measureLimits(quick) });
