import { gridSearch, logspace } from 'fjordnet';
import { heatmap } from 'fjordnet/plots';
import { figure, pair } from '../../dist/report/index.js';

/** The learning rates and penalties of all grids of the lecture. */
export const ETA = logspace(-5, 1, 7);
export const LMBD = logspace(-5, 1, 7);

/** Trains the 49 networks of a grid; their scores as heatmaps, and in two sentences. */
export async function grid(lecture, options) {
  const start = performance.now();
  const search = await gridSearch({ grid: { eta: ETA, lmbd: LMBD }, ...options });
  const seconds = (performance.now() - start) / 1000;
  lecture.networks = (lecture.networks ?? 0) + search.results.length;
  const { params, trainScore, testScore } = search.best;
  const learned = search.results.filter((result) => result.testScore > 0.5).length;
  const draw = (name, title) =>
    figure(
      (drawing) =>
        heatmap(search.table(name), {
          ...drawing,
          x: LMBD,
          y: ETA,
          xLabel: 'λ',
          yLabel: 'η',
          title,
          valueLabel: 'accuracy',
          domain: [0, 1],
        }),
      name === 'trainScore' ? 'Accuracy on the training data.' : 'Accuracy on the test data.',
      { half: true },
    );
  return {
    search,
    /** How many do better than guessing. */
    learned,
    sentence: `49 networks in ${seconds.toFixed(1)} s. The best has eta ${power(params.eta)} and lambda ${power(params.lmbd)}: accuracy ${trainScore.toFixed(3)} on the training data, ${testScore.toFixed(3)} on the test data.`,
    share: `${learned} of the 49 are right on more than half of the test images.`,
    figures: [pair(await draw('trainScore', 'Training accuracy'), await draw('testScore', 'Test accuracy'))],
  };
}

const power = (value) => value.toExponential(0);
