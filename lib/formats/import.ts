import { dirname, isAbsolute, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { wrongType } from '../check.js';
import { checkBytes } from '../io/bytes.js';
import { damaged, quoted, readWhole, sourceOf } from '../io/read.js';
import { isURL } from '../kind.js';
import type { Model } from '../models/model.js';

export interface ImportOptions {
  /** What the network computes in. Default: what the file's numbers are */
  dtype?: 'float32' | 'float64';
  /**
   * Of an ONNX file the weights that operations read, and no layer (PyTorch's own `nn.Parameter`: positions, scales), which training is to
   * change: their names in the file, or 'all'. PyTorch's buffers look the same in a file of its older exporter: name the parameters there. Default:
   * none, they are constants, and a warning names them
   */
  parameters?: 'all' | readonly string[];
}

/** A file of another program. */
export interface ImportFile {
  readonly bytes: Uint8Array;
  /** What messages call it. */
  readonly source: string;
  /** Reads a file beside it, which it names. @throws Error with code ERR_FORMAT for names that lead elsewhere */
  beside(name: string): Promise<Uint8Array>;
}

/** How a format is read. */
export interface Reader {
  read(file: ImportFile, options: ImportOptions): Promise<Model>;
}

/**
 * A network that another program wrote: ONNX, of one part or with its data beside it; Keras', .keras or HDF5; a layers model of
 * TensorFlow.js, with its weights beside it; arrays of scikit-learn; or our own. What kind of file it is, its first bytes say.
 * All of it is checked before a network is made.
 *
 * @throws Error with code ERR_FORMAT naming the layer or operation that there is not here, or the place where the file is damaged;
 *   the file system's code (ENOENT …)
 */
export async function importModel(path: string | URL, options: ImportOptions = {}): Promise<Model> {
  const { imported } = await import('./all.js');
  return imported(await fileAt(path), options);
}

/** A file, read once, and what lies beside it. */
export async function fileAt(path: string | URL): Promise<ImportFile> {
  if (typeof path !== 'string' && !isURL(path)) throw wrongType('path', 'a file name or URL', path);
  const source = sourceOf(path);
  const folder = dirname(resolve(isURL(path) ? fileURLToPath(path) : path));
  const beside = async (name: string) => {
    const file = resolve(folder, name);
    const inside = relative(folder, file); // absolute on another drive, where 'D:x' of Windows leads
    if (name === '' || isAbsolute(name) || isAbsolute(inside) || inside.split(sep)[0] === '..')
      throw damaged(source, `it names a file that is not in its folder, ${quoted(name)}`);
    return readWhole(file);
  };
  return { bytes: await readWhole(path), source, beside };
}

/** The same of bytes. */
export async function importBytes(bytes: Uint8Array, options: ImportOptions = {}): Promise<Model> {
  checkBytes('bytes', bytes);
  const source = 'the bytes';
  const beside = async (name: string) => {
    throw damaged(source, `they name another file, ${quoted(name)}: take importModel`);
  };
  const { imported } = await import('./all.js');
  return imported({ bytes, source, beside }, options);
}
