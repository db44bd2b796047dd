import { readFileSync } from 'node:fs';
import test from 'ava';
import { optimizers, type Schedule, schedules } from 'fjordnet';
import { isOwnSchedule, scheduleFrom } from '../dist/schedules.js';

type Name = keyof typeof schedules;
const { cases } = JSON.parse(
  readFileSync(new URL('../test/fixtures/keras-schedules.json', import.meta.url), 'utf8'),
) as { cases: { name: Name; options: object; rates: number[] }[] };
const make = (name: Name, options: object) => (schedules[name] as (options: object) => Schedule)(options);

for (const { name, options, rates } of cases)
  test(`${name} ${JSON.stringify(options)} is the real Keras'`, (t) => {
    const schedule = make(name, options);
    const again = scheduleFrom(JSON.parse(JSON.stringify(schedule.config)));
    for (const [step, rate] of rates.entries()) {
      t.true(Math.abs(schedule(step) - rate) <= 1e-15, `step ${step}: ${schedule(step)} is not ${rate}`);
      t.is(again(step), schedule(step));
    }
  });

test('every schedule of Keras has a case', (t) => {
  const own = ['stepDecay', 'warmup']; // not Keras': test/optimizers.test.ts
  t.deepEqual([...new Set([...cases.map((c) => c.name), ...own])].sort(), Object.keys(schedules).sort());
});

test('every period of cosineDecayRestarts begins at its rate, however the logarithm is rounded', (t) => {
  for (const tMul of [1, 1.5, 2, 3, 10])
    for (let period = 0, start = 0; period < 12; period++) {
      const rate = schedules.cosineDecayRestarts({ initialLearningRate: 1, firstDecaySteps: 2 ** 12, tMul, mMul: 0.5 })(
        start,
      );
      t.true(Math.abs(rate - 0.5 ** period) <= 1e-9, `tMul ${tMul}, period ${period}: ${rate}`);
      start += 2 ** 12 * tMul ** period;
    }
});

test('wrong schedules are refused in one sentence', (t) => {
  const refused = (run: () => unknown, message: string | RegExp) => t.throws(run, { message });
  const piecewise = (boundaries: unknown, values: unknown) => () =>
    schedules.piecewiseConstant({ boundaries, values } as Parameters<typeof schedules.piecewiseConstant>[0]);
  refused(piecewise(1, [1, 2]), 'Expected boundaries to be an array of integers, got 1 (number)');
  refused(piecewise([1], 2), 'Expected values to be an array of rates, got 2 (number)');
  refused(piecewise([1], [1]), 'Expected values to be 2 rates, one more than there are boundaries, got Array(1)');
  refused(piecewise([1, 1], [1, 2, 3]), 'Expected boundaries[1] to be larger than the one before, 1, got 1 (number)');
  refused(piecewise([0.5], [1, 2]), 'Expected boundaries[0] to be a non-negative integer, got 0.5 (number)');
  refused(piecewise([1], [1, -2]), 'Expected values[1] to be a non-negative number, got -2 (number)');
  const decay = { initialLearningRate: 1, decaySteps: 2 };
  refused(
    () => schedules.polynomial({ ...decay, decaySteps: 0 }),
    'Expected decaySteps to be a positive integer, got 0 (number)',
  );
  refused(
    () => schedules.polynomial({ ...decay, power: -1 }),
    'Expected power to be a non-negative number, got -1 (number)',
  );
  refused(
    () => schedules.polynomial({ ...decay, cycle: 1 as never }),
    'Expected cycle to be a boolean, got 1 (number)',
  );
  refused(
    () => schedules.cosineDecay({ ...decay, warmupSteps: -1 }),
    'Expected warmupSteps to be a non-negative integer, got -1 (number)',
  );
  refused(() => schedules.cosineDecay({ ...decay, warmup: 1 } as never), /no option 'warmup'/);
  refused(
    () => schedules.cosineDecayRestarts({ initialLearningRate: 1, firstDecaySteps: 1, tMul: 0.5 }),
    'Expected tMul to be a number >= 1, got 0.5 (number)',
  );
});

test('cosineDecay without a target has no warm-up, with null as with nothing', (t) => {
  const options = { initialLearningRate: 1, decaySteps: 10, warmupSteps: 5 };
  for (const warmupTarget of [undefined, null as never])
    t.is(
      schedules.cosineDecay({ ...options, warmupTarget })(5),
      schedules.cosineDecay({ initialLearningRate: 1, decaySteps: 10 })(5),
    );
});

test("a function is one's own schedule, whatever its name", (t) => {
  const warmup = () => 0.1;
  t.true(isOwnSchedule(optimizers.sgd({ learningRate: warmup }).learningRate));
  t.false(isOwnSchedule(schedules.warmup({ learningRate: 0.1, warmupSteps: 2 })));
  t.true(isOwnSchedule(schedules.warmup({ learningRate: ((step: number) => step) as never, warmupSteps: 2 })));
});
