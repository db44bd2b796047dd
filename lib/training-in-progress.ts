import type { TrainingState } from './callbacks/callback.js';
import type { FitPlan } from './fit.js';
import { compare, loadSequential, ofFile, restore } from './model-loading.js';
import { swapAverages } from './optimizers/averages.js';

/** The training of a `fit`, as its callbacks may change it. */
export class TrainingInProgress implements TrainingState {
  readonly #fit: Pick<FitPlan, 'network' | 'compiled' | 'random' | 'progress'>;

  constructor(fit: Pick<FitPlan, 'network' | 'compiled' | 'random' | 'progress'>) {
    this.#fit = fit;
  }

  async restore(path: string): Promise<void> {
    const loaded = await loadSequential(path);
    const { network, compiled, random, progress } = this.#fit;
    const { recorder, plan } = network;
    ofFile(path, () => {
      const parameters = recorder.parameters.map(({ value }) => value);
      compare('weight', parameters, loaded.weights, plan.dtype);
      compare('optimizer state', recorder.states, loaded.optimizerState, plan.dtype);
    });
    restore(network, loaded);
    if (loaded.compiled) compiled.optimizer.learningRate = loaded.compiled.optimizer.learningRate;
    progress.iterations = loaded.iterations;
    random.setState(loaded.random);
  }

  swapAverages(back = false): void {
    const { network } = this.#fit;
    if (network.recorder.averages.pairs.length === 0)
      throw new TypeError('Expected the optimizer to have useEma: true, as there are no averages of the weights');
    swapAverages(network, back);
  }
}
