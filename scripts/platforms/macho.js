// Reads binaries for macOS (Mach-O, thin, 64 bits), as <mach-o/loader.h>, <mach-o/nlist.h> and, for the signature, xnu's
// <kern/cs_blobs.h> lay them out.
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { symbols } from 'node-api-headers';
import { EXPORTS, MOST_BYTES } from './elf.js';

const NODE_API = new Set(
  Object.values(symbols.v8)
    .flat()
    .map((name) => `_${name}`),
);

const MAGIC = 0xfeedfacf;
const CPU = { 16777223: 'x64', 16777228: 'arm64' };
const FILE_TYPE = { 6: 'dylib', 8: 'bundle' };

const LC_REQ_DYLD = 0x80000000;
const SYMTAB = 0x2;
const SEGMENT_64 = 0x19;
const UUID = 0x1b;
const CODE_SIGNATURE = 0x1d;
const DYLD_INFO = 0x22;
const BUILD_VERSION = 0x32;
const EXPORTS_TRIE = 0x33;
/** LC_LOAD_DYLIB, and those that are weak, re-exported, loaded when first used, or upward. */
const LOAD_DYLIB = [0xc, 0x18, 0x1f, 0x20, 0x23];
const RPATH = 0x1c;

const cString = (bytes, at) => bytes.toString('latin1', at, bytes.indexOf(0, at));

/** An unsigned LEB128 number: [value, where the next one begins]. */
function uleb(bytes, at) {
  let [value, shift] = [0, 0];
  for (;;) {
    const byte = bytes[at++];
    if (byte === undefined) throw new Error('a number goes on past the end');
    value += (byte & 0x7f) * 2 ** shift;
    shift += 7;
    if (byte < 0x80) return [value, at];
  }
}

/** The names in a trie of exports. */
function exportedNames(trie) {
  const names = [];
  const visit = (at, prefix) => {
    const [size, information] = uleb(trie, at);
    if (size > 0) names.push(prefix);
    let next = information + size;
    for (let children = trie[next++]; children > 0; children--) {
      const edge = cString(trie, next);
      const [child, after] = uleb(trie, next + edge.length + 1);
      if (child <= at) throw new Error('the trie of exports runs in a circle');
      visit(child, prefix + edge);
      next = after;
    }
  };
  if (trie.length > 0) visit(0, '');
  return names;
}

/** The names that dyld's instructions for binding look up, such as _malloc, with the number of the library. */
function boundNames(code) {
  const names = [];
  let [at, library, name] = [0, 0, ''];
  const number = () => {
    const [value, next] = uleb(code, at);
    at = next;
    return value;
  };
  while (at < code.length) {
    const [operation, immediate] = [code[at] & 0xf0, code[at] & 0x0f];
    at++;
    if (operation === 0x10) library = immediate;
    else if (operation === 0x20) library = number();
    else if (operation === 0x30) library = immediate === 0 ? 0 : 0xf0 | immediate;
    else if (operation === 0x40) {
      name = cString(code, at);
      at += name.length + 1;
    } else if (operation === 0x60 || operation === 0x70 || operation === 0x80) number();
    else if (operation >= 0x90 && operation <= 0xc0) {
      names.push({ name, library });
      if (operation === 0xa0) number();
      if (operation === 0xc0) number() + number();
    } else if (operation !== 0x00 && operation !== 0x50)
      throw new Error(`unknown instruction for binding ${operation}`);
  }
  return names;
}

/**
 * What stands in a file.
 *
 * @throws Error where it is no such file, or ends too early
 */
export function readMacho(file) {
  if (file.length < 32 || file.readUInt32LE(0) !== MAGIC) throw new Error('not a thin 64-bit Mach-O file');
  const binary = {
    arch: CPU[file.readUInt32LE(4)],
    type: FILE_TYPE[file.readUInt32LE(12)],
    flags: file.readUInt32LE(24),
    segments: [],
    libraries: [],
    rpaths: [],
    symbols: [],
    exports: [],
    binds: [],
    weakBinds: [],
  };
  const part = (offset, size) => {
    if (offset + size > file.length) throw new Error(`has ${file.length} bytes, and should have ${offset + size}`);
    return file.subarray(offset, offset + size);
  };
  let at = 32;
  for (let left = file.readUInt32LE(16); left > 0; left--) {
    const size = file.readUInt32LE(at + 4);
    const body = part(at, size);
    const word = (offset) => body.readUInt32LE(offset);
    const long = (offset) => Number(body.readBigUInt64LE(offset));
    const command = word(0) & ~LC_REQ_DYLD;
    if (command === SEGMENT_64) {
      const [vmaddr, vmsize, fileoff, filesize] = [24, 32, 40, 48].map(long);
      part(fileoff, filesize);
      binary.segments.push({ name: cString(body, 8), vmaddr, vmsize, fileoff, filesize, initial: word(60) });
    } else if (command === BUILD_VERSION) {
      const version = word(12);
      binary.platform = word(8);
      binary.oldest = `${version >>> 16}.${(version >>> 8) & 0xff}`;
    } else if (LOAD_DYLIB.includes(command)) binary.libraries.push(cString(body, word(8)));
    else if (command === RPATH) binary.rpaths.push(cString(body, word(8)));
    else if (command === UUID) binary.uuid = body.toString('hex', 8, 24);
    else if (command === SYMTAB) {
      const strings = part(word(16), word(20));
      const table = part(word(8), word(12) * 16);
      for (let row = 0; row < table.length; row += 16) {
        const type = table[row + 4];
        const description = table.readUInt16LE(row + 6);
        binary.symbols.push({
          name: cString(strings, table.readUInt32LE(row)),
          isDebug: (type & 0xe0) !== 0,
          isExternal: (type & 0x01) !== 0,
          isUndefined: (type & 0x0e) === 0,
          library: description >> 8,
        });
      }
    } else if (command === DYLD_INFO) {
      binary.dyldInfo = at;
      const [binds, weakBinds, lazyBinds, trie] = [16, 24, 32, 40].map((field) => part(word(field), word(field + 4)));
      binary.binds.push(...boundNames(binds), ...boundNames(lazyBinds));
      binary.weakBinds.push(...boundNames(weakBinds));
      binary.exports.push(...exportedNames(trie));
    } else if (command === EXPORTS_TRIE) binary.exports.push(...exportedNames(part(word(8), word(12))));
    else if (command === CODE_SIGNATURE) binary.signature = { offset: word(8), bytes: part(word(8), word(12)) };
    at += size;
  }
  return binary;
}

const CODE_DIRECTORY = 0xfade0c02;
const AD_HOC = 0x2;
const SHA256 = 2;

/** The table of hashes in a signature, with every page before the signature beside its hash; undefined where there is none. */
function signedPages(file, { bytes }) {
  if (bytes.length < 12 || bytes.readUInt32BE(0) !== 0xfade0cc0) return undefined;
  const blobs = Array.from({ length: bytes.readUInt32BE(8) }, (_, i) => bytes.subarray(bytes.readUInt32BE(16 + 8 * i)));
  const directory = blobs.find((blob) => blob.readUInt32BE(0) === CODE_DIRECTORY);
  if (!directory) return undefined;
  const [flags, hashes, , , count, limit] = [12, 16, 20, 24, 28, 32].map((field) => directory.readUInt32BE(field));
  const [width, kind, , log] = directory.subarray(36, 40);
  const size = 2 ** log;
  const pages = Array.from({ length: count }, (_, page) => ({
    content: file.subarray(page * size, Math.min((page + 1) * size, limit)),
    hash: directory.subarray(hashes + page * width, hashes + (page + 1) * width),
  }));
  return { flags, limit, kind, size, pages };
}

const sha256 = (content) => createHash('sha256').update(content).digest();

/** What is wrong with the signature of a file, one line each. */
export function signatureProblems(file, { arch, signature }) {
  // zig signs what Apple's processors would end without; Intel's run it unsigned
  if (!signature) return arch === 'arm64' ? ['is not signed'] : [];
  const signed = signedPages(file, signature);
  if (!signed) return ['has a signature without hashes'];
  const { flags, limit, kind, size, pages } = signed;
  const problems = [];
  if ((flags & AD_HOC) === 0) problems.push('has a signature that is not ad hoc');
  if (kind !== SHA256) problems.push('has hashes that are not of SHA-256');
  if (limit !== signature.offset) problems.push(`has ${limit} bytes signed, of ${signature.offset}`);
  if (signature.offset + signature.bytes.length !== file.length) problems.push('goes on behind the signature');
  if (pages.length !== Math.ceil(limit / size)) problems.push(`has the hashes of ${pages.length} pages`);
  for (const [page, { content, hash }] of pages.entries())
    if (!sha256(content).equals(hash)) problems.push(`has page ${page} not as signed`);
  return problems;
}

/**
 * Takes out of a file what has dyld look for weak symbols in other libraries, and signs it again. zig's linker asks for it
 * for hidden symbols too, such as the types of exceptions, whose addresses it has filled in already.
 */
export function dropWeakBinds(path) {
  const file = readFileSync(path);
  const { dyldInfo, exports, signature, symbols, weakBinds } = readMacho(file);
  for (const { name } of weakBinds)
    if (exports.includes(name) || symbols.some((symbol) => symbol.name === name && symbol.isExternal))
      throw new Error(`Expected ${name} of ${path} to be hidden`);
  file.fill(0, dyldInfo + 24, dyldInfo + 32);
  const pages = signature ? signedPages(file, signature).pages : [];
  for (const { content, hash } of pages) sha256(content).copy(hash);
  writeFileSync(path, file);
}

const FLAGS = { twoLevel: 0x80, weakDefines: 0x8000, bindsToWeak: 0x10000 };
const MACOS = 1;
const WRITE = 0x2;
const EXECUTE = 0x4;
const LIB_SYSTEM = '/usr/lib/libSystem.B.dylib';
/** The number of a library that means: whatever is loaded, as Node.js is. In its table of symbols zig has 0 for it. */
const FLAT = 0xfe;
/** Of the file itself: zig exports them, and they mean nothing to others. */
const OWN_ADDRESSES = ['__mh_dylib_header', '___dso_handle'];

/** What dyld would not map. */
function segmentProblems({ arch, segments }, size) {
  const page = arch === 'arm64' ? 0x4000 : 0x1000;
  const problems = [];
  let [address, offset] = [0, 0];
  for (const { name, vmaddr, vmsize, fileoff, filesize, initial } of segments) {
    if (initial & WRITE && initial & EXECUTE) problems.push(`has the segment ${name} writable and executable`);
    if (vmaddr % page !== 0 || fileoff % page !== 0) problems.push(`has the segment ${name} begin within a page`);
    if (vmaddr < address || fileoff < offset || vmsize < filesize) problems.push(`has the segment ${name} overlap`);
    [address, offset] = [vmaddr + vmsize, fileoff + filesize];
  }
  if (segments.at(-1)?.name !== '__LINKEDIT' || offset !== size) problems.push('does not end with __LINKEDIT');
  return problems;
}

/**
 * What is wrong with a binary for macOS, one line each; none if it can be published.
 *
 * @param oldest the macOS that it is for, such as '11.0'
 * @param system names that it may take of libSystem, such as '_malloc': those of that macOS
 */
export function checkMacho(path, { arch, oldest, system }) {
  const file = readFileSync(path);
  const problems = [];
  const expect = (holds, problem) => {
    if (!holds) problems.push(problem);
  };
  let binary;
  try {
    binary = readMacho(file);
  } catch (error) {
    return [error.message];
  }
  const { flags, libraries, rpaths, symbols } = binary;
  expect(file.length <= MOST_BYTES, `${file.length} bytes, at most ${MOST_BYTES} are allowed`);
  expect(binary.arch === arch, `is for ${binary.arch}`);
  expect(binary.type, 'is neither a library nor a bundle');
  expect(binary.platform === MACOS && binary.oldest === oldest, `is for macOS ${binary.oldest} and later`);
  expect(binary.uuid, 'has no UUID'); // newer versions of dyld want one
  expect(flags & FLAGS.twoLevel, 'looks every name up in all libraries');
  expect(
    !(flags & (FLAGS.weakDefines | FLAGS.bindsToWeak)) && binary.weakBinds.length === 0,
    'shares weak symbols with other libraries',
  );
  problems.push(...segmentProblems(binary, file.length));
  for (const library of libraries) expect(library === LIB_SYSTEM, `needs ${library}`);
  for (const folder of rpaths) problems.push(`looks for libraries in ${folder}`);

  const globals = symbols.filter(({ isExternal, isDebug }) => isExternal && !isDebug);
  const exported = new Set([...binary.exports, ...globals.filter((s) => !s.isUndefined).map((s) => s.name)]);
  const entries = EXPORTS.map((name) => `_${name}`);
  for (const name of exported) expect([...entries, ...OWN_ADDRESSES].includes(name), `exports ${name}`);
  for (const name of entries) expect(binary.exports.includes(name), `does not export ${name}`);

  const undefinedNames = globals.filter(({ isUndefined }) => isUndefined);
  for (const { name, library } of [...binary.binds, ...undefinedNames])
    if (!NODE_API.has(name)) expect(library === 1 && system.includes(name), `needs ${name}`);
    else expect(library === 0 || library === FLAT, `needs ${name} of ${libraries[library - 1]}`);
  return [...new Set(problems), ...signatureProblems(file, binary)];
}
