// What every kernel promises the plan that replays it: scratch that is enough for shorter batches too, and which outputs
// may lie on an input.
import { readFileSync } from 'node:fs';
import test from 'ava';
import { kernels } from 'fjordnet';
import { binding } from '../dist/binding.js';
import { buffersOf, DTYPES, type Numbers, operandsOf, same } from './helpers/kernel-cases/buffers.js';
import type { Dims } from './helpers/kernel-cases/case.js';
import { kernelCases } from './helpers/kernel-cases/index.js';
import { KernelPlan, type Place, placesOf } from './helpers/kernel-cases/plan.js';

const outputsOf = (name: string, buffers: readonly Numbers[]) => buffers.filter((_, k) => operandsOf(name)[k].isOutput);

/** The kernel's outputs in buffers of their own. */
function apart(name: string, d: Dims, s: Record<string, number>, buffers: readonly Numbers[]): Numbers[] {
  const own = buffers.map((b) => b.slice());
  kernels[name](d, own, s);
  return outputsOf(name, own);
}

const table = readFileSync(new URL('../native/kernels/table.h', import.meta.url), 'utf8');
const withScratch = Array.from(table.matchAll(/ROW_WITH_SCRATCH\("(\w+)"/g), (match) => match[1]);

for (const [name, one] of Object.entries(kernelCases)) {
  const s = one.scalars?.at(-1) ?? {};
  const batched = one.dims.filter(({ B }) => B !== undefined);

  if (withScratch.includes(name) && batched.length)
    test(`${name}: no batch needs more scratch than a longer one`, (t) => {
      for (const dtype of DTYPES) {
        for (const d of batched) {
          let least = 0;
          const most = d.N ? Math.min(600, Math.ceil(5000 / d.N)) : 100;
          for (let B = 1; B <= most; B++) {
            const { scratch } = new KernelPlan(name, { ...d, B }, s, dtype);
            if (scratch < least)
              t.fail(`${dtype} ${JSON.stringify(d)}: ${least} bytes below a batch of ${B}, then ${scratch}`);
            least = scratch;
          }
        }
      }
      t.pass();
    });

  test(`${name}: a short batch after a long one is what it is alone`, (t) => {
    for (const dtype of DTYPES) {
      for (const d of one.dims) {
        const plan = new KernelPlan(name, d, s, dtype);
        const long = { ...d, B: 2 * d.B + 3 };
        if (d.B) plan.run(buffersOf(name, one, long, s, dtype), long.B);
        const buffers = buffersOf(name, one, d, s, dtype);
        t.true(same(plan.run(buffers, d.B), apart(name, d, s, buffers)), `${dtype} ${JSON.stringify(d)}`);
      }
    }
  });

  const byRows = batched.filter(({ B, ...dims }) => binding.runsByRows(name, dims));
  if (byRows.length)
    test(`${name}: tiles of rows give what the whole batch gives`, (t) => {
      for (const dtype of DTYPES) {
        const unit = (one.tolerance ?? 8) * (dtype === 'float64' ? 2 ** -52 : 2 ** -23);
        for (const small of byRows) {
          const d = { ...small, B: small.B + 9 }; // three tiles or more, the last one short
          const buffers = buffersOf(name, one, d, s, dtype);
          const places = placesOf(name, d);
          const whole = new KernelPlan(name, d, s, dtype, places).run(buffers, d.B);
          const parts = new KernelPlan(name, d, s, dtype, places, 4).run(buffers, d.B);
          for (const [k, given] of whole.entries()) {
            const [values, others] = [Float64Array.from(given), Float64Array.from(parts[k])];
            const largest = values.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
            const off = values.findIndex(
              (x, i) => !Object.is(x, others[i]) && !(Math.abs(x - others[i]) <= unit * largest),
            );
            t.is(off, -1, `${dtype} ${JSON.stringify(d)}: output ${k} at ${off}`);
          }
        }
      }
    });

  test(`${name}: outputs lie on inputs where the signature says so, and nowhere else`, (t) => {
    const operands = operandsOf(name);
    const between = (d: Dims, change: (place: Place, on: Place) => void, k: number, on: number) => {
      const places = placesOf(name, d).map((place) => ({ ...place, offset: 2 * place.offset + 16 }));
      change(places[k], places[on]);
      return places;
    };
    const [onto, across] = [
      (place: Place, on: Place) => Object.assign(place, { offset: on.offset }),
      (place: Place, on: Place) => Object.assign(place, { offset: on.offset - place.size + 1 }),
    ];
    for (const dtype of DTYPES) {
      for (const d of one.dims.slice(0, 3)) {
        const places = placesOf(name, d);
        for (const [k, { isOutput, mayLieOnInput }] of operands.entries()) {
          if (!isOutput) continue;
          for (const [on, other] of operands.entries()) {
            if (on === k || places[on].batched !== places[k].batched || places[on].dtype !== places[k].dtype) continue;
            const what = `${dtype} ${JSON.stringify(d)}: ${operands[k].name} on ${other.name}`;
            const build = (change: typeof onto) => () => new KernelPlan(name, d, s, dtype, between(d, change, k, on));
            const [first, second] = k < on ? [other, operands[k]] : [operands[k], other];
            const message = new RegExp(
              `^Expected '${name}' \\(.*\\) to be given ${first.name} apart from ${second.name}`,
            );
            if (places[k].size > 1 && places[k].size <= 16) t.throws(build(across), { message }, `${what}, in part`);
            if (!(mayLieOnInput && !other.isOutput && places[on].size === places[k].size)) {
              t.throws(build(onto), { message }, what);
              continue;
            }
            const buffers = buffersOf(name, one, d, s, dtype);
            if (operands[k].isRead) buffers[k] = buffers[on];
            t.true(same(build(onto)().run(buffers, d.B), apart(name, d, s, buffers)), what);
          }
        }
      }
    }
    t.pass();
  });
}

test('batch normalization of fewer rows makes more tiles, and has room for them', (t) => {
  const d = { B: 4096, N: 1, C: 256 };
  const one = kernelCases.batchNormalization;
  const s = { momentum: 0.9, epsilon: 1e-3 };
  const plan = new KernelPlan('batchNormalization', { ...d, B: 4097 }, s, 'float32');
  const shorter = new KernelPlan('batchNormalization', d, s, 'float32');
  t.true(plan.scratch >= shorter.scratch, `${plan.scratch} bytes for one row more, ${shorter.scratch} without it`);
  const buffers = buffersOf('batchNormalization', one, d, s, 'float32');
  t.true(same(plan.run(buffers, d.B), apart('batchNormalization', d, s, buffers)));
});
