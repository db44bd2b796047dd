import { type ArrayInput, NDArray, toMatrix } from './array.js';
import { checkBoolean, checkNumber, checkOptions, notFitted, wrongType, wrongValue } from './check.js';

type ColumnStep = (value: number, column: number) => number;

/**
 * Scales features to mean 0 and variance 1: scikit-learn's `StandardScaler`, `(x - mean) / scale`.
 *
 * Features that are constant to within rounding get scale 1. float32 input gives float32 output, all else float64;
 * the statistics are float64.
 */
export class StandardScaler {
  readonly withMean: boolean;
  readonly withStd: boolean;
  #statistics: { mean: NDArray; variance: NDArray; scale: NDArray; nSamples: number } | undefined;

  /** @param options.withMean subtract the mean, default true @param options.withStd divide by the scale, default true */
  constructor(options: { withMean?: boolean; withStd?: boolean } = {}) {
    checkOptions('options', options, ['withMean', 'withStd']);
    this.withMean = checkBoolean('withMean', options.withMean ?? true);
    this.withStd = checkBoolean('withStd', options.withStd ?? true);
  }

  /** Measures `x`, [n, features] of finite numbers. */
  fit(x: ArrayInput): this {
    const matrix = readFloats(x);
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
    this.#statistics = { mean: wrap(mean), variance: wrap(variance), scale: wrap(scale), nSamples: n };
    return this;
  }

  /**
   * @param x [n, features]
   * @returns a new array
   * @throws Error with code ERR_NOT_FITTED before `fit`
   * @throws RangeError if `x` has not the number of features that was fitted
   */
  transform(x: ArrayInput): NDArray {
    const { mean, scale } = this.#fitted('transform');
    return mapColumns(x, mean.length, [
      ...(this.withMean ? [(v: number, k: number) => v - mean.data[k]] : []),
      ...(this.withStd ? [(v: number, k: number) => v / scale.data[k]] : []),
    ]);
  }

  fitTransform(x: ArrayInput): NDArray {
    return this.fit(x).transform(x);
  }

  /** Undoes `transform`; throws as it does. */
  inverseTransform(x: ArrayInput): NDArray {
    const { mean, scale } = this.#fitted('inverseTransform');
    return mapColumns(x, mean.length, [
      ...(this.withStd ? [(v: number, k: number) => v * scale.data[k]] : []),
      ...(this.withMean ? [(v: number, k: number) => v + mean.data[k]] : []),
    ]);
  }

  /** float64 [features]. Getters throw ERR_NOT_FITTED before `fit`. */
  get mean(): NDArray {
    return this.#fitted('mean').mean;
  }

  /** float64 [features], of the population (divided by n). */
  get variance(): NDArray {
    return this.#fitted('variance').variance;
  }

  /** float64 [features]: the standard deviation, 1 for constant features and where withStd is false. */
  get scale(): NDArray {
    return this.#fitted('scale').scale;
  }

  get nFeaturesIn(): number {
    return this.#fitted('nFeaturesIn').mean.length;
  }

  get nSamplesSeen(): number {
    return this.#fitted('nSamplesSeen').nSamples;
  }

  #fitted(member: string) {
    if (this.#statistics) return this.#statistics;
    throw notFitted('StandardScaler', member);
  }
}

/**
 * Scales features to a range: scikit-learn's `MinMaxScaler`, `x * scale + min`.
 *
 * Constant features are shifted to the lower end. float32 input is measured and scaled in float32, all else in float64.
 */
export class MinMaxScaler {
  readonly featureRange: readonly [number, number];
  readonly clip: boolean;
  #statistics:
    | { dataMin: NDArray; dataMax: NDArray; dataRange: NDArray; scale: NDArray; min: NDArray; nSamples: number }
    | undefined;

  /**
   * @param options.featureRange the ends of the range, default [0, 1]
   * @param options.clip whether `transform` clips values outside the range, default false
   */
  constructor(options: { featureRange?: readonly [number, number]; clip?: boolean } = {}) {
    checkOptions('options', options, ['featureRange', 'clip']);
    const range = options.featureRange ?? [0, 1];
    if (!Array.isArray(range) || range.length !== 2) throw wrongType('featureRange', 'a pair of numbers', range);
    const [low, high] = Array.from(range, (end, i) => checkNumber(`featureRange[${i}]`, end));
    if (low >= high) throw wrongValue('featureRange[1]', `a number > ${low}`, high);
    this.featureRange = [low, high];
    this.clip = checkBoolean('clip', options.clip ?? false);
  }

  /** Measures `x`, [n, features] of finite numbers. */
  fit(x: ArrayInput): this {
    const matrix = readFloats(x);
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
    const negligible = 10 * (matrix.dtype === 'float32' ? 2 ** -23 : Number.EPSILON);
    for (let k = 0; k < width; k++) {
      dataRange.data[k] = dataMax.data[k] - dataMin.data[k];
      scale.data[k] = (high - low) / (dataRange.data[k] < negligible ? 1 : dataRange.data[k]);
      // Two statements: the product is rounded to the dtype before it is subtracted.
      min.data[k] = dataMin.data[k] * scale.data[k];
      min.data[k] = low - min.data[k];
    }
    this.#statistics = { dataMin, dataMax, dataRange, scale, min, nSamples: n };
    return this;
  }

  /**
   * @param x [n, features]
   * @returns a new array
   * @throws Error with code ERR_NOT_FITTED before `fit`
   * @throws RangeError if `x` has not the number of features that was fitted
   */
  transform(x: ArrayInput): NDArray {
    const { scale, min } = this.#fitted('transform');
    const [low, high] = this.featureRange;
    return mapColumns(x, scale.length, [
      (v, k) => v * scale.data[k],
      (v, k) => v + min.data[k],
      ...(this.clip ? [(v: number) => Math.min(Math.max(v, low), high)] : []),
    ]);
  }

  fitTransform(x: ArrayInput): NDArray {
    return this.fit(x).transform(x);
  }

  /** Undoes `transform` (not its clipping); throws as it does. */
  inverseTransform(x: ArrayInput): NDArray {
    const { scale, min } = this.#fitted('inverseTransform');
    return mapColumns(x, scale.length, [(v, k) => v - min.data[k], (v, k) => v / scale.data[k]]);
  }

  /** [features]: the smallest values. Getters throw ERR_NOT_FITTED before `fit`. */
  get dataMin(): NDArray {
    return this.#fitted('dataMin').dataMin;
  }

  /** [features]: the largest values. */
  get dataMax(): NDArray {
    return this.#fitted('dataMax').dataMax;
  }

  /** [features]: `dataMax - dataMin`. */
  get dataRange(): NDArray {
    return this.#fitted('dataRange').dataRange;
  }

  /** [features]: what values are multiplied with. */
  get scale(): NDArray {
    return this.#fitted('scale').scale;
  }

  /** [features]: what is then added. */
  get min(): NDArray {
    return this.#fitted('min').min;
  }

  get nFeaturesIn(): number {
    return this.#fitted('nFeaturesIn').scale.length;
  }

  get nSamplesSeen(): number {
    return this.#fitted('nSamplesSeen').nSamples;
  }

  #fitted(member: string) {
    if (this.#statistics) return this.#statistics;
    throw notFitted('MinMaxScaler', member);
  }
}

function readFloats(x: ArrayInput): NDArray {
  const matrix = toMatrix('x', x);
  return matrix.dtype === 'int32' ? NDArray.from(matrix, { dtype: 'float64' }) : matrix;
}

function eachColumn({ data, shape: [n, width] }: NDArray, visit: (value: number, column: number) => void): void {
  for (let i = 0; i < n; i++) for (let k = 0; k < width; k++) visit(data[i * width + k], k);
}

/** Applies the steps one after another; each result is rounded to the dtype of `x`, as NumPy's in-place operators do. */
function mapColumns(x: ArrayInput, nFeatures: number, steps: readonly ColumnStep[]): NDArray {
  const out = NDArray.from(readFloats(x));
  const [n, width] = out.shape;
  if (width !== nFeatures)
    throw new RangeError(`Expected x to have ${nFeatures} features, as it had in fit, got shape [${n}, ${width}]`);
  for (const step of steps)
    for (let i = 0; i < n; i++)
      for (let k = 0; k < width; k++) out.data[i * width + k] = step(out.data[i * width + k], k);
  return out;
}
