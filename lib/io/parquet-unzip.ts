import { type Context, createContext, Script } from 'node:vm';
import * as zlib from 'node:zlib';
import { mostUnzipped } from './gzip.js';
import { loadPeer } from './peer.js';
import { damaged } from './read.js';
import { unsnap } from './snappy.js';
import { checkZstd } from './zstd.js';

/** Undoes a compression. `length`: what it gives */
export type Unzip = (bytes: Uint8Array, length: number) => Uint8Array;

const PACKAGE: string = 'hyparquet-compressors';

/** From Node.js 22.15 on. */
const { zstdDecompressSync } = zlib as { zstdDecompressSync?: typeof zlib.gunzipSync };

/** What undoes a compression: Node.js itself where it can, else a package. @throws Error with code ERR_FORMAT, ERR_MISSING_PEER */
export async function unzipOf(source: string, codec: string): Promise<Unzip> {
  const native = { GZIP: zlib.unzipSync, BROTLI: zlib.brotliDecompressSync, ZSTD: zstdDecompressSync }[codec];
  if (native) return (bytes, length) => native(bytes, { maxOutputLength: length });
  if (codec === 'UNCOMPRESSED') return (bytes) => bytes;
  if (codec === 'SNAPPY') return unsnap;
  const { compressors } = await loadPeer(
    PACKAGE,
    () => import(PACKAGE) as Promise<{ compressors: Readonly<Record<string, Unzip>> }>,
  );
  const unzip = compressors[codec];
  if (!unzip) throw damaged(source, `it is compressed by ${codec}, which is not read`);
  if (codec !== 'ZSTD') return unzip;
  return (bytes, length) => {
    checkZstd(bytes, length, mostUnzipped(bytes.length));
    return within(5000 + length / 1000, () => unzip(bytes, length));
  };
}

const call = new Script('make()');
/** Made once: of a page of some thousand rows it would take longer than the rest. */
let context: Context | undefined;

/** Runs `make` for so many milliseconds at most: fzstd 0.1.1 never ends on some damaged bytes. */
function within<T>(milliseconds: number, make: () => T): T {
  const timeout = Math.ceil(milliseconds);
  context ??= createContext({});
  context.make = make;
  try {
    return call.runInContext(context, { timeout }) as T;
  } finally {
    context.make = undefined;
  }
}
