import type { ArrayInput, NDArray } from '../array.js';
import { wrongType, wrongValue } from '../check.js';
import { isPlain } from '../kind.js';
import { accuracyScore } from '../scores/classification.js';
import { r2Score } from '../scores/regression.js';
import { isNetworkStep } from '../tables/network-step.js';
import type { Candidate, Pair, Scoring, Weights } from './fits.js';
import { accuracy, isClassNetwork, isLike, isOneHot, labelsOfNetwork } from './score.js';
import { readScore, readScoring, type ScoringName } from './scoring.js';

/** One score, or several: their names, or an object of functions and names by names of your own. */
export type Scorings<M> =
  | Scoring<M>
  | ScoringName
  | readonly ScoringName[]
  | Readonly<Record<string, Scoring<M> | ScoringName>>;

/** The scores of a model. */
export interface Scorers<M> {
  readonly by: ReadonlyMap<string, Scoring<M>>;
  /** The name of the one that tells which model is best. */
  readonly refit: string;
  /** Whether names were given, be it a single one. */
  readonly areNamed: boolean;
}

/** One score. */
export const single = <M extends Candidate>(scoring: Scoring<M> | ScoringName | undefined): Scorers<M> => ({
  by: new Map([['score', readScoring(scoring) ?? (defaultScore as Scoring<M>)]]),
  refit: 'score',
  areNamed: false,
});

/** @param refit default: the first one */
export function readScorers<M extends Candidate>(scoring: Scorings<M> | undefined, refit?: string): Scorers<M> {
  const isList = Array.isArray(scoring);
  if (!isList && !isPlain(scoring)) {
    if (refit !== undefined) throw wrongType('refit', 'undefined where scoring is one score', refit);
    return single(scoring as Scoring<M> | ScoringName | undefined);
  }
  const entries = isList ? Array.from(scoring, (name) => [name, name]) : Object.entries(scoring);
  if (entries.length === 0) throw wrongValue('scoring', 'one score or more', scoring);
  const by = new Map(entries.map(([name, own]): [string, Scoring<M>] => [name, readScore<M>(own)]));
  if (by.size < entries.length) throw wrongValue('scoring', 'names that differ', scoring);
  const names = [...by.keys()];
  if (refit !== undefined && !by.has(refit))
    throw wrongValue('refit', `one of the scores, ${names.map((name) => `'${name}'`).join(', ')}`, refit);
  return { by, refit: refit ?? names[0], areNamed: true };
}

/** The score without a `scoring`. */
export async function defaultScore(model: Candidate, x: Pair[0], y: Pair[1], weights?: Weights): Promise<number> {
  if (typeof model.score === 'function') return weights ? model.score(x, y, weights) : model.score(x, y);
  const output = await model.predict(x);
  if (isClassNetwork(model)) return accuracyScore(...labelsOfNetwork(model, y, output as NDArray), weights);
  const isOfNumbers = isNetworkStep(model) ? isLike(y, output) && !isOneHot(y) : model.estimatorType === 'regressor';
  return isOfNumbers ? r2Score(y as ArrayInput, output as ArrayInput, weights) : accuracy(y, output, weights);
}
