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
    const machine = read < 20 ? process.arch : MACHINES[header.readUInt16LE(18)];
    if (machine !== process.arch)
      throw new Error(`it is for ${machine ?? 'another processor'}, and this Node.js is for ${process.arch}`);
    const expected =
      read < 64 ? 64 : Number(header.readBigUInt64LE(40)) + header.readUInt16LE(58) * header.readUInt16LE(60);
    if (size < expected) throw new Error(`it has ${size} bytes, and should have ${expected} or more`);
  } finally {
    closeSync(descriptor);
  }
}
