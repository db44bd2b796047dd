import type { World } from '../mpi/world.js';

/** The processes that run one command: this one, or under mpirun several. */
export interface Crew {
  /** Where there are several. */
  readonly world?: World;
  /** Whether this is the one that prints and writes. */
  readonly isFirst: boolean;
  /** What each does for itself. Where one fails all do, for the same reason. */
  each<T>(part: () => T | Promise<T>): Promise<T>;
  /** What the first does while the others wait. @returns its exit code, on all of them */
  first(part: () => Promise<number>): Promise<number>;
  /** Gives all of them the standard input, which the first one has. */
  shareStandardInput(): Promise<void>;
  /** What each has to say, in their order. */
  hear<T>(own: T): Promise<T[]>;
}

export const ALONE: Crew = {
  isFirst: true,
  each: async (part) => part(),
  first: (part) => part(),
  shareStandardInput: async () => {},
  hear: async (own) => [own],
};
