import { checkInterval } from '../check.js';
import { getInitializer, type Initializer, type InitializerInput } from '../initializers.js';
import { checkRegularizer, type Regularizer, type RegularizerInput } from '../regularizers.js';
import type { Buffer } from '../tape.js';
import {
  BaseLayer,
  type Layer,
  type LayerOptions,
  type Recorded,
  type Recorder,
  type Shape,
  wrongInput,
} from './layer.js';

export interface BatchNormalizationOptions extends LayerOptions {
  /** What the moving averages keep of themselves at each step, in [0, 1]. Default 0.99 */
  momentum?: number;
  /** Added to the variance, positive. Default 1e-3 */
  epsilon?: number;
  /** Default 'zeros' */
  betaInitializer?: InitializerInput;
  /** Default 'ones' */
  gammaInitializer?: InitializerInput;
  /** Default 'zeros' */
  movingMeanInitializer?: InitializerInput;
  /** Default 'ones' */
  movingVarianceInitializer?: InitializerInput;
  betaRegularizer?: RegularizerInput;
  gammaRegularizer?: RegularizerInput;
}

const INITIALIZERS = {
  gammaInitializer: 'ones',
  betaInitializer: 'zeros',
  movingMeanInitializer: 'zeros',
  movingVarianceInitializer: 'ones',
} as const;

/**
 * gamma * (x - mean) / sqrt(variance + epsilon) + beta for each channel, the last axis (Ioffe and Szegedy, 2015). In training
 * mean and variance are those of the batch (the variance divided by n, as Keras), otherwise their moving averages.
 */
export class BatchNormalization extends BaseLayer implements Layer {
  readonly className = 'BatchNormalization';
  readonly momentum: number;
  readonly epsilon: number;
  readonly initializers: Readonly<Record<keyof typeof INITIALIZERS, Initializer>>;
  readonly betaRegularizer?: Regularizer;
  readonly gammaRegularizer?: Regularizer;

  constructor(options: BatchNormalizationOptions = {}) {
    super(options, ['momentum', 'epsilon', ...Object.keys(INITIALIZERS), 'betaRegularizer', 'gammaRegularizer']);
    this.momentum = checkInterval('momentum', options.momentum ?? 0.99, 0, 1);
    this.epsilon = checkInterval('epsilon', options.epsilon ?? 1e-3, 0, Number.POSITIVE_INFINITY, 'low');
    const initializer = (option: keyof typeof INITIALIZERS) =>
      getInitializer(option, options[option] ?? INITIALIZERS[option]);
    this.initializers = {
      gammaInitializer: initializer('gammaInitializer'),
      betaInitializer: initializer('betaInitializer'),
      movingMeanInitializer: initializer('movingMeanInitializer'),
      movingVarianceInitializer: initializer('movingVarianceInitializer'),
    };
    this.betaRegularizer = checkRegularizer('betaRegularizer', options.betaRegularizer);
    this.gammaRegularizer = checkRegularizer('gammaRegularizer', options.gammaRegularizer);
  }

  outputShape(inputShape: Shape): Shape {
    if (inputShape.length === 0)
      throw wrongInput(this, 'of at least one dimension, the last of them channels', inputShape);
    return inputShape;
  }

  record(t: Recorder, x: Buffer, name: string): Recorded {
    const C = x.shape[x.shape.length - 1];
    const dims = { N: x.size / C, C };
    const { momentum, epsilon, initializers: first } = this;
    const gamma = t.parameter(name, 'gamma', [C], first.gammaInitializer, this.gammaRegularizer);
    const beta = t.parameter(name, 'beta', [C], first.betaInitializer, this.betaRegularizer);
    const movingMean = t.statistic(name, 'movingMean', [C], first.movingMeanInitializer);
    const movingVariance = t.statistic(name, 'movingVariance', [C], first.movingVarianceInitializer);
    const mean = t.fixed('state', `${name}/mean`, [C]);
    const scale = t.fixed('state', `${name}/scale`, [C]);
    const y = t.batched(`${name}/y`, x.shape);
    return {
      y,
      forward(training) {
        if (training) {
          // y = gamma * (x - mean) * scale + beta, scale = 1 / sqrt(variance + epsilon)
          const outputs = [movingMean, movingVariance, mean, scale, y];
          t.emit('batchNormalization', [x, gamma.value, beta.value, ...outputs], dims, { momentum, epsilon });
        } else {
          const moving = [movingMean, movingVariance];
          t.emit('batchNormalizationInference', [x, gamma.value, beta.value, ...moving, y], dims, { epsilon });
        }
      },
      backward(dy, wanted) {
        // n = (x - mean) * scale; dgamma = (dy * n).sum(0), dbeta = dy.sum(0)
        // dx = gamma * scale * (dy - dbeta / rows - n * dgamma / rows), in place of dy
        const inputs = [x, dy, gamma.value, mean, scale];
        t.emit('batchNormalizationGradient', [...inputs, gamma.gradient, beta.gradient, dy], dims);
        return wanted ? dy : undefined;
      },
    };
  }

  override getConfig(): Record<string, unknown> {
    return {
      momentum: this.momentum,
      epsilon: this.epsilon,
      ...Object.fromEntries(Object.entries(this.initializers).map(([option, { config }]) => [option, config])),
      betaRegularizer: this.betaRegularizer,
      gammaRegularizer: this.gammaRegularizer,
    };
  }
}
