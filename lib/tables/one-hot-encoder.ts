import { argmaxAlong } from '../array/argmax.js';
import { NDArray } from '../array.js';
import { checkInteger, checkInterval, checkOneOf, checkOptions, wrongType, wrongValue } from '../check.js';
import { expected, integer, list, object, type Schema } from '../io/schema.js';
import { registerSaved } from '../saved.js';
import { warn } from '../warn.js';
import {
  type Category,
  categoryLists,
  checkCategories,
  givenBack,
  learnCategories,
  placesOf,
  refuseUnknown,
} from './categories.js';
import { Frame, isMissing, readFrame, type TableInput } from './frame.js';
import { columnsOf, Transformer } from './transformer.js';

export interface OneHotEncoderOptions {
  /** The categories of each column. Default 'auto': those of `fit`, sorted */
  categories?: 'auto' | readonly (readonly Category[])[];
  /** A column that is left out: the first category of each, of those with two the first, or one named for each. Default: none */
  drop?: 'first' | 'ifBinary' | readonly Category[];
  /** Whether an unknown category is refused, becomes zeros, or counts as an infrequent one. Default 'error' */
  handleUnknown?: 'error' | 'ignore' | 'infrequentIfExist';
  /** Categories with fewer rows than this number, or this share in (0, 1), become one column. Default: none do */
  minFrequency?: number;
  /** Columns for each feature at most; the least frequent categories become one of them. Default: no limit */
  maxCategories?: number;
}

interface Learnt {
  readonly categories: readonly (readonly Category[])[];
  /** Of each column, the numbers of the categories that are infrequent. */
  readonly infrequent: readonly (readonly number[])[];
}

const OPTIONS = ['categories', 'drop', 'handleUnknown', 'minFrequency', 'maxCategories'];

/**
 * A column of 0s and 1s for each category: scikit-learn's `OneHotEncoder`. A missing value is a category of its own, unless it is
 * filled in before.
 *
 * ```js
 * new OneHotEncoder({ handleUnknown: 'ignore' }).fitTransform({ island: ['Dream', 'Biscoe', 'Dream'] }); // [[0, 1], [1, 0], [0, 1]]
 * ```
 */
export class OneHotEncoder extends Transformer<Learnt> {
  static override readonly className = 'OneHotEncoder';
  readonly #options: OneHotEncoderOptions & {
    categories: 'auto' | readonly (readonly Category[])[];
    handleUnknown: string;
  };

  static {
    registerSaved(OneHotEncoder);
  }

  constructor(options: OneHotEncoderOptions = {}) {
    super();
    checkOptions('options', options, OPTIONS);
    const { categories = 'auto', handleUnknown = 'error', drop, minFrequency, maxCategories } = options;
    checkCategories(categories);
    checkOneOf('handleUnknown', handleUnknown, ['error', 'ignore', 'infrequentIfExist']);
    if (drop !== undefined && !Array.isArray(drop)) checkOneOf('drop', drop, ['first', 'ifBinary']);
    if (minFrequency !== undefined)
      Number.isInteger(minFrequency)
        ? checkInteger('minFrequency', minFrequency, 1)
        : checkInterval('minFrequency', minFrequency, 0, 1, 'both');
    if (maxCategories !== undefined) checkInteger('maxCategories', maxCategories, 1);
    this.#options = {
      categories,
      handleUnknown,
      ...(drop !== undefined && { drop }),
      ...(minFrequency !== undefined && { minFrequency }),
      ...(maxCategories !== undefined && { maxCategories }),
    };
  }

  override getParams() {
    return { ...this.#options };
  }

  /** The categories of each column, sorted; null for missing. Throws ERR_NOT_FITTED before `fit`. */
  get categories(): Category[][] {
    return this.fitted('categories').categories.map((own) => [...own]);
  }

  /** Of each column the categories that share one. Throws ERR_NOT_FITTED before `fit`. */
  get infrequentCategories(): Category[][] {
    const { categories, infrequent } = this.fitted('infrequentCategories');
    return infrequent.map((places, k) => places.map((place) => categories[k][place]));
  }

  /** For exports: how many columns each feature becomes, and which one is for each category and for unknown ones; -1: none is. */
  get placement(): { width: number; ofCategory: number[]; ofUnknown: number }[] {
    const isShared = this.#options.handleUnknown === 'infrequentIfExist';
    return this.#groups(this.fitted('placement')).map(({ columns, ofCategory, infrequent }) => ({
      width: columns.length,
      ofCategory,
      ofUnknown: isShared ? infrequent : -1,
    }));
  }

  /**
   * The categories of 0s and 1s, or of probabilities [n, columns]: rows of values, or a matrix where all are numbers. Of each
   * feature the category of the largest number, the first of equals; where all are zeros, the one that `drop` left out, or null.
   * @throws Error with code ERR_NOT_FITTED before `fit`; TypeError or RangeError, with row and column, for what is no finite number
   */
  inverseTransform(z: TableInput): NDArray | unknown[][] {
    const learnt = this.fitted('inverseTransform');
    const groups = this.#groups(learnt);
    const frame = readFrame('x', z);
    const width = groups.reduce((sum, { columns }) => sum + columns.length, 0);
    if (frame.width !== width)
      throw new RangeError(`Expected x to have ${width} columns, as transform gives, got ${frame.width}`);
    const isNamed = frame.names && this.featureNamesIn;
    const { data } = (isNamed ? frame.select(columnsOf(frame, this.getFeatureNamesOut())) : frame).matrix();
    let end = 0;
    return givenBack(frame.n, learnt.categories, (k) => {
      const { columns, dropped } = groups[k];
      const first = end;
      end += columns.length;
      return (row) => {
        const own = data.subarray(row * width + first, row * width + first + columns.length);
        return (own.some((number) => number !== 0) ? columns[argmaxAlong(own, 1, own.length, 1)[0]] : dropped)?.label;
      };
    });
  }

  protected override measure(x: Frame): Learnt {
    const { categories: given, handleUnknown } = this.#options;
    const categories = learnCategories(x, given, handleUnknown === 'error');
    const learnt = {
      categories,
      infrequent: categories.map((own, k) => this.#infrequent(placesOf(x, k, own), own.length)),
    };
    this.#groups(learnt);
    return learnt;
  }

  protected override apply(x: Frame, learnt: Learnt): Frame {
    const groups = this.#groups(learnt);
    const width = groups.reduce((sum, { columns }) => sum + columns.length, 0);
    const z = NDArray.zeros([x.n, width]);
    let first = 0;
    for (const [k, { columns, ofCategory, infrequent }] of groups.entries()) {
      const own = learnt.categories[k];
      const codes = placesOf(x, k, own);
      const row = codes.indexOf(-1);
      if (row >= 0 && this.#options.handleUnknown === 'error') refuseUnknown(x, k, codes, own);
      if (row >= 0 && this.#options.drop !== undefined)
        warn(
          'FJORDNET_UNKNOWN_CATEGORY',
          `${x.nameOf(k)} has unknown categories, such as at row ${row}: they become zeros, as the category does that drop left out`,
        );
      const other = this.#options.handleUnknown === 'infrequentIfExist' ? infrequent : -1;
      for (let i = 0; i < x.n; i++) {
        const column = codes[i] < 0 ? other : ofCategory[codes[i]];
        if (column >= 0) z.data[i * width + first + column] = 1;
      }
      first += columns.length;
    }
    return Frame.ofMatrix(z);
  }

  protected override namesOut(names: readonly string[], learnt: Learnt): string[] {
    return this.#groups(learnt).flatMap(({ columns }, k) => columns.map(({ label }) => `${names[k]}_${textOf(label)}`));
  }

  protected override readonly schema: Schema<Learnt> = object<Learnt>({
    categories: categoryLists,
    infrequent: list(list(integer(0))),
  });

  protected override checkState(learnt: Learnt, width: number): void {
    const { categories, infrequent } = learnt;
    if (categories.length !== width) throw expected('state.categories', `a list of ${width}`, categories);
    if (infrequent.length !== width) throw expected('state.infrequent', `a list of ${width}`, infrequent);
    for (const [k, places] of infrequent.entries())
      if (places.some((place) => place >= categories[k].length))
        throw expected(`state.infrequent[${k}]`, 'numbers of categories', places);
    this.#groups(learnt);
  }

  /** scikit-learn's `_identify_infrequent`. */
  #infrequent(codes: Int32Array, size: number): number[] {
    const { minFrequency, maxCategories } = this.#options;
    const counts = new Array<number>(size).fill(0);
    for (const code of codes) if (code >= 0) counts[code]++;
    const least = minFrequency === undefined ? 0 : minFrequency < 1 ? minFrequency * codes.length : minFrequency;
    const rare = new Set(counts.flatMap((count, place) => (count < least ? [place] : [])));
    if (maxCategories !== undefined && maxCategories < size - rare.size + 1) {
      const byCount = counts.map((_, place) => place).sort((a, b) => counts[a] - counts[b]);
      for (const place of byCount.slice(0, size - (maxCategories - 1))) rare.add(place);
    }
    return [...rare].sort((a, b) => a - b);
  }

  /** The columns of each feature: its frequent categories, then one for the infrequent ones, without what is dropped. */
  #groups({ categories, infrequent }: Learnt) {
    const { drop } = this.#options;
    if (Array.isArray(drop) && drop.length !== categories.length)
      throw wrongValue('drop', `an array of ${categories.length} categories, one for each column`, drop);
    return categories.map((own, k) => {
      const rare = new Set(infrequent[k]);
      const frequent = own.flatMap((label, place) =>
        rare.has(place) ? [] : [{ label: label as Category | typeof INFREQUENT, place }],
      );
      const all = rare.size > 0 ? [...frequent, { label: INFREQUENT as typeof INFREQUENT, place: SHARED }] : frequent;
      let at = -1;
      if (drop === 'first' || (drop === 'ifBinary' && all.length === 2)) at = 0;
      if (Array.isArray(drop)) {
        const unwanted = isMissing(drop[k]) ? null : drop[k];
        at = all.findIndex(({ label }) => label === unwanted);
        if (at < 0) throw wrongType(`drop[${k}]`, 'one of the (frequent) categories of its column', drop[k]);
      }
      const columns = all.filter((_, i) => i !== at);
      const columnOf = new Map(columns.map(({ place }, column) => [place, column]));
      const infrequentColumn = columnOf.get(SHARED) ?? -1;
      const ofCategory = own.map((_, place) => columnOf.get(rare.has(place) ? SHARED : place) ?? -1);
      return { columns, dropped: all[at], ofCategory, infrequent: infrequentColumn };
    });
  }
}

/** scikit-learn's name of the column that infrequent categories share. */
const INFREQUENT = 'infrequent_sklearn';
/** In place of a category's number: a category may have that name, too. */
const SHARED = -1;

const textOf = (label: Category | undefined) => (label === null ? 'nan' : String(label));
