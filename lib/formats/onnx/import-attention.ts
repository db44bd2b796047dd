import { NDArray } from '../../array.js';
import { layers } from '../../layers/index.js';
import type { Attributes } from './attributes.js';
import { BOOL } from './decode.js';
import type { Handler } from './import-layers.js';
import type { Importer } from './importer.js';
import { type Computed, type Constant, computed, hidesRow, LOWEST, rounded, type Tensor } from './tensors.js';
import { ops } from './untyped.js';

/** Of [batch, heads, steps, features], or [batch, steps, heads * features], the value [heads, steps, features]. */
function headsOf(c: Importer, tensor: Tensor | undefined, attributes: Attributes, count: string) {
  const given = c.plain(c.computed(tensor, 'what it takes'));
  const { value, steps, axes } = given;
  if (steps) throw new RangeError('its heads are part of the batch');
  if (axes.length === 4) return value;
  const heads = attributes.number(count, 0);
  const [T, size] = value.shape;
  if (axes.length !== 3 || !(heads >= 1) || size % heads !== 0)
    throw new RangeError(`it has ${heads} heads of ${size} numbers`);
  return ops.transpose(ops.reshape(value, [T, heads, size / heads]), [1, 0, 2]);
}

const GIVE_BOOLS = /^(Equal|Greater|GreaterOrEqual|Less|LessOrEqual|And|Or|Xor|Not|IsNaN|IsInf)$/;
const KEEP_TYPES = /^(Identity|Unsqueeze|Squeeze|Reshape|Expand|Transpose|Slice|Split|Concat|Gather|Tile|Flatten)$/;

/** Whether a tensor is one of booleans, which hide by false; others are added. */
function isOfBools(c: Importer, name: string): boolean {
  let own = name;
  for (let node = c.maker(own); node; node = c.maker(own)) {
    if (GIVE_BOOLS.test(node.type)) return true;
    if (node.type === 'Cast') return node.attributes.get('to') === BOOL;
    if (node.type === 'CastLike') [, own] = node.inputs;
    else if (node.type === 'Where') [, own] = node.inputs;
    else if (KEEP_TYPES.test(node.type)) [own] = node.inputs;
    else return false;
  }
  return c.graph.inputs.some((port) => port.name === own && port.type === BOOL);
}

/** Hidden scores are the lowest number. @throws RangeError for a row that hides all, which is 0 there and no softmax */
function hiddenBy(c: Importer, scores: Computed, mask: Constant): Computed {
  const isHidden = (n: number) => n === (mask.isFloat ? Number.NEGATIVE_INFINITY : 0);
  if (hidesRow(mask, isHidden)) throw new RangeError('it hides all steps from one');
  const added = Float64Array.from(mask.data, (n) => (isHidden(n) ? LOWEST : mask.isFloat ? n : 0));
  return c.like(scores, ops.add(scores.value, c.against(scores, { ...mask, isFloat: true, data: added })));
}

function maskedBy(c: Importer, scores: Computed, mask: Tensor | undefined, isBool: boolean): Computed {
  if (!mask) return scores;
  if (mask.kind === 'constant') return hiddenBy(c, scores, mask);
  const own = c.plain(c.raised(c.computed(mask, 'its mask'), 4));
  if (own.steps) throw new RangeError('its mask has a batch of its own');
  const value = isBool ? ops.where(own.value, scores.value, LOWEST) : ops.add(scores.value, own.value);
  return c.like(scores, value);
}

/** softmax(scale q k^T + mask) v, by heads; those of q share those of k and v where they are more. */
const attention: Handler = (c, [a, b, d, mask, ...more], attributes, node) => {
  if (more.some(Boolean)) throw new RangeError('it takes keys and values of earlier steps, or lengths');
  if (node.outputs.slice(1).some((name) => c.isRead(name))) throw new RangeError('more is used than its result');
  const q = headsOf(c, a, attributes, 'q_num_heads');
  const [H, T, size] = q.shape;
  const ofQuery = (tensor: Tensor | undefined) => {
    const own = headsOf(c, tensor, attributes, 'kv_num_heads');
    const [heads, S, width] = own.shape;
    if (heads === H) return own;
    if (H % heads !== 0) throw new RangeError(`it has ${H} heads for ${heads} of its keys`);
    const ones = NDArray.wrap(new Float64Array(H / heads).fill(1), [1, H / heads, 1, 1]);
    return ops.reshape(ops.mul(ops.reshape(own, [heads, 1, S, width]), ones), [H, S, width]);
  };
  const [k, v] = [ofQuery(b), ofQuery(d)];
  const [, S] = k.shape;
  const scale = attributes.has('scale') ? rounded(attributes.number('scale', 1)) : 1 / Math.sqrt(size);
  const products = ops.mul(ops.matmul(q, ops.transpose(k, [0, 2, 1])), scale);
  const softcap = rounded(attributes.number('softcap', 0));
  const capped = softcap === 0 ? products : ops.mul(ops.tanh(ops.div(products, softcap)), softcap);
  let scores = maskedBy(c, computed(capped), mask, isOfBools(c, node.inputs[3] ?? '')).value;
  if (attributes.number('is_causal', 0) === 1) {
    c.budget.take(T * S);
    const isSeen = Float64Array.from({ length: T * S }, (_, i) => Number(i % S <= Math.floor(i / S)));
    scores = ops.where(NDArray.wrap(isSeen, [1, T, S]), scores, LOWEST);
  }
  const y = ops.matmul(ops.softmax(scores), v);
  const isByHeads = c.computed(a).axes.length === 4;
  return computed(isByHeads ? y : ops.reshape(ops.transpose(y, [1, 0, 2]), [T, H * v.shape[2]]));
};

const rmsNormalization: Handler = (c, [a, scale], attributes, node) => {
  const given = c.computed(a);
  const axis = attributes.number('axis', -1);
  if (axis !== -1 && axis !== given.axes.length - 1) throw new RangeError('it goes over more than the last axis');
  const x = c.withLast(given, -1);
  const gamma = c.constant(scale, 'its scale');
  const shape = [x.value.shape.at(-1) as number];
  const epsilon = rounded(attributes.number('epsilon', 1e-5));
  const layer = c.layerOf(
    ['rmsNormalization', epsilon],
    [gamma],
    () => {
      const name = c.nameFor(node, gamma);
      return layers.rmsNormalization({ epsilon, ...(name && { name }) });
    },
    { scale: { shape, data: c.whole(gamma, shape).data } },
  );
  return c.like(x, c.apply(layer, x));
};

/** Operations of opset 23, which PyTorch writes for what it has as one function. */
export const ATTENTION: Readonly<Record<string, Handler>> = {
  Attention: attention,
  RMSNormalization: rmsNormalization,
};
