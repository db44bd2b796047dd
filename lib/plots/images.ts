import { type ArrayInput, asArray, type NDArray } from '../array.js';
import { checkInteger, wrongValue } from '../check.js';
import { type Label, type Labels, readLabels } from '../labels.js';
import { plural } from './format.js';
import { TextPlot } from './plot.js';
import { imagesText } from './terminal.js';
import { base, type Frame, PADDING, type PlotOptions, readFrame } from './theme.js';
import { type Tile, tileView } from './tiles.js';

export interface ImagesOptions extends PlotOptions {
  /** The true label of every image [n]. */
  labels?: Labels;
  /** The predicted label of every image [n]. */
  predicted?: Labels;
  /** Which images to show. Default: the first `limit`; with `labels` and `predicted`, the first `limit` misclassified ones */
  indices?: ArrayInput;
  /** Default 20 */
  limit?: number;
  /** Images in a row. Default: as many as fit */
  columns?: number;
}

/** An image that was picked out to be shown. */
interface Picked {
  readonly index: number;
  /** Row-major, 0 (paper) to 1 (ink). */
  readonly pixels: readonly number[];
  readonly captions: readonly string[];
  readonly wrong: boolean;
}

/**
 * Grey images, dark ink on white as in matplotlib's `gray_r`, with their labels; a misclassified one with what it was
 * taken for and what it is. White is the smallest value of the images shown, black the largest.
 *
 * @param images [n, height, width] or [n, height, width, 1]
 * @throws RangeError if an index is not a row of `images`, or the labels are not one an image
 */
export function images(images: ArrayInput, options: ImagesOptions = {}): TextPlot {
  const frame = readFrame(options, ['labels', 'predicted', 'indices', 'limit', 'columns']);
  const array = readImages(images);
  const [n, height, width] = array.shape;
  const labels = labelsOf('labels', options.labels, n);
  const predicted = labelsOf('predicted', options.predicted, n);
  const limit = checkInteger('limit', options.limit ?? 20, 1);
  const columns = options.columns === undefined ? undefined : checkInteger('columns', options.columns, 1);

  const mistakes = labels && predicted && options.indices === undefined;
  const all = Array.from({ length: n }, (_, i) => i);
  const candidates = mistakes ? all.filter((i) => labels[i] !== predicted[i]) : all;
  const indices = options.indices === undefined ? candidates.slice(0, limit) : readIndices(options.indices, n);
  const picked = pick(array, indices, labels, predicted);

  const of = mistakes ? `of ${plural(candidates.length, 'misclassified image')} of ${n}` : `of ${n}`;
  const summary = `${plural(picked.length, 'image')} ${of}`;
  const tiles = picked.map((image): Tile => {
    const rgb = new Uint8Array(width * height * 3).map((_, i) =>
      Math.round(255 * (1 - image.pixels[Math.floor(i / 3)])),
    );
    const colour = (line: number) =>
      !image.wrong ? frame.palette.ink : line === 0 ? frame.palette.wrong : frame.palette.muted;
    return { rgb, width, height, captions: image.captions.map((text, line) => ({ text, colour: colour(line) })) };
  });
  return new TextPlot(
    {
      frame,
      spec: {
        ...base(frame),
        ...(tiles.length > 0 ? tileView(frame, tiles, { columns, smallest: 64 }) : note(frame, summary)),
      },
      title: mistakes ? 'Misclassified images' : 'Images',
      description: `${[summary, ...picked.map(spoken)].join('; ')}.`,
    },
    (color, across) =>
      picked.length === 0
        ? summary
        : imagesText(
            picked.map((image) => ({ ...image, width, height })),
            color,
            across,
            frame.title,
          ),
  );
}

/** A view with a sentence in place of pictures. */
const note = (frame: Frame, text: string) => ({
  width: frame.width - 2 * PADDING,
  height: 2 * frame.fontSize,
  data: { values: [{}] },
  mark: { type: 'text', align: 'left', color: frame.palette.muted },
  encoding: { text: { value: text }, x: { value: 0 }, y: { value: frame.fontSize } },
});

function readImages(images: ArrayInput): NDArray {
  const array = asArray('images', images);
  const { shape } = array;
  if (shape.length !== 3 && !(shape.length === 4 && shape[3] === 1))
    throw new RangeError(
      `Expected images to have shape [n, height, width] or [n, height, width, 1], got [${shape.join(', ')}]`,
    );
  return array;
}

function labelsOf(name: string, labels: Labels | undefined, n: number): ArrayLike<Label> | undefined {
  if (labels === undefined) return undefined;
  const read = readLabels(name, labels);
  if (read.length !== n) throw new RangeError(`Expected ${name} to hold ${n} labels, one an image, got ${read.length}`);
  return read;
}

function readIndices(indices: ArrayInput, n: number): number[] {
  const array = asArray('indices', indices);
  return Array.from(array.data, (index, i) => {
    if (!Number.isInteger(index) || index < 0 || index >= n)
      throw wrongValue(`indices[${i}]`, `an integer in [0, ${n})`, index);
    return index;
  });
}

function pick(
  images: NDArray,
  indices: readonly number[],
  labels?: ArrayLike<Label>,
  predicted?: ArrayLike<Label>,
): Picked[] {
  const size = images.shape[1] * images.shape[2];
  const values = indices.map((index) => images.data.subarray(index * size, (index + 1) * size));
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (const image of values)
    for (const value of image) {
      low = Math.min(low, value);
      high = Math.max(high, value);
    }
  return indices.map((index, i) => {
    const [label, guess] = [labels?.[index], predicted?.[index]];
    const wrong = label !== undefined && guess !== undefined && label !== guess;
    const known = guess ?? label;
    return {
      index,
      pixels: Array.from(values[i], (value) => (high > low ? (value - low) / (high - low) : 0)),
      captions: wrong ? [`predicted ${guess}`, `true ${label}`] : known === undefined ? [] : [`${known}`],
      wrong,
    };
  });
}

function spoken({ index, captions, wrong }: Picked): string {
  if (captions.length === 0) return `image ${index}`;
  return wrong ? `image ${index} ${captions.join(', ')}` : `image ${index} is ${captions[0]}`;
}
