// Where the time of our own step goes: every instruction of the tape alone, repeated, on the buffers that it has in the step.
import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { NDArray, optimizers, setThreads, toCategorical } from 'fjordnet';
import { binding } from '../../dist/binding.js';
import { getLoss } from '../../dist/losses.js';
import { recordNetwork } from '../../dist/models/network.js';
import { dataset } from '../../dist/plan.js';
import { Tape } from '../../dist/tape.js';
import { writeCase } from './case.js';
import { copyRate, measureLimits } from './limits.js';
import { lossOf, networkOf } from './our-network.js';
import { readCase } from './peers/protocol.js';
import { digits } from './report.js';
import { spread } from './statistics.js';

/** Multiplications and additions by kernel: dims of the instruction, B the batch. */
const GEMMS = {
  affine: ({ B, I, O }) => 2 * B * I * O,
  matmul: ({ B, I, O }) => 2 * B * I * O,
  weightGradient: ({ B, I, O }) => 2 * B * I * O,
  inputGradient: ({ B, I, O }) => 2 * B * I * O,
};
for (const name of ['conv2d', 'conv2dWeightGradient', 'conv2dInputGradient'])
  GEMMS[name] = ({ B, K, L, C, F, Y, X }) => 2 * B * Y * X * K * L * C * F;

/** @returns a table as text, for one thread and for all */
export async function profileWorkload(workload, { quick, threads = [...new Set([1, availableParallelism()])] }) {
  const parts = [`(${workload.id}) ${workload.title}`];
  for (const n of threads) {
    setThreads(n);
    parts.push(table(profile(workload, quick), measureLimits(), n, workload.dtype));
  }
  return parts.join('\n');
}

/** Where a step that falls short spends its time, in a sentence: the three largest instructions and what they reach. */
export function largest(workload, limits, threads) {
  setThreads(threads);
  const own = { ...limits };
  const { rows, step } = profile(workload);
  const parts = rows
    .sort((a, b) => b.seconds - a.seconds)
    .slice(0, 3)
    .map((row) => {
      const { of, name } = reached(row, own, workload.dtype);
      return `${row.kernel} ${((100 * row.seconds) / step).toFixed(0)} % of the step at ${(100 * of).toFixed(0)} % of the ${name} rate`;
    });
  return `${parts.join(', ')}; what these are below the limit is what there is to gain.`;
}

/**
 * The share of the limit that an instruction reaches: of the matrix products' rate, or, without products, of the rate at
 * which as many bytes are copied, so that what lies in a cache is compared with that cache.
 */
function reached({ seconds, flop, bytes }, limits, dtype) {
  if (flop) {
    const name = dtype === 'float64' ? 'dgemm' : 'sgemm';
    return { of: flop / seconds / 1e9 / limits[name], name };
  }
  limits.copies ??= new Map();
  const size = 2 ** Math.max(8, Math.round(Math.log2(bytes / 2)));
  if (!limits.copies.has(size)) limits.copies.set(size, copyRate(size, 9));
  return { of: bytes / seconds / 1e9 / limits.copies.get(size), name: 'copy' };
}

/** { kernel, dims, seconds, flop, bytes } of each instruction of a training step. */
export function profile(workload, quick = false) {
  const folder = mkdtempSync(join(tmpdir(), 'fjordnet-profile-'));
  try {
    writeCase(folder, workload);
    return run(readCase(folder), quick);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function run(workload, quick) {
  const repeats = quick ? 3 : 20;
  const runs = quick ? 3 : 9;
  const { network, instructions, names, inputs: data, targets } = recorded(workload, repeats);
  const B = workload.batchSize;
  const runner = ({ plan, inputs, recorder, training }) => {
    for (const [i, { value }] of recorder.parameters.entries()) {
      const { data, shape } = workload.weights()[i];
      plan.write(value, NDArray.from(data).reshape(shape));
    }
    const all = [...inputs.map((buffer, i) => [buffer, data[i]]), [training.judged[0].targets, targets]];
    return (program) => plan.runSync({ program, inputs: all, first: 0, count: B, batchSize: B }).seconds;
  };
  const [run, whole] = [runner(network), runner(network.plain)];
  whole('train');
  const empty = time(() => run('nothing'), runs);
  const step = time(() => whole('train'), runs);
  const rows = instructions.map((instruction, i) => {
    const repeated = () => {
      run('train'); // what is computed in place, again and again, ends in numbers too small for a usual speed
      return run(names[i]);
    };
    const seconds = Math.max(1e-9, (time(repeated, runs) - empty) / repeats);
    const dims = { ...instruction.dims, B: B * instruction.rows };
    return { ...instruction, seconds, flop: GEMMS[instruction.kernel]?.(dims), bytes: instruction.bytes(B) };
  });
  return { rows, step, gather: empty };
}

/** The best of some runs: what else the machine does is no part of a profile. */
const time = (call, runs) => spread(Array.from({ length: runs }, call)).least;

/** The network on a tape that also has one program for each instruction, which repeats it. */
function recorded(workload, repeats) {
  const { graph } = networkOf(workload);
  const emitted = [];
  const { emit, compile, times: timesOf } = Tape.prototype;
  let program;
  let times = 1; // rows for each sample, of what is recorded
  const width = workload.dtype === 'float32' ? 4 : 8;
  const names = [];
  // The recorder is made inside recordNetwork; every tape learns to repeat for as long as this one is recorded.
  Tape.prototype.emit = function (kernel, buffers, dims, scalars, rows = 1) {
    emitted.push({ kernel, buffers, dims, scalars, rows, times, program });
    return emit.call(this, kernel, buffers, dims, scalars, rows);
  };
  Tape.prototype.times = function (n, record) {
    const before = times;
    times = n;
    try {
      return timesOf.call(this, n, record);
    } finally {
      times = before;
    }
  };
  const { program: select } = Tape.prototype;
  Tape.prototype.program = function (name) {
    program = name;
    return select.call(this, name);
  };
  Tape.prototype.compile = function () {
    Tape.prototype.emit = emit;
    for (const [i, e] of chosen(emitted).entries()) {
      names.push(`repeat ${i}`);
      this.program(names[i]);
      this.times(e.times, () => {
        for (let k = 0; k < repeats; k++) this.emit(e.kernel, e.buffers, e.dims, e.scalars, e.rows);
      });
    }
    this.program('nothing');
    return compile.call(this);
  };
  const record = () =>
    recordNetwork(graph, workload.dtype, {
      optimizer: optimizers.sgd({ learningRate: 1e-9 }),
      outputs: [{ name: 'y', loss: getLoss('loss', lossOf(workload)), lossWeight: 1, metrics: [] }],
      frozen: new Set(),
    });
  const { Plan } = binding;
  // Programs of other tiles have their rows in other places, and would not see what the step left.
  binding.Plan = class extends Plan {
    constructor(dtype, spec) {
      super(dtype, { ...spec, tiled: false });
    }
  };
  let network;
  try {
    network = record();
  } finally {
    Object.assign(Tape.prototype, { emit, compile, program: select, times: timesOf });
    binding.Plan = Plan;
  }
  network = { ...network, plain: record() };
  const instructions = chosen(emitted).map(({ kernel, buffers, dims, rows, times: each, program: part }) => ({
    kernel,
    dims,
    rows: buffers.some((b) => b?.batched) ? rows * each : rows,
    part,
    bytes: (B) => width * buffers.reduce((sum, b) => sum + (b ? b.size * (b.times ?? 1) * (b.batched ? B : 1) : 0), 0),
  }));
  const array = (name) => {
    const { data, shape } = workload.array(name);
    return NDArray.from(data).reshape(shape);
  };
  const labels = array('y');
  const { shape } = network.training.judged[0].targets;
  const y = workload.loss ? toCategorical(labels, shape[0]) : labels.reshape(-1, ...shape);
  return {
    network,
    instructions,
    names,
    inputs: workload.inputs.map(({ name, below }) => dataset(name, array(name), below ? 'int32' : workload.dtype)),
    targets: dataset('y', y, workload.dtype),
  };
}

/** Those of a training step without sample weights. */
const chosen = (emitted) =>
  emitted.filter(({ program }) => !['predict', 'forward in evaluation', 'sample weights'].includes(program));

function table({ rows, step, gather }, limits, threads, dtype) {
  const gemm = dtype === 'float64' ? limits.dgemm : limits.sgemm;
  const total = rows.reduce((sum, row) => sum + row.seconds, 0);
  const share = (seconds) =>
    `    ${`${((100 * seconds) / step).toFixed(1)} %`.padStart(7)} ${us(seconds).padStart(10)}`;
  const lines = [
    `  ${threads} thread${threads === 1 ? '' : 's'}: step ${us(step)}; ` +
      `limit ${digits(gemm)} GFLOP/s, memory ${digits(limits.copy)} GB/s`,
    '    share       time   of the limit',
  ];
  for (const { kernel, dims, seconds, flop, bytes } of rows) {
    const rate = flop ? `${digits(flop / seconds / 1e9)} GFLOP/s` : `${digits(bytes / seconds / 1e9)} GB/s`;
    const { of } = reached({ seconds, flop, bytes }, limits, dtype);
    const shape = Object.entries(dims)
      .map(([k, v]) => `${k}${v}`)
      .join(' ');
    lines.push(
      `${share(seconds)}  ${`${(100 * of).toFixed(0)} %`.padStart(6)} ${rate.padStart(14)}   ${kernel} ${shape}`,
    );
  }
  const blank = ' '.repeat(25);
  lines.push(`${share(gather)}${blank}the call, and the gather of the batch's rows`);
  lines.push(
    `${share(step - total - gather)}${blank}what they cost more in turn than alone: caches, hand-over to threads`,
  );
  return lines.join('\n');
}

const us = (seconds) => `${digits(seconds * 1e6)} µs`;
