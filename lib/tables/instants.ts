import { wrongType } from '../check.js';
import { type Frame, isDate, isMissing } from './frame.js';

/** How dates are written: year first (ISO 8601), month first, or day first. */
export const DATE_FORMATS = ['iso', 'mdy', 'dmy'] as const;
export type DateFormat = (typeof DATE_FORMATS)[number];

const TIME = String.raw`(?:[T ]\s*(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?\s*(Z|[+-](?:[01]\d|2[0-3])(?::?[0-5]\d)?)?)?`;
const PATTERNS: Record<DateFormat, RegExp> = {
  iso: new RegExp(`^(\\d{4})([-/])(\\d{1,2})(?:\\2(\\d{1,2}))?${TIME}$`),
  mdy: new RegExp(`^(\\d{1,2})([-/.])(\\d{1,2})\\2(\\d{2}|\\d{4})${TIME}$`),
  dmy: new RegExp(`^(\\d{1,2})([-/.])(\\d{1,2})\\2(\\d{2}|\\d{4})${TIME}$`),
};

/** Milliseconds since 1970 of a date as text; NaN for what is none. Without a zone it is UTC. */
export function parseInstant(text: string, format: DateFormat): number {
  const parts = PATTERNS[format].exec(text.trim());
  if (!parts) return Number.NaN;
  const [, a, , b, c, hour = '0', minute = '0', second = '0', fraction = '', zone = 'Z'] = parts;
  const [year, month, day] = format === 'iso' ? [a, b, c ?? '1'] : format === 'mdy' ? [c, a, b] : [c, b, a];
  const instant = new Date(0);
  instant.setUTCFullYear(fullYear(year), Number(month) - 1, Number(day));
  // such as February 30th
  if (instant.getUTCMonth() !== Number(month) - 1 || instant.getUTCDate() !== Number(day)) return Number.NaN;
  if (Number(hour) > 23 || Number(minute) > 59 || Number(second) > 59) return Number.NaN;
  instant.setUTCHours(Number(hour), Number(minute), Number(second), Number(fraction.padEnd(3, '0').slice(0, 3)));
  const [, sign, hours, minutes = '0'] = /([+-])(\d{2}):?(\d{2})?/.exec(zone) ?? [];
  const shift = sign ? (Number(hours) * 60 + Number(minutes)) * (sign === '-' ? 1 : -1) : 0;
  return instant.getTime() + shift * 60_000;
}

/** Two digits as POSIX and Python read them: 69 to 99 are of the last century. */
function fullYear(text: string): number {
  const year = Number(text);
  if (text.length > 2) return year;
  return year < 69 ? 2000 + year : 1900 + year;
}

/** The format in which all values of a column are dates, if there is one; the first of several, and which others there are. */
export function formatsOf(values: readonly unknown[]): DateFormat[] {
  const texts = values.filter((value): value is string => typeof value === 'string');
  if (texts.length === 0 || texts.length < values.length) return [];
  return DATE_FORMATS.filter((format) => texts.every((text) => !Number.isNaN(parseInstant(text, format))));
}

/**
 * A column of dates as milliseconds since 1970, NaN where one is missing.
 * @param unit of numbers; without it they are refused, as seconds and milliseconds look alike
 * @throws TypeError with row and column for what is no date, and for seconds among milliseconds or the other way round
 */
export function instantsOf(x: Frame, k: number, format: DateFormat, unit: 's' | 'ms' | undefined): Float64Array {
  if (unit) checkUnit(x, k, unit);
  return Float64Array.from(x.column(k), (value, row) => {
    if (isMissing(value)) return Number.NaN;
    if (isDate(value)) return value.getTime();
    if (typeof value === 'number' && unit) {
      const instant = unit === 's' ? 1000 * value : value;
      if (Math.abs(instant) <= 8.64e15) return instant;
      throw new RangeError(`Expected ${x.nameOf(k)} of x to hold times that a Date can be, got ${value} at row ${row}`);
    }
    const instant = typeof value === 'string' ? parseInstant(value, format) : Number.NaN;
    if (!Number.isNaN(instant)) return instant;
    const wanted = {
      iso: 'a Date, or a date such as 2012-01-31 or 2012-01-31T12:00:00Z',
      mdy: 'a Date, or a date such as 1/31/2012',
      dmy: 'a Date, or a date such as 31/1/2012',
    }[format];
    const hint = typeof value === 'number' ? " (the option unit, 's' or 'ms', takes numbers)" : '';
    throw wrongType(`${x.nameOf(k)} of x at row ${row}`, `${wanted}${hint}`, value);
  });
}

/** Of dates since 1973, milliseconds are beyond this and seconds are not, until the year 5138. */
const BETWEEN = 1e11;

/**
 * Numbers of one unit come on both sides of 10^11 where they are milliseconds from before and after 1973, with others in between;
 * of two units they are a hundred times apart at least.
 */
function checkUnit(x: Frame, k: number, unit: 's' | 'ms'): void {
  let [small, large] = [0, Number.POSITIVE_INFINITY];
  const odd = { s: -1, ms: -1 };
  for (const [row, value] of Array.from(x.column(k)).entries()) {
    if (typeof value !== 'number' || !(Math.abs(value) >= BETWEEN / 1000)) continue;
    const size = Math.abs(value);
    if (size < BETWEEN) small = Math.max(small, size);
    else large = Math.min(large, size);
    const own = size < BETWEEN ? 's' : 'ms';
    if (odd[own] < 0) odd[own] = row;
  }
  if (odd.s < 0 || odd.ms < 0 || large < 100 * small) return;
  const words = { s: 'seconds', ms: 'milliseconds' };
  const other = unit === 's' ? 'ms' : 's';
  const row = odd[other];
  throw wrongType(
    `${x.nameOf(k)} of x at row ${row}`,
    `${words[unit]} since 1970 like the others, not ${words[other]}`,
    x.column(k)[row],
  );
}
