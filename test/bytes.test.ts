import test from 'ava';
import { importBytes, loadPredictor, MLPClassifier, Pipeline, readImage, Sequential, StandardScaler } from 'fjordnet';

const bytes = new StandardScaler().fit([[1], [2]]).toBytes();
const { buffer } = bytes.slice();
const shared = new SharedArrayBuffer(buffer.byteLength);
new Uint8Array(shared).set(bytes);

/** Calls that take bytes: what they call them, and what they expect. */
const TAKING: readonly [call: (given: any) => unknown, name: string, expected: string][] = [
  [(given) => StandardScaler.fromBytes(given), 'bytes', 'a Uint8Array'],
  [(given) => Pipeline.fromBytes(given), 'bytes', 'a Uint8Array'],
  [(given) => Sequential.fromBytes(given), 'bytes', 'a Uint8Array'],
  [(given) => MLPClassifier.fromBytes(given), 'bytes', 'a Uint8Array'],
  [(given) => MLPClassifier.importBytes(given), 'bytes', 'a Uint8Array'],
  [(given) => importBytes(given), 'bytes', 'a Uint8Array'],
  [(given) => loadPredictor(given), 'source', 'a file name or URL, or the bytes of a file as a Uint8Array'],
  [(given) => readImage(given), 'image', 'a file name or URL, or the bytes of a picture as a Uint8Array'],
];

test('what holds bytes and is no Uint8Array is refused with what makes one of it', async (t) => {
  const ofBuffer = (name: string) => `new Uint8Array(${name})`;
  const ofView = (name: string) => `new Uint8Array(${name}.buffer, ${name}.byteOffset, ${name}.byteLength)`;
  const ofBlob = (name: string) => `new Uint8Array(await ${name}.arrayBuffer())`;
  const makers: readonly [given: object, shown: string, maker: (name: string) => string][] = [
    [buffer, 'ArrayBuffer', ofBuffer],
    [shared, 'SharedArrayBuffer', ofBuffer],
    [new DataView(buffer), 'DataView', ofView],
    [new Int8Array(buffer, 8, 16), 'Int8Array(16)', ofView],
    [new Blob([buffer]), 'Blob', ofBlob],
    [new Response(buffer), 'Response', ofBlob],
  ];
  for (const [call, name, expected] of TAKING) {
    for (const [given, shown, maker] of makers)
      await t.throwsAsync(async () => call(given), {
        instanceOf: TypeError,
        message: `Expected ${name} to be ${expected}, got ${shown}; ${maker(name)} makes one of it`,
      });
    await t.throwsAsync(async () => call(3), { message: `Expected ${name} to be ${expected}, got 3 (number)` });
  }
});

test('what the sentences say makes bytes that are read', async (t) => {
  const view = new DataView(buffer);
  for (const own of [
    new Uint8Array(buffer),
    new Uint8Array(shared),
    new Uint8Array(view.buffer, view.byteOffset, view.byteLength),
    new Uint8Array(await new Blob([buffer]).arrayBuffer()),
  ])
    t.deepEqual([...(StandardScaler.fromBytes(own).mean as { data: Float64Array }).data], [1.5]);
});

test('bytes whose buffer was transferred say so', async (t) => {
  const gone = new Uint8Array(8);
  structuredClone(gone, { transfer: [gone.buffer] });
  for (const [call, name] of TAKING)
    await t.throwsAsync(async () => call(gone), { message: new RegExp(`${name}.*(transferred|detached)`) });
});
