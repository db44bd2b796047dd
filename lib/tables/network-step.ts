import { type ArrayInput, argmaxRows, asArray, extent, NDArray } from '../array.js';
import { checkInteger, wrongType, wrongValue } from '../check.js';
import { allLayers } from '../graph/weights.js';
import { hasMethods, property } from '../kind.js';
import {
  codesOf,
  isWords,
  type Label,
  type Labels,
  labelsOf,
  listed,
  readLabels,
  toCategorical,
  uniqueLabels,
} from '../labels.js';
import type { Layer } from '../layers/layer.js';
import type { FloatArray } from '../tape.js';
import type { TableInput } from './frame.js';

interface LossOf {
  /** Absent of several outputs, which have a loss each. */
  readonly config?: { readonly name: string; readonly fromLogits?: boolean };
}

/** A `Sequential` or `Model` of one input and one output, of whatever copy of the package, as the last step of a pipeline. */
export interface NetworkStep {
  readonly layers: readonly Layer[];
  readonly seed?: number | undefined;
  readonly optimizer?: { learningRate: unknown };
  readonly loss?: LossOf | undefined;
  readonly graph?:
    | {
        readonly inputs: readonly { readonly shape: readonly number[] }[];
        readonly outputs: readonly { readonly shape: readonly number[] }[];
      }
    | undefined;
  build?(inputShape: readonly number[]): void;
  fit(x: NDArray, y: ArrayInput, options?: object): Promise<unknown>;
  fitSync(x: NDArray, y: ArrayInput, options?: object): unknown;
  predict(x: NDArray, options?: object): Promise<NDArray>;
  predictSync(x: NDArray): NDArray;
}

export const isNetworkStep = (step: unknown): step is NetworkStep =>
  hasMethods(step, 'compile', 'fit', 'predict', 'predictSync', 'fitSync') &&
  typeof property(step, 'className') === 'string';

/** What a pipeline gives the `fit` of its network. */
export interface FitParams {
  readonly epochs?: number;
  readonly batchSize?: number;
}

/** The parameters that a pipeline has of a network. */
export const networkParams = (network: NetworkStep, { epochs, batchSize }: FitParams) => ({
  learningRate: property(property(network, 'optimizer'), 'learningRate'),
  optimizer: property(network, 'optimizer'),
  seed: network.seed,
  epochs,
  batchSize,
});

/** What its `fit` is given: what the pipeline has of it, and the call; validation data as `transformed` makes them. */
export function networkOptions(
  network: NetworkStep,
  fit: FitParams,
  given: object,
  transformed: (x: TableInput) => NDArray,
  classes?: Label[],
): object {
  const twice = Object.keys(fit).find((name) => name in given);
  if (twice !== undefined)
    throw wrongValue(twice, 'left out, as it is a parameter of the pipeline', property(given, twice));
  const options = { ...fit, ...given };
  const { validationData } = options as { validationData?: readonly [TableInput, Labels, unknown?] };
  if (validationData === undefined) return options;
  if (!Array.isArray(validationData) || validationData.length < 2)
    throw wrongType('validationData', 'a list [x, y]', validationData);
  const [x, y, ...rest] = validationData;
  return { ...options, validationData: [shapedFor(network, transformed(x)), targetsFor(network, y, classes), ...rest] };
}

/** A network of other parameters: one that is not trained, unless only those of `fit` change. */
export function changedNetwork(
  network: NetworkStep,
  fit: FitParams,
  { learningRate, optimizer, seed, epochs, batchSize, ...others }: Readonly<Record<string, any>>,
): { network: NetworkStep; fit: FitParams } {
  const [unknown] = Object.keys(others);
  if (unknown !== undefined)
    throw wrongValue(
      'the parameter of a network',
      'learningRate, optimizer, seed, epochs or batchSize (a whole network is a parameter, too)',
      unknown,
    );
  const changes = { ...(optimizer !== undefined && { optimizer }), ...(seed !== undefined && { seed }) };
  const isCopied = learningRate !== undefined || Object.keys(changes).length > 0;
  if (epochs !== undefined) checkInteger('epochs', epochs, 1);
  if (batchSize !== undefined) checkInteger('batchSize', batchSize, 1);
  if (isCopied && !hasMethods(network, 'clone')) throw wrongType('the network', 'one with a method clone', network);
  const copy = isCopied ? (network as unknown as { clone(options: object): NetworkStep }).clone(changes) : network;
  if (learningRate !== undefined) (copy.optimizer as { learningRate: unknown }).learningRate = learningRate;
  return {
    network: copy,
    fit: { ...fit, ...(epochs !== undefined && { epochs }), ...(batchSize !== undefined && { batchSize }) },
  };
}

const BINARY = ['binaryCrossentropy', 'binaryFocalCrossentropy'];
const CATEGORICAL = ['sparseCategoricalCrossentropy', 'categoricalCrossentropy', 'categoricalFocalCrossentropy'];

/** Whether its loss is one of classes. */
export const isClassifier = ({ loss }: Pick<NetworkStep, 'loss'>): boolean =>
  [...BINARY, ...CATEGORICAL].includes(loss?.config?.name ?? '');

/** Whether its outputs are one label each, of which a sample may have several. */
export const isOfLabels = ({ loss }: Pick<NetworkStep, 'loss'>, units: number): boolean =>
  units > 1 && BINARY.includes(loss?.config?.name ?? '');

/** @throws TypeError for a network of several inputs or outputs, or one whose answer to a row depends on those before it */
export function checkRowByRow(network: NetworkStep): void {
  const { inputs = [], outputs = [] } = network.graph ?? {};
  if (inputs.length > 1 || outputs.length > 1)
    throw new TypeError(`Expected a network of one input and one output, got ${inputs.length} and ${outputs.length}`);
  if (allLayers(network.layers).some(({ stateful }) => stateful))
    throw new TypeError(
      'Expected a network without stateful layers, as each row is answered by itself: setWeights gives its weights to one of the same layers that are not stateful',
    );
}

/** The classes that y holds; undefined where targets are numbers, or rows of 0s and 1s already. */
export function classesFor(network: NetworkStep, y: Labels): Label[] | undefined {
  if (!isClassifier(network) || isRows(y)) return undefined;
  const classes = uniqueLabels(readLabels('y', y));
  const [units] = network.graph?.outputs[0].shape ?? [];
  const isOne = units === 1;
  const wanted = isOne ? 2 : units;
  if (units !== undefined && classes.length !== wanted)
    throw new RangeError(
      `Expected y to hold ${wanted} classes, as the network has ${units} ${isOne ? 'output' : 'outputs'}, got ${classes.length}: ${listed(classes)}`,
    );
  return classes;
}

/** Labels in the form that the network's loss takes. @throws RangeError naming the row of a label that is no class */
export function targetsFor(network: NetworkStep, y: Labels, classes: readonly Label[] | undefined): ArrayInput {
  if (!classes) return y as ArrayInput;
  const labels = readLabels('y', y);
  const codes = codesOf(labels, classes);
  const row = codes.indexOf(-1);
  if (row >= 0)
    throw new RangeError(`Expected y to hold one of ${listed(classes)}, got ${listed([labels[row]])} at row ${row}`);
  const isSparse = network.loss?.config?.name === 'sparseCategoricalCrossentropy';
  if (isSparse || network.graph?.outputs[0].shape[0] === 1) return NDArray.wrap(codes);
  return toCategorical(codes, classes.length);
}

/** Rows in the shape that the network takes: of one dimension, or of images and the like. */
export function shapedFor({ graph }: NetworkStep, x: NDArray): NDArray {
  const shape = graph?.inputs[0].shape;
  if (!shape || shape.length === 1) return x;
  const size = shape.reduce((product, n) => product * n, 1);
  return size === x.shape[1] ? x.reshape(-1, ...shape) : x;
}

/** @throws TypeError for an output of another shape than one number for each class */
export function checkOfClasses(shape: readonly number[]): void {
  if (shape.length !== 1)
    throw new TypeError(
      `Expected a network of classes to give a number for each, got an output of shape [${shape.join(', ')}]`,
    );
}

/** What the outputs of a network of classes are once its loss has taken logits for what they are. */
function sharesOf({ loss }: Pick<NetworkStep, 'loss'>, output: NDArray): NDArray {
  const [n, width] = output.shape;
  checkOfClasses(output.shape.slice(1));
  if (!loss?.config?.fromLogits) return output;
  const p = NDArray.from(output);
  const data = p.data as FloatArray;
  if (BINARY.includes(loss.config.name)) {
    for (let i = 0; i < data.length; i++) data[i] = 1 / (1 + Math.exp(-data[i]));
    return p;
  }
  for (let i = 0; i < n; i++) {
    const row = data.subarray(i * width, (i + 1) * width);
    const [, most] = extent(row);
    let sum = 0;
    for (let k = 0; k < width; k++) {
      row[k] = Math.exp(row[k] - most);
      sum += row[k];
    }
    for (let k = 0; k < width; k++) row[k] /= sum;
  }
  return p;
}

/** The class number of every row of a network's output: the largest of several, or a single one beyond 0.5. */
export function classCodes(network: Pick<NetworkStep, 'loss'>, output: NDArray): NDArray {
  const p = sharesOf(network, output);
  if (p.shape[1] > 1) return argmaxRows(p);
  return NDArray.wrap(Int32Array.from(p.data, (share) => (share > 0.5 ? 1 : 0)));
}

/** The probability of every class [n, classes]. */
export function probabilities(network: Pick<NetworkStep, 'loss'>, output: NDArray): NDArray {
  const p = sharesOf(network, output);
  if (p.shape[1] > 1) return p;
  const [n] = p.shape;
  const both = NDArray.zeros([n, 2], p.dtype);
  for (let i = 0; i < n; i++) {
    both.data[2 * i] = 1 - p.data[i];
    both.data[2 * i + 1] = p.data[i];
  }
  return both;
}

/** What an output stands for: labels, or numbers, [n] of a single output; of labels that go together rows of 0 and 1. */
export function answersOf(network: NetworkStep, output: NDArray, classes: readonly Label[] | undefined) {
  if (classes) return labelsOf(classCodes(network, output).data, classes);
  if (!isClassifier(network)) return output.ndim === 2 && output.shape[1] === 1 ? output.reshape(-1) : output;
  if (!isOfLabels(network, output.shape[1])) return classCodes(network, output);
  const { data, shape } = sharesOf(network, output);
  return NDArray.wrap(
    Int32Array.from(data, (p) => (p > 0.5 ? 1 : 0)),
    shape,
  );
}

function isRows(y: Labels): boolean {
  if (isWords(y)) return false;
  const { shape } = asArray('y', y as ArrayInput);
  return shape.length > 1 && shape[1] !== 1;
}
