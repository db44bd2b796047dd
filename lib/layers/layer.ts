import type { Activation } from '../activations.js';
import type { ArrayInput, NDArray } from '../array.js';
import { attributed } from '../attributed.js';
import {
  checkAlone,
  checkBoolean,
  checkInteger,
  checkOptions,
  failure,
  wrongShape,
  wrongType,
  wrongValue,
} from '../check.js';
import { type ConstraintInput, checkConstraint } from '../constraints.js';
import type { Graph } from '../graph/graph.js';
import { readHeld, writeHeld } from '../graph/held.js';
import type { Fits } from '../graph/shape-types.js';
import { type Call, marked, placeholder, type Shape, type Value, type Weight } from '../graph/value.js';
import { allLayers, checkWeights, weightsOf } from '../graph/weights.js';
import { getInitializer, type InitializerInput } from '../initializers.js';
import { checkRegularizer, type Regularizer, type RegularizerInput } from '../regularizers.js';
import { checkApplied, checkMade, checkSame, checkTakesList, inputDtypeOf, nameOf } from './layer-checks.js';
import type { AsCalled, Given, RANKS, Ranks } from './ranks.js';
import { isBuiltIn } from './registry.js';

export type { Shape } from '../graph/value.js';
export { inputDtypeOf, nameOf };

/** The weights of a layer by their names, as `build` declared them. */
export type Weights = Readonly<Record<string, Weight>>;

/** What a layer's `call` is told about the pass. */
export interface Mode {
  /** False in evaluation and prediction. */
  readonly training: boolean;
  /** False where the layer is frozen: a batch normalization then runs as in prediction. */
  readonly trainable?: boolean;
  /** Of a layer whose states outlive the batch: what it began with and what it ends with, number k of them. */
  readonly states?: { begin(k: number, shape: Shape): Value; end(k: number, value: Value): void };
}

/** What every layer's options may hold. */
export interface LayerOptions {
  /** Unique in its network. Default: the class and a number, as Keras */
  name?: string;
  /** The shape of one sample, of the first layer. Default: that of the data at the first `fit` */
  inputShape?: readonly number[];
  /** Whether training moves its weights, as of the next `compile`. Default true */
  trainable?: boolean;
  /** A penalty on what the layer gives, the mean over a batch's samples. Default: none */
  activityRegularizer?: RegularizerInput;
}

/** One shape, or one for each input. */
export type Shapes = Shape | readonly Shape[];
/** One value, or one for each input. */
export type Values = Value | readonly Value[];

export const isList = <T>(of: T | readonly T[]): of is readonly T[] => Array.isArray(of) && typeof of[0] === 'object';

/**
 * A layer: a description of weights and of the operations that it is made of. `R` tells TypeScript how many axes it takes and
 * gives.
 */
export abstract class Layer<R extends Ranks = AsCalled> {
  /** Whether layers of this package may be applied to lists of values; others may be. */
  static readonly takesList: boolean = false;
  declare readonly [RANKS]: R;
  /** Keras' class name, such as 'Dense'; of a layer of one's own, what `custom.layer` was given. */
  declare readonly className: string;
  /** Unique in its network; given by the network if absent. */
  name?: string;
  /** Of a layer that takes integers, such as an embedding. */
  readonly inputDtype?: 'int32';
  /** What its output has gone through, where the layer has such an option. */
  readonly activation?: Activation;
  /** Whether what it gives has the mask of its first input: by default steps that do not count are forgotten, as in Keras. */
  readonly supportsMasking: boolean = false;
  /** Whether the states that a batch ends with are those that the next one begins with. */
  readonly stateful: boolean = false;
  /** A penalty on its output. */
  declare readonly activityRegularizer?: Regularizer;
  readonly #inputShape?: Shape;
  #trainable = true;
  #declared?: Record<string, Weight>;
  /** As of its first application, whose shapes decide. */
  #built?: { readonly inputs: Values; readonly weights: Weights };
  readonly #calls: Call[] = [];
  readonly #given: readonly string[];
  #isApplied = false;

  /** `own`: the names of the options that this layer has beside. */
  constructor(options: LayerOptions, own: readonly string[] = []) {
    if (options === undefined && this.className !== undefined)
      // of one's own: fields of ours are not there yet
      throw new TypeError("Expected a layer's constructor to hand its options on by super(options), got none");
    checkOptions('options', options, ['name', 'inputShape', 'trainable', 'activityRegularizer', ...own]);
    this.#given = own.filter((option) => (options as Record<string, unknown>)[option] !== undefined);
    const { name, inputShape, trainable, activityRegularizer } = options;
    if (name !== undefined && typeof name !== 'string') throw wrongType('name', 'a string', name);
    if (name === '') throw wrongValue('name', 'a string that is not empty', name);
    this.name = name;
    if (inputShape !== undefined) this.#inputShape = checkShape('inputShape', inputShape);
    if (trainable !== undefined) this.trainable = trainable;
    if (activityRegularizer !== undefined)
      this.activityRegularizer = checkRegularizer('activityRegularizer', activityRegularizer);
  }

  /** What a step of its input holds that does not count, of a layer that makes a mask. */
  get stepPadding(): number | undefined {
    return undefined;
  }

  /** The names of the options of its own that it was given. @internal */
  get givenOptions(): readonly string[] {
    return this.#given;
  }

  /** The layers that it is made of, in the order of their weights, where it is a wrapper of others. */
  readonly wrappedLayers?: readonly Layer[];

  /** The layers that it is made of, where it is a network itself. */
  get graph(): Graph | undefined {
    return undefined;
  }

  /** The shape of one input sample, where the user gave it. */
  get inputShape(): Shape | undefined {
    return this.#inputShape;
  }

  /** Whether training moves its weights, as of the next `compile`. A frozen batch normalization runs as in prediction. */
  get trainable(): boolean {
    return this.#trainable;
  }
  set trainable(value: boolean) {
    this.#trainable = checkBoolean('trainable', value);
  }

  /**
   * Checks the shape of the input, or those of the inputs, and declares the weights by `addWeight`.
   * @throws RangeError if the layer cannot take such an input
   */
  build(_inputShape: any): void {}

  /** What the layer makes of its input (a list, if it is applied to one). Run once when a network is compiled. */
  abstract call(inputs: any, weights: Weights, mode: Mode): any;

  /** Options, serializable, with which the layer's factory makes the same layer. */
  getConfig(): Record<string, unknown> {
    return {};
  }

  /**
   * The layer's value for an input, or for a list of inputs; every application shares the layer's weights.
   *
   * ```js
   * const x = input({ shape: [8] });
   * const h = layers.dense({ units: 16, activation: 'relu' }).apply(x);
   * ```
   *
   * @throws TypeError for what are no values, RangeError for shapes that the layer cannot take
   */
  apply<const I extends Values, L extends Layer<any>>(
    this: L,
    inputs: I & Fits<I, L[typeof RANKS]['takes']>,
    ...others: never[]
  ): Given<L, I> {
    if (others.length > 0)
      throw new TypeError(
        `Expected ${nameOf(this)} to be applied to one value, or to one list of them, got ${others.length + 1} arguments`,
      );
    const call = this.applied(inputs);
    return (call.outputs.length === 1 && !call.listed ? call.outputs[0] : call.outputs) as Given<L, I>;
  }

  /** The same of any layer, for what reads networks from files. */
  applied(inputs: Values): Call {
    const call = this.callOn(inputs);
    this.#calls.push(call);
    return call;
  }

  /** The same once more, for a network that applies its layers itself: not counted among the layer's applications. */
  callOn(inputs: Values): Call {
    const list = isList(inputs);
    const values: readonly Value[] = list ? inputs : [inputs as Value];
    checkApplied(this, values);
    const shapes = list ? values.map((value) => value.shape) : values[0].shape;
    const standIns = list ? values.map(standIn) : standIn(values[0]);
    const declared = this.#declare(shapes);
    const made = this.#make(standIns, declared);
    this.#shareWeights(declared, standIns);
    this.#isApplied = true;
    const call: Call = { layer: this, inputs: values, outputs: [], list, listed: isList(made) };
    const { times } = values[0];
    const outputs = (isList(made) ? made : [made as Value]).map((value) =>
      Object.assign(standIn(value), { from: call, ...(times && { times }) }),
    );
    return Object.assign(call, { outputs });
  }

  #make(standIns: Values, declared: Weights): Values {
    const make = () => this.call(standIns, declared, { training: false });
    return checkMade(this, isBuiltIn(this) ? make() : attributed(nameOf(this), make));
  }

  /** Whether it was applied to values, and is part of what was made of these. */
  protected get isApplied(): boolean {
    return this.#isApplied;
  }

  /** What the layer was applied to. @throws Error unless it was applied once */
  get input(): R['takes'] {
    const { inputs, list } = this.#onlyCall();
    return list ? inputs : inputs[0];
  }

  /** What its application gave. @throws Error unless it was applied once */
  get output(): Given<this, Values> {
    const { outputs, listed } = this.#onlyCall();
    return (listed ? outputs : outputs[0]) as Given<this, Values>;
  }

  /** The shape of one output sample. @throws RangeError if the layer cannot take such an input */
  outputShape(inputShape: Shapes): Shape {
    if (isList(inputShape)) for (const [i, shape] of inputShape.entries()) checkShape(`inputShape[${i}]`, shape);
    else checkShape('inputShape', inputShape);
    const made = this.#unbound(() => this.#make(standInsFor(this, inputShape), this.#declare(inputShape)));
    if (isList(made)) throw new TypeError(`Expected ${nameOf(this)} to give one value, got a list of ${made.length}`);
    return (made as Value).shape;
  }

  /** The weights, declared for the first input it is given. @throws RangeError for an input that they do not fit */
  weightsFor(inputShape: Shapes): Weights {
    return this.#shareWeights(this.#declare(inputShape), standInsFor(this, inputShape));
  }

  /** Those of the first application, which must be like the ones declared for another. */
  #shareWeights(declared: Weights, inputs: Values): Weights {
    this.#built ??= { inputs, weights: declared };
    checkSame(this, this.#built.weights, declared);
    return this.#built.weights;
  }

  /** What it makes of stand-ins: layers within it that were not built are not built by it. */
  #unbound<T>(make: () => T): T {
    const isBound = ({ builtFor, graph }: Layer) => builtFor !== undefined || graph !== undefined;
    const before = new Set(allLayers([this]).filter(isBound));
    try {
      return make();
    } finally {
      for (const part of allLayers([this])) if (!before.has(part)) part.forgetApplied();
    }
  }

  /** Forgets an application that was none but to learn of shapes. */
  protected forgetApplied(): void {
    this.#built = undefined;
    this.#calls.length = 0;
    this.#isApplied = false;
  }

  /** What it was built for; undefined before it was applied. */
  get builtFor(): { readonly inputs: Values; readonly weights: Weights } | undefined {
    return this.#built;
  }

  /**
   * Copies of its weights, in their order: kernel before bias, what is trained before moving averages. None before it was applied
   * @throws Error with code ERR_NOT_BUILT if no network was made of it yet
   */
  getWeights(): NDArray[];
  getWeights(...others: unknown[]): NDArray[] {
    checkAlone('getWeights', 0, others);
    return readHeld(weightsOf(this).map(({ weight }) => weight));
  }

  /**
   * Sets its weights, in the order of `getWeights`, for all networks that have it.
   * @throws RangeError if their number or a shape is wrong; nothing is changed then
   * @throws Error with code ERR_BUSY while one of its networks computes a batch, ERR_NOT_BUILT before it was applied
   */
  setWeights(weights: readonly ArrayInput[]): void {
    if (!this.#built)
      throw failure('ERR_NOT_BUILT', `Expected ${nameOf(this)} to have been applied before its weights are set`);
    const own = weightsOf(this);
    writeHeld(
      own.map(({ weight }) => weight),
      checkWeights(own, weights),
    );
  }

  /** The number of weights, trained and not. 0 before it was applied */
  countParams(): number {
    return weightsOf(this).reduce((sum, { weight }) => sum + weight.shape.reduce((size, n) => size * n, 1), 0);
  }

  /**
   * Declares a weight, in `build`.
   * @param name unique in the layer
   * @param options `trained`: whether training moves it (default true), by a `regularizer`, within a `constraint`
   */
  protected addWeight(
    name: string,
    shape: Shape,
    initializer: InitializerInput,
    options: { regularizer?: RegularizerInput; constraint?: ConstraintInput; trained?: boolean } = {},
  ): void {
    const declared = this.#declared;
    if (!declared) throw new TypeError('Expected addWeight to be called in build');
    if (typeof name !== 'string' || name === '' || name === '__proto__')
      throw wrongType('the name of a weight', 'a string that is not empty', name);
    if (Object.hasOwn(declared, name)) throw wrongValue(`the weights of ${nameOf(this)}`, 'of different names', name);
    const own = `of the weight '${name}' of ${nameOf(this)}`;
    checkOptions(`the options ${own}`, options, ['regularizer', 'constraint', 'trained']);
    const { trained = true } = options;
    const regularizer = checkRegularizer(`the regularizer ${own}`, options.regularizer);
    const constraint = checkConstraint(`the constraint ${own}`, options.constraint);
    declared[name] = marked({
      name,
      shape: checkShape(`the shape ${own}`, shape),
      batched: false,
      initializer: getInitializer(`the initializer ${own}`, initializer),
      trained: checkBoolean(`trained ${own}`, trained),
      held: { version: 0 },
      ...(regularizer && { regularizer }),
      ...(constraint && { constraint }),
    });
  }

  /** Runs `build`; a network, whose layers have the weights, has another method of that name. */
  protected declareWeights(inputShape: Shapes): void {
    this.build(inputShape);
  }

  #declare(inputShape: Shapes): Weights {
    if (isList(inputShape)) checkTakesList(this, inputShape.length);
    const declared: Record<string, Weight> = {};
    this.#declared = declared;
    try {
      this.declareWeights(inputShape);
    } finally {
      this.#declared = undefined;
    }
    return declared;
  }

  #onlyCall(): Call {
    if (this.#calls.length !== 1)
      throw new Error(
        this.#calls.length === 0
          ? `Expected ${nameOf(this)} to have been applied${this.graph ? '; its own values are inputs and outputs' : ''}`
          : `Expected ${nameOf(this)} to have been applied once, got ${this.#calls.length} applications, each with an input and an output of its own`,
      );
    return this.#calls[0];
  }
}

/** Of what is the same for all samples one that is, too. */
const standIn = ({ shape, dtype, batched }: Value): Value => Object.assign(placeholder(shape, dtype), { batched });
const standInsFor = (layer: Layer, shapes: Shapes): Values =>
  isList(shapes)
    ? shapes.map((shape, i) => placeholder(shape, inputDtypeOf(layer, i)))
    : placeholder(shapes, inputDtypeOf(layer));

/** The shape of one sample, as given by the option `name`. */
export function checkShape(name: string, shape: unknown): Shape {
  if (!Array.isArray(shape)) throw wrongType(name, 'an array of positive integers', shape);
  return Array.from(shape, (n, i) => {
    const what = `${name}[${i}]`;
    // Keras' None
    if (n === null)
      throw wrongType(what, 'a positive integer: samples are of one shape (padSequences makes it of sequences)', n);
    return checkInteger(what, n, 1);
  });
}

/** For layers that were given a shape they cannot take. */
export function wrongInput(layer: Layer, expected: string, shape: Shape): Error {
  const which = layer.name ? `${layer.className} '${layer.name}'` : layer.className;
  return wrongShape(`the input of ${which}`, expected, shape);
}
