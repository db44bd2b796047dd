import { mkdirSync, readFileSync, statSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { DOMParser } from '@xmldom/xmldom';
import test, { type ExecutionContext } from 'ava';
import { history, network } from 'fjordnet/plots';
import { type Browser, chromium } from 'playwright-core';
import { facts, figure, html, paragraph, renderPage, table } from '../dist/report/index.js';
import { CHROMIUM } from './helpers/chromium.js';
import { flowersCsv, Workplace } from './helpers/cli.js';

/** Where pictures of the pages are kept, to be looked at. */
const SHOTS = fileURLToPath(new URL('../build-test/screenshots/', import.meta.url));

const place = new Workplace();
let browser: Browser | undefined;
test.before(async (t) => {
  if (CHROMIUM) browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] });
  else t.log('chromium is not installed: the pages are not opened in a browser');
  mkdirSync(SHOTS, { recursive: true });
});
test.after.always(async () => {
  await browser?.close();
  place.remove();
});

test('markup in data stays text', (t) => {
  const page = renderPage({
    title: '<script>alert(1)</script>',
    sections: [
      {
        title: '"quoted" & <b>',
        content: [paragraph("it's <i>\u0007"), facts([['<a>', html`<code>${'<x>'}</code>`]])],
      },
    ],
    footer: '</footer>',
  });
  t.notRegex(page, /<script|<i>|<b>|<a>|<\/footer><\/footer>/);
  t.false(page.includes('\u0007'));
  t.regex(page, /&lt;script&gt;alert\(1\)&lt;\/script&gt;/);
  t.regex(page, /<code>&lt;x&gt;<\/code>/);
});

test('a page is well-formed and refers to nothing outside', async (t) => {
  const page = renderPage({
    title: 'Page',
    sections: [
      { title: 'Figure', content: [await figure((drawing) => network({ sizes: [3, 2] }, drawing), 'A network')] },
      { title: 'Table', content: [table(['a', 'b'], [['x', '1']], { caption: 'Numbers', numeric: [1] })] },
      {
        title: 'Figure',
        content: [await figure((drawing) => history({ loss: [2, 1] }, drawing), 'A curve', { half: true })],
      },
    ],
    footer: 'foot',
  });
  checkMarkup(t, page);
  t.is([...page.matchAll(/<svg/g)].length, 4);
});

/** Every id once, every reference to one that is there, no address to load from, and names for all figures. */
function checkMarkup(t: ExecutionContext, page: string): void {
  const ids = [...page.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id);
  t.is(new Set(ids).size, ids.length);
  for (const [, list] of page.matchAll(/ aria-labelledby="([^"]+)"/g))
    for (const id of list.split(' ')) t.true(ids.includes(id), id);
  for (const [, id] of page.matchAll(/(?:href="|url\()#([^")]+)/g)) t.true(ids.includes(id), id);
  for (const [, address] of page.matchAll(/(?:src|href)="([^"]+)"/g)) t.regex(address, /^(#|data:)/);
  t.notRegex(page, /@import|url\((?!#|data:)|<link(?! rel="icon" href="data:,")|<script/);
  for (const [svg] of page.matchAll(/<svg.*?<\/svg>/gs)) {
    const errors: string[] = [];
    const document = new DOMParser({ onError: (_level, message) => errors.push(String(message)) }).parseFromString(
      svg,
      'image/svg+xml',
    );
    t.deepEqual(errors, []);
    t.is(document.documentElement?.getAttribute('role'), 'img');
    t.regex(svg, /<title id="[^"]+">[^<]+<\/title><desc id="[^"]+">[^<]+<\/desc>/);
  }
}

interface Measures {
  scroll: number;
  inner: number;
  /** Texts of figures that reach beyond the edge. */
  clipped: number;
  /** Figures of which not one drawing is seen, but none or both. */
  hidden: number;
  paper: string;
}

/** Runs in the page. */
const MEASURE = `(() => {
  const texts = [...document.querySelectorAll('figure svg text')].filter((e) => e.getClientRects().length > 0);
  const boxes = texts.map((e) => e.getBoundingClientRect());
  const drawings = (figure) => [...figure.querySelectorAll('svg')].filter((svg) => svg.getBoundingClientRect().width > 0);
  return {
    scroll: document.documentElement.scrollWidth,
    inner: innerWidth,
    clipped: boxes.filter(({ left, right }) => right > innerWidth + 1 || left < -1).length,
    hidden: [...document.querySelectorAll('figure')].filter((figure) => drawings(figure).length !== 1).length,
    paper: getComputedStyle(document.body).backgroundColor,
  };
})()`;

/** Opens a page at phone and desk widths, in light and dark. */
async function open(t: ExecutionContext, name: string): Promise<void> {
  if (!browser) return;
  for (const [colorScheme, width] of [
    ['dark', 400],
    ['light', 1200],
  ] as const) {
    const page = await browser.newPage({ viewport: { width, height: 900 }, colorScheme });
    const troubles: string[] = [];
    const address = pathToFileURL(place.path(`${name}.html`)).href;
    page.on('console', (message) => troubles.push(`console: ${message.text()}`));
    page.on('pageerror', (error) => troubles.push(`error: ${error.message}`));
    page.on('request', (request) => {
      if (request.url() !== address && !request.url().startsWith('data:')) troubles.push(`request: ${request.url()}`);
    });
    await page.goto(address);
    const { scroll, inner, clipped, hidden, paper } = (await page.evaluate(MEASURE)) as Measures;
    t.true(scroll <= inner, `${name} scrolls sideways at ${width} px: ${scroll}`);
    t.is(clipped, 0, `${name} at ${width} px: text beyond the edge`);
    t.is(hidden, 0, `${name} at ${width} px: a figure must be seen once`);
    t.is(paper, colorScheme === 'light' ? 'rgb(255, 255, 255)' : 'rgb(13, 17, 23)');
    const shot = `${SHOTS}${name}-${width}-${colorScheme}.png`;
    await page.screenshot({ path: shot, fullPage: true });
    t.true(statSync(shot).size > 10_000);
    t.deepEqual(troubles, []);
    await page.close();
  }
}

test.serial('the report of a convolutional network, with a grid', async (t) => {
  const [trained, grid] = await Promise.all([
    place.run(
      'train',
      'digits',
      '--model',
      'cnn',
      '--epochs',
      '8',
      '-q',
      '--save',
      'cnn.safetensors',
      '--report',
      'cnn.html',
    ),
    place.run(
      'grid',
      'digits',
      '--model',
      'lecture',
      '--epochs',
      '3',
      '-q',
      '--save',
      'grid.json',
      '--report',
      'grid.html',
    ),
  ]);
  t.is(trained.code, 0, trained.stderr);
  t.is(grid.code, 0, grid.stderr);
  t.notRegex(readFileSync(place.path('cnn.html'), 'utf8'), /Importances/);
  const drawn = await place.run('plot', 'importances', 'cnn.safetensors', '--out', 'x.svg');
  t.is(drawn.code, 3);
  t.regex(drawn.stderr, /to be trained on a table whose columns have names for importances/);
  const both = await place.run('report', 'cnn.safetensors', '--grid', 'grid.json', '--out', 'both.html');
  t.is(both.code, 0, both.stderr);
  for (const name of ['cnn', 'grid', 'both']) checkMarkup(t, readFileSync(place.path(`${name}.html`), 'utf8'));
  const page = readFileSync(place.path('both.html'), 'utf8');
  for (const title of [
    'Result',
    'Data',
    'Network',
    'Training',
    'Classes',
    'Mistakes',
    'Weights',
    'Grid search',
    'To repeat it',
  ])
    t.regex(page, new RegExp(`<h2 id="[^"]+">${title}</h2>`));
  t.regex(page, /Confusion matrix/);
  t.regex(page, /<dt>Seed<\/dt><dd>0<\/dd>/);
  await open(t, 'grid');
  await open(t, 'both');
});

test.serial('reports of a table of classes, of a regression, and of an estimator', async (t) => {
  place.write('flowers.csv', flowersCsv(90));
  place.write('line.csv', `x,y\n${Array.from({ length: 80 }, (_, i) => `${i / 10},${3 * i + 0.5}`).join('\n')}\n`);
  const runs = await Promise.all([
    place.run('train', 'flowers.csv', '--epochs', '5', '-q', '--report', 'flowers.html'),
    place.run(
      'train',
      'line.csv',
      '--epochs',
      '5',
      '-q',
      '--test-size',
      '0',
      '--validation',
      '0',
      '--report',
      'line.html',
    ),
    place.run('train', 'flowers.csv', '--model', 'sklearn', '--epochs', '5', '-q', '--report', 'sklearn.html'),
  ]);
  for (const { code, stderr } of runs) t.is(code, 0, stderr);
  for (const name of ['flowers', 'line', 'sklearn']) {
    checkMarkup(t, readFileSync(place.path(`${name}.html`), 'utf8'));
    await open(t, name);
  }
  t.regex(readFileSync(place.path('flowers.html'), 'utf8'), /rose, wild/);
  t.regex(readFileSync(place.path('line.html'), 'utf8'), /There is no test set/);
});

test.serial(
  'reports and plots show the curves of two classes and of three, and the residuals of a regression',
  async (t) => {
    const rows = Array.from({ length: 120 }, (_, i) => [Math.sin(i * 12.9898), Math.sin(i * 78.233)]);
    const csv = (target: string, of: (a: number, b: number) => string | number) =>
      `a,b,${target}\n${rows.map(([a, b]) => `${a},${b},${of(a, b)}`).join('\n')}\n`;
    place.write(
      'two.csv',
      csv('kind', (a, b) => (a + b / 2 > 0 ? 'up' : 'down')),
    );
    place.write(
      'numbers.csv',
      csv('height', (a, b) => 3 * a - b),
    );
    place.write('three.csv', flowersCsv(90));
    const train = async (name: string) => {
      const { code, stderr } = await place.run(
        ...['train', `${name}.csv`, '--epochs', '5', '-q', '--save', `${name}.safetensors`, '--report', `${name}.html`],
      );
      t.is(code, 0, stderr);
      const page = readFileSync(place.path(`${name}.html`), 'utf8');
      checkMarkup(t, page);
      await open(t, name);
      return [...page.matchAll(/<svg.*?<title[^>]*>([^<]+)</gs)].map(([, title]) => title);
    };
    const drawn = async (kind: string, name: string) => {
      const { code, stdout, stderr } = await place.run(
        ...['plot', kind, `${name}.safetensors`, '--out', `${kind}.svg`, '--json'],
      );
      t.is(code, 0, stderr);
      return JSON.parse(stdout).description as string;
    };
    place.write(
      'mixed.csv',
      csv('where,height', (a, b) => `${a > 0 ? 'hill' : ''},${5 * Number(a > 0) - b}`),
    );
    const shown = {
      two: await train('two'),
      three: await train('three'),
      numbers: await train('numbers'),
      mixed: await train('mixed'),
    };
    const twice = (titles: string[], title: string) => titles.filter((name) => name === title).length === 2;
    for (const title of ['ROC curve', 'Precision-recall curve', 'Calibration', 'Thresholds'])
      t.true(twice(shown.two, title), title);
    for (const title of ['ROC curve', 'Precision-recall curve']) t.true(twice(shown.three, title), title);
    for (const title of ['Predictions', 'Residuals']) t.true(twice(shown.numbers, title), title);
    for (const titles of Object.values(shown)) t.true(twice(titles, 'Importances'));
    t.false(
      shown.three.includes('Calibration') || shown.numbers.includes('ROC curve') || shown.two.includes('Residuals'),
    );

    t.regex(await drawn('roc', 'two'), /rates\. up \(AUC [01]\.\d{3}\)\.$/);
    t.regex(await drawn('precision-recall', 'three'), /iris \(AP .*lily \(AP .*rose, wild \(AP/);
    t.regex(await drawn('calibration', 'three'), /^Shares over probabilities in \d bins; farthest apart where iris/);
    t.regex(await drawn('thresholds', 'two'), /^Precision, recall and F1 of up over the threshold; F1 \(best/);
    t.regex(await drawn('importances', 'mixed'), /^where matters most of 3: permuted, it takes/);
    t.regex(await drawn('importances', 'three'), /matters most of 4: permuted, it takes/);
    const page = readFileSync(place.path('mixed.html'), 'utf8');
    t.regex(page, />where<\/t[hd]>\s*<td>text of 1 kind, \d+ missing/);
    t.regex(page, /Importances.*takes off the test R².*the mean of 5 times/s);
    t.regex(await drawn('predictions', 'numbers'), /^24 samples; mean absolute error/);
    t.is(await drawn('residuals', 'numbers'), await drawn('predictions', 'numbers'));
    t.regex(readFileSync(place.path('predictions.svg'), 'utf8'), />predicted height</);

    const refused: [RegExp, ...string[]][] = [
      [/to predict numbers for residuals, but it is a classifier/, 'residuals', 'two.safetensors'],
      [/to be a classifier for roc, but it predicts numbers/, 'roc', 'numbers.safetensors'],
      [/to tell two classes apart for thresholds, got 3/, 'thresholds', 'three.safetensors'],
    ];
    for (const [message, ...args] of refused) {
      const { code, stderr } = await place.run('plot', ...args, '--out', 'x.svg');
      t.is(code, 3, stderr);
      t.regex(stderr, message);
    }
  },
);
