import { allSteps, eachStep } from '../graph/ops/shape.js';
import { applyOp, type Value } from '../graph/value.js';
import { allLayers } from '../graph/weights.js';
import { Dense } from './dense.js';
import { described } from './described.js';
import type { Layer, LayerOptions, Shape } from './layer.js';
import { nameOf, wrongInput } from './layer.js';
import type { FromTo } from './ranks.js';
import { checkLayer, madeBy, Wrapper } from './wrapper.js';

export interface TimeDistributedOptions extends LayerOptions {
  /** What is applied to each step. */
  layer: Layer<any>;
}

/** A layer applied to every step of [steps, ...] with the same weights, as Keras' TimeDistributed; steps keep their mask. */
export class TimeDistributed extends Wrapper<FromTo<Value, Value>> {
  override readonly className = 'TimeDistributed';
  override readonly supportsMasking = true;
  readonly layer: Layer;
  override readonly parts: readonly Layer[];

  constructor(options: TimeDistributedOptions) {
    super(options, ['layer']);
    this.layer = checkLayer('layer', options.layer);
    const stateful = allLayers([this.layer]).find((layer) => layer.stateful);
    if (stateful)
      throw new TypeError(
        `Expected layer to have no states that outlive a batch, got ${nameOf(stateful)}, which is stateful`,
      );
    this.parts = [this.layer];
  }

  override build(inputShape: Shape): void {
    if (inputShape.length < 2)
      throw wrongInput(this, 'of two dimensions at least, the first of them steps', inputShape);
  }

  call(x: Value): Value {
    // along the last axis in any case; and its activation stays in sight of the loss
    if (this.layer instanceof Dense) return madeBy(this.layer, x)[0];
    const [steps] = x.shape;
    const { times = 1 } = x;
    const outputs = madeBy(this.layer, applyOp(eachStep, [x], { times: times * steps }));
    if (outputs.length !== 1)
      throw new TypeError(`Expected the layer of ${nameOf(this)} to give one value, got ${outputs.length}`);
    return applyOp(allSteps, outputs, { steps, times });
  }

  override getConfig(): Record<string, unknown> {
    return { layer: described(this.layer) };
  }
}
