import { filled } from './allocate.js';
import { NDArray, position } from './array.js';
import { called, checkBoolean, checkInterval, checkOneOf, checkOptions, wrongType } from './check.js';
import { hasMethods, property } from './kind.js';
import type { Shape } from './layers/layer.js';
import { markMakers } from './made.js';
import type { Buffer, Tape } from './tape.js';

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
  readonly config: { readonly name: LossName; readonly [option: string]: unknown };
  /** The output activation that the loss is exact and stable in one step with, given z instead of the activation's value. */
  readonly fuses?: 'softmax' | 'sigmoid';
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
  emit(t: Tape, io: LossBuffers, fused: boolean): void;
}

export type LossName = keyof typeof losses;
export type LossInput = LossName | keyof typeof ALIASES | Loss | (() => Loss);

const ALIASES = { mse: 'meanSquaredError', mae: 'meanAbsoluteError', bce: 'binaryCrossentropy' } as const;

/** Rows of the last axis: a sample of shape [..., N] is M rows of N. */
const rows = ({ shape, size }: Buffer) => ({ M: size / (shape.at(-1) ?? 1), N: shape.at(-1) ?? 1 });

interface Logits {
  /** The network's output are logits: its last layer has no activation, the loss applies softmax or sigmoid. Default false */
  fromLogits?: boolean;
}

function checkLogits(options: Logits): boolean {
  checkOptions('options', options, ['fromLogits']);
  return checkBoolean('fromLogits', options.fromLogits ?? false);
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
  categoricalCrossentropy: (options: Logits = {}): Loss => {
    const fromLogits = checkLogits(options);
    return {
      config: { name: 'categoricalCrossentropy', fromLogits },
      ...probabilistic('categoricalCrossentropy', 'softmax', fromLogits),
      targetShape: (outputShape) => outputShape,
      prepare: (name, y, outputShape) => {
        const classes = outputShape.at(-1);
        const hint = ` (of labels, toCategorical(labels, ${classes}) makes such rows; 'sparseCategoricalCrossentropy' takes labels)`;
        return fitted('categoricalCrossentropy', name, y, outputShape, hint);
      },
      emit: (t, { output, targets, probabilities, losses, delta }, fused) => {
        if (!fused && !fromLogits) {
          t.emit('categoricalCrossentropy', [output, targets, losses, delta], rows(output));
          return;
        }
        const p = probabilities ?? t.batched('probabilities', output.shape);
        const { M, N } = rows(output);
        if (M === 1) t.emit('softmaxCrossentropy', [output, targets, p, losses, delta], { N }, { mean: 1 });
        else t.emit('softmaxCrossentropyRows', [output, targets, p, losses, delta], { M, N });
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
  binaryCrossentropy: (options: Logits = {}): Loss => {
    const fromLogits = checkLogits(options);
    return {
      config: { name: 'binaryCrossentropy', fromLogits },
      ...probabilistic('binaryCrossentropy', 'sigmoid', fromLogits),
      targetShape: (outputShape) => outputShape,
      prepare: (name, y, outputShape) => {
        const targets = fitted('binaryCrossentropy', name, y, outputShape);
        every(name, targets, 'numbers in [0, 1]', (value) => value >= 0 && value <= 1);
        return targets;
      },
      emit: (t, { output, targets, probabilities, losses, delta }, fused) => {
        const N = output.size;
        if (!fused && !fromLogits) {
          t.emit('binaryCrossentropy', [output, targets, losses, delta], { N });
          return;
        }
        const p = probabilities ?? t.batched('probabilities', output.shape);
        t.emit('sigmoidCrossentropy', [output, targets, p, losses, delta], { N });
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
  hinge: (): Loss => ({
    ...elementwise('hinge'),
    prepare: (name, y, outputShape) => {
      const targets = fitted('hinge', name, y, outputShape);
      every(name, targets, '-1 and 1, or 0 and 1', (value) => value === 0 || value === 1 || value === -1);
      if (!targets.data.includes(0)) return targets;
      every(name, targets, '0 and 1, as other targets do', (value) => value !== -1);
      return NDArray.wrap(
        filled(Float64Array, targets.size, (i) => 2 * targets.data[i] - 1),
        targets.shape,
      );
    },
  }),
};
markMakers('losses', losses);

/** A loss by name, or the one given. */
export function getLoss(option: string, given: unknown): Loss {
  const input = called(given, losses);
  if (isLoss(input)) return input;
  if (typeof input !== 'string') throw wrongType(option, 'the name of a loss or one of losses.*', input);
  const name = ALIASES[input as keyof typeof ALIASES] ?? input;
  return losses[checkOneOf(option, name, Object.keys(losses) as LossName[])]();
}

const isLoss = (input: unknown): input is Loss =>
  hasMethods(input, 'targetShape', 'prepare', 'emit') &&
  typeof property(property(input, 'config'), 'name') === 'string';

/** The loss that `config` describes. */
export function lossFrom({ name, ...options }: Loss['config']): Loss {
  const factory = losses[checkOneOf('loss', name, Object.keys(losses) as LossName[])];
  const loss = (factory as (options: object) => Loss)(options);
  const { name: _, ...known } = loss.config;
  checkOptions(`loss '${name}'`, options, Object.keys(known));
  return loss;
}

/** y as [n, ...outputShape]; where the last axis of the output has length 1, y may lack it. */
function fitted(loss: LossName, name: string, y: NDArray, outputShape: Shape, hint = ''): NDArray {
  const shape = [y.shape[0], ...outputShape];
  const same = (wanted: Shape) => wanted.join() === y.shape.join();
  if (same(shape)) return y;
  if (outputShape.at(-1) === 1 && same(shape.slice(0, -1))) return y.reshape(shape);
  throw new RangeError(
    `Expected ${name} to have the output's shape [n, ${outputShape.join(', ')}] for ${loss}${hint}, got shape [${y.shape.join(', ')}]`,
  );
}

function checkClasses(name: string, y: NDArray, outputShape: Shape): NDArray {
  const classes = outputShape.at(-1) ?? 1;
  const shape = [y.shape[0], ...outputShape.slice(0, -1), 1];
  if (y.shape.join() !== shape.join() && y.shape.join() !== shape.slice(0, -1).join()) {
    const wanted = ['n', ...outputShape.slice(0, -1)].join(', ');
    const hint =
      y.shape.join() === [y.shape[0], ...outputShape].join() ? " (for such rows take 'categoricalCrossentropy')" : '';
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
