import { sizeOf } from '../../graph/value.js';
import { transposedPlaces } from '../../layers/conv-transpose.js';
import { layers } from '../../layers/index.js';
import type { Padding, Pair } from '../../layers/window.js';
import type { Attributes } from './attributes.js';
import type { NodeProto } from './decode.js';
import { namesOf } from './holders.js';
import { fusedActivation } from './import-activations.js';
import { biasOf, type Handler, numbersOf, pixels } from './import-layers.js';
import type { Importer } from './importer.js';
import { transposed } from './onnx-graph.js';
import { type Computed, type Constant, channelsFirst, computed, isSame, type Tensor } from './tensors.js';
import { applied, ops } from './untyped.js';

/** What says how long the output of a layer is. */
interface Lengths {
  readonly padding: Padding;
  readonly outputPadding?: Pair;
}
const PADDINGS: readonly Lengths[] = [{ padding: 'valid' }, { padding: 'same' }];
const pair = (numbers: readonly number[]) => numbers as unknown as Pair;

/** A transposed convolution, of any padding. */
export const convTranspose: Handler = (c, [a, b, added], attributes, node) => {
  const bias = c.parameters.bias(added);
  const x = c.channelsLast(c.computed(a));
  const weight = c.constant(b, 'its kernel');
  if (weight.shape.length === 3 && x.axes.length === 3 && !x.steps)
    return transposedSequence(c, x, weight, bias, attributes, node);
  if (weight.shape.length !== 4) throw new RangeError('it is not of images');
  const groups = attributes.number('group', 1);
  if (groups !== 1) return grouped(c, x, weight, bias, attributes, node, groups);
  const [, filters, ...size] = weight.shape;
  const [strides, dilations] = ['strides', 'dilations'].map((name) => attributes.numbers(name) ?? [1, 1]);
  const given = attributes.numbers('pads') ?? [0, 0, 0, 0];
  const more = attributes.numbers('output_padding') ?? [0, 0];
  if (attributes.has('output_shape') || attributes.string('auto_pad', 'NOTSET') !== 'NOTSET')
    throw new RangeError('it says the shape of its output, or auto_pad');
  const extent = size.map((n, k) => (n - 1) * dilations[k] + 1);
  const along = pixels(x).map((n, k) => strides[k] * (n - 1) + extent[k] + more[k] - given[k] - given[k + 2]);
  const places = ({ padding, outputPadding: more }: Lengths) =>
    transposedPlaces(pixels(x), { size, strides: pair(strides), dilations: pair(dilations), padding, more });
  const longer = PADDINGS.map(({ padding }): Lengths => {
    const least = places({ padding, outputPadding: [0, 0] }).size;
    return { padding, outputPadding: pair(along.map((n, k) => n - least[k])) };
  });
  const fits = [...PADDINGS, ...longer].find((own) => {
    const made = places(own);
    const isOne = !own.outputPadding || own.outputPadding.every((n, k) => n >= 0 && n < strides[k]);
    return isOne && isSame(made.size, along) && isSame(made.before, given.slice(0, 2));
  });
  // else as much as 'valid' gives, less its edges
  const whole = places({ padding: 'valid' }).size;
  if (along.some((n) => n < 1) || (!fits && along.some((n, k) => given[k] + n > whole[k])))
    throw new RangeError(`its pads [${given.join(', ')}] and output_padding [${more.join(', ')}] are of no layer here`);
  const kernel = transposed(numbersOf(weight), [2, 3, 1, 0]);
  const { activation, outputs, isPositive } = fusedActivation(c, [node], x);
  const options = {
    filters,
    kernelSize: pair(size),
    strides: pair(strides),
    dilationRate: pair(dilations),
    ...(fits ?? { padding: 'valid' }),
    useBias: !!bias,
    activation,
  } as const;
  const layer = c.layerOf(
    ['convTranspose', options],
    [weight, bias],
    () => {
      const name = c.nameFor(node, weight);
      return layers.conv2dTranspose({ ...options, ...(name && { name }) });
    },
    { kernel, ...(bias && { bias: biasOf(c, bias, filters) }) },
  );
  const value = c.apply(layer, x);
  const edge = x.steps ? [0] : [];
  const cropped = fits
    ? value
    : ops.slice(value, [...edge, ...given.slice(0, 2), 0], [...edge.map(() => -1), ...along, -1]);
  return c.setAll(outputs, c.like(x, cropped, isPositive));
};

/** Of groups of channels, each by filters of its own: a layer for each, and what they give side by side. */
function grouped(
  c: Importer,
  x: Computed,
  weight: Constant,
  bias: Tensor | undefined,
  attributes: Attributes,
  node: NodeProto,
  groups: number,
): Tensor {
  const [channels, filters, ...size] = weight.shape;
  if (!(groups > 0) || channels % groups !== 0 || x.value.shape.at(-1) !== channels)
    throw new RangeError(`its ${x.value.shape.at(-1)} channels are not ${groups} groups of those of its kernel`);
  const own = channels / groups;
  const biases = bias && biasOf(c, bias, filters * groups);
  const edge = (n: number) => x.value.shape.slice(0, -1).map(() => n);
  const partOf = ({ data }: Pick<Constant, 'data'>, g: number, shape: readonly number[]): Constant => {
    const n = sizeOf(shape);
    return {
      kind: 'constant',
      isFloat: true,
      shape,
      data: Float64Array.from({ length: n }, (_, i) => data[g * n + i]),
      parts: namesOf(weight),
      isMoved: true,
    };
  };
  const parts = Array.from({ length: groups }, (_, g) => {
    const channelsOf = ops.slice(x.value, [...edge(0), g * own], [...edge(-1), own]);
    const numbers = [partOf(weight, g, [own, filters, ...size]), biases && partOf(biases, g, [filters])];
    const outputs = [`${node.outputs[0]} of group ${g}`];
    const made = convTranspose(c, [c.like(x, channelsOf), ...numbers], attributes.without('group'), {
      ...node,
      outputs,
    });
    return c.computed(made as Tensor).value;
  });
  return c.like(x, applied(layers.concatenate(), parts));
}

/** The same of a sequence, as an image one pixel wide. */
function transposedSequence(
  c: Importer,
  x: Computed,
  weight: Constant,
  bias: Tensor | undefined,
  attributes: Attributes,
  node: NodeProto,
): Tensor {
  const [steps, channels] = x.value.shape;
  const image = applied(layers.reshape({ targetShape: [steps, 1, channels] }), x.value);
  const made = convTranspose(
    c,
    [computed(image, channelsFirst(3)), { ...weight, shape: [...weight.shape, 1] }, bias],
    attributes.widened(),
    { ...node, outputs: [`${node.outputs[0]} as an image`] },
  );
  const { value } = c.computed(made as Tensor);
  const [length, , filters] = value.shape;
  return computed(applied(layers.reshape({ targetShape: [length, filters] }), value), channelsFirst(2));
}
