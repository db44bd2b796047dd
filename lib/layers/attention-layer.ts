import { checkBoolean, checkInterval } from '../check.js';
import { dropout } from '../graph/ops/dropout.js';
import type { Sequence } from '../graph/shape-types.js';
import { applyOp, type Value } from '../graph/value.js';
import { ops } from '../ops.js';
import type { LayerOptions, Shape } from './layer.js';
import { Merge } from './merge.js';
import type { FromTo } from './ranks.js';

export interface AttentionLayerOptions extends LayerOptions {
  /** The share of attention weights that training sets to 0. Default 0 */
  dropout?: number;
  /** Steps see none that come behind them. Default false */
  useCausalMask?: boolean;
  /** Gives a list: the output and the weights [query steps, value steps], with several heads those of each. Default false */
  returnAttentionScores?: boolean;
}

/** What a layer of these options gives. */
type Attended<O> = O extends { readonly returnAttentionScores: infer R }
  ? R extends false | undefined
    ? Value<Sequence>
    : boolean extends R
      ? any
      : readonly [output: Value<Sequence>, scores: Value]
  : Value<Sequence>;

/** What layers have in common whose steps look at others: of a list [query, value] or [query, value, key]. */
export abstract class AttentionLayer<O = AttentionLayerOptions> extends Merge<FromTo<readonly Value[], Attended<O>>> {
  readonly dropout: number;
  readonly useCausalMask: boolean;
  readonly returnAttentionScores: boolean;

  constructor(options: AttentionLayerOptions, own: readonly string[]) {
    super(options, [...own, 'dropout', 'useCausalMask', 'returnAttentionScores']);
    this.dropout = checkInterval('dropout', options.dropout ?? 0, 0, 1, 'high');
    this.useCausalMask = checkBoolean('useCausalMask', options.useCausalMask ?? false);
    this.returnAttentionScores = checkBoolean('returnAttentionScores', options.returnAttentionScores ?? false);
  }

  /** The shapes of query, value and key. @throws RangeError if these `inputs` are none, of `all` that there are */
  protected checkSequences(inputs: readonly Shape[], all = inputs): readonly Shape[] {
    const [query, value, key = value] = inputs;
    const isSequence = (shape?: Shape) => shape?.length === 2;
    if (inputs.length < 2 || inputs.length > 3 || !inputs.every(isSequence) || key[0] !== value[0])
      throw this.wrongInputs(
        `[query, value] or [query, value, key]${all === inputs ? '' : ' and a mask'}, sequences [steps, features], value and key of as many steps`,
        all,
      );
    return [query, value, key];
  }

  /** 1 where each step of the query may see each of the value, as all `masks` say, broadcast to [T, S]; undefined: everywhere. */
  protected seen(T: number, S: number, masks: readonly Value[]): Value | undefined {
    const causal = () =>
      ops.reshape(
        Float64Array.from({ length: T * S }, (_, at) => Number(at % S <= Math.floor(at / S))),
        [T, S],
      );
    const all = this.useCausalMask ? [...masks, causal()] : masks;
    return all.length > 0 ? all.reduce((both, mask) => ops.mul(both, mask) as Value) : undefined;
  }

  /** Those that training leaves. */
  protected kept(weights: Value, training: boolean): Value {
    return training && this.dropout > 0 ? applyOp(dropout, [weights], { rate: this.dropout }) : weights;
  }

  override getConfig(): Record<string, unknown> {
    const { dropout, useCausalMask, returnAttentionScores } = this;
    return { dropout, useCausalMask, returnAttentionScores };
  }
}
