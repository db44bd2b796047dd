import { allocate } from './allocate.js';
import { checkAttached } from './array/memory.js';
import { type ArrayInput, asArray, NDArray } from './array.js';
import { binding } from './binding.js';
import { crypto } from './builtins.js';
import {
  checkAlone,
  checkBoolean,
  checkInteger,
  checkInterval,
  checkNumber,
  checkOptions,
  wrongShape,
  wrongType,
  wrongValue,
} from './check.js';
import { brand, isInt32Array, isNDArray, isRandomState, isTypedArray } from './kind.js';
import { checkProbabilities, chooseDifferent, chooseWeighted } from './weighted-choice.js';

/** `[name, key, position, hasGauss, cachedGaussian]`, as NumPy's `RandomState.get_state()`. */
export type MT19937State = readonly ['MT19937', Uint32Array, number, number, number];

type Shape = number | readonly number[];

interface ChoiceOptions {
  /** Whether an element may be drawn more than once. Default true */
  replace?: boolean;
  /** A probability for each element, of a sum of 1. Default: all alike */
  p?: ArrayInput;
}

/**
 * NumPy's legacy `RandomState`: the same seed gives the same numbers, draw for draw (MT19937; the stream is frozen by
 * NumPy's NEP 19).
 */
export class RandomState {
  #native: InstanceType<typeof binding.RandomState>;

  static {
    brand(RandomState, 'RandomState');
  }

  /** @param seed an integer in [0, 2^32); default: an unpredictable one */
  constructor(seed?: number) {
    this.#native = new binding.RandomState(checkSeed('seed', seed));
  }

  /** Uniform numbers in [0, 1) of 53 bits: one number, or an array of `shape`. */
  randomSample(): number;
  randomSample(shape: Shape): NDArray;
  randomSample(shape?: Shape, ...others: unknown[]): number | NDArray {
    checkAlone('randomSample', 1, others);
    return this.#draw(shape, (out) => this.#native.doubles(out));
  }

  /** Standard normal numbers (polar Box-Muller): one number without arguments, else an array of the given dimensions. */
  randn(): number;
  randn(...shape: [number, ...number[]]): NDArray;
  randn(...shape: readonly number[]): NDArray;
  randn(...shape: number[]): number | NDArray {
    return this.#draw(shape.length > 0 ? shape : undefined, (out) => this.#native.gaussians(out));
  }

  /** Normal numbers. @param loc mean, default 0 @param scale standard deviation >= 0, default 1 */
  normal(loc?: number, scale?: number): number;
  normal(loc: number, scale: number, shape: Shape): NDArray;
  normal(loc = 0, scale = 1, shape?: Shape, ...others: unknown[]): number | NDArray {
    checkAlone('normal', 3, others);
    checkNumber('loc', loc);
    checkInterval('scale', scale, 0, Number.POSITIVE_INFINITY);
    return this.#draw(shape, (out) => {
      this.#native.gaussians(out);
      for (let i = 0; i < out.length; i++) out[i] = loc + scale * out[i];
    });
  }

  /** Uniform numbers in [low, high). Defaults: 0 and 1 */
  uniform(low?: number, high?: number): number;
  uniform(low: number, high: number, shape: Shape): NDArray;
  uniform(low = 0, high = 1, shape?: Shape, ...others: unknown[]): number | NDArray {
    checkAlone('uniform', 3, others);
    const range = checkNumber('high', high) - checkNumber('low', low);
    if (!Number.isFinite(range)) throw wrongValue('high - low', 'a finite number', range);
    return this.#draw(shape, (out) => {
      this.#native.doubles(out);
      for (let i = 0; i < out.length; i++) out[i] = low + range * out[i];
    });
  }

  /**
   * Uniform integers in [low, high); with one argument in [0, low). By masked rejection, as NumPy's for its default
   * integers. Arrays are int32 where high <= 2^31, else float64.
   */
  randint(low: number, high?: number): number;
  randint(low: number, high: number | undefined, shape: Shape): NDArray;
  randint(low: number, high?: number, shape?: Shape, ...others: unknown[]): number | NDArray {
    checkAlone('randint', 3, others);
    const [from, to] = high === undefined ? [0, low] : [low, high];
    checkInteger('low', from);
    checkInteger('high', to);
    if (to <= from) throw wrongValue(high === undefined ? 'low' : 'high', `an integer > ${from}`, to);
    if (to - from > Number.MAX_SAFE_INTEGER) throw wrongValue('high - low', 'at most 2^53 - 1', to - from);
    const drawn = this.#draw(shape, (out) => {
      this.#native.bounded(out, to - 1 - from);
      for (let i = 0; i < out.length; i++) out[i] += from;
    });
    return typeof drawn === 'number' ? drawn : to <= 2 ** 31 && from >= -(2 ** 31) ? int32(drawn) : drawn;
  }

  /**
   * Draws from `a`, or from 0 .. a-1 where `a` is a number.
   * @param size default: one element
   * @param options.replace default true
   * @param options.p a probability for each element, of a sum of 1; default: all alike
   * @throws RangeError if more elements are wanted than there are (of a probability above 0), without replacement
   */
  choice(a: number | ArrayInput, size?: undefined, options?: ChoiceOptions): number;
  choice(a: number | ArrayInput, size: Shape, options?: ChoiceOptions): NDArray;
  choice(a: number | ArrayInput, size?: Shape, options: ChoiceOptions = {}): number | NDArray {
    checkOptions('options', options, ['replace', 'p']);
    const replace = checkBoolean('replace', options.replace ?? true);
    const from = typeof a === 'number' ? undefined : asArray('a', a);
    if (from && from.shape.length !== 1) throw wrongShape('a', 'a number or a one-dimensional array', from.shape);
    const n = from ? from.length : checkInteger('a', a, 1);
    if (from && n === 0) throw wrongShape('a', 'an array that is not empty', from.shape);
    const shape = shapeOf(size, 'size');
    const count = shape.reduce((product, m) => product * m, 1);
    if (!replace && count > n) throw wrongValue('size', `at most ${n} without replacement`, count);
    const p = (options.p ?? undefined) === undefined ? undefined : checkProbabilities(options.p as ArrayInput, n);
    const index = p
      ? this.#weighted(p, count, replace)
      : replace
        ? (this.randint(0, n, [count]).data as Int32Array)
        : (this.permutation(n).data.subarray(0, count) as Int32Array);
    const chosen = from ? from.take(index) : NDArray.from(index);
    return size === undefined ? chosen.data[0] : chosen.reshape([...shape]);
  }

  #weighted(p: ArrayLike<number>, count: number, replace: boolean): Int32Array {
    const draw = (k: number) => this.randomSample([k]).data;
    return replace ? chooseWeighted(p, draw(count)) : chooseDifferent(p, count, draw);
  }

  /** A permutation of 0 .. x-1, or a copy of the array `x` with its rows in random order. */
  permutation(x: number | ArrayInput): NDArray;
  permutation(x: number | ArrayInput, ...others: unknown[]): NDArray {
    checkAlone('permutation', 1, others);
    const from = typeof x === 'number' ? undefined : asArray('x', x);
    const n = from ? from.length : checkInteger('x', x, 0);
    const index = allocate(Int32Array, n);
    for (let i = 0; i < n; i++) index[i] = i;
    this.#native.shuffle(index);
    return from ? from.take(index) : NDArray.wrap(index);
  }

  /** Puts the elements of an array, or the rows of an NDArray, into random order, in place. */
  shuffle(array: NDArray | unknown[] | Float64Array | Float32Array | Int32Array | Uint8Array): void;
  shuffle(
    array: NDArray | unknown[] | Float64Array | Float32Array | Int32Array | Uint8Array,
    ...others: unknown[]
  ): void {
    checkAlone('shuffle', 1, others);
    if (isNDArray(array)) {
      const rows = this.permutation(array);
      array.data.set(rows.data);
    } else if (isInt32Array(array)) {
      this.#native.shuffle(asArray('array', array).data as Int32Array);
    } else if (Array.isArray(array) || isTypedArray(array)) {
      if (Object.isFrozen(array)) throw wrongType('array', 'an array that can be changed, and not a frozen one', array);
      if (isTypedArray(array)) checkAttached('array', array);
      const old = Array.from<unknown>(array);
      const order = this.permutation(old.length).data;
      for (let i = 0; i < old.length; i++) array[i] = old[order[i]] as never;
    } else {
      throw wrongType('array', 'an NDArray, an array or a typed array', array);
    }
  }

  /** A copy of the generator's state. */
  getState(): MT19937State {
    const key = new Uint32Array(624);
    return ['MT19937', key, ...this.#native.getState(key)];
  }

  /** Puts the generator into a state that `getState()`, or NumPy's `get_state()`, gave. */
  setState(state: readonly ['MT19937', ArrayLike<number>, number, number?, number?]): void {
    if (!Array.isArray(state) || state[0] !== 'MT19937') throw wrongType('state', "a state ['MT19937', key, …]", state);
    const [, key, position, hasGauss = 0, gauss = 0] = state;
    if (!(Array.isArray(key) || isTypedArray(key)) || key.length !== 624)
      throw wrongValue('state[1]', '624 words', key);
    for (let i = 0; i < 624; i++)
      if (checkInteger(`state[1][${i}]`, key[i], 0) >= 2 ** 32)
        throw wrongValue(`state[1][${i}]`, 'an integer in [0, 2^32)', key[i]);
    if (checkInteger('state[2]', position, 0) > 624) throw wrongValue('state[2]', 'an integer in [0, 624]', position);
    if (hasGauss !== 0 && hasGauss !== 1) throw wrongValue('state[3]', '0 or 1', hasGauss);
    this.#native.setState(Uint32Array.from(key), position, hasGauss, checkNumber('state[4]', gauss));
  }

  /**
   * Rows of whole batches, each the first of a fresh permutation: `choice(n, size, { replace: false })` for every
   * `size` elements of `out`.
   * @internal
   */
  batches(n: number, size: number, out: Int32Array): Int32Array {
    this.#native.batches(n, out, size);
    return out;
  }

  /**
   * Begins to draw `count` rows of `batches` on another thread, and gives what waits for them; nothing where no thread is to spare.
   * Nobody else may ask this generator for anything until then. If it is never called, nothing was drawn.
   * @internal
   */
  batchesAhead(n: number, size: number, count: number): (() => Int32Array) | undefined {
    if (!this.#native.beginBatches(n, count, size)) return undefined;
    return () => {
      const out = allocate(Int32Array, count);
      this.#native.endBatches(out);
      return out;
    };
  }

  #draw(shape: Shape | undefined, fill: (out: Float64Array) => void): number | NDArray {
    const dimensions = shapeOf(shape);
    const out = allocate(
      Float64Array,
      dimensions.reduce((product, n) => product * n, 1),
    );
    fill(out);
    return shape === undefined ? out[0] : NDArray.wrap(out, dimensions);
  }
}

/** What `randomState` options accept: a seed, a generator to go on drawing from, or nothing for an unpredictable one. */
export function checkRandomState(randomState?: number | RandomState): RandomState {
  return isRandomState(randomState) ? randomState : new RandomState(checkSeed('randomState', randomState));
}

function checkSeed(name: string, seed: number | undefined): number {
  if (seed === undefined) return crypto().randomInt(2 ** 32);
  if (checkInteger(name, seed, 0) >= 2 ** 32) throw wrongValue(name, 'an integer in [0, 2^32)', seed);
  return seed;
}

function shapeOf(shape: Shape | undefined, name = 'shape'): readonly number[] {
  if (shape === undefined) return [];
  const dimensions = typeof shape === 'number' ? [shape] : shape;
  if (!Array.isArray(dimensions)) throw wrongType(name, 'an integer or an array of integers', shape);
  for (const [i, n] of dimensions.entries()) checkInteger(`${name}[${i}]`, n, 0);
  return dimensions;
}

const int32 = (array: NDArray) => NDArray.from(array, { dtype: 'int32' });

/** By this method a model draws what its training would draw from a generator that others have, too, and does not train. */
export const passOver = Symbol.for('fjordnet.passOver');

/** Parameters for another estimator: a RandomState among them is copied. */
export const parametersApart = <P extends { randomState?: unknown }>(params: P): P =>
  isRandomState(params.randomState) ? { ...params, randomState: copyOfRandom(params.randomState) } : params;

/** A generator of its own that draws the same numbers from now on. */
export function copyOfRandom(random: RandomState): RandomState {
  const copy = new RandomState(0);
  copy.setState(random.getState());
  return copy;
}
