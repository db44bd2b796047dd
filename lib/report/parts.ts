import type { Plot } from '../plots/plot.js';
import type { PlotOptions } from '../plots/theme.js';
import { type Content, type Html, html, raw } from './html.js';

/** Widths in px that figures are drawn at: for phones, alone on the page, and one beside another. */
const WIDTHS = { narrow: 360, wide: 900, half: 450 } as const;

/** What a figure is drawn with: pass it on to a plot. */
export type Drawing = Required<Pick<PlotOptions, 'width' | 'theme'>>;

/**
 * A figure with its caption, drawn twice, so that its words have the size of the text on a phone as well; of the two one
 * is shown and read out.
 */
export async function figure(
  draw: (drawing: Drawing) => Plot | Promise<Plot>,
  caption: string,
  options: { half?: boolean; most?: number } = {},
): Promise<Html> {
  const wide = Math.min(options.half ? WIDTHS.half : WIDTHS.wide, options.most ?? Number.POSITIVE_INFINITY);
  const drawn = await Promise.all(
    [WIDTHS.narrow, wide].map(async (width) => raw(await (await draw({ width, theme: 'auto' })).svg())),
  );
  return html`<figure>
<div class="narrow">${drawn[0]}</div>
<div class="wide">${drawn[1]}</div>
<figcaption>${caption}</figcaption>
</figure>`;
}

/** Two figures beside each other where there is room. */
export const pair = (left: Html, right: Html): Html => html`<div class="pair">${[left, right]}</div>`;

export const paragraph = (...content: readonly Content[]): Html => html`<p>${content}</p>`;

export const note = (text: string): Html => html`<p class="note">${text}</p>`;

/** Names and what they are. */
export const facts = (rows: readonly (readonly [name: string, value: Content])[]): Html =>
  html`<dl>${rows.map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`)}</dl>`;

/** The few numbers that matter most, large. */
export const numbers = (rows: readonly (readonly [value: string, name: string])[]): Html =>
  html`<ul class="numbers">${rows.map(([value, name]) => html`<li><b>${value}</b><span>${name}</span></li>`)}</ul>`;

/** A table; it scrolls by itself where the page is too narrow for it. Columns of numbers stand on the right. */
export function table(
  head: readonly string[],
  rows: readonly (readonly Content[])[],
  options: { caption: string; numeric?: readonly number[] },
): Html {
  const { caption, numeric = [] } = options;
  const kind = (column: number) => (numeric.includes(column) ? html` class="number"` : html``);
  const cells = (row: readonly Content[]) => row.map((cell, i) => html`<td${kind(i)}>${cell}</td>`);
  return html`<div class="scroll" role="region" aria-label="${caption}" tabindex="0">
<table>
<thead><tr>${head.map((name, i) => html`<th scope="col"${kind(i)}>${name}</th>`)}</tr></thead>
<tbody>${rows.map((row) => html`<tr>${cells(row)}</tr>`)}</tbody>
</table>
</div>`;
}

/** What a text says beside what happened. */
export const beside = (left: readonly [heading: string, content: Content], right: readonly [string, Content]): Html =>
  html`<div class="beside">${[left, right].map(([heading, content]) => html`<div><h3>${heading}</h3>${content}</div>`)}</div>`;
