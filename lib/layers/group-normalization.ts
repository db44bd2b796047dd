import { checkInteger, wrongValue } from '../check.js';
import { broadcastTo, reshaped } from '../graph/broadcast.js';
import { sizeOf, type Value } from '../graph/value.js';
import { ops } from '../ops.js';
import { checkAxis, sampleAxis } from './axis.js';
import { type Shape, type Weights, wrongInput } from './layer.js';
import { NormalizingLayer, type NormalizingLayerOptions } from './normalizing-layer.js';

export interface GroupNormalizationOptions extends NormalizingLayerOptions {
  /** So many parts of the channels, whose number is a multiple of it; -1: each channel is one (instance normalization). Default 32 */
  groups?: number;
  /** That of the channels, counted with the batch, as Keras: 1 is the first axis of a sample, -1 (the default) the last. */
  axis?: number;
}

/**
 * gamma * (x - mean) / sqrt(variance + epsilon) + beta, with mean and variance (divided by n) of each group of channels of each
 * sample, all of its pixels or steps together; gamma and beta are numbers of channels (Wu and He, 2018). As Keras'
 * GroupNormalization, which counts steps that a mask leaves out, too.
 */
export class GroupNormalization extends NormalizingLayer {
  override readonly className = 'GroupNormalization';
  readonly groups: number;
  readonly axis: number;

  constructor(options: GroupNormalizationOptions = {}) {
    super(options, ['groups', 'axis']);
    this.groups = checkInteger('groups', options.groups ?? 32);
    if (this.groups < 1 && this.groups !== -1) throw wrongValue('groups', 'a positive integer, or -1', this.groups);
    this.axis = checkAxis('axis', options.axis ?? -1);
  }

  override build(inputShape: Shape): void {
    const axis = sampleAxis(this.axis, inputShape.length);
    if (axis === undefined) throw wrongInput(this, `of an axis ${this.axis} (0 is that of the batch)`, inputShape);
    if (this.groups > 0 && inputShape[axis] % this.groups > 0)
      throw wrongInput(this, `of a multiple of ${this.groups} channels, its groups (an option)`, inputShape);
    this.addGammaAndBeta([inputShape[axis]]);
  }

  call(x: Value, { gamma, beta }: Weights): Value {
    const axis = sampleAxis(this.axis, x.shape.length) as number;
    const channels = x.shape[axis];
    const groups = this.groups > 0 ? this.groups : channels;
    const order = [...[...x.shape.keys()].filter((other) => other !== axis), axis];
    const last = ops.transpose(x, order);
    const places = reshaped(last, [sizeOf(x.shape) / channels, channels]);
    // channels before groups, for sums of whole rows are quick
    const meanOf = (values: Value): Value =>
      ops.mean(reshaped(ops.mean(values, { axis: 0 }), [groups, channels / groups]), { axis: 1, keepDims: true });
    const ofChannels = (value: Value): Value =>
      reshaped(broadcastTo(value, [groups, channels / groups], undefined), [channels]);
    const centered = ops.sub(places, ofChannels(meanOf(places)));
    const deviation = ops.sqrt(ops.add(meanOf(ops.square(centered)), this.epsilon));
    const scale = ofChannels(ops.div(1, deviation));
    const scaled = ops.mul(centered, gamma ? ops.mul(scale, gamma) : scale);
    const y = reshaped(beta ? ops.add(scaled, beta) : scaled, last.shape);
    return ops.transpose(
      y,
      order.map((_, own) => order.indexOf(own)),
    );
  }

  override getConfig(): Record<string, unknown> {
    return { groups: this.groups, axis: this.axis, ...super.getConfig() };
  }
}
