import { takeOptionsAlone } from '../check.js';
import type { Named } from '../graph/name-types.js';
import type { Shape, Value } from '../graph/value.js';
import { markClasses } from '../made.js';
import { Activation, type ActivationOptions } from './activation.js';
import {
  LeakyReLU,
  type LeakyReLUOptions,
  PReLU,
  type PReLUOptions,
  ReLU,
  type ReLUOptions,
  Softmax,
  type SoftmaxOptions,
} from './advanced-activations.js';
import { AdditiveAttention, type AdditiveAttentionOptions, Attention, type AttentionOptions } from './attention.js';
import {
  RandomContrast,
  type RandomContrastOptions,
  RandomFlip,
  type RandomFlipOptions,
  RandomRotation,
  type RandomRotationOptions,
  RandomTranslation,
  type RandomTranslationOptions,
  RandomZoom,
  type RandomZoomOptions,
} from './augmentation.js';
import { BatchNormalization, type BatchNormalizationOptions } from './batch-normalization.js';
import { Bidirectional, type BidirectionalOptions } from './bidirectional.js';
import { Concatenate, type ConcatenateOptions } from './concatenate.js';
import {
  Conv1DTranspose,
  type Conv1DTransposeOptions,
  Conv2DTranspose,
  type Conv2DTransposeOptions,
} from './conv-transpose.js';
import { Conv1D, type Conv1DOptions } from './conv1d.js';
import { Conv2D, type Conv2DOptions } from './conv2d.js';
import { Dense, type DenseOptions } from './dense.js';
import {
  DepthwiseConv1D,
  type DepthwiseConv1DOptions,
  DepthwiseConv2D,
  type DepthwiseConv2DOptions,
} from './depthwise-conv.js';
import { Dot, type DotOptions } from './dot.js';
import { Dropout, type DropoutOptions, type ValueDropoutOptions } from './dropout.js';
import { Embedding, type EmbeddingOptions } from './embedding.js';
import { GroupNormalization, type GroupNormalizationOptions } from './group-normalization.js';
import { GRU, type GRUOptions } from './gru.js';
import { Lambda } from './lambda.js';
import type { Layer, LayerOptions, Values } from './layer.js';
import { LayerNormalization, type LayerNormalizationOptions } from './layer-normalization.js';
import { LSTM, type LSTMOptions } from './lstm.js';
import { Masking, type MaskingOptions } from './masking.js';
import { Add, Average, Maximum, Minimum, Multiply, Subtract } from './merge.js';
import { MultiHeadAttention, type MultiHeadAttentionOptions } from './multi-head-attention.js';
import {
  AlphaDropout,
  GaussianDropout,
  GaussianNoise,
  type GaussianNoiseOptions,
  SpatialDropout1D,
  SpatialDropout2D,
} from './noise.js';
import { Normalization } from './normalization.js';
import {
  Cropping1D,
  type Cropping1DOptions,
  Cropping2D,
  type Cropping2DOptions,
  ZeroPadding1D,
  type ZeroPadding1DOptions,
  ZeroPadding2D,
  type ZeroPadding2DOptions,
} from './padding.js';
import { Permute, type PermuteOptions } from './permute.js';
import {
  AveragePooling2D,
  GlobalAveragePooling2D,
  GlobalMaxPooling2D,
  type GlobalPoolingOptions,
  MaxPooling2D,
  type Pooling2DOptions,
} from './pooling.js';
import {
  AveragePooling1D,
  GlobalAveragePooling1D,
  GlobalMaxPooling1D,
  MaxPooling1D,
  type Pooling1DOptions,
} from './pooling1d.js';
import { RBF, type RBFOptions } from './rbf.js';
import type { RecurrentOptions } from './recurrent.js';
import { registerBuiltIn } from './registry.js';
import { Rescaling, type RescalingOptions } from './rescaling.js';
import {
  RepeatVector,
  type RepeatVectorOptions,
  UpSampling1D,
  type UpSampling1DOptions,
  UpSampling2D,
  type UpSampling2DOptions,
} from './resizing.js';
import { RMSNormalization, type RMSNormalizationOptions } from './rms-normalization.js';
import {
  SeparableConv1D,
  type SeparableConv1DOptions,
  SeparableConv2D,
  type SeparableConv2DOptions,
} from './separable-conv.js';
import { Flatten, InputLayer, type InputLayerOptions, Reshape, type ReshapeOptions } from './shape.js';
import { SimpleRNN } from './simple-rnn.js';
import { TimeDistributed, type TimeDistributedOptions } from './time-distributed.js';
import { UnitNormalization, type UnitNormalizationOptions } from './unit-normalization.js';

type WithName<N extends string> = { readonly name?: N };
/** No options but those. */
type Only<O, All> = { readonly [K in Exclude<keyof O, keyof All>]: never };

/** The factory `make`, for which TypeScript remembers the layer's name. */
const named =
  <O extends LayerOptions, L extends Layer<any>>(make: (options: O) => L) =>
  <const N extends string = string>(options: O & WithName<N>) =>
    make(options) as L & Named<N>;
const namedOrNot =
  <O extends LayerOptions, L extends Layer<any>>(make: (options?: O) => L) =>
  <const N extends string = string>(options?: O & WithName<N>) =>
    make(options) as L & Named<N>;

/** The layers, by TensorFlow.js' names. Images are [n, height, width, channels], sequences [n, steps, channels]. */
export const layers = {
  /** Fully connected: activation(x @ kernel + bias), along the last axis. */
  dense: named((options: DenseOptions) => new Dense(options)),
  /** Convolution of images. */
  conv2d: named((options: Conv2DOptions) => new Conv2D(options)),
  /** The largest value of each window, 2 x 2 by default. */
  maxPooling2d: namedOrNot((options?: Pooling2DOptions) => new MaxPooling2D(options)),
  /** The mean of each window, 2 x 2 by default. */
  averagePooling2d: namedOrNot((options?: Pooling2DOptions) => new AveragePooling2D(options)),
  /** The mean of each channel over the image. */
  globalAveragePooling2d: <const O extends GlobalPoolingOptions, const N extends string = string>(
    options?: O & WithName<N> & Only<O, GlobalPoolingOptions>,
  ) => new GlobalAveragePooling2D<O>(options) as GlobalAveragePooling2D<O> & Named<N>,
  /** A sample's values as one vector. */
  flatten: namedOrNot((options?: LayerOptions) => new Flatten(options)),
  /** A sample's values in another shape. */
  reshape: <const S extends Shape, const N extends string = string>(options: ReshapeOptions<S> & WithName<N>) =>
    new Reshape<S>(options) as Reshape<S> & Named<N>,
  /** Sets a random share of the values to 0, in training. */
  dropout: named((options: ValueDropoutOptions) => new Dropout(options)),
  /** Mean 0 and variance 1 for each channel, then a trained scale and shift. */
  batchNormalization: namedOrNot((options?: BatchNormalizationOptions) => new BatchNormalization(options)),
  /** Mean 0 and variance 1 along the last axis of each sample, then a trained scale and shift. */
  layerNormalization: namedOrNot((options?: LayerNormalizationOptions) => new LayerNormalization(options)),
  /** Mean 0 and variance 1 of each group of channels of each sample, then a trained scale and shift. */
  groupNormalization: namedOrNot((options?: GroupNormalizationOptions) => new GroupNormalization(options)),
  /** A mean square of 1 along the last axis of each sample, then a trained scale. */
  rmsNormalization: namedOrNot((options?: RMSNormalizationOptions) => new RMSNormalization(options)),
  /** Vectors of length 1 along the last axis. */
  unitNormalization: namedOrNot((options?: UnitNormalizationOptions) => new UnitNormalization(options)),
  /** Mean 0 and variance 1 for each channel, by numbers that training never moves. */
  normalization: namedOrNot((options?: LayerOptions) => new Normalization(options)),
  /** An activation as a layer of its own. */
  activation: named((options: ActivationOptions) => new Activation(options)),
  /** Integers as rows of a table that is trained. */
  embedding: named((options: EmbeddingOptions) => new Embedding(options)),
  /** States the shape of the network's input. */
  inputLayer: named((options: InputLayerOptions) => new InputLayer(options)),

  /** A recurrent layer: h = activation(x @ kernel + h @ recurrentKernel + bias) for every step. */
  simpleRNN: <const O extends RecurrentOptions, const N extends string = string>(
    options: O & WithName<N> & Only<O, RecurrentOptions>,
  ) => new SimpleRNN<O>(options) as SimpleRNN<O> & Named<N>,
  /** Long short-term memory. */
  lstm: <const O extends LSTMOptions, const N extends string = string>(
    options: O & WithName<N> & Only<O, LSTMOptions>,
  ) => new LSTM<O>(options) as LSTM<O> & Named<N>,
  /** Gated recurrent units. */
  gru: <const O extends GRUOptions, const N extends string = string>(options: O & WithName<N> & Only<O, GRUOptions>) =>
    new GRU<O>(options) as GRU<O> & Named<N>,
  /** A recurrent layer, and its like that runs from the last step to the first. */
  bidirectional: named((options: BidirectionalOptions) => new Bidirectional(options)),
  /** A layer applied to every step. */
  timeDistributed: named((options: TimeDistributedOptions) => new TimeDistributed(options)),
  /** Attention of several heads, of a list [query, value] or [query, value, key]. */
  multiHeadAttention: <const O extends MultiHeadAttentionOptions, const N extends string = string>(
    options: O & WithName<N> & Only<O, MultiHeadAttentionOptions>,
  ) => new MultiHeadAttention<O>(options) as MultiHeadAttention<O> & Named<N>,
  /** Attention by dot products of the inputs themselves, of such a list. */
  attention: <const O extends AttentionOptions, const N extends string = string>(
    options?: O & WithName<N> & Only<O, AttentionOptions>,
  ) => new Attention<O>(options) as Attention<O> & Named<N>,
  /** Attention by sums, of such a list. */
  additiveAttention: <const O extends AdditiveAttentionOptions, const N extends string = string>(
    options?: O & WithName<N> & Only<O, AdditiveAttentionOptions>,
  ) => new AdditiveAttention<O>(options) as AdditiveAttention<O> & Named<N>,
  /** Steps that hold one value alone do not count. */
  masking: namedOrNot((options?: MaskingOptions) => new Masking(options)),

  /** Convolution of every channel by kernels of its own. */
  depthwiseConv2d: named((options: DepthwiseConv2DOptions) => new DepthwiseConv2D(options)),
  /** The same, and then a mixture of the channels in every pixel. */
  separableConv2d: named((options: SeparableConv2DOptions) => new SeparableConv2D(options)),
  /** The transpose of a convolution: larger images. */
  conv2dTranspose: named((options: Conv2DTransposeOptions) => new Conv2DTranspose(options)),
  /** Every pixel repeated, 2 x 2 by default. */
  upSampling2d: namedOrNot((options?: UpSampling2DOptions) => new UpSampling2D(options)),
  /** Zeros around images, 1 pixel by default. */
  zeroPadding2d: namedOrNot((options?: ZeroPadding2DOptions) => new ZeroPadding2D(options)),
  /** Images without their outer rows and columns; none by default. */
  cropping2d: namedOrNot((options?: Cropping2DOptions) => new Cropping2D(options)),
  /** The largest value of each channel of the image. */
  globalMaxPooling2d: <const O extends GlobalPoolingOptions, const N extends string = string>(
    options?: O & WithName<N> & Only<O, GlobalPoolingOptions>,
  ) => new GlobalMaxPooling2D<O>(options) as GlobalMaxPooling2D<O> & Named<N>,

  /** Convolution of sequences. */
  conv1d: named((options: Conv1DOptions) => new Conv1D(options)),
  /** Convolution of every channel of sequences by kernels of its own. */
  depthwiseConv1d: named((options: DepthwiseConv1DOptions) => new DepthwiseConv1D(options)),
  /** The same, and then a mixture of the channels in every step. */
  separableConv1d: named((options: SeparableConv1DOptions) => new SeparableConv1D(options)),
  /** The transpose of a convolution: longer sequences. */
  conv1dTranspose: named((options: Conv1DTransposeOptions) => new Conv1DTranspose(options)),
  /** The largest value of each window of a sequence, 2 steps by default. */
  maxPooling1d: namedOrNot((options?: Pooling1DOptions) => new MaxPooling1D(options)),
  /** The mean of each window of a sequence, 2 steps by default. */
  averagePooling1d: namedOrNot((options?: Pooling1DOptions) => new AveragePooling1D(options)),
  /** The largest value of each channel of a sequence. */
  globalMaxPooling1d: <const O extends GlobalPoolingOptions, const N extends string = string>(
    options?: O & WithName<N> & Only<O, GlobalPoolingOptions>,
  ) => new GlobalMaxPooling1D<O>(options) as GlobalMaxPooling1D<O> & Named<N>,
  /** The mean of each channel over a sequence. */
  globalAveragePooling1d: <const O extends GlobalPoolingOptions, const N extends string = string>(
    options?: O & WithName<N> & Only<O, GlobalPoolingOptions>,
  ) => new GlobalAveragePooling1D<O>(options) as GlobalAveragePooling1D<O> & Named<N>,
  /** Every step of a sequence repeated, twice by default. */
  upSampling1d: namedOrNot((options?: UpSampling1DOptions) => new UpSampling1D(options)),
  /** Zeros around sequences, 1 step by default. */
  zeroPadding1d: namedOrNot((options?: ZeroPadding1DOptions) => new ZeroPadding1D(options)),
  /** Sequences without their first and last steps, 1 of each by default. */
  cropping1d: namedOrNot((options?: Cropping1DOptions) => new Cropping1D(options)),

  /** The axes of a sample in another order. */
  permute: named((options: PermuteOptions) => new Permute(options)),
  /** A vector n times. */
  repeatVector: named((options: RepeatVectorOptions) => new RepeatVector(options)),
  /** scale * x + offset. */
  rescaling: named((options: RescalingOptions) => new Rescaling(options)),
  /** x where x > 0, else negativeSlope * x. */
  leakyReLU: namedOrNot((options?: LeakyReLUOptions) => new LeakyReLU(options)),
  /** max(x, 0), with a largest value, a threshold, a slope below it. */
  reLU: namedOrNot((options?: ReLUOptions) => new ReLU(options)),
  /** The same with slopes that are trained. */
  prelu: namedOrNot((options?: PReLUOptions) => new PReLU(options)),
  /** Radial basis functions about centres that are trained. */
  rbf: named((options: RBFOptions) => new RBF(options)),
  /** Softmax along an axis, the last by default. */
  softmax: namedOrNot((options?: SoftmaxOptions) => new Softmax(options)),
  /** Adds normal numbers, in training. */
  gaussianNoise: named((options: GaussianNoiseOptions) => new GaussianNoise(options)),
  /** Multiplies by normal numbers about 1, in training. */
  gaussianDropout: named((options: DropoutOptions) => new GaussianDropout(options)),
  /** Dropout that keeps mean 0 and variance 1, behind `selu`, in training. */
  alphaDropout: named((options: DropoutOptions) => new AlphaDropout(options)),
  /** Dropout of whole channels of sequences [steps, channels]. */
  spatialDropout1d: named((options: DropoutOptions) => new SpatialDropout1D(options)),
  /** Dropout of whole channels of images. */
  spatialDropout2d: named((options: DropoutOptions) => new SpatialDropout2D(options)),
  /** Flips half of the images, in training. */
  randomFlip: namedOrNot((options?: RandomFlipOptions) => new RandomFlip(options)),
  /** Turns images about their middles, in training. */
  randomRotation: named((options: RandomRotationOptions) => new RandomRotation(options)),
  /** Shifts images, in training. */
  randomTranslation: named((options: RandomTranslationOptions) => new RandomTranslation(options)),
  /** Zooms into images, and out of them, in training. */
  randomZoom: named((options: RandomZoomOptions) => new RandomZoom(options)),
  /** More or less contrast of images, in training. */
  randomContrast: named((options: RandomContrastOptions) => new RandomContrast(options)),
  /** A function of one's own, written in `ops`. Networks with it are not saved: see `custom.layer`. */
  lambda: <I extends Values = Value, O extends Value = Value, const N extends string = string>(
    fn: (inputs: I) => O,
    options?: LayerOptions & WithName<N>,
  ) => new Lambda<I, O>(fn, options) as Lambda<I, O> & Named<N>,

  /** The sum of a list of inputs, which broadcast as NumPy's; and so the next five. */
  add: namedOrNot((options?: LayerOptions) => new Add(options)),
  /** The first of two inputs less the second. */
  subtract: namedOrNot((options?: LayerOptions) => new Subtract(options)),
  multiply: namedOrNot((options?: LayerOptions) => new Multiply(options)),
  /** The mean of a list of inputs. */
  average: namedOrNot((options?: LayerOptions) => new Average(options)),
  /** The largest of a list of inputs, element by element. */
  maximum: namedOrNot((options?: LayerOptions) => new Maximum(options)),
  minimum: namedOrNot((options?: LayerOptions) => new Minimum(options)),
  /** A list of inputs one behind the other, along the last axis by default. */
  concatenate: namedOrNot((options?: ConcatenateOptions) => new Concatenate(options)),
  /** Products of two inputs, summed over an axis of each. */
  dot: named((options: DotOptions) => new Dot(options)),
};

takeOptionsAlone('layers', layers, ['lambda']);

const classes = {
  Dense,
  Conv2D,
  MaxPooling2D,
  AveragePooling2D,
  GlobalAveragePooling2D,
  Flatten,
  Reshape,
  Dropout,
  BatchNormalization,
  LayerNormalization,
  GroupNormalization,
  RMSNormalization,
  UnitNormalization,
  Normalization,
  Activation,
  Embedding,
  SimpleRNN,
  LSTM,
  GRU,
  Bidirectional,
  TimeDistributed,
  MultiHeadAttention,
  Attention,
  AdditiveAttention,
  Masking,
  InputLayer,
  DepthwiseConv2D,
  SeparableConv2D,
  Conv2DTranspose,
  UpSampling2D,
  ZeroPadding2D,
  GlobalMaxPooling2D,
  Conv1D,
  DepthwiseConv1D,
  SeparableConv1D,
  Conv1DTranspose,
  MaxPooling1D,
  AveragePooling1D,
  GlobalMaxPooling1D,
  GlobalAveragePooling1D,
  UpSampling1D,
  ZeroPadding1D,
  Cropping1D,
  Cropping2D,
  Permute,
  RepeatVector,
  Rescaling,
  LeakyReLU,
  ReLU,
  PReLU,
  RBF,
  Softmax,
  GaussianNoise,
  GaussianDropout,
  AlphaDropout,
  SpatialDropout1D,
  SpatialDropout2D,
  RandomFlip,
  RandomRotation,
  RandomTranslation,
  RandomZoom,
  RandomContrast,
  Add,
  Subtract,
  Multiply,
  Average,
  Maximum,
  Minimum,
  Concatenate,
  Dot,
};

markClasses(classes);

registerBuiltIn(classes);

export const layerNames: readonly string[] = Object.keys(classes);
