import type { ArrayInput } from '../array.js';
import type { Labels } from '../labels.js';
import { precisionRecallCurve } from '../scores/curves.js';
import { CLASS_OPTIONS, type ClassScoresOptions, readClassScores } from './class-scores.js';
import { general } from './format.js';
import { linesSpec, type Point, thinCurve } from './lines.js';
import { Plot } from './plot.js';
import { type PlotOptions, readFrame } from './theme.js';

export interface ThresholdsOptions extends PlotOptions, ClassScoresOptions {}

/**
 * Precision, recall and F1 of a classifier of two classes, over the score from which on a sample counts as positive; the
 * legend names the greatest F1 and where it is.
 *
 * @param yTrue labels of two classes [n]
 * @param yScore probabilities or other scores of the positive class [n], or of both [n, 2]
 */
export function thresholds(yTrue: Labels, yScore: ArrayInput, options: ThresholdsOptions = {}): Plot {
  const frame = readFrame(options, CLASS_OPTIONS);
  const classes = readClassScores('yScore', yTrue, yScore, options);
  if (classes.length > 1) throw new RangeError(`Expected yScore to be of two classes, got ${classes.length}`);
  const [{ name, positives, scores }] = classes;
  const { precision, recall, thresholds } = precisionRecallCurve(positives, scores);
  const at = Array.from(thresholds.data);
  const [p, r] = [precision.data, recall.data];
  const f1 = at.map((_, i) => (p[i] + r[i] > 0 ? (2 * p[i] * r[i]) / (p[i] + r[i]) : 0));
  const best = f1.reduce((most, value, i) => (value > f1[most] ? i : most), 0);
  const [low, high] = [at[0], at[at.length - 1]];
  const areShares = low >= 0 && high <= 1;
  const xDomain = areShares ? ([0, 1] as const) : ([low, high > low ? high : low + 1] as const);
  const points = (values: ArrayLike<number>): Point[] =>
    thinCurve(
      at.map((threshold, i) => [threshold, values[i]]),
      xDomain[1] - xDomain[0],
    );
  const score = `(best ${f1[best].toFixed(3)} from ${general(at[best], 3)} on)`;
  return new Plot({
    frame,
    spec: linesSpec(frame, {
      lines: [
        { name: 'precision', points: points(p) },
        { name: 'recall', points: points(r) },
        { name: 'F1', score, points: points(f1) },
      ],
      xLabel: 'threshold',
      xDomain,
    }),
    title: 'Thresholds',
    description: `Precision, recall and F1 of ${name} over the threshold; F1 ${score}.`,
  });
}
