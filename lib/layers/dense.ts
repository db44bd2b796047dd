import { checkInteger } from '../check.js';
import { activate } from '../graph/ops/activation.js';
import { affine } from '../graph/ops/affine.js';
import { applyOp, type Value } from '../graph/value.js';
import { KernelLayer, type KernelLayerOptions } from './kernel-layer.js';
import { type Shape, type Weights, wrongInput } from './layer.js';
import type { OfVectors } from './ranks.js';

export interface DenseOptions extends KernelLayerOptions {
  /** Neurons: the size of the output. */
  units: number;
}

/** A fully connected layer: activation(x @ kernel + bias), kernel [inputs, units], bias [units]. */
export class Dense extends KernelLayer<OfVectors> {
  override readonly className = 'Dense';
  override readonly supportsMasking = true;
  readonly units: number;

  constructor(options: DenseOptions) {
    super(options, ['units']);
    this.units = checkInteger('units', options.units, 1);
  }

  override build(inputShape: Shape): void {
    if (inputShape.length !== 1)
      throw wrongInput(this, 'a vector for each sample (add layers.flatten() before)', inputShape);
    this.addKernel([inputShape[0], this.units]);
  }

  call(x: Value, { kernel, bias }: Weights): Value {
    return activate(applyOp(affine, bias ? [x, kernel, bias] : [x, kernel], undefined), this.activation);
  }

  override getConfig(): Record<string, unknown> {
    return { units: this.units, ...super.getConfig() };
  }
}
