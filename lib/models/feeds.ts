import { batchReader } from '../training/batch.js';
import { type Feed, ranksFeed, samplesFeed } from '../training/feed.js';
import type { PreparedFit } from '../training/fit.js';
import type { Ranks } from '../training/ranks.js';
import { isSource, type Source } from '../training/source.js';
import { SourceFeed, type SourceFeedOptions } from '../training/source-feed.js';
import type { Callee } from './calls.js';
import type { Network } from './network.js';
import type { FitSourceOptions } from './options.js';

/** The batches of a source, for a network that is known from the first of them at the latest. */
export function feedOf(
  { ports, model }: Callee,
  source: Source<unknown>,
  isSync: boolean,
  { classWeight, ...rest }: Omit<SourceFeedOptions, 'read' | 'isSync'> & Pick<FitSourceOptions, 'classWeight'>,
): SourceFeed {
  return new SourceFeed(source, { ...rest, isSync, read: batchReader(ports, model.dtype, classWeight) });
}

/** The network for the samples of a feed that has begun. */
export function enter(callee: Callee, feed: SourceFeed, moves: boolean): Network {
  const network = callee.engine.enterJudged(callee.graphFor(feed.shapes), moves);
  prepareFor(callee, network, feed);
  return network;
}

/** What a training judges after each epoch. `trained`: the rows of its batches, where they are known */
export function validationFeed(
  callee: Callee,
  network: Network,
  { validation, validationBatchSize }: Pick<PreparedFit, 'validation' | 'validationBatchSize'>,
  isSync: boolean,
  ranks?: Ranks,
  trained?: number,
): Feed | undefined {
  if (validation === undefined) return undefined;
  if (isSource(validation)) {
    const feed = feedOf(callee, validation, isSync, { name: 'validation batch', ...(ranks && { ranks }) });
    prepareFor(callee, network, feed);
    return feed;
  }
  if (trained === undefined) network.states?.enter(validation.count, validationBatchSize);
  else network.states?.check(validation.count, validationBatchSize, trained);
  if (ranks) return ranksFeed(validation, validationBatchSize, ranks);
  return samplesFeed(validation, validationBatchSize);
}

const prepareFor = ({ model, ports }: Callee, network: Network, feed: SourceFeed) =>
  feed.readyFor({
    dtype: model.dtype,
    ports: ports(),
    enter: (rows) => network.states?.enter(rows, rows),
  });
