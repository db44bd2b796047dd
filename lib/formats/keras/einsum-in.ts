import type { NDArray } from '../../array.js';
import { wrongValue } from '../../check.js';
import type { Operand } from '../../graph/operand.js';
import { isValue, sizeOf, type Value } from '../../graph/value.js';
import { ops } from '../../ops.js';

type Letters = readonly string[];

/** An operand, and what the axes of a sample of it are called. */
interface Term {
  readonly x: Value | NDArray;
  readonly letters: Letters;
}

const without = (letters: Letters, ...others: Letters[]) =>
  letters.filter((letter) => !others.some((other) => other.includes(letter)));
const common = (p: Letters, q: Letters) => p.filter((letter) => q.includes(letter));

/** The letters of a term, and for `...` names of the axes from the right. */
function lettersOf(term: string, rank: number): string[] {
  const parts = term.split('...');
  const named = parts.join('');
  const more = rank - named.length;
  const fits = parts.length === 1 ? more === 0 : parts.length === 2 && more >= 0;
  if (!/^[A-Za-z]*$/.test(named) || new Set(named).size < named.length || !fits)
    throw wrongValue('the terms of subscripts', `of a letter for each axis, each once, as of ${rank} axes`, term);
  return [...parts[0], ...Array.from({ length: more }, (_, i) => `.${more - i}`), ...(parts[1] ?? '')];
}

/** Those of the result where the subscripts name none: what occurs once, in order. */
function byDefault(terms: readonly Letters[]): string[] {
  const all = terms.flat();
  const isOnce = (letter: string) => all.indexOf(letter) === all.lastIndexOf(letter);
  return [...new Set(all.filter((letter) => letter.startsWith('.'))), ...all.filter(isOnce).toSorted()];
}

const sizesOf = ({ x, letters }: Term, of: Letters) => of.map((letter) => x.shape[letters.indexOf(letter)]);

/** The axes of groups of letters in this order, those of each group as one. */
function grouped(term: Term, groups: readonly Letters[]): Value {
  const order = groups.flat().map((letter) => term.letters.indexOf(letter));
  const moved = order.every((axis, i) => axis === i) ? term.x : ops.transpose(term.x as Operand, order);
  return ops.reshape(
    moved as Operand,
    groups.map((group) => sizeOf(sizesOf(term, group))),
  ) as Value;
}

/** A term without the axes that no other has. */
function summed(term: Term, wanted: Letters): Term {
  const gone = without(term.letters, wanted);
  if (gone.length === 0) return term;
  const axis = gone.map((letter) => term.letters.indexOf(letter));
  return { x: ops.sum(term.x as Operand, { axis }) as Value, letters: common(term.letters, wanted) };
}

/** Sums over what is not wanted, as a product of matrices; where there is nothing to sum, as products value by value. */
function productOf(a: Term, b: Term, wanted: Letters): Term {
  const [left, right] = [summed(a, [...b.letters, ...wanted]), summed(b, [...a.letters, ...wanted])];
  const both = common(left.letters, right.letters);
  const sizes = sizesOf(left, both);
  if (sizes.join() !== sizesOf(right, both).join())
    throw wrongValue(`the axes ${both.join('')} of its operands`, `of the lengths [${sizes}]`, sizesOf(right, both));
  const [kept, over] = [common(both, wanted), without(both, wanted)];
  const [p, q] = [without(left.letters, right.letters), without(right.letters, left.letters)];
  const each = kept.map((letter) => [letter]);
  const product =
    over.length === 0
      ? ops.mul(grouped(left, [...each, p, []]), grouped(right, [...each, [], q]))
      : ops.matmul(grouped(left, [...each, p, over]), grouped(right, [...each, over, q]));
  const shape = [...sizesOf(left, [...kept, ...p]), ...sizesOf(right, q)];
  return { x: ops.reshape(product as Value, shape) as Value, letters: [...kept, ...p, ...q] };
}

/**
 * Sums of products, as `einsum` of NumPy has them, where the batch is the first axis of each value and of the result, and no constant's.
 * @throws TypeError or RangeError for what goes across the batch
 */
export function einsumOf(subscripts: string, operands: readonly (Value | NDArray)[]): Value {
  const [given, result] = subscripts.replaceAll(' ', '').split('->');
  const names = given.split(',');
  if (names.length !== operands.length) throw wrongValue('subscripts', `of ${operands.length} terms`, subscripts);
  const all = operands.map((x, i) => lettersOf(names[i], x.shape.length + Number(isValue(x))));
  const most = Math.max(...all.map((letters) => letters.filter((letter) => letter.startsWith('.')).length));
  const output =
    result === undefined
      ? byDefault(all)
      : lettersOf(result, result.replace('...', '').length + (result.includes('...') ? most : 0));
  const [batch, ...wanted] = output;
  const isOfBatch = operands.every((x, i) => (isValue(x) ? all[i][0] === batch : !all[i].includes(batch)));
  if (!isOfBatch)
    throw wrongValue('subscripts', 'such that the batch stays first, and goes with itself alone', subscripts);
  const terms = operands.map((x, i): Term => ({ x, letters: without(all[i], [batch]) }));
  const missing = without(wanted, ...terms.map(({ letters }) => letters));
  if (missing.length > 0) throw wrongValue('subscripts', 'whose result has axes of its terms', subscripts);
  const [first, ...others] = terms;
  const made = others.reduce((product, term, i) => {
    const later = others.slice(i + 1).flatMap(({ letters }) => letters);
    return productOf(product, term, [...wanted, ...later]);
  }, first);
  const last = summed(made, wanted);
  return ops.transpose(
    last.x as Operand,
    wanted.map((letter) => last.letters.indexOf(letter)),
  ) as Value;
}
