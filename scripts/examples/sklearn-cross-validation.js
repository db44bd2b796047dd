// Cross-validation: how good is a model, how sure is that, and which penalty is best?
//   node scripts/examples/sklearn-cross-validation.js
import { bootstrapScore, crossValScore, gridSearch, loadDigits, MLPClassifier, StratifiedKFold } from 'fjordnet';

const { data, target } = loadDigits();
const options = { hiddenLayerSizes: [30], learningRateInit: 0.01, maxIter: 30, tol: 1e-3, randomState: 0 };
process.removeAllListeners('warning'); // some of these stop at maxIter

const scores = await crossValScore(new MLPClassifier(options), data, target, { cv: 5 });
const mean = scores.reduce((sum, score) => sum + score, 0) / scores.length;
console.log(`5 folds: ${scores.map((score) => score.toFixed(3)).join(', ')}; mean ${mean.toFixed(3)}`);

const bootstrap = await bootstrapScore(new MLPClassifier(options), data, target, { nResamples: 40, randomState: 0 });
const [low, high] = bootstrap.interval.map((score) => score.toFixed(3));
console.log(`bootstrap of 40: mean ${bootstrap.mean.toFixed(3)}, 95 % between ${low} and ${high}`);

const search = await gridSearch({
  grid: { alpha: [1e-4, 1e-2, 1, 10] },
  build: (params) => new MLPClassifier({ ...options, ...params }),
  train: [data, target],
  cv: new StratifiedKFold({ nSplits: 4, shuffle: true, randomState: 0 }),
});
for (const { params, testScore, seconds } of search.results)
  console.log(`alpha ${params.alpha}: ${testScore.toFixed(4)} in ${seconds.toFixed(2)} s`);
console.log('best:', search.best.params);
