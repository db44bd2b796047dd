import { NDArray } from '../../array.js';
import { unrepeated } from '../../graph/broadcast.js';
import type { Node, Shape, Value } from '../../graph/value.js';
import { type KerasObject, kerasActivation } from './config-parts.js';
import type { Argument, Emission } from './emission.js';

const NUMPY = 'keras.src.ops.numpy';
const NN = 'keras.src.ops.nn';
const CORE = 'keras.src.ops.core';
const MATH = 'keras.src.ops.math';

/** Operations that are the same in both. */
const SAME: Readonly<Record<string, string>> = {
  abs: 'Absolute',
  sign: 'Sign',
  floor: 'Floor',
  round: 'Round',
  sin: 'Sin',
  cos: 'Cos',
  exp: 'Exp',
  log: 'Log',
  log1p: 'Log1p',
  sqrt: 'Sqrt',
  square: 'Square',
  add: 'Add',
  subtract: 'Subtract',
  multiply: 'Multiply',
  divide: 'Divide',
  maximum: 'Maximum',
  minimum: 'Minimum',
  power: 'Power',
  matmul: 'Matmul',
  batchMatmul: 'Matmul',
};

/** Operations that repeat what they are given by themselves. */
const BROADCASTING = [
  ...['add', 'subtract', 'multiply', 'divide', 'maximum', 'minimum', 'power'],
  ...['greater', 'greaterEqual', 'equal', 'select'],
];

/** Those that give truth in Keras, and 1 or 0 here. */
const COMPARED: Readonly<Record<string, string>> = { greater: 'Greater', greaterEqual: 'GreaterEqual', equal: 'Equal' };

/** Emits operations that stand between layers. */
export class Operations {
  readonly #emission: Emission;
  readonly #dtype: string;
  readonly #values: Map<Value, Value>;

  /** @param values what stands for our values; what is emitted is added to it */
  constructor(emission: Emission, dtype: string, values: Map<Value, Value>) {
    this.#emission = emission;
    this.#dtype = dtype;
    this.#values = values;
  }

  /** An argument for a value: what was made of it, or its numbers where it is the same for all samples. @throws TypeError */
  argument(value: Value, dtype = this.#dtype): Argument {
    const made = this.#values.get(value);
    if (made) return made;
    const { shape, data } = numbersOf(value);
    const odd = data.find((number) => !Number.isFinite(number));
    if (odd !== undefined)
      throw new RangeError(`Expected finite constants, as Keras' files are JSON, got ${odd} (format 'onnx' holds it)`);
    if (shape.length === 0) return data[0];
    const nested = NDArray.wrap(data, shape).toArray();
    return { class_name: '__numpy__', config: { value: nested, dtype } };
  }

  emit(node: Node): void {
    const { op, inputs, options, output } = node;
    // numbers, which are written where they are read
    if (!unrepeated(output).batched) return;
    this.#values.set(output, this.#emit(op.name, inputs, options, output.shape));
  }

  #emit(name: string, inputs: readonly Value[], options: any, shape: Shape): Value {
    const isNumber = (value: Value) => BROADCASTING.includes(name) && !this.#values.has(value);
    const args = inputs.map((value) => this.argument(isNumber(value) ? unrepeated(value) : value));
    const [x] = args;
    const axis = (options?.axis ?? 0) + 1;
    const own = Object.hasOwn(SAME, name) ? SAME[name] : undefined;
    if (own) return this.#op(NUMPY, own, {}, args, shape);
    if (Object.hasOwn(COMPARED, name)) return this.#cast(this.#op(NUMPY, COMPARED[name], {}, args, shape), this.#dtype);
    switch (name) {
      case 'select':
        return this.#op(NUMPY, 'Where', {}, args, shape);
      case 'erf':
        return this.#op(MATH, 'Erf', {}, args, shape);
      case 'stopGradient':
        return this.#op(CORE, 'StopGradient', {}, args, shape);
      case 'linear': {
        const scaled = options.scale === 1 ? x : this.#op(NUMPY, 'Multiply', {}, [x, options.scale], shape);
        if (options.shift === 0 && scaled !== x) return scaled as Value;
        return this.#op(NUMPY, 'Add', {}, [scaled, options.shift], shape);
      }
      case 'sum': {
        const n = inputs[0].shape[options.axis];
        const isMean = options.scale === 1 / n && n > 1;
        const sum = this.#op(NUMPY, isMean ? 'Mean' : 'Sum', { axis, keepdims: false }, [x], shape);
        return isMean || options.scale === 1 ? sum : this.#op(NUMPY, 'Multiply', {}, [sum, options.scale], shape);
      }
      case 'max':
      case 'min':
        return this.#op(NUMPY, name === 'max' ? 'Max' : 'Min', { axis, keepdims: false, initial: null }, [x], shape);
      case 'reverse':
        return this.#op(NUMPY, 'Flip', { axis }, [x], shape);
      case 'cumsum': {
        const flipped = (value: Argument) =>
          options.reverse ? this.#op(NUMPY, 'Flip', { axis }, [value], shape) : value;
        return flipped(this.#op(NUMPY, 'Cumsum', { axis, dtype: null }, [flipped(x)], shape)) as Value;
      }
      case 'repeat':
        return this.#op(NUMPY, 'Repeat', { repeats: options.n, axis }, [x], shape);
      case 'swapAxes': {
        const axes = [0, ...shape.map((_, i) => i + 1)];
        [axes[axis], axes[axis + 1]] = [axes[axis + 1], axes[axis]];
        return this.#op(NUMPY, 'Transpose', { axes }, [x], shape);
      }
      case 'slice': {
        const { start, length } = options;
        const slices = Array.from({ length: axis + 1 }, (_, i) =>
          i === axis ? sliceOf(start, start + length) : sliceOf(null, null),
        );
        return this.#op(NUMPY, 'GetItem', {}, [x, slices], shape);
      }
      case 'concatenate':
        if (inputs.some((value) => !this.#values.has(value))) break;
        return this.#op(NUMPY, 'Concatenate', { axis }, [args], shape);
      case 'reshape':
        return this.#op(NUMPY, 'Reshape', { newshape: [-1, ...shape] }, [x], shape);
      case 'gather':
        if (this.#values.has(inputs[0]) && this.#values.has(inputs[1])) break;
        return this.#op(
          NUMPY,
          'Take',
          { axis: this.#values.has(inputs[0]) ? 1 : 0 },
          [x, this.#integers(inputs[1])],
          shape,
        );
      case 'oneHot': {
        const config = { num_classes: options.depth, axis: -1, dtype: this.#dtype, sparse: false };
        return this.#op(NN, 'OneHot', config, [this.#integers(inputs[0])], shape);
      }
      case 'logSoftmax':
        return this.#op(NN, 'LogSoftmax', { axis: -1 }, [x], shape);
      case 'activation':
        return this.#activation(options.config, x, shape);
    }
    throw new TypeError(
      `Expected the operations between layers to be ones that Keras has, got '${name}' (ONNX, format: 'onnx', holds it)`,
    );
  }

  #activation(config: { readonly name: string; readonly [option: string]: unknown }, x: Argument, shape: Shape): Value {
    const written = kerasActivation('the activation between layers', config);
    if (config.name === 'exponential') return this.#op(NUMPY, 'Exp', {}, [x], shape);
    if (config.name === 'tanh') return this.#op(NUMPY, 'Tanh', {}, [x], shape);
    const { name, ...rest } = config;
    const own = ACTIVATIONS[name];
    if (!own) throw new TypeError(`Expected the activation between layers to be one that Keras has, got '${written}'`);
    const options = name === 'leakyRelu' ? { negative_slope: rest.alpha } : name === 'softmax' ? { axis: -1 } : rest;
    return this.#op(NN, own, options, [x], shape);
  }

  #integers(value: Value): Argument {
    const argument = this.argument(value, 'int32');
    return this.#values.has(value) ? this.#cast(argument as Value, 'int32') : argument;
  }

  #cast(x: Value, dtype: string): Value {
    return this.#op(CORE, 'Cast', { dtype }, [x], x.shape);
  }

  #op(
    module: string,
    className: string,
    config: Record<string, unknown>,
    args: readonly Argument[],
    shape: Shape,
  ): Value {
    const base = className.replace(/(.)([A-Z][a-z]+)/g, '$1_$2').toLowerCase();
    const name = this.#emission.apartFromMasks(this.#emission.fresh(base));
    const object: KerasObject = {
      module,
      class_name: className,
      config: { ...config, name },
      registered_name: className,
    };
    return this.#emission.call({ name, className, object, nodes: [] }, args, {}, [shape])[0];
  }
}

/** Our activations and Keras' operations of the same. */
const ACTIVATIONS: Readonly<Record<string, string>> = {
  relu: 'Relu',
  relu6: 'Relu6',
  sigmoid: 'Sigmoid',
  softplus: 'Softplus',
  softsign: 'Softsign',
  silu: 'Silu',
  hardSilu: 'HardSilu',
  logSigmoid: 'LogSigmoid',
  leakyRelu: 'LeakyRelu',
  hardSigmoid: 'HardSigmoid',
  elu: 'Elu',
  celu: 'Celu',
  selu: 'Selu',
  gelu: 'Gelu',
  softmax: 'Softmax',
  tanhShrink: 'TanhShrink',
  hardShrink: 'HardShrink',
  softShrink: 'SoftShrink',
  hardTanh: 'HardTanh',
  squareplus: 'Squareplus',
  sparsePlus: 'SparsePlus',
  sparseSigmoid: 'SparseSigmoid',
};

const sliceOf = (start: number | null, stop: number | null) => ({
  class_name: '__slice__',
  config: { start, stop, step: null },
});

/** The numbers of a value that is the same for all samples: a constant, in another shape or repeated. @throws TypeError */
function numbersOf(value: Value): { shape: Shape; data: NDArray['data'] } {
  if (value.constant) return { shape: value.shape, data: value.constant.data };
  const { from } = value;
  if (
    from &&
    'op' in from &&
    (from.op.name === 'reshape' || from.op.name === 'repeat' || from.op.name === 'repeatRows')
  ) {
    const inner = numbersOf(from.inputs[0]);
    if (from.op.name !== 'repeat') return { shape: value.shape, data: inner.data };
    const { axis, n } = from.options;
    const block = value.shape.slice(axis + 1).reduce((size, length) => size * length, 1);
    const data = new (inner.data.constructor as Float64ArrayConstructor)(inner.data.length * n);
    for (let i = 0; i < data.length; i++) data[i] = inner.data[Math.floor(i / (block * n)) * block + (i % block)];
    return { shape: value.shape, data };
  }
  throw new TypeError(
    `Expected what is the same for all samples to be numbers or arrays, as Keras' files hold no operations on them, got '${from && 'op' in from ? from.op.name : 'a weight'}'`,
  );
}
