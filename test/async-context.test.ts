// Whatever of the caller's is called during a run, and what follows its promise, has the caller's asynchronous context, of which
// requests are told apart in logs and traces (AsyncLocalStorage, OpenTelemetry); runs beside it have their own.
import { AsyncLocalStorage } from 'node:async_hooks';
import test from 'ava';
import {
  type Callback,
  callbacks,
  crossValScore,
  data,
  gridSearch,
  layers,
  MLPClassifier,
  NDArray,
  NeuralNetwork,
  RandomState,
  sequential,
  toCategorical,
} from 'fjordnet';

const random = new RandomState(1);
const x = random.randn(120, 6);
const y = NDArray.from(random.randint(0, 3, [120]), { dtype: 'int32' });

function network() {
  const model = sequential({ layers: [layers.dense({ units: 3, activation: 'softmax', inputShape: [6] })], seed: 1 });
  model.compile({ optimizer: 'sgd', loss: 'sparseCategoricalCrossentropy' });
  return model;
}

test('callbacks, sources and what follows a promise have the context of the call', async (t) => {
  const request = new AsyncLocalStorage<string>();
  const shared = network();
  const noted = new Map<string, number>();

  await Promise.all(
    ['a', 'b', 'c'].map((id) =>
      request.run(id, async () => {
        const note = (place: string) => {
          t.is(request.getStore(), id, place);
          noted.set(place, (noted.get(place) ?? 0) + 1);
        };
        const hooks = [
          'onTrainBegin',
          'onEpochBegin',
          'onBatchBegin',
          'onBatchEnd',
          'onEpochEnd',
          'onTrainEnd',
        ] as const;
        const own: Callback = Object.fromEntries(
          hooks.map((hook) => [
            hook,
            async () => {
              note(hook);
              await shared.predict(x);
              note(`${hook}, after a prediction`);
            },
          ]),
        );

        const model = network();
        await model.fit(x, y, { epochs: 2, validationSplit: 0.2, callbacks: [own, callbacks.terminateOnNaN()] });
        note('fit');
        const mapped = data.fromArrays([x, y]).map((element) => {
          note('map');
          return element;
        });
        await model.fit(mapped.shuffle(20, 1).batch(30).prefetch(2), { epochs: 2, callbacks: own });
        note('fit of a dataset');
        const batches = async function* () {
          note('source');
          await null;
          note('source, later');
          yield [x, y] as const;
        };
        await model.fit(batches, { epochs: 2 });
        await model.evaluate(x, y);
        note('evaluate');
        for (let i = 0; i < 3; i++) {
          await shared.predict(x.take([i]));
          note('predict, of rows that share a batch with others');
        }
        const signal = AbortSignal.timeout(20);
        await t.throwsAsync(model.fit(x, y, { epochs: 1e6, signal }), { name: 'AbortError' });
        note('an abort');

        const lecture = new NeuralNetwork(x, toCategorical(y, 3), { nCategories: 3, epochs: 2, eta: 0.001 });
        await lecture.train({ onEpochEnd: () => note('train: onEpochEnd') });
        await new MLPClassifier({ maxIter: 2, tol: 1 }).fit(x, y, { onEpochEnd: () => note('estimator: onEpochEnd') });
        await gridSearch({
          grid: { learningRate: [0.1, 0.2] },
          build: () => {
            note('build');
            return network();
          },
          train: [x, y],
          test: [x, y],
          onResult: () => note('onResult'),
        });
        await crossValScore(new MLPClassifier({ solver: 'lbfgs', maxIter: 2, tol: 1 }), x, y, {
          cv: 2,
          scoring: () => {
            note('scoring');
            return 1;
          },
        });
        note('crossValScore');
      }),
    ),
  );
  t.is(request.getStore(), undefined);
  for (const [place, times] of noted) t.is(times % 3, 0, place);
  t.true(noted.size > 20, String(noted.size));
});
