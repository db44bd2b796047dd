import type { ArrayInput, NDArray } from '../array.js';
import type { Callback, CallbackModel } from '../callbacks/callback.js';
import { checkCallbacks } from '../callbacks/callback-list.js';
import { failure, wrongType } from '../check.js';
import type { Graph } from '../graph/graph.js';
import { checkWeights, weightsOfGraph } from '../graph/weights.js';
import type { Layer, Shape } from '../layers/layer.js';
import { outputShapesOf } from '../models/ports.js';
import type { DistributedOptions } from '../training/ranks.js';
import type { MLPNetwork } from './mlp-network.js';
import type { MLPEpoch } from './mlp-training.js';

export interface MLPFitOptions extends Pick<DistributedOptions, 'distributed'> {
  /** Aborts the training after the batch in progress: `fit` rejects with ERR_ABORTED and keeps the weights it has. */
  signal?: AbortSignal;
  /**
   * One number a sample: losses and gradients are weighted means. Negative ones count, as in scikit-learn. Those of a batch
   * must not sum to 0, which ends the training where it is.
   */
  sampleWeight?: ArrayInput;
  /** Called after each epoch, with 'lbfgs' after each iteration; a promise is waited for (`fitSync` throws). */
  onEpochEnd?: (info: MLPEpoch) => unknown;
  /**
   * What watches the training or ends it, as of a `Sequential`: `callbacks.*`, or objects of onTrainBegin/End,
   * onEpochBegin/End and so on. The epochs of 'lbfgs' are its iterations. The logs hold `loss` and, with earlyStopping,
   * the validation score as `val_accuracy` or `val_rSquared`. An estimator's learning rate is not for callbacks to change,
   * nor is it saved by them.
   */
  callbacks?: Callback | readonly Callback[];
}

export type MLPFitSyncOptions = Omit<MLPFitOptions, 'signal'>;
export type SampleWeight = Pick<MLPFitOptions, 'sampleWeight'>;

/**
 * The callbacks, and `onEpochEnd` as the first of them.
 * @throws TypeError for what is none
 */
export function readCallbacks(
  { onEpochEnd, callbacks }: MLPFitSyncOptions,
  validationScores: () => readonly number[] | null,
): readonly Callback[] {
  const list = checkCallbacks(callbacks);
  if (onEpochEnd === undefined) return list;
  if (typeof onEpochEnd !== 'function') throw wrongType('onEpochEnd', 'a function', onEpochEnd);
  const told: Callback = {
    onEpochEnd(epoch, { loss }) {
      const validationScore = validationScores()?.at(-1);
      return onEpochEnd({ epoch, loss, ...(validationScore !== undefined && { validationScore }) });
    },
  };
  return [told, ...list];
}

/** The network of an estimator as callbacks see it: its dense layers, named as Keras would. */
export class WatchedMLP implements CallbackModel {
  readonly name: string;
  stopTraining = false;
  /** Of this fit. */
  iterations = 0;
  readonly metrics = [];
  readonly #network: MLPNetwork;
  readonly #rate: () => number | null;

  /** @param rate the learning rate; null of 'lbfgs', which has none */
  constructor(name: string, network: MLPNetwork, rate: () => number | null) {
    this.name = name;
    this.#network = network;
    this.#rate = rate;
  }

  get optimizer(): CallbackModel['optimizer'] {
    const [name, rate] = [this.name, this.#rate];
    return {
      get learningRate() {
        return rate() ?? Number.NaN;
      },
      set learningRate(_) {
        throw new TypeError(
          `Expected callbacks to leave the learning rate of an ${name} alone, which learningRate and learningRateInit decide`,
        );
      },
    };
  }

  get graph(): Graph {
    return this.#network.graph;
  }

  get layers(): readonly Layer[] {
    return this.graph.layers;
  }

  get layerNames(): readonly string[] {
    return [...this.graph.names.values()];
  }

  get inputShape(): Shape {
    return this.#network.inputs[0].shape;
  }

  get outputShapes(): readonly Shape[] {
    return outputShapesOf(this.graph);
  }

  get weightNames(): readonly string[] {
    return this.#network.weights.map(({ name }) => name);
  }

  /** A kernel and a bias of each layer. */
  getWeights(): NDArray[] {
    const { plan, weights } = this.#network;
    return plan.readTogether(weights.map(({ buffer }) => buffer));
  }

  /** @throws Error with code ERR_BUSY while a batch is being trained */
  setWeights(given: readonly ArrayInput[]): void {
    const { plan, weights, graph } = this.#network;
    const arrays = checkWeights(weightsOfGraph(graph), given, plan.dtype);
    if (plan.busy)
      throw failure('ERR_BUSY', `Expected this ${this.name} to be between two batches, but one is being computed`);
    for (const [i, { buffer }] of weights.entries()) plan.write(buffer, arrays[i]);
  }

  async save(): Promise<void> {
    throw new TypeError(`Expected callbacks to save a network made by sequential or model, got an ${this.name}`);
  }
}
