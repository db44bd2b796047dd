import { NDArray } from '../array.js';
import type { RandomState } from '../random.js';
import type { Training } from '../train.js';
import { sweep } from '../training/sweep.js';
import { recordAnnealing, recordDeepChains } from './deep-plans.js';
import { type DeepState, dtypeOf, unitsOf, writeWeights } from './deep-training.js';
import { drawing } from './generator.js';
import { softplus } from './rbm-machine.js';

type Machine = Pick<DeepState, 'components' | 'intercepts'>;

export interface LogPartition {
  /** The logarithm of the estimate of Z. */
  readonly logZ: number;
  /** Of logZ: the standard deviation of the mean weight, as a share of it. */
  readonly standardError: number;
  /** log(Z - 3 sigma), -Infinity where that is not positive, and log(Z + 3 sigma). */
  readonly low: number;
  readonly high: number;
  /** The logarithm of each run's own estimate of Z. float64 [nRuns] */
  readonly logWeights: NDArray;
}

/** @param betas from 0 to 1, ascending */
export function* annealed(
  machine: Machine,
  betas: Float64Array,
  runs: number,
  random: RandomState,
): Training<LogPartition> {
  const annealing = recordAnnealing({ units: unitsOf(machine), dtype: 'float64' }, runs);
  const { plan, generator, before, beta } = annealing;
  writeWeights(annealing, machine);
  const training = function* (): Training<void> {
    yield { plan, job: { program: 'begin', first: 0, count: 1, batchSize: 1, inputs: [] } };
    let at = 0;
    yield* sweep(
      {
        ...{ plan, program: 'step', rows: { first: 0, count: betas.length - 1 }, batchSize: 1, inputs: [] },
        prepare(steps) {
          const values = Float64Array.from({ length: 2 * steps }, (_, i) => betas[at + (i >> 1) + (i % 2)]);
          at += steps;
          return { scalars: [before, beta], values };
        },
      },
      () => undefined,
    );
  };
  yield* drawing(plan, generator, random, training());
  // of the machine without components: every unit apart
  const base = machine.intercepts.flatMap(({ data }) => Array.from(data, softplus)).reduce((a, b) => a + b, 0);
  return estimate(Float64Array.from(plan.read(annealing.logWeights).data, (w) => base + w));
}

function estimate(logWeights: Float64Array): LogPartition {
  const runs = logWeights.length;
  const most = logWeights.reduce((a, b) => Math.max(a, b));
  const shares = Array.from(logWeights, (w) => Math.exp(w - most));
  const mean = shares.reduce((a, b) => a + b, 0) / runs;
  const variance = shares.reduce((sum, w) => sum + (w - mean) ** 2, 0) / (runs - 1);
  const standardError = Math.sqrt(variance / runs) / mean;
  const logZ = most + Math.log(mean);
  return {
    ...{ logZ, standardError },
    low: logZ + Math.log(Math.max(0, 1 - 3 * standardError)),
    high: logZ + Math.log1p(3 * standardError),
    logWeights: NDArray.wrap(logWeights),
  };
}

/** So many steps of Gibbs, of as many chains as `start` has rows. Returns the odds of the visible units in the last one. */
export function* gibbs(
  machine: Machine,
  start: readonly NDArray[],
  steps: number,
  random: RandomState,
): Training<NDArray> {
  const n = start[0].shape[0];
  const recorded = recordDeepChains({ units: unitsOf(machine), dtype: dtypeOf(machine) }, n);
  const { plan, generator, chains, visible } = recorded;
  writeWeights(recorded, machine);
  for (const [i, chain] of chains.entries()) plan.write(chain, start[i]);
  const training = sweep(
    { plan, program: 'step', inputs: [], rows: { first: 0, count: steps }, batchSize: 1 },
    () => undefined,
  );
  yield* drawing(plan, generator, random, training);
  return plan.read(visible).reshape([n, visible.size / n]);
}

/** The most units whose states are gone through one by one: some seconds. */
export const MOST_ENUMERATED = 20;

/** Units of layers 1, 3, …, or of 0, 2, …: the fewer. */
export function enumerated(units: readonly number[]): { count: number; first: 0 | 1 } {
  const [even, odd] = [0, 1].map((rest) => units.reduce((sum, n, l) => (l % 2 === rest ? sum + n : sum), 0));
  return odd <= even ? { count: odd, first: 1 } : { count: even, first: 0 };
}

/**
 * log Z by all states of every second layer, the others summed over. One unit changes from state to state (Gray's code), so that what
 * it brings to the others is added or taken away.
 */
export function exactLogPartition(machine: Machine): number {
  const units = unitsOf(machine);
  const { count, first } = enumerated(units);
  const offsets = units.map(() => 0);
  let size = 0;
  const columns: { bias: number; at: number; weights: Float64Array }[] = [];
  for (let l = 1 - first; l < units.length; l += 2) {
    offsets[l] = size;
    size += units[l];
  }
  for (let l = first; l < units.length; l += 2)
    for (let j = 0; j < units[l]; j++) {
      const parts = [l - 1, l + 1].filter((m) => m >= 0 && m < units.length);
      const weights = new Float64Array(parts.reduce((sum, m) => sum + units[m], 0));
      let i = 0;
      for (const m of parts)
        for (let k = 0; k < units[m]; k++)
          weights[i++] =
            m < l ? machine.components[m].data[j * units[m] + k] : machine.components[l].data[k * units[l] + j];
      columns.push({ bias: machine.intercepts[l].data[j], at: offsets[parts[0]], weights });
    }
  const field = new Float64Array(size);
  for (let l = 1 - first; l < units.length; l += 2) field.set(machine.intercepts[l].data, offsets[l]);
  let linear = 0;
  let most = Number.NEGATIVE_INFINITY;
  let sum = 0;
  for (let state = 0; state < 2 ** count; state++) {
    if (state > 0) {
      const unit = 31 - Math.clz32(state & -state);
      const { bias, at, weights } = columns[unit];
      const sign = ((state ^ (state >> 1)) >> unit) & 1 ? 1 : -1;
      linear += sign * bias;
      for (let i = 0; i < weights.length; i++) field[at + i] += sign * weights[i];
    }
    let log = linear;
    for (let i = 0; i < size; i++) log += softplus(field[i]);
    if (log > most) {
      sum = sum * Math.exp(most - log) + 1;
      most = log;
    } else {
      sum += Math.exp(log - most);
    }
  }
  return most + Math.log(sum);
}
