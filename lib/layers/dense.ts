import { checkInteger } from '../check.js';
import { activate } from '../graph/ops/activation.js';
import { affine } from '../graph/ops/affine.js';
import { applyOp, type Value } from '../graph/value.js';
import { KernelLayer, type KernelLayerOptions } from './kernel-layer.js';
import { type Shape, type Weights, wrongInput } from './layer.js';
import type { SameRank } from './ranks.js';

export interface DenseOptions extends KernelLayerOptions {
  /** Neurons: the length of the output's last axis. */
  units: number;
}

/**
 * A fully connected layer: activation(x @ kernel + bias), kernel [inputs, units], bias [units]. Of a sample with more axes,
 * such as [steps, inputs], every row along the last one: [steps, units].
 */
export class Dense extends KernelLayer<SameRank> {
  override readonly className = 'Dense';
  override readonly supportsMasking = true;
  readonly units: number;

  constructor(options: DenseOptions) {
    super(options, ['units']);
    this.units = checkInteger('units', options.units, 1);
  }

  override build(inputShape: Shape): void {
    const inputs = inputShape.at(-1);
    if (typeof inputs !== 'number')
      throw wrongInput(this, 'one value of at least one dimension, the last of them inputs', inputShape);
    this.addKernel([inputs, this.units]);
  }

  call(x: Value, { kernel, bias }: Weights): Value {
    return activate(applyOp(affine, bias ? [x, kernel, bias] : [x, kernel], undefined), this.activation);
  }

  override getConfig(): Record<string, unknown> {
    return { units: this.units, ...super.getConfig() };
  }
}
