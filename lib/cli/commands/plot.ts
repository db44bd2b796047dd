import type { NDArray } from '../../array.js';
import { didYouMean } from '../../check.js';
import { isError, isNDArray, isTextPlot } from '../../kind.js';
import type { Sequential } from '../../models/sequential.js';
import * as plots from '../../plots/index.js';
import { classCodes } from '../../tables/network-step.js';
import { assess, drawable, imagesOf } from '../assessment.js';
import { checkNoSource, readSourceOptions } from '../data-options.js';
import { loadFor, type Samples } from '../dataset.js';
import { checkApart, checkDestination } from '../destinations.js';
import { CommandError, EXIT, unwritable, usage } from '../errors.js';
import { readExchanged } from '../exchange.js';
import { axisValues, loadGrid, scores } from '../grid-file.js';
import type { Values } from '../options.js';
import { Output } from '../output.js';
import { isFolder } from '../pictures.js';
import { PLOTS } from '../plot-command.js';
import { MOST_CURVES, regressionLabels } from '../run-curves.js';
import { loadOwnRun, loadTrained, type Run, runOf } from '../run-file.js';
import { columnsOf, importancesOf } from '../run-importances.js';
import { surenessOf } from '../run-mistakes.js';
import { readSource } from '../sources.js';

type Kind = keyof typeof PLOTS;

/** Drawn from what a network makes of samples. */
const TESTED = [
  'confusion',
  'mistakes',
  'boundary',
  'roc',
  'precision-recall',
  'calibration',
  'thresholds',
  'predictions',
  'residuals',
  'importances',
] as const;
type Tested = (typeof TESTED)[number];

/** Which figures options are of that are not of all. */
const USED: Readonly<Record<string, readonly Kind[]>> = {
  set: ['heatmap'],
  limit: ['images', 'importances', 'mistakes'],
};

const isTested = (kind: Kind): kind is Tested => (TESTED as readonly Kind[]).includes(kind);

/** @returns the exit code */
export async function run(values: Values): Promise<number> {
  const out = new Output({ json: values.switch('json') });
  const [kind, ...sources] = values.positionals;
  if (!Object.hasOwn(PLOTS, kind)) {
    const kinds = Object.keys(PLOTS);
    throw usage(`Expected KIND to be one of ${kinds.join(', ')}${didYouMean(kind, kinds)}, got '${kind}'`);
  }
  const file = values.text('out');
  if (file !== undefined) {
    if (!/\.(svg|png|json)$/i.test(file)) throw usage(`Expected --out to end in .svg, .png or .json, got '${file}'`);
    await checkApart(
      { '--out': file },
      Object.fromEntries(sources.map((source, i) => [i === 0 ? 'MODEL' : 'DATA', source])),
    );
    await checkDestination('--out', file);
  }
  const width = values.number('width', 240, 4000);
  const theme = values.choice('theme', ['light', 'dark', 'auto']);
  const title = values.text('title');
  const frame = {
    ...(width !== undefined && { width }),
    ...(theme && { theme }),
    ...(title !== undefined && { title }),
  };
  const plot = await draw(kind as Kind, sources, values, frame);
  if (file === undefined) {
    if (!isTextPlot(plot)) throw usage(`Expected --out FILE.svg or FILE.png, since ${kind} has no text form, got none`);
    out.draw(plot.text());
    out.document({ title: plot.title, description: plot.description });
    return EXIT.done;
  }
  const scale = values.number('scale', 0, 16);
  try {
    await plot.save(file, scale === undefined ? {} : { scale });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).syscall) throw unwritable('--out', file, error);
    throw error;
  }
  out.document({ file, title: plot.title, description: plot.description });
  out.say(`${plot.title}: ${file}`);
  return EXIT.done;
}

/** An option that a figure has no use for is a mistake that should be told. */
function checkUse(kind: Kind, [first, second]: readonly string[], values: Values): void {
  if ((kind === 'images' ? first : isTested(kind) ? second : undefined) === undefined) checkNoSource(values);
  for (const [name, kinds] of Object.entries(USED))
    if (values.given.includes(name) && !kinds.includes(kind))
      throw usage(`Expected no --${name} with ${kind}, but with ${kinds.join(', ')}`);
}

async function draw(
  kind: Kind,
  sources: readonly string[],
  values: Values,
  frame: plots.PlotOptions,
): Promise<plots.Plot> {
  checkUse(kind, sources, values);
  if (kind === 'activation')
    return plots.activation(sources.length > 0 ? (sources as plots.ActivationName[]) : undefined, frame);
  const [source, data, ...surplus] = sources;
  const takesData = isTested(kind);
  if (source === undefined)
    throw usage(
      `Expected ${kind === 'images' ? 'DATA' : kind === 'heatmap' ? 'GRID' : 'MODEL'} after ${kind}, got none: ${PLOTS[kind]}`,
    );
  const extra = takesData ? surplus[0] : data;
  if (extra !== undefined) throw usage(`Expected no argument '${extra}' after ${source}`);
  const limit = values.integer('limit', 1) ?? 20;
  switch (kind) {
    case 'images': {
      const { x, y, imageShape, name, files } = await readSource(
        { ...readSourceOptions(values, source), labelOptional: !isFolder(source) },
        'float64',
      );
      const side = Math.sqrt(x.size / x.shape[0]);
      const [height, across, channels] = imageShape ?? [side, side, 1];
      if (!Number.isInteger(height) || (channels !== 1 && channels !== 3))
        throw new CommandError(
          EXIT.input,
          `Expected the samples of '${name}' to be images of 1 or 3 channels, got shape [${x.shape.slice(1).join(', ')}]`,
        );
      const labels = isNDArray(y) || y === undefined ? y : [...y];
      return plots.images(drawable(x, [height, across, channels], files !== undefined), {
        ...frame,
        limit,
        ...(labels && { labels }),
      });
    }
    case 'history': {
      const { run } = await loadOwnRun(source);
      return plots.history(run.history as plots.HistoryInput, frame);
    }
    case 'heatmap': {
      const grid = await loadGrid(source);
      const set = values.choice('set', ['train', 'test']) ?? 'test';
      if (grid.axes.length > 2)
        throw new CommandError(EXIT.input, `Expected '${source}' to have one or two options, got ${grid.axes.length}`);
      const [y, x] = grid.axes.length === 2 ? grid.axes : [undefined, grid.axes[0]];
      return plots.heatmap(
        scores(grid, set === 'train' ? 'trainScore' : 'testScore').reshape(y?.values.length ?? 1, x.values.length),
        {
          ...frame,
          x: axisValues(x.values),
          xLabel: x.name,
          ...(y ? { y: axisValues(y.values), yLabel: y.name } : { y: [''] }),
          valueLabel: `${set === 'train' ? 'training' : 'test'} ${grid.score}`,
        },
      );
    }
    case 'network':
      return plots.network((await readExchanged(source)).model, frame);
    case 'weights':
      return plots.weights((await readExchanged(source)).model, frame);
    case 'filters':
      return drawFilters(source, frame);
    default:
      return drawTested(kind, source, data, values, frame, limit);
  }
}

async function drawFilters(source: string, frame: plots.PlotOptions): Promise<plots.Plot> {
  const { model, content } = await readExchanged(source);
  const stored = content?.training?.run;
  const run = stored === undefined ? undefined : runOf(source, stored, { model: model as Sequential });
  const [height, width, channels] = run?.meaning.imageShape ?? [];
  try {
    return plots.filters(model, { ...frame, ...(channels === 1 && { imageShape: [height, width] as const }) });
  } catch (error) {
    if (!isError(error) || !/^Expected (imageShape|the first weights)/.test(error.message)) throw error;
    throw new CommandError(
      EXIT.input,
      `Expected '${source}' to have a convolution, or to be trained on grey images, for filters (train --shape HxWxC says how they lie)`,
      { cause: error },
    );
  }
}

/** Figures of a network and samples. */
async function drawTested(
  kind: Tested,
  source: string,
  data: string | undefined,
  values: Values,
  frame: plots.PlotOptions,
  limit: number,
): Promise<plots.Plot> {
  const { model, run } = await loadOwnRun(source);
  const { meaning } = run;
  if (kind === 'importances') {
    const columns = columnsOf(run);
    if (!columns)
      throw new CommandError(
        EXIT.input,
        `Expected '${source}' to be trained on a table whose columns have names for importances`,
      );
    const samples = await samplesFor(run, source, data, values);
    const found = await importancesOf(model, run, samples, columns);
    return plots.importances(
      columns.map(({ name }) => name),
      found,
      { ...frame, limit },
    );
  }
  if (kind === 'predictions' || kind === 'residuals') {
    if (meaning.classes)
      throw new CommandError(EXIT.input, `Expected '${source}' to predict numbers for ${kind}, but it is a classifier`);
    const { numbers } = await assess(model, await samplesFor(run, source, data, values), meaning);
    const { truth, predicted } = numbers as NonNullable<typeof numbers>;
    const draw = kind === 'predictions' ? plots.predictions : plots.residuals;
    return draw(truth, predicted, { ...frame, ...regressionLabels(kind, meaning) });
  }
  if (!meaning.classes)
    throw new CommandError(EXIT.input, `Expected '${source}' to be a classifier for ${kind}, but it predicts numbers`);
  const names = meaning.classes.map(String);
  const samples = await samplesFor(run, source, data, values);
  if (kind === 'boundary') {
    if (samples.x.size !== 2 * samples.x.shape[0])
      throw new CommandError(
        EXIT.input,
        `Expected '${source}' to take two features for boundary, got ${samples.x.size / samples.x.shape[0]}`,
      );
    const [xLabel, yLabel] = meaning.features ?? ['x₁', 'x₂'];
    const predict = async (x: NDArray) => classCodes(model, await model.predict(x, { batchSize: 256 }));
    const present = [...new Set(Array.from(samples.y.data))].length === names.length;
    return plots.decisionBoundary(predict, samples.x.reshape(-1, 2), samples.y, {
      ...frame,
      xLabel,
      yLabel,
      ...(present && { classNames: names }),
    });
  }
  const { classification } = await assess(model, samples, meaning);
  const { matrix, predicted, probabilities } = classification as NonNullable<typeof classification>;
  if (kind === 'confusion') return plots.confusionMatrix(matrix, { ...frame, labels: names });
  if (kind !== 'mistakes') {
    if (names.length > MOST_CURVES)
      throw new CommandError(
        EXIT.input,
        `Expected '${source}' to tell at most ${MOST_CURVES} classes apart for ${kind}, got ${names.length}`,
      );
    if (kind === 'thresholds' && names.length > 2)
      throw new CommandError(
        EXIT.input,
        `Expected '${source}' to tell two classes apart for thresholds, got ${names.length}`,
      );
    const draw = {
      thresholds: plots.thresholds,
      roc: plots.rocCurve,
      'precision-recall': plots.precisionRecallCurve,
      calibration: plots.calibration,
    };
    return draw[kind](samples.y, probabilities, { ...frame, labels: names.map((_, i) => i), classNames: names });
  }
  if (!meaning.imageShape)
    throw new CommandError(
      EXIT.input,
      `Expected '${source}' to be trained on images for mistakes (train --shape HxWxC says how they lie)`,
    );
  const label = (codes: NDArray) => Array.from(codes.data, (code) => names[code]);
  return plots.images(imagesOf(samples.x, meaning, run.data), {
    ...frame,
    limit,
    probabilities: surenessOf(predicted, probabilities),
    labels: label(samples.y),
    predicted: label(predicted),
  });
}

async function samplesFor(run: Run, source: string, given: string | undefined, values: Values): Promise<Samples> {
  if (given !== undefined) return (await loadFor(run, readSourceOptions(values, given), true)) as Samples;
  const { test } = await loadTrained(source, run);
  if (test) return test;
  throw new CommandError(EXIT.usage, `Expected DATA, since '${source}' was trained without a test set, got none`);
}
