import test from 'ava';
import { accuracyScore, MLPClassifier, toCategorical } from 'fjordnet';
import { encodeLabels, type Labels } from '../dist/labels.js';

const classes = (y: unknown) => encodeLabels('y', y as Labels).classes;

test('labels of several kinds never become one class: they are refused', (t) => {
  const refused: [unknown, RegExp][] = [
    [[1, '1'], /y\[1\] to be a number, got '1' \(string\)/],
    [['1', 1], /y\[1\] to be a string, as the labels before it are, got 1 \(number\)/],
    [['true', true], /y\[1\] to be a string, .* got true \(boolean\)/],
    [[true, 'true'], /y\[1\] to be a boolean, .* got 'true' \(string\)/],
    [[1n, 2n], /y\[0\] to be a number, got 1 \(bigint\)/],
    [[1, null], /y\[1\] to be a number, got null/],
    [['a', undefined], /y\[1\] to be a string, .* got undefined/],
    [new Array(2), /y\[0\] to be a number, got undefined/],
    [[Number.NaN, 1], /to hold finite numbers, got NaN at row 0/],
    [[2 ** 53, 1], /to hold numbers below 2\^53, and larger ones as strings, got 9007199254740992 at row 0/],
    [Float64Array.of(0, -1e300), /larger ones as strings, got -1e\+300 at row 1/],
  ];
  for (const [y, message] of refused) t.throws(() => classes(y), { message });
  t.throws(() => accuracyScore(['1', '2'], [1, 2]), { message: /Expected yPred to be strings, as yTrue is/ });
  t.throws(() => new MLPClassifier({ maxIter: 1 }).fitSync([[0], [1]], ['1', 1] as never), {
    message: /y\[1\] to be a string/,
  });
});

test('labels that are close, or look alike, stay apart', (t) => {
  t.deepEqual(classes([0.1 + 0.2, 0.3]), [0.3, 0.1 + 0.2]);
  t.deepEqual(classes(['1', '1.0', '01', ' 1', 'é', 'e\u0301', '\ud800', '\udbff']).length, 8);
  t.deepEqual(classes([2 ** 53 - 1, 2 ** 53 - 2]), [2 ** 53 - 2, 2 ** 53 - 1]);
});

test('one-hot rows that no memory holds are refused before it is asked for', (t) => {
  t.throws(() => toCategorical([0, 1], 1e12), {
    code: 'ERR_MEMORY',
    message: /there is no memory for 16000000000000 bytes/,
  });
  t.throws(() => toCategorical([1e15]), { code: 'ERR_MEMORY' });
});
