import test from 'ava';
import * as fjordnet from 'fjordnet';
import { MLPClassifier, MLPRegressor, NDArray } from 'fjordnet';
import { silenceWarnings } from './helpers/sklearn.js';

silenceWarnings();

const x = [[1, 2], [3, 4], [5, 6], [7, 9]]; // biome-ignore format: rows
const y = [0, 1, 0, 1];
const WRONG: Record<string, unknown> = {
  undefined: undefined,
  null: null,
  text: 'x',
  empty: '',
  five: 5,
  NaN: Number.NaN,
  bigint: 1n,
  symbol: Symbol('s'),
  function: () => 1,
  class: class A {},
  object: {},
  bare: Object.create(null),
  date: new Date(0),
  map: new Map([['sampleWeight', [1]]]),
  promise: Promise.resolve(1),
  'no rows': [],
  'no columns': [[]],
  ragged: [[1], [2, 3]],
  undefineds: [undefined, 1, 2, 3],
  bigints: [1n, 2n, 3n, 4n],
  symbols: [Symbol('a'), 1, 2, 3],
  objects: [{}, {}, {}, {}],
  functions: [() => 1],
  holes: new Array(4),
  'text among numbers': [1, 'a', 0, 1],
  'number among texts': ['a', 1, 'b', 'a'],
  'number among booleans': [true, 1, false, true],
  'column of texts': [['a'], ['b'], ['a'], ['b']],
  'NaN among numbers': [Number.NaN, 1, 0, 1],
  infinite: [Number.POSITIVE_INFINITY, 1, 0, 1],
  'no dimension': NDArray.from([1]).reshape([]),
  'three dimensions': NDArray.zeros([4, 1, 1]),
  bytes: new DataView(new ArrayBuffer(8)),
  'bigint array': new BigInt64Array(4),
  'half a matrix': { indptr: [0] },
};
/** Words of the engine, which no message of ours holds. */
const ENGINE =
  /is not (a function|iterable)|Cannot (read|convert|mix|set)|Invalid (array|typed|string)|must be between|undefined \(reading/;

type Call = [name: string, call: (value: any) => unknown];
const classifier = () => new MLPClassifier({ hiddenLayerSizes: 2, maxIter: 1, randomState: 0 });
const regressor = () => new MLPRegressor({ hiddenLayerSizes: 2, maxIter: 1, randomState: 0 });
const fitted = [classifier().fitSync(x, y), regressor().fitSync(x, y)] as const;

const ofEstimators: Call[] = [
  ['new', (v) => new MLPClassifier(v)],
  ...Object.keys(regressor().getParams()).map((name): Call => [name, (v) => regressor().setParams({ [name]: v })]),
  ['setParams', (v) => classifier().setParams(v)],
  ...[classifier, regressor].flatMap((make, k): Call[] => [
    ['x', (v) => make().fitSync(v, y)],
    ['x, async', (v) => make().fit(v, y)],
    ['y', (v) => make().fitSync(x, v)],
    ['y, lbfgs', (v) => (make().setParams({ solver: 'lbfgs' }) as MLPRegressor).fitSync(x, v)],
    ['y, early stopping', (v) => make().setParams({ earlyStopping: true, validationFraction: 0.5 }).fitSync(x, v)],
    ['options', (v) => make().fitSync(x, y, v)],
    ['options, async', (v) => make().fit(x, y, v)],
    ['sampleWeight', (v) => make().fitSync(x, y, { sampleWeight: v })],
    ['signal', (v) => make().fit(x, y, { signal: v })],
    ['predict', (v) => fitted[k].predict(v)],
    ['score x', (v) => fitted[k].score(v, y)],
    ['score y', (v) => fitted[k].score(x, v)],
    ['score options', (v) => fitted[k].score(x, y, v)],
    ['score sampleWeight', (v) => fitted[k].score(x, y, { sampleWeight: v })],
    ['coefs', (v) => Object.assign(fitted[k], { coefs: v })],
    ['coefs[0]', (v) => Object.assign(make(), { coefs: [v, v] })],
    ['intercepts[0]', (v) => Object.assign(make(), { intercepts: [v] })],
  ]),
  ['partialFit x', (v) => classifier().partialFit(v, y, [0, 1])],
  ['partialFit y', (v) => classifier().partialFit(x, v, [0, 1])],
  ['partialFit classes', (v) => classifier().partialFit(x, y, v)],
  ['predictProba', (v) => fitted[0].predictProba(v)],
];
const OPTIONS: Record<string, readonly string[]> = {
  accuracyScore: ['normalize', 'sampleWeight'],
  confusionMatrix: ['labels', 'normalize', 'sampleWeight'],
  precisionRecallFscoreSupport: ['average', 'labels', 'beta', 'posLabel', 'zeroDivision', 'sampleWeight'],
  classificationReport: ['labels', 'targetNames', 'digits', 'output', 'zeroDivision', 'sampleWeight'],
  logLoss: ['labels', 'normalize', 'sampleWeight'],
  meanSquaredError: ['sampleWeight', 'multioutput'],
  r2Score: ['sampleWeight', 'multioutput', 'forceFinite'],
};
const ofScores = Object.entries(OPTIONS).flatMap(([name, options]): Call[] => {
  const f = (fjordnet as any)[name];
  return [
    [`${name} yTrue`, (v) => f(v, y)],
    [`${name} yPred`, (v) => f(y, v)],
    [`${name} both`, (v) => f(v, v)],
    [`${name} options`, (v) => f(y, y, v)],
    ...options.map((option): Call => [`${name} ${option}`, (v) => f(y, y, { [option]: v })]),
  ];
});

for (const [what, calls] of Object.entries({ estimators: ofEstimators, scores: ofScores }))
  test(`${what}: whatever is passed, what is refused is refused in a sentence`, async (t) => {
    let refused = 0;
    for (const [name, call] of calls)
      for (const [kind, value] of Object.entries(WRONG)) {
        const error = await Promise.resolve()
          .then(() => call(value))
          .then(
            () => undefined,
            (error: unknown) => error as Error,
          );
        if (!error) continue;
        refused++;
        t.regex(error.message, /^(Expected|The solver) /, `${name}: ${kind}`);
        t.notRegex(error.message, ENGINE, `${name}: ${kind}`);
      }
    t.true(refused > calls.length * 20, `${refused} of ${calls.length} calls`);
  });

test('labels and values that only look like what is meant are refused', (t) => {
  const { accuracyScore, classificationReport, confusionMatrix, logLoss, meanSquaredError, r2Score } = fjordnet;
  const { precisionRecallFscoreSupport } = fjordnet;
  const refused: [() => unknown, RegExp][] = [
    [() => accuracyScore(['0', '1'], [0, 1]), /^Expected yPred to be strings, as yTrue is/],
    [() => accuracyScore([true, false], ['true', 'false']), /^Expected yPred to be booleans, as yTrue is/],
    [() => accuracyScore([[]] as any, [[]] as any), /^Expected yTrue to hold labels, got shape \[1, 0\]$/],
    [() => confusionMatrix([0, 1], [0, 1], { labels: ['0', '1'] }), /^Expected labels to be numbers, as yTrue is/],
    [() => classificationReport(['a'], ['a'], { labels: [0] }), /^Expected labels to be strings, as yTrue is/],
    [() => precisionRecallFscoreSupport([0, 1], [0, 1], { labels: [true] }), /^Expected labels to be numbers/],
    [
      () => precisionRecallFscoreSupport(['a'], ['a'], { average: 'binary' }),
      /^Expected posLabel to be a string, as yTrue is, got 1/,
    ],
    [() => logLoss(['0', '1'], [0.1, 0.9], { labels: [0, 1] }), /^Expected labels to be strings, as yTrue is/],
    [
      () => logLoss([0.5, 1.5], [0.1, 0.9]),
      /^Expected yTrue to hold class labels \(integers or strings\), got 0\.5 at row 0$/,
    ],
    [() => logLoss([0, 1], [0.5, 1.5]), /^Expected yPred to hold probabilities in \[0, 1\], got 1\.5 at row 1$/],
    [() => logLoss([0, 1], [[1.1, -0.1], [0, 1]]), /got 1\.1 at row 0, column 0$/], // biome-ignore format: rows
    [() => logLoss([[0, 1]] as any, [[0.5, 0.5]], { labels: [0, 1] }), /^Expected labels to be left out/],
    [
      () => classificationReport([0, 1], [0, 1], { targetNames: ['a', 5 as any] }),
      /^Expected targetNames\[1\] to be a string, got 5/,
    ],
    [
      () => classificationReport([0, 1], [0, 1], { digits: 61 }),
      /^Expected digits to be an integer from 0 to 60, got 61/,
    ],
    [
      () => meanSquaredError([1, 2], [1, 2], { multioutput: [1] }),
      /^Expected multioutput to be no weights where there is one output/,
    ],
    [() => r2Score(x, x, { multioutput: [1, -1] }), /^Expected multioutput to be weights whose sum is not 0/],
    [() => r2Score(x, x, { multioutput: [1] }), /^Expected multioutput to be an array of 2 weights/],
  ];
  for (const [run, message] of refused) t.throws(run, { message });
});

test('names of any script are aligned as Python aligns them', (t) => {
  const report = fjordnet.classificationReport(['猫', '😀'], ['猫', '猫'], {
    targetNames: ['猫'.repeat(15), '👩‍🚀 e\u0301'],
    zeroDivision: Number.NaN,
    digits: 0,
  });
  const [, , cat, smile] = report.split('\n');
  t.is(cat, `${'猫'.repeat(15)}          0         1         1         1`);
  t.is(smile, `${' '.repeat(9)}👩‍🚀 e\u0301        nan         0         0         1`);
  t.regex(fjordnet.classificationReport(['accuracy', 'b'], ['accuracy', 'b']), /^ +accuracy +1\.00 +1\.00 +1\.00 +1$/m);
});
