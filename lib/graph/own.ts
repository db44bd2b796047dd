import { attributed } from '../attributed.js';
import { wrongShape, wrongType } from '../check.js';
import type { LossBuffers } from '../losses.js';
import type { Buffer } from '../tape.js';
import { Lowered } from './lower.js';
import type { Recorder } from './recorder.js';
import { isCall, isValue, placeholder, type Shape, topological, type Value } from './value.js';

/** What a loss or a metric of one's own is: one number for each sample, made of its targets and the network's output. */
export type OfSample = (yTrue: Value, yPred: Value) => Value;

/**
 * What a function that is not ours returns.
 *
 * @param given what it may be made of, beside numbers, and the same in words. Default: whatever there is
 * @param expected what it should be, in words. Default: by its shape, of one sample
 * @throws TypeError or RangeError that names `what`
 */
export function checkValue(
  what: string,
  fn: () => unknown,
  shape: Shape,
  {
    given,
    words = 'what it is given',
    expected = shape.length === 0 ? 'one number a sample, of shape []' : `of shape [${shape.join(', ')}]`,
  }: { given?: readonly Value[]; words?: string; expected?: string } = {},
): Value {
  const value = attributed(what, fn);
  if (!isValue(value)) throw wrongType(`what ${what} returns`, `a value, ${expected}`, value);
  if (value.shape.join() !== shape.join() || value.shape.length !== shape.length)
    throw wrongShape(`what ${what} returns`, expected, value.shape);
  if (given && !isMadeOf(value, given))
    throw new TypeError(`Expected ${what} to be made of ${words} and numbers, got a value of another graph`);
  return value;
}

function isMadeOf(value: Value, given: readonly Value[]): boolean {
  const isKnown = (part: Value) =>
    given.includes(part) || (part.from ? !isCall(part.from) : part.constant !== undefined);
  return isKnown(value) && topological([value], new Set(given)).every(({ inputs }) => inputs.every(isKnown));
}

/** What a buffer holds: of one of several rows a sample, each of these. */
const standIn = ({ shape, times = 1 }: Buffer): Value => Object.assign(placeholder(shape), times > 1 && { times });

/**
 * Emits a function of each sample's targets and output, and finds its value.
 *
 * @param delta where the derivative by the output is to go; without it there is none
 */
export function lowerSample(
  t: Recorder,
  { output, targets, delta }: { readonly output: Buffer; readonly targets: Buffer; readonly delta?: Buffer },
  what: string,
  fn: OfSample,
): { value: Value; lowered: Lowered; yPred: Value } {
  const [yTrue, yPred] = [standIn(targets), standIn(output)];
  const value = checkValue(what, () => fn(yTrue, yPred), [], { given: [yTrue, yPred], words: 'yTrue, yPred' });
  if (!value.batched)
    throw new TypeError(`Expected ${what} to depend on yTrue or yPred, but it is the same for all samples`);
  const lowered = new Lowered(t, [value], {
    training: delta !== undefined,
    buffers: new Map([
      [yTrue, targets],
      [yPred, output],
    ]),
    gradients: new Map(delta ? [[yPred, delta]] : []),
    nameOf: ({ op }) => `${what}/${op.name}`,
  });
  lowered.forward();
  return { value, lowered, yPred };
}

/** Emits the loss of every sample and the derivative of their mean by the output. */
export function emitLoss(t: Recorder, buffers: LossBuffers, what: string, fn: OfSample): void {
  const { value: loss, lowered, yPred } = lowerSample(t, buffers, what, fn);
  t.emit('copy', [perSample(t, lowered.buffer(loss)), buffers.losses], { N: 1 });
  // A mean over a sample's elements joins that over the batch: one division, as in the losses that are built in.
  const from = loss.from;
  const isMean = from && !isCall(from) && from.op.name === 'sum' && from.options.scale === 1 / from.inputs[0].shape[0];
  const seeded = isMean && from.inputs[0].shape.length === 1 ? from.inputs[0] : loss;
  const seed = t.batched(`${what}/seed`, seeded.shape);
  t.emit('meanGradient', [seed], { N: seed.size });
  if (!lowered.backward(new Map([[seeded, seed]])).has(yPred))
    throw new TypeError(`Expected ${what} to depend on yPred, so that there is something to train`);
}

/** A number a sample as the buffers of losses hold it, [1]. */
export const perSample = (t: Recorder, buffer: Buffer): Buffer => t.view(buffer, [1]);
