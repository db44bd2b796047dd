import test from 'ava';
import fc from 'fast-check';
import { input, model, NDArray, ops, RandomState } from 'fjordnet';
import type { Op } from '../dist/graph/op.js';
import { embedding } from '../dist/graph/ops/embedding.js';
import { applyOp, marked, placeholder, type Value } from '../dist/graph/value.js';
import { alongDirection, evaluate } from './helpers/graph.js';
import { difference } from './helpers/replay.js';

const SAMPLES = 3;
const random = () => new RandomState(7);
const weight = (shape: readonly number[]): Value => marked({ shape, batched: false });

interface OpCase {
  /** Shapes of one sample of the inputs. */
  shapes: readonly (readonly number[])[];
  make(...x: Value[]): Value;
  /** What NumPy computes for one sample, flat. */
  numpy(...x: number[][]): number[];
  draw?: 'positive' | 'integers';
  /** No derivative to check. */
  isStep?: true;
}

const range = (n: number) => Array.from({ length: n }, (_, i) => i);
const map = (f: (x: number) => number) => (x: number[]) => x.map(f);
const zip = (f: (x: number, y: number) => number) => (x: number[], y: number[]) => x.map((v, i) => f(v, y[i]));
const sum = (x: number[]) => x.reduce((a, b) => a + b, 0);
const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
const hardSigmoid = (x: number) => Math.min(Math.max(x + 3, 0), 6) / 6;
function seriesOfErf(x: number): number {
  let [total, term] = [0, x];
  for (let n = 1; n < 200; n++, term *= (2 * x * x) / (2 * n - 1)) total += term;
  return (2 * Math.exp(-x * x) * total) / Math.sqrt(Math.PI);
}
const variance = (x: number[]) => sum(x.map((v) => (v - sum(x) / x.length) ** 2)) / x.length;
const cumulative = (x: number[]) => x.map((_, i) => sum(x.slice(0, i + 1)));
const softmax = (z: number[]) => {
  const e = z.map(Math.exp);
  return e.map((v) => v / sum(e));
};
const rows = (f: (row: number[]) => number[], n: number) => (x: number[]) =>
  range(x.length / n).flatMap((r) => f(x.slice(r * n, (r + 1) * n)));
const v = [5] as const;
const m = [2, 3] as const;

const cases: Record<string, OpCase> = {
  add: { shapes: [v, v], make: ops.add, numpy: zip((x, y) => x + y) },
  'add a number': { shapes: [v], make: (x) => ops.add(2, ops.add(x, 1.5)), numpy: map((x) => x + 3.5) },
  'add a row to a matrix': {
    shapes: [m, [3]],
    make: ops.add,
    numpy: (x, y) => x.map((value, i) => value + y[i % 3]),
  },
  'add a column to a row': {
    shapes: [[2, 1], [3]],
    make: ops.add,
    numpy: (x, y) => x.flatMap((a) => y.map((b) => a + b)),
  },
  sub: { shapes: [v, v], make: ops.sub, numpy: zip((x, y) => x - y) },
  'sub with numbers': { shapes: [v], make: (x) => ops.sub(1, ops.sub(x, 0.25)), numpy: map((x) => 1.25 - x) },
  mul: { shapes: [v, v], make: ops.mul, numpy: zip((x, y) => x * y) },
  'mul by itself': { shapes: [v], make: (x) => ops.mul(x, x), numpy: map((x) => x * x) },
  'mul by a number': { shapes: [v], make: (x) => ops.mul(3, x), numpy: map((x) => 3 * x) },
  'mul by an array': {
    shapes: [v],
    make: (x) => ops.mul(x, [1, 2, 3, 4, 5]),
    numpy: (x) => x.map((a, i) => a * (i + 1)),
  },
  div: { shapes: [v, v], make: ops.div, numpy: zip((x, y) => x / y), draw: 'positive' },
  'div of a number': { shapes: [v], make: (x) => ops.div(1, x), numpy: map((x) => 1 / x), draw: 'positive' },
  pow: { shapes: [v, v], make: ops.pow, numpy: zip((x, y) => x ** y), draw: 'positive' },
  'pow 3': { shapes: [v], make: (x) => ops.pow(x, 3), numpy: map((x) => x ** 3) },
  maximum: { shapes: [v, v], make: ops.maximum, numpy: zip(Math.max) },
  minimum: { shapes: [v, v], make: ops.minimum, numpy: zip(Math.min) },
  greater: { shapes: [v, v], make: ops.greater, numpy: zip((x, y) => Number(x > y)), isStep: true },
  greaterEqual: { shapes: [v, v], make: ops.greaterEqual, numpy: zip((x, y) => Number(x >= y)), isStep: true },
  less: { shapes: [v, v], make: ops.less, numpy: zip((x, y) => Number(x < y)), isStep: true },
  lessEqual: { shapes: [v, v], make: ops.lessEqual, numpy: zip((x, y) => Number(x <= y)), isStep: true },
  equal: { shapes: [v, v], make: ops.equal, numpy: zip((x, y) => Number(x === y)), draw: 'integers', isStep: true },
  where: {
    shapes: [v, v, v],
    make: (c, x, y) => ops.where(ops.greater(c, 0), x, y),
    numpy: (c, x, y) => c.map((value, i) => (value > 0 ? x[i] : y[i])),
  },
  neg: { shapes: [v], make: ops.neg, numpy: map((x) => -x) },
  abs: { shapes: [v], make: ops.abs, numpy: map(Math.abs) },
  floor: { shapes: [v], make: ops.floor, numpy: map(Math.floor), isStep: true },
  round: { shapes: [v], make: ops.round, numpy: map(Math.round), isStep: true },
  ceil: { shapes: [v], make: ops.ceil, numpy: map(Math.ceil), isStep: true },
  sin: { shapes: [v], make: (x) => ops.sin(ops.mul(4, x)), numpy: map((x) => Math.sin(4 * x)) },
  cos: { shapes: [v], make: (x) => ops.cos(ops.mul(4, x)), numpy: map((x) => Math.cos(4 * x)) },
  erf: { shapes: [v], make: ops.erf, numpy: map(seriesOfErf) },
  sign: { shapes: [v], make: ops.sign, numpy: map(Math.sign), isStep: true },
  exp: { shapes: [v], make: ops.exp, numpy: map(Math.exp) },
  log: { shapes: [v], make: ops.log, numpy: map(Math.log), draw: 'positive' },
  log1p: { shapes: [v], make: ops.log1p, numpy: map(Math.log1p), draw: 'positive' },
  sqrt: { shapes: [v], make: ops.sqrt, numpy: map(Math.sqrt), draw: 'positive' },
  square: { shapes: [v], make: ops.square, numpy: map((x) => x * x) },
  clip: { shapes: [v], make: (x) => ops.clip(x, -0.5, 0.5), numpy: map((x) => Math.min(0.5, Math.max(-0.5, x))) },
  stopGradient: { shapes: [v], make: ops.stopGradient, numpy: map((x) => x), isStep: true },
  sum: { shapes: [m], make: (x) => ops.sum(x), numpy: (x) => [sum(x)] },
  'sum of axis 0': {
    shapes: [m],
    make: (x) => ops.sum(x, { axis: 0 }),
    numpy: (x) => range(3).map((c) => x[c] + x[3 + c]),
  },
  'sum of axis -1, kept': {
    shapes: [m],
    make: (x) => ops.sum(x, { axis: -1, keepDims: true }),
    numpy: rows((row) => [sum(row)], 3),
  },
  'sum of two axes': {
    shapes: [[2, 3, 2]],
    make: (x) => ops.sum(x, { axis: [0, 2] }),
    numpy: (x) => range(3).map((j) => x[2 * j] + x[2 * j + 1] + x[6 + 2 * j] + x[7 + 2 * j]),
  },
  mean: { shapes: [m], make: (x) => ops.mean(x), numpy: (x) => [sum(x) / 6] },
  max: { shapes: [m], make: (x) => ops.max(x, { axis: 1 }), numpy: rows((row) => [Math.max(...row)], 3) },
  min: { shapes: [m], make: (x) => ops.min(x), numpy: (x) => [Math.min(...x)] },
  prod: { shapes: [m], make: (x) => ops.prod(x, { axis: -1 }), numpy: rows((row) => [row.reduce((a, b) => a * b)], 3) },
  'prod of all': { shapes: [m], make: (x) => ops.prod(x), numpy: (x) => [x.reduce((a, b) => a * b)] },
  'prod of one': { shapes: [m], make: (x) => ops.prod(ops.reshape(x, [1, 6]), 0), numpy: (x) => [...x] },
  var: { shapes: [m], make: (x) => ops.var(x, { axis: -1 }), numpy: rows((row) => [variance(row)], 3) },
  'var of all, kept': { shapes: [m], make: (x) => ops.var(x, undefined, true), numpy: (x) => [variance(x)] },
  std: {
    shapes: [m],
    make: (x) => ops.std(x, 0),
    numpy: (x) => range(3).map((c) => Math.sqrt(variance([x[c], x[3 + c]]))),
  },
  logSumExp: {
    shapes: [m],
    make: (x) => ops.logSumExp(x, { axis: 1, keepDims: true }),
    numpy: rows((row) => [Math.log(sum(row.map(Math.exp)))], 3),
  },
  'logSumExp of all': { shapes: [m], make: (x) => ops.logSumExp(x), numpy: (x) => [Math.log(sum(x.map(Math.exp)))] },
  cumsum: { shapes: [m], make: (x) => ops.cumsum(x), numpy: rows(cumulative, 3) },
  'cumsum along the first axis, from there on': {
    shapes: [m],
    make: (x) => ops.cumsum(x, { axis: 0, reverse: true }),
    numpy: (x) => [...range(3).map((c) => x[c] + x[3 + c]), ...x.slice(3)],
  },
  matmul: {
    shapes: [
      [2, 3],
      [3, 4],
    ],
    make: ops.matmul,
    numpy: (x, y) =>
      range(2).flatMap((i) => range(4).map((j) => sum(range(3).map((k) => x[3 * i + k] * y[4 * k + j])))),
  },
  'matmul of a vector and a matrix': {
    shapes: [[3], [3, 4]],
    make: ops.matmul,
    numpy: (x, y) => range(4).map((j) => sum(range(3).map((k) => x[k] * y[4 * k + j]))),
  },
  'matmul of stacks': {
    shapes: [
      [2, 1, 3],
      [3, 2],
    ],
    make: ops.matmul,
    numpy: (x, y) =>
      range(2).flatMap((i) => range(2).map((j) => sum(range(3).map((k) => x[3 * i + k] * y[2 * k + j])))),
  },
  'sum along an axis, without options': {
    shapes: [m],
    make: (x) => ops.sum(x, -1),
    numpy: (x) => [sum(x.slice(0, 3)), sum(x.slice(3))],
  },
  'mean along axes that are kept, without options': {
    shapes: [m],
    make: (x) => ops.mean(x, [0, 1], true),
    numpy: (x) => [sum(x) / 6],
  },
  'max of all, kept, without options': {
    shapes: [m],
    make: (x) => ops.max(x, undefined, true),
    numpy: (x) => [Math.max(...x)],
  },
  'concat along the first axis': {
    shapes: [m, m],
    make: (x, y) => ops.concat([x, y], 0),
    numpy: (x, y) => [...x, ...y],
  },
  transpose: { shapes: [m], make: (x) => ops.transpose(x), numpy: (x) => range(3).flatMap((j) => [x[j], x[3 + j]]) },
  'transpose of three axes': {
    shapes: [[2, 3, 4]],
    make: (x) => ops.transpose(x, [2, 0, 1]),
    numpy: (x) => range(4).flatMap((k) => range(2).flatMap((i) => range(3).map((j) => x[(i * 3 + j) * 4 + k]))),
  },
  reshape: { shapes: [m], make: (x) => ops.reshape(x, [3, -1]), numpy: map((x) => x) },
  slice: {
    shapes: [[3, 4]],
    make: (x) => ops.slice(x, [1, 0], [2, 3]),
    numpy: (x) => [1, 2].flatMap((i) => range(3).map((j) => x[4 * i + j])),
  },
  concat: {
    shapes: [m, [2, 2]],
    make: (x, y) => ops.concat([x, y]),
    numpy: (x, y) => range(2).flatMap((i) => [...x.slice(3 * i, 3 * i + 3), ...y.slice(2 * i, 2 * i + 2)]),
  },
  'concat with itself': { shapes: [v], make: (x) => ops.concat([x, x]), numpy: (x) => [...x, ...x] },
  stack: { shapes: [v, v], make: (x, y) => ops.stack([x, y]), numpy: (x, y) => [...x, ...y] },
  'stack at the end': {
    shapes: [v, v],
    make: (x, y) => ops.stack([x, y], { axis: -1 }),
    numpy: (x, y) => x.flatMap((value, i) => [value, y[i]]),
  },
  gather: {
    shapes: [[4, 2]],
    make: (x) => ops.gather(x, [3, 0, 3]),
    numpy: (x) => [3, 0, 3].flatMap((i) => [x[2 * i], x[2 * i + 1]]),
  },
  oneHot: {
    shapes: [[2]],
    make: (x) => ops.oneHot(x, 4),
    numpy: (x) => x.flatMap((k) => range(4).map((n) => Number(n === k))),
    draw: 'integers',
    isStep: true,
  },
  softmax: { shapes: [m], make: ops.softmax, numpy: rows(softmax, 3) },
  logSoftmax: { shapes: [m], make: ops.logSoftmax, numpy: rows((z) => softmax(z).map(Math.log), 3) },
  sigmoid: { shapes: [v], make: ops.sigmoid, numpy: map(sigmoid) },
  tanh: { shapes: [v], make: ops.tanh, numpy: map(Math.tanh) },
  relu: { shapes: [v], make: ops.relu, numpy: map((x) => Math.max(x, 0)) },
  relu6: { shapes: [v], make: (x) => ops.relu6(ops.mul(5, x)), numpy: map((x) => Math.min(Math.max(5 * x, 0), 6)) },
  leakyRelu: { shapes: [v], make: (x) => ops.leakyRelu(x), numpy: map((x) => (x > 0 ? x : 0.01 * x)) },
  elu: { shapes: [v], make: (x) => ops.elu(x), numpy: map((x) => (x > 0 ? x : Math.expm1(x))) },
  celu: {
    shapes: [v],
    make: (x) => ops.celu(x, { alpha: 0.5 }),
    numpy: map((x) => (x > 0 ? x : 0.5 * Math.expm1(x / 0.5))),
  },
  selu: {
    shapes: [v],
    make: ops.selu,
    numpy: map((x) => 1.0507009873554805 * (x > 0 ? x : 1.6732632423543772 * Math.expm1(x))),
  },
  softplus: { shapes: [v], make: ops.softplus, numpy: map((x) => Math.log1p(Math.exp(x))) },
  softsign: { shapes: [v], make: ops.softsign, numpy: map((x) => x / (1 + Math.abs(x))) },
  logSigmoid: { shapes: [v], make: ops.logSigmoid, numpy: map((x) => -Math.log1p(Math.exp(-x))) },
  hardSigmoid: { shapes: [v], make: ops.hardSigmoid, numpy: map(hardSigmoid) },
  gelu: {
    shapes: [v],
    make: (x) => ops.gelu(x, { approximate: true }),
    numpy: map((x) => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)))),
  },
  silu: { shapes: [v], make: ops.silu, numpy: map((x) => x * sigmoid(x)) },
  hardSilu: { shapes: [v], make: ops.hardSilu, numpy: map((x) => x * hardSigmoid(x)) },
  mish: { shapes: [v], make: ops.mish, numpy: map((x) => x * Math.tanh(Math.log1p(Math.exp(x)))) },
  tanhShrink: { shapes: [v], make: ops.tanhShrink, numpy: map((x) => x - Math.tanh(x)) },
  hardShrink: { shapes: [v], make: (x) => ops.hardShrink(x), numpy: map((x) => (Math.abs(x) > 0.5 ? x : 0)) },
  softShrink: {
    shapes: [v],
    make: (x) => ops.softShrink(x, { threshold: 0.25 }),
    numpy: map((x) => Math.sign(x) * Math.max(Math.abs(x) - 0.25, 0)),
  },
  hardTanh: { shapes: [v], make: ops.hardTanh, numpy: map((x) => Math.min(Math.max(x, -1), 1)) },
  squareplus: {
    shapes: [v],
    make: (x) => ops.squareplus(x, { b: 1 }),
    numpy: map((x) => (x + Math.sqrt(x * x + 1)) / 2),
  },
  sparsePlus: {
    shapes: [v],
    make: ops.sparsePlus,
    numpy: map((x) => (x >= 1 ? x : x <= -1 ? 0 : (x + 1) ** 2 / 4)),
  },
  sparseSigmoid: { shapes: [v], make: ops.sparseSigmoid, numpy: map((x) => Math.min(Math.max((x + 1) / 2, 0), 1)) },
};

test('every op has a case', (t) => {
  const named = new Set(Object.keys(cases).map((name) => name.split(' ')[0]));
  t.deepEqual([...named].sort(), Object.keys(ops).sort());
});

const draw = (r: RandomState, shape: readonly number[], how: OpCase['draw']): NDArray => {
  if (how === 'integers') return NDArray.from(r.randint(0, 4, [...shape]), { dtype: 'float64' });
  const x = r.normal(0, 1, [...shape]) as NDArray;
  return how === 'positive'
    ? NDArray.wrap(
        (x.data as Float64Array).map((a) => Math.abs(a) + 0.3),
        x.shape,
      )
    : x;
};

for (const [name, { shapes, make, numpy, draw: how, isStep }] of Object.entries(cases)) {
  test(`${name}: NumPy's values in both dtypes`, (t) => {
    const r = random();
    const arrays = shapes.map((shape) => draw(r, [SAMPLES, ...shape], how));
    const expected = range(SAMPLES).flatMap((s) => numpy(...arrays.map((a) => [...a.take([s]).data])));
    for (const dtype of ['float64', 'float32'] as const) {
      const values = shapes.map((shape) => placeholder(shape));
      const output = make(...values);
      const { value } = evaluate(
        dtype,
        output,
        values.map((x, i) => [x, arrays[i]] as const),
      );
      t.is(output.shape.reduce((a, b) => a * b, 1) * SAMPLES, expected.length);
      const d = difference(value.data, expected);
      t.true(d < (dtype === 'float64' ? 1e-14 : 2e-6), `${dtype}: ${d}`);
    }
  });

  if (isStep) {
    test(`${name}: no gradient passes`, (t) => {
      const values = shapes.map((shape) => placeholder(shape));
      const inputs = values.map((x, i) => [x, draw(random(), [SAMPLES, ...shapes[i]], how)] as const);
      for (const g of evaluate('float64', make(...values), inputs).gradients) t.true(g.data.every((d) => d === 0));
    });
    continue;
  }

  test(`${name}: its gradients are those of differences, for samples and for weights`, (t) => {
    for (const kinds of shapes.length > 1
      ? [
          [1, 1],
          [1, 0],
          [0, 1],
          [0, 0],
        ]
      : [[1], [0]]) {
      const r = random();
      const values = shapes.map((shape, i) => (kinds[i] === 0 ? weight(shape) : placeholder(shape)));
      const inputs = values.map((x, i) => [x, draw(r, x.batched ? [SAMPLES, ...shapes[i]] : shapes[i], how)] as const);
      // a gradient that differs from element to element
      const plain = make(...values);
      const output = ops.sum(ops.mul(plain, ops.sigmoid(plain)));
      const [exact, numeric] = alongDirection(output, inputs, r);
      t.true(Math.abs(exact - numeric) < 1e-8 * Math.max(1, Math.abs(numeric)), `${kinds}: ${exact} is not ${numeric}`);
    }
  });
}

/** A random graph over two inputs and a weight, all of one shape, with values used again. */
const graphs = fc.array(fc.tuple(fc.nat(13), fc.nat(1000), fc.nat(1000)), { minLength: 3, maxLength: 14 });

function grow(steps: readonly (readonly [number, number, number])[], leaves: readonly Value[]): Value {
  const values = [...leaves];
  for (const [kind, i, j] of steps) {
    const [x, y] = [values[i % values.length], values[j % values.length]];
    const [n, c] = x.shape;
    values.push(
      [
        () => ops.add(x, y),
        () => ops.sub(x, y),
        () => ops.mul(ops.tanh(x), y),
        () => ops.div(x, ops.add(ops.square(y), 1)),
        () => ops.tanh(x),
        () => ops.sigmoid(x),
        () => ops.softmax(x),
        () => ops.add(x, ops.mean(y, { axis: 0, keepDims: true })),
        () => ops.reshape(ops.tanh(ops.reshape(x, [c, n])), [n, c]),
        () => ops.slice(ops.concat([x, y], { axis: 0 }), [1, 0], [n, c]),
        () => ops.transpose(ops.elu(ops.transpose(x))),
        () => ops.matmul(x, ops.mul(0.1, ops.matmul(ops.transpose(ops.tanh(y)), x))),
        () => ops.silu(x),
        () => ops.log1p(ops.square(x)),
      ][kind](),
    );
  }
  return ops.mean(ops.add(values[values.length - 1], values[values.length >> 1]));
}

test('gradients of 50 random graphs are those of differences, and float32 agrees', (t) => {
  fc.assert(
    fc.property(graphs, fc.nat(1e6), (steps, seed) => {
      const r = new RandomState(seed);
      const leaves = [placeholder([2, 3]), placeholder([2, 3]), weight([2, 3])];
      const output = grow(steps, leaves);
      const inputs = leaves.map((x) => [x, draw(r, x.batched ? [SAMPLES, 2, 3] : [2, 3], undefined)] as const);
      const [exact, numeric] = alongDirection(output, inputs, r);
      if (!(Math.abs(exact - numeric) < 1e-6 * Math.max(1, Math.abs(numeric))))
        throw new Error(`${exact} is not ${numeric}`);
      const double = evaluate('float64', output, inputs);
      const single = evaluate('float32', output, inputs);
      for (const [k, g] of double.gradients.entries())
        for (const [i, d] of g.data.entries())
          if (Math.abs(single.gradients[k].data[i] - d) > 1e-4 * Math.max(1, Math.abs(d)))
            throw new Error(`float32: gradient ${k} is ${single.gradients[k].data[i]}, not ${d}`);
    }),
    { numRuns: 50 },
  );
  t.pass();
});

test('a power of a negative number has a gradient by its exponent of 0, as TensorFlow’s, wherever it has a value', (t) => {
  const [x, y] = [placeholder([6]), placeholder([6])];
  const [bases, exponents] = [
    [-2, -2, -0.5, 0, 0, 3],
    [2, -3, 0, 0, 2, 2],
  ].map((row) => NDArray.from([row]));
  for (const dtype of ['float64', 'float32'] as const) {
    const { value, gradients } = evaluate(dtype, ops.pow(x, y), [
      [x, bases],
      [y, exponents],
    ]);
    t.deepEqual(Array.from(value.data), [4, -0.125, 1, 1, 0, 9]);
    t.deepEqual(
      Array.from(gradients[0].data, (d) => Math.round(1e5 * d) / 1e5 + 0),
      [-4, -0.1875, 0, 0, 0, 6],
    );
    t.deepEqual(
      Array.from(gradients[1].data, (d) => Math.round(1e5 * d) / 1e5 + 0),
      [0, 0, 0, 0, 0, 9.88751],
    );
  }
});

test('no gradient goes where nothing was chosen, however steep it is on the way, nor to what only chooses', (t) => {
  const ofRoots: Record<string, (x: Value) => Value> = {
    'below a maximum': (x) => ops.sqrt(ops.maximum(x, 0)),
    'above a minimum': (x) => ops.sqrt(ops.neg(ops.minimum(ops.neg(x), 0))),
    'outside of a clip': (x) => ops.sqrt(ops.clip(x, 0, 9)),
    'by a condition': (x) => ops.where(ops.sqrt(ops.relu(x)), ops.sqrt(ops.relu(x)), 0),
  };
  for (const [name, make] of Object.entries(ofRoots))
    for (const dtype of ['float64', 'float32'] as const) {
      const x = placeholder([3]);
      const { value, gradients } = evaluate(dtype, make(x), [[x, NDArray.from([[-1, -4, 4]])]]);
      t.deepEqual([...value.data], [0, 0, 2], name);
      t.deepEqual(
        Array.from(gradients[0].data, (d) => d + 0),
        [0, 0, 0.25],
        name,
      );
    }
  const [x, table] = [placeholder([2]), placeholder([3])];
  const { gradients } = evaluate('float64', ops.gather(table, ops.sqrt(x)), [
    [x, NDArray.from([[0, 4]])],
    [table, NDArray.from([[5, 6, 7]])],
  ]);
  t.deepEqual(
    gradients.map((g) => [...g.data]),
    [
      [0, 0],
      [1, 0, 1],
    ],
  );
});

test('what does not fit: one sentence each', (t) => {
  const [x, y] = [placeholder([2, 3]), placeholder([4])];
  const refuse = (make: () => unknown, message: string | RegExp) => t.throws(make, { message });
  refuse(() => ops.add(x, y), 'Expected shapes that broadcast, got [2, 3] and [4]');
  refuse(() => ops.matmul(x, y), 'Expected matrices that can be multiplied, got [2, 3] and [4]');
  refuse(() => ops.sum(x, { axis: 2 }), 'Expected axis to be an axis of the 2 of a sample, got 2 (number)');
  refuse(() => ops.reshape(x, [4, 2]), 'Expected shape to hold the 6 values of a sample, got [4, 2]');
  refuse(() => ops.reshape(x, [4, -1]), 'Expected shape to hold the 6 values of a sample, got [4, -1]');
  refuse(
    () => ops.reshape(x, [6, -1, -1]),
    'Expected shape to be an array of integers, one of which may be -1, got Array(3)',
  );
  refuse(() => ops.exp('x' as never), /^Expected x to be a value of a graph, a number or an array of numbers, got 'x'/);
  refuse(() => ops.add(x, Number.NaN), 'Expected y to be a finite number, got NaN (number)');
  refuse(() => ops.concat([]), 'Expected values to be an array of values, got Array(0)');
  refuse(() => ops.transpose(x, [0, 0]), 'Expected axes to be every axis once, got Array(2)');
  refuse(() => ops.sum(x, { axes: 0 } as never), /did you mean 'axis'/);
  refuse(() => ops.gather(y, [0, -1]), 'Expected indices to be integers from 0 to 3, got -1 (number)');
  refuse(() => ops.gather(x, 0.5), 'Expected indices to be integers from 0 to 1, got 0.5 (number)');
  refuse(() => ops.oneHot([0, 3], 3), 'Expected x to be integers from 0 to 2, got 3 (number)');
});

test('arguments that would be passed over are refused; what map and reduce give beside is not', (t) => {
  const [x, y] = [input({ shape: [2, 2] }), input({ shape: [2, 2] })];
  const {
    add,
    sub,
    mul,
    div,
    pow,
    maximum,
    minimum,
    greater,
    greaterEqual,
    less,
    lessEqual,
    equal,
    matmul,
    gather,
    oneHot,
  } = ops;
  const { neg, abs, sqrt, square, exp, log, round, floor, ceil, stopGradient } = ops;
  const refused = (op: unknown, n: number, ...given: unknown[]) =>
    t.throws(() => (op as (...given: unknown[]) => unknown)(...given), {
      instanceOf: TypeError,
      message: new RegExp(`^Expected \\w+ to be given ${n} arguments?, got ${given.length}$`),
    });
  for (const op of [add, sub, mul, div, pow, maximum, minimum, greater, greaterEqual, less, lessEqual, equal, matmul])
    refused(op, 2, x, y, x);
  for (const op of [neg, abs, sqrt, square, exp, log, round, floor, ceil, stopGradient]) refused(op, 1, x, y);
  refused(add, 2, 1, x, y);
  refused(matmul, 2, x, y, false, true);
  refused(round, 1, x, { decimals: 2 });
  t.throws(() => (ops.logSoftmax as (...given: unknown[]) => unknown)(x, { axis: 0 }), {
    message: "Expected the options of logSoftmax to have no option 'axis'; there are none",
  });
  refused(gather, 2, x, [0], 1);
  refused(oneHot, 2, [0, 1], 2, { axis: 0 });
  refused(ops.where, 3, x, x, y, y);
  t.deepEqual([x, y, x].reduce(add).shape, [2, 2]);
  t.deepEqual(Array.from([x], square)[0].shape, [2, 2]);
  t.deepEqual(
    [x, y].map(square).map(({ shape }) => shape),
    [
      [2, 2],
      [2, 2],
    ],
  );
});

test('an operation that emits what does not fit is named, forward and backward', (t) => {
  const wrong = (N: number, backwardN: number): Op => ({
    name: 'wrong',
    shape: ([x]) => x.shape,
    forward({ t, x: [x], y }) {
      t.emit('exp', [x, y], { N });
    },
    backward({ t, y, dy, dx: [dx] }) {
      t.emit('multiply', [y, dy, dx], { N: backwardN });
    },
  });
  const x = placeholder([4]);
  const run = (op: Op) => evaluate('float64', applyOp(op, [x], undefined), [[x, NDArray.zeros([SAMPLES, 4])]]);
  t.throws(() => run(wrong(5, 4)), {
    message:
      "Expected 'exp' (B N : x BN -> y~ BN) of 'wrong' to be given x BN = batch x 5 values in buffer 'x', got batch x 4",
  });
  t.throws(() => run(wrong(4, 5)), {
    message: /^Expected 'multiply' \(.*\) of 'wrong' to be given x BN = batch x 5 values/,
  });
  t.notThrows(() => run(wrong(4, 4)));
});

test('embedding takes rows of a table, and adds up their gradients', (t) => {
  fc.assert(
    fc.property(
      fc.record({
        samples: fc.integer({ min: 1, max: 5 }),
        indices: fc.array(fc.integer({ min: 1, max: 3 }), { maxLength: 2 }),
        V: fc.integer({ min: 1, max: 6 }),
        E: fc.integer({ min: 1, max: 70 }),
        seed: fc.nat(),
      }),
      ({ samples, indices, V, E, seed }) => {
        const r = new RandomState(seed % 2 ** 32);
        const [index, table, factor] = [placeholder(indices), weight([V, E]), placeholder([...indices, E])];
        const y = ops.mul(applyOp(embedding, [index, table], undefined), factor);
        const rows = r.randint(0, V, [samples, ...indices]) as NDArray;
        const values = draw(r, [V, E], undefined);
        const dy = draw(r, [samples, ...indices, E], undefined);
        const wantY = Array.from(dy.data, (d, i) => d * values.data[rows.data[Math.floor(i / E)] * E + (i % E)]);
        const wantTable = new Float64Array(V * E);
        dy.data.forEach((d, i) => {
          wantTable[rows.data[Math.floor(i / E)] * E + (i % E)] += d;
        });
        for (const [dtype, most] of [
          ['float64', 1e-14],
          ['float32', 1e-5],
        ] as const) {
          const { value, gradients } = evaluate(dtype, y, [
            [index, rows],
            [table, values],
            [factor, dy],
          ]);
          t.deepEqual(value.shape, [samples, ...indices, E]);
          t.true(difference(value.data, wantY) < most);
          t.true(difference(gradients[1].data, wantTable) < most);
        }
      },
    ),
    { numRuns: 60 },
  );
});

test('the logarithm of a softmax keeps its digits for large numbers', (t) => {
  const x = input({ shape: [4] });
  for (const dtype of ['float32', 'float64'] as const) {
    const network = model({ inputs: x, outputs: ops.logSoftmax(x), dtype, seed: 0 });
    const wanted = [0, 1, 2, 3].map((v) => v - Math.log([0, 1, 2, 3].reduce((sum, k) => sum + Math.exp(k), 0)));
    const made = network.predictSync([[10000, 10001, 10002, 10003]]) as NDArray;
    for (const [i, v] of wanted.entries())
      t.true(Math.abs(made.data[i] - v) < (dtype === 'float32' ? 5e-7 : 1e-15), `${made.data[i]} for ${v}`);
  }
});

test('axis and keepDims are given as options or one after the other, not both', (t) => {
  const x = input({ shape: [2, 3] });
  t.deepEqual(ops.sum(x, 1, true).shape, [2, 1]);
  t.deepEqual(ops.sum(x, 1).shape, [2]);
  t.deepEqual(ops.stack([x, x], -1).shape, [2, 3, 2]);
  t.throws(() => ops.sum(x, { axis: 1 }, true), {
    message: 'Expected keepDims to be one of the options, got true (boolean)',
  });
  t.throws(() => ops.sum(x, 2), { message: /^Expected axis to be an axis of the 2 of a sample, got 2/ });
  t.throws(() => ops.sum(x, 'last' as never), { instanceOf: TypeError });
});

test('logSumExp of large and of infinite numbers, and cumsum of what it refuses', (t) => {
  const x = placeholder([3]);
  const rows = [
    [1000, 1000, -1000],
    [Number.NEGATIVE_INFINITY, 0, Number.NEGATIVE_INFINITY],
    [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY],
    [Number.POSITIVE_INFINITY, 0, Number.NEGATIVE_INFINITY],
    [Number.NaN, 0, 0],
  ];
  for (const dtype of ['float64', 'float32'] as const) {
    const { value } = evaluate(dtype, ops.logSumExp(x, -1), [[x, NDArray.from(rows)]]);
    t.true(Math.abs(value.data[0] - 1000 - Math.LN2) < 1e-4);
    t.deepEqual([...value.data].slice(1), [0, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY, Number.NaN]);
  }
  const refused: [unknown, string][] = [
    [{ axis: 1 }, 'Expected axis to be an axis of the 1 of a sample, got 1 (number)'],
    [{ along: 0 }, "Expected options to have no option 'along'; there are: axis, reverse"],
    [{ reverse: 1 }, 'Expected reverse to be a boolean, got 1 (number)'],
    [null, 'Expected options to be an object, got null'],
  ];
  for (const [options, message] of refused) {
    const error = t.throws(() => ops.cumsum(x, options as object));
    t.is(error?.message, message);
  }
});
