export { type Html, html } from './html.js';
export { renderPage, type Section } from './page.js';
export {
  beside,
  facts,
  figure,
  note,
  numbers,
  pair,
  paragraph,
  table,
} from './parts.js';
