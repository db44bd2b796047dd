import { type ArrayInput, NDArray } from './array.js';
import { notFitted } from './check.js';
import { at } from './io/file-errors.js';
import { expected, label, list, object } from './io/schema.js';
import { codesOf, type Label, type Labels, labelsOf, listed, readCodes, readLabels, uniqueLabels } from './labels.js';
import { type Parts, registerSaved, Saved } from './saved.js';

const isEmpty = (y: Labels) => Array.isArray(y) && y.length === 0;

/**
 * Class labels as numbers, and back: scikit-learn's `LabelEncoder`. The number of a class is its place among the sorted
 * classes, of strings by their code points.
 *
 * ```js
 * new LabelEncoder().fitTransform(['dog', 'cat', 'dog']); // [1, 0, 1]
 * ```
 */
export class LabelEncoder extends Saved {
  static override readonly className = 'LabelEncoder';
  #classes?: readonly Label[];

  static {
    registerSaved(LabelEncoder);
  }

  /** @param y strings, booleans or numbers, one a sample, all of one kind */
  fit(y: Labels): this {
    this.#classes = uniqueLabels(readLabels('y', y));
    return this;
  }

  /**
   * @param y labels out of those of `fit`
   * @returns int32 [n]
   * @throws Error with code ERR_NOT_FITTED before `fit`
   * @throws RangeError naming the labels that `fit` did not see
   */
  transform(y: Labels): NDArray {
    const classes = this.#fitted('transform');
    if (isEmpty(y)) return NDArray.zeros([0], 'int32');
    const labels = readLabels('y', y);
    const codes = codesOf(labels, classes);
    if (codes.includes(-1)) {
      const unknown = Array.from(labels).filter((_, i) => codes[i] === -1);
      throw new RangeError(`Expected y to hold labels that fit saw, got others: ${listed(uniqueLabels(unknown))}`);
    }
    return NDArray.wrap(codes);
  }

  fitTransform(y: Labels): NDArray {
    return this.fit(y).transform(y);
  }

  /**
   * @param codes numbers of classes, [n] or [n, 1]
   * @returns their labels: of numbers an array, int32 where all classes are 32-bit integers
   * @throws Error with code ERR_NOT_FITTED before `fit`; RangeError naming the row of what is no class
   */
  inverseTransform(codes: ArrayInput): NDArray | string[] | boolean[] {
    const classes = this.#fitted('inverseTransform');
    return labelsOf(isEmpty(codes) ? [] : readCodes('codes', codes, classes.length), classes);
  }

  /** The classes, sorted. Throws ERR_NOT_FITTED before `fit`. */
  get classes(): Label[] {
    return [...this.#fitted('classes')];
  }

  protected override parts(): Parts {
    return { config: {}, ...(this.#classes && { state: { classes: this.#classes } }) };
  }

  protected override restore(saved: unknown): void {
    const { classes } = object<{ classes: readonly Label[] }>({ classes: list(label, 1) })('state', saved);
    const sorted = at('state.classes', () => uniqueLabels(classes));
    if (sorted.length !== classes.length || sorted.some((each, k) => each !== classes[k]))
      throw expected('state.classes', 'sorted, of one kind, each once', classes);
    this.#classes = classes;
  }

  #fitted(member: string): readonly Label[] {
    if (this.#classes) return this.#classes;
    throw notFitted('LabelEncoder', member);
  }
}
