// What TypeScript knows of shapes: how many axes they have. An array of numbers may have any number of them.
import type { Shape, Value } from './value.js';

export type Vector = readonly [number];
/** [steps, channels] */
export type Sequence = readonly [number, number];
/** [height, width, channels] */
export type Picture = readonly [number, number, number];

/** A shape with as many axes as one that is written out. */
export type Axes<S extends Shape> = { readonly [K in keyof S]: number };

/** That of a value; a number has none, and of other operands it is not known. */
export type ShapeOf<X> = X extends Value<infer S> ? S : X extends number ? readonly [] : Shape;

/** Of two shapes that broadcast. */
export type Broadcast<A extends Shape, B extends Shape> = number extends A['length'] | B['length']
  ? Shape
  : A extends readonly [...B, ...Shape]
    ? A
    : B;

/** Of a list of shapes that broadcast, those of `X`. */
export type BroadcastAll<X extends readonly unknown[], S extends Shape = readonly []> = number extends X['length']
  ? Shape
  : X extends readonly [infer First, ...infer Rest]
    ? BroadcastAll<Rest, Broadcast<S, ShapeOf<First>>>
    : S;

/** What is left of a shape that is summed along the axes of `O`. */
export type Reduced<S extends Shape, O> = O extends { keepDims: true }
  ? S
  : O extends { keepDims: boolean } | { axis: readonly unknown[] }
    ? Shape
    : O extends { axis: number }
      ? OneLess<S>
      : O extends { axis?: undefined }
        ? readonly []
        : Shape;

/** NumPy's x @ y: the last two axes are matrices. */
export type Product<A extends Shape, B extends Shape> = A extends Vector
  ? B extends Vector
    ? readonly []
    : OneLess<B>
  : B extends Vector
    ? OneLess<A>
    : Broadcast<A, B>;

/** What indices of the shape I pick along the first axis of S. */
export type Gathered<S extends Shape, I extends Shape> = number extends S['length'] | I['length']
  ? Shape
  : readonly [...I, ...OneLess<S>];

/** With an axis more. */
export type OneMore<S extends Shape> = number extends S['length'] ? Shape : readonly [...S, number];

/** With an axis less. */
export type OneLess<S extends Shape> = S extends readonly [number, ...infer Rest extends Shape] ? Rest : Shape;

/** `Wanted`, unless the number of axes of X is not known: then X. */
export type Fits<X, Wanted> = X extends Value<infer S> ? (number extends S['length'] ? X : Wanted) : Wanted;
