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

/** Awaited all along, as errors have the frames of what waits for one promise alone. */
async function behind<R>(last: Turns, random: RandomState, task: () => Promise<R>): Promise<R> {
  const before = last.get(random);
  let over!: () => void;
  const turn = new Promise<void>((resolve) => {
    over = resolve;
  });
  last.set(random, turn);
  try {
    if (before) await before;
    return await task();
  } finally {
    if (last.get(random) === turn) last.delete(random);
    over();
  }
}

/** @throws Error with code ERR_BUSY while tasks that draw from the generator are running or waiting */
export function checkTurn(random: RandomState): void {
  if (fits.has(random))
    throw failure('ERR_BUSY', 'Expected randomState to be idle, but a fit that draws from it is still running');
}
