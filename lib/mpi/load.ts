import { dirname, join } from 'node:path';
import { failure } from '../check.js';
import { checkBinary } from '../elf.js';
import { findAddon } from '../load.js';
import { loadFailure } from '../load-failure.js';
import { packageRoot, requireHere } from '../package-root.js';

export type CallName = 'allreduce' | 'broadcast' | 'gather' | 'allGather' | 'scatter';

/** What native/mpi/addon.cc exports. All but `abort` and `exiting` wait in the queue of MPI's thread. */
export interface NativeMpi {
  init(library: string | undefined, seconds: number): Promise<NativeWorld>;
  /** The sum, or the largest values, in place. @param form a hash of what kind of value it is */
  reduce(kind: CallName, root: number, form: number, max: boolean, values: Float64Array | Float32Array): Promise<void>;
  /** @param bytes of `parts`, one after the other, or of the own part; undefined where there is no memory for them */
  move(kind: CallName, root: number, bytes: Uint8Array | undefined, parts: Float64Array): Promise<void>;
  barrier(): Promise<void>;
  finalize(): Promise<void>;
  send(bytes: Uint8Array, to: number, tag: number): Promise<void>;
  receive(from: number, tag: number): Promise<{ from: number; bytes: Buffer }>;
  abort(code: number): never;
  /** The code that the process is about to end with. */
  exiting(code: number): void;
}

export interface NativeWorld {
  rank: number;
  size: number;
  /** This rank's part of the processors that it may run on, where other ranks may run on them too: 0.5 of one that two share. */
  processors: number;
  hostname: string;
  /** What the library says of its version. */
  library: string;
  file: string;
  exchange: object;
}

/** Loads the addon of MPI, which lies in a folder beside the other one. @throws Error with code ERR_NATIVE_LOAD or ERR_MPI */
export function loadMpi(): NativeMpi {
  if (process.platform === 'win32')
    throw failure(
      'ERR_MPI',
      'Expected another system than Windows: fjordnet/mpi runs on Linux, also in WSL, and macOS',
    );
  const core = findAddon().file;
  const file = join(dirname(core), 'mpi', core.endsWith('.musl.node') ? 'fjordnet_mpi.musl.node' : 'fjordnet_mpi.node');
  try {
    if (process.platform === 'linux') checkBinary(file);
    return requireHere()(file);
  } catch (cause) {
    throw loadFailure(cause as Error, file, packageRoot() ?? '.');
  }
}
