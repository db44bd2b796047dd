import { type ArrayInput, asArray, type NDArray } from '../array.js';
import {
  checkBoolean,
  checkInteger,
  checkOneOf,
  checkOptions,
  notFitted,
  wrongShape,
  wrongType,
  wrongValue,
} from '../check.js';
import { isNDArray } from '../kind.js';
import { type Parts, registerSaved, Saved } from '../saved.js';

export interface TokenizerOptions {
  /** What has an id: words, or characters (code points). Default 'word' */
  level?: 'word' | 'character';
  /** How many ids there are at most, 0 and 1 among them: the most frequent tokens have one. Default: all have */
  vocabularySize?: number;
  /** Whether capital letters are made small ones. Default true */
  lowercase?: boolean;
  /**
   * The characters that end a word, beside white space. Default: what Unicode calls punctuation or a symbol, but for apostrophes
   * in words. Only where level is 'word'
   */
  filters?: string;
  /** What stands for an unknown token. Default '[UNK]' */
  oovToken?: string;
}

/** A tokenizer as JSON: its options, and its tokens by their ids. */
export interface TokenizerJson extends TokenizerOptions {
  readonly vocabulary: readonly string[];
}

const OPTIONS = ['level', 'vocabularySize', 'lowercase', 'filters', 'oovToken'] as const;
const UNKNOWN = 1;
/** On ASCII these are the filters of Keras' Tokenizer, which keep ' wherever it is; ’ is a quotation mark, too. */
const BETWEEN_WORDS = /(?:(?!['’])[\s\p{P}\p{S}]|(?<!\p{L})’|’(?!\p{L}))+/u;

/**
 * Texts as lists of numbers, and back: Keras' `Tokenizer` with an `oov_token`. The id of a token is its place in
 * `vocabulary`: 0 is padding, as `padSequences` fills in, 1 what is unknown, and the others follow by how often they are in the
 * texts of `fit`, those that are equally frequent by which came first.
 *
 * Words are what lies between white space and `filters`. Where a language does not part them so, as Chinese, Japanese and
 * Thai, take characters: what finds words there by a dictionary would find others with another version of Node.
 *
 * ```js
 * const tokenizer = new Tokenizer().fit(['The cat sat.', 'The dog!']);
 * tokenizer.transform(['the bird sat']); // [[2, 1, 4]]
 * ```
 */
export class Tokenizer extends Saved {
  static override readonly className = 'Tokenizer';
  readonly level: 'word' | 'character';
  readonly vocabularySize: number | undefined;
  readonly lowercase: boolean;
  readonly filters: string | undefined;
  readonly oovToken: string;
  readonly #betweenWords: RegExp;
  #vocabulary?: readonly string[];
  #ids: ReadonlyMap<string, number> = new Map();

  static {
    registerSaved(Tokenizer);
  }

  constructor(options: TokenizerOptions = {}) {
    super();
    checkOptions('options', options, OPTIONS);
    const { vocabularySize, filters, oovToken = '[UNK]' } = options;
    this.level = checkOneOf('level', options.level ?? 'word', ['word', 'character']);
    this.vocabularySize = vocabularySize === undefined ? undefined : checkInteger('vocabularySize', vocabularySize, 3);
    this.lowercase = checkBoolean('lowercase', options.lowercase ?? true);
    if (filters !== undefined && typeof filters !== 'string') throw wrongType('filters', 'a string', filters);
    if (filters !== undefined && this.level === 'character')
      throw wrongValue('filters', "undefined when level is 'character'", filters);
    this.filters = filters;
    if (typeof oovToken !== 'string') throw wrongType('oovToken', 'a string', oovToken);
    if (oovToken === '') throw wrongValue('oovToken', 'a string that is not empty', oovToken);
    this.oovToken = oovToken;
    this.#betweenWords = filters === undefined ? BETWEEN_WORDS : anyOf(filters);
  }

  /**
   * A tokenizer that `toJSON` described, such as that of a network's `metadata`.
   * @throws TypeError or RangeError naming the place of what is wrong
   */
  static from(json: unknown): Tokenizer {
    checkOptions('json', json as object, [...OPTIONS, 'vocabulary']);
    const { vocabulary, ...options } = json as TokenizerJson;
    const tokenizer = new Tokenizer(options);
    tokenizer.#learn(checkVocabulary(vocabulary, tokenizer));
    return tokenizer;
  }

  /** Counts the tokens of texts, and gives them ids. */
  fit(texts: readonly string[]): this {
    checkTexts(texts);
    if (texts.length === 0) throw wrongValue('texts', 'one text or more', texts);
    const counts = new Map<string, number>();
    for (const text of texts) for (const token of this.#tokens(text)) counts.set(token, (counts.get(token) ?? 0) + 1);
    counts.delete(this.oovToken);
    const sorted = [...counts].sort(([, a], [, b]) => b - a); // which keeps the order of equals
    this.#learn(['', this.oovToken, ...sorted.map(([token]) => token)].slice(0, this.vocabularySize));
    return this;
  }

  /**
   * @returns the ids of each text's tokens, 1 for those that `fit` did not see or left out
   * @throws Error with code ERR_NOT_FITTED before `fit`
   */
  transform(texts: readonly string[]): number[][] {
    this.#fitted('transform');
    checkTexts(texts);
    return texts.map((text) => Array.from(this.#tokens(text), (token) => this.#ids.get(token) ?? UNKNOWN));
  }

  fitTransform(texts: readonly string[]): number[][] {
    return this.fit(texts).transform(texts);
  }

  /**
   * @param sequences ids, a list for each text, or an array [n, length] of `padSequences`
   * @returns the tokens of each text, with spaces between words and without padding
   * @throws Error with code ERR_NOT_FITTED before `fit`; RangeError naming the place of what is no id
   */
  inverseTransform(sequences: readonly ArrayInput[] | NDArray): string[] {
    const vocabulary = this.#fitted('inverseTransform');
    const lists: unknown = isNDArray(sequences) ? sequences.toArray() : sequences;
    if (!Array.isArray(lists)) throw wrongType('sequences', 'an array of lists of ids', sequences);
    return Array.from(lists as ArrayInput[], (list, i) => {
      const name = `sequences[${i}]`;
      const { data, shape } = asArray(name, list);
      if (shape.length !== 1) throw wrongShape(name, 'of one dimension', shape);
      const tokens = Array.from(data, (id, k) => {
        const token = vocabulary[id];
        if (token === undefined) throw wrongValue(`${name}[${k}]`, `an id in [0, ${vocabulary.length})`, id);
        return token;
      });
      return tokens.filter((token) => token !== '').join(this.level === 'word' ? ' ' : '');
    });
  }

  /** The token of each id: '' for 0, `oovToken` for 1. Its length is the `inputDim` of an embedding. Throws ERR_NOT_FITTED before `fit`. */
  get vocabulary(): readonly string[] {
    return this.#fitted('vocabulary');
  }

  /** What `Tokenizer.from` takes; throws ERR_NOT_FITTED before `fit`. */
  toJSON(): TokenizerJson {
    return { ...this.#options(), vocabulary: this.#fitted('toJSON') };
  }

  #options(): TokenizerOptions {
    const { level, vocabularySize, lowercase, filters, oovToken } = this;
    return {
      level,
      ...(vocabularySize !== undefined && { vocabularySize }),
      lowercase,
      ...(filters !== undefined && { filters }),
      oovToken,
    };
  }

  protected override parts(): Parts {
    return { config: this.#options(), ...(this.#vocabulary && { state: { vocabulary: this.#vocabulary } }) };
  }

  protected override restore(state: unknown): void {
    this.#learn(checkVocabulary((state as { vocabulary?: unknown }).vocabulary, this));
  }

  #tokens(text: string): Iterable<string> {
    const plain = this.lowercase ? text.toLowerCase() : text;
    return this.level === 'character' ? plain : plain.split(this.#betweenWords).filter((word) => word !== '');
  }

  #learn(vocabulary: readonly string[]): void {
    this.#vocabulary = Object.freeze(vocabulary);
    this.#ids = new Map(vocabulary.map((token, id) => [token, id]));
  }

  #fitted(member: string): readonly string[] {
    if (this.#vocabulary) return this.#vocabulary;
    throw notFitted('Tokenizer', member);
  }
}

const anyOf = (characters: string) =>
  new RegExp(`[\\s${Array.from(characters, (c) => `\\u{${c.codePointAt(0)!.toString(16)}}`).join('')}]+`, 'u');

function checkTexts(texts: unknown): void {
  if (!Array.isArray(texts)) throw wrongType('texts', 'an array of strings', texts);
  for (let i = 0; i < texts.length; i++)
    if (typeof texts[i] !== 'string') throw wrongType(`texts[${i}]`, 'a string', texts[i]);
}

function checkVocabulary(vocabulary: unknown, { oovToken, vocabularySize }: Tokenizer): string[] {
  const name = 'json.vocabulary';
  if (!Array.isArray(vocabulary)) throw wrongType(name, 'an array of strings', vocabulary);
  if (vocabulary.length < 2) throw wrongValue(name, 'of two tokens or more', vocabulary);
  if (vocabularySize !== undefined && vocabulary.length > vocabularySize)
    throw wrongValue(name, `of at most ${vocabularySize} tokens`, vocabulary);
  const seen = new Set<string>();
  return Array.from(vocabulary, (token, id) => {
    if (typeof token !== 'string') throw wrongType(`${name}[${id}]`, 'a string', token);
    if (id === 0 && token !== '') throw wrongValue(`${name}[0]`, "'', which padding is", token);
    if (id === 1 && token !== oovToken) throw wrongValue(`${name}[1]`, 'oovToken', token);
    if (seen.has(token)) throw wrongValue(`${name}[${id}]`, 'another token than those before it', token);
    seen.add(token);
    return token;
  });
}
