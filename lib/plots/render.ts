import { createHash } from 'node:crypto';
import { failure } from '../check.js';
import { loadPeer } from '../io/peer.js';
import { requireHere } from '../package-root.js';
import { FONT, textWidth } from './font.js';
import type { Figure } from './plot.js';
import { DARK, LIGHT } from './theme.js';

/** Vega takes a text such as 'constructor' for a name of its own; none begins with this character, which no text has. */
const MARK = '\ufdd0';
const COMMON = new RegExp(`(^|")(?=(?:${Object.getOwnPropertyNames(Object.prototype).join('|')})(?:"|$))`, 'g');

/** A copy, as Vega writes into what it is given, whose texts it takes for nothing else, those within expressions too. */
function harmless(value: unknown): unknown {
  if (typeof value === 'string') return value.replace(COMMON, `$1${MARK}`);
  if (Array.isArray(value)) return value.map(harmless);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, harmless(item)]));
}

/** Draws a figure as SVG, without a browser or DOM. */
export async function renderSvg(figure: Figure): Promise<string> {
  const vega = await loadPeer('vega', () => import('vega'));
  const vegaLite = await loadPeer('vega-lite', () => import('vega-lite'));
  measureOurFont(vega);
  const { spec } = vegaLite.compile({ ...(harmless(figure.spec) as object), background: 'transparent' } as never);
  const view = new vega.View(vega.parse(spec), { renderer: 'none' });
  try {
    return dress((await view.toSVG()).replaceAll(MARK, ''), figure);
  } finally {
    view.finalize();
  }
}

/** Draws an SVG as PNG, with the text in Arimo and in no font of the machine's. */
export async function renderPng(svg: string, scale: number): Promise<Buffer> {
  const { renderAsync } = await loadPeer('@resvg/resvg-js', () => import('@resvg/resvg-js'));
  const require = requireHere();
  const fontFiles = await loadPeer('@expo-google-fonts/arimo', async () =>
    ['400Regular', '700Bold'].map((style) => require.resolve(`@expo-google-fonts/arimo/${style}/Arimo_${style}.ttf`)),
  );
  const image = await renderAsync(svg, {
    fitTo: { mode: 'zoom', value: scale },
    font: { loadSystemFonts: false, defaultFontFamily: 'Arimo', fontFiles },
  });
  return image.asPng();
}

interface TextMetrics {
  width: ((item: { font?: string; fontSize?: number; fontWeight?: unknown }, text: unknown) => number) & {
    fjordnet?: true;
  };
}

/** Lets Vega measure text in our font by its real widths; text in other fonts is measured as before. */
function measureOurFont(vega: object): void {
  const { textMetrics } = vega as { textMetrics: TextMetrics };
  const original = textMetrics.width;
  if (original.fjordnet) return;
  textMetrics.width = Object.assign(
    (item: Parameters<typeof original>[0], text: unknown) =>
      item.font === FONT
        ? textWidth(
            String(text ?? '')
              .replaceAll(MARK, '')
              .trim(),
            item.fontSize ?? 11,
            item.fontWeight === 'bold',
          )
        : original(item, text),
    { fjordnet: true as const },
  );
}

/** Vega's SVG with the promised width, a name and a description, ids of its own, and colours for the dark. */
function dress(drawn: string, { frame, title, description }: Figure): string {
  const match = /^<svg[^>]*? width="([\d.]+)" height="([\d.]+)"[^>]*>(.*)<\/svg>$/s.exec(drawn);
  if (!match) throw failure('ERR_FORMAT', `Expected Vega to give an SVG, got ${drawn.slice(0, 60)}`);
  const [contentWidth, contentHeight] = [Number(match[1]), Number(match[2])];
  const boxWidth = Math.max(frame.width, contentWidth);
  const height = Math.ceil((contentHeight * frame.width) / boxWidth);
  const boxHeight = (height * boxWidth) / frame.width;
  const shift = Math.floor((boxWidth - contentWidth) / 2);

  const hash = createHash('sha256').update(JSON.stringify([frame, title, description, tidy(match[3], '')]));
  const id = `fjordnet-${hash.digest('hex').slice(0, 10)}`;
  let body = tidy(match[3], `${id}-`);
  if (shift > 0) body = `<g transform="translate(${shift},0)">${body}</g>`;
  if (frame.background !== 'transparent')
    body = `<rect width="100%" height="100%" fill="${escapeXml(frame.background)}"/>${body}`;
  const svg =
    `<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" id="${id}" role="img" ` +
    `aria-labelledby="${id}-title ${id}-desc" font-family="${FONT}" width="${frame.width}" height="${height}" ` +
    `viewBox="0 0 ${boxWidth} ${boxHeight}" style="max-width:100%;height:auto">` +
    `<title id="${id}-title">${escapeXml(title)}</title><desc id="${id}-desc">${escapeXml(description)}</desc>` +
    `${frame.theme === 'auto' ? darkStyle(id) : ''}${body}</svg>`;
  return wellFormed(svg);
}

/** Vega's elements with ids that start with `prefix`, coordinates of three decimals, and what makes them draw alike. */
function tidy(body: string, prefix: string): string {
  // Vega's ids count on from figure to figure: here they count from 0, so that the same figure is the same text.
  const names = new Map<string, string>();
  const nameOf = (id: string) => {
    if (!names.has(id)) names.set(id, `${prefix}${names.size}`);
    return names.get(id);
  };
  return body.replace(/<[a-z][^>]*>/gi, (tag) =>
    tag
      .replace(/ id="([^"]+)"/, (_, id) => ` id="${nameOf(id)}"`)
      .replace(/url\(#([^)]+)\)/, (_, id) => `url(#${nameOf(id)})`)
      .replace(` font-family="${FONT}"`, '')
      // The figure as a whole is one image, with a name and a description.
      .replace(/ (?:role|aria-[a-z]+)="[^"]*"/g, '')
      .replace(/ (?:d|transform|x|y|x2|y2|width|height)="[^"]*"/g, (attribute) =>
        attribute.replace(/-?\d+\.\d{4,}(?:e-?\d+)?/g, (number) => String(Math.round(Number(number) * 1000) / 1000)),
      )
      // resvg takes the last value, whether it knows it or not; browsers the last they know.
      .replace(
        /image-rendering: optimizeSpeed; image-rendering: pixelated;/,
        'image-rendering:pixelated;image-rendering:optimizeSpeed',
      )
      // Neighbouring cells would show hairlines between them.
      .replace('<g class="mark-rect role-mark', '<g shape-rendering="crispEdges" class="mark-rect role-mark'),
  );
}

/** Every colour of the light palette gives way to its dark counterpart where the reader's system is dark. */
function darkStyle(id: string): string {
  const rules = (Object.keys(LIGHT) as (keyof typeof LIGHT)[]).flatMap((name) =>
    ['fill', 'stroke'].map((property) => `#${id} [${property}="${LIGHT[name]}"]{${property}:${DARK[name]}}`),
  );
  return `<style>@media (prefers-color-scheme:dark){${rules.join('')}}</style>`;
}

const escapeXml = (text: string) =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');

/** XML has no place for control characters and halves of surrogate pairs, which labels from a file may hold. */
const wellFormed = (xml: string) =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
  xml.replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|\p{Surrogate}/gu, '\ufffd');
