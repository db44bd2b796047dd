import { checkOneOf } from '../check.js';
import { reverseAxis } from '../graph/ops/axes.js';
import { applyOp, type Value, withMask } from '../graph/value.js';
import { property } from '../kind.js';
import { ops } from '../ops.js';
import { described } from './described.js';
import { isList, type Layer, type LayerOptions, nameOf } from './layer.js';
import type { FromTo } from './ranks.js';
import type { RecurrentLayer } from './recurrent.js';
import { layerFrom } from './registry.js';
import { checkLayer, madeBy, nameWithin, Wrapper } from './wrapper.js';

const MODES = ['concat', 'sum', 'mul', 'ave'] as const;
type MergeMode = (typeof MODES)[number];

export interface BidirectionalOptions extends LayerOptions {
  /** A recurrent layer. A second one of the same options runs from the last step to the first. */
  layer: Layer<any>;
  /** The second one, where it is to have options of its own: its goBackwards is the other's opposite. */
  backwardLayer?: Layer<any>;
  /** How both outputs become one; null gives a list of both. Default 'concat' */
  mergeMode?: MergeMode | null;
}

/**
 * A recurrent layer and its like that runs the other way (Schuster and Paliwal 1997), as Keras' Bidirectional: the second one's
 * sequence is turned round to the order of the first. Of sequences whose steps do not all count, outputs of such steps are 0. Initial
 * states and returned states are those of the first layer, then those of the second.
 */
export class Bidirectional extends Wrapper<FromTo<Value | readonly Value[], any>> {
  static override readonly takesList = true;
  override readonly className = 'Bidirectional';
  readonly forward: RecurrentLayer;
  readonly backward: RecurrentLayer;
  readonly mergeMode: MergeMode | null;
  override readonly wrappedLayers: readonly Layer[];

  constructor(options: BidirectionalOptions) {
    super(options, ['layer', 'backwardLayer', 'mergeMode']);
    const { mergeMode = 'concat' } = options;
    this.mergeMode = mergeMode === null ? null : checkOneOf('mergeMode', mergeMode, MODES);
    this.forward = checkRecurrent('layer', options.layer);
    const name = nameWithin(this.forward).replace(/^forward_/, '');
    this.forward.name = `forward_${name}`;
    if (options.backwardLayer === undefined) {
      const { className, goBackwards, trainable, activityRegularizer } = this.forward;
      const { kernelInitializer, recurrentInitializer, biasInitializer } = this.forward; // which may be of one's own
      const initializers = { kernelInitializer, recurrentInitializer, biasInitializer };
      const own = { ...this.forward.getConfig(), ...initializers, trainable, activityRegularizer };
      this.backward = layerFrom(className, { ...own, goBackwards: !goBackwards }) as RecurrentLayer;
    } else {
      this.backward = checkRecurrent('backwardLayer', options.backwardLayer);
    }
    this.backward.name ??= `backward_${name}`;
    for (const option of ['returnSequences', 'returnState'] as const)
      if (this.forward[option] !== this.backward[option])
        throw new RangeError(`Expected layer and backwardLayer to have the same ${option}`);
    if (this.forward.goBackwards === this.backward.goBackwards)
      throw new RangeError('Expected layer and backwardLayer to run in opposite directions (goBackwards)');
    this.wrappedLayers = [this.forward, this.backward];
    for (const layer of [this.forward, this.backward]) layer.zerosMasked = true;
  }

  call(inputs: Value | readonly Value[]): Value | readonly Value[] {
    const [x, ...states] = isList(inputs) ? inputs : [inputs as Value];
    const half = states.length / 2;
    if (!Number.isInteger(half))
      throw new RangeError(`Expected an even number of initial states of ${nameOf(this)}, got ${states.length}`);
    const run = (layer: RecurrentLayer, own: readonly Value[]) => madeBy(layer, own.length > 0 ? [x, ...own] : x);
    const [a, ...lastOfA] = run(this.forward, states.slice(0, half));
    const [b, ...lastOfB] = run(this.backward, states.slice(half));
    const { returnSequences, goBackwards } = this.forward;
    const turned = (value: Value) => applyOp(reverseAxis, [value], { axis: 0 });
    const mask = returnSequences ? x.mask && (goBackwards ? turned(x.mask) : x.mask) : undefined;
    const inOrder = returnSequences ? turned(b) : b;
    const merged = this.#merged(a, inOrder).map((value) => withMask(value, mask));
    const outputs = [...merged, ...lastOfA, ...lastOfB];
    return outputs.length === 1 ? outputs[0] : outputs;
  }

  #merged(a: Value, b: Value): readonly Value[] {
    switch (this.mergeMode) {
      case 'concat':
        return [ops.concat([a, b]) as Value];
      case 'sum':
        return [ops.add(a, b)];
      case 'mul':
        return [ops.mul(a, b)];
      case 'ave':
        return [ops.mul(ops.add(a, b), 0.5)];
      default:
        return [a, b];
    }
  }

  override getConfig(): Record<string, unknown> {
    const { forward, backward, mergeMode } = this;
    return { layer: described(forward), backwardLayer: described(backward), mergeMode };
  }
}

function checkRecurrent(option: string, given: unknown): RecurrentLayer {
  const layer = checkLayer(option, given);
  // not by its class, which may be another copy's of this package
  if (typeof property(layer, 'returnSequences') !== 'boolean' || typeof property(layer, 'goBackwards') !== 'boolean')
    throw new TypeError(`Expected ${option} to be a recurrent layer (lstm, gru or simpleRNN), got ${nameOf(layer)}`);
  if (Object.isFrozen(layer))
    throw new TypeError(`Expected ${option} to be a new layer, got ${nameOf(layer)}, which a network has already`);
  return layer as RecurrentLayer;
}
