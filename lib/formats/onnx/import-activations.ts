import type { Activation } from '../../activations.js';
import type { Value } from '../../graph/value.js';
import { layers } from '../../layers/index.js';
import { Attributes } from './attributes.js';
import type { NodeProto } from './decode.js';
import type { Handler } from './import-layers.js';
import type { Importer } from './importer.js';
import { type Computed, rounded } from './tensors.js';
import { applied, ops } from './untyped.js';

type Config = Activation['config'];

const about = (a: number, b: number) => Math.abs(a - b) < 1e-6;

/** Activations without options. */
const PLAIN: Readonly<Record<string, string>> = {
  Relu: 'relu',
  Sigmoid: 'sigmoid',
  Tanh: 'tanh',
  Softplus: 'softplus',
  Softsign: 'softsign',
  HardSwish: 'hardSilu',
  Mish: 'mish',
};
const POSITIVE = ['relu', 'relu6', 'sigmoid', 'softplus', 'softmax', 'hardSigmoid', 'exponential'];

/** The activation that is x within bounds; undefined where there is none. */
export function clippedBy(low: number | undefined, high: number | undefined): Config | undefined {
  if (low === 0 && high === 6) return { name: 'relu6' };
  return low === -1 && high === 1 ? { name: 'hardTanh' } : undefined;
}

/** The activation that a node is of the values that it is given; undefined for other nodes. */
export function activationOf(c: Importer, node: NodeProto, x: Computed): Config | undefined {
  if (node.domain !== '') return undefined;
  const a = new Attributes(node.attributes);
  const alpha = (byDefault: number) => rounded(a.number('alpha', byDefault));
  const plain = PLAIN[node.type];
  if (plain) return { name: plain };
  switch (node.type) {
    case 'LeakyRelu':
      return { name: 'leakyRelu', alpha: alpha(0.01) };
    case 'Elu':
      return { name: 'elu', alpha: alpha(1) };
    case 'Celu':
      return { name: 'celu', alpha: alpha(1) };
    case 'Selu':
      return about(a.number('alpha', 1.67326319), 1.67326319) && about(a.number('gamma', 1.05070102), 1.05070102)
        ? { name: 'selu' }
        : undefined;
    case 'HardSigmoid':
      return about(a.number('alpha', 0.2), 1 / 6) && about(a.number('beta', 0.5), 0.5)
        ? { name: 'hardSigmoid' }
        : undefined;
    case 'Shrink': {
      const [threshold, bias] = [rounded(a.number('lambd', 0.5)), rounded(a.number('bias', 0))];
      if (threshold < 0) return undefined;
      if (bias === 0) return { name: 'hardShrink', threshold };
      return bias === threshold ? { name: 'softShrink', threshold } : undefined;
    }
    case 'Gelu':
      return { name: 'gelu', approximate: a.string('approximate', 'none') === 'tanh' };
    case 'Softmax': {
      // before opset 13 it went over all axes from this one on
      const axis = a.number('axis', c.opset < 13 ? 1 : -1);
      const isLast = c.axis(x, axis) === x.value.shape.length - 1;
      const isAll = c.opset < 13 && (axis < 0 ? axis + x.axes.length : axis) !== x.axes.length - 1;
      return isLast && !isAll ? { name: 'softmax' } : undefined;
    }
    case 'Clip': {
      const names = node.inputs.slice(1, 3);
      if (names.some((name) => c.maker(name) && !c.isKnown(name))) return undefined; // made behind the layer
      const [low, high] = names.map((name) => c.get(name));
      const bound = (tensor: typeof low, name: string) =>
        tensor
          ? tensor.kind === 'constant'
            ? tensor.data[0]
            : undefined
          : a.has(name)
            ? a.number(name, 0)
            : undefined;
      return clippedBy(bound(low, 'min'), bound(high, 'max'));
    }
    default:
      return undefined;
  }
}

/** The activation behind a layer's nodes, where nothing else reads what is in between, and all names of what comes of it. */
export function fusedActivation(c: Importer, nodes: readonly NodeProto[], like: Computed) {
  const own = nodes.map((node) => node.outputs[0]);
  const reader = c.onlyReader(own[own.length - 1]);
  const found = reader && activationOf(c, reader, like);
  if (!found) return { activation: { name: 'linear' }, outputs: own, isPositive: false };
  return {
    activation: found,
    outputs: [...own, reader.outputs[0]],
    isPositive: POSITIVE.includes(found.name),
  };
}

/** What an activation of other numbers comes to, by operations; undefined for those that there are not here. */
function composed({ type, attributes }: NodeProto, { value }: Computed): Value | undefined {
  const a = new Attributes(attributes);
  if (type === 'HardSigmoid') {
    const [slope, shift] = [rounded(a.number('alpha', 0.2)), rounded(a.number('beta', 0.5))];
    return ops.clip(ops.add(ops.mul(value, slope), shift), 0, 1);
  }
  if (type !== 'Selu') return undefined;
  const [alpha, gamma] = [rounded(a.number('alpha', 1.67326319)), rounded(a.number('gamma', 1.05070102))];
  const low = ops.mul(ops.elu(ops.minimum(value, 0)), alpha);
  return ops.mul(ops.add(ops.relu(value), low), gamma);
}

/** A node that is an activation by itself. @throws RangeError for one with options that there are not here */
export const activationNode: Handler = (c, [tensor], attributes, node) => {
  let x = c.computed(tensor);
  let config = activationOf(c, node, x);
  if (!config && node.type === 'Softmax') {
    const axis = attributes.number('axis', c.opset < 13 ? 1 : -1);
    const isLast = (axis < 0 ? axis + x.axes.length : axis) === x.axes.length - 1;
    if (c.opset >= 13 || isLast) x = c.withLast(x, axis);
    config = activationOf(c, node, x);
  }
  const other = config ? undefined : composed(node, x);
  if (other) return c.like(x, other, node.type === 'HardSigmoid');
  if (!config) throw new RangeError('its options, or its axis, are not among those that can be read here');
  const name = c.nameFor(node);
  const layer = layers.activation({ activation: config, ...(name && { name }) });
  // softmax is the same for all steps; and so is what takes each number alone
  const value = applied(layer, x.value);
  return c.like(x, value, POSITIVE.includes(config.name));
};

export const ACTIVATIONS = [
  ...Object.keys(PLAIN),
  'LeakyRelu',
  'Elu',
  'Celu',
  'Selu',
  'HardSigmoid',
  'Gelu',
  'Softmax',
];

/** What the pattern x * 0.5 * (1 + erf(x / sqrt(2))) around an Erf comes to, in any order; sets what its last node gives. */
export function geluAround(c: Importer, erf: NodeProto): boolean {
  const before = c.maker(erf.inputs[0]);
  const scale = before && [0, 1].map((i) => scalar(c, before.inputs[i]));
  if (!before || !scale) return false;
  const k = scale.findIndex((n) => n !== undefined && about(n, before.type === 'Div' ? Math.SQRT2 : Math.SQRT1_2));
  if (k < 0 || !['Div', 'Mul'].includes(before.type) || (before.type === 'Div' && k === 0)) return false;
  const x = before.inputs[1 - k];
  const one = c.onlyReader(erf.outputs[0]);
  if (one?.type !== 'Add' || !one.inputs.some((name) => scalar(c, name) === 1)) return false;
  const first = c.onlyReader(one.outputs[0]);
  const other = first?.type === 'Mul' ? first.inputs.find((name) => name !== one.outputs[0]) : undefined;
  if (!first || !other) return false;
  const isHalf = (name: string | undefined) => name !== undefined && scalar(c, name) === 0.5;
  const halved = c.maker(other);
  const isHalfOfX = halved?.type === 'Mul' && halved.inputs.includes(x) && halved.inputs.some(isHalf);
  let last = first;
  if (!isHalfOfX) {
    const second = c.onlyReader(first.outputs[0]);
    const rest = second?.type === 'Mul' ? second.inputs.find((name) => name !== first.outputs[0]) : undefined;
    const fits = other === x ? isHalf(rest) : isHalf(other) && rest === x;
    if (!second || !fits) return false;
    last = second;
  }
  const given = c.computed(c.get(x));
  const layer = layers.activation({ activation: { name: 'gelu', approximate: false } });
  const made = c.like(given, applied(layer, given.value));
  c.setAll(
    [erf, one, first, last].map((node) => node.outputs[0]),
    made,
  );
  return true;
}

/** The same around an Erfc, as tf2onnx writes Keras' though ONNX has no such operation: (0.5 * x) * erfc(-x * sqrt(0.5)). */
export function geluAroundErfc(c: Importer, erfc: NodeProto): boolean {
  const scaled = c.maker(erfc.inputs[0]);
  const last = c.onlyReader(erfc.outputs[0]);
  const halved = c.maker(last?.inputs.find((name) => name !== erfc.outputs[0]));
  if (scaled?.type !== 'Mul' || last?.type !== 'Mul' || halved?.type !== 'Mul') return false;
  const isBy = (name: string, value: number) => about(scalar(c, name) ?? 0, value);
  const neg = c.maker(scaled.inputs.find((name) => !isBy(name, Math.SQRT1_2)));
  if (neg?.type !== 'Neg' || !scaled.inputs.some((name) => isBy(name, Math.SQRT1_2))) return false;
  const [x] = neg.inputs;
  if (!halved.inputs.includes(x) || !halved.inputs.some((name) => isBy(name, 0.5))) return false;
  const given = c.computed(c.get(x));
  const layer = layers.activation({ activation: { name: 'gelu', approximate: false } });
  c.setAll([erfc.outputs[0], last.outputs[0]], c.like(given, applied(layer, given.value)));
  return true;
}

/** The number that a name stands for; undefined where that is not known yet. */
export function scalar(c: Importer, name: string | undefined): number | undefined {
  if (!name || (c.maker(name) && !c.isKnown(name))) return undefined;
  const tensor = c.get(name);
  return tensor?.kind === 'constant' && tensor.data.length === 1 ? tensor.data[0] : undefined;
}
