import { type Activation, activations } from '../activations.js';
import { checkInteger, checkInterval, wrongType } from '../check.js';
import { type Constraint, type ConstraintInput, checkConstraint } from '../constraints.js';
import { activate } from '../graph/ops/activation.js';
import type { Value } from '../graph/value.js';
import { getInitializer, type Initializer, type InitializerInput } from '../initializers.js';
import { ops } from '../ops.js';
import { checkRegularizer, type Regularizer, type RegularizerInput } from '../regularizers.js';
import { checkAxis, sampleAxis } from './axis.js';
import { Layer, type LayerOptions, type Shape, type Weights, wrongInput } from './layer.js';
import type { SameRank } from './ranks.js';

export interface LeakyReLUOptions extends LayerOptions {
  /** What negative values are multiplied by, non-negative. Default 0.3 */
  negativeSlope?: number;
  /** TensorFlow.js' name for negativeSlope */
  alpha?: number;
}

/** x where x > 0, else negativeSlope * x (Maas, Hannun and Ng, 2013). */
export class LeakyReLU extends Layer<SameRank> {
  override readonly className = 'LeakyReLU';
  override readonly supportsMasking = true;
  override readonly activation: Activation;
  readonly negativeSlope: number;

  constructor(options: LeakyReLUOptions = {}) {
    super(options, ['negativeSlope', 'alpha']);
    const { negativeSlope, alpha } = options;
    if (negativeSlope !== undefined && alpha !== undefined)
      throw wrongType('alpha', 'left out where negativeSlope is given, as both are one', alpha);
    const name = alpha === undefined ? 'negativeSlope' : 'alpha';
    this.negativeSlope = checkInterval(name, negativeSlope ?? alpha ?? 0.3, 0, Number.POSITIVE_INFINITY);
    this.activation = activations.leakyRelu({ alpha: this.negativeSlope });
  }

  call(x: Value): Value {
    return activate(x, this.activation);
  }

  override getConfig(): Record<string, unknown> {
    return { negativeSlope: this.negativeSlope };
  }
}

export interface ReLUOptions extends LayerOptions {
  /** The largest value that it gives, non-negative. Default: none */
  maxValue?: number;
  /** What is multiplied by it is how far a value lies below the threshold; non-negative. Default 0 */
  negativeSlope?: number;
  /** Values up to it are taken for negative ones; non-negative. Default 0 */
  threshold?: number;
}

/**
 * max(x, 0) in general, as Keras' ReLU: x where x > threshold, and maxValue at most; else negativeSlope * (x - threshold).
 */
export class ReLU extends Layer<SameRank> {
  override readonly className = 'ReLU';
  override readonly supportsMasking = true;
  /** Where there is one that does the same. */
  declare readonly activation?: Activation;
  readonly maxValue?: number;
  readonly negativeSlope: number;
  readonly threshold: number;

  constructor(options: ReLUOptions = {}) {
    super(options, ['maxValue', 'negativeSlope', 'threshold']);
    const nonNegative = (name: string, value: number) => checkInterval(name, value, 0, Number.POSITIVE_INFINITY);
    if (options.maxValue !== undefined) this.maxValue = nonNegative('maxValue', options.maxValue);
    this.negativeSlope = nonNegative('negativeSlope', options.negativeSlope ?? 0);
    this.threshold = nonNegative('threshold', options.threshold ?? 0);
    const { maxValue, negativeSlope, threshold } = this;
    if (threshold > 0) return;
    if (maxValue === undefined)
      this.activation = negativeSlope === 0 ? activations.relu() : activations.leakyRelu({ alpha: negativeSlope });
    else if (maxValue === 6 && negativeSlope === 0) this.activation = activations.relu6();
  }

  call(x: Value): Value {
    const { activation, maxValue, negativeSlope, threshold } = this;
    if (activation) return activate(x, activation);
    const above = threshold === 0 ? ops.relu(x) : ops.mul(x, ops.greater(x, threshold));
    const limited = maxValue === undefined ? above : ops.minimum(above, maxValue);
    return negativeSlope === 0 ? limited : ops.sub(limited, ops.mul(negativeSlope, ops.relu(ops.sub(threshold, x))));
  }

  override getConfig(): Record<string, unknown> {
    const { maxValue, negativeSlope, threshold } = this;
    return { ...(maxValue !== undefined && { maxValue }), negativeSlope, threshold };
  }
}

export interface PReLUOptions extends LayerOptions {
  /** Default 'zeros' */
  alphaInitializer?: InitializerInput;
  /** A penalty on alpha. Default: none */
  alphaRegularizer?: RegularizerInput;
  /** What alpha is brought back to after each update. Default: nothing */
  alphaConstraint?: ConstraintInput;
  /** Axes along which all values have one alpha, counted from 1 as Keras: [1, 2] gives each channel of an image one. Default: none */
  sharedAxes?: readonly number[];
}

/** x where x > 0, else alpha * x with a trained alpha for each value of a sample (He et al., 2015). */
export class PReLU extends Layer<SameRank> {
  override readonly className = 'PReLU';
  override readonly supportsMasking = true;
  readonly alphaInitializer: Initializer;
  readonly alphaRegularizer?: Regularizer;
  readonly alphaConstraint?: Constraint;
  readonly sharedAxes?: readonly number[];

  constructor(options: PReLUOptions = {}) {
    super(options, ['alphaInitializer', 'alphaRegularizer', 'alphaConstraint', 'sharedAxes']);
    const { sharedAxes } = options;
    this.alphaInitializer = getInitializer('alphaInitializer', options.alphaInitializer ?? 'zeros');
    this.alphaRegularizer = checkRegularizer('alphaRegularizer', options.alphaRegularizer);
    this.alphaConstraint = checkConstraint('alphaConstraint', options.alphaConstraint);
    if (sharedAxes === undefined || sharedAxes === null) return;
    if (!Array.isArray(sharedAxes)) throw wrongType('sharedAxes', 'an array of axes, from 1', sharedAxes);
    this.sharedAxes = Array.from(sharedAxes, (axis, i) => checkInteger(`sharedAxes[${i}]`, axis, 1));
  }

  override build(inputShape: Shape): void {
    const shared = this.sharedAxes ?? [];
    if (shared.some((axis) => axis > inputShape.length))
      throw wrongInput(this, `of ${Math.max(...shared)} axes or more (sharedAxes [${shared.join(', ')}])`, inputShape);
    const shape = inputShape.map((n, i) => (shared.includes(i + 1) ? 1 : n));
    const { alphaRegularizer: regularizer, alphaConstraint: constraint } = this;
    this.addWeight('alpha', shape, this.alphaInitializer, { regularizer, constraint });
  }

  call(x: Value, { alpha }: Weights): Value {
    return ops.sub(ops.relu(x), ops.mul(alpha, ops.relu(ops.neg(x))));
  }

  override getConfig(): Record<string, unknown> {
    const { alphaInitializer, alphaRegularizer, alphaConstraint, sharedAxes } = this;
    return { alphaInitializer: alphaInitializer.config, alphaRegularizer, alphaConstraint, sharedAxes };
  }
}

export interface SoftmaxOptions extends LayerOptions {
  /** Counted with the batch, as Keras: 1 is the first axis of a sample, -1 (the default) the last. */
  axis?: number;
}

/** exp(x) / sum(exp(x)) along an axis. */
export class Softmax extends Layer<SameRank> {
  override readonly className = 'Softmax';
  override readonly supportsMasking = true;
  /** Along another axis it is not the softmax that losses ask for. */
  declare readonly activation?: Activation;
  readonly axis: number;

  constructor(options: SoftmaxOptions = {}) {
    super(options, ['axis']);
    this.axis = checkAxis('axis', options.axis ?? -1);
    if (this.axis === -1) this.activation = activations.softmax();
  }

  override build(inputShape: Shape): void {
    if (sampleAxis(this.axis, inputShape.length) === undefined)
      throw wrongInput(this, `of an axis ${this.axis} (0 is that of the batch)`, inputShape);
  }

  call(x: Value): Value {
    const axis = sampleAxis(this.axis, x.shape.length) as number;
    const last = x.shape.length - 1;
    if (axis === last) return ops.softmax(x);
    const exchanged = x.shape.map((_, i) => (i === axis ? last : i === last ? axis : i));
    return ops.transpose(ops.softmax(ops.transpose(x, exchanged)), exchanged);
  }

  override getConfig(): Record<string, unknown> {
    return { axis: this.axis };
  }
}
