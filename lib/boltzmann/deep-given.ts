import { type ArrayInput, asArray, checkArray, floatDType, NDArray, toMatrix } from '../array.js';
import { checkOptions, wrongShape, wrongType, wrongValue } from '../check.js';
import type { DeepState } from './deep-training.js';

export interface GivenWeights {
  readonly components: readonly ArrayInput[];
  readonly intercepts: readonly ArrayInput[];
}

/** Units of each layer, the visible one first. */
export function unitsOfWeights(weights: GivenWeights): number[] {
  checkOptions('weights', weights, ['components', 'intercepts']);
  for (const name of ['components', 'intercepts'] as const)
    if (!Array.isArray(weights[name])) throw wrongType(name, 'an array of arrays', weights[name]);
  const shapes = Array.from(weights.components, (w, l) => toMatrix(`components[${l}]`, w).shape);
  if (shapes.length === 0) throw wrongValue('components', 'those of one layer or more', weights.components);
  return [shapes[0][1], ...shapes.map(([units]) => units)];
}

/** A machine that was not trained: its chains begin at 0. */
export function stateOfWeights(weights: GivenWeights, units: readonly number[], nChains: number): DeepState {
  const dtype = weights.components.every((w) => floatDType(w) === 'float32') ? 'float32' : 'float64';
  const own = (name: keyof GivenWeights) =>
    Array.from(weights[name], (array, l) => NDArray.from(checkArray(`${name}[${l}]`, array), { dtype }));
  const state = {
    ...{ components: own('components'), intercepts: own('intercepts'), velocities: [], errors: [], steps: 0 },
    chains: units.flatMap((n, l) => (l % 2 ? [NDArray.zeros([nChains, n], dtype)] : [])),
  };
  checkShapes(state, units, '');
  return state;
}

/** @throws RangeError naming the first value that is no probability */
export function checkOdds(x: NDArray, name = 'x'): NDArray {
  const at = x.data.findIndex((value) => !(value >= 0 && value <= 1));
  if (at < 0) return x;
  const [row, column] = [Math.floor(at / x.shape[1]), at % x.shape[1]];
  throw new RangeError(
    `Expected ${name} to hold numbers in [0, 1], got ${x.data[at]} at row ${row}, column ${column} (MinMaxScaler brings others there)`,
  );
}

export function checkBetas(betas: ArrayInput): Float64Array {
  const values = Float64Array.from(asArray('betas', betas).data);
  if (
    values.length < 2 ||
    values[0] !== 0 ||
    values.at(-1) !== 1 ||
    values.some((b, i) => i > 0 && !(b >= values[i - 1]))
  )
    throw wrongValue('betas', 'ascending numbers from 0 to 1', betas);
  return values;
}

/** @throws RangeError for arrays that do not fit together */
export function checkShapes(state: DeepState, units: readonly number[], place: string): void {
  const { components, intercepts, chains, velocities } = state;
  const [{ dtype }] = components;
  const shapes = units.map((n) => [n]);
  const matrices = units.slice(1).map((n, l) => [n, units[l]]);
  const rows = chains[0].shape[0];
  const check = (name: string, arrays: readonly NDArray[], wanted: readonly (readonly number[])[]) => {
    if (arrays.length !== wanted.length) throw wrongValue(place + name, `a list of ${wanted.length} arrays`, arrays);
    for (const [i, { shape, dtype: own }] of arrays.entries())
      if (shape.join() !== wanted[i].join() || own !== dtype)
        throw wrongShape(`${place}${name}[${i}]`, `${dtype} of shape [${wanted[i].join(', ')}]`, shape);
  };
  check('components', components, matrices);
  check('intercepts', intercepts, shapes);
  check(
    'chains',
    chains,
    shapes.filter((_, l) => l % 2).map(([n]) => [rows, n]),
  );
  if (velocities.length > 0) check('velocities', velocities, [...matrices, ...shapes]);
}
