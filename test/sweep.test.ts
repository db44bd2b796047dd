import test from 'ava';
import fc from 'fast-check';
import type { NativeResult } from '../dist/binding.js';
import type { Job, Plan } from '../dist/plan.js';
import type { JobStep, Training } from '../dist/train.js';
import { type Sweep, sweep } from '../dist/training/sweep.js';

/** Runs a sweep whose steps take `seconds` each, and gives its jobs with the batches of each. */
function jobsOf(given: Pick<Sweep, 'rows' | 'batchSize'> & Partial<Sweep>, seconds: number) {
  const jobs: { rows: number[]; sizes: number[]; steps: number | undefined }[] = [];
  let prepared: number | undefined;
  const prepare = (steps: number) => {
    prepared = steps;
    return {};
  };
  const training: Training<void> = sweep(
    { plan: {} as Plan, program: 'train', inputs: [], prepare, ...given },
    () => undefined,
  );
  let result: NativeResult | undefined;
  for (let next = training.next(); !next.done; next = training.next(result)) {
    const { job, meanwhile } = next.value as JobStep;
    const rows = rowsOf(job);
    const sizes: number[] = [];
    for (let at = 0; at < rows.length; at += sizes.at(-1) as number) {
      const left = job.period ? job.period - (at % job.period) : rows.length;
      sizes.push(Math.min(job.batchSize, rows.length - at, left));
    }
    jobs.push({ rows, sizes, steps: prepared });
    meanwhile?.();
    result = { steps: sizes.length, seconds: seconds * sizes.length, report: new Float64Array() } as never;
  }
  return jobs;
}

const rowsOf = ({ rows, first = 0, count = 0 }: Job): number[] =>
  rows ? [...rows] : Array.from({ length: count }, (_, i) => first + i);

const numbers = (n: number, first = 0) => Int32Array.from({ length: n }, (_, i) => first + i);

test('a sweep does every row once, in order, in batches that end where epochs do', (t) => {
  const sizes = { period: fc.integer({ min: 1, max: 40 }), epochs: fc.integer({ min: 1, max: 30 }) };
  const given = { ...sizes, batchSize: fc.integer({ min: 1, max: 50 }), joined: fc.boolean() };
  const speed = fc.constantFrom(1e-5, 1e-4, 1e-3, 1e-2, 1);
  fc.assert(
    fc.property(fc.record(given), speed, fc.boolean(), ({ period, epochs, batchSize, joined }, seconds, isDrawn) => {
      const count = period * epochs;
      const asked: number[] = [];
      const take = (at: number, n: number) => {
        asked.push(at);
        return numbers(n, at);
      };
      const jobs = jobsOf({ rows: isDrawn ? { count, take } : numbers(count), batchSize, period, joined }, seconds);
      t.deepEqual(
        jobs.flatMap(({ rows }) => rows),
        [...numbers(count)],
      );
      if (isDrawn)
        t.deepEqual(
          asked,
          jobs.map(({ rows }) => rows[0]),
        );
      const epoch = jobsOf({ rows: numbers(period), batchSize }, 1).flatMap((job) => job.sizes);
      t.deepEqual(
        jobs.flatMap((job) => job.sizes),
        Array.from({ length: epochs }, () => epoch).flat(),
      );
      for (const { rows, sizes, steps } of jobs) {
        t.is(steps, sizes.length);
        const begins = rows[0] % period === 0 && (rows.at(-1)! + 1) % period === 0;
        const isWithin = Math.floor(rows[0] / period) === Math.floor(rows.at(-1)! / period);
        t.true(isWithin || (joined && begins));
      }
    }),
  );
});

test('jobs last some 10 ms: of short steps they hold many, and several epochs where these may be joined', (t) => {
  const rows = numbers(100_000);
  const steps = (given: Partial<Sweep>, seconds: number) =>
    Math.max(...jobsOf({ rows, batchSize: 10, ...given }, seconds).map(({ sizes }) => sizes.length));
  t.is(steps({}, 1e-3), 10);
  t.is(steps({}, 1e-4), 100);
  t.is(steps({ period: 50 }, 1e-4), 5);
  t.is(steps({ period: 50, joined: true }, 1e-4), 100);
  t.is(steps({ *onBatch() {} }, 1e-4), 1);
});

test('rows that are listed, counted or drawn are swept alike', (t) => {
  for (const seconds of [1e-4, 1e-2]) {
    const listed = jobsOf({ rows: numbers(333, 5), batchSize: 7 }, seconds);
    t.deepEqual(jobsOf({ rows: { first: 5, count: 333 }, batchSize: 7 }, seconds), listed);
    const drawn = jobsOf({ rows: { count: 333, take: (at, n) => numbers(n, at + 5) }, batchSize: 7 }, seconds);
    t.deepEqual(
      drawn.flatMap(({ rows }) => rows),
      listed.flatMap(({ rows }) => rows),
    );
  }
  t.deepEqual(jobsOf({ rows: { count: 0, take: () => t.fail() as never }, batchSize: 7 }, 1), []);
});
