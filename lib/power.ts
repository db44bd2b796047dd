/** Dekker's: a double times this falls into two halves of 26 bits, whose products are exact. */
const SPLIT = 2 ** 27 + 1;

/**
 * x ** n for x >= 0. JavaScript leaves the last bit of `**` to the engine: those of Node.js 22, Node.js 24 and Bun differ, and a
 * training would show it after some steps. Here whole powers between 2^-900 and 2^900 are rounded correctly, all but about one in
 * 10^9; others are the engine's. Two doubles carry the value, squared again and again (Dekker, A floating-point technique for
 * extending the available precision, 1971). No array in between: optimizers ask for every step, and what those leave behind
 * was two thirds of the garbage of a grid of estimators.
 */
export function power(x: number, n: number): number {
  if (!Number.isInteger(n) || n < 0) return x ** n;
  let high = 1;
  let low = 0;
  let square = x;
  let rest = 0;
  for (let left = n; left >= 1; left = Math.floor(left / 2)) {
    if (left % 2 === 1) {
      const product = high * square;
      const error = lost(high, square) + (high * rest + low * square);
      high = product + error;
      low = error - (high - product);
    }
    const product = square * square;
    const error = lost(square, square) + 2 * square * rest;
    square = product + error;
    rest = error - (square - product);
  }
  const value = high + low;
  return Number.isFinite(value) ? value : x ** n;
}

/** a * b as it is, less what it is rounded to. */
function lost(a: number, b: number): number {
  const scaledA = SPLIT * a;
  const scaledB = SPLIT * b;
  const firstA = scaledA - (scaledA - a);
  const firstB = scaledB - (scaledB - b);
  const restA = a - firstA;
  const restB = b - firstB;
  return restA * restB - (a * b - firstA * firstB - restA * firstB - firstA * restB);
}
