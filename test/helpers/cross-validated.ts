// What test/fixtures/cross-validate.py gave scikit-learn, and what that made of it.
import { readFileSync } from 'node:fs';
import { loadDigits, MLPClassifier, MLPRegressor } from 'fjordnet';

export const golden = JSON.parse(
  readFileSync(new URL('../../test/fixtures/cross-validate.json', import.meta.url), 'utf8'),
);

const digits = loadDigits();
export const rows = Array.from({ length: 150 }, (_, i) => i);
export const x = digits.data.take(rows);
x.data.forEach((v, i) => {
  x.data[i] = v / 16;
});
export const y = digits.target.take(rows);
export const letters = Array.from(y.data, (v) => 'abcdefghij'[v]);
export const numbers = Array.from(y.data, (v) => v / 7);
export const small = { hiddenLayerSizes: [8], maxIter: 12, learningRateInit: 0.05, randomState: 1 };
export const classifier = new MLPClassifier(small);
export const regressor = new MLPRegressor(small);
