import { NDArray } from '../array.js';
import { checkBoolean, checkNumber, checkOptions, wrongType, wrongValue } from '../check.js';
import { integer, object, type Schema, vector } from '../io/schema.js';
import { registerSaved } from '../saved.js';
import { checkWidths, eachColumn, mapColumns, negligible } from './columns.js';
import type { TableInput } from './frame.js';
import { NumericTransformer } from './numeric-transformer.js';

interface Extent {
  readonly dataMin: NDArray;
  readonly dataMax: NDArray;
  readonly dataRange: NDArray;
  readonly scale: NDArray;
  readonly min: NDArray;
  readonly nSamples: number;
}

/**
 * Scales features to a range: scikit-learn's `MinMaxScaler`, `x * scale + min`.
 *
 * Constant features are shifted to the lower end. float32 input is measured and scaled in float32, all else in float64.
 */
export class MinMaxScaler extends NumericTransformer<Extent> {
  static override readonly className = 'MinMaxScaler';
  readonly featureRange: readonly [number, number];
  readonly clip: boolean;

  static {
    registerSaved(MinMaxScaler);
  }

  /**
   * @param options.featureRange the ends of the range, default [0, 1]
   * @param options.clip whether `transform` clips values outside the range, default false
   */
  constructor(options: { featureRange?: readonly [number, number]; clip?: boolean } = {}) {
    super();
    checkOptions('options', options, ['featureRange', 'clip']);
    const range = options.featureRange ?? [0, 1];
    if (!Array.isArray(range) || range.length !== 2) throw wrongType('featureRange', 'a pair of numbers', range);
    const [low, high] = Array.from(range, (end, i) => checkNumber(`featureRange[${i}]`, end));
    if (low >= high) throw wrongValue('featureRange[1]', `a number > ${low}`, high);
    this.featureRange = [low, high];
    this.clip = checkBoolean('clip', options.clip ?? false);
  }

  override getParams() {
    return { featureRange: this.featureRange, clip: this.clip };
  }

  /** Undoes `transform` (not its clipping); throws as it does. */
  inverseTransform(z: TableInput): NDArray {
    return this.inverse(z);
  }

  /** [features]: the smallest values. Getters throw ERR_NOT_FITTED before `fit`. */
  get dataMin(): NDArray {
    return this.fitted('dataMin').dataMin;
  }

  /** [features]: the largest values. */
  get dataMax(): NDArray {
    return this.fitted('dataMax').dataMax;
  }

  /** [features]: `dataMax - dataMin`. */
  get dataRange(): NDArray {
    return this.fitted('dataRange').dataRange;
  }

  /** [features]: what values are multiplied with. */
  get scale(): NDArray {
    return this.fitted('scale').scale;
  }

  /** [features]: what is then added. */
  get min(): NDArray {
    return this.fitted('min').min;
  }

  get nSamplesSeen(): number {
    return this.fitted('nSamplesSeen').nSamples;
  }

  protected override measureMatrix(matrix: NDArray): Extent {
    const [n, width] = matrix.shape;
    const [low, high] = this.featureRange;
    const row = () => NDArray.zeros([width], matrix.dtype);
    const [dataMin, dataMax, dataRange, scale, min] = [row(), row(), row(), row(), row()];
    dataMin.data.fill(Number.POSITIVE_INFINITY);
    dataMax.data.fill(Number.NEGATIVE_INFINITY);
    eachColumn(matrix, (v, k) => {
      if (v < dataMin.data[k]) dataMin.data[k] = v;
      if (v > dataMax.data[k]) dataMax.data[k] = v;
    });
    const least = negligible(matrix);
    for (let k = 0; k < width; k++) {
      dataRange.data[k] = dataMax.data[k] - dataMin.data[k];
      scale.data[k] = (high - low) / (dataRange.data[k] < least ? 1 : dataRange.data[k]);
      // Two statements: the product is rounded to the dtype before it is subtracted.
      min.data[k] = dataMin.data[k] * scale.data[k];
      min.data[k] = low - min.data[k];
    }
    return { dataMin, dataMax, dataRange, scale, min, nSamples: n };
  }

  protected override applyMatrix(x: NDArray, { scale, min }: Extent): NDArray {
    const [low, high] = this.featureRange;
    return mapColumns(x, [
      (v, k) => v * scale.data[k],
      (v, k) => v + min.data[k],
      ...(this.clip ? [(v: number) => Math.min(Math.max(v, low), high)] : []),
    ]);
  }

  protected override invertMatrix(z: NDArray, { scale, min }: Extent): NDArray {
    return mapColumns(z, [(v, k) => v - min.data[k], (v, k) => v / scale.data[k]]);
  }

  protected override readonly schema: Schema<Extent> = object<Extent>({
    dataMin: vector,
    dataMax: vector,
    dataRange: vector,
    scale: vector,
    min: vector,
    nSamples: integer(1),
  });

  protected override checkState({ nSamples: _, ...vectors }: Extent, width: number): void {
    checkWidths(vectors, width);
  }
}
