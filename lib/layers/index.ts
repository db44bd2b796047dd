import { checkOneOf, wrongType } from '../check.js';
import { markClasses } from '../made.js';
import { Activation, type ActivationOptions } from './activation.js';
import { BatchNormalization, type BatchNormalizationOptions } from './batch-normalization.js';
import { Conv2D, type Conv2DOptions } from './conv2d.js';
import { Dense, type DenseOptions } from './dense.js';
import { Dropout, type DropoutOptions } from './dropout.js';
import type { Layer, LayerOptions } from './layer.js';
import { AveragePooling2D, GlobalAveragePooling2D, MaxPooling2D, type Pooling2DOptions } from './pooling.js';
import { Flatten, InputLayer, type InputLayerOptions, Reshape, type ReshapeOptions } from './shape.js';

/** The layers, by the names TensorFlow.js gives them. Images are [n, height, width, channels]. */
export const layers = {
  /** Fully connected: activation(x @ kernel + bias). */
  dense: (options: DenseOptions) => new Dense(options),
  /** Convolution of images. */
  conv2d: (options: Conv2DOptions) => new Conv2D(options),
  /** The largest value of each window, 2 x 2 by default. */
  maxPooling2d: (options?: Pooling2DOptions) => new MaxPooling2D(options),
  /** The mean of each window, 2 x 2 by default. */
  averagePooling2d: (options?: Pooling2DOptions) => new AveragePooling2D(options),
  /** The mean of each channel over the image. */
  globalAveragePooling2d: (options?: LayerOptions) => new GlobalAveragePooling2D(options),
  /** A sample's values as one vector. */
  flatten: (options?: LayerOptions) => new Flatten(options),
  /** A sample's values in another shape. */
  reshape: (options: ReshapeOptions) => new Reshape(options),
  /** Sets a random share of the values to 0, in training. */
  dropout: (options: DropoutOptions) => new Dropout(options),
  /** Mean 0 and variance 1 for each channel, then a trained scale and shift. */
  batchNormalization: (options?: BatchNormalizationOptions) => new BatchNormalization(options),
  /** An activation as a layer of its own. */
  activation: (options: ActivationOptions) => new Activation(options),
  /** States the shape of the network's input. */
  inputLayer: (options: InputLayerOptions) => new InputLayer(options),
};

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
  Activation,
  InputLayer,
};

markClasses(classes);

/** Those of `custom.layer`, by class name. */
const registered = new Map<string, new (config: object) => Layer>();

export function register(className: string, type: new (config: object) => Layer): void {
  registered.set(className, type);
}

export const layerNames: readonly string[] = Object.keys(classes);

/** The layer that `className` and `config` (of its `getConfig`) describe. */
export function layerFrom(className: string, config: object): Layer {
  if (typeof config !== 'object' || config === null) throw wrongType('config', 'an object', config);
  const own = registered.get(className);
  if (own) return new own(config);
  const name = checkOneOf('className', className, layerNames as (keyof typeof classes)[]);
  return new (classes[name] as new (config: object) => Layer)(config);
}
