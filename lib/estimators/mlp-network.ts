import { type Activation, activations } from '../activations.js';
import { NDArray } from '../array.js';
import { type Graph, graphOf } from '../graph/graph.js';
import type { Parameter, Recorder } from '../graph/recorder.js';
import type { Value } from '../graph/value.js';
import { Dense } from '../layers/dense.js';
import { input } from '../layers/shape.js';
import type { Loss } from '../losses.js';
import { type Judged, type Network, recordNetwork } from '../models/network.js';
import type { RandomState } from '../random.js';
import type { Buffer, FloatType } from '../tape.js';

/** What decides a network's tape. */
export interface Architecture {
  /** Features, hidden layers, outputs. */
  units: readonly number[];
  activation: 'identity' | 'logistic' | 'tanh' | 'relu';
  outActivation: 'softmax' | 'logistic' | 'identity' | 'exp';
  solver: 'lbfgs' | 'sgd' | 'adam';
  dtype: FloatType;
  /** Whether samples have weights. */
  weighted: boolean;
}

/** The numbers of the next step: scale is 1 / samples of the batch, lmbd alpha / samples; the rest is the optimizer's. */
export type Step = Record<'scale' | 'lmbd' | 'rate' | 'momentum' | 'nesterov' | 'beta1' | 'beta2' | 'epsilon', number>;

/** A multi-layer perceptron: dense layers with scikit-learn's loss and update. */
export interface MLPNetwork extends Pick<Network, 'plan' | 'weights' | 'inputs' | 'outputs'> {
  readonly architecture: Architecture;
  readonly graph: Graph;
  /** `coefs[l]` is [units[l], units[l + 1]]. */
  readonly coefs: readonly Buffer[];
  readonly intercepts: readonly Buffer[];
  /** Both, the coefficients first. */
  readonly parameters: readonly Buffer[];
  readonly judged: Judged;
  /** Reported after each step: the sum of all squared coefficients before the update. */
  readonly squares: Buffer;
  /** The optimizer's memory; of 'lbfgs' sums of gradients, those of the coefficients first. */
  readonly states: readonly Buffer[];
  readonly step: Step;
  /** What a job is given for each step, made of `step`. */
  readonly stepScalars: Recorder['stepScalars'];
}

const HIDDEN = { identity: 'linear', logistic: 'sigmoid', tanh: 'tanh', relu: 'relu' } as const;
/** For outputs alone: it is trained by way of its loss. */
const exp: Activation = { config: { name: 'exp' }, kernel: 'exp', derivativeFrom: 'y', scalars: {} };
const OUTPUT = {
  softmax: { activation: activations.softmax(), kernel: 'softmaxLogLoss' },
  logistic: { activation: activations.sigmoid(), kernel: 'logisticLogLoss' },
  exp: { activation: exp, kernel: 'halfPoissonDeviance' },
  identity: { activation: activations.linear(), kernel: 'halfSquaredError' },
} as const;
const UPDATE = {
  sgd: { kernel: 'momentum', memory: ['velocity'], scalars: ['rate', 'momentum', 'nesterov'] },
  adam: { kernel: 'adam', memory: ['m', 'v'], scalars: ['rate', 'beta1', 'beta2', 'epsilon'] },
} as const;

/** Records scikit-learn's network. */
export function networkOf(architecture: Architecture): MLPNetwork {
  const { units, activation, outActivation, solver, dtype, weighted } = architecture;
  const out = OUTPUT[outActivation];
  const last = units.length - 1;
  const x = input({ name: 'input', shape: [units[0]] });
  let a: Value = x;
  for (let l = 1; l < last; l++)
    a = new Dense({ name: `hidden_${l}`, units: units[l], activation: HIDDEN[activation] }).apply(a);
  a = new Dense({ name: 'output', units: units[last], activation: out.activation }).apply(a);
  const graph = graphOf([x], [a]);

  const step = { scale: 1, lmbd: 0, rate: 0, momentum: 0, nesterov: 0, beta1: 0, beta2: 0, epsilon: 0 };
  let squares!: Buffer;
  const optimizer = {
    record(t: Recorder, parameters: readonly Parameter[]) {
      if (solver === 'lbfgs') recordSums(t, parameters);
      else recordUpdate(t, UPDATE[solver], parameters, step);
    },
  };
  const outputs = [{ name: 'output', loss: lossOf(out, step), lossWeight: 1, metrics: [] }];
  const programs = [weighted ? 'trainWeighted' : 'train'];
  const report = (t: Recorder, parameters: readonly Parameter[]) => {
    squares = recordSquares(t, parameters);
  };
  const network = recordNetwork(graph, dtype, { optimizer, outputs, frozen: new Set(), programs, report });
  const { recorder, training, ...recorded } = network; // the recorder has done its work, and is large
  const { states, stepScalars } = recorder;
  const [judged] = (training as NonNullable<Network['training']>).judged;
  const named = (name: string) => recorder.parameters.filter((p) => p.name === name).map(({ value }) => value);
  const [coefs, intercepts] = [named('kernel'), named('bias')];
  const parameters = [...coefs, ...intercepts];
  return {
    ...recorded,
    architecture,
    graph,
    coefs,
    intercepts,
    parameters,
    judged,
    squares,
    states,
    step,
    stepScalars,
  };
}

/** Not written in place: a closure there would keep the recorder alive. */
const numberOf = (step: Step, name: keyof Step) => () => step[name];

/** A loss of scikit-learn's, the derivative of which is that of scale times the sum. */
const lossOf = ({ activation, kernel }: (typeof OUTPUT)[keyof typeof OUTPUT], step: Step): Loss => ({
  config: { name: kernel },
  fuses: activation.config.name,
  targetShape: (outputShape) => outputShape,
  prepare: (_, y) => y,
  emit(t, { output: z, targets: y, probabilities: p, losses, delta }) {
    const scale = t.perStep(numberOf(step, 'scale'));
    t.emit(kernel, p ? [z, y, p, losses, delta] : [z, y, losses, delta], { N: z.size }, { scale }); // delta = (p - y) * scale
  },
});

const isCoef = ({ name }: Parameter) => name === 'kernel';

function recordSquares(t: Recorder, parameters: readonly Parameter[]): Buffer {
  const zero = t.fixed('gradient', 'zero', [1]);
  const squares = t.fixed('report', 'squares', [1]);
  for (const [l, { value: w }] of parameters.filter(isCoef).entries())
    t.emit('sumSquares', [l === 0 ? zero : squares, w, squares], { N: w.size }); // += sum(W^2)
  return squares;
}

function recordSums(t: Recorder, parameters: readonly Parameter[]): void {
  const coefsFirst = parameters.toSorted((a, b) => Number(isCoef(b)) - Number(isCoef(a)));
  for (const { name, value, gradient: dw } of coefsFirst) {
    const sum = t.state(`${name}/sum`, value.shape);
    t.emit('add', [sum, dw, sum], { N: value.size }); // sum += dw
  }
}

function recordUpdate(
  t: Recorder,
  { kernel, memory, scalars }: (typeof UPDATE)[keyof typeof UPDATE],
  parameters: readonly Parameter[],
  step: Step,
): void {
  const own = Object.fromEntries(scalars.map((name) => [name, t.perStep(numberOf(step, name))]));
  const penalty = t.perStep(numberOf(step, 'lmbd'));
  for (const parameter of parameters) {
    const { name, value: w, gradient: dw } = parameter;
    const state = memory.map((part) => t.state(`${name}/${part}`, w.shape));
    t.emit(kernel, [dw, ...state, w], { N: w.size }, { ...own, lmbd: isCoef(parameter) ? penalty : 0, decay: 0 });
  }
}

/**
 * Weights and intercepts uniform in +-sqrt(f / (fanIn + fanOut)), f = 2 for logistic units and else 6 (Glorot and Bengio).
 * `float32` rounds them, whatever the network's dtype is.
 */
export function initialize(
  { architecture, plan, coefs, intercepts }: MLPNetwork,
  random: RandomState,
  float32: boolean,
): void {
  const factor = architecture.activation === 'logistic' ? 2 : 6;
  coefs.forEach((w, l) => {
    const bound = Math.sqrt(factor / (w.shape[0] + w.shape[1]));
    for (const buffer of [w, intercepts[l]]) {
      const drawn = random.uniform(-bound, bound, buffer.shape);
      plan.write(buffer, float32 ? NDArray.from(drawn, { dtype: 'float32' }) : drawn);
    }
  });
}

/** Copies of buffers: the parameters, the states of the recorder. */
export const readAll = ({ plan }: MLPNetwork, buffers: readonly Buffer[]): NDArray[] =>
  buffers.map((buffer) => plan.read(buffer));

/** @param values default: 0 everywhere */
export function writeAll({ plan }: MLPNetwork, buffers: readonly Buffer[], values?: readonly NDArray[]): void {
  for (const [i, buffer] of buffers.entries()) plan.write(buffer, values?.[i] ?? NDArray.zeros(buffer.shape));
}

/** A network with the weights that another has after some whole step, whose own plan is not busy: `copy`, where that fits. */
export function copyOf({ architecture, plan, parameters }: MLPNetwork, copy?: MLPNetwork): MLPNetwork {
  const other = copy?.architecture === architecture ? copy : networkOf(architecture);
  writeAll(other, other.parameters, plan.readTogether(parameters));
  return other;
}
