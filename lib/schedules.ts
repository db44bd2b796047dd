import { checkBoolean, checkInteger, checkInterval, checkOneOf, checkOptions, wrongType } from './check.js';
import { markMakers } from './made.js';

/**
 * A learning rate that changes from step to step: a pure function of the number of steps (batches) done. `config` is
 * serializable and makes the same schedule again.
 */
export interface Schedule {
  (step: number): number;
  readonly config: { readonly name: ScheduleName; readonly [option: string]: unknown };
}

export type ScheduleName = 'exponentialDecay' | 'stepDecay' | 'cosineDecay' | 'inverseTimeDecay' | 'warmup';

export interface DecayOptions {
  /** The rate at step 0, >= 0. */
  initialLearningRate: number;
  /** Steps of one unit of decay. */
  decaySteps: number;
  /** >= 0 */
  decayRate: number;
  /** Decay at whole multiples of `decaySteps` only. Default false */
  staircase?: boolean;
}

const DECAY = ['initialLearningRate', 'decaySteps', 'decayRate'];
const rate = (name: string, value: unknown) => checkInterval(name, value, 0, Number.POSITIVE_INFINITY);

const make = (name: ScheduleName, options: object, at: (step: number) => number): Schedule =>
  Object.assign((step: number) => at(step), { config: { name, ...options } });

function checkDecay({ initialLearningRate, decaySteps, decayRate, staircase = false }: DecayOptions) {
  return {
    initialLearningRate: rate('initialLearningRate', initialLearningRate),
    decaySteps: checkInteger('decaySteps', decaySteps, 1),
    decayRate: rate('decayRate', decayRate),
    staircase: checkBoolean('staircase', staircase),
  };
}

/** Keras' learning rate schedules, and warm-up before any of them. */
export const schedules = {
  /** initialLearningRate * decayRate^(step / decaySteps) */
  exponentialDecay: (options: DecayOptions): Schedule => {
    checkOptions('options', options, [...DECAY, 'staircase']);
    const { initialLearningRate, decaySteps, decayRate, staircase } = checkDecay(options);
    return make('exponentialDecay', options, (step) => {
      const p = step / decaySteps;
      return initialLearningRate * decayRate ** (staircase ? Math.floor(p) : p);
    });
  },
  /** initialLearningRate * decayRate^floor(step / decaySteps) */
  stepDecay: (options: Omit<DecayOptions, 'staircase'>): Schedule => {
    checkOptions('options', options, DECAY);
    const { initialLearningRate, decaySteps, decayRate } = checkDecay(options);
    return make('stepDecay', options, (step) => initialLearningRate * decayRate ** Math.floor(step / decaySteps));
  },
  /** initialLearningRate / (1 + decayRate * step / decaySteps) */
  inverseTimeDecay: (options: DecayOptions): Schedule => {
    checkOptions('options', options, [...DECAY, 'staircase']);
    const { initialLearningRate, decaySteps, decayRate, staircase } = checkDecay(options);
    return make('inverseTimeDecay', options, (step) => {
      const p = step / decaySteps;
      return initialLearningRate / (1 + decayRate * (staircase ? Math.floor(p) : p));
    });
  },
  /**
   * Half a cosine from `initialLearningRate` down to `alpha * initialLearningRate` over `decaySteps` steps, then constant
   * (Loshchilov and Hutter 2016). Default alpha = 0
   */
  cosineDecay: (options: { initialLearningRate: number; decaySteps: number; alpha?: number }): Schedule => {
    checkOptions('options', options, ['initialLearningRate', 'decaySteps', 'alpha']);
    const initialLearningRate = rate('initialLearningRate', options.initialLearningRate);
    const decaySteps = checkInteger('decaySteps', options.decaySteps, 1);
    const alpha = rate('alpha', options.alpha ?? 0);
    return make('cosineDecay', options, (step) => {
      const cosine = 0.5 * (1 + Math.cos((Math.PI * Math.min(step, decaySteps)) / decaySteps));
      return initialLearningRate * ((1 - alpha) * cosine + alpha);
    });
  },
  /**
   * A straight line from `initialLearningRate` (default 0) to `learningRate` over `warmupSteps` steps; from there on
   * `learningRate`, whose own steps, where it is a schedule, start then.
   */
  warmup: (options: {
    learningRate: number | Schedule;
    warmupSteps: number;
    initialLearningRate?: number;
  }): Schedule => {
    checkOptions('options', options, ['learningRate', 'warmupSteps', 'initialLearningRate']);
    const learningRate = checkLearningRate('learningRate', options.learningRate);
    const warmupSteps = checkInteger('warmupSteps', options.warmupSteps, 1);
    const from = rate('initialLearningRate', options.initialLearningRate ?? 0);
    const config = { ...options, learningRate: learningRateConfig(learningRate) };
    return make('warmup', config, (step) =>
      step < warmupSteps
        ? from + (learningRateAt(learningRate, 0) - from) * (step / warmupSteps)
        : learningRateAt(learningRate, step - warmupSteps),
    );
  },
} satisfies Record<ScheduleName, unknown>;

markMakers('schedules', schedules);

/** The learning rate of the given step. */
export const learningRateAt = (learningRate: number | Schedule, step: number): number =>
  typeof learningRate === 'number' ? learningRate : learningRate(step);

/** A number, or a schedule's config. */
export const learningRateConfig = (learningRate: number | Schedule): unknown =>
  typeof learningRate === 'number' ? learningRate : learningRate.config;

/** A number >= 0, a schedule, or the config of one. */
export function checkLearningRate(name: string, learningRate: unknown): number | Schedule {
  if (typeof learningRate === 'number') return rate(name, learningRate);
  if (typeof learningRate === 'function') {
    if ('config' in learningRate) return learningRate as Schedule;
    const own = learningRate as (step: number) => number;
    return Object.assign((step: number) => own(step), { config: { name: own.name as ScheduleName } }); // not saved
  }
  if (typeof learningRate === 'object' && learningRate !== null && 'name' in learningRate)
    return scheduleFrom(learningRate as Schedule['config']);
  throw wrongType(name, 'a non-negative number or one of schedules.*', learningRate);
}

/** The schedule that `config` describes. */
export function scheduleFrom({ name, ...options }: Schedule['config']): Schedule {
  const factory = schedules[checkOneOf('schedule', name, Object.keys(schedules) as ScheduleName[])];
  return (factory as (options: object) => Schedule)(options);
}
