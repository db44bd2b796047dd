import { extname } from 'node:path';
import { checkInterval, checkOptions, wrongType, wrongValue } from '../check.js';
import { placeOf, writeFileAtomic } from '../io/atomic.js';
import { brand, isURL } from '../kind.js';
import { renderPng, renderSvg } from './render.js';
import type { Frame, VegaLiteSpec } from './theme.js';

export interface PngOptions {
  /** Pixels of the PNG for each px of the figure, above 0 and up to 16. Default 2 */
  scale?: number;
}

/** What a plot draws, and how a screen reader names it. */
export interface Figure {
  readonly frame: Frame;
  readonly spec: VegaLiteSpec;
  readonly title: string;
  readonly description: string;
}

/**
 * A figure. Nothing is drawn before `svg`, `png` or `save` is called; these load the optional packages `vega` and
 * `vega-lite`, and for PNG `@resvg/resvg-js` and `@expo-google-fonts/arimo`.
 */
export class Plot {
  /** The Vega-Lite specification, data included: plain JSON. */
  readonly spec: VegaLiteSpec;
  /** The accessible name and description. */
  readonly title: string;
  readonly description: string;
  readonly #figure: Figure;
  #svg: Promise<string> | undefined;

  constructor(figure: Figure) {
    if (typeof figure?.frame !== 'object' || figure.frame === null)
      throw wrongType('figure', 'a figure, as heatmap and the like make', figure);
    this.#figure = figure;
    this.spec = figure.spec;
    this.title = figure.frame.title ?? figure.title;
    this.description = figure.frame.description ?? figure.description;
  }

  /**
   * The figure as an `<svg>` element, with `<title>` and `<desc>`: `width` px wide, and shrinking with the page it stands
   * in. Its ids are its own, so that many fit into one page.
   *
   * @throws Error with code ERR_MISSING_PEER if vega or vega-lite is not installed
   */
  svg(): Promise<string> {
    this.#svg ??= this.#draw(this.#figure.frame);
    return this.#svg;
  }

  /**
   * The figure as a PNG file of round(width * scale) pixels across.
   *
   * @throws Error with code ERR_MISSING_PEER if one of the packages is not installed
   */
  async png(options: PngOptions = {}): Promise<Buffer> {
    checkOptions('options', options, ['scale']);
    const scale = checkInterval('scale', options.scale ?? 2, 0, 16, 'low');
    const { frame } = this.#figure;
    if (frame.theme !== 'auto') return renderPng(await this.svg(), scale);
    const background = frame.background === 'transparent' ? frame.palette.surface : frame.background;
    return renderPng(await this.#draw({ ...frame, theme: 'light', background }), scale);
  }

  /**
   * Writes the figure to a file: .svg, .png, or .json for the Vega-Lite specification. The file is replaced at once or not
   * at all.
   *
   * @throws RangeError for another extension
   */
  async save(path: string | URL, options: PngOptions = {}): Promise<void> {
    if (typeof path !== 'string' && !isURL(path)) throw wrongType('path', 'a string or URL', path);
    const extension = extname(isURL(path) ? path.pathname : path).toLowerCase();
    const place = placeOf(path);
    const write = (content: string | Buffer) => writeFileAtomic(place, [Buffer.from(content as string)]);
    if (extension === '.svg') await write(`${await this.svg()}\n`);
    else if (extension === '.png') await write(await this.png(options));
    else if (extension === '.json') await write(`${JSON.stringify(this.spec, null, 2)}\n`);
    else throw wrongValue('path', 'a file name that ends in .svg, .png or .json', String(path));
  }

  #draw(frame: Frame): Promise<string> {
    return renderSvg({ ...this.#figure, frame, title: this.title, description: this.description });
  }
}

export interface TextOptions {
  /**
   * Colours, as escape sequences of 256 colours. Default: if standard output is a terminal that has them and NO_COLOR is
   * not set; where FORCE_COLOR is set, as that says (0 and false: none)
   */
  color?: boolean;
  /** Columns to use. Default: the terminal's, or 80 */
  width?: number;
}

/** A figure that a terminal can show as well. */
export class TextPlot extends Plot {
  readonly #text: (color: boolean, width: number) => string;

  static {
    brand(TextPlot, 'TextPlot');
  }

  constructor(figure: Figure, text: (color: boolean, width: number) => string) {
    super(figure);
    this.#text = text;
  }

  /** The figure for a terminal, with no line end after the last line. */
  text(options: TextOptions = {}): string {
    checkOptions('options', options, ['color', 'width']);
    const { color = hasColors(), width = process.stdout.columns || 80 } = options;
    if (typeof color !== 'boolean') throw wrongType('color', 'a boolean', color);
    return this.#text(color, Math.max(20, Math.floor(checkInterval('width', width, 1, 10_000))));
  }
}

/** FORCE_COLOR goes before NO_COLOR, as in Node. */
function hasColors(): boolean {
  const { FORCE_COLOR, NO_COLOR } = process.env;
  if (FORCE_COLOR !== undefined) return FORCE_COLOR !== '0' && FORCE_COLOR !== 'false';
  return !NO_COLOR && process.stdout.isTTY === true && process.stdout.hasColors(256);
}
