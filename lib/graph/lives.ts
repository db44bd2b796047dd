import { binding, type InstructionSpec } from '../binding.js';
import type { Buffer } from '../tape.js';
import { Places } from './places.js';

const ALIGNMENT = 16; // values: 64 bytes of float32

/** Where a program first and last touches a buffer. */
export interface Life {
  readonly program: number;
  readonly first: number;
  last: number;
}

export const aligned = (size: number) => Math.ceil(size / ALIGNMENT) * ALIGNMENT;

/** Gives batched buffers their offsets; those whose lives do not meet may lie on each other. Returns the size of a row. */
export function layOut(
  buffers: readonly Pick<Buffer, 'index' | 'size'>[],
  lives: Map<number, Life[]> | undefined,
  offsets: number[],
): number {
  let rowSize = 0;
  if (!lives) {
    for (const b of buffers) {
      offsets[b.index] = rowSize;
      rowSize += aligned(b.size);
    }
    return rowSize;
  }
  const lifeOf = ({ index }: { index: number }) => lives.get(index) ?? [];
  const places = new Places(buffers.map(lifeOf));
  // the largest first, each at the lowest place that is free for its whole life
  for (const buffer of [...buffers].sort((a, b) => b.size - a.size || a.index - b.index)) {
    const [life, size] = [lifeOf(buffer), aligned(buffer.size)];
    const begin = places.lowest(life, size);
    places.take(life, begin, begin + size);
    offsets[buffer.index] = begin;
    rowSize = Math.max(rowSize, begin + size);
  }
  return rowSize;
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

/**
 * Whether all instructions that have rows of the batch may be run on tiles of them. If one may not, as batch normalization or
 * large weights, tiles would be handed over too often, and what it reads would need places of its own: in a CNN with batch
 * normalization a third more for each sample than all of it otherwise.
 */
export const runByRows = (buffers: readonly Buffer[], instructions: readonly InstructionSpec[]): boolean =>
  instructions.every(
    ({ kernel, buffers: own, dims, when }) =>
      !own.some((index) => index >= 0 && buffers[index].batched) ||
      (when === undefined && binding.runsByRows(kernel, dims)),
  );
