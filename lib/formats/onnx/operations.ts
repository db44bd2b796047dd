import type { Activation } from '../../activations.js';
import { unrepeated } from '../../graph/broadcast.js';
import { type Node, sizeOf, type Value } from '../../graph/value.js';
import { emitActivation, log1p } from './activations.js';
import type { Emitter, Layout } from './emitter.js';
import type { Attributes } from './onnx-graph.js';
import { emitRecurrent } from './recurrent.js';

type Emit = (e: Emitter, node: Node) => void;

/** An operation whose inputs' and output's axes stay what they are, in either layout. */
const elementwise =
  (make: (e: Emitter, inputs: string[], options: any, layout: Layout) => string): Emit =>
  (e, { inputs, options, output }) => {
    const batched = inputs.filter((value) => value.batched && value.shape.length === output.shape.length);
    const layout = output.shape.length === 3 && batched.length === inputs.length ? e.layoutOf(...inputs) : 'last';
    const names = inputs.map((value) => (layout === 'first' ? e.first(value) : e.broadcastable(value)));
    // where every input is broadcast, the output would not have the axes that it should
    if (layout === 'last' && inputs.every((value, i) => names[i] !== e.of(value))) names[0] = e.of(inputs[0]);
    e.set(output, make(e, names, options, layout), layout);
  };

const named = (type: string): Emit => elementwise((e, names) => e.emit(type, names));
const compared = (type: string): Emit => elementwise((e, names) => e.asNumbers(e.emit(type, names)));

/** Along one axis of the value as we have it. */
const along =
  (make: (e: Emitter, x: string, axis: number, options: any, value: Value) => string): Emit =>
  (e, { inputs: [x], options, output }) =>
    e.set(output, make(e, e.of(x), e.axis(x, options.axis), options, x));

/** ONNX took the axes of some reductions as an attribute before opset 18. */
function reduced(e: Emitter, type: string, x: string, axes: readonly number[]): string {
  const keepdims = { keepdims: { int: 0 } };
  return type === 'ReduceSum' || e.opset >= 18
    ? e.emit(type, [x, e.graph.ints(axes)], keepdims)
    : e.emit(type, [x], { axes: { ints: axes }, ...keepdims });
}

function sliced(e: Emitter, x: string, axis: number, start: number, end: number, step = 1): string {
  const ints = (n: number) => e.graph.ints([n]);
  return e.emit('Slice', [x, ints(start), ints(end), ints(axis), ints(step)]);
}

const reshape: Emit = (e, { inputs: [x], output }) => {
  if (!x.batched && e.arrayOf(output)) return;
  e.set(output, e.emit('Reshape', [e.asItIs(x), e.graph.ints(e.shape(output))]));
};

interface Sliding {
  readonly places: readonly [number, number];
  readonly strides: readonly [number, number];
  readonly dilations?: readonly [number, number];
  readonly before: readonly [number, number];
}

/** What goes beyond the image's end is padding, what stays in front of it is left out. */
function window({ shape }: Value, size: readonly number[], { places, strides, dilations = [1, 1], before }: Sliding) {
  const after = places.map((n, k) =>
    Math.max(0, (n - 1) * strides[k] + (size[k] - 1) * dilations[k] + 1 - shape[k] - before[k]),
  );
  return {
    kernel_shape: { ints: size },
    strides: { ints: strides },
    pads: { ints: [...before, ...after] },
  };
}

/** A convolution, whose weight has its axes in `order` in ONNX. */
function convolution(order: readonly number[], groups: (x: Value, options: any) => number): Emit {
  return (e, { inputs: [x, w, b], options, output }) => {
    const size = w.shape.slice(0, 2);
    const inputs = [e.first(x), e.weight(w, order), ...(b ? [e.weight(b)] : [])];
    const made = e.emit('Conv', inputs, {
      ...window(x, size, options),
      dilations: { ints: options.dilations },
      group: { int: groups(x, options) },
    });
    e.set(output, made, 'first');
  };
}

const conv2dTranspose: Emit = (e, { inputs: [x, w, b], options, output }) => {
  const { strides, dilations, before, size } = options;
  const kernel = w.shape.slice(0, 2);
  // what the output lacks at its end, or has too much there
  const more = [0, 1].map(
    (k) => strides[k] * (x.shape[k] - 1) + (kernel[k] - 1) * dilations[k] + 1 - before[k] - size[k],
  );
  const inputs = [e.first(x), e.weight(w, [3, 2, 0, 1]), ...(b ? [e.weight(b)] : [])];
  const made = e.emit('ConvTranspose', inputs, {
    kernel_shape: { ints: kernel },
    strides: { ints: strides },
    dilations: { ints: dilations },
    pads: { ints: [...before, ...more.map((n) => Math.max(0, n))] },
    output_padding: { ints: more.map((n) => Math.max(0, -n)) },
  });
  e.set(output, made, 'first');
};

const pooling =
  (type: string, own: Attributes = {}): Emit =>
  (e, { inputs: [x], options, output }) => {
    if (!x.batched || x.times !== output.times) throw new Error('Expected pictures of samples');
    e.set(output, e.emit(type, [e.first(x)], { ...window(x, options.size, options), ...own }), 'first');
  };

/** x W + b: of vectors one node, of more axes two. */
const affine: Emit = (e, { inputs: [x, w, b], output }) => {
  if (b && x.batched && x.shape.length === 1) e.set(output, e.emit('Gemm', [e.of(x), e.weight(w), e.weight(b)]));
  else {
    const product = e.emit('MatMul', [e.of(x), e.weight(w)]);
    e.set(output, b ? e.emit('Add', [product, e.weight(b)]) : product);
  }
};

const batchNormalization: Emit = (e, { inputs: [x, ...rest], options: { epsilon }, output }) => {
  const [gamma, beta, mean, variance] = rest.map((value) => e.arrayOf(value)?.array.data as ArrayLike<number>);
  if (e.isDouble || (x.shape.length !== 1 && x.shape.length !== 3)) {
    const scale = Float64Array.from(gamma, (g, i) => g / Math.sqrt(variance[i] + epsilon));
    const shift = Float64Array.from(beta, (b, i) => b - mean[i] * scale[i]);
    const own = (name: string, data: Float64Array) => e.graph.weight(name, e.type, { shape: [data.length], data });
    const product = e.emit('Mul', [e.of(x), own('scale', scale)]);
    e.set(output, e.emit('Add', [product, own('shift', shift)]));
    return;
  }
  const layout = x.shape.length === 3 ? 'first' : 'last';
  const inputs = [e.any(x, layout), ...rest.map((value) => e.weight(value))];
  e.set(output, e.emit('BatchNormalization', inputs, { epsilon: { float: epsilon } }), layout);
};

const layerNormalization: Emit = (e, { inputs: [x, gamma, beta], options: { epsilon }, output }) => {
  let last = 1;
  while (sizeOf(x.shape.slice(-last)) < sizeOf(gamma.shape)) last++;
  const shape = x.shape.slice(-last);
  const inOrder = (value: Value) => {
    const own = e.arrayOf(value);
    return own ? e.graph.weight(own.name, e.type, { shape: [...shape], data: own.array.data }) : e.of(value);
  };
  if (e.opset >= 17 && !e.isDouble) {
    const attributes = { axis: { int: -last }, epsilon: { float: epsilon } };
    e.set(output, e.emit('LayerNormalization', [e.of(x), inOrder(gamma), inOrder(beta)], attributes));
    return;
  }
  const axes = shape.map((_, k) => k - last);
  const mean = (value: string) => {
    const keepdims = { keepdims: { int: 1 } };
    return e.opset >= 18
      ? e.emit('ReduceMean', [value, e.graph.ints(axes)], keepdims)
      : e.emit('ReduceMean', [value], { axes: { ints: axes }, ...keepdims });
  };
  const centred = e.emit('Sub', [e.of(x), mean(e.of(x))]);
  const variance = mean(e.emit('Mul', [centred, centred]));
  const normal = e.emit('Div', [centred, e.emit('Sqrt', [e.emit('Add', [variance, e.number(epsilon)])])]);
  e.set(output, e.emit('Add', [e.emit('Mul', [normal, inOrder(gamma)]), inOrder(beta)]));
};

/** ONNX Runtime has no GlobalAveragePool in float64. */
const globalAveragePooling: Emit = (e, { inputs: [x], output }) => {
  if (x.shape.length !== 3 || e.isDouble) {
    e.set(
      output,
      reduced(
        e,
        'ReduceMean',
        e.of(x),
        x.shape.slice(1).map((_, axis) => e.axis(x, axis)),
      ),
    );
    return;
  }
  const pooled = e.emit('GlobalAveragePool', [e.first(x)]);
  e.set(output, e.emit('Flatten', [pooled], { axis: { int: 1 } }));
};

const concatenate: Emit = (e, { inputs, options: { axis }, output }) => {
  const layout = output.shape.length === 3 && inputs.every((x) => x.batched) ? e.layoutOf(...inputs) : 'last';
  const at = layout === 'first' ? [2, 3, 1][axis] : e.axis(output, axis);
  e.set(
    output,
    e.emit(
      'Concat',
      inputs.map((x) => e.any(x, layout)),
      { axis: { int: at } },
    ),
    layout,
  );
};

const pad: Emit = (e, { inputs: [x], options: { axis, before, after }, output }) => {
  const layout = x.shape.length === 3 && x.batched ? e.layoutOf(x) : 'last';
  const at = layout === 'first' ? [2, 3, 1][axis] : e.axis(x, axis);
  const rank = x.shape.length + Number(x.batched);
  const pads = Array.from({ length: 2 * rank }, (_, i) => (i === at ? before : i === rank + at ? after : 0));
  e.set(output, e.emit('Pad', [e.any(x, layout), e.graph.ints(pads)]), layout);
};

const repeatRows: Emit = (e, { inputs: [x], output }) => {
  const { times = 1 } = output;
  const batch = times === 1 ? e.batchSize() : e.emit('Mul', [e.batchSize(), e.graph.ints([times])]);
  const shape = e.emit('Concat', [batch, e.graph.ints(x.shape)], { axis: { int: 0 } });
  e.set(output, e.emit('Expand', [e.of(x), shape]));
};

/** Whole numbers, as Gather wants them. */
const index = (e: Emitter, value: Value) => (value.dtype === 'int32' ? e.asItIs(value) : e.cast(e.of(value), 'int64'));

const gather: Emit = (e, { inputs: [x, at], output }) => {
  const known = e.arrayOf(unrepeated(at));
  if (!x.batched || known) {
    const places = known ? e.graph.ints(Array.from(known.array.data, Number)) : index(e, at);
    e.set(output, e.emit('Gather', [e.of(x), places], { axis: { int: e.axis(x, 0) } }));
    return;
  }
  const places = index(e, at);
  // which takes none of 32 bits, unlike Gather
  const wide = at.dtype === 'int32' ? e.cast(places, 'int64') : places;
  const each = e.emit('Unsqueeze', [wide, e.graph.ints([2])]);
  e.set(output, e.emit('GatherND', [e.of(x), each], { batch_dims: { int: 1 } }));
};

const oneHot: Emit = (e, { inputs: [at], options: { depth }, output }) => {
  const rows = e.emit('Unsqueeze', [index(e, at), e.graph.ints([-1])]);
  const classes = Array.from({ length: depth }, (_, k) => k);
  const own = at.dtype === 'int32' ? e.graph.tensor('classes', 'int32', [depth], classes) : e.graph.ints(classes);
  e.set(output, e.asNumbers(e.emit('Equal', [rows, own])));
};

/** How each operation of a graph is spelled in ONNX. */
const OPERATIONS: Readonly<Record<string, Emit>> = {
  activation: elementwise((e, [z], f: Activation, layout) => emitActivation(e, z, f, layout)),
  add: named('Add'),
  subtract: named('Sub'),
  multiply: named('Mul'),
  divide: named('Div'),
  power: named('Pow'),
  maximum: named('Max'),
  minimum: named('Min'),
  greater: compared('Greater'),
  greaterEqual: compared('GreaterOrEqual'),
  equal: compared('Equal'),
  select: elementwise((e, [condition, x, y]) => e.emit('Where', [e.cast(condition, 'bool'), x, y])),
  maskedSoftmax: (e, { inputs: [z, seen], output }) => {
    const mask = e.cast(e.of(seen), 'bool');
    const heads = e.graph.ints(Array.from({ length: z.shape.length - 2 }, (_, i) => e.axis(seen, i)));
    const all = e.emit('Where', [
      z.shape.length > 2 ? e.emit('Unsqueeze', [mask, heads]) : mask,
      e.of(z),
      e.number(-1e9),
    ]);
    e.set(output, e.emit('Softmax', [all], { axis: { int: -1 } }));
  },
  linear: elementwise((e, [x], { scale, shift }) => {
    const scaled = scale === 1 ? x : e.emit('Mul', [x, e.number(scale)]);
    return shift === 0 ? (scale === 1 ? e.emit('Identity', [x]) : scaled) : e.emit('Add', [scaled, e.number(shift)]);
  }),
  abs: named('Abs'),
  exp: named('Exp'),
  log: named('Log'),
  log1p: elementwise((e, [x]) => log1p(e, x)),
  sqrt: named('Sqrt'),
  square: elementwise((e, [x]) => e.emit('Mul', [x, x])),
  sign: named('Sign'),
  floor: named('Floor'),
  round: named('Round'),
  sin: named('Sin'),
  cos: named('Cos'),
  erf: named('Erf'),
  stopGradient: named('Identity'),
  sum: along((e, x, axis, { axis: own, scale }, { shape }) => {
    if (scale === 1 / shape[own]) return reduced(e, 'ReduceMean', x, [axis]);
    const sum = reduced(e, 'ReduceSum', x, [axis]);
    return scale === 1 ? sum : e.emit('Mul', [sum, e.number(scale)]);
  }),
  max: along((e, x, axis) => reduced(e, 'ReduceMax', x, [axis])),
  min: along((e, x, axis) => reduced(e, 'ReduceMin', x, [axis])),
  repeat: along((e, x, axis, { n }, value) => {
    const to = Array.from({ length: value.shape.length + Number(value.batched) }, (_, i) => (i === axis ? n : 1));
    return e.emit('Expand', [x, e.graph.ints(to)]);
  }),
  swapAxes: along((e, x, axis, _, value) => {
    const perm = Array.from({ length: value.shape.length + Number(value.batched) }, (_, i) => i);
    [perm[axis], perm[axis + 1]] = [axis + 1, axis];
    return e.emit('Transpose', [x], { perm: { ints: perm } });
  }),
  cumsum: along((e, x, axis, { reverse }) =>
    e.emit('CumSum', [x, e.graph.ints([axis])], { reverse: { int: Number(reverse) } }),
  ),
  reverse: along((e, x, axis) => sliced(e, x, axis, -1, -(2 ** 31), -1)),
  slice: along((e, x, axis, { start, length }) => sliced(e, x, axis, start, start + length)),
  concatenate,
  pad,
  repeatRows,
  affine,
  matmul: affine,
  batchMatmul: (e, { inputs: [x, y], output }) => e.set(output, e.emit('MatMul', [e.of(x), e.of(y)])),
  conv2d: convolution([3, 2, 0, 1], () => 1),
  conv2dGrouped: convolution([3, 2, 0, 1], (_, { groups }) => groups),
  depthwiseConv2d: (e, node) => {
    // w [K, L, C], to ONNX [C, 1, K, L]
    const [x, w, b] = node.inputs;
    const [K, L, C] = w.shape;
    const kernel = e.emit('Reshape', [e.weight(w, [2, 0, 1]), e.graph.ints([C, 1, K, L])]);
    const made = e.emit('Conv', [e.first(x), kernel, ...(b ? [e.weight(b)] : [])], {
      ...window(x, [K, L], node.options),
      dilations: { ints: node.options.dilations },
      group: { int: C },
    });
    e.set(node.output, made, 'first');
  },
  conv2dTranspose,
  maxPooling2d: pooling('MaxPool'),
  averagePooling2d: pooling('AveragePool', { count_include_pad: { int: 0 } }),
  globalAveragePooling,
  upsampleBilinear: (e, { inputs: [x], options, output }) => {
    const scales = e.graph.tensor('scales', 'float', [4], [1, 1, ...options.size]);
    const made = e.emit('Resize', [e.first(x), '', scales], {
      mode: { string: 'linear' },
      coordinate_transformation_mode: { string: 'half_pixel' },
    });
    e.set(output, made, 'first');
  },
  batchNormalizationInference: batchNormalization,
  layerNormalization,
  embedding: (e, { inputs: [at, table], output }) =>
    e.set(output, e.emit('Gather', [e.weight(table), index(e, at)], { axis: { int: 0 } })),
  gather,
  oneHot,
  logSoftmax: elementwise((e, [z], _, layout) =>
    e.emit('LogSoftmax', [z], { axis: { int: layout === 'first' ? 1 : -1 } }),
  ),
  reshape,
  eachStep: reshape,
  allSteps: reshape,
  simpleRnn: emitRecurrent,
  lstm: emitRecurrent,
  gru: emitRecurrent,
};

/** Emits an operation. @throws TypeError for one that ONNX has no spelling of */
export function emitOperation(e: Emitter, node: Node): void {
  const emit = OPERATIONS[node.op.name];
  if (!emit) throw new TypeError(`Expected operations that ONNX has, got '${node.op.name}'`);
  e.begin(node);
  emit(e, node);
}
