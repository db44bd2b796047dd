import type { DType } from './array.js';
import { type BufferSpec, binding, type InstructionSpec } from './binding.js';
import { aligned, layOut, livesOf, runByRows } from './graph/lives.js';
import { sizeOf } from './graph/value.js';
import { Plan } from './plan.js';

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
  /** So many rows of `shape` for each sample. Absent: one */
  readonly times?: number;
  /** Numbers of the tape's dtype, or integers, which name rows and categories. */
  readonly dtype: 'real' | 'int32';
  /** The buffer whose memory this one is, under another shape. */
  readonly viewOf?: Buffer;
  /** Of a part: where it begins in `viewOf`. */
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
  #times = 1;
  #ahead?: InstructionSpec[];
  #mayStop = false;
  #stop?: Buffer;

  constructor(dtype: FloatType) {
    this.dtype = dtype;
  }

  /** A buffer of fixed size. */
  fixed(role: Role, name: string, shape: readonly number[], dtype: Buffer['dtype'] = 'real'): Buffer {
    return this.#add(role, name, shape, dtype);
  }

  /** A buffer with one row of `shape` for each sample of the batch, or as many as `times` says. */
  batched(name: string, shape: readonly number[], dtype: Buffer['dtype'] = 'real'): Buffer {
    return this.#add('activation', name, shape, dtype);
  }

  /** A buffer of real numbers of the same shape, batched or not as that one is. */
  like({ batched, shape }: Pick<Buffer, 'batched' | 'shape'>, name: string): Buffer {
    return batched ? this.batched(name, shape) : this.fixed('state', name, shape);
  }

  /** The same memory under another shape of the same size; with `times` under one of so many rows for each sample. */
  view(of: Buffer, shape: readonly number[], times = of.times): Buffer {
    const viewOf = of.viewOf ?? of;
    const size = sizeOf(shape);
    const view = { ...of, index: this.#buffers.length, shape, size, viewOf, role: undefined };
    if (times === undefined || times === 1) delete (view as { times?: number }).times;
    else Object.assign(view, { times });
    this.#buffers.push(view);
    return view;
  }

  /**
   * Emits the sum of all gradients over the ranks of a job, in one go, as they lie together; behind them lies the number in which
   * one of the ranks tells the others to stop.
   */
  exchangeGradients(): void {
    this.#stop = this.fixed('gradient', 'stop', [1]);
    const all = this.#buffers.filter(({ role }) => role === 'gradient');
    const size = all.reduce((sum, { size }, i) => sum + (i === all.length - 1 ? size : aligned(size)), 0);
    this.emit('allReduce', [this.part(all[0], 0, [size])], { G: size });
  }

  /**
   * The values of a fixed buffer from number `at` on, as a buffer of this shape; or of a batched one, as `times` rows of this shape,
   * where every batch is one sample.
   */
  part(of: Buffer, at: number, shape: readonly number[] = [1], times = of.times): Buffer {
    const size = sizeOf(shape);
    const part = { ...of, index: this.#buffers.length, shape, size, viewOf: of, at, role: undefined };
    if (times !== undefined) Object.assign(part, { times });
    this.#buffers.push(part);
    return part;
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
      ...(this.#mayStop && { mayStop: true }),
    };
    const places = buffers.map((b) => b?.index ?? LEFT_OUT);
    const all = buffers.some((b) => b?.batched) ? rows * this.#times : rows;
    this.#recording.push({ kernel, buffers: places, dims, scalars: index, rows: all, ...part });
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

  /**
   * Whether a job that is to stop may leave a step before what is recorded from now on: nothing that it writes is read in
   * another step.
   */
  mayStop(value: boolean): void {
    this.#mayStop = value;
  }

  /** What `emit` records outlives the step, such as moving averages. */
  lasting(emit: () => void): void {
    const before = this.#mayStop;
    this.#mayStop = false;
    try {
      emit();
    } finally {
      this.#mayStop = before;
    }
  }

  /** What `emit` records works on n rows for each sample, such as one for each step of a sequence; so do its buffers. */
  times<R>(n: number, emit: () => R): R {
    const before = this.#times;
    this.#times = n;
    try {
      return emit();
    } finally {
      this.#times = before;
    }
  }

  /** What `ahead` records from now on belongs to the program `name`; undefined: to where it is recorded. */
  aheadIn(name: string | undefined): void {
    if (name !== undefined) this.#programs[name] ??= [];
    this.#ahead = name === undefined ? undefined : this.#programs[name];
  }

  /** For what depends on weights alone: once for a batch, and before what has rows, so that these may go on undivided. */
  ahead<R>(emit: () => R): R {
    const before = this.#recording;
    this.#recording = this.#ahead ?? before;
    try {
      return this.times(1, emit);
    } finally {
      this.#recording = before;
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

  /** All that is computed, as text: the same for recordings that differ in names alone. */
  get text(): string {
    const buffers = this.#buffers.map(({ name: _, viewOf, ...buffer }) => ({ ...buffer, viewOf: viewOf?.index }));
    const scalars = this.#scalars.map(String); // JSON has no infinite ones
    return JSON.stringify([buffers, scalars, this.#programs], (key, value) => (key === 'node' ? undefined : value));
  }

  /**
   * Lays out the arena, checks every instruction against its kernel's signature, and allocates.
   *
   * With `use`, only those programs are kept, and batched buffers whose lives do not meet in any of them share memory: what
   * is not an input is written by a program before it reads it, and what is not an output is not read after its end.
   */
  compile(use?: {
    programs: readonly string[];
    inputs: readonly Buffer[];
    outputs: readonly Buffer[];
    /** Batched buffers that keep what they hold from a batch to the next, in all programs, as long as batches have as many rows. */
    kept?: readonly Buffer[];
  }): Plan {
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
    const kept = use?.kept ?? [];
    const lives =
      use && livesOf(this.#buffers, Object.values(programs), [...use.inputs, ...kept], [...use.outputs, ...kept]);
    const rowOf = (dtype: Buffer['dtype']) =>
      layOut(
        this.#buffers
          .filter((b) => b.role === 'activation' && b.dtype === dtype)
          .map(({ index, size, times = 1 }) => ({ index, size: size * times })),
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
      tiled: kept.length === 0 && runByRows(this.#buffers, Object.values(programs).flat()), // tiles lie where each program wants them
      closed: use !== undefined,
      buffers: [
        ...this.#buffers.map(
          ({ index, size, times = 1, batched, dtype, name }): BufferSpec => ({
            offset: offsets[index],
            size: size * times,
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
      ...(this.#stop && { stop: this.#stop.index }),
    });
    return new Plan(native, this.dtype, offsets, report);
  }

  #add(role: Role | 'activation', name: string, shape: readonly number[], dtype: Buffer['dtype']): Buffer {
    const batched = role === 'activation';
    const times = batched && this.#times > 1 ? { times: this.#times } : {};
    const buffer = { index: this.#buffers.length, name, shape, size: sizeOf(shape), batched, ...times, dtype, role };
    this.#buffers.push(buffer);
    return buffer;
  }
}
