import { KMeans, RandomState, RBFClassifier, RBFInterpolator } from 'fjordnet';
import { heatmap, images, Plot } from 'fjordnet/plots';
import { linesSpec } from '../../dist/plots/lines.js';
import { readFrame } from '../../dist/plots/theme.js';
import { figure, table } from '../../dist/report/index.js';

/** Radial basis functions, the overview's third category of networks: with a centre on each point, and with fewer. */
export const radial = [
  {
    title: 'Radial basis functions in two dimensions',
    says: [
      'A network of radial basis functions has three layers: the input, a hidden layer of functions of the distance from a centre, and a linear output. It is used for interpolation of functions.',
    ],
    run: interpolate,
  },
  {
    title: 'Digits by radial basis functions',
    says: [
      'With fewer centres than samples, which k-means finds, the same network classifies. Textbooks give all functions one width, the largest distance of two centres over the root of twice their number.',
    ],
    run: classify,
  },
];

const wave = (x, y) => Math.sin(3 * x) * Math.cos(2 * y);

async function interpolate() {
  const points = new RandomState(0).uniform(-1, 1, [60, 2]);
  const values = Array.from({ length: 60 }, (_, i) => wave(points.data[2 * i], points.data[2 * i + 1]));
  const epsilon = 1.5;
  const interpolator = new RBFInterpolator(points, values, { epsilon });
  const ticks = Array.from({ length: 21 }, (_, i) => -1 + i / 10);
  const grid = ticks.toReversed().flatMap((y) => ticks.map((x) => [x, y]));
  const exact = grid.map(([x, y]) => wave(x, y));
  const here = Array.from(interpolator.predict(grid).data);
  const errors = here.map((value, i) => Math.abs(value - exact[i]));
  const worst = Math.max(...errors);
  const median = errors.toSorted((a, b) => a - b)[220];
  const atPoints = Math.max(...Array.from(interpolator.predict(points).data, (s, i) => Math.abs(s - values[i])));
  const square = (flat) => ticks.map((_, row) => flat.slice(21 * row, 21 * (row + 1)));
  const names = ticks.map((tick) => tick.toFixed(1));
  const axes = { x: names, y: names.toReversed(), xLabel: 'x', yLabel: 'y', annotate: false };
  const logarithms = errors.map((error) => Math.log10(Math.max(error, 1e-12)));
  return {
    here: [
      `sin(3x) cos(2y) from 60 points drawn in the square, phi = exp(-(${epsilon} r)²): at the points it is off by ${atPoints.toExponential(1)} at most, on a grid of 441 others by ${median.toExponential(1)} in the median, and by ${worst.toExponential(1)} in a corner that no point is near.`,
    ],
    holds: atPoints < 1e-6 && median < 1e-2,
    figures: [
      await figure(
        (drawing) => heatmap(square(here), { ...drawing, ...axes, valueLabel: 'interpolant' }),
        'The interpolant.',
        { most: 600 },
      ),
      await figure(
        (drawing) =>
          heatmap(square(logarithms), { ...drawing, ...axes, colormap: 'magma', valueLabel: 'log10 of the error' }),
        'How far it is off.',
        { most: 600 },
      ),
    ],
  };
}

async function classify({ xTrain, xTest, yTrain, yTest }) {
  const sizes = [10, 25, 50, 100, 200];
  const rows = [];
  for (const width of ['neighbors', 'maximum']) {
    const scores = [];
    for (const nCenters of sizes) {
      const classifier = await new RBFClassifier({ nCenters, width, randomState: 0 }).fit(xTrain, yTrain);
      scores.push(classifier.score(xTest, yTest));
    }
    rows.push([width === 'neighbors' ? 'of the five nearest centres' : 'of the textbook', scores]);
  }
  const [[, own], [, textbook]] = rows;
  const { clusterCenters } = await new KMeans({ nClusters: 50, randomState: 0 }).fit(xTrain);
  return {
    here: [
      `${sizes.join(', ')} centres, widths of the five nearest centres: ${own.map((score) => score.toFixed(3)).join(', ')} of the unseen digits are right.`,
      `With the textbook's one width: ${textbook.map((score) => score.toFixed(3)).join(', ')}. More centres make it smaller, and no digit lies near one of them.`,
    ],
    holds: own.at(-1) > 0.97 ? 'partly' : false,
    figures: [
      await figure(
        (drawing) => images(clusterCenters.reshape(-1, 8, 8), { ...drawing, limit: 50, columns: 10 }),
        'Fifty centres, by k-means.',
        { most: 700 },
      ),
      await figure((drawing) => accuracies(sizes, rows, drawing), 'More centres, one width or each its own.', {
        most: 600,
      }),
      table(
        ['Width', ...sizes.map((size) => `${size} centres`)],
        rows.map(([name, scores]) => [name, ...scores.map((score) => score.toFixed(3))]),
        { caption: 'Accuracy on unseen digits.', numeric: sizes.map((_, i) => i + 1) },
      ),
    ],
  };
}

function accuracies(sizes, rows, drawing) {
  const frame = readFrame(drawing, []);
  const lines = rows.map(([name, scores]) => ({
    name: `widths ${name}`,
    points: scores.map((score, i) => [sizes[i], score]),
  }));
  return new Plot({
    frame,
    spec: linesSpec(frame, {
      lines,
      xDomain: [0, sizes.at(-1)],
      xLabel: 'centres',
      yLabel: 'accuracy on unseen digits',
      dots: true,
    }),
    title: 'Accuracy against centres',
    description: lines
      .map(({ name, points }) => `${name}: ${points.map(([n, score]) => `${score.toFixed(3)} with ${n}`).join(', ')}.`)
      .join(' '),
  });
}
