import type { ArrayInput, NDArray } from '../array.js';
import { wrongType, wrongValue } from '../check.js';
import { hasMethods, isFloat32Array, isTypedArray } from '../kind.js';
import type { Training } from '../train.js';
import { Frame, readFrame, type TableInput } from './frame.js';
import type { Transformer } from './transformer.js';

/** A transformer of ours, or any object with these methods. */
export interface AnyTransformer {
  fit(x: any, y?: any): unknown;
  transform(x: any): unknown;
  getFeatureNamesOut?(inputFeatures?: readonly string[]): string[];
}

type Own = Transformer<object, unknown>;

/** Those of ours, of whatever copy, take columns as they are. */
const isOwn = (step: AnyTransformer): step is Own => hasMethods(step, 'fitFrame', 'transformFrame', 'clone', 'adopt');

export function checkTransformer(name: string, step: unknown): AnyTransformer {
  if (!hasMethods(step, 'fit', 'transform'))
    throw wrongType(name, 'a transformer, with methods fit and transform', step);
  return step as AnyTransformer;
}

/** Names of steps: unique, and without what parts them from parameters. */
export function checkName(place: string, name: unknown, before: ReadonlySet<string>): string {
  if (typeof name !== 'string') throw wrongType(place, 'a string', name);
  if (name === '' || name.includes('__')) throw wrongValue(place, "a name that is not empty and has no '__'", name);
  if (before.has(name)) throw wrongValue(place, 'another name than those before it', name);
  return name;
}

/** A step to fit: of ours a copy, so that nothing is changed if a later one fails. Within it, others stay what they are, too. */
export function unfitted(step: AnyTransformer): AnyTransformer {
  if (!isOwn(step)) return step;
  return hasMethods(step, 'unfitted') ? (step as unknown as { unfitted(): AnyTransformer }).unfitted() : step.clone();
}

export function adopt(step: AnyTransformer, fitted: AnyTransformer): void {
  if (step !== fitted && isOwn(step) && isOwn(fitted)) step.adopt(fitted);
}

/** @param y of the samples, for transformers of the caller's own */
export function fitTransformStep(step: AnyTransformer, x: Frame, y?: unknown): Frame {
  if (isOwn(step)) return step.fitFrame(x).transformFrame(x);
  step.fit(x.output(), y);
  return transformStep(step, x);
}

/** Fits a step; what the columns that it gives are called. Ours need not give them for that. */
export function fitStep(step: AnyTransformer, x: Frame): readonly string[] {
  if (isOwn(step)) return step.fitFrame(x).getFeatureNamesOut();
  return fitTransformStep(step, x).names as readonly string[];
}

/** The same in steps, of what trains by jobs: off the main thread where they are driven there. */
export function* fitTransforming(step: AnyTransformer, x: Frame, y?: unknown): Training<Frame> {
  if (!hasMethods(step, 'fittingFrame', 'transformFrame')) return fitTransformStep(step, x, y);
  const own = step as unknown as { fittingFrame(x: Frame): Training<void>; transformFrame(x: Frame): Frame };
  yield* own.fittingFrame(x);
  return own.transformFrame(x);
}

export function transformStep(step: AnyTransformer, x: Frame): Frame {
  if (isOwn(step)) return step.transformFrame(x);
  const z = readFrame('the result of transform', step.transform(x.output()) as TableInput | ArrayInput);
  return z.names ? z : z.named(namesOfStep(step, x.names, z.width));
}

function namesOfStep(step: AnyTransformer, names: readonly string[] | undefined, width: number): string[] {
  const own = step.getFeatureNamesOut?.(names);
  if (own?.length === width) return own;
  return names?.length === width ? [...names] : Array.from({ length: width }, (_, k) => `x${k}`);
}

/** The first text of a column, which keeps it from being numbers. */
function textIn(column: ArrayLike<unknown>): string | undefined {
  if (isTypedArray(column)) return undefined;
  return Array.from(column).find((value): value is string => typeof value === 'string' && value !== '');
}

const isBounded = ({ data }: NDArray) => !data.some((value: number) => Math.abs(value) === Number.POSITIVE_INFINITY);

/** Columns that hold numbers, as such; those of float32 and of a matrix stay what they are. */
export function numeric(x: Frame): Frame {
  if (x.isMatrix && isBounded(x.output() as NDArray)) return x;
  const columns = Array.from({ length: x.width }, (_, k) => {
    const column = x.column(k);
    return isFloat32Array(column) || textIn(column) !== undefined ? column : x.numbers(k);
  });
  return Frame.ofColumns(x.n, columns, x.names);
}

/** All columns as a matrix. @throws TypeError naming a column that still holds text, which no network takes */
export function matrixOf(frame: Frame): NDArray {
  const plain = frame.isMatrix ? frame : numeric(frame); // a matrix keeps its type
  const result = plain.output();
  if (!Array.isArray(result)) return result;
  const texts = Array.from({ length: plain.width }, (_, k) => textIn(plain.column(k)));
  const k = texts.findIndex((text) => text !== undefined);
  throw wrongType(plain.nameOf(k), 'numbers after its transformers (OneHotEncoder makes numbers of text)', texts[k]);
}
