import { type Value, withMask } from '../graph/value.js';
import { ops } from '../ops.js';
import { checkAxis, sampleAxis } from './axis.js';
import type { LayerOptions, Shape } from './layer.js';
import { handedOn, joinedMask } from './masks.js';
import { Merge } from './merge.js';

export interface ConcatenateOptions extends LayerOptions {
  /** Counted with the batch, as Keras: 1 is the first axis of a sample, -1 (the default) the last. */
  axis?: number;
}

/** Its inputs one behind the other along an axis; in the others they have the same lengths. */
export class Concatenate extends Merge {
  override readonly className = 'Concatenate';
  readonly axis: number;

  constructor(options: ConcatenateOptions = {}) {
    super(options, ['axis']);
    this.axis = checkAxis('axis', options.axis ?? -1);
  }

  override build(inputShapes: readonly Shape[]): void {
    const shapes = this.checkList(inputShapes);
    const [{ length: rank }] = shapes;
    const axis = sampleAxis(this.axis, rank);
    if (axis === undefined) throw this.wrongInputs(`of an axis ${this.axis} (0 is that of the batch)`, shapes);
    const fits = ({ length }: Shape) => length === rank;
    if (!shapes.every((shape) => fits(shape) && shape.every((n, i) => i === axis || n === shapes[0][i])))
      throw this.wrongInputs(`of the same lengths but for axis ${this.axis}`, shapes);
  }

  call(inputs: readonly Value[]): Value {
    if (inputs.length === 1) return handedOn(inputs[0]);
    const axis = sampleAxis(this.axis, inputs[0].shape.length);
    const joined = ops.concat(inputs, { axis }) as Value;
    return withMask(joined, joinedMask(inputs, axis as number));
  }

  override getConfig(): Record<string, unknown> {
    return { axis: this.axis };
  }
}
