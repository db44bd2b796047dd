import { crypto } from '../../builtins.js';
import type { Layer } from '../../layers/layer.js';
import type { GraphProto } from './decode.js';
import type { Importer } from './importer.js';
import { foldedParameters, isMoved, isParameter } from './origins.js';
import type { Constant, Tensor } from './tensors.js';

/** The tensors of the file that a constant comes from. */
export const namesOf = ({ name, of = name, parts = [] }: Constant): readonly string[] =>
  of === undefined ? parts : [of];

/** Of what a constant is made, by names that are the same for what is made of the same; undefined where the file does not tell. */
export function makersOf(weight: Constant, { origins }: GraphProto): string | undefined {
  const names = namesOf(weight).flatMap((name) => {
    const of = foldedParameters(origins, name);
    return of.length > 0 ? of : [name];
  });
  return names.length > 0 ? names.join() : undefined;
}

/** The numbers times another: not the weight itself any longer. */
export function scaledBy(factor: number, own: Constant): Constant {
  const { kind, shape, isFloat, data } = own;
  return { kind, shape, isFloat, data: Float64Array.from(data, (x) => x * factor), parts: namesOf(own) };
}

/** Which layers train which weights of the file. */
export class Holders {
  readonly #c: Importer;
  readonly #computed = new Set<string>();
  readonly #fixed = new Map<Constant, Layer>();
  /** By the name of a tensor: the numbers that layers have of it. */
  readonly #parts = new Map<string, Map<Layer, Constant>>();

  constructor(c: Importer) {
    this.#c = c;
  }

  /** A layer of these weights: frozen where PyTorch trains none of them. */
  hold(layer: Layer, weights: readonly (Tensor | undefined)[]): void {
    const all = weights.filter((weight): weight is Constant => weight?.kind === 'constant' && weight.isFloat);
    const isNormalized = layer.className === 'BatchNormalization';
    const own = isNormalized ? all.slice(0, 2) : all; // its moving statistics are buffers
    const fixed = own.filter((weight) => this.isFixed(weight));
    if (fixed.length > 0 && fixed.length === own.length && !isNormalized) layer.trainable = false;
    else for (const weight of fixed) this.#fixed.set(weight, layer);
    for (const weight of all) this.add(layer, weight);
  }

  /** What the file says to be no parameter, nor computed of one. */
  isFixed(weight: Constant): boolean {
    const { graph } = this.#c;
    const names = namesOf(weight);
    if (names.length === 0) return weight.parts !== undefined && graph.producer === 'pytorch';
    if (!names.every((name) => isParameter(graph, name) === false)) return false;
    const { data } = weight;
    // a parameter of equal numbers, which is not there, may be this buffer of the file
    const isPlain = (data[0] === 0 || data[0] === 1) && Array.from(data).every((x) => x === data[0]);
    return !isPlain || isParameter(graph, '') === false;
  }

  /** What layers train although PyTorch does not. */
  get fixed(): string[] {
    return [...this.#fixed].map(([weight, { name }]) => namesOf(weight)[0] ?? name);
  }

  add(layer: Layer, weight: Constant): void {
    const { tensors, origins } = this.#c.graph;
    const names = namesOf(weight);
    if (weight.parts && !weight.isMoved) for (const name of names) this.#computed.add(name);
    for (const name of names) {
      const folded = foldedParameters(origins, name);
      const isOther = folded.length > 0 && !isMoved(origins, name, tensors.get(name)?.data ?? []);
      if (isOther) for (const of of folded) this.#computed.add(of);
      const root = isOther ? name : (folded[0] ?? name);
      const known = this.#parts.get(root) ?? new Map<Layer, Constant>();
      this.#parts.set(root, known.set(layer, weight));
    }
  }

  /** The weights of which something is computed that layers train. */
  computed(isWeight: (name: string) => boolean): string[] {
    return [...this.#computed].filter(isWeight);
  }

  /** The weights that more than one layer has numbers of, the same ones. Equal by accident is what nothing has trained. */
  shared(isWeight: (name: string) => boolean): string[] {
    return [...this.#parts]
      .filter(([name, parts]) => parts.size > 1 && isWeight(name) && this.#overlap(name, [...parts.values()]))
      .map(([name]) => name);
  }

  #overlap(name: string, parts: readonly Constant[]): boolean {
    const whole = this.#c.graph.tensors.get(name)?.data.length ?? Number.POSITIVE_INFINITY;
    const all = parts.map(({ data }) => Float64Array.from(data).sort());
    if (all.every((data) => data.length > 1 && data[0] === data.at(-1))) return false;
    const isLarger = all.reduce((sum, { length }) => sum + length, 0) > whole;
    return isLarger || new Set(all.map(digest)).size < all.length;
  }
}

/** The same for equal numbers alone. */
export const digest = (data: Float64Array): string => crypto().createHash('sha256').update(data).digest('base64');
