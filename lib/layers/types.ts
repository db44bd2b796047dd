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
