import { allocate, filled } from './allocate.js';
import { type DType, NDArray, type TypedData } from './array.js';
import {
  type BufferSpec,
  binding,
  type InstructionSpec,
  type NativeArray,
  type NativeDataset,
  type NativeJob,
  type NativePlan,
  type NativeResult,
} from './binding.js';
import { aligned, layOut, livesOf, runByRows } from './graph/lives.js';

export type FloatType = Exclude<DType, 'int32'>;
export type FloatArray = Float64Array | Float32Array;

/**
 * Stretches of the arena lie together by role, in this order; those with a batch dimension lie in a second region, and
 * integers in two of their own. What is in 'report', real numbers, is handed back after every step.
 */
const ROLES = ['parameter', 'gradient', 'state', 'report'] as const;
type Role = (typeof ROLES)[number];

/** A buffer on a tape. `shape` is without the batch dimension. */
export interface Buffer {
  readonly index: number;
  readonly name: string;
  readonly shape: readonly number[];
  readonly size: number;
  readonly batched: boolean;
  /** Numbers of the tape's dtype, or integers, which name rows and categories. */
  readonly dtype: 'real' | 'int32';
  /** The buffer whose memory this one is, under another shape. */
  readonly viewOf?: Buffer;
  /** Of an element: its place in `viewOf`. */
  readonly at?: number;
}

/** A scalar on a tape: a constant, or one that a job may set before each step. */
export interface Scalar {
  readonly index: number;
}

const LEFT_OUT = -1; // in place of a buffer's index

/**
 * A recording of kernel instructions. Networks emit their forward and backward passes on it, one line per NumPy line;
 * `compile` lays out the arena and hands everything to C++, which checks it once and then replays it.
 */
export class Tape {
  readonly dtype: FloatType;
  #buffers: (Buffer & { role?: Role | 'activation' })[] = [];
  #scalars: number[] = [];
  #programs: Record<string, InstructionSpec[]> = {};
  #recording: InstructionSpec[] = [];
  #node?: string;
  #when?: Scalar;

  constructor(dtype: FloatType) {
    this.dtype = dtype;
  }

  /** A buffer of fixed size. */
  fixed(role: Role, name: string, shape: readonly number[], dtype: Buffer['dtype'] = 'real'): Buffer {
    return this.#add(role, name, shape, dtype);
  }

  /** A buffer with one row of `shape` for each sample of the batch. */
  batched(name: string, shape: readonly number[], dtype: Buffer['dtype'] = 'real'): Buffer {
    return this.#add('activation', name, shape, dtype);
  }

  /** The same memory under another shape of the same size. */
  view(of: Buffer, shape: readonly number[]): Buffer {
    const viewOf = of.viewOf ?? of;
    const view = { ...of, index: this.#buffers.length, shape, viewOf, role: undefined };
    this.#buffers.push(view);
    return view;
  }

  /** Number `at` of the values of a fixed buffer, as a buffer of one value. */
  element(of: Buffer, at: number): Buffer {
    const element = { ...of, index: this.#buffers.length, shape: [1], size: 1, viewOf: of, at, role: undefined };
    this.#buffers.push(element);
    return element;
  }

  scalar(value: number): Scalar {
    return { index: this.#scalars.push(value) - 1 };
  }

  /** What is emitted until the next call belongs to the program `name`. */
  program(name: string): void {
    this.#programs[name] ??= [];
    this.#recording = this.#programs[name];
  }

  /** A program made of others, one after the other. */
  compose(name: string, programs: readonly string[]): void {
    this.#programs[name] = programs.flatMap((part) => this.#programs[part]);
  }

  /**
   * Appends an instruction: a kernel, its input and output buffers in the order of its signature (undefined where one is
   * left out), dimensions, scalars. The kernel's B is `rows` times the batch; where all its buffers are fixed, just `rows`.
   */
  emit(
    kernel: string,
    buffers: readonly (Buffer | undefined)[],
    dims: Record<string, number>,
    scalars: Record<string, number | Scalar> = {},
    rows = 1,
  ): void {
    const index: Record<string, number> = {};
    for (const [name, value] of Object.entries(scalars))
      index[name] = (typeof value === 'number' ? this.scalar(value) : value).index;
    const part = {
      ...(this.#node !== undefined && { node: this.#node }),
      ...(this.#when && { when: this.#when.index }),
    };
    const places = buffers.map((b) => b?.index ?? LEFT_OUT);
    this.#recording.push({ kernel, buffers: places, dims, scalars: index, rows, ...part });
  }

  /** What `emit` records is part of `node` of a network: messages about its instructions say so. */
  within<R>(node: string, emit: () => R): R {
    const before = this.#node;
    this.#node = node;
    try {
      return emit();
    } finally {
      this.#node = before;
    }
  }

  /** What `record` emits is skipped in the steps in which `scalar` is 0. */
  when(scalar: Scalar, record: () => void): void {
    const outer = this.#when;
    this.#when = scalar;
    try {
      record();
    } finally {
      this.#when = outer;
    }
  }

  /**
   * Lays out the arena, checks every instruction against its kernel's signature, and allocates.
   *
   * With `use`, only those programs are kept, and batched buffers whose lives do not meet in any of them share memory: what
   * is not an input is written by a program before it reads it, and what is not an output is not read after its end.
   */
  compile(use?: { programs: readonly string[]; inputs: readonly Buffer[]; outputs: readonly Buffer[] }): Plan {
    const programs = use ? Object.fromEntries(use.programs.map((p) => [p, this.#programs[p]])) : this.#programs;
    const offsets: number[] = [];
    const ends = { real: 0, int32: 0 };
    let reportStart = 0;
    for (const role of ROLES) {
      if (role === 'report') reportStart = ends.real;
      for (const b of this.#buffers) {
        if (b.role !== role) continue;
        offsets[b.index] = ends[b.dtype];
        ends[b.dtype] += role === 'report' ? b.size : aligned(b.size);
      }
    }
    const lives = use && livesOf(this.#buffers, Object.values(programs), use.inputs, use.outputs);
    const rowOf = (dtype: Buffer['dtype']) =>
      layOut(
        this.#buffers.filter((b) => b.role === 'activation' && b.dtype === dtype),
        lives,
        offsets,
      );
    const [rowSize, int32RowSize] = [rowOf('real'), rowOf('int32')];
    for (const b of this.#buffers) if (b.viewOf) offsets[b.index] = offsets[b.viewOf.index] + (b.at ?? 0);
    const report = { offset: reportStart, size: ends.real - reportStart, batched: false };
    const native = new binding.Plan(this.dtype, {
      fixedSize: ends.real,
      rowSize,
      int32FixedSize: ends.int32,
      int32RowSize,
      tiled: runByRows(this.#buffers, Object.values(programs).flat()),
      buffers: [
        ...this.#buffers.map(
          ({ index, size, batched, dtype, name }): BufferSpec => ({
            offset: offsets[index],
            size,
            batched,
            dtype,
            name,
          }),
        ),
        report,
      ],
      scalars: this.#scalars,
      programs,
      report: this.#buffers.length,
    });
    return new Plan(native, this.dtype, offsets, report);
  }

  #add(role: Role | 'activation', name: string, shape: readonly number[], dtype: Buffer['dtype']): Buffer {
    const size = shape.reduce((product, n) => product * n, 1);
    const buffer = { index: this.#buffers.length, name, shape, size, batched: role === 'activation', dtype, role };
    this.#buffers.push(buffer);
    return buffer;
  }
}

/** A job for a plan: batches of samples and the program to replay for each. */
export interface Job extends Omit<NativeJob, 'inputs' | 'outputs' | 'scalars'> {
  inputs: (readonly [Buffer, NativeDataset | NativeArray])[];
  scalars?: Scalar[];
  outputs?: readonly Buffer[];
}

/** A compiled tape: an arena and the programs that run in it. */
export class Plan {
  readonly dtype: FloatType;
  #native: NativePlan;
  #offsets: readonly number[];
  #report: { offset: number; size: number };

  constructor(
    native: NativePlan,
    dtype: FloatType,
    offsets: readonly number[],
    report: { offset: number; size: number },
  ) {
    this.#native = native;
    this.dtype = dtype;
    this.#offsets = offsets;
    this.#report = report;
  }

  /** What the report buffer `buffer` of one value held after each step of a job. */
  reported(result: NativeResult, buffer: Buffer): Float64Array {
    const { offset, size } = this.#report;
    const at = this.#offsets[buffer.index] - offset;
    return filled(Float64Array, result.steps, (step) => result.report[step * size + at]);
  }

  /** Adds to `sums` what these report buffers of one value held, step after step: all that a job reported in one pass. */
  addReported(result: NativeResult, buffers: readonly Buffer[], sums: number[]): void {
    const { offset, size } = this.#report;
    const places = buffers.map(({ index }) => this.#offsets[index] - offset);
    for (let j = 0; j < places.length; j++) sums[j] ??= 0;
    for (let row = 0; row < result.steps * size; row += size)
      for (let j = 0; j < places.length; j++) sums[j] += result.report[row + places[j]];
  }

  /** A copy of a fixed buffer. During a job: as of its end. */
  read(buffer: Buffer): NDArray {
    const data = allocate<number, TypedData>(TYPED[this.#dtypeOf(buffer)], buffer.size);
    this.#native.read(this.#offsets[buffer.index], data);
    return NDArray.wrap(data, buffer.shape);
  }

  /** Copies of fixed buffers of real numbers that lie near each other, all of one moment: during a job, as of its beginning or its end. */
  readTogether(buffers: readonly Buffer[]): NDArray[] {
    if (!this.#native.busy()) return buffers.map((buffer) => this.read(buffer));
    const offsets = buffers.map(({ index }) => this.#offsets[index]);
    const first = Math.min(...offsets);
    const size = Math.max(...buffers.map(({ size }, i) => offsets[i] + size)) - first;
    const all = allocate<number, FloatArray>(this.dtype === 'float32' ? Float32Array : Float64Array, size);
    this.#native.read(first, all);
    return buffers.map(({ size, shape }, i) => {
      const at = offsets[i] - first;
      return NDArray.wrap(all.slice(at, at + size), shape);
    });
  }

  write(buffer: Buffer, array: NDArray): void {
    this.#native.write(this.#offsets[buffer.index], valuesOf(array, this.#dtypeOf(buffer)));
  }

  run(job: Job): Promise<NativeResult> {
    return this.#native.run(nativeJob(job));
  }

  runSync(job: Job): NativeResult {
    return this.#native.runSync(nativeJob(job));
  }

  /**
   * Computes a program's outputs on this thread, from samples where they are to arrays that are there: without what a job
   * costs. Arrays are of the plan's types, those of inputs before those of outputs.
   */
  direct(
    program: string,
    inputs: readonly Buffer[],
    outputs: readonly Buffer[],
  ): (batchSize: number, arrays: readonly NativeArray[]) => void {
    const indices = (buffers: readonly Buffer[]) => buffers.map(({ index }) => index);
    const number = this.#native.direct(program, indices(inputs), indices(outputs));
    return (batchSize, arrays) => this.#native.runDirect(number, batchSize, ...arrays);
  }

  #dtypeOf(buffer: Buffer): DType {
    return buffer.dtype === 'int32' ? 'int32' : this.dtype;
  }

  /** Whether a job is running. */
  get busy(): boolean {
    return this.#native.busy();
  }

  /** Ends the running job after its current batch. */
  stop(): void {
    this.#native.stop();
  }

  /** Bytes of the arena. */
  get bytes(): number {
    return this.#native.bytes();
  }
}

function nativeJob({ inputs, outputs, scalars, ...job }: Job): NativeJob {
  const native: NativeJob = { ...job, inputs: inputs.map(([buffer, data]) => [buffer.index, data] as const) };
  if (outputs) native.outputs = outputs.map((b) => b.index);
  if (scalars) native.scalars = scalars.map((s) => s.index);
  return native;
}

const TYPED = { float64: Float64Array, float32: Float32Array, int32: Int32Array } as const;

/**
 * The values of an array in a plan's dtype, for `runSync`, which reads them in place; for buffers of integers as int32.
 * @throws RangeError if integers are asked for where there are others
 */
export function valuesOf(array: NDArray, dtype: FloatType): FloatArray;
export function valuesOf(array: NDArray, dtype: DType): TypedData;
export function valuesOf(array: NDArray, dtype: DType): TypedData {
  if (array.dtype === dtype) return array.data;
  const values = allocate<ArrayLike<number>, TypedData>(TYPED[dtype], array.data);
  if (dtype !== 'int32') return values;
  const at = array.data.findIndex((x, i) => x !== values[i]);
  if (at >= 0) throw new RangeError(`Expected integers of 32 bits, got ${array.data[at]} at ${at}`);
  return values;
}

const copies = new WeakMap<TypedData, WeakRef<NativeDataset>>();

/**
 * The samples of an array in native memory, one row of the array each. Networks that are given the same array share one
 * copy, for as long as the array has not been changed: comparing takes less time than copying.
 */
export function dataset(name: string, array: NDArray, dtype: DType): NativeDataset {
  const rows = array.shape[0];
  const width = rows === 0 ? 0 : array.size / rows;
  const known = copies.get(array.data)?.deref();
  if (known?.holds(array.data, width, dtype)) return known;
  const copy = new binding.Dataset(name, array.data, rows, width, dtype);
  copies.set(array.data, new WeakRef(copy));
  return copy;
}
