import { checkInterval, checkNumber, checkOneOf, wrongType, wrongValue } from '../check.js';
import {
  contrast,
  FILL_MODES,
  type FillMode,
  type ImageTransform,
  INTERPOLATIONS,
  type Interpolation,
  type Interval,
  imageTransform,
} from '../graph/ops/augmentation.js';
import { applyOp, type Value } from '../graph/value.js';
import { Layer, type LayerOptions, type Mode, type Shape, type Weights, wrongInput } from './layer.js';
import type { OfPictures } from './ranks.js';

/** f for [-f, f], or [lower, upper] in any order. */
export type Factor = number | readonly [number, number];

/**
 * Images [height, width, channels] that training sees changed, each image by what is drawn for it in every step, from the
 * network's seed; evaluation and prediction see them as they are. As Keras' layers of these names.
 */
abstract class Augmentation extends Layer<OfPictures> {
  override build(inputShape: Shape): void {
    if (inputShape.length !== 3) throw wrongInput(this, 'images [height, width, channels]', inputShape);
  }

  call(x: Value, _: Weights, { training }: Mode): Value {
    return training ? this.changed(x) : x;
  }

  protected abstract changed(x: Value): Value;
}

const FLIPS = ['horizontal', 'vertical', 'horizontalAndVertical'] as const;
export type FlipMode = (typeof FLIPS)[number];

export interface RandomFlipOptions extends LayerOptions {
  /** 'horizontal': left and right change places; 'vertical': top and bottom. Default 'horizontalAndVertical' */
  mode?: FlipMode;
}

/**
 * Flips half of the images, in training. With 'horizontalAndVertical' an image is flipped both ways or not at all, as in
 * Keras 3; two layers, of one mode each, make all four.
 */
export class RandomFlip extends Augmentation {
  override readonly className = 'RandomFlip';
  readonly mode: FlipMode;

  constructor(options: RandomFlipOptions = {}) {
    super(options, ['mode']);
    this.mode = checkOneOf('mode', options.mode ?? 'horizontalAndVertical', FLIPS);
  }

  protected changed(x: Value): Value {
    const flips = (other: FlipMode): Interval => [0, Number(this.mode !== other)];
    const reading = { fillMode: 'nearest', interpolation: 'nearest', fillValue: 0 } as const;
    const options: ImageTransform = { change: 'flip', y: flips('horizontal'), x: flips('vertical'), ...reading };
    return applyOp(imageTransform, [x], options);
  }

  override getConfig(): Record<string, unknown> {
    return { mode: this.mode };
  }
}

export interface ResamplingOptions extends LayerOptions {
  /**
   * What lies outside the image: 'reflect' `d c b a | a b c d | d c b a`, 'constant' (`fillValue`), 'wrap'
   * `a b c d | a b c d | a b c d` or 'nearest' `a a a a | a b c d | d d d d`, by TensorFlow's formulas. Default 'reflect'
   */
  fillMode?: FillMode;
  /** Pixels between others: of the four around them, or the nearest one. Default 'bilinear' */
  interpolation?: Interpolation;
  /** What 'constant' fills with. Default 0 */
  fillValue?: number;
}

/** What reads images between their pixels, and beyond their borders. */
abstract class Resampling extends Augmentation {
  readonly fillMode: FillMode;
  readonly interpolation: Interpolation;
  readonly fillValue: number;

  constructor(options: ResamplingOptions, own: readonly string[]) {
    super(options, [...own, 'fillMode', 'interpolation', 'fillValue']);
    this.fillMode = checkOneOf('fillMode', options.fillMode ?? 'reflect', FILL_MODES);
    this.interpolation = checkOneOf('interpolation', options.interpolation ?? 'bilinear', INTERPOLATIONS);
    this.fillValue = checkNumber('fillValue', options.fillValue ?? 0);
  }

  /** What is drawn. */
  protected abstract drawn(): Pick<ImageTransform, 'change' | 'y' | 'x'>;

  protected changed(x: Value): Value {
    const { fillMode, interpolation, fillValue } = this;
    return applyOp(imageTransform, [x], { ...this.drawn(), fillMode, interpolation, fillValue });
  }

  override getConfig(): Record<string, unknown> {
    return { fillMode: this.fillMode, interpolation: this.interpolation, fillValue: this.fillValue };
  }
}

export interface RandomRotationOptions extends ResamplingOptions {
  /** By how much of a full turn, counterclockwise where positive: f in [-1, 1] for anything in [-f, f], or [lower, upper]. */
  factor: Factor;
}

/** Turns each image about its middle, in training. */
export class RandomRotation extends Resampling {
  override readonly className = 'RandomRotation';
  readonly factor: Factor;

  constructor(options: RandomRotationOptions) {
    super(options, ['factor']);
    this.factor = checkFactor('factor', options.factor);
  }

  protected drawn() {
    return { change: 'rotation', y: intervalOf(this.factor), x: [0, 0] } as const;
  }

  override getConfig(): Record<string, unknown> {
    return { factor: this.factor, ...super.getConfig() };
  }
}

export interface RandomTranslationOptions extends ResamplingOptions {
  /** How far down, as a share of the height: f in [-1, 1] for anything in [-f, f], or [lower, upper]. */
  heightFactor: Factor;
  /** How far to the right, as a share of the width. */
  widthFactor: Factor;
}

/** Shifts each image, in training. */
export class RandomTranslation extends Resampling {
  override readonly className = 'RandomTranslation';
  readonly heightFactor: Factor;
  readonly widthFactor: Factor;

  constructor(options: RandomTranslationOptions) {
    super(options, ['heightFactor', 'widthFactor']);
    this.heightFactor = checkFactor('heightFactor', options.heightFactor);
    this.widthFactor = checkFactor('widthFactor', options.widthFactor);
  }

  protected drawn() {
    return { change: 'translation', y: intervalOf(this.heightFactor), x: intervalOf(this.widthFactor) } as const;
  }

  override getConfig(): Record<string, unknown> {
    return { heightFactor: this.heightFactor, widthFactor: this.widthFactor, ...super.getConfig() };
  }
}

export interface RandomZoomOptions extends ResamplingOptions {
  /**
   * How much more of the height is seen, as a share of it: 0.2 zooms out, -0.2 zooms in. f in (-1, 1] for anything in
   * [-f, f], or [lower, upper].
   */
  heightFactor: Factor;
  /** The same of the width. Default: what is drawn for the height, which keeps the proportions */
  widthFactor?: Factor;
}

/** Zooms each image about its middle, in training. */
export class RandomZoom extends Resampling {
  override readonly className = 'RandomZoom';
  readonly heightFactor: Factor;
  readonly widthFactor?: Factor;

  constructor(options: RandomZoomOptions) {
    super(options, ['heightFactor', 'widthFactor']);
    this.heightFactor = checkFactor('heightFactor', options.heightFactor, 'low');
    if (options.widthFactor !== undefined) this.widthFactor = checkFactor('widthFactor', options.widthFactor, 'low');
  }

  protected drawn() {
    const { heightFactor, widthFactor } = this;
    const y = intervalOf(heightFactor);
    if (widthFactor === undefined) return { change: 'evenZoom', y, x: y } as const;
    return { change: 'zoom', y, x: intervalOf(widthFactor) } as const;
  }

  override getConfig(): Record<string, unknown> {
    const { heightFactor, widthFactor } = this;
    return { heightFactor, ...(widthFactor !== undefined && { widthFactor }), ...super.getConfig() };
  }
}

export interface RandomContrastOptions extends LayerOptions {
  /**
   * f in [0, 1] for a factor in [1 - f, 1 + f], as Keras' manual says (Keras 3.15 itself draws from [1, 1 + f]); or [lower,
   * upper] for one in [1 - lower, 1 + upper].
   */
  factor: Factor;
  /** What pixels hold, [low, high]: results are cut off there. Default [0, 255], also of images whose pixels are in [0, 1] */
  valueRange?: readonly [number, number];
}

/** In training (x - mean) * factor + mean, where mean is that of the channel, and the factor is drawn for each image. */
export class RandomContrast extends Augmentation {
  override readonly className = 'RandomContrast';
  readonly factor: Factor;
  readonly valueRange: Interval;

  constructor(options: RandomContrastOptions) {
    super(options, ['factor', 'valueRange']);
    const { factor, valueRange = [0, 255] } = options;
    this.factor =
      typeof factor === 'number'
        ? checkInterval('factor', factor, 0, 1)
        : checkTwo('factor', factor, 'a number in [0, 1] or two numbers', (name, x) => checkInterval(name, x, -1, 1));
    const [lower, upper] = this.#fractions();
    if (lower + upper < 0) throw wrongValue('factor', 'two numbers whose sum is not negative', factor);
    const range = 'two numbers, the first of them smaller';
    this.valueRange = checkTwo('valueRange', valueRange, range, checkNumber);
    if (this.valueRange[0] >= this.valueRange[1]) throw wrongValue('valueRange', range, valueRange);
  }

  #fractions(): Interval {
    return typeof this.factor === 'number' ? [this.factor, this.factor] : intervalOf(this.factor);
  }

  protected changed(x: Value): Value {
    const [lower, upper] = this.#fractions();
    return applyOp(contrast, [x], { factor: [1 - lower, 1 + upper], valueRange: this.valueRange });
  }

  override getConfig(): Record<string, unknown> {
    return { factor: this.factor, valueRange: this.valueRange };
  }
}

/** A number in [-1, 1], or two; with `open` -1 is none. */
function checkFactor(name: string, value: unknown, open: '' | 'low' = ''): Factor {
  const check = (name: string, x: unknown) => checkInterval(name, x, -1, 1, open);
  if (typeof value === 'number') return check(name, value);
  return checkTwo(name, value, `a number in ${open ? '(' : '['}-1, 1] or two of them`, check);
}

function checkTwo(name: string, value: unknown, what: string, check: (name: string, x: unknown) => number): Interval {
  if (!Array.isArray(value) || value.length !== 2) throw wrongType(name, what, value);
  return [check(`${name}[0]`, value[0]), check(`${name}[1]`, value[1])];
}

const intervalOf = (factor: Factor): Interval =>
  typeof factor === 'number' ? [-Math.abs(factor), Math.abs(factor)] : [Math.min(...factor), Math.max(...factor)];
