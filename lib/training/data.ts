import { allocate, filled } from '../allocate.js';
import { type ArrayInput, checkArray, checkFinite, NDArray, position } from '../array.js';
import { wrongShape, wrongType, wrongValue } from '../check.js';
import { classWeights } from '../class-weight.js';
import { isForeignArray } from '../foreign-arrays.js';
import { isSampleShape, type Shape, stepsOf } from '../graph/value.js';
import { isNDArray, isPlain, isTypedArray } from '../kind.js';
import { isWords } from '../labels.js';
import type { Loss } from '../losses.js';
import type { FitOptions } from '../models/options.js';
import { dataset, look, valuesOf } from '../plan.js';
import type { FloatType } from '../tape.js';

/** An input or an output of a network: what data must fit. */
export interface Port {
  readonly name: string;
  /** Of one sample. Undefined: whatever the first data have. */
  readonly shape?: Shape;
  readonly dtype?: 'int32';
  /** Integers are to be below this, from 0 on: the rows of the table of an embedding. */
  readonly limit?: { readonly below: number; readonly layer: string };
  /** What stands for steps that do not count: every sample is to hold others, too. */
  readonly padding?: { readonly value: number; readonly layer: string };
}

/** An array for each input or output: the array itself if there is one only, a list in their order, or a record by name. */
export type ByPort = ArrayInput | readonly ArrayInput[] | Readonly<Record<string, ArrayInput | undefined>>;

/** What the data of a network are checked against. */
export interface Ports {
  readonly inputs: readonly Port[];
  /** Outputs with a loss alone have targets. */
  readonly outputs: readonly (Port & { readonly shape: Shape; readonly loss?: Loss })[];
  /** Whether batches follow each other: layers begin with the states that they ended with. */
  readonly isStateful?: boolean;
}

/** An array of samples for each input, of one number of them. */
export function readInputs(name: string, x: ByPort, inputs: readonly Port[]): NDArray[] {
  const given = byPort(name, x, inputs);
  const arrays = inputs.map((port, i) => checkSamples(given[i].place, given[i].array as ArrayInput, port));
  const n = arrays[0].shape[0];
  for (const [i, array] of arrays.entries())
    if (array.shape[0] !== n)
      throw wrongValue(given[i].place, `${n} samples, as ${given[0].place} has`, array.shape[0]);
  return arrays;
}

/** Samples in native memory. */
export const copyInputs = (name: string, x: readonly NDArray[], inputs: readonly Port[], dtype: FloatType) =>
  x.map((array, i) => dataset(placeOf(name, inputs, i), array, inputs[i].dtype ?? dtype));

/** The values of samples as a network computes with them; shared where they are of that type. */
export const inputValues = (name: string, x: readonly NDArray[], inputs: readonly Port[], dtype: FloatType) =>
  x.map((array, i) => {
    const own = inputs[i].dtype ?? dtype;
    const values = valuesOf(array, own);
    if (own === 'float32' && array.dtype === 'float64')
      checkFinite(placeOf(name, inputs, i), NDArray.wrap(values, array.shape), array, look);
    return values;
  });

const placeOf = (name: string, inputs: readonly Port[], i: number) =>
  inputs.length === 1 ? name : `${name} of '${inputs[i].name}'`;

/** x as an array [n, ...] of the samples' shape; where the last axis of that has length 1, x may lack it, as in Keras. */
function checkSamples(name: string, x: ArrayInput, { shape, dtype, limit, padding }: Port): NDArray {
  const given = checkArray(name, x, { look });
  const lacksAxis =
    shape?.length === given.ndim && shape.at(-1) === 1 && isSampleShape(shape.slice(0, -1), given.shape);
  const array = lacksAxis ? given.reshape([...given.shape, 1]) : given;
  if (shape?.length === 0 ? array.shape.length !== 1 : array.shape.length < 2)
    throw wrongShape(
      name,
      shape?.length === 0 ? 'of shape [n]' : 'an array of samples, of two dimensions or more',
      array.shape,
    );
  if (shape && !isSampleShape(shape, array.shape))
    throw wrongShape(name, `of shape [n, ${shape.join(', ')}], as the network's input`, array.shape);
  if (padding) checkPadding(name, array, padding);
  if (dtype !== 'int32') return array;
  const wrong = array.dtype === 'int32' ? -1 : array.data.findIndex((value) => value !== (value | 0));
  if (wrong >= 0)
    throw new RangeError(
      `Expected ${name} to hold integers of 32 bits, got ${array.data[wrong]} at ${position(wrong, array.shape)}`,
    );
  const beyond = limit ? array.data.findIndex((value) => value < 0 || value >= limit.below) : -1;
  if (beyond >= 0)
    throw new RangeError(
      `Expected ${name} to hold integers in [0, ${limit?.below}), the inputDim of the layer '${limit?.layer}', ` +
        `got ${array.data[beyond]} at ${position(beyond, array.shape)}`,
    );
  return array;
}

function checkPadding(
  name: string,
  { data, shape, size }: NDArray,
  { value, layer }: NonNullable<Port['padding']>,
): void {
  const width = size / shape[0];
  for (let row = 0; row < shape[0]; row++) {
    const end = (row + 1) * width;
    let i = row * width;
    while (i < end && data[i] === value) i++;
    if (i === end)
      throw new RangeError(
        `Expected every sample of ${name} to have a step that counts, but sample ${row} holds nothing but ${value}, which the layer '${layer}' leaves out`,
      );
  }
}

/** What is given for each port, and what it is called in messages. @throws TypeError or RangeError unless it is one each */
function byPort(name: string, given: unknown, ports: readonly Port[]): { place: string; array: unknown }[] {
  if (ports.length === 1 && (isNDArray(given) || isTypedArray(given) || isForeignArray(given)))
    return [{ place: name, array: given }];
  const isListOfOne = Array.isArray(given) && given.length === 1 && isNDArray(given[0]);
  if (ports.length === 1 && !isListOfOne && !isPlain(given)) return [{ place: name, array: given }];
  const names = ports.map((port) => port.name).join(', ');
  if (isPlain(given)) {
    const unknown = Object.keys(given).find((key) => !ports.some((port) => port.name === key));
    if (unknown !== undefined) throw wrongValue(name, `an object of arrays by name (${names})`, unknown);
    return ports.map((port) => ({ place: `${name}.${port.name}`, array: given[port.name] }));
  }
  if (!Array.isArray(given))
    throw wrongType(name, `a list of ${ports.length} arrays, or an object of them by name (${names})`, given);
  if (given.length !== ports.length) throw wrongType(name, `a list of ${ports.length} arrays (${names})`, given);
  return given.map((array, i) => ({ place: `${name}[${i}]`, array }));
}

/** Targets for each output with a loss. */
export function readTargets(name: string, y: ByPort, n: number, { outputs }: Ports): NDArray[] {
  const given = byPort(name, y, outputs);
  return outputs.flatMap(({ shape, loss }, i) => {
    if (!loss) return [];
    const { place, array } = given[i];
    if (isWords(array))
      throw wrongType(`${place}[0]`, 'a number (LabelEncoder makes class numbers of labels)', array[0]);
    const targets = loss.prepare(place, checkArray(place, array as ArrayInput), shape);
    if (targets.shape[0] !== n) throw wrongValue(place, `${n} targets, one for each sample of x`, targets.shape[0]);
    return [targets];
  });
}

/**
 * Sample weights for each output with a loss, of the `count` samples to train on times those of their classes: these are for
 * training alone, as in Keras.
 */
export function weightsOf(
  targets: readonly NDArray[],
  ports: Ports,
  n: number,
  count: number,
  { sampleWeight, classWeight }: FitOptions,
  isBatch: boolean,
): NDArray[] | undefined {
  if (sampleWeight === undefined && classWeight === undefined) return undefined;
  const judged = ports.outputs.filter(({ loss }) => loss);
  const weights =
    sampleWeight === undefined
      ? judged.map((output) => ones(n, rowsOf(output)))
      : readSampleWeights('sampleWeight', sampleWeight, n, ports);
  if (classWeight !== undefined) {
    if (ports.outputs.length > 1)
      throw new TypeError(
        `Expected classWeight with a network of one output, got ${ports.outputs.length}: give their samples a sampleWeight`,
      );
    const [{ shape, loss }] = judged;
    const factors = classWeights(classWeight, targets[0], shape.at(-1) ?? 1, loss as Loss, count, isBatch);
    const rows = rowsOf(judged[0]);
    for (let i = 0; i < count * rows; i++) weights[0].data[i] *= factors[Math.floor(i / rows)];
  }
  return weights;
}

/** Sample weights for each output with a loss; one array is for all of them. */
export function readSampleWeights(name: string, given: ByPort, n: number, { outputs }: Ports): NDArray[] {
  const isList =
    Array.isArray(given) &&
    given.length === outputs.length &&
    given.every((own) => own === undefined || typeof own === 'object');
  const isOne = outputs.length > 1 && !isList && (!isPlain(given) || isForeignArray(given));
  const own = isOne ? outputs.map(() => ({ place: name, array: given as unknown })) : byPort(name, given, outputs);
  return outputs.flatMap((output, i) => {
    const { place, array } = own[i];
    if (!output.loss) return [];
    const rows = rowsOf(output);
    if (array === undefined || array === null) return [ones(n, rows)];
    return [checkSampleWeight(place, array as ArrayInput, n, rows, output.shape)];
  });
}

/** How many weights a sample has: one for each row of an output of several, such as the steps of a sequence. */
const rowsOf = ({ shape, loss }: Ports['outputs'][number]) => (loss?.ofWholeSamples ? 1 : stepsOf(shape));

const ones = (n: number, rows: number) => NDArray.wrap(allocate(Float64Array, n * rows).fill(1), [n, rows]);

function checkSampleWeight(name: string, weights: ArrayInput, n: number, rows: number, outputShape: Shape): NDArray {
  const array = checkArray(name, weights);
  const isOfRows = rows > 1 && array.shape.join() === [n, ...outputShape.slice(0, -1)].join();
  if (!isOfRows && (array.size !== n || array.shape[0] !== n)) {
    const other = rows > 1 ? `, or of shape [${[n, ...outputShape.slice(0, -1)].join(', ')}], one for each row` : '';
    throw wrongShape(name, `${n} numbers, one for each sample${other}`, array.shape);
  }
  const negative = array.data.findIndex((weight) => weight < 0);
  if (negative >= 0)
    throw new RangeError(
      `Expected ${name} to hold non-negative numbers, got ${array.data[negative]} at ${position(negative, array.shape)}`,
    );
  const each = isOfRows ? 1 : rows;
  return NDArray.wrap(
    filled(Float64Array, n * rows, (i) => array.data[Math.floor(i / each)]),
    [n, rows],
  );
}
