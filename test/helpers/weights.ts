import { initializers, NDArray, RandomState } from 'fjordnet';
import { Recorder } from '../../dist/graph/recorder.js';
import type { Optimizer } from '../../dist/optimizers.js';
import type { FloatType } from '../../dist/tape.js';

const random = new RandomState(0);

/** Weights of the given values that an optimizer moves by gradients which are handed in. */
export class Weights {
  readonly tape: Recorder;
  readonly plan;
  #iteration: number;

  constructor(dtype: FloatType, optimizer: Optimizer, values: readonly NDArray[], iteration = 0) {
    this.tape = new Recorder(dtype);
    values.forEach((value, i) => this.tape.parameter(`dense_${i}`, 'kernel', value.shape, initializers.zeros()));
    this.tape.statistic('frozen', 'mean', [1], initializers.zeros());
    this.tape.program('update');
    optimizer.record(this.tape, this.tape.parameters);
    this.plan = this.tape.compile();
    values.forEach((value, i) => this.plan.write(this.tape.parameters[i].value, value));
    this.#iteration = iteration;
  }

  step(gradients: readonly ArrayLike<number>[]): void {
    const { parameters, stepScalars } = this.tape;
    gradients.forEach((g, i) =>
      this.plan.write(parameters[i].gradient!, NDArray.wrap(Float64Array.from(g), parameters[i].value.shape)),
    );
    const values = Float64Array.from(stepScalars, ({ next }) => next(this.#iteration, random));
    const scalars = stepScalars.map(({ scalar }) => scalar);
    this.plan.runSync({ program: 'update', inputs: [], first: 0, count: 1, batchSize: 1, scalars, values });
    this.#iteration++;
  }

  get arrays(): NDArray[] {
    return this.tape.parameters.filter((p) => p.gradient).map((p) => this.plan.read(p.value));
  }

  get values(): number[][] {
    return this.arrays.map(({ data }) => Array.from(data));
  }
}
