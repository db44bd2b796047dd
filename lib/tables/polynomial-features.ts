import { NDArray } from '../array.js';
import { checkBoolean, checkInteger, checkOptions, wrongType, wrongValue } from '../check.js';
import { object, type Schema } from '../io/schema.js';
import { registerSaved } from '../saved.js';
import { Frame } from './frame.js';
import { Transformer } from './transformer.js';

/** More columns than this are a mistake: 2 ** 16. */
const MOST = 2 ** 16;

/**
 * All products of features up to a degree: scikit-learn's `PolynomialFeatures`. Of features a and b and degree 2 they are
 * 1, a, b, a², a b, b².
 */
export class PolynomialFeatures extends Transformer<object> {
  static override readonly className = 'PolynomialFeatures';
  readonly degree: number | readonly [least: number, most: number];
  readonly interactionOnly: boolean;
  readonly includeBias: boolean;

  static {
    registerSaved(PolynomialFeatures);
  }

  /**
   * @param options.degree the largest degree, or the least and the largest; default 2
   * @param options.interactionOnly only products of different features, default false
   * @param options.includeBias a first column of ones, default true
   */
  constructor(
    options: {
      degree?: number | readonly [least: number, most: number];
      interactionOnly?: boolean;
      includeBias?: boolean;
    } = {},
  ) {
    super();
    checkOptions('options', options, ['degree', 'interactionOnly', 'includeBias']);
    const { degree = 2 } = options;
    if (typeof degree !== 'number' && !(Array.isArray(degree) && degree.length === 2))
      throw wrongType('degree', 'a number, or the least and the largest', degree);
    const [least, most] = typeof degree === 'number' ? [0, degree] : degree;
    checkInteger(typeof degree === 'number' ? 'degree' : 'degree[1]', most, 0);
    checkInteger('degree[0]', least, 0);
    if (least > most) throw wrongValue('degree[1]', `an integer >= ${least}`, most);
    this.degree = typeof degree === 'number' ? degree : [least, most];
    this.interactionOnly = checkBoolean('interactionOnly', options.interactionOnly ?? false);
    this.includeBias = checkBoolean('includeBias', options.includeBias ?? true);
  }

  override getParams() {
    return { degree: this.degree, interactionOnly: this.interactionOnly, includeBias: this.includeBias };
  }

  protected override measure(x: Frame): object {
    x.matrix();
    this.#products(x.width);
    return {};
  }

  protected override apply(x: Frame): Frame {
    const matrix = x.matrix();
    const [n, width] = matrix.shape;
    const products = this.#products(width);
    const z = NDArray.zeros([n, products.length], matrix.dtype);
    for (let i = 0; i < n; i++)
      // from the last factor on, as scikit-learn multiplies
      for (const [j, factors] of products.entries())
        z.data[i * products.length + j] = factors.reduceRight((product, k) => product * matrix.data[i * width + k], 1);
    return Frame.ofMatrix(z);
  }

  protected override namesOut(names: readonly string[]): string[] {
    return this.#products(names.length).map((factors) => {
      const powers = new Map<number, number>();
      for (const k of factors) powers.set(k, (powers.get(k) ?? 0) + 1);
      return [...powers].map(([k, power]) => (power > 1 ? `${names[k]}^${power}` : names[k])).join(' ') || '1';
    });
  }

  protected override readonly schema: Schema<object> = object<object>({});

  protected override checkState(_: object, width: number): void {
    this.#products(width);
  }

  /** The features of each product, degree by degree, in lexicographic order. */
  #products(width: number): number[][] {
    const [least, most] = typeof this.degree === 'number' ? [0, this.degree] : this.degree;
    const products: number[][] = this.includeBias ? [[]] : [];
    let before: number[][] = [[]];
    for (let degree = 1; degree <= most; degree++) {
      const next: number[][] = [];
      for (const factors of before) {
        const last = factors.at(-1) ?? (this.interactionOnly ? -1 : 0);
        for (let k = this.interactionOnly ? last + 1 : last; k < width; k++) next.push([...factors, k]);
        if (products.length + next.length > MOST)
          throw new RangeError(`Expected degree to make at most ${MOST} products of ${width} features, got more`);
      }
      before = next;
      if (degree >= least) for (const factors of next) products.push(factors);
    }
    if (products.length === 0) throw wrongValue('degree', 'one that makes columns', this.degree);
    return products;
  }
}
