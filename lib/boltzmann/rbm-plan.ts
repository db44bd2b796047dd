import type { Plan } from '../plan.js';
import { type Buffer, type FloatType, Tape } from '../tape.js';
import { declareGenerator } from './generator.js';

/** What a training step of a restricted Boltzmann machine is recorded for. A sample of the plan is a whole batch. */
export interface StepShape {
  readonly visible: number;
  readonly hidden: number;
  readonly dtype: FloatType;
  /** Rows of data. */
  readonly rows: number;
  /** Rows of the chain, whose hidden units persist from step to step; undefined: each step begins one at its data. */
  readonly chain: number | undefined;
  /** Steps of Gibbs. */
  readonly k: number;
  readonly gaussian: boolean;
  readonly momentum: number;
  /** Of the components: what each step takes from them. */
  readonly decay: number;
}

export interface RBMPlan {
  readonly shape: StepShape;
  readonly plan: Plan;
  /** [visible, hidden] */
  readonly components: Buffer;
  readonly interceptHidden: Buffer;
  readonly interceptVisible: Buffer;
  /** Of the components and the intercepts, where there is momentum. */
  readonly velocities: readonly Buffer[];
  /** [chain, hidden], where it persists. */
  readonly chain: Buffer | undefined;
  readonly x: Buffer;
  /** learningRate / rows for each row of data, less than 0 for each of the chain; 0 for what a short batch has not. */
  readonly rate: Buffer;
  readonly generator: Buffer;
}

/** The step, line by line: stochastic maximum likelihood (Tieleman 2008), or contrastive divergence (Hinton 2002). */
export function recordStep(shape: StepShape): RBMPlan {
  const { visible: V, hidden: H, rows: P, k, gaussian, momentum, decay } = shape;
  const C = shape.chain ?? P;
  const t = new Tape(shape.dtype);
  const w = t.fixed('parameter', 'components', [V, H]);
  const bh = t.fixed('parameter', 'interceptHidden', [H]);
  const bv = t.fixed('parameter', 'interceptVisible', [V]);
  const parameters = [w, bh, bv];
  const velocities =
    momentum > 0 ? parameters.map(({ name, shape }) => t.fixed('state', `${name}Velocity`, shape)) : [];
  const chain = shape.chain === undefined ? undefined : t.fixed('state', 'chain', [C, H]);
  const [dbh, dbv] = [bh, bv].map(({ name, shape }) => t.fixed('gradient', `${name}Gradient`, shape));
  const batched = (rows: number, name: string, width: number) => t.times(rows, () => t.batched(name, [width]));
  const emitRows = (rows: number, ...instruction: Parameters<Tape['emit']>) =>
    t.times(rows, () => t.emit(...instruction));
  const generator = declareGenerator(t);

  const rate = batched(P + C, 'rate', 1);
  const both = batched(P + C, 'vBoth', V); // the data, and below them the chain's
  const [x, vChain] = [t.part(both, 0, [V], P), t.part(both, P * V, [V], C)];
  const hBoth = batched(P + C, 'hBoth', H);
  const vRated = batched(P + C, 'vRated', V);
  const pv = batched(C, 'pv', V);
  let h = batched(C, 'h', H);
  const affine = gaussian ? 'affine' : 'sparseAffine';

  /** h = u < p(h | v) = sigmoid(v W + b_h) */
  const sampleHidden = (from: Buffer, i: number) => {
    const ph = batched(C, `ph${i}`, H);
    emitRows(C, affine, [from, w, bh, ph], { O: H, I: V });
    emitRows(C, 'sigmoid', [ph, ph], { N: H });
    h = batched(C, `h${i}`, H);
    emitRows(C, 'drawBernoulli', [ph, generator, h], { N: H });
  };

  t.program('train');
  if (chain) t.emit('repeatRows', [chain, h], { N: C * H });
  else sampleHidden(x, 0);
  for (let i = 1; i <= k; i++) {
    // p(v | h) = sigmoid(h W^T + b_v), of Gaussian units their mean
    emitRows(C, 'inputGradient', [h, w, pv], { O: H, I: V });
    emitRows(C, 'addBias', [pv, bv, pv], { O: V });
    if (!gaussian) emitRows(C, 'sigmoid', [pv, pv], { N: V });
    emitRows(C, gaussian ? 'drawNormal' : 'drawBernoulli', [pv, generator, vChain], { N: V });
    if (i < k) sampleHidden(vChain, i);
  }
  emitRows(P + C, affine, [both, w, bh, hBoth], { O: H, I: V });
  emitRows(P + C, 'sigmoid', [hBoth, hBoth], { N: H });
  if (chain) {
    h = batched(C, 'hNext', H);
    emitRows(C, 'drawBernoulli', [t.part(hBoth, P * H, [H], C), generator, h], { N: H });
    t.emit('biasGradient', [h, chain], { O: C * H }); // of one row: as it is
  }
  // rate * (v_pos^T h_pos - v_neg^T h_neg), and of sums of the rows
  emitRows(P + C, 'weightRows', [hBoth, rate, hBoth], { N: H });
  emitRows(P + C, 'biasGradient', [hBoth, dbh], { O: H });
  emitRows(P + C, 'weightRows', [both, rate, vRated], { N: V });
  emitRows(P + C, 'biasGradient', [vRated, dbv], { O: V });
  const add = (from: Buffer, to: Buffer, scale: number) =>
    t.emit('sgd', [from, to], { N: to.size }, { eta: -scale, lmbd: 0 });
  const update = (to: Buffer, keep: number) =>
    emitRows(P + C, 'sparseWeightUpdate', [both, hBoth, to], { O: H, I: V }, { keep });
  if (velocities.length === 0) {
    update(w, 1 - decay);
    add(dbh, bh, 1);
    add(dbv, bv, 1);
  } else {
    const [vw, vbh, vbv] = velocities;
    update(vw, momentum);
    if (decay > 0) add(w, vw, -decay);
    add(vw, w, 1);
    for (const [db, v, b] of [
      [dbh, vbh, bh],
      [dbv, vbv, bv],
    ])
      t.emit('momentum', [db, v, b], { N: b.size }, { rate: -1, momentum, nesterov: 0, lmbd: 0, decay: 0 });
  }
  const plan = t.compile({ programs: ['train'], inputs: [both, rate], outputs: [] });
  return {
    ...{ shape, plan, components: w, interceptHidden: bh, interceptVisible: bv, velocities },
    ...{ chain, x, rate, generator },
  };
}

/** What is computed of rows of a machine that is trained. */
export interface RBMInference {
  readonly plan: Plan;
  readonly components: Buffer;
  readonly interceptHidden: Buffer;
  readonly interceptVisible: Buffer;
  readonly x: Buffer;
  /** Hidden units given. */
  readonly given: Buffer;
  /** p(h | v) of x, and of what is given the mean of v. */
  readonly h: Buffer;
  readonly v: Buffer;
  /** Both parts of the free energy's negative: v b_v, and the sum of log(1 + exp(v W + b_h)). */
  readonly linear: Buffer;
  readonly softplus: Buffer;
}

export function recordInference({
  visible: V,
  hidden: H,
  dtype,
  gaussian,
}: Pick<StepShape, 'visible' | 'hidden' | 'dtype' | 'gaussian'>): RBMInference {
  const t = new Tape(dtype);
  const components = t.fixed('parameter', 'components', [V, H]);
  const interceptHidden = t.fixed('parameter', 'interceptHidden', [H]);
  const interceptVisible = t.fixed('parameter', 'interceptVisible', [V]);
  const [x, given] = [t.batched('x', [V]), t.batched('hiddenUnits', [H])];
  const [h, v] = [t.batched('h', [H]), t.batched('v', [V])];
  const [linear, softplus] = [t.batched('linear', [1]), t.batched('softplus', [1])];
  const activities = () => t.emit('affine', [x, components, interceptHidden, h], { O: H, I: V });
  t.program('hidden');
  activities();
  t.emit('sigmoid', [h, h], { N: H });
  t.program('visible');
  t.emit('inputGradient', [given, components, v], { O: H, I: V });
  t.emit('addBias', [v, interceptVisible, v], { O: V });
  if (!gaussian) t.emit('sigmoid', [v, v], { N: V });
  t.program('freeEnergy');
  activities();
  t.emit('softplus', [h, h], { N: H });
  t.emit('sumAxis', [h, softplus], { A: 1, N: H, C: 1 }, { scale: 1 });
  t.emit('matmul', [x, t.view(interceptVisible, [V, 1]), linear], { O: 1, I: V });
  return { plan: t.compile(), components, interceptHidden, interceptVisible, x, given, h, v, linear, softplus };
}
