import { readFileSync } from 'node:fs';
import test from 'ava';
import fc from 'fast-check';
import { padSequences, Tokenizer, type TokenizerJson, type TokenizerOptions } from 'fjordnet';

const golden = JSON.parse(readFileSync(new URL('../test/fixtures/texts.json', import.meta.url), 'utf8'));

const optionsOf = ({ num_words: vocabularySize, lower: lowercase, char_level: isCharacters, filters }: any) =>
  ({ level: isCharacters ? 'character' : 'word', vocabularySize, lowercase, filters }) as TokenizerOptions;

test('ids are those of Keras’ Tokenizer with an oov_token', (t) => {
  for (const { texts, others, options, vocabulary, sequences, back } of golden.tokenized) {
    const tokenizer = new Tokenizer(optionsOf(options));
    const what = JSON.stringify(options);
    t.is(tokenizer.fit(texts), tokenizer);
    t.deepEqual(tokenizer.vocabulary, vocabulary, what);
    t.deepEqual(tokenizer.transform(others), sequences, what);
    // which puts a space between characters, too
    if (!options.char_level) t.deepEqual(tokenizer.inverseTransform(sequences), back, what);
  }
});

test('words are parted by the punctuation and the spaces of any script', (t) => {
  const words = (text: string, options?: TokenizerOptions) =>
    new Tokenizer({ ...options, lowercase: false }).fit([text]).vocabulary.slice(2);
  t.deepEqual(words('«Hva?» – «Ja…», sa hun—kanskje.'), ['Hva', 'Ja', 'sa', 'hun', 'kanskje']);
  t.deepEqual(words('naïve\u00a0café\u2003über\u3000тест。这是'), ['naïve', 'café', 'über', 'тест', '这是']);
  t.deepEqual(words("l’été ‘quoted’ don’t’ don't"), ['l’été', 'quoted', 'don’t', "don't"]);
  t.deepEqual(words('हिन्दी में e\u0301'), ['हिन्दी', 'में', 'e\u0301']);
  t.deepEqual(words('5€ + 3😀', {}), ['5', '3']);
  t.deepEqual(words('5€ + 3😀 a.b', { filters: '+' }), ['5€', '3😀', 'a.b']);
});

test('characters are code points', (t) => {
  const tokenizer = new Tokenizer({ level: 'character' }).fit(['😀a😀', 'B 😀']);
  t.deepEqual(tokenizer.vocabulary, ['', '[UNK]', '😀', 'a', 'b', ' ']);
  t.deepEqual(tokenizer.transform(['a B😁']), [[3, 5, 4, 1]]);
  t.deepEqual(tokenizer.inverseTransform([[3, 5, 4, 1]]), ['a b[UNK]']);
});

test('what is equally frequent has ids by which came first, and 0 and 1 are none of a token’s', (t) => {
  const tokenizer = new Tokenizer({ vocabularySize: 5 });
  t.deepEqual(tokenizer.fitTransform(['b a c', 'c d']), [
    [3, 4, 2],
    [2, 1],
  ]);
  t.deepEqual(tokenizer.vocabulary, ['', '[UNK]', 'c', 'b', 'a']);
  const own = new Tokenizer({ oovToken: 'b' }).fit(['b a b']);
  t.deepEqual(own.vocabulary, ['', 'b', 'a']);
  t.deepEqual(own.transform(['a b c']), [[2, 1, 1]]);
  t.deepEqual(new Tokenizer().fit(['', ' .']).vocabulary, ['', '[UNK]']);
});

test('what was padded is read back without its padding', (t) => {
  const tokenizer = new Tokenizer();
  const ids = tokenizer.fitTransform(['one two three', 'two', '']);
  for (const padding of ['pre', 'post'] as const)
    t.deepEqual(tokenizer.inverseTransform(padSequences(ids, { padding })), ['one two three', 'two', '']);
  t.deepEqual(tokenizer.inverseTransform([new Float64Array([2, 1])]), ['two [UNK]']);
});

test('texts of known tokens come back, and travel as JSON does', (t) => {
  const word = fc.constantFrom(
    'a',
    'bb',
    'Ærlig',
    'ß',
    '日本',
    "don't",
    '😀',
    '_',
    'constructor',
    '__proto__',
    '\ud800',
  );
  const texts = fc.array(fc.array(word, { maxLength: 6 }), { minLength: 1, maxLength: 6 });
  const options = fc.oneof(
    fc.record({ level: fc.constant('word' as const), filters: fc.constantFrom('', '.') }),
    fc.record({ level: fc.constant('character' as const) }),
  );
  fc.assert(
    fc.property(texts, options, fc.boolean(), (lists, own, lowercase) => {
      const given = lists.map((words) => words.join(' '));
      const tokenizer = new Tokenizer({ ...own, lowercase }).fit(given);
      const expected = given.map((text) => (lowercase ? text.toLowerCase() : text));
      t.deepEqual(tokenizer.inverseTransform(tokenizer.transform(given)), expected);
      const loaded = Tokenizer.from(JSON.parse(JSON.stringify(tokenizer)));
      t.deepEqual(loaded, tokenizer);
      t.deepEqual(loaded.toJSON(), tokenizer.toJSON());
      t.deepEqual(loaded.transform(['a new text', ...given]), tokenizer.transform(['a new text', ...given]));
    }),
    { numRuns: 100 },
  );
});

test('every option travels, and nothing of a tokenizer can be changed from outside', (t) => {
  const options = { level: 'word', vocabularySize: 4, lowercase: false, filters: '|', oovToken: '?' } as const;
  const tokenizer = new Tokenizer(options).fit(['a|b c']);
  const json = tokenizer.toJSON();
  t.deepEqual(json, { ...options, vocabulary: ['', '?', 'a', 'b'] });
  t.deepEqual(Tokenizer.from(json).toJSON(), json);
  t.throws(() => (tokenizer.vocabulary as string[]).push('d'));
  const vocabulary = ['', '?', 'a'];
  const loaded = Tokenizer.from({ ...options, vocabulary });
  vocabulary.push('z');
  t.deepEqual(loaded.vocabulary, ['', '?', 'a']);
});

test('bad options, texts, ids and JSON are refused in a sentence', (t) => {
  const fitted = () => new Tokenizer().fit(['a b']);
  const json = (change: object) => () => Tokenizer.from({ ...fitted().toJSON(), ...change });
  const values: [() => unknown, string][] = [
    [
      () => new Tokenizer({ level: 'char' as never }),
      "Expected level to be one of 'word', 'character' (did you mean 'character'?), got 'char' (string)",
    ],
    [() => new Tokenizer({ vocabularySize: 2 }), 'Expected vocabularySize to be an integer >= 3, got 2 (number)'],
    [() => new Tokenizer({ oovToken: '' }), "Expected oovToken to be a string that is not empty, got '' (string)"],
    [
      () => new Tokenizer({ level: 'character', filters: '.' }),
      "Expected filters to be undefined when level is 'character', got '.' (string)",
    ],
    [() => new Tokenizer().fit([]), 'Expected texts to be one text or more, got Array(0)'],
    [() => fitted().inverseTransform([[0], [2, 4]]), 'Expected sequences[1][1] to be an id in [0, 4), got 4 (number)'],
    [() => fitted().inverseTransform([[-1]]), 'Expected sequences[0][0] to be an id in [0, 4), got -1 (number)'],
    [() => fitted().inverseTransform([[0.5]]), 'Expected sequences[0][0] to be an id in [0, 4), got 0.5 (number)'],
    [() => fitted().inverseTransform([[[1]]]), 'Expected sequences[0] to be of one dimension, got shape [1, 1]'],
    [json({ vocabulary: [''] }), 'Expected json.vocabulary to be of two tokens or more, got Array(1)'],
    [json({ vocabularySize: 3 }), 'Expected json.vocabulary to be of at most 3 tokens, got Array(4)'],
    [json({ vocabulary: ['x', '[UNK]'] }), "Expected json.vocabulary[0] to be '', which padding is, got 'x' (string)"],
    [json({ vocabulary: ['', 'x'] }), "Expected json.vocabulary[1] to be oovToken, got 'x' (string)"],
    [
      json({ vocabulary: ['', '[UNK]', 'a', 'a'] }),
      "Expected json.vocabulary[3] to be another token than those before it, got 'a' (string)",
    ],
  ];
  for (const [call, message] of values) t.throws(call, { instanceOf: RangeError, message });
  const types: [() => unknown, string][] = [
    [() => new Tokenizer({ filters: /a/ as never }), 'Expected filters to be a string, got RegExp'],
    [() => new Tokenizer({ lowercase: 1 as never }), 'Expected lowercase to be a boolean, got 1 (number)'],
    [() => new Tokenizer().fit('a b' as never), "Expected texts to be an array of strings, got 'a b' (string)"],
    [() => fitted().transform(['a', 3] as never), 'Expected texts[1] to be a string, got 3 (number)'],
    [
      () => fitted().inverseTransform([1, 2] as never),
      'Expected sequences[0] to be an array of numbers, got 1 (number)',
    ],
    [json({ vocabulary: undefined }), 'Expected json.vocabulary to be an array of strings, got undefined'],
    [json({ vocabulary: ['', '[UNK]', 3] }), 'Expected json.vocabulary[2] to be a string, got 3 (number)'],
    [() => Tokenizer.from('{}'), "Expected json to be an object, got '{}' (string)"],
  ];
  for (const [call, message] of types) t.throws(call, { instanceOf: TypeError, message });
  t.throws(json({ stemming: true }), { message: /^Expected json to have no option 'stemming'/ });
  for (const member of ['transform', 'inverseTransform', 'vocabulary', 'toJSON'] as const)
    t.throws(
      () => {
        const tokenizer = new Tokenizer();
        return member === 'vocabulary' ? tokenizer.vocabulary : tokenizer[member]([] as never);
      },
      { code: 'ERR_NOT_FITTED', message: `Expected Tokenizer to be fitted before ${member} is used` },
    );
  const kept = fitted();
  t.throws(() => kept.fit(['c', 3 as never]));
  t.deepEqual(kept.vocabulary, ['', '[UNK]', 'a', 'b']);
  const typed: TokenizerJson = kept.toJSON();
  t.is(typed.oovToken, '[UNK]');
});

test('a tokenizer goes through bytes, fitted or not', (t) => {
  const tokenizer = new Tokenizer({ vocabularySize: 5, filters: '.' }).fit(['a b b.', 'c a b']);
  const loaded = Tokenizer.fromBytes(tokenizer.toBytes());
  t.deepEqual(loaded.toJSON(), tokenizer.toJSON());
  t.deepEqual(loaded.transform(['a c z']), tokenizer.transform(['a c z']));
  t.throws(() => Tokenizer.fromBytes(new Tokenizer().toBytes()).transform(['a']), { code: 'ERR_NOT_FITTED' });
});
