import { brand, isHtml } from '../kind.js';

/** Markup that may go into a page as it is. */
export class Html {
  readonly text: string;

  static {
    brand(Html, 'Html');
  }

  constructor(text: string) {
    this.text = text;
  }
}

export type Content = Html | string | number | readonly Content[];

/** Markup with values put in: strings are escaped, markup is not. */
export function html(parts: TemplateStringsArray, ...values: readonly Content[]): Html {
  let text = parts[0];
  for (const [i, value] of values.entries()) text += markup(value) + parts[i + 1];
  return new Html(text);
}

/** Text that is markup already. */
export const raw = (text: string): Html => new Html(text);

function markup(value: Content): string {
  if (isHtml(value)) return value.text;
  if (typeof value === 'string' || typeof value === 'number') return escapeHtml(String(value));
  return value.map(markup).join('\n');
}

/** Data may hold anything: what HTML has no place for becomes a replacement character. */
function escapeHtml(text: string): string {
  return (
    text
      // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
      .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]|\p{Surrogate}/gu, '\ufffd')
      .replaceAll('&', '&amp;')
      .replaceAll('<', '&lt;')
      .replaceAll('>', '&gt;')
      .replaceAll('"', '&quot;')
      .replaceAll("'", '&#39;')
  );
}

/** The id of a heading. */
export const slug = (title: string): string =>
  title
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, '-')
    .replace(/^-+|-+$/g, '');
