import type { NDArray } from '../array.js';
import { wrongType, wrongValue } from '../check.js';
import { hasMethods, property } from '../kind.js';
import { parametersApart } from '../random.js';
import type { TableInput } from './frame.js';
import { type AnyTransformer, checkName } from './steps.js';

/** What a pipeline may end in: an estimator, a `Sequential` or a `Model` that is compiled, or a transformer. */
export interface LastStep {
  fit(x: any, y?: any, options?: any): unknown;
}
export type Step = readonly [name: string, step: AnyTransformer | 'passthrough'];

/** What transforms, as KMeans does too, which also predicts; a pipeline does where its last step does. */
export function transforms(step: unknown): step is AnyTransformer {
  if (!hasMethods(step, 'fit', 'transform')) return false;
  const last = lastOf(step);
  return last === undefined || last === 'passthrough' || transforms(last);
}

/** What transforms, and does not predict. */
export function isTransformer(step: unknown): step is AnyTransformer {
  const last = lastOf(step);
  if (last !== undefined) return last === 'passthrough' || isTransformer(last);
  return hasMethods(step, 'fit', 'transform') && !hasMethods(step, 'predict');
}

/** The last step of a pipeline; undefined of what is none. */
function lastOf(step: unknown): unknown {
  const steps = hasMethods(step, 'fitFrame', 'predict') ? property(step, 'steps') : undefined;
  return Array.isArray(steps) ? steps.at(-1)[1] : undefined;
}

/** What the steps made z of, the last one first. */
export function inverted(steps: readonly (readonly [string, unknown])[], z: TableInput): NDArray | unknown[][] {
  const all = steps.filter(([, step]) => step !== 'passthrough');
  const other = all.find(([, step]) => !hasMethods(step, 'inverseTransform'));
  if (other) throw new TypeError(`Expected steps with a method inverseTransform, but '${other[0]}' has none`);
  const back = (given: TableInput, [, step]: (typeof all)[number]) =>
    (step as { inverseTransform(z: TableInput): TableInput }).inverseTransform(given);
  return all.reduceRight(back, z) as NDArray | unknown[][];
}

/** One of the same parameters that is not fitted: scikit-learn's `clone`. A RandomState is copied. */
export function cloned<S extends object>(step: S): S {
  if (hasMethods(step, 'clone')) return (step as unknown as { clone(): S }).clone();
  if (!hasMethods(step, 'getParams')) throw wrongType('the step', 'one with a method clone or getParams', step);
  const params = parametersApart({ ...(step as unknown as { getParams(): object }).getParams() });
  return new (step.constructor as new (params: object) => S)(params);
}

/** A copy with other parameters. */
export function changed(name: string, step: unknown, params: Record<string, unknown>): AnyTransformer | LastStep {
  if (hasMethods(step, 'setParams')) {
    return (cloned(step as LastStep) as unknown as { setParams(params: object): LastStep }).setParams(params);
  }
  if (!hasMethods(step, 'clone')) throw wrongType(`the step '${name}'`, 'one that has parameters', step);
  return (step as unknown as { clone(changes: object): AnyTransformer }).clone(params); // refuses what is no option of it
}

/** The parameters of a step, without their values' names; none of what has no such method. */
export const paramsOf = (step: unknown): object =>
  hasMethods(step, 'getParams') ? (step as unknown as { getParams(): object }).getParams() : {};

/** Parameters of a part as those of the whole: `name__parameter`. */
export const prefixed = (name: string, params: object): [string, unknown][] =>
  Object.entries(params).map(([key, value]) => [`${name}__${key}`, value]);

/** Names of steps after their classes, as scikit-learn has them: 'standardscaler', 'mlpclassifier', of several 'normalizer-1'. */
export function stepNames(steps: readonly unknown[]): string[] {
  const names = steps.map((step) => step?.constructor?.name?.toLowerCase() ?? 'step');
  return names.map((name, i) => {
    if (names.indexOf(name) === names.lastIndexOf(name)) return name;
    return `${name}-${names.slice(0, i + 1).filter((other) => other === name).length}`;
  });
}

/**
 * Parts with changes: a part itself by its name, and then parameters of it, `name__parameter`.
 * @throws RangeError for a parameter of no part, with what there is in the words of `wanted`
 */
export function changedParts<P>(
  parts: ReadonlyMap<string, P>,
  params: Readonly<Record<string, unknown>>,
  wanted: (names: string) => string,
  change: (name: string, part: P, params: Record<string, unknown>) => unknown,
): Map<string, P> {
  const result = new Map(parts);
  const changes = new Map<string, Record<string, unknown>>();
  for (const [key, value] of Object.entries(params)) {
    const [name, ...rest] = key.split('__');
    if (!parts.has(name)) throw wrongValue('the parameter', wanted([...parts.keys()].join(', ')), key);
    if (rest.length === 0) result.set(name, value as P);
    else changes.set(name, { ...changes.get(name), [rest.join('__')]: value });
  }
  for (const [name, own] of changes) result.set(name, change(name, result.get(name) as P, own) as P);
  return result;
}

export function checkSteps(steps: unknown): readonly (readonly [string, LastStep | AnyTransformer | 'passthrough'])[] {
  const wanted = 'an array of [name, step]';
  if (!Array.isArray(steps)) throw wrongType('steps', wanted, steps);
  if (steps.length === 0) throw wrongValue('steps', `${wanted}, of one at least`, steps);
  const names = new Set<string>();
  return Object.freeze(
    Array.from(steps, (entry: unknown, i) => {
      const place = `steps[${i}]`;
      if (!Array.isArray(entry) || entry.length !== 2) throw wrongType(place, 'a list [name, step]', entry);
      names.add(checkName(`${place}[0]`, entry[0], names));
      const step = entry[1];
      if (step !== 'passthrough' && !hasMethods(step, 'fit'))
        throw wrongType(`${place}[1]`, "a transformer, an estimator, a network or 'passthrough'", step);
      if (i < steps.length - 1 && step !== 'passthrough' && !transforms(step))
        throw wrongType(`${place}[1]`, "a transformer or 'passthrough', as all steps but the last", step);
      return Object.freeze([entry[0], step] as const);
    }),
  );
}

/** A method of a pipeline's last step. @throws TypeError where it has none */
export function methodOf(last: unknown, name: string): (...args: unknown[]) => unknown {
  if (!hasMethods(last, name))
    throw new TypeError(`Expected the last step of the pipeline to have a method ${name}, but it has none`);
  return (...args) => (last as unknown as Record<string, (...given: unknown[]) => unknown>)[name](...args);
}
