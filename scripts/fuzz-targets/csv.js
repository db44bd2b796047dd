// Tables of text: whole ones, whose numbers and labels are known, and such as were damaged in their bytes.
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { readCsv } from '../../dist/io/csv.js';

export const name = 'csv';

const SEPARATORS = [',', ';', '\t', '|', ' '];
const ENDS = ['\n', '\r\n', '\r'];
const NUMBERS = ['0', '1', '2', '-1', '1.5', '2.50', '.5', '1e5', '1e-05', '007', '+3', '1e300', '4.9', '3', '7'];
const ODD = [
  ...[
    '',
    'NA',
    'N/A',
    '?',
    'null',
    'nan',
    'inf',
    '-Infinity',
    '0x1f',
    '0b1',
    '1_000',
    '12px',
    '1,5',
    '1.000,5',
    '1e999',
  ],
  ...['"', '""', '"a', 'a"', '"a""b"', '"a\nb"', '\ufeff', '\0', '\ud800', '١', '∞', '😀', '__proto__', 'constructor'],
  ...[
    ' ',
    '\t',
    '\v',
    '#',
    '=1+1',
    '-',
    '.',
    'e5',
    '1e',
    'true',
    '-0',
    '0'.repeat(400),
    '9'.repeat(400),
    'x'.repeat(5000),
  ],
];
const LABELS = [
  'a',
  'b',
  'père',
  'pére',
  '1',
  '1.0',
  '01',
  '007',
  '7',
  '71e2',
  '7100',
  '0x10',
  '16',
  'é',
  'e\u0301',
  '-0',
  '0',
];
const LONG = ['208310224003697457', '208310224003697458', '9007199254740993', '9007199254740992'];
const BYTES = [0, 9, 10, 13, 0x22, 0x2c, 0x3b, 0x80, 0xc3, 0xed, 0xf0, 0xff, 0x1f, 0x8b];

/** What an engine or csv-parse's options say, never one of our sentences. */
const ENGINE =
  /is not a function|is not iterable|Cannot (read prop|destructure|convert|set)|undefined|Unexpected token|Maximum call/;

export async function run(random, count, report) {
  for (let i = 0; i < count; i++) await (random.chance(0.4) ? whole : damaged)(random, report);
}

const times = (n, make) => Array.from({ length: n }, (_, i) => make(i));

/** A table whose content is known comes back, or is refused where it may be. */
async function whole(random, report) {
  const [rows, columns] = [random.integer(1, 8), random.integer(1, 4)];
  const separator = random.pick(SEPARATORS);
  const x = times(rows, () => times(columns, () => random.pick(NUMBERS)));
  const labels = random.chance(0.5) ? LABELS : random.chance(0.5) ? LONG : NUMBERS;
  const y = times(rows, () => random.pick(labels));
  const at = random.integer(0, columns);
  const header = random.chance(0.6);
  const end = random.pick(ENDS);
  const withLabel = (cells, label) => [...cells.slice(0, at), label, ...cells.slice(at)].join(separator);
  const lines = x.map((cells, i) => withLabel(cells, y[i]));
  if (header)
    lines.unshift(
      withLabel(
        times(columns, (i) => `c${i}`),
        'the label',
      ).replaceAll('the label', separator === ' ' ? 'label' : 'the label'),
    );
  const text = lines.join(end) + (random.chance(0.5) ? end : '');
  const options = { label: at, separator, ...(random.chance(0.5) && { header }) };
  try {
    const got = await readCsv(chunks(random, Buffer.from(text)), options);
    const n = got.x.shape[0];
    if (n !== rows && options.header !== undefined) return report(`${n} of ${rows} rows of ${show(text, options)}`);
    if (n !== rows) return undefined;
    x.flat().forEach((cell, k) => {
      if (got.x.data[k] !== Number(cell)) report(`${cell} became ${got.x.data[k]} in ${show(text, options)}`);
    });
    const back = Array.isArray(got.y) ? got.y : [...got.y.data];
    for (const [k, a] of y.entries())
      for (const [l, b] of y.entries())
        if (Object.is(back[k], back[l]) !== (a === b)) report(`labels ${a} and ${b} became ${back[k]} and ${back[l]}`);
    if (typeof back[0] === 'string' && back.join('\n') !== y.join('\n')) report(`labels ${y} became ${back}`);
  } catch (error) {
    if (header || options.header !== undefined) report(`${error.message}\nof ${show(text, options)}`);
    else judge(error, report, text, options);
  }
  return undefined;
}

async function damaged(random, report) {
  const columns = random.integer(1, 5);
  const separator = random.pick(SEPARATORS);
  const cell = () => (random.chance(0.15) ? random.pick(ODD) : random.pick(random.chance(0.2) ? LABELS : NUMBERS));
  const lines = times(random.integer(0, 6), () =>
    times(random.chance(0.1) ? columns + 1 : columns, cell).join(
      random.chance(0.05) ? random.pick(SEPARATORS) : separator,
    ),
  );
  if (random.chance(0.4))
    lines.unshift(
      times(columns, (i) => (random.chance(0.1) ? random.pick(ODD) : random.chance(0.2) ? String(i) : `c${i}`)).join(
        separator,
      ),
    );
  const text = lines.join(random.pick(ENDS));
  let bytes = Buffer.from(
    random.chance(0.1) ? `\ufeff${text}` : text,
    random.pick(['utf8', 'utf8', 'utf8', 'latin1', 'utf16le']),
  );
  if (random.chance(0.2)) bytes = gzipSync(bytes);
  bytes = Buffer.from(bytes);
  for (let n = random.chance(0.5) ? random.integer(1, 4) : 0; n > 0 && bytes.length > 0; n--) {
    const place = random.integer(0, bytes.length - 1);
    if (random.chance(0.6)) bytes[place] = random.chance(0.5) ? random.pick(BYTES) : random.integer(0, 255);
    else if (random.chance(0.5)) bytes = bytes.subarray(0, place);
    else bytes = Buffer.concat([bytes.subarray(0, place), bytes.subarray(random.integer(0, place))]);
  }
  const label = random.pick([undefined, -1, 0, 1, '0', '2', 'c0', 'c1', 'a', '', 99, '__proto__', 'constructor']);
  const options = {
    ...(label !== undefined && { label }),
    ...(random.chance(0.3) && { header: random.chance(0.5) }),
    ...(random.chance(0.8) && { separator }),
    ...(random.chance(0.3) && { dtype: 'float32' }),
  };
  try {
    const { x, y, names } = await readCsv(chunks(random, bytes), options);
    const [n, width] = x.shape;
    if (!x.data.every(Number.isFinite)) report(`a number that is none of ${show(bytes, options)}`);
    if (names.length !== width || (y && y.length !== n)) report(`lengths that differ of ${show(bytes, options)}`);
  } catch (error) {
    judge(error, report, bytes, options);
  }
}

function chunks(random, bytes) {
  const size = random.chance(0.5) ? bytes.length + 1 : random.integer(2, 9);
  return Readable.from(times(Math.ceil(bytes.length / size), (i) => bytes.subarray(i * size, (i + 1) * size)));
}

function judge(error, report, input, options) {
  const { message, code } = error;
  const ours =
    (code === 'ERR_FORMAT' && /^Cannot read the stream: /.test(message)) ||
    (code === undefined && /^Expected (label|options)/.test(message));
  if (!ours || ENGINE.test(message) || message.length > 1200)
    report(`no sentence: ${error.stack}\nof ${show(input, options)}`);
}

const show = (input, options) => `${JSON.stringify(Buffer.from(input).toString('latin1'))} ${JSON.stringify(options)}`;
