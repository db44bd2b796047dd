import type { TrainingState } from '../callbacks/callback.js';
import { ofFile } from '../io/file-errors.js';
import { compareTensors, readFile, restoreInto } from '../models/loading.js';
import { swapAverages } from '../optimizers/averages.js';
import type { Trained } from './loop.js';

/** The training of a `fit`, as its callbacks may change it. */
export class TrainingInProgress implements TrainingState {
  readonly #trained: Trained;

  constructor(trained: Trained) {
    this.#trained = trained;
  }

  async restore(path: string): Promise<void> {
    const loaded = await readFile(path);
    const { network, optimizer } = this.#trained;
    const { plan, recorder, weights } = network;
    ofFile(path, () => {
      const wanted = weights.map(({ name, weight: { shape } }) => ({ name, shape }));
      compareTensors('weight', wanted, loaded.weights, plan.dtype);
      compareTensors('optimizer state', recorder.states, loaded.optimizerState, plan.dtype);
    });
    restoreInto(this.#trained, loaded);
    if (loaded.compiled) optimizer.learningRate = loaded.compiled.optimizer.learningRate;
  }

  swapAverages(back = false): void {
    const { network } = this.#trained;
    if (network.recorder.averages.pairs.length === 0)
      throw new TypeError('Expected the optimizer to have useEma: true, as there are no averages of the weights');
    swapAverages(network, back);
  }
}
