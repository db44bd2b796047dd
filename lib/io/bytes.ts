import { types } from 'node:util';
import { checkAttached } from '../array/memory.js';
import { wrongType } from '../check.js';
import { hasMethods, isUint8Array } from '../kind.js';

/**
 * The bytes of a file.
 * @throws TypeError, for what holds bytes and is no Uint8Array with what makes one of it
 */
export function checkBytes(name: string, bytes: unknown, expected = 'a Uint8Array'): Uint8Array {
  if (!isUint8Array(bytes)) {
    const { message } = wrongType(name, expected, bytes);
    const maker = makerOf(name, bytes);
    throw new TypeError(maker ? `${message}; ${maker} makes one of it` : message);
  }
  checkAttached(name, bytes);
  return bytes;
}

function makerOf(name: string, bytes: unknown): string | undefined {
  if (types.isAnyArrayBuffer(bytes)) return `new Uint8Array(${name})`;
  if (ArrayBuffer.isView(bytes)) return `new Uint8Array(${name}.buffer, ${name}.byteOffset, ${name}.byteLength)`;
  return hasMethods(bytes, 'arrayBuffer') ? `new Uint8Array(await ${name}.arrayBuffer())` : undefined;
}
