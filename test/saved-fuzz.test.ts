import test from 'ava';
import fc from 'fast-check';
import {
  ColumnTransformer,
  DatetimeEncoder,
  GridSearchCV,
  KFold,
  loadPredictor,
  MLPClassifier,
  OneHotEncoder,
  OrdinalEncoder,
  Pipeline,
  RandomState,
  SimpleImputer,
  StandardScaler,
} from 'fjordnet';

const rows = Array.from({ length: 12 }, (_, i) => ({
  mass: i % 5 === 0 ? null : 10 * i,
  island: ['Dream', 'Biscoe', 'Torgersen'][i % 3],
  size: ['small', 'large'][i % 2],
  seen: `2012-0${1 + (i % 9)}-11`,
}));
const species = rows.map((_, i) => (i % 2 === 0 ? 'a' : 'b'));
const pipeline = new Pipeline([
  [
    'prepare',
    new ColumnTransformer([
      ['numbers', [new SimpleImputer({ addIndicator: true }), new StandardScaler()], ['mass']],
      ['kinds', new OneHotEncoder({ maxCategories: 2 }), 'island'],
      ['order', new OrdinalEncoder({ handleUnknown: 'useEncodedValue', unknownValue: -1 }), ['size']],
      ['dates', new DatetimeEncoder({ periodic: true }), ['seen']],
    ]),
  ],
  [
    'model',
    new MLPClassifier({ hiddenLayerSizes: [3], randomState: new RandomState(1), maxIter: 5, nIterNoChange: 3 }),
  ],
]);
process.removeAllListeners('warning'); // of the few iterations
const bytes = pipeline.fitSync(rows, species).toBytes();

const search = new GridSearchCV({
  estimator: new Pipeline([
    ['prepare', new ColumnTransformer([['numbers', [new SimpleImputer(), new StandardScaler()], ['mass']]])],
    ['model', new MLPClassifier({ hiddenLayerSizes: [3], randomState: 1, maxIter: 5 })],
  ]),
  grid: { model__alpha: [0.1, 1], model__hiddenLayerSizes: [[2], [3]] },
  cv: new KFold({ nSplits: 2, shuffle: true, randomState: new RandomState(2) }),
  scoring: 'accuracy',
});
await search.fit(rows, species);
const files = { pipeline: bytes, search: search.toBytes() };

const headerOf = (bytes: Uint8Array) => {
  const length = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
  return {
    header: JSON.parse(Buffer.from(bytes.subarray(8, 8 + length)).toString()),
    body: bytes.subarray(8 + length),
  };
};

/** The file with another object in it. */
function withObject(file: Uint8Array, object: unknown): Uint8Array {
  const { header, body } = headerOf(file);
  header.__metadata__.object = JSON.stringify(object);
  const json = Buffer.from(JSON.stringify(header));
  const head = Buffer.alloc(8 + Math.ceil(json.length / 8) * 8, ' ');
  head.writeBigUInt64LE(BigInt(head.length - 8));
  json.copy(head, 8);
  return Buffer.concat([head, body]);
}

type Place = { holder: Record<string, unknown>; key: string };

function placesIn(value: unknown): Place[] {
  if (typeof value !== 'object' || value === null) return [];
  const holder = value as Record<string, unknown>;
  return Object.keys(holder).flatMap((key) => [{ holder, key }, ...placesIn(holder[key])]);
}

const REPLACEMENTS = [
  ...[null, -1, 0.5, 1e9, '', 'x', true, [], {}, [[]], [null], { $: 'network' }, { $: 'number', value: 'NaN' }],
  ...[
    { $: 'array', number: 0 },
    { $: 'array', number: 1e9 },
    { $: 'object', className: 'Pipeline', config: {} },
    { $: 'what' },
  ],
  ...[
    { $: 'number', value: '-Infinity' },
    { $: 'object', className: 'StandardScaler', config: {} },
  ],
];

for (const [what, file] of Object.entries(files))
  test(`a file of a ${what} that was changed loads, or is refused with its place`, async (t) => {
    const original = JSON.parse(headerOf(file).header.__metadata__.object);
    const count = placesIn(original).length;
    t.true(count > 100);
    const answer = (what === 'search' ? search : pipeline).predict(rows);
    t.deepEqual(await (await loadPredictor(withObject(file, original))).predict(rows), answer);
    let refused = 0;
    await fc.assert(
      fc.asyncProperty(fc.nat(count - 1), fc.nat(REPLACEMENTS.length), async (at, replacement) => {
        const object = structuredClone(original);
        const { holder, key } = placesIn(object)[at];
        if (replacement === REPLACEMENTS.length) delete holder[key];
        else holder[key] = structuredClone(REPLACEMENTS[replacement]);
        try {
          const predictor = await loadPredictor(withObject(file, object));
          await predictor.predict(rows).catch((error: Error) => {
            if (!error.message.startsWith('Expected ')) throw error;
          });
        } catch (error) {
          const { code, message } = error as NodeJS.ErrnoException;
          if (code !== 'ERR_FORMAT') throw error;
          t.regex(message, /^Cannot load a model from /);
          refused++;
        }
      }),
      { numRuns: 800, seed: 1 },
    );
    t.true(refused > 250, `${refused}`);
  });
