// What the fuzz targets that read files have in common: damage, and what reading may cost.

const WORDS = [
  0,
  1,
  2,
  3,
  8,
  20,
  46,
  64,
  100,
  255,
  256,
  65_535,
  2 ** 16,
  2 ** 31 - 1,
  2 ** 31,
  2 ** 32 - 2,
  2 ** 32 - 1,
];

/** A copy with one to four damages: bits flipped, bytes overwritten, cut out, doubled or inserted, the end cut off. */
export function damaged(random, bytes) {
  let out = Buffer.from(bytes);
  for (let left = random.integer(1, 4); left > 0; left--) {
    const at = random.integer(0, Math.max(0, out.length - 1));
    const length = Math.min(random.integer(1, 12), out.length - at);
    const kind = random.integer(0, 6);
    if (out.length === 0 || kind === 0) out = Buffer.concat([out, Buffer.of(random.bits() & 255)]);
    else if (kind === 1) out[at] ^= 1 << random.integer(0, 7);
    else if (kind === 2) out[at] = random.bits() & 255;
    else if (kind === 3) out = out.subarray(0, at);
    else if (kind === 4) out = Buffer.concat([out.subarray(0, at), out.subarray(at + length)]);
    else if (kind === 5) out = Buffer.concat([out.subarray(0, at + length), out.subarray(at)]);
    else if (at + 8 <= out.length) writeWord(random, out, at);
  }
  return out;
}

/** Overwrites 2, 4 or 8 bytes with a number that is at the edge of something. */
export function writeWord(random, bytes, at) {
  const value = random.pick(WORDS);
  const width = random.pick([2, 4, 8]);
  if (at + width > bytes.length) return;
  if (width === 2) bytes.writeUInt16LE(value & 0xffff, at);
  else if (width === 4) bytes.writeUInt32LE(value, at);
  else bytes.writeBigUInt64LE(random.chance(0.3) ? 2n ** 64n - 1n - BigInt(value) : BigInt(value), at);
}

/** A copy of a text with one to three places replaced by, or given, one of `pieces`. */
export function edited(random, text, pieces) {
  let out = text;
  for (let left = random.integer(1, 3); left > 0; left--) {
    const at = random.integer(0, out.length);
    out = out.slice(0, at) + random.pick(pieces) + out.slice(at + random.pick([0, 0, 1, 2, 5, 12]));
  }
  return out;
}

/** JSON with one of `values` in some place, whose parts are gone into unless it is `here` already; or something left out. */
export function changed(random, text, values, here) {
  const root = JSON.parse(text);
  let object = root;
  for (;;) {
    const key = random.pick(Object.keys(object));
    if (key === undefined) return JSON.stringify(root);
    const value = object[key];
    if (random.chance(here) || typeof value !== 'object' || value === null) {
      if (random.chance(0.2)) delete object[key];
      else
        object[key] =
          Number.isInteger(value) && random.chance(0.5) ? value + random.integer(-2, 2) : random.pick(values);
      return JSON.stringify(root);
    }
    object = value;
  }
}

/**
 * Reads one input: gives what `read` gives, or undefined where it was refused. Reports what is no sentence with the code
 * ERR_FORMAT, more time than 2 s, and more memory than 40 MB and 40 bytes for each byte of the input (`perByte` of them).
 */
export async function attempt(report, bytes, read, perByte = 40) {
  const shown = () => `input ${Buffer.from(bytes.subarray(0, 3000)).toString('base64')} (${bytes.length} bytes)`;
  const memory = process.resourceUsage().maxRSS;
  const start = process.cpuUsage();
  try {
    return await read();
  } catch (error) {
    const [, reason] =
      /^Cannot (?:read|load a model from) (?:the bytes|'.*?'(?:, [^:]*)?): (.+)$/s.exec(error?.message) ?? [];
    if (error?.code !== 'ERR_FORMAT' || reason === undefined) report(`not ERR_FORMAT: ${error?.stack}\nof ${shown()}`);
    else if (error.message.length > 700) report(`a long message: ${error.message.slice(0, 200)}\nof ${shown()}`);
    // Without our own 'Cannot read', which an engine says too. The last resort of ours is not what a reader is helped by.
    else if (reason.endsWith('Expected what save writes')) report(`no reason: ${error.cause?.stack}\nof ${shown()}`);
    else report.error({ message: reason[0].toUpperCase() + reason.slice(1), stack: error.stack }, shown());
    return undefined;
  } finally {
    const { user, system } = process.cpuUsage(start);
    const megabytes = (process.resourceUsage().maxRSS - memory) / 1024;
    if (user + system > 2e6) report(`${(user + system) / 1e6} s of\n${shown()}`);
    if (megabytes > 40 + (perByte * bytes.length) / 2 ** 20) report(`${megabytes} MB of\n${shown()}`);
  }
}

/** Is this an array whose data are as many as its shape says? */
export const isWhole = ({ shape, data }) =>
  shape.every((n) => Number.isSafeInteger(n) && n >= 0) && shape.reduce((product, n) => product * n, 1) === data.length;

/** The same type, shape and bits. */
export const isSame = (a, b) =>
  a.data.constructor === b.data.constructor &&
  a.shape.join() === b.shape.join() &&
  Buffer.from(a.data.buffer, a.data.byteOffset, a.data.byteLength).equals(
    Buffer.from(b.data.buffer, b.data.byteOffset, b.data.byteLength),
  );
