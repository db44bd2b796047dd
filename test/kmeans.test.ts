import { readFileSync } from 'node:fs';
import test from 'ava';
import fc from 'fast-check';
import {
  getThreads,
  KMeans,
  loadDigits,
  makePipeline,
  NDArray,
  RandomState,
  StandardScaler,
  setThreads,
} from 'fjordnet';

interface Case {
  data: 'digits' | 'blobs' | 'few';
  dtype: 'float64' | 'float32';
  weighted: boolean;
  params: Record<string, any>;
  n_iter: number;
  inertia: number;
  center_sums: number[];
  center_head: number[][];
  labels: number[];
  predicted: number[];
  distances: number[][];
  score: number;
}
const golden: { cases: Case[]; blobs: number[][]; few: number[][]; weights: number[] } = JSON.parse(
  readFileSync(new URL('../test/fixtures/kmeans.json', import.meta.url), 'utf8'),
);
const { data: digits } = loadDigits();
const DATA = {
  digits: NDArray.from(digits.data.map((ink) => ink / 16) as Float64Array, { shape: digits.shape }),
  blobs: NDArray.from(golden.blobs),
  few: NDArray.from(golden.few),
};

const near = (t: any, got: ArrayLike<number>, want: readonly number[], allowed: number, what: string) => {
  t.is(got.length, want.length, what);
  const largest = Math.max(1, ...want.map(Math.abs));
  for (let i = 0; i < want.length; i++)
    t.true(Math.abs(got[i] - want[i]) <= allowed * largest, `${what}: ${got[i]} instead of ${want[i]} at ${i}`);
};

for (const [number, one] of golden.cases.entries()) {
  const { init, ...shown } = one.params;
  test(`scikit-learn's clusters ${number + 1}: ${one.data} ${one.dtype}, ${JSON.stringify(shown)}${typeof init === 'object' ? ', centres given' : init ? `, ${init}` : ''}${one.weighted ? ', weighted' : ''}`, async (t) => {
    const x = NDArray.from(DATA[one.data], { dtype: one.dtype });
    const options = one.weighted ? { sampleWeight: golden.weights } : {};
    const kmeans = await new KMeans(one.params).fit(x, undefined, options);
    const allowed = one.dtype === 'float32' ? 1e-5 : 1e-12;
    const { clusterCenters: centers } = kmeans;
    const [clusters, features] = centers.shape;
    t.is(centers.dtype, one.dtype);
    t.is(kmeans.nIter, one.n_iter);
    near(t, [kmeans.inertia], [one.inertia], allowed, 'inertia');
    const rows = Array.from({ length: clusters }, (_, k) => [
      ...centers.data.subarray(k * features, (k + 1) * features),
    ]);
    near(
      t,
      rows.map((row) => row.reduce((sum, value) => sum + value, 0)),
      one.center_sums,
      allowed,
      'centres',
    );
    near(
      t,
      rows.flatMap((row) => row.slice(0, 3)),
      one.center_head.flat(),
      allowed,
      'centres',
    );
    t.deepEqual([...kmeans.labels.data.subarray(0, 60)], one.labels);
    const head = NDArray.from(
      x.take(Array.from({ length: 20 }, (_, i) => i)).data.map((v) => v + 0.25) as Float64Array,
      { shape: [20, features], dtype: one.dtype },
    );
    t.deepEqual([...kmeans.predict(head).data], one.predicted);
    near(
      t,
      kmeans.transform(x.take([0, 1, 2])).data,
      one.distances.flat(),
      one.dtype === 'float32' ? 1e-3 : 1e-7,
      'distances',
    );
    near(t, [kmeans.score(x)], [one.score], one.dtype === 'float32' ? 1e-3 : 1e-9, 'score');
  });
}

test('the same bits with any number of threads, and on the calling thread', async (t) => {
  const before = getThreads();
  const fits = [];
  for (const threads of [1, 2, 3]) {
    setThreads(threads);
    fits.push((await new KMeans({ nClusters: 20, randomState: 1 }).fit(DATA.digits)).toBytes());
  }
  setThreads(before);
  fits.push(new KMeans({ nClusters: 20, randomState: 1 }).fitSync(DATA.digits).toBytes());
  for (const bytes of fits) t.deepEqual(bytes, fits[0]);
});

test('every sample is in the cluster of its nearest centre, and every centre is the mean of its samples', (t) => {
  t.notThrows(() =>
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 60 }),
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 1, max: 8 }),
        fc.nat(),
        (n, features, k, seed) => {
          const clusters = Math.min(n, k);
          const x = new RandomState(seed).randn(n, features);
          const kmeans = new KMeans({ nClusters: clusters, tol: 0, randomState: seed }).fitSync(x);
          const distances = kmeans.transform(x);
          const labels = kmeans.labels.data;
          const sums = new Float64Array(clusters * features);
          const counts = new Float64Array(clusters);
          for (let i = 0; i < n; i++) {
            const own = [...distances.data.subarray(i * clusters, (i + 1) * clusters)];
            if (own[labels[i]] > Math.min(...own) + 1e-7) return false;
            counts[labels[i]]++;
            for (let j = 0; j < features; j++) sums[labels[i] * features + j] += x.data[i * features + j];
          }
          return kmeans.clusterCenters.data.every(
            (c, at) => Math.abs(c - sums[at] / counts[Math.floor(at / features)]) < 1e-9,
          );
        },
      ),
      { numRuns: 100 },
    ),
  );
});

test('saved and loaded, aborted, in pipelines; a RandomState draws on', async (t) => {
  const kmeans = new KMeans({ nClusters: 5, randomState: new RandomState(3) }).fitSync(DATA.blobs);
  const loaded = KMeans.fromBytes(kmeans.toBytes());
  t.deepEqual(loaded.predict(DATA.blobs), kmeans.predict(DATA.blobs));
  t.deepEqual(loaded.labels, kmeans.labels);
  t.notDeepEqual(kmeans.clone().fitSync(DATA.blobs).clusterCenters, kmeans.clusterCenters);
  const error: any = await t.throwsAsync(kmeans.fit(DATA.blobs, undefined, { signal: AbortSignal.abort() }));
  t.is(error.code, 'ERR_ABORTED');
  t.deepEqual(loaded.labels, kmeans.labels);
  const named = new KMeans({ nClusters: 2, randomState: 0 }).fitSync({ a: [0, 0, 5, 5], b: [1, 1, 9, 9] });
  t.deepEqual(named.predict({ b: [9], a: [5] }).data, named.labels.data.subarray(2, 3));
  t.deepEqual(named.getFeatureNamesOut(), ['kmeans0', 'kmeans1']);
  const pipeline = makePipeline(new KMeans({ nClusters: 3, randomState: 0 }));
  await pipeline.fit(DATA.blobs);
  t.is((pipeline.predict(DATA.blobs) as NDArray).length, 120);
});

test('predict: the nearest centre far from 0, too, where scikit-learn loses it; ties go as near 0', (t) => {
  const clusters = new RandomState(1).randn(400, 2).data.map((v, i) => 2 * (Math.floor(i / 2) % 4) + 0.6 * v);
  for (const dtype of ['float32', 'float64'] as const)
    for (const offset of [1e4, 1e6]) {
      const far = NDArray.from(
        clusters.map((v) => v + offset),
        { shape: [400, 2], dtype },
      );
      const kmeans = new KMeans({ nClusters: 4, randomState: 0 }).fitSync(far);
      t.deepEqual(kmeans.predict(far), kmeans.labels, `${dtype} ${offset}`);
    }
  const whole = (offset: number) => {
    const centers = NDArray.from([1, 3, 5].map((v) => [v + offset]));
    const kmeans = new KMeans({ nClusters: 3, init: centers }).fitSync(centers);
    return [...kmeans.predict([0, 1, 2, 3, 4, 5, 6].map((v) => [v + offset])).data];
  };
  t.deepEqual(whole(0), [0, 0, 0, 1, 1, 2, 2]);
  t.deepEqual(whole(2 ** 20), whole(0));
});

test('what it cannot take is told in a sentence, and changes nothing', (t) => {
  const kmeans = new KMeans({ nClusters: 3, randomState: 0 }).fitSync(DATA.blobs);
  const before = kmeans.toBytes();
  const wrong: [() => unknown, RegExp][] = [
    [() => new KMeans({ nClusters: 0 }), /Expected nClusters to be a positive integer, got 0/],
    [() => new KMeans({ init: 'kmeans' as any }), /Expected init to be 'k-means\+\+', 'random' or a matrix/],
    [() => new KMeans({ nInit: 'all' as any }), /Expected nInit to be a positive integer or 'auto'/],
    [
      () => kmeans.fitSync([[1, 2]]),
      /Expected x to be a matrix of 3 rows or more, as there are clusters, got shape \[1, 2\]/,
    ],
    [() => kmeans.predict([[1, 2]]), /Expected x to have 3 features, as it had in fit, got shape \[1, 2\]/],
    [
      () => new KMeans({ nClusters: 2, init: [[1]] }).fitSync([[1], [2]]),
      /Expected init to be a matrix of shape \[2, 1\]/,
    ],
    [
      () =>
        new KMeans({ nClusters: 3, init: 'random' }).fitSync([[1], [2], [3], [4]], undefined, {
          sampleWeight: [0, 1, 2, 0],
        }),
      /Expected sampleWeight to be 3 positive weights or more, as rows are drawn by them, got 2/,
    ],
    [() => new KMeans().transform(DATA.blobs), /Expected KMeans to be fitted/],
    [() => kmeans.fitSync([[1], [Number.NaN], [2]]), /NaN at row 1/],
    [
      () => kmeans.fitSync([[1e200], [-1e200], [2], [3]]),
      /^Expected x to hold numbers of which float64 has room for squared distances, got larger ones at row 0/,
    ],
    [
      () => kmeans.fitSync(NDArray.from([[1], [1e24], [2], [3]], { dtype: 'float32' })),
      /float32 has room for squared distances, got larger ones at row \d/,
    ],
    [
      () => kmeans.fitPredict(DATA.blobs, { sampleWeight: [1] }),
      /^Expected y to be labels or undefined, as it is not used, got \{"sampleWeight":.*; options come after it: \(x, undefined, options\)$/,
    ],
    [() => new StandardScaler().fit(DATA.blobs, { sampleWeight: [1] }), /^Expected y to be labels or undefined/],
    [
      () => new StandardScaler().fit(DATA.blobs, undefined, { sampleWeight: [1] } as never),
      /^Expected options to have no option 'sampleWeight'/,
    ],
  ];
  for (const [call, message] of wrong) t.throws(call, { message });
  t.deepEqual(kmeans.toBytes(), before);
});
