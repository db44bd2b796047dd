import { activations } from '../activations.js';
import { checkBoolean, checkOneOf } from '../check.js';
import { reshaped } from '../graph/broadcast.js';
import { activation } from '../graph/ops/activation.js';
import { applyOp, type Value, withMask } from '../graph/value.js';
import { getInitializer } from '../initializers.js';
import { ops } from '../ops.js';
import { AttentionLayer, type AttentionLayerOptions } from './attention-layer.js';
import type { Mode, Shape, Weights } from './layer.js';

export interface AttentionOptions extends AttentionLayerOptions {
  /** Whether a trained number, `scale`, multiplies scores (in 'concat' what tanh is taken of). Default false */
  useScale?: boolean;
  /** 'concat': a trained number times the sum of tanh(q + k) over the features. Default 'dot': q k^T */
  scoreMode?: 'dot' | 'concat';
}

export interface AdditiveAttentionOptions extends AttentionLayerOptions {
  /** Whether each feature of tanh(q + k) has a trained factor. Default true */
  useScale?: boolean;
}

/** Taken from the scores of steps that may not be seen, as Keras does: where there are no others, those count. */
const HIDDEN = 1e9;

/** softmax(scores) v, of scores that compare steps as they are, without kernels of their own. */
abstract class ScoredAttention<O> extends AttentionLayer<O> {
  override build(inputShapes: readonly Shape[]): void {
    const shapes = this.checkList(inputShapes);
    const [query, , key] = this.checkSequences(shapes);
    if (query[1] !== key[1]) throw this.wrongInputs('a query and a key of as many features', shapes);
    this.addScale(query[1]);
  }

  /** Declares the weights for so many features. */
  protected abstract addScale(features: number): void;
  /** [T, S] of a query [T, features] and a key [S, features]. */
  protected abstract scores(query: Value, key: Value, weights: Weights): Value;

  call([query, value, key = value]: readonly Value[], weights: Weights, { training }: Mode): Value | readonly Value[] {
    const [T, S] = [query.shape[0], value.shape[0]];
    const seen = this.seen(T, S, value.mask ? [reshaped(value.mask, [1, S])] : []);
    const scores = this.scores(query, key, weights);
    const logits = seen ? (ops.add(scores, ops.mul(ops.sub(seen, 1), HIDDEN)) as Value) : scores;
    const attention = this.kept(applyOp(activation, [logits], activations.softmax()), training);
    const mixed = ops.matmul(attention, value) as Value;
    const output = query.mask ? ops.mul(mixed, reshaped(query.mask, [T, 1])) : mixed;
    withMask(output, query.mask);
    return this.returnAttentionScores ? [output, attention] : output;
  }
}

/** tanh of every step of one with every step of the other, [T, S, features]. */
const compared = (query: Value, key: Value, scale?: Value): Value => {
  const [T, features] = query.shape;
  const sum = ops.add(reshaped(query, [T, 1, features]), reshaped(key, [1, key.shape[0], features])) as Value;
  return ops.tanh(scale ? (ops.mul(sum, scale) as Value) : sum);
};

/**
 * Attention by dot products, softmax(q k^T) v (Luong and others 2015), applied to a list [query, value] or [query, value, key] of
 * sequences [steps, features]; without a key the value is it. Steps that the value's mask leaves out are not seen, those that
 * the query's leaves out give zeros; the output has the query's mask. As Keras' Attention, with its weights `scale` and
 * `concat_score_weight`, single numbers that begin as 1.
 */
export class Attention<O = AttentionOptions> extends ScoredAttention<O> {
  override readonly className = 'Attention';
  readonly useScale: boolean;
  readonly scoreMode: 'dot' | 'concat';

  constructor(options: AttentionOptions = {}) {
    super(options, ['useScale', 'scoreMode']);
    this.useScale = checkBoolean('useScale', options.useScale ?? false);
    this.scoreMode = checkOneOf('scoreMode', options.scoreMode ?? 'dot', ['dot', 'concat']);
  }

  protected addScale(): void {
    const ones = getInitializer('initializer', 'ones');
    if (this.useScale) this.addWeight('scale', [], ones);
    if (this.scoreMode === 'concat') this.addWeight('concatScoreWeight', [], ones);
  }

  protected scores(query: Value, key: Value, { scale, concatScoreWeight }: Weights): Value {
    if (concatScoreWeight)
      return ops.mul(ops.sum(compared(query, key, scale), { axis: -1 }), concatScoreWeight) as Value;
    const products = ops.matmul(query, ops.transpose(key)) as Value;
    return scale ? (ops.mul(products, scale) as Value) : products;
  }

  override getConfig(): Record<string, unknown> {
    return { useScale: this.useScale, scoreMode: this.scoreMode, ...super.getConfig() };
  }
}

/**
 * Attention by sums, softmax(sum(scale * tanh(q + k))) v (Bahdanau and others 2015): the same but for its scores, with a weight
 * `scale` of the features, which begins as 'glorotUniform' draws it. As Keras' AdditiveAttention.
 */
export class AdditiveAttention<O = AdditiveAttentionOptions> extends ScoredAttention<O> {
  override readonly className = 'AdditiveAttention';
  readonly useScale: boolean;

  constructor(options: AdditiveAttentionOptions = {}) {
    super(options, ['useScale']);
    this.useScale = checkBoolean('useScale', options.useScale ?? true);
  }

  protected addScale(features: number): void {
    if (this.useScale) this.addWeight('scale', [features], getInitializer('initializer', 'glorotUniform'));
  }

  protected scores(query: Value, key: Value, { scale }: Weights): Value {
    const each = compared(query, key);
    return ops.sum(scale ? (ops.mul(each, scale) as Value) : each, { axis: -1 }) as Value;
  }

  override getConfig(): Record<string, unknown> {
    return { useScale: this.useScale, ...super.getConfig() };
  }
}
