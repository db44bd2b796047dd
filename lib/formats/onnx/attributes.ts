import type { AttributeProto, GraphBody, TensorProto } from './decode.js';

/** What is read of an attribute. */
export class Attributes {
  readonly #of: ReadonlyMap<string, AttributeProto>;

  constructor(of: ReadonlyMap<string, AttributeProto>) {
    this.#of = of;
  }

  has(name: string): boolean {
    return this.#of.has(name);
  }

  number(name: string, byDefault: number): number {
    const value = this.#of.get(name) ?? byDefault;
    if (typeof value !== 'number') throw new RangeError(`its attribute ${name} is no number`);
    return value;
  }

  string(name: string, byDefault: string): string {
    const value = this.#of.get(name) ?? byDefault;
    if (typeof value !== 'string') throw new RangeError(`its attribute ${name} is no text`);
    return value;
  }

  numbers(name: string): readonly number[] | undefined {
    const value = this.#of.get(name);
    if (value === undefined) return undefined;
    if (!Array.isArray(value) || !value.every((n) => typeof n === 'number'))
      throw new RangeError(`its attribute ${name} is no list of numbers`);
    return value;
  }

  strings(name: string): readonly string[] | undefined {
    const value = this.#of.get(name);
    if (value === undefined) return undefined;
    if (!Array.isArray(value) || !value.every((n) => typeof n === 'string'))
      throw new RangeError(`its attribute ${name} is no list of texts`);
    return value;
  }

  tensor(name: string): TensorProto | undefined {
    const value = this.#of.get(name);
    return typeof value === 'object' && 'type' in value ? value : undefined;
  }

  graph(name: string): GraphBody | undefined {
    const value = this.#of.get(name);
    return typeof value === 'object' && 'nodes' in value ? value : undefined;
  }

  /** Those of a window along one axis, with one more of a single place. */
  widened(): Attributes {
    const of = new Map(this.#of);
    for (const [name, more] of [
      ['strides', 1],
      ['dilations', 1],
      ['output_padding', 0],
    ] as const) {
      const list = this.numbers(name);
      if (list) of.set(name, [...list, more]);
    }
    const pads = this.numbers('pads');
    if (pads) of.set('pads', [pads[0], 0, pads[1], 0]);
    return new Attributes(of);
  }

  /** The same without one of them. */
  without(name: string): Attributes {
    const of = new Map(this.#of);
    of.delete(name);
    return new Attributes(of);
  }

  get raw(): ReadonlyMap<string, AttributeProto> {
    return this.#of;
  }
}
