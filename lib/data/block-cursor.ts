import type { Rows } from './block.js';
import type { Cursor } from './cursor.js';

/** Rows of files, read a block at a time, of which those who read take what they want. */
export abstract class BlockCursor implements Cursor {
  readonly #readsAhead: boolean;
  #block?: Rows<unknown>;
  #reading?: Promise<Rows<unknown> | undefined>;
  #isClosed = false;

  /** `readsAhead`: whether the next block is read while one is in use */
  constructor(readsAhead: boolean) {
    this.#readsAhead = readsAhead;
  }

  /** The next block; undefined at the end. Not called again before it has answered. */
  protected abstract read(): Promise<Rows<unknown> | undefined>;

  protected abstract closeFiles(): Promise<void>;

  next(most: number): Rows<unknown> | undefined | Promise<Rows<unknown> | undefined> {
    const block = this.#block;
    if (!block) return this.#advance(most);
    this.#block = block.length > most ? block.slice(most, block.length) : undefined;
    return block.length > most ? block.slice(0, most) : block;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#reading?.catch(() => {}); // a file is not closed under a read
    await this.closeFiles();
  }

  async #advance(most: number): Promise<Rows<unknown> | undefined> {
    if (this.#isClosed) return undefined;
    this.#reading ??= this.read();
    this.#block = await this.#reading;
    this.#reading = this.#readsAhead && !this.#isClosed ? this.read() : undefined;
    this.#reading?.catch(() => {}); // it is looked at when it is its turn
    return this.#block && this.next(most);
  }
}
