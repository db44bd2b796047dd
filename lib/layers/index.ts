import { takeOptionsAlone } from '../check.js';
import type { Named } from '../graph/name-types.js';
import type { Shape, Value } from '../graph/value.js';
import { markClasses } from '../made.js';
import { Activation } from './activation.js';
import { LeakyReLU, PReLU, ReLU, Softmax } from './advanced-activations.js';
import { AdditiveAttention, type AdditiveAttentionOptions, Attention, type AttentionOptions } from './attention.js';
import { RandomContrast, RandomFlip, RandomRotation, RandomTranslation, RandomZoom } from './augmentation.js';
import { BatchNormalization } from './batch-normalization.js';
import { Bidirectional } from './bidirectional.js';
import { Concatenate } from './concatenate.js';
import { Conv1DTranspose, Conv2DTranspose } from './conv-transpose.js';
import { Conv1D } from './conv1d.js';
import { Conv2D } from './conv2d.js';
import { Dense } from './dense.js';
import { DepthwiseConv1D, DepthwiseConv2D } from './depthwise-conv.js';
import { Dot } from './dot.js';
import { Dropout } from './dropout.js';
import { Embedding } from './embedding.js';
import { GroupNormalization } from './group-normalization.js';
import { GRU, type GRUOptions } from './gru.js';
import { Lambda } from './lambda.js';
import type { Layer, LayerOptions, Values } from './layer.js';
import { LayerNormalization } from './layer-normalization.js';
import { LSTM, type LSTMOptions } from './lstm.js';
import { Masking } from './masking.js';
import { Add, Average, Maximum, Minimum, Multiply, Subtract } from './merge.js';
import { MultiHeadAttention, type MultiHeadAttentionOptions } from './multi-head-attention.js';
import { AlphaDropout, GaussianDropout, GaussianNoise, SpatialDropout1D, SpatialDropout2D } from './noise.js';
import { Normalization } from './normalization.js';
import { Cropping1D, Cropping2D, ZeroPadding1D, ZeroPadding2D } from './padding.js';
import { Parameter } from './parameter.js';
import { Permute } from './permute.js';
import {
  AveragePooling2D,
  GlobalAveragePooling2D,
  GlobalMaxPooling2D,
  type GlobalPoolingOptions,
  MaxPooling2D,
} from './pooling.js';
import { AveragePooling1D, GlobalAveragePooling1D, GlobalMaxPooling1D, MaxPooling1D } from './pooling1d.js';
import { RBF } from './rbf.js';
import type { RecurrentOptions } from './recurrent.js';
import { registerBuiltIn } from './registry.js';
import { Rescaling } from './rescaling.js';
import { RepeatVector, UpSampling1D, UpSampling2D } from './resizing.js';
import { RMSNormalization } from './rms-normalization.js';
import { SeparableConv1D, SeparableConv2D } from './separable-conv.js';
import { Flatten, InputLayer, Reshape, type ReshapeOptions } from './shape.js';
import { SimpleRNN } from './simple-rnn.js';
import { TimeDistributed } from './time-distributed.js';
import { UnitNormalization } from './unit-normalization.js';

// The layers' types, by which declarations of programs name what the factories return.
export type { Activation as ActivationLayer, ActivationOptions } from './activation.js';
export type {
  LeakyReLU,
  LeakyReLUOptions,
  PReLU,
  PReLUOptions,
  ReLU,
  ReLUOptions,
  Softmax,
  SoftmaxOptions,
} from './advanced-activations.js';
export type { AdditiveAttention, AdditiveAttentionOptions, Attention, AttentionOptions } from './attention.js';
export type { AttentionLayerOptions } from './attention-layer.js';
export type {
  RandomContrast,
  RandomContrastOptions,
  RandomFlip,
  RandomFlipOptions,
  RandomRotation,
  RandomRotationOptions,
  RandomTranslation,
  RandomTranslationOptions,
  RandomZoom,
  RandomZoomOptions,
  ResamplingOptions,
} from './augmentation.js';
export type { BatchNormalization, BatchNormalizationOptions } from './batch-normalization.js';
export type { Bidirectional, BidirectionalOptions } from './bidirectional.js';
export type { Concatenate, ConcatenateOptions } from './concatenate.js';
export type {
  Conv1DTranspose,
  Conv1DTransposeOptions,
  Conv2DTranspose,
  Conv2DTransposeOptions,
} from './conv-transpose.js';
export type { Conv1D, Conv1DOptions } from './conv1d.js';
export type { Conv2D, Conv2DOptions } from './conv2d.js';
export type { Dense, DenseOptions } from './dense.js';
export type {
  DepthwiseConv1D,
  DepthwiseConv1DOptions,
  DepthwiseConv2D,
  DepthwiseConv2DOptions,
} from './depthwise-conv.js';
export type { DepthwiseLayerOptions } from './depthwise-layer.js';
export type { Dot, DotOptions } from './dot.js';
export type { Dropout, DropoutOptions, ValueDropoutOptions } from './dropout.js';
export type { Embedding, EmbeddingOptions } from './embedding.js';
export type { FilterLayerOptions } from './filter-layer.js';
export type { GroupNormalization, GroupNormalizationOptions } from './group-normalization.js';
export type { GRU, GRUOptions } from './gru.js';
export type { KernelLayerOptions } from './kernel-layer.js';
export type { Lambda } from './lambda.js';
export type { LayerNormalization, LayerNormalizationOptions } from './layer-normalization.js';
export type { LSTM, LSTMOptions } from './lstm.js';
export type { Masking, MaskingOptions } from './masking.js';
export type { Add, Average, Maximum, Minimum, Multiply, Subtract } from './merge.js';
export type { MultiHeadAttention, MultiHeadAttentionOptions } from './multi-head-attention.js';
export type {
  AlphaDropout,
  GaussianDropout,
  GaussianNoise,
  GaussianNoiseOptions,
  SpatialDropout1D,
  SpatialDropout2D,
} from './noise.js';
export type { Normalization } from './normalization.js';
export type { NormalizingLayerOptions } from './normalizing-layer.js';
export type {
  Cropping1D,
  Cropping1DOptions,
  Cropping2D,
  Cropping2DOptions,
  ZeroPadding1D,
  ZeroPadding1DOptions,
  ZeroPadding2D,
  ZeroPadding2DOptions,
} from './padding.js';
export type { Permute, PermuteOptions } from './permute.js';
export type {
  AveragePooling2D,
  GlobalAveragePooling2D,
  GlobalMaxPooling2D,
  GlobalPoolingOptions,
  MaxPooling2D,
  Pooling2DOptions,
} from './pooling.js';
export type {
  AveragePooling1D,
  GlobalAveragePooling1D,
  GlobalMaxPooling1D,
  MaxPooling1D,
  Pooling1DOptions,
} from './pooling1d.js';
export type { RBF, RBFOptions } from './rbf.js';
export type { RecurrentOptions } from './recurrent.js';
export type { Rescaling, RescalingOptions } from './rescaling.js';
export type {
  RepeatVector,
  RepeatVectorOptions,
  UpSampling1D,
  UpSampling1DOptions,
  UpSampling2D,
  UpSampling2DOptions,
} from './resizing.js';
export type { RMSNormalization, RMSNormalizationOptions } from './rms-normalization.js';
export type {
  SeparableConv1D,
  SeparableConv1DOptions,
  SeparableConv2D,
  SeparableConv2DOptions,
} from './separable-conv.js';
export type { Flatten, InputLayer, Reshape, ReshapeOptions } from './shape.js';
export type { SimpleRNN } from './simple-rnn.js';
export type { TimeDistributed, TimeDistributedOptions } from './time-distributed.js';
export type { UnitNormalization, UnitNormalizationOptions } from './unit-normalization.js';

type WithName<N extends string> = { readonly name?: N };
/** No options but those. */
type Only<O, All> = { readonly [K in Exclude<keyof O, keyof All>]: never };

/** The classes that the factories make, by the names that files know them by. */
const classes: Record<string, new (options: any) => Layer<any>> = {};

/** The factory of the class `type`; and then such that TypeScript remembers the layer's name. */
function make(name: string, type: new (options: any) => Layer<any>): (options?: any) => any {
  classes[name] = type;
  return (options) => new type(options);
}
const named = <O extends LayerOptions, L extends Layer<any>>(name: string, type: new (options: O) => L) =>
  make(name, type) as <const N extends string = string>(options: O & WithName<N>) => L & Named<N>;
const namedOrNot = <O extends LayerOptions, L extends Layer<any>>(name: string, type: new (options?: O) => L) =>
  make(name, type) as <const N extends string = string>(options?: O & WithName<N>) => L & Named<N>;

/** The layers, by TensorFlow.js' names. Images are [n, height, width, channels], sequences [n, steps, channels]. */
export const layers = {
  /** Fully connected: activation(x @ kernel + bias), along the last axis. */
  dense: named('Dense', Dense),
  /** Convolution of images. */
  conv2d: named('Conv2D', Conv2D),
  /** The largest value of each window, 2 x 2 by default. */
  maxPooling2d: namedOrNot('MaxPooling2D', MaxPooling2D),
  /** The mean of each window, 2 x 2 by default. */
  averagePooling2d: namedOrNot('AveragePooling2D', AveragePooling2D),
  /** The mean of each channel over the image. */
  globalAveragePooling2d: make('GlobalAveragePooling2D', GlobalAveragePooling2D) as <
    const O extends GlobalPoolingOptions,
    const N extends string = string,
  >(
    options?: O & WithName<N> & Only<O, GlobalPoolingOptions>,
  ) => GlobalAveragePooling2D<O> & Named<N>,
  /** A sample's values as one vector. */
  flatten: namedOrNot('Flatten', Flatten),
  /** A sample's values in another shape. */
  reshape: make('Reshape', Reshape) as <const S extends Shape, const N extends string = string>(
    options: ReshapeOptions<S> & WithName<N>,
  ) => Reshape<S> & Named<N>,
  /** Sets a random share of the values to 0, in training. */
  dropout: named('Dropout', Dropout),
  /** Mean 0 and variance 1 for each channel, then a trained scale and shift. */
  batchNormalization: namedOrNot('BatchNormalization', BatchNormalization),
  /** Mean 0 and variance 1 along the last axis of each sample, then a trained scale and shift. */
  layerNormalization: namedOrNot('LayerNormalization', LayerNormalization),
  /** Mean 0 and variance 1 of each group of channels of each sample, then a trained scale and shift. */
  groupNormalization: namedOrNot('GroupNormalization', GroupNormalization),
  /** A mean square of 1 along the last axis of each sample, then a trained scale. */
  rmsNormalization: namedOrNot('RMSNormalization', RMSNormalization),
  /** Vectors of length 1 along the last axis. */
  unitNormalization: namedOrNot('UnitNormalization', UnitNormalization),
  /** Mean 0 and variance 1 for each channel, by numbers that training never moves. */
  normalization: namedOrNot('Normalization', Normalization),
  /** An activation as a layer of its own. */
  activation: named('Activation', Activation),
  /** Integers as rows of a table that is trained. */
  embedding: named('Embedding', Embedding),
  /** States the shape of the network's input. */
  inputLayer: named('InputLayer', InputLayer),

  /** A recurrent layer: h = activation(x @ kernel + h @ recurrentKernel + bias) for every step. */
  simpleRNN: make('SimpleRNN', SimpleRNN) as <const O extends RecurrentOptions, const N extends string = string>(
    options: O & WithName<N> & Only<O, RecurrentOptions>,
  ) => SimpleRNN<O> & Named<N>,
  /** Long short-term memory. */
  lstm: make('LSTM', LSTM) as <const O extends LSTMOptions, const N extends string = string>(
    options: O & WithName<N> & Only<O, LSTMOptions>,
  ) => LSTM<O> & Named<N>,
  /** Gated recurrent units. */
  gru: make('GRU', GRU) as <const O extends GRUOptions, const N extends string = string>(
    options: O & WithName<N> & Only<O, GRUOptions>,
  ) => GRU<O> & Named<N>,
  /** A recurrent layer, and its like that runs from the last step to the first. */
  bidirectional: named('Bidirectional', Bidirectional),
  /** A layer applied to every step. */
  timeDistributed: named('TimeDistributed', TimeDistributed),
  /** Attention of several heads, of a list [query, value] or [query, value, key]. */
  multiHeadAttention: make('MultiHeadAttention', MultiHeadAttention) as <
    const O extends MultiHeadAttentionOptions,
    const N extends string = string,
  >(
    options: O & WithName<N> & Only<O, MultiHeadAttentionOptions>,
  ) => MultiHeadAttention<O> & Named<N>,
  /** Attention by dot products of the inputs themselves, of such a list. */
  attention: make('Attention', Attention) as <const O extends AttentionOptions, const N extends string = string>(
    options?: O & WithName<N> & Only<O, AttentionOptions>,
  ) => Attention<O> & Named<N>,
  /** Attention by sums, of such a list. */
  additiveAttention: make('AdditiveAttention', AdditiveAttention) as <
    const O extends AdditiveAttentionOptions,
    const N extends string = string,
  >(
    options?: O & WithName<N> & Only<O, AdditiveAttentionOptions>,
  ) => AdditiveAttention<O> & Named<N>,
  /** Steps that hold one value alone do not count. */
  masking: namedOrNot('Masking', Masking),

  /** Convolution of every channel by kernels of its own. */
  depthwiseConv2d: named('DepthwiseConv2D', DepthwiseConv2D),
  /** The same, and then a mixture of the channels in every pixel. */
  separableConv2d: named('SeparableConv2D', SeparableConv2D),
  /** The transpose of a convolution: larger images. */
  conv2dTranspose: named('Conv2DTranspose', Conv2DTranspose),
  /** Every pixel repeated, 2 x 2 by default. */
  upSampling2d: namedOrNot('UpSampling2D', UpSampling2D),
  /** Zeros around images, 1 pixel by default. */
  zeroPadding2d: namedOrNot('ZeroPadding2D', ZeroPadding2D),
  /** Images without their outer rows and columns; none by default. */
  cropping2d: namedOrNot('Cropping2D', Cropping2D),
  /** The largest value of each channel of the image. */
  globalMaxPooling2d: make('GlobalMaxPooling2D', GlobalMaxPooling2D) as <
    const O extends GlobalPoolingOptions,
    const N extends string = string,
  >(
    options?: O & WithName<N> & Only<O, GlobalPoolingOptions>,
  ) => GlobalMaxPooling2D<O> & Named<N>,

  /** Convolution of sequences. */
  conv1d: named('Conv1D', Conv1D),
  /** Convolution of every channel of sequences by kernels of its own. */
  depthwiseConv1d: named('DepthwiseConv1D', DepthwiseConv1D),
  /** The same, and then a mixture of the channels in every step. */
  separableConv1d: named('SeparableConv1D', SeparableConv1D),
  /** The transpose of a convolution: longer sequences. */
  conv1dTranspose: named('Conv1DTranspose', Conv1DTranspose),
  /** The largest value of each window of a sequence, 2 steps by default. */
  maxPooling1d: namedOrNot('MaxPooling1D', MaxPooling1D),
  /** The mean of each window of a sequence, 2 steps by default. */
  averagePooling1d: namedOrNot('AveragePooling1D', AveragePooling1D),
  /** The largest value of each channel of a sequence. */
  globalMaxPooling1d: make('GlobalMaxPooling1D', GlobalMaxPooling1D) as <
    const O extends GlobalPoolingOptions,
    const N extends string = string,
  >(
    options?: O & WithName<N> & Only<O, GlobalPoolingOptions>,
  ) => GlobalMaxPooling1D<O> & Named<N>,
  /** The mean of each channel over a sequence. */
  globalAveragePooling1d: make('GlobalAveragePooling1D', GlobalAveragePooling1D) as <
    const O extends GlobalPoolingOptions,
    const N extends string = string,
  >(
    options?: O & WithName<N> & Only<O, GlobalPoolingOptions>,
  ) => GlobalAveragePooling1D<O> & Named<N>,
  /** Every step of a sequence repeated, twice by default. */
  upSampling1d: namedOrNot('UpSampling1D', UpSampling1D),
  /** Zeros around sequences, 1 step by default. */
  zeroPadding1d: namedOrNot('ZeroPadding1D', ZeroPadding1D),
  /** Sequences without their first and last steps, 1 of each by default. */
  cropping1d: namedOrNot('Cropping1D', Cropping1D),

  /** The axes of a sample in another order. */
  permute: named('Permute', Permute),
  /** A vector n times. */
  repeatVector: named('RepeatVector', RepeatVector),
  /** scale * x + offset. */
  rescaling: named('Rescaling', Rescaling),
  /** x where x > 0, else negativeSlope * x. */
  leakyReLU: namedOrNot('LeakyReLU', LeakyReLU),
  /** max(x, 0), with a largest value, a threshold, a slope below it. */
  reLU: namedOrNot('ReLU', ReLU),
  /** The same with slopes that are trained. */
  prelu: namedOrNot('PReLU', PReLU),
  /** Radial basis functions about centres that are trained. */
  rbf: named('RBF', RBF),
  /** Softmax along an axis, the last by default. */
  softmax: namedOrNot('Softmax', Softmax),
  /** Adds normal numbers, in training. */
  gaussianNoise: named('GaussianNoise', GaussianNoise),
  /** Multiplies by normal numbers about 1, in training. */
  gaussianDropout: named('GaussianDropout', GaussianDropout),
  /** Dropout that keeps mean 0 and variance 1, behind `selu`, in training. */
  alphaDropout: named('AlphaDropout', AlphaDropout),
  /** Dropout of whole channels of sequences [steps, channels]. */
  spatialDropout1d: named('SpatialDropout1D', SpatialDropout1D),
  /** Dropout of whole channels of images. */
  spatialDropout2d: named('SpatialDropout2D', SpatialDropout2D),
  /** Flips half of the images, in training. */
  randomFlip: namedOrNot('RandomFlip', RandomFlip),
  /** Turns images about their middles, in training. */
  randomRotation: named('RandomRotation', RandomRotation),
  /** Shifts images, in training. */
  randomTranslation: named('RandomTranslation', RandomTranslation),
  /** Zooms into images, and out of them, in training. */
  randomZoom: named('RandomZoom', RandomZoom),
  /** More or less contrast of images, in training. */
  randomContrast: named('RandomContrast', RandomContrast),
  /** A function of one's own, written in `ops`. Networks with it are not saved: see `custom.layer`. */
  lambda: <I extends Values = Value, O extends Value = Value, const N extends string = string>(
    fn: (inputs: I) => O,
    options?: LayerOptions & WithName<N>,
  ) => new Lambda<I, O>(fn, options) as Lambda<I, O> & Named<N>,

  /** The sum of a list of inputs, which broadcast as NumPy's; and so the next five. */
  add: namedOrNot('Add', Add),
  /** The first of two inputs less the second. */
  subtract: namedOrNot('Subtract', Subtract),
  multiply: namedOrNot('Multiply', Multiply),
  /** The mean of a list of inputs. */
  average: namedOrNot('Average', Average),
  /** The largest of a list of inputs, element by element. */
  maximum: namedOrNot('Maximum', Maximum),
  minimum: namedOrNot('Minimum', Minimum),
  /** A list of inputs one behind the other, along the last axis by default. */
  concatenate: namedOrNot('Concatenate', Concatenate),
  /** Products of two inputs, summed over an axis of each. */
  dot: named('Dot', Dot),
};

classes.Parameter = Parameter; // of imported networks

takeOptionsAlone('layers', layers, ['lambda']);

markClasses(classes);

registerBuiltIn(classes);

/** The names that files know the classes by. The default, as the root exports the types of all other names here. */
const layerNames: readonly string[] = Object.keys(classes);
export default layerNames;
