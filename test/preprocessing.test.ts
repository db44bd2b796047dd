import { readFileSync } from 'node:fs';
import test from 'ava';
import fc from 'fast-check';
import {
  type ArrayInput,
  type DType,
  MaxAbsScaler,
  MinMaxScaler,
  NDArray,
  PolynomialFeatures,
  RobustScaler,
  SimpleImputer,
  StandardScaler,
} from 'fjordnet';

const golden = JSON.parse(readFileSync(new URL('../test/fixtures/preprocessing.json', import.meta.url), 'utf8'));

const names = {
  mean_: 'mean',
  var_: 'variance',
  scale_: 'scale',
  data_min_: 'dataMin',
  data_max_: 'dataMax',
  data_range_: 'dataRange',
  min_: 'min',
};

test('scalers measure and scale to scikit-learn’s last bit', (t) => {
  t.is(golden.length, 12);
  for (const { scaler, options, dtype, x, new: fresh, transformed, new_transformed, inverse, statistics } of golden) {
    const { with_mean: withMean, with_std: withStd, feature_range: featureRange, clip } = options;
    const read = (rows: number[][]) => NDArray.from(rows, { dtype: dtype as DType });
    const fitted =
      scaler === 'StandardScaler'
        ? new StandardScaler({ withMean, withStd })
        : new MinMaxScaler({ featureRange, clip });
    t.is(fitted.fit(read(x)), fitted);
    for (const [key, expected] of Object.entries(statistics))
      t.deepEqual(
        (fitted[names[key as 'mean_'] as 'scale'] as NDArray).toArray(),
        expected as number[],
        `${scaler} ${key}`,
      );
    const z = fitted.transform(read(x));
    t.is(z.dtype, dtype);
    t.deepEqual(z.toArray(), transformed);
    t.deepEqual(fitted.fitTransform(read(x)), z);
    t.deepEqual(fitted.transform(read(fresh)).toArray(), new_transformed);
    t.deepEqual(fitted.inverseTransform(z).toArray(), inverse);
    t.is(fitted.nFeaturesIn, 4);
    t.is(fitted.nSamplesSeen, 12);
  }
});

test('inverseTransform undoes transform', (t) => {
  const row = fc.array(fc.double({ min: -1e3, max: 1e3, noNaN: true }), { minLength: 3, maxLength: 3 });
  fc.assert(
    fc.property(fc.array(row, { minLength: 1, maxLength: 20 }), (rows) => {
      for (const scaler of [new StandardScaler(), new MinMaxScaler({ featureRange: [-3, 5] })]) {
        const back = scaler.inverseTransform(scaler.fitTransform(rows));
        for (let i = 0; i < back.size; i++) t.true(Math.abs(back.data[i] - rows.flat()[i]) < 1e-9);
      }
    }),
    { numRuns: 50 },
  );
});

test('scaled features have mean 0 and variance 1, or fill their range, and inputs stay as they were', (t) => {
  const x = new Int32Array([1, 2, 3, 4, 6, 9]);
  const columns = NDArray.wrap(x, [3, 2]);
  const { mean, variance } = new StandardScaler().fit(new StandardScaler().fitTransform(columns));
  for (let k = 0; k < 2; k++) {
    t.true(Math.abs(mean.data[k]) < 1e-15);
    t.true(Math.abs(variance.data[k] - 1) < 1e-15);
  }
  const filled = new MinMaxScaler().fit(new MinMaxScaler().fitTransform(columns));
  t.deepEqual([...filled.dataMin.data], [0, 0]);
  t.true(filled.dataMax.data.every((v: number) => Math.abs(v - 1) < 1e-15));
  t.deepEqual([...x], [1, 2, 3, 4, 6, 9]);
});

// PolynomialFeatures(3, include_bias=False).fit_transform(x) of scikit-learn 1.9, x of float32
test('products of float32 are rounded one after another, as in scikit-learn', (t) => {
  const x = NDArray.from(
    [
      [0.1, 0.7, -1.3],
      [1.1, 2.3, 3.7],
    ],
    { dtype: 'float32' },
  );
  const products = [
    [0.1, 0.7, -1.3, 0.010000001, 0.07, -0.13, 0.48999998, -0.90999997, 1.6899998, 0.001, 0.007, -0.012999999, 0.049],
    [-0.091, 0.16899998, 0.343, -0.63699996, 1.1829998, -2.1969998],
    [1.1, 2.3, 3.7, 1.21, 2.53, 4.07, 5.29, 8.51, 13.690001, 1.3310001, 2.783, 4.477, 5.8190002, 9.361, 15.059001],
    [12.167, 19.573, 31.487001, 50.653004],
  ];
  const z = new PolynomialFeatures({ degree: 3, includeBias: false }).fitTransform(x);
  t.deepEqual(z, NDArray.from(products.flat(), { dtype: 'float32', shape: [2, 19] }));
});

test('numbers whose mean or range is beyond float64 are refused', (t) => {
  const x = [
    [1, 1e308],
    [2, 1.5e308],
    [3, -1.7e308],
    [5, 1.7e308],
  ];
  const large = { a: [1, 2, 3, 5], b: x.map(([, b]) => b) };
  for (const [scaler, what] of [
    [new StandardScaler(), 'mean'],
    [new MinMaxScaler(), 'dataRange'],
    [new RobustScaler(), 'center'],
    [new SimpleImputer(), 'mean'],
    [new SimpleImputer({ strategy: 'median' }), 'median'],
  ] as const) {
    scaler.fit([[1], [2]]);
    const before = scaler.toBytes();
    for (const [table, column] of [
      [x, 'column 1'],
      [large, "the column 'b'"],
    ] as const)
      t.throws(() => scaler.fit(table as never), {
        instanceOf: RangeError,
        message: new RegExp(`^Expected ${column} of x to hold numbers whose ${what} is finite, got (Infinity|NaN)$`),
      });
    t.deepEqual(scaler.toBytes(), before);
  }
  t.is(new MaxAbsScaler().fit(x).scale.data[1], 1.7e308);
  t.throws(() => new StandardScaler().fit([[1e200], [-1e200]]), { message: /whose variance is finite, got Infinity$/ });
});

test('what cannot be scaled is refused', (t) => {
  for (const scaler of [new StandardScaler(), new MinMaxScaler()]) {
    const name = scaler.constructor.name;
    for (const [member, use] of [
      ['transform', () => scaler.transform([[1]])],
      ['inverseTransform', () => scaler.inverseTransform([[1]])],
      ['scale', () => scaler.scale],
      ['nFeaturesIn', () => scaler.nFeaturesIn],
    ] as const)
      t.throws(use, { code: 'ERR_NOT_FITTED', message: `Expected ${name} to be fitted before ${member} is used` });
    scaler.fit([
      [1, 2],
      [3, 4],
    ]);
    const before = scaler.scale;
    const bad: [ArrayInput, string][] = [
      [
        [
          [1, 2],
          [Number.NaN, 4],
        ],
        'Expected x to hold finite numbers, got NaN at row 1, column 0',
      ],
      [[1, 2], 'Expected x to have 2 dimensions, got shape [2]'],
      [[], 'Expected x to be a table with at least one row, got shape [0]'],
    ];
    for (const [x, message] of bad) {
      t.throws(() => scaler.fit(x), { instanceOf: RangeError, message });
      t.throws(() => scaler.transform(x), { instanceOf: RangeError, message });
    }
    t.is(scaler.scale, before);
    const message = 'Expected x to have 2 features, as it had in fit, got shape [1, 3]';
    t.throws(() => scaler.transform([[1, 2, 3]]), { instanceOf: RangeError, message });
    t.throws(() => scaler.inverseTransform([[1, 2, 3]]), { instanceOf: RangeError, message });
  }
  t.throws(() => new MinMaxScaler({ featureRange: [1, 1] }), {
    message: 'Expected featureRange[1] to be a number > 1, got 1 (number)',
  });
  t.throws(() => new MinMaxScaler({ featureRange: [1] as never }), { instanceOf: TypeError });
  t.throws(() => new StandardScaler({ withMean: 1 as never }), { instanceOf: TypeError });
  t.throws(() => new StandardScaler({ withStdd: true } as object), { message: /did you mean 'withStd'/ });
});
