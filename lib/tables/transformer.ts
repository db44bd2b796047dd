import type { NDArray } from '../array.js';
import { checkOptions, cut, didYouMean, notFitted, wrongType, wrongValue } from '../check.js';
import { integer, list, object, oneOf, type Schema, text } from '../io/schema.js';
import { isPlain } from '../kind.js';
import { type Parts, Saved } from '../saved.js';
import { COLUMN_KINDS, type ColumnKind, type Frame, readFrame, type TableInput } from './frame.js';

/** What `fit` saw of its input. */
export interface Input {
  readonly width: number;
  readonly names?: readonly string[];
  /** What the columns held, where that is asked for. */
  readonly kinds?: readonly ColumnKind[];
}

interface Fitted<S> {
  readonly state: S;
  readonly input: Input;
  /** What `transform` calls its columns, once it has. */
  names?: readonly string[];
}

const inputSchema = object<Input>({ width: integer(1), names: list(text), kinds: list(oneOf(...COLUMN_KINDS)) }, [
  'names',
  'kinds',
]);

/**
 * What learns from columns and turns columns into others. Those of a table are found by their names, in whatever order it has them.
 */
export abstract class Learner<S extends object = object, Out = NDArray> extends Saved {
  #fitted?: Fitted<S>;

  /** The options, with their values. */
  abstract getParams(): object;

  /** Learns from columns. Changes nothing. */
  protected abstract measure(x: Frame): S;

  protected abstract apply(x: Frame, state: S): Frame;

  /** The names of the columns that `apply` makes. */
  protected abstract namesOut(names: readonly string[], state: S): string[];

  /** Checks a state that a file holds. */
  protected abstract readonly schema: Schema<S>;

  /**
   * @returns a new array [n, columns]
   * @throws Error with code ERR_NOT_FITTED before `fit`; TypeError or RangeError, with row and column, for columns that are not
   *   those of `fit`, or hold what it cannot take
   */
  transform(x: TableInput): Out {
    this.fitted('transform');
    return this.outputOf(this.transformFrame(readFrame('x', x)));
  }

  /** For pipelines: the same on columns that were read. */
  fitFrame(frame: Frame): this {
    return this.learnt(frame, this.measure(frame));
  }

  /** Takes over what was learnt from these columns. */
  protected learnt(frame: Frame, state: S): this {
    this.#fitted = { state, input: this.inputOf(frame, state) };
    return this;
  }

  /** Takes over what another one of the same options learnt. */
  adopt(other: this): void {
    this.#fitted = other.#fitted as Fitted<S>;
  }

  protected outputOf(frame: Frame): Out {
    return frame.output() as Out;
  }

  /** What `transform` is to be given, of what `fit` saw. */
  protected inputOf({ width, names }: Frame, _state: S): Input {
    return { width, ...(names && { names }) };
  }

  transformFrame(frame: Frame): Frame {
    const fitted = this.#needFit('transform');
    const z = this.apply(this.aligned(frame), fitted.state);
    fitted.names ??= this.getFeatureNamesOut();
    return z.named(fitted.names);
  }

  /**
   * The names of the columns that `transform` gives.
   * @param inputFeatures the names of the columns of `fit`, where it saw none. Default: 'x0', 'x1' …
   * @throws Error with code ERR_NOT_FITTED before `fit`
   */
  getFeatureNamesOut(inputFeatures?: readonly string[]): string[] {
    const { state, input } = this.#needFit('getFeatureNamesOut');
    if (inputFeatures !== undefined) checkNames(inputFeatures);
    if (inputFeatures !== undefined && inputFeatures.length !== input.width)
      throw wrongValue('inputFeatures', `an array of ${input.width} names, as fit saw columns`, inputFeatures);
    const names = inputFeatures ?? input.names ?? Array.from({ length: input.width }, (_, k) => `x${k}`);
    return this.namesOut(names, state);
  }

  /** How many columns `fit` saw. Throws ERR_NOT_FITTED before `fit`. */
  get nFeaturesIn(): number {
    return this.#needFit('nFeaturesIn').input.width;
  }

  /** The names of the columns that `fit` saw, if they had names. Throws ERR_NOT_FITTED before `fit`. */
  get featureNamesIn(): readonly string[] | undefined {
    return this.#needFit('featureNamesIn').input.names;
  }

  /** What `fit` saw of its columns. */
  protected get input(): Input {
    return this.#needFit('transform').input;
  }

  get isFitted(): boolean {
    return this.#fitted !== undefined;
  }

  /** A new one with the same options, or with some changed, that is not fitted: scikit-learn's `clone`. */
  clone(changes: object = {}): this {
    return new (this.constructor as new (options: object) => this)({ ...this.getParams(), ...changes });
  }

  /** Whether columns that `fit` did not use may stand beside the others. */
  protected get ignoresOthers(): boolean {
    return false;
  }

  /** What `fit` found. @throws Error with code ERR_NOT_FITTED */
  protected fitted(member: string): S {
    return this.#needFit(member).state;
  }

  /** The options as a file holds them. */
  protected get config(): object {
    return this.getParams();
  }

  protected override parts(): Parts {
    const fitted = this.#fitted;
    return { config: this.config, ...(fitted && { state: { input: fitted.input, found: fitted.state } }) };
  }

  protected override restore(saved: unknown): void {
    const { input, found: state } = object<{ input: Input; found: S }>({ input: inputSchema, found: this.schema })(
      'state',
      saved,
    );
    if (input.names && input.names.length !== input.width)
      throw wrongValue('state.input.names', `a list of ${input.width}`, input.names);
    if (input.kinds && input.kinds.length !== input.width)
      throw wrongValue('state.input.kinds', `a list of ${input.width}`, input.kinds);
    this.checkState(state, input.width);
    this.#fitted = { state, input };
  }

  /** Checks what of a state from a file its schema does not say. `width`: the number of columns in */
  protected checkState(_state: S, _width: number): void {}

  #needFit(member: string) {
    if (this.#fitted) return this.#fitted;
    throw notFitted((this.constructor as typeof Saved).className, member);
  }

  /** The columns of `fit` in its order. */
  protected aligned(frame: Frame): Frame {
    const { names, width } = (this.#fitted as Fitted<S>).input;
    if (!names || !frame.names) {
      if (frame.width === width) return frame;
      throw new RangeError(
        `Expected x to have ${width} features, as it had in fit, got shape [${frame.n}, ${frame.width}]`,
      );
    }
    const own = frame.names;
    if (names.length === own.length && names.every((name, k) => name === own[k])) return frame;
    const columns = columnsOf(frame, names);
    const known = new Set(names);
    const other = own.find((name) => !known.has(name));
    if (other !== undefined && !this.ignoresOthers)
      throw new RangeError(
        `Expected x to have the columns of fit alone, got '${other}' too: there were ${shown(names)}`,
      );
    return frame.select(columns);
  }
}

/** What turns columns into others, as scikit-learn's transformers do: `fit` learns from a table, `transform` applies it to any. */
export abstract class Transformer<S extends object = object, Out = NDArray> extends Learner<S, Out> {
  /**
   * Learns from a table, or a matrix [n, columns].
   * @param y not used: as in scikit-learn, for pipelines
   * @param options none but a signal, which searches hand to every `fit`: it is over at once
   * @throws TypeError or RangeError, with row and column, for what it cannot learn from; it stays as it was then
   */
  fit(x: TableInput, y?: unknown, options: { signal?: AbortSignal } = {}): this {
    checkUnused(y);
    checkOptions('options', options, ['signal']);
    return this.fitFrame(readFrame('x', x));
  }

  fitTransform(x: TableInput, y?: unknown, options: { signal?: AbortSignal } = {}): Out {
    checkUnused(y);
    checkOptions('options', options, ['signal']);
    const frame = readFrame('x', x);
    return this.outputOf(this.fitFrame(frame).transformFrame(frame));
  }
}

/** Labels that are not used may be anything but options, which would be passed over. */
export function checkUnused(y: unknown): void {
  if (!isPlain(y)) return;
  const { message } = wrongType('y', 'labels or undefined, as it is not used', y);
  throw new TypeError(`${message}; options come after it: (x, undefined, options)`);
}

function checkNames(names: unknown): void {
  if (!Array.isArray(names)) throw wrongType('inputFeatures', 'an array of names', names);
  for (const [k, name] of names.entries())
    if (typeof name !== 'string') throw wrongType(`inputFeatures[${k}]`, 'a string', name);
}

/** The number of a column. @throws RangeError naming the nearest */
export function columnOf({ names = [] }: Frame, name: string): number {
  const k = names.indexOf(name);
  if (k < 0)
    throw new RangeError(`Expected x to have the column '${cut(name)}'${didYouMean(name, names)}, got ${shown(names)}`);
  return k;
}

/** The numbers of many columns. */
export function columnsOf(frame: Frame, names: readonly string[]): number[] {
  const places = new Map(frame.names?.map((name, k) => [name, k]));
  return names.map((name) => places.get(name) ?? columnOf(frame, name));
}

/** Names of columns in a message, of many the first ones. */
export const shown = (names: readonly string[]) =>
  `${names
    .slice(0, 12)
    .map((name) => cut(name, 30))
    .join(', ')}${names.length > 12 ? `, … (${names.length} in all)` : ''}`;
