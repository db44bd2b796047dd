import { type Activation, type ActivationInput, getActivation } from '../activations.js';
import { checkBoolean, checkInteger, checkOptions } from '../check.js';
import { getInitializer, type Initializer, type InitializerInput } from '../initializers.js';
import { checkRegularizer, type Regularizer, type RegularizerInput } from '../regularizers.js';
import type { Buffer } from '../tape.js';
import {
  checkLayer,
  LAYER_OPTIONS,
  type Layer,
  type LayerOptions,
  type Recorded,
  type Recorder,
  type Shape,
  wrongInput,
} from './layer.js';

export interface DenseOptions extends LayerOptions {
  /** Neurons: the size of the output. */
  units: number;
  /** Default: linear */
  activation?: ActivationInput;
  /** Default true */
  useBias?: boolean;
  /** Default 'glorotUniform' */
  kernelInitializer?: InitializerInput;
  /** Default 'zeros' */
  biasInitializer?: InitializerInput;
  kernelRegularizer?: RegularizerInput;
  biasRegularizer?: RegularizerInput;
}

const OPTIONS = [
  ...LAYER_OPTIONS,
  'units',
  'activation',
  'useBias',
  'kernelInitializer',
  'biasInitializer',
  'kernelRegularizer',
  'biasRegularizer',
];

/** A fully connected layer: activation(x @ kernel + bias), kernel [inputs, units], bias [units]. */
export class Dense implements Layer {
  readonly className = 'Dense';
  name?: string;
  readonly inputShape?: Shape;
  readonly units: number;
  readonly activation: Activation;
  readonly useBias: boolean;
  readonly kernelInitializer: Initializer;
  readonly biasInitializer: Initializer;
  readonly kernelRegularizer?: Regularizer;
  readonly biasRegularizer?: Regularizer;

  constructor(options: DenseOptions) {
    checkOptions('options', options, OPTIONS);
    ({ name: this.name, inputShape: this.inputShape } = checkLayer(options));
    this.units = checkInteger('units', options.units, 1);
    this.activation = getActivation('activation', options.activation ?? 'linear');
    this.useBias = checkBoolean('useBias', options.useBias ?? true);
    this.kernelInitializer = getInitializer('kernelInitializer', options.kernelInitializer ?? 'glorotUniform');
    this.biasInitializer = getInitializer('biasInitializer', options.biasInitializer ?? 'zeros');
    this.kernelRegularizer = checkRegularizer('kernelRegularizer', options.kernelRegularizer);
    this.biasRegularizer = checkRegularizer('biasRegularizer', options.biasRegularizer);
  }

  outputShape(inputShape: Shape): Shape {
    if (inputShape.length !== 1)
      throw wrongInput(this, 'a vector for each sample (add layers.flatten() before)', inputShape);
    return [this.units];
  }

  record(t: Recorder, x: Buffer, name: string): Recorded {
    const I = x.size;
    const O = this.units;
    const w = t.parameter(name, 'kernel', [I, O], this.kernelInitializer, this.kernelRegularizer);
    const b = this.useBias ? t.parameter(name, 'bias', [O], this.biasInitializer, this.biasRegularizer) : undefined;
    const y = t.batched(`${name}/y`, [O]);
    return {
      y,
      forward() {
        if (b)
          t.emit('affine', [x, w.value, b.value, y], { O, I }); // y = x @ w + b
        else t.emit('matmul', [x, w.value, y], { O, I });
      },
      backward(dy, wanted) {
        t.emit('weightGradient', [x, dy, w.gradient], { O, I }); // dw = x.T @ dy
        if (b) t.emit('biasGradient', [dy, b.gradient], { O }); // db = dy.sum(0)
        if (!wanted) return undefined;
        const dx = t.batched(`${name}/dx`, x.shape);
        t.emit('inputGradient', [dy, w.value, dx], { O, I }); // dx = dy @ w.T
        return dx;
      },
    };
  }

  getConfig(): Record<string, unknown> {
    return {
      units: this.units,
      activation: this.activation.config,
      useBias: this.useBias,
      kernelInitializer: this.kernelInitializer.config,
      biasInitializer: this.biasInitializer.config,
      kernelRegularizer: this.kernelRegularizer,
      biasRegularizer: this.biasRegularizer,
    };
  }
}
