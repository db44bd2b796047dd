export { type Content, type Html, html } from './html.js';
export { type Page, renderPage, type Section } from './page.js';
export {
  beside,
  type Drawing,
  facts,
  figure,
  heading,
  note,
  numbers,
  pair,
  paragraph,
  preformatted,
  table,
} from './parts.js';
