import { type Activation, type ActivationInput, getActivation } from '../activations.js';
import { checkBoolean } from '../check.js';
import { type Constraint, type ConstraintInput, checkConstraint } from '../constraints.js';
import { getInitializer, type Initializer, type InitializerInput } from '../initializers.js';
import { checkRegularizer, type Regularizer, type RegularizerInput } from '../regularizers.js';
import { Layer, type LayerOptions, type Shape } from './layer.js';
import type { Ranks } from './ranks.js';

export interface KernelLayerOptions extends LayerOptions {
  /** Default: linear */
  activation?: ActivationInput;
  /** Default true */
  useBias?: boolean;
  /** Default 'glorotUniform' */
  kernelInitializer?: InitializerInput;
  /** Default 'zeros' */
  biasInitializer?: InitializerInput;
  /** A penalty on the kernel. Default: none */
  kernelRegularizer?: RegularizerInput;
  /** A penalty on the bias. Default: none */
  biasRegularizer?: RegularizerInput;
  /** What the kernel is brought back to after each update. Default: nothing */
  kernelConstraint?: ConstraintInput;
  /** The same for the bias. Default: nothing */
  biasConstraint?: ConstraintInput;
}

const OPTIONS = [
  'activation',
  'useBias',
  'kernelInitializer',
  'biasInitializer',
  'kernelRegularizer',
  'biasRegularizer',
  'kernelConstraint',
  'biasConstraint',
];

/** What layers have in common that multiply their input with a kernel: its weights, a bias, an activation. */
export abstract class KernelLayer<R extends Ranks> extends Layer<R> {
  override readonly activation: Activation;
  readonly useBias: boolean;
  readonly kernelInitializer: Initializer;
  readonly biasInitializer: Initializer;
  readonly kernelRegularizer?: Regularizer;
  readonly biasRegularizer?: Regularizer;
  readonly kernelConstraint?: Constraint;
  readonly biasConstraint?: Constraint;

  constructor(options: KernelLayerOptions, own: readonly string[]) {
    super(options, [...own, ...OPTIONS]);
    this.activation = getActivation('activation', options.activation ?? 'linear');
    this.useBias = checkBoolean('useBias', options.useBias ?? true);
    this.kernelInitializer = getInitializer('kernelInitializer', options.kernelInitializer ?? 'glorotUniform');
    this.biasInitializer = getInitializer('biasInitializer', options.biasInitializer ?? 'zeros');
    this.kernelRegularizer = checkRegularizer('kernelRegularizer', options.kernelRegularizer);
    this.biasRegularizer = checkRegularizer('biasRegularizer', options.biasRegularizer);
    this.kernelConstraint = checkConstraint('kernelConstraint', options.kernelConstraint);
    this.biasConstraint = checkConstraint('biasConstraint', options.biasConstraint);
  }

  /** Declares a kernel of this shape and, with `useBias`, a bias for each of its outputs, which its last axis has. */
  protected addKernel(shape: Shape, outputs = shape[shape.length - 1]): void {
    const { kernelRegularizer, kernelConstraint, biasRegularizer, biasConstraint } = this;
    const ofKernel = { regularizer: kernelRegularizer, constraint: kernelConstraint };
    this.addWeight('kernel', shape, this.kernelInitializer, ofKernel);
    const ofBias = { regularizer: biasRegularizer, constraint: biasConstraint };
    if (this.useBias) this.addWeight('bias', [outputs], this.biasInitializer, ofBias);
  }

  override getConfig(): Record<string, unknown> {
    return {
      activation: this.activation.config,
      useBias: this.useBias,
      kernelInitializer: this.kernelInitializer.config,
      biasInitializer: this.biasInitializer.config,
      kernelRegularizer: this.kernelRegularizer,
      biasRegularizer: this.biasRegularizer,
      kernelConstraint: this.kernelConstraint,
      biasConstraint: this.biasConstraint,
    };
  }
}
