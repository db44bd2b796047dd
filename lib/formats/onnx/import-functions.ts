import type { Value } from '../../graph/value.js';
import type { Handler } from './import-layers.js';
import { binary } from './import-operations.js';
import { ops } from './untyped.js';

const of =
  (f: (x: Value) => Value): Handler =>
  (c, [a]) => {
    const x = c.computed(a);
    return c.like(x, f(x.value));
  };

/** Between -1 and 1 by tanh, t = tanh(x / 2), where the difference of two powers cancels. */
function sinh(x: Value): Value {
  const t = ops.tanh(ops.mul(ops.clip(x, -1, 1), 0.5));
  const near = ops.div(ops.mul(t, 2), ops.sub(1, ops.square(t)));
  const far = ops.mul(ops.sub(ops.exp(x), ops.exp(ops.neg(x))), 0.5);
  return ops.where(ops.greater(ops.abs(x), 1), far, near);
}

const cosh = (x: Value) => ops.mul(ops.add(ops.exp(x), ops.exp(ops.neg(x))), 0.5);

/** log(x + sqrt(x^2 + 1)) of what is above 0, as log1p(x + x^2 / (1 + sqrt(x^2 + 1))); the other half is its mirror. */
function asinh(x: Value): Value {
  const above = (half: Value) => {
    const square = ops.square(half);
    return ops.log1p(ops.add(half, ops.div(square, ops.add(ops.sqrt(ops.add(square, 1)), 1))));
  };
  const [high, low] = [x, ops.neg(x)].map((half) => above(ops.maximum(half, 0)));
  return ops.where(ops.greaterEqual(x, 0), high, ops.neg(low));
}

/** log(x + sqrt(x^2 - 1)), by t = x - 1 */
function acosh(x: Value): Value {
  const t = ops.sub(x, 1);
  return ops.log1p(ops.add(t, ops.sqrt(ops.mul(t, ops.add(t, 2)))));
}

const atanh = (x: Value) => ops.mul(ops.sub(ops.log1p(x), ops.log1p(ops.neg(x))), 0.5);

/** What is left of x by y, with the sign of y; where the quotient was rounded up to a whole number, one y too little. */
function floorMod(x: any, y: any): Value {
  const left = ops.sub(x, ops.mul(y, ops.floor(ops.div(x, y))));
  return ops.where(ops.less(ops.mul(left, ops.sign(y)), 0), ops.add(left, y), left);
}

/** The same with the sign of x, as C's fmod. */
const fmod = (x: any, y: any) => ops.mul(ops.sign(x), floorMod(ops.abs(x), ops.abs(y)));

const mod: Handler = (c, inputs, attributes, node) =>
  binary(attributes.number('fmod', 0) === 1 ? fmod : floorMod)(c, inputs, attributes, node);

/** Functions of numbers that are made of operations that there are here. */
export const FUNCTIONS: Readonly<Record<string, Handler>> = {
  Tan: of((x) => ops.div(ops.sin(x), ops.cos(x))),
  Sinh: of(sinh),
  Cosh: of(cosh),
  Asinh: of(asinh),
  Acosh: of(acosh),
  Atanh: of(atanh),
  Mod: mod,
  IsNaN: of((x) => ops.sub(1, ops.equal(x, x))),
};
