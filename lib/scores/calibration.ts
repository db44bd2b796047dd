import { type ArrayInput, NDArray } from '../array.js';
import { checkInteger, checkOneOf, checkOptions, wrongValue } from '../check.js';
import { type Label, type Labels, listed } from '../labels.js';
import { linspace } from '../spaces.js';
import { readPositives, readScores } from './positives.js';
import { readShares } from './probabilities.js';

export interface CalibrationOptions {
  /** The positive class. Default: 1 (true), where labels are 0 and 1, -1 and 1, or booleans; others have none. */
  posLabel?: Label;
  /** Bins of probabilities, a million at most; those without samples are left out. Default: 5. */
  nBins?: number;
  /** Whether bins have one width ('uniform', the default), or as many samples each ('quantile'). */
  strategy?: 'uniform' | 'quantile';
}

export interface CalibrationCurve {
  /** The share of positives in each bin. */
  probTrue: NDArray;
  /** The mean probability in each bin. */
  probPred: NDArray;
}

const MOST_BINS = 1_000_000;

/**
 * How often the positive class occurs where it is predicted with some probability: scikit-learn's `calibration_curve`.
 *
 * @param yTrue labels of two classes [n]
 * @param yProb probabilities of the positive class [n]
 */
export function calibrationCurve(yTrue: Labels, yProb: ArrayInput, options: CalibrationOptions = {}): CalibrationCurve {
  checkOptions('options', options, ['posLabel', 'nBins', 'strategy']);
  const { posLabel, strategy = 'uniform' } = options;
  const nBins = checkInteger('nBins', options.nBins ?? 5, 1);
  if (nBins > MOST_BINS) throw wrongValue('nBins', `an integer in [1, ${MOST_BINS}]`, nBins);
  checkOneOf('strategy', strategy, ['uniform', 'quantile']);
  const { classes, positives } = readPositives(yTrue, posLabel);
  if (classes.length > 2) throw wrongValue('yTrue', `labels of two classes, and not ${listed(classes)}`, yTrue);
  const p = readScores('yProb', readShares('yProb', yProb, positives.length), positives.length);
  const shares = Array.from(linspace(0, 1, nBins + 1).data);
  const inner = (strategy === 'uniform' ? shares : quantiles(p, shares)).slice(1, -1);
  const bins = inner.concat(Number.POSITIVE_INFINITY).map(() => ({ count: 0, positives: 0, p: 0 }));
  for (let i = 0; i < p.length; i++) {
    const bin = bins[firstFrom(inner, p[i])];
    bin.count++;
    bin.positives += positives[i];
    bin.p += p[i];
  }
  const filled = bins.filter(({ count }) => count > 0);
  return {
    probTrue: NDArray.from(filled.map((bin) => bin.positives / bin.count)),
    probPred: NDArray.from(filled.map((bin) => bin.p / bin.count)),
  };
}

/**
 * NumPy's `percentile`, with linear interpolation, to the last bit: where an edge is a sample's probability, the bit decides the
 * bin.
 */
function quantiles(values: ArrayLike<number>, shares: readonly number[]): number[] {
  const sorted = Float64Array.from(values).sort();
  const last = sorted.length - 1;
  return shares.map((share) => {
    const at = last * ((share * 100) / 100);
    if (at >= last) return sorted[last];
    const below = Math.floor(at);
    const t = at - below;
    const step = sorted[below + 1] - sorted[below];
    return t < 0.5 ? sorted[below] + step * t : sorted[below + 1] - step * (1 - t);
  });
}

/** The place of the first edge that is not below x: NumPy's `searchsorted`. */
function firstFrom(edges: readonly number[], x: number): number {
  let [low, high] = [0, edges.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (edges[middle] < x) low = middle + 1;
    else high = middle;
  }
  return low;
}
