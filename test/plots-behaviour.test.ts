import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { Resvg } from '@resvg/resvg-js';
import type { Element } from '@xmldom/xmldom';
import test from 'ava';
import fc from 'fast-check';
import { decode } from 'fast-png';
import {
  averagePrecisionScore,
  BernoulliRBM,
  f1Score,
  layers,
  NeuralNetwork,
  rocAucScore,
  rocCurve,
  sequential,
  toCategorical,
} from 'fjordnet';
import * as plots from 'fjordnet/plots';
import { NDArray } from '../dist/array.js';
import { CURVES } from '../dist/plots/curves.js';
import { textWidth } from '../dist/plots/font.js';
import { axisLabels } from '../dist/plots/format.js';
import { DARK, LIGHT, SERIES } from '../dist/plots/theme.js';
import { elements, parseSvg, textBoxes } from './helpers/svg.js';

const run = promisify(execFile);
const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const fontFiles = ['400Regular', '700Bold'].map((style) =>
  join(root, 'node_modules/@expo-google-fonts/arimo', style, `Arimo_${style}.ttf`),
);
const decades = [1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1, 10];
const table = Array.from({ length: 7 }, (_, i) => Array.from({ length: 7 }, (_, j) => (7 * i + j) / 48));
const search = (options: plots.HeatmapOptions = {}) => plots.heatmap(table, { x: decades, y: decades, ...options });

async function temporary(t: { teardown(undo: () => Promise<void>): void }): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'fjordnet-plots-'));
  t.teardown(() => rm(folder, { recursive: true }));
  return folder;
}

/** WCAG's contrast ratio. */
function contrast(a: string, b: string): number {
  const luminance = (colour: string) => {
    const named: Record<string, string> = { black: '#000000', white: '#ffffff' };
    const hex = (named[colour] ?? colour).match(/^#(..)(..)(..)$/);
    const channels = hex ? hex.slice(1).map((c) => Number.parseInt(c, 16)) : colour.match(/\d+/g)!.map(Number);
    const [r, g, b] = channels.map((c) => (c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const [light, dark] = [luminance(a), luminance(b)].sort((x, y) => y - x);
  return (light + 0.05) / (dark + 0.05);
}

test('text is as wide as the font draws it', (t) => {
  const inkWidth = (text: string, weight: string) => {
    const escaped = text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
    const svg =
      '<svg xmlns="http://www.w3.org/2000/svg" width="9000" height="200"><text y="100" font-family="Arimo" ' +
      `font-size="100" font-kerning="none" xml:space="preserve" font-weight="${weight}">H${escaped}H</text></svg>`;
    return new Resvg(svg, { font: { loadSystemFonts: false, fontFiles } }).innerBBox()!.width;
  };
  for (const weight of ['normal', 'bold']) {
    const frame = inkWidth('', weight);
    for (let code = 32; code < 127; code++) {
      const char = String.fromCharCode(code);
      const text = `${char}H`.repeat(10); // with H between: the font has a kerning of 11
      const drawn = inkWidth(text, weight) - frame;
      t.true(Math.abs(drawn - textWidth(text, 100, weight === 'bold')) < 10, `${weight} '${char}': ${drawn}`);
    }
    for (const char of '−×·–°≠ληπσé₁')
      t.true(textWidth(char, 100, weight === 'bold') >= inkWidth(char, weight) - frame - 1, `${weight} '${char}'`);
  }
});

test('PNG text is there without any system font', async (t) => {
  const plot = search({ title: 'Test accuracy', xLabel: 'lambda', yLabel: 'eta', valueLabel: 'accuracy' });
  const boxes = textBoxes(parseSvg(await plot.svg()));
  const png = decode(await plot.png({ scale: 2 }));
  const at = (x: number, y: number) =>
    png.data
      .subarray((y * png.width + x) * png.channels)
      .slice(0, 3)
      .join();
  for (const { text, left, right, top, bottom } of boxes) {
    const colours = new Set<string>();
    for (let y = Math.ceil(2 * top); y < 2 * bottom; y++)
      for (let x = Math.ceil(2 * left); x < 2 * right; x++) colours.add(at(x, y));
    t.true(colours.size > 3, `'${text}' was not drawn`);
  }
  for (const label of ['Test accuracy', 'lambda', 'eta', 'accuracy', '1e-05', '0.521'])
    t.true(
      boxes.some((box) => box.text === label),
      label,
    );
});

test('logarithmic axes say 1e-05 … 1e+01', async (t) => {
  const texts = textBoxes(parseSvg(await search().svg())).map((box) => box.text);
  for (const label of ['1e-05', '1e-04', '1e-03', '1e-02', '1e-01', '1e+00', '1e+01'])
    t.is(texts.filter((text) => text === label).length, 2, label);
});

test('axis labels tell values apart, and say what Python says', (t) => {
  t.deepEqual(axisLabels('x', [1e-5, 1e-4, 1e1], 3), ['1e-05', '1e-04', '1e+01']);
  t.deepEqual(axisLabels('x', [0, 1e-5, 1e-3, 1], 4), ['0', '1e-05', '1e-03', '1e+00']);
  t.deepEqual(axisLabels('x', [10 ** -2.5, 1e-5, 1], 3), ['3.2e-03', '1.0e-05', '1.0e+00']);
  t.deepEqual(axisLabels('x', [0.1, 0.25, 50, 90], 4), ['0.1', '0.25', '50', '90']);
  t.deepEqual(axisLabels('x', [100.01, 100.02], 2), ['100.01', '100.02']);
  t.deepEqual(axisLabels('x', ['relu', 'tanh'], 2), ['relu', 'tanh']);
  t.deepEqual(axisLabels('x', undefined, 2), ['0', '1']);
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e9, max: 1e9 }), {
        minLength: 1,
        maxLength: 8,
      }),
      (values) => {
        const distinct = new Set(values.map((v) => v + 0));
        return new Set(axisLabels('x', values, values.length)).size === distinct.size;
      },
    ),
  );
});

test('numbers in cells stand out from their colours', async (t) => {
  for (const colormap of ['viridis', 'magma', 'blues', 'redblue'] as const) {
    const svg = parseSvg(await search({ colormap }).svg());
    const cells = elements(svg, 'g').find((g) => g.getAttribute('class')?.includes('mark-rect'))!;
    const numbers = elements(svg, 'g').find((g) => g.getAttribute('class')?.includes('mark-text role-mark'))!;
    const fills = (g: Element, name: string) => elements(g, name).map((e) => e.getAttribute('fill')!);
    const [grounds, inks] = [fills(cells, 'path'), fills(numbers, 'text')];
    t.is(grounds.length, 49);
    t.is(inks.length, 49);
    grounds.forEach((ground, i) => {
      t.true(contrast(ground, inks[i]) >= 4.5, `${colormap}: ${inks[i]} on ${ground}`);
    });
  }
});

test('series stand out in both themes', (t) => {
  for (const colour of SERIES)
    for (const { surface } of [LIGHT, DARK]) t.true(contrast(colour, surface) >= 3, `${colour} on ${surface}`);
  for (const { surface, ink, muted, wrong } of [LIGHT, DARK])
    for (const colour of [ink, muted, wrong]) t.true(contrast(colour, surface) >= 4.5, `${colour} on ${surface}`);
});

test('figures of one page share no id, and refer to their own', async (t) => {
  const all = [
    search({ title: 'train' }),
    search({ title: 'test' }),
    plots.confusionMatrix([
      [2, 1],
      [0, 3],
    ]),
  ];
  const documents = await Promise.all(all.map((plot) => plot.svg()));
  const ids = documents.map((svg) => [...svg.matchAll(/ id="([^"]+)"/g)].map((match) => match[1]));
  t.is(new Set(ids.flat()).size, ids.flat().length);
  documents.forEach((svg, i) => {
    const references = [...svg.matchAll(/url\(#([^)]+)\)/g)].map((match) => match[1]);
    t.true(references.length > 0);
    for (const reference of references) t.true(ids[i].includes(reference), reference);
  });
  t.is(await search({ title: 'train' }).svg(), documents[0], 'the same figure is the same text');
});

test("the theme 'auto' has no background and follows the reader's", async (t) => {
  const auto = await search({ theme: 'auto', xLabel: 'x' }).svg();
  t.regex(auto, /<style>@media \(prefers-color-scheme:dark\)\{/);
  t.notRegex(auto, /<rect width="100%"/);
  t.true(auto.includes(`[fill="${LIGHT.ink}"]{fill:${DARK.ink}}`));
  const dark = await search({ theme: 'dark', xLabel: 'x' }).svg();
  t.true(dark.includes(`<rect width="100%" height="100%" fill="${DARK.surface}"/>`));
  for (const colour of Object.values(LIGHT)) t.false(dark.includes(colour), colour);
  const png = decode(await search({ theme: 'auto' }).png({ scale: 1 }));
  t.deepEqual([...png.data.subarray(0, 3)], [255, 255, 255], 'the PNG of auto is light');
});

test('labels may hold anything', async (t) => {
  const odd = ['<b>&"\'', 'a\u0000b\u001b[31m', '\ud800 alone', ' id="x" url(#y)', '@@', '日本語', ''];
  const plot = plots.heatmap([odd.map((_, i) => i)], { x: odd, title: odd[0], description: odd[3] });
  const svg = parseSvg(await plot.svg());
  const texts = textBoxes(svg).map((box) => box.text);
  for (const label of ['<b>&"\'', 'id="x" url(#y)', '@@', '日本語']) t.true(texts.includes(label), label);
  t.false(plot.text({ color: false }).includes('\u001b'));
});

test('images are grey, reversed, and keep their pixels', async (t) => {
  const plot = plots.images(
    NDArray.from([
      [
        [0, 16],
        [8, 4],
      ],
    ]),
    { width: 240 },
  );
  const uri = parseSvg(await plot.svg())
    .getElementsByTagName('image')[0]
    .getAttribute('xlink:href')!;
  const png = decode(Buffer.from(uri.split(',')[1], 'base64'));
  t.deepEqual([png.width, png.height, png.channels], [2, 2, 3]);
  t.deepEqual(
    [...png.data].filter((_, i) => i % 3 === 0),
    [255, 0, 128, 191],
  );
  const page = decode(await plot.png({ scale: 1 }));
  const greys = new Set(Array.from({ length: page.width * page.height }, (_, i) => page.data[i * page.channels]));
  for (const grey of [0, 128, 191, 255]) t.true(greys.has(grey));
  t.true(greys.size <= 16, 'pixels were blurred into each other');
});

test('misclassified images are found, and named', (t) => {
  const three = NDArray.zeros([3, 2, 2]);
  const plot = plots.images(three, { labels: [1, 2, 3], predicted: [1, 7, 3] });
  t.is(plot.title, 'Misclassified images');
  t.is(plot.description, '1 image of 1 misclassified image of 3; image 1 predicted 7, true 2.');
  t.is(
    plots.images(three, { labels: [1, 2, 3], predicted: [1, 2, 3] }).text(),
    '0 images of 0 misclassified images of 3',
  );
  t.is(plots.images(three, { labels: ['a', 'b', 'c'], indices: [2] }).description, '1 image of 3; image 2 is c.');
});

test('images of three channels have their own colours; the surest mistakes come first', async (t) => {
  const bytes = [255, 0, 0, 0, 128, 0, 10, 20, 30, 255, 255, 255];
  const decoded = async (plot: plots.Plot) => {
    const uri = /data:image\/png;base64,([^"]+)/.exec(await plot.svg()) as RegExpExecArray;
    return [...decode(Buffer.from(uri[1], 'base64')).data];
  };
  const colours = NDArray.from(bytes, { shape: [1, 2, 2, 3] });
  t.deepEqual(await decoded(plots.images(colours)), bytes);
  const shares = NDArray.from(
    bytes.map((byte) => byte / 255),
    { shape: [1, 2, 2, 3] },
  );
  t.deepEqual(await decoded(plots.images(shares)), bytes);
  t.true(plots.images(colours).text({ color: true }).includes('\u001b[38;5;196;48;5;'), 'the first pixel is red');
  for (const value of [-1, 256])
    t.throws(() => plots.images(NDArray.from([...bytes.slice(1), value], { shape: [1, 2, 2, 3] })), {
      message: `Expected the colours of images to lie in [0, 255], got ${value}`,
    });
  const wrong = { labels: ['a', 'a', 'b'], predicted: ['b', 'a', 'a'], probabilities: [0.6, 0.9, 0.97] };
  t.is(
    plots.images(NDArray.zeros([3, 2, 2]), wrong).description,
    '2 images of 2 misclassified images of 3; image 2 predicted a, true b, 97 % sure; image 0 predicted b, true a, 60 % sure.',
  );
  t.throws(() => plots.images(NDArray.zeros([3, 2, 2]), { ...wrong, probabilities: [1] }), {
    message: 'Expected probabilities to hold 3 numbers, one an image, got 1',
  });
});

test('descriptions say what the data says', (t) => {
  t.is(
    plots.heatmap(
      [
        [0.1, 0.9],
        [0.4, Number.NaN],
      ],
      { x: [1e-5, 1], y: [2, 3], xLabel: 'λ', yLabel: 'η', valueLabel: 'accuracy' },
    ).description,
    '2 rows by 2 columns, η in the rows, λ in the columns; highest accuracy 0.9 at η 2, λ 1; lowest accuracy 0.1 at η 2, λ 1e-05.',
  );
  t.is(
    plots.confusionMatrix(
      [
        [5, 2],
        [1, 4],
      ],
      { labels: ['cat', 'dog'] },
    ).description,
    '9 of 12 samples of 2 classes classified correctly; the most frequent mistake is cat taken for dog, 2 times.',
  );
  t.is(
    plots.history({ loss: [2, 1, 0.5], val_loss: [2, 0.8, 0.9] }).description,
    '3 epochs. loss: training from 2 to 0.5, validation from 2 to 0.9, best 0.8 at epoch 2.',
  );
});

test('of a history the best epoch is told where the name tells which is', (t) => {
  const best = (name: string, values = [3, 1, 2]) =>
    /best (\S+) at/.exec(plots.history({ [name]: values, [`val_${name}`]: values }).description)?.[1];
  for (const name of ['loss', 'mae', 'mse', 'rmse', 'hinge', 'meanAbsoluteError', 'mean_squared_error', 'out_loss'])
    t.is(best(name), '1', name);
  for (const name of ['binaryCrossentropy', 'kl_divergence', 'falsePositives', 'log_loss', 'mse_1', 'f1_loss'])
    t.is(best(name), '1', name);
  for (const name of ['accuracy', 'acc', 'out_accuracy', 'topKCategoricalAccuracy', 'auc', 'precision_1', 'recall'])
    t.is(best(name), '3', name);
  for (const name of [
    'f1Score',
    'r2',
    'rSquared',
    'cosineSimilarity',
    'meanIoU',
    'truePositives',
    'neg_log_loss',
    'precisionAtRecall',
    'sensitivityAtSpecificity',
    'weighted_accuracy',
  ])
    t.is(best(name), '3', name);
  for (const name of ['learningRate', 'force', 'mean_1', 'constructor']) t.is(best(name), undefined, name);
  t.is(best('mae', [Number.NaN, Number.NaN]), undefined);
  const { spec } = plots.history({ mae: [1, 0.1], accuracy: [0.1, 1] }, { lossScale: 'log' });
  const scales = (spec.concat as any[]).map((panel) => panel.layer[1].encoding.y.scale.type);
  t.deepEqual(scales, ['log', undefined]);
});

test('validations of some of the epochs are drawn at these', (t) => {
  const history = { loss: [4, 3, 2, 1, 0.5], val_loss: [3.5, 1.5] };
  const plot = plots.history({ epoch: [0, 1, 2, 3, 4], validationEpoch: [1, 3], history });
  t.is(plot.description, '5 epochs. loss: training from 4 to 0.5, validation from 3.5 to 1.5, best 1.5 at epoch 4.');
  const { values } = (plot.spec.concat as any[])[0].layer[1].data;
  const validation = values.filter(({ data }: any) => data === 'validation');
  t.deepEqual(
    validation.map(({ epoch, value }: any) => [epoch, value]),
    [
      [2, 3.5],
      [4, 1.5],
    ],
  );
  const marks = plot
    .text({ width: 60 })
    .split('\n')
    .map((line) => line.indexOf('×', 8))
    .filter((at) => at >= 0);
  t.true(Math.min(...marks) > 12 && marks.length > 1, String(marks));
});

test('a history may be of any number of epochs', (t) => {
  const loss = Array.from({ length: 200_000 }, (_, i) => 1 / (i + 1));
  t.regex(plots.history({ loss, val_loss: loss }).description, /best 5e-06 at epoch 200000\.$/);
});

test('weights that hardly differ have a standard deviation, too', (t) => {
  const plot = plots.weights({ kernel: [1e9 + 1, 1e9 - 1, 1e9 + 1, 1e9 - 1] });
  t.regex(JSON.stringify(plot.spec), /mean 1e\+09, std 1["\\,]/);
});

const values = (plot: plots.Plot, layer: number) =>
  (plot.spec.layer as any)[layer].data.values as Record<string, number>[];
const legendOf = (plot: plots.Plot) => JSON.stringify((plot.spec.layer as any).at(-1).encoding.color.legend.labelExpr);

test('curves of a classifier are those of the scores, and say so', (t) => {
  const truth = [0, 0, 1, 1];
  const scores = [0.1, 0.4, 0.35, 0.8];
  const roc = plots.rocCurve(truth, scores);
  const { fpr, tpr } = rocCurve(truth, scores);
  t.deepEqual(
    values(roc, 1).map(({ x, y }) => [x, y]),
    fpr.toArray().map((x, i) => [x, tpr.data[i]] as number[]),
  );
  t.is(roc.description, 'True over false positive rates. 1 (AUC 0.750).');
  t.regex(legendOf(roc), /1 \(AUC 0\.750\)/);
  t.is(
    plots.rocCurve(
      truth,
      scores.map((p) => [1 - p, p]),
    ).description,
    roc.description,
  );
  t.is(
    plots.rocCurve(['b', 'b', 'a', 'a'], scores, { posLabel: 'a', classNames: ['first', 'second'] }).description,
    'True over false positive rates. first (AUC 0.750).',
  );

  const recalls = plots.precisionRecallCurve(truth, scores);
  t.is(recalls.description, `Precision over recall. 1 (AP ${averagePrecisionScore(truth, scores).toFixed(3)}).`);
  t.deepEqual(
    values(recalls, 0).map(({ y }) => y),
    [0.5, 0.5],
    'the share of the class',
  );

  const bins = plots.calibration(truth, scores, { nBins: 2 });
  t.deepEqual(
    values(bins, 1).map(({ x, y }) => [x.toFixed(6), y.toFixed(6)]),
    [
      [((0.1 + 0.4 + 0.35) / 3).toFixed(6), (1 / 3).toFixed(6)],
      ['0.800000', '1.000000'],
    ],
  );

  const f1 = plots.thresholds(truth, scores);
  t.is(f1.description, 'Precision, recall and F1 of 1 over the threshold; F1 (best 0.800 from 0.35 on).');
  t.is(
    f1Score(
      truth,
      scores.map((p) => Number(p >= 0.35)),
    ).toFixed(3),
    '0.800',
  );
});

test('of many classes each is drawn against the rest, and those without samples are left out', (t) => {
  const truth = [0, 1, 1, 3];
  const scores = [
    [0.7, 0.1, 0.1, 0.1],
    [0.2, 0.6, 0.1, 0.1],
    [0.5, 0.3, 0.1, 0.1],
    [0.3, 0.4, 0.1, 0.2],
  ];
  const plot = plots.rocCurve(truth, scores, { labels: [0, 1, 2, 3], classNames: ['a', 'b', 'c', 'd'] });
  const areas = [0, 1, 3].map((k) =>
    rocAucScore(
      truth.map((label) => Number(label === k)),
      scores.map((row) => row[k]),
    ).toFixed(3),
  );
  t.is(
    plot.description,
    `True over false positive rates. a (AUC ${areas[0]}), b (AUC ${areas[1]}), d (AUC ${areas[2]}).`,
  );
  t.is(new Set(values(plot, 1).map(({ line }) => line)).size, 3);
});

test('curves of many thresholds are drawn with few points that stay close to them', (t) => {
  const n = 20_000;
  const scores = Array.from({ length: n }, (_, i) => Math.sin(i * 12.9898) / 2 + 0.5);
  const truth = scores.map((p, i) => Number(p + Math.sin(i * 78.233) > 0.6));
  const { fpr, tpr } = rocCurve(truth, scores);
  const points = values(plots.rocCurve(truth, scores), 1);
  t.true(fpr.length > 2000, String(fpr.length));
  t.true(points.length < 1100, String(points.length));
  let at = 0;
  for (let i = 0; i < fpr.length; i++) {
    while (at + 1 < points.length && points[at + 1].x <= fpr.data[i] && points[at + 1].y <= tpr.data[i]) at++;
    t.true(fpr.data[i] - points[at].x <= 1 / 500 && tpr.data[i] - points[at].y <= 1 / 500);
  }
});

test('of many samples, those that are drawn have errors of all sizes, and are the same each time', (t) => {
  const n = 4999;
  const truth = Array.from({ length: n }, (_, i) => Math.sin(i * 12.9898));
  const predicted = truth.map((value, i) => value + (i === 1234 ? 7 : Math.sin(i * 78.233) / 10));
  const plot = plots.residuals(truth, predicted, { maxPoints: 500 });
  t.deepEqual(plots.residuals(truth, predicted, { maxPoints: 500 }).spec, plot.spec);
  const drawn = values(plot, 0);
  t.is(drawn.length, 500);
  const errors = (list: number[]) => list.map(Math.abs).sort((a, b) => a - b);
  const all = errors(truth.map((value, i) => value - predicted[i]));
  const some = errors(drawn.map(({ y }) => y));
  for (let k = 0; k < 500; k++) t.is(some[k], all[Math.round((k * (n - 1)) / 499)]);
  t.regex(plot.description, /^4999 samples, of which 500 are drawn; mean absolute error 0\.0\d+, largest 7,/);
  t.is(
    plots.predictions([1, 2, 4], [1, 3, 2]).description,
    '3 samples; mean absolute error 1, largest 2, where 2 is predicted for 4.',
  );
  t.deepEqual(values(plots.predictions([1, 2, 4], [1, 3, 2]), 0), [
    { x: 1, y: 1 },
    { x: 2, y: 3 },
    { x: 4, y: 2 },
  ]);
});

test('importances are drawn from the largest down, with their deviations', (t) => {
  const plot = plots.importances(
    ['a', 'b', 'b'],
    { importancesMean: [0.5, 1, -0.25], importancesStd: [0.25, 0.5, 0] },
    { limit: 2 },
  );
  t.deepEqual((plot.spec.data as any).values, [
    { feature: 0, mean: 1, low: 0.5, high: 1.5 },
    { feature: 1, mean: 0.5, low: 0.25, high: 0.75 },
  ]);
  t.is(plot.description, 'b matters most of 3: permuted, it takes 1 off the score; the first 2 are drawn.');
});

test('shares are of the true class, of the predicted one, or of all', (t) => {
  const matrix = [
    [3, 1],
    [0, 0],
  ];
  const values = (normalize: 'true' | 'pred' | 'all') =>
    (plots.confusionMatrix(matrix, { normalize }).spec.data as { values: { value: number }[] }).values.map(
      (cell) => cell.value,
    );
  t.deepEqual(values('true'), [0.75, 0.25, 0, 0]);
  t.deepEqual(values('pred'), [1, 1, 0, 0]);
  t.deepEqual(values('all'), [0.75, 0.25, 0, 0]);
});

test('derivatives are the slopes of their functions', (t) => {
  for (const [name, { f, derivative }] of Object.entries(CURVES))
    for (const x of [-3.1, -1, -0.2, 0.3, 1.7, 3.9]) {
      const slope = (f(x + 1e-6) - f(x - 1e-6)) / 2e-6;
      t.true(Math.abs(slope - derivative(x)) < 1e-6, `${name} at ${x}`);
    }
});

test('histograms count every weight once, on one axis', (t) => {
  const plot = plots.weights({ a: [-1, 0, 0, 1], b: [1e-3, Number.NaN, 5] }, { bins: 10 });
  const panels = plot.spec.vconcat as { layer: { data: { values: { from: number; share: number }[] } }[] }[];
  const sums = panels.map((panel) => panel.layer[0].data.values.reduce((sum, bin) => sum + bin.share, 0));
  t.true(Math.abs(sums[0] - 1) < 1e-12);
  t.true(Math.abs(sums[1] - 2 / 3) < 1e-12);
  t.is(plot.description, 'a: 4 values, mean 0, std 0.71, 50 % zero; b: 3 values, mean 2.5, std 2.5, 1 not finite.');
});

test('a network is read from a Sequential, an estimator, the lecture, or sizes', (t) => {
  const sequential = {
    inputShape: [8, 8, 1],
    outputShapes: [[6, 6, 4], [6, 6, 4], [144], [10]],
    layers: [
      { className: 'Conv2D', activation: { config: { name: 'relu' } } },
      { className: 'Dropout' },
      { className: 'Flatten' },
      { className: 'Dense' },
    ],
  };
  t.is(
    plots.network(sequential).description,
    'Input 8×8×1; then Conv2D 6×6×4 relu Dropout; then Flatten 144; then Dense 10.',
  );
  const coefs = [NDArray.zeros([64, 50]), NDArray.zeros([50, 10])];
  t.is(
    plots.network({ coefs, activation: 'logistic', outActivation: 'softmax' }).description,
    'input 64; then hidden 50 logistic; then output 10 softmax.',
  );
  const lecture = { hiddenWeights: coefs[0], outputWeights: coefs[1] };
  t.is(plots.network(lecture).description, 'input 64; then hidden 50 sigmoid; then output 10 softmax.');
  t.is(plots.network({ sizes: [2, 3, 4, 1] }).description, 'input 2; then hidden 1 3; then hidden 2 4; then output 1.');
});

test("the library's own objects are taken as they are", async (t) => {
  const x = NDArray.from(
    Array.from({ length: 60 }, (_, i) => Math.sin(i)),
    { shape: [15, 4] },
  );
  const y = toCategorical(Array.from({ length: 15 }, (_, i) => i % 3));
  const lecture = new NeuralNetwork(x, y, {
    nHiddenNeurons: 5,
    nCategories: 3,
    batchSize: 5,
    epochs: 1,
    randomState: 0,
  });
  const model = sequential({
    layers: [layers.dense({ units: 5 }), layers.dense({ units: 3, activation: 'softmax' })],
    seed: 1,
  });
  model.compile({ optimizer: 'sgd', loss: 'categoricalCrossentropy', metrics: ['accuracy'] });
  const past = await model.fit(x, y, { epochs: 2, validationSplit: 0.2 });
  t.is(plots.network(lecture).description, 'input 4; then hidden 5 sigmoid; then output 3 softmax.');
  t.is(plots.network(model).description, 'Input 4; then Dense 5; then Dense 3 softmax.');
  t.regex(plots.weights(model).description, /^dense\/kernel: 20 values, .*; dense_1\/kernel: 15 values/);
  t.regex(plots.weights(lecture, { biases: true }).description, /hiddenBias: 5 values/);
  t.regex(
    plots.weights(lecture.backpropagation(x, y), { scale: 'log' }).description,
    /outputWeightsGradient: 15 values/,
  );
  t.regex(plots.filters(lecture).description, /^5 nodes of 5 of hiddenWeights/);
  const rbm = new BernoulliRBM({ nComponents: 3, nIter: 1, randomState: 0 }).fitSync(NDArray.zeros([2, 4]));
  t.regex(plots.filters(rbm).description, /^3 nodes of 3 of components/);
  t.regex(plots.history(past).description, /^2 epochs\. loss: training from .* accuracy: training from /);
});

test('a decision boundary takes labels and probabilities, now or later', async (t) => {
  const x = [
    [-1, 0],
    [1, 0],
    [0.5, 1],
  ];
  const right = (grid: NDArray) => Array.from({ length: grid.shape[0] }, (_, i) => (grid.data[2 * i] > 0 ? 1 : 0));
  const models = [
    (grid: NDArray) => right(grid).map((r) => ['left', 'right'][r]),
    { predict: async (grid: NDArray) => NDArray.from(right(grid).map((r) => [1 - r, r])) },
    { predict: async (grid: NDArray) => NDArray.from(right(grid).map((r) => [r])) },
  ];
  const made = await Promise.all(
    models.map((model) => plots.decisionBoundary(model, x, ['left', 'right', 'right'], { resolution: 20 })),
  );
  for (const plot of made) t.deepEqual(plot.spec, made[0].spec);
  t.is(
    made[0].description,
    '3 points of 2 classes over x₁ and x₂; of the area the model gives: left 50 %, right 50 %.',
  );
  const mixed = await plots.decisionBoundary(models[0], x, [0, 1, 1], { resolution: 20 });
  t.regex(mixed.description, /of 4 classes .*left 50 %/);
  t.notRegex(mixed.description, /NaN/);
});

test.serial('text has colours only where they are wanted', (t) => {
  const plot = plots.heatmap([[0, 1]], { title: 'T' });
  const { isTTY, hasColors } = process.stdout;
  const names = ['NO_COLOR', 'FORCE_COLOR'];
  const before = names.map((name) => process.env[name]);
  const clear = () => names.forEach((name) => delete process.env[name]);
  t.teardown(() => {
    Object.assign(process.stdout, { isTTY, hasColors });
    clear();
    names.forEach((name, i) => before[i] !== undefined && Object.assign(process.env, { [name]: before[i] }));
  });
  clear();
  Object.assign(process.stdout, { isTTY: false, hasColors: undefined });
  t.false(plot.text().includes('\u001b'));
  t.true(plot.text({ color: true }).includes('\u001b['));
  Object.assign(process.stdout, { isTTY: true, hasColors: () => true });
  t.true(plot.text().includes('\u001b['));
  t.false(plot.text({ color: false }).includes('\u001b'));
  process.env.NO_COLOR = '1';
  t.false(plot.text().includes('\u001b'));
  Object.assign(process.stdout, { isTTY: false, hasColors: undefined });
  for (const [FORCE_COLOR, colours] of Object.entries({ 1: true, '': true, true: true, 0: false, false: false })) {
    process.env.FORCE_COLOR = FORCE_COLOR;
    t.is(plot.text().includes('\u001b'), colours, FORCE_COLOR);
  }
});

test('text keeps to its width', (t) => {
  const wide = Array.from({ length: 5 }, (_, i) => Array.from({ length: 30 }, (_, j) => i * j));
  const made = [
    plots.heatmap(wide, { xLabel: 'a label', yLabel: 'another' }),
    search({ xLabel: 'λ' }),
    plots.history({ loss: [3, 2, 1], val_loss: [3, 2.5, Number.NaN] }),
    plots.images(
      NDArray.from(
        Array.from({ length: 3 * 28 * 28 }, (_, i) => i % 17),
        { shape: [3, 28, 28] },
      ),
      { labels: [1, 2, 3] },
    ),
  ];
  for (const plot of made)
    for (const width of [20, 40, 80])
      for (const color of [false, true])
        for (const line of plot.text({ width, color }).split('\n')) {
          // biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences have no width
          const length = [...line.replace(/\u001b\[[\d;]*m/g, '')].length;
          t.true(length <= width, `${length} > ${width}: ${line}`);
        }
});

test('the text of a table holds its numbers', (t) => {
  const text = plots
    .heatmap(
      [
        [0.5, 0.25],
        [1, Number.NaN],
      ],
      { x: ['a', 'b'], y: ['c', 'd'], yLabel: 'row', xLabel: 'column' },
    )
    .text({ width: 40, color: false });
  t.is(text, 'row      a      b\n  c  0.500  0.250\n  d  1.000    nan\ncolumns: column');
});

test('save writes SVG, PNG and the specification, and nothing else', async (t) => {
  const folder = await temporary(t);
  const plot = search();
  await plot.save(join(folder, 'a.svg'));
  await plot.save(pathToFileURL(join(folder, 'a.PNG')), { scale: 1 });
  await plot.save(join(folder, 'a.json'));
  t.is(await readFile(join(folder, 'a.svg'), 'utf8'), `${await plot.svg()}\n`);
  t.is(decode(await readFile(join(folder, 'a.PNG'))).width, 640);
  t.deepEqual(JSON.parse(await readFile(join(folder, 'a.json'), 'utf8')), plot.spec);
  await t.throwsAsync(plot.save(join(folder, 'a.gif')), {
    instanceOf: RangeError,
    message: /ends in \.svg, \.png or \.json/,
  });
  await t.throwsAsync(plot.save(join(folder, 'missing', 'a.json')), { code: 'ENOENT' });
});

test('a missing package is named with the command that installs it', async (t) => {
  const folder = await temporary(t);
  const own = join(folder, 'node_modules', 'fjordnet');
  await mkdir(own, { recursive: true });
  await cp(join(root, 'dist'), join(own, 'dist'), { recursive: true });
  await cp(join(root, 'package.json'), join(own, 'package.json'));
  const link = async (name: string) => {
    await mkdir(dirname(join(folder, 'node_modules', name)), { recursive: true });
    await symlink(join(root, 'node_modules', name), join(folder, 'node_modules', name), 'junction');
  };
  const code = `
    const { heatmap } = await import('fjordnet/plots');
    const plot = heatmap([[1, 2]]);
    if (!plot.text().includes('2') || !plot.spec.layer) throw new Error('text and spec need no package');
    console.log(JSON.stringify(await plot.png().then((png) => ({ size: png.length }), ({ code, message }) => ({ code, message }))));`;
  const draw = async () =>
    JSON.parse((await run(process.execPath, ['--input-type=module', '-e', code], { cwd: folder })).stdout);
  const missing = (name: string, command: string) => ({
    code: 'ERR_MISSING_PEER',
    message: `Expected the package ${name} to be installed: npm install ${command}`,
  });
  t.deepEqual(await draw(), missing('vega', 'vega vega-lite'));
  await link('vega');
  t.deepEqual(await draw(), missing('vega-lite', 'vega vega-lite'));
  await link('vega-lite');
  t.deepEqual(await draw(), missing('@resvg/resvg-js', '@resvg/resvg-js @expo-google-fonts/arimo'));
  await link('@resvg/resvg-js');
  t.deepEqual(await draw(), missing('@expo-google-fonts/arimo', '@resvg/resvg-js @expo-google-fonts/arimo'));
  await link('@expo-google-fonts/arimo');
  t.true((await draw()).size > 500);
});

test("import 'fjordnet' reaches no file of the plots", async (t) => {
  const reached = async (paths: RegExp) => {
    const seen = new Set<string>();
    const visit = async (file: string) => {
      if (seen.has(file)) return;
      seen.add(file);
      const source = await readFile(file, 'utf8');
      for (const [, path] of source.matchAll(paths)) await visit(join(dirname(file), path));
    };
    await visit(join(root, 'dist', 'index.js'));
    return seen;
  };
  t.is((await reached(/from\s*'(\.[^']+)'/g)).size, 4); // what it exports is in three chunks
  const seen = await reached(/(?:from|import\()\s*'(\.[^']+)'/g); // and what it loads when it is asked to
  t.deepEqual(
    [...seen].filter((file) => file.includes('plots')),
    [],
  );
});

test('what does not fit is refused, and named', async (t) => {
  const refused = (make: () => unknown, error: ErrorConstructor, message: RegExp) =>
    t.throws(make, { instanceOf: error, message }, String(message));
  refused(() => plots.heatmap([1, 2]), RangeError, /Expected table to have shape \[rows, columns\], got \[2\]/);
  refused(() => search({ x: [1, 2] }), RangeError, /Expected x to hold 7 values, as the table does, got 2/);
  refused(() => search({ colormap: 'virids' as never }), RangeError, /did you mean 'viridis'/);
  refused(() => search({ widht: 3 } as never), TypeError, /no option 'widht' \(did you mean 'width'\?\)/);
  refused(() => search({ width: 10 }), RangeError, /Expected width to be a number in \[240, 4000\], got 10/);
  refused(() => search({ title: 5 as never }), TypeError, /Expected title to be a string, got 5 \(number\)/);
  refused(() => plots.activation('rely' as never), RangeError, /did you mean 'relu'/);
  refused(() => plots.activation([]), RangeError, /at least one name/);
  refused(() => plots.confusionMatrix([[1, 2]]), RangeError, /Expected matrix to be square, got shape \[1, 2\]/);
  refused(
    () =>
      plots.confusionMatrix([
        [1, -2],
        [0, 1],
      ]),
    RangeError,
    /Expected matrix\[0\]\[1\] to be a non-negative number, got -2/,
  );
  refused(() => plots.images([[1, 2]]), RangeError, /Expected images to have shape/);
  refused(
    () => plots.images(NDArray.zeros([2, 3, 3]), { labels: [1] }),
    RangeError,
    /Expected labels to hold 2 labels/,
  );
  refused(
    () => plots.images(NDArray.zeros([2, 3, 3]), { indices: [2] }),
    RangeError,
    /Expected indices\[0\] to be an integer in \[0, 2\), got 2/,
  );
  refused(() => plots.history({}), RangeError, /at least one epoch/);
  refused(() => plots.history({ loss: 'x' } as never), TypeError, /Expected history.loss to be an array of numbers/);
  refused(() => plots.network({ sizes: [3] }), TypeError, /array of two sizes or more/);
  refused(() => plots.network({ sizes: [3, 0] }), RangeError, /Expected sizes\[1\] to be a positive integer, got 0/);
  refused(() => plots.network({ layers: [{ className: 'Dense' }] }), TypeError, /know its inputShape/);
  for (const [first, got] of [
    [layers.lstm({ units: 1, inputShape: [5, 4] }), /got lstm\/kernel of shape \[4, 4\]/],
    [layers.embedding({ inputDim: 4, outputDim: 4, inputShape: [3] }), /got embedding\/embeddings of shape \[4, 4\]/],
    [layers.conv1d({ filters: 4, kernelSize: 1, inputShape: [1, 4] }), /got conv1d\/kernel of shape \[1, 4, 4\]/],
  ] as const)
    refused(
      () => plots.filters(sequential({ layers: [first, layers.dense({ units: 2 })] })),
      RangeError,
      new RegExp(`Expected the first weights of model to be the kernel of .* or of a dense layer, ${got.source}`),
    );
  refused(() => plots.filters(NDArray.zeros([10, 4])), RangeError, /Expected imageShape to hold 10 pixels/);
  refused(
    () => plots.filters(NDArray.zeros([3, 3, 2, 4]), { channel: 2 }),
    RangeError,
    /Expected channel to be an integer in \[0, 2\), got 2/,
  );
  refused(() => plots.weights({}), RangeError, /Expected model to have weights/);
  refused(() => plots.predictions([1, 2], [1]), RangeError, /Expected yPred to have 2 rows, as yTrue has, got 1/);
  refused(
    () => plots.residuals([[1, 2]], [1]),
    RangeError,
    /Expected yTrue to be one number a row, got shape \[1, 2\]/,
  );
  refused(() => plots.predictions([1], [1], { maxPoints: 1 }), RangeError, /Expected maxPoints to be an integer >= 2/);
  refused(() => plots.rocCurve([0, 1], [1]), RangeError, /Expected yScore to have 2 rows, as yTrue has, got 1/);
  refused(
    () => plots.rocCurve([0, 1, 2], [1, 2, 3]),
    RangeError,
    /Expected yTrue to hold 2 classes, as yScore is of, got 3 \(0, 1, 2\)/,
  );
  refused(
    () => plots.rocCurve([1, 1], [1, 2], { labels: [0, 1] }),
    RangeError,
    /of two classes or more, got those of one/,
  );
  refused(
    () => plots.rocCurve([0, 1], [1, 2], { posLabel: 2 }),
    RangeError,
    /Expected posLabel to be one of 0, 1, got 2/,
  );
  refused(
    () => plots.rocCurve([0, 1], NDArray.zeros([2, 11]), { labels: Array.from({ length: 11 }, (_, i) => i) }),
    RangeError,
    /Expected yScore to be of at most 10 classes, got 11/,
  );
  refused(() => plots.calibration([0, 1], [0, 2]), RangeError, /probabilities in \[0, 1\], got 2/);
  refused(
    () => plots.thresholds([0, 1, 2], NDArray.zeros([3, 3])),
    RangeError,
    /Expected yScore to be of two classes, got 3/,
  );
  refused(
    () => plots.importances(['a'], { importancesMean: [1, 2], importancesStd: [0, 0] }),
    RangeError,
    /Expected names to hold 2 values/,
  );
  refused(() => search().text({ color: 'yes' as never }), TypeError, /Expected color to be a boolean/);
  await t.throwsAsync(search().png({ scale: 0 }), { instanceOf: RangeError, message: /Expected scale/ });
  await t.throwsAsync(
    plots.decisionBoundary(() => [1], [[1, 2, 3]], [1]),
    { message: /Expected x to have shape \[n, 2\], got \[1, 3\]/ },
  );
  await t.throwsAsync(
    plots.decisionBoundary(() => [1], [[1, 2]], [1]),
    { message: /Expected the model to predict 40000 labels, got 1/ },
  );
  for (const nothing of [
    (grid: NDArray) => new Float64Array(grid.shape[0]).fill(Number.NaN),
    (grid: NDArray) => NDArray.wrap(new Float64Array(2 * grid.shape[0]).fill(Number.NaN), [grid.shape[0], 2]),
  ])
    await t.throwsAsync(plots.decisionBoundary(nothing, [[1, 2]], [1], { resolution: 5 }), {
      message: /^Expected predictions to hold finite numbers, got NaN at row 0/,
    });
  for (const domain of [
    [5, 1],
    [2, 2],
  ] as const)
    refused(
      () => plots.heatmap([[1, 2]], { domain }),
      RangeError,
      /Expected domain to be \[low, high\] with low < high/,
    );
});

test('classes may have any name, also those that JavaScript gives to all objects', async (t) => {
  for (const name of ['constructor', 'toString', '__proto__', "it's", '']) {
    const svg = await plots
      .confusionMatrix(
        [
          [1, 2],
          [3, 4],
        ],
        { labels: [name, 'other'] },
      )
      .svg();
    const texts = elements(parseSvg(svg), 'text').map((element) => element.textContent);
    if (name !== '') t.is(texts.filter((text) => text === name).length, 2, name);
    t.is(texts.filter((text) => text === 'other').length, 2);
  }
});

test('so may features, quantities, curves, labels of axes, titles and layers, in any figure', async (t) => {
  for (const name of [...Object.getOwnPropertyNames(Object.prototype), 'watch']) {
    const labels = { xLabel: name, yLabel: name, title: name };
    const importance = { importancesMean: [1, 2], importancesStd: [0, 0] };
    const figures: [plots.Plot, number][] = [
      [plots.importances([name, 'other'], importance), 1],
      [plots.predictions([1, 2], [1, 2], labels), 3],
      [plots.heatmap([[1, 2]], { ...labels, valueLabel: name, x: [name, 'other'] }), 5],
      [plots.history({ [name]: [1, 2], [`val_${name}`]: [1, 2] }), 1],
      [plots.history({ [`val_${name}`]: [1, 2] }), 1],
      [plots.rocCurve([0, 1], [0, 1], { classNames: ['other', name] }), 0],
      [plots.weights({ [name]: [1, 2] }), 1],
      [
        await plots.decisionBoundary(
          () => [0, 1, 1, 0],
          [
            [0, 0],
            [1, 1],
          ],
          [0, 1],
          { ...labels, resolution: 2, classNames: [name, 'other'] },
        ),
        4,
      ],
    ];
    for (const [i, [plot, count]] of figures.entries()) {
      const svg = await plot.svg();
      const texts = elements(parseSvg(svg), 'text').map((element) => element.textContent);
      t.is(texts.filter((text) => text === name).length, count, `${name} ${i}`);
      t.false(svg.includes('\ufdd0'));
      t.true(texts.length > 4);
    }
  }
  const width = async (name: string) => /viewBox="([^"]+)"/.exec(await plots.heatmap([[1]], { y: [name] }).svg())?.[1];
  t.is(await width('toString'), await width('toStrinh'));
});

test('heatmaps take any number of values', (t) => {
  const n = 600;
  const values = NDArray.from(Float64Array.from({ length: n * n }, (_, i) => i % 7)).reshape(n, n);
  t.notThrows(() => plots.heatmap(values));
  t.notThrows(() => plots.confusionMatrix(values));
});
