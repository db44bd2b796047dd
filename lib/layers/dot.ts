import { checkBoolean, wrongType } from '../check.js';
import { sizeOf, type Value } from '../graph/value.js';
import { ops } from '../ops.js';
import { checkAxis, sampleAxis } from './axis.js';
import type { LayerOptions, Shape } from './layer.js';
import { Merge } from './merge.js';
import type { FromTo } from './ranks.js';

export interface DotOptions extends LayerOptions {
  /** The axis to sum over, of both inputs or of each; counted with the batch, as Keras: 1 is the first of a sample. */
  axes: number | readonly [number, number];
  /** Scale both inputs to length 1 along their axes before: the cosine of vectors. Default false */
  normalize?: boolean;
}

/**
 * The products of two inputs, summed over an axis of each: the other axes of the first, then those of the second; of two
 * vectors [1].
 */
export class Dot extends Merge<FromTo<readonly Value[], Value>> {
  override readonly className = 'Dot';
  protected override readonly count = 2;
  readonly axes: number | readonly [number, number];
  readonly normalize: boolean;

  constructor(options: DotOptions) {
    super(options, ['axes', 'normalize']);
    const { axes } = options;
    if (Array.isArray(axes) && axes.length === 2)
      this.axes = [checkAxis('axes[0]', axes[0]), checkAxis('axes[1]', axes[1])];
    else if (typeof axes === 'number') this.axes = checkAxis('axes', axes);
    else throw wrongType('axes', 'an axis or two of them', axes);
    this.normalize = checkBoolean('normalize', options.normalize ?? false);
  }

  override build(inputShapes: readonly Shape[]): void {
    const shapes = this.checkList(inputShapes);
    const [a, b] = this.#axesOf(shapes);
    if (a === undefined || b === undefined || shapes[0][a] !== shapes[1][b])
      throw this.wrongInputs(`of axes [${[this.axes].flat().join(', ')}] of one length`, shapes);
  }

  call(inputs: readonly Value[]): Value {
    const axes = this.#axesOf(inputs.map(({ shape }) => shape)) as number[];
    const [x, y] = inputs.map((value, i) => (this.normalize ? normalized(value, axes[i]) : value));
    const [rows, columns] = [x, y].map(({ shape }, i) => shape.filter((_, axis) => axis !== axes[i]));
    const n = x.shape[axes[0]];
    const left = ops.reshape(ops.transpose(x, [...others(x, axes[0]), axes[0]]), [sizeOf(rows), n]);
    const right = ops.reshape(ops.transpose(y, [axes[1], ...others(y, axes[1])]), [n, sizeOf(columns)]);
    const shape = [...rows, ...columns];
    return ops.reshape(ops.matmul(left, right), shape.length > 0 ? shape : [1]);
  }

  override getConfig(): Record<string, unknown> {
    return { axes: this.axes, normalize: this.normalize };
  }

  #axesOf([x, y]: readonly Shape[]): (number | undefined)[] {
    const [a, b] = typeof this.axes === 'number' ? [this.axes, this.axes] : this.axes;
    return [sampleAxis(a, x.length), sampleAxis(b, y.length)];
  }
}

const others = ({ shape }: Value, axis: number) => shape.map((_, i) => i).filter((i) => i !== axis);

/** x / sqrt(max(sum(x^2), 1e-14)) along an axis, as Keras' `normalize` with its epsilon of 1e-7 */
function normalized(x: Value, axis: number): Value {
  const squares = ops.sum(ops.square(x), { axis, keepDims: true });
  return ops.div(x, ops.sqrt(ops.maximum(squares, 1e-14)));
}
