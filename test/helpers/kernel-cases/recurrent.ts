import type { Dims, Draw, KernelCase, KernelCases, Values } from './case.js';

const sigmoid = (z: number) => 1 / (1 + Math.exp(-z));
const SELU = [1.0507009873554805, 1.6732632423543772];

/** Activations in the order of their codes, and their derivatives where the value is y. */
const GATES: readonly [f: (z: number) => number, slope: (y: number) => number][] = [
  [(z) => z, () => 1],
  [sigmoid, (y) => y * (1 - y)],
  [Math.tanh, (y) => 1 - y * y],
  [(z) => Math.max(z, 0), (y) => (y > 0 ? 1 : 0)],
  [(z) => Math.min(1, Math.max(0, (z + 3) / 6)), (y) => (y > 0 && y < 1 ? 1 / 6 : 0)],
  [(z) => (z > 0 ? z : Math.expm1(z)), (y) => (y > 0 ? 1 : y + 1)],
  [(z) => SELU[0] * (z > 0 ? z : SELU[1] * Math.expm1(z)), (y) => (y > 0 ? SELU[0] : y + SELU[0] * SELU[1])],
  [(z) => Math.max(z, 0) + Math.log1p(Math.exp(-Math.abs(z))), (y) => -Math.expm1(-y)],
  [(z) => z / (1 + Math.abs(z)), (y) => (1 - Math.abs(y)) ** 2],
  [Math.exp, (y) => y],
];

const DIMS: readonly Dims[] = [
  { B: 1, S: 1, U: 1 },
  { B: 3, S: 4, U: 5 },
  { B: 37, S: 3, U: 20 },
  { B: 5, S: 2, U: 67 },
];
const PAIRS = [
  { activation: 2, recurrent: 1 },
  { activation: 3, recurrent: 4 },
  { activation: 8, recurrent: 1 },
];
const ALL = GATES.map((_, activation) => ({ activation }));

/** Masks of 0 and 1, weights that keep states small, dropout of 0 and 2; all else normal. */
const fill =
  (names: readonly string[]): KernelCase['fill'] =>
  (k, draw: Draw, { U }) => {
    const name = names[k];
    if (name === 'mask') return draw.integers(4).map((x) => Math.min(x, 1));
    if (name === 'drop') return draw.integers(2).map((x) => 2 * x);
    if (name === 'r' || name === 'rt') return draw.normal().map((x) => x / (2 * Math.sqrt(U)));
    return name === 'gates' ? draw.uniform(-1, 1) : draw.normal().map((x) => x / 2);
  };

/** a[n] @ m[n, N] */
function times(a: ArrayLike<number>, m: Float64Array, N: number, first = 0, count = N): Float64Array {
  const out = new Float64Array(count);
  for (let i = 0; i < a.length; i++) for (let j = 0; j < count; j++) out[j] += a[i] * m[i * N + first + j];
  return out;
}

interface Given {
  readonly h0: Float64Array;
  readonly drop: Float64Array;
  readonly mask: Float64Array;
}

const at = (x: Float64Array, row: number, U: number) => x.slice(row * U, (row + 1) * U);
const product = (x: Float64Array, y: Float64Array) => x.map((v, j) => v * y[j]);

/** fn(b, s, state before, what of it meets R) gives the state after a step that counts. */
function forwards(
  { h0, drop, mask }: Given,
  { B, S, U }: Dims,
  fn: (row: number, b: number, state: Float64Array, entering: Float64Array) => Float64Array | undefined,
): Float64Array {
  const h = new Float64Array(B * S * U);
  for (let b = 0; b < B; b++) {
    let state: Float64Array = at(h0, b, U);
    for (let s = 0; s < S; s++) {
      const row = b * S + s;
      const next = fn(row, b, state, product(state, at(drop, b, U)));
      if (mask[row] !== 0 && next) state = next;
      h.set(state, row * U);
    }
  }
  return h;
}

/** fn(row, b, s, gradient of the state) gives what flows to the state before, R left out; and dz's gradient of its product with R. */
function backwards(
  { drop, mask, dh, dlast, rt }: Record<'drop' | 'mask' | 'dh' | 'dlast' | 'rt', Float64Array>,
  { B, S, U }: Dims,
  fn: (row: number, b: number, s: number, total: Float64Array) => { delta: Float64Array; kept?: Float64Array },
): Float64Array {
  const dh0 = new Float64Array(B * U);
  for (let b = 0; b < B; b++) {
    let carry = at(dlast, b, U);
    for (let s = S - 1; s >= 0; s--) {
      const row = b * S + s;
      const total = carry.map((v, j) => v + dh[row * U + j]);
      if (mask[row] === 0) {
        carry = total;
        continue;
      }
      const { delta, kept } = fn(row, b, s, total);
      carry = product(times(delta, rt, U), at(drop, b, U)).map((v, j) => v + (kept?.[j] ?? 0));
    }
    dh0.set(carry, b * U);
  }
  return dh0;
}

const SIMPLE = ['z', 'r', 'h0', 'drop', 'mask'];
const LSTM = ['z', 'r', 'h0', 'c0', 'drop', 'mask'];
const GRU = ['z', 'r', 'b', 'h0', 'drop', 'mask'];

export const recurrent: KernelCases = {
  simpleRnn: {
    dims: DIMS,
    scalars: ALL,
    fill: fill(SIMPLE),
    reference: ([z, r, h0, drop, mask], d, { activation }) => {
      const [act] = GATES[activation];
      const { U } = d;
      return [
        forwards({ h0, drop, mask }, d, (row, _, __, entering) =>
          times(entering, r, U).map((v, j) => act(v + z[row * U + j])),
        ),
      ];
    },
    tolerance: 64,
  },
  simpleRnnGradient: {
    dims: DIMS,
    scalars: ALL,
    fill: fill(['gates', 'rt', 'drop', 'mask', 'dh', 'dlast']),
    reference: ([h, rt, drop, mask, dh, dlast], d, { activation }) => {
      const [, slope] = GATES[activation];
      const { B, S, U } = d;
      const dz = new Float64Array(B * S * U);
      const dh0 = backwards({ drop, mask, dh, dlast, rt }, d, (row, _, __, total) => {
        const delta = total.map((v, j) => v * slope(h[row * U + j]));
        dz.set(delta, row * U);
        return { delta };
      });
      return [dz, dh0];
    },
    tolerance: 64,
  },
  lstm: {
    dims: DIMS,
    scalars: PAIRS,
    fill: fill(LSTM),
    reference: ([z, r, h0, c0, drop, mask], d, { activation, recurrent: rec }) => {
      const [[act], [gate]] = [GATES[activation], GATES[rec]];
      const { B, S, U } = d;
      const [gates, c] = [new Float64Array(B * S * 4 * U), new Float64Array(B * S * U)];
      const h = forwards({ h0, drop, mask }, d, (row, b, _, entering) => {
        const sums = times(entering, r, 4 * U).map((v, j) => v + z[row * 4 * U + j]);
        const before = row % S === 0 ? at(c0, b, U) : at(c, row - 1, U);
        if (mask[row] === 0) {
          gates.set(sums, row * 4 * U); // which nobody reads
          c.set(before, row * U);
          return undefined;
        }
        const y = sums.map((v, j) => (j >= 2 * U && j < 3 * U ? act(v) : gate(v)));
        gates.set(y, row * 4 * U);
        const cell = before.map((v, j) => y[U + j] * v + y[j] * y[2 * U + j]);
        c.set(cell, row * U);
        return cell.map((v, j) => y[3 * U + j] * act(v));
      });
      return [gates, c, h];
    },
    tolerance: 64,
  },
  lstmGradient: {
    dims: DIMS,
    scalars: PAIRS,
    fill: fill(['gates', 'c', 'rt', 'c0', 'drop', 'mask', 'dh', 'dlast', 'dc']),
    reference: ([gates, c, rt, c0, drop, mask, dh, dlast, dc], d, { activation, recurrent: rec }) => {
      const [[act, slope], [, gateSlope]] = [GATES[activation], GATES[rec]];
      const { B, S, U } = d;
      const dz = new Float64Array(B * S * 4 * U);
      const cells = dc.slice();
      const dh0 = backwards({ drop, mask, dh, dlast, rt }, d, (row, b, s, total) => {
        const y = (k: number, j: number) => gates[row * 4 * U + k * U + j];
        const delta = new Float64Array(4 * U);
        for (let j = 0; j < U; j++) {
          const active = act(c[row * U + j]);
          const down = cells[b * U + j] + total[j] * y(3, j) * slope(active);
          const old = s > 0 ? c[(row - 1) * U + j] : c0[b * U + j];
          delta[j] = down * y(2, j) * gateSlope(y(0, j));
          delta[U + j] = down * old * gateSlope(y(1, j));
          delta[2 * U + j] = down * y(0, j) * slope(y(2, j));
          delta[3 * U + j] = total[j] * active * gateSlope(y(3, j));
          cells[b * U + j] = down * y(1, j);
        }
        dz.set(delta, row * 4 * U);
        return { delta };
      });
      return [dz, dh0, cells];
    },
    tolerance: 64,
  },
  gru: {
    dims: DIMS,
    scalars: PAIRS.flatMap((pair) => [
      { ...pair, after: 1 },
      { ...pair, after: 0 },
    ]),
    fill: (k, draw, d, s) =>
      k === 5
        ? new Float64Array(draw.length).fill(1)
        : k === 2 && s.after === 0
          ? new Float64Array(draw.length)
          : fill(GRU)?.(k, draw, d, s),
    reference: ([z, r, bias, h0, drop, mask], d, { activation, recurrent: rec, after }) => {
      const [[act], [gate]] = [GATES[activation], GATES[rec]];
      const { B, S, U } = d;
      const [gates, inner] = [new Float64Array(B * S * 3 * U), new Float64Array(B * S * U)];
      const h = forwards({ h0, drop, mask }, d, (row, _, state, entering) => {
        const x = at(z, row, 3 * U).map((v, j) => v + bias[j]);
        const sums = times(entering, r, 3 * U).map((v, j) => v + bias[3 * U + j]);
        const y = x.map((v, j) => gate(v + sums[j]));
        const reset = y.slice(U, 2 * U);
        const own = after ? sums.slice(2 * U) : product(reset, entering);
        inner.set(own, row * U);
        const met = after ? product(reset, own) : times(own, r, 3 * U, 2 * U, U);
        const fresh = met.map((v, j) => act(v + x[2 * U + j]));
        y.set(fresh, 2 * U);
        gates.set(y, row * 3 * U);
        return fresh.map((v, j) => v + y[j] * (state[j] - v));
      });
      return [gates, inner, h];
    },
    tolerance: 64,
  },
  gruGradient: {
    dims: DIMS,
    scalars: PAIRS,
    fill: fill(['gates', 'inner', 'gates', 'rt', 'h0', 'drop', 'mask', 'dh', 'dlast']),
    reference: ([gates, inner, h, rt, h0, drop, mask, dh, dlast], d, { activation, recurrent: rec }) => {
      const [[, slope], [, gateSlope]] = [GATES[activation], GATES[rec]];
      const { B, S, U } = d;
      const [dz, deltas] = [new Float64Array(B * S * 3 * U), new Float64Array(B * S * 3 * U)];
      const dh0 = backwards({ drop, mask, dh, dlast, rt }, d, (row, b, s, total) => {
        const y = (k: number, j: number) => gates[row * 3 * U + k * U + j];
        const delta = new Float64Array(3 * U);
        for (let j = 0; j < U; j++) {
          const old = s > 0 ? h[(row - 1) * U + j] : h0[b * U + j];
          const dn = total[j] * (1 - y(0, j)) * slope(y(2, j));
          delta[j] = total[j] * (old - y(2, j)) * gateSlope(y(0, j));
          delta[U + j] = dn * inner[row * U + j] * gateSlope(y(1, j));
          delta[2 * U + j] = dn;
        }
        dz.set(delta, row * 3 * U);
        for (let j = 0; j < U; j++) delta[2 * U + j] *= y(1, j);
        deltas.set(delta, row * 3 * U);
        return { delta, kept: total.map((v, j) => v * y(0, j)) };
      });
      return [dz, deltas, dh0];
    },
    tolerance: 64,
  },
  previousStates: {
    dims: DIMS,
    fill: fill(['h', 'h0', 'drop']),
    reference: ([h, h0, drop], { B, S, U }) => {
      const before = new Float64Array(B * S * U);
      for (let b = 0; b < B; b++)
        for (let s = 0; s < S; s++)
          before.set(product(s > 0 ? at(h, b * S + s - 1, U) : at(h0, b, U), at(drop, b, U)), (b * S + s) * U);
      return [before] as Values[];
    },
  },
  maskWeights: {
    dims: [{ B: 1 }, { B: 300 }],
    fill: (k, draw) => (k === 0 ? draw.integers(2) : [37]),
    reference: ([mask, [valid]], { B }) => [mask.map((m) => (m * B) / valid)],
  },
};
