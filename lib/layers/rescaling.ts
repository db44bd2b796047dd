import { checkNumber } from '../check.js';
import type { Value } from '../graph/value.js';
import { ops } from '../ops.js';
import { Layer, type LayerOptions, type Shape, wrongInput } from './layer.js';
import type { SameRank } from './ranks.js';

export interface RescalingOptions extends LayerOptions {
  /** What values are multiplied by; of a list each channel, the last axis, by its own. */
  scale: number | readonly number[];
  /** What is added then. Default 0 */
  offset?: number | readonly number[];
}

/** scale * x + offset: bytes to [-1, 1] by a scale of 1 / 127.5 and an offset of -1. */
export class Rescaling extends Layer<SameRank> {
  override readonly className = 'Rescaling';
  override readonly supportsMasking = true;
  readonly scale: number | readonly number[];
  readonly offset: number | readonly number[];

  constructor(options: RescalingOptions) {
    super(options, ['scale', 'offset']);
    this.scale = checkNumbers('scale', options.scale);
    this.offset = checkNumbers('offset', options.offset ?? 0);
  }

  override build(inputShape: Shape): void {
    for (const list of [this.scale, this.offset])
      if (typeof list !== 'number' && list.length !== inputShape.at(-1))
        throw wrongInput(this, `of ${list.length} channels, as its scale or offset`, inputShape);
  }

  call(x: Value): Value {
    return ops.add(ops.mul(x, this.scale as number[]), this.offset as number[]);
  }

  override getConfig(): Record<string, unknown> {
    return { scale: this.scale, offset: this.offset };
  }
}

const checkNumbers = (name: string, value: unknown): number | readonly number[] =>
  Array.isArray(value)
    ? Array.from(value, (x, i) => checkNumber(`${name}[${i}]`, x))
    : checkNumber(name, value, 'a finite number or an array of them');
