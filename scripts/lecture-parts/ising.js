import { layers, makeIsing, onsager, sequential, trainTestSplit } from 'fjordnet';
import { images, Plot } from 'fjordnet/plots';
import { linesSpec } from '../../dist/plots/lines.js';
import { readFrame } from '../../dist/plots/theme.js';
import { figure, table } from '../../dist/report/index.js';

const CRITICAL = 2 / Math.log(1 + Math.SQRT2);
/** Temperatures at which nothing is learnt, as there. */
const isNear = (T) => T >= 2 && T <= 2.5;

const NETWORKS = [
  { name: 'logistic regression', hidden: () => [layers.flatten()], epochs: 100 },
  {
    name: 'dense, 100 neurons',
    hidden: () => [layers.flatten(), layers.dense({ units: 100, activation: 'relu' })],
    epochs: 10,
  },
  {
    name: 'convolutional',
    hidden: () => [
      layers.reshape({ targetShape: [40, 40, 1] }),
      layers.conv2d({ filters: 10, kernelSize: 3, activation: 'relu' }),
      layers.maxPooling2d({ poolSize: 2 }),
      layers.flatten(),
      layers.dense({ units: 50, activation: 'relu' }),
    ],
    epochs: 5,
  },
];

/** The networks' first application in physics. */
export const ising = [
  {
    title: 'Phases of the Ising model',
    says: [
      'Of the applications in physics, the phases of the Ising model come first: from a picture of its spins a network tells whether it is ordered, below the critical temperature 2.269, or disordered, above it.',
      'With the lattices of P. Mehta and others (Physics Reports 810, 2019): 40 x 40, temperatures 0.25 to 4, learnt from those outside of 2 to 2.5. Logistic regression fails, for spins up and spins down are one phase; networks with hidden layers do not.',
    ],
    run: tellPhases,
  },
];

async function tellPhases(lecture) {
  const start = performance.now();
  const { spins, temperature, magnetization } = makeIsing({ randomState: 0 });
  const seconds = (performance.now() - start) / 1000;
  const all = Array.from(temperature.data);
  const rowsWhere = (isWanted) => Int32Array.from(all.keys()).filter((i) => isWanted(all[i]));
  const far = rowsWhere((T) => !isNear(T));
  const [train, test] = trainTestSplit([far], {
    testSize: 0.2,
    randomState: 0,
    stratify: Array.from(far, (i) => String(all[i])),
  }).map(({ data }) => data);
  const near = rowsWhere(isNear);
  const pair = (rows) => [spins.take(rows), Int32Array.from(rows, (i) => Number(all[i] < CRITICAL))];
  const unseen = Int32Array.from([...test, ...near]);
  const temperatures = [...new Set(all)];

  const results = [];
  for (const { name, hidden, epochs } of NETWORKS) {
    const begun = performance.now();
    const model = sequential({ layers: [...hidden(), layers.dense({ units: 1, activation: 'sigmoid' })], seed: 0 });
    model.compile({ optimizer: 'adam', loss: 'binaryCrossentropy', metrics: ['accuracy'] });
    await model.fit(...pair(train), { epochs, batchSize: 50 });
    lecture.networks = (lecture.networks ?? 0) + 1;
    const took = (performance.now() - begun) / 1000;
    const scores = [];
    for (const rows of [train, test, near]) scores.push((await model.evaluate(...pair(rows))).accuracy);
    const { data } = await model.predict(spins.take(unseen));
    const points = temperatures.map((T) => [T, mean(data.filter((_, i) => all[unseen[i]] === T))]);
    results.push({ name, scores, took, points });
  }
  const [logistic, ...networks] = results.map(({ scores }) => scores[1]);
  const at2 = mean(magnetization.data.filter((_, i) => all[i] === 2).map(Math.abs));
  const signed = (T, sign) => all.findIndex((other, i) => other === T && sign * magnetization.data[i] > 0);
  const shown = [signed(0.5, 1), signed(2, -1), signed(2.25, 1), signed(2.5, -1), all.indexOf(4)];
  return {
    here: [
      `${all.length} lattices by Wolff's clusters in ${seconds.toFixed(1)} s; their magnetization at T = 2 is ${at2.toFixed(3)}, Onsager's exact one ${onsager(2).magnetization.toFixed(4)}.`,
      `Learnt from ${train.length}; accuracy on ${test.length} others, ordered or disordered: ${results.map(({ name, scores }) => `${name} ${scores[1].toFixed(4)}`).join(', ')}.`,
      `They have 10,000 lattices a temperature, here are ${all.length / temperatures.length}: logistic regression learns these by heart, ${results[0].scores[0].toFixed(4)} of the training ones, which says nothing of others.`,
      `On the ${near.length} at 2 to 2.5, none of which was learnt from: ${results.map(({ name, scores }) => `${name} ${scores[2].toFixed(3)}`).join(', ')}.`,
    ],
    holds: logistic < 0.75 && networks.every((score) => score >= 0.99),
    figures: [
      await figure(
        (drawing) =>
          images(spins, { ...drawing, indices: shown, labels: all.map((T) => `T = ${T}`), columns: shown.length }),
        'Lattices below, about and above the critical temperature.',
      ),
      await figure(
        (drawing) => outputs(results, drawing),
        'The mean output, which is 1 for ordered, on lattices that were not learnt from. Dashed: the critical temperature.',
        { most: 700 },
      ),
      table(
        ['Network', 'Training', 'Test', 'Near the critical temperature', 'Seconds'],
        results.map(({ name, scores, took }) => [name, ...scores.map((score) => score.toFixed(4)), took.toFixed(1)]),
        { caption: 'Accuracy.', numeric: [1, 2, 3, 4] },
      ),
    ],
  };
}

function outputs(results, drawing) {
  const frame = readFrame(drawing, []);
  const lines = results.map(({ name, points }) => ({ name, points }));
  const reference = [
    [CRITICAL, 0],
    [CRITICAL, 1],
  ];
  const chart = { lines, xLabel: 'temperature', yLabel: 'output', xDomain: [0, 4], reference, dots: true };
  return new Plot({
    frame,
    spec: linesSpec(frame, chart),
    title: 'Output against temperature',
    description: results
      .map(({ name, points }) => `${name}: ${points.map(([T, output]) => `${output.toFixed(2)} at ${T}`).join(', ')}.`)
      .join(' '),
  });
}

const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
