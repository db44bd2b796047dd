import type { ArrayInput } from '../array.js';
import type { Labels } from '../labels.js';
import { averagePrecisionScore } from '../scores/average-precision.js';
import { type CalibrationOptions as BinOptions, calibrationCurve } from '../scores/calibration.js';
import { precisionRecallCurve as precisionsAndRecalls, rocCurve as ratesOf } from '../scores/curves.js';
import { rocAucScore } from '../scores/roc-auc.js';
import { CLASS_OPTIONS, type ClassScores, type ClassScoresOptions, readClassScores } from './class-scores.js';
import { general, plural } from './format.js';
import { type Line, linesSpec, type Point, thinCurve } from './lines.js';
import { Plot } from './plot.js';
import { type PlotOptions, readFrame } from './theme.js';

export interface ClassifierCurveOptions extends PlotOptions, ClassScoresOptions {}

export interface CalibrationPlotOptions extends ClassifierCurveOptions, Pick<BinOptions, 'nBins' | 'strategy'> {}

/**
 * The receiver operating characteristic beside the diagonal, which is guessing: one curve for the positive one of two classes,
 * or one for each of three to ten against the rest, with its area (AUC). A curve of many thresholds is drawn with the points
 * that lie 1/500 of an axis apart; areas are of all.
 *
 * @param yTrue labels [n]
 * @param yScore probabilities or other scores, of the positive class [n] or of every class [n, classes]
 */
export function rocCurve(yTrue: Labels, yScore: ArrayInput, options: ClassifierCurveOptions = {}): Plot {
  const frame = readFrame(options, CLASS_OPTIONS);
  const lines = readClassScores('yScore', yTrue, yScore, options).map(({ name, positives, scores }) => {
    const { fpr, tpr } = ratesOf(positives, scores);
    const area = rocAucScore(positives, scores);
    return { name, score: `(AUC ${area.toFixed(3)})`, points: thinCurve(pairs(fpr.data, tpr.data)) };
  });
  return new Plot({
    frame,
    spec: linesSpec(frame, {
      lines,
      xLabel: 'false positive rate',
      yLabel: 'true positive rate',
      reference: DIAGONAL,
    }),
    title: 'ROC curve',
    description: `True over false positive rates. ${listOf(lines)}.`,
  });
}

/**
 * Precision over recall, for the positive one of two classes or for each of three to ten against the rest, with the average
 * precision (AP). The dashed line of one curve is the share of its class, the precision of guessing. Curves are thinned as
 * those of `rocCurve`.
 *
 * @param yTrue labels [n]
 * @param yScore probabilities or other scores, of the positive class [n] or of every class [n, classes]
 */
export function precisionRecallCurve(yTrue: Labels, yScore: ArrayInput, options: ClassifierCurveOptions = {}): Plot {
  const frame = readFrame(options, CLASS_OPTIONS);
  const classes = readClassScores('yScore', yTrue, yScore, options);
  const lines = classes.map(({ name, positives, scores }) => {
    const { precision, recall } = precisionsAndRecalls(positives, scores, { dropIntermediate: true });
    const average = averagePrecisionScore(positives, scores);
    return { name, score: `(AP ${average.toFixed(3)})`, points: thinCurve(pairs(recall.data, precision.data)) };
  });
  const share = shareOf(classes[0]);
  return new Plot({
    frame,
    spec: linesSpec(frame, {
      lines,
      xLabel: 'recall',
      yLabel: 'precision',
      interpolate: 'step-after',
      ...(lines.length === 1 && {
        reference: [
          [0, share],
          [1, share],
        ],
      }),
    }),
    title: 'Precision-recall curve',
    description: `Precision over recall. ${listOf(lines)}.`,
  });
}

/**
 * How often a class occurs where it is predicted with some probability: on the diagonal, as often as predicted.
 *
 * @param yTrue labels [n]
 * @param yProb probabilities of the positive class [n], or of every class [n, classes]
 */
export function calibration(yTrue: Labels, yProb: ArrayInput, options: CalibrationPlotOptions = {}): Plot {
  const frame = readFrame(options, [...CLASS_OPTIONS, 'nBins', 'strategy']);
  const { nBins, strategy } = options;
  const bins = { ...(nBins !== undefined && { nBins }), ...(strategy !== undefined && { strategy }) };
  const lines = readClassScores('yProb', yTrue, yProb, options).map(({ name, positives, scores }) => {
    const { probTrue, probPred } = calibrationCurve(positives, scores, bins);
    return { name, points: pairs(probPred.data, probTrue.data) };
  });
  const [{ points }] = lines;
  const worst = points.reduce((most, point) => (gap(point) > gap(most) ? point : most));
  const example = `where ${lines[0].name} is predicted with ${general(worst[0], 3)}, its share is ${general(worst[1], 3)}`;
  return new Plot({
    frame,
    spec: linesSpec(frame, {
      lines,
      xLabel: 'mean predicted probability',
      yLabel: 'share of positives',
      reference: DIAGONAL,
      dots: true,
    }),
    title: 'Calibration',
    description: `Shares over probabilities in ${plural(points.length, 'bin')}; farthest apart ${example}.`,
  });
}

const DIAGONAL = [
  [0, 0],
  [1, 1],
] as const;

const gap = ([x, y]: Point) => Math.abs(y - x);

const shareOf = ({ positives }: ClassScores) => positives.reduce((sum, value) => sum + value, 0) / positives.length;

const pairs = (x: ArrayLike<number>, y: ArrayLike<number>): Point[] => Array.from(x, (value, i) => [value, y[i]]);

const listOf = (lines: readonly Line[]) => lines.map(({ name, score }) => `${name} ${score}`).join(', ');
