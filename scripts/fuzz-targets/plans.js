// Plans of random instructions over random buffers, overlapping ones among them, and jobs for them: short batches after long
// ones, rows and inputs that do not fit. What a plan takes it must run; everything else it refuses with a sentence.
import { binding } from '../../dist/binding.js';
import { kernels } from '../../dist/index.js';
import { lengthOf, parseSignature } from '../../dist/signature.js';

export const name = 'plans';

const signatures = Object.entries(kernels).map(([kernel, { signature }]) => ({ kernel, ...parseSignature(signature) }));
const FLOATS = { float64: Float64Array, float32: Float32Array };
const MOST = 1 << 11; // values of a buffer, for each sample

/** The property of a specification that holds the size of a buffer's region. */
const sizeOf = ({ batched, dtype }) =>
  dtype === 'int32' ? (batched ? 'int32RowSize' : 'int32FixedSize') : batched ? 'rowSize' : 'fixedSize';

/** An instruction with buffers of its own at the end of the arena, or on some that are there. */
function instruct(random, plan) {
  const { kernel, dims: letters, operands, scalars } = random.pick(signatures);
  const dims = Object.fromEntries(letters.map((letter) => [letter, random.integer(1, 7)]));
  if (random.chance(0.3)) dims[random.pick(letters)] = random.integer(1, 300);
  dims.B = 1;
  while (operands.some((operand) => lengthOf(operand, dims) > MOST)) dims[random.pick(letters)] = random.integer(1, 3);
  dims.B = 1;
  const used = [];
  for (const operand of operands) {
    const batched = operand.length.includes('B');
    const size = lengthOf(operand, dims);
    const { dtype } = operand;
    const fits = (b) => b.batched === batched && b.size === size && (b.dtype === dtype || random.chance(0.02));
    const fitting = plan.buffers.flatMap((b, i) => (fits(b) ? [i] : []));
    if (random.chance(0.02)) used.push(random.integer(-2, plan.buffers.length));
    else if (fitting.length && random.chance(0.4)) used.push(random.pick(fitting));
    else {
      const region = sizeOf({ batched, dtype });
      const end = plan[region];
      const offset = random.chance(0.1) ? random.integer(0, end) : end;
      used.push(plan.buffers.push({ offset, size, batched, dtype }) - 1);
      plan[region] = Math.max(end, offset + (random.chance(0.5) ? size : Math.ceil(size / 16) * 16));
    }
  }
  delete dims.B;
  if (random.chance(0.02)) dims[random.pick(letters)] = random.pick([-1, 0, 2 ** 31, 2 ** 50, 2 ** 62]);
  const when = random.chance(0.2) ? { when: random.integer(-1, random.chance(0.1) ? 3 : 2) } : {};
  return {
    kernel,
    buffers: used,
    dims,
    ...when,
    scalars: Object.fromEntries(scalars.map((s) => [s, random.integer(0, 2)])),
  };
}

function planOf(random) {
  const plan = {
    fixedSize: 0,
    rowSize: 0,
    int32FixedSize: 0,
    int32RowSize: 0,
    capacity: random.integer(1, 4),
    buffers: [],
    scalars: [0.5, 1, 0],
    programs: {},
    ...(random.chance(0.5) && { tiled: true, tileRows: random.chance(0.02) ? 2 ** 53 - 1 : random.integer(1, 9) }),
  };
  const programs = random.integer(1, 2);
  for (let k = 0; k < programs; k++)
    plan.programs[`p${k}`] = Array.from({ length: random.integer(1, 4) }, () => instruct(random, plan));
  plan.report = random.integer(-1, plan.buffers.length - 1);
  if (plan.report >= 0 && plan.buffers[plan.report].batched && random.chance(0.9)) plan.report = -1;
  if (random.chance(0.03))
    plan[random.pick(['fixedSize', 'rowSize', 'int32FixedSize', 'int32RowSize'])] = random.integer(-1, 20);
  return plan;
}

function jobOf(random, plan, dtype) {
  const rows = random.integer(1, 40);
  const batched = [...plan.buffers.keys()].filter((i) => plan.buffers[i].batched);
  const inputs = batched
    .filter(() => random.chance(0.7))
    .map((i) => {
      const width = plan.buffers[i].size + (random.chance(0.01) ? 1 : 0);
      const isInt32 = (plan.buffers[i].dtype === 'int32') !== random.chance(0.01);
      const values = isInt32
        ? Int32Array.from({ length: rows * width }, () => random.integer(-1, 7))
        : FLOATS[dtype].from({ length: rows * width }, () => random.integer(-3, 3) / 2);
      const copy = () => new binding.Dataset('x', values, rows, width, isInt32 ? 'int32' : dtype);
      return [i, random.chance(0.5) ? values : copy()];
    });
  const job = {
    program: `p${random.integer(0, random.chance(0.05) ? 9 : 0)}`,
    inputs,
    batchSize: random.integer(1, rows),
  };
  if (random.chance(0.4)) {
    const bad = random.chance(0.05);
    const length = random.integer(0, 60);
    job.rows = Int32Array.from({ length }, () => random.integer(bad ? -1 : 0, bad ? rows : rows - 1));
  } else {
    job.first = random.integer(0, rows - 1);
    job.count = random.integer(0, rows - job.first + (random.chance(0.05) ? 1 : 0));
    if (random.chance(0.3)) job.period = random.integer(0, rows);
  }
  const real = batched.filter((i) => plan.buffers[i].dtype === 'real');
  if (random.chance(0.6)) job.outputs = real.filter(() => random.chance(0.5));
  else if (random.chance(0.02)) job.outputs = [random.integer(-2, plan.buffers.length)];
  if (random.chance(0.02)) job.batchSize = random.pick([0, -1, 2 ** 40]);
  return job;
}

/** A program from arrays into arrays, without a job. */
function runDirect(random, plan, { buffers }, dtype) {
  const rows = random.integer(1, 40);
  const batched = [...buffers.keys()].filter((i) => buffers[i].batched);
  const inputs = batched.filter(() => random.chance(0.7));
  const outputs = batched.filter((i) => buffers[i].dtype === 'real' && random.chance(0.5));
  if (random.chance(0.02)) outputs.push(random.integer(-2, buffers.length));
  const arrays = [...inputs, ...outputs].map((i) => {
    const length = rows * (buffers[i]?.size ?? 1) + (random.chance(0.01) ? 1 : 0);
    return buffers[i]?.dtype === 'int32' ? new Int32Array(length).fill(1) : new FLOATS[dtype](length).fill(0.5);
  });
  const number = plan.direct(`p${random.integer(0, random.chance(0.05) ? 9 : 0)}`, inputs, outputs);
  plan.runDirect(number, random.chance(0.02) ? random.pick([0, -1, 2 ** 40]) : random.integer(1, rows), ...arrays);
}

export function run(random, count, report) {
  for (let i = 0; i < count; i++) {
    const spec = planOf(random);
    const dtype = random.pick(Object.keys(FLOATS));
    let plan;
    try {
      plan = new binding.Plan(dtype, spec);
    } catch (error) {
      report.error(error, spec);
      continue;
    }
    for (let jobs = random.integer(1, 5); jobs > 0; jobs--) {
      const job = jobOf(random, spec, dtype);
      try {
        plan.write(0, new FLOATS[dtype](spec.fixedSize).fill(0.5));
        plan.write(0, new Int32Array(spec.int32FixedSize).fill(1));
        const { steps } = plan.runSync(job);
        if (steps === 0 && (job.rows?.length ?? job.count) > 0) report(`no step of ${JSON.stringify(spec)}`);
      } catch (error) {
        report.error(error, { spec, job });
      }
      try {
        if (random.chance(0.3)) runDirect(random, plan, spec, dtype);
      } catch (error) {
        report.error(error, spec);
      }
      if (plan.busy()) report(`still busy after ${JSON.stringify({ spec, job })}`);
    }
  }
}
