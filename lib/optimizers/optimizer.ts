import { checkBoolean, checkInteger, checkInterval, checkOptions, wrongType, wrongValue } from '../check.js';
import type { Parameter, Recorder } from '../graph/recorder.js';
import type { OptimizerName } from '../optimizers.js';
import { checkLearningRate, learningRateAt, learningRateConfig, type Schedule } from '../schedules.js';
import type { Buffer, Scalar } from '../tape.js';
import { emitAverages } from './averages.js';
import { CLIPS, emitClip } from './clip.js';

/** A rule that moves the weights against their gradients. One optimizer may serve several networks. */
export interface Optimizer {
  /** Serializable; makes the same optimizer again (see `optimizerFrom`). */
  readonly config: { readonly name: OptimizerName; readonly [option: string]: unknown };
  /** May be set between epochs. */
  learningRate: number | Schedule;
  /** Declares the optimizer's memory, and emits the update of every parameter that has a gradient. */
  record(t: Recorder, parameters: readonly Parameter[]): void;
}

export interface OptimizerOptions {
  /** A number >= 0, or one of schedules.* or a function, which is given the number of steps (batches) done. */
  learningRate?: number | Schedule | ((step: number) => number);
  /** Decoupled weight decay, as Keras: every weight loses learningRate * weightDecay of itself before the update. */
  weightDecay?: number;
  /**
   * Weights that do not decay: those with one of these in their names, as `weightNames` of a network gives them: 'bias', or
   * 'layer_normalization/'. Default: none
   */
  excludeFromWeightDecay?: readonly string[];
  /** The gradient of each weight array is scaled down to this L2 norm where it is larger. */
  clipNorm?: number;
  /** All gradients together are scaled down to this L2 norm where it is larger. */
  globalClipNorm?: number;
  /** Every element of a gradient is clipped to [-clipValue, clipValue]. At most one of the three may be given. */
  clipValue?: number;
  /**
   * Keep an exponential moving average of every weight (Polyak and Juditsky 1992), average = emaMomentum * average +
   * (1 - emaMomentum) * w after each step; it starts at the weights after the first. At its end `fit` puts the averages in
   * the weights' place, as Keras. Default false
   */
  useEma?: boolean;
  /** In [0, 1]. Default 0.99 */
  emaMomentum?: number;
  /** Updates after which, each time, the averages take the weights' place during training too. Default null: never */
  emaOverwriteFrequency?: number | null;
  /**
   * Batches, two or more, whose gradients are summed before the weights are moved, once, by their mean: a larger batch in the
   * memory of a small one. Clipping and weight decay are part of the update; what is left over at the end of an epoch
   * counts in the next one. Default null: every batch is a step
   */
  gradientAccumulationSteps?: number | null;
}

const COMMON = [
  'learningRate',
  'weightDecay',
  'excludeFromWeightDecay',
  ...CLIPS,
  'useEma',
  'emaMomentum',
  'emaOverwriteFrequency',
  'gradientAccumulationSteps',
];

/** What the update of one parameter is written with. */
export interface Trained {
  w: Buffer;
  dw: Buffer;
  N: number;
  /** Whether weight decay moves it: not where nothing but its gradient, which is 0, may, nor where it is excluded. */
  decays: boolean;
  /** A buffer of the optimizer, of the parameter's shape. */
  state(name: string): Buffer;
}

/** The scalars that updates share. */
interface Rates {
  /** learningRate * factor(t) in the updates t = 1, 2, … */
  rate(factor?: (t: number) => number): Scalar;
  /** value(t) in the updates t = 1, 2, … */
  step(value: (t: number) => number): Scalar;
  /** learningRate * weightDecay */
  readonly decay: Scalar | number;
  readonly weightDecay: number;
}

/** Declares the scalars of all updates, and returns what emits one. */
export type Rule = (rates: Rates) => (t: Recorder, parameter: Trained) => void;

/** An optimizer of the given name: the options that all have, `own` ones that were checked, of the names that there are, and its rule. */
export function make(
  name: OptimizerName,
  options: OptimizerOptions,
  own: Record<string, unknown>,
  rule: Rule,
  names: readonly string[] = Object.keys(own),
): Optimizer {
  checkOptions('options', options, [...COMMON, ...names]);
  const { learningRate: given = name === 'sgd' ? 0.01 : 0.001 } = options;
  let learningRate = checkLearningRate('learningRate', given);
  const weightDecay = checkInterval('weightDecay', options.weightDecay ?? 0, 0, Number.POSITIVE_INFINITY);
  const excluded = checkNames('excludeFromWeightDecay', options.excludeFromWeightDecay ?? []);
  const clips = CLIPS.filter((clip) => (options[clip] ?? undefined) !== undefined);
  if (clips.length > 1) throw new RangeError(`Expected at most one of ${CLIPS.join(', ')}, got ${clips.join(' and ')}`);
  const clip = clips[0];
  const limit = clip && checkInterval(clip, options[clip], 0, Number.POSITIVE_INFINITY, 'low');
  const ema = checkEma(options);
  const every = options.gradientAccumulationSteps ?? undefined;
  if (every !== undefined) checkInteger('gradientAccumulationSteps', every, 2);
  return {
    get config() {
      return {
        name,
        learningRate: learningRateConfig(learningRate),
        ...own,
        // also 0, where the optimizer's default is another
        ...(options.weightDecay !== undefined && { weightDecay }),
        ...(excluded.length > 0 && { excludeFromWeightDecay: excluded }),
        ...(clip && { [clip]: limit }),
        ...ema,
        ...(every && { gradientAccumulationSteps: every }),
      };
    },
    get learningRate() {
      return learningRate;
    },
    set learningRate(value) {
      learningRate = checkLearningRate('learningRate', value);
    },
    record(t, parameters) {
      const trained = parameters.flatMap((p) =>
        p.gradient
          ? {
              w: p.value,
              dw: p.gradient,
              N: p.value.size,
              decays: !p.isFree && !excluded.some((part) => `${p.layer}/${p.name}`.includes(part)),
              state: (s: string) => t.state(`${p.layer}/${p.name}/${s}`, p.value.shape),
            }
          : [],
      );
      // Schedules are given the batches done, corrections of moments the updates, as in Keras.
      const updates = (iteration: number) => Math.floor(iteration / (every ?? 1));
      const rate: Rates['rate'] = (factor = () => 1) =>
        t.perStep((iteration) => checkedRate(learningRate, iteration) * factor(updates(iteration) + 1));
      const step: Rates['step'] = (value) => t.perStep((iteration) => value(updates(iteration) + 1));
      const update = () => {
        if (clip && limit) emitClip(t, clip, limit, trained);
        const ruleOf = (decay: number) => rule({ rate, step, weightDecay: decay, decay: decay && rate(() => decay) });
        const emit = ruleOf(weightDecay);
        const emitOthers = weightDecay > 0 && trained.some(({ decays }) => !decays) ? ruleOf(0) : emit;
        for (const parameter of trained) (parameter.decays ? emit : emitOthers)(t, parameter);
      };
      if (every) emitAccumulated(t, every, trained, update);
      else update();
      if (ema) emitAverages(t, ema, updates, trained);
    },
  };
}

/** A copy of a list of parts of names. */
function checkNames(name: string, given: unknown): readonly string[] {
  if (!Array.isArray(given)) throw wrongType(name, "an array of parts of weights' names", given);
  return Array.from(given, (part, i) => {
    const expected = 'a string that is not empty';
    if (typeof part !== 'string') throw wrongType(`${name}[${i}]`, expected, part);
    if (part === '') throw wrongValue(`${name}[${i}]`, expected, part);
    return part;
  });
}

function checkEma(options: OptimizerOptions) {
  const useEma = checkBoolean('useEma', options.useEma ?? false);
  const emaMomentum = checkInterval('emaMomentum', options.emaMomentum ?? 0.99, 0, 1);
  const emaOverwriteFrequency = options.emaOverwriteFrequency ?? undefined;
  if (emaOverwriteFrequency !== undefined) checkInteger('emaOverwriteFrequency', emaOverwriteFrequency, 1);
  return useEma ? { useEma, emaMomentum, ...(emaOverwriteFrequency && { emaOverwriteFrequency }) } : undefined;
}

/** Sums gradients, and has `update` move the weights by the mean of every `every` of them. */
function emitAccumulated(t: Recorder, every: number, trained: readonly Trained[], update: () => void): void {
  const sums = trained.map(({ dw, N, state }) => {
    const sum = state('accumulator');
    t.emit('add', [sum, dw, sum], { N });
    return sum;
  });
  const isDue = t.perStep((iteration) => Number((iteration + 1) % every === 0));
  t.when(isDue, () => {
    for (const [i, { dw, N }] of trained.entries()) {
      t.emit('linear', [sums[i], dw], { N }, { scale: 1 / every, shift: 0 });
      t.emit('fill', [sums[i]], { N }, { value: 0 });
    }
    update();
  });
}

/** The rate of a step. A schedule of one's own may come to anything. */
function checkedRate(learningRate: number | Schedule, iteration: number): number {
  const rate = learningRateAt(learningRate, iteration);
  if (typeof rate !== 'number' || !(rate >= 0 && rate < Number.POSITIVE_INFINITY))
    throw wrongValue(`the learning rate of step ${iteration}`, 'a non-negative number', rate);
  return rate;
}

export const fraction = (name: string, value: number) => checkInterval(name, value, 0, 1, 'high');
export const positive = (name: string, value: number) => checkInterval(name, value, 0, Number.POSITIVE_INFINITY, 'low');
