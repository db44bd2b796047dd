import { RandomState } from 'fjordnet';
import type { Dims, KernelCases } from './case.js';

/** A generator that has drawn words, some of them an odd number of them, and may keep a normal number. */
function generator({ B, N }: Dims): RandomState {
  const random = new RandomState(5);
  random.randint(2, undefined, [(B * N * 311) % 625]);
  if (N % 2) random.randn();
  return random;
}

function words(random: RandomState): number[] {
  const [, key, position, hasGauss, gauss] = random.getState();
  const bits = new Int32Array(Float64Array.of(gauss).buffer);
  return [...Int32Array.from(key), position, hasGauss, ...bits, ...new Array(648 - 628).fill(0)];
}

/** The largest float32 that is not above u. */
function below(u: number): number {
  const nearest = Math.fround(u);
  if (nearest <= u) return nearest;
  const bits = new Int32Array(Float32Array.of(nearest).buffer);
  bits[0]--;
  return new Float32Array(bits.buffer)[0];
}

const DIMS: readonly Dims[] = [
  { B: 1, N: 1 },
  { B: 2, N: 3 },
  { B: 1, N: 312 },
  { B: 5, N: 313 },
  { B: 40, N: 256 },
];

export const draw: KernelCases = {
  drawBernoulli: {
    dims: DIMS,
    // odds that are what will be drawn, just above it, just below it, and others
    fill: (k, draw, d) => {
      if (k === 1) return words(generator(d));
      const u = generator(d).randomSample([draw.length]).data as Float64Array;
      return draw.uniform(0, 1).map((p, i) => [p, u[i], u[i] + 2 ** -53, u[i] - 2 ** -53, below(u[i])][i % 5]);
    },
    reference: ([p], d, _, round) => {
      const random = generator(d);
      const y = Array.from(p, (odds) => {
        const u = random.randomSample();
        return Number((round === Math.fround ? below(u) : u) < odds);
      });
      return [words(random), y];
    },
    tolerance: 0,
  },
  drawNormal: {
    dims: DIMS,
    fill: (k, _, d) => (k === 1 ? words(generator(d)) : undefined),
    reference: ([mean], d, _, round) => {
      const random = generator(d);
      const y = Array.from(mean, (m) => round(m + round(random.randn())));
      return [words(random), y];
    },
    tolerance: 0,
  },
};
