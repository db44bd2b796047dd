import type { NDArray } from '../array.js';
import * as plots from '../plots/index.js';
import { figure, paragraph, type Section } from '../report/index.js';
import { type Assessment, imagesOf } from './assessment.js';
import type { Split } from './dataset.js';
import { count } from './output.js';
import type { Run } from './run-file.js';

const MISTAKES = 40;

/** The test images that were taken for something else, those first of which the network was surest. */
export async function mistakesSection(
  { data }: Run,
  { meaning, test }: Split,
  { predicted, probabilities }: NonNullable<Assessment['classification']>,
): Promise<Section | undefined> {
  if (!meaning.imageShape) return undefined;
  const { x, y } = test as NonNullable<Split['test']>;
  const sure = surenessOf(predicted, probabilities);
  const wrong = Array.from(predicted.data, (_, i) => i)
    .filter((i) => predicted.data[i] !== y.data[i])
    .sort((a, b) => sure[b] - sure[a]);
  const title = 'Mistakes';
  if (wrong.length === 0) return { title, content: [paragraph('Every test image was recognized.')] };
  const shown = wrong.slice(0, MISTAKES);
  const label = (codes: NDArray) => shown.map((i) => String(meaning.classes?.[codes.data[i]]));
  const options = {
    labels: label(y),
    predicted: label(predicted),
    probabilities: shown.map((i) => sure[i]),
    limit: MISTAKES,
  };
  const images = imagesOf(x.take(Int32Array.from(shown)), meaning, data);
  const all = wrong.length === shown.length ? 'All' : `${shown.length} of the`;
  return {
    title,
    content: [
      await figure(
        (drawing) => plots.images(images, { ...drawing, ...options }),
        `${all} ${count(wrong.length, 'misclassified test image')}, of ${x.shape[0].toLocaleString('en-US')}; those first of which the network was surest.`,
      ),
    ],
  };
}

/** How probable the classes that were predicted are. */
export const surenessOf = ({ data: codes }: NDArray, { data, shape }: NDArray): number[] =>
  Array.from(codes, (code, i) => data[i * shape[1] + code]);
