import { checkInterval } from '../check.js';

export interface Onsager {
  /** Per spin, in the coupling's units. */
  energy: number;
  /** Spontaneous, per spin, without its sign: 0 .. 1, and 0 from the critical temperature on. */
  magnetization: number;
  /** Per spin, in units of the Boltzmann constant. Infinity at the critical temperature, `2 / Math.log(1 + Math.SQRT2)`. */
  specificHeat: number;
}

const CRITICAL = 2 / Math.log(1 + Math.SQRT2);

/**
 * The exact numbers of the Ising model on an infinite square lattice without a field: L. Onsager, Physical Review 65
 * (1944) 117, and C. N. Yang, Physical Review 85 (1952) 808. The elliptic integrals are calculated by the arithmetic-geometric
 * mean, without cancellation at either end.
 *
 * @param temperature > 0, in units of the coupling over the Boltzmann constant
 * @param coupling J > 0 of the energy `-J sum s s'` over pairs of neighbours. Default 1
 */
export function onsager(temperature: number, coupling = 1): Onsager {
  checkInterval('temperature', temperature, 0, Number.POSITIVE_INFINITY, 'low');
  checkInterval('coupling', coupling, 0, Number.POSITIVE_INFINITY, 'low');
  const k = Math.min(Math.max(coupling / temperature, Number.MIN_VALUE), Number.MAX_VALUE); // neither 0 nor Infinity
  const tanh = Math.tanh(2 * k);
  const sech = 1 / Math.cosh(2 * k);
  const order = tanh * tanh - sech * sech; // 2 tanh^2 - 1, whose size is the complementary modulus
  const above = 2 * tanh * tanh; // 1 + order
  const below = 2 * sech * sech; // 1 - order
  if (order === 0 || temperature === coupling * CRITICAL)
    return { energy: -coupling * Math.SQRT2, magnetization: 0, specificHeat: Number.POSITIVE_INFINITY };
  // agm(1, |order|) = 1 - sum of c_n, with c_n half the difference of the means n - 1
  let a = 1;
  let g = Math.abs(order);
  let difference = order > 0 ? below : above;
  let less = 0;
  let squares = 0;
  for (let weight = 2; difference > 0; weight *= 2) {
    const c = difference / 2;
    less += c;
    squares += weight * c * c;
    const roots = Math.sqrt(a) + Math.sqrt(g);
    [a, g] = [(a + g) / 2, Math.sqrt(a * g)];
    difference = (difference / roots) ** 2 / 2;
  }
  const bracket = order > 0 ? 1 + order / a : (above - less) / a;
  const slope = k / tanh;
  return {
    energy: -coupling * (bracket / tanh),
    magnetization: order > 0 ? (1 - Math.sinh(2 * k) ** -4) ** (1 / 8) : 0,
    specificHeat: slope * (slope * ((below * less + squares) / a)),
  };
}
