import test from 'ava';
import { MLPClassifier, MLPRegressor } from 'fjordnet';
import { bits, silenceWarnings, someDigits } from './helpers/sklearn.js';

silenceWarnings();

test('parameters: defaults, reading, changing, refusing', (t) => {
  const model = new MLPClassifier({ alpha: 0.5 });
  t.like(model.getParams(), { alpha: 0.5, hiddenLayerSizes: [100], solver: 'adam', batchSize: 'auto', maxFun: 15000 });
  t.is(Object.keys(model.getParams()).length, 23);
  t.is(new MLPRegressor().getParams().loss, 'squaredError');
  t.is(model.setParams({ tol: 0 }).getParams().tol, 0);
  t.is(model.getParams().alpha, 0.5);
  t.is(model.setParams({ alpha: undefined }).getParams().alpha, 1e-4);
  t.throws(() => model.setParams({ alpha: -1, tol: 5 }), { instanceOf: RangeError });
  t.is(model.getParams().tol, 0);

  const refused: [Record<string, unknown>, string][] = [
    [{ hiddenLayerSizes: 0 }, 'Expected hiddenLayerSizes to be a positive integer, got 0 (number)'],
    [{ hiddenLayerSizes: [4, -1] }, 'Expected hiddenLayerSizes[1] to be a positive integer, got -1 (number)'],
    [
      { hiddenLayerSizes: 'big' },
      "Expected hiddenLayerSizes to be a positive integer or an array of them, got 'big' (string)",
    ],
    [
      { activation: 'cloak' },
      "Expected activation to be one of 'identity', 'logistic', 'tanh', 'relu', got 'cloak' (string)",
    ],
    [{ solver: 'hadoken' }, "Expected solver to be one of 'lbfgs', 'sgd', 'adam', got 'hadoken' (string)"],
    [{ alpha: -1 }, 'Expected alpha to be a non-negative number, got -1 (number)'],
    [{ batchSize: 0 }, "Expected batchSize to be a positive integer or 'auto', got 0 (number)"],
    [{ batchSize: 'all' }, "Expected batchSize to be a positive integer or 'auto', got 'all' (string)"],
    [
      { learningRate: 'converge' },
      "Expected learningRate to be one of 'constant', 'invscaling', 'adaptive', got 'converge' (string)",
    ],
    [{ learningRateInit: 0 }, 'Expected learningRateInit to be a positive number, got 0 (number)'],
    [{ powerT: -0.5 }, 'Expected powerT to be a non-negative number, got -0.5 (number)'],
    [{ maxIter: 0 }, 'Expected maxIter to be a positive integer, got 0 (number)'],
    [{ shuffle: 'true' }, "Expected shuffle to be a boolean, got 'true' (string)"],
    [{ randomState: -1 }, 'Expected randomState to be a non-negative integer, got -1 (number)'],
    [{ tol: -1e-4 }, 'Expected tol to be a non-negative number, got -0.0001 (number)'],
    [{ verbose: -1 }, 'Expected verbose to be a non-negative integer, got -1 (number)'],
    [{ verbose: 'yes' }, "Expected verbose to be a boolean or a non-negative integer, got 'yes' (string)"],
    [{ warmStart: 1 }, 'Expected warmStart to be a boolean, got 1 (number)'],
    [{ momentum: 2 }, 'Expected momentum to be a number in [0, 1], got 2 (number)'],
    [{ nesterovsMomentum: 0 }, 'Expected nesterovsMomentum to be a boolean, got 0 (number)'],
    [{ earlyStopping: 3 }, 'Expected earlyStopping to be a boolean, got 3 (number)'],
    [{ validationFraction: 1 }, 'Expected validationFraction to be a number in [0, 1), got 1 (number)'],
    [
      { validationFraction: 0, earlyStopping: true },
      'Expected validationFraction to be a number in (0, 1), got 0 (number)',
    ],
    [{ beta1: 1 }, 'Expected beta1 to be a number in [0, 1), got 1 (number)'],
    [{ beta2: -0.5 }, 'Expected beta2 to be a number in [0, 1), got -0.5 (number)'],
    [{ epsilon: 0 }, 'Expected epsilon to be a positive number, got 0 (number)'],
    [{ nIterNoChange: 0 }, 'Expected nIterNoChange to be a positive integer, got 0 (number)'],
    [{ maxFun: 1.5 }, 'Expected maxFun to be a positive integer, got 1.5 (number)'],
    [{ maxIters: 5 }, "Expected options to have no option 'maxIters' (did you mean 'maxIter'?)"],
    [{ loss: 'poisson' }, "Expected options to have no option 'loss'"],
  ];
  for (const [options, message] of refused) {
    const error = t.throws(() => new MLPClassifier(options), undefined, JSON.stringify(options));
    t.true(error?.message.startsWith(message), error?.message);
    t.true(error instanceof RangeError || error instanceof TypeError);
  }
  t.throws(() => new MLPRegressor({ loss: 'huber' as any }), { message: /one of 'squaredError', 'poisson'/ });
});

test('data that does not fit is refused, with nothing changed', async (t) => {
  const { x, y } = someDigits(3);
  const model = new MLPClassifier({ hiddenLayerSizes: 4, maxIter: 2, randomState: 0 });
  t.throws(() => model.predict(x), {
    code: 'ERR_NOT_FITTED',
    message: 'Expected this MLPClassifier to be fitted: call fit first',
  });
  model.fitSync(x, y);
  const before = bits(model);
  const labels = Array.from(y.data);
  const withNaN = x.toArray<number[][]>();
  withNaN[3][7] = Number.NaN;
  const refusals: [() => unknown, RegExp][] = [
    [() => model.fitSync(withNaN, y), /^Expected x to hold finite numbers, got NaN at row 3, column 7$/],
    [() => model.fitSync(x, labels.slice(1)), /^Expected y to have 200 rows, got 199$/],
    [
      () =>
        model.fitSync(
          x,
          labels.map(() => 0.5),
        ),
      /^Expected y to hold class labels \(integers or strings\), got 0.5 at row 0$/,
    ],
    [
      () =>
        model.fitSync(
          x,
          labels.map(() => [1, 2]),
        ),
      /^Expected y to hold rows of 0s and 1s \(multi-label\), got 2 at row 0/,
    ],
    [() => model.fitSync(Array.from(x.data), y), /^Expected x to have 2 dimensions/],
    [() => model.fitSync(x, y, { sampleWeight: [1, 2] }), /^Expected sampleWeight to have 200 rows, got 2$/],
    [
      () => model.fitSync(x, y, { sampleWeight: new Float64Array(200) }),
      /^Expected sampleWeight to be weights of which one is positive/,
    ],
    [() => model.fitSync(x, y, { weights: [] } as any), /no option 'weights'/],
    [
      () => model.partialFit(x.take([0]), [9]),
      /^Expected y to hold labels out of the classes of the last fit, 0, 1, 2, got 9 at row 0$/,
    ],
    [() => model.partialFit(x, y, [0, 1]), /^Expected classes to be those of the earlier calls, 0, 1, 2/],
    [
      () =>
        model.partialFit(
          x,
          labels.map(() => [0, 1]),
        ),
      /^Expected y to hold labels/,
    ],
    [() => model.partialFit([[1, 2]], [0]), /^Expected x to be a matrix of 64 columns, as at fit/],
    [() => model.predict([[1, 2]]), /^Expected x to be a matrix of 64 columns, as at fit/],
    [() => (model.coefs = [[[1]]]), /^Expected coefs to be an array of 2 arrays/],
    [() => (model.intercepts = [[1], [2]]), /^Expected intercepts\[0\] to have shape \[4\], got \[1\]$/],
  ];
  for (const [call, message] of refusals) {
    t.throws(call, { message });
    t.deepEqual(bits(model), before);
  }
  await t.throwsAsync(model.fit(x, y, { signal: 5 as any }), { instanceOf: TypeError, message: /AbortSignal/ });
  t.throws(() => new MLPClassifier().partialFit(x, y), {
    message: /^Expected classes to be the labels of all classes in the first call/,
  });
  t.throws(() => new MLPClassifier({ solver: 'lbfgs' }).partialFit(x, y, [0, 1, 2]), {
    message: /^Expected solver to be 'sgd' or 'adam' for partialFit/,
  });
  t.throws(() => new MLPClassifier({ earlyStopping: true }).partialFit(x, y, [0, 1, 2]), {
    message: /^Expected earlyStopping to be false for partialFit/,
  });
  t.throws(
    () =>
      new MLPClassifier({ earlyStopping: true }).fitSync(
        [
          [1, 2],
          [2, 3],
          [3, 4],
          [4, 5],
        ],
        [0, 0, 0, 1],
      ),
    { message: /validationFraction|every class at least twice/ },
  );
  const rare = Array.from({ length: 40 }, (_, i) => Number(i === 0));
  t.throws(
    () =>
      new MLPClassifier({ earlyStopping: true }).fitSync(
        rare.map((v) => [v]),
        rare,
      ),
    { message: 'Expected y to hold every class at least twice, got class 1 once' },
  );
  t.throws(() => new MLPRegressor({ loss: 'poisson' }).fitSync([[1], [2]], [1, -1]), {
    message: /non-negative numbers for the loss 'poisson', got -1 at row 1/,
  });
  t.throws(() => new MLPRegressor().fitSync([[1], [2]], [1, Number.POSITIVE_INFINITY]), {
    message: /Expected y to hold finite numbers/,
  });
});
