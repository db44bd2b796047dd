import test from 'ava';
import {
  accuracyScore,
  loadPredictor,
  MLPClassifier,
  MLPRegressor,
  makePipeline,
  type NDArray,
  r2Score,
  readTable,
  TableTransformer,
  trainTestSplit,
} from 'fjordnet';
import { golden, pathOf } from './helpers/real-tables.js';

process.removeAllListeners('warning'); // of the few iterations

for (const [name, { target, drop, n, scores }] of Object.entries(golden))
  test(`${name}: from raw rows to a predictor that scores as scikit-learn's pipeline does`, async (t) => {
    const table = await readTable(pathOf(name));
    const labels: unknown[] = table[target];
    const kept = Int32Array.from(labels.keys())
      .filter((row) => labels[row] !== null)
      .slice(0, 2000);
    t.is(kept.length, n);
    const rows = Array.from(kept, (row) =>
      Object.fromEntries(Object.entries(table).map(([key, column]) => [key, column[row]])),
    );
    const [train, fresh] = trainTestSplit([rows], { testSize: 0.25, randomState: 0 });
    const isNumber = typeof labels[kept[0]] === 'number';
    const options = {
      hiddenLayerSizes: [30],
      alpha: 1,
      maxIter: 150,
      learningRateInit: 0.01,
      randomState: 0,
    };
    const model = isNumber ? new MLPRegressor(options) : new MLPClassifier(options);
    const pipeline = makePipeline(TableTransformer.infer(train, { target, drop }), model);
    await pipeline.fit(
      train,
      train.map((row) => row[target]),
    );
    const truth: any = fresh.map((row) => row[target]);
    const predictor = await loadPredictor(pipeline.toBytes());
    const answers = await predictor.predict(fresh.map(({ [target]: _, ...row }) => row) as never);
    const score = isNumber ? r2Score(truth, answers as NDArray) : accuracyScore(truth, answers as string[]);
    const [low, high] = [Math.min(...scores), Math.max(...scores)];
    t.log(`${score.toFixed(4)}; scikit-learn ${low.toFixed(4)} to ${high.toFixed(4)}`);
    // ten seeds do not show all of a spread: half of it on either side
    const margin = Math.max((high - low) / 2, 1 / truth.length);
    t.true(score >= low - margin, `${score} ${scores}`);
  });
