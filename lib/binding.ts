import { loadAddon } from './load.js';
import { ofThisRealm } from './realm.js';

/** Samples in native memory: one copy, immutable, shared by any number of plans. */
export interface NativeDataset {
  readonly dataset: unique symbol;
  /** Whether this is still what a new Dataset of these values would be. */
  holds(values: Float64Array | Float32Array | Int32Array, width: number, dtype: string): boolean;
}

export interface NativeJob {
  program: string;
  /** Pairs of a batched buffer and the samples its rows are gathered from; `runSync` also takes typed arrays. */
  inputs: (readonly [number, NativeDataset | Float64Array | Float32Array])[];
  /** Samples of all batches in turn; or `first` and `count` for consecutive ones. */
  rows?: Int32Array;
  first?: number;
  count?: number;
  batchSize: number;
  /** After so many samples batches begin anew, whether the last was full or not: an epoch. */
  period?: number;
  /** Scalars set before each step, from `values` [steps, scalars.length]. */
  scalars?: number[];
  values?: Float64Array;
  /** A batched buffer whose rows are collected, in place of the reports. */
  output?: number;
}

export interface NativeResult {
  /** Batches done: fewer than asked for after `stop()`. */
  steps: number;
  /** The report buffer after each step: [steps, report size]. */
  report: Float64Array;
  output?: Float64Array | Float32Array;
  /** Time the steps took, in seconds, without the wait for a thread. */
  seconds: number;
}

export interface NativePlan {
  run(job: NativeJob): Promise<NativeResult>;
  runSync(job: NativeJob): NativeResult;
  stop(): void;
  read(offset: number, into: Float64Array | Float32Array): void;
  write(offset: number, from: Float64Array | Float32Array): void;
  busy(): boolean;
  bytes(): number;
}

export interface PlanSpec {
  fixedSize: number;
  rowSize: number;
  buffers: { offset: number; size: number; batched: boolean }[];
  scalars: number[];
  programs: Record<string, InstructionSpec[]>;
  /** The buffer that is handed back after every step. */
  report: number;
}

export interface InstructionSpec {
  kernel: string;
  buffers: number[];
  dims: Record<string, number>;
  scalars: Record<string, number>;
  /** The kernel's B is so many times the batch; where its buffers are fixed, just so many. Default 1 */
  rows?: number;
  /** A scalar of the plan: the instruction is skipped while that is 0. */
  when?: number;
}

export interface NativeRandomState {
  doubles(out: Float64Array): void;
  gaussians(out: Float64Array): void;
  bounded(out: Float64Array, max: number): void;
  shuffle(values: Int32Array): void;
  batches(n: number, out: Int32Array, size: number): void;
  getState(key: Uint32Array): [pos: number, hasGauss: number, gauss: number];
  setState(key: Uint32Array, pos: number, hasGauss: number, gauss: number): void;
}

interface Binding {
  Dataset: new (
    name: string,
    values: Float64Array | Float32Array | Int32Array,
    rows: number,
    width: number,
    dtype: string,
  ) => NativeDataset;
  Plan: new (dtype: string, spec: PlanSpec) => NativePlan;
  RandomState: new (seed: number) => NativeRandomState;
  kernel(
    name: string,
    dims: Record<string, number>,
    arrays: (Float64Array | Float32Array)[],
    scalars: Record<string, number>,
  ): void;
  kernels(): Record<string, string>;
  buildInfo(): {
    blas: string;
    blasConfig: string;
    blasCore: string;
    blasLinkage: 'static' | 'shared';
    simd: string;
    simdBits: number;
    napiVersion: number;
  };
  setThreads(n: number): void;
  getThreads(): number;
  memory(): { objects: number; bytes: number };
}

export const binding = ofThisRealm(loadAddon() as Binding);
