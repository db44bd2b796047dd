import { NDArray } from '../array.js';
import type { RandomState } from '../random.js';
import type { Training } from '../train.js';
import type { DeepParameters } from './deep-parameters.js';
import type { StepShape } from './deep-plans.js';
import { DeepMachine, DeepPasses, type DeepState, dtypeOf } from './deep-training.js';
import { checkConverged, drawn } from './rbm-machine.js';

type Found = Pick<DeepState, 'components' | 'intercepts'>;

/** Told after each pass of pretraining. */
export type OnPass = (layer: number, epoch: number, error: number) => Training<void>;

/** What of the parameters a step is recorded for. */
export const shapeOf = (units: readonly number[], dtype: StepShape['dtype'], p: DeepParameters): StepShape => {
  const { batchSize: rows, nChains, k, meanFieldIter, momentum, weightDecay } = p;
  return { units, dtype, rows, nChains, k, meanFieldIter, momentum, weightDecay };
};

/**
 * A machine that was pretrained (Salakhutdinov and Hinton 2009, 3): layer upon layer, each as a restricted Boltzmann machine of what the
 * one below infers. In the whole a layer has neighbours on both sides, on its own one: so the lowest machine has its visible units
 * twice, the highest its hidden ones, and of those between the components are halved. Of the intercepts that two machines have for
 * one layer the whole gets the mean, which follows from the same.
 */
export function* pretrained(x: NDArray, p: DeepParameters, random: RandomState, onPass: OnPass): Training<Found> {
  const dtype = x.dtype as StepShape['dtype'];
  const units = [x.shape[1], ...p.nComponents];
  const top = p.nComponents.length - 1;
  const machines: Found[] = [];
  let rows = x;
  for (let l = 0; l <= top; l++) {
    const own = [units[l], units[l + 1]];
    let machine: Found = {
      components: [NDArray.from(random.normal(0, 0.01, [own[1], own[0]]), { dtype })],
      intercepts: [l === 0 ? logOdds(x) : NDArray.zeros([own[0]], dtype), NDArray.zeros([own[1]], dtype)],
    };
    const scales = [l > 0 && l === top ? 2 : 1, l === 0 && l < top ? 2 : 1] as const;
    if (p.pretrainIter > 0) {
      const even = NDArray.zeros([p.nChains, own[1]], dtype);
      even.data.fill(0.5);
      const chains = [drawn(even, random)];
      const passes = new DeepPasses(
        { ...shapeOf(own, dtype, p), scales },
        { ...machine, chains, velocities: [], steps: 0 },
        p.learningRate,
      );
      for (let epoch = 0; epoch < p.pretrainIter; epoch++) yield* onPass(l, epoch, yield* passes.over(rows, random));
      machine = passes.read();
      checkConverged([...machine.components, ...machine.intercepts]);
    }
    machines.push(machine);
    if (l === top) break;
    const { components, intercepts } = machine;
    rows = new DeepMachine({ components: [times(components[0], scales[1])], intercepts }, 1).meanField(rows)[0];
  }
  const halved = (l: number) => l > 0 && l < top && p.pretrainIter > 0;
  return {
    components: machines.map(({ components: [w] }, l) => (halved(l) ? times(w, 0.5) : w)),
    intercepts: units.map((_, l) => {
      const [below, above] = [machines[l - 1]?.intercepts[1], machines[l]?.intercepts[0]];
      return below && above ? mean(below, above) : (below ?? above);
    }),
  };
}

/** Persistent chains that begin at what a machine infers from samples that are drawn: layers 1, 3, … */
export function chainsOf(machine: Found, x: NDArray, random: RandomState): NDArray[] {
  const layers = new DeepMachine(machine, 1).meanField(x);
  return layers.filter((_, i) => i % 2 === 0).map((p) => NDArray.from(drawn(p, random), { dtype: dtypeOf(machine) }));
}

/** Of the visible units, as the data have them with two samples more, a 0 and a 1. */
function logOdds(x: NDArray): NDArray {
  const [n, width] = x.shape;
  const sums = new Float64Array(width).fill(1);
  for (let i = 0; i < x.data.length; i++) sums[i % width] += x.data[i];
  return NDArray.from(
    sums.map((sum) => Math.log(sum / (n + 2 - sum))),
    { dtype: x.dtype },
  );
}

const times = (w: NDArray, factor: number) =>
  NDArray.wrap(
    w.data.map((value) => factor * value),
    w.shape,
  );

const mean = (a: NDArray, b: NDArray) =>
  NDArray.wrap(
    a.data.map((value, i) => (value + b.data[i]) / 2),
    a.shape,
  );
