import { checkBoolean, checkInteger, checkInterval, checkOneOf, checkOptions, wrongType, wrongValue } from './check.js';
import { isClass } from './kind.js';
import { isMade, markMakers } from './made.js';
import { power } from './power.js';

/**
 * A learning rate that changes from step to step: a pure function of the number of steps (batches) done. `config` is
 * serializable and makes the same schedule again.
 */
export interface Schedule {
  (step: number): number;
  readonly config: { readonly name: ScheduleName; readonly [option: string]: unknown };
}

export type ScheduleName =
  | 'exponentialDecay'
  | 'stepDecay'
  | 'inverseTimeDecay'
  | 'piecewiseConstant'
  | 'polynomial'
  | 'cosineDecay'
  | 'cosineDecayRestarts'
  | 'warmup';

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

export interface PiecewiseConstantOptions {
  /** The last steps of all values but one, each larger than the one before. */
  boundaries: readonly number[];
  /** One rate more than there are boundaries, each >= 0. */
  values: readonly number[];
}

export interface PolynomialOptions {
  /** The rate at step 0, >= 0. */
  initialLearningRate: number;
  /** Steps until the last rate is reached. */
  decaySteps: number;
  /** The last rate, >= 0. Default 0.0001 */
  endLearningRate?: number;
  /** >= 0. Default 1: a straight line */
  power?: number;
  /** Stretch the decay to the next multiple of `decaySteps` where it is over, instead of staying at its end. Default false */
  cycle?: boolean;
}

export interface CosineDecayOptions {
  /** The rate at step 0, >= 0. */
  initialLearningRate: number;
  /** Steps of the decay, after those of a warm-up. */
  decaySteps: number;
  /** The last rate, as a share of the first one (of `warmupTarget`). Default 0 */
  alpha?: number;
  /** Before the decay, go from `initialLearningRate` straight to this rate. Default: no warm-up */
  warmupTarget?: number;
  /** Steps of the warm-up. Default 0 */
  warmupSteps?: number;
}

export interface CosineDecayRestartsOptions {
  /** The rate at step 0, >= 0. */
  initialLearningRate: number;
  /** Steps of the first period. */
  firstDecaySteps: number;
  /** The length of a period, as a multiple of the one before. At least 1. Default 2 */
  tMul?: number;
  /** The rate that a period begins with, as a multiple of the one before. Default 1 */
  mMul?: number;
  /** The rate that is decayed to, as a share of `initialLearningRate`. Default 0 */
  alpha?: number;
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
      return initialLearningRate * power(decayRate, staircase ? Math.floor(p) : p);
    });
  },
  /** initialLearningRate * decayRate^floor(step / decaySteps) */
  stepDecay: (options: Omit<DecayOptions, 'staircase'>): Schedule => {
    checkOptions('options', options, DECAY);
    const { initialLearningRate, decaySteps, decayRate } = checkDecay(options);
    return make('stepDecay', options, (step) => initialLearningRate * power(decayRate, Math.floor(step / decaySteps)));
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
  /** values[0] up to and with step boundaries[0], then values[1], and so on; Keras' PiecewiseConstantDecay. */
  piecewiseConstant: (options: PiecewiseConstantOptions): Schedule => {
    checkOptions('options', options, ['boundaries', 'values']);
    const { boundaries, values } = options;
    if (!Array.isArray(boundaries)) throw wrongType('boundaries', 'an array of integers', boundaries);
    if (!Array.isArray(values)) throw wrongType('values', 'an array of rates', values);
    for (const [i, value] of values.entries()) rate(`values[${i}]`, value);
    for (const [i, boundary] of boundaries.entries()) {
      checkInteger(`boundaries[${i}]`, boundary, 0);
      if (i > 0 && boundary <= boundaries[i - 1])
        throw wrongValue(`boundaries[${i}]`, `larger than the one before, ${boundaries[i - 1]}`, boundary);
    }
    if (values.length !== boundaries.length + 1)
      throw wrongValue('values', `${boundaries.length + 1} rates, one more than there are boundaries`, values);
    const [ends, rates] = [[...boundaries], [...values]];
    return make('piecewiseConstant', { boundaries: ends, values: rates }, (step) => {
      const at = ends.findIndex((end) => step <= end);
      return rates[at < 0 ? ends.length : at];
    });
  },
  /** (initialLearningRate - endLearningRate) * (1 - step / decaySteps)^power + endLearningRate; Keras' PolynomialDecay. */
  polynomial: (options: PolynomialOptions): Schedule => {
    checkOptions('options', options, ['initialLearningRate', 'decaySteps', 'endLearningRate', 'power', 'cycle']);
    const initialLearningRate = rate('initialLearningRate', options.initialLearningRate);
    const decaySteps = checkInteger('decaySteps', options.decaySteps, 1);
    const endLearningRate = rate('endLearningRate', options.endLearningRate ?? 0.0001);
    const exponent = rate('power', options.power ?? 1);
    const cycle = checkBoolean('cycle', options.cycle ?? false);
    return make('polynomial', options, (step) => {
      const p = cycle
        ? step / (decaySteps * Math.max(1, Math.ceil(step / decaySteps)))
        : Math.min(step, decaySteps) / decaySteps;
      return (initialLearningRate - endLearningRate) * power(1 - p, exponent) + endLearningRate;
    });
  },
  /**
   * Half a cosine from `initialLearningRate` down to `alpha * initialLearningRate` over `decaySteps` steps, then constant
   * (Loshchilov and Hutter 2016); with `warmupTarget`, a straight line up to that first, and the cosine from there.
   */
  cosineDecay: (options: CosineDecayOptions): Schedule => {
    checkOptions('options', options, ['initialLearningRate', 'decaySteps', 'alpha', 'warmupTarget', 'warmupSteps']);
    const initialLearningRate = rate('initialLearningRate', options.initialLearningRate);
    const decaySteps = checkInteger('decaySteps', options.decaySteps, 1);
    const alpha = rate('alpha', options.alpha ?? 0);
    const warmupTarget = rate('warmupTarget', options.warmupTarget ?? initialLearningRate);
    // Without a target, Keras takes no notice of the steps.
    const warmupSteps = checkInteger('warmupSteps', options.warmupSteps ?? 0, 0);
    const start = (options.warmupTarget ?? undefined) === undefined ? 0 : warmupSteps;
    return make('cosineDecay', options, (step) => {
      if (step < start) return (warmupTarget - initialLearningRate) * (step / start) + initialLearningRate;
      const cosine = 0.5 * (1 + Math.cos((Math.PI * Math.min(step - start, decaySteps)) / decaySteps));
      return warmupTarget * ((1 - alpha) * cosine + alpha);
    });
  },
  /**
   * Half a cosine from `initialLearningRate` down to `alpha * initialLearningRate`, again and again, each period `tMul` times as
   * long as the one before and beginning `mMul` times as high: SGDR (Loshchilov and Hutter 2016).
   */
  cosineDecayRestarts: (options: CosineDecayRestartsOptions): Schedule => {
    checkOptions('options', options, ['initialLearningRate', 'firstDecaySteps', 'tMul', 'mMul', 'alpha']);
    const initialLearningRate = rate('initialLearningRate', options.initialLearningRate);
    const firstDecaySteps = checkInteger('firstDecaySteps', options.firstDecaySteps, 1);
    const tMul = checkInterval('tMul', options.tMul ?? 2, 1, Number.POSITIVE_INFINITY);
    const mMul = rate('mMul', options.mMul ?? 1);
    const alpha = rate('alpha', options.alpha ?? 0);
    return make('cosineDecayRestarts', options, (step) => {
      const { period, fraction } = periodAt(step / firstDecaySteps, tMul);
      const cosine = 0.5 * power(mMul, period) * (1 + Math.cos(Math.PI * fraction));
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

/** The period that a time lies in, in which share of it; the first one lasts 1, each next one `factor` times as long. */
function periodAt(time: number, factor: number): { period: number; fraction: number } {
  if (factor === 1) return { period: Math.floor(time), fraction: time - Math.floor(time) };
  const of = (period: number) => {
    const length = power(factor, period);
    return { period, fraction: (time - (1 - length) / (1 - factor)) / length };
  };
  const near = of(Math.floor(Math.log(1 - time * (1 - factor)) / Math.log(factor)));
  // A logarithm that is rounded down may miss the step at which a period begins.
  return near.fraction >= 1 ? of(near.period + 1) : near;
}

/** The learning rate of the given step. */
export const learningRateAt = (learningRate: number | Schedule, step: number): number =>
  typeof learningRate === 'number' ? learningRate : learningRate(step);

/** A number, or a schedule's config. */
export const learningRateConfig = (learningRate: number | Schedule): unknown =>
  typeof learningRate === 'number' ? learningRate : learningRate.config;

/** Whether a function of the caller's gives the rate, whose calls may be seen, and may fail. */
export function isOwnSchedule(learningRate: number | Schedule): boolean {
  if (typeof learningRate === 'number') return false;
  if (!isMade(learningRate)) return true; // whatever its name
  let config: unknown = learningRate.config; // of whoever made it, and therefore anything, itself within itself too
  for (let depth = 0; depth < 9; depth++) {
    const { name, learningRate: inner = 0 } = (config ?? {}) as Partial<Schedule['config']>;
    if (typeof name !== 'string' || !Object.hasOwn(schedules, name)) return true;
    if (typeof inner === 'number') return false;
    config = inner;
  }
  return true;
}

/** A number >= 0, a schedule, or the config of one. */
export function checkLearningRate(name: string, learningRate: unknown): number | Schedule {
  if (typeof learningRate === 'number') return rate(name, learningRate);
  if (typeof learningRate === 'function' && !isClass(learningRate)) {
    if ('config' in learningRate) return learningRate as Schedule;
    const own = learningRate as (step: number) => number;
    return Object.assign((step: number) => own(step), { config: { name: own.name as ScheduleName } }); // not saved
  }
  if (typeof learningRate === 'object' && learningRate !== null && 'name' in learningRate)
    return scheduleFrom(learningRate as Schedule['config']);
  throw wrongType(name, 'a non-negative number, one of schedules.* or a function of the batches done', learningRate);
}

/** The schedule that `config` describes. */
export function scheduleFrom({ name, ...options }: Schedule['config']): Schedule {
  const factory = schedules[checkOneOf('schedule', name, Object.keys(schedules) as ScheduleName[])];
  return (factory as (options: object) => Schedule)(options);
}
