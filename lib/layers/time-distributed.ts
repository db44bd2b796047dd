import { broadcastTo } from '../graph/broadcast.js';
import { allSteps, eachStep } from '../graph/ops/shape.js';
import { applyOp, timesOf, type Value, withMask } from '../graph/value.js';
import { allLayers, frozenOf } from '../graph/weights.js';
import { ops } from '../ops.js';
import { Dense } from './dense.js';
import { described } from './described.js';
import { type Layer, type LayerOptions, type Mode, nameOf, type Shape, type Weights, wrongInput } from './layer.js';
import type { FromTo } from './ranks.js';
import { checkLayer, madeBy, Wrapper } from './wrapper.js';

export interface TimeDistributedOptions extends LayerOptions {
  /** What is applied to each step. */
  layer: Layer<any>;
}

/** A batch normalization within a layer that is trained. */
function countingSteps(layer: Layer): Layer | undefined {
  const frozen = frozenOf([layer]);
  return allLayers([layer]).find((part) => part.className === 'BatchNormalization' && !frozen.has(part));
}

/** A step counts in which anything does. */
const anyWithin = (mask: Value) => ops.max(mask, { axis: mask.shape.map((_, axis) => axis).slice(1) }) as Value;

/**
 * A layer applied to every step of [steps, ...] with the same weights, as Keras' TimeDistributed; steps keep their mask. A mask
 * [steps, words] is one of the words for the layer.
 */
export class TimeDistributed extends Wrapper<FromTo<Value, Value>> {
  override readonly className = 'TimeDistributed';
  override readonly supportsMasking = true;
  readonly layer: Layer;
  override readonly wrappedLayers: readonly Layer[];

  constructor(options: TimeDistributedOptions) {
    super(options, ['layer']);
    this.layer = checkLayer('layer', options.layer);
    const stateful = allLayers([this.layer]).find((layer) => layer.stateful);
    if (stateful)
      throw new TypeError(
        `Expected layer to have no states that outlive a batch, got ${nameOf(stateful)}, which is stateful`,
      );
    this.wrappedLayers = [this.layer];
  }

  override build(inputShape: Shape): void {
    if (inputShape.length < 2)
      throw wrongInput(this, 'of two dimensions at least, the first of them steps', inputShape);
  }

  call(x: Value, _: Weights, { training, trainable = true }: Mode): Value {
    // along the last axis in any case; and its activation stays in sight of the loss
    if (this.layer instanceof Dense) return madeBy(this.layer, x)[0];
    const [steps] = x.shape;
    const { mask } = x;
    const times = timesOf(mask ? [x, mask] : [x]) ?? 1;
    const apart = (value: Value) =>
      applyOp(eachStep, [broadcastTo(value, value.shape, times)], { times: times * steps });
    const isWithin = mask !== undefined && mask.shape.length > 1;
    const counting = mask && training && trainable && countingSteps(this.layer);
    if (counting && !isWithin && x.shape.length > 2)
      throw new TypeError(
        `Expected ${nameOf(counting)} in ${nameOf(this)} to be given no masked steps of more than one axis, whose numbers it would count: apply it to the sequence instead`,
      );
    const outputs = madeBy(this.layer, withMask(apart(x), isWithin || counting ? apart(mask) : undefined));
    if (outputs.length !== 1)
      throw new TypeError(`Expected the layer of ${nameOf(this)} to give one value, got ${outputs.length}`);
    // a mask that the layer hands on takes its place
    return withMask(applyOp(allSteps, outputs, { steps, times }), isWithin ? anyWithin(mask) : mask);
  }

  override getConfig(): Record<string, unknown> {
    return { layer: described(this.layer) };
  }
}
