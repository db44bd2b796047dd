import { checkInteger, wrongType } from '../check.js';
import { pad } from '../graph/ops/pad.js';
import { applyOp, type Value } from '../graph/value.js';
import { Layer, type LayerOptions, type Shape, wrongInput } from './layer.js';
import type { OfPictures } from './ranks.js';
import type { Pair } from './window.js';

export interface ZeroPadding2DOptions extends LayerOptions {
  /** Rows and columns of zeros: n on every side, [rows, columns], or [[top, bottom], [left, right]]. Default 1 */
  padding?: number | readonly [number, number] | readonly [readonly [number, number], readonly [number, number]];
}

/** Zeros around images [height, width, channels]. */
export class ZeroPadding2D extends Layer<OfPictures> {
  override readonly className = 'ZeroPadding2D';
  readonly padding: readonly [rows: Pair, columns: Pair];

  constructor(options: ZeroPadding2DOptions = {}) {
    super(options, ['padding']);
    this.padding = checkSides(options.padding ?? 1);
  }

  override build(inputShape: Shape): void {
    if (inputShape.length !== 3) throw wrongInput(this, 'images [height, width, channels]', inputShape);
  }

  call(x: Value): Value {
    // columns first: of fewer rows
    return [1, 0].reduce((image, axis) => {
      const [before, after] = this.padding[axis];
      return before + after > 0 ? applyOp(pad, [image], { axis, before, after }) : image;
    }, x);
  }

  override getConfig(): Record<string, unknown> {
    return { padding: this.padding };
  }
}

function checkSides(padding: unknown): readonly [Pair, Pair] {
  const expected = 'n, [rows, columns] or [[top, bottom], [left, right]]';
  const count = (name: string, n: unknown) => checkInteger(name, n, 0);
  if (typeof padding === 'number') {
    const n = count('padding', padding);
    return [
      [n, n],
      [n, n],
    ];
  }
  if (!Array.isArray(padding) || padding.length !== 2) throw wrongType('padding', expected, padding);
  const sides = (side: unknown, name: string): Pair => {
    if (!Array.isArray(side)) {
      const n = count(name, side);
      return [n, n];
    }
    if (side.length !== 2) throw wrongType(name, 'two non-negative integers', side);
    return [count(`${name}[0]`, side[0]), count(`${name}[1]`, side[1])];
  };
  return [sides(padding[0], 'padding[0]'), sides(padding[1], 'padding[1]')];
}
