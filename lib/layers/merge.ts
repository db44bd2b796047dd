import { broadcastShape } from '../graph/broadcast.js';
import { type Value, withMask } from '../graph/value.js';
import { ops } from '../ops.js';
import { Layer, type LayerOptions, type Shape } from './layer.js';
import { alongFeatures, anyMask, handedOn, masked } from './masks.js';
import type { Broadcasts, Ranks } from './ranks.js';

/** A layer of a list of inputs. */
export abstract class Merge<R extends Ranks = Broadcasts> extends Layer<R> {
  static override readonly takesList = true;
  /** How many inputs it takes. Absent: one or more */
  protected readonly count?: number;

  /** @throws RangeError if it was not given a list, or one of another length */
  protected checkList(shapes: Shape | readonly Shape[]): readonly Shape[] {
    const { count } = this;
    const list = Array.isArray(shapes[0]) ? (shapes as readonly Shape[]) : [];
    if (list.length === 0 || (count !== undefined && list.length !== count))
      throw this.wrongInputs(
        `a list of ${count === 2 ? 'two' : 'one or more'} values`,
        list.length > 0 ? list : [shapes as Shape],
      );
    return list;
  }

  protected wrongInputs(expected: string, shapes: readonly Shape[]): RangeError {
    const which = this.name ? `${this.className} '${this.name}'` : this.className;
    const got = shapes.map((shape) => `[${shape.join(', ')}]`).join(' and ');
    return new RangeError(
      `Expected the inputs of ${which} to be ${expected}, got shape${shapes.length > 1 ? 's' : ''} ${got}`,
    );
  }
}

/** Element by element, of inputs whose shapes broadcast as NumPy's. A step counts that counts in any of them. */
abstract class Elementwise extends Merge {
  constructor(options: LayerOptions = {}) {
    super(options);
  }

  override build(inputShapes: readonly Shape[]): void {
    const shapes = this.checkList(inputShapes);
    try {
      broadcastShape(shapes);
    } catch {
      throw this.wrongInputs('of shapes that broadcast', shapes);
    }
  }

  call(inputs: readonly Value[]): Value {
    const merged = this.merged(inputs);
    return merged === inputs[0] ? handedOn(merged) : withMask(merged, anyMask(inputs));
  }

  protected abstract merged(inputs: readonly Value[]): Value;
}

/** `x`, and `other` in the steps that do not count. */
const counted = (x: Value, other: Value | number): Value =>
  x.mask ? (ops.where(alongFeatures(x.mask, x.shape.length), x, other) as Value) : x;

/** The larger or the smaller of two, of which one alone counts in some steps. */
function extremeOf(extreme: (x: Value, y: Value) => Value, x: Value, y: Value): Value {
  const other = counted(y, x);
  return withMask(extreme(counted(x, other), other), anyMask([x, y]));
}

/** The sum of its inputs. */
export class Add extends Elementwise {
  override readonly className = 'Add';

  protected merged(inputs: readonly Value[]): Value {
    return inputs.reduce((sum, x) => ops.add(sum, x));
  }
}

/** The first of two inputs less the second. */
export class Subtract extends Elementwise {
  override readonly className = 'Subtract';
  protected override readonly count = 2;

  protected merged([x, y]: readonly Value[]): Value {
    return ops.sub(x, y);
  }
}

/** The product of its inputs, element by element: of those that count in a step, and 0 where none does (as Keras'). */
export class Multiply extends Elementwise {
  override readonly className = 'Multiply';

  protected merged(inputs: readonly Value[]): Value {
    const product = inputs.map((x) => counted(x, 1)).reduce((part, x) => ops.mul(part, x));
    return masked(product, anyMask(inputs));
  }
}

/** The mean of its inputs, element by element. */
export class Average extends Elementwise {
  override readonly className = 'Average';

  protected merged(inputs: readonly Value[]): Value {
    const sum = inputs.reduce((part, x) => ops.add(part, x));
    return inputs.length === 1 ? sum : ops.mul(sum, 1 / inputs.length);
  }
}

/** The largest of its inputs, element by element; of equal ones the first has the gradient. */
export class Maximum extends Elementwise {
  override readonly className = 'Maximum';

  protected merged(inputs: readonly Value[]): Value {
    return inputs.reduce((most, x) => extremeOf(ops.maximum, most, x));
  }
}

/** The smallest of its inputs, element by element; of equal ones the first has the gradient. */
export class Minimum extends Elementwise {
  override readonly className = 'Minimum';

  protected merged(inputs: readonly Value[]): Value {
    return inputs.reduce((least, x) => extremeOf(ops.minimum, least, x));
  }
}
