import { binding, type InstructionSpec } from '../binding.js';
import type { Buffer } from '../tape.js';

const ALIGNMENT = 16; // values: 64 bytes of float32

/** Where a program first and last touches a buffer. */
export interface Life {
  readonly program: number;
  readonly first: number;
  last: number;
}

export const aligned = (size: number) => Math.ceil(size / ALIGNMENT) * ALIGNMENT;

/**
 * Gives batched buffers their offsets, and returns the size of a row. Those whose lives do not meet may lie on each other.
 * What is tiled is another thread's in another tile; of the rest, buffers of one size alone may share a place in a program,
 * since row k of one buffer would be another row of a buffer of another size, which may be in another tile.
 */
export function layOut(
  buffers: readonly Buffer[],
  lives: Map<number, Life[]> | undefined,
  isTiled: boolean,
  offsets: number[],
): number {
  const places: { begin: number; end: number; size: number; life: Life[] }[] = [];
  const meet = (a: readonly Life[], b: readonly Life[]) =>
    a.some((x) => b.some((y) => x.program === y.program && x.first <= y.last && y.first <= x.last));
  const inOneProgram = (a: readonly Life[], b: readonly Life[]) =>
    a.some((x) => b.some((y) => x.program === y.program));
  const apart = isTiled ? meet : inOneProgram;
  // the largest first, each at the lowest place that is free for its whole life
  for (const { index, size } of lives ? [...buffers].sort((a, b) => b.size - a.size || a.index - b.index) : buffers) {
    const life = lives?.get(index) ?? [];
    const others = places.filter((other) => !lives || apart(life, other.life)).sort((a, b) => a.begin - b.begin);
    let place =
      !isTiled && lives
        ? places.find(
            (own) =>
              own.size === size &&
              !meet(life, own.life) &&
              others.every((other) => other === own || other.end <= own.begin || own.end <= other.begin),
          )
        : undefined;
    if (!place) {
      let begin = 0;
      for (const other of others) {
        if (begin + aligned(size) <= other.begin) break;
        begin = Math.max(begin, other.end);
      }
      place = { begin, end: begin + aligned(size), size, life: [] };
      places.push(place);
    }
    place.life.push(...life);
    offsets[index] = place.begin;
  }
  return places.reduce((size, { end }) => Math.max(size, end), 0);
}

/** The batched buffers that all of some instructions may read and write tile by tile, by index. */
export function tiledBuffers(all: readonly Buffer[], instructions: readonly InstructionSpec[]): Set<number> {
  const owner = all.map((b) => (b.viewOf ?? b).index);
  const tiled = new Set(all.filter((b) => b.batched).map((b) => b.index));
  for (const { kernel, buffers, dims } of instructions) {
    const batched = buffers.filter((index) => index >= 0 && all[index].batched);
    if (batched.length > 0 && !binding.runsByRows(kernel, dims))
      for (const index of batched) tiled.delete(owner[index]);
  }
  return new Set(all.flatMap((b) => (tiled.has(owner[b.index]) ? [b.index] : [])));
}

/** The first and last instruction of each program that touches a buffer, by the buffer's index. */
export function livesOf(
  all: readonly Buffer[],
  programs: readonly (readonly InstructionSpec[])[],
  inputs: readonly Buffer[],
  outputs: readonly Buffer[],
): Map<number, Life[]> {
  const owner = all.map((b) => (b.viewOf ?? b).index);
  const lives = new Map<number, Life[]>();
  for (const [program, instructions] of programs.entries()) {
    const touch = (index: number, at: number) => {
      const own = lives.get(owner[index]) ?? [];
      lives.set(owner[index], own);
      const life = own.find((other) => other.program === program);
      if (life) life.last = at;
      else own.push({ program, first: at, last: at });
    };
    for (const { index } of inputs) touch(index, -1);
    for (const [at, { buffers }] of instructions.entries())
      for (const index of buffers) if (index >= 0) touch(index, at);
    for (const { index } of outputs)
      if (lives.get(owner[index])?.some((life) => life.program === program)) touch(index, instructions.length);
  }
  return lives;
}
