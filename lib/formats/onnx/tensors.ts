import type { NDArray } from '../../array.js';
import { type Shape, sizeOf, type Value } from '../../graph/value.js';

/** Numbers that a file may have made beside its own: a file of few bytes could ask for any number of them. */
export class Budget {
  #left: number;

  constructor(fileSize: number) {
    this.#left = 2 ** 22 + 4 * fileSize;
  }

  take(size: number): void {
    this.#left -= size;
    if (!(size >= 0 && this.#left >= 0))
      throw new RangeError(`it makes constants of ${size} numbers, more than a file of this size may`);
  }
}

/** A number of a shape that grows with the batch. */
export class Batches {
  readonly times: number;

  constructor(times: number) {
    this.times = times;
  }
}
export type Dim = number | Batches;

/** Numbers that are known: weights, shapes, axes. */
export interface Constant {
  readonly kind: 'constant';
  readonly shape: Shape;
  readonly data: ArrayLike<number>;
  readonly isFloat: boolean;
  /** What the file calls it, where it is a tensor of it. */
  readonly name?: string;
  /** Otherwise of which tensor of it these are some of the numbers, none of them twice. */
  readonly of?: string;
  /** Otherwise of which tensors of it they were computed; none of what stands in the graph itself. */
  readonly parts?: readonly string[];
  /** Its numbers are all of theirs, in another order or one behind the other. */
  readonly isMoved?: true;
}

/** Whole numbers of which some grow with the batch: a shape, or part of one. */
export interface Dims {
  readonly kind: 'dims';
  /** [] or [n] */
  readonly shape: Shape;
  readonly dims: readonly Dim[];
}

/** The axis of ONNX that the batch is. */
export const BATCH = -1;

/** What is computed. ONNX has the batch among its axes, anywhere, and an image's channels in front of its pixels. */
export interface Computed {
  readonly kind: 'computed';
  readonly value: Value;
  /** For each of ONNX's axes the axis of the value, or BATCH. */
  readonly axes: readonly number[];
  /** The value's first axis is part of the batch, behind or before it: what TimeDistributed does, and attention's heads. */
  readonly steps?: 'behind' | 'before';
  /** Before it was seen in another shape. */
  readonly origin?: Value;
  /** An image [H, W, C] whose values it has in a row, the channels slowest. */
  readonly image?: Value;
  /** No number is below 0. */
  readonly isPositive?: true;
}

/** Which class is the most probable, or what it is called: what scikit-learn's classifiers give beside probabilities. */
export interface Labels {
  readonly kind: 'labels';
  readonly classes?: readonly (string | number)[];
  /** The operation that computed with the label, where one did more than give it another shape or type. */
  readonly behind?: string;
}

export type Tensor = Constant | Dims | Computed | Labels;

export const constant = (shape: Shape, data: ArrayLike<number>, isFloat: boolean, name?: string): Constant => ({
  kind: 'constant',
  shape,
  data,
  isFloat,
  ...(name !== undefined && { name }),
});

/** A shape as what it is: constant, if the batch is not in it. */
export function dims(list: readonly Dim[], shape: Shape = [list.length]): Constant | Dims {
  const isKnown = list.every((n) => typeof n === 'number');
  return isKnown ? constant(shape, list as number[], false) : { kind: 'dims', shape, dims: list };
}

/** What is known before the network runs. */
export function known(tensor: Tensor | undefined): Constant | Dims {
  if (tensor?.kind !== 'constant' && tensor?.kind !== 'dims')
    throw new RangeError('its shape is not known before the network runs');
  return tensor;
}

/** The numbers of a shape. */
export const dimsOf = (tensor: Constant | Dims): readonly Dim[] =>
  tensor.kind === 'dims' ? tensor.dims : Array.from(tensor.data);

/** A value with the axes of ONNX in its order, the batch first. */
export const inOrder = (shape: Shape): number[] => [BATCH, ...shape.map((_, axis) => axis)];

export const computed = (
  value: Value,
  axes: readonly number[] = inOrder(value.shape),
  rest: Partial<Computed> = {},
): Computed => ({
  kind: 'computed',
  value,
  axes,
  ...rest,
});

/** The same with ONNX's axes in another order. Nothing moves: what comes next asks for the axes that it needs. */
export const turned = ({ origin: _, image: __, ...x }: Computed, order: readonly number[]): Computed => ({
  ...x,
  axes: order.map((axis) => x.axes[axis]),
});

/** ONNX's shape. */
export const shapeOf = (tensor: Tensor): readonly Dim[] =>
  tensor.kind === 'computed'
    ? tensor.axes.map((axis) =>
        axis === BATCH ? new Batches(tensor.steps ? tensor.value.shape[0] : 1) : tensor.value.shape[axis],
      )
    : tensor.kind === 'labels'
      ? []
      : tensor.shape;

/** The lowest number of float32, which is -Infinity to what takes the largest one. */
export const LOWEST = -3.4028234663852886e38;

/** Whether a row along the last axis is nothing but what is hidden. */
export function hidesRow({ shape, data }: Constant, isHidden: (n: number) => boolean): boolean {
  const n = shape.at(-1) ?? 1;
  for (let i = 0; i < data.length; i += n)
    if (Array.from({ length: n }, (_, k) => data[i + k]).every(isHidden)) return true;
  return false;
}

/** Both orders of a pair. */
export const orders = <T>([a, b]: readonly T[]): [T, T][] => [
  [a, b],
  [b, a],
];

/** Whether two lists are the same. */
export const isSame = (a: readonly number[], b: readonly number[]): boolean =>
  a.length === b.length && a.every((n, i) => n === b[i]);

/** The channels in front, as convolutions have them: of an image [0, 1, 2] it is [batch, 2, 0, 1]. */
export const channelsFirst = (rank: number): number[] => [
  BATCH,
  rank - 1,
  ...Array.from({ length: rank - 1 }, (_, axis) => axis),
];

/** NumPy's x[..., i]: the numbers of a broadcast constant, element by element of a shape. */
export function broadcastTo({ shape, data }: Pick<Constant, 'shape' | 'data'>, to: Shape): Float64Array {
  const out = new Float64Array(sizeOf(to));
  const own = [...Array.from({ length: Math.max(0, to.length - shape.length) }, () => 1), ...shape];
  if (own.length > to.length || own.some((n, axis) => n !== 1 && n !== to[axis]))
    throw new RangeError(`it broadcasts a constant of shape [${shape.join(', ')}] to [${to.join(', ')}]`);
  const strides = own.map((n, axis) => (n === 1 ? 0 : sizeOf(own.slice(axis + 1))));
  const at = to.map(() => 0);
  for (let i = 0, from = 0; i < out.length; i++) {
    out[i] = data[from];
    for (let axis = to.length - 1; axis >= 0; axis--) {
      from += strides[axis];
      if (++at[axis] < to[axis]) break;
      from -= strides[axis] * to[axis];
      at[axis] = 0;
    }
  }
  return out;
}

export type Numbers = Pick<NDArray, 'shape' | 'data'>;

/** The shortest number that float32 rounds to this one: 0.001 for 0.0010000000474974513. */
export const rounded = (x: number): number => {
  for (let digits = 1; digits < 9; digits++) {
    const short = Number(x.toPrecision(digits));
    if (Math.fround(short) === Math.fround(x)) return short;
  }
  return x;
};
