import { allocate } from '../allocate.js';
import { type ArrayInput, asArray, NDArray } from '../array.js';
import { checkInteger, checkInterval, checkOneOf, checkOptions, wrongShape, wrongType, wrongValue } from '../check.js';
import { checkTurn, inTurn } from '../estimators/turns.js';
import { checkRandomState, type RandomState } from '../random.js';
import { aborted, signalOf } from '../train.js';
import { Lattice, Uniforms } from './lattice.js';

export interface IsingOptions {
  /** Sites along either edge, 2 .. 10,000; at 2, two neighbours are so on both sides, and count twice. Default 40 */
  size?: number;
  /** [t] numbers > 0, in units of the coupling over the Boltzmann constant. Default 0.25, 0.5 … 4 */
  temperatures?: ArrayInput;
  /** Lattices for each of the temperatures. Default 250 */
  samples?: number;
  /** 'wolff': a step is one cluster; 'metropolis': a step is one sweep, a proposal for each site on average. Default 'wolff' */
  algorithm?: 'wolff' | 'metropolis';
  /** Steps before the first sample's. Default: clusters until 50 sites have changed for each there is; 1,000 sweeps */
  burnIn?: number;
  /**
   * Steps before each sample. Default: as many clusters as change three sites for each there is, by the mean size of those of
   * the burn-in; 10 sweeps, too few for independent samples near the critical temperature
   */
  interval?: number;
  /** What each temperature begins with: all spins up (of Potts' states, all 0), or drawn. Default 'ordered' */
  start?: 'ordered' | 'random';
  /** q, 2 .. 256, for Potts' model: spins 0 .. q-1, energy `-J sum delta(s, s')`. Default: Ising's, -1 and 1, `-J sum s s'` */
  states?: number;
  /** J > 0. Default 1 */
  coupling?: number;
  /** A seed, or a generator to go on drawing from. Default: an unpredictable seed */
  randomState?: number | RandomState;
}

export interface IsingAsyncOptions extends IsingOptions {
  /** Rejects with code ERR_ABORTED, between two slices. */
  signal?: AbortSignal;
  /** Called between slices, and at the end, with the numbers of lattices. */
  onProgress?: (done: number, of: number) => void;
}

/** n = temperatures x samples lattices, temperature by temperature in the order given. */
export interface Ising {
  /** int32 [n, size, size] */
  spins: NDArray;
  /** float64 [n] */
  temperature: NDArray;
  /** float64 [n]: per spin, over all 2 size^2 pairs of neighbours on the periodic lattice. */
  energy: NDArray;
  /** float64 [n]: the mean spin; of Potts' states `(q m - 1) / (q - 1)`, m the share of the most frequent one. */
  magnetization: NDArray;
}

type Checked = ReturnType<typeof check>;

const OPTIONS = 'size,temperatures,samples,algorithm,burnIn,interval,start,states,coupling,randomState'.split(',');
/** Sites changed, or proposals, between two looks at the event loop: 2 to 6 ms. */
const SLICE = 100_000;

/**
 * Lattices of the Ising model, or of Potts', on a periodic square lattice, as a Markov chain visits them: by U. Wolff's
 * clusters (Physical Review Letters 62 (1989) 361) or by N. Metropolis' proposals.
 *
 * All numbers are drawn by `randomSample()`, u in [0, 1), so that a NumPy program repeats them. A random start: a state
 * `floor(u q)` for each site. A cluster: its first site `floor(u n)`, with q > 2 its new state `(s + 1 + floor(u (q - 1))) % q`;
 * then, for the site that was added last, one u for each of its right, left, lower and upper neighbour that still has the old
 * state: it is added where `u < 1 - exp(-b / T)`; b is 2 J for Ising's spins, J for Potts'. A proposal: its site, with q > 2 the
 * new state, and the u that accepts it where it is less than `exp(-b d / T)`, d the number by which fewer neighbours are alike.
 *
 * @throws RangeError or TypeError for an option that cannot be used; Error with code ERR_MEMORY, or ERR_BUSY while a call
 *   that draws from `randomState` is running
 */
export function makeIsing(options: IsingOptions = {}): Ising {
  checkOptions('options', options, OPTIONS);
  const checked = check(options);
  checkTurn(checked.random);
  const sampling = sample(checked);
  let next = sampling.next();
  while (!next.done) next = sampling.next();
  return next.value;
}

/**
 * The same lattices in slices of some milliseconds, between which the event loop goes on; of a lattice of 3,000 x 3,000 a slice is
 * 0.1 s at most, as its memory is taken in one.
 *
 * @throws (rejects) as `makeIsing` does; with code ERR_ABORTED, after which `randomState` has drawn what was used
 */
export async function makeIsingAsync(options: IsingAsyncOptions = {}): Promise<Ising> {
  checkOptions('options', options, [...OPTIONS, 'signal', 'onProgress']);
  const signal = signalOf(options);
  const { onProgress } = options;
  if (onProgress !== undefined && typeof onProgress !== 'function')
    throw wrongType('onProgress', 'a function', onProgress);
  const checked = check(options);
  const total = checked.temperatures.length * checked.samples;
  return await inTurn(checked.random, async () => {
    const sampling = sample(checked);
    while (true) {
      if (signal?.aborted) throw aborted(signal, 'sampling');
      const next = sampling.next();
      onProgress?.(next.done ? total : next.value, total);
      if (next.done) return next.value;
      await new Promise((resolve) => setImmediate(resolve));
    }
  });
}

function check(options: IsingOptions) {
  const {
    size = 40,
    samples = 250,
    algorithm = 'wolff',
    burnIn,
    interval,
    start = 'ordered',
    states,
    coupling = 1,
  } = options;
  if (checkInteger('size', size, 2) > 10_000) throw wrongValue('size', 'an integer in [2, 10000]', size);
  const given = options.temperatures ?? Float64Array.from({ length: 16 }, (_, i) => (i + 1) / 4);
  const temperatures = asArray('temperatures', given);
  if (temperatures.shape.length !== 1 || temperatures.size === 0)
    throw wrongShape('temperatures', 'a one-dimensional array that is not empty', temperatures.shape);
  for (const [i, t] of temperatures.data.entries())
    checkInterval(`temperatures[${i}]`, t, 0, Number.POSITIVE_INFINITY, 'low');
  checkInteger('samples', samples, 1);
  checkOneOf('algorithm', algorithm, ['wolff', 'metropolis']);
  if (burnIn !== undefined) checkInteger('burnIn', burnIn, 0);
  if (interval !== undefined) checkInteger('interval', interval, 1);
  if (interval === undefined && burnIn === 0 && algorithm === 'wolff')
    throw wrongType('interval', 'given where burnIn is 0', interval);
  checkOneOf('start', start, ['ordered', 'random']);
  if (states !== undefined && checkInteger('states', states, 2) > 256)
    throw wrongValue('states', 'an integer in [2, 256]', states);
  checkInterval('coupling', coupling, 0, Number.POSITIVE_INFINITY, 'low');
  const random = checkRandomState(options.randomState);
  return {
    size,
    temperatures: temperatures.data,
    samples,
    algorithm,
    burnIn,
    interval,
    start,
    states,
    coupling,
    random,
  };
}

/** Yields the number of lattices that are done, from time to time, with the generator where it should be. */
function* sample(checked: Checked): Generator<number, Ising> {
  const { size, temperatures, samples, algorithm, start, states, coupling } = checked;
  const n = size * size;
  const count = temperatures.length * samples;
  const spins = allocate(Int32Array, count * n);
  const [temperature, energy, magnetization] = [0, 0, 0].map(() => allocate(Float64Array, count));
  const uniforms = new Uniforms(checked.random);
  const lattice = new Lattice(size, states ?? 2, uniforms);
  const part = algorithm === 'wolff' ? () => lattice.cluster(SLICE) : () => lattice.sweep(SLICE);
  let done = 0;
  let slice = 0;
  function* pause(): Generator<number, void> {
    uniforms.settle();
    yield done;
  }
  const isLarge = n > SLICE;
  if (isLarge) yield* pause();
  /** Steps until there are so many, or until so many sites have changed; gives both. */
  function* run(steps: number, sites: number): Generator<number, [steps: number, sites: number]> {
    let [made, changed] = [0, 0];
    for (; made < steps && changed < sites; made++)
      do {
        const more = part();
        changed += more;
        slice += more;
        if (slice < SLICE) continue;
        slice = 0;
        yield* pause();
      } while (!lattice.isWhole);
    return [made, changed];
  }
  try {
    for (const t of temperatures) {
      lattice.begin((states === undefined ? 2 * coupling : coupling) / t, start);
      let { burnIn, interval } = checked;
      if (algorithm === 'metropolis') [burnIn, interval] = [burnIn ?? 1000, interval ?? 10];
      const [made, changed] = yield* run(
        burnIn ?? Number.POSITIVE_INFINITY,
        burnIn === undefined ? 50 * n : Number.POSITIVE_INFINITY,
      );
      interval ??= Math.max(1, Math.round((3 * n * made) / changed));
      for (let i = 0; i < samples; i++, done++) {
        yield* run(interval, Number.POSITIVE_INFINITY);
        const { sites } = lattice;
        if (isLarge) yield* pause();
        const pairs = lattice.alike();
        temperature[done] = t;
        energy[done] = (coupling * (states === undefined ? 2 * n - 2 * pairs : 0 - pairs)) / n;
        if (isLarge) yield* pause();
        const own = spins.subarray(done * n, (done + 1) * n);
        for (let j = 0; j < n; j++) own[j] = states === undefined ? 1 - 2 * sites[j] : sites[j];
        magnetization[done] = mean(sites, states);
      }
    }
  } finally {
    uniforms.settle();
  }
  const [a, b, c] = [temperature, energy, magnetization].map((values) => NDArray.wrap(values));
  return { spins: NDArray.wrap(spins, [count, size, size]), temperature: a, energy: b, magnetization: c };
}

function mean(sites: Uint8Array, states: number | undefined): number {
  const counts = new Int32Array(states ?? 2);
  for (let i = 0; i < sites.length; i++) counts[sites[i]]++;
  if (states === undefined) return (counts[0] - counts[1]) / sites.length;
  return ((states * Math.max(...counts)) / sites.length - 1) / (states - 1);
}
