import { type Html, html, raw, slug } from './html.js';

/** A part of a report under a heading. */
export interface Section {
  readonly title: string;
  readonly content: readonly Html[];
}

export interface Page {
  readonly title: string;
  /** A line under the title. */
  readonly lead?: string;
  readonly sections: readonly Section[];
  /** Below everything: what made the page. */
  readonly footer: string;
}

/**
 * One HTML document that needs nothing beside itself: no script, no font, no picture from elsewhere. Its content security
 * policy has browsers refuse every request. Colours follow the reader's `prefers-color-scheme`.
 */
export function renderPage({ title, lead, sections, footer }: Page): string {
  const ids = sections.map((section, i) => `part-${i + 1}-${slug(section.title)}`);
  const contents = sections.map((section, i) => html`<li><a href="#${ids[i]}">${section.title}</a></li>`);
  const parts = sections.map(
    (section, i) => html`<section aria-labelledby="${ids[i]}">
<h2 id="${ids[i]}">${section.title}</h2>
${section.content}
</section>`,
  );
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<link rel="icon" href="data:,">
<title>${title}</title>
<style>${raw(STYLE)}</style>
</head>
<body>
<header>
<h1>${title}</h1>
${lead === undefined ? '' : html`<p class="lead">${lead}</p>`}
${sections.length > 2 ? html`<nav aria-label="Contents"><ol>${contents}</ol></nav>` : ''}
</header>
<main>
${parts}
</main>
<footer>${footer}</footer>
</body>
</html>
`.text;
}

const STYLE = `
:root{color-scheme:light dark;--ink:#1f2328;--muted:#59636e;--line:#d1d9e0;--paper:#fff;--band:#f6f8fa;--link:#0969da;--good:#1a7f37;--bad:#c8323c}
@media (prefers-color-scheme:dark){:root{--ink:#e6edf3;--muted:#9da7b3;--line:#30363d;--paper:#0d1117;--band:#161b22;--link:#4493f8;--good:#3fb950;--bad:#f47067}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%}
body{margin:0 auto;padding:1.25rem 1rem 3rem;max-width:62rem;background:var(--paper);color:var(--ink);font:1rem/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;overflow-wrap:break-word}
h1{font-size:1.6rem;line-height:1.25;margin:0 0 .25rem}
h2{font-size:1.25rem;line-height:1.3;margin:2.5rem 0 .75rem;padding-bottom:.3rem;border-bottom:1px solid var(--line)}
h3{font-size:1.05rem;margin:1.5rem 0 .5rem}
p{margin:.6rem 0;max-width:46rem}
a{color:var(--link)}
code{font:.9em ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;overflow-wrap:anywhere}
.lead,.note,footer,figcaption{color:var(--muted)}
.note,footer,figcaption{font-size:.875rem}
nav ol{margin:.75rem 0 0;padding:0;list-style:none;display:flex;flex-wrap:wrap;gap:.25rem 1rem;font-size:.9rem}
nav a{display:inline-block;padding:.25rem 0}
.numbers{display:flex;flex-wrap:wrap;gap:.75rem;margin:.75rem 0;padding:0;list-style:none}
.numbers li{flex:1 1 9rem;padding:.7rem .9rem;background:var(--band);border:1px solid var(--line);border-radius:.5rem}
.numbers b{display:block;font-size:1.35rem;line-height:1.2;font-variant-numeric:tabular-nums}
.numbers span{color:var(--muted);font-size:.875rem}
dl{display:grid;grid-template-columns:minmax(7rem,max-content) minmax(0,1fr);gap:.3rem 1.25rem;margin:.75rem 0}
dt{color:var(--muted)}
dd{margin:0;overflow-wrap:anywhere}
.scroll{overflow-x:auto;margin:.75rem 0}
table{border-collapse:collapse;font-size:.9rem;font-variant-numeric:tabular-nums}
th,td{padding:.35rem .7rem;text-align:left;vertical-align:top;border-bottom:1px solid var(--line)}
thead th{color:var(--muted);font-weight:600;border-bottom-width:2px;white-space:nowrap}
td.number,th.number{text-align:right;white-space:nowrap}
tbody tr:nth-child(even){background:var(--band)}
figure{margin:1rem 0;min-width:0}
figure svg{display:block;max-width:100%;height:auto}
.pair{display:grid;grid-template-columns:minmax(0,1fr);gap:0 1.5rem}
.wide{display:none}
@media (min-width:48rem){.wide{display:block}.narrow{display:none}.pair{grid-template-columns:minmax(0,1fr) minmax(0,1fr)}}
.verdict{font-weight:600}.yes{color:var(--good)}.no{color:var(--bad)}
.beside{display:grid;grid-template-columns:minmax(0,1fr);gap:.75rem;margin:.9rem 0}
.beside>div{padding:.6rem .9rem;border-left:3px solid var(--line);background:var(--band);border-radius:0 .4rem .4rem 0;min-width:0}
.beside h3{margin:0 0 .25rem;font-size:.8rem;text-transform:uppercase;letter-spacing:.04em;color:var(--muted)}
.beside p{margin:.25rem 0}
@media (min-width:48rem){.beside{grid-template-columns:minmax(0,1fr) minmax(0,1fr)}}
@media (max-width:30rem){th,td{padding:.3rem .4rem}table{font-size:.85rem}dl{column-gap:.9rem}}
footer{margin-top:3rem;padding-top:.75rem;border-top:1px solid var(--line)}
@media print{body{max-width:none}.wide{display:block}.narrow{display:none}}
`.trim();
