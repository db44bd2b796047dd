import { checkInterval } from '../check.js';
import { constant } from '../graph/broadcast.js';
import {
  batchNormalization,
  batchNormalizationInference,
  batchNormalizationOfSteps,
} from '../graph/ops/normalization.js';
import { allSteps, eachStep } from '../graph/ops/shape.js';
import { applyOp, type Value } from '../graph/value.js';
import { getInitializer, type Initializer, type InitializerInput } from '../initializers.js';
import { type Mode, type Shape, type Weights, wrongInput } from './layer.js';
import { spread } from './masks.js';
import { NormalizingLayer, type NormalizingLayerOptions } from './normalizing-layer.js';

export interface BatchNormalizationOptions extends NormalizingLayerOptions {
  /** What the moving averages keep of themselves at each step, in [0, 1]. Default 0.99 */
  momentum?: number;
  /** Default 'zeros' */
  movingMeanInitializer?: InitializerInput;
  /** Default 'ones' */
  movingVarianceInitializer?: InitializerInput;
}

/**
 * gamma * (x - mean) / sqrt(variance + epsilon) + beta for each channel, the last axis (Ioffe and Szegedy, 2015). In training
 * mean and variance are those of the batch (the variance divided by n, as Keras), otherwise their moving averages. Of masked
 * steps those count alone that the mask does not hide. Within `timeDistributed` each step is normalized by itself, and the
 * averages move at every one, as Keras'.
 */
export class BatchNormalization extends NormalizingLayer {
  override readonly className = 'BatchNormalization';
  readonly momentum: number;
  readonly movingMeanInitializer: Initializer;
  readonly movingVarianceInitializer: Initializer;

  constructor(options: BatchNormalizationOptions = {}) {
    super(options, ['momentum', 'movingMeanInitializer', 'movingVarianceInitializer']);
    const { momentum = 0.99, movingMeanInitializer = 'zeros', movingVarianceInitializer = 'ones' } = options;
    this.momentum = checkInterval('momentum', momentum, 0, 1);
    this.movingMeanInitializer = getInitializer('movingMeanInitializer', movingMeanInitializer);
    this.movingVarianceInitializer = getInitializer('movingVarianceInitializer', movingVarianceInitializer);
  }

  override build(inputShape: Shape): void {
    if (inputShape.length === 0)
      throw wrongInput(this, 'of at least one dimension, the last of them channels', inputShape);
    const shape = inputShape.slice(-1);
    this.addGammaAndBeta(shape);
    this.addWeight('movingMean', shape, this.movingMeanInitializer, { trained: false });
    this.addWeight('movingVariance', shape, this.movingVarianceInitializer, { trained: false });
  }

  call(x: Value, weights: Weights, { training, trainable = true }: Mode): Value {
    const { momentum, epsilon } = this;
    const { movingMean, movingVariance } = weights;
    const { gamma = constant(movingMean.shape, 1), beta = constant(movingMean.shape, 0) } = weights;
    const inputs = [x, gamma, beta, movingMean, movingVariance];
    if (!(training && trainable)) return applyOp(batchNormalizationInference, inputs, { epsilon });
    const mask = x.mask && spread(x.mask, x.shape.slice(0, -1));
    const operands = mask ? [...inputs, mask] : inputs;
    const { times: steps = 1 } = x;
    if (steps === 1) return applyOp(batchNormalization, operands, { momentum, epsilon });
    const all = (value: Value) => applyOp(allSteps, [value], { steps, times: 1 });
    const ofSteps = operands.map((value) => (value === x || value === mask ? all(value) : value));
    return applyOp(eachStep, [applyOp(batchNormalizationOfSteps, ofSteps, { momentum, epsilon })], { times: steps });
  }

  override getConfig(): Record<string, unknown> {
    return {
      momentum: this.momentum,
      ...super.getConfig(),
      movingMeanInitializer: this.movingMeanInitializer.config,
      movingVarianceInitializer: this.movingVarianceInitializer.config,
    };
  }
}
