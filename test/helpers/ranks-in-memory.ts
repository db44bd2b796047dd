import { setTimeout } from 'node:timers/promises';
import { deserialize, serialize } from 'node:v8';
import type { CrossValScoreOptions } from 'fjordnet';

export type World = NonNullable<CrossValScoreOptions['distributed']>;

const copyOf = <T>(value: T): T => deserialize(serialize(value));

interface Message {
  from: number;
  tag: number;
  bytes: Uint8Array;
}

function deferred() {
  let resolve = () => {};
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}

/** Ranks that meet in the memory of one process: what they tell each other is copied, and takes its time. */
function ranksInMemory(size: number): World[] {
  const boxes = Array.from({ length: size }, () => [] as Message[]);
  const waiting = Array.from({ length: size }, () => new Set<() => void>());
  const gathered: { values: unknown[]; count: number; ready: ReturnType<typeof deferred> }[] = [];
  return boxes.map((box, rank) => {
    let gathers = 0;
    const world = {
      rank,
      size,
      exchange: {},
      async allGather<T>(value: T): Promise<T[]> {
        const number = gathers++;
        gathered[number] ??= { values: [], count: 0, ready: deferred() };
        const own = gathered[number];
        own.values[rank] = copyOf(value);
        if (++own.count === size) own.ready.resolve();
        await own.ready.promise;
        return copyOf(own.values) as T[];
      },
      async send(bytes: Uint8Array, to: number, tag: number): Promise<void> {
        boxes[to].push({ from: rank, tag, bytes: bytes.slice() });
        for (const wake of [...waiting[to]]) wake();
      },
      async receive(from: number | undefined, tag: number): Promise<{ from: number; bytes: Uint8Array }> {
        await setTimeout(0.1);
        while (true) {
          const at = box.findIndex((message) => message.tag === tag && (from ?? message.from) === message.from);
          if (at >= 0) return box.splice(at, 1)[0];
          const { promise, resolve } = deferred();
          waiting[rank].add(resolve);
          await promise;
          waiting[rank].delete(resolve);
        }
      },
    };
    Object.defineProperty(world, Symbol.for('fjordnet.World'), { value: true });
    return world as unknown as World;
  });
}

/** What `call` gives on each rank. */
export const onRanks = <T>(size: number, call: (world: World) => Promise<T>): Promise<T[]> =>
  Promise.all(ranksInMemory(size).map(call));

/** What it is refused with on each rank. */
export const errorsOn = (size: number, call: (world: World) => Promise<unknown>): Promise<any[]> =>
  Promise.all(
    ranksInMemory(size).map((world) =>
      call(world).then(
        (value) => {
          throw new Error(`Expected an error on rank ${world.rank}, got ${JSON.stringify(value)}`);
        },
        (error) => error,
      ),
    ),
  );
