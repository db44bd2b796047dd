import { type ArrayInput, asArray, checkFinite, type DType, NDArray } from '../array.js';
import { checkInteger, checkNumber, checkOneOf, checkOptions, wrongShape, wrongType, wrongValue } from '../check.js';

export interface PadSequencesOptions {
  /** Steps of every sequence. Default: those of the longest one */
  maxLength?: number;
  /** Where shorter ones are filled up, before their first step or behind their last one. Default 'pre' */
  padding?: 'pre' | 'post';
  /** Where longer ones lose steps, at their beginning or at their end. Default 'pre' */
  truncating?: 'pre' | 'post';
  /** What is filled in. Default 0 */
  value?: number;
  /** Default: 'int32' if all numbers are 32-bit integers, else 'float64' */
  dtype?: DType;
}

const SIDES = ['pre', 'post'] as const;

/**
 * Sequences of any lengths as one array: Keras' `pad_sequences`, which fills up and cuts off at the beginning unless told
 * otherwise.
 *
 * ```js
 * padSequences([[1], [2, 3], [4, 5, 6]], { maxLength: 2 }); // [[0, 1], [2, 3], [5, 6]]
 * ```
 *
 * @param sequences one array of numbers [steps] a sample, or of vectors [steps, features]
 * @returns [n, maxLength], of vectors [n, maxLength, features]
 * @throws TypeError or RangeError naming the sequence and the place in it of what is no finite number, or not as the others are
 */
export function padSequences(sequences: readonly ArrayInput[], options: PadSequencesOptions = {}): NDArray {
  checkOptions('options', options, ['maxLength', 'padding', 'truncating', 'value', 'dtype']);
  const { padding = 'pre', truncating = 'pre', value = 0 } = options;
  if (options.maxLength !== undefined) checkInteger('maxLength', options.maxLength, 1);
  checkOneOf('padding', padding, SIDES);
  checkOneOf('truncating', truncating, SIDES);
  checkNumber('value', value);
  const arrays = readSequences(sequences);
  const maxLength = options.maxLength ?? arrays.reduce((most, { length }) => Math.max(most, length), 0);
  const isWhole = isInt32(value) && arrays.every(({ data }) => data.every(isInt32));
  const dtype = options.dtype ?? (isWhole ? 'int32' : 'float64');
  const step = arrays.find(({ length }) => length > 0)?.shape.slice(1) ?? [];
  const width = step.reduce((size, n) => size * n, 1);

  const convert = (name: string, array: NDArray) => {
    const converted = asArray(name, array, dtype);
    checkFinite(name, converted, array);
    return converted;
  };
  const filler = convert('value', NDArray.from([value]));
  const converted = arrays.map((array, i) => convert(nameOf(i), array));
  const padded = NDArray.zeros([arrays.length, maxLength, ...step], dtype);
  padded.data.fill(filler.data[0]);
  converted.forEach(({ data, length }, i) => {
    const kept = Math.min(length, maxLength);
    const from = (truncating === 'pre' ? length - kept : 0) * width;
    const to = (i * maxLength + (padding === 'pre' ? maxLength - kept : 0)) * width;
    for (let j = 0; j < kept * width; j++) padded.data[to + j] = data[from + j];
  });
  return padded;
}

const nameOf = (i: number) => `sequences[${i}]`;

const isInt32 = (value: number) => (value | 0) === value;

function readSequences(sequences: unknown): NDArray[] {
  if (!Array.isArray(sequences)) throw wrongType('sequences', 'an array of sequences', sequences);
  if (sequences.length === 0) throw wrongValue('sequences', 'one sequence or more', sequences);
  let first: NDArray | undefined;
  return Array.from(sequences as ArrayInput[], (sequence, i) => {
    const array = asArray(nameOf(i), sequence);
    if (array.ndim === 0) throw wrongShape(nameOf(i), 'of one dimension or more', array.shape);
    checkFinite(nameOf(i), array);
    if (array.length === 0) return array;
    first ??= array;
    const [, ...step] = first.shape;
    if (array.shape.slice(1).join() !== step.join())
      throw wrongShape(nameOf(i), `of shape [${['steps', ...step].join(', ')}], as those before it are`, array.shape);
    return array;
  });
}
