import { type ArrayInput, asArray, NDArray } from './array.js';
import {
  called,
  checkInterval,
  checkNumber,
  checkObject,
  checkOneOf,
  checkOptions,
  wrongShape,
  wrongType,
} from './check.js';
import { isClass, isConfig, property } from './kind.js';
import { isMade, made, markMakers } from './made.js';
import { orthogonal } from './orthogonal.js';
import { RandomState } from './random.js';

/** Makes the first values of a weight. `config` is serializable and makes the same initializer again. */
export interface Initializer {
  readonly config: { readonly name: InitializerName; readonly [option: string]: unknown };
  /** Values of `shape`, drawn from `random` (or from the initializer's own `seed`). */
  (shape: readonly number[], random: RandomState): NDArray;
}

export type InitializerName =
  | 'zeros'
  | 'ones'
  | 'constant'
  | 'randomNormal'
  | 'randomUniform'
  | 'truncatedNormal'
  | 'glorotUniform'
  | 'glorotNormal'
  | 'heUniform'
  | 'heNormal'
  | 'leCunUniform'
  | 'leCunNormal'
  | 'varianceScaling'
  | 'orthogonal'
  | 'identity';
/** A name, one of `initializers.*` (called or not), an initializer's `config`, or a function of one's own, which is not saved. */
export type InitializerInput =
  | InitializerName
  | Initializer
  | (() => Initializer)
  | Initializer['config']
  | ((shape: readonly number[], random: RandomState) => ArrayInput);

interface Seeded {
  /** Draw from a generator of its own, the same values each time. Default: the network's generator */
  seed?: number;
}

const fill = (shape: readonly number[], value: () => number) => {
  const array = NDArray.zeros(shape);
  for (let i = 0; i < array.data.length; i++) array.data[i] = value();
  return array;
};

function make(
  name: InitializerName,
  options: object,
  allowed: readonly string[],
  draw: (shape: readonly number[], random: RandomState) => NDArray,
): Initializer {
  checkOptions('options', options, allowed);
  const { seed } = options as Seeded;
  if (seed !== undefined) new RandomState(seed); // refuses a bad seed now
  const initializer = (shape: readonly number[], random: RandomState) =>
    draw(shape, seed === undefined ? random : new RandomState(seed));
  return Object.assign(initializer, { config: { name, ...options } });
}

/**
 * Inputs and outputs of one unit. A kernel of a convolution (height, width, in, out) counts its receptive field, as
 * Keras' `compute_fans`.
 */
export function fans(shape: readonly number[]): [fanIn: number, fanOut: number] {
  if (shape.length === 0) return [1, 1];
  if (shape.length === 1) return [shape[0], shape[0]];
  const field = shape.slice(0, -2).reduce((product, n) => product * n, 1);
  return [shape[shape.length - 2] * field, shape[shape.length - 1] * field];
}

/** Normal numbers redrawn until they lie within two standard deviations, as TensorFlow's truncated_normal. */
function truncated(shape: readonly number[], mean: number, stddev: number, random: RandomState): NDArray {
  return fill(shape, () => {
    let x = random.randn();
    while (Math.abs(x) > 2) x = random.randn();
    return mean + stddev * x;
  });
}

/** The standard deviation of a standard normal cut at two: what it takes to give a truncated normal the wanted spread. */
const CUT = 0.87962566103423978;

const MODES = ['fanIn', 'fanOut', 'fanAvg'] as const;
const DISTRIBUTIONS = ['truncatedNormal', 'untruncatedNormal', 'uniform'] as const;

interface Scaling {
  scale: number;
  mode: (typeof MODES)[number];
  distribution: (typeof DISTRIBUTIONS)[number];
}

/**
 * Variance scaling (Glorot and Bengio 2010; He et al. 2015; LeCun et al. 1998), as Keras' VarianceScaling: variance
 * `scale / fan`; uniform within sqrt(3 * variance), normal, or normal cut at two standard deviations.
 */
function scaled({ scale, mode, distribution }: Scaling, shape: readonly number[], random: RandomState): NDArray {
  const [fanIn, fanOut] = fans(shape);
  const fan = { fanIn, fanOut, fanAvg: (fanIn + fanOut) / 2 }[mode];
  const variance = scale / Math.max(1, fan);
  if (distribution === 'truncatedNormal') return truncated(shape, 0, Math.sqrt(variance) / CUT, random);
  if (distribution === 'untruncatedNormal') return random.normal(0, Math.sqrt(variance), shape);
  const limit = Math.sqrt(3 * variance);
  return random.uniform(-limit, limit, shape);
}

const scaling =
  (
    name: InitializerName,
    scale: number,
    mode: Scaling['mode'],
    distribution: Scaling['distribution'],
  ): ((options?: Seeded) => Initializer) =>
  (options = {}) =>
    make(name, options, ['seed'], (shape, random) => scaled({ scale, mode, distribution }, shape, random));

export interface VarianceScalingOptions extends Seeded {
  /** Positive. Default 1 */
  scale?: number;
  /** What the variance is divided by: inputs of a unit, its outputs, or their mean. Default 'fanIn' */
  mode?: Scaling['mode'];
  /** 'normal' is 'truncatedNormal', as in Keras. Default 'truncatedNormal' */
  distribution?: Scaling['distribution'] | 'normal';
}

/** Keras' initializers, by the names TensorFlow.js gives them. */
export const initializers = {
  zeros: (): Initializer => make('zeros', {}, [], (shape) => NDArray.zeros(shape)),
  ones: (): Initializer => make('ones', {}, [], (shape) => fill(shape, () => 1)),
  constant: (options: { value?: number } = {}): Initializer => {
    checkObject('options', options);
    const value = checkNumber('value', options.value ?? 0);
    return make('constant', options, ['value'], (shape) => fill(shape, () => value));
  },
  /** Defaults: mean 0, stddev 0.05 */
  randomNormal: (options: { mean?: number; stddev?: number } & Seeded = {}): Initializer => {
    const { mean, stddev } = checkNormal(options);
    return make('randomNormal', options, ['mean', 'stddev', 'seed'], (shape, random) =>
      random.normal(mean, stddev, shape),
    );
  },
  /** Defaults: minval -0.05, maxval 0.05 */
  randomUniform: (options: { minval?: number; maxval?: number } & Seeded = {}): Initializer => {
    checkObject('options', options);
    const minval = checkNumber('minval', options.minval ?? -0.05);
    const maxval = checkInterval('maxval', options.maxval ?? 0.05, minval, Number.POSITIVE_INFINITY);
    return make('randomUniform', options, ['minval', 'maxval', 'seed'], (shape, random) =>
      random.uniform(minval, maxval, shape),
    );
  },
  /** Normal, redrawn beyond two standard deviations. Defaults: mean 0, stddev 0.05 */
  truncatedNormal: (options: { mean?: number; stddev?: number } & Seeded = {}): Initializer => {
    const { mean, stddev } = checkNormal(options);
    return make('truncatedNormal', options, ['mean', 'stddev', 'seed'], (shape, random) =>
      truncated(shape, mean, stddev, random),
    );
  },
  /** Uniform within sqrt(6 / (fanIn + fanOut)): the default of kernels. */
  glorotUniform: scaling('glorotUniform', 1, 'fanAvg', 'uniform'),
  glorotNormal: scaling('glorotNormal', 1, 'fanAvg', 'truncatedNormal'),
  heUniform: scaling('heUniform', 2, 'fanIn', 'uniform'),
  heNormal: scaling('heNormal', 2, 'fanIn', 'truncatedNormal'),
  leCunUniform: scaling('leCunUniform', 1, 'fanIn', 'uniform'),
  leCunNormal: scaling('leCunNormal', 1, 'fanIn', 'truncatedNormal'),
  /** Variance `scale / fan`, of which those above are cases. Defaults: scale 1, mode 'fanIn', distribution 'truncatedNormal' */
  varianceScaling: (options: VarianceScalingOptions = {}): Initializer => {
    checkObject('options', options);
    const scale = checkInterval('scale', options.scale ?? 1, 0, Number.POSITIVE_INFINITY, 'low');
    const mode = checkOneOf('mode', options.mode ?? 'fanIn', MODES);
    const given = checkOneOf('distribution', options.distribution ?? 'truncatedNormal', [...DISTRIBUTIONS, 'normal']);
    const distribution = given === 'normal' ? 'truncatedNormal' : given;
    return make('varianceScaling', options, ['scale', 'mode', 'distribution', 'seed'], (shape, random) =>
      scaled({ scale, mode, distribution }, shape, random),
    );
  },
  /**
   * `gain` times a random matrix with orthonormal columns, or rows where these are fewer (Saxe et al. 2014); of a weight of more
   * dimensions, of all but the last one as one. Default gain = 1
   */
  orthogonal: (options: { gain?: number } & Seeded = {}): Initializer => {
    checkObject('options', options);
    const gain = checkNumber('gain', options.gain ?? 1);
    return make('orthogonal', options, ['gain', 'seed'], (shape, random) => {
      if (shape.length < 2)
        throw wrongShape("a weight with the initializer 'orthogonal'", 'of two dimensions or more', shape);
      const columns = shape[shape.length - 1];
      const rows = shape.slice(0, -1).reduce((product, n) => product * n, 1);
      const values = orthogonal(rows, columns, random);
      return NDArray.wrap(gain === 1 ? values : values.map((value) => gain * value), shape);
    });
  },
  /** `gain` on the diagonal, 0 elsewhere; of matrices alone. Default gain = 1 */
  identity: (options: { gain?: number } = {}): Initializer => {
    checkObject('options', options);
    const gain = checkNumber('gain', options.gain ?? 1);
    return make('identity', options, ['gain'], (shape) => {
      if (shape.length !== 2) throw wrongShape("a weight with the initializer 'identity'", 'of two dimensions', shape);
      const array = NDArray.zeros(shape);
      for (let i = 0; i < Math.min(...shape); i++) array.data[i * shape[1] + i] = gain;
      return array;
    });
  },
} satisfies Record<InitializerName, unknown>;

function checkNormal(options: { mean?: number; stddev?: number }): { mean: number; stddev: number } {
  checkObject('options', options);
  return {
    mean: checkNumber('mean', options.mean ?? 0),
    stddev: checkInterval('stddev', options.stddev ?? 0.05, 0, Number.POSITIVE_INFINITY),
  };
}

markMakers('initializers', initializers, ['zeros', 'ones']);

/** Those that count the inputs and outputs of a unit. */
const SCALED: readonly string[] = [
  'glorotUniform',
  'glorotNormal',
  'heUniform',
  'heNormal',
  'leCunUniform',
  'leCunNormal',
  'varianceScaling',
] satisfies InitializerName[];

/**
 * The initializer of a weight that is a matrix [inputs, outputs] with axes taken apart, such as heads: it counts those of the
 * matrix, as Keras' EinsumDense since 3.15. Others are given the weight's own shape.
 */
export function ofMatrix(initializer: Initializer, inputs: number, outputs: number): Initializer {
  const { config } = initializer;
  if (!isMade(initializer) || !SCALED.includes(config.name)) return initializer;
  const draw = (shape: readonly number[], random: RandomState) => initializer([inputs, outputs], random).reshape(shape);
  return made(Object.assign(draw, { config }));
}

/** An initializer by name, or the one given. */
export function getInitializer(option: string, given: unknown): Initializer {
  const input = called(given, initializers);
  if (typeof input === 'function' && !isClass(input)) {
    if (isConfig(property(input, 'config'))) return input as Initializer;
    const own = input as (shape: readonly number[], random: RandomState) => ArrayInput;
    const draw = (shape: readonly number[], random: RandomState) => asArray(`what ${option} gives`, own(shape, random));
    return Object.assign(draw, { config: { name: own.name as InitializerName } }); // not saved
  }
  if (typeof input === 'object' && input !== null && 'name' in input)
    return initializerFrom(input as Initializer['config']);
  if (typeof input !== 'string') throw wrongType(option, 'the name of an initializer or one of initializers.*', input);
  return initializers[checkOneOf(option, input, Object.keys(initializers) as InitializerName[])]();
}

/** The initializer that `config` describes. */
function initializerFrom({ name, ...options }: Initializer['config']): Initializer {
  const factory = initializers[checkOneOf('initializer', name, Object.keys(initializers) as InitializerName[])];
  return (factory as (options: object) => Initializer)(options);
}
