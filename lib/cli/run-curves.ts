import { firstNotFinite, type NDArray } from '../array.js';
import * as plots from '../plots/index.js';
import { figure, type Html, note, pair, type Section } from '../report/index.js';
import type { Assessment } from './assessment.js';
import type { Meaning, Split } from './dataset.js';

/** Curves of more classes have no colours that tell them apart. */
export const MOST_CURVES = 10;

/** A page holds each picture twice: of more points it would be megabytes. */
const MOST_POINTS = 1000;

/** ROC and precision-recall curves of the test samples; of two classes, calibration and thresholds as well. */
export async function curvesSection({ meaning, test }: Split, probabilities: NDArray): Promise<Section | undefined> {
  const names = (meaning.classes ?? []).map(String);
  const { y } = test as NonNullable<Split['test']>;
  if (names.length > MOST_CURVES || new Set(y.data).size < 2 || !areFinite(probabilities)) return undefined;
  const classes = { labels: names.map((_, i) => i), classNames: names };
  const whose = names.length === 2 ? names[1] : 'each class against the rest';
  const content: Html[] = [
    pair(
      await figure(
        (drawing) => plots.rocCurve(y, probabilities, { ...drawing, ...classes }),
        `ROC curve of ${whose}, and the area under it; guessing gives the dashed line.`,
        { half: true },
      ),
      await figure(
        (drawing) => plots.precisionRecallCurve(y, probabilities, { ...drawing, ...classes }),
        `Precision over recall of ${whose}, and the average precision.`,
        { half: true },
      ),
    ),
  ];
  const areShares = probabilities.data.every((p: number) => p >= 0 && p <= 1);
  if (names.length === 2 && areShares)
    content.push(
      pair(
        await figure(
          (drawing) => plots.calibration(y, probabilities, { ...drawing, ...classes, nBins: 10 }),
          `How often ${whose} occurs where it is predicted with some probability.`,
          { half: true },
        ),
        await figure(
          (drawing) => plots.thresholds(y, probabilities, { ...drawing, ...classes }),
          `The scores of ${whose}, where it is predicted from some probability on.`,
          { half: true },
        ),
      ),
    );
  const missing = names.filter((_, i) => !y.data.includes(i as never));
  if (missing.length > 0)
    content.push(note(`There are no curves of ${missing.join(', ')}: no test sample is of such a class.`));
  return { title: 'Curves', content };
}

/** What a regression predicts for the test samples, and what it lacks. */
export async function predictionsSection(
  { meaning }: Split,
  { truth, predicted }: NonNullable<Assessment['numbers']>,
): Promise<Section | undefined> {
  if (!areFinite(predicted)) return undefined;
  const drawers = { predictions: plots.predictions, residuals: plots.residuals };
  const draw = (kind: 'predictions' | 'residuals', caption: string) =>
    figure(
      (drawing) =>
        drawers[kind](truth, predicted, { ...drawing, ...regressionLabels(kind, meaning), maxPoints: MOST_POINTS }),
      caption,
      { half: true },
    );
  return {
    title: 'Predictions',
    content: [
      pair(
        await draw('predictions', 'Test samples; perfect predictions would lie on the dashed line.'),
        await draw('residuals', 'What the predictions lack: a pattern is something that the network has not learned.'),
      ),
      ...(truth.size > MOST_POINTS
        ? [
            note(
              `Of ${truth.size.toLocaleString('en-US')} test samples ${MOST_POINTS.toLocaleString('en-US')} are drawn, with errors of all sizes.`,
            ),
          ]
        : []),
    ],
  };
}

/** Not so where training diverged. */
const areFinite = ({ data }: NDArray) => firstNotFinite(data) < 0;

/** The axes of pictures of a regression, where the target has a name. */
export function regressionLabels(
  kind: 'predictions' | 'residuals',
  { target }: Meaning,
): { xLabel?: string; yLabel?: string } {
  if (target === undefined) return {};
  return kind === 'predictions'
    ? { xLabel: `true ${target}`, yLabel: `predicted ${target}` }
    : { xLabel: `predicted ${target}` };
}
