import { NDArray } from '../array.js';
import { checkOptions } from '../check.js';
import { object, type Schema, vector } from '../io/schema.js';
import { registerSaved } from '../saved.js';
import { checkWidths, eachColumn, mapColumns, negligible } from './columns.js';
import type { TableInput } from './frame.js';
import { NumericTransformer } from './numeric-transformer.js';

interface Largest {
  readonly scale: NDArray;
}

/** Divides each feature by its largest absolute value, so that 0 stays 0: scikit-learn's `MaxAbsScaler`. */
export class MaxAbsScaler extends NumericTransformer<Largest> {
  static override readonly className = 'MaxAbsScaler';

  static {
    registerSaved(MaxAbsScaler);
  }

  constructor(options: object = {}) {
    super();
    checkOptions('options', options, []);
  }

  override getParams() {
    return {};
  }

  /** Undoes `transform`; throws as it does. */
  inverseTransform(z: TableInput): NDArray {
    return this.inverse(z);
  }

  /** [features]: the largest absolute values, 1 where they are 0. Throws ERR_NOT_FITTED before `fit`. */
  get scale(): NDArray {
    return this.fitted('scale').scale;
  }

  protected override measureMatrix(x: NDArray): Largest {
    const scale = new Float64Array(x.shape[1]);
    eachColumn(x, (v, k) => {
      scale[k] = Math.max(scale[k], Math.abs(v));
    });
    const least = negligible(x);
    return { scale: NDArray.wrap(scale.map((largest) => (largest < least ? 1 : largest))) };
  }

  protected override applyMatrix(x: NDArray, { scale }: Largest): NDArray {
    return mapColumns(x, [(v, k) => v / scale.data[k]]);
  }

  protected override invertMatrix(z: NDArray, { scale }: Largest): NDArray {
    return mapColumns(z, [(v, k) => v * scale.data[k]]);
  }

  protected override readonly schema: Schema<Largest> = object<Largest>({ scale: vector });

  protected override checkState({ scale }: Largest, width: number): void {
    checkWidths({ scale }, width);
  }
}
