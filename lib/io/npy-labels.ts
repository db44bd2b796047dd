import type { Label, Labels } from '../labels.js';
import { parseNpy, takeNpy } from './npy.js';
import { parseNpyStart } from './npy-header.js';
import { damaged } from './read.js';

/** The same of bytes that nobody else has, in which numbers may lie. */
export function takeNpyLabels(bytes: Uint8Array<ArrayBuffer>, source: string): Labels {
  if (!/^[<>]U/.test(parseNpyStart(bytes, source).descr)) return takeNpy(bytes, source);
  const texts = parseNpyLabels(bytes, source) as string[];
  const row = texts.indexOf('');
  if (row >= 0) throw damaged(source, `expected a label in row ${row}, got nothing`);
  return texts;
}

/** Texts of NumPy's unicode dtype, booleans, or numbers, in the bytes of an NPY file. @throws Error with code ERR_FORMAT */
export function parseNpyLabels(bytes: Uint8Array, source: string): Label[] {
  const { descr, shape, offset } = parseNpyStart(bytes, source);
  const [, order, characters] = /^([<>])U(\d{1,9})$/.exec(descr) ?? [];
  if (order === undefined) {
    const { data } = parseNpy(bytes, source);
    return descr === '|b1' ? Array.from(data, (value) => value === 1) : Array.from(data);
  }
  const width = 4 * Number(characters);
  const n = shape.reduce((product, size) => product * size, 1);
  if (n * width !== bytes.length - offset || width === 0)
    throw damaged(source, `its ${n} texts take ${n * width} bytes, but ${bytes.length - offset} follow the header`);
  const view = new DataView(bytes.buffer, bytes.byteOffset + offset, bytes.length - offset);
  return Array.from({ length: n }, (_, row) => {
    let text = '';
    for (let at = row * width; at < (row + 1) * width; at += 4) {
      const code = view.getUint32(at, order === '<');
      if (code > 0x10ffff) throw damaged(source, `it has the character ${code}, which is not Unicode`);
      text += String.fromCodePoint(code);
    }
    return text.replace(/\0+$/, '');
  });
}
