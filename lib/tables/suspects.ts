// Columns that are no features: what is to be predicted is not in them, or is them.
import { isMissing } from './frame.js';

/** Row i's value. */
type At = (i: number) => unknown;

/** Whole numbers of n rows that are different everywhere, and lie close together or are called an id. */
export function countsRows(name: string, n: number, at: At): boolean {
  if (n < 3) return false;
  const seen = new Set<unknown>();
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let i = 0; i < n; i++) {
    const value = at(i);
    if (!Number.isInteger(value) || seen.has(value)) return false;
    seen.add(value);
    low = Math.min(low, value as number);
    high = Math.max(high, value as number);
  }
  // of some of the rows, drawn, it has gaps
  return /^(id|index|row|unnamed.*|.*[_ ]id|)$/i.test(name) || (n >= 20 && high - low < 2 * n);
}

/** Whether a column says the target already: the same values, or one kind for each class and each class of one kind. */
export function standsFor(n: number, own: At, target: At): boolean {
  const [there, back] = [new Map<unknown, unknown>(), new Map<unknown, unknown>()];
  for (let i = 0; i < n; i++) {
    const [a, b] = [own(i), target(i)];
    if (isMissing(a) || isMissing(b)) return false;
    if ((there.has(a) && there.get(a) !== b) || (back.has(b) && back.get(b) !== a)) return false;
    there.set(a, b);
    back.set(b, a);
  }
  // where nearly every row has a value of its own, so has any other column
  const isSame = [...there].every(([a, b]) => a === b);
  return there.size >= 2 && (isSame || there.size <= n / 10);
}
