import { attributed } from '../attributed.js';
import { wrongType } from '../check.js';
import { isValue, type Value } from '../graph/value.js';
import { isClass, isError } from '../kind.js';
import { isList, Layer, type LayerOptions, type Values } from './layer.js';
import type { FromTo } from './ranks.js';

/**
 * A function of one's own as a layer, written in `ops`: of a value, or of a list if the layer is applied to one. It ends
 * masks, as Keras' Lambda. What has weights, is to be saved, or hands masks on, is a class: `custom.layer`.
 */
export class Lambda<I extends Values = any, O extends Value = Value> extends Layer<FromTo<I, O>> {
  static override readonly takesList = true;
  override readonly className = 'Lambda';
  readonly fn: (inputs: I) => O;

  constructor(fn: (inputs: I) => O, options: LayerOptions = {}) {
    super(options);
    if (typeof fn !== 'function' || isClass(fn)) throw wrongType('fn', 'a function of values', fn);
    this.fn = fn;
  }

  call(inputs: I): O {
    const output = attributed(`the function of ${this.name ?? 'Lambda'}`, () => this.#made(inputs));
    if (!isValue(output)) throw wrongType(`what the function of ${this.name ?? 'Lambda'} returns`, 'a value', output);
    if (!output.batched && (isList(inputs) ? inputs : [inputs as Value]).some(({ batched }) => batched))
      throw new TypeError(`Expected the function of ${this.name ?? 'Lambda'} to depend on its input, but it does not`);
    return output;
  }

  /** A function of several is told why it fails; others, such as `ops.sum`, only have options behind the value. */
  #made(inputs: I): O {
    try {
      return this.fn(inputs);
    } catch (cause) {
      const { length } = this.fn;
      if (length < 2 || !isError(cause, 'TypeError')) throw cause;
      throw new TypeError(`${cause.message} (it is given one value, or one list of them, not ${length})`, { cause });
    }
  }
}
