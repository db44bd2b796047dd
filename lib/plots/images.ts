import { type ArrayInput, asArray, checkArray, type NDArray, type TypedData } from '../array.js';
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
  /** How probable the predicted label of every image is [n]: it is told, and of misclassified images the surest come first. */
  probabilities?: ArrayInput;
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
  /** Red, green and blue, 0 to 255, row by row. */
  readonly rgb: Uint8Array;
  readonly isGrey: boolean;
  readonly captions: readonly string[];
  readonly wrong: boolean;
}

/**
 * Images with their labels; a misclassified one with what it was taken for and what it is. Those of one channel are dark ink on white
 * as in matplotlib's `gray_r`: white is the smallest value of the images shown, black the largest. Those of three channels have
 * their own colours, red, green and blue from 0 to 255, or to 1 where no value is above it.
 *
 * @param images [n, height, width], [n, height, width, 1] or [n, height, width, 3]
 * @throws RangeError if an index is not a row of `images`, the labels are not one an image, or a colour is none
 */
export function images(images: ArrayInput, options: ImagesOptions = {}): TextPlot {
  const frame = readFrame(options, ['labels', 'predicted', 'probabilities', 'indices', 'limit', 'columns']);
  const array = readImages(images);
  const [n, height, width] = array.shape;
  const labels = labelsOf('labels', options.labels, n);
  const predicted = labelsOf('predicted', options.predicted, n);
  const sure = options.probabilities === undefined ? undefined : readSure(options.probabilities, n);
  const limit = checkInteger('limit', options.limit ?? 20, 1);
  const columns = options.columns === undefined ? undefined : checkInteger('columns', options.columns, 1);

  const mistakes = labels && predicted && options.indices === undefined;
  const all = Array.from({ length: n }, (_, i) => i);
  const candidates = mistakes ? all.filter((i) => labels[i] !== predicted[i]) : all;
  if (mistakes && sure) candidates.sort((a, b) => sure[b] - sure[a]);
  const indices = options.indices === undefined ? candidates.slice(0, limit) : readIndices(options.indices, n);
  const picked = pick(array, indices, { labels, predicted, sure });

  const of = mistakes ? `of ${plural(candidates.length, 'misclassified image')} of ${n}` : `of ${n}`;
  const summary = `${plural(picked.length, 'image')} ${of}`;
  const tiles = picked.map((image): Tile => {
    const colour = (line: number) =>
      !image.wrong ? frame.palette.ink : line === 0 ? frame.palette.wrong : frame.palette.muted;
    return {
      rgb: image.rgb,
      width,
      height,
      captions: image.captions.map((text, line) => ({ text, colour: colour(line) })),
    };
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
  if (shape.length !== 3 && !(shape.length === 4 && (shape[3] === 1 || shape[3] === 3)))
    throw new RangeError(
      `Expected images to have shape [n, height, width], or [n, height, width, channels] of 1 or 3 channels, got [${shape.join(', ')}]`,
    );
  return array;
}

function readSure(probabilities: ArrayInput, n: number): TypedData {
  const { data, size } = checkArray('probabilities', probabilities);
  if (size !== n) throw new RangeError(`Expected probabilities to hold ${n} numbers, one an image, got ${size}`);
  return data;
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
  { data, shape }: NDArray,
  indices: readonly number[],
  given: { labels?: ArrayLike<Label>; predicted?: ArrayLike<Label>; sure?: TypedData },
): Picked[] {
  const isGrey = shape[3] !== 3;
  const size = shape[1] * shape[2] * (isGrey ? 1 : 3);
  const values = indices.map((index) => data.subarray(index * size, (index + 1) * size));
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (const image of values)
    for (const value of image) {
      low = Math.min(low, value);
      high = Math.max(high, value);
    }
  if (!isGrey && values.length > 0 && !(low >= 0 && high <= 255))
    throw new RangeError(`Expected the colours of images to lie in [0, 255], got ${low >= 0 ? high : low}`);
  const byte = isGrey
    ? (value: number) => Math.round(255 * (1 - (high > low ? (value - low) / (high - low) : 0)))
    : (value: number) => Math.round(high > 1 ? value : 255 * value);
  return indices.map((index, i) => {
    const [label, guess] = [given.labels?.[index], given.predicted?.[index]];
    const wrong = label !== undefined && guess !== undefined && label !== guess;
    const known = guess ?? label;
    const captions = wrong ? [`predicted ${guess}`, `true ${label}`] : known === undefined ? [] : [`${known}`];
    const sure = given.sure && `${Math.round(100 * given.sure[index])} % sure`;
    const rgb = Uint8Array.from({ length: 3 * shape[1] * shape[2] }, (_, k) =>
      byte(values[i][isGrey ? Math.floor(k / 3) : k]),
    );
    return { index, rgb, isGrey, captions: sure === undefined ? captions : [...captions, sure], wrong };
  });
}

function spoken({ index, captions, wrong }: Picked): string {
  if (captions.length === 0) return `image ${index}`;
  return wrong ? `image ${index} ${captions.join(', ')}` : `image ${index} is ${captions[0]}`;
}
