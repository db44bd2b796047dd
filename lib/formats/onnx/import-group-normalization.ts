import { sizeOf } from '../../graph/value.js';
import { layers } from '../../layers/index.js';
import type { Attributes } from './attributes.js';
import type { NodeProto } from './decode.js';
import type { Handler } from './import-layers.js';
import { behind, isFilledWith, isOneShape } from './import-normalization.js';
import type { Importer } from './importer.js';
import { BATCH, type Computed, type Constant, dimsOf, type Numbers, rounded, shapeOf, type Tensor } from './tensors.js';

/** What is normalized, with its channels last. */
const ofImages = (c: Importer, x: Computed) => (x.axes.length > 2 ? c.channelsLast(x) : x);

/** Applies a layer of groups, -1 for one of each channel, with gamma and beta where there are any. */
function applied(
  c: Importer,
  x: Computed,
  node: NodeProto,
  { groups, epsilon, gamma, beta }: { groups: number; epsilon: number; gamma?: Constant; beta?: Constant },
): Tensor {
  const channels = x.value.shape.at(-1) as number;
  // before version 21 there was one number a group
  const ofChannels = (weight: Constant): Numbers => {
    const own = c.whole(weight, weight.shape.length === 1 && weight.shape[0] === groups ? [groups] : [channels]).data;
    const each = channels / own.length;
    return { shape: [channels], data: Float64Array.from({ length: channels }, (_, k) => own[Math.floor(k / each)]) };
  };
  const options = { groups, epsilon, scale: !!gamma, center: !!beta };
  const layer = c.layerOf(
    ['groupNormalization', options, gamma || beta ? undefined : node.outputs[0]],
    [gamma, beta],
    () => {
      const name = c.nameFor(node, gamma);
      return layers.groupNormalization({ ...options, ...(name && { name }) });
    },
    { ...(gamma && { gamma: ofChannels(gamma) }), ...(beta && { beta: ofChannels(beta) }) },
  );
  return c.like(x, c.apply(layer, x));
}

export const groupNormalization: Handler = (c, [a, scale, bias], attributes, node) => {
  const x = ofImages(c, c.computed(a));
  const channels = x.value.shape.at(-1) as number;
  const groups = attributes.number('num_groups', 0);
  if (groups < 1 || channels % groups !== 0) throw new RangeError(`it has ${groups} groups of ${channels} channels`);
  const [gamma, beta] = [c.constant(scale, 'its scale'), c.constant(bias, 'its bias')];
  return applied(c, x, node, { groups, epsilon: epsilonOf(attributes), gamma, beta });
};

export const instanceNormalization: Handler = (c, inputs, attributes, node) => {
  const ofGroups = groupNormalizationAround(c, inputs, attributes, node);
  if (ofGroups) return ofGroups;
  const [gamma, beta] = [c.constant(inputs[1], 'its scale'), c.constant(inputs[2], 'its bias')];
  // ones and zeros that an exporter made stand for no weights at all
  const isWeight = [gamma, beta].some(({ name }) => name !== undefined && !name.startsWith('val_'));
  const isBare = !isWeight && isFilledWith(gamma, 1) && isFilledWith(beta, 0);
  const x = ofImages(c, c.computed(inputs[0]));
  return applied(c, x, node, { groups: -1, epsilon: epsilonOf(attributes), ...(!isBare && { gamma, beta }) });
};

const epsilonOf = (attributes: Attributes): number => rounded(attributes.number('epsilon', 1e-5));

/** Whether a node gives the shape that a tensor has, by itself or as numbers. */
function isShapeOf(c: Importer, name: string, of: string, x: Computed): boolean {
  const node = c.maker(name);
  if (node?.type === 'Shape')
    return node.inputs[0] === of && !node.attributes.has('end') && (node.attributes.get('start') ?? 0) === 0;
  const to = !node || c.isKnown(name) ? c.get(name) : undefined;
  return (to?.kind === 'dims' || to?.kind === 'constant') && isOneShape(dimsOf(to), shapeOf(x));
}

/**
 * PyTorch's group normalization as its exporters write it: an InstanceNormalization of [batch, groups, numbers of a group] by ones and
 * zeros; then the shape from before, times gamma, plus beta, of channels. Sets what its last node gives; undefined for others.
 */
function groupNormalizationAround(
  c: Importer,
  [a, scale, bias]: readonly (Tensor | undefined)[],
  attributes: Attributes,
  node: NodeProto,
): readonly Tensor[] | undefined {
  const before = c.maker(node.inputs[0]);
  const source = before?.type === 'Reshape' ? c.get(before.inputs[0]) : undefined;
  const last = c.onlyReader(node.outputs[0]);
  if (a?.kind !== 'computed' || source?.kind !== 'computed' || !before || last?.type !== 'Reshape') return undefined;
  if (source.axes[0] !== BATCH || source.steps || !isFilledWith(scale, 1) || !isFilledWith(bias, 0)) return undefined;
  const [, groups, n, ...others] = shapeOf(a);
  const [, channels, ...size] = shapeOf(source) as number[];
  const isOfGroups =
    typeof groups === 'number' && others.length === 0 && groups * (n as number) === channels * sizeOf(size);
  if (!isOfGroups || channels % groups !== 0 || !isShapeOf(c, last.inputs[1], before.inputs[0], source))
    return undefined;
  const rank = source.axes.length;
  const back = last.outputs[0];
  const of = [channels, ...size.map(() => 1)];
  const gamma = behind(c, back, 'Mul', of, rank);
  const beta = behind(c, gamma?.output ?? back, 'Add', of, rank);
  const vector = (weight: Constant): Constant => ({ ...weight, shape: [channels] });
  const made = applied(c, ofImages(c, source), node, {
    groups,
    epsilon: epsilonOf(attributes),
    ...(gamma && { gamma: vector(gamma.weight) }),
    ...(beta && { beta: vector(beta.weight) }),
  });
  c.setAll([back, gamma?.output ?? back, beta?.output ?? back], made);
  return [];
}
