import type { NDArray } from 'fjordnet';

/** Are all bits the same? Of large arrays a hundred times faster than `t.deepEqual`. */
export const sameBits = (a: readonly NDArray[], b: readonly NDArray[]): boolean =>
  a.length === b.length &&
  a.every(
    (x, k) => String(x.shape) === String(b[k].shape) && x.dtype === b[k].dtype && bytesOf(x).equals(bytesOf(b[k])),
  );

const bytesOf = ({ data }: NDArray) => Buffer.from(data.buffer, data.byteOffset, data.byteLength);
