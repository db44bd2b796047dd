import { type ArrayInput, NDArray, toMatrix } from './array.js';
import { checkBoolean, checkNumber, checkOptions, failure, wrongType, wrongValue } from './check.js';

/** What StandardScaler and MinMaxScaler share: fitted statistics, one entry a feature, and the checks around them. */
abstract class Scaler<Statistics extends object> {
  #statistics: Statistics | undefined;
  #nFeatures = 0;

  protected abstract measure(x: NDArray): Statistics;
  protected abstract scale(value: number, feature: number): number;
  protected abstract unscale(value: number, feature: number): number;

  /** Measures the features of `x`, [n, features], of finite numbers. */
  fit(x: ArrayInput): this {
    const matrix = toFloats(x);
    this.#statistics = this.measure(matrix);
    this.#nFeatures = matrix.shape[1];
    return this;
  }

  /**
   * Scales `x`, [n, features]. @returns a new array, float32 for float32, else float64
   * @throws Error with code ERR_NOT_FITTED before `fit`
   * @throws RangeError if `x` has not as many features as were fitted
   */
  transform(x: ArrayInput): NDArray {
    return this.#apply('transform', x, (value, k) => this.scale(value, k));
  }

  fitTransform(x: ArrayInput): NDArray {
    return this.fit(x).transform(x);
  }

  /** Undoes `transform`; the same errors. */
  inverseTransform(x: ArrayInput): NDArray {
    return this.#apply('inverseTransform', x, (value, k) => this.unscale(value, k));
  }

  protected fitted(member: string): Statistics {
    if (this.#statistics) return this.#statistics;
    throw failure('ERR_NOT_FITTED', `Expected ${this.constructor.name} to be fitted before ${member} is used`);
  }

  #apply(method: string, x: ArrayInput, f: (value: number, feature: number) => number): NDArray {
    this.fitted(method);
    const matrix = toFloats(x);
    const [n, width] = matrix.shape;
    if (width !== this.#nFeatures)
      throw new RangeError(`Expected x to have ${this.#nFeatures} features, as it had in fit, got shape [${n}, ${width}]`);
    const out = NDArray.from(matrix);
    for (let i = 0; i < out.data.length; i++) out.data[i] = f(out.data[i], i % width);
    return out;
  }
}
