import { filled } from '../allocate.js';
import { type ArrayInput, argmaxRows, asArray, checkFinite, NDArray, position } from '../array.js';
import { wrongValue } from '../check.js';
import { expected, label, list, object, oneOf } from '../io/schema.js';
import { codesOf, type Label, type Labels, labelsOf, listed, readLabels, sameLabels, uniqueLabels } from '../labels.js';
import { readClasses, readIndicators } from '../scores/classification.js';

/** Class labels, or rows of 0s and 1s (several labels a sample). */
export type ClassTargets = Labels | ArrayInput;
type Read = { labels: ArrayLike<Label> } | { indicators: NDArray };

/** Class targets in columns of 0s and 1s, and back: scikit-learn's LabelBinarizer. */
export class LabelBinarizer {
  readonly kind: 'binary' | 'multiclass' | 'multilabel';
  readonly classes: readonly Label[];

  private constructor(kind: LabelBinarizer['kind'], classes: readonly Label[]) {
    this.kind = kind;
    this.classes = classes;
  }

  /** For the classes that occur in y. */
  static fromTargets(y: ClassTargets): LabelBinarizer {
    const read = readTargets(y);
    if ('indicators' in read) return LabelBinarizer.#multilabel(read.indicators);
    return LabelBinarizer.#ofClasses(uniqueLabels(read.labels));
  }

  /** For given classes, of which y need not hold all. */
  static fromClasses(classes: Labels, y: ClassTargets): LabelBinarizer {
    const all = uniqueLabels(readLabels('classes', classes));
    const read = readTargets(y);
    if (!('indicators' in read)) return LabelBinarizer.#ofClasses(all);
    const binarizer = LabelBinarizer.#multilabel(read.indicators);
    if (!sameLabels(all, binarizer.classes))
      throw wrongValue('classes', `the columns of y, 0 to ${binarizer.classes.length - 1}`, classes);
    return binarizer;
  }

  /** What `toJSON` gave. @throws RangeError with the place of what is wrong */
  static fromJSON(name: string, json: unknown): LabelBinarizer {
    const { kind, classes } = binarizer(name, json);
    const other = classes.findIndex((each, k) => typeof each !== typeof classes[0] || classes.indexOf(each) < k);
    if (other >= 0) throw expected(`${name}.classes[${other}]`, 'a class of its own, of one kind', classes[other]);
    if (kind !== 'multilabel' && kind !== LabelBinarizer.#ofClasses([...classes]).kind)
      throw expected(`${name}.kind`, `that of ${classes.length} classes`, kind);
    return new LabelBinarizer(kind, classes);
  }

  toJSON(): { kind: LabelBinarizer['kind']; classes: readonly Label[] } {
    return { kind: this.kind, classes: this.classes };
  }

  static #multilabel(indicators: NDArray): LabelBinarizer {
    return new LabelBinarizer(
      'multilabel',
      Array.from({ length: indicators.shape[1] }, (_, k) => k),
    );
  }

  static #ofClasses(classes: Label[]): LabelBinarizer {
    return new LabelBinarizer(classes.length > 2 ? 'multiclass' : 'binary', classes);
  }

  /** Columns of the targets: one for two classes; for a single one too, as in scikit-learn, which learns to say no. */
  get outputs(): number {
    return this.kind === 'binary' ? 1 : this.classes.length;
  }

  /** The targets of y, [n, outputs]. @throws RangeError naming the row of a label that is not one of the classes */
  transform(y: ClassTargets): NDArray {
    const read = readTargets(y);
    if ('indicators' in read) {
      if (this.kind !== 'multilabel' || read.indicators.shape[1] !== this.outputs)
        throw new RangeError(`Expected y to hold ${this.#expected()}, got shape [${read.indicators.shape.join(', ')}]`);
      return read.indicators;
    }
    if (this.kind === 'multilabel') throw new RangeError(`Expected y to hold ${this.#expected()}, got one label a row`);
    const codes = codesOf(read.labels, this.classes);
    const unknown = codes.indexOf(-1);
    if (unknown >= 0)
      throw new RangeError(
        `Expected y to hold ${this.#expected()}, got ${listed([read.labels[unknown]])} at row ${unknown}`,
      );
    const columns = NDArray.zeros([codes.length, this.outputs], 'int32');
    if (this.kind === 'binary') columns.data.set(codes);
    else
      codes.forEach((code, i) => {
        columns.data[i * this.outputs + code] = 1;
      });
    return columns;
  }

  /** @throws RangeError if the classes in y are not exactly these */
  checkSame(y: ClassTargets): void {
    const read = readTargets(y);
    this.transform(y);
    if ('indicators' in read) return;
    const found = uniqueLabels(read.labels);
    if (found.length !== this.classes.length)
      throw new RangeError(
        `Expected y to hold all classes of the last fit, ${listed(this.classes)}, where warmStart is true, got only ${listed(found)}`,
      );
  }

  /** What the network's outputs [n, outputs] stand for: labels, or rows of 0s and 1s. */
  inverse(p: NDArray): NDArray | string[] | boolean[] {
    if (this.kind === 'multilabel') return this.decide(p);
    return labelsOf(this.decide(p).data, this.classes);
  }

  /** The decisions behind `inverse`, int32: the class numbers [n], or 0s and 1s [n, outputs]. */
  decide(p: NDArray): NDArray {
    if (this.kind === 'multiclass') return argmaxRows(p);
    const least = this.classes.length === 1 ? Number.POSITIVE_INFINITY : 0.5;
    const above = filled(Int32Array, p.size, (i) => (p.data[i] > least ? 1 : 0));
    return NDArray.wrap(above, this.kind === 'binary' ? [above.length] : p.shape);
  }

  #expected(): string {
    if (this.kind === 'multilabel') return `rows of ${this.outputs} 0s and 1s, as at fit`;
    return `labels out of the classes of the last fit, ${listed(this.classes)}`;
  }
}

const binarizer = object<{ kind: LabelBinarizer['kind']; classes: readonly Label[] }>({
  kind: oneOf('binary', 'multiclass', 'multilabel'),
  classes: list(label, 1),
});

function readTargets(y: ClassTargets): Read {
  const indicators = readIndicators('y', y);
  return indicators ? { indicators } : { labels: readClasses('y', y) };
}

/** Numbers [n] or [n, outputs] as [n, outputs]. */
export function readNumbers(y: ArrayInput, nonNegative: boolean): NDArray {
  const array = asArray('y', y);
  if (array.ndim !== 1 && array.ndim !== 2)
    throw new RangeError(`Expected y to have 1 or 2 dimensions, got shape [${array.shape.join(', ')}]`);
  if (array.size === 0) throw new RangeError(`Expected y to hold data, got shape [${array.shape.join(', ')}]`);
  checkFinite('y', array);
  const wrong = nonNegative ? array.data.findIndex((value: number) => value < 0) : -1;
  if (wrong >= 0)
    throw new RangeError(
      `Expected y to hold non-negative numbers for the loss 'poisson', got ${array.data[wrong]} at ${position(wrong, array.shape)}`,
    );
  return array.ndim === 1 ? array.reshape(-1, 1) : array;
}
