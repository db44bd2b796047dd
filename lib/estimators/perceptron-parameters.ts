import { types } from 'node:util';
import { checkBoolean, checkInteger, checkInterval, checkOneOf, optionsOver, wrongType, wrongValue } from '../check.js';
import { type Label, listed } from '../labels.js';
import { checkRandomState, type RandomState } from '../random.js';

export interface PerceptronOptions {
  /** What keeps weights small. Default null: nothing */
  penalty?: 'l2' | 'l1' | 'elasticnet' | null;
  /** >= 0: times the penalty. Default 1e-4 */
  alpha?: number;
  /** In [0, 1]: the share of l1 of 'elasticnet'. Default 0.15 */
  l1Ratio?: number;
  /** Default true */
  fitIntercept?: boolean;
  /** Epochs at most. Default 1000 */
  maxIter?: number;
  /** Training ends when the mean loss was not better by this much `nIterNoChange` times in a row; null: never. Default 1e-3 */
  tol?: number | null;
  /** Whether the samples are shuffled before each epoch. Default true */
  shuffle?: boolean;
  /** > 0: how far a sample on the wrong side moves the weights. Default 1 */
  eta0?: number;
  /** A seed, the same draws in every call; or a RandomState to go on drawing from. Default 0 */
  randomState?: number | RandomState;
  /** Default 5 */
  nIterNoChange?: number;
  /** Weights of classes by their labels, or 'balanced': n / (classes * count). Default null: 1 */
  classWeight?: 'balanced' | Readonly<Record<string, number>> | ReadonlyMap<Label, number> | null;
  /** Whether `fit` goes on from the weights it left. Default false */
  warmStart?: boolean;
}

export type PerceptronParameters = Required<PerceptronOptions>;

const DEFAULTS: PerceptronParameters = {
  penalty: null,
  alpha: 1e-4,
  l1Ratio: 0.15,
  fitIntercept: true,
  maxIter: 1000,
  tol: 1e-3,
  shuffle: true,
  eta0: 1,
  randomState: 0,
  nIterNoChange: 5,
  classWeight: null,
  warmStart: false,
};

/** `options` over `base`, each of them checked. An option that is undefined has its default. */
export function checkParameters(options: PerceptronOptions, base: object = {}): PerceptronParameters {
  const p = optionsOver(options, DEFAULTS, base);
  const infinity = Number.POSITIVE_INFINITY;
  if (p.penalty !== null) checkOneOf('penalty', p.penalty, ['l2', 'l1', 'elasticnet']);
  checkInterval('alpha', p.alpha, 0, infinity);
  checkInterval('l1Ratio', p.l1Ratio, 0, 1);
  checkBoolean('fitIntercept', p.fitIntercept);
  checkInteger('maxIter', p.maxIter, 1);
  if (p.tol !== null) checkInterval('tol', p.tol, 0, infinity);
  checkBoolean('shuffle', p.shuffle);
  checkInterval('eta0', p.eta0, 0, infinity, 'low');
  checkRandomState(p.randomState);
  checkInteger('nIterNoChange', p.nIterNoChange, 1);
  checkBoolean('warmStart', p.warmStart);
  const { classWeight } = p;
  if (typeof classWeight === 'string') checkOneOf('classWeight', classWeight, ['balanced']);
  else if (classWeight !== null && typeof classWeight !== 'object')
    throw wrongType('classWeight', "'balanced', or weights by label", classWeight);
  return p;
}

/** As JSON has them: a Map as a record, which means the same. */
export const weightsByName = (given: PerceptronParameters['classWeight']): PerceptronParameters['classWeight'] =>
  given !== null && typeof given === 'object' ? Object.fromEntries(weightEntries(given)) : given;

const weightEntries = (given: object): [string, number][] =>
  (types.isMap(given) ? [...(given as ReadonlyMap<Label, number>)] : Object.entries(given)).map(([label, weight]) => [
    String(label),
    weight,
  ]);

/** The weight of each class. */
export function classWeights(
  given: PerceptronParameters['classWeight'],
  all: readonly Label[],
  codes: Int32Array,
): number[] {
  if (given === null) return all.map(() => 1);
  if (given === 'balanced') {
    const counts = all.map((_, k) => codes.reduce((sum, code) => sum + Number(code === k), 0));
    return counts.map((count) => codes.length / (all.length * count));
  }
  const named = new Map(weightEntries(given));
  for (const [name, weight] of named) checkInterval(`classWeight[${name}]`, weight, 0, Number.POSITIVE_INFINITY);
  const names = all.map(String);
  const unknown = [...named.keys()].find((name) => !names.includes(name));
  // as in scikit-learn: of a fold that lacks a class others may be named, but none may be missing then, as where one is misspelt
  if (unknown !== undefined && !names.every((name) => named.has(name)))
    throw wrongValue('classWeight', `weights of ${listed(all)}`, unknown);
  return names.map((name) => named.get(name) ?? 1);
}
