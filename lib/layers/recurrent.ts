import { type Activation, type ActivationInput, getActivation } from '../activations.js';
import { checkBoolean, checkInteger, checkInterval } from '../check.js';
import { type Constraint, type ConstraintInput, checkConstraint } from '../constraints.js';
import { broadcastTo, reshaped } from '../graph/broadcast.js';
import type { Op } from '../graph/op.js';
import { affine } from '../graph/ops/affine.js';
import { reverseAxis, slice } from '../graph/ops/axes.js';
import { type Extra, GATES, type Gate, type Recurrent } from '../graph/ops/recurrent.js';
import type { Sequence, Vector } from '../graph/shape-types.js';
import { applyOp, timesOf, type Value, withMask } from '../graph/value.js';
import { getInitializer, type Initializer, type InitializerInput } from '../initializers.js';
import { checkRegularizer, type Regularizer, type RegularizerInput } from '../regularizers.js';
import { dropoutMask } from './dropout.js';
import { isList, Layer, type LayerOptions, type Mode, nameOf, type Shape, type Weights, wrongInput } from './layer.js';
import { masked } from './masks.js';
import { droppedChannels } from './noise.js';
import type { FromTo } from './ranks.js';

export interface RecurrentOptions extends LayerOptions {
  /** Size of the state, and of the output. */
  units: number;
  /** One of those whose derivative follows from their value: linear, sigmoid, tanh, relu, hardSigmoid … Default 'tanh' */
  activation?: ActivationInput;
  /** Default true */
  useBias?: boolean;
  /** Of the weights of the inputs. Default 'glorotUniform' */
  kernelInitializer?: InitializerInput;
  /** Of the weights of the state. Default 'orthogonal' */
  recurrentInitializer?: InitializerInput;
  /** Default 'zeros' */
  biasInitializer?: InitializerInput;
  kernelRegularizer?: RegularizerInput;
  recurrentRegularizer?: RegularizerInput;
  biasRegularizer?: RegularizerInput;
  kernelConstraint?: ConstraintInput;
  recurrentConstraint?: ConstraintInput;
  biasConstraint?: ConstraintInput;
  /** The share of the input's features that training sets to 0, the same ones in all steps of a sequence. Default 0 */
  dropout?: number;
  /** The same of the state, where it meets its weights. Default 0 */
  recurrentDropout?: number;
  /** The outputs of all steps, [steps, units], in place of the last one, [units]. Default false */
  returnSequences?: boolean;
  /** Gives a list: the output, then the last state (of an LSTM two: the output's and the cell's), [units] each. Default false */
  returnState?: boolean;
  /** From the last step to the first; outputs come in that order, too. Default false */
  goBackwards?: boolean;
  /**
   * Row i of a batch begins with the states that row i of the batch before ended with, until `resetStates`: for sequences that are
   * longer than what is trained at a time. All batches have as many rows; `fit` does not shuffle. Default false
   */
  stateful?: boolean;
}

const OPTIONS = [
  'units',
  'activation',
  'useBias',
  'kernelInitializer',
  'recurrentInitializer',
  'biasInitializer',
  'kernelRegularizer',
  'recurrentRegularizer',
  'biasRegularizer',
  'kernelConstraint',
  'recurrentConstraint',
  'biasConstraint',
  'dropout',
  'recurrentDropout',
  'returnSequences',
  'returnState',
  'goBackwards',
  'stateful',
];

/** What a recurrent layer of these options gives. */
type Returned<O> = O extends { readonly returnState: infer R }
  ? R extends false | undefined
    ? Output<O>
    : readonly Value[]
  : Output<O>;
type Output<O> = O extends { readonly returnSequences: infer R }
  ? boolean extends R
    ? Value
    : R extends true
      ? Value<Sequence>
      : Value<Vector>
  : Value<Vector>;

/** A sequence, or a list of it and of the states to begin with. */
export type RecurrentRanks<O> = FromTo<Value<Sequence> | readonly [Value<Sequence>, ...Value[]], Returned<O>>;

/** How a layer's operation is called. */
interface Cell {
  readonly op: Op<Recurrent>;
  /** Values of z for each unit. */
  readonly gates: number;
  /** What the list of inputs has behind the sequence: one or more of [units]. */
  readonly states: readonly Extra[];
}

/** What simple, LSTM and GRU layers have in common. */
export abstract class RecurrentLayer<O = RecurrentOptions> extends Layer<RecurrentRanks<O>> {
  static override readonly takesList = true;
  override readonly activation: Activation;
  readonly units: number;
  readonly useBias: boolean;
  readonly kernelInitializer: Initializer;
  readonly recurrentInitializer: Initializer;
  readonly biasInitializer: Initializer;
  readonly kernelRegularizer?: Regularizer;
  readonly recurrentRegularizer?: Regularizer;
  readonly biasRegularizer?: Regularizer;
  readonly kernelConstraint?: Constraint;
  readonly recurrentConstraint?: Constraint;
  readonly biasConstraint?: Constraint;
  readonly dropout: number;
  readonly recurrentDropout: number;
  readonly returnSequences: boolean;
  readonly returnState: boolean;
  readonly goBackwards: boolean;
  override readonly stateful: boolean;
  /** A masked step gives zeros instead of what the step before it gave: so in `bidirectional`. */
  zerosMasked = false;
  protected abstract readonly cell: Cell;

  constructor(options: RecurrentOptions, own: readonly string[] = []) {
    super(options, [...OPTIONS, ...own]);
    this.units = checkInteger('units', options.units, 1);
    this.activation = checkGate('activation', options.activation ?? 'tanh');
    this.useBias = checkBoolean('useBias', options.useBias ?? true);
    this.kernelInitializer = getInitializer('kernelInitializer', options.kernelInitializer ?? 'glorotUniform');
    this.recurrentInitializer = getInitializer('recurrentInitializer', options.recurrentInitializer ?? 'orthogonal');
    this.biasInitializer = getInitializer('biasInitializer', options.biasInitializer ?? 'zeros');
    this.kernelRegularizer = checkRegularizer('kernelRegularizer', options.kernelRegularizer);
    this.recurrentRegularizer = checkRegularizer('recurrentRegularizer', options.recurrentRegularizer);
    this.biasRegularizer = checkRegularizer('biasRegularizer', options.biasRegularizer);
    this.kernelConstraint = checkConstraint('kernelConstraint', options.kernelConstraint);
    this.recurrentConstraint = checkConstraint('recurrentConstraint', options.recurrentConstraint);
    this.biasConstraint = checkConstraint('biasConstraint', options.biasConstraint);
    this.dropout = checkInterval('dropout', options.dropout ?? 0, 0, 1, 'high');
    this.recurrentDropout = checkInterval('recurrentDropout', options.recurrentDropout ?? 0, 0, 1, 'high');
    this.returnSequences = checkBoolean('returnSequences', options.returnSequences ?? false);
    this.returnState = checkBoolean('returnState', options.returnState ?? false);
    this.goBackwards = checkBoolean('goBackwards', options.goBackwards ?? false);
    this.stateful = checkBoolean('stateful', options.stateful ?? false);
  }

  /** Of the gates; a simple layer has none. */
  get recurrentActivation(): Activation | undefined {
    return undefined;
  }

  override build(inputShapes: Shape | readonly Shape[]): void {
    const { units, cell } = this;
    const [shape, ...states] = isList<number | Shape>(inputShapes as Shape)
      ? (inputShapes as readonly Shape[])
      : [inputShapes as Shape];
    if (shape.length !== 2) {
      const [n] = shape;
      const examples =
        shape.length === 1 ? ` (one feature: [${n}, 1]; behind a recurrent layer its returnSequences: true)` : '';
      throw wrongInput(this, `sequences [steps, features]${examples}`, shape);
    }
    if (states.length > 0 && states.length !== cell.states.length)
      throw new RangeError(
        `Expected ${nameOf(this)} to be given ${cell.states.length === 1 ? 'one initial state' : `${cell.states.length} initial states`} behind the sequence, got ${states.length}`,
      );
    for (const state of states)
      if (state.length !== 1 || state[0] !== units)
        throw new RangeError(
          `Expected the initial states of ${nameOf(this)} to be of shape [${units}], its units, got [${state.join(', ')}]`,
        );
    const columns = cell.gates * units;
    const { kernelRegularizer, kernelConstraint, recurrentRegularizer, recurrentConstraint } = this;
    this.addWeight('kernel', [shape[1], columns], this.kernelInitializer, {
      regularizer: kernelRegularizer,
      constraint: kernelConstraint,
    });
    this.addWeight('recurrentKernel', [units, columns], this.recurrentInitializer, {
      regularizer: recurrentRegularizer,
      constraint: recurrentConstraint,
    });
    const rules = { regularizer: this.biasRegularizer, constraint: this.biasConstraint };
    if (this.useBias) this.addWeight('bias', this.biasShape(columns), this.firstBias(), rules);
  }

  protected biasShape(columns: number): Shape {
    return [columns];
  }

  protected firstBias(): Initializer {
    return this.biasInitializer;
  }

  /** What the inputs contribute to all steps. */
  protected contribution(x: Value, { kernel, bias }: Weights): Value {
    return applyOp(affine, bias ? [x, kernel, bias] : [x, kernel], undefined);
  }

  /** What the operation is given behind z and R, beside states, dropout and the mask. */
  protected ownExtras(_: Weights): readonly (readonly [Extra, Value])[] {
    return [];
  }

  call(inputs: Value | readonly Value[], weights: Weights, mode: Mode): Value | readonly Value[] {
    const given = isList(inputs) ? inputs : [inputs as Value];
    const [{ mask: counts }] = given;
    const times = timesOf(counts ? [...given, counts] : given) ?? 1;
    // the kernels read rows of every sample, also of what is the same for all of them
    const ofSamples = (value: Value) => broadcastTo(value, value.shape, times);
    const [x, ...states] = given.map(ofSamples);
    const { training } = mode;
    const { op, states: names } = this.cell;
    const kept = this.stateful ? mode.states : undefined;
    const { units, returnSequences: sequences, returnState, goBackwards } = this;
    const ordered = (value: Value) => (goBackwards ? applyOp(reverseAxis, [value], { axis: 0 }) : value);
    const mask = counts && ofSamples(ordered(counts));
    const z = this.contribution(ordered(training ? droppedChannels(x, this.dropout) : x), weights);
    const extras: (readonly [Extra, Value])[] = [...this.ownExtras(weights)];
    const first = states.length > 0 || !kept ? states : names.map((_, k) => kept.begin(k, [units]));
    for (const [k, state] of first.entries()) extras.push([names[k], state]);
    if (training && this.recurrentDropout > 0) extras.push(['drop', dropoutMask(units, x, this.recurrentDropout)]);
    if (mask) extras.push(['mask', mask]);
    const withCell = (returnState || kept !== undefined) && names.length > 1;
    const { resetAfter } = this as { resetAfter?: boolean };
    const y = applyOp(op, [z, weights.recurrentKernel, ...extras.map(([, value]) => value)], {
      activation: this.activation.config.name as Gate,
      ...(this.recurrentActivation && { recurrentActivation: this.recurrentActivation.config.name as Gate }),
      ...(resetAfter !== undefined && { resetAfter }),
      sequences,
      withCell,
      extras: extras.map(([name]) => name),
    });
    const row = (start: number) => reshaped(applyOp(slice, [y], { axis: 0, start, length: 1 }), [units]);
    const [steps] = x.shape;
    const last = sequences && !returnState && !kept ? [] : [row(sequences ? steps - 1 : 0)];
    if (withCell) last.push(row(sequences ? steps : 1));
    for (const [k, state] of last.entries()) kept?.end(k, state);
    const all = withCell ? applyOp(slice, [y], { axis: 0, start: 0, length: steps }) : y;
    const output = sequences ? withMask(this.zerosMasked ? masked(all, mask) : all, mask) : last[0];
    return returnState ? [output, ...last] : output;
  }

  override getConfig(): Record<string, unknown> {
    return {
      units: this.units,
      activation: this.activation.config,
      useBias: this.useBias,
      kernelInitializer: this.kernelInitializer.config,
      recurrentInitializer: this.recurrentInitializer.config,
      biasInitializer: this.biasInitializer.config,
      kernelRegularizer: this.kernelRegularizer,
      recurrentRegularizer: this.recurrentRegularizer,
      biasRegularizer: this.biasRegularizer,
      kernelConstraint: this.kernelConstraint,
      recurrentConstraint: this.recurrentConstraint,
      biasConstraint: this.biasConstraint,
      dropout: this.dropout,
      recurrentDropout: this.recurrentDropout,
      returnSequences: this.returnSequences,
      returnState: this.returnState,
      goBackwards: this.goBackwards,
      stateful: this.stateful,
    };
  }
}

/** An activation that recurrent kernels have. */
export function checkGate(option: string, given: ActivationInput): Activation {
  const activation = getActivation(option, given);
  const { name, alpha = 1 } = activation.config;
  if (!GATES.includes(name as Gate) || alpha !== 1)
    throw new RangeError(
      `Expected ${option} of a recurrent layer to be one whose derivative follows from its value (${GATES.join(', ')}), got '${name}'${alpha === 1 ? '' : ` with alpha ${alpha}`}`,
    );
  return activation;
}
