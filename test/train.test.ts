import test from 'ava';
import { NDArray } from 'fjordnet';
import { dataset, type Job } from '../dist/plan.js';
import { Tape } from '../dist/tape.js';
import { drive, driveSync, JobWatch, type Training } from '../dist/train.js';

test('what a loop yields hands it back a value: the result of a job, or what a promise comes to', async (t) => {
  const tape = new Tape('float64');
  const x = tape.batched('x', [1]);
  tape.program('none');
  const plan = tape.compile();
  const job: Job = {
    program: 'none',
    inputs: [[x, Float64Array.of(7, 8)]],
    first: 0,
    count: 2,
    batchSize: 1,
    outputs: [x],
  };
  const sample = dataset('x', NDArray.from([[7], [8]]), 'float64');
  const loop = function* (inputs: Job['inputs']): Training<unknown[]> {
    const first = yield Promise.resolve('a batch');
    const { steps, outputs } = yield { plan, job: { ...job, inputs } };
    return [first, steps, outputs];
  };
  const want = ['a batch', 2, [Float64Array.of(7, 8)]];
  t.deepEqual(await drive(loop([[x, sample]])), want);
  t.deepEqual(await drive(new JobWatch().watch(loop([[x, sample]]))), want);
  t.deepEqual(await drive(loop([[x, sample]]), new AbortController().signal), want);

  const failing = function* (): Training<string> {
    try {
      yield Promise.reject(new Error('no such file'));
    } catch (error) {
      return (error as Error).message;
    }
    return 'nothing was thrown';
  };
  t.is(await drive(failing()), 'no such file');
  t.is(
    driveSync(
      (function* (): Training<number> {
        return (yield { plan, job }).steps;
      })(),
    ),
    2,
  );
});
