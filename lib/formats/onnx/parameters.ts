import { NDArray } from '../../array.js';
import { didYouMean, wrongType, wrongValue } from '../../check.js';
import type { Value } from '../../graph/value.js';
import { quoted } from '../../io/read.js';
import type { Layer } from '../../layers/layer.js';
import { Parameter } from '../../layers/parameter.js';
import { warn } from '../../warn.js';
import { type GraphProto, isFloat as isFloatType } from './decode.js';
import { Holders, namesOf } from './holders.js';
import type { Importer } from './importer.js';
import { transposed } from './onnx-graph.js';
import { isParameter } from './origins.js';
import { type Computed, type Constant, isSame, type Numbers, type Tensor } from './tensors.js';
import { tiedIn } from './tied.js';
import { applied, ops } from './untyped.js';

/** What PyTorch calls parameters, and what are weights of layers in a file of ours. */
const PYTORCH = /^(?!onnx::|val_|_|lifted|scalar|tensor)[^/:]+$/;
const WEIGHTS: ReadonlyMap<string, RegExp> = new Map([
  ['pytorch', PYTORCH],
  ['fjordnet', /\/(?!moving)/],
]);

/** @throws TypeError or RangeError for what are no names of weights of the file */
export function checkParameters({ tensors }: GraphProto, asked: 'all' | readonly string[] | undefined): void {
  if (asked === undefined || asked === 'all') return;
  if (!Array.isArray(asked)) throw wrongType('parameters', "'all' or an array of names", asked);
  const names = [...tensors].filter(([, { type }]) => isFloatType(type)).map(([name]) => name);
  for (const [i, name] of Array.from(asked).entries()) {
    if (typeof name !== 'string') throw wrongType(`parameters[${i}]`, 'the name of a weight of the file', name);
    if (!names.includes(name))
      throw wrongValue(`parameters[${i}]`, `the name of a weight of the file${didYouMean(name, names)}`, name);
  }
}

const listed = (names: readonly string[]): string =>
  names.slice(0, 3).map(quoted).join(', ') + (names.length > 3 ? ` and ${names.length - 3} more` : '');

const haveEqual = ({ data }: Numbers, b: Numbers): boolean =>
  data.length === b.data.length && data.every((x, i) => Object.is(x, b.data[i]));
const areEqual = (a: Numbers, b: Numbers): boolean => isSame(a.shape, b.shape) && haveEqual(a, b);

/** The weights of a file that operations read, and no layer: constants, or those of `Parameter` layers where they are asked for. */
export class Parameters {
  readonly #c: Importer;
  readonly #held = new Set<string>();
  readonly #holders: Holders;
  /** Matrices that became two. */
  readonly #parted = new Set<string>();
  #tied?: ReadonlyMap<string, string>;
  readonly #made = new Map<string, { readonly numbers: Numbers; readonly value: Value }>();
  #asked: 'all' | readonly string[] = [];
  #carrier?: Value;

  constructor(c: Importer) {
    this.#c = c;
    this.#holders = new Holders(c);
  }

  /** @param carrier what the layers are applied to */
  ask(asked: 'all' | readonly string[], carrier: Value): void {
    this.#asked = asked;
    this.#carrier = carrier;
  }

  /** A layer that trains what is made of these. */
  hold(layer: Layer, weights: readonly (Tensor | undefined)[]): void {
    this.#holders.hold(layer, weights);
  }

  /** A bias, unless it is zeros that the exporter has written for none. */
  bias<T extends Tensor>(tensor: T | undefined): T | undefined {
    const isNone =
      tensor?.kind === 'constant' && Array.from(tensor.data).every((b) => b === 0) && this.#holders.isFixed(tensor);
    return isNone ? undefined : tensor;
  }

  /** A constant as what is broadcast against a value, or the weight of a layer. */
  operand(tensor: Computed, own: Constant): number | NDArray | Value {
    return this.taken(own, this.#c.against(tensor, own));
  }

  /** A constant as the array that an operation takes of it, or the weight of a layer, where no other takes it in another order. */
  taken(own: Constant, array: number | NDArray): number | NDArray | Value {
    if (!own.isFloat) return array;
    const name = own.name ?? own.of;
    const numbers = typeof array === 'number' ? { shape: [1], data: Float64Array.of(array) } : array;
    const weight = name !== undefined && this.#isAsked(name) ? this.#weight(name, own, numbers) : undefined;
    if (!weight) for (const part of namesOf(own)) this.#held.add(part);
    return weight ?? array;
  }

  /** What is added to a product with such a matrix: trained as the bias of a dense layer is, asked for or not. */
  added(own: Constant, { shape, data }: Numbers): NDArray | Value {
    const array = NDArray.wrap(Float64Array.from(data), [...shape]);
    return this.#weight(own.name ?? own.of ?? 'bias', own, array) ?? (this.taken(own, array) as NDArray);
  }

  /** Undefined where another operation takes the numbers in another order. */
  #weight(name: string, own: Constant, numbers: Numbers): Value | undefined {
    const { numbers: first, value } = this.#made.get(name) ?? this.#make(name, own, numbers);
    if (!haveEqual(first, numbers)) return undefined;
    return isSame(value.shape, numbers.shape) ? value : ops.reshape(value, numbers.shape);
  }

  /** The matrix of an embedding and of a dense layer, tied: one weight for both, where it is asked for. */
  matrix(own: Constant, numbers: Numbers): Value | undefined {
    this.#tied ??= tiedIn(this.#c);
    const table = this.#tied.get(own.name ?? '');
    if (table === undefined) return undefined;
    if (!this.#isAsked(table)) {
      this.#parted.add(table);
      return undefined;
    }
    const { numbers: first, value } = this.#made.get(table) ?? this.#make(table, own, numbers);
    if (areEqual(first, numbers)) return value;
    if (areEqual(transposed(first, [1, 0]), numbers)) return ops.transpose(value);
    this.#held.add(table);
    return undefined;
  }

  #isAsked(name: string): boolean {
    return this.#asked === 'all' ? this.#isWeight(name) : this.#asked.includes(name);
  }

  #isWeight(name: string): boolean {
    const { graph } = this.#c;
    return isParameter(graph, name) ?? (WEIGHTS.get(graph.producer) ?? PYTORCH).test(name);
  }

  #make(name: string, own: Constant, numbers: Numbers): { numbers: Numbers; value: Value } {
    const layer = new Parameter({ shape: numbers.shape, name: this.#c.free(name) });
    this.#c.numbers.set(layer, { value: numbers });
    this.#holders.add(layer, own);
    const made = { numbers, value: applied(layer, this.#carrier as Value) };
    this.#made.set(name, made);
    return made;
  }

  /**
   * Warns of weights that training would pass over.
   * @throws RangeError for those that were asked for
   */
  report(source: string): void {
    const { producer } = this.#c.graph;
    const isWeight = (name: string) => WEIGHTS.has(producer) && this.#isWeight(name);
    const computed = this.#holders.computed(isWeight);
    const asked = [...this.#held, ...computed].find((name) => this.#asked !== 'all' && this.#asked.includes(name));
    if (asked !== undefined)
      throw new RangeError(
        `its weight ${quoted(asked)} cannot be trained here, as an operation takes what is computed of it`,
      );
    const how = this.#asked === 'all' ? '' : ' (the option parameters of importModel has them trained)';
    for (const name of this.#parted)
      warn(
        'FJORDNET_IMPORT',
        `The weight ${quoted(name)} of ${source}, which an embedding and a dense layer share, becomes two here (the option parameters of importModel keeps it one)`,
      );
    const shared = this.#holders.shared(isWeight).filter((name) => !this.#parted.has(name));
    const told: [names: readonly string[], sentence: string, advice?: string][] = [
      [shared, `Weights of ${source} that several layers share become several here, which training parts`],
      [computed, `Training changes what is computed of weights of ${source}, and not these as PyTorch does`],
      [this.#holders.fixed, `Training changes numbers of ${source} that are no parameters of PyTorch's module`],
      [
        [...this.#held].filter(isWeight),
        `Weights of ${source} are constants here, which training does not change`,
        how,
      ],
    ];
    for (const [names, sentence, advice = ''] of told)
      if (names.length > 0) warn('FJORDNET_IMPORT', `${sentence}: ${listed(names)}${advice}`);
  }
}
