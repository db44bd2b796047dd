import { emitConstraints } from '../constraints.js';
import { broadcastTo } from '../graph/broadcast.js';
import { expand, type Penalized } from '../graph/expand.js';
import type { Graph } from '../graph/graph.js';
import type { Tenant } from '../graph/held.js';
import { Lowered } from '../graph/lower.js';
import { allSteps } from '../graph/ops/shape.js';
import { checkValue, perSample } from '../graph/own.js';
import { type Parameter, Recorder } from '../graph/recorder.js';
import { applyOp, isCall, marked, type Node, placeholder, stepsOf, topological, type Value } from '../graph/value.js';
import { type PlacedWeight, weightName, weightsOfGraph } from '../graph/weights.js';
import type { Layer } from '../layers/layer.js';
import { activationNameOf } from '../layers/layer-checks.js';
import { spread } from '../layers/masks.js';
import type { Loss } from '../losses.js';
import type { Metric } from '../metrics.js';
import { ops } from '../ops.js';
import type { Optimizer } from '../optimizers.js';
import type { Plan } from '../plan.js';
import type { Buffer, FloatType } from '../tape.js';
import { Judging } from './judging.js';
import { StateBuffers, States } from './states.js';

/** How a network is trained and judged, as its tape has to know it. */
export interface Recording {
  readonly optimizer: Pick<Optimizer, 'record'>;
  /** For each output of the network, in order. */
  readonly outputs: readonly CompiledOutput[];
  /** The layers whose weights stay, those that others hold among them. */
  readonly frozen: ReadonlySet<Layer>;
  /** The programs that are wanted beside 'predict'. Default: all */
  readonly programs?: readonly string[];
  /** Emits what is to be reported of the weights before the update. */
  readonly report?: (t: Recorder, parameters: readonly Parameter[]) => void;
}

/** What `compile` decides. */
export interface Compiled extends Recording {
  readonly optimizer: Optimizer;
  /** Whether the network itself is frozen, and with it what is added to it. */
  readonly isFrozen?: boolean;
}

export interface CompiledOutput {
  readonly name: string;
  /** Absent: the output is not trained. */
  readonly loss?: Loss;
  readonly lossWeight: number;
  readonly metrics: readonly Metric[];
}

/** A network on its tape: the arena and the buffers that data go to and come from. */
export interface Network {
  readonly plan: Plan;
  readonly recorder: Recorder;
  readonly weights: readonly Tenant[];
  readonly inputs: readonly Buffer[];
  /** The outputs of the program 'predict'. */
  readonly outputs: readonly Buffer[];
  /** That program at once, from arrays for the inputs into arrays for the outputs. */
  readonly predictInto: ReturnType<Plan['direct']>;
  /** Of a network with stateful layers. */
  readonly states?: States;
  /** Only of a network that was compiled. */
  readonly training?: {
    /** Those of the outputs that have a loss. */
    readonly judged: readonly Judged[];
    /** Reported penalties of the weights, not summed over samples. */
    readonly penalties: readonly Buffer[];
    /** Reported sums over the batch of the penalties on what layers give. */
    readonly activity: readonly Buffer[];
  };
}

/** An output with a loss. */
export interface Judged {
  /** Its place among the outputs. */
  readonly output: number;
  readonly compiled: CompiledOutput & { readonly loss: Loss };
  readonly targets: Buffer;
  /** [1] a sample; for an output of rows, such as the steps of a sequence, one for each of them. */
  readonly weights: Buffer;
  /** Reported sums over the batch: of the loss, and of what each metric counts. */
  readonly loss: Buffer;
  readonly metrics: readonly Counted[];
}

/** What a metric counts in a batch. */
export interface Counted {
  readonly sums: readonly Buffer[];
  /** Reported: over how many rows, of a metric of steps that do not all count. Absent: the samples */
  readonly rows?: Buffer;
}

const NONE: ReadonlySet<Layer> = new Set();

/**
 * Records a network: its forward pass as the program 'predict'; with `compiled` also 'evaluate' (forward, losses, metrics),
 * 'gradients' (these and backward) and 'train' (these and the update), all of these with sample weights too, and 'apply' (the update alone).
 */
export function recordNetwork(graph: Graph, dtype: FloatType, compiled?: Recording): Network {
  const t = new Recorder(dtype);
  const sources = graph.inputs.map(({ shape, dtype }) => placeholder(shape, dtype));
  const inputs = sources.map(({ shape, dtype }, i) => t.batched(sources.length === 1 ? 'x' : `x${i}`, shape, dtype));
  const frozen = compiled?.frozen ?? NONE;
  const { buffers, gradients, weights } = declareWeights(t, weightsOfGraph(graph, frozen));
  sources.forEach((source, i) => {
    buffers.set(source, inputs[i]);
  });
  const nameOf = (layerOf: ReadonlyMap<Node, string>) => (node: Node) =>
    layerOf.has(node) ? `${layerOf.get(node)}/${node.op.name}` : node.op.name;

  const states = new StateBuffers(t);
  t.mayStop(true);
  const predicted = expand(graph, sources, { training: false, frozen });
  t.aheadIn('weights in prediction');
  t.program('forward in prediction');
  states.place(predicted.states, buffers);
  const prediction = new Lowered(t, [...predicted.outputs, ...predicted.states.map(({ after }) => after)], {
    training: false,
    buffers,
    gradients,
    nameOf: nameOf(predicted.layerOf),
  });
  prediction.forward();
  t.lasting(() => states.emitKeep(predicted.states, prediction));
  const outputs = predicted.outputs.map((output) => batchedBuffer(prediction, output));
  t.compose('predict', ['weights in prediction', 'forward in prediction']);
  const network = { recorder: t, weights, inputs, outputs };
  const compile = (programs: readonly string[], data: readonly Buffer[] = []) => {
    const kept = states.all;
    const all = kept.length > 0 ? [...programs, 'resetStates'] : programs;
    const plan = t.compile({ programs: all, inputs: [...inputs, ...data], outputs, kept });
    const predictInto = plan.direct('predict', inputs, outputs);
    return { ...network, plan, predictInto, ...(kept.length > 0 && { states: new States(plan) }) };
  };
  t.program('resetStates');
  t.lasting(() => states.emitReset());
  if (!compiled) return compile(['predict']);

  const judged = compiled.outputs.flatMap((output, i) => {
    const { loss } = output;
    return loss ? [declareJudged(t, { ...output, loss }, i, graph.outputs[i])] : [];
  });
  const regularized = t.parameters.flatMap(({ value, gradient, regularizer }) =>
    regularizer && gradient
      ? [{ value, gradient, regularizer, penalty: t.fixed('report', `${value.name}/penalty`, [1]) }]
      : [],
  );

  const activity: Buffer[] = [];
  let counts: readonly Judged['metrics'][] = [];
  const metrics = judged.map(({ compiled }) => compiled.metrics.map(() => ({})));
  /** Forward, losses and metrics in one mode; `weighted` programs have losses by sample weights. */
  const judge = (isTraining: boolean) => {
    const mode = isTraining ? 'training' : 'evaluation';
    const expanded = expand(graph, sources, { training: isTraining, frozen });
    const { outputs, masks, layerOf, penalized } = expanded;
    states.place(expanded.states, buffers);
    const penalties = penalized.map((own) => broadcastTo(overSteps(penaltyOf(own)), [], 1));
    const ends = judged.map(({ output, compiled: { loss } }) => endOf(outputs[output], loss));
    const ownMasks = judged.map(({ output }) => {
      const mask = masks[output];
      const steps = outputs[output].shape.slice(0, -1);
      return mask && broadcastTo(spread(mask, steps), steps, 1); // the same for all samples, or not
    });
    const judgedValues = [...ends.map(({ value }) => value), ...ownMasks.filter((mask) => mask !== undefined)];
    const values = [...judgedValues, ...penalties, ...expanded.states.map(({ after }) => after)];
    const lowered = new Lowered(t, [...values, ...movingBeside(values, outputs)], {
      training: isTraining,
      buffers,
      gradients,
      nameOf: nameOf(layerOf),
    });
    t.aheadIn(`weights in ${mode}`);
    t.program(`forward in ${mode}`);
    lowered.forward();
    const emitted = judged.map((own, k) => {
      const mask = ownMasks[k];
      const { value, fused } = ends[k];
      const seen = { z: batchedBuffer(lowered, value), fused, ...(mask && { mask: lowered.buffer(mask) }) };
      return { ...own, value, judging: new Judging(t, own, seen) };
    });
    t.program(`states in ${mode}`);
    t.lasting(() => states.emitKeep(expanded.states, lowered));
    const parts = emitted.map(({ judging }, k) => judging.emitLoss(`loss ${k} in ${mode}`));
    t.compose(
      `loss in ${mode}`,
      parts.flatMap(({ plain }) => plain),
    );
    t.compose(
      `weighted loss in ${mode}`,
      parts.flatMap(({ weighted }) => weighted),
    );
    t.program(`metrics in ${mode}`);
    counts = emitted.map(({ judging }, k) => judging.emitMetrics(metrics[k]));
    for (const [i, penalty] of penalties.entries()) {
      activity[i] ??= t.fixed('report', `${penalized[i].layer}/penalty`, [1]);
      t.emit('sumRows', [perSample(t, lowered.buffer(penalty)), activity[i]], {});
    }
    return () => {
      const seeds = new Map<Value, Buffer>();
      const seedWith = (value: Value, seed: Buffer) => {
        const other = seeds.get(value);
        if (other) t.emit('add', [other, seed, other], { N: seed.size });
        else seeds.set(value, seed);
      };
      for (const { value, judging, compiled } of emitted) {
        const { lossWeight } = compiled;
        const { delta } = judging;
        if (lossWeight !== 1) t.emit('linear', [delta, delta], { N: delta.size }, { scale: lossWeight, shift: 0 });
        seedWith(value, delta);
      }
      for (const penalty of penalties) {
        const seed = t.batched('penalty/seed', []);
        t.emit('meanGradient', [seed], { N: 1 });
        seedWith(penalty, seed); // which may be an output with a loss
      }
      return lowered.backward(seeds);
    };
  };
  const isWanted = (program: string) => compiled.programs?.includes(program) ?? true;
  if (isWanted('evaluate') || isWanted('evaluateWeighted')) judge(false);
  const backward = judge(true);
  t.program('backward');
  const reached = backward();
  t.aheadIn(undefined);
  const free = new Set<Buffer | undefined>();
  for (const [weight, gradient] of gradients) {
    if (reached.has(weight)) continue;
    free.add(gradient);
    t.emit('fill', [gradient], { N: gradient.size }, { value: 0 }); // there may be a penalty, which is added
  }
  t.program('exchange');
  t.exchangeGradients();
  // Of weights alone, hence before what has rows: behind it comes what gradients and weights go through value by value.
  t.program('penalties');
  for (const { value, regularizer, penalty } of regularized) {
    const { l1, l2, graph } = regularizer;
    if (!graph) t.emit('penalty', [value, penalty], { N: value.size }, { l1, l2 });
  }
  compiled.report?.(t, t.parameters);
  t.program('gradients of penalties');
  for (const { value, gradient, regularizer, penalty } of regularized) {
    const { l1, l2, graph } = regularizer;
    if (graph) emitPenalty(t, graph, value, gradient, penalty);
    else t.emit('penaltyGradient', [value, gradient], { N: value.size }, { l1, l2 });
  }
  t.program('update');
  t.mayStop(false);
  const parameters = t.parameters.map((p) => ({ ...p, isFree: free.has(p.gradient) && !p.regularizer }));
  compiled.optimizer.record(t, parameters);
  emitConstraints(t, parameters);

  const programs = ['predict'];
  if (isWanted('apply')) {
    t.compose('apply', ['update']);
    programs.push('apply');
  }
  for (const weighted of [false, true]) {
    const parts = ['weights', 'forward', weighted ? 'weighted loss' : 'loss', 'metrics'];
    const forward = (mode: string) => ['penalties', ...parts.map((part) => `${part} in ${mode}`)];
    const suffix = weighted ? 'Weighted' : '';
    const penalized = 'gradients of penalties';
    const made = {
      [`evaluate${suffix}`]: [...forward('evaluation'), penalized, 'states in evaluation'],
      [`gradients${suffix}`]: [...forward('training'), 'backward', penalized],
      [`train${suffix}`]: [...forward('training'), 'backward', 'exchange', penalized, 'update', 'states in training'],
    };
    for (const [name, parts] of Object.entries(made)) {
      if (!isWanted(name)) continue;
      t.compose(name, parts);
      programs.push(name);
    }
  }
  const data = judged.flatMap(({ targets, weights }) => [targets, weights]);
  return {
    ...compile(programs, data),
    training: {
      judged: judged.map((own, k) => ({ ...own, metrics: counts[k] })),
      penalties: regularized.map((r) => r.penalty),
      activity,
    },
  };
}

/** What moves weights and makes some of `outputs`, but none of `values`. */
function movingBeside(values: readonly Value[], outputs: readonly Value[]): Value[] {
  const made = new Set(topological(values));
  return topological(outputs).flatMap((from) =>
    !isCall(from) && from.op.moves && !made.has(from) ? [from.output] : [],
  );
}

/** The data buffers of an output with a loss. @throws RangeError if the loss cannot take the output */
function declareJudged(t: Recorder, compiled: Judged['compiled'], output: number, value: Value): Judged {
  const { loss, name } = compiled;
  const last = activationOf(value);
  loss.checkOutput?.(value.shape, last);
  if (last === 'softmax' && value.shape.at(-1) === 1)
    throw new RangeError(
      "Expected the softmax of the last layer to have two outputs or more, got 1, which is always 1 (take 'sigmoid' for two classes)",
    );
  return {
    output,
    compiled,
    targets: t.batched(`${name}/targets`, loss.targetShape(value.shape)),
    weights: t.batched(`${name}/sampleWeights`, [loss.ofWholeSamples ? 1 : stepsOf(value.shape)]),
    loss: t.fixed('report', `${name}/loss`, [1]),
    metrics: [],
  };
}

/** The activation that a value has gone through last, where a layer or an operation says so. */
function activationOf(value: Value): string | undefined {
  const { from } = value;
  if (!from) return undefined;
  if (!isCall(from)) return from.op.name === 'activation' ? from.options.config.name : undefined;
  const { layer, outputs } = from;
  return layer.graph ? activationOf(layer.graph.outputs[outputs.indexOf(value)]) : activationNameOf(layer);
}

function batchedBuffer(lowered: Lowered, value: Value): Buffer {
  const buffer = lowered.real(lowered.buffer(value));
  if (!buffer.batched) throw new TypeError('Expected outputs to depend on an input, got the same for all samples');
  return buffer;
}

/** What a loss is given: the value, or what goes into its activation where that and the loss are one kernel, exact for any logits. */
function endOf(value: Value, { fuses }: Loss): { value: Value; fused: boolean } {
  const { from } = value;
  const fused = from && !isCall(from) && from.op.name === 'activation' && from.options.config.name === fuses;
  return fused ? { value: from.inputs[0], fused } : { value, fused: false };
}

/** The penalty on what a layer gives, one number a sample. */
function penaltyOf({ value, regularizer: { l1, l2, graph }, layer }: Penalized): Value {
  if (graph) return checkValue(`the activityRegularizer of ${layer}`, () => graph(value), [], { given: [value] });
  const absolute = () => ops.mul(l1, ops.sum(ops.abs(value)));
  const squared = () => ops.mul(l2, ops.sum(ops.square(value)));
  return l1 === 0 ? squared() : l2 === 0 ? absolute() : ops.add(absolute(), squared());
}

/** Of a layer that is applied to each step, the sum of all steps. */
const overSteps = (penalty: Value): Value =>
  (penalty.times ?? 1) > 1
    ? ops.sum(applyOp(allSteps, [penalty], { steps: penalty.times as number, times: 1 }))
    : penalty;

/** A penalty of one's own: its value, and its derivative on top of the gradient. */
function emitPenalty(t: Recorder, graph: (w: Value) => Value, value: Buffer, gradient: Buffer, penalty: Buffer): void {
  const what = `the regularizer of ${value.name}`;
  const w = marked({ shape: value.shape, batched: false });
  const output = checkValue(what, () => graph(w), [], { given: [w], expected: 'one number of shape []' });
  const own = t.fixed('state', `${value.name}/penalty`, value.shape);
  const lowered = new Lowered(t, [output], {
    training: true,
    buffers: new Map([[w, value]]),
    gradients: new Map([[w, own]]),
    nameOf: ({ op }) => `${what}/${op.name}`,
  });
  lowered.forward();
  t.emit('copy', [t.view(lowered.buffer(output), [1]), penalty], { N: 1 });
  const seed = t.fixed('state', `${value.name}/seed`, []);
  t.emit('fill', [seed], { N: 1 }, { value: 1 });
  if (lowered.backward(new Map([[output, seed]])).has(w)) t.emit('add', [gradient, own, gradient], { N: own.size });
}

/** Where the weights of a network lie on its tape, and the gradients of those that are trained. */
interface Declared {
  readonly buffers: Map<Value, Buffer>;
  readonly gradients: Map<Value, Buffer>;
  readonly weights: Tenant[];
}

/** Gives weights their buffers. @throws RangeError for two of one name, of which a file could hold one */
export function declareWeights(t: Recorder, placed: readonly PlacedWeight[]): Declared {
  const declared: Declared = { buffers: new Map(), gradients: new Map(), weights: [] };
  const names = new Set<string>();
  for (const { layer, weight, trainable } of placed) {
    const full = weightName(layer, weight);
    if (names.has(full))
      throw new RangeError(
        `Expected the weights of a network to have different names, got '${full}' twice: '/' stands for a layer within another one`,
      );
    names.add(full);
    const { name, shape, initializer, regularizer, constraint, trained } = weight;
    let value: Buffer;
    if (trained && trainable) {
      const parameter = t.parameter(layer, name, shape, initializer, regularizer, constraint);
      value = parameter.value;
      declared.gradients.set(weight, parameter.gradient);
    } else {
      value = t.statistic(layer, name, shape, initializer);
    }
    declared.buffers.set(weight, value);
    declared.weights.push({ name: full, weight, buffer: value, moves: trainable });
  }
  return declared;
}
