import type { JsonObject } from '../../io/model-file.js';
import { isPlain } from '../../kind.js';
import { LEAST_DEVIATION } from '../../layers/normalization.js';
import { type Described, kerasLayer } from '../keras/config.js';
import type { KerasObject } from '../keras/config-parts.js';

const OTHERS = "formats 'onnx' and 'keras' hold it";

/** Layers of ours that TensorFlow.js (4.22) has, and makes of a file. */
const LAYERS = new Set([
  ...[
    'Dense',
    'Activation',
    'Dropout',
    'SpatialDropout1D',
    'SpatialDropout2D',
    'GaussianNoise',
    'GaussianDropout',
    'AlphaDropout',
    'Flatten',
    'Reshape',
    'Permute',
    'RepeatVector',
  ],
  ...[
    'Conv1D',
    'Conv2D',
    'Conv2DTranspose',
    'DepthwiseConv2D',
    'SeparableConv2D',
    'UpSampling2D',
    'ZeroPadding2D',
    'Cropping2D',
  ],
  ...['MaxPooling1D', 'MaxPooling2D', 'AveragePooling1D', 'AveragePooling2D'],
  ...['GlobalMaxPooling1D', 'GlobalMaxPooling2D', 'GlobalAveragePooling1D', 'GlobalAveragePooling2D'],
  ...[
    'BatchNormalization',
    'Normalization',
    'LayerNormalization',
    'LeakyReLU',
    'ReLU',
    'ELU',
    'PReLU',
    'Softmax',
    'Rescaling',
    'Embedding',
    'Masking',
  ],
  ...['SimpleRNN', 'LSTM', 'GRU', 'Bidirectional', 'TimeDistributed'],
  ...['Add', 'Multiply', 'Average', 'Maximum', 'Minimum', 'Concatenate', 'Dot'],
]);

const NAMED = ['linear', 'sigmoid', 'tanh', 'relu', 'relu6', 'selu', 'softplus', 'softsign', 'softmax', 'mish'];

/** What TensorFlow.js calls an activation; its hard sigmoid is another function: see weights.ts. */
function activationName(place: string, { name, alpha, approximate }: JsonObject): string {
  if (NAMED.includes(name as string)) return name as string;
  if (name === 'silu') return 'swish';
  if (name === 'hardSigmoid') return 'hard_sigmoid';
  // 'gelu_new' it has too, but makes 'geluNew' of it when it reads a file
  if (name === 'gelu' && !approximate) return name;
  // where alpha is 1, celu is elu; it has no other elu
  if ((name === 'elu' || name === 'celu') && alpha === 1) return 'elu';
  throw new TypeError(`Expected ${place} to be an activation that TensorFlow.js reads, got '${name}' (${OTHERS})`);
}

/** The shape of a dropout of whole channels of images. */
const EACH_CHANNEL = [null, 1, 1, null];

/** @throws TypeError naming the layer that TensorFlow.js lacks, or the option of it */
export function tfjsLayer(place: string, layer: Described): KerasObject {
  const { className } = layer;
  // the first it cannot read: see lost.ts; the second has a layer of its own: see compositions.ts
  const { activityRegularizer: _, keepDims, ...config } = layer.config;
  const refuse = (what: string) => {
    throw new TypeError(`Expected ${place} to be ${what}, as TensorFlow.js has no other (${OTHERS})`);
  };
  if (!LAYERS.has(className))
    throw new TypeError(`Expected ${place} to be one that TensorFlow.js has, got ${className} (${OTHERS})`);
  if (className === 'GRU' && config.resetAfter) refuse('a GRU with resetAfter false');
  if (config.stateful) refuse('one that is not stateful');
  if (keepDims) refuse('one without keepDims');
  if (config.outputPadding !== undefined) refuse('a convolution without outputPadding');
  const [isDilated, isStrided] = [config.dilationRate, config.strides].map((n) => [n ?? 1].flat().some((k) => k !== 1));
  // the first two are left without dilation, without a word
  if (isDilated && (className === 'DepthwiseConv2D' || className === 'Conv2DTranspose'))
    refuse('a convolution without dilation');
  if (isDilated && isStrided) refuse('a convolution with strides or dilation, not both');
  if (/^Conv[12]D$/.test(className) && (config.groups ?? 1) !== 1) refuse('a convolution of one group');
  // 'bilinear' takes the corners of pixels for their middles there, and gives what lies half a pixel away
  if (className === 'UpSampling2D' && (config.interpolation ?? 'nearest') !== 'nearest')
    refuse("of the interpolation 'nearest'");
  if (className === 'Softmax' && config.axis !== -1) refuse('a Softmax along the last axis (-1)');
  if (className === 'Conv1D' && config.padding === 'causal') refuse("a convolution with the padding 'valid' or 'same'");
  if (className === 'SpatialDropout2D') {
    const made = kerasLayer(place, { className, config });
    return { class_name: 'Dropout', config: { ...made.config, noise_shape: EACH_CHANNEL } };
  }
  if (className === 'ReLU') return relu(config, refuse);
  if (className === 'Normalization') {
    const frozen = { trainable: false, center: false, scale: false, epsilon: LEAST_DEVIATION ** 2 };
    return kerasLayer(place, { className: 'BatchNormalization', config: { ...config, ...frozen } });
  }
  if (className === 'Bidirectional') return bidirectional(place, config, refuse);
  if (className === 'TimeDistributed') {
    const inner = config.layer as Described;
    return { class_name: className, config: { ...named(config), layer: tfjsLayer(`the layer of ${place}`, inner) } };
  }
  const activations = Object.entries(config).filter(([key]) => /activation$/i.test(key));
  const plain = Object.fromEntries(activations.map(([key]) => [key, undefined]));
  const made = kerasLayer(place, { className, config: { ...config, ...plain } });
  const own = Object.entries(made.config).map(([key, value]) => [key, part(value)]);
  const names = activations.map(([key, value]) => [
    key === 'activation' ? key : 'recurrent_activation',
    activationName(place, value as JsonObject),
  ]);
  const all: JsonObject = Object.fromEntries([...own, ...names]);
  if (className !== 'LeakyReLU') return { class_name: className, config: all };
  const { negative_slope: alpha, ...rest } = all;
  return { class_name: className, config: { ...rest, alpha } };
}

const named = ({ name, trainable }: JsonObject): JsonObject => ({ name, ...(trainable === false && { trainable }) });

/** It has layers for a largest value, for a slope and for a threshold, none for two of these. */
function relu(
  { maxValue, negativeSlope, threshold, ...config }: JsonObject,
  refuse: (what: string) => void,
): KerasObject {
  const isLimited = maxValue !== undefined;
  if (negativeSlope === 0 && threshold === 0)
    return { class_name: 'ReLU', config: { ...named(config), ...(isLimited && { max_value: maxValue }) } };
  if (isLimited || (negativeSlope !== 0 && threshold !== 0)) refuse('a ReLU with one of its options');
  return threshold === 0
    ? { class_name: 'LeakyReLU', config: { ...named(config), alpha: negativeSlope } }
    : { class_name: 'ThresholdedReLU', config: { ...named(config), theta: threshold } };
}

function bidirectional(place: string, config: JsonObject, refuse: (what: string) => void): KerasObject {
  const { layer, backwardLayer, mergeMode } = config as unknown as Record<'layer' | 'backwardLayer', Described> &
    JsonObject;
  const other = ({ config: { name, goBackwards, ...rest } }: Described) => JSON.stringify(rest);
  if (layer.className !== backwardLayer.className || other(layer) !== other(backwardLayer))
    refuse('one of two layers with the same options');
  const forward = `${layer.config.name}`.replace(/^forward_/, ''); // which TensorFlow.js writes before the name
  const inner = tfjsLayer(`the layer of ${place}`, { ...layer, config: { ...layer.config, name: forward } });
  return { class_name: 'Bidirectional', config: { ...named(config), layer: inner, merge_mode: mergeMode } };
}

const CLASSES: Readonly<Record<string, string>> = {
  LecunUniform: 'LeCunUniform',
  LecunNormal: 'LeCunNormal',
  OrthogonalInitializer: 'Orthogonal',
  IdentityInitializer: 'Identity',
};

/** Initializers, regularizers and constraints, as TensorFlow.js spells them. */
function part(value: unknown): unknown {
  if (!isPlain(value) || typeof value.class_name !== 'string' || !isPlain(value.config)) return value;
  const { class_name: name, config } = value;
  if (name === 'L1' || name === 'L2') return { class_name: 'L1L2', config: { l1: 0, l2: 0, ...config } };
  return { class_name: Object.hasOwn(CLASSES, name) ? CLASSES[name] : name, config };
}

/** Networks within networks, and layers within layers: no one writes more. */
const MAX_DEPTH = 40;

/** A network or layer of TensorFlow.js as Keras 2 would have it: with the defaults of TensorFlow.js where it leaves them out. */
export function likeKeras(entry: unknown, depth = 0): unknown {
  if (!isPlain(entry) || !isPlain(entry.config) || depth > MAX_DEPTH) return entry;
  const { class_name: className, config: given } = entry;
  const config: Record<string, unknown> = { trainable: true, ...given }; // which tells layers from operations
  if (Array.isArray(config.layers)) config.layers = config.layers.map((layer) => likeKeras(layer, depth + 1));
  for (const key of ['layer', 'backward_layer'])
    if (config[key] !== undefined) config[key] = likeKeras(config[key], depth + 1);
  if (className === 'Reshape' && Array.isArray(config.target_shape))
    config.target_shape = config.target_shape.map((n) => n ?? -1);
  if (className === 'GRU') config.reset_after ??= false;
  if (className === 'GRU' || className === 'LSTM') config.recurrent_activation ??= 'hard_sigmoid';
  if (className === 'Dropout' && `${config.noise_shape}` === `${EACH_CHANNEL}`)
    return { ...entry, class_name: 'SpatialDropout2D', config: { ...config, noise_shape: null } };
  return { ...entry, config };
}
