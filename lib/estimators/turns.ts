import { failure } from '../check.js';
import type { RandomState } from '../random.js';

/** The last task that draws from a generator. */
type Turns = WeakMap<RandomState, Promise<void>>;

const fits: Turns = new WeakMap();
const samplings: Turns = new WeakMap();

/**
 * Runs asynchronous tasks that draw from one generator one after another, in the order of the calls, so that what each
 * of them draws does not depend on timing. A task without company starts at once.
 */
export const inTurn = <R>(random: RandomState, task: () => Promise<R>): Promise<R> => behind(fits, random, task);

/** The same of samplings, which a callback of a fit may wait for: they wait for each other alone. */
export const sampledInTurn = <R>(random: RandomState, task: () => Promise<R>): Promise<R> =>
  behind(samplings, random, task);

function behind<R>(last: Turns, random: RandomState, task: () => Promise<R>): Promise<R> {
  const before = last.get(random);
  const turn = before ? before.then(task) : task();
  const over = () => {
    if (last.get(random) === settled) last.delete(random);
  };
  const settled = turn.then(over, over);
  last.set(random, settled);
  return turn;
}

/** @throws Error with code ERR_BUSY while tasks that draw from the generator are running or waiting */
export function checkTurn(random: RandomState): void {
  if (fits.has(random))
    throw failure('ERR_BUSY', 'Expected randomState to be idle, but a fit that draws from it is still running');
}
