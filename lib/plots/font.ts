/**
 * Text is measured here and not by Vega, which without a canvas takes every letter for 0.8 em. The widths are those of
 * Arial; Arimo (the font of the PNGs), Liberation Sans and Helvetica have the same, so one layout fits every machine.
 */

export const FONT = 'Arial, Arimo, Liberation Sans, Helvetica, sans-serif';

/** Advance widths in 1/1000 em of the characters from space to ~ (Arimo's hmtx table, equal to Adobe's Helvetica AFM). */
const REGULAR = [
  278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556, 556, 556, 556, 556,
  556, 556, 556, 278, 278, 584, 584, 584, 556, 1015, 667, 667, 722, 722, 667, 611, 778, 722, 278, 500, 667, 556, 833,
  722, 778, 667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 278, 278, 278, 469, 556, 333, 556, 556, 500, 556,
  556, 278, 556, 556, 222, 222, 500, 222, 833, 556, 556, 556, 556, 333, 500, 278, 556, 500, 722, 500, 500, 500, 334,
  260, 334, 584,
];
const BOLD = [
  278, 333, 474, 556, 556, 889, 722, 238, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556, 556, 556, 556, 556,
  556, 556, 556, 333, 333, 584, 584, 584, 611, 975, 722, 722, 722, 722, 667, 611, 778, 722, 278, 556, 722, 611, 833,
  722, 778, 667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 333, 278, 333, 584, 556, 333, 556, 611, 556, 611,
  556, 333, 611, 611, 278, 278, 556, 278, 889, 611, 611, 611, 611, 389, 556, 333, 611, 556, 778, 556, 556, 500, 389,
  280, 389, 584,
];

const OTHER: Record<string, number> = { '−': 584, '×': 584, '·': 333, '–': 556, '°': 400, '′': 240, '≠': 549 };

/** The width in px of one line of text at `size` px. Characters of other scripts are taken a little too wide. */
export function textWidth(text: string, size: number, bold = false): number {
  const table = bold ? BOLD : REGULAR;
  let sum = 0;
  for (const char of text) {
    const code = char.codePointAt(0)!;
    sum += table[code - 32] ?? OTHER[char] ?? (code < 0x2000 ? 770 : 1000);
  }
  return (sum / 1000) * size;
}

export const widest = (texts: readonly string[], size: number, bold = false): number =>
  texts.reduce((most, text) => Math.max(most, textWidth(text, size, bold)), 0);

/** Breaks text into lines of at most `width` px, between words; a word wider than a line has one of its own. */
export function wrap(text: string, width: number, size: number, bold = false): string[] {
  const lines: string[] = [];
  for (const word of text.split(/\s+/)) {
    const longer = lines.length > 0 ? `${lines[lines.length - 1]} ${word}` : word;
    if (lines.length > 0 && textWidth(longer, size, bold) <= width) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return lines;
}

/** `text`, cut with an ellipsis to `width` px. */
export function clip(text: string, width: number, size: number, bold = false): string {
  if (textWidth(text, size, bold) <= width) return text;
  let room = width - textWidth('…', size, bold);
  let start = '';
  for (const char of text) {
    room -= textWidth(char, size, bold);
    if (room < 0) break;
    start += char;
  }
  return `${start}…`;
}
