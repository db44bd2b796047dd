import { allocate, filled } from './allocate.js';
import { type DType, type FirstNotFinite, firstNotFinite, NDArray, type TypedData } from './array.js';
import {
  binding,
  type NativeArray,
  type NativeDataset,
  type NativeJob,
  type NativePlan,
  type NativeResult,
} from './binding.js';
import type { Buffer, FloatArray, FloatType, Scalar } from './tape.js';

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

  /** Steps first .. end - 1 of a job alone. */
  stepsOf(result: NativeResult, first: number, end: number): NativeResult {
    if (first === 0 && end === result.steps) return result;
    const { size } = this.#report;
    return { ...result, steps: end - first, report: result.report.subarray(first * size, end * size) };
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

/** The addon looks faster, but takes as long to call as JavaScript to look at some hundred numbers. */
export const look: FirstNotFinite = (data) =>
  data.length < 512 ? firstNotFinite(data) : binding.firstNotFinite(data as FloatArray);

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
