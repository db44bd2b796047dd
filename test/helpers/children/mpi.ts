// One rank of a job of test/mpi.test.ts. Its arguments: a mark to find it by, what to do, the time limit in milliseconds, a file. Prints what
// it has seen as lines of JSON.
import { deepEqual, match, rejects } from 'node:assert/strict';
import { createRequire } from 'node:module';
import { setTimeout as sleep } from 'node:timers/promises';
import { parentPort, Worker } from 'node:worker_threads';
import { getThreads, NDArray, setThreads } from 'fjordnet';
import { mpi, type World } from 'fjordnet/mpi';

const [, , mark, how, limit = '60000', file] = process.argv;
const say = (value: unknown) => process.stdout.write(`${JSON.stringify(value)}\n`);
const message = (error: Error & { code?: string }) => `${error.code}: ${error.message}`;
/** Of the libraries of JavaScript's own language, which do not know it. */
declare const WebAssembly: {
  instantiate(code: Uint8Array): Promise<{ instance: { exports: { f(at: number): number } } }>;
};

const start = () => mpi.init({ timeout: Number(limit) });
const isLast = ({ rank, size }: World) => rank === size - 1;
const ranks = <T>(world: World, of: (rank: number) => T) => Array.from({ length: world.size }, (_, rank) => of(rank));
const sum = (values: number[]) => values.reduce((a, b) => a + b, 0);

async function reductions(world: World) {
  const { rank, size } = world;
  const all = ranks(world, (r) => r);
  deepEqual(await world.allreduce(rank + 0.5), sum(all) + size / 2);
  deepEqual(await world.allreduce(rank, 'max'), size - 1);
  deepEqual(await world.allreduce(rank, 'min'), 0);
  const array = NDArray.from([
    [1, 2, rank],
    [4, 5, -rank],
  ]);
  const reduced = await world.allreduce(array);
  deepEqual(reduced.toArray(), [
    [size, 2 * size, sum(all)],
    [4 * size, 5 * size, -sum(all)],
  ]);
  deepEqual(array.toArray(), [
    [1, 2, rank],
    [4, 5, -rank],
  ]);
  deepEqual((await world.allreduce([[rank], [1]])).shape, [2, 1]);
  deepEqual(await world.allreduce(Float32Array.of(0.1, rank)), Float32Array.of(await float32Sum(world, 0.1), sum(all)));
  deepEqual(await world.allreduce(Float64Array.of(rank, NaN, -rank), 'min'), Float64Array.of(0, NaN, -(size - 1)));
  deepEqual(await world.allreduce(Float32Array.of(rank === 0 ? NaN : 1, rank), 'max'), Float32Array.of(NaN, size - 1));
  deepEqual(
    await world.allreduce(Int32Array.of(2 ** 30 / size, rank)),
    Int32Array.of(size * Math.trunc(2 ** 30 / size), sum(all)),
  );
  deepEqual(await world.allreduce(Int32Array.of(-(2 ** 31), rank), 'max'), Int32Array.of(-(2 ** 31), size - 1));
  deepEqual((await world.allreduce(NDArray.zeros([0, 3]))).shape, [0, 3]);
  if (size > 1)
    await rejects(
      world.allreduce(Int32Array.of(2 ** 31 - 1)),
      /Expected the sum at element 0 to be an integer of 32 bits, got \d+ \(number\)/,
    );
}

/** Results in arrays of the caller's. */
async function intoArrays(world: World) {
  const { rank, size } = world;
  const [n, all] = [1000, sum(ranks(world, (r) => r))];
  const own = Float32Array.from({ length: n }, (_, i) => i + rank);
  const out = new Float32Array(n);
  for (let i = 0; i < 3; i++) {
    const call = world.allreduce(own, 'sum', { out });
    own.fill(-1); // it was copied
    deepEqual((await call) === out, true);
    deepEqual(
      out,
      Float32Array.from({ length: n }, (_, k) => size * k + all),
    );
    own.forEach((_, k) => {
      own[k] = k + rank;
    });
  }
  // calls that wait for each other, each with memory of its own; into the value itself, and another buffer's middle
  const [a, b] = [Float64Array.of(rank, 1), Float64Array.of(9, rank, 2, 9)];
  await Promise.all([
    world.allreduce(a, 'sum', { out: a }),
    world.allreduce(b.subarray(1, 3), 'max', { out: b.subarray(1, 3) }),
    world.allreduce(Int32Array.of(rank), 'min', { out: Int32Array.of(0) }),
  ]);
  deepEqual([...a, ...b], [all, size, 9, size - 1, 2, 9]);
  const table = NDArray.zeros([2, 1]);
  deepEqual((await world.allreduce([[rank], [1]], 'sum', { out: table })) === table, true);
  deepEqual(table.toArray(), [[all], [size]]);
  for (const [value, wrong, expected] of [
    [own, new Float64Array(n), /^Expected out to be float32 of shape \[1000\], got /],
    [own, new Float32Array(1), /^Expected out to be float32 of shape \[1000\], got /],
    [[[1, 2]], NDArray.zeros([2, 1]), /^Expected out to be float64 of shape \[1,2\], got /],
    [1, Float64Array.of(1), /^Expected out to be no array, as value is a number, got /],
    [own, {}, /^Expected out to be an NDArray, a Float64Array, a Float32Array or an Int32Array, got /],
  ] as [unknown, unknown, RegExp][])
    await rejects(world.allreduce(value as number[][], 'sum', { out: wrong as Float64Array }), { message: expected });
  // its memory goes away meanwhile on one rank: that one is told, the others have their sums
  const gone = Float32Array.of(rank, 1);
  const call = world.allreduce(gone, 'sum', { out: gone });
  if (isLast(world)) structuredClone(gone, { transfer: [gone.buffer] });
  if (isLast(world)) await rejects(call, /^TypeError: Expected out to own its memory, got a detached Float32Array/);
  else deepEqual([...(await call)], [all, size]);
  await intoShared(world);
}

/** Sums that are made where the result goes, as that memory cannot go away. */
async function intoShared(world: World) {
  const { rank, size } = world;
  const all = sum(ranks(world, (r) => r));
  const shared = (...values: number[]) => {
    const array = new Float64Array(new SharedArrayBuffer(8 * values.length));
    array.set(values);
    return array;
  };
  const out = shared(9, 9, 9, 9);
  const middle = out.subarray(1, 3);
  const own = Float64Array.of(rank, 1);
  const call = world.allreduce(own, 'sum', { out: middle });
  own.fill(-1); // it was copied
  deepEqual((await call) === middle, true);
  deepEqual([...out], [9, all, size, 9]);
  const overlapping = shared(rank, 1, 2);
  await world.allreduce(overlapping.subarray(0, 2), 'sum', { out: overlapping.subarray(1) });
  deepEqual([...overlapping], [rank, all, size]);
  const array = NDArray.wrap(shared(rank, NaN, 1, 0), [2, 2]);
  deepEqual((await world.allreduce(array, 'sum', { out: array })) === array, true);
  deepEqual([...array.data], [all, NaN, size, 0]);
  // these are made elsewhere, and one after the other into the same memory
  const whole = new Int32Array(new SharedArrayBuffer(4));
  const most = shared(rank);
  for (let i = 0; i < 3; i++) {
    await world.allreduce(Int32Array.of(rank), 'sum', { out: whole });
    await world.allreduce(most, i === 0 ? 'max' : 'sum', { out: most });
  }
  deepEqual([...whole, ...most], [all, (size - 1) * size ** 2]);
  // of several ranks it may be one that has such memory
  const mixed = rank === 0 ? shared(1) : Float64Array.of(1);
  deepEqual([...(await world.allreduce(mixed, 'sum', { out: mixed }))], [size]);
}

/** Of the same number of each rank: in the order of MPI's own, which is any for two and the same for these. */
async function float32Sum(world: World, x: number) {
  const [first] = await world.allreduce(Float32Array.of(x));
  return first;
}

async function values(world: World) {
  const { rank, size } = world;
  const object = () => {
    const shared = NDArray.from([[1, 2]], { dtype: 'float32' });
    const value = {
      name: 'épochs',
      shared: [shared, shared],
      inMap: new Map([['weights', NDArray.from([3, 4])]]),
      inSet: new Set([NDArray.from(Int32Array.of(7))]),
      typed: Float64Array.of(0.5),
      date: new Date(5),
      like: { shape: [1], dtype: 'float64', data: Float64Array.of(1) },
      self: undefined as unknown,
    };
    value.self = value;
    return value;
  };
  for (let root = 0; root < size; root++) {
    const got = await world.broadcast(rank === root ? object() : undefined, root);
    deepEqual(got!.shared[0].toArray(), [[1, 2]]);
    deepEqual(got!.shared[0].dtype, 'float32');
    deepEqual(got!.shared[1], got!.shared[0]);
    deepEqual(got!.inMap.get('weights')!.toArray(), [3, 4]);
    deepEqual([...got!.inSet][0].toArray(), [7]);
    deepEqual(got!.like instanceof NDArray, false);
    deepEqual(
      [got!.name, got!.typed, got!.date, got!.self === got],
      ['épochs', Float64Array.of(0.5), new Date(5), true],
    );
    deepEqual(((await world.broadcast(rank === root ? NDArray.from([[root, 1]]) : 0, root)) as NDArray).toArray(), [
      [root, 1],
    ]);

    const gathered = await world.gather({ rank, own: NDArray.from([rank]) }, root);
    deepEqual(
      gathered?.map((item) => [item.rank, item.own.at(0)]),
      rank === root ? ranks(world, (r) => [r, r]) : undefined,
    );
    const own = await world.scatter(rank === root ? ranks(world, (r) => 'x'.repeat(1000 * r)) : undefined, root);
    deepEqual(own, 'x'.repeat(1000 * rank));
  }
  // parts of other lengths, and of none
  deepEqual(
    await world.allGather(Float32Array.from({ length: rank * 3 }, (_, i) => i + rank)),
    ranks(world, (r) => Float32Array.from({ length: r * 3 }, (_, i) => i + r)),
  );
  deepEqual(
    await world.allGather(undefined),
    ranks(world, () => undefined),
  );
  await world.barrier();
}

/** Calls that nobody waits for run in the order they were made. */
async function unawaited(world: World) {
  const { rank } = world;
  const changed = NDArray.from([rank]);
  const calls = [
    world.broadcast(rank === 0 ? 'a' : undefined),
    world.allreduce(changed),
    world.allGather(rank),
    world.barrier(),
  ];
  changed.data.fill(99);
  const [a, b, c] = await Promise.all(calls);
  deepEqual([a, (b as NDArray).toArray(), c], ['a', [sum(ranks(world, (r) => r))], ranks(world, (r) => r)]);
}

async function refused(world: World) {
  const { rank, size } = world;
  const all = 'Expected allreduce to be called with';
  const odd = isLast(world);
  const cases: [() => Promise<unknown>, string][] = [
    [
      () => (odd ? world.barrier() : world.allreduce(1)),
      'Expected all ranks to make the same call, got allreduce on one and barrier on another',
    ],
    [
      () => world.allreduce(odd ? [1, 2] : [1, 2, 3]),
      `${all} as many values on all ranks, got 2 on one and 3 on another`,
    ],
    [
      () => world.allreduce(odd ? Float32Array.of(1) : Float64Array.of(1)),
      `${all} the same type of numbers on all ranks, got float32 on one and float64 on another`,
    ],
    [
      () => world.allreduce(Float64Array.of(1, 2), odd ? 'max' : 'sum'),
      `${all} the same operation on all ranks, got sum on one and max on another`,
    ],
    [() => world.allreduce(1, odd ? 'max' : 'min'), `${all} the same kind and shape of value on all ranks`],
    [() => world.allreduce(odd ? [[1, 2]] : [[1], [2]]), `${all} the same kind and shape of value on all ranks`],
    [
      () => world.allreduce<number | Float64Array>(odd ? 1 : Float64Array.of(1)),
      `${all} the same kind and shape of value on all ranks`,
    ],
    [
      () => world.broadcast(1, odd ? 0 : size - 1),
      `Expected broadcast to be called with the same root on all ranks, got 0 on one and ${size - 1} on another`,
    ],
    [
      () => (odd ? world.finalize() : world.gather(1)),
      'Expected all ranks to make the same call, got gather on one and finalize on another',
    ],
  ];
  for (const [call, expected] of cases) {
    await rejects(call(), { code: 'ERR_MPI', message: expected });
    await rejects(call(), ({ stack }: Error) => /\n {4}at .*children\/mpi\.js/.test(stack!));
  }
  deepEqual(await world.allreduce(rank), sum(ranks(world, (r) => r))); // and goes on

  // a value that cannot be sent is refused where it is, and the others are told
  const bad = () => 1;
  const values: [call: () => Promise<unknown>, by: number, own: RegExp, words?: (r: number) => RegExp][] = [
    [() => world.broadcast(rank === 0 ? bad : undefined), 0, /^Expected value to be a value that structuredClone/],
    [() => world.scatter(rank === 0 ? [1] : undefined, 0), 0, /^Expected values to be a list of \d values/],
    [() => world.scatter(rank === 0 ? ranks(world, () => bad) : undefined, 0), 0, /^Expected values\[0\] to be/],
    [() => world.allGather(odd ? bad : 1), size - 1, /^Expected value to be a value that structuredClone/],
    [
      () => world.gather(odd ? bad : 1, 0),
      size - 1,
      /^Expected value to be a value that structuredClone/,
      (r) => (r === 0 ? /refused its value: Expected value to be/ : /refused its value: it says why$/),
    ],
  ];
  for (const [call, by, own, words] of values) {
    const said = new RegExp(`^Rank ${by} of ${size} refused its value: `);
    if (rank === by) await rejects(call(), { message: own });
    else {
      const error = await call().then(
        () => undefined,
        (reason: Error) => reason,
      );
      deepEqual((error as { code?: string } | undefined)?.code, 'ERR_RANK');
      match(error!.message, said);
      match(error!.message, words?.(rank) ?? /refused its value: Expected values?/);
    }
    deepEqual(await world.broadcast(rank === 0 ? 'next' : undefined), 'next');
  }
  await rejects(
    world.allreduce(odd ? ('x' as never) : 1),
    odd ? { message: /^Expected value to be/ } : { code: 'ERR_MPI' },
  );
  deepEqual(await world.allreduce(1), size);
}

async function messages(world: World) {
  const { rank, size } = world;
  const [question, answer] = [5, 6];
  // collective calls are made while a message is waited for
  const first = rank === 0 ? world.receive(undefined, question) : undefined;
  deepEqual(await world.allreduce(1), size);
  if (rank === 0) {
    const seen: number[] = [];
    for (let i = 0; i < 3 * (size - 1); i++) {
      const { from, bytes } = i === 0 ? await first! : await world.receive(undefined, question);
      deepEqual(bytes.length, 100_000 * from);
      seen.push(from);
      await world.send(Uint8Array.of(from), from, answer);
    }
    deepEqual(
      seen.sort(),
      ranks(world, (r) => [r, r, r])
        .slice(1)
        .flat(),
    );
  } else {
    for (let i = 0; i < 3; i++) {
      await world.send(new Uint8Array(100_000 * rank), 0, question);
      deepEqual([...(await world.receive(0, answer)).bytes], [rank]);
    }
  }
  if (size === 1) await Promise.all([world.send(Uint8Array.of(), 0, question), first]);
  // to itself, in order, and empty
  const sent = [world.send(Uint8Array.of(1), rank), world.send(new Uint8Array(), rank)];
  deepEqual([...(await world.receive(rank)).bytes], [1]);
  deepEqual((await world.receive()).bytes.length, 0);
  await Promise.all(sent);
  await world.barrier();
  const late = world.receive();
  await Promise.all([world.finalize(), rejects(late, /finalize\(\) was called before a message came/)]);
}

/** The others wait for the last rank, which acts. */
const awaited = async (world: World, act: () => unknown) => {
  if (!isLast(world)) return void (await world.allreduce([1, 2]));
  await sleep(300);
  await act();
};

const ends: Record<string, (world: World) => unknown> = {
  async calls(world) {
    await reductions(world);
    await intoArrays(world);
    await values(world);
    await unawaited(world);
    deepEqual(await mpi.init(), world);
    say([world.rank, world.size, world.hostname, world.library]);
  },
  async refused(world) {
    await refused(world);
    say('refused');
  },
  async messages(world) {
    await messages(world);
    say('messages');
  },
  // more bytes than one call of MPI's takes here
  async large(world) {
    const n = 2 ** 28 + 5;
    const bytes = world.rank === 0 ? new Uint8Array(n).fill(7) : undefined;
    bytes?.set([1, 2], n - 2);
    const got = (await world.broadcast(bytes)) as Uint8Array;
    say([got.length, got[0], got[n - 3], got[n - 2], got[n - 1]]);
  },
  exchange(world) {
    const { sum } = createRequire(import.meta.url)(file);
    const [single, double] = [Float32Array.of(1, world.rank), Float64Array.of(1, world.rank)];
    for (const values of [single, double]) say(sum(world.exchange, values, 3) >= 0 && [...values]);
    try {
      sum(world.exchange, new Float32Array(world.rank + 1), 1);
    } catch (error) {
      say((error as Error).message);
    }
  },
  async 'event-loop'(world) {
    const ticks: number[] = [];
    const timer = setInterval(() => ticks.push(performance.now()), 5);
    if (world.rank === 0) await sleep(1000);
    await world.allreduce(1);
    clearInterval(timer);
    say(ticks.length);
  },
  threads: () => say(getThreads()),
  // V8 learns of this access through SIGSEGV
  async trap(world) {
    await world.barrier();
    const code = [
      0, 97, 115, 109, 1, 0, 0, 0, 1, 6, 1, 96, 1, 127, 1, 127, 3, 2, 1, 0, 5, 3, 1, 0, 1, 7, 5, 1, 1, 102, 0, 0, 10, 9,
      1, 7, 0, 32, 0, 40, 2, 0, 11,
    ];
    const { instance } = await WebAssembly.instantiate(Uint8Array.from(code));
    try {
      instance.exports.f(1 << 30);
    } catch (error) {
      say((error as Error).message);
    }
  },
  'exit-0': (world) => awaited(world, () => process.exit(0)),
  'exit-3': (world) => awaited(world, () => process.exit(3)),
  'exit-256': (world) => awaited(world, () => process.exit(256)),
  // in the middle of what MPI's thread waits for
  async 'exit-in-call'(world) {
    if (!isLast(world)) return sleep(60_000);
    void world.allreduce(1);
    await sleep(300);
    process.exit(3);
  },
  // past every handler of JavaScript
  'native-exit': (world) =>
    awaited(world, () => (process as unknown as { reallyExit(code: number): void }).reallyExit(4)),
  throw: (world) => awaited(world, () => Promise.reject(new Error('broken'))),
  kill: (world) => awaited(world, () => process.kill(process.pid, 'SIGKILL')),
  abort: (world) => awaited(world, () => world.abort(7)),
  // one rank calls nothing for a long time; and it stops
  never: (world) => (isLast(world) ? sleep(60_000) : world.allreduce([1, 2])),
  stop: (world) => (isLast(world) ? process.kill(process.pid, 'SIGSTOP') : world.allreduce([1, 2])),
  async early(world) {
    if (!isLast(world)) await world.allreduce(1);
  },
  async ready(world) {
    await world.barrier();
    say('ready');
    await (isLast(world) ? sleep(60_000) : world.barrier());
  },
  async finalize(world) {
    await world.finalize();
    for (const call of [
      () => world.finalize(),
      () => world.barrier(),
      () => world.allreduce(1),
      () => world.receive(),
      () => world.abort(),
    ]) {
      try {
        await call();
      } catch (error) {
        say(message(error as Error));
      }
    }
  },
  async 'finalize-exit-5'(world) {
    await world.finalize();
    process.exit(5);
  },
};

/** Ways of starting, which are none of a world that is there already. */
const starts: Record<string, () => Promise<void>> = {
  async nowhere() {
    await mpi.init({ library: '/nowhere/libmpi.so' }).catch((error) => say(message(error)));
    const world = await mpi.init({ library: file });
    say([world.rank, world.size, await world.allreduce(3)]);
  },
  async init() {
    await mpi.init().catch((error) => say(message(error)));
  },
  async 'own-threads'() {
    setThreads(3);
    await start();
    say(getThreads());
  },
  // one rank ends before MPI has started
  async 'exit-in-init'() {
    void start();
    if ((process.env.OMPI_COMM_WORLD_RANK ?? process.env.PMI_RANK) === '1') process.exit(0);
  },
  async worker() {
    const worker = new Worker(new URL(import.meta.url), { argv: [mark, 'calls'] });
    worker.on('exit', (code) => say(['worker', code]));
  },
  async 'second-thread'() {
    const world = await start();
    const worker = new Worker(new URL(import.meta.url), { argv: [mark, 'init'] });
    await new Promise((done) => worker.on('exit', done));
    say(await world.allreduce(1));
  },
  async terminate() {
    const worker = new Worker(new URL(import.meta.url), { argv: [mark, 'in-worker'] });
    worker.on('message', async () => {
      await sleep(100);
      await worker.terminate();
    });
  },
  async 'in-worker'() {
    const world = await start();
    if (world.rank === 0) parentPort!.postMessage('started');
    await (world.rank === 0 ? world.receive() : world.barrier());
  },
};

await (starts[how]?.() ?? start().then(ends[how]));
