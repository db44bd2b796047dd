import type { OnnxOptions } from '../formats/onnx/predictor.js';
import { placeOf } from '../io/atomic.js';
import { Saved } from '../saved.js';

/** What predicts with its preprocessing: a pipeline, a predictor. */
export abstract class Exportable extends Saved {
  /**
   * Writes it as an ONNX file, preprocessing included. Its inputs are the columns that a ColumnTransformer or TableTransformer at its
   * beginning takes, by name, [batch, 1]: float, NaN for a missing one, or string, '' for it; else one matrix `input` [batch, columns]. Its
   * outputs are `probabilities` [batch, classes] and `label` [batch] of classes, `variable` [batch, outputs] of numbers, in the units of
   * the targets. An unknown category counts as `handleUnknown` says. ONNX has no errors: where that is 'error' it counts as 'ignore',
   * and of a missing number that no SimpleImputer fills in the answer is NaN.
   * @throws TypeError naming the step that ONNX cannot express, before a file is written; Error with code ERR_NOT_FITTED
   */
  async export(path: string | URL, options: OnnxOptions = {}): Promise<void> {
    const place = placeOf(path);
    await (await import('../formats/all.js')).exportOnnx(this, place, options);
  }

  /** The same as bytes. */
  async exportBytes(options: OnnxOptions = {}): Promise<Uint8Array<ArrayBuffer>> {
    return (await import('../formats/all.js')).onnxBytes(this, options);
  }
}
