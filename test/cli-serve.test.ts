import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import test from 'ava';
import { layers, MLPClassifier, MLPRegressor, makePipeline, OneHotEncoder, Pipeline, sequential } from 'fjordnet';
import { serving } from './helpers/cli.js';

const folder = await mkdtemp(join(tmpdir(), 'fjordnet-serve-'));
test.after.always(() => rm(folder, { recursive: true }));
process.removeAllListeners('warning'); // of the few iterations

const rows = [{ island: 'Dream' }, { island: 'Biscoe' }, { island: 'Dream' }, { island: 'Biscoe' }];
const classifier = makePipeline(
  new OneHotEncoder(),
  new MLPClassifier({ hiddenLayerSizes: [4], solver: 'lbfgs', randomState: 1 }),
).fitSync(rows, ['Adelie', 'Gentoo', 'Adelie', 'Gentoo']);

async function serve(pipeline: { save(path: string): Promise<void> }, name: string, ...options: string[]) {
  const path = join(folder, name);
  await pipeline.save(path);
  return serving(path, ...options);
}

test('a server answers as the pipeline does, one row or several, and says what it takes', async (t) => {
  const { ask, stop } = await serve(classifier, 'classifier');
  try {
    t.deepEqual(await ask('/health'), { status: 200, body: { status: 'ok' } });
    const { body } = await ask('/schema');
    t.deepEqual([body.inputs, body.classes], [['island'], ['Adelie', 'Gentoo']]);
    t.deepEqual((await ask('/predict', rows[1])).body, { prediction: 'Gentoo' });
    t.deepEqual((await ask('/predict', rows)).body, { predictions: classifier.predict(rows) });
    const { probabilities } = (await ask('/predict?probabilities', rows)).body;
    const p = classifier.predictProba(rows).toArray<number[][]>();
    t.deepEqual(
      probabilities,
      p.map(([Adelie, Gentoo]) => ({ Adelie, Gentoo })),
    );
    t.deepEqual((await ask('/predict?probabilities=false', rows[1])).body, { prediction: 'Gentoo' });
  } finally {
    t.is(await stop(), 143);
  }
});

test('bad requests get a status and a sentence, and others are still answered', async (t) => {
  const { ask, stop, url } = await serve(
    classifier,
    'limits',
    '--max-body',
    '200',
    '--max-rows',
    '2',
    '--timeout',
    '1',
  );
  try {
    const bad: [string, unknown, RequestInit, number, RegExp][] = [
      ['/predict', { island: 'Anvers' }, {}, 422, /one of 'Biscoe', 'Dream', as at fit, got 'Anvers' at row 0/],
      ['/predict', { isle: 'Dream' }, {}, 422, /the columns 'island'/],
      ['/predict?probability', rows[0], {}, 400, /no parameter but probabilities, got probability/],
      ['/predict', { islnd: 'Dream' }, {}, 422, /the columns 'island', .* got islnd \(did you mean 'islnd'\?\)/],
      ['/predict', [], {}, 400, /a row, .* or a list of rows/],
      ['/predict', 3, {}, 400, /a row/],
      ['/predict', [rows[0], rows[1], rows[0]], {}, 413, /at most 2 rows/],
      ['/predict', { island: 'x'.repeat(300) }, {}, 413, /at most 200 bytes/],
      ['/predict', undefined, { method: 'POST', body: 'island=Dream' }, 400, /JSON/],
      ['/predict', undefined, { method: 'POST', body: Buffer.from('["Größe"]', 'latin1') }, 400, /JSON in UTF-8/],
      ['/predict', [rows[0], 5], {}, 422, /Expected /],
      ['//', undefined, {}, 400, /a path, such as/],
      ['/predict', undefined, {}, 405, /POST \/predict, got GET/],
      ['/other', undefined, {}, 404, /\/health, \/schema, \/predict/],
    ];
    for (const [path, body, more, status, message] of bad) {
      const answer = await ask(path, body, more);
      t.is(answer.status, status, `${path} ${JSON.stringify(body)}`);
      if (status === 405) t.is((await fetch(url + path)).headers.get('allow'), 'POST');
      t.regex(answer.body.error, message);
    }
    // one that sends no more than half a request is let go
    const { hostname, port } = new URL(url);
    const socket = connect(Number(port), hostname);
    socket.write('POST /predict HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{');
    const answered = Promise.all([ask('/predict', rows[0]), ask('/predict', rows[1])]);
    t.deepEqual(
      (await answered).map(({ body }) => body.prediction),
      ['Adelie', 'Gentoo'],
    );
    socket.destroy();
  } finally {
    await stop();
  }
});

test('bodies may be compressed, and begin with a mark; what they come to is bounded', async (t) => {
  const { ask, stop } = await serve(classifier, 'compressed', '--max-body', '200');
  const post = (body: Uint8Array, encoding?: string) =>
    ask('/predict', undefined, {
      method: 'POST',
      body: Buffer.from(body),
      ...(encoding && { headers: { 'content-encoding': encoding } }),
    });
  try {
    const json = Buffer.from(JSON.stringify(rows[0]));
    const encoded = {
      gzip: gzipSync(json),
      GZIP: gzipSync(json),
      deflate: deflateSync(json),
      br: brotliCompressSync(json),
    };
    for (const [encoding, body] of Object.entries(encoded)) t.is((await post(body, encoding)).status, 200, encoding);
    t.is((await post(Buffer.concat([Buffer.from('\ufeff'), json]))).body.prediction, 'Adelie');
    const bad: [Uint8Array, string, number, RegExp][] = [
      [gzipSync(Buffer.alloc(1e6, ' ')).subarray(0, 200), 'gzip', 413, /at most 200 bytes/],
      [brotliCompressSync(Buffer.alloc(1e6, ' ')), 'br', 413, /at most 200 bytes/],
      [json, 'gzip', 400, /to be compressed as content-encoding says, gzip/],
      [json, 'zstd', 415, /content-encoding to be one of gzip, deflate, br, got zstd/],
    ];
    for (const [body, encoding, status, message] of bad) {
      const answer = await post(body, encoding);
      t.is(answer.status, status, encoding);
      t.regex(answer.body.error, message);
    }
  } finally {
    await stop();
  }
});

test('what has arrived when the server is to end is answered, and does not keep it', async (t) => {
  const { ask, stop } = await serve(classifier, 'ending', '--max-body', '4000000', '--max-rows', '100000');
  const many = Array.from({ length: 20_000 }, (_, i) => rows[i % 4]);
  await ask('/predict', rows); // connections stay open
  const answers = Promise.allSettled(Array.from({ length: 6 }, () => ask('/predict', many)));
  await new Promise((resolve) => setTimeout(resolve, 60));
  const begun = performance.now();
  const code = await stop();
  const settled = await answers;
  t.deepEqual(
    settled.map((answer) => (answer.status === 'fulfilled' ? answer.value.status : String(answer.reason.cause))),
    Array(6).fill(200),
  );
  t.is(code, 143);
  t.true(performance.now() - begun < 20_000);
});

test('a request that never ends does not keep the server', async (t) => {
  const { stop, url } = await serve(classifier, 'half', '--timeout', '1');
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  socket.on('error', () => {});
  socket.write('POST /predict HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{');
  await new Promise((resolve) => setTimeout(resolve, 200));
  const begun = performance.now();
  t.is(await stop(), 143);
  t.true(performance.now() - begun < 20_000);
  socket.destroy();
});

test('numbers are served as numbers', async (t) => {
  const regressor = new Pipeline([
    ['model', new MLPRegressor({ hiddenLayerSizes: [2], solver: 'lbfgs', maxIter: 20, randomState: 1 })],
  ]).fitSync([[1], [2], [3]], [1, 2, 3]);
  const { ask, stop } = await serve(regressor, 'regressor');
  try {
    const [expected] = (regressor.predict([[2]]) as { data: Float64Array }).data;
    t.deepEqual((await ask('/predict', [[2]])).body, { predictions: [expected] });
    t.deepEqual((await ask('/predict', [2])).body, { prediction: expected });
    t.is((await ask('/predict?probabilities', [[2]])).status, 400);
    const large = await ask('/predict', [[1], [1.7e308]]);
    if (large.status !== 200) t.is(large.status, 422);
    else t.true((large.body as { predictions: unknown[] }).predictions.every(Number.isFinite));
  } finally {
    await stop();
  }
});

test('a network is served without names of its classes; what is not finite is no answer', async (t) => {
  const net = sequential({ layers: [layers.dense({ units: 2, activation: 'softmax', inputShape: [1] })], seed: 1 });
  net.compile({ optimizer: 'sgd', loss: 'sparseCategoricalCrossentropy' });
  const { ask, stop } = await serve(net, 'network');
  try {
    const [first, second] = net.predictSync([[2]]).data;
    t.deepEqual((await ask('/predict?probabilities', [[2]])).body, {
      predictions: [Number(second > first)],
      probabilities: [{ 0: first, 1: second }],
    });
  } finally {
    await stop();
  }
  const steep = sequential({ layers: [layers.dense({ units: 1, inputShape: [1] })], seed: 1 });
  steep.setWeights([[[3e38]], [0]]);
  const steeper = await serve(steep, 'steep');
  try {
    const { status, body } = await steeper.ask('/predict', [[0], [10]]);
    t.is(status, 422);
    t.regex((body as { error: string }).error, /^Expected row 1 to give finite numbers, got (-?Infinity|NaN)$/);
  } finally {
    await steeper.stop();
  }
});
