import { loadAddon } from './load.js';
import { ofThisRealm } from './realm.js';

/** Samples in native memory: one copy, immutable, shared by any number of plans. */
export interface NativeDataset {
  readonly dataset: unique symbol;
  /** Whether this is still what a new Dataset of these values would be. */
  holds(values: NativeArray, width: number, dtype: string): boolean;
}

/** Memory that native code reads in place, or writes. */
export type NativeArray = Float64Array | Float32Array | Int32Array;

export interface NativeJob {
  program: string;
  /** Pairs of a batched buffer and the samples its rows are gathered from; `runSync` also takes typed arrays. */
  inputs: (readonly [number, NativeDataset | NativeArray])[];
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
  /** Batched buffers of real numbers whose rows are collected, in place of the reports. */
  outputs?: number[];
  /** Of one of several ranks: what the addon of MPI made; the kernel allReduce sums over them all. */
  exchange?: object;
  /** Whether sums of gradients are started while others are computed. */
  overlap?: boolean;
  /**
   * What a rank has of each batch, [steps, 3]: how many rows, which of `rows` come one after the other, behind how many rows of
   * other ranks, and of how many rows in all. It may have none.
   */
  shares?: Int32Array;
  /** Whether this rank has all of them stop after the first step. */
  stop?: boolean;
}

export interface NativeResult {
  /** Batches done: fewer than asked for after `stop()`. */
  steps: number;
  /** The report buffer after each step: [steps, report size]. */
  report: Float64Array;
  /** The rows of the job's `outputs`, in their order. */
  outputs?: (Float64Array | Float32Array)[];
  /** Set where one of the ranks was to stop: all of them did after the last of these steps. */
  stopped?: boolean;
  /** Time the steps took, in seconds, without the wait for a thread. */
  seconds: number;
}

export interface NativePlan {
  run(job: NativeJob): Promise<NativeResult>;
  runSync(job: NativeJob): NativeResult;
  /** A number for `runDirect`, of a program whose `inputs` are read and whose `outputs` are written where they are. */
  direct(program: string, inputs: readonly number[], outputs: readonly number[]): number;
  /** The samples of each input and room for those of each output, in the plan's types. */
  runDirect(number: number, batchSize: number, ...arrays: NativeArray[]): void;
  stop(): void;
  /** Of fixed buffers; an Int32Array stands for those of integers. */
  read(offset: number, into: NativeArray): void;
  write(offset: number, from: NativeArray): void;
  busy(): boolean;
  bytes(): number;
}

export interface PlanSpec {
  fixedSize: number;
  rowSize: number;
  /** The same for buffers of integers, which lie apart. Default 0 */
  int32FixedSize?: number;
  int32RowSize?: number;
  buffers: BufferSpec[];
  scalars: number[];
  programs: Record<string, InstructionSpec[]>;
  /** The buffer that is handed back after every step. */
  report: number;
  /** The fixed buffer, among those that ranks sum up, in which one of them tells the others to stop. */
  stop?: number;
  /**
   * Whether batches are cut into tiles of rows: all kernels of the plan that have rows must run by rows. Default false: the
   * rows of each buffer lie together
   */
  tiled?: boolean;
  /**
   * Whether each program writes what it reads of a batch, inputs apart, and nothing but outputs is read behind its end: then tiles
   * may go through the same memory. Default false
   */
  closed?: boolean;
  /** Rows of a tile, in place of what follows from shapes: for tests. */
  tileRows?: number;
}

export interface BufferSpec {
  offset: number;
  size: number;
  batched: boolean;
  /** Numbers of the plan's dtype, or integers. Default 'real' */
  dtype?: 'real' | 'int32';
  /** For messages. */
  name?: string;
}

export interface InstructionSpec {
  kernel: string;
  buffers: number[];
  dims: Record<string, number>;
  scalars: Record<string, number>;
  /** The kernel's B is so many times the batch; where its buffers are fixed, just so many. Default 1 */
  rows?: number;
  /** The part of a network that it belongs to, such as `dense_1/affine`, for messages. */
  node?: string;
  /** May a job that is to stop leave the step before it? Default false */
  mayStop?: boolean;
  /** A scalar of the plan: the instruction is skipped while that is 0. */
  when?: number;
}

export interface NativeRandomState {
  doubles(out: Float64Array): void;
  gaussians(out: Float64Array): void;
  bounded(out: Float64Array, max: number): void;
  shuffle(values: Int32Array): void;
  batches(n: number, out: Int32Array, size: number): void;
  /** The same, drawn by another thread; false where there is none to spare. */
  beginBatches(n: number, count: number, size: number): boolean;
  /** Waits for the batches begun last. */
  endBatches(out: Int32Array): void;
  getState(key: Uint32Array): [pos: number, hasGauss: number, gauss: number];
  setState(key: Uint32Array, pos: number, hasGauss: number, gauss: number): void;
}

interface Binding {
  Dataset: new (name: string, values: NativeArray, rows: number, width: number, dtype: string) => NativeDataset;
  Plan: new (dtype: string, spec: PlanSpec) => NativePlan;
  RandomState: new (seed: number) => NativeRandomState;
  kernel(name: string, dims: Record<string, number>, arrays: NativeArray[], scalars: Record<string, number>): void;
  kernels(): Record<string, string>;
  /** Whether an instruction may be run on tiles of rows, each by one thread. */
  runsByRows(kernel: string, dims: Record<string, number>): boolean;
  /** The place of the first number that is NaN or infinite, or -1. */
  firstNotFinite(values: Float64Array | Float32Array): number;
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
