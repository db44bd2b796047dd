// One command among several processes, which mpirun or the like has started.
import { setTimeout } from 'node:timers/promises';
import { property } from '../kind.js';
import { mpi, type World } from '../mpi/index.js';
import { ALONE, type Crew } from './crew.js';
import { CommandError, complain, EXIT, exitCodeOf, sentenceOf } from './errors.js';
import { holdSignals } from './interrupt.js';
import type { Launched } from './launched.js';
import { allOfStandardInput, useAsStandardInput } from './standard-input.js';

/** Of messages from rank 0 to the others. */
const TAG = 1;

/** What a rank tells of its error. */
interface Word {
  readonly code: number;
  readonly sentence: string;
  /** Whether it only says that another has failed. */
  readonly isOfOther: boolean;
}

/** The command is over, and rank 0 has said why. */
class Over extends Error {
  readonly exitCode: number;

  constructor(exitCode: number) {
    super();
    this.exitCode = exitCode;
  }
}

/** Runs a command that all ranks run together. @returns the exit code, the same on all of them */
export async function amongRanks(own: Launched, command: (crew: Crew) => Promise<number>): Promise<number> {
  let world: World;
  try {
    world = await mpi.init();
  } catch (error) {
    await tellAlone(error, own);
    return EXIT.missing;
  }
  if (world.size === 1) {
    await world.finalize();
    return command(ALONE);
  }
  neverWaitForReaders();
  let code: number;
  try {
    code = await command(new RankedCrew(world));
  } catch (error) {
    if (!(error instanceof Over)) {
      // no word of others can be waited for: what ends before MPI does ends all of them
      complain(error, `Rank ${own.rank}: `);
      process.exit(exitCodeOf(error));
    }
    code = error.exitCode;
  }
  holdSignals(); // mpirun may end all as soon as one has ended with a code
  await world.finalize();
  return code;
}

/** Where ranks cannot tell each other of an error, which most likely is that of all of a machine. */
async function tellAlone(error: unknown, { rank, localRank }: Launched): Promise<void> {
  if (rank > 0) await setTimeout(2000); // mpirun may end the job as soon as one has ended
  if (localRank === 0) complain(error, rank > 0 ? `Rank ${rank}: ` : '');
}

/** Open MPI reads no more of what ranks print from Ctrl-C on, a second before it tells them: a write that waits would be the last. */
function neverWaitForReaders(): void {
  for (const stream of [process.stdout, process.stderr])
    (stream as { _handle?: { setBlocking?(isBlocking: boolean): void } })._handle?.setBlocking?.(false);
}

class RankedCrew implements Crew {
  readonly world: World;

  constructor(world: World) {
    this.world = world;
  }

  get isFirst(): boolean {
    return this.world.rank === 0;
  }

  async each<T>(part: () => T | Promise<T>): Promise<T> {
    let result: T | undefined;
    let own: { error: unknown } | undefined;
    try {
      result = await part();
    } catch (error) {
      own = { error };
    }
    const words = await this.hear(own && wordOf(own.error));
    const failed = words.findIndex((word) => word && !word.isOfOther);
    const by = failed >= 0 ? failed : words.findIndex((word) => word !== undefined);
    const word = words[by];
    if (!word) return result as T;
    if (this.isFirst) complain(new CommandError(word.code, word.sentence), by > 0 ? `Rank ${by}: ` : '');
    throw new Over(word.code);
  }

  async first(part: () => Promise<number>): Promise<number> {
    const [code] = await this.#fromFirst(async () => {
      try {
        return Uint8Array.of(await part());
      } catch (error) {
        complain(error);
        return Uint8Array.of(exitCodeOf(error));
      }
    });
    return code;
  }

  hear<T>(own: T): Promise<T[]> {
    return this.world.allGather(own);
  }

  async shareStandardInput(): Promise<void> {
    let failed: { error: unknown } | undefined;
    const bytes = await this.#fromFirst(async () => {
      try {
        return await allOfStandardInput();
      } catch (error) {
        failed = { error };
        return new Uint8Array();
      }
    });
    await this.each(() => {
      if (failed) throw failed.error;
    });
    useAsStandardInput(bytes);
  }

  /** By messages, which are waited for without the time limit of collective calls. */
  async #fromFirst(part: () => Promise<Uint8Array>): Promise<Uint8Array> {
    if (!this.isFirst) return (await this.world.receive(0, TAG)).bytes;
    const bytes = await part();
    await Promise.all(Array.from({ length: this.world.size - 1 }, (_, i) => this.world.send(bytes, i + 1, TAG)));
    return bytes;
  }
}

const wordOf = (error: unknown): Word => ({
  code: exitCodeOf(error),
  sentence: sentenceOf(error),
  isOfOther: property(error, 'code') === 'ERR_RANK',
});
