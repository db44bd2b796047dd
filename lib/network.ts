import { type Activation, activationOutput, emitActivation, emitActivationGradient } from './activations.js';
import { isMaxPooling2D } from './kind.js';
import type { Layer, Recorded, Shape } from './layers/layer.js';
import { Recorder, wrongInput } from './layers/layer.js';
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

/** What each layer's output goes through. A relu goes behind the maximum that follows it: the same there, on fewer values. */
function activationsOf(layers: readonly Layer[]): (Activation | undefined)[] {
  const all = layers.map((layer) => layer.activation);
  for (const [i, layer] of layers.entries())
    if (isMaxPooling2D(layer) && all[i - 1]?.config.name === 'relu') [all[i - 1], all[i]] = [undefined, all[i - 1]];
  return all;
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
  const t = new Recorder(dtype);
  const x = t.batched('x', inputShape);
  const parts: { layer: Layer; activation?: Activation; recorded: Recorded; y: Buffer }[] = [];
  const activations = activationsOf(layers);
  const before: boolean[] = []; // does a layer before this one have weights to train?
  let input = x;
  for (const [i, layer] of layers.entries()) {
    before.push(t.parameters.some((p) => p.gradient));
    const recorded = layer.record(t, input, names[i]);
    const activation = activations[i];
    const y = activation ? activationOutput(t, activation, recorded.y) : recorded.y;
    parts.push({ layer, activation, recorded, y });
    input = y;
  }
  const last = parts[parts.length - 1];
  const forward = (isTraining: boolean, fused: boolean) => {
    for (const { activation, recorded, y } of parts) {
      recorded.forward(isTraining);
      if (activation && !(fused && recorded === last.recorded)) emitActivation(t, activation, recorded.y, y);
    }
  };
  const network = { recorder: t, inputShape, outputShape: last.y.shape, x, output: last.y };
  t.program('predict');
  forward(false, false);
  if (!training) return { ...network, plan: t.compile() };

  const { loss, metrics, optimizer } = training;
  const fused = loss.fuses !== undefined && loss.fuses === last.layer.activation?.config.name;
  const activation = last.layer.activation?.config.name;
  loss.checkOutput?.(last.y.shape, activation);
  if (activation === 'softmax' && last.y.shape.at(-1) === 1)
    throw new RangeError(
      "Expected the softmax of the last layer to have two outputs or more, got 1, which is always 1 (take 'sigmoid' for two classes)",
    );
  const output = fused ? last.recorded.y : last.y;
  const probabilities = fused ? t.batched('probabilities', output.shape) : output;
  const targets = t.batched('targets', loss.targetShape(output.shape));
  const weights = t.batched('sampleWeights', [1]);
  const losses = t.batched('losses', [1]);
  const delta = t.batched('delta', output.shape);
  const total = t.fixed('report', 'loss', [1]);
  const regularized = t.parameters.flatMap(({ name, value, gradient, regularizer }) =>
    regularizer && gradient
      ? [{ value, gradient, regularizer, penalty: t.fixed('report', `${name}/penalty`, [1]) }]
      : [],
  );

  t.program('forward in evaluation');
  forward(false, fused);
  t.program('forward in training');
  forward(true, fused);
  t.program('loss');
  loss.emit(t, { output, targets, losses, delta, ...(fused ? { probabilities } : {}) }, fused);
  t.program('sample weights');
  t.emit('weightRows', [losses, weights, losses], { N: 1 });
  t.emit('weightRows', [delta, weights, delta], { N: delta.size });
  t.program('metrics');
  t.emit('sumRows', [losses, total], {});
  const counts = metrics.map((metric) => metric.record(t, { output: probabilities, targets }, output.shape));
  t.program('backward');
  let dy: Buffer | undefined = delta;
  for (let i = parts.length - 1; i >= 0 && dy; i--) {
    const { activation, recorded, y } = parts[i];
    const skip = fused && i === parts.length - 1;
    if (activation && !skip) emitActivationGradient(t, activation, recorded.y, y, dy);
    dy = recorded.backward(dy, before[i]);
  }
  t.program('penalties');
  for (const { value, gradient, regularizer, penalty } of regularized)
    t.emit('penalty', [value, gradient, penalty], { N: value.size }, { ...regularizer });
  t.program('update');
  optimizer.record(t, t.parameters);

  t.compose('evaluate', ['forward in evaluation', 'loss', 'metrics', 'penalties']);
  t.compose('evaluateWeighted', ['forward in evaluation', 'loss', 'sample weights', 'metrics', 'penalties']);
  t.compose('train', ['forward in training', 'loss', 'metrics', 'backward', 'penalties', 'update']);
  t.compose('trainWeighted', [
    'forward in training',
    'loss',
    'sample weights',
    'metrics',
    'backward',
    'penalties',
    'update',
  ]);
  return {
    ...network,
    plan: t.compile(),
    training: { targets, weights, loss: total, metrics: counts, penalties: regularized.map((r) => r.penalty) },
  };
}
