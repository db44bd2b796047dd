import { checkInteger, wrongValue } from '../check.js';
import { reshaped } from '../graph/broadcast.js';
import { type Convolution, conv2d } from '../graph/ops/conv2d.js';
import { conv2dGrouped } from '../graph/ops/conv2d-grouped.js';
import { depthwise } from '../graph/ops/depthwise.js';
import { applyOp, type Value } from '../graph/value.js';
import { KernelLayer, type KernelLayerOptions } from './kernel-layer.js';
import { type Shape, wrongInput } from './layer.js';
import type { Ranks } from './ranks.js';

export interface FilterLayerOptions extends KernelLayerOptions {
  /** Channels of the output. */
  filters: number;
  /** So many parts of the channels, each with its part of the filters alone: both are multiples of it. Default 1 */
  groups?: number;
}

/** What convolutions of images and of sequences have in common: filters, in groups. */
export abstract class FilterLayer<R extends Ranks> extends KernelLayer<R> {
  readonly filters: number;
  readonly groups: number;

  constructor(options: FilterLayerOptions, own: readonly string[]) {
    super(options, ['filters', ...own, 'groups']);
    this.filters = checkInteger('filters', options.filters, 1);
    this.groups = checkInteger('groups', options.groups ?? 1, 1);
    if (this.filters % this.groups > 0)
      throw wrongValue('filters', `a multiple of groups (${this.groups})`, options.filters);
  }

  /** Declares a kernel of this size, and a bias, for inputs of this shape; `what` these are called in messages. */
  protected addFilters(size: readonly number[], inputShape: Shape, what: string): void {
    const channels = inputShape[inputShape.length - 1] / this.groups;
    if (!Number.isInteger(channels))
      throw wrongInput(this, `${what} whose channels are a multiple of groups (${this.groups})`, inputShape);
    this.addKernel([...size, channels, this.filters]);
  }

  /** x * w + b: images x [H, W, C], kernel w [K, L, C / groups, filters], b [filters] */
  protected convolve(x: Value, w: Value, b: Value | undefined, options: Convolution): Value {
    const { filters, groups } = this;
    const inputs = b ? [x, w, b] : [x, w];
    if (groups === 1) return applyOp(conv2d, inputs, options);
    if (groups < x.shape[2]) return applyOp(conv2dGrouped, inputs, { ...options, groups });
    // [K, L, 1, channels * n] lies as [K, L, channels, n] does
    const [K, L] = w.shape;
    return depthwise(x, reshaped(w, [K, L, groups, filters / groups]), b, options);
  }
}
