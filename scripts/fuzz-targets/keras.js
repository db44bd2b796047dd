// Files of Keras: HDF5 and ZIP with bytes that are damaged and numbers at the edge of something, configs with any JSON in any
// place. The files are our own and, where the repository has them, those of the real Keras.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { importBytes, input, layers, model, ops, sequential } from '../../dist/index.js';
import { inMemory } from '../../dist/io/read.js';
import { formatZip } from '../../dist/io/write-zip.js';
import { readZipDirectory, readZipEntry } from '../../dist/io/zip.js';
import { attempt, changed, damaged, edited, writeWord } from '../fuzz-bytes.js';

export const name = 'keras';

const FIXTURES = new URL('../../test/fixtures/keras-files/', import.meta.url);
const PIECES = [
  '{',
  '}',
  '[',
  ']',
  ',',
  ':',
  '"',
  '0',
  '-',
  '1e9',
  'null',
  '"name":',
  '"config":',
  '__keras_tensor__',
  '[0]',
];
const WILD = [
  null,
  true,
  0,
  -1,
  1,
  0.5,
  3,
  65_536,
  2 ** 31,
  2 ** 53,
  1e300,
  '',
  'relu',
  'Dense',
  'Sequential',
  'toString',
]
  .concat([
    '__proto__',
    'x'.repeat(300),
    [],
    [0],
    [null, 3],
    [2 ** 31, 2 ** 31],
    [['a', 0, 0]],
    {},
    { class_name: 'L2' },
  ])
  .concat([
    { class_name: 'Dense', config: {} },
    { class_name: '__numpy__', config: { value: [1, 2] } },
  ]);

/** Our own: a stack and a graph, trained. */
async function own() {
  const stack = sequential({
    layers: [
      layers.embedding({ inputDim: 5, outputDim: 2, maskZero: true, inputShape: [3] }),
      layers.lstm({ units: 2 }),
    ],
    seed: 1,
  });
  stack.compile({ optimizer: 'adam', loss: 'mse', metrics: ['mae'] });
  const [a, b] = [input({ shape: [2], name: 'a' }), input({ shape: [2], name: 'b' })];
  const shared = layers.dense({ units: 2, activation: 'relu', kernelRegularizer: 'l2' });
  const inner = sequential({ layers: [layers.dense({ units: 2, inputShape: [2] }), layers.batchNormalization()] });
  const sum = ops.add(ops.mul(shared.apply(a), 2), inner.apply(shared.apply(b)));
  const graph = model({ inputs: [a, b], outputs: layers.add().apply([sum, a]), seed: 1 });
  return [
    await stack.exportBytes({ format: 'h5' }),
    await stack.exportBytes({ format: 'keras' }),
    await graph.exportBytes({ format: 'keras' }),
  ];
}

/** Those of the real one that are small. */
function fixtures() {
  if (!existsSync(FIXTURES)) return [];
  return readdirSync(FIXTURES)
    .filter((file) => file.endsWith('.gz'))
    .map((file) => gunzipSync(readFileSync(new URL(file, FIXTURES))))
    .filter(({ length }) => length < 60_000);
}

/** Numbers at the edge in some places. */
function rewritten(random, bytes) {
  const out = Buffer.from(bytes);
  for (let left = random.integer(1, 4); left > 0; left--)
    writeWord(random, out, 2 * random.integer(0, Math.max(0, Math.floor(out.length / 2) - 4)));
  return out;
}

/** The parts of a ZIP file. */
async function partsOf(bytes) {
  const archive = inMemory(bytes);
  const entries = await readZipDirectory(archive, bytes.length, 'it');
  return Promise.all(entries.map(async (entry) => [entry.name, [await readZipEntry(archive, entry, 'it')]]));
}

async function mutated(random, whole) {
  const kind = random.integer(0, 5);
  if (kind === 0) return damaged(random, whole);
  if (kind === 1) return rewritten(random, whole);
  if (whole[0] !== 0x50) {
    // text within: of the same length, so that the rest stays whole
    const at = whole.indexOf('"class_name"');
    const out = Buffer.from(whole);
    for (let left = random.integer(1, 3); left > 0 && at >= 0; left--)
      out.write(random.pick(['0', '9', '"', 'x', '[', ' ']), Math.min(out.length - 1, at + random.integer(0, 4000)));
    return out;
  }
  const parts = await partsOf(whole);
  const next = parts.map(([name, [content]]) => {
    if (name === 'config.json' && kind < 4) {
      const text = Buffer.from(content).toString();
      return [name, [Buffer.from(kind === 2 ? edited(random, text, PIECES) : changed(random, text, WILD, 0.15))]];
    }
    if (name.endsWith('.h5') && kind >= 4)
      return [name, [kind === 4 ? rewritten(random, content) : damaged(random, content)]];
    return [name, [content]];
  });
  return Buffer.concat(formatZip(next));
}

export async function run(random, count, report) {
  const files = [...(await own()), ...fixtures()];
  for (const file of files) await importBytes(file);
  for (let i = 0; i < count; i++) {
    const bytes = await mutated(random, Buffer.from(random.pick(files)));
    const network = await attempt(report, bytes, () => importBytes(bytes));
    if (network && !network.getWeights().every(({ data, shape }) => data.length === shape.reduce((n, k) => n * k, 1)))
      report(`weights that do not fit: ${bytes.toString('base64')}`);
  }
}
