// The board: what its page is told of trainings, by whom it can be read, and that it holds nothing up.
import assert from 'node:assert';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { request } from 'node:http';
import { connect, createServer } from 'node:net';
import { Script } from 'node:vm';
import test, { type ExecutionContext } from 'ava';
import {
  type Callback,
  callbacks,
  type Logs,
  layers,
  loadDigits,
  MLPClassifier,
  MLPRegressor,
  sequential,
} from 'fjordnet';
import { type Board, board } from 'fjordnet/board';
import { type Browser, chromium } from 'playwright-core';
import { Runs } from '../dist/board/runs.js';
import { LiveServer } from '../dist/board/server.js';
import { CHROMIUM } from './helpers/chromium.js';

interface Told {
  readonly id: number;
  readonly name: string;
  readonly layers: { name: string; kind: string; shape: string }[];
  readonly begun: number;
  readonly ended?: number;
  readonly epochs: number;
  readonly epoch: number;
  readonly batches: number | null;
  readonly logs: Record<string, number | string>;
  readonly points: { epoch: number; values: Record<string, number | string> }[];
}

/** What one page hears until `enough`. */
async function listen(url: string, enough: (heard: [event: string, runs: Told[]][]) => boolean) {
  const abort = new AbortController();
  const response = await fetch(new URL('events', url), { signal: abort.signal });
  const heard: [string, Told[]][] = [];
  let text = '';
  for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
    text += Buffer.from(chunk).toString();
    const parts = text.split('\n\n');
    text = parts.pop() as string;
    for (const part of parts) {
      const [, event, data] = /^event: (\w+)\ndata: (.*)$/s.exec(part) as RegExpExecArray;
      heard.push([event, JSON.parse(data)]);
    }
    if (enough(heard)) break;
  }
  abort.abort();
  return heard;
}

const told = async (page: Board) => (await listen(page.url as string, ([first]) => first !== undefined))[0][1];

async function opened(t: ExecutionContext, options = {}): Promise<Board> {
  const page = board({ port: 0, verbose: 0, ...options });
  await page.open();
  t.teardown(() => page.close());
  return page;
}

const { data, target } = loadDigits();
function network(name = 'digits') {
  const net = sequential({
    name,
    layers: [
      layers.dense({ units: 8, activation: 'relu', inputShape: [64] }),
      layers.dense({ units: 10, activation: 'softmax' }),
    ],
    seed: 1,
  });
  net.compile({ optimizer: 'adam', loss: 'sparseCategoricalCrossentropy', metrics: ['accuracy'] });
  return net;
}

test('a page is told of all trainings, with what their histories have', async (t) => {
  const page = await opened(t);
  const histories = [];
  for (const name of ['first', 'second'])
    histories.push(await network(name).fit(data, target, { epochs: 3, validationSplit: 0.2, callbacks: [page] }));
  const runs = await told(page);
  t.deepEqual(
    runs.map(({ id, name, epochs, epoch, batches, ended }) => [id, name, epochs, epoch, batches, ended !== undefined]),
    [
      [0, 'first', 3, 3, 45, true],
      [1, 'second', 3, 3, 45, true],
    ],
  );
  for (const [i, { points, logs }] of runs.entries()) {
    const { history } = histories[i];
    t.deepEqual(Object.keys(points[0].values), [...Object.keys(history), 'learningRate']);
    for (const [name, values] of Object.entries(history))
      t.deepEqual(
        points.map((point) => point.values[name]),
        values,
      );
    t.is(logs.learningRate, 0.001);
  }
  t.deepEqual(runs[0].layers, [
    { name: 'dense', kind: 'Dense', shape: '(batch, 8)' },
    { name: 'dense_1', kind: 'Dense', shape: '(batch, 10)' },
  ]);
});

test('news come while it trains, each epoch once', async (t) => {
  const page = await opened(t);
  const abort = new AbortController();
  const training = network().fit(data, target, { epochs: 1e6, callbacks: [page], signal: abort.signal });
  const heard = await listen(page.url as string, (all) => all.filter(([, runs]) => runs[0]?.points.length).length >= 3);
  abort.abort();
  await t.throwsAsync(training, { name: 'AbortError' });
  const epochs = heard.flatMap(([, runs]) => runs.flatMap(({ points }) => points.map(({ epoch }) => epoch)));
  t.true(epochs.length > 0);
  t.deepEqual(
    epochs,
    epochs.map((_, i) => i),
  );
  t.deepEqual([...new Set(heard.slice(1).map(([event]) => event))], ['news']);
});

test('a training that an error has ended is over when the next one begins', async (t) => {
  const page = await opened(t);
  const broken = { onEpochBegin: (epoch: number) => assert(epoch < 2, 'power cut') };
  await t.throwsAsync(network().fit(data, target, { epochs: 9, callbacks: [page, broken] }), { message: /power cut/ });
  await network().fit(data, target, { epochs: 1, callbacks: [page] });
  const [first, second] = await told(page);
  t.like(first, { epoch: 2, epochs: 9 });
  t.true((first.ended as number) <= (second.begun as number));
});

test('a page that reads slowly misses news, is told all afterwards, and takes no memory until then', async (t) => {
  let n = 0;
  const live = new LiveServer(new Map(), () => n);
  await live.listen('127.0.0.1', [0]);
  t.teardown(() => live.close());
  const socket = connect(Number(new URL(live.url as string).port), '127.0.0.1');
  t.teardown(() => socket.destroy());
  socket.write('GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n');
  let text = String((await once(socket, 'data'))[0]);
  socket.pause();
  const before = process.memoryUsage().external;
  for (n = 1; n <= 400; n++) {
    live.send('news', 'x'.repeat(100_000));
    if (n % 20 === 0) await new Promise(setImmediate);
  }
  t.true(process.memoryUsage().external - before < 20e6);
  n = 1000;
  socket.on('data', (chunk) => {
    text += chunk;
  });
  socket.resume();
  while (!text.includes('event: state\ndata: 1000\n\n')) await once(socket, 'data');
  t.true(text.split('event: news').length < 200);
  live.send('news', 'last');
  while (!text.includes('data: "last"')) await once(socket, 'data');
});

test('trainings side by side have callbacks of their own', async (t) => {
  const page = await opened(t);
  await Promise.all(
    ['a', 'b'].map((name, i) => network().fit(data, target, { epochs: 2 + i, callbacks: [page.run(name)] })),
  );
  const runs = await told(page);
  t.deepEqual(
    new Map(runs.map(({ name, points }) => [name, points.length])),
    new Map([
      ['a', 2],
      ['b', 3],
    ]),
  );
  for (const name of ['', 1, undefined])
    t.throws(() => page.run(name as never), { name: 'TypeError', message: /^Expected name to be a name, got / });
});

test('estimators, fitSync, and what ends before its last epoch', async (t) => {
  const page = await opened(t);
  const estimator = new MLPRegressor({ hiddenLayerSizes: [4], maxIter: 4, tol: 0, randomState: 1 });
  await estimator.fit(data, target, { callbacks: [page] });
  network().fitSync(data, target, { epochs: 2, callbacks: [page] });
  const stop: Callback = {
    setModel: (model) => Object.assign(stop, { model }),
    onEpochEnd: () => Object.assign((stop as any).model, { stopTraining: true }),
  };
  await network().fit(data, target, { epochs: 9, callbacks: [page, stop] });
  t.deepEqual(
    (await told(page)).map(({ name, epoch, epochs, ended }) => [name, epoch, epochs, ended !== undefined]),
    [
      ['MLPRegressor', 4, 4, true],
      ['digits', 2, 2, true],
      ['digits', 1, 9, true],
    ],
  );
  const closed = board({ port: 0, verbose: 0 });
  t.throws(() => network().fitSync(data, target, { callbacks: [closed] }), { message: /promise/ });
  await closed.close();
});

test('numbers that JSON has not, and what a callback adds', async (t) => {
  const page = await opened(t);
  const add = {
    onEpochEnd: (_: number, logs: Logs) => Object.assign(logs, { lowest: -Infinity, none: NaN, note: 'text' }),
  };
  await network().fit(data, target, { callbacks: [add, page] });
  const [{ points }] = await told(page);
  t.like(points[0].values, { lowest: '-Infinity', none: 'NaN' });
  t.false('note' in points[0].values);
});

test('a page, a script that runs, and no other path, method or name', async (t) => {
  const page = await opened(t, { title: '<b>Digits</b> & $& more' });
  const get = (path: string, options: object = {}) =>
    new Promise<{ status: number; type: string; policy: string; body: string }>((resolve, reject) => {
      request(new URL(path, page.url), options, (response) => {
        let body = '';
        response.on('data', (chunk) => {
          body += chunk;
        });
        response.on('end', () =>
          resolve({
            status: response.statusCode as number,
            type: response.headers['content-type'] as string,
            policy: response.headers['content-security-policy'] as string,
            body,
          }),
        );
      })
        .on('error', reject)
        .end();
    });
  const main = await get('/?x=1');
  t.is(main.status, 200);
  t.is(main.type, 'text/html; charset=utf-8');
  t.regex(main.policy, /default-src 'none'/);
  t.regex(main.body, /<title>&lt;b&gt;Digits&lt;\/b&gt; &amp; \$&amp; more<\/title>/);
  const paths = Array.from(main.body.matchAll(/(?:src|href)="(\/[^"]*)"/g), ([, path]) => path);
  t.deepEqual(paths, ['/board.css', '/board.js']);
  for (const path of paths) t.is((await get(path)).status, 200);
  t.notThrows(async () => new Script((await get('/board.js')).body));
  t.is((await get('/', { method: 'HEAD' })).body, '');
  t.is((await get('/events', { method: 'HEAD' })).status, 200);
  t.is((await get('/../package.json')).status, 404);
  t.is((await get('/', { method: 'POST' })).status, 405);
  for (const path of ['/', '/events'])
    t.like(await get(path, { headers: { host: 'example.com:6007' } }), {
      status: 403,
      body: 'Expected the name or the address of this machine\n',
    });
  for (const host of ['localhost', 'LOCALHOST:1', '127.0.0.1:6007', '[::1]:6007'])
    t.is((await get('/', { headers: { host } })).status, 200, host);
});

test('a port that is taken, and hosts that are none', async (t) => {
  const taken = createServer().listen(0, '127.0.0.1');
  t.teardown(() => taken.close());
  await new Promise((resolve) => taken.once('listening', resolve));
  const { port } = taken.address() as { port: number };
  const before = network();
  const weights = before.getWeights().map(String);
  await t.throwsAsync(before.fit(data, target, { callbacks: [board({ port, verbose: 0 })] }), {
    code: 'EADDRINUSE',
    message: new RegExp(`^Expected to listen on 127.0.0.1, port ${port}: .*EADDRINUSE`),
  });
  t.deepEqual(before.getWeights().map(String), weights);
  const elsewhere = board({ port: 0, host: '192.0.2.1', verbose: 0 });
  await t.throwsAsync(elsewhere.open(), { code: 'EADDRNOTAVAIL' });
  await t.throwsAsync(elsewhere.open(), { code: 'EADDRNOTAVAIL' }, 'it tries again');
  t.is(elsewhere.url, undefined);
  for (const [options, message] of [
    [{ port: -1 }, 'Expected port to be a non-negative integer, got -1 (number)'],
    [{ port: 65536 }, 'Expected port to be at most 65535, got 65536 (number)'],
    [{ host: '' }, "Expected host to be a name or address of this machine, got '' (string)"],
    [{ title: 1 }, 'Expected title to be a string, got 1 (number)'],
    [{ verbose: 2 }, 'Expected verbose to be 0 or 1, got 2 (number)'],
    [{ prot: 1 }, /^Expected options to have no option 'prot' \(did you mean 'port'\?\)/],
  ] as [object, string | RegExp][])
    t.throws(() => board(options), { message });
});

test.serial('without a port, two boards have two', async (t) => {
  const [one, other] = [board({ verbose: 0 }), board({ verbose: 0 })];
  t.teardown(() => Promise.all([one.close(), other.close()]));
  const urls = [await one.open(), await other.open()];
  t.not(urls[0], urls[1]);
  for (const url of urls) t.is((await fetch(url)).status, 200);
  t.is(await one.open(), urls[0]);
});

test('close ends what pages listen to, and a training opens it again', async (t) => {
  const page = board({ port: 0, verbose: 0 });
  await page.close();
  const url = await page.open();
  const reader = await fetch(new URL('events', url));
  await network().fit(data, target, { callbacks: [page] });
  await page.close();
  t.regex(
    await reader.text(),
    /^event: state\ndata: \[\]\n\nevent: news\ndata: .*"ended":\d+.*\n\n$/s,
    'the last news as well',
  );
  t.is(page.url, undefined);
  await t.throwsAsync(fetch(url));
  await network().fit(data, target, { callbacks: [page] });
  t.is((await told(page)).length, 2);
  await page.close();
});

test('a board keeps no process alive, with a page open as well', async (t) => {
  const program = `
import { once } from 'node:events';
import { layers, sequential } from 'fjordnet';
import { board } from 'fjordnet/board';
const net = sequential({ layers: [layers.dense({ units: 1, inputShape: [2] })] });
net.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
await net.fit([[0, 1]], [[1]], { callbacks: [board({ port: 0 })] });
await once(process.stdin, 'data');
process.stdin.destroy();`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: ['pipe', 'pipe', 'inherit'] });
  t.teardown(() => child.kill());
  const [line] = await once(child.stdout, 'data');
  const [, url] = /^Board: (http:\/\/127\.0\.0\.1:\d+\/)\n$/.exec(String(line)) as RegExpExecArray;
  const page = await fetch(new URL('events', url));
  child.stdin.write('a page is open');
  t.deepEqual(await once(child, 'exit'), [0, null]);
  await t.throwsAsync(page.text());
});

test('of several ranks the first alone has it', (t) => {
  const page = board();
  t.true(page.firstRankOnly);
  t.true(page.run('x').firstRankOnly);
});

const model = { ...network(), name: 'm', layers: [], optimizer: { learningRate: 0.1 } } as never;
const params = { epochs: 1e6, initialEpoch: 0, verbose: 0, metrics: [] } as const;

test('long trainings and many of them stay within bounds, and their last epoch is there', (t) => {
  const runs = new Runs();
  const long = runs.begin('long', model, params);
  let heard = 0;
  for (let epoch = 0; epoch < 100_001; epoch++) {
    long.epochEnds(epoch, { loss: epoch });
    if (epoch % 1000 === 0) heard += runs.news()[0].points.length;
  }
  long.ends();
  const [{ points }] = runs.all();
  t.true(points.length > 512 && points.length <= 1025, String(points.length));
  t.deepEqual(points.at(-1), { epoch: 100_000, values: { loss: 100_000 } });
  t.is(points[0].epoch, 0);
  const gaps = new Set(points.slice(1, -1).map(({ epoch }, i) => epoch - points[i].epoch));
  t.is(gaps.size, 1, 'even steps');
  t.true(heard <= 2 * 1024 * 5, String(heard));
  for (let i = 0; i < 150; i++) runs.begin(`run ${i}`, model, params).ends();
  t.is(runs.all().length, 100);
  t.is(runs.all().at(-1)?.name, 'run 149');
  t.is(runs.news().length, 100);
  t.deepEqual(runs.news(), []);
});

let browser: Browser | undefined;
test.before(async (t) => {
  if (CHROMIUM) browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] });
  else t.log('chromium is not installed: the page is not opened in a browser');
});
test.after.always(() => browser?.close());

test('in a browser: runs, curves and numbers, and nothing that its policy forbids', async (t) => {
  if (!browser) return t.pass();
  const page = await opened(t, { title: 'Digits' });
  const tab = await browser.newPage();
  const said: string[] = [];
  tab.on('console', (message) => said.push(message.text()));
  tab.on('pageerror', ({ message }) => said.push(message));
  await tab.goto(page.url as string);
  await tab.getByText('No training has begun.').waitFor();
  const diverging = {
    onEpochEnd: (epoch: number, logs: Logs) => Object.assign(logs, epoch === 1 ? { odd: NaN } : { odd: -1 }),
  };
  for (const name of ['one', 'two'])
    await network(name).fit(data, target, {
      epochs: 4,
      validationSplit: 0.2,
      callbacks: [diverging, callbacks.terminateOnNaN(), page],
    });
  await tab.locator('#runs tbody tr', { hasText: /two 2ended4/ }).waitFor();
  t.is(await tab.locator('#state').innerText(), 'Nothing is being trained.');
  const rows = (await tab.locator('#runs tbody tr').allInnerTexts()).map((row) => row.split('\t'));
  t.deepEqual(
    rows.map(([name, state, epoch]) => [name, state, epoch]),
    [
      ['two 2', 'ended', '4 / 4'],
      ['one 1', 'ended', '4 / 4'],
    ],
  );
  t.deepEqual(await tab.locator('#charts h2').allInnerTexts(), ['loss', 'accuracy', 'odd', 'learningRate']);
  await tab.getByLabel('one 1').check();
  await tab.getByLabel('Losses on a log scale').check();
  await tab.getByLabel('Smooth').check();
  t.deepEqual(await tab.locator('#charts > div:first-child .u-series .u-label').allInnerTexts(), [
    'epoch',
    'training 1',
    'validation 1',
    'training 2',
    'validation 2',
  ]);
  t.is(await tab.locator('#numbers tbody tr').count(), 6);
  await page.close();
  await tab.getByText('Not connected').waitFor();
  t.deepEqual(
    said.filter((text) => !text.includes('ERR_CONNECTION_REFUSED') && !text.includes('ERR_INCOMPLETE')),
    [],
  );
});

test('in a browser: what a reader has the focus on stays while news come, and the time left is of this training', async (t) => {
  if (!browser) return t.pass();
  const page = await opened(t);
  const tab = await browser.newPage();
  await tab.goto(page.url as string);
  const abort = new AbortController();
  t.teardown(() => abort.abort());
  const epochs = 1e7;
  const options = { epochs, initialEpoch: epochs / 2, callbacks: [page], signal: abort.signal };
  const training = network('long').fit(data, target, options);
  const row = tab.locator('#runs tbody tr');
  const box = row.getByRole('checkbox');
  await box.focus();
  const epoch = row.locator('td').nth(2);
  await epoch.filter({ hasNotText: await epoch.innerText() }).waitFor();
  t.is(await tab.locator('#runs input:focus').count(), 1);
  await tab.keyboard.press('Space');
  t.false(await box.isChecked());
  // half of the epochs that there are were done before it began: it is not half way
  t.regex(await row.locator('td').nth(4).innerText(), /^\s*(\d+:)?\d\d:\d\d$/);
  abort.abort();
  await t.throwsAsync(training, { name: 'AbortError' });
});

test("an estimator's lbfgs has no learning rate to be shown", async (t) => {
  const page = await opened(t);
  const classifier = new MLPClassifier({ hiddenLayerSizes: [4], solver: 'lbfgs', maxIter: 3, randomState: 1 });
  await classifier.fit(data, target, { callbacks: [page] });
  t.deepEqual(Object.keys((await told(page))[0].points[0].values), ['loss']);
});
