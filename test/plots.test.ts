import { Resvg } from '@resvg/resvg-js';
import test from 'ava';
import { decode } from 'fast-png';
import { logspace, NDArray } from 'fjordnet';
import * as plots from 'fjordnet/plots';
import { loadDigits } from '../dist/datasets/digits.js';
import { GRAPHS } from './helpers/graphs.js';
import { elements, outside, overlapping, parseSvg, viewBox } from './helpers/svg.js';

type Common = plots.PlotOptions;

const { images, target } = loadDigits();
const digits = images.take(Array.from({ length: 60 }, (_, i) => i));
const labels = target.take(Array.from({ length: 60 }, (_, i) => i));
const guesses = NDArray.from(Array.from(labels.data, (label, i) => (i % 7 === 3 ? (label + 1) % 10 : label)));

/** Numbers in (-1, 1) that look like noise and are the same each time. */
const noise = (n: number, seed = 1) =>
  Array.from({ length: n }, (_, i) => {
    const x = Math.sin((i + 1) * 12.9898 * seed) * 43758.5453;
    return 2 * (x - Math.floor(x)) - 1;
  });
const array = (shape: number[], seed = 1) =>
  NDArray.from(
    noise(
      shape.reduce((a, b) => a * b),
      seed,
    ),
    { shape },
  );

const rates = logspace(-5, 1, 7);
const table = NDArray.from(
  Array.from({ length: 49 }, (_, i) => 0.98 / (1 + ((Math.floor(i / 7) - 4) ** 2 + ((i % 7) - 2) ** 2) / 6)),
  { shape: [7, 7] },
);
const run = (from: number, to: number, n: number) => Array.from({ length: n }, (_, i) => to + (from - to) * 0.8 ** i);
const record = {
  loss: run(2.3, 0.05, 20),
  accuracy: run(0.1, 0.99, 20),
  val_loss: run(2.3, 0.15, 20),
  val_accuracy: run(0.1, 0.96, 20),
};
const mlp = { coefs: [array([64, 50]), array([50, 10])], intercepts: [array([50]), array([10])], activation: 'relu' };
const convolutional = {
  inputShape: [28, 28, 1],
  layers: [
    { className: 'Conv2D', activation: 'relu', outputShape: [26, 26, 32] },
    { className: 'MaxPooling2D', outputShape: [13, 13, 32] },
    { className: 'Conv2D', activation: { config: { name: 'relu' } }, outputShape: [11, 11, 64] },
    { className: 'MaxPooling2D', outputShape: [5, 5, 64] },
    { className: 'Flatten', outputShape: ([h, w, c]: readonly number[]) => [h * w * c] },
    { className: 'Dense', activation: 'relu', outputShape: [64] },
    { className: 'Dropout', outputShape: [64] },
    { className: 'Dense', activation: 'softmax', outputShape: [10] },
  ],
};
const counts = NDArray.from(
  Array.from({ length: 100 }, (_, i) => (i % 11 === 0 ? 30 + (i % 13) : i % 5 === 0 ? 1 : 0)),
  {
    shape: [10, 10],
  },
);
const points = array([80, 2]);
const sides = Array.from({ length: 80 }, (_, i) =>
  points.data[2 * i] + points.data[2 * i + 1] > 0 ? 'above' : 'below',
);
const names = [
  'T-shirt/top',
  'Trouser',
  'Pullover',
  'Dress',
  'Coat',
  'Sandal',
  'Shirt',
  'Sneaker',
  'Bag',
  'Ankle boot',
];

const truth = noise(3000);
const guessed = truth.map((value, i) => 30 * value + 4 * noise(3000, 2)[i]);
const spread = noise(500, 3);
const positive = noise(500).map((value, i) => Number(value + spread[i] > 0.3));
const chances = noise(500).map((value) => 1 / (1 + Math.exp(-4 * value)));
const garments = noise(500).map((value) => Math.min(9, Math.floor(5 * (value + 1))));
const garmentScores = noise(500).map((value, i) =>
  names.map((_, k) => -Math.abs(5 * (value + 1) - k - 0.5 + 4 * spread[i])),
);

const cases: Record<string, (options: Common) => plots.Plot | Promise<plots.Plot>> = {
  'activation: all': (o) => plots.activation(undefined, o),
  'activation: one': (o) => plots.activation('leakyRelu', { ...o, title: 'Leaky ReLU' }),
  'images: labels': (o) => plots.images(digits, { ...o, labels, indices: [3, 14, 15, 9, 26], title: 'Digits' }),
  'images: misclassified': (o) => plots.images(digits, { ...o, labels, predicted: guesses }),
  'images: long names': (o) =>
    plots.images(digits, {
      ...o,
      labels: Array.from(labels.data, (i) => names[i]),
      predicted: Array.from(guesses.data, (i) => names[i]),
    }),
  'images: no mistake': (o) => plots.images(digits, { ...o, labels, predicted: labels }),
  'images: 40, not square': (o) => plots.images(array([40, 12, 20]), { ...o, limit: 40 }),
  'heatmap: grid search': (o) =>
    plots.heatmap(table, {
      ...o,
      x: rates,
      y: rates,
      xLabel: 'λ',
      yLabel: 'η',
      valueLabel: 'accuracy',
      title: 'Test accuracy',
    }),
  'heatmap: one cell': (o) => plots.heatmap([[1]], o),
  'heatmap: NaN': (o) =>
    plots.heatmap(
      [
        [1, Number.NaN],
        [Number.POSITIVE_INFINITY, 0.25],
      ],
      o,
    ),
  'heatmap: nothing finite': (o) => plots.heatmap([[Number.NaN, Number.NaN]], o),
  'heatmap: tiny numbers': (o) =>
    plots.heatmap(
      [
        [1.5e-9, 2e-5],
        [3e-7, 4e-8],
      ],
      { ...o, colormap: 'magma' },
    ),
  'heatmap: 40 x 60': (o) => plots.heatmap(array([40, 60]), { ...o, xLabel: 'column', yLabel: 'row' }),
  'heatmap: long names': (o) =>
    plots.heatmap(array([10, 10]), {
      ...o,
      x: names,
      y: names,
      xLabel: 'a',
      yLabel: 'garment',
      valueLabel: 'a rather long label of the values',
    }),
  'heatmap: long title': (o) =>
    plots.heatmap(table, {
      ...o,
      title: 'A title that is a good deal longer than four hundred pixels are wide, so that it has to be broken',
    }),
  'forecast: with an interval': (o) =>
    plots.forecast(
      { observed: [3, 4, 6, 5, 4], start: 3, forecast: [5.5, 5], lower: [4, 3], upper: [7, 8] },
      { ...o, title: 'Forecast', xLabel: 'day', yLabel: 'degrees' },
    ),
  'forecast: alone': (o) => plots.forecast({ observed: [1, 2, 3], forecast: [4] }, o),
  'predictions: thousands': (o) =>
    plots.predictions(
      truth.map((value) => 30 * value),
      guessed,
      { ...o, title: 'Predictions', xLabel: 'true Miles_per_Gallon', yLabel: 'predicted Miles_per_Gallon' },
    ),
  'predictions: few': (o) => plots.predictions([1, 2, 3], [1.5, 2, 2.5], o),
  'predictions: one number': (o) =>
    plots.predictions([2e-7], [2e-7], { ...o, xLabel: names.join(' '), yLabel: names.join(' ') }),
  'residuals: thousands': (o) => plots.residuals(truth, guessed, o),
  'residuals: none': (o) => plots.residuals([5, 5], [5, 5], o),
  'ROC curve: two classes': (o) => plots.rocCurve(positive, chances, { ...o, classNames: ['no', 'yes'], title: 'ROC' }),
  'ROC curve: ten classes': (o) => plots.rocCurve(garments, garmentScores, { ...o, classNames: names }),
  'precision-recall curve: two classes': (o) => plots.precisionRecallCurve(positive, chances, o),
  'precision-recall curve: a long name': (o) =>
    plots.precisionRecallCurve(positive, chances, { ...o, classNames: ['', names.join(' or ')] }),
  'precision-recall curve: ten classes': (o) =>
    plots.precisionRecallCurve(garments, garmentScores, { ...o, classNames: names }),
  'calibration: ten bins': (o) => plots.calibration(positive, chances, { ...o, nBins: 10, strategy: 'quantile' }),
  'thresholds: probabilities': (o) => plots.thresholds(positive, chances, { ...o, title: 'Thresholds' }),
  'thresholds: scores': (o) => plots.thresholds(positive, noise(500), o),
  'thresholds: one score': (o) => plots.thresholds([0, 1], [3, 3], o),
  'importances: long names': (o) =>
    plots.importances(
      ['weight', names.join(' '), 'year'],
      { importancesMean: [0.1, 0.3, -0.01], importancesStd: [0.01, 0.03, 0.01] },
      { ...o, title: 'Importances' },
    ),
  'importances: the first of many': (o) =>
    plots.importances(
      spread.map((_, i) => `feature ${i}`),
      { importancesMean: noise(500), importancesStd: noise(500, 2).map(Math.abs) },
      o,
    ),
  'history: loss and accuracy': (o) =>
    plots.history({ history: record, epoch: record.loss.map((_, i) => i) }, { ...o, title: 'Training' }),
  'history: one epoch': (o) => plots.history({ loss: [0.5] }, o),
  'history: diverged': (o) =>
    plots.history(
      { loss: [1, 10, 1e5, 1e9, Number.NaN], val_loss: [1, 20, 1e6, Number.POSITIVE_INFINITY, Number.NaN] },
      { ...o, lossScale: 'log' },
    ),
  'history: five metrics': (o) =>
    plots.history(
      Object.fromEntries(
        ['loss', 'accuracy', 'precision', 'recall', 'topKCategoricalAccuracy'].map((name, i) => [
          name,
          run(1, 1e-3 * i, 200),
        ]),
      ),
      o,
    ),
  'confusion matrix': (o) => plots.confusionMatrix(counts, { ...o, title: 'Confusion matrix' }),
  'confusion matrix: shares, names': (o) => plots.confusionMatrix(counts, { ...o, labels: names, normalize: 'true' }),
  'network: the lecture': (o) => plots.network({ sizes: [64, 50, 10], activations: ['sigmoid', 'softmax'] }, o),
  'network: estimator': (o) => plots.network(mlp, { ...o, title: 'An estimator' }),
  'network: convolutional': (o) => plots.network(convolutional, o),
  'network: small': (o) => plots.network({ sizes: [2, 3, 1] }, o),
  'network: deep': (o) => plots.network({ sizes: [784, 512, 256, 256, 128, 128, 64, 64, 32, 32, 16, 10] }, o),
  ...Object.fromEntries(
    Object.entries(GRAPHS).map(([name, make]) => [`network: ${name}`, (o: Common) => plots.network(make(), o)]),
  ),
  'filters: kernel': (o) => plots.filters({ getWeights: () => [array([3, 3, 1, 32]), array([32])] }, o),
  'filters: dense': (o) => plots.filters(mlp, { ...o, title: 'Weights of the hidden nodes' }),
  'weights: model': (o) => plots.weights(mlp, o),
  'weights: gradients': (o) =>
    plots.weights(
      {
        hiddenWeightsGradient: array([64, 50]).data.map((v) => v * 1e-6),
        outputWeightsGradient: array([50, 10]),
        hiddenBiasGradient: new Float64Array(50),
      },
      { ...o, scale: 'log' },
    ),
  'decision boundary': (o) =>
    plots.decisionBoundary(
      (x) => Array.from({ length: x.shape[0] }, (_, i) => (x.data[2 * i] + x.data[2 * i + 1] > 0 ? 'above' : 'below')),
      points,
      sides,
      {
        ...o,
        resolution: 40,
      },
    ),
};

const warnings: unknown[] = [];
console.warn = (...message) => warnings.push(message);

for (const [name, make] of Object.entries(cases)) {
  for (const width of [800, 400, 300]) {
    test.serial(`${name}, ${width} px`, async (t) => {
      const plot = await make({ width });
      const svg = await plot.svg();
      const root = parseSvg(svg);
      t.deepEqual(warnings.splice(0), [], 'Vega warned');
      t.deepEqual(JSON.parse(JSON.stringify(plot.spec)), plot.spec, 'the specification is plain JSON');
      t.is(root.getAttribute('width'), String(width));
      t.deepEqual(outside(root), [], 'text outside the view box');
      t.deepEqual(overlapping(root), [], 'texts on top of each other');
      t.true(viewBox(root)[2] <= 1.03 * width, 'the layout had to be shrunk');

      const height = Number(root.getAttribute('height'));
      const png = decode(await plot.png({ scale: 1.5 }));
      t.deepEqual([png.width, png.height], [Math.round(width * 1.5), Math.round(height * 1.5)]);
      t.true(
        png.data.some((value, i) => i % png.channels < 3 && value < 128),
        'nothing dark was drawn',
      );

      t.is(root.getAttribute('role'), 'img');
      const [title, description] = root.getAttribute('aria-labelledby')!.split(' ');
      t.is(elements(root, 'title').find((e) => e.getAttribute('id') === title)?.textContent, plot.title);
      t.is(elements(root, 'desc').find((e) => e.getAttribute('id') === description)?.textContent, plot.description);
      t.false(/undefined|NaN|Infinity|\[object/.test(plot.title + plot.description));
      t.false(/(?:NaN|undefined|null)[,)" ]/.test(svg.replace(/>[^<]*</g, '><')), 'a coordinate that is no number');
    });
  }
}

/** Draws an SVG without background on a larger canvas: pixels that were drawn outside its view box. */
function spilled(svg: string, margin = 60): number {
  const root = parseSvg(svg);
  const [, , width, height] = viewBox(root);
  const [w, h] = [width + 2 * margin, height + 2 * margin];
  const larger = svg.replace(
    / width="[\d.]+" height="[\d.]+" viewBox="[^"]+"/,
    ` width="${w}" height="${h}" viewBox="${-margin} ${-margin} ${w} ${h}"`,
  );
  const image = new Resvg(larger, { font: FONT }).render();
  const { pixels, width: columns, height: rows } = image; // read once: the image is not in JavaScript
  let count = 0;
  for (let y = 0; y < rows; y++)
    for (let x = 0; x < columns; x++) {
      const inside = x >= margin - 1 && x <= margin + width && y >= margin - 1 && y <= margin + height;
      if (!inside && pixels[4 * (y * columns + x) + 3] > 0) count++;
    }
  return count;
}

const fontFile = (style: string) =>
  new URL(`../node_modules/@expo-google-fonts/arimo/${style}/Arimo_${style}.ttf`, import.meta.url).pathname;
const FONT = { loadSystemFonts: false, defaultFontFamily: 'Arimo', fontFiles: ['400Regular', '700Bold'].map(fontFile) };

test('nothing is drawn outside the view box, glyphs included', async (t) => {
  for (const [name, make] of Object.entries(cases))
    for (const width of [800, 400]) {
      const plot = await make({ width, background: 'transparent' });
      t.is(spilled(await plot.svg()), 0, `${name}, ${width} px`);
    }
});
