import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import test from 'ava';
import fc from 'fast-check';
import { NDArray, RandomState } from 'fjordnet';
import { writeFileAtomic } from '../dist/io/atomic.js';
import { loadModel, saveModel } from '../dist/io/model-file.js';
import {
  formatSafetensors,
  parseSafetensors,
  readSafetensors,
  type Tensor,
  writeSafetensors,
} from '../dist/io/safetensors.js';

type Coded = Error & { code?: string };

function folder(t: { teardown(fn: () => void): void }): string {
  const path = mkdtempSync(join(tmpdir(), 'fjordnet-io-'));
  t.teardown(() => rmSync(path, { recursive: true }));
  return path;
}

/** A safetensors file of any header. */
function file(header: string | Uint8Array, body = 0, length?: number | bigint): Buffer {
  const json = Buffer.from(header as string);
  const prefix = Buffer.alloc(8);
  prefix.writeBigUInt64LE(BigInt(length ?? json.length));
  return Buffer.concat([prefix, json, Buffer.alloc(body)]);
}

const tensor = (dtype: string, shape: unknown, offsets: unknown) =>
  `{"dtype":${JSON.stringify(dtype)},"shape":${JSON.stringify(shape)},"data_offsets":${JSON.stringify(offsets)}}`;

const arrays = [
  fc.float32Array(),
  fc.float64Array(),
  fc.int32Array(),
  fc.uint32Array(),
  fc.int16Array(),
  fc.uint16Array(),
  fc.int8Array(),
  fc.uint8Array(),
  fc.bigInt64Array(),
  fc.bigUint64Array(),
] as fc.Arbitrary<Tensor['data']>[];
const name = fc
  .string({ unit: 'grapheme', maxLength: 20 })
  .filter((s) => s !== '__metadata__' && s !== '__proto__' && !/[\ud800-\udfff]/u.test(s));
const contents = fc.record({
  tensors: fc.uniqueArray(fc.tuple(name, fc.oneof(...arrays), fc.boolean()), { selector: ([n]) => n, maxLength: 6 }),
  metadata: fc.dictionary(name, name, { maxKeys: 4, noNullPrototype: true }),
});

test('what is written is read back, in order, byte for byte', (t) => {
  fc.assert(
    fc.property(contents, ({ tensors, metadata }) => {
      const given = tensors.map(
        ([n, data, row]) => [n, { shape: row ? [1, data.length] : [data.length], data }] as const,
      );
      const bytes = Buffer.concat(formatSafetensors(given, metadata));
      t.is(bytes.readBigUInt64LE() % 8n, 0n);
      const read = parseSafetensors(bytes);
      t.deepEqual(
        [...read.tensors].map(([n, { shape, data }]) => [n, shape, data]),
        given.map(([n, { shape, data }]) => [n, shape, data]),
      );
      t.deepEqual(Object.fromEntries(read.metadata), metadata);
      for (const { data } of read.tensors.values()) t.not(data.buffer, bytes.buffer as never);
    }),
    { seed: 3, numRuns: 200 },
  );
});

test('every tensor is aligned in the file', (t) => {
  const tensors = [
    ['a', { shape: [1], data: new Uint8Array(1) }],
    ['b', { shape: [3], data: new Float32Array(3) }],
    ['c', { shape: [1], data: new Float64Array(1) }],
  ] as const;
  const bytes = Buffer.concat(formatSafetensors(tensors));
  const length = Number(bytes.readBigUInt64LE());
  const header = JSON.parse(bytes.toString('utf8', 8, 8 + length));
  for (const [n, { data }] of tensors) t.is((8 + length + header[n].data_offsets[0]) % data.BYTES_PER_ELEMENT, 0);
});

test("the reference implementation's file is read", async (t) => {
  const { tensors, metadata } = await readSafetensors(new URL('../test/fixtures/python.safetensors', import.meta.url));
  const of = (n: string) => [tensors.get(n)?.shape, tensors.get(n)?.data];
  t.deepEqual(of('dense/kernel'), [[2, 3], Float32Array.of(-1, -0.6, -0.2, 0.2, 0.6, 1)]);
  t.deepEqual(of('double'), [[4], Float64Array.of(Math.PI, -0, Number.POSITIVE_INFINITY, Number.NaN)]);
  t.deepEqual(of('scalar'), [[], Int32Array.of(7)]);
  t.deepEqual(of('empty'), [[0, 4], new Uint16Array(0)]);
  t.deepEqual(of('bytes'), [[3], Uint8Array.of(0, 127, 255)]);
  t.deepEqual(of('small'), [[2], Int8Array.of(-128, 127)]);
  t.deepEqual(of('short'), [[1], Int16Array.of(-(2 ** 15))]);
  t.deepEqual(of('word'), [[2], Uint32Array.of(2 ** 32 - 1, 1)]);
  t.deepEqual(of('long'), [[2], BigInt64Array.of(-(2n ** 63n), 2n ** 53n + 1n)]);
  t.deepEqual(of('wide'), [[1, 1], BigUint64Array.of(2n ** 64n - 1n)]);
  t.deepEqual(of('größe 😀'), [[1], Float64Array.of(1.5)]);
  t.is(tensors.size, 11);
  t.deepEqual([...metadata], [['made by', 'Python, "safetensors"\n']]);
});

const HOSTILE: [what: string, bytes: Uint8Array, reason: RegExp][] = [
  ['no bytes', Buffer.alloc(0), /it has 0 bytes, too few/],
  ['a header that is not there', file('{}', 0, 3), /its header would be 3 bytes long, but only 2 follow/],
  ['a header of 2^63 bytes', file('{}', 0, 2n ** 63n), /9223372036854775808 bytes long, more than the 100000000/],
  ['a header of 2^64 - 1 bytes', file('{}', 0, 2n ** 64n - 1n), /more than/],
  ['an empty header', file(''), /not a JSON object/],
  ['an array', file('[]'), /not a JSON object/],
  ['space before', file(' {}'), /not a JSON object/],
  ['a byte order mark', file('\ufeff{}'), /not a JSON object/],
  ['invalid UTF-8', file(Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x7d])), /not UTF-8/],
  ['something after', file('{}x'), /"x" at byte 2 where the end is due/],
  ['a line end after', file('{}\n'), /where the end is due/],
  ['no end', file('{"a":{'), /its end at byte 6/],
  ['a string without end', file('{"a'), /the end of a string/],
  ['a trailing comma', file('{"__metadata__":{},}'), /where '"' is due/],
  ['a control character in a string', file('{"a\u0001":{}}'), /a string is due/],
  ['an unknown escape', file('{"a\\x":{}}'), /a string is due/],
  ['half a surrogate pair', file('{"__metadata__":{"a":"\\ud800"}}'), /not Unicode/],
  [
    'a name twice',
    file(`{"a":${tensor('F32', [1], [0, 4])},"a":${tensor('F32', [1], [4, 8])}}`, 8),
    /'a' occurs twice/,
  ],
  ['a name twice, escaped', file(`{"a":${tensor('U8', [0], [0, 0])},"\\u0061":${tensor('U8', [0], [0, 0])}}`), /twice/],
  ['a property twice', file('{"a":{"dtype":"F32","dtype":"F32"}}'), /'dtype' occurs twice/],
  ['an unknown property', file('{"a":{"dtypes":"F32"}}'), /unknown property 'dtypes'/],
  ['no dtype', file('{"a":{"shape":[],"data_offsets":[0,4]}}', 4), /no dtype/],
  ['no shape', file('{"a":{"dtype":"F32","data_offsets":[0,4]}}', 4), /no shape/],
  ['no offsets', file('{"a":{"dtype":"F32","shape":[]}}', 4), /no data_offsets/],
  ['a tensor that is an array', file('{"a":[]}'), /where '\{' is due/],
  ['metadata that are no strings', file('{"__metadata__":{"a":1}}'), /where '"' is due/],
  ['metadata twice', file('{"__metadata__":{},"__metadata__":{}}'), /'__metadata__' occurs twice/],
  ['deep nesting', file(`{"a":${'{"a":'.repeat(200_000)}`), /unknown property 'a'/],
  ['deep arrays', file(`{"a":{"shape":${'['.repeat(200_000)}`), /a whole number is due/],
  ['__proto__', file(`{"__proto__":${tensor('U8', [0], [0, 0])}}`), /'__proto__'/],
  ['__proto__ in the metadata', file('{"__metadata__":{"__proto__":"x"}}'), /'__proto__'/],
  ['an unknown dtype', file(`{"a":${tensor('F8_E5M2', [1], [0, 1])}}`, 1), /dtype 'F8_E5M2', none of F64, F32/],
  ['a dtype of the prototype', file(`{"a":${tensor('toString', [1], [0, 2])}}`, 2), /dtype 'toString'/],
  ['a negative dimension', file(`{"a":${tensor('F32', [-1], [0, 4])}}`, 4), /"-" at byte .* whole number/],
  ['a fractional dimension', file('{"a":{"dtype":"F32","shape":[1.0],"data_offsets":[0,4]}}', 4), /whole number/],
  ['an exponent', file('{"a":{"dtype":"F32","shape":[1e0],"data_offsets":[0,4]}}', 4), /whole number/],
  ['a leading zero', file('{"a":{"dtype":"F32","shape":[01],"data_offsets":[0,4]}}', 4), /whole number/],
  [
    'a dimension of 2^64',
    file('{"a":{"dtype":"F32","shape":[18446744073709551616],"data_offsets":[0,4]}}', 4),
    /number 1844/,
  ],
  [
    'a long number',
    file(`{"a":{"dtype":"F32","shape":[${'9'.repeat(1e6)}],"data_offsets":[0,4]}}`, 4),
    /number 9{40}$/,
  ],
  ['a product beyond 2^53', file(`{"a":${tensor('F32', [2 ** 40, 2 ** 40], [0, 4])}}`, 4), /does not fit its 4 bytes/],
  [
    'a product of 2^64, which wraps to 0',
    file(`{"a":${tensor('U8', [2 ** 32, 2 ** 32], [0, 0])}}`),
    /does not fit its 0/,
  ],
  ['too small a range', file(`{"a":${tensor('F32', [2], [0, 4])}}`, 4), /does not fit its 4 bytes/],
  ['too large a range', file(`{"a":${tensor('F32', [1], [0, 8])}}`, 8), /does not fit its 8 bytes/],
  ['a range beyond the end', file(`{"a":${tensor('F32', [2], [0, 8])}}`, 4), /\[0,8\] outside the 4 bytes/],
  ['a range of petabytes', file(`{"a":${tensor('U8', [2 ** 52], [0, 2 ** 52])}}`, 4), /outside the 4 bytes/],
  ['a range backwards', file(`{"a":${tensor('F32', [0], [4, 0])}}`, 4), /outside/],
  ['one offset', file(`{"a":${tensor('F32', [1], [4])}}`, 4), /data_offsets \[4\] outside/],
  ['three offsets', file(`{"a":${tensor('F32', [1], [0, 4, 4])}}`, 4), /outside/],
  ['an overlap', file(`{"a":${tensor('U8', [4], [0, 4])},"b":${tensor('U8', [4], [3, 7])}}`, 7), /'b' overlaps/],
  ['the same bytes twice', file(`{"a":${tensor('U8', [4], [0, 4])},"b":${tensor('U8', [4], [0, 4])}}`, 4), /overlaps/],
  [
    'a hole',
    file(`{"a":${tensor('U8', [1], [0, 1])},"b":${tensor('U8', [1], [2, 3])}}`, 3),
    /no tensor owns the 1 bytes/,
  ],
  ['bytes before', file(`{"a":${tensor('U8', [1], [1, 2])}}`, 2), /no tensor owns the 1 bytes/],
  ['bytes after', file(`{"a":${tensor('U8', [1], [0, 1])}}`, 9), /tensors have 1 bytes, but 9 follow/],
];

test('damaged and hostile files are refused with the reason', async (t) => {
  const path = join(folder(t), 'hostile.safetensors');
  for (const [what, bytes, reason] of HOSTILE) {
    const error = t.throws<Coded>(() => parseSafetensors(bytes), { message: reason }, what);
    t.is(error?.code, 'ERR_FORMAT', what);
    t.true(error && error.message.length < 400, what);
    writeFileSync(path, bytes);
    const fromDisk = await t.throwsAsync<Coded>(readSafetensors(path), { message: reason }, what);
    t.is(fromDisk?.code, 'ERR_FORMAT', what);
    t.true(fromDisk?.message.startsWith(`Cannot read '${path}': `), what);
  }
});

test('what is unusual but right is read', (t) => {
  const read = (bytes: Uint8Array) =>
    [...parseSafetensors(bytes).tensors.values()].map(({ shape, data }) => [shape, [...data]]);
  t.deepEqual(read(file('{}')), []);
  t.deepEqual(read(file('{}        ')), []);
  t.deepEqual(read(file(`{ "b" :\n${tensor('U8', [1], [1, 2])},\t"a":${tensor('U8', [1], [0, 1])}}`, 2)), [
    [[1], [0]],
    [[1], [0]],
  ]);
  t.deepEqual(read(file(`{"a":${tensor('F32', [0, 2 ** 50], [1, 1])},"b":${tensor('U8', [], [0, 1])}}`, 1)), [
    [[0, 2 ** 50], []],
    [[], [0]],
  ]);
});

test.serial('a file that claims much costs nothing', async (t) => {
  const path = join(folder(t), 'claims.safetensors');
  const before = process.memoryUsage().arrayBuffers;
  writeFileSync(path, file('{}', 0, 99_999_999));
  await t.throwsAsync(readSafetensors(path), { message: /but only 2 follow/ });
  writeFileSync(path, file(`{"a":${tensor('F64', [2 ** 27], [0, 2 ** 30])}}`, 16));
  await t.throwsAsync(readSafetensors(path), { message: /outside the 16 bytes/ });
  t.true(process.memoryUsage().arrayBuffers - before < 2 ** 20);
});

test('a file system that has no file says so', async (t) => {
  const home = folder(t);
  const error = await t.throwsAsync<Coded>(async () => void (await readSafetensors(join(home, 'none'))), {
    message: `Cannot open '${join(home, 'none')}'`,
  });
  t.is(error?.code, 'ENOENT');
  t.true(error?.stack?.includes('io.test'), error?.stack); // the caller's frames
  await t.throwsAsync(readSafetensors(home), { code: 'ERR_FORMAT', message: /it is no file/ });
  await t.throwsAsync(readSafetensors(3 as never), {
    instanceOf: TypeError,
    message: 'Expected path to be a file name or URL, got 3 (number)',
  });
});

test('tensors that cannot be written are refused before anything is', async (t) => {
  const home = folder(t);
  const data = new Float32Array(2);
  const refuses = async (tensors: unknown, message: string | RegExp, metadata?: unknown) => {
    await t.throwsAsync(writeSafetensors(join(home, 'x'), tensors as never, metadata as never), { message });
    t.deepEqual(readdirSync(home), []);
  };
  await refuses(
    [
      ['a', { shape: [2], data }],
      ['a', { shape: [2], data }],
    ],
    "Expected name to be unique among the tensors, got 'a' (string)",
  );
  await refuses([['a', { shape: [3], data }]], /^Expected the shape of 'a' to be that of 2 elements/);
  await refuses([['a', { shape: [1], data: [1] }]], "Expected the data of 'a' to be a typed array, got Array(1)");
  await refuses([['__metadata__', { shape: [2], data }]], /not reserved/);
  await refuses([['__proto__', { shape: [2], data }]], /not reserved/);
  await refuses([['\ud800', { shape: [2], data }]], /Unicode/);
  await refuses([], 'Expected metadata.a to be a string, got 3 (number)', { a: 3 });
});

test('fuzz: truncated, flipped and spliced files are read right or refused', (t) => {
  const random = new RandomState(5);
  const good = Buffer.concat(
    formatSafetensors(
      [
        ['kernel', NDArray.from(random.randn(3, 5), { dtype: 'float32' })],
        ['bias', NDArray.from(random.randn(5))],
        ['key', { shape: [4], data: Uint32Array.of(1, 2, 3, 4) }],
      ],
      { format: 'fjordnet', note: 'é"\\' },
    ),
  );
  let refused = 0;
  const attempt = (bytes: Buffer) => {
    try {
      const { tensors } = parseSafetensors(bytes);
      let total = 0;
      for (const { shape, data } of tensors.values()) {
        total += data.byteLength;
        if (shape.reduce((a, b) => a * b, 1) !== data.length) t.fail('a shape that does not fit its data');
      }
      if (total > bytes.length) t.fail('more memory than the file has');
    } catch (error) {
      if ((error as Coded).code !== 'ERR_FORMAT') throw error;
      refused++;
    }
  };
  for (let n = 0; n < good.length; n++) attempt(good.subarray(0, n));
  t.is(refused, good.length); // no part of the file is a file
  const header = 8 + Number(good.readBigUInt64LE());
  refused = 0;
  for (let bit = 0; bit < 8 * header; bit++) {
    const bytes = Buffer.from(good);
    bytes[bit >> 3] ^= 1 << (bit & 7);
    attempt(bytes);
  }
  t.true(refused > 0.5 * 8 * header && refused < 8 * header); // names and metadata may change and stay valid
  const pieces = [
    '{',
    '}',
    '[',
    ']',
    ',',
    ':',
    '"',
    '\\',
    '0',
    '9',
    '-',
    '1e9',
    '18446744073709551616',
    'null',
    '"a":',
    '\u0000',
    '😀',
  ];
  for (let round = 0; round < 4000; round++) {
    let text = good.toString('latin1', 8, header);
    for (let edits = random.randint(1, 4); edits > 0; edits--) {
      const at = random.randint(0, text.length + 1);
      const cut = random.randint(0, 6);
      text = text.slice(0, at) + pieces[random.randint(0, pieces.length)] + text.slice(at + cut);
    }
    attempt(Buffer.concat([file(Buffer.from(text, 'latin1')), good.subarray(header)]));
  }
});

test('a file is replaced at once, and keeps its permissions', async (t) => {
  const home = folder(t);
  const path = join(home, 'x');
  await writeFileAtomic(path, [Buffer.from('old')]);
  chmodSync(path, 0o640);
  symlinkSync('x', join(home, 'link'));
  await writeFileAtomic(join(home, 'link'), [Buffer.from('ne'), new Uint8Array(0), Buffer.from('w')]);
  t.is(readFileSync(path, 'utf8'), 'new');
  t.is(statSync(path).mode & 0o777, 0o640);
  await writeFileAtomic(pathToFileURL(path), []);
  t.is(readFileSync(path, 'utf8'), '');
  t.deepEqual(readdirSync(home).sort(), ['link', 'x']);
});

test('after an error the old file is there, and no other', async (t) => {
  const home = folder(t);
  const path = join(home, 'x');
  writeFileSync(path, 'old');
  const failing = function* () {
    yield Buffer.alloc(1e6);
    throw new Error('mine');
  };
  await t.throwsAsync(writeFileAtomic(path, failing()), { message: 'mine' });
  t.is(readFileSync(path, 'utf8'), 'old');
  mkdirSync(join(home, 'folder'));
  await t.throwsAsync(writeFileAtomic(join(home, 'folder'), [Buffer.from('x')]), {
    code: 'EISDIR',
    message: /^Cannot write '/,
  });
  const missing = await t.throwsAsync<Coded>(async () => await writeFileAtomic(join(home, 'no', 'x'), []), {
    code: 'ENOENT',
  });
  t.true(missing?.stack?.includes('io.test'));
  t.deepEqual(readdirSync(home).sort(), ['folder', 'x']);
});

test('of writers that race one wins, and readers never see a part', async (t) => {
  const home = folder(t);
  const path = join(home, 'race.safetensors');
  const write = (value: number) =>
    writeSafetensors(path, [['a', { shape: [50_000], data: new Float32Array(50_000).fill(value) }]]);
  await write(0);
  let writing = true;
  const check = async () => {
    const data = (await readSafetensors(path)).tensors.get('a')?.data as Float32Array;
    t.true(data.every((x) => x === data[0]));
  };
  const reading = (async () => {
    while (writing) await check();
  })();
  await Promise.all(Array.from({ length: 20 }, (_, i) => write(i + 1)));
  writing = false;
  await reading;
  await check();
  t.deepEqual(readdirSync(home), ['race.safetensors']);
});

test('a process that is killed while it saves leaves the old model or the new one', async (t) => {
  const home = folder(t);
  const path = join(home, 'model.safetensors');
  const model = (value: number) => ({
    architecture: { value },
    weights: [['w', NDArray.from(new Float32Array(400_000).fill(value))] as const],
  });
  await saveModel(path, model(0));
  const script = `
    import { saveModel } from ${JSON.stringify(new URL('../dist/io/model-file.js', import.meta.url).href)};
    import { NDArray } from ${JSON.stringify(new URL('../dist/array.js', import.meta.url).href)};
    process.stdout.write('ready');
    for (let value = 1; ; value++)
      await saveModel(${JSON.stringify(path)}, { architecture: { value }, weights: [['w', NDArray.from(new Float32Array(400_000).fill(value))]] });`;
  const random = new RandomState(1);
  let killed = 0;
  for (let round = 0; round < 8; round++) {
    const child: ChildProcess = spawn(process.execPath, ['--input-type=module', '--eval', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(child.stdout as NodeJS.ReadableStream, 'data');
    await new Promise((resolve) => setTimeout(resolve, 5 + 60 * random.randomSample()));
    child.kill('SIGKILL');
    await once(child, 'close');
    const { architecture = {}, weights = [] } = await loadModel(path);
    const [[, w]] = weights;
    t.is(w.size, 400_000);
    t.true(w.data.every((x) => x === architecture.value));
    const left = readdirSync(home).filter((entry) => entry !== 'model.safetensors');
    killed += left.length;
    for (const entry of left) {
      t.regex(entry, /^\.fjordnet-[0-9a-f]{16}\.tmp$/);
      rmSync(join(home, entry));
    }
  }
  t.true(killed > 0, 'no process was killed in the middle of saving');
});

test('a model file holds a network and what resuming needs', async (t) => {
  const path = join(folder(t), 'model.safetensors');
  const random = new RandomState(7);
  random.randn();
  const model = {
    architecture: { layers: [{ className: 'Dense', config: { units: 3, rate: 0.1, bias: null } }], name: 'größe "x"' },
    weights: [
      ['dense/kernel', NDArray.from(random.randn(2, 3), { dtype: 'float32' })],
      ['a', NDArray.from([[1, 2]])],
      ['steps', NDArray.from([3, 4], { dtype: 'int32' })],
    ] as const,
    optimizerState: [['dense/kernel/m', NDArray.from(random.randn(2, 3), { dtype: 'float32' })]] as const,
    training: { epoch: 3, iterations: 1e9, optimizer: { learningRate: 0.1 + 0.2 } },
    randomState: random.getState(),
  };
  await saveModel(path, model);
  t.deepEqual(await loadModel(pathToFileURL(path)), model);
  const resumed = new RandomState(0);
  const { randomState } = await loadModel(path);
  resumed.setState(randomState as NonNullable<typeof randomState>);
  t.deepEqual(resumed.randn(5), random.randn(5));
  await saveModel(path, { architecture: {}, weights: [] });
  t.deepEqual(await loadModel(path), { architecture: {}, weights: [] });
});

test('what JSON would change is refused, and the old file stays', async (t) => {
  const home = folder(t);
  const path = join(home, 'model.safetensors');
  await saveModel(path, { architecture: { old: true }, weights: [] });
  const refuses = async (training: unknown, message: string | RegExp) => {
    await t.throwsAsync(saveModel(path, { architecture: {}, weights: [], training: training as never }), { message });
  };
  const values = 'a finite number, a string, a boolean, null, or an array or plain object of these';
  await refuses({ best: [1, Number.NaN] }, `Expected training.best[1] to be ${values}, got NaN (number)`);
  await refuses({ a: { b: new Float32Array(2) } }, `Expected training.a.b to be ${values}, got Float32Array(2)`);
  await refuses({ a: () => 1 }, /^Expected training\.a to be a finite number/);
  await refuses([], 'Expected training to be an object, got Array(0)');
  const cycle: Record<string, unknown> = {};
  cycle.cycle = cycle;
  await refuses(cycle, /at most 100 levels deep/);
  t.deepEqual((await loadModel(path)).architecture, { old: true });
  t.deepEqual(readdirSync(home), ['model.safetensors']);
});

test('safetensors files that are no model are refused', async (t) => {
  const path = join(folder(t), 'model.safetensors');
  const good = { format: 'fjordnet', version: '1', architecture: '{}' };
  const key = new Uint32Array(624);
  const state = '{"algorithm":"MT19937","position":624,"hasGauss":0,"cachedGaussian":0}';
  const refuses = async (message: RegExp, metadata: Record<string, string>, tensors: [string, Tensor][] = []) => {
    await writeSafetensors(path, tensors, metadata);
    const error = await t.throwsAsync<Coded>(loadModel(path), { code: 'ERR_FORMAT', message });
    t.true(error?.message.startsWith(`Cannot load a model from '${path}': `));
  };
  await refuses(/without a format/, {});
  await refuses(/of format 'pt'/, { format: 'pt' });
  await refuses(/of version 2, this Fjordnet reads version 1/, { ...good, version: '2' });
  await refuses(/of version \(none\)/, { format: 'fjordnet' });
  await refuses(/has no architecture/, { format: 'fjordnet', version: '1' });
  await refuses(/its architecture is not JSON/, { ...good, architecture: '{' });
  await refuses(/its architecture has a value that is not an object/, { ...good, architecture: '[]' });
  await refuses(/at most 100 levels deep/, { ...good, architecture: `{"a":${'['.repeat(1e6)}${']'.repeat(1e6)}}` });
  await refuses(/its training has \.a\.__proto__ that is not a name/, {
    ...good,
    training: '{"a":{"__proto__":{"polluted":1}}}',
  });
  await refuses(/'other' \(Float32Array, shape \[1\]\)/, good, [['other', { shape: [1], data: new Float32Array(1) }]]);
  await refuses(/'weights\/a' \(Uint8Array/, good, [['weights/a', { shape: [1], data: new Uint8Array(1) }]]);
  await refuses(/randomState is not that of/, { ...good, randomState: state });
  await refuses(/randomState is not that of/, { ...good, randomState: state.replace('624', '625') }, [
    ['random/key', { shape: [624], data: key }],
  ]);
  await refuses(/'random\/key' \(Uint32Array, shape \[3\]\)/, good, [
    ['random/key', { shape: [3], data: new Uint32Array(3) }],
  ]);
  await writeSafetensors(path, [['random/key', { shape: [624], data: key }]], { ...good, randomState: state });
  t.is((await loadModel(path)).randomState?.[2], 624);
  truncateSync(path, statSync(path).size - 1);
  await t.throwsAsync(loadModel(path), { code: 'ERR_FORMAT' });
});
