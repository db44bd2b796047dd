import { checkAssigned, checkOptions, failure } from '../check.js';
import { parametersApart, type RandomState } from '../random.js';
import type { Saved } from '../saved.js';
import { type Frame, readFrame, type TableInput } from '../tables/frame.js';
import { Learner } from '../tables/transformer.js';
import { drive, driveSync, signalOf, type Training } from '../train.js';
import { checkTurn, inTurn } from './turns.js';

/** A training that has been checked, and has not begun. */
export interface Prepared {
  readonly random: RandomState;
  readonly training: Training<void>;
}

export interface Randomised {
  readonly randomState?: number | RandomState | undefined;
}

/**
 * A learner whose `fit` is a training of jobs: off the main thread, or on the calling one with the same bits. Trainings that draw from one
 * generator take turns.
 *
 * @template S what `fit` finds @template O its options as they are given @template P all of them, with their values
 */
export abstract class TrainedLearner<
  S extends object,
  O extends Randomised,
  P extends O,
  F extends object,
> extends Learner<S> {
  protected parameters: P;
  #training = false;

  /** @param parameters that were checked */
  constructor(parameters: P) {
    super();
    this.parameters = parameters;
  }

  /** `options` over `base`, each of them checked. */
  protected abstract checked(options: O, base: P): P;

  /** Checks a frame and the options of `fit`, and changes nothing until the training begins, which ends in `learnt`. */
  protected abstract prepared(frame: Frame, options: F): Prepared;

  override getParams(): P {
    return { ...this.parameters };
  }

  /** Changes parameters, from the next call of `fit` on. @throws as the constructor does, with nothing changed */
  setParams(options: O): this {
    this.parameters = this.checked(options, this.parameters);
    return this;
  }

  /** A new one of the same parameters, or of some changed, that is not fitted: scikit-learn's `clone`. A RandomState is copied. */
  override clone(changes: object = {}): this {
    const params = parametersApart({ ...this.getParams(), ...changes });
    return new (this.constructor as new (options: object) => this)(params);
  }

  /** @param allowed the names of the options of `fitSync` */
  protected async fitWith(
    x: TableInput,
    options: F & { signal?: AbortSignal },
    allowed: readonly string[],
  ): Promise<this> {
    checkOptions('options', options, ['signal', ...allowed]);
    const signal = signalOf(options);
    const { random, training } = this.#prepare(readFrame('x', x), options);
    this.#training = true;
    try {
      await inTurn(random, () => drive(training, signal));
    } finally {
      this.#training = false;
    }
    return this;
  }

  protected fitWithSync(x: TableInput, options: F, allowed: readonly string[]): this {
    checkOptions('options', options, allowed);
    const { random, training } = this.#prepare(readFrame('x', x), options);
    checkTurn(random);
    this.#training = true;
    try {
      driveSync(training);
    } finally {
      this.#training = false;
    }
    return this;
  }

  /** For pipelines: `fit` in steps. */
  fittingFrame(frame: Frame): Training<void> {
    return this.#prepare(frame, {} as F).training;
  }

  protected override measure(frame: Frame): S {
    driveSync(this.fittingFrame(frame));
    return this.fitted('fit');
  }

  protected checkIdle(): void {
    if (!this.#training) return;
    const { className } = this.constructor as typeof Saved;
    throw failure('ERR_BUSY', `Expected this ${className} to be idle, but it is training`);
  }

  #prepare(frame: Frame, options: F): Prepared {
    this.checkIdle();
    checkAssigned(this, Object.keys(this.parameters));
    return this.prepared(frame, options);
  }
}
