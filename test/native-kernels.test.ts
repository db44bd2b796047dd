import { readdirSync, readFileSync } from 'node:fs';
import test, { type ExecutionContext } from 'ava';
import { getThreads, kernels, setThreads } from 'fjordnet';
import { parseSignature } from '../dist/signature.js';
import { buffersOf, DTYPES, type Numbers, operandsOf, same, TYPED } from './helpers/kernel-cases/buffers.js';
import { kernelCases } from './helpers/kernel-cases/index.js';

const EPSILON = { float64: 2 ** -52, float32: 2 ** -23 };

function compare(t: ExecutionContext, what: string, got: Numbers, want: ArrayLike<number>, allowed: number): void {
  if (got.length !== want.length)
    return void t.fail(`${what}: ${want.length} values in the reference of ${got.length}`);
  let largest = 0;
  for (let i = 0; i < want.length; i++) largest = Math.max(largest, Math.abs(want[i]));
  for (let i = 0; i < want.length; i++) {
    if (Math.abs(got[i] - want[i]) <= allowed * largest || got[i] === want[i]) continue;
    const off = (Math.abs(got[i] - want[i]) / largest).toExponential(1);
    return void t.fail(`${what}: ${got[i]} instead of ${want[i]} at ${i}, ${off} of the largest`);
  }
}

for (const [name, one] of Object.entries(kernelCases)) {
  test.serial(`${name} equals its reference in both dtypes, and itself with any number of threads`, (t) => {
    t.truthy(kernels[name], 'no such kernel');
    const calls = DTYPES.flatMap((dtype) =>
      one.dims.flatMap((d) =>
        (one.scalars ?? [{}]).map((s) => ({ dtype, d, s, given: buffersOf(name, one, d, s, dtype) })),
      ),
    );
    const before = getThreads();
    const [alone, ...others] = [1, 2, 3].map((threads) => {
      setThreads(threads);
      return calls.map(({ d, s, given }) => {
        const buffers = given.map((buffer) => buffer.slice());
        kernels[name](d, buffers, s);
        return buffers;
      });
    });
    setThreads(before);
    const inputs = operandsOf(name).filter(({ isOutput }) => !isOutput).length;
    for (const [i, { dtype, d, s, given }] of calls.entries()) {
      const what = `${dtype} ${JSON.stringify({ ...d, ...s })}`;
      const round = dtype === 'float32' ? Math.fround : (x: number) => x;
      const want = one.reference(
        given.map((b) => Float64Array.from(b)),
        d,
        s,
        round,
      );
      t.true(same(alone[i].slice(0, inputs), given.slice(0, inputs)), `${what}: inputs were changed`);
      t.true(same(others[0][i], alone[i]), `${what}: two threads`);
      t.true(same(others[1][i], alone[i]), `${what}: three threads`);
      const outputs = alone[i].slice(inputs);
      t.is(outputs.length, want.length, `${what}: outputs of the reference`);
      outputs.forEach((got, k) => {
        compare(t, `${what}, output ${k}`, got, want[k], (one.tolerance ?? 8) * EPSILON[dtype]);
      });
    }
  });
}

test('every row of the kernel table has a case, and no name stands there twice', (t) => {
  const table = readFileSync(new URL('../native/kernels/table.h', import.meta.url), 'utf8');
  const rows = Array.from(table.matchAll(/^ {4}ROW(?:_WITH_SCRATCH)?\("(\w+)"/gm), (match) => match[1]);
  t.deepEqual([...new Set(rows)], rows);
  t.deepEqual(Object.keys(kernels).sort(), [...rows].sort());
  t.deepEqual(Object.keys(kernelCases).sort(), [...rows].sort());
});

test('kernels name their parameters as their signature does, and say which outputs they read', (t) => {
  const folder = new URL('../native/kernels/', import.meta.url);
  const sources = readdirSync(folder).map((file) => readFileSync(new URL(file, folder), 'utf8'));
  const functions = new Map<string, string[]>();
  for (const source of sources) {
    for (const [, name, parameters] of source.matchAll(/^void (\w+)\(const Cpu<T>&(?: cpu)?,([^()]*)\) \{$/gm))
      functions.set(name, parameters.trim().split(/,\s+/));
  }
  const table = sources.join('').matchAll(/ROW(?:_WITH_SCRATCH)?\(\s*"(\w+)",(?:\s*"[^"]*")+,\s*(\w+)/g);
  let checked = 0;
  for (const [, name, function_] of table) {
    const parameters = functions.get(function_);
    if (!parameters) {
      t.fail(`${name}: no function ${function_} with named parameters`);
      continue;
    }
    const { dims, operands, scalars } = parseSignature(kernels[name].signature);
    const expected = [
      ...(/^(Index|In|Out)/.test(parameters[0]) ? [...dims].map((dim) => `Index ${dim}`) : [parameters[0]]),
      ...operands.map((o) => {
        const type = o.dtype === 'int32' ? 'std::int32_t' : 'T';
        return `${o.isOutput ? (o.isRead ? 'InOut' : 'Out') : 'In'}<${type}> ${o.name}`;
      }),
      ...scalars,
    ];
    const got = parameters.map((parameter, k) => {
      if (/^(Index|In<T>)$/.test(parameter)) return expected[k]; // not used
      return parameter.replace(/^(T|double|bool) /, '');
    });
    t.deepEqual(got, expected, name);
    checked++;
  }
  t.is(checked, Object.keys(kernels).length);
});

test('the masked softmax does not look at what is hidden', (t) => {
  for (const dtype of ['float64', 'float32'] as const) {
    const of = (...values: number[]) => TYPED[dtype].from(values);
    const [dims, seen] = [{ B: 1, H: 2, M: 2, N: 3 }, of(1, 0, 1, 0, 0, 0)];
    const z = of(0, Infinity, 0, NaN, 1, -Infinity, -1e30, NaN, -1e30, Infinity, NaN, 3);
    const p = new TYPED[dtype](12);
    kernels.maskedSoftmax(dims, [z, seen, p]);
    const third = TYPED[dtype].of(1 / 3)[0];
    t.deepEqual([...p], [0.5, 0, 0.5, third, third, third, 0.5, 0, 0.5, third, third, third]);
    const dz = new TYPED[dtype](12);
    kernels.maskedSoftmaxGradient(dims, [p, seen, of(1, 2, 3, 4, 5, 6, 1, 2, 3, 4, 5, 6), dz]);
    t.deepEqual([...dz], [-0.5, 0, 0.5, 0, 0, 0, -0.5, 0, 0.5, 0, 0, 0]);
  }
});

test('softmax is finite for every finite input', (t) => {
  for (const dtype of ['float64', 'float32'] as const) {
    const z = TYPED[dtype].from([1e30, -1e30, 1e30, 0, 5000, -5000, 88, 710, -1e-30]);
    const p = new TYPED[dtype](9);
    kernels.softmax({ B: 1, M: 3, N: 3 }, [z, p]);
    t.deepEqual([...p.subarray(0, 6)], [0.5, 0, 0.5, 0, 1, 0]);
    t.deepEqual([...p.subarray(6)].map(Math.round), [0, 1, 0]);
  }
});
