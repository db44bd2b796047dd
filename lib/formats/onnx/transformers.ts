import type { NDArray } from '../../array.js';
import { notFitted } from '../../check.js';
import type { Label } from '../../labels.js';
import { partsOf } from '../../saved.js';
import type { Category } from '../../tables/categories.js';
import type { OneHotEncoder } from '../../tables/one-hot-encoder.js';
import { degreesOf, productsByDegree } from '../../tables/polynomial-features.js';
import type { Block, Columns } from './columns.js';

/** What a file keeps of a transformer that is fitted. */
interface Fitted {
  readonly config: any;
  readonly found: any;
  /** Of a OneHotEncoder. */
  readonly placement?: OneHotEncoder['placement'];
}
type Emit = (x: Columns, step: Fitted) => Columns;

const valuesOf = (array: NDArray): number[] => Array.from(array.data, Number);

/** Operators of a number for each column, one after the other. */
const arithmetic =
  (steps: (step: Fitted) => readonly (readonly [type: string, base: string, values: NDArray] | false)[]): Emit =>
  (x, step) => {
    const name = steps(step).reduce(
      (z, own) => (own ? x.emit(own[0], [z, x.row(own[1], valuesOf(own[2]))]) : z),
      x.numbers(),
    );
    return x.of([{ name, width: x.width, isText: false }]);
  };

const minMax: Emit = (x, step) => {
  const { clip, featureRange } = step.config;
  const scaled = arithmetic(({ found }) => [
    ['Mul', 'scale', found.scale],
    ['Add', 'min', found.min],
  ])(x, step);
  if (!clip) return scaled;
  const ends = (featureRange as number[]).map((end) => x.graph.number('double', end));
  const [block] = scaled.blocks;
  return x.of([{ ...block, name: x.emit('Clip', [block.name, ...ends]) }]);
};

const normalizer: Emit = (x, { config }) => {
  const values = x.numbers();
  const sizes = x.emit('Abs', [values]);
  const row = x.graph.ints([1]);
  const sumOf = (z: string) => x.emit('ReduceSum', [z, row]);
  const norm = {
    l1: () => sumOf(sizes),
    l2: () => x.emit('Sqrt', [sumOf(x.emit('Mul', [values, values]))]),
    max: () => x.graph.nodesOf('TopK', [sizes, row], 2, {}, x.path)[0],
  }[config.norm as 'l1' | 'l2' | 'max']();
  const isTiny = x.emit('Less', [norm, x.graph.number('double', 10 * Number.EPSILON)]);
  const divisor = x.emit('Where', [isTiny, x.graph.number('double', 1), norm]);
  return x.of([{ name: x.emit('Div', [values, divisor]), width: x.width, isText: false }]);
};

/** Each product is its first feature by the product of the others, which is of the degree before. */
const polynomial: Emit = (x, { config }) => {
  const [least] = degreesOf(config);
  const features: Block = { name: x.numbers(), width: x.width, isText: false };
  const one = {
    name: x.emit('Pow', [x.part(features, [0]).name, x.graph.number('double', 0)]),
    width: 1,
    isText: false,
  };
  const blocks: Block[] = config.includeBias ? [one] : [];
  const degrees = productsByDegree(config, x.width);
  let before = features;
  for (const [degree, products] of degrees.entries()) {
    if (degree === 0 || products.length === 0) continue;
    if (degree > 1) {
      const places = new Map(degrees[degree - 1].map((factors, i) => [factors.join(), i]));
      const others = products.map(([, ...factors]) => places.get(factors.join()) as number);
      const first = products.map(([k]) => k);
      const factors = [x.part(features, first), x.part(before, others)].map(({ name }) => name);
      before = { name: x.emit('Mul', factors), width: products.length, isText: false };
    }
    if (degree >= least) blocks.push(before);
  }
  return x.of(blocks);
};

/** Whether values are missing: NaN, and texts of no character. */
function missing(x: Columns, { name, isText }: Block): string {
  if (!isText) return x.emit('IsNaN', [name]);
  const attributes = { keys_strings: { strings: [''] }, values_int64s: { ints: [1] }, default_int64: { int: 0 } };
  return x.cast(x.emit('LabelEncoder', [name], attributes), 'bool');
}

const imputer: Emit = (x, { config, found }) => {
  const { statistics, indicators } = found as { statistics: (Label | null)[]; indicators: number[] };
  const filled: Block[] = [];
  const marks: Block[] = [];
  let first = 0;
  for (const block of x.merged().blocks) {
    const own = statistics.slice(first, first + block.width);
    const kept = own.flatMap((value, k) => (value !== null || config.keepEmptyFeatures ? [k] : []));
    const fills = kept.map((k) => own[k] ?? config.fillValue ?? 0);
    const other = fills.find((fill) => (typeof fill === 'string') !== block.isText);
    if (other !== undefined)
      throw new TypeError(
        `Expected SimpleImputer to fill ${block.isText ? 'text' : 'numbers'} in, as ONNX reads no numbers in text, got ${other} (${typeof other})`,
      );
    if (kept.length > 0) {
      const part = x.part(block, kept);
      const fill = block.isText ? x.graph.strings('fill', fills as string[]) : x.row('fill', fills.map(Number));
      filled.push({ ...part, name: x.emit('Where', [missing(x, part), fill, part.name]) });
    }
    const marked = indicators.flatMap((k) => (k >= first && k < first + block.width ? [k - first] : []));
    if (marked.length > 0) {
      const name = x.cast(missing(x, x.part(block, marked)), 'double');
      marks.push({ name, width: marked.length, isText: false });
    }
    first += block.width;
  }
  return x.of([...filled, ...marks]);
};

/** For each row of a column an integer by its category [batch, 1], and another one for values that are none. */
function codes(x: Columns, block: Block, categories: readonly Category[], values: readonly number[], unknown: number) {
  const other = categories.find((own) => own !== null && (typeof own === 'string') !== block.isText);
  if (other !== undefined)
    throw new TypeError(
      `Expected categories of ${block.isText ? 'text' : 'numbers'}, as ONNX has columns of one type, got ${other} (${typeof other})`,
    );
  if (block.isText)
    return x.emit('LabelEncoder', [block.name], {
      keys_strings: { strings: categories.map((own) => (own ?? '') as string) },
      values_int64s: { ints: values },
      default_int64: { int: unknown },
    });
  // in the type that the columns came in, or 0.1 would be none of the categories
  const numbers = Array.from(categories, (own) => (own === null ? Number.NaN : Number(own)));
  const narrow = x.type === 'float' ? numbers.map(Math.fround) : numbers;
  const twice = narrow.findIndex((own, i) => narrow.indexOf(own) < i && !Number.isNaN(own));
  if (twice >= 0)
    throw new RangeError(
      `Expected categories that float32 tells apart, got ${numbers[twice]} and ${numbers[narrow.indexOf(narrow[twice])]} (dtype: 'float64' does)`,
    );
  const row = x.graph.tensor('categories', x.type, [narrow.length], narrow);
  let isOne = x.emit('Equal', [x.type === 'float' ? x.cast(block.name, 'float') : block.name, row]);
  if (categories.includes(null)) {
    const isNull = x.graph.tensor('missing', 'bool', [narrow.length], narrow.map(Number.isNaN).map(Number));
    isOne = x.emit('Or', [isOne, x.emit('And', [x.emit('IsNaN', [block.name]), isNull])]);
  }
  const beyond = values.map((value) => value - unknown);
  const column = x.graph.tensor('codes', 'double', [values.length, 1], beyond);
  const sum = x.emit('MatMul', [x.cast(isOne, 'double'), column]);
  return x.cast(x.emit('Add', [sum, x.graph.number('double', unknown)]), 'int64');
}

const oneHot: Emit = (x, { found, placement }) => {
  const blocks = (placement as OneHotEncoder['placement']).flatMap(({ width, ofCategory, ofUnknown }, k): Block[] => {
    if (width === 0) return [];
    // what lies beyond the columns is zeros
    const [unknown, ...places] = [ofUnknown, ...ofCategory].map((place) => (place < 0 ? width : place));
    const place = x.emit('Reshape', [codes(x, x.column(k), found.categories[k], places, unknown), x.graph.ints([-1])]);
    const ends = x.graph.tensor('off:on', 'float', [2], [0, 1]);
    const name = x.emit('OneHot', [place, x.graph.ints([width]), ends], { axis: { int: -1 } });
    return [{ name: x.cast(name, 'double'), width, isText: false }];
  });
  return x.of(blocks);
};

const ordinal: Emit = (x, { config, found }) => {
  const { categories } = found as { categories: Category[][] };
  const { unknownValue = Number.NaN, encodedMissingValue } = config;
  return x.of(
    categories.map((own, k) => {
      const values = own.map((category, place) => (category === null ? encodedMissingValue : place));
      const places = codes(x, x.column(k), own, [...own.keys()], own.length);
      return { name: x.emit('Gather', [x.row('values', [...values, unknownValue]), places]), width: 1, isText: false };
    }),
  );
};

const byColumns: Emit = (x, { found }) => {
  const { path } = x;
  const blocks = (found.parts as { name: string; columns: number[]; steps: unknown[] }[]).flatMap(
    ({ name, columns, steps }) => {
      const own = x.at(path === '' ? name : `${path}/${name}`).select(columns);
      return steps.reduce((z: Columns, step) => transformed(z, step), own).blocks;
    },
  );
  return x.of(blocks);
};

const TRANSFORMERS: Readonly<Record<string, Emit>> = {
  StandardScaler: arithmetic(({ config, found }) => [
    config.withMean && ['Sub', 'mean', found.mean],
    config.withStd && ['Div', 'scale', found.scale],
  ]),
  MinMaxScaler: minMax,
  MaxAbsScaler: arithmetic(({ found }) => [['Div', 'scale', found.scale]]),
  RobustScaler: arithmetic(({ config, found }) => [
    config.withCentering && ['Sub', 'center', found.center],
    config.withScaling && ['Div', 'scale', found.scale],
  ]),
  Normalizer: normalizer,
  PolynomialFeatures: polynomial,
  SimpleImputer: imputer,
  OneHotEncoder: oneHot,
  OrdinalEncoder: ordinal,
  ColumnTransformer: byColumns,
  TableTransformer: byColumns,
};

/**
 * What a transformer makes of columns.
 * @throws TypeError naming one that ONNX has no operators for; Error with code ERR_NOT_FITTED
 */
export function transformed(x: Columns, step: unknown): Columns {
  if (step === 'passthrough') return x;
  const { className = '', config, state } = partsOf(step) ?? {};
  if (className === 'Pipeline')
    return (config as { steps: [string, unknown][] }).steps.reduce(
      (z, [name, own]) => transformed(z.at(`${x.path}/${name}`), own),
      x,
    );
  const emit = Object.hasOwn(TRANSFORMERS, className) ? TRANSFORMERS[className] : undefined;
  if (!emit)
    throw new TypeError(
      `Expected transformers that ONNX can express (${Object.keys(TRANSFORMERS).join(', ')}), got ${className || (step as object).constructor?.name || typeof step}${x.path && ` in '${x.path}'`}: save() keeps all of them`,
    );
  if (state === undefined) throw notFitted(className, 'export');
  const { placement } = step as { placement?: OneHotEncoder['placement'] };
  return emit(x, { config, found: (state as { found: unknown }).found, ...(placement && { placement }) });
}
