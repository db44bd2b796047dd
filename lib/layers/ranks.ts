// What layers take and give, for TypeScript: `apply` refuses values of another number of axes.
import type { CalledAs, NameOf } from '../graph/name-types.js';
import type { Axes, BroadcastAll, OneMore, Picture, Sequence, ShapeOf, Vector } from '../graph/shape-types.js';
import type { Shape, Value } from '../graph/value.js';

/** What a layer takes, and what it gives if it is `given` what it was applied to, and its `call` has `made` something of it. */
export interface Ranks {
  readonly takes: Value | readonly Value[];
  readonly given: unknown;
  readonly made: unknown;
  readonly gives: unknown;
}

/** Of a layer of one's own: what its `call` is declared to return. */
export interface AsCalled extends Ranks {
  readonly gives: this['made'];
}

/** A layer that takes `I` and gives `O`. */
export interface FromTo<I extends Ranks['takes'], O> extends Ranks {
  readonly takes: I;
  readonly gives: O;
}

/** As many axes as it was given. */
export interface SameRank extends Ranks {
  readonly takes: Value;
  readonly gives: Value<ShapeOf<this['given']>>;
}

/** An axis more, the last. */
export interface HigherRank extends Ranks {
  readonly takes: Value;
  readonly gives: Value<OneMore<ShapeOf<this['given']>>>;
}

/** Values that broadcast. */
export interface Broadcasts extends Ranks {
  readonly takes: readonly Value[];
  readonly gives: Value<this['given'] extends readonly unknown[] ? BroadcastAll<this['given']> : Shape>;
}

export type OfPictures = FromTo<Value<Picture>, Value<Picture>>;
export type OfSequences = FromTo<Value<Sequence>, Value<Sequence>>;
/** A vector of `S`, or `S` again where the options O have keepDims. */
export type Pooled<S extends Shape, O> = FromTo<
  Value<S>,
  O extends { readonly keepDims: infer K }
    ? boolean extends K
      ? Value
      : Value<K extends true ? S : Vector>
    : Value<Vector>
>;
export type ToVector = FromTo<Value, Value<Vector>>;
export type VectorToSequence = FromTo<Value<Vector>, Value<Sequence>>;
export type ToShape<S extends Shape> = FromTo<Value, Value<Axes<S>>>;

/** Where a layer's type has its ranks. */
export declare const RANKS: unique symbol;

/** What a layer gives for what it is applied to. */
export type Given<L, I> = L extends { readonly [RANKS]: infer R extends Ranks; call(...args: never): infer M }
  ? CalledAs<(R & { readonly given: I; readonly made: M })['gives'], NameOf<L>>
  : never;
