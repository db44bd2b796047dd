import type { Activation } from '../activations.js';
import { checkInteger, checkOptions, wrongShape, wrongType, wrongValue } from '../check.js';
import type { Initializer } from '../initializers.js';
import type { RandomState } from '../random.js';
import type { Regularizer } from '../regularizers.js';
import { type Buffer, type Scalar, Tape } from '../tape.js';

/** The shape of one sample, without the batch dimension. */
export type Shape = readonly number[];

/** A weight of a layer. Those with a gradient are trained. */
export interface Parameter {
  readonly layer: string;
  readonly name: string;
  readonly value: Buffer;
  readonly gradient?: Buffer;
  readonly initializer: Initializer;
  readonly regularizer?: Regularizer;
}

/** A tape that also keeps the list of a network's weights and of the scalars that change from step to step. */
export class Recorder extends Tape {
  readonly parameters: Parameter[] = [];
  /** The optimizer's memory, saved with the network. */
  readonly states: Buffer[] = [];
  readonly stepScalars: { scalar: Scalar; next: (iteration: number, random: RandomState) => number }[] = [];
  /** Whether a training step draws from the network's generator. */
  draws = false;

  /** A trained weight, with its gradient. */
  parameter(
    layer: string,
    name: string,
    shape: Shape,
    initializer: Initializer,
    regularizer?: Regularizer,
  ): { value: Buffer; gradient: Buffer } {
    const value = this.fixed('parameter', `${layer}/${name}`, shape);
    const gradient = this.fixed('gradient', `${layer}/${name}/gradient`, shape);
    this.parameters.push({ layer, name, value, gradient, initializer, ...(regularizer ? { regularizer } : {}) });
    return { value, gradient };
  }

  /** A weight that is kept and saved, but not trained by gradients (moving averages). */
  statistic(layer: string, name: string, shape: Shape, initializer: Initializer): Buffer {
    const value = this.fixed('parameter', `${layer}/${name}`, shape);
    this.parameters.push({ layer, name, value, initializer });
    return value;
  }

  /** A buffer of the optimizer, zero at first. */
  state(name: string, shape: Shape): Buffer {
    const state = this.fixed('state', name, shape);
    this.states.push(state);
    return state;
  }

  /** A scalar that is drawn anew for every training step: a uniform integer in [0, 2^53). */
  perStepSeed(): Scalar {
    this.draws = true;
    return this.perStep((_, random) => Math.floor(random.randomSample() * 2 ** 53));
  }

  /** A scalar that is computed anew for every training step; `iteration` counts from 0. */
  perStep(next: (iteration: number, random: RandomState) => number): Scalar {
    const scalar = this.scalar(0);
    this.stepScalars.push({ scalar, next });
    return scalar;
  }
}

/** A layer as it lies on one tape: its output, and what to emit for each pass. */
export interface Recorded {
  /** The output, before `layer.activation`. */
  readonly y: Buffer;
  /** Emits the forward pass, into buffers that `record` made; `training` is false in evaluation and prediction. */
  forward(training: boolean): void;
  /**
   * Emits the backward pass, called once a tape: the gradients of the layer's parameters, and the gradient of its input, whose buffer is
   * returned, if that is `wanted` (the first layer's is not). May overwrite dy.
   */
  backward(dy: Buffer, wanted: boolean): Buffer | undefined;
}

/** A layer is a description; `record` puts it on a tape. */
export interface Layer {
  /** Keras' class name, such as 'Dense'. */
  readonly className: string;
  /** Unique in its network; given by the network if absent. */
  name?: string;
  /** The shape of one input sample, where the user gave it. */
  readonly inputShape?: Shape;
  /** Applied to the output by the network, which may fuse it with the loss. */
  readonly activation?: Activation;
  /** The shape of one output sample. @throws RangeError if the layer cannot take such an input */
  outputShape(inputShape: Shape): Shape;
  /** Declares parameters and buffers for the input x, which has the shape `outputShape` accepted. */
  record(t: Recorder, x: Buffer, name: string): Recorded;
  /** Options, serializable, with which the layer's factory makes the same layer. */
  getConfig(): Record<string, unknown>;
}

/** What every layer's options may hold. */
export interface LayerOptions {
  /** Unique in its network. Default: the class and a number, as Keras */
  name?: string;
  /** The shape of one sample, of the first layer. Default: that of the data at the first `fit` */
  inputShape?: readonly number[];
}

/** The options that every layer has. */
export abstract class BaseLayer {
  name?: string;
  readonly inputShape?: Shape;

  /** `own`: the names of the options that this layer has beside. */
  constructor(options: LayerOptions, own: readonly string[] = []) {
    checkOptions('options', options, ['name', 'inputShape', ...own]);
    const { name, inputShape } = options;
    if (name !== undefined && typeof name !== 'string') throw wrongType('name', 'a string', name);
    if (name === '') throw wrongValue('name', 'a string that is not empty', name);
    this.name = name;
    if (inputShape !== undefined) this.inputShape = checkShape('inputShape', inputShape);
  }

  /** Keras' switch of a layer's training: all weights are trained yet. @throws TypeError for anything but true */
  get trainable(): boolean {
    return true;
  }
  set trainable(value: boolean) {
    checkTrainable('trainable', value);
  }

  getConfig(): Record<string, unknown> {
    return {};
  }
}

/** @throws TypeError for what is to stay as it is in training, instead of training it in silence */
export function checkTrainable(name: string, value: unknown): void {
  if (value !== true) throw wrongType(name, 'true: layers cannot be kept from training yet', value);
}

/** The shape of one sample, as given by the option `name`. */
export function checkShape(name: string, shape: unknown): Shape {
  if (!Array.isArray(shape)) throw wrongType(name, 'an array of positive integers', shape);
  return Array.from(shape, (n, i) => checkInteger(`${name}[${i}]`, n, 1));
}

/** For layers that were given a shape they cannot take. */
export function wrongInput(layer: Layer, expected: string, shape: Shape): Error {
  const which = layer.name ? `${layer.className} '${layer.name}'` : layer.className;
  return wrongShape(`the input of ${which}`, expected, shape);
}
