import type { Activation } from '../../activations.js';
import type { Emitter, Layout } from './emitter.js';
import type { Attributes } from './onnx-graph.js';

type Emit = (e: Emitter, z: string, options: Readonly<Record<string, unknown>>, layout: Layout) => string;

const as =
  (type: string, attributes: Attributes = {}): Emit =>
  (e, z) =>
    e.emit(type, [z], attributes);

const relu = as('Relu');
const sigmoid = as('Sigmoid');
const tanh = as('Tanh');
const softplus: Emit = (e, z) => {
  if (!e.isDouble) return e.emit('Softplus', [z]);
  // max(z, 0) + log(1 + exp(-|z|))
  const small = e.emit('Exp', [e.emit('Neg', [e.emit('Abs', [z])])]);
  return e.emit('Add', [e.emit('Relu', [z]), log1p(e, small)]);
};

/** min(z, 0), the part of z that is not relu's. */
const below = (e: Emitter, z: string) => e.emit('Min', [z, e.number(0)]);

/** scale * (max(z, 0) + alpha * (exp(min(z, 0) / by) - 1)) */
function exponential(e: Emitter, z: string, alpha: number, by = 1): string {
  const low = by === 1 ? below(e, z) : e.emit('Div', [below(e, z), e.number(by)]);
  const bent = e.emit('Mul', [e.emit('Sub', [e.emit('Exp', [low]), e.number(1)]), e.number(alpha)]);
  return e.emit('Add', [e.emit('Relu', [z]), bent]);
}

/** log(1 + x) without cancellation (Kahan): log(u) * x / (u - 1) with u = 1 + x, x itself where u is 1. */
export function log1p(e: Emitter, x: string): string {
  const u = e.emit('Add', [x, e.number(1)]);
  const ratio = e.emit('Div', [x, e.emit('Sub', [u, e.number(1)])]);
  return e.emit('Where', [e.emit('Equal', [u, e.number(1)]), x, e.emit('Mul', [e.emit('Log', [u]), ratio])]);
}

const hardSigmoid: Emit = (e, z) => {
  const shifted = e.emit('Clip', [e.emit('Add', [z, e.number(3)]), e.number(0), e.number(6)]);
  return e.emit('Div', [shifted, e.number(6)]);
};

const within1 = (e: Emitter, z: string) => e.emit('Clip', [z, e.number(-1), e.number(1)]);

const sparseSigmoid: Emit = (e, z) => {
  const above = e.emit('Add', [within1(e, z), e.number(1)]);
  return e.emit('Mul', [above, e.number(0.5)]);
};

/** s = sqrt(z^2 + b); (z + s) / 2, below 0 as b / 2 / (s - z) */
const squareplus: Emit = (e, z, options) => {
  const b = options.b as number;
  const s = e.emit('Sqrt', [e.emit('Add', [e.emit('Mul', [z, z]), e.number(b)])]);
  const high = e.emit('Mul', [e.emit('Add', [z, s]), e.number(0.5)]);
  const low = e.emit('Div', [e.number(b / 2), e.emit('Sub', [s, z])]);
  return e.emit('Where', [e.emit('Greater', [z, e.number(0)]), high, low]);
};

/** What is moved towards 0 by `bias` where it is further from it than `threshold`. */
const shrink =
  (isSoft: boolean): Emit =>
  (e, z, options) => {
    const t = options.threshold as number;
    const bias = isSoft ? t : 0;
    if (!e.isDouble) return e.emit('Shrink', [z], { lambd: { float: t }, bias: { float: bias } });
    if (isSoft) return e.emit('Sub', [z, e.emit('Clip', [z, e.number(-t), e.number(t)])]);
    return e.emit('Where', [e.emit('Greater', [e.emit('Abs', [z]), e.number(t)]), z, e.number(0)]);
  };

const times =
  (f: Emit): Emit =>
  (e, z, options, layout) =>
    e.emit('Mul', [z, f(e, z, options, layout)]);

const gelu: Emit = (e, z, { approximate }) => {
  const half = (inner: string) => {
    const one = e.emit('Add', [inner, e.number(1)]);
    return e.emit('Mul', [e.emit('Mul', [z, e.number(0.5)]), one]);
  };
  if (!approximate) return half(e.emit('Erf', [e.emit('Div', [z, e.number(Math.SQRT2)])]));
  const cube = e.emit('Mul', [e.emit('Mul', [z, z]), z]);
  const sum = e.emit('Add', [z, e.emit('Mul', [cube, e.number(0.044715)])]);
  return half(e.emit('Tanh', [e.emit('Mul', [sum, e.number(Math.sqrt(2 / Math.PI))])]));
};

/** How the activations of lib/activations.ts are spelled in ONNX. */
const ACTIVATIONS: Readonly<Record<string, Emit>> = {
  sigmoid,
  tanh,
  relu,
  softplus,
  relu6: (e, z) => e.emit('Clip', [z, e.number(0), e.number(6)]),
  leakyRelu: (e, z, { alpha }) =>
    e.isDouble
      ? e.emit('Add', [e.emit('Relu', [z]), e.emit('Mul', [below(e, z), e.number(alpha as number)])])
      : e.emit('LeakyRelu', [z], { alpha: { float: alpha as number } }),
  elu: (e, z, { alpha }) =>
    e.isDouble ? exponential(e, z, alpha as number) : e.emit('Elu', [z], { alpha: { float: alpha as number } }),
  celu: (e, z, { alpha }) => exponential(e, z, alpha as number, alpha as number),
  selu: (e, z) => {
    const [alpha, scale] = [1.6732632423543772, 1.0507009873554805];
    if (!e.isDouble) return e.emit('Selu', [z], { alpha: { float: alpha }, gamma: { float: scale } });
    return e.emit('Mul', [exponential(e, z, alpha), e.number(scale)]);
  },
  softsign: (e, z) => e.emit('Div', [z, e.emit('Add', [e.emit('Abs', [z]), e.number(1)])]),
  exponential: as('Exp'),
  logSigmoid: (e, z, options, layout) => e.emit('Neg', [softplus(e, e.emit('Neg', [z]), options, layout)]),
  hardSigmoid,
  gelu,
  silu: times(sigmoid),
  hardSilu: times(hardSigmoid),
  mish: times((e, z, options, layout) => e.emit('Tanh', [softplus(e, z, options, layout)])),
  tanhShrink: (e, z) => e.emit('Sub', [z, e.emit('Tanh', [z])]),
  hardShrink: shrink(false),
  softShrink: shrink(true),
  hardTanh: within1,
  squareplus,
  sparsePlus: (e, z, options, layout) => {
    const root = sparseSigmoid(e, z, options, layout);
    return e.emit('Max', [z, e.emit('Mul', [root, root])]);
  },
  sparseSigmoid,
  softmax: (e, z, _, layout) => e.emit('Softmax', [z], { axis: { int: layout === 'first' ? 1 : -1 } }),
  heaviside: (e, z) => e.asNumbers(e.emit('GreaterOrEqual', [z, e.number(0)])),
};

/** f(z). Softmax goes along the channels wherever they are. */
export function emitActivation(e: Emitter, z: string, { config }: Pick<Activation, 'config'>, layout: Layout): string {
  const { name, ...options } = config;
  if (name === 'linear') return z;
  const emit = ACTIVATIONS[name];
  if (!emit) throw new TypeError(`Expected an activation that ONNX has, got '${name}'`);
  return emit(e, z, options, layout);
}
