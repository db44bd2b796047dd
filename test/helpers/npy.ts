/** An NPY file as numpy.lib.format writes it, of any header and data. */
export function npy(header: string, data: Uint8Array | ArrayBuffer, version = 1): Buffer {
  const prefix = version === 1 ? 10 : 12;
  const padded = `${header.padEnd(Math.ceil((prefix + header.length + 1) / 64) * 64 - prefix - 1)}\n`;
  const head = Buffer.alloc(prefix);
  head.write('\x93NUMPY', 'latin1');
  head[6] = version;
  if (version === 1) head.writeUInt16LE(padded.length, 8);
  else head.writeUInt32LE(padded.length, 8);
  return Buffer.concat([head, Buffer.from(padded, 'latin1'), new Uint8Array(data)]);
}

export const npyHeader = (descr: string, shape: string, fortran = 'False') =>
  `{'descr': '${descr}', 'fortran_order': ${fortran}, 'shape': ${shape}, }`;
