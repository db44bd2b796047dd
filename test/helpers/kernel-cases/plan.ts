import { binding, type NativePlan, type PlanSpec } from '../../../dist/binding.js';
import { lengthOf } from '../../../dist/signature.js';
import { arrayOf, type DType, type Numbers, operandsOf, TYPED } from './buffers.js';
import type { Dims, Scalars } from './case.js';

export type Place = PlanSpec['buffers'][number];

/** Where the buffers of one kernel lie in a plan: apart from each other. */
export function placesOf(name: string, d: Dims): Place[] {
  const ends = new Map<string, number>();
  return operandsOf(name).map((operand) => {
    const batched = operand.length.includes('B');
    const size = lengthOf(operand, { ...d, B: 1 });
    const region = `${operand.dtype} ${batched}`;
    const offset = ends.get(region) ?? 0;
    ends.set(region, offset + Math.ceil(size / 16) * 16);
    return { offset, size, batched, dtype: operand.dtype };
  });
}

/** A plan whose only program is one kernel. */
export class KernelPlan {
  readonly places: readonly Place[];
  readonly #native: NativePlan;
  readonly #operands: ReturnType<typeof operandsOf>;
  readonly #dtype: DType;
  readonly #arena: number;

  constructor(
    name: string,
    d: Dims,
    s: Scalars,
    dtype: DType,
    places: readonly Place[] = placesOf(name, d),
    tileRows?: number,
  ) {
    const sizeOf = (batched: boolean, dtype = 'real') =>
      Math.max(
        0,
        ...places.filter((p) => p.batched === batched && p.dtype === dtype).map(({ offset, size }) => offset + size),
      );
    const { B = 1, ...dims } = d;
    const spec: PlanSpec & { capacity: number } = {
      fixedSize: sizeOf(false),
      rowSize: sizeOf(true),
      int32FixedSize: sizeOf(false, 'int32'),
      int32RowSize: sizeOf(true, 'int32'),
      capacity: B,
      ...(tileRows && { tiled: true, tileRows }),
      buffers: [...places],
      scalars: Object.values(s),
      programs: {
        p: [
          {
            kernel: name,
            buffers: places.map((_, k) => k),
            dims,
            scalars: Object.fromEntries(Object.keys(s).map((key, k) => [key, k])),
          },
        ],
      },
      report: -1,
    };
    this.#native = new binding.Plan(dtype, spec);
    this.#operands = operandsOf(name);
    this.#dtype = dtype;
    this.#arena =
      (spec.fixedSize + spec.rowSize * B) * TYPED[dtype].BYTES_PER_ELEMENT +
      (spec.int32FixedSize! + spec.int32RowSize! * B) * Int32Array.BYTES_PER_ELEMENT;
    this.places = places;
  }

  /** Bytes of scratch, as long as no batch was longer than the dimension B. */
  get scratch(): number {
    return this.#native.bytes() - this.#arena;
  }

  /** What the outputs hold after a batch of `B` samples, where the buffers that are read hold `buffers` before. */
  run(buffers: readonly Numbers[], B = 1): Numbers[] {
    const read = this.places.flatMap(({ batched }, k) => (this.#operands[k].isRead && batched ? [k] : []));
    for (const [k, { offset, batched }] of this.places.entries())
      if (this.#operands[k].isRead && !batched) this.#native.write(offset, buffers[k]);
    const inputs = read.map((k) => [k, buffers[k]] as const);
    const written = [...this.places.keys()].filter((k) => this.#operands[k].isOutput);
    const outputs = written.filter((k) => this.places[k].batched);
    const job = { program: 'p', inputs, first: 0, count: B, batchSize: B, outputs };
    const { outputs: collected } = this.#native.runSync(job);
    return written.map((k) => {
      if (this.places[k].batched) return collected![outputs.indexOf(k)];
      const values = new (arrayOf(this.#operands[k], this.#dtype))(this.places[k].size);
      this.#native.read(this.places[k].offset, values);
      return values;
    });
  }
}
