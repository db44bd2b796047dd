import type { NDArray } from '../array.js';
import type { Constraint } from '../constraints.js';
import type { Initializer } from '../initializers.js';
import type { Plan } from '../plan.js';
import type { RandomState } from '../random.js';
import type { Regularizer } from '../regularizers.js';
import { type Buffer, type Scalar, Tape } from '../tape.js';
import type { Shape } from './value.js';

/** A weight on a tape. Those with a gradient are trained. */
export interface Parameter {
  readonly layer: string;
  readonly name: string;
  readonly value: Buffer;
  readonly gradient?: Buffer;
  readonly initializer: Initializer;
  readonly regularizer?: Regularizer;
  readonly constraint?: Constraint;
  /** Neither a loss nor a penalty depends on it: its gradient is 0, and whatever else moves weights leaves it. */
  readonly isFree?: boolean;
}

/** A tape that also keeps the list of a network's weights and of the scalars that change from step to step. */
export class Recorder extends Tape {
  readonly parameters: Parameter[] = [];
  /** The optimizer's memory, saved with the network. */
  readonly states: Buffer[] = [];
  /** The trained weights and their moving averages, where the optimizer keeps any; while swapped, each lies in the other's place. */
  readonly averages = { pairs: [] as [w: Buffer, average: Buffer][], swapped: false };
  /** Whether a training step draws from the network's generator. */
  draws = false;
  readonly #reports = new Map<object, readonly Buffer[]>();
  #reporting?: { readonly made: Buffer[]; readonly again: Buffer[] };
  readonly #constants: [Buffer, NDArray][] = [];
  readonly stepScalars: { scalar: Scalar; next: (iteration: number, random: RandomState) => number }[] = [];

  /** A weight that is trained, with its gradient. */
  parameter(
    layer: string,
    name: string,
    shape: Shape,
    initializer: Initializer,
    regularizer?: Regularizer,
    constraint?: Constraint,
  ): { value: Buffer; gradient: Buffer } {
    const value = this.fixed('parameter', `${layer}/${name}`, shape);
    const gradient = this.fixed('gradient', `${layer}/${name}/gradient`, shape);
    const rules = { ...(regularizer && { regularizer }), ...(constraint && { constraint }) };
    this.parameters.push({ layer, name, value, gradient, initializer, ...rules });
    return { value, gradient };
  }

  /** A weight that is kept and saved, but not trained by gradients (moving averages). */
  statistic(layer: string, name: string, shape: Shape, initializer: Initializer): Buffer {
    const value = this.fixed('parameter', `${layer}/${name}`, shape);
    this.parameters.push({ layer, name, value, initializer });
    return value;
  }

  /** A buffer of the optimizer, zero at first. */
  state(name: string, shape: Shape): Buffer {
    const state = this.fixed('state', name, shape);
    this.states.push(state);
    return state;
  }

  /** A buffer that holds these numbers from the start. */
  constant(values: NDArray): Buffer {
    const buffer = this.fixed('state', 'constant', values.shape);
    this.#constants.push([buffer, values]);
    return buffer;
  }

  /** What `record` gives; run again for the same `part` of the network, in another mode, it fills the same reports. */
  reporting<R>(part: object, record: () => R): R {
    const known = this.#reports.get(part);
    const made: Buffer[] = [];
    this.#reporting = { made, again: known ? [...known] : [] };
    try {
      return record();
    } finally {
      this.#reporting = undefined;
      if (!known) this.#reports.set(part, made);
    }
  }

  override fixed(...[role, ...rest]: Parameters<Tape['fixed']>): Buffer {
    const again = role === 'report' ? this.#reporting?.again.shift() : undefined;
    if (again) return again;
    const buffer = super.fixed(role, ...rest);
    if (role === 'report') this.#reporting?.made.push(buffer);
    return buffer;
  }

  override get text(): string {
    return [super.text, ...this.#constants.map(([, { data }]) => data.join())].join('\n');
  }

  override compile(use?: Parameters<Tape['compile']>[0]): Plan {
    const plan = super.compile(use);
    for (const [buffer, values] of this.#constants) plan.write(buffer, values);
    return plan;
  }

  /** A scalar that is drawn anew for every training step: a uniform integer in [0, 2^53). */
  perStepSeed(): Scalar {
    this.draws = true;
    return this.perStep((_, random) => Math.floor(random.randomSample() * 2 ** 53));
  }

  /** A scalar that is computed anew for every training step; `iteration` counts from 0. */
  perStep(next: (iteration: number, random: RandomState) => number): Scalar {
    const scalar = this.scalar(0);
    this.stepScalars.push({ scalar, next });
    return scalar;
  }
}
