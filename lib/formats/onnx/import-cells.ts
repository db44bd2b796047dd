import type { Gate } from '../../graph/ops/recurrent.js';
import { type Atom, type Matrix, only, type Sum, type Term } from './import-step.js';
import { type Budget, type Numbers, orders } from './tensors.js';

/** A state of a loop: what it is called within a step, and what it is after it. */
export interface State {
  readonly name: string;
  readonly next: Sum;
}

/** A recurrent layer as it was found in a loop. */
export interface Cell {
  readonly type: 'RNN' | 'LSTM' | 'GRU';
  readonly activation: Gate;
  readonly recurrentActivation?: Gate;
  readonly resetAfter?: boolean;
  readonly numbers: Readonly<Record<string, Numbers>>;
  readonly units: number;
  /** What the sequence and the mask are called within a step. */
  readonly x: string;
  readonly mask?: string;
  /** Its states: the output's, and an LSTM's cell. */
  readonly states: readonly string[];
  /** What comes of a step that counts. */
  readonly output: Sum;
}

/** x W + h R + b, of a gate's columns. */
interface Product {
  readonly x: string;
  readonly w: Matrix;
  readonly r?: Matrix;
  readonly bias?: Float64Array;
  readonly rest: readonly Term[];
}

/** A sum's product with the sequence and with the state `h`; undefined where it has none with a sequence. */
function productOf(sum: Sum, h: string): Product | undefined {
  const isPort = ({ of, matrix }: Term) => of.kind === 'port' && of.start === 0 && of.size === matrix?.shape[0];
  const nameOf = ({ of }: Term) => (of as Atom & { kind: 'port' }).name;
  const ports = sum.terms.filter(isPort);
  const [states, inputs] = [ports.filter((term) => nameOf(term) === h), ports.filter((term) => nameOf(term) !== h)];
  if (inputs.length !== 1 || states.length > 1) return undefined;
  return {
    x: nameOf(inputs[0]),
    w: inputs[0].matrix as Matrix,
    ...(states[0] && { r: states[0].matrix as Matrix }),
    ...(sum.bias && { bias: sum.bias }),
    rest: sum.terms.filter((term) => !isPort(term)),
  };
}

type Full = Product & { readonly r: Matrix };

/** The same where it is nothing but these. */
function fullProductOf(sum: Sum, h: string): Full | undefined {
  const product = productOf(sum, h);
  return product?.r && product.rest.length === 0 ? (product as Full) : undefined;
}

/** The gate that a sum went through, and what went into it. */
function gateOf(sum: Sum): { gate: Gate; of: Sum } {
  const of = only(sum);
  return of?.kind === 'gate' ? of : { gate: 'linear', of: sum };
}

function isPort(sum: Sum, name: string): boolean {
  const of = only(sum);
  return of?.kind === 'port' && of.name === name && of.start === 0 && of.size === sum.width;
}

/** Two products, whose sum is all that this is. */
function productsIn({ terms, bias }: Sum): (readonly [Sum, Sum])[] | undefined {
  if (terms.length !== 2 || bias) return undefined;
  const found = terms.flatMap(({ of, matrix }) => (of.kind === 'product' && !matrix ? [of.of] : []));
  return found.length === 2 ? found : undefined;
}

/** Whether a sum is 1 - u. */
function isRestOf(sum: Sum, isU: (u: Sum) => boolean): boolean {
  const { terms, bias } = sum;
  if (terms.length !== 1 || terms[0].matrix || !bias?.every((b) => b === 1)) return false;
  const { of } = terms[0];
  return of.kind === 'scaled' && of.by === -1 && isU(of.of);
}

/** m next + (1 - m) before, of a state whose steps are masked: the name of m, and `next`. */
function unmasked({ name, next }: State): { mask: string; next: Sum } | undefined {
  for (const [kept, old] of orders((productsIn(next) ?? []) as [readonly [Sum, Sum], readonly [Sum, Sum]])) {
    if (!kept || !old) return undefined;
    for (const [m, after] of orders(kept)) {
      const mask = only(m);
      if (mask?.kind !== 'port' || m.width !== 1 || mask.size !== 1) continue;
      for (const [rest, before] of orders(old))
        if (isPort(before, name) && isRestOf(rest, (u) => isPort(u, mask.name)))
          return { mask: mask.name, next: after };
    }
  }
  return undefined;
}

/** What comes in that sums are made of. */
export function portsIn(sums: readonly Sum[]): Set<string> {
  const found = new Set<string>();
  const seen = new Set<Sum>();
  const rest = [...sums];
  for (let sum = rest.pop(); sum; sum = rest.pop()) {
    if (seen.has(sum)) continue;
    seen.add(sum);
    for (const { of } of sum.terms)
      if (of.kind === 'port') found.add(of.name);
      else rest.push(...[of.of].flat());
  }
  return found;
}

/** Gates' weights side by side. */
function beside(parts: readonly Matrix[]): Numbers {
  const [[rows], columns] = [parts[0].shape, parts.reduce((sum, { shape }) => sum + shape[1], 0)];
  const data = new Float64Array(rows * columns);
  let from = 0;
  for (const part of parts) {
    const width = part.shape[1];
    for (let i = 0; i < rows * width; i++) data[Math.floor(i / width) * columns + from + (i % width)] = part.data[i];
    from += width;
  }
  return { shape: [rows, columns], data };
}

/** Biases in a row, zeros for gates without; undefined where no gate has one. */
function biasOf(parts: readonly (Float64Array | undefined)[], units: number): Float64Array | undefined {
  if (parts.every((bias) => bias === undefined)) return undefined;
  const data = new Float64Array(parts.length * units);
  for (const [k, bias] of parts.entries())
    for (let u = 0; bias && u < units; u++) data[k * units + u] = bias[bias.length === 1 ? 0 : u];
  return data;
}

function numbersOf(gates: readonly Full[], units: number): Record<string, Numbers> {
  const bias = biasOf(
    gates.map((gate) => gate.bias),
    units,
  );
  return {
    kernel: beside(gates.map(({ w }) => w)),
    recurrentKernel: beside(gates.map(({ r }) => r)),
    ...(bias && { bias: { shape: [bias.length], data: bias } }),
  };
}

type Found = Omit<Cell, 'mask' | 'states' | 'units' | 'output'>;

/** h = activation(x W + h R + b) */
function simpleOf({ name, next }: State): Found | undefined {
  const { gate: activation, of } = gateOf(next);
  const product = fullProductOf(of, name);
  return product && { type: 'RNN', activation, x: product.x, numbers: numbersOf([product], next.width) };
}

/** c = f c + i g; h = o activation(c) */
function lstmOf(h: State, c: State): Found | undefined {
  const sums = productsIn(c.next);
  const last = only(h.next);
  if (!sums || last?.kind !== 'product') return undefined;
  for (const [kept, fresh] of orders(sums as [readonly [Sum, Sum], readonly [Sum, Sum]]))
    for (const [f, before] of orders(kept))
      for (const [i, g] of orders(fresh))
        for (const [o, bent] of orders(last.of)) {
          const own = [i, f, g, o].map(gateOf);
          const { gate: activation, of: cell } = bent === c.next ? { gate: 'linear' as const, of: bent } : gateOf(bent);
          const recurrentActivation = own[3].gate;
          if (!isPort(before, c.name) || cell !== c.next || own[2].gate !== activation) continue;
          if (own[0].gate !== recurrentActivation || own[1].gate !== recurrentActivation) continue;
          const gates = own.map(({ of }) => fullProductOf(of, h.name));
          if (gates.some((gate) => !gate || gate.x !== gates[0]?.x)) continue;
          const numbers = numbersOf(gates as Full[], h.next.width);
          return { type: 'LSTM', activation, recurrentActivation, x: (gates as Full[])[0].x, numbers };
        }
  return undefined;
}

/** h = u h + (1 - u) n */
function gruOf(h: State, budget: Budget): Found | undefined {
  for (const [kept, fresh] of orders((productsIn(h.next) ?? []) as [readonly [Sum, Sum], readonly [Sum, Sum]])) {
    if (!kept || !fresh) return undefined;
    for (const [u, before] of orders(kept))
      for (const [rest, n] of orders(fresh)) {
        if (!isPort(before, h.name) || !isRestOf(rest, (own) => own === u)) continue;
        const { gate: recurrentActivation, of } = gateOf(u);
        const update = fullProductOf(of, h.name);
        const candidate = candidateOf(n, h, recurrentActivation);
        if (!update || !candidate || [candidate.reset, candidate.own].some(({ x }) => x !== update.x)) continue;
        return { ...gruFrom(update, candidate, h.next.width, budget), recurrentActivation };
      }
  }
  return undefined;
}

interface Candidate {
  readonly activation: Gate;
  readonly reset: Full;
  /** x W + b and its matrix R. */
  readonly own: Full;
  readonly resetAfter: boolean;
  /** What is added to h R before it is reset. */
  readonly inner?: Float64Array;
}

/** n = activation(x W + b + r (h R + b')), or activation(x W + b + (r h) R) */
function candidateOf(n: Sum, h: State, recurrentActivation: Gate): Candidate | undefined {
  const { gate: activation, of: sum } = gateOf(n);
  const own = productOf(sum, h.name);
  const [term] = own?.rest ?? [];
  if (!own || own.r || own.rest.length !== 1 || term.of.kind !== 'product') return undefined;
  for (const [r, other] of orders(term.of.of)) {
    const { gate, of } = gateOf(r);
    const reset = gate === recurrentActivation ? fullProductOf(of, h.name) : undefined;
    if (!reset) continue;
    if (term.matrix && isPort(other, h.name))
      return { activation, reset, own: { ...own, r: term.matrix }, resetAfter: false };
    const [inner] = other.terms;
    if (term.matrix || other.terms.length !== 1 || inner.of.kind !== 'port' || !inner.matrix) continue;
    if (inner.of.name !== h.name || inner.of.start !== 0 || inner.of.size !== inner.matrix.shape[0]) continue;
    const bias = other.bias && { inner: other.bias };
    return { activation, reset, own: { ...own, r: inner.matrix }, resetAfter: true, ...bias };
  }
  return undefined;
}

function gruFrom(
  update: Full,
  { activation, reset, own, resetAfter, inner }: Candidate,
  units: number,
  budget: Budget,
): Found {
  const gates = [update, reset, own];
  const numbers = numbersOf(gates, units);
  if (resetAfter && (numbers.bias || inner)) {
    budget.take(6 * units);
    const both = new Float64Array(6 * units);
    both.set((numbers.bias?.data as Float64Array | undefined) ?? []);
    both.set(biasOf([undefined, undefined, inner], units) ?? [], 3 * units);
    numbers.bias = { shape: [2, 3 * units], data: both };
  }
  return { type: 'GRU', activation, resetAfter, x: update.x, numbers };
}

/** Whether this is a cell's output, with zeros for the steps that do not count, as Keras' Bidirectional has it. */
export function isZeroed(sum: Sum, { mask, output }: Cell): boolean {
  return orders((productsIn(sum) ?? []) as [readonly [Sum, Sum], readonly [Sum, Sum]]).some(
    ([kept, old]) =>
      kept !== undefined &&
      orders(kept).some(([m, next]) => mask !== undefined && isPort(m, mask) && next === output) &&
      orders(old).some(
        ([rest, zero]) =>
          isRestOf(rest, (u) => mask !== undefined && isPort(u, mask)) &&
          zero.terms.length === 0 &&
          zero.bias?.every((b) => b === 0),
      ),
  );
}

/** The layer whose step this is; undefined if it is none. */
export function cellOf(states: readonly State[], budget: Budget): Cell | undefined {
  const without = states.map(unmasked);
  const mask = without[0]?.mask;
  if (without.some((own) => own?.mask !== mask)) return undefined;
  const inner = states.map(({ name, next }, i) => ({ name, next: without[i]?.next ?? next }));
  const ports = portsIn(inner.map(({ next }) => next));
  const own = inner.filter(({ name }) => ports.has(name));
  // Keras has the output of the step before as one more state, which masked steps repeat
  const [h, c] = own;
  if (own.length < 1 || own.length > 2) return undefined;
  const pairs: [State, State | undefined][] = c ? orders([h, c]) : [[h, undefined]];
  for (const [output, cell] of pairs) {
    const found = cell ? lstmOf(output, cell) : (simpleOf(output) ?? gruOf(output, budget));
    const isRepeated = inner.every((state) => own.includes(state) || state.next === output.next);
    if (!found || !isRepeated) continue;
    const names = [output.name, ...(cell ? [cell.name] : [])];
    return {
      ...found,
      units: output.next.width,
      output: output.next,
      states: names,
      ...(mask !== undefined && { mask }),
    };
  }
  return undefined;
}
