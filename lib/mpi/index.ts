import { checkInterval, checkOptions, wrongType } from '../check.js';
import { type Limits, limits } from '../container.js';
import { framed } from '../train.js';
import { loadMpi } from './load.js';
import { checkSocket } from './socket.js';
import { World } from './world.js';

export type { Operation, ReduceOptions } from './values.js';
export type { World } from './world.js';

export interface InitOptions {
  /**
   * The file of the MPI library, or its name for the system's loader. Default: what the environment variable FJORDNET_MPI names, or else
   * the first that is found of Open MPI, MPICH and those with their binary interfaces, or the standard one of MPI 5
   */
  library?: string;
  /** How long a collective call may wait for other ranks before it ends the whole job, in milliseconds. Default 600_000 */
  timeout?: number;
}

/** Of a sum of parts. */
const ROUNDING = 1e-9;
const KEY = Symbol.for('fjordnet.mpi');

/** One of them for all copies of the package, and for all realms of this thread. */
const held = process as { [KEY]?: Promise<World> };

/**
 * Starts MPI in this process, which `mpirun -n 4 node script.js` or the like has started with others; alone, the world has one rank. A
 * second call gives the same world.
 *
 * @throws Error with code ERR_MPI where there is no MPI library, where this process was started by another MPI's mpirun, from a second
 *   thread of the process, or after `finalize()`
 */
async function init(options: InitOptions = {}): Promise<World> {
  checkOptions('options', options, ['library', 'timeout']);
  const { library = process.env.FJORDNET_MPI || undefined, timeout = 600_000 } = options;
  if (library !== undefined && (typeof library !== 'string' || library === ''))
    throw wrongType('library', 'the path of an MPI library', library);
  checkInterval('timeout', timeout, 0, Infinity, 'low');
  const caller: { stack?: string } = {};
  Error.captureStackTrace(caller, init);
  held[KEY] ??= start(library, timeout / 1000);
  try {
    return await held[KEY];
  } catch (error) {
    held[KEY] = undefined;
    throw framed(error, caller);
  }
}

async function start(library: string | undefined, seconds: number): Promise<World> {
  checkSocket();
  const given = limits(); // some libraries bind the process to fewer
  const native = loadMpi();
  const started = native.init(library, seconds);
  const exiting = (code: number) => native.exiting(code);
  process.on('exit', exiting);
  try {
    const own = await started;
    const world = new World(native, own);
    process.on('beforeExit', () => {
      if (!world.finalized) world.finalize().catch(end);
    });
    await shareProcessors(given, own.processors);
    return world;
  } catch (error) {
    process.off('exit', exiting);
    throw error;
  }
}

/**
 * No more threads than this rank's part of the processors, and of their quota, where the program has not chosen.
 *
 * @param given before MPI began
 * @param own the processors that it has for itself
 */
async function shareProcessors({ processors, parallelism }: Limits, own: number): Promise<void> {
  const { getThreads, setThreads } = await import('../info.js');
  const part = Math.max(1, Math.floor((parallelism * own) / processors + ROUNDING));
  if (getThreads() === parallelism) setThreads(Math.min(parallelism, part));
}

/** Where others make a call that this rank has no more: the job ends. */
function end(error: Error): void {
  console.error(error);
  process.exit(1);
}

/** Several machines: processes that exchange values through MPI. */
export const mpi = Object.freeze({ init });
