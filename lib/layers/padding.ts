import { checkInteger, wrongType } from '../check.js';
import { slice } from '../graph/ops/axes.js';
import { pad } from '../graph/ops/pad.js';
import { applyOp, type Value } from '../graph/value.js';
import { Layer, type LayerOptions, type Shape, wrongInput } from './layer.js';
import type { OfPictures, OfSequences } from './ranks.js';

export interface ZeroPadding1DOptions extends LayerOptions {
  /** Steps of zeros: n on both sides, or [before, after]. Default 1 */
  padding?: number | readonly [number, number];
}

/** Zeros around sequences [steps, channels]. */
export class ZeroPadding1D extends Layer<OfSequences> {
  override readonly className = 'ZeroPadding1D';
  readonly padding: Ends;

  constructor(options: ZeroPadding1DOptions = {}) {
    super(options, ['padding']);
    this.padding = checkEnds('padding', options.padding ?? 1);
  }

  override build(inputShape: Shape): void {
    if (inputShape.length !== 2) throw wrongInput(this, 'sequences [steps, channels]', inputShape);
  }

  call(x: Value): Value {
    return padded(x, 0, this.padding);
  }

  override getConfig(): Record<string, unknown> {
    return { padding: this.padding };
  }
}

export interface Cropping1DOptions extends LayerOptions {
  /** Steps that are left out: n on both sides, or [before, after]. Default 1 */
  cropping?: number | readonly [number, number];
}

/** Sequences [steps, channels] without some of their first and last steps. */
export class Cropping1D extends Layer<OfSequences> {
  override readonly className = 'Cropping1D';
  readonly cropping: Ends;

  constructor(options: Cropping1DOptions = {}) {
    super(options, ['cropping']);
    this.cropping = checkEnds('cropping', options.cropping ?? 1);
  }

  override build(inputShape: Shape): void {
    const [before, after] = this.cropping;
    if (inputShape.length !== 2) throw wrongInput(this, 'sequences [steps, channels]', inputShape);
    if (inputShape[0] <= before + after)
      throw wrongInput(
        this,
        `sequences of more than ${before + after} steps (cropping [${before}, ${after}])`,
        inputShape,
      );
  }

  call(x: Value): Value {
    return cropped(x, 0, this.cropping);
  }

  override getConfig(): Record<string, unknown> {
    return { cropping: this.cropping };
  }
}

export interface ZeroPadding2DOptions extends LayerOptions {
  /** Rows and columns of zeros: n on every side, [rows, columns], or [[top, bottom], [left, right]]. Default 1 */
  padding?: number | readonly [number, number] | readonly [readonly [number, number], readonly [number, number]];
}

/** Zeros around images [height, width, channels]. */
export class ZeroPadding2D extends Layer<OfPictures> {
  override readonly className = 'ZeroPadding2D';
  readonly padding: readonly [rows: Ends, columns: Ends];

  constructor(options: ZeroPadding2DOptions = {}) {
    super(options, ['padding']);
    this.padding = checkSides('padding', options.padding ?? 1);
  }

  override build(inputShape: Shape): void {
    if (inputShape.length !== 3) throw wrongInput(this, 'images [height, width, channels]', inputShape);
  }

  call(x: Value): Value {
    // columns first: of fewer rows
    return [1, 0].reduce((image, axis) => padded(image, axis, this.padding[axis]), x);
  }

  override getConfig(): Record<string, unknown> {
    return { padding: this.padding };
  }
}

export interface Cropping2DOptions extends LayerOptions {
  /** Rows and columns that are left out: n on every side, [rows, columns], or [[top, bottom], [left, right]]. Default 0 */
  cropping?: ZeroPadding2DOptions['padding'];
}

/** Images [height, width, channels] without some of their first and last rows and columns. */
export class Cropping2D extends Layer<OfPictures> {
  override readonly className = 'Cropping2D';
  readonly cropping: readonly [rows: Ends, columns: Ends];

  constructor(options: Cropping2DOptions = {}) {
    super(options, ['cropping']);
    this.cropping = checkSides('cropping', options.cropping ?? 0);
  }

  override build(inputShape: Shape): void {
    const least = this.cropping.map(([before, after]) => before + after);
    if (inputShape.length !== 3) throw wrongInput(this, 'images [height, width, channels]', inputShape);
    if (least.some((n, axis) => inputShape[axis] <= n))
      throw wrongInput(this, `images of more than ${least[0]} rows and ${least[1]} columns (cropping)`, inputShape);
  }

  call(x: Value): Value {
    return [0, 1].reduce((image, axis) => cropped(image, axis, this.cropping[axis]), x);
  }

  override getConfig(): Record<string, unknown> {
    return { cropping: this.cropping };
  }
}

/** How much at the beginning of an axis, and at its end. */
type Ends = readonly [before: number, after: number];

const padded = (x: Value, axis: number, [before, after]: Ends): Value =>
  before + after > 0 ? applyOp(pad, [x], { axis, before, after }) : x;

const cropped = (x: Value, axis: number, [start, after]: Ends): Value =>
  start + after > 0 ? applyOp(slice, [x], { axis, start, length: x.shape[axis] - start - after }) : x;

/** n for both ends, or one for each. */
function checkEnds(name: string, ends: unknown): Ends {
  if (!Array.isArray(ends)) {
    const n = checkInteger(name, ends, 0);
    return [n, n];
  }
  if (ends.length !== 2) throw wrongType(name, 'two non-negative integers', ends);
  return [checkInteger(`${name}[0]`, ends[0], 0), checkInteger(`${name}[1]`, ends[1], 0)];
}

function checkSides(name: string, sides: unknown): readonly [Ends, Ends] {
  if (typeof sides === 'number') {
    const both = checkEnds(name, sides);
    return [both, both];
  }
  if (!Array.isArray(sides) || sides.length !== 2)
    throw wrongType(name, 'n, [rows, columns] or [[top, bottom], [left, right]]', sides);
  return [checkEnds(`${name}[0]`, sides[0]), checkEnds(`${name}[1]`, sides[1])];
}
