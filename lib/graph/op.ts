import type { Buffer } from '../tape.js';
import type { Recorder } from './recorder.js';
import type { Shape, Value } from './value.js';

/** Buffers that the forward pass leaves for the backward pass, such as a dropout's mask. */
export type Saved = Readonly<Record<string, Buffer>>;

/** What an operation's forward pass reads and writes. */
export interface Forward<O> {
  readonly t: Recorder;
  /** The inputs' buffers, in order. */
  readonly x: readonly Buffer[];
  /** Where the value goes. */
  readonly y: Buffer;
  readonly options: O;
}

/** What an operation's backward pass reads and writes. */
export interface Backward<O> extends Forward<O> {
  /** The gradient of the value. May be overwritten. */
  readonly dy: Buffer;
  /** Where the gradient of each input goes; undefined where nobody wants it. */
  readonly dx: readonly (Buffer | undefined)[];
  readonly saved: Saved;
}

/** An operation: its shape, and what it emits for each pass, one line for each NumPy line. */
export interface Op<O = undefined> {
  readonly name: string;
  /** The shape of one sample's value. @throws RangeError if the inputs do not fit */
  shape(inputs: readonly Value[], options: O): Shape;
  /** The value is the first input's memory under another shape: nothing is computed, and the gradient passes through. */
  readonly view?: true;
  /** How many values it has for each sample. Absent: as many as its inputs have */
  times?(options: O): number;
  /** Emits y = f(x). `view` operations emit nothing. */
  forward?(io: Forward<O>): Saved | undefined;
  /** The inputs, by place, that are taken as integers where they are; all others are read as numbers of the float type. */
  readonly integers?: readonly number[];
  /** Every sample has a value of its own, also where the inputs are the same for all. */
  readonly isBatched?: true;
  /** Its derivative is 0 wherever there is one: no gradient passes. */
  readonly isStep?: true;
  /** The inputs, by place, that only choose among the others: no gradient passes to them. */
  readonly choosing?: readonly number[];
  /** Emits dx from dy. Absent, unless it `isStep`: the operation has no derivative. */
  backward?(io: Backward<O>): void;
  /** What of its forward pass `backward` reads: the inputs, the value, both or (the default) neither. */
  reads?(options: O): 'x' | 'y' | 'both' | 'neither';
  /** Its forward pass moves a weight: a training runs it, whether or not a loss depends on its value. */
  readonly moves?: true;
  /** y may be the first input's memory. */
  readonly inPlace?: true;
  /** The first input's gradient may be dy's memory; `backward` writes it last. */
  readonly gradientInPlace?: true;
}
