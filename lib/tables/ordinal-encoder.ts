import { NDArray } from '../array.js';
import { checkOneOf, checkOptions, wrongType, wrongValue } from '../check.js';
import { expected, object, type Schema } from '../io/schema.js';
import { registerSaved } from '../saved.js';
import {
  type Category,
  categoryLists,
  checkCategories,
  givenBack,
  learnCategories,
  placesOf,
  refuseUnknown,
} from './categories.js';
import { Frame, readFrame, type TableInput } from './frame.js';
import { Transformer } from './transformer.js';

export interface OrdinalEncoderOptions {
  /** The categories of each column in their order. Default 'auto': those of `fit`, sorted */
  categories?: 'auto' | readonly (readonly Category[])[];
  /** Whether an unknown category is refused or becomes `unknownValue`. Default 'error' */
  handleUnknown?: 'error' | 'useEncodedValue';
  /** A number that no category has, or NaN. Needed where handleUnknown is 'useEncodedValue' */
  unknownValue?: number;
  /** What a missing value becomes: a number that no category has, or NaN. Default NaN */
  encodedMissingValue?: number;
}

interface Learnt {
  readonly categories: readonly (readonly Category[])[];
}

/**
 * Categories as numbers 0, 1, 2 … for each column: scikit-learn's `OrdinalEncoder`. Where the order means nothing, a network
 * learns more of `OneHotEncoder`, or of an embedding.
 */
export class OrdinalEncoder extends Transformer<Learnt> {
  static override readonly className = 'OrdinalEncoder';
  readonly #options: Required<Omit<OrdinalEncoderOptions, 'unknownValue'>> &
    Pick<OrdinalEncoderOptions, 'unknownValue'>;

  static {
    registerSaved(OrdinalEncoder);
  }

  constructor(options: OrdinalEncoderOptions = {}) {
    super();
    checkOptions('options', options, ['categories', 'handleUnknown', 'unknownValue', 'encodedMissingValue']);
    const { categories = 'auto', handleUnknown = 'error', unknownValue, encodedMissingValue = Number.NaN } = options;
    checkOneOf('handleUnknown', handleUnknown, ['error', 'useEncodedValue']);
    if (handleUnknown === 'useEncodedValue' ? typeof unknownValue !== 'number' : unknownValue !== undefined)
      throw wrongType(
        'unknownValue',
        handleUnknown === 'error' ? "undefined where handleUnknown is 'error'" : 'a number, or NaN',
        unknownValue,
      );
    if (typeof encodedMissingValue !== 'number')
      throw wrongType('encodedMissingValue', 'a number, or NaN', encodedMissingValue);
    this.#options = {
      categories: checkCategories(categories),
      handleUnknown,
      encodedMissingValue,
      ...(unknownValue !== undefined && { unknownValue }),
    };
  }

  override getParams() {
    return { ...this.#options };
  }

  /** The categories of each column in the order of their numbers; null for missing. Throws ERR_NOT_FITTED before `fit`. */
  get categories(): Category[][] {
    return this.fitted('categories').categories.map((own) => [...own]);
  }

  /** The values that the numbers stand for: a matrix where all are numbers, else rows of values. */
  inverseTransform(codes: TableInput): NDArray | unknown[][] {
    const { categories } = this.fitted('inverseTransform');
    const frame = this.aligned(readFrame('x', codes));
    const { unknownValue = Number.NaN, encodedMissingValue } = this.#options;
    return givenBack(frame.n, categories, (k) => {
      const codes = frame.numbers(k);
      const missing = categories[k].includes(null) ? encodedMissingValue : Number.NaN;
      return (row) => {
        const code = codes[row];
        if (Object.is(code, missing) || Object.is(code, unknownValue)) return null;
        if (!Number.isInteger(code) || code < 0 || code >= categories[k].length)
          throw wrongValue(
            `${frame.nameOf(k)} of x at row ${row}`,
            `the number of one of ${categories[k].length} categories`,
            code,
          );
        return categories[k][code];
      };
    });
  }

  protected override measure(x: Frame): Learnt {
    const { categories, handleUnknown, unknownValue = Number.NaN, encodedMissingValue } = this.#options;
    const learnt = learnCategories(x, categories, handleUnknown === 'error');
    for (const [k, own] of learnt.entries()) {
      const numbers = own.length - Number(own.includes(null)); // a missing value has another
      const refuse = (name: string, value: number) => wrongValue(name, `none of the numbers of ${x.nameOf(k)}`, value);
      if (unknownValue >= 0 && unknownValue < numbers) throw refuse('unknownValue', unknownValue);
      if (numbers < own.length && Number.isInteger(encodedMissingValue) && encodedMissingValue >= 0)
        if (encodedMissingValue < numbers) throw refuse('encodedMissingValue', encodedMissingValue);
    }
    return { categories: learnt };
  }

  protected override apply(x: Frame, { categories }: Learnt): Frame {
    const { handleUnknown, unknownValue = Number.NaN, encodedMissingValue } = this.#options;
    const z = NDArray.zeros([x.n, x.width]);
    for (const [k, own] of categories.entries()) {
      const codes = placesOf(x, k, own);
      if (handleUnknown === 'error') refuseUnknown(x, k, codes, own);
      for (let i = 0; i < x.n; i++) {
        const code = codes[i];
        z.data[i * x.width + k] = code < 0 ? unknownValue : own[code] === null ? encodedMissingValue : code;
      }
    }
    return Frame.ofMatrix(z);
  }

  protected override namesOut(names: readonly string[]): string[] {
    return [...names];
  }

  protected override readonly schema: Schema<Learnt> = object<Learnt>({ categories: categoryLists });

  protected override checkState({ categories }: Learnt, width: number): void {
    if (categories.length !== width) throw expected('state.categories', `a list of ${width}`, categories);
  }
}
