/** The beginning of a program for Linux that names a loader; '' for a static one. 64 bits, little-endian. */
export function elfProgram(loader: string): Buffer {
  const bytes = Buffer.alloc(64 + 56 + 128);
  bytes.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  bytes.writeUIntLE(64, 32, 6); // where the program headers begin
  bytes.writeUInt16LE(56, 54);
  bytes.writeUInt16LE(1, 56);
  bytes.writeUInt32LE(loader === '' ? 1 : 3, 64); // PT_LOAD or PT_INTERP
  bytes.writeUIntLE(120, 64 + 8, 6);
  bytes.writeUIntLE(loader.length + 1, 64 + 32, 6);
  bytes.write(`${loader}\0`, 120);
  return bytes;
}
