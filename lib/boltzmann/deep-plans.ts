import type { Plan } from '../plan.js';
import { type Buffer, type Scalar, Tape } from '../tape.js';
import {
  Chains,
  declareWeights,
  draw,
  drawLayers,
  type Layers,
  meanField,
  type Scales,
  States,
  store,
  type Weights,
} from './deep-layers.js';
import { declareGenerator } from './generator.js';

/** A plan in which machines run, and where its steps draw from. */
interface Drawing extends Weights {
  readonly plan: Plan;
  readonly generator: Buffer;
}

/** What a training step is recorded for. A sample of the plan is a whole batch. */
export interface StepShape extends Layers {
  /** Rows of data. */
  readonly rows: number;
  readonly nChains: number;
  /** Gibbs steps of the chains. */
  readonly k: number;
  readonly meanFieldIter: number;
  readonly momentum: number;
  readonly weightDecay: number;
  /** Of the two layers of a machine that is to be part of a deeper one: by what their fields are multiplied. Default: 1 */
  readonly scales?: readonly [visible: number, hidden: number];
}

export interface DeepStep extends Drawing {
  readonly shape: StepShape;
  /** Of the components and then the intercepts. */
  readonly velocities: readonly Buffer[];
  /** Layers 1, 3, … of the chains, [nChains * units]: those between are drawn given these. */
  readonly chains: readonly Buffer[];
  readonly x: Buffer;
  /** -1 / samples for each row of data; 0 for what a short batch has not. */
  readonly share: Buffer;
  readonly rate: Scalar;
  /** Of each row the mean squared error of its reconstruction, times the square of its share; the sum of these. */
  readonly error: Buffer;
}

/** The step, line by line (Salakhutdinov and Hinton 2009, algorithm 1): mean field for data, persistent chains for the machine. */
export function recordDeepStep(shape: StepShape): DeepStep {
  const { units, rows, nChains, k, momentum, weightDecay } = shape;
  const scale: Scales = (l) => shape.scales?.[l] ?? 1;
  const t = new Tape(shape.dtype);
  const weights = declareWeights(t, units);
  const parameters = [...weights.components, ...weights.intercepts];
  const velocities = parameters.map(({ name, shape }) => t.fixed('state', `${name}Velocity`, shape));
  const gradients = parameters.map(({ name, shape }) => t.fixed('gradient', `${name}Gradient`, shape));
  const ofChains = parameters.map(({ name, shape }) => t.fixed('gradient', `${name}OfChains`, shape));
  const error = t.fixed('report', 'error', [1]);
  const rate = t.scalar(0);
  const generator = declareGenerator(t);

  const data = new States(t, weights, 'data', rows);
  const logits = data.each('logits');
  const share = data.room('share', 1);
  const reconstruction = data.room('reconstruction', units[0]);
  const model = new Chains(t, weights, nChains);
  const p = model.each('p');

  /** Sums over rows of x[l + 1] x[l]^T and x[l], where `weighted` are the rows in their measure. */
  const statistics = (states: States, x: readonly Buffer[], weighted: readonly Buffer[], sums: readonly Buffer[]) => {
    for (const [l, w] of weights.components.entries()) {
      const [I, O] = w.shape;
      const pair = l % 2 ? [x[l + 1], weighted[l]] : [weighted[l + 1], x[l]];
      states.emit('weightGradient', [...pair, sums[l]], { I, O });
    }
    for (const [l, O] of units.entries())
      states.emit('biasGradient', [weighted[l], sums[weights.components.length + l]], { O });
  };

  t.program('train');
  meanField(data, logits, shape.meanFieldIter, scale);
  data.odds(0, reconstruction, scale(0));
  data.emit('weightRows', [reconstruction, share, reconstruction], { N: units[0] });
  const shared = data.each('shared');
  for (const [l, N] of units.entries()) data.emit('weightRows', [data.at[l], share, shared[l]], { N });
  data.emit('squaredErrors', [reconstruction, shared[0], undefined, error], { N: units[0] });
  statistics(data, data.at, shared, gradients);

  model.load();
  for (let step = 0; step < k; step++) {
    drawLayers(model, p, 0, generator, scale);
    drawLayers(model, p, 1, generator, scale);
  }
  model.keep();
  // what was drawn last enters with its odds, which vary less
  const ends = units.map((_, l) => (l % 2 ? p[l] : model.at[l]));
  const weighted = model.each('weighted');
  for (const [l, N] of units.entries())
    model.emit('linear', [ends[l], weighted[l]], { N }, { scale: 1 / nChains, shift: 0 });
  statistics(model, ends, weighted, ofChains);

  for (const [i, { size: N }] of parameters.entries()) {
    t.emit('add', [gradients[i], ofChains[i], gradients[i]], { N });
    const lmbd = i < weights.components.length ? weightDecay : 0;
    const update = { rate, momentum, nesterov: 0, lmbd, decay: 0 };
    t.emit('momentum', [gradients[i], velocities[i], parameters[i]], { N }, update);
  }
  const x = data.at[0];
  const plan = t.compile({ programs: ['train'], inputs: [x, share], outputs: [] });
  return { ...weights, shape, plan, generator, velocities, chains: model.kept, x, share, rate, error };
}

export interface DeepInference extends Weights {
  readonly plan: Plan;
  readonly x: Buffer;
  /** Mean field of every layer; that of the visible one is x. */
  readonly mu: readonly Buffer[];
  readonly reconstruction: Buffer;
  /** The variational bound of log p(x) + log Z. */
  readonly bound: Buffer;
}

/** What is computed of rows of x. */
export function recordDeepInference({ units, dtype }: Layers, meanFieldIter: number): DeepInference {
  const t = new Tape(dtype);
  const weights = declareWeights(t, units);
  const mu = new States(t, weights, 'mu', 1);
  const logits = mu.each('logits');
  const [reconstruction, bound, part] = [mu.room('reconstruction', units[0]), mu.room('bound', 1), mu.room('part', 1)];
  t.program('meanField');
  meanField(mu, logits, meanFieldIter);

  t.program('visible');
  mu.odds(0, reconstruction);
  t.compose('reconstruct', ['meanField', 'visible']);

  // E_Q[-E] + H(Q) (their equation 5); H of a layer is softplus(a) - mu a where mu = sigmoid(a): no logarithm of what may be 0
  t.program('sums');
  mu.emit('matmul', [mu.at[0], t.view(weights.intercepts[0], [units[0], 1]), bound], { O: 1, I: units[0] });
  for (let l = 1; l < units.length; l++) {
    const N = units[l];
    const [terms, softplus] = [mu.room(`terms${l}`, N), mu.room(`softplus${l}`, N)];
    mu.field(l, terms, 'below');
    mu.affine(l, terms, terms);
    mu.emit('subtract', [terms, logits[l], terms], { N });
    mu.emit('multiply', [terms, mu.at[l], terms], { N });
    mu.emit('softplus', [logits[l], softplus], { N });
    mu.emit('add', [terms, softplus, terms], { N });
    mu.emit('sumAxis', [terms, part], { A: 1, N, C: 1 }, { scale: 1 });
    mu.emit('add', [bound, part, bound], { N: 1 });
  }
  t.compose('bound', ['meanField', 'sums']);
  return { ...weights, plan: t.compile(), x: mu.at[0], mu: mu.at, reconstruction, bound };
}

export interface DeepChains extends Drawing {
  /** Layers 1, 3, …, [n * units]. */
  readonly chains: readonly Buffer[];
  /** The odds of the visible units in the last step, [n * units]. */
  readonly visible: Buffer;
}

/** One Gibbs step of n chains, on and on. */
export function recordDeepChains({ units, dtype }: Layers, n: number): DeepChains {
  const t = new Tape(dtype);
  const weights = declareWeights(t, units);
  const generator = declareGenerator(t);
  const states = new Chains(t, weights, n);
  const p = states.each('p');
  const visible = t.fixed('state', 'visible', [n * units[0]]);
  t.program('step');
  states.load();
  drawLayers(states, p, 0, generator);
  store(t, p[0], visible);
  drawLayers(states, p, 1, generator);
  states.keep();
  const plan = t.compile({ programs: ['step'], inputs: [], outputs: [] });
  return { ...weights, plan, generator, chains: states.kept, visible };
}

export interface DeepAnnealing extends Drawing {
  /** [runs] */
  readonly logWeights: Buffer;
  /** What the components are multiplied by, in the step before and in this one. */
  readonly before: Scalar;
  readonly beta: Scalar;
}

/**
 * Annealed importance sampling (Neal 2001; of these machines Salakhutdinov and Hinton 2009, 3.3): from the machine without components,
 * whose log Z is known, to that with all of them. Layers 1, 3, … are drawn, the others summed over.
 */
export function recordAnnealing({ units, dtype }: Layers, runs: number): DeepAnnealing {
  const t = new Tape(dtype);
  const weights = declareWeights(t, units);
  const [before, beta] = [t.scalar(0), t.scalar(0)];
  const generator = declareGenerator(t);
  const states = new Chains(t, weights, runs);
  const p = states.each('p');
  const [lower, terms] = [states.each('lower'), states.each('terms')];
  const [sums, gain] = [states.room('sums', 1), states.room('gain', 1)];
  const logWeights = t.fixed('state', 'logWeights', [runs]);
  t.program('begin');
  for (const l of states.odd) {
    states.emit('fill', [p[l]], { N: units[l] }, { value: 0 });
    states.affine(l, p[l], p[l]);
    states.emit('sigmoid', [p[l], p[l]], { N: units[l] });
    draw(states, l, p[l], generator);
  }
  states.keep();

  t.program('step');
  states.load();
  t.emit('repeatRows', [logWeights, sums], { N: runs });
  // log w += log p(odd layers | beta) - log p(odd layers | before): sums of softplus over the units of the others
  for (let l = 0; l < units.length; l += 2) {
    const N = units[l];
    states.field(l, p[l]);
    states.affine(l, p[l], lower[l], before);
    states.affine(l, p[l], p[l], beta);
    states.emit('softplus', [lower[l], lower[l]], { N });
    states.emit('softplus', [p[l], terms[l]], { N });
    states.emit('subtract', [terms[l], lower[l], terms[l]], { N });
    states.emit('sumAxis', [terms[l], gain], { A: 1, N, C: 1 }, { scale: 1 });
    states.emit('add', [sums, gain, sums], { N: 1 });
    states.emit('sigmoid', [p[l], p[l]], { N });
  }
  for (let l = 0; l < units.length; l += 2) draw(states, l, p[l], generator);
  drawLayers(states, p, 1, generator, () => beta);
  store(t, sums, logWeights);
  states.keep();
  const plan = t.compile({ programs: ['begin', 'step'], inputs: [], outputs: [] });
  return { ...weights, plan, generator, logWeights, before, beta };
}
