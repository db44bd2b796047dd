import { readFileSync } from 'node:fs';
import test from 'ava';
import { type Ising, type IsingOptions, makeIsing, makeIsingAsync, onsager, RandomState } from 'fjordnet';

const golden: (Record<'energy' | 'magnetization', number[]> & {
  options: IsingOptions & { randomState: number };
  spins: number[][];
  next: number;
})[] = JSON.parse(readFileSync(new URL('../test/fixtures/ising.json', import.meta.url), 'utf8'));
const CRITICAL = 2 / Math.log(1 + Math.SQRT2);

for (const [i, { options, spins, energy, magnetization, next }] of golden.entries()) {
  test(`a NumPy program draws the same lattices, ${i}: ${options.algorithm}, ${options.states ?? 'no'} states`, async (t) => {
    for (const make of [makeIsing, makeIsingAsync]) {
      const randomState = new RandomState(options.randomState);
      const here = await make({ ...options, randomState });
      const { size = 0, temperatures, samples = 0 } = options;
      t.deepEqual(here.spins.shape, [spins.length, size, size]);
      t.is(here.spins.dtype, 'int32');
      t.deepEqual(Array.from(here.spins.data), spins.flat());
      t.deepEqual(
        Array.from(here.temperature.data),
        (temperatures as number[]).flatMap((T) => Array(samples).fill(T)),
      );
      t.deepEqual(Array.from(here.energy.data), energy);
      t.deepEqual(Array.from(here.magnetization.data), magnetization);
      t.is(randomState.randomSample(), next);
    }
  });
}

type Values = Ising['energy']['data'] | number[];

/** Mean and its standard error, from the means of 50 stretches of the chain. */
function estimate(values: Values): [mean: number, error: number] {
  const STRETCHES = 50;
  const n = Math.floor(values.length / STRETCHES);
  const means = Array.from({ length: STRETCHES }, (_, i) => average(values.slice(i * n, (i + 1) * n)));
  const mean = average(means);
  return [mean, Math.sqrt(average(means.map((m) => (m - mean) ** 2)) / (STRETCHES - 1))];
}

const average = (values: Values) => Array.from(values).reduce((sum, v) => sum + v, 0) / values.length;

/** Exact means of energy, its square and |m| per spin over all states of a lattice. */
function enumerate(size: number, temperature: number, states?: number): number[] {
  const n = size * size;
  const q = states ?? 2;
  const s = new Array<number>(n).fill(0);
  const sums = [0, 0, 0, 0];
  for (let code = 0; code < q ** n; code++) {
    for (let i = 0, rest = code; i < n; i++, rest = Math.floor(rest / q)) s[i] = rest % q;
    let alike = 0;
    const counts = new Array<number>(q).fill(0);
    for (let i = 0; i < n; i++) {
      const row = i - (i % size);
      alike += Number(s[i] === s[row + ((i + 1) % size)]) + Number(s[i] === s[(i + size) % n]);
      counts[s[i]]++;
    }
    const energy = -(states === undefined ? 2 * alike - 2 * n : alike);
    const m = (q * Math.max(...counts)) / n / (q - 1) - 1 / (q - 1);
    const weight = Math.exp(-energy / temperature);
    for (const [k, value] of [1, energy / n, (energy / n) ** 2, m].entries()) sums[k] += weight * value;
  }
  return sums.slice(1).map((sum) => sum / sums[0]);
}

const observed = ({ energy, magnetization }: Ising) => [
  energy.data,
  energy.data.map((e) => e * e),
  magnetization.data.map(Math.abs),
];

for (const algorithm of ['wolff', 'metropolis'] as const)
  for (const [size, states, temperatures] of [
    [2, undefined, [1.5, 3]],
    [3, undefined, [1.5, 2.5, 5]],
    [4, undefined, [2, 2.5]],
    [3, 3, [0.8, 1.5]],
    [2, 5, [0.7, 1.2]],
  ] as const)
    test(`${algorithm}, ${size} x ${size}, ${states ?? 'no'} states: means are those over all lattices`, (t) => {
      const samples = 20_000;
      const interval = algorithm === 'wolff' ? undefined : 3;
      const here = makeIsing({ size, states, temperatures, samples, algorithm, interval, randomState: 1 });
      for (const [i, temperature] of temperatures.entries()) {
        const exact = enumerate(size, temperature, states);
        for (const [k, values] of observed(here).entries()) {
          const [mean, error] = estimate(values.slice(i * samples, (i + 1) * samples));
          t.true(error < 0.03 && error > 0, String(error));
          t.true(
            Math.abs(mean - exact[k]) < 3 * error,
            `T = ${temperature}, ${k}: ${mean} +- ${error}, exactly ${exact[k]}`,
          );
        }
      }
    });

test("energy, specific heat and magnetization are Onsager's within three standard errors", (t) => {
  const temperatures = [1, 1.5, 2, 2.75, 3, 4];
  const size = 40;
  const samples = 2000;
  const { energy, magnetization } = makeIsing({ size, temperatures, samples, randomState: 0 });
  for (const [i, temperature] of temperatures.entries()) {
    const exact = onsager(temperature);
    const part = <T extends { slice(a: number, b: number): T }>(values: T) =>
      values.slice(i * samples, (i + 1) * samples);
    const energies = Array.from(part(energy.data));
    const [e, eError] = estimate(energies);
    t.true(Math.abs(e - exact.energy) < 3 * eError, `energy at ${temperature}: ${e} +- ${eError}, ${exact.energy}`);
    const scale = size ** 2 / temperature ** 2;
    const [c, cError] = estimate(energies.map((value) => scale * (value - e) ** 2));
    t.true(
      Math.abs(c - exact.specificHeat) < 3 * cError,
      `heat at ${temperature}: ${c} +- ${cError}, ${exact.specificHeat}`,
    );
    if (temperature > CRITICAL) continue;
    const [m, mError] = estimate(part(magnetization.data).map(Math.abs));
    t.true(
      Math.abs(m - exact.magnetization) < 3 * mError,
      `m at ${temperature}: ${m} +- ${mError}, ${exact.magnetization}`,
    );
  }
});

test('onsager is the derivative of the free energy, and exact at both ends', (t) => {
  t.deepEqual(onsager(CRITICAL), { energy: -Math.SQRT2, magnetization: 0, specificHeat: Number.POSITIVE_INFINITY });
  t.deepEqual(onsager(3 * CRITICAL, 3).specificHeat, Number.POSITIVE_INFINITY);
  t.true(Math.abs(onsager(2).magnetization - (1 - Math.sinh(1) ** -4) ** (1 / 8)) < 1e-15);
  t.true(Math.abs(onsager(CRITICAL).energy + Math.SQRT2) < 3e-14); // its slope is 18 there, and some 35 in the modulus
  // F / T + ln 2 / 2 = -1 / (2 pi) * integral over 0 .. pi of ln(cosh^2 2K + sqrt(1 + sinh^4 2K - 2 sinh^2 2K cos 2x)); the sum
  // of a smooth periodic function over equal steps is exact to the last digits
  const logZ = (k: number) => {
    const steps = 4000;
    const sinh2 = Math.sinh(2 * k) ** 2;
    let sum = 0;
    for (let i = 0; i < steps; i++)
      sum += Math.log(1 + sinh2 + Math.sqrt(1 + sinh2 ** 2 - 2 * sinh2 * Math.cos((2 * Math.PI * (i + 0.5)) / steps)));
    return Math.LN2 / 2 + sum / steps / 2;
  };
  for (const T of [1, 1.7, 2.1, 2.5, 3, 5, 20]) {
    const { energy, specificHeat } = onsager(T);
    const h = 1e-3;
    const [a, b, c, d, e] = [-2, -1, 0, 1, 2].map((i) => logZ(1 / T + i * h));
    t.true(Math.abs(energy + (a - 8 * b + 8 * d - e) / (12 * h)) < 1e-7, `energy at ${T}`);
    const second = (-a + 16 * b - 30 * c + 16 * d - e) / (12 * h * h);
    t.true(Math.abs(specificHeat - second / T ** 2) < 1e-5 * (1 + specificHeat), `specific heat at ${T}`);
  }
  const cold = onsager(0.1);
  t.is(cold.magnetization, 1);
  t.true(Math.abs(cold.specificHeat / (6400 * Math.exp(-80)) - 1) < 1e-12, String(cold.specificHeat)); // 4 spins turned: (8 / T)^2 exp(-8 / T)
  const hot = onsager(1e6);
  t.true(Math.abs(hot.energy / -2e-6 - 1) < 1e-11 && Math.abs(hot.specificHeat / 2e-12 - 1) < 1e-11);
  for (const T of [1e-3, 1e-200, 5e-324]) t.deepEqual(onsager(T), { energy: -2, magnetization: 1, specificHeat: 0 });
  const { energy, specificHeat } = onsager(Number.MAX_VALUE, 1e-100);
  t.true(energy <= 0 && energy > -1e-300 && specificHeat === 0);
  const [one, two] = [onsager(3), onsager(6, 2)];
  t.true(Math.abs(2 * one.energy - two.energy) < 1e-15 && Math.abs(one.specificHeat - two.specificHeat) < 1e-15);
  for (const bad of [0, -1, Number.NaN, Number.POSITIVE_INFINITY])
    t.throws(() => onsager(bad), { message: /^Expected temperature/ });
});

test('makeIsingAsync leaves the event loop alone, tells how far it is, and stops', async (t) => {
  const options = { size: 100, temperatures: [2, 2.5], samples: 20, randomState: 3 };
  let turns = 0;
  const timer = setInterval(() => turns++, 1);
  const calls: number[] = [];
  const here = await makeIsingAsync({
    ...options,
    onProgress: (done, of) => calls.push(of === 40 ? done : Number.NaN),
  });
  clearInterval(timer);
  t.true(turns > 3);
  t.true(calls.length > 5 && calls.at(-1) === 40 && calls.every((done, i) => i === 0 || done >= calls[i - 1]));
  t.deepEqual(here, makeIsing(options));

  const random = new RandomState(4);
  const controller = new AbortController();
  const onProgress = (done: number) => done >= 5 && controller.abort(new Error('enough'));
  const stopped = makeIsingAsync({ ...options, randomState: random, signal: controller.signal, onProgress });
  t.throws(() => makeIsing({ size: 4, randomState: random }), { code: 'ERR_BUSY' });
  const error = await t.throwsAsync<Error & { code: string }>(stopped, { code: 'ERR_ABORTED', name: 'AbortError' });
  t.is((error?.cause as Error | undefined)?.message, 'enough');
  t.is(makeIsing({ size: 4, samples: 1, temperatures: [1], randomState: random }).spins.size, 16);
  const before = new RandomState(5);
  await t.throwsAsync(makeIsingAsync({ randomState: before, signal: AbortSignal.abort() }), { code: 'ERR_ABORTED' });
  t.is(before.randomSample(), new RandomState(5).randomSample());
});

test('defaults are 250 lattices of 40 x 40 for each of 16 temperatures', (t) => {
  const { spins, temperature } = makeIsing({ randomState: 0 });
  t.deepEqual(spins.shape, [4000, 40, 40]);
  t.deepEqual(
    [...new Set(temperature.data)],
    Array.from({ length: 16 }, (_, i) => (i + 1) / 4),
  );
});

test('options that cannot be used are refused, with the generator as it was', (t) => {
  const randomState = new RandomState(1);
  const refused: [IsingOptions, RegExp][] = [
    [{ size: 1 }, /^Expected size to be an integer >= 2, got 1/],
    [{ size: 20_000 }, /^Expected size to be an integer in \[2, 10000\]/],
    [{ temperatures: [] }, /^Expected temperatures to be a one-dimensional array/],
    [{ temperatures: [1, 0] }, /^Expected temperatures\[1\] to be a positive number, got 0/],
    [{ samples: 0 }, /^Expected samples to be a positive integer/],
    [{ algorithm: 'Wolff' as 'wolff' }, /^Expected algorithm to be one of/],
    [{ burnIn: -1 }, /^Expected burnIn to be a non-negative integer/],
    [{ burnIn: 0 }, /^Expected interval to be given where burnIn is 0/],
    [{ interval: 0 }, /^Expected interval to be a positive integer/],
    [{ start: 'up' as 'ordered' }, /^Expected start to be one of/],
    [{ states: 1 }, /^Expected states to be an integer >= 2/],
    [{ states: 257 }, /^Expected states to be an integer in \[2, 256\]/],
    [{ coupling: 0 }, /^Expected coupling to be a positive number/],
  ];
  for (const [options, message] of refused) t.throws(() => makeIsing({ randomState, ...options }), { message });
  t.is(randomState.randomSample(), new RandomState(1).randomSample());
});

test('a lattice whose steps are cut is what the rule says, in either algorithm', async (t) => {
  const size = 400;
  const n = size * size;
  const beside = (i: number) => {
    const row = Math.floor(i / size) * size;
    return [row + ((i - row + 1) % size), row + ((i - row + size - 1) % size), (i + size) % n, (i + n - size) % n];
  };
  for (const algorithm of ['wolff', 'metropolis'] as const) {
    const random = new RandomState(5);
    const uniform = random.randomSample(5 * n).data;
    let drawn = 0;
    const u = () => uniform[drawn++];
    const spins = new Int32Array(n).fill(1);
    const T = algorithm === 'wolff' ? 1 : 3;
    if (algorithm === 'wolff') {
      const waiting = [Math.floor(u() * n)];
      spins[waiting[0]] = -1;
      for (let at = waiting.pop(); at !== undefined; at = waiting.pop())
        for (const site of beside(at))
          if (spins[site] === 1 && u() < 1 - Math.exp(-2 / T)) {
            spins[site] = -1;
            waiting.push(site);
          }
    } else
      for (let i = 0; i < n; i++) {
        const site = Math.floor(u() * n);
        const alike = beside(site).filter((other) => spins[other] === spins[site]).length;
        if (u() < Math.exp((-2 * (2 * alike - 4)) / T)) spins[site] *= -1;
      }
    const own = new RandomState(5);
    const options = { size, temperatures: [T], samples: 1, algorithm, burnIn: 0, interval: 1, randomState: own };
    const made = await makeIsingAsync(options);
    t.deepEqual(made.spins.data, spins);
    const after = new RandomState(5);
    after.randomSample(drawn);
    t.deepEqual(own.getState(), after.getState());
    const pairs = spins.reduce((sum, spin, i) => sum + spin * (spins[beside(i)[0]] + spins[beside(i)[2]]), 0);
    t.is(made.energy.at(0), -pairs / n);
  }
});
