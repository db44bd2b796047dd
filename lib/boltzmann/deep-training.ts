import { NDArray } from '../array.js';
import type { Job } from '../plan.js';
import type { RandomState } from '../random.js';
import { learningRateAt, type Schedule } from '../schedules.js';
import type { FloatArray, FloatType } from '../tape.js';
import type { Training } from '../train.js';
import { sweep } from '../training/sweep.js';
import type { Weights } from './deep-layers.js';
import { type DeepStep, recordDeepInference, recordDeepStep, type StepShape } from './deep-plans.js';
import { drawing } from './generator.js';
import { StepInputs } from './step-inputs.js';

/** What a training leaves behind. */
export interface DeepState {
  /** Between layers l and l + 1: [units[l + 1], units[l]] */
  readonly components: readonly NDArray[];
  /** Of every layer, the visible one first: [units[l]] */
  readonly intercepts: readonly NDArray[];
  /** Layers 1, 3, … of the persistent chains: [nChains, units[l]] */
  readonly chains: readonly NDArray[];
  /** Of the components and then the intercepts. */
  readonly velocities: readonly NDArray[];
  /** Mean squared errors of reconstruction, of each pass since the training began. */
  readonly errors: readonly number[];
  /** Steps since then. */
  readonly steps: number;
  readonly random?: RandomState | undefined;
}

export const unitsOf = ({ intercepts }: Pick<DeepState, 'intercepts'>) => intercepts.map(({ size }) => size);
export const dtypeOf = ({ intercepts }: Pick<DeepState, 'intercepts'>) => intercepts[0].dtype as FloatType;

export function writeWeights(
  { plan, components, intercepts }: Weights & Pick<DeepStep, 'plan'>,
  state: Pick<DeepState, 'components' | 'intercepts'>,
): void {
  for (const [l, w] of components.entries()) plan.write(w, state.components[l]);
  for (const [l, b] of intercepts.entries()) plan.write(b, state.intercepts[l]);
}

/** Passes over x, in batches that are drawn anew for each. */
export class DeepPasses {
  readonly #step: DeepStep;
  readonly #inputs: StepInputs;
  readonly #rate: number | Schedule;
  #steps = 0;

  constructor(shape: StepShape, state: Omit<DeepState, 'errors' | 'random'>, rate: number | Schedule) {
    const step = recordDeepStep(shape);
    this.#step = step;
    this.#rate = rate;
    this.#inputs = new StepInputs(step.plan, shape.rows * (shape.units[0] + 1));
    this.#steps = state.steps;
    writeWeights(step, state);
    for (const [i, chain] of step.chains.entries()) step.plan.write(chain, state.chains[i]);
    for (const [i, velocity] of step.velocities.entries())
      step.plan.write(velocity, state.velocities[i] ?? NDArray.zeros(velocity.shape));
  }

  /** One pass. Returns the mean squared error of reconstruction. */
  *over(x: NDArray, random: RandomState): Training<number> {
    const { plan, shape, rate, error, generator } = this.#step;
    const n = x.shape[0];
    const order = random.permutation(n).data as Int32Array;
    let sum = 0;
    const training = sweep(
      {
        ...{ plan, program: 'train', rows: { first: 0, count: Math.ceil(n / shape.rows) }, batchSize: 1 },
        pace: this.#inputs.pace,
        inputs: (at, count) => this.#samples(x, order.subarray(at * shape.rows, (at + count) * shape.rows), count),
        prepare: (count) => ({
          scalars: [rate],
          values: Float64Array.from({ length: count }, (_, i) => learningRateAt(this.#rate, this.#steps + i)),
          settle: ({ steps }) => {
            this.#steps += steps;
          },
        }),
      },
      ({ result, at }) => {
        const errors = plan.reported(result, error);
        // the step has them in the measure of its rows, 1 / samples each
        for (const [i, value] of errors.entries()) sum += value * Math.min(shape.rows, n - (at + i) * shape.rows) ** 2;
        return undefined;
      },
    );
    yield* drawing(plan, generator, random, training);
    return sum / n;
  }

  read(): Pick<DeepState, 'components' | 'intercepts' | 'chains' | 'velocities' | 'steps'> {
    const { plan, shape, components, intercepts, chains, velocities } = this.#step;
    return {
      components: components.map((w) => plan.read(w)),
      intercepts: intercepts.map((b) => plan.read(b)),
      chains: chains.map((chain, i) => plan.read(chain).reshape([shape.nChains, shape.units[2 * i + 1]])),
      velocities: velocities.map((velocity) => plan.read(velocity)),
      steps: this.#steps,
    };
  }

  #samples(x: NDArray, rows: Int32Array, count: number): Job['inputs'] {
    const { shape, x: xBuffer, share: shareBuffer } = this.#step;
    const width = x.shape[1];
    const data = this.#inputs.array(0, count * shape.rows * width);
    const share = this.#inputs.array(1, count * shape.rows);
    for (const [i, row] of rows.entries()) data.set(x.data.subarray(row * width, (row + 1) * width), i * width);
    data.fill(0, rows.length * width);
    share.fill(0);
    for (let first = 0; first < rows.length; first += shape.rows) {
      const own = Math.min(shape.rows, rows.length - first);
      share.fill(-1 / own, first, first + own);
    }
    return [this.#inputs.input(xBuffer, data), this.#inputs.input(shareBuffer, share)];
  }
}

const BATCH = 256;

/** What is computed of rows by a machine that is trained. */
export class DeepMachine {
  readonly state: Pick<DeepState, 'components' | 'intercepts'>;
  readonly #recorded;

  constructor(state: Pick<DeepState, 'components' | 'intercepts'>, meanFieldIter: number) {
    this.state = state;
    this.#recorded = recordDeepInference({ units: unitsOf(state), dtype: dtypeOf(state) }, meanFieldIter);
    writeWeights(this.#recorded, state);
  }

  /** Of each hidden layer [n, units]. */
  meanField(x: NDArray): NDArray[] {
    return this.#run('meanField', this.#recorded.mu.slice(1), x);
  }

  reconstruct(x: NDArray): NDArray {
    return this.#run('reconstruct', [this.#recorded.reconstruction], x)[0];
  }

  bound(x: NDArray): NDArray {
    return this.#run('bound', [this.#recorded.bound], x)[0].reshape([x.shape[0]]);
  }

  #run(program: string, outputs: DeepStep['chains'], x: NDArray): NDArray[] {
    const { plan, x: buffer } = this.#recorded;
    const count = x.shape[0];
    const { data } = NDArray.from(x, { dtype: plan.dtype });
    const inputs = [[buffer, data as FloatArray] as const];
    const job = { program, first: 0, count, batchSize: Math.min(count, BATCH), inputs, outputs };
    return (plan.runSync(job).outputs as FloatArray[]).map((values, i) =>
      NDArray.wrap(values, [count, outputs[i].size]),
    );
  }
}
