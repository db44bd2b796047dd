import { type Shape, sizeOf } from '../../graph/value.js';
import type { JsonObject } from '../../io/model-file.js';
import { isPlain } from '../../kind.js';
import { sampleAxis } from '../../layers/axis.js';
import type { Described } from '../keras/config.js';

/** Layers of TensorFlow.js that do together what one of ours does: number `own` of them has its name and its weights. */
export interface Composition {
  readonly layers: readonly Described[];
  readonly own: number;
}

export const layer = (className: string, config: JsonObject = {}): Described => ({ className, config });
export const scaled = (scale: unknown, offset: unknown = 0): Described => layer('Rescaling', { scale, offset });
export const activated = (name: unknown, options: JsonObject = {}): Described =>
  layer('Activation', { activation: { name, ...options } });

/** The layers that an activation is, where TensorFlow.js has no function of it. */
export function activationLayers({ name, alpha }: JsonObject): readonly Described[] | undefined {
  switch (name) {
    case 'leakyRelu':
      return [layer('LeakyReLU', { negativeSlope: alpha })];
    case 'celu':
      return alpha === 1 ? undefined : [scaled(1 / (alpha as number)), activated('elu', { alpha: 1 }), scaled(alpha)];
    case 'logSigmoid':
      return [scaled(-1), activated('softplus'), scaled(-1)];
  }
  return undefined;
}

/** Of an activation that stands alone, whose input no weights make: theirs is another function (see weights.ts). */
export const HARD_SIGMOID: readonly Described[] = [scaled(1, 3), activated('relu6'), scaled(1 / 6)];

/** In prediction these give what they are given; TensorFlow.js has none of them. */
const OF_TRAINING = ['RandomFlip', 'RandomRotation', 'RandomTranslation', 'RandomZoom', 'RandomContrast'];
export const isOfTraining = (className: string): boolean => OF_TRAINING.includes(className);

/**
 * A layer of images, of one column, for sequences of so many steps before and after it. A length that Reshape finds out itself (-1,
 * where it is not always the same) is not known to the layers behind it.
 */
const asImages = ([before, channels]: Shape, after: number, of: Described): readonly Described[] => [
  layer('Reshape', { targetShape: [before, 1, channels] }),
  of,
  layer('Reshape', { targetShape: [before < 0 ? -1 : after, channels] }),
];

/** @param input the shape of the layer's input, -1 first where its length is not always the same */
function parts({ className, config }: Described, input: Shape): Composition | undefined {
  const { padding, groups } = config;
  const [length, channels] = [input[0], input[input.length - 1]];
  const [size, dilation] = [config.kernelSize, config.dilationRate].map((n) => Number([n].flat()[0]));
  if (className === 'Conv1D' && padding === 'causal') {
    const before = (size - 1) * dilation;
    const ends = [
      [before, 0],
      [0, 0],
    ];
    const padded = asImages(input, length + before, layer('ZeroPadding2D', { padding: ends }));
    return { layers: [...padded, layer(className, { ...config, padding: 'valid' })], own: 3 };
  }
  if (className === 'Reshape' && length >= 0) {
    const shape = config.targetShape as Shape;
    const rest = -sizeOf(input) / sizeOf(shape); // where one of them is -1
    return { layers: [layer(className, { ...config, targetShape: shape.map((n) => (n < 0 ? rest : n)) })], own: 0 };
  }
  if (className === 'ZeroPadding1D') {
    const [before, after] = padding as number[];
    const padded = layer('ZeroPadding2D', { ...config, padding: [padding, [0, 0]] });
    return { layers: asImages(input, before + length + after, padded), own: 1 };
  }
  if (className === 'Cropping1D') {
    const [before, after] = config.cropping as number[];
    const rest = layer('Cropping2D', { ...config, cropping: [config.cropping, [0, 0]] });
    return { layers: asImages(input, length - before - after, rest), own: 1 };
  }
  if (className === 'UpSampling1D') {
    const times = config.size as number;
    return { layers: asImages(input, times * length, layer('UpSampling2D', { ...config, size: [times, 1] })), own: 1 };
  }
  if (className === 'Conv2D' && groups !== 1 && groups === channels) {
    const { name, trainable, kernelSize, strides, dilationRate, activation, useBias, biasRegularizer } = config;
    const penalties = { depthwiseRegularizer: config.kernelRegularizer, biasRegularizer }; // of constraints see lost.ts
    const own = { name, trainable, kernelSize, strides, padding, dilationRate, activation, useBias, ...penalties };
    const depthMultiplier = (config.filters as number) / channels;
    return { layers: [layer('DepthwiseConv2D', { ...own, depthMultiplier })], own: 0 };
  }
  if (config.keepDims) {
    const kept = layer('Reshape', { targetShape: [...input.slice(1).map(() => 1), channels] });
    return { layers: [layer(className, { ...config, keepDims: false }), kept], own: 0 };
  }
  if (className === 'Softmax') {
    const last = input.length - 1;
    const axis = sampleAxis(config.axis as number, input.length) as number;
    const own = layer(className, { ...config, axis: -1 });
    if (axis === last) return { layers: [own], own: 0 };
    const exchanged = input.map((_, i) => 1 + (i === axis ? last : i === last ? axis : i));
    const moved = layer('Permute', { dims: exchanged });
    return { layers: [moved, own, moved], own: 1 };
  }
  // there it takes none of one axis
  if (isOfTraining(className) || (className === 'Flatten' && input.length === 1))
    return { layers: [activated('linear')], own: 0 };
  return undefined;
}

/** What a layer is there: itself where there is one like it. */
export function compositionOf(of: Described, input: Shape): Composition {
  const { layers, own } = parts(of, input) ?? { layers: [of], own: 0 };
  const inner = innermost(of);
  const isAlone = inner.className === 'Activation';
  const { activation, recurrentActivation } = inner.config;
  const isOwn = isPlain(activation) && !recurrentActivation && inner.className !== 'SimpleRNN';
  const isHard = isOwn && isAlone && activation.name === 'hardSigmoid';
  const after = isHard ? HARD_SIGMOID : isOwn ? activationLayers(activation) : undefined;
  if (!after) return { layers, own };
  if (isAlone) return { layers: after, own: after.length - 1 }; // of each number, so of each step, too
  return { layers: [...layers.slice(0, own), linear(layers[own]), ...after], own };
}

/** A layer, or the one that is applied to each step. */
const innermost = (of: Described): Described =>
  of.className === 'TimeDistributed' ? innermost(of.config.layer as Described) : of;

/** The same without its activation. */
const linear = ({ className, config }: Described): Described =>
  className === 'TimeDistributed'
    ? layer(className, { ...config, layer: linear(config.layer as Described) })
    : layer(className, { ...config, activation: { name: 'linear' } });
