import type { Value } from './graph/value.js';
import { ops } from './ops.js';

/** Keras' epsilon: what probabilities and denominators stay away from 0 by. */
const EPSILON = 1e-7;

const inRange = (p: Value) => ops.clip(p, EPSILON, 1 - EPSILON);
/** x / |x| along the last axis. The bound is within the root, whose derivative at 0 is infinite. */
const normalized = (x: Value) => {
  const square = ops.sum(ops.square(x), { axis: -1, keepDims: true });
  return ops.div(x, ops.sqrt(ops.maximum(square, EPSILON ** 2)));
};
const alongRows = (value: Value) => ops.sum(value, { axis: -1 });
/** The mean over the rows of a sample, of one number each. */
const ofRows = (value: Value) => ops.mean(value);

/** What is missing to a margin of 1, where targets of 0 are read as -1. */
const missing = (y: Value, p: Value) => ops.maximum(ops.sub(1, ops.mul(ops.where(y, y, -1), p)), 0);

/** Keras' losses that are written in `ops`: one number for each sample, the mean over what its output holds. */
export const formulas = {
  klDivergence: (y: Value, p: Value) => {
    const [q, r] = [ops.clip(y, EPSILON, 1), ops.clip(p, EPSILON, 1)];
    return ofRows(alongRows(ops.mul(q, ops.log(ops.div(q, r)))));
  },
  poisson: (y: Value, p: Value) => ops.mean(ops.sub(p, ops.mul(y, ops.log(ops.add(p, EPSILON))))),
  logCosh: (y: Value, p: Value) => {
    const e = ops.sub(p, y);
    return ops.mean(ops.sub(ops.add(e, ops.softplus(ops.mul(-2, e))), Math.fround(Math.LN2))); // Keras' log 2 is a float32
  },
  meanAbsolutePercentageError: (y: Value, p: Value) =>
    ops.mul(100, ops.mean(ops.abs(ops.div(ops.sub(y, p), ops.maximum(ops.abs(y), EPSILON))))),
  meanSquaredLogarithmicError: (y: Value, p: Value) => {
    const [a, b] = [y, p].map((x) => ops.log1p(ops.maximum(x, EPSILON)));
    return ops.mean(ops.square(ops.sub(b, a)));
  },
  cosineSimilarity: (y: Value, p: Value) => ofRows(ops.neg(alongRows(ops.mul(normalized(y), normalized(p))))),
  hinge: (y: Value, p: Value) => ops.mean(missing(y, p)),
  squaredHinge: (y: Value, p: Value) => ops.mean(ops.square(missing(y, p))),
  categoricalHinge: (y: Value, p: Value) => {
    const others = ops.max(ops.mul(ops.sub(1, y), p), { axis: -1 });
    return ofRows(ops.maximum(ops.add(ops.sub(others, alongRows(ops.mul(y, p))), 1), 0));
  },
  binaryFocalCrossentropy: (gamma: number, alpha?: number) => (y: Value, p: Value) => {
    const q = inRange(p);
    const [other, otherY] = [ops.sub(1, q), ops.sub(1, y)];
    const crossentropy = ops.neg(ops.add(ops.mul(y, ops.log(q)), ops.mul(otherY, ops.log(other))));
    // Keras' weights take p as it is; a root's derivative would be infinite at a p that is all right
    const r = gamma < 1 ? q : p;
    const right = ops.add(ops.mul(y, r), ops.mul(otherY, ops.sub(1, r)));
    const focal = ops.mul(ops.pow(ops.sub(1, right), gamma), crossentropy);
    if (alpha === undefined) return ops.mean(focal);
    return ops.mean(ops.mul(ops.add(ops.mul(alpha, y), ops.mul(1 - alpha, otherY)), focal));
  },
  categoricalFocalCrossentropy:
    (gamma: number, alpha = 1) =>
    (y: Value, p: Value) => {
      const q = inRange(ops.div(p, ops.sum(p, { axis: -1, keepDims: true })));
      const crossentropy = ops.neg(ops.mul(y, ops.log(q)));
      return ofRows(alongRows(ops.mul(ops.mul(alpha, ops.pow(ops.sub(1, q), gamma)), crossentropy)));
    },
};
