import { damaged, sizes } from './read.js';

/** What the header of an NPY file says. */
export interface NpyHeader {
  readonly type: NpyType;
  /** Is the first byte of a number the highest? */
  readonly big: boolean;
  readonly fortran: boolean;
  readonly shape: readonly number[];
  /** Bytes before the data. */
  readonly offset: number;
  /** Bytes of the data. */
  readonly size: number;
}

/** The dtypes that are read, with their widths; bf2, Google's bfloat16, no NPY file names. */
const WIDTHS = { f8: 8, f4: 4, f2: 2, bf2: 2, i8: 8, i4: 4, i2: 2, i1: 1, u8: 8, u4: 4, u2: 2, u1: 1, b1: 1 } as const;
export type NpyType = keyof typeof WIDTHS;
export const widthOf = (type: NpyType): number => WIDTHS[type];

/** Those that are not, by the first letter. */
const KINDS: Readonly<Record<string, string>> = {
  f: 'long double',
  c: 'complex numbers',
  O: 'Python objects',
  S: 'bytes of text',
  a: 'bytes of text',
  U: 'text',
  V: 'raw bytes',
  M: 'dates',
  m: 'spans of time',
};

const MAGIC = '\x93NUMPY';
/** Magic, version, and the longer of the two forms of the header's length. */
export const NPY_PREFIX = 12;
/** NumPy's own bounds, of the header for files that are not trusted, and of the number of axes. */
const MAX_HEADER = 10_000;
const MAX_AXES = 64;

/** Where the data begin, from the first `NPY_PREFIX` bytes. */
export function npyOffset(bytes: Uint8Array, source: string): number {
  if (Buffer.from(bytes.subarray(0, MAGIC.length)).toString('latin1') !== MAGIC)
    throw damaged(source, 'it is no NPY file');
  if (bytes.length < NPY_PREFIX) throw damaged(source, `it has ${bytes.length} bytes, too few for an NPY file`);
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const [version, minor] = [bytes[6], bytes[7]];
  if (version < 1 || version > 3 || minor !== 0)
    throw damaged(source, `it is of version ${version}.${minor} of the NPY format, not 1.0 to 3.0`);
  const offset = version === 1 ? 10 + view.getUint16(8, true) : NPY_PREFIX + view.getUint32(8, true);
  if (offset > MAX_HEADER) throw damaged(source, `its header would be ${offset} bytes long, more than ${MAX_HEADER}`);
  return offset;
}

/**
 * Reads the header of an NPY file of `fileSize` bytes (numpy.lib.format, versions 1 to 3; Python 2's long integers too).
 *
 * @param bytes the file, up to the data at least
 * @throws Error with code ERR_FORMAT and the reason if it is damaged, of a dtype that is not read, or if the data are not
 *   exactly as long as the shape says
 */
export function parseNpyHeader(bytes: Uint8Array, fileSize: number, source: string): NpyHeader {
  const { descr, fortran, shape, offset } = parseNpyStart(bytes, source);
  const { type, big } = parseDtype(descr, source);
  const size = shape.reduce((product, n) => product * n, WIDTHS[type]);
  if (size !== fileSize - offset)
    throw damaged(
      source,
      `its shape (${sizes(shape)}) takes ${size} bytes, but ${fileSize - offset} follow the header`,
    );
  return { type, big, fortran, shape, offset, size };
}

/** What a header says of its dtype in NumPy's words, of any dtype. @throws Error with code ERR_FORMAT if it is damaged */
export function parseNpyStart(bytes: Uint8Array, source: string) {
  const offset = npyOffset(bytes, source);
  if (offset > bytes.length)
    throw damaged(source, `its header would end at byte ${offset}, but it has ${bytes.length} bytes`);
  const text = Buffer.from(bytes.subarray(bytes[6] === 1 ? 10 : NPY_PREFIX, offset)).toString('latin1');
  return { ...parseDict(text, source), offset };
}

/** The tokens of the one Python literal that there is: a dict of a string, a boolean and a tuple of integers. */
const TOKEN =
  /\s*(?:'([^'\\]*)'|"([^"\\]*)"|(0|[1-9][0-9]*)L?(?![0-9A-Za-z_.])|(True|False)(?![0-9A-Za-z_])|([{}():,]))/y;
const KEYS = ['descr', 'fortran_order', 'shape'];

function parseDict(text: string, source: string): { descr: string; fortran: boolean; shape: number[] } {
  const bad = () => damaged(source, `its header is not NPY's: ${JSON.stringify(text.slice(0, 80))}`);
  let at = 0;
  const token = () => {
    TOKEN.lastIndex = at;
    const found = TOKEN.exec(text);
    if (!found) throw bad();
    at = TOKEN.lastIndex;
    const [, single, double, digits, boolean, mark] = found;
    return { string: single ?? double, digits, boolean, mark };
  };
  const tuple = (): number[] => {
    const shape: number[] = [];
    if (token().mark !== '(') throw bad();
    for (let next = token(); next.mark !== ')'; next = token()) {
      if (shape.length === MAX_AXES) throw damaged(source, `its shape has more than ${MAX_AXES} axes`);
      const n = Number(next.digits ?? Number.NaN);
      if (next.digits === undefined) throw bad();
      if (!Number.isSafeInteger(n)) throw damaged(source, `its shape has the size ${next.digits.slice(0, 40)}`);
      shape.push(n);
      const { mark } = token();
      if (mark === ')' && shape.length > 1) break;
      if (mark !== ',') throw bad();
    }
    return shape;
  };

  const values = new Map<string, string | boolean | number[]>();
  if (token().mark !== '{') throw bad();
  for (let key = token(); key.mark !== '}'; key = token()) {
    const name = key.string;
    if (name === undefined || !KEYS.includes(name) || token().mark !== ':') throw bad();
    if (values.has(name)) throw damaged(source, `its header has '${name}' twice`);
    if (name === 'shape') values.set(name, tuple());
    else if (name === 'descr' && /^\s*[[(]/.test(text.slice(at)))
      throw damaged(source, 'its dtype is structured, not one number for each element');
    else {
      const { string, boolean } = token();
      const value = name === 'descr' ? string : boolean && boolean === 'True';
      if (value === undefined) throw bad();
      values.set(name, value);
    }
    const { mark } = token();
    if (mark === '}') break;
    if (mark !== ',') throw bad();
  }
  if (values.size !== KEYS.length || text.slice(at).trim() !== '') throw bad();
  return {
    descr: values.get('descr') as string,
    fortran: values.get('fortran_order') as boolean,
    shape: values.get('shape') as number[],
  };
}

function parseDtype(descr: string, source: string): { type: NpyType; big: boolean } {
  const [, order, type] = /^([<>|=])([a-zA-Z]\d*)/.exec(descr) ?? [];
  if (type !== undefined && Object.hasOwn(WIDTHS, type) && descr.length === 1 + type.length)
    return { type: type as NpyType, big: order === '>' };
  const kind = type === undefined ? undefined : KINDS[type[0]];
  const what = `'${descr.slice(0, 40)}'${kind ? ` (${kind})` : ''}`;
  throw damaged(source, `its dtype is ${what}, none of booleans, integers and floats of up to 8 bytes`);
}
