import { NDArray } from '../array.js';
import { checkBoolean, checkInteger, checkOptions, wrongType, wrongValue } from '../check.js';
import { object, type Schema } from '../io/schema.js';
import { registerSaved } from '../saved.js';
import { Frame } from './frame.js';
import { Transformer } from './transformer.js';

/** More columns than this are a mistake: 2 ** 16. */
const MOST = 2 ** 16;
/** Features named by all products, lower degrees included: x^3000 of one feature needs more. */
const MOST_FACTORS = 2 ** 22;

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
    productsOf(this.getParams(), x.width);
    return {};
  }

  protected override apply(x: Frame): Frame {
    const matrix = x.matrix();
    const [n, width] = matrix.shape;
    const products = productsOf(this.getParams(), width);
    const z = NDArray.zeros([n, products.length], matrix.dtype);
    const round = matrix.dtype === 'float32' ? Math.fround : Number;
    for (let i = 0; i < n; i++)
      // from the last factor on, each product rounded, as scikit-learn multiplies
      for (const [j, factors] of products.entries())
        z.data[i * products.length + j] = factors.reduceRight(
          (product, k) => round(product * matrix.data[i * width + k]),
          1,
        );
    return Frame.ofMatrix(z);
  }

  protected override namesOut(names: readonly string[]): string[] {
    return productsOf(this.getParams(), names.length).map((factors) => {
      const powers = new Map<number, number>();
      for (const k of factors) powers.set(k, (powers.get(k) ?? 0) + 1);
      return [...powers].map(([k, power]) => (power > 1 ? `${names[k]}^${power}` : names[k])).join(' ') || '1';
    });
  }

  protected override readonly schema: Schema<object> = object<object>({});

  protected override checkState(_: object, width: number): void {
    productsOf(this.getParams(), width);
  }
}

type Products = ReturnType<PolynomialFeatures['getParams']>;

const tooMany = (width: number) =>
  new RangeError(
    `Expected degree to make at most ${MOST} products of ${width} features, of ${MOST_FACTORS} factors in all, got more`,
  );

/** The least and the largest degree. */
export const degreesOf = ({ degree }: Products): readonly [least: number, most: number] =>
  typeof degree === 'number' ? [0, degree] : degree;

/** For each degree from 0 on the features of its products, in lexicographic order. */
export function productsByDegree(config: Products, width: number): number[][][] {
  const step = config.interactionOnly ? 1 : 0;
  const degrees: number[][][] = [[[]]];
  let all = 0;
  for (let [degree, [, most]] = [1, degreesOf(config)]; degree <= most; degree++) {
    const next: number[][] = [];
    for (const factors of degrees[degree - 1]) {
      for (let k = factors.length > 0 ? (factors.at(-1) as number) + step : 0; k < width; k++)
        next.push([...factors, k]);
      if (next.length > MOST || all + degree * next.length > MOST_FACTORS) throw tooMany(width);
    }
    all += degree * next.length;
    degrees.push(next);
  }
  return degrees;
}

/** @throws RangeError for too many, and for none */
function productsOf(config: Products, width: number): number[][] {
  const [least] = degreesOf(config);
  const products = productsByDegree(config, width).flatMap((own, degree) =>
    degree === 0 ? (config.includeBias ? own : []) : degree < least ? [] : own,
  );
  if (products.length > MOST) throw tooMany(width);
  if (products.length === 0) throw wrongValue('degree', 'one that makes columns', config.degree);
  return products;
}
