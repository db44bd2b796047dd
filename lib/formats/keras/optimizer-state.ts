import type { JsonObject } from '../../io/model-file.js';
import { power } from '../../power.js';

/** A number of the optimizer's memory for each weight, by our name and Keras'. */
interface State {
  readonly own: string;
  readonly keras: string;
  /** What Keras' has more than ours. */
  readonly plus?: number;
}

/** Lists of variables that Keras makes one behind the other; those of one list alternate from weight to weight. */
type Lists = readonly (readonly State[])[];

const state = (own: string, keras: string, plus?: number): State => ({ own, keras, ...(plus && { plus }) });

function ofOptimizer({ name, ...config }: JsonObject): Lists {
  switch (name) {
    case 'sgd':
      return config.momentum ? [[state('v', 'momentum')]] : [];
    case 'adam':
    case 'adamW':
      return [
        [state('m', 'momentum'), state('v', 'velocity')],
        ...(config.amsgrad ? [[state('most', 'velocity_hat')]] : []),
      ];
    case 'nadam':
      return [[state('m', 'momentum'), state('v', 'velocity')]];
    case 'adamax':
      return [[state('m', 'momentum'), state('u', 'norm')]];
    case 'lion':
      return [[state('m', 'momentum')]];
    case 'rmsprop':
      return [
        [state('v', 'velocity')],
        ...(config.momentum ? [[state('m', 'momentum')]] : []),
        ...(config.centered ? [[state('g', 'average_gradient')]] : []),
      ];
    case 'adagrad':
      // ours begins with zeros, to which the initial value is added where it is read
      return [[state('v', 'accumulator', (config.initialAccumulatorValue as number | undefined) ?? 0.1)]];
    case 'adadelta':
      return [[state('v', 'accumulated_grad'), state('u', 'accumulated_delta_var')]];
    default:
      return [];
  }
}

/** A variable of Keras' optimizer: its own number, or one for each element of a weight. */
export type Variable =
  | { readonly kind: 'iteration' | 'learning_rate' | 'product' }
  | {
      readonly kind: 'state';
      readonly weight: number;
      readonly own: string;
      readonly keras: string;
      readonly plus: number;
    };

/** The variables of Keras' optimizer for so many trained weights, in their order. `config`: of ours */
export function variablesOf(config: JsonObject, count: number): Variable[] {
  const lists: Lists = [
    ...(config.useEma ? [[state('average', 'average')]] : []),
    ...(config.gradientAccumulationSteps ? [[state('accumulator', 'gradient_accumulator')]] : []),
    ...ofOptimizer(config),
  ];
  const states = lists.flatMap((list) =>
    Array.from({ length: count }, (_, weight) =>
      list.map(({ own, keras, plus = 0 }): Variable => ({ kind: 'state', weight, own, keras, plus })),
    ).flat(),
  );
  return [
    { kind: 'iteration' },
    ...(typeof config.learningRate === 'number' ? [{ kind: 'learning_rate' } as const] : []),
    ...states,
    ...(config.name === 'nadam' ? [{ kind: 'product' } as const] : []),
  ];
}

/** A variable in a file, under its name there. */
export interface Stored<A> {
  readonly name: string;
  readonly array: A;
}

/** What tf.keras called what is remembered of a weight until 2.10, at the end of names such as 'Adam/dense/kernel/m:0'. */
const SLOTS: Readonly<Record<string, readonly string[]>> = {
  momentum: ['m', 'momentum'],
  velocity: ['v', 'rms'],
  velocity_hat: ['vhat'],
  norm: ['v'],
  average_gradient: ['mg'],
  accumulator: ['accumulator'],
  accumulated_grad: ['accum_grad'],
  accumulated_delta_var: ['accum_var'],
};
const slotOf = (name: string) => /\/(\w+):0$/.exec(name)?.[1] ?? '';
const ALL_SLOTS = Object.values(SLOTS).flat();

/**
 * What a file has for each of the variables, undefined where it has others. Those of tf.keras until 2.10 go by their names, as it made
 * one list behind the other; names of Keras before it, 'training/Adam/Variable_3:0', say nothing.
 */
export function arranged<A>(variables: readonly Variable[], stored: readonly Stored<A>[]): readonly A[] | undefined {
  const isOld = stored.some(({ name }) => ALL_SLOTS.includes(slotOf(name)));
  const isNameless = stored.some(({ name }) => /\/Variable(_\d+)?:0$/.test(name));
  if (stored.length !== variables.length || isNameless) return undefined;
  if (!isOld) return stored.map(({ array }) => array);
  const rest = [...stored];
  const take = (isIt: (slot: string) => boolean) => {
    const at = rest.findIndex(({ name }) => isIt(slotOf(name)));
    return at < 0 ? [] : rest.splice(at, 1).map(({ array }) => array);
  };
  const arrays = variables.flatMap((variable) => {
    if (variable.kind === 'iteration') return take((slot) => slot === 'iter');
    if (variable.kind !== 'state') return take((slot) => !ALL_SLOTS.includes(slot));
    return take((slot) => (Object.hasOwn(SLOTS, variable.keras) ? SLOTS[variable.keras] : []).includes(slot));
  });
  return arrays.length === variables.length ? arrays : undefined;
}

/** Nadam's product of its momenta over all steps, which we compute from their number. */
export function productOf(beta1: number, steps: number): number {
  let product = 1;
  for (let t = 1; t <= steps; t++) {
    const next = product * beta1 * (1 - 0.5 * power(0.96, t));
    if (next === product) break;
    product = next;
  }
  return product;
}
