import { createHash } from 'node:crypto';
import { didYouMean } from '../../check.js';
import { NeuralNetwork } from '../../estimators/neural-network.js';
import { buildInfo, setThreads } from '../../info.js';
import { toCategorical } from '../../labels.js';
import type { Candidate } from '../../model-selection/fits.js';
import { gridSearch } from '../../model-selection/grid-search.js';
import type { GridResult, SearchResult } from '../../model-selection/search.js';
import { heatmap } from '../../plots/heatmap.js';
import { RandomState } from '../../random.js';
import { accuracyScore } from '../../scores/classification.js';
import { r2Score } from '../../scores/regression.js';
import { logspace } from '../../spaces.js';
import { classCodes } from '../../tables/network-step.js';
import { fitTargets } from '../assessment.js';
import type { Crew } from '../crew.js';
import { filesOf, readDataOptions } from '../data-options.js';
import type { Meaning, Samples, Split } from '../dataset.js';
import { checkApart, checkDestination, writeOrSpare } from '../destinations.js';
import { EXIT, usage } from '../errors.js';
import { axisValues, type Grid, type GridValue, saveGrid, scores, written } from '../grid-file.js';
import { exitCode, holdSignals, type Interruption, interruptible } from '../interrupt.js';
import { LARGEST_SEED, MOST_THREADS, readInteger, readNumber, type Values } from '../options.js';
import { count, Output, percent, seconds, short } from '../output.js';
import { isFolder } from '../pictures.js';
import {
  buildEstimator,
  buildSequential,
  dataFor,
  type Recipe,
  type RecipeOverrides,
  readRecipe,
  splitFor,
} from '../recipe.js';
import { readOverrides } from '../recipe-options.js';
import { checkReport, writeGridReport } from '../run-report.js';

/** How the values of an option are read. */
const AXES: Readonly<Record<string, { key: keyof RecipeOverrides; read: (name: string, text: string) => GridValue }>> =
  {
    'learning-rate': { key: 'learningRate', read: (name, text) => readNumber(name, text, 0) },
    l2: { key: 'l2', read: (name, text) => readNumber(name, text, 0) },
    dropout: { key: 'dropout', read: (name, text) => readNumber(name, text, 0, 0.99) },
    momentum: { key: 'momentum', read: (name, text) => readNumber(name, text, 0, 1) },
    epochs: { key: 'epochs', read: (name, text) => readInteger(name, text, 1) },
    'batch-size': { key: 'batchSize', read: (name, text) => readInteger(name, text, 1) },
    kernel: { key: 'kernel', read: (name, text) => readInteger(name, text, 1) },
    hidden: { key: 'hidden', read: (name, text) => text.split('x').map((part) => readInteger(name, part, 1)) },
    filters: { key: 'filters', read: (name, text) => text.split('x').map((part) => readInteger(name, part, 1)) },
    activation: { key: 'activation', read: (_, text) => text },
    optimizer: { key: 'optimizer', read: (_, text) => text },
  };
/** A grid of more would take days, and memory before it begins. */
const MOST_NETWORKS = 100_000;
/** Where a grid goes, in this folder, that cannot be written where it was asked for. */
const SPARE = 'fjordnet-grid.json';
const ALIASES: Readonly<Record<string, string>> = {
  eta: 'learning-rate',
  lr: 'learning-rate',
  lmbd: 'l2',
  alpha: 'l2',
};

/** A grid that may begin. */
interface Prepared {
  readonly axes: Grid['axes'];
  readonly recipe: Recipe;
  recipeOf(params: Grid['results'][number]['params']): Promise<Recipe>;
  readonly seed: number;
  readonly split: Split;
  readonly total: number;
  readonly score: Grid['score'];
  readonly save?: string;
  readonly report?: string;
  readonly journal?: string;
}

/** @returns the exit code */
export async function run(values: Values, crew: Crew): Promise<number> {
  const isSilent = !crew.isFirst;
  const out = new Output({ json: values.switch('json'), quiet: values.switch('quiet'), isSilent });
  const prepared = await crew.each(() => prepare(values, out, crew));
  const progress = new GridProgress(out, prepared.score, prepared.total);
  const begun = performance.now();
  const { result, by } = await crew.each(() => search(prepared, out, progress, crew));
  const seconds = (performance.now() - begun) / 1000;
  return crew.first(() => finish(out, prepared, progress, seconds, result, by));
}

/** Reads options and data, and makes sure that results can be written. */
async function prepare(values: Values, out: Output, { world, isFirst }: Crew): Promise<Prepared> {
  const threads = values.integer('threads', 1, MOST_THREADS);
  if (threads !== undefined) setThreads(threads);
  const axes = readAxes(values.texts('search'));
  const overrides = readOverrides(values);
  for (const { name } of axes)
    if (overrides[AXES[name].key] !== undefined)
      throw usage(`Expected one of --${name} and --search ${name}=…, got both`);
  const model = values.text('model') ?? (isFolder(values.positionals[0]) ? 'cnn' : 'mlp');
  const recipe = await readRecipe(model, overrides);
  const journal = values.text('journal');
  if (journal !== undefined && recipe.kind === 'lecture')
    throw usage('Expected no --journal with --model lecture, whose networks draw from one generator in turn');
  // every value is checked before the first network is trained
  const recipeOf: Prepared['recipeOf'] = async (params) =>
    readRecipe(model, { ...overrides, ...Object.fromEntries(axes.map(({ name }) => [AXES[name].key, params[name]])) });
  for (const { name, values: list } of axes)
    for (const value of list) await recipeOf({ ...first(axes), [name]: value });
  const save = values.text('save');
  const report = values.text('report');
  const seed = values.integer('seed', 0, LARGEST_SEED) ?? 0;
  const data = readDataOptions(values, values.positionals[0]);
  if (isFirst) {
    await checkApart({ '--save': save, '--report': report, '--journal': journal }, filesOf(data));
    if (save !== undefined) await checkDestination('--save', save);
    if (report !== undefined) await checkReport('--report', report);
    if (journal !== undefined) await checkDestination('--journal', journal);
  }
  out.reading(data.source);
  const split = await splitFor(recipe, dataFor(recipe, data), seed);
  if (split.decided) out.note(split.decided);
  const { meaning, train, test } = split;
  const total = axes.reduce((product, axis) => product * axis.values.length, 1);
  out.note(
    `${split.name}: ${count(total, 'network')} on ${count(train.x.shape[0], 'sample')}${test ? `, tested on ${test.x.shape[0].toLocaleString('en-US')}` : ''}${world ? `, by ${world.size} ranks` : ''}`,
  );
  return {
    ...{ axes, recipe, recipeOf, seed, split, total, score: meaning.classes ? 'accuracy' : 'R²' },
    ...(save !== undefined && { save }),
    ...(report !== undefined && { report }),
    ...(journal !== undefined && { journal }),
  };
}

/** Trains all networks. @returns no result where it was stopped */
async function search(prepared: Prepared, out: Output, progress: GridProgress, crew: Crew) {
  const { world } = crew;
  const { axes, recipe, recipeOf, seed, split, journal } = prepared;
  const { meaning, train, test } = split;
  const random = new RandomState(seed);
  const abort = new AbortController();
  const release = world ? holdSignals() : () => {};
  const { result, by: own } = await interruptible(
    (reason) => {
      abort.abort();
      if (reason === 'SIGINT') out.alert('\nStopping; Ctrl-C again leaves at once');
    },
    () =>
      gridSearch(
        {
          grid: Object.fromEntries(axes.map((axis) => [axis.name, axis.values])),
          build: async (params) => modelFor(await recipeOf(params), meaning, train, seed, random),
          train: [train.x, train.y],
          ...(test && { test: [test.x, test.y] }),
          signal: abort.signal,
          ...(world && { distributed: world }),
          ...(journal !== undefined && { journal }),
          onResult: (found, _, { done }) => progress.add(found, done),
        },
        { recipe, seed, data: journal && digestOf([train, ...(test ? [test] : [])]) },
      ).catch((error) => {
        if (error.code === 'ERR_ABORTED' && (world || abort.signal.aborted)) return undefined;
        throw error;
      }),
  );
  progress.end();
  const by = (await crew.hear(own)).find((one) => one);
  if (!by) release();
  return { result, by };
}

/** Tells and writes what was found. */
async function finish(
  out: Output,
  { axes, recipe, seed, split, total, score, save, report, journal }: Prepared,
  progress: GridProgress,
  seconds: number,
  result: SearchResult | undefined,
  by: Interruption | undefined,
): Promise<number> {
  if (!result) {
    if (journal !== undefined) out.alert('To go on: the same command again');
    out.alert(
      `Stopped after ${progress.done} of ${count(total, 'network')}${progress.best ? `; best so far: ${progress.describe(progress.best)}` : ''}`,
    );
    return exitCode(by ?? 'SIGINT');
  }
  const { train, test } = split;
  const { version, blas, blasCore, blasLinkage, simd, threads } = buildInfo();
  const grid: Grid = {
    version: 1,
    axes,
    results: result.results.map((r) => ({
      params: r.params,
      trainScore: finite(r.trainScore),
      testScore: finite(r.testScore),
      seconds: r.seconds,
      ...(r.error && { error: r.error.message }),
    })),
    best: result.results.indexOf(result.best),
    score,
    data: split.name,
    samples: { train: train.x.shape[0], test: test?.x.shape[0] ?? 0 },
    recipe,
    seed,
    seconds,
    build: { version, blas, blasCore, blasLinkage, simd, threads, node: process.versions.node },
    saved: new Date().toISOString(),
  };
  const { path, error } =
    save === undefined ? {} : await writeOrSpare(['--save', save], SPARE, (path) => saveGrid(path, grid));
  announce(out, grid, progress.describe(result.best));
  if (path !== undefined) out.say(`Saved: ${path}`);
  if (error) throw error;
  if (report !== undefined) {
    await writeGridReport(report, grid);
    out.say(`Report: ${report}`);
  }
  return EXIT.done;
}

/** Tells the rows of one table, or one split, from those of another. */
function digestOf(samples: readonly Samples[]): string {
  const hash = createHash('sha256');
  for (const { x, y } of samples)
    for (const { data } of [x, y]) hash.update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  return hash.digest('hex').slice(0, 16);
}

const finite = (value: number) => (Number.isFinite(value) ? value : null);

const first = (axes: Grid['axes']) => Object.fromEntries(axes.map(({ name, values }) => [name, values[0]]));

function readAxes(texts: readonly string[]): Grid['axes'] {
  const given = texts.length > 0 ? texts : ['learning-rate=1e-5:10:7', 'l2=1e-5:10:7'];
  const axes = given.map((text) => {
    const [, written, list] = /^([^=]+)=(.+)$/.exec(text) ?? [];
    if (written === undefined)
      throw usage(`Expected --search to be NAME=VALUES, such as learning-rate=0.1,0.01, got '${text}'`);
    const name = ALIASES[written] ?? written;
    if (!Object.hasOwn(AXES, name)) {
      const names = Object.keys(AXES);
      throw usage(`Expected --search to name one of ${names.join(', ')}${didYouMean(name, names)}, got '${written}'`);
    }
    return { name, values: readValues(name, list) };
  });
  const twice = axes.find(({ name }, i) => axes.findIndex((axis) => axis.name === name) < i);
  if (twice) throw usage(`Expected --search to name ${twice.name} once, got it twice`);
  const total = axes.reduce((product, { values }) => product * values.length, 1);
  if (total > MOST_NETWORKS) throw usage(`Expected --search to make ${MOST_NETWORKS} networks or fewer, got ${total}`);
  return axes;
}

function readValues(name: string, text: string): GridValue[] {
  const option = `--search ${name}`;
  const range = text.split(':');
  if (range.length === 1) return text.split(',').map((part) => AXES[name].read(option, part.trim()));
  if (range.length !== 3) throw usage(`Expected ${option} to be a list or FIRST:LAST:COUNT, got '${text}'`);
  const [from, to] = range.slice(0, 2).map((part) => readNumber(option, part, Number.MIN_VALUE));
  const decade = (value: number) => {
    const exponent = Math.log10(value);
    return Math.abs(exponent - Math.round(exponent)) < 1e-12 ? Math.round(exponent) : exponent;
  };
  const values = Array.from(logspace(decade(from), decade(to), readInteger(option, range[2], 1, MOST_NETWORKS)).data);
  return values.map((value) => AXES[name].read(option, String(value)));
}

/** One network of the grid, with the score that all are compared by. */
function modelFor(recipe: Recipe, meaning: Meaning, train: Samples, seed: number, random: RandomState): Candidate {
  const { classes } = meaning;
  if (recipe.kind === 'lecture') {
    const [nHiddenNeurons] = recipe.hidden;
    // one generator for all, drawn from in the order of the grid, as the lecture's loop does
    return new NeuralNetwork(train.x, toCategorical(train.y, classes?.length), {
      nHiddenNeurons,
      nCategories: classes?.length,
      epochs: recipe.epochs,
      batchSize: recipe.batchSize as number,
      eta: recipe.learningRate,
      lmbd: recipe.l2,
      randomState: random,
    });
  }
  if (recipe.kind === 'sklearn') return buildEstimator(recipe, meaning, seed) as Candidate;
  const model = buildSequential(recipe, meaning, seed);
  return {
    fit: (x, y, { signal }) =>
      model.fit(x, fitTargets(model, y, meaning), {
        epochs: recipe.epochs,
        batchSize: recipe.batchSize as number,
        ...(signal && { signal }),
      }),
    predict: (x) => model.predict(x),
    async score(x, y) {
      const output = await model.predict(x, { batchSize: 256 });
      return classes ? accuracyScore(y, classCodes(model, output)) : (r2Score(y, output.reshape(-1)) as number);
    },
  };
}

/** Tells of every network as it is done: on a terminal in one line that is drawn over and over. */
class GridProgress {
  readonly #out: Output;
  readonly #score: Grid['score'];
  readonly #total: number;
  readonly #begun = performance.now();
  readonly #draws = process.stderr.isTTY === true;
  #trained = 0;
  done = 0;
  best: GridResult | undefined;

  constructor(out: Output, score: Grid['score'], total: number) {
    this.#out = out;
    this.#score = score;
    this.#total = total;
  }

  add(result: GridResult, done: number): void {
    this.done = done; // those of a journal among them
    this.#trained++;
    const { params, trainScore, testScore, seconds: time, error } = result;
    this.#out.document({
      type: 'network',
      params,
      trainScore,
      testScore,
      seconds: time,
      ...(error && { error: error.message }),
    });
    if (!error && !(this.#value(result) <= this.#value(this.best))) this.best = result;
    if (this.#out.quiet) return;
    if (!this.#draws) {
      process.stderr.write(`[${done}/${this.#total}] ${this.describe(result)}\n`);
      return;
    }
    const left = ((performance.now() - this.#begun) / this.#trained) * (this.#total - done);
    const parts = [
      `${done}/${this.#total}`,
      `ETA ${seconds(left / 1000)}`,
      ...(this.best ? [`best ${this.describe(this.best)}`] : []),
    ];
    process.stderr.write(`\r\x1b[K${parts.join(' - ').slice(0, (process.stderr.columns || 80) - 1)}`);
  }

  end(): void {
    if (this.#draws && !this.#out.quiet && this.done > 0) process.stderr.write('\r\x1b[K');
  }

  describe({ params, trainScore, testScore, error }: GridResult): string {
    const what = Object.entries(params).map(
      ([name, value]) => `${name} ${typeof value === 'number' ? short(value) : written(value)}`,
    );
    if (error) return `${what.join(', ')}: failed (${error.message})`;
    return `${what.join(', ')}: ${this.#score} ${this.#format(trainScore)} in training, ${this.#format(testScore)} in the test`;
  }

  #value(result: GridResult | undefined): number {
    return result === undefined ? Number.NaN : Number.isNaN(result.testScore) ? result.trainScore : result.testScore;
  }

  #format(score: number): string {
    return this.#score === 'accuracy' ? percent(score) : short(score);
  }
}

function announce(out: Output, grid: Grid, best: string): void {
  const { axes, results, score } = grid;
  out.document({
    type: 'result',
    best: results[grid.best],
    networks: results.length,
    seconds: grid.seconds,
    seed: grid.seed,
  });
  if (axes.length <= 2) {
    const [y, x] = axes.length === 2 ? axes : [undefined, axes[0]];
    for (const name of ['trainScore', 'testScore'] as const) {
      const label = name === 'trainScore' ? 'Training' : 'Test';
      const plot = heatmap(scores(grid, name).reshape(y?.values.length ?? 1, x.values.length), {
        x: axisValues(x.values),
        xLabel: x.name,
        ...(y ? { y: axisValues(y.values), yLabel: y.name } : { y: [''] }),
        title: `${label} ${score}`,
      });
      out.say();
      out.draw(plot.text(out.json ? { color: false } : {}));
    }
    out.say();
  }
  out.say(`${count(results.length, 'network')} in ${seconds(grid.seconds)}; the best: ${best}`);
}
