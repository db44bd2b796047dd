import { NDArray } from '../array.js';
import type { Plan } from '../plan.js';
import type { RandomState } from '../random.js';
import type { Buffer, Tape } from '../tape.js';
import type { Training } from '../train.js';

/** The words of its key; then its position, whether a normal number is kept, and that number: Mt19937::save in native/random.h. */
const KEY = 624;
const ROOM = 648;

/** Where kernels of a plan draw from. */
export const declareGenerator = (t: Tape): Buffer => t.fixed('state', 'generator', [ROOM], 'int32');

/** A training whose steps draw from `random`, wherever it ends. */
export function* drawing<R>(plan: Plan, generator: Buffer, random: RandomState, training: Training<R>): Training<R> {
  const [, key, position, hasGauss, gauss] = random.getState();
  const words = new Int32Array(ROOM);
  words.set(key);
  words.set([position, hasGauss], KEY);
  words.set(new Int32Array(Float64Array.of(gauss).buffer), KEY + 2);
  plan.write(generator, NDArray.wrap(words));
  try {
    return yield* training;
  } finally {
    const left = plan.read(generator).data as Int32Array;
    const [kept] = new Float64Array(left.slice(KEY + 2, KEY + 4).buffer);
    random.setState([
      'MT19937',
      Uint32Array.from(left.subarray(0, KEY), (w) => w >>> 0),
      left[KEY],
      left[KEY + 1],
      kept,
    ]);
  }
}
