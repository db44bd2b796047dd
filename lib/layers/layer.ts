import type { Activation } from '../activations.js';
import { checkInteger, checkOptions, wrongShape, wrongType, wrongValue } from '../check.js';
import type { Constraint } from '../constraints.js';
import { type Call, marked, placeholder, type Shape, type Value, type Weight } from '../graph/value.js';
import type { Initializer } from '../initializers.js';
import type { Regularizer } from '../regularizers.js';

export type { Shape } from '../graph/value.js';

/** The weights of a layer by their names, as `build` declared them. */
export type Weights = Readonly<Record<string, Weight>>;

/** What a layer's `call` is told about the pass. */
export interface Mode {
  /** False in evaluation and prediction. */
  readonly training: boolean;
}

/** What every layer's options may hold. */
export interface LayerOptions {
  /** Unique in its network. Default: the class and a number, as Keras */
  name?: string;
  /** The shape of one sample, of the first layer. Default: that of the data at the first `fit` */
  inputShape?: readonly number[];
}

/** One shape, or one for each input. */
export type Shapes = Shape | readonly Shape[];
/** One value, or one for each input. */
export type Values = Value | readonly Value[];

const isList = <T>(of: T | readonly T[]): of is readonly T[] => Array.isArray(of) && typeof of[0] === 'object';

/** A layer: a description of weights and of the operations that it is made of. */
export abstract class Layer {
  /** Keras' class name, such as 'Dense'; of a layer of one's own, what `custom.layer` was given. */
  declare readonly className: string;
  /** Unique in its network; given by the network if absent. */
  name?: string;
  /** The shape of one input sample, where the user gave it. */
  readonly inputShape?: Shape;
  /** What its output has gone through, where the layer has such an option. */
  readonly activation?: Activation;
  #declared?: Record<string, Weight>;
  #weights?: { readonly shapes: string; readonly weights: Weights };

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

  /**
   * Checks the shape of the input, or those of the inputs, and declares the weights by `addWeight`.
   * @throws RangeError if the layer cannot take such an input
   */
  build(_inputShape: any): void {}

  /** What the layer makes of its input (a list, if it is applied to one). Run once when a network is compiled. */
  abstract call(inputs: any, weights: Weights, mode: Mode): Value;

  /** Options, serializable, with which the layer's factory makes the same layer. */
  getConfig(): Record<string, unknown> {
    return {};
  }

  /** The layer's value for an input, or for a list of inputs; every application shares the layer's weights. */
  apply(inputs: Values): Value {
    const list = isList(inputs);
    const values = list ? inputs : [inputs];
    const shape = this.outputShape(list ? values.map((value) => value.shape) : values[0].shape);
    const output: { shape: Shape; batched: boolean; from?: Call } = marked({ shape, batched: true });
    output.from = { layer: this, inputs: values, outputs: [output], list };
    return output;
  }

  /** The shape of one output sample. @throws RangeError if the layer cannot take such an input */
  outputShape(inputShape: Shapes): Shape {
    const inputs = isList(inputShape) ? inputShape.map(placeholder) : placeholder(inputShape);
    return this.call(inputs, this.#declare(inputShape), { training: false }).shape;
  }

  /** The weights for an input of this shape: the same ones as long as the shape is. */
  weightsFor(inputShape: Shapes): Weights {
    const shapes = JSON.stringify(inputShape);
    if (this.#weights?.shapes !== shapes) this.#weights = { shapes, weights: this.#declare(inputShape) };
    return this.#weights.weights;
  }

  /** Declares a weight, in `build`. */
  protected addWeight(
    name: string,
    shape: Shape,
    initializer: Initializer,
    {
      regularizer,
      constraint,
      trained = true,
    }: { regularizer?: Regularizer; constraint?: Constraint; trained?: boolean } = {},
  ): void {
    if (!this.#declared) throw new TypeError('Expected addWeight to be called in build');
    const rules = { ...(regularizer && { regularizer }), ...(constraint && { constraint }) };
    this.#declared[name] = marked({ name, shape, batched: false, initializer, trained, ...rules });
  }

  #declare(inputShape: Shapes): Weights {
    const declared: Record<string, Weight> = {};
    this.#declared = declared;
    try {
      this.build(inputShape);
    } finally {
      this.#declared = undefined;
    }
    return declared;
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
