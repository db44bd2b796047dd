import { allocate } from '../allocate.js';
import { NDArray } from '../array.js';
import { failure } from '../check.js';
import { valuesOf } from '../plan.js';
import type { RandomState } from '../random.js';
import type { FloatArray, FloatType } from '../tape.js';
import { type RBMInference, type RBMPlan, recordInference } from './rbm-plan.js';

/** What a training leaves behind. */
export interface RBMState {
  readonly visible: 'bernoulli' | 'gaussian';
  /** [hidden, visible] */
  readonly components: NDArray;
  readonly interceptHidden: NDArray;
  readonly interceptVisible: NDArray;
  /** [batchSize, hidden]: the persistent chain's hidden units. */
  readonly chain: NDArray;
  /** Of the components as they are trained, [visible, hidden], and of the intercepts; [] without momentum. */
  readonly velocities: readonly NDArray[];
  readonly pseudoLikelihoodCurve: readonly number[];
  /** What partialFit and gibbs go on drawing from. */
  readonly random?: RandomState | undefined;
}

const BATCH = 256;

/** What is asked of a machine that is trained. */
export class RBMachine {
  readonly state: RBMState;
  readonly #recorded: RBMInference;
  readonly #gaussian: boolean;

  constructor(state: RBMState) {
    const [hidden, visible] = state.components.shape;
    this.state = state;
    const gaussian = state.visible === 'gaussian';
    this.#gaussian = gaussian;
    this.#recorded = recordInference({ hidden, visible, dtype: state.components.dtype as FloatType, gaussian });
    const { plan, components, interceptHidden, interceptVisible } = this.#recorded;
    plan.write(components, transposed(state.components));
    plan.write(interceptHidden, state.interceptHidden);
    plan.write(interceptVisible, state.interceptVisible);
  }

  /** p(h | v) of rows of v. */
  hidden(v: NDArray): NDArray {
    return NDArray.wrap(this.#run('hidden', 'x', ['h'], v)[0], [v.shape[0], this.state.components.shape[0]]);
  }

  /** p(v | h), of Gaussian units their mean. */
  visible(h: NDArray): NDArray {
    return NDArray.wrap(this.#run('visible', 'given', ['v'], h)[0], [h.shape[0], this.state.components.shape[1]]);
  }

  sampleHidden(v: NDArray, random: RandomState): NDArray {
    return drawn(this.hidden(v), random);
  }

  sampleVisible(h: NDArray, random: RandomState): NDArray {
    const mean = this.visible(h);
    if (!this.#gaussian) return drawn(mean, random);
    const noise = random.normal(0, 1, mean.shape).data;
    return NDArray.wrap(mean.data.map((value, i) => value + noise[i]) as FloatArray, mean.shape);
  }

  freeEnergy(v: NDArray): NDArray {
    const [linear, sums] = this.#run('freeEnergy', 'x', ['linear', 'softplus'], v);
    const [n, width] = v.shape;
    const energies = allocate(Float64Array, n);
    const { data: center } = this.state.interceptVisible;
    for (let i = 0; i < n; i++) {
      let first = -linear[i];
      if (this.#gaussian) {
        first = 0;
        for (let j = 0; j < width; j++) first += (v.data[i * width + j] - center[j]) ** 2 / 2;
      }
      energies[i] = first - sums[i];
    }
    return NDArray.wrap(energies);
  }

  #run(
    program: string,
    input: 'x' | 'given',
    outputs: readonly ('h' | 'v' | 'linear' | 'softplus')[],
    rows: NDArray,
  ): FloatArray[] {
    const recorded = this.#recorded;
    const count = rows.shape[0];
    const job = {
      ...{ program, first: 0, count, batchSize: Math.min(count, BATCH) },
      inputs: [[recorded[input], valuesOf(rows, recorded.plan.dtype)] as const],
      outputs: outputs.map((name) => recorded[name]),
    };
    return recorded.plan.runSync(job).outputs as FloatArray[];
  }
}

/** log(1 + exp(z)) */
export const softplus = (z: number) => Math.max(z, 0) + Math.log1p(Math.exp(-Math.abs(z)));

/** 1 with these odds, else 0. */
export function drawn(p: NDArray, random: RandomState): NDArray {
  const u = random.randomSample(p.shape).data;
  return NDArray.wrap(p.data.map((value, i) => Number(u[i] < value)) as FloatArray, p.shape);
}

/** As `fit` begins: components of a standard deviation of 0.01, all else 0. */
export function begun(
  [hidden, visible]: readonly [number, number],
  chain: number,
  dtype: FloatType,
  units: RBMState['visible'],
  random: RandomState,
): RBMState {
  return {
    visible: units,
    components: NDArray.from(random.normal(0, 0.01, [hidden, visible]), { dtype }),
    interceptHidden: NDArray.zeros([hidden], dtype),
    interceptVisible: NDArray.zeros([visible], dtype),
    chain: NDArray.zeros([chain, hidden], dtype),
    velocities: [],
    pseudoLikelihoodCurve: [],
  };
}

export function writeState({ plan, ...step }: RBMPlan, state: RBMState): void {
  plan.write(step.components, transposed(state.components));
  plan.write(step.interceptHidden, state.interceptHidden);
  plan.write(step.interceptVisible, state.interceptVisible);
  if (step.chain) plan.write(step.chain, state.chain);
  for (const [i, buffer] of step.velocities.entries())
    plan.write(buffer, state.velocities[i] ?? NDArray.zeros(buffer.shape, plan.dtype));
}

export function readState({
  plan,
  ...step
}: RBMPlan): Pick<
  RBMState,
  'visible' | 'components' | 'interceptHidden' | 'interceptVisible' | 'chain' | 'velocities'
> {
  const { hidden, rows, dtype, gaussian } = step.shape;
  return {
    visible: gaussian ? 'gaussian' : 'bernoulli',
    components: transposed(plan.read(step.components)),
    interceptHidden: plan.read(step.interceptHidden),
    interceptVisible: plan.read(step.interceptVisible),
    chain: step.chain ? plan.read(step.chain) : NDArray.zeros([rows, hidden], dtype),
    velocities: step.velocities.map((buffer) => plan.read(buffer)),
  };
}

function transposed(matrix: NDArray): NDArray {
  const [n, m] = matrix.shape;
  const out = NDArray.zeros([m, n], matrix.dtype);
  for (let i = 0; i < n; i++) for (let j = 0; j < m; j++) out.data[j * n + i] = matrix.data[i * m + j];
  return out;
}

/** @throws Error with code ERR_DIVERGED where weights are not finite */
export function checkConverged(weights: readonly NDArray[]): void {
  if (!weights.every(({ data }) => data.every(Number.isFinite)))
    throw failure('ERR_DIVERGED', 'The training gave weights that are not finite: learningRate may be too large');
}
