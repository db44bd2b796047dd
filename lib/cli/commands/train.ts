import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Board } from '../../board/index.js';
import { type Callback, callbacks, type Logs } from '../../callbacks/index.js';
import { buildInfo, setThreads } from '../../info.js';
import { type Assessment, assess } from '../assessment.js';
import type { Crew } from '../crew.js';
import { filesOf, readDataOptions } from '../data-options.js';
import { type DataOptions, type Split, trainedOn } from '../dataset.js';
import { checkApart, checkDestination, checkFolder, writeOrSpare } from '../destinations.js';
import { EXIT, usage } from '../errors.js';
import { exitCode, type Interruption } from '../interrupt.js';
import { LARGEST_SEED, MOST_THREADS, type Values } from '../options.js';
import { argument, count, Output, percent, seconds, short } from '../output.js';
import { isFolder } from '../pictures.js';
import { buildSequential, dataFor, hasOwnLoop, type Recipe, readRecipe, splitFor } from '../recipe.js';
import { readOverrides } from '../recipe-options.js';
import { expectedBytes, loadOwnRun, loadTrained, type Run, saveRun } from '../run-file.js';
import { checkReport, writeRunReport } from '../run-report.js';
import { type Outcome, train } from '../training.js';

/** Where Ctrl-C saves the network of a training that has no --save. */
const CHECKPOINT = 'fjordnet-checkpoint.safetensors';

/** All that one training is made of, from options or from a file. */
interface Plan {
  readonly data: DataOptions;
  readonly recipe: Recipe;
  readonly seed: number;
  readonly validation: number;
  readonly patience?: number;
  /** Whether rare classes weigh more. */
  readonly balanced?: boolean;
  readonly before?: Pick<Outcome, 'model' | 'epochs' | 'history'> & { readonly seconds: number };
  /** The data as they were split before. */
  readonly split?: Split;
}

/** A training that may begin. */
interface Prepared {
  readonly plan: Plan;
  readonly split: Split;
  /** The share that is validated on. */
  readonly validation: number;
  readonly save?: string;
  readonly report?: string;
  readonly folder?: string;
  readonly page?: Board;
}

/** @returns the exit code */
export async function run(values: Values, crew: Crew): Promise<number> {
  const isSilent = !crew.isFirst;
  const out = new Output({ json: values.switch('json'), quiet: values.switch('quiet'), isSilent });
  const prepared = await crew.each(() => prepare(values, out, crew));
  const { plan, split, validation, folder, page } = prepared;
  const { recipe, seed, patience, before } = plan;
  const outcome = await crew.each(() =>
    train({
      recipe,
      meaning: split.meaning,
      samples: split.train,
      seed,
      validation,
      ...(patience !== undefined && { patience }),
      ...(plan.balanced && { balanced: true }),
      ...(before && { before }),
      callbacks: [
        ...(out.quiet ? [] : [callbacks.progressBar({ stream: process.stderr })]),
        ...(out.json ? [epochDocuments(out)] : []),
        ...(folder === undefined ? [] : [callbacks.tensorBoard(folder, { histogramFreq: 1 })]),
        ...(page ? [page] : []),
      ],
      onStop: (by) => announceStop(out, by),
      crew,
    }),
  );
  return crew.first(() => finish(out, prepared, outcome));
}

/** Reads options and data, and makes sure that results can be written. */
async function prepare(values: Values, out: Output, { world, isFirst }: Crew): Promise<Prepared> {
  const threads = values.integer('threads', 1, MOST_THREADS);
  if (threads !== undefined) setThreads(threads);
  const resumed = values.text('resume');
  const plan = resumed === undefined ? await planFromOptions(values) : await planFromFile(values, resumed);
  const { data, recipe, seed, before } = plan;
  if (world) checkAmongRanks(recipe);
  const save = values.text('save') ?? resumed;
  const report = values.text('report');
  const folder = values.text('tensorboard');
  const port = values.integer('board', 0, 65535);
  for (const [name, given] of Object.entries({ tensorboard: folder, board: port }))
    if (given !== undefined && hasOwnLoop(recipe))
      throw usage(`Expected no --${name} with --model ${recipe.kind}, which has no callbacks`);
  if (isFirst) {
    await checkApart({ '--save': save, '--report': report }, filesOf(data));
    if (save !== undefined) await checkDestination('--save', save);
    if (report !== undefined) await checkReport('--report', report);
    if (folder !== undefined) await checkFolder('--tensorboard', folder);
  }

  out.reading(data.source);
  const split = plan.split ?? (await splitFor(recipe, data, seed));
  if (plan.balanced && !before && !split.meaning.classes)
    throw usage(`Expected no --class-weight with '${split.name}', whose labels are numbers`);
  if (split.decided) out.note(split.decided);
  const validation = validationOf(plan, split.train.x.shape[0], out);
  if (save !== undefined && isFirst)
    await checkDestination(
      '--save',
      save,
      expectedBytes(before?.model ?? buildSequential(sized(recipe), split.meaning, seed)),
    );
  describe(out, split, recipe, validation, before);
  if (world)
    out.note(
      `${world.size} ranks, each on ${recipe.batchSize === 'auto' ? '200' : recipe.batchSize} samples of a batch`,
    );
  return {
    ...{ plan, split, validation },
    ...(save !== undefined && { save }),
    ...(report !== undefined && { report }),
    ...(folder !== undefined && { folder }),
    ...(port !== undefined && isFirst && { page: await openBoard(out, port, split.name) }),
  };
}

async function openBoard(out: Output, port: number, title: string): Promise<Board> {
  const { board } = await import('../../board/index.js');
  const page = board({ port, title, verbose: 0 });
  out.alert(`Board: ${await page.open()}`);
  return page;
}

/** What several ranks cannot train. */
function checkAmongRanks({ kind, optimizer }: Recipe): void {
  const one = 'is trained by one process: start it without mpirun';
  if (kind === 'lecture') throw usage(`Expected another --model than lecture among ranks, as that ${one}`);
  if (kind === 'sklearn' && optimizer === 'lbfgs')
    throw usage(`Expected --optimizer sgd or adam among ranks, as what lbfgs trains ${one}`);
}

/** Tests and writes what was trained. */
async function finish(out: Output, prepared: Prepared, outcome: Outcome): Promise<number> {
  const { split, save, report } = prepared;
  if (outcome.diverged) {
    const { epochs } = outcome;
    out.document({ type: 'result', diverged: true, epochs });
    out.alert(
      `fjordnet: The training diverged: its loss is no number after ${count(epochs, 'epoch')}. A smaller --learning-rate or another --scale may help. Nothing was saved.`,
    );
    return EXIT.failed;
  }
  const result = runOf(prepared, outcome);
  const { by } = outcome;
  const { path, error } = save !== undefined || by ? await keep(out, save, outcome, result) : {};
  if (by) {
    if (path !== undefined) stopped(out, path, by, result);
    if (error) throw error;
    return exitCode(by);
  }

  const assessment = split.test && (await assess(outcome.model, split.test, split.meaning));
  announce(out, result, assessment, path);
  if (error) throw error;
  if (report !== undefined) {
    await writeRunReport(report, { model: outcome.model, run: result, split, ...(assessment && { assessment }) });
    out.say(`Report: ${report}`);
  }
  return EXIT.done;
}

async function planFromOptions(values: Values): Promise<Plan> {
  const source = values.positionals[0];
  if (source === undefined)
    throw usage(`Expected DATA, such as 'digits' or a CSV file, got none; fjordnet train --help shows an example`);
  const recipe = await readRecipe(values.text('model') ?? (isFolder(source) ? 'cnn' : 'mlp'), readOverrides(values));
  const data = readDataOptions(values, source);
  const patience = values.integer('patience', 1);
  if (patience !== undefined && recipe.kind === 'lecture') throw usage('Expected no --patience with --model lecture');
  const validation = values.number('validation', 0, 0.9);
  // it sets samples aside to stop early, and for nothing else
  const validates = recipe.kind !== 'sklearn' || patience !== undefined;
  if (validation && !validates) throw usage('Expected --patience with --validation and --model sklearn');
  if (validation === 0 && patience !== undefined && recipe.kind === 'sklearn')
    throw usage('Expected --validation above 0 with --patience and --model sklearn, which stops by its score');
  if (patience !== undefined && recipe.kind === 'sklearn' && recipe.optimizer === 'lbfgs')
    throw usage('Expected no --patience with --optimizer lbfgs, which has no epochs to wait for');
  const balanced = values.choice('class-weight', ['balanced']) !== undefined;
  if (balanced && hasOwnLoop(recipe)) throw usage(`Expected no --class-weight with --model ${recipe.kind}`);
  return {
    recipe,
    data: dataFor(recipe, data),
    seed: values.integer('seed', 0, LARGEST_SEED) ?? 0,
    validation: validates ? (validation ?? 0.1) : 0,
    ...(patience !== undefined && { patience }),
    ...(balanced && { balanced }),
  };
}

/** What may be said beside --resume; all else is in the file. */
const WITH_RESUME = [
  'resume',
  'epochs',
  'save',
  'report',
  'tensorboard',
  'board',
  'threads',
  'json',
  'quiet',
  'patience',
];

async function planFromFile(values: Values, path: string): Promise<Plan> {
  const surplus = values.given.find((name) => !WITH_RESUME.includes(name));
  if (surplus) throw usage(`Expected no --${surplus} beside --resume: it is kept in '${path}'`);
  if (values.positionals.length > 0) throw usage(`Expected no DATA beside --resume: it is kept in '${path}'`);
  const { model, run } = await loadOwnRun(path);
  const { data, recipe, seed, validation, history, epochs, seconds } = run;
  if (recipe.kind === 'sklearn')
    throw usage(
      `Expected '${path}' to be of --model mlp, cnn, lecture or FILE.json: an estimator of scikit-learn keeps its optimizer's memory to itself and cannot go on`,
    );
  if (data.source === '-')
    throw usage(`Expected the data of '${path}' to be a file to resume with, got standard input`);
  if (data.source !== 'digits' && !existsSync(data.source))
    throw usage(`Expected the data of '${path}' to be at '${data.source}', where they were trained on`);
  const wanted = values.integer('epochs', 1) ?? recipe.epochs;
  if (wanted <= epochs)
    throw usage(`Expected --epochs to be more than the ${epochs} that '${path}' was trained for, got ${wanted}`);
  if (recipe.kind === 'lecture' && values.given.includes('patience'))
    throw usage(`Expected no --patience: '${path}' is of --model lecture`);
  const patience = values.integer('patience', 1) ?? run.patience;
  return {
    split: await loadTrained(path, run),
    data,
    recipe: { ...recipe, epochs: wanted },
    seed,
    validation,
    before: { model, epochs, history, seconds },
    ...(run.balanced && { balanced: true }),
    ...(patience !== undefined && { patience }),
  };
}

/** For a network of as many weights: solvers and activations of scikit-learn's are none of layers. */
const sized = (recipe: Recipe): Recipe =>
  recipe.kind === 'sklearn' ? { ...recipe, activation: 'relu', optimizer: 'adam' } : recipe;

/** A validation set of no sample, or of all, is none. */
function validationOf({ validation }: Plan, n: number, out: Output): number {
  const kept = trainedOn(n, validation);
  if (validation === 0 || (kept > 0 && kept < n)) return validation;
  out.note(`Too few samples (${n}) to validate on ${percent(validation)} of them: going without`);
  return 0;
}

function describe(out: Output, split: Split, recipe: Recipe, validation: number, before: Plan['before']): void {
  const { train, test, meaning, name } = split;
  const n = train.x.shape[0];
  const held = n - trainedOn(n, validation);
  const parts = [
    `${(n - held).toLocaleString('en-US')} to train on`,
    held && `${held.toLocaleString('en-US')} to validate`,
    test && `${test.x.shape[0].toLocaleString('en-US')} to test`,
  ];
  const what = meaning.classes
    ? `${meaning.classes.length} classes`
    : `numbers${meaning.target ? ` (${meaning.target})` : ''}`;
  out.note(
    `${name}: ${count(n + (test?.x.shape[0] ?? 0), 'sample')} of ${meaning.inputShape.join(' x ')}, ${what}; ${parts.filter(Boolean).join(', ')}`,
  );
  if (split.transformer) for (const line of split.transformer.describe().split('\n')) out.note(`  ${line}`);
  for (const line of split.doubts ?? []) out.note(`  ${line}`);
  if (before) out.note(`Going on after ${count(before.epochs, 'epoch')}, up to ${recipe.epochs}`);
}

function epochDocuments(out: Output): Callback {
  return {
    onEpochEnd(epoch: number, logs: Logs) {
      out.document({ type: 'epoch', epoch: epoch + 1, ...logs });
    },
  };
}

function announceStop(out: Output, by: Interruption): void {
  if (by === 'SIGINT') out.alert('\nStopping after this batch; Ctrl-C again leaves at once');
  else if (by !== 'SIGPIPE') out.alert(`\nStopping after this batch (${by})`);
}

function runOf({ plan, split, validation }: Prepared, outcome: Outcome): Run {
  const { meaning, train, test, transformer } = split;
  const { version, blas, blasCore, blasLinkage, simd, threads } = buildInfo();
  const n = train.x.shape[0];
  const kept = trainedOn(n, validation);
  const { data, recipe, seed, patience, balanced, before } = plan;
  return {
    version: 1,
    data,
    recipe,
    meaning,
    seed,
    validation,
    ...(patience !== undefined && { patience }),
    ...(balanced && { balanced }),
    samples: { train: kept, validation: n - kept, test: test?.x.shape[0] ?? 0 },
    epochs: outcome.epochs,
    history: outcome.history,
    seconds: outcome.seconds + (before?.seconds ?? 0),
    build: { version, blas, blasCore, blasLinkage, simd, threads, node: process.versions.node },
    saved: new Date().toISOString(),
    ...(transformer && { transformer }),
  };
}

/** Where the network was saved: where it was asked for, or as a checkpoint. */
function keep(out: Output, save: string | undefined, { model, by }: Outcome, run: Run) {
  const wanted = save === undefined ? (['the checkpoint', CHECKPOINT] as const) : (['--save', save] as const);
  return writeOrSpare(wanted, save && CHECKPOINT, async (path) => {
    if (path === CHECKPOINT) await checkDestination('the checkpoint', path, expectedBytes(model));
    await saveRun(resolve(path), model, run);
    if (!by) out.say(`Saved: ${path}`);
  });
}

function stopped(out: Output, path: string, by: Interruption, run: Run): void {
  out.document({ type: 'stopped', by, epochs: run.epochs, saved: path });
  if (by === 'SIGPIPE') return;
  out.alert(`Stopped after ${run.epochs} of ${count(run.recipe.epochs, 'epoch')}; saved to ${path}`);
  if (run.recipe.kind === 'sklearn')
    out.alert('It can predict; an estimator of scikit-learn cannot go on from a file.');
  else if (run.data.source !== '-') {
    out.alert(`To go on: fjordnet train --resume ${argument(path)}`);
    out.alert('An epoch that was cut short is done again from its beginning.');
  }
}

function announce(out: Output, run: Run, assessment: Assessment | undefined, saved: string | undefined): void {
  const last = Object.fromEntries(
    Object.entries(run.history.history).map(([name, values]) => [name, values.at(-1) as number]),
  );
  const test = assessment && {
    loss: assessment.loss,
    ...(assessment.classification && { accuracy: assessment.classification.accuracy }),
    ...assessment.regression,
  };
  out.document({
    type: 'result',
    epochs: run.epochs,
    seconds: run.seconds,
    seed: run.seed,
    training: last,
    test,
    saved,
  });
  out.say(`Trained for ${count(run.epochs, 'epoch')} in ${seconds(run.seconds)}`);
  if (assessment?.classification)
    out.say(
      `Test accuracy ${percent(assessment.classification.accuracy)} (${count(assessment.samples, 'sample')}, loss ${short(assessment.loss)})`,
    );
  if (assessment?.regression) {
    const { r2, meanAbsoluteError, rootMeanSquaredError } = assessment.regression;
    out.say(
      `Test R² ${short(r2)}, mean absolute error ${short(meanAbsoluteError)}, root mean squared error ${short(rootMeanSquaredError)}`,
    );
  }
  if (saved !== undefined) out.say(`To predict: fjordnet predict ${argument(saved)} DATA`);
}
