import { binding, type NativePlan, type PlanSpec } from '../../../dist/binding.js';
import { lengthOf } from '../../../dist/signature.js';
import { type DType, type Floats, operandsOf, TYPED } from './buffers.js';
import type { Dims, Scalars } from './case.js';

export type Place = PlanSpec['buffers'][number];

/** Where the buffers of one kernel lie in a plan: apart from each other. */
export function placesOf(name: string, d: Dims): Place[] {
  const ends = { true: 0, false: 0 };
  return operandsOf(name).map((operand) => {
    const batched = operand.length.includes('B');
    const size = lengthOf(operand, { ...d, B: 1 });
    const offset = ends[`${batched}`];
    ends[`${batched}`] = offset + Math.ceil(size / 16) * 16;
    return { offset, size, batched };
  });
}

/** A plan whose only program is one kernel. */
export class KernelPlan {
  readonly places: readonly Place[];
  readonly #native: NativePlan;
  readonly #operands: ReturnType<typeof operandsOf>;
  readonly #Floats: (typeof TYPED)[DType];
  readonly #arena: number;

  constructor(name: string, d: Dims, s: Scalars, dtype: DType, places: readonly Place[] = placesOf(name, d)) {
    const sizeOf = (batched: boolean) =>
      Math.max(0, ...places.filter((p) => p.batched === batched).map(({ offset, size }) => offset + size));
    const { B = 1, ...dims } = d;
    const spec: PlanSpec & { capacity: number } = {
      fixedSize: sizeOf(false),
      rowSize: sizeOf(true),
      capacity: B,
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
    this.#Floats = TYPED[dtype];
    this.#arena = (spec.fixedSize + spec.rowSize * B) * this.#Floats.BYTES_PER_ELEMENT;
    this.places = places;
  }

  /** Bytes of scratch, as long as no batch was longer than the dimension B. */
  get scratch(): number {
    return this.#native.bytes() - this.#arena;
  }

  /** What the outputs hold after a batch of `B` samples, where the buffers that are read hold `buffers` before. */
  run(buffers: readonly Floats[], B = 1): Floats[] {
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
      const values = new this.#Floats(this.places[k].size);
      this.#native.read(this.places[k].offset, values);
      return values;
    });
  }
}
