import { type Activation, type ActivationInput, getActivation } from '../activations.js';
import { checkBoolean } from '../check.js';
import { getInitializer, type Initializer, type InitializerInput } from '../initializers.js';
import { checkRegularizer, type Regularizer, type RegularizerInput } from '../regularizers.js';
import { Layer, type LayerOptions, type Shape } from './layer.js';

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
}

const OPTIONS = [
  'activation',
  'useBias',
  'kernelInitializer',
  'biasInitializer',
  'kernelRegularizer',
  'biasRegularizer',
];

/** What layers have in common that multiply their input with a kernel: its weights, a bias, an activation. */
export abstract class KernelLayer extends Layer {
  override readonly activation: Activation;
  readonly useBias: boolean;
  readonly kernelInitializer: Initializer;
  readonly biasInitializer: Initializer;
  readonly kernelRegularizer?: Regularizer;
  readonly biasRegularizer?: Regularizer;

  constructor(options: KernelLayerOptions, own: readonly string[]) {
    super(options, [...own, ...OPTIONS]);
    this.activation = getActivation('activation', options.activation ?? 'linear');
    this.useBias = checkBoolean('useBias', options.useBias ?? true);
    this.kernelInitializer = getInitializer('kernelInitializer', options.kernelInitializer ?? 'glorotUniform');
    this.biasInitializer = getInitializer('biasInitializer', options.biasInitializer ?? 'zeros');
    this.kernelRegularizer = checkRegularizer('kernelRegularizer', options.kernelRegularizer);
    this.biasRegularizer = checkRegularizer('biasRegularizer', options.biasRegularizer);
  }

  /** Declares a kernel of this shape and, with `useBias`, a bias for each of its outputs. */
  protected addKernel(shape: Shape): void {
    this.addWeight('kernel', shape, this.kernelInitializer, { regularizer: this.kernelRegularizer });
    if (this.useBias)
      this.addWeight('bias', shape.slice(-1), this.biasInitializer, { regularizer: this.biasRegularizer });
  }

  override getConfig(): Record<string, unknown> {
    return {
      activation: this.activation.config,
      useBias: this.useBias,
      kernelInitializer: this.kernelInitializer.config,
      biasInitializer: this.biasInitializer.config,
      kernelRegularizer: this.kernelRegularizer,
      biasRegularizer: this.biasRegularizer,
    };
  }
}
