import { checkInteger } from '../check.js';
import type { Value } from '../graph/value.js';
import { getInitializer, type Initializer, type InitializerInput, initializers } from '../initializers.js';
import { ops } from '../ops.js';
import { Layer, type LayerOptions, type Shape, type Weights, wrongInput } from './layer.js';
import type { SameRank } from './ranks.js';

export interface RBFOptions extends LayerOptions {
  /** Centres: the length of the output's last axis. */
  units: number;
  /** Default 'randomNormal' of a standard deviation of 1, for inputs that are standardized */
  centersInitializer?: InitializerInput;
  /** Default: 1 / sqrt(2 features), by which a centre is felt at the distances that standardized inputs have */
  epsilonInitializer?: InitializerInput;
}

/**
 * Radial basis functions: phi_j = exp(-(epsilon_j |x - c_j|)^2), weights centers [units, features] and epsilon [units]. With a linear
 * layer behind it the lecture's network of three layers, trained by backpropagation; `setWeights` takes the centres of a KMeans and
 * 1 / width. Of a sample with more axes every row along the last one, as `dense`. Source: Broomhead and Lowe (1988).
 */
export class RBF extends Layer<SameRank> {
  override readonly className = 'RBF';
  override readonly supportsMasking = true;
  readonly units: number;
  readonly centersInitializer: Initializer;
  readonly epsilonInitializer?: Initializer;

  constructor(options: RBFOptions) {
    super(options, ['units', 'centersInitializer', 'epsilonInitializer']);
    this.units = checkInteger('units', options.units, 1);
    const { centersInitializer = initializers.randomNormal({ stddev: 1 }), epsilonInitializer } = options;
    this.centersInitializer = getInitializer('centersInitializer', centersInitializer);
    if (epsilonInitializer !== undefined)
      this.epsilonInitializer = getInitializer('epsilonInitializer', epsilonInitializer);
  }

  override build(inputShape: Shape): void {
    const features = inputShape.at(-1);
    if (typeof features !== 'number')
      throw wrongInput(this, 'one value of at least one dimension, the last of them features', inputShape);
    this.addWeight('centers', [this.units, features], this.centersInitializer);
    const epsilon = this.epsilonInitializer ?? initializers.constant({ value: 1 / Math.sqrt(2 * features) });
    this.addWeight('epsilon', [this.units], epsilon);
  }

  call(x: Value, { centers, epsilon }: Weights): Value {
    // |x - c|^2 = |x|^2 - 2 x c + |c|^2, about the centres' mean: far from 0 the squares would leave few digits of the difference
    const mean = ops.stopGradient(ops.mean(centers, { axis: 0 }));
    const [z, c] = [ops.sub(x, mean), ops.sub(centers, mean)];
    const own = ops.sum(ops.square(z), { axis: -1, keepDims: true });
    const products = ops.matmul(z, ops.transpose(c));
    const squares = ops.add(ops.sub(own, ops.mul(2, products)), ops.sum(ops.square(c), { axis: -1 }));
    return ops.exp(ops.neg(ops.mul(ops.relu(squares), ops.square(epsilon))));
  }

  override getConfig(): Record<string, unknown> {
    const { units, centersInitializer, epsilonInitializer } = this;
    return {
      units,
      centersInitializer: centersInitializer.config,
      ...(epsilonInitializer && { epsilonInitializer: epsilonInitializer.config }),
    };
  }
}
