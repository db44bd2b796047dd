// '2.4ms', '10GB/s' and the like as numbers, and back. Prefixes are powers of 1000.
const PREFIXES = { n: 1e-9, u: 1e-6, m: 1e-3, '': 1, k: 1e3, K: 1e3, M: 1e6, G: 1e9 };

/** A quantity in seconds ('s'), bytes ('B') or bytes a second ('B/s', or bits: 'bit/s'). */
export function quantity(name, text, unit) {
  const [, number, prefix = '', given] = /^([\d.]+(?:e[+-]?\d+)?)([numkKMG]?)(s|B|B\/s|bit\/s)$/.exec(text) ?? [];
  const value = Number(number) * PREFIXES[prefix];
  if (given === unit && value >= 0) return value;
  if (given === 'bit/s' && unit === 'B/s' && value >= 0) return value / 8;
  throw new TypeError(
    `Expected --${name} to be like ${{ s: '2.4ms', B: '2.7MB', 'B/s': '10GB/s' }[unit]}, got '${text}'`,
  );
}

/** A number from `least` on. */
export function number(name, text, least = 0) {
  const value = text.trim() === '' ? Number.NaN : Number(text);
  if (value >= least && Number.isFinite(value)) return value;
  throw new TypeError(`Expected --${name} to be a number from ${least} on, got '${text}'`);
}

/** Three digits and the prefix that suits. */
export function shown(value, unit) {
  if (!Number.isFinite(value) || value === 0) return `${value} ${unit}`;
  const [prefix, size] = Object.entries(PREFIXES)
    .filter(([prefix, size]) => prefix !== 'K' && (size <= 1 || unit !== 's'))
    .findLast(([, size]) => Math.abs(value) >= size) ?? ['n', 1e-9];
  const digits = (value / size).toPrecision(3);
  return `${digits.includes('e') ? Number(digits) : digits} ${prefix}${unit}`;
}

/** Lines of columns: the first on the left, others on the right. */
export function table(rows) {
  const widths = rows[0].map((_, i) => Math.max(...rows.map((row) => row[i].length)));
  return rows
    .map((row) => row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join('  '))
    .join('\n');
}
