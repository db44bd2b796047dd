import { checkInteger, wrongType, wrongValue } from '../check.js';
import type { Value } from '../graph/value.js';
import { ops } from '../ops.js';
import { Layer, type LayerOptions, type Shape, wrongInput } from './layer.js';
import type { SameRank } from './ranks.js';

export interface PermuteOptions extends LayerOptions {
  /** The axes of a sample in their new order, counted from 1 as Keras: [2, 1] exchanges two. */
  dims: readonly number[];
}

/** The axes of a sample in another order. */
export class Permute extends Layer<SameRank> {
  override readonly className = 'Permute';
  readonly dims: readonly number[];

  constructor(options: PermuteOptions) {
    super(options, ['dims']);
    const { dims } = options;
    if (!Array.isArray(dims)) throw wrongType('dims', 'an array of axes, from 1', dims);
    this.dims = Array.from(dims, (axis, i) => checkInteger(`dims[${i}]`, axis, 1));
    if (dims.some((_, i) => !this.dims.includes(i + 1)))
      throw wrongValue('dims', `each of the axes 1 to ${dims.length} once`, dims);
  }

  override build(inputShape: Shape): void {
    if (inputShape.length !== this.dims.length)
      throw wrongInput(this, `of ${this.dims.length} axes (dims [${this.dims.join(', ')}])`, inputShape);
  }

  call(x: Value): Value {
    return ops.transpose(
      x,
      this.dims.map((axis) => axis - 1),
    );
  }

  override getConfig(): Record<string, unknown> {
    return { dims: this.dims };
  }
}
