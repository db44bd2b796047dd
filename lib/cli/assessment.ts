import { NDArray } from '../array.js';
import { type Label, toCategorical } from '../labels.js';
import type { Sequential } from '../models/sequential.js';
import { accuracyScore, confusionMatrix } from '../scores/classification.js';
import { classificationReport } from '../scores/classification-report.js';
import { r2Score } from '../scores/regression.js';
import { meanSquaredError } from '../scores/regression-errors.js';
import { classCodes, probabilities } from '../tables/network-step.js';
import type { Meaning, Samples } from './dataset.js';
import { undoScaling } from './scaling.js';

const BATCH = 256;

/** How a network does on samples it was not trained on. */
export interface Assessment {
  readonly samples: number;
  readonly loss: number;
  readonly classification?: {
    readonly accuracy: number;
    /** Class numbers. */
    readonly predicted: NDArray;
    /** Of every class [n, classes]. */
    readonly probabilities: NDArray;
    readonly matrix: NDArray;
    /** scikit-learn's table of precision, recall and f1-score. */
    readonly report: string;
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
    const predicted = classCodes(output);
    const names = classes.map(String);
    const codes = classes.map((_, i) => i);
    return {
      ...common,
      classification: {
        accuracy: accuracyScore(samples.y, predicted),
        predicted,
        probabilities: probabilities(output),
        matrix: confusionMatrix(samples.y, predicted, { labels: codes }),
        report: classificationReport(samples.y, predicted, { labels: codes, targetNames: names, zeroDivision: 0 }),
      },
    };
  }
  const [truth, predicted] = [samples.y, output.reshape(-1)].map((values) => inUnits(values, meaning));
  const error = meanSquaredError(truth, predicted);
  let absolute = 0;
  for (let i = 0; i < truth.size; i++) absolute += Math.abs(truth.data[i] - predicted.data[i]);
  return {
    ...common,
    numbers: { truth, predicted },
    regression: {
      meanAbsoluteError: absolute / truth.size,
      rootMeanSquaredError: Math.sqrt(error as number),
      r2: truth.size < 2 ? Number.NaN : (r2Score(truth, predicted) as number),
    },
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

/** [n, height, width]: several channels as their mean. */
export function greyImages(x: NDArray, meaning: Meaning): NDArray {
  const [height, width, channels] = meaning.imageShape as readonly number[];
  const { data } = unscaled(x, meaning);
  const grey = NDArray.zeros([x.shape[0], height, width]);
  for (let i = 0; i < grey.data.length; i++) {
    let sum = 0;
    for (let c = 0; c < channels; c++) sum += data[i * channels + c];
    grey.data[i] = sum / channels;
  }
  return grey;
}
