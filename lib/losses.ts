import { type NDArray, position } from './array.js';
import { called, checkBoolean, checkInterval, checkOneOf, checkOptions, wrongType } from './check.js';
import { emitLoss, type OfSample } from './graph/own.js';
import type { Recorder } from './graph/recorder.js';
import { hasMethods, property } from './kind.js';
import type { Shape } from './layers/layer.js';
import { formulas } from './loss-formulas.js';
import { markMakers } from './made.js';
import { ops } from './ops.js';
import type { Buffer } from './tape.js';

/** Where a loss reads and writes. All buffers are batched. */
export interface LossBuffers {
  /** The network's output; the input z of the output activation where the loss is fused with it. */
  readonly output: Buffer;
  /** As `Loss.prepare` gave them. */
  readonly targets: Buffer;
  /** The value of the output activation, written if the loss is fused with it. */
  readonly probabilities?: Buffer;
  /** [1]: the loss of every sample, the mean over what a sample's output holds. Written */
  readonly losses: Buffer;
  /** The derivative of the batch's mean loss by `output`. Written */
  readonly delta: Buffer;
}

/** A loss: what targets it takes, and its value and derivative as one kernel. */
export interface Loss {
  /** `name` is one of `losses`, or what `custom.loss` was given. */
  readonly config: { readonly name: string; readonly [option: string]: unknown };
  /** The output activation that the loss is exact and stable in one step with, given z instead of the activation's value. */
  readonly fuses?: string;
  /** Of a loss of one's own: it is given whole samples, and knows nothing of their rows. */
  readonly ofWholeSamples?: true;
  /**
   * Refuses a network whose last layer does not give what the loss takes; `activation` is that layer's, if it has one.
   * @throws RangeError
   */
  checkOutput?(outputShape: Shape, activation?: string): void;
  /** The shape of one sample's targets. */
  targetShape(outputShape: Shape): Shape;
  /**
   * The targets y as [n, ...targetShape]. May share memory with `y`.
   * @throws RangeError if they do not fit a network whose output has the shape [n, ...outputShape]
   */
  prepare(name: string, y: NDArray, outputShape: Shape): NDArray;
  /** Emits the loss and its derivative; `fused`: `io.output` is what the activation `fuses` was to be given. */
  emit(t: Recorder, io: LossBuffers, fused: boolean): void;
}

export type LossName = keyof typeof losses;
/** A name (one that `custom.loss` was given, too), one of `losses.*`, called or not. */
export type LossInput = LossName | keyof typeof ALIASES | Loss | (() => Loss) | (string & {});

export const ALIASES = {
  mse: 'meanSquaredError',
  mae: 'meanAbsoluteError',
  mape: 'meanAbsolutePercentageError',
  msle: 'meanSquaredLogarithmicError',
  bce: 'binaryCrossentropy',
  kld: 'klDivergence',
} as const;

/** Rows of the last axis: a sample of shape [..., N] is M rows of N. */
const rows = ({ shape, size }: Buffer) => ({ M: size / (shape.at(-1) ?? 1), N: shape.at(-1) ?? 1 });

interface Logits {
  /** The network's output are logits: its last layer has no activation, the loss applies softmax or sigmoid. Default false */
  fromLogits?: boolean;
}

interface Smoothed extends Logits {
  /** s in [0, 1]: targets become y (1 - s) + s / N for N classes, and y (1 - s) + s / 2 for two in one output. Default 0 */
  labelSmoothing?: number;
}

function checkLogits(options: Logits, others: readonly string[] = []): boolean {
  checkOptions('options', options, ['fromLogits', ...others]);
  return checkBoolean('fromLogits', options.fromLogits ?? false);
}

/** What the losses with labelSmoothing have in common: the option as it is saved, and the targets that the kernels get. */
function smoothing({ labelSmoothing = 0 }: Smoothed) {
  const s = checkInterval('labelSmoothing', labelSmoothing, 0, 1);
  return {
    config: s > 0 ? { labelSmoothing: s } : {},
    smoothed: (t: Recorder, targets: Buffer, classes: number): Buffer => {
      if (s === 0) return targets;
      const y = t.batched('smoothed', targets.shape);
      t.emit('linear', [targets, y], { N: y.size }, { scale: 1 - s, shift: s / classes });
      return y;
    },
  };
}

/** What the losses of probabilities have in common: the activation they are fused with, and the outputs they take. */
function probabilistic(
  name: LossName,
  activation: 'softmax' | 'sigmoid',
  fromLogits: boolean,
): Pick<Loss, 'fuses' | 'checkOutput'> {
  const isProbability = (other: string) => other === 'softmax' || other === 'sigmoid';
  return {
    ...(fromLogits ? {} : { fuses: activation }),
    checkOutput(outputShape, actual) {
      const wanted = fromLogits ? 'no activation, as fromLogits says,' : `the activation '${activation}'`;
      const hint = fromLogits ? '' : ' (or the loss to have fromLogits: true)';
      if (actual !== undefined && isProbability(actual) === fromLogits)
        throw new RangeError(`Expected the last layer to have ${wanted} for ${name}${hint}, got '${actual}'`);
      if (activation === 'softmax' && outputShape.at(-1) === 1)
        throw new RangeError(
          `Expected the last layer to have one output for each class for ${name}, got 1 (for two classes in one output ` +
            `take 'sigmoid' and 'binaryCrossentropy')`,
        );
    },
  };
}

/** A loss over the elements of outputs and targets of one shape, by the kernel of its name. */
const elementwise = (name: LossName, scalars: Record<string, number> = {}): Loss => ({
  config: { name, ...scalars },
  targetShape: (outputShape) => outputShape,
  prepare: (y, values, outputShape) => fitted(name, y, values, outputShape),
  emit: (t, { output, targets, losses, delta }) =>
    t.emit(name, [output, targets, losses, delta], { N: output.size }, scalars),
});

/** A loss that is written in `ops`, for targets of the output's shape. */
const formula = (name: LossName, of: OfSample): Loss => ({
  config: { name },
  targetShape: (outputShape) => outputShape,
  prepare: (y, values, outputShape) => fitted(name, y, values, outputShape),
  emit: (t, io) => emitLoss(t, io, `the loss '${name}'`, of),
});

interface Focal extends Smoothed {
  /** How much less what is right already counts, non-negative. Default 2 */
  gamma?: number;
  /** What classes are weighed by, in [0, 1] */
  alpha?: number;
}

/** A cross-entropy that counts less where it is right, of probabilities or of what `activation` makes of logits. */
function focal(name: keyof typeof FOCAL, options: Focal, byDefault?: number): Loss {
  const fromLogits = checkLogits(options, ['gamma', 'alpha', 'labelSmoothing']);
  const { config, smoothed } = smoothing(options);
  const gamma = checkInterval('gamma', options.gamma ?? 2, 0, Number.POSITIVE_INFINITY);
  const alpha = options.alpha ?? byDefault;
  if (alpha !== undefined) checkInterval('alpha', alpha, 0, 1);
  const activation = FOCAL[name];
  const of = formulas[name](gamma, alpha);
  const { checkOutput } = probabilistic(name, activation, true);
  return {
    ...formula(name, of),
    config: { name, gamma, ...(alpha !== undefined && { alpha }), fromLogits, ...config },
    ...(fromLogits && { checkOutput }),
    emit: (t, io) => {
      const targets = smoothed(t, io.targets, activation === 'sigmoid' ? 2 : (io.output.shape.at(-1) ?? 1));
      emitLoss(t, { ...io, targets }, `the loss '${name}'`, (y, p) => of(y, fromLogits ? ops[activation](p) : p));
    },
  };
}
const FOCAL = { binaryFocalCrossentropy: 'sigmoid', categoricalFocalCrossentropy: 'softmax' } as const;

/** Targets -1 and 1, or 0 and 1, whose 0 the loss reads as -1; metrics are given them as they are, as in Keras. */
const signs =
  (loss: LossName): Loss['prepare'] =>
  (name, y, outputShape) => {
    const targets = fitted(loss, name, y, outputShape);
    every(name, targets, '-1 and 1, or 0 and 1', (value) => value === 0 || value === 1 || value === -1);
    if (targets.data.includes(0)) every(name, targets, '0 and 1, as other targets do', (value) => value !== -1);
    return targets;
  };

/**
 * Keras' losses. The loss of a batch is the mean over its samples and, where a sample's output has several elements (rows,
 * for the categorical ones), over those.
 */
export const losses = {
  /**
   * -sum(y * log p) over the classes on the last axis. Targets: one row of probabilities, mostly one-hot, for each row of
   * the output. In one step with softmax it is exact for any logits; after another activation, p is divided by its
   * row's sum and clipped to [1e-7, 1 - 1e-7], as Keras does.
   */
  categoricalCrossentropy: (options: Smoothed = {}): Loss => {
    const fromLogits = checkLogits(options, ['labelSmoothing']);
    const { config, smoothed } = smoothing(options);
    return {
      config: { name: 'categoricalCrossentropy', fromLogits, ...config },
      ...probabilistic('categoricalCrossentropy', 'softmax', fromLogits),
      targetShape: (outputShape) => outputShape,
      prepare: (name, y, outputShape) => {
        const classes = outputShape.at(-1);
        const hint = ` (of labels, toCategorical(labels, ${classes}) makes such rows; 'sparseCategoricalCrossentropy' takes labels)`;
        return fitted('categoricalCrossentropy', name, y, outputShape, { hint });
      },
      emit: (t, { output, targets, probabilities, losses, delta }, fused) => {
        const y = smoothed(t, targets, output.shape.at(-1) ?? 1);
        if (!fused && !fromLogits) {
          t.emit('categoricalCrossentropy', [output, y, losses, delta], rows(output));
          return;
        }
        const p = probabilities ?? t.batched('probabilities', output.shape);
        const { M, N } = rows(output);
        if (M === 1) t.emit('softmaxCrossentropy', [output, y, p, losses, delta], { N }, { mean: 1 });
        else t.emit('softmaxCrossentropyRows', [output, y, p, losses, delta], { M, N });
      },
    };
  },

  /**
   * The same with targets that are class numbers 0 .. N-1, one for each row of the output: [n] (or [n, 1]) for an output
   * of [n, N].
   */
  sparseCategoricalCrossentropy: (options: Logits = {}): Loss => {
    const fromLogits = checkLogits(options);
    return {
      config: { name: 'sparseCategoricalCrossentropy', fromLogits },
      ...probabilistic('sparseCategoricalCrossentropy', 'softmax', fromLogits),
      targetShape: (outputShape) => [...outputShape.slice(0, -1), 1],
      prepare: checkClasses,
      emit: (t, { output, targets, probabilities, losses, delta }, fused) => {
        if (!fused && !fromLogits) {
          t.emit('sparseCategoricalCrossentropy', [output, targets, losses, delta], rows(output));
          return;
        }
        const p = probabilities ?? t.batched('probabilities', output.shape);
        t.emit('sparseSoftmaxCrossentropy', [output, targets, p, losses, delta], rows(output));
      },
    };
  },

  /**
   * -(y * log p + (1 - y) * log(1 - p)) with targets in [0, 1]. In one step with sigmoid it is exact for any logits; after
   * another activation, p is clipped to [1e-7, 1 - 1e-7], as Keras does.
   */
  binaryCrossentropy: (options: Smoothed = {}): Loss => {
    const fromLogits = checkLogits(options, ['labelSmoothing']);
    const { config, smoothed } = smoothing(options);
    return {
      config: { name: 'binaryCrossentropy', fromLogits, ...config },
      ...probabilistic('binaryCrossentropy', 'sigmoid', fromLogits),
      targetShape: (outputShape) => outputShape,
      prepare: (name, y, outputShape) => {
        const targets = fitted('binaryCrossentropy', name, y, outputShape);
        every(name, targets, 'numbers in [0, 1]', (value) => value >= 0 && value <= 1);
        return targets;
      },
      emit: (t, { output, targets, probabilities, losses, delta }, fused) => {
        const y = smoothed(t, targets, 2);
        const N = output.size;
        if (!fused && !fromLogits) {
          t.emit('binaryCrossentropy', [output, y, losses, delta], { N });
          return;
        }
        const p = probabilities ?? t.batched('probabilities', output.shape);
        t.emit('sigmoidCrossentropy', [output, y, p, losses, delta], { N });
      },
    };
  },

  /** (p - y)^2 */
  meanSquaredError: () => elementwise('meanSquaredError'),
  /** |p - y| */
  meanAbsoluteError: () => elementwise('meanAbsoluteError'),
  /** (p - y)^2 / 2 where |p - y| <= delta, else delta * |p - y| - delta^2 / 2 (Huber 1964). Default delta = 1 */
  huber: (options: { delta?: number } = {}): Loss => {
    checkOptions('options', options, ['delta']);
    return elementwise('huber', {
      delta: checkInterval('delta', options.delta ?? 1, 0, Number.POSITIVE_INFINITY, 'low'),
    });
  },
  /** max(1 - y * p, 0). Targets are -1 and 1; where they are 0 and 1, 0 is read as -1. */
  hinge: (): Loss => ({ ...elementwise('hinge'), prepare: signs('hinge') }),
  /** max(1 - y * p, 0)^2, with targets as hinge's. */
  squaredHinge: (): Loss => ({ ...formula('squaredHinge', formulas.squaredHinge), prepare: signs('squaredHinge') }),
  /** max(max((1 - y) * p) - sum(y * p) + 1, 0) along the last axis (Crammer and Singer 2001). Targets: one-hot rows, mostly. */
  categoricalHinge: () => formula('categoricalHinge', formulas.categoricalHinge),
  /** sum(y * log(y / p)) along the last axis, both clipped to [1e-7, 1] (Kullback and Leibler 1951). */
  klDivergence: () => formula('klDivergence', formulas.klDivergence),
  /** p - y * log(p + 1e-7) */
  poisson: () => formula('poisson', formulas.poisson),
  /** log(cosh(p - y)) */
  logCosh: () => formula('logCosh', formulas.logCosh),
  /** 100 * |y - p| / max(|y|, 1e-7) */
  meanAbsolutePercentageError: () => formula('meanAbsolutePercentageError', formulas.meanAbsolutePercentageError),
  /** (log(1 + y) - log(1 + p))^2, both at least 1e-7 */
  meanSquaredLogarithmicError: () => formula('meanSquaredLogarithmicError', formulas.meanSquaredLogarithmicError),
  /** -cos of the angle between y and p, along the last axis: -1 where they point the same way. */
  cosineSimilarity: () => formula('cosineSimilarity', formulas.cosineSimilarity),
  /**
   * (1 - q)^gamma times the binary cross-entropy, q being the probability of what is right (Lin et al. 2017). `alpha` weighs the
   * class 1 by alpha and 0 by 1 - alpha. Defaults: gamma 2, no weights
   */
  binaryFocalCrossentropy: (options: Focal = {}): Loss => focal('binaryFocalCrossentropy', options),
  /** -alpha (1 - p)^gamma y log p, summed over the classes on the last axis (Lin et al. 2017). Defaults: gamma 2, alpha 0.25 */
  categoricalFocalCrossentropy: (options: Focal = {}): Loss => focal('categoricalFocalCrossentropy', options, 0.25),
};
markMakers('losses', losses, [
  'meanSquaredError',
  'meanAbsoluteError',
  'hinge',
  'squaredHinge',
  'categoricalHinge',
  'klDivergence',
  'poisson',
  'logCosh',
  'meanAbsolutePercentageError',
  'meanSquaredLogarithmicError',
  'cosineSimilarity',
]);

/** Those of `custom.loss`, by name. */
const registered = new Map<string, Loss>();

export function register(name: string, loss: Loss): void {
  registered.set(name, loss);
}

/** Are its targets -1 and 1? */
export const hasSigns = ({ config }: Loss): boolean => config.name === 'hinge' || config.name === 'squaredHinge';
/** Are its outputs probabilities of one class each? */
export const isBinary = ({ config }: Loss): boolean => /^binary(Focal)?Crossentropy$/.test(config.name);

/** A loss by name, or the one given. */
export function getLoss(option: string, given: unknown): Loss {
  const input = called(given, losses);
  if (isLoss(input)) return input;
  if (typeof input !== 'string')
    throw wrongType(option, 'the name of a loss, one of losses.* or what custom.loss makes', input);
  const own = registered.get(input);
  if (own) return own;
  const name = ALIASES[input as keyof typeof ALIASES] ?? input;
  return losses[checkOneOf(option, name, Object.keys(losses) as LossName[])]();
}

const isLoss = (input: unknown): input is Loss =>
  hasMethods(input, 'targetShape', 'prepare', 'emit') &&
  typeof property(property(input, 'config'), 'name') === 'string';

/** The loss that `config` describes. */
export function lossFrom({ name, ...options }: Loss['config']): Loss {
  const own = registered.get(name);
  if (own) return own;
  const factory = losses[checkOneOf('loss', name, Object.keys(losses) as LossName[])];
  const loss = (factory as (options: object) => Loss)(options);
  const { name: _, ...known } = loss.config;
  checkOptions(`loss '${name}'`, options, Object.keys(known));
  return loss;
}

/** y as [n, ...wanted]; where the last axis has length 1, y may lack it. `ofOutput`: whether that is the output's shape. */
export function fitted(
  loss: string,
  name: string,
  y: NDArray,
  wanted: Shape,
  { hint = '', ofOutput = true }: { hint?: string; ofOutput?: boolean } = {},
): NDArray {
  const shape = [y.shape[0], ...wanted];
  const same = (own: Shape) => own.join() === y.shape.join();
  if (same(shape)) return y;
  if (wanted.at(-1) === 1 && same(shape.slice(0, -1))) return y.reshape(shape);
  throw new RangeError(
    `Expected ${name} to have ${ofOutput ? "the output's shape" : 'shape'} [${['n', ...wanted].join(', ')}] for ${loss}${hint}, got ` +
      `shape [${y.shape.join(', ')}]${ofOutput ? flattened(y.ndim < 3, wanted) : ''}`,
  );
}

/** A hint where targets are one row or one class a sample, and outputs are more: a dense layer keeps the axes of its input. */
const flattened = (isOne: boolean, outputShape: Shape) =>
  isOne && outputShape.length > 1
    ? ' (for one row of outputs a sample add layers.flatten() before the last layers.dense())'
    : '';

function checkClasses(name: string, y: NDArray, outputShape: Shape): NDArray {
  const classes = outputShape.at(-1) ?? 1;
  const shape = [y.shape[0], ...outputShape.slice(0, -1), 1];
  if (y.shape.join() !== shape.join() && y.shape.join() !== shape.slice(0, -1).join()) {
    const wanted = ['n', ...outputShape.slice(0, -1)].join(', ');
    const hint =
      y.shape.join() === [y.shape[0], ...outputShape].join()
        ? " (for such rows take 'categoricalCrossentropy')"
        : flattened(y.size === y.shape[0], outputShape);
    throw new RangeError(
      `Expected ${name} to have shape [${wanted}], a class number for each row of the output, for ` +
        `sparseCategoricalCrossentropy, got shape [${y.shape.join(', ')}]${hint}`,
    );
  }
  every(name, y, `class numbers, integers in [0, ${classes})`, (k) => Number.isInteger(k) && k >= 0 && k < classes);
  return y.reshape(shape);
}

function every(name: string, { data, shape }: NDArray, expected: string, holds: (value: number) => boolean): void {
  for (let i = 0; i < data.length; i++)
    if (!holds(data[i]))
      throw new RangeError(`Expected ${name} to hold ${expected}, got ${data[i]} at ${position(i, shape)}`);
}
