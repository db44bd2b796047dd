import { checkInterval, checkOptions } from '../check.js';
import { getInitializer, type Initializer, type InitializerInput } from '../initializers.js';
import type { Buffer } from '../tape.js';
import {
  checkLayer,
  LAYER_OPTIONS,
  type Layer,
  type LayerOptions,
  type Recorded,
  type Recorder,
  type Shape,
  wrongInput,
} from './layer.js';

export interface BatchNormalizationOptions extends LayerOptions {
  /** Of the moving mean and variance, in [0, 1]. Default 0.99 */
  momentum?: number;
  /** Added to the variance, > 0. Default 1e-3 */
  epsilon?: number;
  /** Default 'zeros' */
  betaInitializer?: InitializerInput;
  /** Default 'ones' */
  gammaInitializer?: InitializerInput;
}

const OPTIONS = [...LAYER_OPTIONS, 'momentum', 'epsilon', 'betaInitializer', 'gammaInitializer'];

/**
 * Gives every channel (the last axis) mean beta and standard deviation gamma: over the batch in training, with moving
 * averages in evaluation and prediction (Ioffe and Szegedy, 2015). Weights as Keras: gamma, beta, moving mean, moving
 * variance, each [channels].
 */
export class BatchNormalization implements Layer {
  readonly className = 'BatchNormalization';
  name?: string;
  readonly inputShape?: Shape;
  readonly momentum: number;
  readonly epsilon: number;
  readonly betaInitializer: Initializer;
  readonly gammaInitializer: Initializer;

  constructor(options: BatchNormalizationOptions = {}) {
    checkOptions('options', options, OPTIONS);
    ({ name: this.name, inputShape: this.inputShape } = checkLayer(options));
    this.momentum = checkInterval('momentum', options.momentum ?? 0.99, 0, 1);
    this.epsilon = checkInterval('epsilon', options.epsilon ?? 1e-3, 0, Number.POSITIVE_INFINITY, 'low');
    this.betaInitializer = getInitializer('betaInitializer', options.betaInitializer ?? 'zeros');
    this.gammaInitializer = getInitializer('gammaInitializer', options.gammaInitializer ?? 'ones');
  }

  outputShape(inputShape: Shape): Shape {
    if (inputShape.length === 0) throw wrongInput(this, 'of one axis or more for each sample', inputShape);
    return inputShape;
  }

  record(t: Recorder, x: Buffer, name: string): Recorded {
    const C = x.shape[x.shape.length - 1];
    const dims = { M: x.size / C, C };
    const gamma = t.parameter(name, 'gamma', [C], this.gammaInitializer);
    const beta = t.parameter(name, 'beta', [C], this.betaInitializer);
    const movingMean = t.statistic(name, 'moving_mean', [C], getInitializer('', 'zeros'));
    const movingVariance = t.statistic(name, 'moving_variance', [C], getInitializer('', 'ones'));
    const mean = t.fixed('gradient', `${name}/mean`, [C]);
    const inverse = t.fixed('gradient', `${name}/inverse`, [C]);
    const y = t.batched(`${name}/y`, x.shape);
    const xhat = t.batched(`${name}/xhat`, x.shape);
    const { momentum, epsilon } = this;
    return {
      y,
      forward(training) {
        const weights = [x, gamma.value, beta.value];
        if (training) {
          const buffers = [...weights, movingMean, movingVariance, y, xhat, mean, inverse];
          t.emit('batchNormalization', buffers, dims, { momentum, epsilon });
        } else {
          t.emit('batchNormalizationInference', [...weights, movingMean, movingVariance, y], dims, { epsilon });
        }
      },
      backward(dy, wanted) {
        t.emit('batchNormalizationGradient', [xhat, dy, gamma.value, inverse, gamma.gradient, beta.gradient, dy], dims);
        return wanted ? dy : undefined;
      },
    };
  }

  getConfig(): Record<string, unknown> {
    return {
      momentum: this.momentum,
      epsilon: this.epsilon,
      betaInitializer: this.betaInitializer.config,
      gammaInitializer: this.gammaInitializer.config,
    };
  }
}
