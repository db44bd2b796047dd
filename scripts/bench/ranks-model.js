// What a step takes on several ranks. A message of n bytes takes latency + n / bandwidth seconds, and adding up n bytes n / adding
// (alpha, beta and gamma of Thakur, Rabenseifner and Gropp 2005, whose Section 4 has the costs of the algorithms below).
import { RandomState } from 'fjordnet';

/** Ranks agree on what they are about to call, by so many doubles: native/mpi/collectives.cc */
export const AGREED_BYTES = 12 * 8;

/** Each algorithm's time for the sum of n bytes over p > 1 ranks. One that wants a power of two sends to and from the rest first and last. */
export const ALGORITHMS = {
  'recursive doubling'(p, n, link) {
    const rounds = Math.floor(Math.log2(p));
    return rest(p, n, link) + rounds * (link.latency + n / link.bandwidth + n / link.adding);
  },
  'reduce-scatter and allgather'(p, n, link) {
    const rounds = Math.floor(Math.log2(p));
    return rest(p, n, link) + 2 * rounds * link.latency + pieces(2 ** rounds, n, link);
  },
  ring: (p, n, link) => 2 * (p - 1) * link.latency + pieces(p, n, link),
};

/** All but a p-th of the bytes are sent twice, and added once. */
const pieces = (p, n, { bandwidth, adding }) => ((p - 1) / p) * (2 * (n / bandwidth) + n / adding);

function rest(p, n, { latency, bandwidth, adding }) {
  return Number.isInteger(Math.log2(p)) ? 0 : 2 * (latency + n / bandwidth) + n / adding;
}

/** Seconds of the sum of n bytes over p ranks, and the cheapest algorithm, which MPI is taken to choose. */
export function allreduce(p, n, link) {
  if (p === 1) return { seconds: 0, algorithm: '' };
  const costs = Object.entries(ALGORITHMS).map(([algorithm, cost]) => ({ algorithm, seconds: cost(p, n, link) }));
  return costs.reduce((best, one) => (one.seconds < best.seconds ? one : best));
}

/** Seconds for which a step waits for messages: the agreement, the sum, and what the two hand-overs of a sum to MPI's thread take. */
export function exchange(p, { bytes, link, handOver = 0 }) {
  if (p === 1) return 0;
  return handOver + allreduce(p, AGREED_BYTES, link).seconds + allreduce(p, bytes, link).seconds;
}

/** Seconds a step of b rows takes one rank: `fixed` that do not depend on the rows, as the update, and the rest in proportion. */
export const compute = (b, { step, batch, fixed = 0 }) => fixed + ((step - fixed) * b) / batch;

/**
 * The mean of the largest of p factors by which computing takes longer or shorter, in a simulation of so many steps: all wait for the
 * slowest rank of each. The factors have mean 1, standard deviation `jitter`, and a log-normal distribution: none is below 0, and
 * some are far above 1.
 */
export function slowest(p, { jitter = 0, steps = 2000, seed = 0 }) {
  if (jitter === 0 || p === 1) return 1;
  const deviation = Math.sqrt(Math.log1p(jitter ** 2));
  const { data } = new RandomState(seed).normal(-(deviation ** 2) / 2, deviation, [steps, p]);
  let sum = 0;
  for (let at = 0; at < data.length; at += p) sum += Math.exp(Math.max(...data.subarray(at, at + p)));
  return sum / steps;
}

/**
 * What p ranks make of it. `weak`: each keeps its batch, and the step has p times the rows. `strong`: the batch of all stays, and each
 * has a p-th of it. Their efficiency: rows a second, over p times those of one rank.
 */
export function predict(p, cost) {
  const wait = exchange(p, cost);
  const factor = slowest(p, cost);
  const alone = cost.step;
  const weak = compute(cost.batch, cost) * factor + wait;
  const strong = compute(cost.batch / p, cost) * factor + wait;
  return {
    p,
    algorithm: allreduce(p, cost.bytes, cost.link).algorithm,
    exchange: wait,
    factor,
    weak: { seconds: weak, efficiency: alone / weak },
    strong: { seconds: strong, speedup: alone / strong, efficiency: alone / strong / p },
  };
}

/**
 * The rows of each rank from which on the efficiency is at least this, of compute(b) / (factor compute(b) + exchange); Infinity where the
 * slowest of p ranks alone costs more than that.
 */
export function batchFor(p, efficiency, cost) {
  const room = 1 / efficiency - slowest(p, cost);
  if (room <= 0) return Number.POSITIVE_INFINITY;
  const { step, batch, fixed = 0 } = cost;
  return Math.max(1, Math.ceil((exchange(p, cost) / room - fixed) / ((step - fixed) / batch)));
}

/**
 * The linear scaling rule (Goyal et al. 2017): k times the rows in a step, k times the rate, reached in a straight line over the first
 * epochs. For what the rate of the reference batch is, in the terms of schedules.warmup().
 */
export function scaled({ rate, batch, rows, samples, epochs }) {
  const learningRate = (rate * rows) / batch;
  const warmupSteps = Math.max(1, Math.round((epochs * samples) / rows));
  return { learningRate, warmupSteps, initialLearningRate: rate };
}

/**
 * Latency and bandwidth of two ranks from measured sums, [bytes, seconds] each: the line latency + bytes / bandwidth, neither of them
 * negative, whose relative errors are smallest in their squares. What adding costs is in the bandwidth; it is Infinity where larger sums
 * took no longer, as on a machine that did something else meanwhile.
 */
export function fitLink(points) {
  let [a, b, c, d, e] = [0, 0, 0, 0, 0];
  for (const [bytes, seconds] of points) {
    const [u, v] = [1 / seconds, bytes / seconds];
    a += u * u;
    b += u * v;
    c += v * v;
    d += u;
    e += v;
  }
  const free = a * c - b * b;
  let [latency, perByte] = [(c * d - b * e) / free, (a * e - b * d) / free];
  if (perByte < 0) [latency, perByte] = [d / a, 0];
  else if (latency < 0) [latency, perByte] = [0, e / c];
  return { latency, bandwidth: 1 / perByte, adding: Number.POSITIVE_INFINITY };
}
