// What the published binary for Windows must be: small, with its entry points as its only exports, and in need of nothing but
// what every Windows has. (node.exe is not among what it imports: that is looked up with the first call.) The format is that of Microsoft's "PE Format".
import { readFileSync } from 'node:fs';
import { EXPORTS, MOST_BYTES } from './elf.js';

const X64 = 0x8664;
/** IMAGE_DLLCHARACTERISTICS: HIGH_ENTROPY_VA, DYNAMIC_BASE, NX_COMPAT: addresses that are not known beforehand, data that is no code. */
const HARDENED = 0x20 | 0x40 | 0x100;
const SYSTEM = ['KERNEL32.dll', 'msvcrt.dll'];

/** The libraries and names that a binary asks for and offers. */
export function readPe(file) {
  const bytes = readFileSync(file);
  const header = bytes.readUInt32LE(0x3c);
  if (bytes.toString('latin1', header, header + 4) !== 'PE\0\0') throw new Error(`${file} is no binary for Windows`);
  const machine = bytes.readUInt16LE(header + 4);
  const optional = header + 24;
  const table = optional + bytes.readUInt16LE(header + 20);
  const sections = Array.from({ length: bytes.readUInt16LE(header + 6) }, (_, i) => {
    const at = table + 40 * i;
    return {
      from: bytes.readUInt32LE(at + 12),
      size: bytes.readUInt32LE(at + 16),
      offset: bytes.readUInt32LE(at + 20),
    };
  });
  const offsetOf = (address) => {
    const { from, offset } = sections.find((one) => address >= one.from && address < one.from + one.size);
    return address - from + offset;
  };
  const text = (address) => {
    const at = offsetOf(address);
    return bytes.toString('latin1', at, bytes.indexOf(0, at));
  };
  const imports = [];
  for (let entry = offsetOf(bytes.readUInt32LE(optional + 120)); bytes.readUInt32LE(entry + 12) !== 0; entry += 20)
    imports.push(text(bytes.readUInt32LE(entry + 12)));
  const exported = bytes.readUInt32LE(optional + 112);
  const list = exported === 0 ? undefined : offsetOf(exported);
  return {
    machine,
    characteristics: bytes.readUInt16LE(optional + 70),
    size: bytes.length,
    imports,
    exports:
      list === undefined
        ? []
        : Array.from({ length: bytes.readUInt32LE(list + 24) }, (_, i) =>
            text(bytes.readUInt32LE(offsetOf(bytes.readUInt32LE(list + 32)) + 4 * i)),
          ),
  };
}

/** What is wrong with a binary for Windows on x64, one line each; none if it can be published. */
export function checkPe(file) {
  const { machine, characteristics, size, imports, exports } = readPe(file);
  const problems = [];
  if (size > MOST_BYTES) problems.push(`${size} bytes, at most ${MOST_BYTES} are allowed`);
  if (machine !== X64) problems.push(`is for machine 0x${machine.toString(16)}, not for x64`);
  if ((characteristics & HARDENED) !== HARDENED)
    problems.push(`has characteristics 0x${characteristics.toString(16)}, without some of 0x${HARDENED.toString(16)}`);
  for (const name of EXPORTS) if (!exports.includes(name)) problems.push(`does not export ${name}`);
  const extra = exports.filter((name) => !EXPORTS.includes(name));
  if (extra.length > 0)
    problems.push(`exports ${extra.length} symbols more than its entry points, such as ${extra[0]}`);
  for (const name of imports) if (!SYSTEM.includes(name)) problems.push(`needs ${name}`);
  return problems;
}
