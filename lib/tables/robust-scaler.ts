import { NDArray } from '../array.js';
import { checkBoolean, checkInterval, checkOptions, wrongType, wrongValue } from '../check.js';
import { object, type Schema, vector } from '../io/schema.js';
import { registerSaved } from '../saved.js';
import { checkWidths, mapColumns, percentile } from './columns.js';
import type { TableInput } from './frame.js';
import { normalQuantile } from './normal-quantile.js';
import { NumericTransformer } from './numeric-transformer.js';

interface Spread {
  readonly center: NDArray;
  readonly scale: NDArray;
}

/**
 * Scales features by their median and the range between two percentiles, which outliers do not move: scikit-learn's
 * `RobustScaler`, `(x - center) / scale`. Features whose range is 0 get scale 1.
 */
export class RobustScaler extends NumericTransformer<Spread> {
  static override readonly className = 'RobustScaler';
  readonly withCentering: boolean;
  readonly withScaling: boolean;
  readonly quantileRange: readonly [number, number];
  readonly unitVariance: boolean;

  static {
    registerSaved(RobustScaler);
  }

  /**
   * @param options.withCentering subtract the median, default true
   * @param options.withScaling divide by the scale, default true
   * @param options.quantileRange two percentiles, 0 <= low < high <= 100, default [25, 75]
   * @param options.unitVariance scale so that normally distributed features get variance 1, default false
   */
  constructor(
    options: {
      withCentering?: boolean;
      withScaling?: boolean;
      quantileRange?: readonly [number, number];
      unitVariance?: boolean;
    } = {},
  ) {
    super();
    checkOptions('options', options, ['withCentering', 'withScaling', 'quantileRange', 'unitVariance']);
    this.withCentering = checkBoolean('withCentering', options.withCentering ?? true);
    this.withScaling = checkBoolean('withScaling', options.withScaling ?? true);
    const range = options.quantileRange ?? [25, 75];
    if (!Array.isArray(range) || range.length !== 2) throw wrongType('quantileRange', 'a pair of percentiles', range);
    const [low, high] = Array.from(range, (end, i) => checkInterval(`quantileRange[${i}]`, end, 0, 100));
    if (low >= high) throw wrongValue('quantileRange[1]', `a number > ${low}`, high);
    this.quantileRange = [low, high];
    this.unitVariance = checkBoolean('unitVariance', options.unitVariance ?? false);
    if (this.unitVariance && (low === 0 || high === 100))
      throw wrongValue('quantileRange', 'within (0, 100) where unitVariance is true', range);
  }

  override getParams() {
    const { withCentering, withScaling, quantileRange, unitVariance } = this;
    return { withCentering, withScaling, quantileRange, unitVariance };
  }

  /** Undoes `transform`; throws as it does. */
  inverseTransform(z: TableInput): NDArray {
    return this.inverse(z);
  }

  /** [features]: the medians. Getters throw ERR_NOT_FITTED before `fit`. */
  get center(): NDArray {
    return this.fitted('center').center;
  }

  /** [features]: the ranges between the percentiles, 1 where they are 0. */
  get scale(): NDArray {
    return this.fitted('scale').scale;
  }

  protected override measureMatrix(x: NDArray): Spread {
    const [n, width] = x.shape;
    const [low, high] = this.quantileRange;
    const adjust = this.unitVariance ? normalQuantile(high / 100) - normalQuantile(low / 100) : 1;
    const center = new Float64Array(width);
    const scale = new Float64Array(width);
    const column = new Float64Array(n);
    for (let k = 0; k < width; k++) {
      for (let i = 0; i < n; i++) column[i] = x.data[i * width + k];
      column.sort();
      center[k] = (column[(n - 1) >> 1] + column[n >> 1]) / 2;
      const range = percentile(column, high) - percentile(column, low);
      scale[k] = (range < 10 * Number.EPSILON ? 1 : range) / adjust;
    }
    return { center: NDArray.wrap(center), scale: NDArray.wrap(scale) };
  }

  protected override applyMatrix(x: NDArray, { center, scale }: Spread): NDArray {
    return mapColumns(x, [
      ...(this.withCentering ? [(v: number, k: number) => v - center.data[k]] : []),
      ...(this.withScaling ? [(v: number, k: number) => v / scale.data[k]] : []),
    ]);
  }

  protected override invertMatrix(z: NDArray, { center, scale }: Spread): NDArray {
    return mapColumns(z, [
      ...(this.withScaling ? [(v: number, k: number) => v * scale.data[k]] : []),
      ...(this.withCentering ? [(v: number, k: number) => v + center.data[k]] : []),
    ]);
  }

  protected override readonly schema: Schema<Spread> = object<Spread>({ center: vector, scale: vector });

  protected override checkState({ center, scale }: Spread, width: number): void {
    checkWidths({ center, scale }, width);
  }
}
