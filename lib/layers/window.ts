import { checkInteger, checkOneOf, wrongType } from '../check.js';
import { reshaped } from '../graph/broadcast.js';
import type { Value } from '../graph/value.js';
import { type Layer, type Shape, wrongInput } from './layer.js';

/** One number for height and width, or [height, width]. */
export type PairInput = number | readonly [number, number];
export type Pair = readonly [height: number, width: number];
/** Along a sequence there is one number; Keras writes it [steps], too. */
export type StepsInput = number | readonly [number];
export type Padding = 'valid' | 'same';
export type SequencePadding = Padding | 'causal';

/** Integers for height and width: positive ones, or from 0 on. */
export function checkPair(name: string, value: unknown, low: 0 | 1 = 1): Pair {
  if (typeof value === 'number') {
    const n = checkInteger(name, value, low);
    return [n, n];
  }
  const kind = low === 1 ? 'positive' : 'non-negative';
  if (!Array.isArray(value) || value.length !== 2) throw wrongType(name, `a ${kind} integer or two of them`, value);
  return [checkInteger(`${name}[0]`, value[0], low), checkInteger(`${name}[1]`, value[1], low)];
}

/** An integer for steps: a positive one, or from 0 on. */
export function checkSteps(name: string, value: unknown, low: 0 | 1 = 1): number {
  return checkInteger(name, Array.isArray(value) && value.length === 1 ? value[0] : value, low);
}

export function checkPadding(value: unknown): Padding {
  return checkOneOf('padding', value, ['valid', 'same']);
}

export function checkSequencePadding(value: unknown): SequencePadding {
  return checkOneOf('padding', value, ['valid', 'same', 'causal']);
}

/** How windows move over an image. */
export interface Windows {
  readonly size: Pair;
  readonly strides: Pair;
  readonly dilations: Pair;
  readonly padding: Padding;
}

/** Places of a window along height and width, and how far the first one begins before the image. */
export interface Sliding {
  readonly places: Pair;
  readonly before: Pair;
}

/** How windows move over a sequence. */
export interface SequenceWindows {
  readonly size: number;
  readonly strides: number;
  readonly dilations: number;
  readonly padding: SequencePadding;
}

/**
 * The places of `windows` in an image. 'valid': all that lie inside. 'same': as TensorFlow, ceil(n / stride) of them, with
 * the outside shared evenly between both sides and an odd row or column at the bottom or right.
 *
 * @throws RangeError if the input is no image, or a window larger than it
 */
export function slide(layer: Layer, what: string, windows: Windows, inputShape: Shape): Sliding {
  if (inputShape.length !== 3) {
    const example = inputShape.length === 2 ? ` (one channel: [${inputShape.join(', ')}, 1])` : '';
    throw wrongInput(layer, `images [height, width, channels]${example}`, inputShape);
  }
  const extents = windows.size.map((size, i) => extentOf(size, windows.dilations[i]));
  const [rows, columns] = [0, 1].map((axis) =>
    along(inputShape[axis], extents[axis], windows.strides[axis], windows.padding),
  );
  if (rows.places < 1 || columns.places < 1)
    throw wrongInput(
      layer,
      `images of at least ${extents.join(' x ')} pixels, as its ${what} with padding 'valid' (or use padding 'same')`,
      inputShape,
    );
  return { places: [rows.places, columns.places], before: [rows.before, columns.before] };
}

/**
 * The same in a sequence, as what they are in the image of it (`asImage`). 'causal': as many places as with 'same', all of
 * the outside before the sequence, so that no window sees steps that come after its own.
 *
 * @throws RangeError if the input is no sequence, or a window longer than it
 */
export function slideSequence(layer: Layer, what: string, windows: SequenceWindows, inputShape: Shape) {
  const { size, strides, dilations, padding } = windows;
  if (inputShape.length !== 2) {
    const example = inputShape.length === 1 ? ` (one channel: [${inputShape[0]}, 1])` : '';
    throw wrongInput(layer, `sequences [steps, channels]${example}`, inputShape);
  }
  const extent = extentOf(size, dilations);
  const { places, before } = along(inputShape[0], extent, strides, padding);
  if (places < 1)
    throw wrongInput(
      layer,
      `sequences of at least ${extent} steps, as its ${what} with padding 'valid' (or use padding 'same')`,
      inputShape,
    );
  const pair = (first: number, n: number): Pair => [first, n];
  return {
    size: pair(1, size),
    strides: pair(1, strides),
    dilations: pair(1, dilations),
    places: pair(1, places),
    before: pair(0, before),
  };
}

/** How a layer that is there for both moves its windows over images, or over sequences. */
export interface Moving<Size> {
  check(name: string, value: unknown): Size;
  /** As in the image that `image` makes. @throws RangeError */
  slide(
    layer: Layer,
    windows: { size: Size; strides: Size; dilations: Size; padding: Padding },
    inputShape: Shape,
  ): Sliding & Pick<Windows, 'strides' | 'dilations'>;
  image(value: Value): Value;
  back(image: Value): Value;
}

export const OVER_IMAGES: Moving<Pair> = {
  check: checkPair,
  slide: (layer, windows, inputShape) => ({ ...windows, ...slide(layer, 'kernel', windows, inputShape) }),
  image: (value) => value,
  back: (image) => image,
};

export const OVER_SEQUENCES: Moving<number> = {
  check: checkSteps,
  slide: (layer, windows, inputShape) => slideSequence(layer, 'kernel', windows, inputShape),
  image: (value) => asImage(value),
  back: (image) => asSequence(image),
};

/** A sequence, or a kernel for one, as those of images are: in one row, of which convolutions take several pixels at a time. */
export const asImage = (sequence: Value): Value => reshaped(sequence, [1, ...sequence.shape]);
/** The row of what was made of it. */
export const asSequence = (image: Value): Value => reshaped(image, image.shape.slice(1));

const extentOf = (size: number, dilation: number) => (size - 1) * dilation + 1;

/** Places of a window along an axis of n, and how far the first one begins before it. */
function along(n: number, extent: number, stride: number, padding: SequencePadding) {
  if (padding === 'valid') return { places: Math.floor((n - extent) / stride) + 1, before: 0 };
  const places = Math.ceil(n / stride);
  if (padding === 'causal') return { places, before: extent - 1 };
  return { places, before: Math.floor(Math.max(0, (places - 1) * stride + extent - n) / 2) };
}
