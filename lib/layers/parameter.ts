import type { Value } from '../graph/value.js';
import { checkShape, Layer, type LayerOptions, type Shape, type Weights } from './layer.js';

export interface ParameterOptions extends LayerOptions {
  /** Of the numbers, which are the same for all samples. */
  shape: Shape;
}

/** Numbers that training moves, whatever the input: nn.Parameter of PyTorch, in networks of its files. */
export class Parameter extends Layer {
  override readonly className = 'Parameter';
  readonly shape: Shape;

  constructor(options: ParameterOptions) {
    super(options, ['shape']);
    this.shape = checkShape('shape', options.shape);
  }

  override build(): void {
    this.addWeight('value', this.shape, 'zeros');
  }

  call(_: Value, { value }: Weights): Value {
    return value;
  }

  override getConfig(): Record<string, unknown> {
    return { shape: this.shape };
  }
}
