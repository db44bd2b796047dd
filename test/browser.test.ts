// The example page: what was trained here predicts in a real browser, by TensorFlow.js, what it does in Node.js.
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import test from 'ava';
import { importModel, NDArray } from 'fjordnet';
import { chromium } from 'playwright-core';
import { CHROMIUM } from './helpers/chromium.js';
import { difference } from './helpers/replay.js';

const home = mkdtempSync(join(tmpdir(), 'fjordnet-browser-'));
test.after.always(() => rmSync(home, { recursive: true }));

test('the example page predicts as Node.js does', async (t) => {
  const make = fileURLToPath(new URL('../scripts/examples/browser/make.js', import.meta.url));
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [make, home]);
  t.is(stderr, '');
  const [, accuracy] = /test accuracy ([\d.]+)/.exec(stdout) ?? [];
  t.true(Number(accuracy) >= 0.95, stdout);
  const { images, labels, answers } = JSON.parse(readFileSync(join(home, 'digits.json'), 'utf8'));
  const wanted = NDArray.from(answers).data;
  const back = await importModel(join(home, 'model.json'));
  t.true(difference(((await back.predict(images)) as NDArray).data, wanted) < 1e-7);
  if (!CHROMIUM) return t.log('chromium is not installed: the page is not opened in a browser');

  const types: Record<string, string> = { html: 'text/html', js: 'text/javascript', json: 'application/json' };
  const server = createServer((request, response) => {
    const path = join(home, request.url === '/' ? 'index.html' : (request.url as string));
    if (!existsSync(path)) return void response.writeHead(404).end();
    response.writeHead(200, { 'content-type': types[path.split('.').at(-1) as string] ?? 'application/octet-stream' });
    response.end(readFileSync(path));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] });
  try {
    const page = await browser.newPage();
    const problems: string[] = [];
    page.on('pageerror', (error) => problems.push(String(error)));
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    await page.waitForFunction('globalThis.probabilities !== undefined', undefined, { timeout: 60_000 });
    const made = (await page.evaluate('probabilities')) as number[][];
    t.deepEqual(problems, []);
    const d = difference(made.flat(), wanted);
    t.true(d < 1e-6, `${d}`);
    const right = labels.filter((label: number, i: number) => made[i].indexOf(Math.max(...made[i])) === label).length;
    t.regex((await page.textContent('#summary')) ?? '', new RegExp(`^${right} of 60 right, predicted in this browser`));
    const shots = fileURLToPath(new URL('../build-test/screenshots/', import.meta.url));
    mkdirSync(shots, { recursive: true });
    await page.screenshot({ path: join(shots, 'browser.png'), fullPage: true });
  } finally {
    await browser.close();
    server.close();
  }
});
