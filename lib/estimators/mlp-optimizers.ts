import { power } from '../power.js';
import type { Step } from './mlp-network.js';
import type { Parameters } from './mlp-parameters.js';

/**
 * The side of an optimizer that changes from step to step; the update itself is a kernel. Hyperparameters are those of
 * the time it was made. Source: scikit-learn's neural_network/_stochastic_optimizers.py
 */
export interface Optimizer {
  readonly solver: 'sgd' | 'adam';
  readonly learningRate: number;
  /** What it was made of, and how many steps it has made, for files. */
  memory(): OptimizerMemory;
  /** Sets what the update of the next step is given. */
  next(step: Step): void;
  /** The epoch has ended; `t` counts samples. */
  iterationEnds(t: number): void;
  /** Training would stop for `reason`. Answers whether it does, or goes on with a lower rate. */
  triggerStopping(reason: string, print: (line: string) => unknown): boolean;
}

export interface OptimizerMemory {
  readonly parameters: Parameters;
  readonly learningRate: number;
  readonly steps: number;
}

/** The optimizer that has this memory. */
export function optimizerOf(solver: 'sgd' | 'adam', { parameters, learningRate, steps }: OptimizerMemory): Optimizer {
  const optimizer = solver === 'sgd' ? new SGDOptimizer(parameters) : new AdamOptimizer(parameters, steps);
  optimizer.learningRate = learningRate;
  return optimizer;
}

export class SGDOptimizer implements Optimizer {
  readonly solver = 'sgd';
  learningRate: number;
  #p: Parameters;

  constructor(parameters: Parameters) {
    this.#p = { ...parameters };
    this.learningRate = parameters.learningRateInit;
  }

  memory(): OptimizerMemory {
    return { parameters: this.#p, learningRate: this.learningRate, steps: 0 };
  }

  next(step: Step): void {
    step.rate = this.learningRate;
    step.momentum = this.#p.momentum;
    step.nesterov = Number(this.#p.nesterovsMomentum);
  }

  iterationEnds(t: number): void {
    if (this.#p.learningRate === 'invscaling') this.learningRate = this.#p.learningRateInit / (t + 1) ** this.#p.powerT;
  }

  triggerStopping(reason: string, print: (line: string) => unknown): boolean {
    if (this.#p.learningRate !== 'adaptive') {
      print(`${reason} Stopping.`);
      return true;
    }
    if (this.learningRate <= 1e-6) {
      print(`${reason} Learning rate too small. Stopping.`);
      return true;
    }
    this.learningRate /= 5;
    print(`${reason} Setting learning rate to ${this.learningRate.toFixed(6)}`);
    return false;
  }
}

export class AdamOptimizer implements Optimizer {
  readonly solver = 'adam';
  learningRate: number;
  #p: Parameters;
  #steps: number;

  constructor(parameters: Parameters, steps = 0) {
    this.#p = { ...parameters };
    this.#steps = steps;
    this.learningRate = parameters.learningRateInit;
  }

  memory(): OptimizerMemory {
    return { parameters: this.#p, learningRate: this.learningRate, steps: this.#steps };
  }

  next(step: Step): void {
    const { learningRateInit, beta1, beta2, epsilon } = this.#p;
    this.#steps++;
    this.learningRate = (learningRateInit * Math.sqrt(1 - power(beta2, this.#steps))) / (1 - power(beta1, this.#steps));
    step.rate = this.learningRate;
    step.beta1 = beta1;
    step.beta2 = beta2;
    step.epsilon = epsilon;
  }

  iterationEnds(): void {}

  triggerStopping(reason: string, print: (line: string) => unknown): boolean {
    print(`${reason} Stopping.`);
    return true;
  }
}
