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
