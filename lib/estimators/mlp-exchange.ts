import { checkObject, checkOneOf, checkOptions } from '../check.js';
import type { OnnxOptions } from '../formats/onnx/predictor.js';
import { type FittedMLP, formatSklearn, parseSklearn } from '../formats/sklearn.js';
import { placeOf, writeFileAtomic } from '../io/atomic.js';
import { checkBytes } from '../io/bytes.js';
import { ofSource } from '../io/file-errors.js';
import { oneFile } from '../io/one-file.js';
import { readWhole, sourceOf } from '../io/read.js';
import { Saved } from '../saved.js';

type ClassOf<T> = (abstract new (...args: never[]) => T) & { readonly className: string };

interface NpzOptions {
  /** Default: 'onnx' for files called so, else 'npz' */
  format?: 'npz';
}

/** @throws TypeError or RangeError for what is neither */
function isNpz(options: NpzOptions | OnnxOptions, path = ''): options is NpzOptions {
  checkObject('options', options);
  const format = checkOneOf('format', options.format ?? (path.endsWith('.onnx') ? 'onnx' : 'npz'), ['npz', 'onnx']);
  if (format === 'npz') checkOptions('options of npz', options, ['format']);
  return format === 'npz';
}

/** An estimator that is scikit-learn's, too: its arrays travel both ways as NPZ files. */
export abstract class ExchangedMLP extends Saved {
  /**
   * Writes it for other programs. As an NPZ file it is what scikit-learn's estimator is made of: `coefs_0` …, `intercepts_0` …,
   * `activation`, `out_activation` and, of a classifier, `classes`. A file called .onnx has one input [batch, columns], and the outputs
   * `probabilities` [batch, classes] and `label` [batch] of a classifier, `variable` [batch, outputs] of a regression.
   * @throws Error with code ERR_NOT_FITTED; the file system's (ENOENT …)
   */
  async export(path: string | URL, options: NpzOptions | OnnxOptions = {}): Promise<void> {
    const place = placeOf(path);
    if (isNpz(options, place.given)) await writeFileAtomic(place, formatSklearn(this as unknown as FittedMLP));
    else await (await import('../formats/all.js')).exportOnnx(this, place, options);
  }

  /** What `export` writes; by default NPZ. Of ONNX a promise. */
  exportBytes(options?: NpzOptions): Uint8Array<ArrayBuffer>;
  exportBytes(options: OnnxOptions & { format: 'onnx' }): Promise<Uint8Array<ArrayBuffer>>;
  exportBytes(options: NpzOptions | OnnxOptions = {}): Uint8Array<ArrayBuffer> | Promise<Uint8Array<ArrayBuffer>> {
    if (isNpz(options)) return oneFile(formatSklearn(this as unknown as FittedMLP));
    return import('../formats/all.js').then(({ onnxBytes }) => onnxBytes(this, options));
  }

  /**
   * An estimator of what `export` wrote, here or in Python. What its training went on from is not in such files: warm starts and
   * partialFit begin with a new optimizer.
   * @throws Error with code ERR_FORMAT and the reason, if the file is damaged or of the other class; the file system's (ENOENT …)
   */
  static async import<T extends Saved>(this: ClassOf<T>, path: string | URL): Promise<T> {
    const source = sourceOf(path);
    // biome-ignore lint/complexity/noThisInStatic: the class that it is called of is the one that is meant
    return imported(this, await readWhole(path), source);
  }

  /** The same of bytes. */
  static async importBytes<T extends Saved>(this: ClassOf<T>, bytes: Uint8Array): Promise<T> {
    checkBytes('bytes', bytes);
    // biome-ignore lint/complexity/noThisInStatic: the class that it is called of is the one that is meant
    return imported(this, bytes, 'the bytes');
  }
}

async function imported<T>(type: ClassOf<T>, bytes: Uint8Array, source: string): Promise<T> {
  const { className, config, state } = await parseSklearn(bytes, source);
  return ofSource(source, () => {
    if (className !== type.className)
      throw new TypeError(`Expected a ${type.className}, got a ${className} (${className}.import reads it)`);
    return (type as unknown as { revive(config: object, state: unknown): T }).revive(config, state);
  });
}
