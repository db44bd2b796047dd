import type { NDArray } from '../array.js';
import { writeFileAtomic } from '../io/atomic.js';
import type { Sequential } from '../models/sequential.js';
import * as plots from '../plots/index.js';
import {
  facts,
  figure,
  type Html,
  note,
  numbers,
  pair,
  paragraph,
  renderPage,
  type Section,
  table,
} from '../report/index.js';
import { precisionRecallFscoreSupport } from '../scores/precision-recall.js';
import type { Assessment } from './assessment.js';
import type { Split } from './dataset.js';
import { checkDestination } from './destinations.js';
import { unwritable } from './errors.js';
import { axisValues, type Grid, scores, written } from './grid-file.js';
import { count, percent, seconds, short } from './output.js';
import { hasOwnLoop } from './recipe.js';
import { curvesSection, predictionsSection } from './run-curves.js';
import { dataSection } from './run-data.js';
import type { Run } from './run-file.js';
import { importancesSection } from './run-importances.js';
import { mistakesSection } from './run-mistakes.js';

/** What a report is made of. */
export interface ReportInput {
  readonly model: Sequential;
  readonly run: Run;
  readonly split: Split;
  readonly assessment?: Assessment;
  readonly grid?: Grid;
}

/** Confusion matrices of more classes are unreadable. */
const MOST_CLASSES = 40;

/** Makes sure, before the work, that a report can be drawn and written. */
export async function checkReport(option: string, path: string): Promise<void> {
  await checkDestination(option, path, 2 ** 20);
  await plots.network({ sizes: [1, 1] }).svg();
}

export async function writeRunReport(path: string, input: ReportInput): Promise<void> {
  await write(path, await runReport(input));
}

export async function writeGridReport(path: string, grid: Grid): Promise<void> {
  const { build, saved } = grid;
  await write(
    path,
    renderPage({
      title: `Grid search on ${grid.data}`,
      lead: `${count(grid.results.length, 'network')}, trained on ${count(grid.samples.train, 'sample')} and tested on ${grid.samples.test.toLocaleString('en-US')}`,
      sections: [await gridSection(grid), buildSection(build, grid.seed)],
      footer: `fjordnet ${build.version}, ${saved.slice(0, 10)}`,
    }),
  );
}

async function write(path: string, page: string): Promise<void> {
  try {
    await writeFileAtomic(path, [Buffer.from(page)]);
  } catch (error) {
    throw unwritable('--report', path, error);
  }
}

/** The whole page. */
export async function runReport(input: ReportInput): Promise<string> {
  const { run, split, assessment, grid, model } = input;
  const { meaning, name } = split;
  const what = meaning.classes ? 'Classification' : 'Regression';
  const sections: (Section | undefined | false)[] = [
    resultSection(run, assessment),
    dataSection(run, split),
    await networkSection(run, model),
    await trainingSection(run, model),
    assessment?.classification && (await classesSection(split, assessment.classification)),
    assessment?.classification && (await curvesSection(split, assessment.classification.probabilities)),
    assessment?.numbers && (await predictionsSection(split, assessment.numbers)),
    assessment && Number.isFinite(assessment.loss) && (await importancesSection(model, run, split)),
    assessment?.classification && (await mistakesSection(run, split, assessment.classification)),
    await weightsSection(model),
    grid && (await gridSection(grid)),
    buildSection(run.build, run.seed),
  ];
  return renderPage({
    title: `${what} of ${name}`,
    lead: `${NAMES[run.recipe.kind]}, trained on ${count(run.samples.train, 'sample')}`,
    sections: sections.filter((section): section is Section => Boolean(section)),
    footer: `fjordnet ${run.build.version}, ${run.saved.slice(0, 10)}`,
  });
}

const NAMES = {
  mlp: 'A network of dense layers',
  cnn: 'A convolutional network',
  lecture: "The lecture's network",
  sklearn: "scikit-learn's multi-layer perceptron",
  file: 'A network',
} as const;

function resultSection(run: Run, assessment: Assessment | undefined): Section {
  const { history } = run.history;
  const last = (name: string) => history[name]?.at(-1);
  const scores: [string, string][] = [];
  if (assessment?.classification) scores.push([percent(assessment.classification.accuracy), 'test accuracy']);
  if (assessment?.regression) {
    scores.push([short(assessment.regression.r2), 'test R²']);
    scores.push([short(assessment.regression.meanAbsoluteError), 'test mean absolute error']);
  }
  if (assessment) scores.push([short(assessment.loss), 'test loss']);
  if (last('val_accuracy') !== undefined) scores.push([percent(last('val_accuracy') as number), 'validation accuracy']);
  if (last('accuracy') !== undefined) scores.push([percent(last('accuracy') as number), 'training accuracy']);
  scores.push([String(run.epochs), run.epochs === 1 ? 'epoch' : 'epochs'], [seconds(run.seconds), 'training time']);
  return {
    title: 'Result',
    content: [
      numbers(scores),
      ...(assessment
        ? []
        : [note('There is no test set: these numbers say nothing about samples that the network has not seen.')]),
    ],
  };
}

async function networkSection({ recipe }: Run, model: Sequential): Promise<Section> {
  const weights = model.getWeights();
  const shapes = model.outputShapes ?? [];
  let total = 0;
  const rows = model.layers.map((layer, i) => {
    const name = model.layerNames[i];
    const own = weights.filter((_, k) => model.weightNames[k].slice(0, model.weightNames[k].lastIndexOf('/')) === name);
    const size = own.reduce((sum, array) => sum + array.size, 0);
    total += size;
    const activation = layer.activation?.config.name ?? 'linear';
    const kind = activation === 'linear' ? layer.className : `${layer.className}, ${activation}`;
    return [`${name} (${kind})`, shapes[i]?.join(' × ') ?? '', size.toLocaleString('en-US')];
  });
  return {
    title: 'Network',
    content: [
      await figure(
        (drawing) => plots.network(model, drawing),
        'Layers from left to right; of large ones the first and the last nodes.',
      ),
      table(['Layer', 'Output', 'Parameters'], rows, { caption: 'Layers', numeric: [2] }),
      paragraph(`${count(total, 'parameter')} in ${model.dtype}.`),
      ...(recipe.l2 > 0 ? [note(`L2 regularization of the weights: ${recipe.l2}.`)] : []),
    ],
  };
}

async function trainingSection(run: Run, model: Sequential): Promise<Section> {
  const { recipe, history, validation, patience } = run;
  const { name, learningRate } = hasOwnLoop(recipe)
    ? { name: recipe.optimizer, learningRate: recipe.learningRate }
    : model.optimizer.config;
  const rate = typeof learningRate === 'number' ? `, learning rate ${learningRate}` : '';
  return {
    title: 'Training',
    content: [
      ...(history.epoch.length > 0
        ? [
            await figure(
              (drawing) => plots.history({ ...history } as plots.HistoryInput, drawing),
              'Loss and metrics after every epoch.',
            ),
          ]
        : [note('This training has no curve.')]),
      facts([
        ['Optimizer', `${name}${rate}${recipe.momentum === undefined ? '' : `, momentum ${recipe.momentum}`}`],
        ['Batch size', String(recipe.batchSize)],
        ['Epochs', `${run.epochs} of at most ${recipe.epochs}`],
        ...(patience === undefined
          ? []
          : ([['Early stopping', `after ${count(patience, 'epoch')} without a better validation`]] as const)),
        ...(validation > 0 && run.samples.validation > 0 ? [] : ([['Validation', 'none']] as const)),
        ['Time', `${seconds(run.seconds)}, ${seconds(run.seconds / Math.max(1, run.epochs))} an epoch`],
      ]),
    ],
  };
}

async function classesSection(
  { meaning, test }: Split,
  { matrix, predicted }: NonNullable<Assessment['classification']>,
): Promise<Section> {
  const classes = (meaning.classes ?? []).map(String);
  const codes = classes.map((_, i) => i);
  const y = (test as NonNullable<Split['test']>).y;
  const { precision, recall, fscore, support } = precisionRecallFscoreSupport(y, predicted, {
    labels: codes,
    zeroDivision: 0,
  });
  const fixed = (array: NDArray, i: number) => array.data[i].toFixed(3);
  return {
    title: 'Classes',
    content: [
      ...(classes.length <= MOST_CLASSES
        ? [
            await figure(
              (drawing) => plots.confusionMatrix(matrix, { ...drawing, labels: classes }),
              'What the test samples are (rows) and what they were taken for (columns).',
              { most: 600 },
            ),
          ]
        : []),
      table(
        ['Class', 'Precision', 'Recall', 'F1', 'Test samples'],
        classes.map((name, i) => [
          name,
          fixed(precision, i),
          fixed(recall, i),
          fixed(fscore, i),
          String(support.data[i]),
        ]),
        { caption: 'Scores of every class', numeric: [1, 2, 3, 4] },
      ),
    ],
  };
}

async function weightsSection(model: Sequential): Promise<Section> {
  const convolutional = model.layers.some((layer) => layer.className === 'Conv2D');
  return {
    title: 'Weights',
    content: [
      ...(convolutional
        ? [
            await figure((drawing) => plots.filters(model, drawing), 'The kernels of the first convolution.', {
              most: 600,
            }),
          ]
        : []),
      await figure((drawing) => plots.weights(model, drawing), 'How the weights of every layer are distributed.'),
    ],
  };
}

async function gridSection(grid: Grid): Promise<Section> {
  const { axes, results, best, score } = grid;
  const winner = results[best];
  const failed = results.filter((result) => result.error !== undefined).length;
  return {
    title: 'Grid search',
    content: [
      paragraph(
        `${count(results.length, 'network')} in ${seconds(grid.seconds)}. The best test ${score}, ${formatScore(grid, winner.testScore)}, has ${Object.entries(
          winner.params,
        )
          .map(([name, value]) => `${name} ${written(value)}`)
          .join(' and ')}.`,
      ),
      ...(axes.length <= 2 ? [await heatmaps(grid)] : [bestTable(grid)]),
      ...(failed > 0
        ? [note(`${count(failed, 'network')} failed, mostly since training diverged; their cells are empty.`)]
        : []),
    ],
  };
}

const formatScore = ({ score }: Grid, value: number | null) =>
  value === null ? 'none' : score === 'accuracy' ? percent(value) : short(value);

async function heatmaps(grid: Grid): Promise<Html> {
  const [y, x] = grid.axes.length === 2 ? grid.axes : [undefined, grid.axes[0]];
  const draw = (name: 'trainScore' | 'testScore', label: string) =>
    figure(
      (drawing) =>
        plots.heatmap(scores(grid, name).reshape(y?.values.length ?? 1, x.values.length), {
          ...drawing,
          x: axisValues(x.values),
          xLabel: x.name,
          ...(y ? { y: axisValues(y.values), yLabel: y.name } : { y: [''] }),
          valueLabel: `${label} ${grid.score}`,
          title: `${label[0].toUpperCase()}${label.slice(1)} ${grid.score}`,
          ...(grid.score === 'accuracy' && { domain: [0, 1] as const }),
        }),
      label === 'test' ? 'On samples that were held out.' : 'On the samples that were trained on.',
      { half: true },
    );
  return pair(await draw('trainScore', 'training'), await draw('testScore', 'test'));
}

function bestTable(grid: Grid): Html {
  const order = grid.results
    .map((result, i) => [result, i] as const)
    .sort(([a], [b]) => (b.testScore ?? Number.NEGATIVE_INFINITY) - (a.testScore ?? Number.NEGATIVE_INFINITY))
    .slice(0, 25);
  const names = grid.axes.map((axis) => axis.name);
  return table(
    [...names, `Training ${grid.score}`, `Test ${grid.score}`, 'Time'],
    order.map(([result]) => [
      ...names.map((name) => written(result.params[name])),
      formatScore(grid, result.trainScore),
      formatScore(grid, result.testScore),
      seconds(result.seconds),
    ]),
    { caption: 'The best of the grid', numeric: [names.length, names.length + 1, names.length + 2] },
  );
}

function buildSection(build: Run['build'], seed: number): Section {
  return {
    title: 'To repeat it',
    content: [
      facts([
        ['Seed', String(seed)],
        ['fjordnet', build.version],
        ['Matrix library', `${build.blas} (${build.blasCore}, ${build.blasLinkage})`],
        ['Instruction set', build.simd],
        ['Threads', String(build.threads)],
        ['Node.js', build.node],
      ]),
      note(
        'The same seed, data and options give the same numbers on this kind of processor, with any number of threads.',
      ),
    ],
  };
}
