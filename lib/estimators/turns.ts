import { failure } from '../check.js';
import type { RandomState } from '../random.js';

const last = new WeakMap<RandomState, Promise<void>>();

/**
 * Runs asynchronous tasks that draw from one generator one after another, in the order of the calls, so that what each
 * of them draws does not depend on timing. A task without company starts at once.
 */
export function inTurn<R>(random: RandomState, task: () => Promise<R>): Promise<R> {
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
  if (last.has(random))
    throw failure('ERR_BUSY', 'Expected randomState to be idle, but a fit that draws from it is still running');
}
