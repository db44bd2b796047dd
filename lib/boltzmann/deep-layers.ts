import type { Buffer, FloatType, Scalar, Tape } from '../tape.js';

/** What all tapes of a machine are recorded for. */
export interface Layers {
  /** Units of each layer, the visible one first. */
  readonly units: readonly number[];
  readonly dtype: FloatType;
}

/** The parameters of a machine on a tape. */
export interface Weights {
  readonly units: readonly number[];
  /** Between layers l and l + 1: [units[l + 1], units[l]] */
  readonly components: readonly Buffer[];
  /** [units[l]] */
  readonly intercepts: readonly Buffer[];
}

export function declareWeights(t: Tape, units: readonly number[]): Weights {
  const components = units.slice(1).map((n, l) => t.fixed('parameter', `components${l}`, [n, units[l]]));
  return { units, components, intercepts: units.map((n, l) => t.fixed('parameter', `intercepts${l}`, [n])) };
}

/** By what the field of each layer is multiplied. */
export type Scales = (layer: number) => number | Scalar;
const once: Scales = () => 1;

/** States of all layers, a buffer each; so many rows of them for a sample of the plan. */
export class States {
  readonly t: Tape;
  readonly rows: number;
  readonly at: readonly Buffer[];
  readonly #weights: Weights;
  readonly #below: readonly Buffer[];

  constructor(t: Tape, weights: Weights, name: string, rows: number) {
    this.t = t;
    this.rows = rows;
    this.#weights = weights;
    this.at = this.each(name);
    this.#below = this.each(`${name}Below`);
  }

  /** Buffers for values of every unit. */
  each(name: string): Buffer[] {
    return this.#weights.units.map((n, l) => this.room(`${name}${l}`, n));
  }

  room(name: string, n: number): Buffer {
    return this.t.times(this.rows, () => this.t.batched(name, [n]));
  }

  emit(...instruction: Parameters<Tape['emit']>): void {
    this.t.times(this.rows, () => this.t.emit(...instruction));
  }

  /** z = what its neighbours bring to layer l, without its intercepts: both of them, or the one below alone. */
  field(l: number, z: Buffer, from: 'both' | 'below' = 'both'): void {
    const { units, components } = this.#weights;
    const isOfAbove = from === 'both' && l < units.length - 1;
    if (isOfAbove) this.emit('matmul', [this.at[l + 1], components[l], z], { O: units[l], I: units[l + 1] });
    if (l === 0) return;
    const below = isOfAbove ? this.#below[l] : z;
    this.emit('inputGradient', [this.at[l - 1], components[l - 1], below], { O: units[l - 1], I: units[l] });
    if (isOfAbove) this.emit('add', [z, below, z], { N: units[l] });
  }

  /** z = scale * field + intercepts; z may be the field. */
  affine(l: number, field: Buffer, z: Buffer, scale: number | Scalar = 1): void {
    const isScaled = scale !== 1;
    if (isScaled) this.emit('linear', [field, z], { N: z.size }, { scale, shift: 0 });
    this.emit('addBias', [isScaled ? z : field, this.#weights.intercepts[l], z], { O: z.size });
  }

  /** The odds of layer l being 1, given its neighbours. */
  odds(l: number, p: Buffer, scale: number | Scalar = 1): void {
    this.field(l, p);
    this.affine(l, p, p, scale);
    this.emit('sigmoid', [p, p], { N: p.size });
  }
}

/** States that go on from step to step: kept are layers 1, 3, …, as those between are drawn given these. */
export class Chains extends States {
  /** [rows * units] each. */
  readonly kept: readonly Buffer[];
  readonly odd: readonly number[];

  constructor(t: Tape, weights: Weights, rows: number) {
    super(t, weights, 'chains', rows);
    this.odd = weights.units.flatMap((_, l) => (l % 2 ? [l] : []));
    this.kept = this.odd.map((l) => t.fixed('state', `kept${l}`, [rows * weights.units[l]]));
  }

  /** Emits what a step begins with. */
  load(): void {
    for (const [i, l] of this.odd.entries())
      this.t.emit('repeatRows', [this.kept[i], this.at[l]], { N: this.kept[i].size });
  }

  /** Emits what it ends with. */
  keep(): void {
    for (const [i, l] of this.odd.entries()) store(this.t, this.at[l], this.kept[i]);
  }
}

/** fixed = rows: a sum of one row, that is itself */
export function store(t: Tape, rows: Buffer, fixed: Buffer): void {
  t.emit('biasGradient', [rows, fixed], { O: fixed.size });
}

/** Draws every second layer, from `first` on, given the others; `p` is left with the odds. */
export function drawLayers(
  states: States,
  p: readonly Buffer[],
  first: 0 | 1,
  generator: Buffer,
  scale: Scales = once,
): void {
  for (let l = first; l < p.length; l += 2) {
    states.odds(l, p[l], scale(l));
    draw(states, l, p[l], generator);
  }
}

/** states[l] = u < p */
export function draw(states: States, l: number, p: Buffer, generator: Buffer): void {
  states.emit('drawBernoulli', [p, generator, states.at[l]], { N: p.size });
}

/**
 * Mean field (Salakhutdinov and Hinton 2009, 2.2): a pass from below, in which each layer that has another one above gets its field
 * twice, as that one is not known yet; then `sweeps` times each layer given its neighbours. `logits` is left with that of which `mu`
 * is the sigmoid. Of one hidden layer the pass is exact, and all.
 */
export function meanField(mu: States, logits: readonly Buffer[], sweeps: number, scale: Scales = once): void {
  const top = logits.length - 1;
  const update = (l: number, from: 'below' | 'both', factor: number | Scalar) => {
    mu.field(l, logits[l], from);
    mu.affine(l, logits[l], logits[l], factor);
    mu.emit('sigmoid', [logits[l], mu.at[l]], { N: logits[l].size });
  };
  for (let l = 1; l <= top; l++) update(l, 'below', l < top ? 2 : scale(l));
  for (let s = 0; s < sweeps && top > 1; s++) for (let l = 1; l <= top; l++) update(l, 'both', scale(l));
}
