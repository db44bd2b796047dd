import { activations } from '../activations.js';
import { checkBoolean, checkInteger, checkNumber, wrongValue } from '../check.js';
import { type Constraint, type ConstraintInput, checkConstraint } from '../constraints.js';
import { broadcastTo, reshaped } from '../graph/broadcast.js';
import { activation, maskedSoftmax } from '../graph/ops/activation.js';
import { affine } from '../graph/ops/affine.js';
import { applyOp, isCall, sizeOf, timesOf, type Value, withMask } from '../graph/value.js';
import { getInitializer, type Initializer, type InitializerInput, ofMatrix } from '../initializers.js';
import { ops } from '../ops.js';
import { checkRegularizer, type Regularizer, type RegularizerInput } from '../regularizers.js';
import { AttentionLayer, type AttentionLayerOptions } from './attention-layer.js';
import { type Mode, nameOf, type Shape, type Weights } from './layer.js';

export interface MultiHeadAttentionOptions extends AttentionLayerOptions {
  numHeads: number;
  /** Size of each head's queries and keys. */
  keyDim: number;
  /** Size of each head's values. Default keyDim */
  valueDim?: number;
  /** Features of the output. Default: those of the query */
  outputDim?: number;
  /**
   * What queries are multiplied by, not 0. Default: 1 / sqrt(keyDim) rounded to float32, as in Keras; PyTorch's is not rounded, which
   * float64 networks show from the eighth digit on
   */
  scale?: number;
  /** Default true */
  useBias?: boolean;
  /** The list of inputs ends in a mask [query steps, value steps]: 1 where a step may see another, else 0. Default false */
  attentionMask?: boolean;
  /** Of all four kernels. Default 'glorotUniform' */
  kernelInitializer?: InitializerInput;
  /** Default 'zeros' */
  biasInitializer?: InitializerInput;
  kernelRegularizer?: RegularizerInput;
  biasRegularizer?: RegularizerInput;
  kernelConstraint?: ConstraintInput;
  biasConstraint?: ConstraintInput;
}

const OPTIONS = [
  'numHeads',
  'keyDim',
  'valueDim',
  'outputDim',
  'scale',
  'useBias',
  'attentionMask',
  'kernelInitializer',
  'biasInitializer',
  'kernelRegularizer',
  'biasRegularizer',
  'kernelConstraint',
  'biasConstraint',
];

/** What Keras multiplies queries by, in both dtypes. */
export const kerasScale = (keyDim: number): number => Math.fround(1 / Math.sqrt(keyDim));

/**
 * Attention of several heads, softmax(scale q k^T) v (Vaswani and others 2017), applied to a list [query, value] or
 * [query, value, key] of sequences [steps, features]; without a key the value is it. Weights as Keras' MultiHeadAttention: of
 * query, key and value a kernel [features, heads, size] and a bias [heads, size], of the output [heads, valueDim, features] and
 * [features]. Steps that a mask leaves out are not seen; the output has the query's mask.
 */
export class MultiHeadAttention<O = MultiHeadAttentionOptions> extends AttentionLayer<O> {
  override readonly className = 'MultiHeadAttention';
  readonly numHeads: number;
  readonly keyDim: number;
  readonly valueDim: number;
  readonly outputDim?: number;
  readonly scale?: number;
  readonly useBias: boolean;
  readonly attentionMask: boolean;
  readonly kernelInitializer: Initializer;
  readonly biasInitializer: Initializer;
  readonly kernelRegularizer?: Regularizer;
  readonly biasRegularizer?: Regularizer;
  readonly kernelConstraint?: Constraint;
  readonly biasConstraint?: Constraint;

  constructor(options: MultiHeadAttentionOptions) {
    super(options, OPTIONS);
    this.numHeads = checkInteger('numHeads', options.numHeads, 1);
    this.keyDim = checkInteger('keyDim', options.keyDim, 1);
    this.valueDim = checkInteger('valueDim', options.valueDim ?? options.keyDim, 1);
    if (options.outputDim !== undefined) this.outputDim = checkInteger('outputDim', options.outputDim, 1);
    if (options.scale !== undefined) this.scale = checkScale(options.scale);
    this.useBias = checkBoolean('useBias', options.useBias ?? true);
    this.attentionMask = checkBoolean('attentionMask', options.attentionMask ?? false);
    this.kernelInitializer = getInitializer('kernelInitializer', options.kernelInitializer ?? 'glorotUniform');
    this.biasInitializer = getInitializer('biasInitializer', options.biasInitializer ?? 'zeros');
    this.kernelRegularizer = checkRegularizer('kernelRegularizer', options.kernelRegularizer);
    this.biasRegularizer = checkRegularizer('biasRegularizer', options.biasRegularizer);
    this.kernelConstraint = checkConstraint('kernelConstraint', options.kernelConstraint);
    this.biasConstraint = checkConstraint('biasConstraint', options.biasConstraint);
  }

  override build(inputShapes: readonly Shape[]): void {
    const shapes = this.checkList(inputShapes);
    const own = this.attentionMask ? shapes.slice(0, -1) : shapes;
    const [query, value, key] = this.checkSequences(own, this.attentionMask ? shapes : own);
    const mask = this.attentionMask ? shapes[shapes.length - 1] : undefined;
    if (mask && (mask.length !== 2 || mask[0] !== query[0] || mask[1] !== value[0]))
      throw this.wrongInputs(`with a mask of shape [${query[0]}, ${value[0]}]`, shapes);
    const { numHeads, keyDim, valueDim } = this;
    const dense = (name: string, kernel: Shape, bias: Shape) => {
      const outputs = sizeOf(bias);
      const initializer = ofMatrix(this.kernelInitializer, sizeOf(kernel) / outputs, outputs);
      const { kernelRegularizer, kernelConstraint, biasRegularizer, biasConstraint } = this;
      const rules = { regularizer: kernelRegularizer, constraint: kernelConstraint };
      this.addWeight(`${name}/kernel`, kernel, initializer, rules);
      const ofBias = { regularizer: biasRegularizer, constraint: biasConstraint };
      if (this.useBias) this.addWeight(`${name}/bias`, bias, this.biasInitializer, ofBias);
    };
    dense('query', [query[1], numHeads, keyDim], [numHeads, keyDim]);
    dense('key', [key[1], numHeads, keyDim], [numHeads, keyDim]);
    dense('value', [value[1], numHeads, valueDim], [numHeads, valueDim]);
    const features = this.outputDim ?? query[1];
    dense('output', [numHeads, valueDim, features], [features]);
  }

  call(inputs: readonly Value[], weights: Weights, { training }: Mode): Value | readonly Value[] {
    const { numHeads, keyDim, scale = kerasScale(keyDim) } = this;
    const [query, value, key = value] = this.attentionMask ? inputs.slice(0, -1) : inputs;
    const project = (x: Value, name: string, columns: number): Value => {
      const kernel = weights[`${name}/kernel`];
      const bias = weights[`${name}/bias`];
      const w = reshaped(kernel, [sizeOf(kernel.shape) / columns, columns]);
      return applyOp(affine, bias ? [x, w, reshaped(bias, [columns])] : [x, w], undefined);
    };
    const heads = (x: Value, name: string) => {
      const size = weights[`${name}/kernel`].shape[2];
      return ops.transpose(
        reshaped(project(x, name, numHeads * size), [x.shape[0], numHeads, size]),
        [1, 0, 2],
      ) as Value;
    };
    const q = ops.mul(heads(query, 'query'), scale);
    const scores = ops.matmul(q, ops.transpose(heads(key, 'key'), [0, 2, 1])) as Value; // [heads, T, S]
    const [T, S] = scores.shape.slice(1);
    const masks: Value[] = [];
    if (query.mask) masks.push(reshaped(query.mask, [T, 1]));
    for (const mask of new Set([value.mask, key.mask])) if (mask) masks.push(reshaped(mask, [1, S]));
    if (this.attentionMask) masks.push(checkSees(inputs[inputs.length - 1], nameOf(this)));
    const seen = this.seen(T, S, masks);
    const attention = seen ? softmaxOf(scores, seen) : applyOp(activation, [scores], activations.softmax());
    const kept = this.kept(attention, training);
    const mixed = ops.transpose(ops.matmul(kept, heads(value, 'value')), [1, 0, 2]) as Value; // [T, heads, size]
    const columns = weights['output/kernel'].shape[2];
    const output = project(reshaped(mixed, [query.shape[0], numHeads * this.valueDim]), 'output', columns);
    withMask(output, query.mask);
    return this.returnAttentionScores ? [output, attention] : output;
  }

  override getConfig(): Record<string, unknown> {
    const { numHeads, keyDim, valueDim, outputDim, scale, useBias } = this;
    return {
      numHeads,
      keyDim,
      valueDim,
      ...(outputDim !== undefined && { outputDim }),
      ...(scale !== undefined && { scale }),
      ...super.getConfig(),
      useBias,
      attentionMask: this.attentionMask,
      kernelInitializer: this.kernelInitializer.config,
      biasInitializer: this.biasInitializer.config,
      kernelRegularizer: this.kernelRegularizer,
      biasRegularizer: this.biasRegularizer,
      kernelConstraint: this.kernelConstraint,
      biasConstraint: this.biasConstraint,
    };
  }
}

function softmaxOf(scores: Value, seen: Value): Value {
  const times = timesOf([scores, seen]);
  const [z, mask] = [broadcastTo(scores, scores.shape, times), broadcastTo(seen, scores.shape.slice(-2), times)];
  return applyOp(maskedSoftmax, [z, mask], undefined);
}

function checkScale(scale: unknown): number {
  const expected = 'a finite number other than 0';
  const x = checkNumber('scale', scale, expected);
  if (x === 0) throw wrongValue('scale', expected, x);
  return x;
}

/** A mask that is known now, and hides everything from a step. @throws RangeError */
function checkSees(mask: Value, layer: string): Value {
  const [, S] = mask.shape;
  let source = mask; // seen under another shape
  while (source.from && !isCall(source.from) && source.from.op.view) source = source.from.inputs[0];
  const data = source.constant?.data ?? new Float64Array();
  for (let at = 0; at < data.length; at += S)
    if (!data.subarray(at, at + S).some((x) => x !== 0))
      throw new RangeError(
        `Expected every step to see one at least in ${layer}, but the attention mask hides all from step ${at / S}`,
      );
  return mask;
}
