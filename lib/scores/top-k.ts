import { filled } from '../allocate.js';
import { type ArrayInput, checkArray, extent, type NDArray } from '../array.js';
import { checkBoolean, checkInteger, checkOptions, wrongShape } from '../check.js';
import { type Labels, readLabels, uniqueLabels } from '../labels.js';
import { readColumns } from './class-columns.js';
import { readClasses, readWeights } from './classification.js';
import { checkRows, readScores } from './positives.js';
import { averageOf, pairwiseSum } from './sums.js';

export interface TopKOptions {
  /** How many of the classes of the highest scores count as a hit. Default: 2. */
  k?: number;
  /** Whether to divide by the number (or weight) of samples. Default: true. */
  normalize?: boolean;
  /** One weight >= 0 a sample. */
  sampleWeight?: ArrayInput;
  /** All classes, sorted, where some do not occur in yTrue. */
  labels?: Labels;
}

/**
 * The share of samples whose class is among the `k` of the highest scores, of equal ones the last: scikit-learn's
 * `top_k_accuracy_score`.
 *
 * @param yTrue labels [n]
 * @param yScore [n, classes] in the order of the sorted classes; [n] of the second of two
 */
export function topKAccuracyScore(yTrue: Labels, yScore: ArrayInput, options: TopKOptions = {}): number {
  checkOptions('options', options, ['k', 'normalize', 'sampleWeight', 'labels']);
  const k = checkInteger('k', options.k ?? 2, 1);
  const normalize = checkBoolean('normalize', options.normalize ?? true);
  const labels = readClasses('yTrue', yTrue);
  const n = labels.length;
  const named = options.labels === undefined ? 0 : readLabels('labels', options.labels).length;
  const isBinary = Math.max(uniqueLabels(labels).length, named) <= 2;
  const scores = isBinary ? { data: readScores('yScore', yScore, n), shape: [n, 2] } : readClassScores(yScore, n);
  const classes = scores.shape[1];
  const codes = readColumns(labels, options.labels, classes);
  const weight = options.sampleWeight === undefined ? undefined : readWeights(options.sampleWeight, n);
  if (k >= classes)
    process.emitWarning(
      `k (${k}) is not less than the number of classes (${classes}), which makes the score perfect and meaningless.`,
      'UndefinedMetricWarning',
    );
  const isHit = isBinary
    ? binaryHit(scores.data, codes, k)
    : (i: number) => rank(scores.data, i * classes, classes, codes[i]) < k;
  const hits = filled(Float64Array, n, (i) => Number(isHit(i)));
  if (normalize) return averageOf(hits, weight);
  return weight ? pairwiseSum(hits.map((hit, i) => hit * weight[i])) : pairwiseSum(hits);
}

function readClassScores(yScore: ArrayInput, n: number): NDArray {
  const array = checkArray('yScore', yScore);
  if (array.ndim !== 2) throw wrongShape('yScore', '[n, classes] for more than two classes', array.shape);
  checkRows('yScore', array.length, n);
  return array;
}

/** Scores in [0, 1] are probabilities, which part the classes at 0.5; others do at 0. */
function binaryHit(scores: ArrayLike<number>, codes: Int32Array, k: number): (i: number) => boolean {
  const [low, high] = extent(scores);
  const threshold = low >= 0 && high <= 1 ? 0.5 : 0;
  return (i) => k > 1 || Number(scores[i] > threshold) === codes[i];
}

/** How many of the `width` scores from `start` on come before that of `column`. */
function rank(scores: ArrayLike<number>, start: number, width: number, column: number): number {
  let before = 0;
  for (let j = 0; j < width; j++) {
    const [other, own] = [scores[start + j], scores[start + column]];
    if (other > own || (other === own && j > column)) before++;
  }
  return before;
}
