import type { Tenant } from '../graph/held.js';
import type { Recorder } from '../graph/recorder.js';
import type { Plan } from '../plan.js';
import type { Trained } from './optimizer.js';

/**
 * Emits the moving averages of the weights, and their overwriting. Keras takes the average after every batch, also where it
 * only accumulated a gradient, and has it begin anew at the weights until the first update is done.
 */
export function emitAverages(
  t: Recorder,
  { emaMomentum, emaOverwriteFrequency }: { emaMomentum: number; emaOverwriteFrequency?: number },
  updates: (iteration: number) => number,
  trained: readonly Trained[],
): void {
  const momentum = t.perStep((iteration) => (updates(iteration) === 0 ? 0 : emaMomentum));
  const averages = trained.map(({ w, N, state }) => {
    const average = state('average');
    t.emit('movingAverage', [w, average], { N }, { momentum });
    t.averages.pairs.push([w, average]);
    return average;
  });
  if (!emaOverwriteFrequency) return;
  const isDue = t.perStep((iteration) => Number((updates(iteration) + 1) % emaOverwriteFrequency === 0));
  t.when(isDue, () => {
    for (const [i, { w, N }] of trained.entries()) t.emit('copy', [averages[i], w], { N });
  });
}

interface Averaged {
  readonly plan: Plan;
  readonly recorder: Recorder;
  readonly weights: readonly Pick<Tenant, 'weight' | 'buffer'>[];
}

/** Lets those that have copies of the weights know that they are others now. */
function moved({ recorder: { averages }, weights }: Averaged): void {
  const changed = new Set(averages.pairs.map(([w]) => w));
  for (const { weight, buffer } of weights) if (changed.has(buffer)) weight.held.version++;
}

/** Puts the moving averages of the weights in their place, which is where Keras leaves them at the end of `fit`. */
export function takeAverages(network: Averaged): void {
  const { plan, recorder } = network;
  const { averages } = recorder;
  for (const [w, average] of averages.pairs) {
    if (averages.swapped) plan.write(average, plan.read(w));
    else plan.write(w, plan.read(average));
  }
  averages.swapped = false;
  moved(network);
}

/** Exchanges the weights and their moving averages, where it has not been done yet or, with `back`, where it has. */
export function swapAverages(network: Averaged, back: boolean): void {
  const { plan, recorder } = network;
  const { averages } = recorder;
  if (averages.swapped !== back) return;
  for (const [w, average] of averages.pairs) {
    const value = plan.read(w);
    plan.write(w, plan.read(average));
    plan.write(average, value);
  }
  averages.swapped = !back;
  moved(network);
}
