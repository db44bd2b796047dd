import type { RandomState } from '../random.js';
import type { FloatArray } from '../tape.js';
import type { Training } from '../train.js';
import { Distances, type Samples, Sums } from './kmeans-plan.js';

/** What one run of Lloyd's algorithm came to. */
export interface Clustering {
  /** [clusters, features] of the centred samples. */
  readonly centers: FloatArray;
  readonly labels: Int32Array;
  readonly inertia: number;
  readonly nIter: number;
}

/**
 * Centres to begin with by kmeans++ (Arthur and Vassilvitskii 2007), greedily: of 2 + floor(log k) candidates, drawn with odds that grow as
 * the squared distance from the nearest centre, the one that leaves the least. The draws are scikit-learn's `_kmeans_plusplus`'s.
 */
export function* plusPlus(samples: Samples, clusters: number, random: RandomState): Training<FloatArray> {
  const { n, features, weight } = samples;
  const trials = 2 + Math.floor(Math.log(clusters));
  const centers = samples.values(clusters * features);
  const distances = new Distances(features, trials, samples.dtype);
  const points = new Float64Array(trials * features);
  let closest = new Float64Array(n).fill(Number.POSITIVE_INFINITY);
  const candidates = Array.from({ length: trials }, () => new Float64Array(n));
  const cumulative = new Float64Array(n);
  let potential = 0;

  /** Squared distances from the nearest of the centres, were each of `rows` one, and their sums. */
  function* tried(rows: readonly number[]): Training<Float64Array> {
    for (const [k, row] of rows.entries()) points.set(samples.row(row), k * features);
    distances.set(points);
    const sums = new Float64Array(rows.length);
    yield* distances.of(samples, (d, at, count) => {
      for (let k = 0; k < rows.length; k++)
        sums[k] = closer(sums[k], d.subarray(k), trials, samples, at, count, closest, candidates[k]);
    });
    return sums;
  }
  const choose = (c: number, row: number, k: number, sum: number) => {
    centers.set(samples.row(row), c * features);
    [closest, candidates[k]] = [candidates[k], closest];
    potential = sum;
  };

  const first = drawRow(weight, n, random);
  choose(0, first, 0, (yield* tried([first]))[0]);
  for (let c = 1; c < clusters; c++) {
    const drawn = random.randomSample([trials]).data;
    let sum = 0;
    for (let i = 0; i < n; i++) {
      sum += weight[i] * closest[i];
      cumulative[i] = sum;
    }
    const rows = Array.from(drawn, (u) => Math.min(n - 1, search(cumulative, u * potential, 'left')));
    const sums = yield* tried(rows);
    const best = sums.indexOf(Math.min(...sums));
    choose(c, rows[best], best, sums[best]);
  }
  return centers;
}

/** `to` = the lesser of `closest` and distances, of samples from row `at` on, the latter `step` apart. Returns `before` and their weighted sum. */
function closer(
  before: number,
  d: FloatArray,
  step: number,
  { squares, weight }: Samples,
  at: number,
  count: number,
  closest: Float64Array,
  to: Float64Array,
): number {
  let sum = before;
  for (let i = at, place = 0; i < at + count; i++, place += step) {
    const nearest = Math.min(closest[i], Math.max(0, d[place] + squares[i]));
    to[i] = nearest;
    sum += nearest * weight[i];
  }
  return sum;
}

/** NumPy's `choice(n, p=weight / sum)`. */
function drawRow(weight: ArrayLike<number>, n: number, random: RandomState): number {
  return search(shares(weight, n), random.randomSample(), 'right');
}

/** NumPy's `choice(n, size, replace=False, p=weight / sum)`. */
export function drawRows(weight: ArrayLike<number>, n: number, size: number, random: RandomState): number[] {
  const left = Float64Array.from({ length: n }, (_, i) => weight[i]);
  const found: number[] = [];
  while (found.length < size) {
    const drawn = random.randomSample([size - found.length]).data;
    for (const row of found) left[row] = 0;
    const cdf = shares(left, n);
    found.push(...new Set(Array.from(drawn, (u) => search(cdf, u, 'right'))));
  }
  return found;
}

function shares(weight: ArrayLike<number>, n: number): Float64Array {
  let total = 0;
  for (let i = 0; i < n; i++) total += weight[i];
  const cdf = new Float64Array(n);
  let sum = 0;
  for (let i = 0; i < n; i++) {
    sum += weight[i] / total;
    cdf[i] = sum;
  }
  return cdf.map((value) => value / sum);
}

/** The first of ascending values that is not below u, or the first above it: NumPy's `searchsorted`, of its side 'left' or 'right'. */
function search(values: Float64Array, u: number, side: 'left' | 'right'): number {
  let [low, high] = [0, values.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (side === 'left' ? values[middle] < u : values[middle] <= u) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Lloyd's algorithm (1982), as scikit-learn's `_kmeans_single_lloyd`: ends where no label changes, or the centres hardly move. */
export function* lloyd(
  samples: Samples,
  distances: Distances,
  begin: FloatArray,
  maxIter: number,
  tol: number,
): Training<Clustering> {
  const { n, features, x, weight, weighted } = samples;
  let centers = begin;
  const labels = new Int32Array(n).fill(-1);
  const clusters = begin.length / features;
  const weights = new Float64Array(clusters);
  const sums = new Sums(features, clusters, samples.dtype);
  let changed = 0;

  const assign = (update: boolean) =>
    distances.nearest(samples, (nearest, at, count) => {
      changed += relabel(labels, nearest, at, count);
      if (!update) return;
      for (let i = at; i < at + count; i++) weights[labels[i]] += weight[i];
      const rows = weighted.subarray(at * features, (at + count) * features) as FloatArray;
      sums.add(labels.subarray(at, at + count), rows);
    });

  let isStrict = false;
  let nIter = 0;
  while (nIter < maxIter && !isStrict) {
    nIter++;
    changed = 0;
    sums.clear();
    weights.fill(0);
    distances.set(centers);
    yield* assign(true);
    const next = sums.read();
    relocateEmpty(samples, centers, next, weights, labels);
    average(next, weights, features);
    const moved = squaredDistance(next, 0, centers, 0, next.length);
    centers = next;
    isStrict = changed === 0;
    if (!isStrict && moved <= tol) break;
  }
  if (!isStrict) {
    distances.set(centers);
    yield* assign(false);
  }
  let inertia = 0;
  for (let i = 0; i < n; i++)
    inertia += weight[i] * squaredDistance(x, i * features, centers, labels[i] * features, features);
  return { centers, labels, inertia, nIter };
}

/** Returns how many labels change. */
function relabel(labels: Int32Array, nearest: FloatArray, at: number, count: number): number {
  let changed = 0;
  for (let i = 0; i < count; i++) {
    changed += Number(labels[at + i] !== nearest[i]);
    labels[at + i] = nearest[i];
  }
  return changed;
}

/** Clusters without samples take those that lie farthest from their centres. */
function relocateEmpty(
  { n, features, x, weighted, weight }: Samples,
  centers: FloatArray,
  next: FloatArray,
  weights: Float64Array,
  labels: Int32Array,
): void {
  const empty = Array.from(weights.keys()).filter((k) => weights[k] === 0);
  if (empty.length === 0) return;
  const far = Float64Array.from({ length: n }, (_, i) =>
    squaredDistance(x, i * features, centers, labels[i] * features, features),
  );
  const order = Array.from(far.keys()).sort((a, b) => far[b] - far[a]);
  if (far[order[0]] === 0) return; // more clusters than samples that differ
  for (const [rank, cluster] of empty.entries()) {
    const row = order[rank];
    const old = labels[row];
    for (let j = 0; j < features; j++) {
      const moved = weighted[row * features + j];
      next[old * features + j] -= moved;
      next[cluster * features + j] = moved;
    }
    weights[cluster] = weight[row];
    weights[old] -= weight[row];
  }
}

/** Sums become means; a cluster that stays empty lies where the heaviest does. */
function average(sums: FloatArray, weights: Float64Array, features: number): void {
  const heaviest = weights.indexOf(Math.max(...weights));
  for (let k = 0; k < weights.length; k++)
    for (let j = 0; j < features; j++)
      sums[k * features + j] =
        weights[k] > 0 ? sums[k * features + j] * (1 / weights[k]) : sums[heaviest * features + j];
}

function squaredDistance(a: ArrayLike<number>, i: number, b: ArrayLike<number>, k: number, features: number): number {
  let sum = 0;
  for (let j = 0; j < features; j++) sum += (a[i + j] - b[k + j]) ** 2;
  return sum;
}

/** Are these the same clusters, under whatever numbers? */
export function isSameClustering(a: Int32Array, b: Int32Array, clusters: number): boolean {
  const mapping = new Int32Array(clusters).fill(-1);
  return a.every((label, i) => {
    if (mapping[label] === -1) mapping[label] = b[i];
    return mapping[label] === b[i];
  });
}
