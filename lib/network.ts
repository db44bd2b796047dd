import { wrongShape, wrongType } from './check.js';
import { emitConstraints } from './constraints.js';
import { expand } from './graph/expand.js';
import { Lowered } from './graph/lower.js';
import { Recorder } from './graph/recorder.js';
import { type Call, isCall, isValue, marked, type Node, placeholder, type Shape, type Value } from './graph/value.js';
import { type Layer, type Weights, wrongInput } from './layers/layer.js';
import type { Loss } from './losses.js';
import type { Metric } from './metrics.js';
import type { Optimizer } from './optimizers.js';
import type { Buffer, FloatType, Plan } from './tape.js';

/** What `compile` decides: how a network is trained and judged. */
export interface Training {
  readonly optimizer: Optimizer;
  readonly loss: Loss;
  readonly metrics: readonly Metric[];
}

/** A network on its tape: the arena and the buffers that data go to and come from. */
export interface Network {
  readonly plan: Plan;
  readonly recorder: Recorder;
  readonly inputShape: Shape;
  readonly outputShape: Shape;
  readonly x: Buffer;
  /** The output of the program 'predict'. */
  readonly output: Buffer;
  /** Only of a network that was compiled. */
  readonly training?: {
    readonly targets: Buffer;
    readonly weights: Buffer;
    /** Reported sums over the batch: of the loss, and of what each metric counts. */
    readonly loss: Buffer;
    readonly metrics: readonly (readonly Buffer[])[];
    /** Reported penalties of the weights, not summed over samples. */
    readonly penalties: readonly Buffer[];
  };
}

/** The shape of every layer's output, in order. @throws RangeError if a layer cannot take what the one before gives */
export function shapesOf(layers: readonly Layer[], inputShape: Shape): Shape[] {
  const shapes: Shape[] = [];
  for (const layer of layers) {
    const input = shapes.at(-1) ?? inputShape;
    const wanted = layer.inputShape;
    if (wanted && wanted.join() !== input.join())
      throw wrongInput(layer, `of shape [${wanted.join(', ')}], its inputShape`, input);
    shapes.push(layer.outputShape(input));
  }
  return shapes;
}

/**
 * Records a network: its forward pass as the program 'predict'; with `training` also 'evaluate' (forward, loss, metrics)
 * and 'train' (these, backward, update), and both of them with sample weights.
 */
export function recordNetwork(
  layers: readonly Layer[],
  names: readonly string[],
  inputShape: Shape,
  dtype: FloatType,
  training?: Training,
): Network {
  const input = placeholder(inputShape);
  let output: Value = input;
  for (const layer of layers) output = layer.apply(output);

  const t = new Recorder(dtype);
  const x = t.batched('x', inputShape);
  const { buffers, gradients } = declareLayers(t, layers, names, inputShape);
  buffers.set(input, x);
  const nameOf = (layerOf: ReadonlyMap<Node, Layer>) => (node: Node) => {
    const layer = layerOf.get(node);
    return layer ? `${names[layers.indexOf(layer)]}/${node.op.name}` : node.op.name;
  };

  const inference = expand([output], false);
  const predicted = inference.outputs[0];
  t.program('predict');
  const prediction = new Lowered(t, [predicted], {
    training: false,
    buffers,
    gradients,
    nameOf: nameOf(inference.layerOf),
  });
  prediction.forward();
  const network = {
    recorder: t,
    inputShape,
    outputShape: output.shape,
    x,
    output: prediction.buffer(predicted),
  };
  if (!training)
    return { ...network, plan: t.compile({ programs: ['predict'], inputs: [x], outputs: [network.output] }) };

  const { loss, metrics, optimizer } = training;
  const last = (output.from as Call).layer.activation?.config.name;
  loss.checkOutput?.(output.shape, last);
  if (last === 'softmax' && output.shape.at(-1) === 1)
    throw new RangeError(
      "Expected the softmax of the last layer to have two outputs or more, got 1, which is always 1 (take 'sigmoid' for two classes)",
    );
  const targets = t.batched('targets', loss.targetShape(output.shape));
  const weights = t.batched('sampleWeights', [1]);
  const total = t.fixed('report', 'loss', [1]);
  const regularized = t.parameters.flatMap(({ value, gradient, regularizer }) =>
    regularizer && gradient
      ? [{ value, gradient, regularizer, penalty: t.fixed('report', `${value.name}/penalty`, [1]) }]
      : [],
  );

  let counts: readonly Buffer[][] = [];
  /** Forward, loss and metrics in one mode; `weighted` programs have sample weights in between. */
  const judge = (isTraining: boolean) => {
    const mode = isTraining ? 'training' : 'evaluation';
    const { outputs, layerOf } = expand([output], isTraining);
    // softmax and cross-entropy are one kernel, which is exact for any logits
    const y = outputs[0];
    const fused =
      y.from && !isCall(y.from) && y.from.op.name === 'activation' && y.from.options.config.name === loss.fuses;
    const judged = fused ? (y.from as Node).inputs[0] : y;
    const lowered = new Lowered(t, [judged], { training: isTraining, buffers, gradients, nameOf: nameOf(layerOf) });
    t.program(`forward in ${mode}`);
    lowered.forward();
    const z = lowered.buffer(judged);
    const probabilities = fused ? t.batched('probabilities', z.shape) : z;
    const losses = t.batched('losses', [1]);
    const delta = t.batched('delta', z.shape);
    t.program(`loss in ${mode}`);
    loss.emit(t, { output: z, targets, losses, delta, ...(fused ? { probabilities } : {}) }, Boolean(fused));
    t.program(`sample weights in ${mode}`);
    t.emit('weightRows', [losses, weights, losses], { N: 1 });
    t.emit('weightRows', [delta, weights, delta], { N: delta.size });
    t.program(`metrics in ${mode}`);
    t.emit('sumRows', [losses, total], {});
    counts = metrics.map((metric) =>
      t.reporting(metric, () => metric.record(t, { output: probabilities, targets }, z.shape)),
    );
    return () => lowered.backward(new Map([[judged, delta]]));
  };
  judge(false);
  const backward = judge(true);
  t.program('backward');
  backward();
  t.program('penalties');
  for (const { value, gradient, regularizer, penalty } of regularized) {
    const { l1, l2, graph } = regularizer;
    if (graph) emitPenalty(t, graph, value, gradient, penalty);
    else t.emit('penalty', [value, gradient, penalty], { N: value.size }, { l1, l2 });
  }
  t.program('update');
  optimizer.record(t, t.parameters);
  emitConstraints(t, t.parameters);

  const update = ['backward', 'penalties', 'update'];
  const steps = (mode: string, weighted: boolean) =>
    ['forward', 'loss', ...(weighted ? ['sample weights'] : []), 'metrics'].map((part) => `${part} in ${mode}`);
  t.compose('evaluate', [...steps('evaluation', false), 'penalties']);
  t.compose('evaluateWeighted', [...steps('evaluation', true), 'penalties']);
  t.compose('train', [...steps('training', false), ...update]);
  t.compose('trainWeighted', [...steps('training', true), ...update]);
  return {
    ...network,
    plan: t.compile({
      programs: ['predict', 'evaluate', 'evaluateWeighted', 'train', 'trainWeighted'],
      inputs: [x, targets, weights],
      outputs: [network.output],
    }),
    training: { targets, weights, loss: total, metrics: counts, penalties: regularized.map((r) => r.penalty) },
  };
}

/** A penalty of one's own: its value, and its derivative on top of the gradient. */
function emitPenalty(t: Recorder, graph: (w: Value) => Value, value: Buffer, gradient: Buffer, penalty: Buffer): void {
  const what = `the regularizer of ${value.name}`;
  const w = marked({ shape: value.shape, batched: false });
  const output = graph(w);
  if (!isValue(output)) throw wrongType(`what ${what} returns`, 'a value, one number of shape []', output);
  if (output.shape.length > 0) throw wrongShape(`what ${what} returns`, 'one number of shape []', output.shape);
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
}

/** Gives the weights of a chain of layers their buffers. */
export function declareLayers(
  t: Recorder,
  layers: readonly Layer[],
  names: readonly string[],
  inputShape: Shape,
): Declared {
  const declared = { buffers: new Map<Value, Buffer>(), gradients: new Map<Value, Buffer>() };
  let shape = inputShape;
  for (const [i, layer] of layers.entries()) {
    declareWeights(t, names[i], layer.weightsFor(shape), declared);
    shape = layer.outputShape(shape);
  }
  return declared;
}

/** Gives the weights of a layer their buffers. */
export function declareWeights(t: Recorder, layer: string, weights: Weights, { buffers, gradients }: Declared): void {
  for (const weight of Object.values(weights)) {
    const { name, shape, initializer, regularizer, constraint, trained } = weight;
    if (trained) {
      const { value, gradient } = t.parameter(layer, name, shape, initializer, regularizer, constraint);
      buffers.set(weight, value);
      gradients.set(weight, gradient);
    } else {
      buffers.set(weight, t.statistic(layer, name, shape, initializer));
    }
  }
}
