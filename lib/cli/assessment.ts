import { extent, NDArray, type TypedData } from '../array.js';
import { type Label, toCategorical } from '../labels.js';
import type { Sequential } from '../models/sequential.js';
import { accuracyScore, confusionMatrix } from '../scores/classification.js';
import { classificationReport } from '../scores/classification-report.js';
import { r2Score } from '../scores/regression.js';
import { meanSquaredError } from '../scores/regression-errors.js';
import { classCodes, probabilities } from '../tables/network-step.js';
import type { DataOptions, Meaning, Samples } from './dataset.js';
import { undoScaling } from './scaling.js';

const BATCH = 256;

/** How labels agree with those that were predicted. */
export interface Classified {
  readonly accuracy: number;
  /** Class numbers. */
  readonly predicted: NDArray;
  readonly matrix: NDArray;
  /** scikit-learn's table of precision, recall and f1-score. */
  readonly report: string;
}

/** How a network does on samples it was not trained on. */
export interface Assessment {
  readonly samples: number;
  readonly loss: number;
  readonly classification?: Classified & {
    /** Of every class [n, classes]. */
    readonly probabilities: NDArray;
  };
  /** In the units of the targets. */
  readonly regression?: {
    readonly meanAbsoluteError: number;
    readonly rootMeanSquaredError: number;
    readonly r2: number;
  };
  /** A regression's targets and predictions [n], in the units of the targets. */
  readonly numbers?: { readonly truth: NDArray; readonly predicted: NDArray };
}

export async function assess(model: Sequential, samples: Samples, meaning: Meaning): Promise<Assessment> {
  const { classes } = meaning;
  const { loss } = await model.evaluate(samples.x, fitTargets(model, samples.y, meaning), { batchSize: BATCH });
  const output = await model.predict(samples.x, { batchSize: BATCH });
  const common = { samples: samples.x.shape[0], loss };
  if (classes) {
    const classification = classified(samples.y, classCodes(model, output), classes);
    return { ...common, classification: { ...classification, probabilities: probabilities(model, output) } };
  }
  const [truth, predicted] = [samples.y, output.reshape(-1)].map((values) => inUnits(values, meaning));
  return { ...common, numbers: { truth, predicted }, regression: regressed(truth, predicted) };
}

/** @param predicted class numbers */
export function classified(truth: NDArray, predicted: NDArray, classes: readonly Label[]): Classified {
  const labels = classes.map((_, i) => i);
  return {
    accuracy: accuracyScore(truth, predicted),
    predicted,
    matrix: confusionMatrix(truth, predicted, { labels }),
    report: classificationReport(truth, predicted, { labels, targetNames: classes.map(String), zeroDivision: 0 }),
  };
}

export function regressed(truth: NDArray, predicted: NDArray): NonNullable<Assessment['regression']> {
  let absolute = 0;
  for (let i = 0; i < truth.size; i++) absolute += Math.abs(truth.data[i] - predicted.data[i]);
  return {
    meanAbsoluteError: absolute / truth.size,
    rootMeanSquaredError: Math.sqrt(meanSquaredError(truth, predicted) as number),
    r2: truth.size < 2 ? Number.NaN : (r2Score(truth, predicted) as number),
  };
}

/** The targets in the form that the network's loss takes. */
export function fitTargets(model: Sequential, y: NDArray, { classes }: Meaning): NDArray {
  if (!classes || model.loss?.config.name === 'sparseCategoricalCrossentropy') return y;
  return model.outputShapes?.at(-1)?.[0] === 1 ? y : toCategorical(y, classes.length);
}

/** A regression's numbers, no longer scaled. */
export function inUnits(values: NDArray, { targetScaling }: Meaning): NDArray {
  const copy = NDArray.from(values, { dtype: 'float64' });
  if (targetScaling) undoScaling(targetScaling, copy);
  return copy;
}

/** The labels of class numbers. */
export const labelsOfCodes = (codes: NDArray, { classes = [] }: Meaning): Label[] =>
  Array.from(codes.data, (code) => classes[code]);

/** Samples as they were before scaling, for pictures. */
export function unscaled(x: NDArray, { scaling }: Meaning): NDArray {
  const copy = NDArray.from(x);
  undoScaling(scaling, copy);
  return copy;
}

/** Samples as `plots.images` draws them. */
export const imagesOf = (x: NDArray, meaning: Meaning, { size }: Pick<DataOptions, 'size'>): NDArray =>
  drawable(unscaled(x, meaning), meaning.imageShape as readonly number[], size !== undefined);

/** Pictures of files, and other samples of three channels, in colours of 0 to 1; of what has other channels their mean. */
export function drawable(x: NDArray, imageShape: readonly number[], areFiles: boolean): NDArray {
  const [height, width, channels] = imageShape;
  const { data } = x;
  if (!areFiles && channels === 1) return x.reshape(-1, height, width);
  if (!areFiles && channels !== 3) {
    const grey = NDArray.zeros([x.shape[0], height, width]);
    for (let i = 0; i < grey.data.length; i++) {
      let sum = 0;
      for (let c = 0; c < channels; c++) sum += data[i * channels + c];
      grey.data[i] = sum / channels;
    }
    return grey;
  }
  const [low, high] = areFiles ? [0, 255] : coloursOf(data);
  const drawn = NDArray.zeros([x.shape[0], height, width, 3]);
  for (let i = 0; i < drawn.data.length; i++) {
    const value = data[channels === 3 ? i : Math.floor(i / 3)];
    drawn.data[i] = Math.min(1, Math.max(0, (value - low) / (high - low || 1)));
  }
  return drawn;
}

/** What is black and what is white in samples that may be of bytes, of shares, or of something else. */
function coloursOf(data: TypedData): [number, number] {
  const [low, high] = extent(data);
  const slack = 1e-3; // of scaling and its undoing
  if (low < -slack || high > 255 + slack) return [low, high];
  return [0, high > 1 + slack ? 255 : 1];
}
