import { NDArray } from '../array.js';
import { checkBoolean, checkOptions } from '../check.js';
import { integer, object, type Schema, vector } from '../io/schema.js';
import { registerSaved } from '../saved.js';
import { checkWidths, eachColumn, mapColumns } from './columns.js';
import type { TableInput } from './frame.js';
import { NumericTransformer } from './numeric-transformer.js';

interface Statistics {
  readonly mean: NDArray;
  readonly variance: NDArray;
  readonly scale: NDArray;
  readonly nSamples: number;
}

/**
 * Scales features to mean 0 and variance 1: scikit-learn's `StandardScaler`, `(x - mean) / scale`.
 *
 * Features that are constant to within rounding get scale 1. float32 input gives float32 output, all else float64;
 * the statistics are float64.
 */
export class StandardScaler extends NumericTransformer<Statistics> {
  static override readonly className = 'StandardScaler';
  readonly withMean: boolean;
  readonly withStd: boolean;

  static {
    registerSaved(StandardScaler);
  }

  /** @param options.withMean subtract the mean, default true @param options.withStd divide by the scale, default true */
  constructor(options: { withMean?: boolean; withStd?: boolean } = {}) {
    super();
    checkOptions('options', options, ['withMean', 'withStd']);
    this.withMean = checkBoolean('withMean', options.withMean ?? true);
    this.withStd = checkBoolean('withStd', options.withStd ?? true);
  }

  override getParams() {
    return { withMean: this.withMean, withStd: this.withStd };
  }

  /** Undoes `transform`; throws as it does. */
  inverseTransform(z: TableInput): NDArray {
    return this.inverse(z);
  }

  /** float64 [features]. Getters throw ERR_NOT_FITTED before `fit`. */
  get mean(): NDArray {
    return this.fitted('mean').mean;
  }

  /** float64 [features], of the population (divided by n). */
  get variance(): NDArray {
    return this.fitted('variance').variance;
  }

  /** float64 [features]: the standard deviation, 1 for constant features and where withStd is false. */
  get scale(): NDArray {
    return this.fitted('scale').scale;
  }

  get nSamplesSeen(): number {
    return this.fitted('nSamplesSeen').nSamples;
  }

  protected override measureMatrix(matrix: NDArray): Statistics {
    const [n, width] = matrix.shape;
    const mean = new Float64Array(width);
    eachColumn(matrix, (v, k) => {
      mean[k] += v;
    });
    for (let k = 0; k < width; k++) mean[k] /= n;

    // The corrected two-pass algorithm of Chan, Golub and LeVeque, "Algorithms for computing the sample variance" (1983).
    const variance = new Float64Array(width);
    const correction = new Float64Array(width);
    eachColumn(matrix, (v, k) => {
      correction[k] += v - mean[k];
      variance[k] += (v - mean[k]) ** 2;
    });
    const scale = new Float64Array(width);
    for (let k = 0; k < width; k++) {
      variance[k] = (variance[k] - correction[k] ** 2 / n) / n;
      const rounding = n * Number.EPSILON * variance[k] + (n * mean[k] * Number.EPSILON) ** 2;
      scale[k] = !this.withStd || variance[k] <= rounding ? 1 : Math.sqrt(variance[k]);
    }
    const wrap = (data: Float64Array) => NDArray.wrap(data);
    return { mean: wrap(mean), variance: wrap(variance), scale: wrap(scale), nSamples: n };
  }

  protected override applyMatrix(x: NDArray, { mean, scale }: Statistics): NDArray {
    return mapColumns(x, [
      ...(this.withMean ? [(v: number, k: number) => v - mean.data[k]] : []),
      ...(this.withStd ? [(v: number, k: number) => v / scale.data[k]] : []),
    ]);
  }

  protected override invertMatrix(z: NDArray, { mean, scale }: Statistics): NDArray {
    return mapColumns(z, [
      ...(this.withStd ? [(v: number, k: number) => v * scale.data[k]] : []),
      ...(this.withMean ? [(v: number, k: number) => v + mean.data[k]] : []),
    ]);
  }

  protected override readonly schema: Schema<Statistics> = object<Statistics>({
    mean: vector,
    variance: vector,
    scale: vector,
    nSamples: integer(1),
  });

  protected override checkState({ mean, variance, scale }: Statistics, width: number): void {
    checkWidths({ mean, variance, scale }, width);
  }
}
