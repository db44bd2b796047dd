import { DOMParser, type Element } from '@xmldom/xmldom';
import { textWidth } from '../../dist/plots/font.js';

/** The rectangle a line of text covers, in the coordinates of the view box. */
export interface TextBox {
  readonly text: string;
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
  /** Neither level nor upright. */
  readonly aslant: boolean;
}

/** The root of an SVG; throws where it is not well-formed XML. */
export function parseSvg(svg: string): Element {
  const onError = (level: string, message: string) => {
    // U+FFFD is a character like others, and stands where a label held what XML cannot.
    if (!message.includes('replacement character')) throw new Error(`${level}: ${message}`);
  };
  return new DOMParser({ onError }).parseFromString(svg, 'image/svg+xml').documentElement!;
}

export const elements = (root: Element, name: string): Element[] => Array.from(root.getElementsByTagName(name));

/** x' = a x + c y + e, y' = b x + d y + f */
type Matrix = readonly [a: number, b: number, c: number, d: number, e: number, f: number];
const IDENTITY: Matrix = [1, 0, 0, 1, 0, 0];

const multiply = (m: Matrix, n: Matrix): Matrix => [
  m[0] * n[0] + m[2] * n[1],
  m[1] * n[0] + m[3] * n[1],
  m[0] * n[2] + m[2] * n[3],
  m[1] * n[2] + m[3] * n[3],
  m[0] * n[4] + m[2] * n[5] + m[4],
  m[1] * n[4] + m[3] * n[5] + m[5],
];

function transformOf(element: Element): Matrix {
  let matrix = IDENTITY;
  const rest = (element.getAttribute('transform') ?? '').replace(/(\w+)\(([^)]*)\)/g, (whole, kind, list) => {
    const [x, y = 0] = list.split(/[ ,]+/).map(Number);
    const angle = (x * Math.PI) / 180;
    if (kind === 'translate') matrix = multiply(matrix, [1, 0, 0, 1, x, y]);
    else if (kind === 'rotate')
      matrix = multiply(matrix, [Math.cos(angle), Math.sin(angle), -Math.sin(angle), Math.cos(angle), 0, 0]);
    else return whole;
    return '';
  });
  if (rest.trim() !== '') throw new Error(`a transform this test does not know: ${rest}`);
  return matrix;
}

/** Where every line of visible text lies, by the font's widths and 0.75 em above and 0.2 em below its base line. */
export function textBoxes(root: Element): TextBox[] {
  // Vega hides the labels that would overlap in this way.
  const visible = elements(root, 'text').filter((element) => element.getAttribute('opacity') !== '0');
  return visible.flatMap((element) => {
    let matrix = IDENTITY;
    for (let node: Element | null = element; node && node !== root; node = node.parentNode as Element | null)
      matrix = multiply(transformOf(node), matrix);
    const size = Number.parseFloat(element.getAttribute('font-size') ?? '11');
    const bold = element.getAttribute('font-weight') === 'bold';
    const spans = elements(element, 'tspan');
    let y = 0;
    return (spans.length > 0 ? spans : [element]).map((line) => {
      y += Number(line.getAttribute('dy') ?? 0);
      const text = line.textContent ?? '';
      const width = textWidth(text, size, bold);
      const anchor = element.getAttribute('text-anchor') ?? 'start';
      const x = anchor === 'middle' ? -width / 2 : anchor === 'end' ? -width : 0;
      const [a, b, c, d, e, f] = matrix;
      const corners = [
        [x, y - 0.75 * size],
        [x + width, y - 0.75 * size],
        [x, y + 0.2 * size],
        [x + width, y + 0.2 * size],
      ].map(([u, v]) => [a * u + c * v + e, b * u + d * v + f]);
      const [xs, ys] = [corners.map(([u]) => u), corners.map(([, v]) => v)];
      const aslant = Math.min(Math.abs(a), Math.abs(b)) > 1e-9;
      const [left, right, top, bottom] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
      return { text, left, right, top, bottom, aslant };
    });
  });
}

export const viewBox = (root: Element): number[] => root.getAttribute('viewBox')!.split(' ').map(Number);

/** Texts that lie outside the view box, with their places. */
export function outside(root: Element): TextBox[] {
  const [x, y, width, height] = viewBox(root);
  return textBoxes(root).filter(
    (box) => box.left < x - 0.5 || box.right > x + width + 0.5 || box.top < y - 0.5 || box.bottom > y + height + 0.5,
  );
}

/** Pairs of texts that cover each other by more than a px both ways; texts aslant are left out. */
export function overlapping(root: Element): string[] {
  const boxes = textBoxes(root).filter((box) => box.text !== '' && !box.aslant);
  const found: string[] = [];
  boxes.forEach((a, i) => {
    for (const b of boxes.slice(i + 1)) {
      const across = Math.min(a.right, b.right) - Math.max(a.left, b.left);
      const down = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
      if (across > 1 && down > 1) found.push(`'${a.text}' over '${b.text}'`);
    }
  });
  return found;
}
