import type { Cursor } from './cursor.js';

/** What the elements of an array are. */
export type Datatype =
  | { readonly kind: 'float'; readonly size: 2 | 4 | 8; readonly isBig: boolean; readonly isBrain: boolean }
  | { readonly kind: 'integer'; readonly size: number; readonly isBig: boolean; readonly isSigned: boolean }
  | { readonly kind: 'string'; readonly size: number }
  | { readonly kind: 'strings of any length'; readonly size: 16 };

const EXPONENTS: Readonly<Record<number, number>> = { 2: 5, 4: 8, 8: 11 };

export function readDatatype(body: Cursor): Datatype {
  const { file } = body;
  const kind = body.u8() & 15;
  const bits = body.u8();
  body.skip(2);
  const size = body.u32();
  switch (kind) {
    case 0:
      if (![1, 2, 4, 8].includes(size)) break;
      return { kind: 'integer', size, isBig: (bits & 1) === 1, isSigned: (bits & 8) !== 0 };
    case 1: {
      const exponent = body.skip(5).u8();
      const isBrain = size === 2 && exponent === 8;
      if (!isBrain && EXPONENTS[size] !== exponent) break;
      return { kind: 'float', size: size as 2 | 4 | 8, isBig: (bits & 1) === 1, isBrain };
    }
    case 3:
      return { kind: 'string', size };
    case 9:
      if ((bits & 15) === 1 && size === 16) return { kind: 'strings of any length', size };
  }
  throw file.wrong(`has elements that are neither numbers nor strings (class ${kind}, ${size} bytes)`);
}

/** An array's shape; [] of one element; undefined of none. */
export function readDataspace(body: Cursor): readonly number[] | undefined {
  const version = body.u8();
  const rank = body.u8();
  if (version !== 1 && version !== 2) throw body.file.wrong(`has a shape of version ${version}`);
  if (rank > 32) throw body.file.wrong(`has an array of ${rank} dimensions`);
  body.skip(1);
  if (version === 2 && body.u8() === 2) return undefined;
  if (version === 1) body.skip(5);
  return Array.from({ length: rank }, () => body.u64());
}

/** The number of elements, which may be more than anything has. */
export const countOf = (shape: readonly number[]): number => shape.reduce((product, n) => product * n, 1);
