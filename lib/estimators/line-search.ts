/** A point of a line search: a step, the function's value there, and its derivative along the line. */
interface Point {
  step: number;
  f: number;
  slope: number;
}

/** The interval in which the minimum lies: its best end, its other end, and whether it is known to hold a minimum. */
interface Bracket {
  best: Point;
  other: Point;
  closed: boolean;
}

const SUFFICIENT_DECREASE = 1e-3;
const CURVATURE = 0.9;
const INTERVAL_TOLERANCE = 0.1;
const LONGEST = 1e10;

/**
 * Searches along a line for a step that satisfies the strong Wolfe conditions,
 * f(step) <= f(0) + 1e-3 step f'(0) and |f'(step)| <= 0.9 |f'(0)|. A generator: it yields the step at which it wants f
 * and f', which are what `next` is given, and returns when the last step yielded is to be taken.
 *
 * Source: J. J. Moré and D. J. Thuente, "Line search algorithms with guaranteed sufficient decrease", ACM TOMS 20 (1994),
 * as in MINPACK-2's dcsrch, with the tolerances of L-BFGS-B 3.0. As there, a search also ends once the bracket is shorter
 * than a tenth of its upper end.
 */
export function* lineSearch(
  f0: number,
  slope0: number,
  first: number,
): Generator<number, void, { f: number; slope: number }> {
  const start = { step: 0, f: f0, slope: slope0 };
  const least = SUFFICIENT_DECREASE * slope0;
  const bracket: Bracket = { best: start, other: start, closed: false };
  let modified = true; // the first stage looks at f - step * least
  let width = LONGEST;
  let widthBefore = 2 * width;
  let low = 0;
  let high = 5 * first;
  let step = first;
  while (true) {
    const point = { step, ...(yield step) };
    const { f, slope } = point;
    if (!Number.isFinite(f) || !Number.isFinite(slope)) {
      step = (bracket.best.step + step) / 2; // back to where the function has values
      continue;
    }
    const enough = f0 + step * least;
    if (modified && f <= enough && slope >= 0) modified = false;

    if (f <= enough && Math.abs(slope) <= CURVATURE * -slope0) return;
    if (bracket.closed && (step <= low || step >= high || high - low <= INTERVAL_TOLERANCE * high)) return;
    if (step === LONGEST && f <= enough && slope <= least) return;
    if (step === 0 && (f > enough || slope >= least)) return;

    if (modified && f <= bracket.best.f && f > enough) {
      const tilt = (p: Point, by: number) => ({ step: p.step, f: p.f + p.step * by, slope: p.slope + by });
      const tilted = { best: tilt(bracket.best, -least), other: tilt(bracket.other, -least), closed: bracket.closed };
      step = nextStep(tilted, tilt(point, -least), low, high);
      bracket.best = tilt(tilted.best, least);
      bracket.other = tilt(tilted.other, least);
      bracket.closed = tilted.closed;
    } else {
      step = nextStep(bracket, point, low, high);
    }
    const { best, other } = bracket;
    if (bracket.closed) {
      if (Math.abs(other.step - best.step) >= 0.66 * widthBefore) step = best.step + 0.5 * (other.step - best.step);
      widthBefore = width;
      width = Math.abs(other.step - best.step);
      low = Math.min(best.step, other.step);
      high = Math.max(best.step, other.step);
    } else {
      low = step + 1.1 * (step - best.step);
      high = step + 4 * (step - best.step);
    }
    step = Math.min(Math.max(step, 0), LONGEST);
    if (bracket.closed && (step <= low || step >= high || high - low <= INTERVAL_TOLERANCE * high)) step = best.step;
  }
}

/**
 * Takes the newest point into the bracket and gives the next step: a safeguarded minimum of a cubic, or of a parabola
 * (MINPACK-2's dcstep).
 */
function nextStep(bracket: Bracket, newest: Point, low: number, high: number): number {
  const { best, other } = bracket;
  const { step, f, slope } = newest;
  const opposite = Math.sign(slope) * Math.sign(best.slope) < 0;
  const secant = step + (slope / (slope - best.slope)) * (best.step - step);
  let next: number;
  if (f > best.f) {
    // Higher: the minimum is bracketed. The cubic's step if it is closer to the best, else halfway to the parabola's.
    const { theta, gamma } = cubic(best, newest, step < best.step);
    const ratio = (gamma - best.slope + theta) / (gamma - best.slope + gamma + slope);
    const byCubic = best.step + ratio * (step - best.step);
    const chord = (best.f - f) / (step - best.step);
    const byParabola = best.step + (best.slope / (chord + best.slope) / 2) * (step - best.step);
    const closer = Math.abs(byCubic - best.step) <= Math.abs(byParabola - best.step);
    next = closer ? byCubic : byCubic + (byParabola - byCubic) / 2;
    bracket.closed = true;
  } else if (opposite) {
    // Lower, on the other side of the minimum: bracketed. The farther of the cubic's and the secant's step.
    const { theta, gamma } = cubic(best, newest, step > best.step);
    const ratio = (gamma - slope + theta) / (gamma - slope + gamma + best.slope);
    const byCubic = step + ratio * (best.step - step);
    next = Math.abs(byCubic - step) > Math.abs(secant - step) ? byCubic : secant;
    bracket.closed = true;
  } else if (Math.abs(slope) < Math.abs(best.slope)) {
    // Lower and flatter. The cubic's step only if the cubic tends to infinity that way, or has its minimum beyond.
    const { theta, gamma } = cubic(best, newest, step > best.step);
    const ratio = (gamma - slope + theta) / (gamma + (best.slope - slope) + gamma);
    const byCubic = ratio < 0 && gamma !== 0 ? step + ratio * (best.step - step) : step > best.step ? high : low;
    const cubicIsCloser = Math.abs(byCubic - step) < Math.abs(secant - step);
    if (bracket.closed) {
      const limit = step + 0.66 * (other.step - step);
      next = cubicIsCloser ? byCubic : secant;
      next = step > best.step ? Math.min(limit, next) : Math.max(limit, next);
    } else {
      next = Math.abs(byCubic - step) > Math.abs(secant - step) ? byCubic : secant;
      next = Math.min(Math.max(next, low), high);
    }
  } else if (bracket.closed) {
    // Lower and no flatter, inside a bracket.
    const { theta, gamma } = cubic(other, newest, step > other.step);
    const ratio = (gamma - slope + theta) / (gamma - slope + gamma + other.slope);
    next = step + ratio * (other.step - step);
  } else {
    next = step > best.step ? high : low;
  }

  if (f > best.f) {
    bracket.other = newest;
  } else {
    if (opposite) bracket.other = best;
    bracket.best = newest;
  }
  return next;
}

/** The coefficients with which the minimum of the cubic through two points and their slopes is written. */
function cubic(a: Point, b: Point, negative: boolean): { theta: number; gamma: number } {
  const theta = (3 * (a.f - b.f)) / (b.step - a.step) + a.slope + b.slope;
  const s = Math.max(Math.abs(theta), Math.abs(a.slope), Math.abs(b.slope));
  const gamma = s * Math.sqrt(Math.max(0, (theta / s) ** 2 - (a.slope / s) * (b.slope / s)));
  return { theta, gamma: negative ? -gamma : gamma };
}
