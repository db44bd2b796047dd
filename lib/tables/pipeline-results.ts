// What a pipeline gives, by its last step.
import type { NDArray } from '../array.js';
import type { AnyTransformer } from './steps.js';

/**
 * What a pipeline predicts: what its last step does; of a network a promise of labels or numbers. Of a last step that is not known, as
 * that of a file, it may be either.
 */
export type PredictionOf<E> = E extends { predictSync(...args: never[]): unknown }
  ? Promise<Answers>
  : E extends { predict(x: any): infer P }
    ? P
    : Unknown<E, Answers>;
/** What it scores. */
export type ScoreOf<E> = E extends { predictSync(...args: never[]): unknown }
  ? Promise<number>
  : E extends { score(...args: any): infer S extends number | Promise<number> }
    ? S
    : Unknown<E, number>;
export type ProbabilitiesOf<E> = E extends { predictSync(...args: never[]): unknown }
  ? Promise<NDArray>
  : E extends { predict(x: any): unknown }
    ? NDArray
    : Unknown<E, NDArray>;
type Unknown<E, T> = E extends 'passthrough' | AnyTransformer ? never : T | Promise<T>;
/** Labels or numbers, one a row. */
export type Answers = NDArray | string[] | boolean[];
