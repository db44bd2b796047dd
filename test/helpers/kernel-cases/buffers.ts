import { kernels } from 'fjordnet';
import { lengthOf, type Operand, parseSignature } from '../../../dist/signature.js';
import { type Dims, Draw, type KernelCase, type Scalars } from './case.js';

/** Of a buffer: real numbers, or integers where its kernel wants those. */
export type Numbers = Float64Array | Float32Array | Int32Array;
export type DType = 'float64' | 'float32';
export const DTYPES: readonly DType[] = ['float64', 'float32'];
export const TYPED = { float64: Float64Array, float32: Float32Array };
export const arrayOf = (operand: Operand, dtype: DType) => (operand.dtype === 'int32' ? Int32Array : TYPED[dtype]);

export const operandsOf = (name: string): readonly Operand[] => parseSignature(kernels[name].signature).operands;

/** The buffers of one call; what the kernel has to write, and does not read, holds NaN. */
export function buffersOf(name: string, one: KernelCase, d: Dims, s: Scalars, dtype: DType): Numbers[] {
  return operandsOf(name).map((operand, k) => {
    const size = lengthOf(operand, d);
    if (!operand.isRead) return new (arrayOf(operand, dtype))(size).fill(Number.NaN);
    const draw = new Draw(1000 * k + name.length, size);
    return arrayOf(operand, dtype).from(one.fill?.(k, draw, d, s) ?? draw.normal());
  });
}

/** Are all bits the same? */
export const same = (a: readonly Numbers[], b: readonly Numbers[]): boolean =>
  a.length === b.length && a.every((x, k) => bytesOf(x).equals(bytesOf(b[k])));

const bytesOf = (x: Numbers) => Buffer.from(x.buffer, x.byteOffset, x.byteLength);
