import { NDArray } from '../array.js';
import { checkOneOf, checkOptions } from '../check.js';
import { object, type Schema } from '../io/schema.js';
import { registerSaved } from '../saved.js';
import { negligible } from './columns.js';
import { NumericTransformer } from './numeric-transformer.js';

const NORMS = {
  l1: (row: Iterable<number>) => {
    let sum = 0;
    for (const v of row) sum += Math.abs(v);
    return sum;
  },
  l2: (row: Iterable<number>) => {
    let sum = 0;
    for (const v of row) sum += v * v;
    return Math.sqrt(sum);
  },
  max: (row: Iterable<number>) => {
    let largest = 0;
    for (const v of row) largest = Math.max(largest, Math.abs(v));
    return largest;
  },
} as const;

/** Scales each row to norm 1; rows of norms below 10 times the float type's epsilon stay: scikit-learn's `Normalizer`. `fit` learns nothing but the columns. */
export class Normalizer extends NumericTransformer<object> {
  static override readonly className = 'Normalizer';
  readonly norm: 'l1' | 'l2' | 'max';

  static {
    registerSaved(Normalizer);
  }

  /** @param options.norm 'l1', 'l2' or 'max' (of the absolute values), default 'l2' */
  constructor(options: { norm?: 'l1' | 'l2' | 'max' } = {}) {
    super();
    checkOptions('options', options, ['norm']);
    this.norm = checkOneOf('norm', options.norm ?? 'l2', ['l1', 'l2', 'max']);
  }

  override getParams() {
    return { norm: this.norm };
  }

  protected override measureMatrix(): object {
    return {};
  }

  protected override applyMatrix(x: NDArray): NDArray {
    const z = NDArray.from(x);
    const [n, width] = z.shape;
    const least = negligible(z);
    for (let i = 0; i < n; i++) {
      const row = z.data.subarray(i * width, (i + 1) * width);
      const size = NORMS[this.norm](row);
      const norm = size < least ? 1 : size;
      for (let k = 0; k < width; k++) row[k] /= norm;
    }
    return z;
  }

  protected override readonly schema: Schema<object> = object<object>({});
}
