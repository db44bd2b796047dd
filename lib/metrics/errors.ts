import { checkObject } from '../check.js';
import { lowerSample, perSample } from '../graph/own.js';
import { formulas } from '../loss-formulas.js';
import { type Loss, losses } from '../losses.js';
import {
  areLabels,
  compared,
  emitSum,
  type Metric,
  type MetricChoice,
  type MetricOptions,
  make,
  mean,
  type RecordSums,
} from './metric.js';

/** A mean of errors that a kernel sums. */
const errors = (name: string, kernel: string, options: MetricOptions, result?: Metric['result']): MetricChoice =>
  make(
    name,
    options,
    [],
    () => (t, io, report) => {
      const sum = report('sum');
      t.emit(kernel, [...compared(name, io), io.weights, sum], { N: io.output.size });
      return [sum];
    },
    result ?? mean,
    result === undefined,
  );

/** A mean over samples of what is written in `ops`. */
const formula = (
  name: Exclude<keyof typeof formulas, 'binaryFocalCrossentropy' | 'categoricalFocalCrossentropy'>,
  options: MetricOptions,
  result: Metric['result'] = mean,
): MetricChoice => {
  const record: RecordSums = (t, io, report) => {
    compared(name, io);
    const { value, lowered } = lowerSample(t, io, `the metric '${name}'`, formulas[name]);
    const sum = report('sum');
    emitSum(t, perSample(t, lowered.buffer(value)), io.weights, sum);
    return [sum];
  };
  return make(name, options, [], () => record, result, true);
};

export interface Crossentropy extends MetricOptions {
  /** The output are logits. Default: as in the loss, where that has such an option */
  fromLogits?: boolean;
}

export interface Smoothed extends Crossentropy {
  /** In [0, 1]; see the loss. Default 0 */
  labelSmoothing?: number;
}

/**
 * The mean over samples of a cross-entropy, as the loss of its name has it of probabilities or of logits: of what goes into the
 * activation where the loss is fused with that, too, lest a metric be cut off where the loss is not.
 */
function crossentropy<O extends Crossentropy>(
  name: 'categoricalCrossentropy' | 'sparseCategoricalCrossentropy' | 'binaryCrossentropy',
  options: O,
  allowed: readonly (keyof O & string)[],
): MetricChoice {
  checkObject('options', options);
  const lossOf = ({ fromLogits, as: _, ...rest }: O, loss?: Loss) =>
    losses[name]({ fromLogits: fromLogits ?? loss?.config.fromLogits === true, ...rest } as object);
  lossOf(options); // refuses bad options now
  return make(
    name,
    options,
    allowed,
    (loss) => (t, io, report) => {
      const wanted = name === 'sparseCategoricalCrossentropy';
      if (areLabels(io) !== wanted)
        throw new RangeError(
          `Expected the loss to have targets ${wanted ? 'that are class numbers' : "of the output's shape"} for the metric '${name}', ` +
            `got ${wanted ? "those of the output's shape" : 'class numbers'}`,
        );
      const [each, delta] = [t.batched('losses', [1]), t.batched('delta', io.output.shape)];
      const own = lossOf(options, loss);
      const { z, ...rest } = io;
      const buffers = { ...rest, losses: each, delta };
      if (z && own.fuses === loss.fuses)
        own.emit(t, { ...buffers, output: z, probabilities: t.batched('probabilities', z.shape) }, true);
      else own.emit(t, buffers, false);
      const sum = report('sum');
      emitSum(t, each, io.weights, sum);
      return [sum];
    },
    mean,
    true,
  );
}

/** What R² of one column is made of; weights, y and y^2 in two parts each, for sums of more digits than float32 has. */
const R_SQUARED = ['residual', 'total', 'totalRest', 'y', 'yRest', 'y2', 'y2Rest'];

export const means = {
  /** (p - y)^2 */
  meanSquaredError: (options: MetricOptions = {}) => errors('meanSquaredError', 'squaredErrors', options),
  /** The root of the mean over all samples of (p - y)^2 */
  rootMeanSquaredError: (options: MetricOptions = {}) =>
    errors('rootMeanSquaredError', 'squaredErrors', options, (sums, samples) => Math.sqrt(mean(sums, samples))),
  /** |p - y| */
  meanAbsoluteError: (options: MetricOptions = {}) => errors('meanAbsoluteError', 'absoluteErrors', options),
  /** 100 * |y - p| / max(|y|, 1e-7) */
  meanAbsolutePercentageError: (options: MetricOptions = {}) => formula('meanAbsolutePercentageError', options),
  /** (log(1 + y) - log(1 + p))^2, both at least 1e-7 */
  meanSquaredLogarithmicError: (options: MetricOptions = {}) => formula('meanSquaredLogarithmicError', options),
  /** The cosine of the angle between y and p along the last axis: 1 where they point the same way. */
  cosineSimilarity: (options: MetricOptions = {}) =>
    formula('cosineSimilarity', options, (sums, samples) => -mean(sums, samples)),
  /** log(cosh(p - y)) */
  logCosh: (options: MetricOptions = {}) => formula('logCosh', options),
  /** p - y * log(p + 1e-7) */
  poisson: (options: MetricOptions = {}) => formula('poisson', options),
  /** sum(y * log(y / p)) along the last axis, both clipped to [1e-7, 1] */
  klDivergence: (options: MetricOptions = {}) => formula('klDivergence', options),
  /** max(1 - y * p, 0), where targets of 0 are read as -1 */
  hinge: (options: MetricOptions = {}) => formula('hinge', options),
  /** max(1 - y * p, 0)^2, where targets of 0 are read as -1 */
  squaredHinge: (options: MetricOptions = {}) => formula('squaredHinge', options),
  /** max(max((1 - y) * p) - sum(y * p) + 1, 0) along the last axis */
  categoricalHinge: (options: MetricOptions = {}) => formula('categoricalHinge', options),
  /**
   * -sum(y * log p) over the classes on the last axis; exact with a loss that is exact behind softmax, else with p divided by its
   * row's sum and clipped to [1e-7, 1 - 1e-7]
   */
  categoricalCrossentropy: (options: Smoothed = {}) =>
    crossentropy('categoricalCrossentropy', options, ['fromLogits', 'labelSmoothing']),
  /** The same with targets that are class numbers. */
  sparseCategoricalCrossentropy: (options: Crossentropy = {}) =>
    crossentropy('sparseCategoricalCrossentropy', options, ['fromLogits']),
  /** -(y * log p + (1 - y) * log(1 - p)); exact with a loss that is exact behind a sigmoid, else with p clipped to [1e-7, 1 - 1e-7] */
  binaryCrossentropy: (options: Smoothed = {}) =>
    crossentropy('binaryCrossentropy', options, ['fromLogits', 'labelSmoothing']),
  /**
   * R², the coefficient of determination: 1 - sum((y - p)^2) / sum((y - mean(y))^2), the mean over outputs. Of an output
   * whose targets are all the same: 1 where it is exact, else 0, as scikit-learn.
   */
  rSquared: (options: MetricOptions = {}): MetricChoice =>
    make(
      'rSquared',
      options,
      [],
      () => (t, io, report) => {
        const buffers = compared('rSquared', io);
        const N = io.output.size;
        return Array.from({ length: N }, (_, column) => {
          const sums = R_SQUARED.map((sum) => report(`${sum}${column}`));
          t.emit('rSquaredSums', [...buffers, io.weights, ...sums], { N }, { column });
          return sums;
        }).flat();
      },
      (sums) => {
        let scores = 0;
        for (let i = 0; i < sums.length; i += R_SQUARED.length) {
          const [residual, total, totalRest, y, yRest, y2, y2Rest] = sums.slice(i);
          const squares = y2 + y2Rest;
          const variation = squares - (y + yRest) ** 2 / (total + totalRest);
          scores += variation > 1e-13 * squares ? 1 - residual / variation : residual === 0 ? 1 : 0;
        }
        return (scores * R_SQUARED.length) / sums.length;
      },
    ),
};
