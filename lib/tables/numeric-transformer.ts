import type { NDArray } from '../array.js';
import { isNDArray } from '../kind.js';
import { Frame, readFrame, type TableInput } from './frame.js';
import { Transformer } from './transformer.js';

/** A transformer of finite numbers that gives each column in its place. float32 in gives float32 out, all else float64. */
export abstract class NumericTransformer<S extends object> extends Transformer<S> {
  protected abstract measureMatrix(x: NDArray): S;
  protected abstract applyMatrix(x: NDArray, state: S): NDArray;
  protected invertMatrix?(z: NDArray, state: S): NDArray;

  protected override measure(x: Frame): S {
    const state = this.measureMatrix(x.matrix());
    for (const [what, measured] of Object.entries(state)) if (isNDArray(measured)) checkMeasured(x, what, measured);
    return state;
  }

  protected override apply(x: Frame, state: S): Frame {
    return Frame.ofMatrix(this.applyMatrix(x.matrix(), state));
  }

  protected override namesOut(names: readonly string[]): string[] {
    return [...names];
  }

  /** Undoes `transform`; throws as it does. */
  protected inverse(z: TableInput): NDArray {
    const state = this.fitted('inverseTransform');
    const frame = this.aligned(readFrame('x', z));
    return (this.invertMatrix as NonNullable<typeof this.invertMatrix>)(frame.matrix(), state);
  }
}

/** @throws RangeError for numbers so large that a sum, a difference or a square of them is none */
function checkMeasured(x: Frame, what: string, { data }: NDArray): void {
  const k = data.findIndex((value: number) => !Number.isFinite(value));
  if (k >= 0)
    throw new RangeError(`Expected ${x.nameOf(k)} of x to hold numbers whose ${what} is finite, got ${data[k]}`);
}
