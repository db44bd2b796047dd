// What TypeScript knows of the names of inputs and outputs: those that were written out as options of layers.
import type { ShapeOf } from './shape-types.js';
import type { Value } from './value.js';

declare const NAME: unique symbol;

/** Something with a name that TypeScript knows where `N` is one. */
export interface Named<N extends string = string> {
  readonly [NAME]?: N;
}

/** `string`, unless it is known. */
export type NameOf<X> = X extends Named<infer N> ? N : string;

/** What a layer of the name N gives: whatever it was made of, it is called as the layer. */
export type CalledAs<X, N extends string> =
  X extends Value<any>
    ? Value<ShapeOf<X>> & Named<N>
    : X extends readonly Value[]
      ? { [K in keyof X]: Value<ShapeOf<X[K]>> }
      : X;

/** The names of one value, or of several; `string` where one of them is not known, or stands for two. */
export type NamesOf<V> = V extends readonly Value[]
  ? Repeats<V> extends true
    ? string
    : NameOf<V[number]>
  : NameOf<V>;

type Repeats<V extends readonly unknown[]> = V extends readonly [infer First, ...infer Rest]
  ? [NameOf<First>] extends [NameOf<Rest[number]>]
    ? true
    : Repeats<Rest>
  : false;

/** One T for each value: alone, in a list, or by their names. */
export type ForEach<V, T> = T | ListFor<V, T> | Readonly<Record<NamesOf<V>, T>>;
type ListFor<V, T> = V extends readonly Value[] ? { readonly [K in keyof V]: T } : readonly T[];

/** The same for some of them. */
export type ForSome<V, T> = T | ListFor<V, T> | { readonly [N in NamesOf<V>]?: T };
