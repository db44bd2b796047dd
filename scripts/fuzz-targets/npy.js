// NPY files: headers put together from right and wrong parts, whole files that are damaged, and bytes.
import { parseNpy } from '../../dist/io/npy.js';
import { attempt, damaged, edited, isWhole } from '../fuzz-bytes.js';

export const name = 'npy';

const TYPES = ['f8', 'f4', 'f2', 'i8', 'i4', 'i2', 'i1', 'u8', 'u4', 'u2', 'u1', 'b1'];
const WRONG_TYPES = ['c16', 'O', 'S4', 'U1', 'V2', 'M8[ns]', 'f16', 'f3', 'x9', '', 'f', '8'];
const PIECES = [
  '{',
  '}',
  '(',
  ')',
  ',',
  ':',
  "'",
  '"',
  '\\',
  'L',
  '0',
  '9',
  '-1',
  '1e3',
  '18446744073709551616',
  'True',
  'False',
  'None',
  "'descr'",
  "'shape'",
  "'fortran_order'",
  '\n',
  '\0',
  'ÿ',
  '[',
  ']',
  '.',
  ' ',
];

export function npy(header, data, version = 1) {
  const prefix = Buffer.alloc(version === 1 ? 10 : 12);
  prefix.write('\x93NUMPY', 'latin1');
  prefix[6] = version;
  const text = Buffer.from(`${header}\n`, 'latin1');
  if (version === 1) prefix.writeUInt16LE(text.length, 8);
  else prefix.writeUInt32LE(text.length, 8);
  return Buffer.concat([prefix, text, data]);
}

function shapeOf(random) {
  return Array.from({ length: random.integer(0, 4) }, () => random.integer(0, 4));
}

const tuple = (random, shape) => {
  const sizes = shape.map((n) => `${n}${random.chance(0.2) ? 'L' : ''}`);
  return `(${sizes.join(', ')}${shape.length === 1 ? ',' : ''})`;
};

/** A right file. Values of 64 bits are small, since larger ones are refused. */
function good(random) {
  const type = random.pick(TYPES);
  const order = random.pick('<>|');
  const shape = shapeOf(random);
  const size = shape.reduce((product, n) => product * n, 1);
  const width = Number(type[1]);
  const data = Buffer.alloc(size * width);
  for (let i = 0; i < size; i++) data[i * width + (order === '>' ? width - 1 : 0)] = random.bits() & 0x7f;
  const fields = [
    `'descr': '${order}${type}'`,
    `'fortran_order': ${random.pick(['True', 'False'])}`,
    `'shape': ${tuple(random, shape)}`,
  ];
  if (random.chance(0.2)) fields.reverse();
  return { header: `{${fields.join(', ')}${random.pick(['', ', '])}}`, data, shape, version: random.integer(1, 3) };
}

export async function run(random, count, report) {
  for (let i = 0; i < count; i++) {
    const { header, data, shape, version } = good(random);
    const kind = random.integer(0, 5);
    let bytes = npy(header, data, version);
    if (kind === 1) bytes = npy(edited(random, header, PIECES), data, version);
    else if (kind === 2) bytes = npy(header.replace(/[a-z]\d'/, `${random.pick(WRONG_TYPES)}'`), data, version);
    else if (kind === 3) bytes = damaged(random, bytes);
    else if (kind === 4) bytes = damaged(random, bytes.subarray(0, random.integer(0, 20)));
    else if (kind === 5) bytes = npy(header, data.subarray(0, random.integer(0, data.length)), version);
    const array = await attempt(report, bytes, () => parseNpy(bytes));
    if (array && !isWhole(array)) report(`data that do not fit: ${array.shape} of ${bytes.toString('base64')}`);
    if (array && array.size > bytes.length) report(`${array.size} values of ${bytes.length} bytes`);
    if (kind === 0 && array?.shape.join() !== shape.join()) report(`refused, but right: ${header}`);
  }
}
