// The machine's own limits in this process: matrix products and copies, on the threads that are set. A limit is the best of
// many short runs: on a machine that does other work too, a median would be lower, and the shares of it too flattering.
import { RandomState } from 'fjordnet';
import { dataset } from '../../dist/plan.js';
import { Tape } from '../../dist/tape.js';
import { spread } from './statistics.js';

const N = 512;
const COPY = 1 << 26; // bytes: far beyond any cache

/** GFLOP/s of sgemm and dgemm at 512^3, and GB/s of a copy, reading and writing counted. */
export function measureLimits(quick = false) {
  const runs = quick ? 5 : 40;
  return {
    sgemm: gemmRate('float32', runs),
    dgemm: gemmRate('float64', runs),
    copy: copyRate(quick ? COPY / 16 : COPY, runs),
  };
}

function gemmRate(dtype, runs) {
  const tape = new Tape(dtype);
  const x = tape.batched('x', [N]);
  const y = tape.batched('y', [N]);
  const w = tape.fixed('parameter', 'w', [N, N]);
  tape.program('product');
  tape.emit('matmul', [x, w, y], { O: N, I: N });
  const plan = tape.compile();
  const random = new RandomState(0);
  plan.write(w, random.randn(N, N));
  const samples = dataset('x', random.randn(N, N), dtype);
  const job = { program: 'product', inputs: [[x, samples]], first: 0, count: N, batchSize: N };
  plan.runSync(job);
  const times = Array.from({ length: runs }, () => plan.runSync(job).seconds);
  return (2 * N ** 3) / spread(times).least / 1e9;
}

/**
 * GB/s of copying so many bytes again and again, reading and writing counted: the rate of the cache that holds them, or of
 * memory. Short copies are repeated within one call, so that the call does not count.
 */
export function copyRate(bytes, runs) {
  const values = Math.max(16, bytes / 4);
  const rows = Math.max(1, Math.min(1024, Math.floor(values / 64)));
  const width = Math.ceil(values / rows);
  const copies = Math.max(1, Math.min(100, Math.round(4e6 / bytes)));
  const tape = new Tape('float32');
  const x = tape.batched('x', [1]);
  const from = tape.batched('from', [width]);
  const to = tape.batched('to', [width]);
  tape.program('copy');
  for (let i = 0; i < copies; i++) tape.emit('copy', [from, to], { N: width });
  const plan = tape.compile();
  const samples = dataset('x', new RandomState(0).randn(rows, 1), 'float32');
  const job = { program: 'copy', inputs: [[x, samples]], first: 0, count: rows, batchSize: rows };
  plan.runSync(job);
  const times = Array.from({ length: runs }, () => plan.runSync(job).seconds / copies);
  return (2 * 4 * rows * width) / spread(times).least / 1e9;
}
