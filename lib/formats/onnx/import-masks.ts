import { isCall, sizeOf, type Value } from '../../graph/value.js';
import { layers } from '../../layers/index.js';
import type { Importer } from './importer.js';
import { applied } from './untyped.js';

/** A value whose steps all count, and what it was before it lost its mask. */
export interface Unmasked {
  readonly raw: Value;
  readonly isMask: (mask: Value) => boolean;
}

const isPlain = ({ scale, shift }: { scale: number; shift: number }) => scale === 1 && shift === 0;

/** A value before it was seen in other shapes, or as numbers of another type. */
function sourceOf(value: Value): Value {
  let source = value;
  for (let { from } = source; from; from = source.from) {
    if (from.inputs.length === 0 || sizeOf(from.inputs[0].shape) !== sizeOf(source.shape)) break;
    if (isCall(from) ? !['Reshape', 'Flatten'].includes(from.layer.className) : !isSameNumbers(from)) break;
    [source] = from.inputs;
  }
  return source;
}

const isSameNumbers = ({ op, options }: { op: { name: string }; options: any }) =>
  op.name === 'reshape' || (op.name === 'linear' && isPlain(options));

/** 1 - x */
const isNot = ({ op, options }: { op: { name: string }; options: any }) =>
  op.name === 'linear' && options.scale === -1 && options.shift === 1;

const isConstant = ({ constant }: Value, value: number) =>
  constant !== undefined && Array.from(constant.data).every((n) => n === value);

/** The operation that made a value, and what of, as far as it is no layer. */
function madeOf(value: Value): { name: string; options: any; inputs: readonly Value[] } | undefined {
  const { from } = value;
  return from && !isCall(from) ? { name: from.op.name, options: from.options, inputs: from.inputs } : undefined;
}

/** A constant before it was repeated along axes. */
function repeated(value: Value): Value {
  const made = madeOf(value);
  return made && ['repeat', 'repeatRows', 'reshape'].includes(made.name) ? repeated(made.inputs[0]) : value;
}

/** x where a mask is 1 where x is not 0, else 0; undefined for other masks. */
function differsFromZero(mask: Value): Value | undefined {
  const made = madeOf(sourceOf(mask));
  if (made?.name === 'abs') {
    const sign = madeOf(made.inputs[0]);
    return sign?.name === 'sign' ? sourceOf(sign.inputs[0]) : undefined;
  }
  if (!made || !isNot({ op: made, options: made.options })) return undefined;
  const equal = madeOf(sourceOf(made.inputs[0]));
  if (equal?.name !== 'equal') return undefined;
  const [a, b] = equal.inputs;
  return isConstant(repeated(b), 0) ? sourceOf(a) : isConstant(repeated(a), 0) ? sourceOf(b) : undefined;
}

/** Whether a value is 1 or 0 only. */
export const isLogical = (value: Value): boolean => isMadeOf(value, isZeroOrOne);

/** Whether a value holds integers alone: of the network's inputs, and what is counted of what they are. */
export const isWhole = (value: Value): boolean => isMadeOf(value, isInteger, keepsIntegers);

function isInteger(value: Value): boolean | undefined {
  if (value.dtype === 'int32') return true;
  return value.constant ? Array.from(value.constant.data).every(Number.isInteger) : isZeroOrOne(value);
}

/** Operations that move numbers, choose among them, or make 0 and 1 of 0 and 1. */
const MOVING = [
  ...['reshape', 'swapAxes', 'reverse', 'slice', 'concatenate', 'repeat', 'repeatRows', 'select'],
  ...['max', 'min', 'maximum', 'minimum', 'multiply'],
];
const MOVING_LAYERS = ['Reshape', 'Permute', 'Flatten', 'Multiply', 'Concatenate'];

type Made = Parameters<typeof isNot>[0];

const keepsBits = (made: Made): boolean => MOVING.includes(made.op.name) || isSameNumbers(made) || isNot(made);

const keepsIntegers = (made: Made): boolean =>
  keepsBits(made) ||
  ['add', 'cumsum', 'subtract'].includes(made.op.name) ||
  (made.op.name === 'linear' && Number.isInteger(made.options.scale) && Number.isInteger(made.options.shift));

/** Whether it is what it should be, or made of such by operations that keep that. `is`: undefined where what it is made of tells */
function isMadeOf(value: Value, is: (value: Value) => boolean | undefined, keeps: (made: Made) => boolean = keepsBits) {
  const seen = new Set([value]);
  for (const own of seen) {
    const known = is(own);
    if (known === false) return false;
    if (known) continue;
    const { from } = own;
    if (!from) return false;
    const isKept = isCall(from) ? MOVING_LAYERS.includes(from.layer.className) : keeps(from);
    if (!isKept) return false;
    const isChoice = !isCall(from) && from.op.name === 'select';
    for (const input of isChoice ? from.inputs.slice(1) : from.inputs) seen.add(input);
  }
  return true;
}

function isZeroOrOne({ from, constant }: Value): boolean | undefined {
  if (constant) return Array.from(constant.data).every((n) => n === 0 || n === 1);
  if (!from || isCall(from)) return undefined;
  const { op, inputs } = from;
  if (['greater', 'greaterEqual', 'equal'].includes(op.name)) return true;
  return op.name === 'abs' ? madeOf(inputs[0])?.name === 'sign' : undefined;
}

/** A sequence of which only those steps count that `mask` has 1 for, [steps] of them. */
export function masked(c: Importer, x: Value, mask: Value): Value {
  const known = c.unmasked.get(x);
  if (known?.isMask(mask)) return known.raw;
  const [steps] = x.shape;
  const own = mask.shape.length === 1 ? mask : applied(layers.reshape({ targetShape: [steps] }), mask);
  return applied(layers.masking(), [x, own]);
}

/** The same as what other layers take: there a mask is spelled out wherever it matters. */
function unmasked(c: Importer, raw: Value, isMask: Unmasked['isMask']): Value {
  const value = applied(layers.reshape({ targetShape: [...raw.shape] }), raw);
  c.unmasked.set(value, { raw, isMask });
  return value;
}

/** What a recurrent layer made of a masked sequence. */
export function unmaskedBehind(c: Importer, raw: Value, mask: Value): Value {
  const source = sourceOf(mask);
  return unmasked(c, raw, (other) => sourceOf(other) === source);
}

/** Rows of a table for integers of which 0 stands for a step that does not count. */
export const unmaskedRows = (c: Importer, raw: Value, integers: Value): Value =>
  unmasked(c, raw, (mask) => differsFromZero(mask) === sourceOf(integers));
