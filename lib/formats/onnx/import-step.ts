import type { Gate } from '../../graph/ops/recurrent.js';
import { sizeOf } from '../../graph/value.js';
import { Attributes } from './attributes.js';
import { type GraphBody, isFloat, type NodeProto } from './decode.js';
import { folded, splitUp } from './fold.js';
import { evenly } from './import-shapes.js';
import { type Budget, type Constant, constant, type Tensor } from './tensors.js';

/** A matrix [rows, columns]. */
export interface Matrix {
  readonly shape: readonly [rows: number, columns: number];
  readonly data: ArrayLike<number>;
}

/** What one step computes for a sample: sums of products, of what comes in and of what was bent by a gate. */
export interface Sum {
  readonly width: number;
  readonly terms: readonly Term[];
  readonly bias?: Float64Array;
}

/** `of`, or its product with a matrix. */
export interface Term {
  readonly of: Atom;
  readonly matrix?: Matrix;
}

export type Atom =
  /** Columns, from `start` on, of `size` that come into the step under this name. */
  | { readonly kind: 'port'; readonly name: string; readonly start: number; readonly size: number }
  | { readonly kind: 'gate'; readonly gate: Gate; readonly of: Sum }
  | { readonly kind: 'clipped'; readonly low: number; readonly high: number; readonly of: Sum }
  | { readonly kind: 'product'; readonly of: readonly [Sum, Sum] }
  | { readonly kind: 'scaled'; readonly by: number; readonly of: Sum };

/** The number of the step, from `from` on. */
export interface Time {
  readonly kind: 'time';
  readonly from: number;
}

export type Known = Tensor | Sum | Time;

export const isSum = (known: Known): known is Sum => 'terms' in known;

const GATES: Readonly<Record<string, Gate>> = {
  Sigmoid: 'sigmoid',
  Tanh: 'tanh',
  Relu: 'relu',
  Softplus: 'softplus',
  Softsign: 'softsign',
  Exp: 'exponential',
};

const about = (a: number, b: number) => Math.abs(a - b) < 1e-6;

export const atom = (of: Atom, width: number): Sum => ({ width, terms: [{ of }] });

export const port = (name: string, width: number): Sum => atom({ kind: 'port', name, start: 0, size: width }, width);

const gated = (gate: Gate, of: Sum): Sum => atom({ kind: 'gate', gate, of }, of.width);

const number = (value: number): Sum => ({ width: 1, terms: [], bias: Float64Array.of(value) });

function scaled(of: Sum, by: number, budget: Budget): Sum {
  if (of.terms.length === 0 && of.bias) return { ...of, bias: of.bias.map((b) => b * by) };
  const own = only(of);
  // Keras' hard sigmoid: x + 3 between 0 and 6, by 6
  if (own?.kind === 'clipped' && own.low === 0 && own.high === 6 && about(by, 1 / 6)) return hard(own.of, budget);
  return atom({ kind: 'scaled', by, of }, of.width);
}

/** What is between 0 and 6, by 6: our hard sigmoid of what is 3 less. */
function hard(of: Sum, budget: Budget): Sum {
  const { bias, ...rest } = plus(of, number(-3), budget);
  return gated('hardSigmoid', bias?.every((b) => b === 0) ? rest : { ...rest, ...(bias && { bias }) });
}

/** A sum between two numbers, the second of which may be given before or after. */
function clipped(of: Sum, low: number, high: number, budget: Budget): Sum {
  const own = only(of);
  if (own?.kind === 'clipped' && own.low <= high && own.high >= low)
    return clipped(own.of, Math.max(own.low, low), Math.min(own.high, high), budget);
  // Keras 1's and 2's hard sigmoid, 0.2 x + 0.5 between 0 and 1, and others
  if (low === 0 && high === 1) return hard(times(of, 6, budget), budget);
  return atom({ kind: 'clipped', low, high, of }, of.width);
}

/** A sum whose every part is that many times as large. */
function times({ width, terms, bias }: Sum, by: number, budget: Budget): Sum {
  const parts = terms.map(({ of, matrix }): Sum => {
    if (matrix) {
      budget.take(matrix.data.length);
      return { width, terms: [{ of, matrix: { ...matrix, data: Float64Array.from(matrix.data, (w) => w * by) } }] };
    }
    if (of.kind === 'scaled') return times(of.of, of.by * by, budget);
    if (of.kind !== 'product') return scaled(atom(of, width), by, budget);
    // a gate stays what it is
    const [a, b] = of.of;
    const isGate = only(a)?.kind === 'gate';
    return product(isGate ? a : times(a, by, budget), isGate ? times(b, by, budget) : b);
  });
  const all = parts.reduce<Sum>((sum, part) => plus(sum, part, budget), { width, terms: [] });
  return bias ? plus(all, { width: bias.length, terms: [], bias: bias.map((b) => b * by) }, budget) : all;
}

function plus(a: Sum, b: Sum, budget: Budget): Sum {
  const width = Math.max(a.width, b.width);
  budget.take(a.terms.length + b.terms.length + width);
  for (const { width: own, terms } of [a, b])
    if (own !== width && (own !== 1 || terms.length > 0))
      throw new RangeError(`its step adds ${a.width} numbers and ${b.width}`);
  const biases = [a.bias, b.bias].filter((bias) => bias !== undefined);
  const at = (bias: Float64Array, i: number) => bias[bias.length === 1 ? 0 : i];
  const bias = Float64Array.from({ length: width }, (_, i) => biases.reduce((sum, own) => sum + at(own, i), 0));
  return { width, terms: [...a.terms, ...b.terms], ...(biases.length > 0 && { bias }) };
}

function product(a: Sum, b: Sum): Sum {
  if (a.width !== b.width && a.width !== 1 && b.width !== 1)
    throw new RangeError(`its step multiplies ${a.width} numbers by ${b.width}`);
  return atom({ kind: 'product', of: [a, b] }, Math.max(a.width, b.width));
}

/** Columns of a step's numbers, as those of what they are made of. */
function columns(a: Sum, start: number, width: number, budget: Budget): Sum {
  if (start === 0 && width === a.width) return a;
  budget.take(1);
  if (start < 0 || width < 1 || start + width > a.width)
    throw new RangeError(`its step takes columns ${start} to ${start + width} of ${a.width}`);
  const part = (own: Sum) => (own.width === 1 ? own : columns(own, start, width, budget));
  const cut = (of: Atom): Atom => {
    if (of.kind === 'port') return { ...of, start: of.start + start };
    if (of.kind === 'product') return { ...of, of: [part(of.of[0]), part(of.of[1])] };
    return { ...of, of: part(of.of) };
  };
  return {
    width,
    terms: a.terms.map(({ of, matrix }) =>
      matrix ? { of, matrix: columnsOf(matrix, start, width, budget) } : { of: cut(of) },
    ),
    ...(a.bias && { bias: a.bias.slice(start, start + width) }),
  };
}

export function columnsOf({ shape, data }: Matrix, start: number, width: number, budget: Budget): Matrix {
  const [rows, all] = shape;
  budget.take(rows * width);
  const out = new Float64Array(rows * width);
  for (let i = 0; i < out.length; i++) out[i] = data[Math.floor(i / width) * all + start + (i % width)];
  return { shape: [rows, width], data: out };
}

/** The only thing that a sum is; undefined for a sum of several, or one with a bias or a matrix. */
export function only({ terms, bias }: Sum): Atom | undefined {
  return terms.length === 1 && !bias && !terms[0].matrix ? terms[0].of : undefined;
}

/** Makes of a step's nodes what they compute. */
export class Step {
  readonly known = new Map<string, Known>();
  readonly #body: GraphBody;
  readonly #outer: (name: string) => Tensor | undefined;
  readonly #sequence: (name: string) => Sum;
  readonly #budget: Budget;

  /**
   * @param outer what the step reads of the graph around it
   * @param sequence the part of such a tensor that belongs to the step
   */
  constructor(
    body: GraphBody,
    {
      outer,
      sequence,
      budget,
    }: {
      outer: (name: string) => Tensor | undefined;
      sequence: (name: string) => Sum;
      budget: Budget;
    },
  ) {
    this.#body = body;
    this.#outer = outer;
    this.#sequence = sequence;
    this.#budget = budget;
    for (const { name, shape, data, type } of body.tensors.values())
      this.known.set(name, constant(shape, data, isFloat(type)));
  }

  /** What makes a name, from the first node on. */
  nodesFor(names: readonly string[]): NodeProto[] {
    const wanted = new Set(names);
    const found: NodeProto[] = [];
    for (const node of [...this.#body.nodes].reverse()) {
      if (!node.outputs.some((name) => wanted.has(name))) continue;
      found.push(node);
      for (const name of node.inputs) wanted.add(name);
    }
    return found.reverse();
  }

  get(name: string): Known {
    const known = this.known.get(name) ?? this.#outer(name);
    if (!known) throw new RangeError('its step reads what nothing before it makes');
    return known;
  }

  run(nodes: readonly NodeProto[]): void {
    for (const node of nodes) {
      if (node.domain !== '') throw new RangeError(`its step has an operation of the domain '${node.domain}'`);
      const made = this.#made(node);
      for (const [i, known] of (Array.isArray(made) ? made : [made]).entries())
        if (known) this.known.set(node.outputs[i], known);
    }
  }

  #made(node: NodeProto): Known | readonly (Known | undefined)[] {
    const { type, inputs } = node;
    const attributes = new Attributes(node.attributes);
    if (type === 'Gather' && attributes.number('axis', 0) === 0) {
      const index = this.get(inputs[1]);
      if (!isSum(index) && index.kind === 'time') {
        if (index.from !== 0) throw new RangeError('its step does not begin with the first one');
        return this.#sequence(inputs[0]);
      }
    }
    const own = inputs.map((name) => (name === '' ? undefined : this.get(name)));
    if (own.every((known) => known === undefined || (!isSum(known) && known.kind === 'constant'))) {
      if (type === 'Constant') return constantOf(attributes);
      if (type === 'Split') return this.#split(own, attributes, node);
      const known = folded(type, own as (Constant | undefined)[], node.attributes, this.#budget);
      if (known) return known;
    }
    return this.#computed(type, own, attributes, node);
  }

  #computed(type: string, own: readonly (Known | undefined)[], attributes: Attributes, node: NodeProto) {
    const sum = (k: number): Sum => asSum(own[k]);
    const scalar = (k: number): number | undefined => {
      const given = own[k];
      return given && !isSum(given) && given.kind === 'constant' && sizeOf(given.shape) === 1
        ? given.data[0]
        : undefined;
    };
    const gate = GATES[type];
    if (gate) return gated(gate, sum(0));
    const alpha = attributes.number('alpha', type === 'HardSigmoid' ? 0.2 : 1);
    switch (type) {
      case 'Identity':
        return own[0] as Known;
      case 'Cast':
        // of a mask to numbers, which it is here
        if (isFloat(attributes.number('to', 0))) return sum(0);
        break;
      case 'Elu':
        if (alpha === 1) return gated('elu', sum(0));
        break;
      case 'Selu':
        if (!attributes.has('alpha') && !attributes.has('gamma')) return gated('selu', sum(0));
        break;
      case 'HardSigmoid':
        if (about(alpha, 1 / 6) && about(attributes.number('beta', 0.5), 0.5)) return gated('hardSigmoid', sum(0));
        return hard(
          plus(times(sum(0), 6 * alpha, this.#budget), number(6 * attributes.number('beta', 0.5)), this.#budget),
          this.#budget,
        );
      case 'Clip':
        if (scalar(1) !== undefined && scalar(2) !== undefined)
          return clipped(sum(0), scalar(1) as number, scalar(2) as number, this.#budget);
        break;
      case 'Min':
      case 'Max': {
        const k = scalar(0) === undefined ? 1 : 0;
        const bound = scalar(k);
        if (bound === undefined || own.length !== 2) break;
        const [low, high] = type === 'Min' ? [Number.NEGATIVE_INFINITY, bound] : [bound, Number.POSITIVE_INFINITY];
        return clipped(sum(1 - k), low, high, this.#budget);
      }
      case 'Add':
        return plus(sum(0), sum(1), this.#budget);
      case 'Sub':
        return plus(sum(0), scaled(sum(1), -1, this.#budget), this.#budget);
      case 'Not':
        return this.#not(sum(0));
      case 'Neg':
        return scaled(sum(0), -1, this.#budget);
      case 'Div':
        if (scalar(1) !== undefined) return scaled(sum(0), 1 / (scalar(1) as number), this.#budget);
        break;
      case 'Mul': {
        const k = scalar(0) === undefined ? 1 : 0;
        const by = scalar(k);
        if (by !== undefined) return scaled(sum(1 - k), by, this.#budget);
        return product(sum(0), sum(1));
      }
      case 'Where': {
        const [m, a, b] = [sum(0), sum(1), sum(2)];
        return plus(product(m, a), product(this.#not(m), b), this.#budget);
      }
      case 'MatMul':
      case 'Gemm':
        return this.#product(own, attributes);
      case 'Split':
        return this.#split(own, attributes, node);
      case 'Slice': {
        const [starts, ends, axes, steps] = [1, 2, 3, 4].map((k) => ints(own[k]));
        const given = sum(0);
        const last = (axes ?? starts ?? []).findIndex((axis, k) => (axes ? axis === 1 || axis === -1 : k === 1));
        const isWhole = (starts ?? []).every(
          (start, k) => k === last || (start === 0 && (ends?.[k] ?? 0) >= 2 ** 31 - 1),
        );
        if (!starts || !ends || !isWhole || steps?.some((step) => step !== 1)) break;
        if (last < 0) return given;
        const bound = (n: number) => Math.min(given.width, Math.max(0, n < 0 ? n + given.width : n));
        return columns(given, bound(starts[last]), bound(ends[last]) - bound(starts[last]), this.#budget);
      }
    }
    throw new RangeError(`its step has the operation '${type}', which no recurrent layer here has at this place`);
  }

  #not(m: Sum): Sum {
    return plus(number(1), scaled(m, -1, this.#budget), this.#budget);
  }

  #product(own: readonly (Known | undefined)[], attributes: Attributes): Sum {
    const left = asSum(own[0]);
    const right = own[1];
    const of = only(left);
    const isPlain = ['transA', 'transB'].every((name) => attributes.number(name, 0) === 0);
    const isWhole = ['alpha', 'beta'].every((name) => attributes.number(name, 1) === 1);
    if (!of || !right || isSum(right) || right.kind !== 'constant' || right.shape.length !== 2 || !isPlain || !isWhole)
      throw new RangeError('its step has a product that is none of a state or an input and a matrix');
    const [rows, width] = right.shape;
    if (rows !== left.width)
      throw new RangeError(`its step multiplies ${left.width} numbers by a matrix of ${rows} rows`);
    const made: Sum = { width, terms: [{ of, matrix: { shape: [rows, width], data: right.data } }] };
    return own[2] ? plus(made, asSum(own[2]), this.#budget) : made;
  }

  /** Parts along the last axis, or rows of a constant. */
  #split(own: readonly (Known | undefined)[], attributes: Attributes, node: NodeProto): (Known | undefined)[] {
    const [given] = own;
    const axis = attributes.number('axis', 0);
    const sizes = ints(own[1]) ?? attributes.numbers('split');
    const partsOf = (n: number) => sizes ?? evenly(n, node.outputs.length);
    if (given && !isSum(given) && given.kind === 'constant') {
      const at = axis < 0 ? axis + given.shape.length : axis;
      return splitUp(given, at, partsOf(given.shape[at]), this.#budget);
    }
    let from = 0;
    const sum = asSum(given);
    if (axis !== 1 && axis !== -1) throw new RangeError('its step splits the batch');
    return partsOf(sum.width).map((n) => {
      if (n === 0) return undefined; // Keras 2 has what is left over, too
      const part = columns(sum, from, n, this.#budget);
      from += n;
      return part;
    });
  }
}

function constantOf(attributes: Attributes): Constant | never {
  const tensor = attributes.tensor('value');
  if (!tensor) throw new RangeError('its step has a constant whose value is not read here');
  return constant(tensor.shape, tensor.data, isFloat(tensor.type));
}

const ints = (known: Known | undefined): readonly number[] | undefined =>
  known && !isSum(known) && known.kind === 'constant' ? Array.from(known.data) : undefined;

/** A number for each column, or one for all. */
function asSum(known: Known | undefined): Sum {
  if (known && isSum(known)) return known;
  if (known?.kind !== 'constant' || sizeOf(known.shape) !== (known.shape.at(-1) ?? 1))
    throw new RangeError('its step has an operand that is none of a step');
  return { width: sizeOf(known.shape), terms: [], bias: Float64Array.from(known.data) };
}
