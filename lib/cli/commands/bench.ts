import { availableParallelism, cpus } from 'node:os';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { NDArray } from '../../array.js';
import { loadDigits } from '../../datasets/digits.js';
import { NeuralNetwork } from '../../estimators/neural-network.js';
import { buildInfo, setThreads } from '../../info.js';
import { toCategorical } from '../../labels.js';
import { layers } from '../../layers/index.js';
import type { Layer } from '../../layers/layer.js';
import { gridSearch } from '../../model-selection/grid-search.js';
import { sequential } from '../../models/sequential.js';
import { RandomState } from '../../random.js';
import { logspace } from '../../spaces.js';
import { EXIT } from '../errors.js';
import { MOST_THREADS, type Values } from '../options.js';
import { Output } from '../output.js';

const REPETITIONS = 7;
const SAMPLES = 1400;
const BATCH = 100;
const STEPS = SAMPLES / BATCH;
const GRID_EPOCHS = 10;

/** Seconds: the median of some repetitions, or of single calls, with what the name says of the others. */
interface Result {
  readonly name: string;
  readonly title: string;
  readonly median: number;
  readonly least?: number;
  readonly most?: number;
  readonly p99?: number;
  readonly max?: number;
}

interface Data {
  /** [1400, 64], in [0, 1] */
  readonly x: NDArray;
  readonly labels: NDArray;
}

/** Runs the work so many times; resolves to the number of units, such as steps, that this was. */
type Work = (times: number) => Promise<number>;

/** @returns the exit code */
export async function run(values: Values): Promise<number> {
  const out = new Output({ json: values.switch('json') });
  const threads = values.integer('threads', 1, MOST_THREADS);
  if (threads !== undefined) setThreads(threads);
  const seconds = values.number('seconds', 0) ?? 1;
  const { data, target } = loadDigits();
  const x = NDArray.from((data.data as Float64Array).subarray(0, SAMPLES * 64).map((v) => v / 16)).reshape(SAMPLES, 64);
  const digits = { x, labels: NDArray.from(target.data.slice(0, SAMPLES)) };

  const about = {
    ...buildInfo(),
    node: process.versions.node,
    processors: availableParallelism(),
    processor: cpus()[0]?.model,
  };
  out.say(
    `fjordnet ${about.version}, ${about.blas} for ${about.blasCore}, own kernels ${about.simd}, Node.js ${about.node}`,
  );
  out.say(`${about.processor ?? 'unknown processor'}, ${about.processors} processors, ${about.threads} threads`);
  const results: Result[] = [];
  for (const measure of [lectureStep, denseStep, cnnStep, grid, predictRow, eventLoop]) {
    const result = await measure(digits, seconds);
    results.push(result);
    out.say(line(result));
  }
  out.document({ ...about, seconds, results });
  return EXIT.done;
}

async function lectureStep({ x, labels }: Data, seconds: number): Promise<Result> {
  const y = toCategorical(labels, 10);
  const work: Work = async (epochs) => {
    await new NeuralNetwork(x, y, { epochs, batchSize: BATCH, eta: 0.001, randomState: 0 }).train();
    return epochs * STEPS;
  };
  return repeated('lecture-step', 'step, 64-50-10, batch 100, float64', work, seconds);
}

async function denseStep(data: Data, seconds: number): Promise<Result> {
  const work = fitting(data, [layers.dense({ units: 50, activation: 'sigmoid', inputShape: [64] })]);
  return repeated('dense-step', 'step, 64-50-10, batch 100, float32', work, seconds);
}

async function cnnStep(data: Data, seconds: number): Promise<Result> {
  return repeated('cnn-step', 'step, CNN of 10 filters, batch 100, float32', fitting(data, cnn()), seconds);
}

async function grid({ x, labels }: Data, seconds: number): Promise<Result> {
  const y = toCategorical(labels, 10);
  const values = logspace(-5, 1, 7);
  const work: Work = async (times) => {
    for (let i = 0; i < times; i++) {
      const randomState = new RandomState(0);
      await gridSearch({
        grid: { eta: values, lmbd: values },
        build: (params) => new NeuralNetwork(x, y, { ...params, epochs: GRID_EPOCHS, batchSize: BATCH, randomState }),
        train: [x, labels],
      });
    }
    return times;
  };
  return repeated('grid', `grid of 49 such networks, ${GRID_EPOCHS} epochs, float64`, work, seconds);
}

/** Of single calls of `predictSync`. */
async function predictRow({ x, labels }: Data, seconds: number): Promise<Result> {
  const model = network([layers.dense({ units: 50, activation: 'sigmoid', inputShape: [64] })]);
  model.fitSync(x, labels, { batchSize: BATCH, epochs: 1 });
  const row = x.take([0]);
  const times: number[] = [];
  const until = performance.now() + 1000 * seconds;
  for (let warm = 0; warm < 200 || performance.now() < until; warm++) {
    const start = process.hrtime.bigint();
    model.predictSync(row);
    if (warm >= 100) times.push(Number(process.hrtime.bigint() - start) / 1e9);
  }
  times.sort((a, b) => a - b);
  return { name: 'predict', title: 'predict 1 row, 64-50-10, float32', median: at(times, 0.5), p99: at(times, 0.99) };
}

/** How late a timer of 1 ms is called while a network trains: the timer's own millisecond is in it. */
async function eventLoop(data: Data, seconds: number): Promise<Result> {
  const work = fitting(data, cnn());
  await work(1);
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const until = performance.now() + 1000 * seconds;
  do await work(20);
  while (performance.now() < until);
  delay.disable();
  const [median, p99, max] = [delay.percentile(50), delay.percentile(99), delay.max].map((ns) => ns / 1e9);
  return { name: 'event-loop', title: 'timer of 1 ms while the CNN trains', median, p99, max };
}

const cnn = (): Layer[] => [
  layers.reshape({ targetShape: [8, 8, 1], inputShape: [64] }),
  layers.conv2d({ filters: 10, kernelSize: 3, padding: 'same', activation: 'relu' }),
  layers.maxPooling2d({ poolSize: 2 }),
  layers.flatten(),
  layers.dense({ units: 50, activation: 'relu' }),
];

function network(hidden: readonly Layer[]) {
  const model = sequential({ layers: [...hidden, layers.dense({ units: 10, activation: 'softmax' })], seed: 0 });
  model.compile({ optimizer: 'sgd', loss: 'sparseCategoricalCrossentropy' });
  return model;
}

function fitting({ x, labels }: Data, hidden: readonly Layer[]): Work {
  const model = network(hidden);
  return async (epochs) => {
    await model.fit(x, labels, { batchSize: BATCH, epochs });
    return epochs * STEPS;
  };
}

/** The median of 7 repetitions that take `seconds` together, after a warm-up that finds how much work that is. */
async function repeated(name: string, title: string, work: Work, seconds: number): Promise<Result> {
  const timed = async (times: number): Promise<[seconds: number, units: number]> => {
    const start = performance.now();
    const units = await work(times);
    return [(performance.now() - start) / 1000, units];
  };
  const wanted = seconds / REPETITIONS;
  let times = 1;
  let [spent] = await timed(times);
  for (let i = 0; i < 3 && spent < wanted / 4; i++) {
    times = Math.ceil(times * Math.min(100, wanted / 2 / spent));
    [spent] = await timed(times);
  }
  times = Math.max(1, Math.round((wanted / spent) * times));
  const values: number[] = [];
  for (let i = 0; i < REPETITIONS; i++) {
    const [each, units] = await timed(times);
    values.push(each / units);
  }
  values.sort((a, b) => a - b);
  return { name, title, median: at(values, 0.5), least: values[0], most: values[values.length - 1] };
}

const at = (sorted: readonly number[], q: number): number => sorted[Math.round(q * (sorted.length - 1))];

function line({ title, median, least, most, p99, max }: Result): string {
  const more = [
    least !== undefined && most !== undefined && `${time(least)} to ${time(most)}`,
    p99 !== undefined && `p99 ${time(p99)}`,
    max !== undefined && `longest ${time(max)}`,
  ].filter(Boolean);
  return `${title.padEnd(46)}${time(median).padStart(9)}  (${more.join(', ')})`;
}

function time(seconds: number): string {
  const [value, unit] = seconds < 1e-3 ? [seconds * 1e6, 'µs'] : seconds < 1 ? [seconds * 1e3, 'ms'] : [seconds, 's'];
  return `${value.toPrecision(3).replace(/e\+\d+$/, '')} ${unit}`;
}
