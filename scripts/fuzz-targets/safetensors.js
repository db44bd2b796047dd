// Safetensors files: headers that are edited as text and as values, damaged files, and bytes.
import { formatSafetensors, parseSafetensors } from '../../dist/io/safetensors.js';
import { attempt, changed, damaged, edited, isSame, isWhole } from '../fuzz-bytes.js';

export const name = 'safetensors';

const ARRAYS = [
  Float64Array,
  Float32Array,
  BigInt64Array,
  BigUint64Array,
  Int32Array,
  Uint32Array,
  Int16Array,
  Uint16Array,
  Int8Array,
  Uint8Array,
];
const PIECES = [
  '{',
  '}',
  '[',
  ']',
  ',',
  ':',
  '"',
  '\\',
  '\\u0000',
  '\\ud800',
  '0',
  '9',
  '-',
  '1e9',
  '18446744073709551616',
  'null',
  '"a":',
  '"dtype":',
  '"shape":',
  '"data_offsets":',
  '"__metadata__":',
  '"__proto__":',
  '\0',
  '😀',
  ' ',
  '\n',
];
const VALUES = [0, -1, 0.5, 2 ** 31, 2 ** 53, 1e300, null, true, '', 'F32', 'F16', [], [0], [0, 0], {}, { a: 1 }];

function file(header, body) {
  const text = Buffer.from(header);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  return Buffer.concat([length, text, body]);
}

export async function run(random, count, report) {
  for (let i = 0; i < count; i++) {
    const tensors = Array.from({ length: random.integer(0, 4) }, (_, k) => {
      const data = new (random.pick(ARRAYS))(random.integer(0, 6));
      new Uint8Array(data.buffer).fill(random.bits() & 255);
      return [`t${k}`, { shape: random.pick([[data.length], [1, data.length], [data.length, 1, 1]]), data }];
    });
    const whole = Buffer.concat(formatSafetensors(tensors, random.chance(0.5) ? { note: 'x"\\é' } : {}));
    const at = 8 + Number(whole.readBigUInt64LE());
    const header = whole.toString('utf8', 8, at);
    const kind = random.integer(0, 4);
    let bytes = whole;
    if (kind === 1) bytes = file(edited(random, header, PIECES), whole.subarray(at));
    else if (kind === 2) bytes = file(changed(random, header.trimEnd(), VALUES, 0.4), whole.subarray(at));
    else if (kind === 3) bytes = damaged(random, whole);
    else if (kind === 4) bytes = damaged(random, whole.subarray(0, random.integer(0, 12)));
    const read = await attempt(report, bytes, () => parseSafetensors(bytes));
    let total = 0;
    for (const tensor of read?.tensors.values() ?? []) {
      total += tensor.data.byteLength;
      if (!isWhole(tensor)) report(`data that do not fit: ${tensor.shape} of ${bytes.toString('base64')}`);
    }
    if (total > 2 * bytes.length) report(`${total} bytes of ${bytes.length}`);
    if (kind === 0)
      for (const [key, tensor] of tensors)
        if (!read || !isSame(read.tensors.get(key), tensor)) report(`another tensor '${key}': ${header}`);
  }
}
