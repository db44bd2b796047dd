import { called, checkInterval, checkOptions, takeOptionsAlone, wrongType } from './check.js';
import type { Value } from './graph/value.js';
import { brandFactories, isClass } from './kind.js';

/** A penalty on a weight, added to the loss: l1 * sum(|w|) + l2 * sum(w^2), as Keras (no 1/2, no division by n). */
export interface Regularizer {
  readonly l1: number;
  readonly l2: number;
  /** A penalty of one's own: one number, made of the weight. */
  readonly graph?: (w: Value) => Value;
}

const weight = (name: string, value: number) => checkInterval(name, value, 0, Number.POSITIVE_INFINITY);

/** One of `regularizers.*` (called or not), its name, l1 and l2, or a function of the weight, written in `ops`, which is not saved. */
export type RegularizerInput =
  | Partial<Regularizer>
  | 'l1'
  | 'l2'
  | 'l1l2'
  | (() => Regularizer)
  | ((w: Value) => Value);

export const regularizers = {
  /** l1 * sum(|w|). Default l1 = 0.01 */
  l1: (options: { l1?: number } = {}): Regularizer => {
    checkOptions('options', options, ['l1']);
    return { l1: weight('l1', options.l1 ?? 0.01), l2: 0 };
  },
  /** l2 * sum(w^2). Default l2 = 0.01 */
  l2: (options: { l2?: number } = {}): Regularizer => {
    checkOptions('options', options, ['l2']);
    return { l1: 0, l2: weight('l2', options.l2 ?? 0.01) };
  },
  /** Both. One that is not given is 0, as Keras'; with neither, both are 0.01. */
  l1l2: (options: { l1?: number; l2?: number } = {}): Regularizer => {
    checkOptions('options', options, ['l1', 'l2']);
    const { l1, l2 } = options;
    const other = l1 === undefined && l2 === undefined ? 0.01 : 0;
    return { l1: weight('l1', l1 ?? other), l2: weight('l2', l2 ?? other) };
  },
};
takeOptionsAlone('regularizers', regularizers);
brandFactories('regularizers', regularizers);

export function checkRegularizer(option: string, given: unknown): Regularizer | undefined {
  const input = called(given, regularizers);
  if (input === undefined || input === null) return undefined;
  if (input === 'l1' || input === 'l2' || input === 'l1l2') return regularizers[input]();
  if (typeof input === 'function' && !isClass(input)) return { l1: 0, l2: 0, graph: input as (w: Value) => Value };
  if (typeof input !== 'object') throw wrongType(option, 'one of regularizers.* or its name', input);
  if ('graph' in input && typeof input.graph === 'function')
    return { l1: 0, l2: 0, graph: input.graph as (w: Value) => Value };
  checkOptions(option, input, ['l1', 'l2']);
  const { l1 = 0, l2 = 0 } = input as Partial<Regularizer>;
  return { l1: weight(`${option}.l1`, l1), l2: weight(`${option}.l2`, l2) };
}
