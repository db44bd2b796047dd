// What every peer in JavaScript shares; protocol.py is the same in Python, and says what a peer is.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

export const THREADS = Number(process.env.BENCH_THREADS);

/** This peer does not do this workload; the message says why. */
export class Skip extends Error {}

export function readCase(folder) {
  const workload = JSON.parse(readFileSync(join(folder, 'case.json'), 'utf8'));
  return {
    ...workload,
    /** { shape, data } */
    array(name) {
      const { shape, dtype } = workload.arrays[name];
      const bytes = readFileSync(join(folder, name));
      const buffer = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
      const Type = { float64: Float64Array, float32: Float32Array, int32: Int32Array }[dtype];
      return { shape, data: new Type(buffer) };
    },
    weights() {
      const names = Object.keys(workload.arrays).filter((name) => name.startsWith('w'));
      return names.map((name) => this.array(name));
    },
    /** The batches to compare losses on: groups of batches of rows. */
    batches() {
      if (!workload.arrays.batches) return [];
      const { shape, data } = this.array('batches');
      const [groups, perGroup, size] = shape;
      return Array.from({ length: groups }, (_, g) =>
        Array.from({ length: perGroup }, (_, b) =>
          data.subarray((g * perGroup + b) * size, (g * perGroup + b + 1) * size),
        ),
      );
    },
  };
}

/** Times of single calls, in seconds. */
function latencies(call, seconds, least = 200) {
  const times = [];
  const until = performance.now() + seconds * 1000;
  while (times.length < least || performance.now() < until) {
    const start = process.hrtime.bigint();
    call();
    times.push(Number(process.hrtime.bigint() - start) / 1e9);
  }
  return times;
}

/** Mean of each group of numbers. */
export const means = (groups) => groups.map((values) => values.reduce((a, b) => a + b, 0) / values.length);

export async function serve(about, openCase, operations = {}) {
  const answer = (message) => process.stdout.write(`${JSON.stringify(message)}\n`);
  if (process.argv[2]) {
    const work = await openCase(readCase(process.argv[2]));
    await work.run(1);
    answer({ trained: true });
    return;
  }
  answer(await about());
  let work;
  const all = {
    async prepare({ folder }) {
      work?.close?.();
      work = undefined;
      work = await openCase(readCase(folder));
      const { losses, choice, modes } = work;
      return { losses: losses && [...losses], choice, modes };
    },
    async run({ count, mode, steps }) {
      const start = performance.now();
      const units = await (steps ? work.steps(steps) : work.run(count, mode));
      return { seconds: work.seconds ?? (performance.now() - start) / 1000, units };
    },
    latencies: ({ seconds, mode }) => ({ times: latencies(work.calls?.[mode] ?? work.call, seconds) }),
    memory: () => ({ bytes: process.resourceUsage().maxRSS * 1024 }),
    ...operations,
  };
  for await (const line of createInterface({ input: process.stdin })) {
    const request = JSON.parse(line);
    try {
      answer(await all[request.op](request, work));
    } catch (error) {
      answer(
        error instanceof Skip ? { skip: error.message } : { error: error.stack.split('\n').slice(0, 3).join(' ') },
      );
    }
  }
}
