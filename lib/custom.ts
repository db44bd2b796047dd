import {
  type Activation,
  ALIASES as activationAliases,
  activations,
  register as registerActivation,
} from './activations.js';
import { checkAlone, checkOptions, wrongType, wrongValue } from './check.js';
import { checkValue, emitLoss, lowerSample, type OfSample, perSample } from './graph/own.js';
import type { Shape, Value } from './graph/value.js';
import { hasMethods, isClass } from './kind.js';
import layerNames from './layers/index.js';
import { checkShape, type Layer } from './layers/layer.js';
import { ownLayer, register as registerLayer } from './layers/registry.js';
import { fitted, type Loss, ALIASES as lossAliases, losses, register as registerLoss } from './losses.js';
import { made, markClasses } from './made.js';
import { emitSum } from './metrics/metric.js';
import { type MetricChoice, ALIASES as metricAliases, metrics, register as registerMetric } from './metrics.js';

export type { OfSample };

export interface OwnLossOptions {
  /** The shape of a sample's targets; [1] for one number. Default: that of the output */
  targetShape?: Shape;
}

const OF_ANOTHER_SHAPE = ' (the option targetShape of custom.loss says another)';

/**
 * One's own losses, metrics, activations and layers, written in `ops`: recorded once, differentiated, and run natively. Each is
 * known by its name from then on: networks with them are saved, and load again in a program that has registered them too. A
 * name that is registered again means the newer one.
 */
export const custom = {
  /**
   * A loss: the mean over a batch's samples of `fn(yTrue, yPred)`, whose value has the shape []. Targets have the shape of the
   * network's output, or `targetShape`.
   *
   * ```js
   * const pinball = custom.loss('pinball', (yTrue, yPred) => {
   *   const e = ops.sub(yTrue, yPred);
   *   return ops.mean(ops.maximum(ops.mul(0.9, e), ops.mul(-0.1, e)));
   * });
   * model.compile({ optimizer: 'adam', loss: pinball });
   * ```
   *
   * @throws TypeError or RangeError, when a network is compiled, if `fn` gives anything but one number a sample, or does not
   *   depend on yPred
   */
  loss: (name: string, fn: OfSample, options: OwnLossOptions = {}): Loss => {
    checkName('name', name, [losses, lossAliases].flatMap(Object.keys));
    const what = `the loss '${checkFunction(name, fn)}'`;
    checkOptions('options', options, ['targetShape']);
    const { targetShape } = options;
    const own = targetShape === undefined ? undefined : checkShape('targetShape', targetShape);
    const loss: Loss = made({
      config: { name },
      ofWholeSamples: true as const,
      targetShape: (outputShape) => own ?? outputShape,
      prepare: (y, values, outputShape) =>
        fitted(name, y, values, own ?? outputShape, own ? { ofOutput: false } : { hint: OF_ANOTHER_SHAPE }),
      emit: (t, io) => emitLoss(t, io, what, fn),
    });
    registerLoss(name, loss);
    return loss;
  },

  /** A metric: the mean over all samples of an epoch of `fn(yTrue, yPred)`, whose value has the shape []. */
  metric: (name: string, fn: OfSample, ...others: never[]): MetricChoice => {
    checkAlone('custom.metric', 2, others);
    checkName('name', name, [metrics, metricAliases].flatMap(Object.keys));
    const what = `the metric '${checkFunction(name, fn)}'`;
    return registerMetric(name, (t, { output, targets, weights }, report) => {
      const { value, lowered } = lowerSample(t, { output, targets }, what, fn);
      const sum = report('sum');
      emitSum(t, perSample(t, lowered.buffer(value)), weights, sum);
      return [sum];
    });
  },

  /** An activation: `fn(z)` of the shape of z. */
  activation: (name: string, fn: (z: Value) => Value, ...others: never[]): Activation => {
    checkAlone('custom.activation', 2, others);
    checkName('name', name, [activations, activationAliases].flatMap(Object.keys));
    const what = `the activation '${checkFunction(name, fn)}'`;
    return registerActivation(name, (z) => checkValue(what, () => fn(z), z.shape, { given: [z] }));
  },

  /**
   * A layer: a class that extends `Layer`. `build(inputShape)` declares weights with `this.addWeight(name, shape, initializer)`,
   * `call(x, weights, { training })` says in `ops` what the layer makes of its input, `getConfig()` gives the options that make
   * it again. Returns a function that makes one, as those of `layers` do.
   */
  layer: <O extends object, L extends Layer>(
    className: string,
    type: new (options: O) => L,
    ...others: never[]
  ): ((options?: O) => L) => {
    checkAlone('custom.layer', 2, others);
    checkName('className', className, [...layerNames, 'Model', 'Sequential']);
    if (typeof type !== 'function' || !hasMethods(type.prototype, 'build', 'weightsFor'))
      throw wrongType('class', 'a class that extends Layer', type);
    if (!hasMethods(type.prototype, 'call'))
      throw new TypeError(
        'Expected class to have a method call(x, weights), which says what the layer makes of its input',
      );
    Object.defineProperty(type.prototype, 'className', { value: className, configurable: true });
    markClasses({ type });
    registerLayer(className, type as new (options: any) => Layer);
    return (options = {} as O) => ownLayer(type, options);
  },
};

function checkName(option: string, name: unknown, taken: readonly string[]): void {
  if (typeof name !== 'string') throw wrongType(option, 'a string', name);
  if (name === '' || name.length > 100) throw wrongValue(option, 'a string of 1 to 100 characters', name);
  if (taken.includes(name)) throw wrongValue(option, 'none of the names there are', name);
}

function checkFunction(name: string, fn: unknown): string {
  if (typeof fn !== 'function' || isClass(fn)) throw wrongType('fn', 'a function of values', fn);
  return name;
}
