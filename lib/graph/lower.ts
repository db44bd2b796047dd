import type { Buffer } from '../tape.js';
import type { Saved } from './op.js';
import type { Recorder } from './recorder.js';
import { isCall, type Node, topological, type Value } from './value.js';

/** What lowering a graph is told. */
export interface Lowering {
  /** Whether a backward pass follows, which reads what the forward pass leaves. */
  readonly training: boolean;
  /** The buffers of inputs and weights, and of trained weights' gradients. */
  readonly buffers: ReadonlyMap<Value, Buffer>;
  readonly gradients: ReadonlyMap<Value, Buffer>;
  /** What buffers of a node are called in messages. */
  nameOf(node: Node): string;
}

/**
 * A graph of operations on a tape: `forward` emits their instructions in an order in which each finds its inputs, `backward`
 * the derivatives in the reverse order. What is computed in place, where gradients go and what is added up follows from the
 * graph alone.
 */
export class Lowered {
  readonly #t: Recorder;
  readonly #options: Lowering;
  readonly #order: readonly Node[];
  readonly #buffers: Map<Value, Buffer>;
  /** Values that depend on a weight with a gradient. */
  readonly #wanted: Set<Value>;
  /** How often the memory of a value is read, through whatever views of it. */
  readonly #uses = new Map<Value, number>();
  readonly #saved = new Map<Node, Saved>();
  readonly #reals = new Map<Buffer, Buffer>();

  constructor(t: Recorder, outputs: readonly Value[], options: Lowering) {
    this.#t = t;
    this.#options = options;
    const order = topological(outputs);
    this.#order = order as Node[];
    this.#buffers = new Map(options.buffers);
    this.#wanted = new Set(options.training ? options.gradients.keys() : []);
    for (const node of this.#order)
      if (node.inputs.some((_, k) => this.#passes(node, k))) this.#wanted.add(node.output);
    const use = (value: Value) => this.#uses.set(memoryOf(value), (this.#uses.get(memoryOf(value)) ?? 0) + 1);
    for (const { op, inputs } of this.#order) if (!op.view) inputs.forEach(use);
    outputs.forEach(use);
  }

  /** The buffer of an input, a weight, a constant or, once `forward` has run, any value of the graph. */
  buffer(value: Value): Buffer {
    let buffer = this.#buffers.get(value);
    if (!buffer) {
      if (!value.constant)
        throw new TypeError('Expected values of this graph alone, got an input or a weight of another one');
      buffer = this.#t.constant(value.constant);
      this.#buffers.set(value, buffer);
    }
    return buffer;
  }

  forward(): void {
    const t = this.#t;
    for (const node of this.#order) {
      const { op, options, output } = node;
      const x = this.#inputs(node);
      const name = this.#options.nameOf(node);
      const y = op.view
        ? t.view(x[0], output.shape, output.times ?? 1)
        : this.#mayOverwriteInput(node)
          ? x[0]
          : this.#make(output, name);
      this.#buffers.set(output, y);
      const emit = () => t.times(output.times ?? 1, () => op.forward?.({ t, x, y, options }));
      const given = t.stepScalars.length;
      const saved = t.within(name, output.batched ? emit : () => t.ahead(emit));
      if (t.stepScalars.length > given && !this.#options.training)
        throw new TypeError(`Expected '${name}' to draw random numbers in training alone, as predictions have none`);
      if (saved) this.#saved.set(node, saved);
    }
  }

  /** Emits the gradients of all values that depend on a weight, from those of some on. Overwrites the buffers in `seeds`. */
  backward(seeds: ReadonlyMap<Value, Buffer>): ReadonlyMap<Value, Buffer> {
    const t = this.#t;
    const gradients = new Map<Value, Buffer>();
    for (const [value, seed] of seeds) this.#add(gradients, value, seed); // to its place, of a value that has one
    for (const node of this.#order.toReversed()) {
      const { op, inputs, options, output } = node;
      const dy = gradients.get(output);
      if (!dy || !this.#wanted.has(output)) continue;
      const name = this.#options.nameOf(node);
      if (op.view) {
        this.#add(gradients, inputs[0], t.view(dy, inputs[0].shape, inputs[0].times ?? 1));
        continue;
      }
      if (!op.backward)
        throw new TypeError(`Expected '${name}' to have a derivative, since layers before it are trained`);
      const parts: [input: Value, part: Buffer][] = [];
      const dx = inputs.map((input, k) => {
        if (!this.#passes(node, k)) return undefined;
        const first = !gradients.has(input);
        const place = first ? this.#placeOf(input) : undefined;
        const part = place ?? (k === 0 && op.gradientInPlace ? dy : this.#make(input, `${name}/d${k}`));
        if (first) gradients.set(input, part);
        else parts.push([input, part]);
        return part;
      });
      const io = {
        t,
        x: this.#inputs(node),
        y: this.buffer(output),
        dy,
        dx,
        saved: this.#saved.get(node) ?? {},
        options,
      };
      t.within(name, () => t.times(output.times ?? 1, () => op.backward?.(io)));
      for (const [input, part] of parts) this.#add(gradients, input, part);
    }
    return gradients;
  }

  /** Whether a gradient goes from a node to its input number k. */
  #passes({ op, inputs }: Node, k: number): boolean {
    return !op.isStep && !op.choosing?.includes(k) && this.#wanted.has(inputs[k]);
  }

  /** What an operation reads; of integers their values, unless it takes them as they are. */
  #inputs({ op, inputs }: Node): Buffer[] {
    return inputs.map((input, k) => {
      const buffer = this.buffer(input);
      return op.view || op.integers?.includes(k) ? buffer : this.real(buffer);
    });
  }

  /** The numbers of a buffer of integers, in the float type; of any other, that buffer. */
  real(buffer: Buffer): Buffer {
    if (buffer.dtype !== 'int32') return buffer;
    let real = this.#reals.get(buffer);
    if (!real) {
      real = this.#t.times(buffer.times ?? 1, () => {
        const out = this.#t.like(buffer, `${buffer.name}/real`);
        this.#t.emit('real', [buffer, out], { N: buffer.size });
        return out;
      });
      this.#reals.set(buffer, real);
    }
    return real;
  }

  /** Adds to the gradient of a value; the first part of it stays where it is, unless the gradient has a place. */
  #add(gradients: Map<Value, Buffer>, value: Value, part: Buffer): void {
    if (!this.#wanted.has(value)) return;
    const sum = gradients.get(value);
    if (sum) {
      this.#t.times(sum.times ?? 1, () => this.#t.emit('add', [sum, part, sum], { N: sum.size }));
      return;
    }
    const place = this.#options.gradients.get(value);
    if (place && part.viewOf !== place)
      this.#t.times(place.times ?? 1, () => this.#t.emit('copy', [part, place], { N: place.size }));
    gradients.set(value, place ?? part);
  }

  /**
   * Where the gradient of a weight goes; of a view, that place where nothing else reads the weight. A copy would end the run
   * of instructions by tiles of rows.
   */
  #placeOf(value: Value): Buffer | undefined {
    const owner = memoryOf(value);
    const place = this.#options.gradients.get(owner);
    if (owner === value || !place) return place;
    return this.#uses.get(owner) === 1 ? this.#t.view(place, value.shape, value.times ?? 1) : undefined;
  }

  #make(value: Value, name: string): Buffer {
    return value.batched
      ? this.#t.times(value.times ?? 1, () => this.#t.batched(name, value.shape))
      : this.#t.fixed('state', name, value.shape);
  }

  /**
   * Whether a node may write its value over its first input: another node made it, nobody else reads it, and no derivative
   * is written from what would be lost.
   */
  #mayOverwriteInput({ op, inputs, options, output }: Node): boolean {
    const input = memoryOf(inputs[0]);
    if (!op.inPlace || !input.from || isCall(input.from)) return false;
    if (input.batched !== output.batched || this.#uses.get(input) !== 1) return false;
    const reads = (node: Node, what: 'x' | 'y') => {
      const read = this.#wanted.has(node.output) ? (node.op.reads?.(node.options) ?? 'neither') : 'neither';
      return read === what || read === 'both';
    };
    const maker = input.from;
    return !reads({ op, inputs, options, output }, 'x') && !reads(maker, 'y');
  }
}

/** The value whose memory this one is: its own, or through views that of another. */
function memoryOf(value: Value): Value {
  let owner = value;
  while (owner.from && !isCall(owner.from) && owner.from.op.view) owner = owner.from.inputs[0];
  return owner;
}
