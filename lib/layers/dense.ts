import { checkInteger } from '../check.js';
import type { Buffer } from '../tape.js';
import { KernelLayer, type KernelLayerOptions } from './kernel-layer.js';
import { type Layer, type Recorded, type Recorder, type Shape, wrongInput } from './layer.js';

export interface DenseOptions extends KernelLayerOptions {
  /** Neurons: the size of the output. */
  units: number;
}

/** A fully connected layer: activation(x @ kernel + bias), kernel [inputs, units], bias [units]. */
export class Dense extends KernelLayer implements Layer {
  readonly className = 'Dense';
  readonly units: number;

  constructor(options: DenseOptions) {
    super(options, ['units']);
    this.units = checkInteger('units', options.units, 1);
  }

  outputShape(inputShape: Shape): Shape {
    if (inputShape.length !== 1)
      throw wrongInput(this, 'a vector for each sample (add layers.flatten() before)', inputShape);
    return [this.units];
  }

  record(t: Recorder, x: Buffer, name: string): Recorded {
    const I = x.size;
    const O = this.units;
    const { w, b } = this.weights(t, name, [I, O]);
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

  override getConfig(): Record<string, unknown> {
    return { units: this.units, ...super.getConfig() };
  }
}
