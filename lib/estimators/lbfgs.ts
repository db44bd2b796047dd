import { lineSearch } from './line-search.js';

export interface LbfgsOptions {
  /** Iterations at most. */
  maxIter: number;
  /** Evaluations after which no further iteration is begun. */
  maxFun: number;
  /** Converged where no component of the gradient is larger. */
  gtol: number;
  /** Converged where an iteration lowers f by less than this share of max(|f|, 1). Default 2.22e-9, as SciPy's */
  ftol?: number;
  /** Pairs of steps and gradient changes that are remembered. Default 10, as SciPy's */
  memory?: number;
  /** Told of each iteration when it is done, while the point is the last one that was evaluated. */
  onIteration?(done: Iteration): void;
}

export interface Iteration {
  x: Float64Array;
  f: number;
  /** Iterations done. */
  nIter: number;
}

export interface Evaluation {
  f: number;
  /** Read at once, and copied where it is kept. */
  gradient: Float64Array;
}

export interface LbfgsResult extends Evaluation, Iteration {
  /** Evaluations done. */
  nFun: number;
  /** 0: converged. 1: maxIter or maxFun was reached. 2: no step along the last direction lowers f. */
  status: 0 | 1 | 2;
  /** The reason in SciPy's words. */
  message: string;
}

const EVALUATIONS_A_SEARCH = 20;

/**
 * Minimizes a function by L-BFGS. A generator: it yields the points at which it wants the function's value and gradient,
 * which are what `next` is given, so that they can be computed anywhere, synchronously or not.
 *
 * Without bounds SciPy's L-BFGS-B is this method; the line search, the tests for convergence and their order are its own.
 * Sources: J. Nocedal, "Updating quasi-Newton matrices with limited storage", Math. Comp. 35 (1980);
 * C. Zhu, R. H. Byrd, P. Lu and J. Nocedal, "Algorithm 778: L-BFGS-B", ACM TOMS 23 (1997), and its Fortran code 3.0.
 */
export function* lbfgs(start: Float64Array, options: LbfgsOptions): Generator<Float64Array, LbfgsResult, Evaluation> {
  const { maxIter, maxFun, gtol, ftol = 2.220446049250313e-9, memory = 10 } = options;
  const pairs: Pair[] = [];
  let x = Float64Array.from(start);
  let { f, gradient } = copied(yield x);
  let nFun = 1;
  let nIter = 0;
  const result = (status: 0 | 1 | 2, message: string) => ({ x, f, gradient, nIter, nFun, status, message });
  if (largest(gradient) <= gtol) return result(0, 'CONVERGENCE: NORM_OF_PROJECTED_GRADIENT_<=_PGTOL');

  while (true) {
    const direction = descent(gradient, pairs);
    const slope0 = dot(gradient, direction);
    const before = { x, f, gradient };
    let step = 0;
    if (slope0 < 0) {
      const first = nIter === 0 ? Math.min(1 / Math.sqrt(dot(direction, direction)), 1e10) : 1;
      const steps = lineSearch(f, slope0, first);
      let wanted = steps.next();
      for (let k = 0; k < EVALUATIONS_A_SEARCH && !wanted.done; k++) {
        step = wanted.value;
        x = before.x.map((value, i) => value + step * direction[i]);
        ({ f, gradient } = copied(yield x));
        nFun++;
        wanted = steps.next({ f, slope: dot(gradient, direction) });
      }
      if (!wanted.done) {
        ({ x, f, gradient } = before);
        step = 0;
      }
    }
    if (step === 0) {
      // The pairs have become misleading: go on without them. Without any, nothing is left to try.
      if (pairs.length === 0) return result(2, 'ABNORMAL_TERMINATION_IN_LNSRCH');
      pairs.length = 0;
      continue;
    }

    nIter++;
    options.onIteration?.({ x, f, nIter });
    if (nIter >= maxIter) return result(1, 'STOP: TOTAL NO. of ITERATIONS REACHED LIMIT');
    if (nFun > maxFun) return result(1, 'STOP: TOTAL NO. of f AND g EVALUATIONS EXCEEDS LIMIT');
    if (largest(gradient) <= gtol) return result(0, 'CONVERGENCE: NORM_OF_PROJECTED_GRADIENT_<=_PGTOL');
    if (before.f - f <= ftol * Math.max(Math.abs(before.f), Math.abs(f), 1))
      return result(0, 'CONVERGENCE: REL_REDUCTION_OF_F_<=_FACTR*EPSMCH');

    const s = direction.map((d) => d * step);
    const y = gradient.map((g, i) => g - before.gradient[i]);
    const sy = dot(s, y);
    if (sy > Number.EPSILON * -slope0 * step) {
      if (pairs.length === memory) pairs.shift();
      pairs.push({ s, y, sy, yy: dot(y, y) });
    }
  }
}

/** A step s, the change y of the gradient along it, and the products the recursion needs of them. */
interface Pair {
  s: Float64Array;
  y: Float64Array;
  sy: number;
  yy: number;
}

/** -H g: the two-loop recursion over the pairs. */
function descent(gradient: Float64Array, pairs: readonly Pair[]): Float64Array {
  const d = gradient.map((g) => -g);
  const alpha = new Array<number>(pairs.length);
  for (let k = pairs.length - 1; k >= 0; k--) {
    const { s, y, sy } = pairs[k];
    alpha[k] = dot(s, d) / sy;
    add(d, -alpha[k], y);
  }
  const newest = pairs.at(-1);
  if (newest) {
    const gamma = newest.sy / newest.yy;
    for (let i = 0; i < d.length; i++) d[i] *= gamma;
  }
  for (const [k, { s, y, sy }] of pairs.entries()) add(d, alpha[k] - dot(y, d) / sy, s);
  return d;
}

const copied = ({ f, gradient }: Evaluation): Evaluation => ({ f, gradient: Float64Array.from(gradient) });

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}

/** a += factor * b */
function add(a: Float64Array, factor: number, b: Float64Array): void {
  for (let i = 0; i < a.length; i++) a[i] += factor * b[i];
}

/** The largest magnitude, NaN if one is. */
function largest(a: Float64Array): number {
  let most = 0;
  for (const value of a) most = Math.max(most, Math.abs(value));
  return most;
}
