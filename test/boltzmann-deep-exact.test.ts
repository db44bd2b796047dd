import test from 'ava';
import { DeepBoltzmannMachine, NDArray, RandomState } from 'fjordnet';

// Machines of so few units that all of their states can be gone through.

interface Machine {
  readonly components: readonly NDArray[];
  readonly intercepts: readonly NDArray[];
}

function randomMachine(units: readonly number[], scale: number, seed: number): Machine {
  const random = new RandomState(seed);
  return {
    components: units.slice(1).map((n, l) => random.normal(0, scale, [n, units[l]])),
    intercepts: units.map((n) => random.normal(0, scale, [n])),
  };
}

/** -E of every state, and its visible units as bits. */
function* allStates({ components, intercepts }: Machine): Generator<{ visible: number; log: number }> {
  const units = intercepts.map(({ size }) => size);
  const total = units.reduce((sum, n) => sum + n, 0);
  for (let state = 0; state < 2 ** total; state++) {
    let at = 0;
    const h = units.map((n) => {
      const bits = Array.from({ length: n }, (_, i) => (state >> (at + i)) & 1);
      at += n;
      return bits;
    });
    let log = 0;
    for (const [l, layer] of h.entries())
      for (const [j, on] of layer.entries()) {
        if (!on) continue;
        log += intercepts[l].data[j];
        for (let i = 0; l > 0 && i < units[l - 1]; i++)
          log += h[l - 1][i] * components[l - 1].data[j * units[l - 1] + i];
      }
    yield { visible: state & (2 ** units[0] - 1), log };
  }
}

const logSum = (logs: readonly number[]) => {
  const most = logs.reduce((a, b) => Math.max(a, b));
  return most + Math.log(logs.reduce((sum, log) => sum + Math.exp(log - most), 0));
};

const logPartition = (machine: Machine) => logSum(Array.from(allStates(machine), ({ log }) => log));

function logProbabilities(machine: Machine): number[] {
  const byVisible: number[][] = Array.from({ length: 2 ** machine.intercepts[0].size }, () => []);
  for (const { visible, log } of allStates(machine)) byVisible[visible].push(log);
  const logZ = logSum(byVisible.flat());
  return byVisible.map((logs) => logSum(logs) - logZ);
}

/** All visible states, one a row, in the order of their bits. */
const allVisible = (n: number) =>
  Array.from({ length: 2 ** n }, (_, v) => Array.from({ length: n }, (_, i) => (v >> i) & 1));

const SIZES = [
  [4, 3],
  [6, 5],
  [5, 4, 3],
  [6, 5, 4],
  [4, 3, 3, 2],
];
const SCALES = [0.1, 0.5, 1];

test('exactLogPartition is the sum over all states', (t) => {
  for (const [seed, units] of SIZES.entries())
    for (const scale of SCALES) {
      const machine = randomMachine(units, scale, seed);
      const exact = DeepBoltzmannMachine.fromWeights(machine).exactLogPartition();
      t.true(Math.abs(exact - logPartition(machine)) < 1e-12, `${units}, ${scale}`);
    }
});

test('of the fewer units, every second layer is gone through: any number of the others', (t) => {
  const machine = DeepBoltzmannMachine.fromWeights(randomMachine([200, 3, 300], 0.1, 1));
  t.true(machine.exactLogPartition() > 500 * Math.LN2 - 100);
  const large = DeepBoltzmannMachine.fromWeights(randomMachine([21, 22], 0.1, 1));
  t.throws(() => large.exactLogPartition(), { instanceOf: RangeError, message: /at most 20 units.*got 21/ });
});

test('annealed importance sampling is within three of its standard errors of log Z', async (t) => {
  for (const [seed, units] of SIZES.entries())
    for (const scale of SCALES) {
      const machine = DeepBoltzmannMachine.fromWeights(randomMachine(units, scale, 10 + seed));
      const exact = machine.exactLogPartition();
      const found = await machine.annealedImportanceSampling({ nBetas: 200, nRuns: 200, randomState: seed });
      const what = `${units}, ${scale}: ${found.logZ} +- ${found.standardError}, exactly ${exact}`;
      t.true(Math.abs(found.logZ - exact) < 3 * found.standardError, what);
      t.true(found.low < exact && exact < found.high, what);
      t.true(found.standardError < 0.05, what);
      t.is(found.logWeights.length, 200);
    }
});

test('its errors are what it says they are: over many seeds of mean 0 and standard deviation 1', async (t) => {
  const machine = DeepBoltzmannMachine.fromWeights(randomMachine([4, 3, 3, 2], 1, 1));
  const exact = machine.exactLogPartition();
  const z: number[] = [];
  for (let randomState = 0; randomState < 100; randomState++) {
    const { logZ, standardError } = await machine.annealedImportanceSampling({ nBetas: 50, nRuns: 50, randomState });
    z.push((logZ - exact) / standardError);
  }
  const mean = z.reduce((a, b) => a + b, 0) / z.length;
  const deviation = Math.sqrt(z.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (z.length - 1));
  t.true(Math.abs(mean) < 0.4, `mean ${mean}`);
  t.true(deviation > 0.75 && deviation < 1.3, `standard deviation ${deviation}`);
});

test('the bound is log p(x) of one hidden layer, and below it of more', (t) => {
  for (const [seed, units] of SIZES.entries())
    for (const scale of SCALES) {
      const machine = randomMachine(units, scale, 20 + seed);
      const deep = DeepBoltzmannMachine.fromWeights(machine, { meanFieldIter: 30 });
      const bound = deep.logLikelihoodBound(allVisible(units[0]), deep.exactLogPartition()).data;
      const exact = logProbabilities(machine);
      for (const [i, log] of exact.entries()) {
        if (units.length === 2) t.true(Math.abs(bound[i] - log) < 1e-12);
        else
          t.true(
            bound[i] < log + 1e-12 && bound[i] > log - 0.05 * scale ** 2 * units.length ** 3,
            `${units}, ${scale}`,
          );
      }
    }
});

test('mean field is where the bound is greatest', (t) => {
  const machine = randomMachine([4, 3, 2], 1, 3);
  const deep = DeepBoltzmannMachine.fromWeights(machine, { meanFieldIter: 100 });
  const x = [[1, 0, 1, 1]];
  const [h1, h2] = deep.meanField(x).map(({ data }) => data);
  const { components, intercepts } = machine;
  const sigmoid = (z: number) => 1 / (1 + Math.exp(-z));
  for (let j = 0; j < 3; j++) {
    let z = intercepts[1].data[j];
    for (let i = 0; i < 4; i++) z += components[0].data[j * 4 + i] * x[0][i];
    for (let i = 0; i < 2; i++) z += components[1].data[i * 3 + j] * h2[i];
    t.true(Math.abs(h1[j] - sigmoid(z)) < 1e-12);
  }
  for (let j = 0; j < 2; j++) {
    let z = intercepts[2].data[j];
    for (let i = 0; i < 3; i++) z += components[1].data[j * 3 + i] * h1[i];
    t.true(Math.abs(h2[j] - sigmoid(z)) < 1e-12);
  }
});

test('samples have the odds of the machine', async (t) => {
  for (const [seed, units] of SIZES.entries()) {
    const machine = randomMachine(units, 0.7, 30 + seed);
    const n = 5000;
    const drawn = await DeepBoltzmannMachine.fromWeights(machine).sample(n, { steps: 60, randomState: seed });
    const logs = logProbabilities(machine);
    for (let i = 0; i < units[0]; i++) {
      const exact = logs.reduce((sum, log, v) => sum + ((v >> i) & 1) * Math.exp(log), 0);
      const values = Array.from({ length: n }, (_, row) => drawn.data[row * units[0] + i]);
      const mean = values.reduce((a, b) => a + b, 0) / n;
      const error = Math.sqrt(values.reduce((sum, p) => sum + (p - mean) ** 2, 0) / (n - 1) / n);
      t.true(Math.abs(mean - exact) < 3 * error, `${units}, ${i}: ${mean} +- ${error}, exactly ${exact}`);
    }
  }
});

/** Machines by what each parameter is moved by. */
function moved({ components, intercepts }: Machine, array: number, at: number, by: number): Machine {
  const all = [...components, ...intercepts].map((values, i) => {
    const copy = NDArray.from(values);
    if (i === array) copy.data[at] += by;
    return copy;
  });
  return { components: all.slice(0, components.length), intercepts: all.slice(components.length) };
}

/** The mean over x of log p(x), or of its bound: of one hidden layer by all states of the machine. */
function objective(machine: Machine, x: readonly number[][]): number {
  if (machine.components.length === 1) {
    const logs = logProbabilities(machine);
    return x.reduce((sum, row) => sum + logs[row.reduce((bits, on, i) => bits + (on << i), 0)], 0) / x.length;
  }
  const deep = DeepBoltzmannMachine.fromWeights(machine, { meanFieldIter: 60 });
  const bound = Array.from(deep.logLikelihoodBound(x, deep.exactLogPartition()).data);
  return bound.reduce((sum, value) => sum + value, 0) / x.length;
}

for (const units of [
  [5, 4],
  [4, 3, 3],
  [4, 3, 2, 2],
])
  test(`what training steps add up to is the gradient: ${units.join(', ')} units`, (t) => {
    const machine = randomMachine(units, 0.7, 5);
    const random = new RandomState(6);
    const x = Array.from({ length: 7 }, () =>
      Array.from({ length: units[0] }, () => Number(random.randomSample() < 0.6)),
    );
    const [rate, blocks, steps] = [1e-8, 60, 60];
    // the weights do not move by as much as could be seen: blocks of steps are draws from one machine
    const deep = DeepBoltzmannMachine.fromWeights(machine, {
      ...{ learningRate: rate, nIter: steps, batchSize: x.length, nChains: 20, k: 1, meanFieldIter: 60 },
      ...{ momentum: 0, weightDecay: 0, warmStart: true, randomState: 1 },
    });
    const read = () => [...deep.components, ...deep.intercepts].map(({ data }) => data);
    deep.fitSync(x); // the chains leave where they began
    let before = read();
    const sums = before.map(({ length }) => Array.from({ length }, () => [] as number[]));
    for (let block = 0; block < blocks; block++) {
      const after = deep.fitSync(x) && read();
      for (const [i, values] of after.entries())
        for (const [j, value] of values.entries()) sums[i][j].push((value - before[i][j]) / (rate * steps));
      before = after;
    }
    const z: number[] = [];
    for (const [i, array] of sums.entries())
      for (const [j, gradients] of array.entries()) {
        const mean = gradients.reduce((a, b) => a + b, 0) / blocks;
        const variance = gradients.reduce((sum, g) => sum + (g - mean) ** 2, 0) / (blocks - 1);
        const exact = (objective(moved(machine, i, j, 1e-4), x) - objective(moved(machine, i, j, -1e-4), x)) / 2e-4;
        const error = Math.sqrt(variance / blocks);
        t.true(error < 0.01, `${i}, ${j}: ${error}`);
        t.true(Math.abs(mean - exact) < 3 * error, `${i}, ${j}: ${mean} +- ${error}, exactly ${exact}`);
        z.push((mean - exact) / error);
      }
    const spread = Math.sqrt(z.reduce((sum, value) => sum + value ** 2, 0) / z.length);
    t.true(spread > 0.6 && spread < 1.4, `spread ${spread}`);
  });
