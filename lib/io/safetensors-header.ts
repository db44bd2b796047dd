import { quoted } from './read.js';

/** Axes of a shape, as many as NumPy's arrays may have. */
export const MAX_AXES = 64;

const SPACE = /[ \t\n\r]*/y;
const WHOLE_NUMBER = /(?:0|[1-9][0-9]*)(?![0-9.eE])/y;
export const LONE_SURROGATE = /[\ud800-\udfff]/u;

/**
 * Reads the JSON of a header by the format's grammar, which is stricter than JSON: objects of known depth, no name
 * twice, whole numbers, nothing before the first brace, and only spaces after the last.
 */
export class HeaderReader {
  readonly #text: string;
  readonly #wrong: (reason: string) => Error;
  #at = 0;

  constructor(text: string, wrong: (reason: string) => Error) {
    this.#text = text;
    this.#wrong = wrong;
    if (text[0] !== '{') throw wrong('its header is not a JSON object');
  }

  object(property: (key: string) => void): void {
    const keys = new Set<string>();
    this.#list('{', '}', () => {
      const key = this.string();
      if (keys.has(key)) throw this.#wrong(`${quoted(key)} occurs twice in its header`);
      if (key === '__proto__') throw this.#wrong("its header has the name '__proto__'");
      keys.add(key);
      this.#expect(':');
      property(key);
    });
  }

  integers(): number[] {
    const values: number[] = [];
    this.#list('[', ']', () => {
      if (values.length === MAX_AXES) throw this.#wrong(`its header has a list of more than ${MAX_AXES} numbers`);
      this.#space();
      const [digits] = this.#match(WHOLE_NUMBER) ?? this.#unexpected('a whole number');
      if (!Number.isSafeInteger(Number(digits))) throw this.#wrong(`its header has the number ${digits.slice(0, 40)}`);
      values.push(Number(digits));
    });
    return values;
  }

  string(): string {
    this.#expect('"');
    const start = this.#at - 1;
    let end = this.#at;
    for (let escapes = true; escapes; end++) {
      end = this.#text.indexOf('"', end);
      if (end < 0) {
        this.#at = this.#text.length;
        return this.#unexpected('the end of a string');
      }
      let slashes = 0;
      while (this.#text[end - 1 - slashes] === '\\') slashes++;
      escapes = slashes % 2 === 1;
    }
    this.#at = end;
    let value: string;
    try {
      value = JSON.parse(this.#text.slice(start, this.#at));
    } catch {
      this.#at = start;
      return this.#unexpected('a string');
    }
    if (LONE_SURROGATE.test(value)) throw this.#wrong('its header has a string that is not Unicode');
    return value;
  }

  end(): void {
    let last = this.#text.length;
    while (this.#text[last - 1] === ' ') last--;
    if (last !== this.#at) this.#unexpected('the end');
  }

  #list(open: string, close: string, item: () => void): void {
    this.#expect(open);
    if (this.#accept(close)) return;
    do item();
    while (this.#accept(','));
    this.#expect(close);
  }

  #accept(character: string): boolean {
    this.#space();
    if (this.#text[this.#at] !== character) return false;
    this.#at++;
    return true;
  }

  #expect(character: string): void {
    if (!this.#accept(character)) this.#unexpected(`'${character}'`);
  }

  #space(): void {
    if (this.#text.charCodeAt(this.#at) <= 0x20) this.#match(SPACE);
  }

  #match(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text);
    if (found) this.#at = pattern.lastIndex;
    return found;
  }

  #unexpected(expected: string): never {
    const found = this.#at < this.#text.length ? JSON.stringify(this.#text[this.#at]) : 'its end';
    throw this.#wrong(`its header has ${found} at byte ${this.#at} where ${expected} is due`);
  }
}
