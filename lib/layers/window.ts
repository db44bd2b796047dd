import { checkInteger, checkOneOf, wrongType } from '../check.js';
import { type Layer, type Shape, wrongInput } from './layer.js';

/** One number for height and width, or [height, width]. */
export type PairInput = number | readonly [number, number];
export type Pair = readonly [height: number, width: number];
export type Padding = 'valid' | 'same';

/** Positive integers for height and width. */
export function checkPair(name: string, value: unknown): Pair {
  if (typeof value === 'number') {
    const n = checkInteger(name, value, 1);
    return [n, n];
  }
  if (!Array.isArray(value) || value.length !== 2) throw wrongType(name, 'a positive integer or two of them', value);
  return [checkInteger(`${name}[0]`, value[0], 1), checkInteger(`${name}[1]`, value[1], 1)];
}

export function checkPadding(value: unknown): Padding {
  return checkOneOf('padding', value, ['valid', 'same']);
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
  const extents = windows.size.map((size, i) => (size - 1) * windows.dilations[i] + 1);
  const along = (axis: 0 | 1): [places: number, before: number] => {
    const n = inputShape[axis];
    const stride = windows.strides[axis];
    if (windows.padding === 'valid') return [Math.floor((n - extents[axis]) / stride) + 1, 0];
    const places = Math.ceil(n / stride);
    return [places, Math.floor(Math.max(0, (places - 1) * stride + extents[axis] - n) / 2)];
  };
  const [rows, top] = along(0);
  const [columns, left] = along(1);
  if (rows < 1 || columns < 1)
    throw wrongInput(
      layer,
      `images of at least ${extents.join(' x ')} pixels, as its ${what} with padding 'valid' (or use padding 'same')`,
      inputShape,
    );
  return { places: [rows, columns], before: [top, left] };
}
