import type { NDArray } from '../array.js';
import { checkBoolean, checkOneOf, checkOptions, wrongType, wrongValue } from '../check.js';
import { expected, integer, list, object, type Schema, text } from '../io/schema.js';
import { hasMethods } from '../kind.js';
import { registerSaved } from '../saved.js';
import { type ColumnKind, Frame } from './frame.js';
import { changed, changedParts, cloned, paramsOf, prefixed, stepNames } from './pipeline-steps.js';
import {
  type AnyTransformer,
  checkName,
  checkTransformer,
  fitStep,
  fitTransformStep,
  matrixOf,
  numeric,
  transformStep,
  unfitted,
} from './steps.js';
import { columnOf, type Input, Transformer } from './transformer.js';

/** A column by its name or its number (negative numbers count from the last), or several. */
export type ColumnChoice = string | number | readonly (string | number)[];
type Chosen = AnyTransformer | readonly AnyTransformer[] | 'passthrough' | 'drop';
export type ColumnTransformerEntry = readonly [name: string, transformer: Chosen, columns: ColumnChoice];

export interface ColumnTransformerOptions {
  /** What becomes of columns that no transformer is given. Default 'drop' */
  remainder?: 'drop' | 'passthrough';
  /** Whether names of columns begin with the transformer's: 'numbers__mass'. Default true */
  verboseFeatureNamesOut?: boolean;
}

type Own = Pick<ColumnTransformer, 'transformers' | 'remainder' | 'verboseFeatureNamesOut'>;

/** What is done with some of the columns. */
interface Part {
  readonly name: string;
  /** Their numbers among those of `used`. */
  readonly columns: readonly number[];
  /** One after another; none: the columns stay as they are. */
  readonly steps: readonly AnyTransformer[];
  /** Of the columns that come out. */
  readonly names: readonly string[];
}

export interface Learnt {
  /** The columns of `fit` that are needed. */
  readonly used: readonly number[];
  readonly parts: readonly Part[];
}

/**
 * Transformers for some columns each, whose results stand side by side: scikit-learn's `ColumnTransformer`. Columns that a table
 * has beside those that are needed are not looked at. What comes out is float32 where all of it is, else float64.
 *
 * ```js
 * const table = [{ mass: 3750, sex: 'male' }, { mass: null, sex: 'female' }];
 * new ColumnTransformer([
 *   ['numbers', [new SimpleImputer({ strategy: 'median' }), new StandardScaler()], ['mass']],
 *   ['kinds', new OneHotEncoder({ handleUnknown: 'ignore' }), ['sex']],
 * ]).fitTransform(table);
 * ```
 *
 * Transformers that are given stay as they are: `fit` fits copies.
 */
export class ColumnTransformer extends Transformer<Learnt> {
  static override readonly className: string = 'ColumnTransformer';
  readonly transformers: readonly ColumnTransformerEntry[];
  readonly remainder: 'drop' | 'passthrough';
  readonly verboseFeatureNamesOut: boolean;

  static {
    registerSaved(ColumnTransformer);
  }

  /** @param transformers names, transformers (several one after another; 'passthrough', 'drop'), and their columns */
  constructor(transformers: readonly ColumnTransformerEntry[], options: ColumnTransformerOptions = {}) {
    super();
    checkOptions('options', options, ['remainder', 'verboseFeatureNamesOut']);
    this.transformers = checkEntries(transformers);
    this.remainder = checkOneOf('remainder', options.remainder ?? 'drop', ['drop', 'passthrough']);
    this.verboseFeatureNamesOut = checkBoolean('verboseFeatureNamesOut', options.verboseFeatureNamesOut ?? true);
  }

  /**
   * The options, the transformers by their names, and their parameters: `numbers__withMean`, of one in a list
   * `numbers__standardscaler__withMean`.
   */
  override getParams(): Own & Record<string, any> {
    const named = this.transformers.map(([name, chosen]) => [name, chosen] as const);
    return { ...Object.fromEntries(named.flatMap(([name, chosen]) => nestedParams(name, chosen))), ...ownOf(this) };
  }

  /**
   * A new one that is not fitted, with options, transformers or their parameters changed, as `getParams` names them.
   * @throws TypeError or RangeError for a parameter that there is not, TypeError for a transformer of one's own that has no method
   *   clone or getParams
   */
  override clone(changes: Readonly<Record<string, unknown>> = {}): this {
    return this.copy(changes, cloned);
  }

  /** For fit: the same, where transformers of one's own stay what they are. */
  unfitted(): this {
    return this.copy({}, unfitted);
  }

  protected copy(
    changes: Partial<Own> & Readonly<Record<string, unknown>>,
    each: (step: AnyTransformer) => AnyTransformer,
  ): this {
    const { transformers, remainder, verboseFeatureNamesOut, ...ofParts } = { ...ownOf(this), ...changes };
    const entries = checkEntries(transformers);
    const chosen = changedParts(
      new Map(entries.map(([name, given]) => [name, given])),
      ofParts,
      (names) => `transformers, remainder, verboseFeatureNamesOut, or of ${names}`,
      (name, given, params) => (isList(given) ? changedList(given, params) : (changed(name, given, params) as Chosen)),
    );
    const copies = entries.map(([name, , columns]): ColumnTransformerEntry => {
      const given = chosen.get(name) as Chosen;
      if (typeof given === 'string') return [name, given, columns];
      return [name, isList(given) ? given.map(each) : each(given), columns];
    });
    const options = { remainder, verboseFeatureNamesOut };
    return new (this.constructor as typeof ColumnTransformer)(copies, options) as this;
  }

  protected override get config(): Own {
    return ownOf(this);
  }

  /** The transformers that `fit` fitted, by their names. Throws ERR_NOT_FITTED before `fit`. */
  get namedTransformers(): Readonly<Record<string, readonly AnyTransformer[]>> {
    return Object.fromEntries(this.fitted('namedTransformers').parts.map(({ name, steps }) => [name, steps]));
  }

  static override revive(config: never, state: unknown): ColumnTransformer {
    const { transformers, ...options }: { transformers: ColumnTransformerEntry[] } = config;
    const made = new this(transformers, options);
    if (state !== undefined) made.restore(state);
    return made;
  }

  protected override measure(x: Frame): Learnt {
    const named = new Map(x.names?.map((name, k) => [name, k]));
    const chosen = this.transformers.map(([name, , columns]) => numbersOf(x, named, name, columns));
    const taken = new Set(chosen.flat());
    const rest = Array.from({ length: x.width }, (_, k) => k).filter((k) => !taken.has(k));
    const kept = this.transformers.flatMap(([name, given], i) =>
      given === 'drop' || chosen[i].length === 0 ? [] : [{ name, given: given as Chosen, columns: chosen[i] }],
    );
    if (this.remainder === 'passthrough' && rest.length > 0)
      kept.push({ name: 'remainder', given: 'passthrough', columns: rest });
    if (kept.length === 0) throw wrongValue('transformers', 'some that keep columns', this.transformers);
    const parts = kept.map(({ name, given, columns }): Part => {
      const steps =
        given === 'passthrough'
          ? []
          : (isList(given) ? given : [given]).map((step) => unfitted(step as AnyTransformer));
      const last = steps.at(-1);
      const before = steps.slice(0, -1).reduce((frame, step) => fitTransformStep(step, frame), chosenOf(x, columns));
      return { name, columns, steps, names: last ? fitStep(last, before) : (before.names as readonly string[]) };
    });
    const used = x.names ? [...new Set(parts.flatMap(({ columns }) => columns))].sort((a, b) => a - b) : undefined;
    if (!used) return { used: Array.from({ length: x.width }, (_, k) => k), parts };
    const places = new Map(used.map((k, place) => [k, place]));
    return {
      used,
      parts: parts.map((part) => ({ ...part, columns: part.columns.map((k) => places.get(k) as number) })),
    };
  }

  protected override inputOf(x: Frame, { used }: Learnt): Input {
    const { names } = x;
    if (!names) return { width: used.length };
    return { width: used.length, names: used.map((k) => names[k]), kinds: used.map((k) => x.kind(k)) };
  }

  /**
   * What the columns of `featureNamesIn` held in `fit`, so that text in a file is read as it was then; undefined where they had no
   * names. Throws ERR_NOT_FITTED before `fit`.
   */
  get columnKinds(): readonly ColumnKind[] | undefined {
    return this.input.kinds;
  }

  protected override get ignoresOthers(): boolean {
    return true;
  }

  protected override apply(x: Frame, { parts }: Learnt): Frame {
    const results = parts.map(({ columns, steps }) =>
      numeric(steps.reduce((frame, step) => transformStep(step, frame), chosenOf(x, columns))),
    );
    return Frame.beside(results, x.n);
  }

  /** @throws TypeError naming a column that still holds text, which no network takes */
  protected override outputOf(frame: Frame): NDArray {
    return matrixOf(frame);
  }

  protected override namesOut(_: readonly string[], { parts }: Learnt): string[] {
    if (this.verboseFeatureNamesOut) return parts.flatMap(({ name, names }) => names.map((each) => `${name}__${each}`));
    const [twice] = repeated(parts);
    if (twice !== undefined)
      throw new RangeError(
        `Expected the names of columns to be unique, got '${twice}' twice (verboseFeatureNamesOut: true makes them so)`,
      );
    return parts.flatMap(({ names }) => names);
  }

  protected override readonly schema: Schema<Learnt> = object<Learnt>({
    used: list(integer(0), 1),
    parts: list(
      object<Part>({ name: text, columns: list(integer(0), 1), steps: list(fittedStep), names: list(text) }),
      1,
    ),
  });

  protected override checkState({ used, parts }: Learnt, width: number): void {
    if (used.length !== width) throw expected('state.used', `a list of ${width}`, used);
    for (const [i, { columns }] of parts.entries())
      if (columns.some((k) => k >= width))
        throw expected(`state.parts[${i}].columns`, `numbers below ${width}`, columns);
  }
}

/** The names that several columns have that come out. */
export function repeated(parts: readonly Part[]): Set<string> {
  const seen = new Set<string>();
  const all = parts.flatMap(({ names }) => names);
  return new Set(all.filter((name) => seen.has(name) || !seen.add(name)));
}

const fittedStep: Schema<AnyTransformer> = (name, value) => {
  if (hasMethods(value, 'fit', 'transform')) return value as AnyTransformer;
  throw expected(name, 'a transformer', value);
};

/** Some columns, with names: those of a matrix are x0, x1 … */
const chosenOf = (x: Frame, columns: readonly number[]): Frame =>
  x.select(columns).named(columns.map((k) => x.names?.[k] ?? `x${k}`));

const ownOf = ({ transformers, remainder, verboseFeatureNamesOut }: ColumnTransformer): Own => ({
  transformers,
  remainder,
  verboseFeatureNamesOut,
});

/** Of a list the parameters of its steps, which are named as `makePipeline` names them. */
function nestedParams(name: string, chosen: Chosen): [string, unknown][] {
  const params = isList(chosen)
    ? stepNames(chosen).flatMap((own, i) => [[own, chosen[i]], ...prefixed(own, paramsOf(chosen[i]))])
    : Object.entries(paramsOf(chosen));
  return [[name, chosen], ...prefixed(name, Object.fromEntries(params))];
}

function changedList(steps: readonly AnyTransformer[], params: Record<string, unknown>): AnyTransformer[] {
  const names = stepNames(steps);
  const parts = new Map(steps.map((step, i) => [names[i], step]));
  return [...changedParts(parts, params, (own) => `of ${own}`, changed).values()] as AnyTransformer[];
}

const isList = (chosen: Chosen): chosen is readonly AnyTransformer[] => Array.isArray(chosen);

function checkEntries(entries: readonly ColumnTransformerEntry[]): ColumnTransformerEntry[] {
  const wanted = 'an array of [name, transformer, columns]';
  if (!Array.isArray(entries)) throw wrongType('transformers', wanted, entries);
  if (entries.length === 0) throw wrongValue('transformers', `${wanted}, of one at least`, entries);
  const names = new Set<string>();
  return entries.map((entry: ColumnTransformerEntry, i) => {
    const place = `transformers[${i}]`;
    if (!Array.isArray(entry) || entry.length !== 3)
      throw wrongType(place, 'a list [name, transformer, columns]', entry);
    const [name, chosen, columns] = entry as unknown as ColumnTransformerEntry;
    names.add(checkName(`${place}[0]`, name, names));
    if (isList(chosen)) for (const [j, step] of chosen.entries()) checkTransformer(`${place}[1][${j}]`, step);
    else if (typeof chosen === 'string') checkOneOf(`${place}[1]`, chosen, ['passthrough', 'drop']);
    else checkTransformer(`${place}[1]`, chosen);
    for (const column of Array.isArray(columns) ? columns : [columns])
      if (typeof column !== 'string' && !Number.isInteger(column))
        throw wrongType(`${place}[2]`, 'names or numbers of columns', columns);
    return [name, chosen, columns];
  });
}

/** The numbers of columns. `places`: of their names. @throws RangeError for one that x has not */
function numbersOf(x: Frame, places: ReadonlyMap<string, number>, name: string, columns: ColumnChoice): number[] {
  return (Array.isArray(columns) ? columns : [columns]).map((column: string | number) => {
    if (typeof column === 'string') {
      if (x.names) return places.get(column) ?? columnOf(x, column);
      throw new TypeError(`Expected x to have names of columns, as '${name}' is for '${column}', got a matrix`);
    }
    if (column >= -x.width && column < x.width) return column < 0 ? column + x.width : column;
    throw wrongValue(`the column of '${name}'`, `the number of one of ${x.width} columns`, column);
  });
}
