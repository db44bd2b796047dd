// What Keras 2 keeps of TensorFlow's operations between layers, `x + y` and `tf.reshape(x, …)`: layers of the classes TFOpLambda and
// SlicingOpLambda, which name the function. Most are operations of Keras 3 by another name.
import { NDArray } from '../../array.js';
import { checkNumber, wrongValue } from '../../check.js';
import { isValue, type Value } from '../../graph/value.js';
import type { JsonObject } from '../../io/model-file.js';
import { ops } from '../../ops.js';
import { applyOperation, checkNumbers, type Given } from './operations-in.js';
import { isSize, lengthsIn, sizeAt, sizeOf } from './sizes-in.js';

type Named = Readonly<Record<string, Given>>;

/** An operation of Keras 3: which arguments are values, beside the first one, and what its options are called. */
interface Known {
  readonly className: string;
  readonly values?: readonly string[];
  readonly options?: Readonly<Record<string, string>>;
  readonly byDefault?: Record<string, Given>;
}

const unary = (className: string): Known => ({ className });
const binary = (className: string): Known => ({ className, values: ['y'] });
const reduced = (className: string): Known => ({ className, options: { axis: 'axis', keepdims: 'keepdims' } });
const along = (className: string, byDefault: number): Known => ({
  className,
  options: { axis: 'axis' },
  byDefault: { axis: byDefault },
});

const KNOWN: Readonly<Record<string, Known>> = {
  '__operators__.add': binary('Add'),
  'math.add': binary('Add'),
  'math.subtract': binary('Subtract'),
  'math.multiply': binary('Multiply'),
  'math.truediv': binary('Divide'),
  'math.divide': binary('Divide'),
  'math.pow': binary('Power'),
  'math.maximum': binary('Maximum'),
  'math.minimum': binary('Minimum'),
  'math.greater': binary('Greater'),
  'math.greater_equal': binary('GreaterEqual'),
  'math.less': binary('Less'),
  'math.less_equal': binary('LessEqual'),
  'math.equal': binary('Equal'),
  'math.not_equal': binary('NotEqual'),
  'math.logical_and': binary('LogicalAnd'),
  'math.logical_or': binary('LogicalOr'),
  'math.logical_xor': binary('LogicalXor'),
  'math.logical_not': unary('LogicalNot'),
  'nn.bias_add': { className: 'Add', values: ['bias'] },
  where: { className: 'Where', values: ['x', 'y'] },
  'math.negative': unary('Negative'),
  'math.abs': unary('Abs'),
  'math.sign': unary('Sign'),
  'math.floor': unary('Floor'),
  'math.ceil': unary('Ceil'),
  'math.round': unary('Round'),
  'math.exp': unary('Exp'),
  'math.log': unary('Log'),
  'math.log1p': unary('Log1p'),
  'math.sqrt': unary('Sqrt'),
  'math.rsqrt': unary('Rsqrt'),
  'math.square': unary('Square'),
  'math.reciprocal': unary('Reciprocal'),
  'math.sin': unary('Sin'),
  'math.cos': unary('Cos'),
  'math.erf': unary('Erf'),
  'math.sigmoid': unary('Sigmoid'),
  'math.tanh': unary('Tanh'),
  'math.softplus': unary('Softplus'),
  'nn.softsign': unary('Softsign'),
  'nn.relu': unary('Relu'),
  'nn.relu6': unary('Relu6'),
  'nn.elu': unary('Elu'),
  'nn.selu': unary('Selu'),
  'nn.silu': unary('Silu'),
  'nn.gelu': { className: 'Gelu', options: { approximate: 'approximate' }, byDefault: { approximate: false } },
  'nn.leaky_relu': { className: 'LeakyRelu', options: { alpha: 'negative_slope' } },
  'nn.softmax': along('Softmax', -1),
  'nn.log_softmax': along('LogSoftmax', -1),
  stop_gradient: unary('StopGradient'),
  clip_by_value: { className: 'Clip', options: { clip_value_min: 'x_min', clip_value_max: 'x_max' } },
  cast: { className: 'Cast', options: { dtype: 'dtype' } },
  'math.reduce_sum': reduced('Sum'),
  'math.reduce_mean': reduced('Mean'),
  'math.reduce_max': reduced('Max'),
  'math.reduce_min': reduced('Min'),
  'math.reduce_prod': reduced('Prod'),
  'math.reduce_any': reduced('Any'),
  'math.reduce_all': reduced('All'),
  'math.reduce_variance': reduced('Var'),
  'math.reduce_std': reduced('Std'),
  'math.reduce_logsumexp': reduced('Logsumexp'),
  'math.cumsum': along('Cumsum', 0),
  reverse: along('Flip', 0),
  concat: along('Concatenate', 0),
  stack: along('Stack', 0),
  unstack: along('Unstack', 0),
  split: { className: 'Split', options: { num_or_size_splits: 'indices_or_sections', axis: 'axis' } },
  tile: { className: 'Tile', options: { multiples: 'repeats' } },
  reshape: { className: 'Reshape', options: { shape: 'newshape' } },
  expand_dims: { className: 'ExpandDims', options: { axis: 'axis' } },
  'compat.v1.squeeze': { className: 'Squeeze', options: { axis: 'axis' } },
  'compat.v1.transpose': { className: 'Transpose', options: { perm: 'axes' } },
  'compat.v1.gather': { className: 'Take', values: ['indices'], options: { axis: 'axis' } },
  'compat.v1.pad': {
    className: 'Pad',
    values: ['constant_values'],
    options: { paddings: 'pad_width', mode: 'mode' },
    byDefault: { mode: 'CONSTANT' },
  },
  one_hot: { className: 'OneHot', options: { depth: 'num_classes' } },
};

/** `x + y` without a name of its own. */
const apply = (className: string, ...args: Given[]) => applyOperation(className, {}, args)[0];

/** What is made of two of those above, or of the values alone. */
const MADE: Readonly<Record<string, (x: Given, named: Named) => readonly Value[]>> = {
  identity: (x) => [checkNumbers(x as Value)],
  'math.add_n': (x) => [([x].flat() as Value[]).reduce((sum, own) => apply('Add', sum, own))],
  'math.squared_difference': (x, { y }) => [apply('Square', apply('Subtract', x, operand(y)))],
  'math.l2_normalize': (x, { axis, epsilon = 1e-12 }) => {
    const [sum] = applyOperation('Sum', { axis, keepdims: true } as JsonObject, [apply('Square', x)]);
    return [apply('Multiply', x, apply('Rsqrt', apply('Maximum', sum, checkNumber('epsilon', epsilon))))];
  },
  'linalg.matmul': (x, { b, transpose_a = false, transpose_b = false }) => [
    apply('Matmul', turned(x, transpose_a === true), turned(operand(b), transpose_b === true)),
  ],
  'compat.v1.shape': (x) => [sizeOf(x)],
  '__operators__.getitem': (x, { slice_spec: key }) => (isSize(x) ? [sizeAt(x, key)] : [apply('GetItem', x, key)]),
};

/** With its last two axes changed. */
function turned(x: Given, isIt: boolean): Given {
  if (!isIt || !isValue(x)) return x;
  const last = x.shape.length - 1;
  const order = x.shape.map((_, axis) => (axis < last - 1 ? axis : 2 * last - 1 - axis));
  return ops.transpose(x as Value<any>, order) as Value;
}

/** Numbers in lists are an array here. */
function operand(given: Given): Given {
  if (!Array.isArray(given)) return given;
  return given.some((own) => isValue(own)) ? given.map(operand) : NDArray.from(given as number[]);
}

/** Whether a file's layer is an operation of TensorFlow. */
export const isTfOperation = (className: string) => className === 'TFOpLambda' || className === 'SlicingOpLambda';

/** What TensorFlow's function makes of its arguments. @throws TypeError or RangeError for what there is not here */
export function applyTfOperation(given: unknown, [x]: readonly Given[], named: Named): readonly Value[] {
  const name = String(given);
  const { name: _, ...others } = named;
  if (Object.hasOwn(MADE, name)) return MADE[name](operand(x), others);
  if (!Object.hasOwn(KNOWN, name)) throw wrongValue('an operation', 'one that there is here', `tf.${name}`);
  const { className, values = [], options = {}, byDefault } = KNOWN[name];
  for (const [key, own] of Object.entries(others))
    if (!values.includes(key) && !Object.hasOwn(options, key) && own !== null && own !== false && own !== 0)
      throw wrongValue(`the ${key} of tf.${name}`, 'none, as there is none here', own);
  const entries = Object.entries(options).flatMap(([key, own]) => (key in others ? [[own, others[key]]] : []));
  const config = rewritten({ ...byDefault, ...Object.fromEntries(entries) });
  const args = values.flatMap((key) => (key in others ? [operand(others[key])] : []));
  return applyOperation(className, config, [operand(x), ...args]);
}

/** Options that are said otherwise in Keras 3. */
function rewritten({ newshape, indices_or_sections: parts, mode, ...config }: Record<string, Given>): JsonObject {
  return {
    ...config,
    ...(newshape !== undefined && { newshape: lengthsIn(newshape) }),
    ...(parts !== undefined && { indices_or_sections: Array.isArray(parts) ? cutsOf(parts) : parts }),
    ...(mode !== undefined && { mode: String(mode).toLowerCase() }),
  };
}

/** Where parts of these lengths begin, but the first. */
function cutsOf(lengths: readonly Given[]): number[] {
  let at = 0;
  return lengths.slice(0, -1).map((own, i) => {
    at += checkNumber(`num_or_size_splits[${i}]`, own);
    return at;
  });
}
