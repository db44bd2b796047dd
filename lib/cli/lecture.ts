import type { Callback, Logs } from '../callbacks/callback.js';
import { CallbackList } from '../callbacks/callback-list.js';
import { NeuralNetwork } from '../estimators/neural-network.js';
import { toCategorical } from '../labels.js';
import type { Sequential } from '../models/sequential.js';
import { RandomState } from '../random.js';
import { drive, type Training } from '../train.js';
import { type Samples, trainedOn } from './dataset.js';
import { usage } from './errors.js';
import { denseNetwork } from './recipe.js';
import type { Trainer, TrainingJob } from './training.js';

/** The lecture's class, watched through a `Sequential` of its weights, which is also what is kept of it. */
export function lectureTrainer({ recipe, meaning, samples, seed, validation, before }: TrainingJob): Trainer {
  const [nHidden] = recipe.hidden;
  const batchSize = recipe.batchSize as number;
  const nCategories = meaning.classes?.length ?? 0;
  const n = samples.x.shape[0];
  const count = trainedOn(n, validation);
  if (batchSize > count)
    throw usage(
      `Expected --batch-size to be at most the number of samples that are trained on, ${count}, with --model lecture, got ${batchSize}`,
    );
  const own = count === n ? samples : part(samples, 0, count);
  const held = count === n ? undefined : part(samples, count, n);
  const initialEpoch = before?.epochs ?? 0;
  const random = new RandomState(seed);
  const network = new NeuralNetwork(own.x, toCategorical(own.y, nCategories), {
    nHiddenNeurons: nHidden,
    nCategories,
    epochs: 1,
    batchSize,
    eta: recipe.learningRate,
    lmbd: recipe.l2,
    randomState: random,
  });
  if (before) {
    const drawn = new Int32Array(Math.floor(count / batchSize) * batchSize);
    for (let epoch = 0; epoch < initialEpoch; epoch++) random.batches(count, batchSize, drawn);
    const [hiddenWeights, hiddenBias, outputWeights, outputBias] = before.model.getWeights();
    Object.assign(network, { hiddenWeights, hiddenBias, outputWeights, outputBias });
  }
  const weights = () => [network.hiddenWeights, network.hiddenBias, network.outputWeights, network.outputBias];
  const model =
    before?.model ?? denseNetwork(weights(), { hidden: 'sigmoid', output: 'softmax', dtype: 'float64' }, meaning);
  const steps = Math.floor(count / batchSize);

  /** One call of train an epoch: a RandomState of our own is drawn from for all epochs of a call at once. */
  function* loop(watchers: readonly Callback[], signal: AbortSignal): Training<void> {
    const params = { epochs: recipe.epochs, initialEpoch, steps, samples: count, batchSize, verbose: 0 as const };
    const callbacks = new CallbackList(watchers, model, { ...params, metrics: ['accuracy'] });
    model.stopTraining = false;
    yield* callbacks.onTrainBegin();
    for (let epoch = initialEpoch; epoch < recipe.epochs && !model.stopTraining; epoch++) {
      yield* callbacks.onEpochBegin(epoch);
      const logs: Logs = {};
      const onEpochEnd = ({ loss }: { loss: number }) => {
        logs.loss = loss;
      };
      try {
        yield network.train({ signal, onEpochEnd });
      } catch (error) {
        if (!signal.aborted) throw error;
        break;
      }
      model.setWeights(weights());
      logs.accuracy = (yield* scores(model, own)).accuracy;
      if (held) {
        const { loss, accuracy } = yield* scores(model, held);
        Object.assign(logs, { val_loss: loss, val_accuracy: accuracy });
      }
      yield* callbacks.onProgress(steps, logs);
      yield* callbacks.onEpochEnd(epoch, logs);
    }
    model.setWeights(weights());
    yield* callbacks.onTrainEnd();
  }
  return { fit: (watchers, signal) => drive(loop(watchers, signal)), model: () => model };
}

function part({ x, y }: Samples, from: number, to: number): Samples {
  const rows = Int32Array.from({ length: to - from }, (_, i) => from + i);
  return { x: x.take(rows), y: y.take(rows) };
}

function* scores(model: Sequential, { x, y }: Samples): Training<Logs> {
  return (yield model.evaluate(x, y, { batchSize: 256 })) as Logs;
}
