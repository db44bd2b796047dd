import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

/** Numbers of e_machine, by the names of process.arch: elf(5). */
const MACHINES: Readonly<Record<number, string>> = {
  3: 'ia32',
  21: 'ppc64',
  22: 's390x',
  40: 'arm',
  62: 'x64',
  183: 'arm64',
  243: 'riscv64',
  258: 'loong64',
};

/** Of a program header: where the name of its loader lies. */
const PT_INTERP = 3;

/** What a file is that is no ELF file, by its first four bytes. */
const OTHERS: Readonly<Record<string, string>> = {
  cffaedfe: 'a binary for macOS',
  cafebabe: 'a binary for macOS',
  '76657273': 'a pointer of Git LFS, in place of the binary',
};

/**
 * Refuses a binary that is not for this processor, and one that ends before its section headers do (they come last): the
 * system's loader would end the process with SIGBUS on it.
 */
export function checkBinary(file: string): void {
  const descriptor = openSync(file, 'r');
  try {
    const header = Buffer.alloc(64);
    const read = readSync(descriptor, header);
    const { size } = fstatSync(descriptor);
    const magic = header.toString('hex', 0, 4);
    if (read >= 4 && magic !== '7f454c46')
      throw new Error(
        `it is ${OTHERS[magic] ?? (magic.startsWith('4d5a') ? 'a binary for Windows' : 'no binary for Linux')}`,
      );
    const [wide, big] = [header[4] === 2, header[5] === 2];
    const number = (at: number, bytes: number) => (big ? header.readUIntBE(at, bytes) : header.readUIntLE(at, bytes));
    const machine = MACHINES[number(18, 2)];
    if (read >= 20 && machine && machine !== process.arch)
      throw new Error(`it is for ${machine}, and this Node.js is for ${process.arch}`);
    // where the table of sections begins, the size of its rows, and their number
    const table = wide
      ? number(big ? 42 : 40, 6) + number(58, 2) * number(60, 2)
      : number(32, 4) + number(46, 2) * number(48, 2);
    const expected = read < 64 ? 64 : table;
    if (size < expected) throw new Error(`it has ${size} bytes, and should have ${expected} or more`);
  } finally {
    closeSync(descriptor);
  }
}

/**
 * The loader that a program names in its header, such as /lib64/ld-linux-x86-64.so.2; undefined where it names none (a static
 * program, or no ELF file of this machine's byte order and 64 bits).
 */
export function interpreter(program: string): string | undefined {
  const descriptor = openSync(program, 'r');
  try {
    const start = Buffer.alloc(4096);
    const read = readSync(descriptor, start);
    if (read < 64 || start.toString('hex', 0, 4) !== '7f454c46' || start[4] !== 2 || start[5] !== 1) return undefined;
    const [table, size, rows] = [start.readUIntLE(32, 6), start.readUInt16LE(54), start.readUInt16LE(56)];
    for (let at = table; at < table + rows * size && at + 40 <= read; at += size) {
      if (start.readUInt32LE(at) !== PT_INTERP) continue;
      const name = Buffer.alloc(Math.min(start.readUIntLE(at + 32, 6), 4096));
      const length = readSync(descriptor, name, 0, name.length, start.readUIntLE(at + 8, 6));
      return name.toString('utf8', 0, length).split('\0')[0];
    }
  } finally {
    closeSync(descriptor);
  }
}
