// The masks that Keras gives to layers beside their inputs: those that it computes itself go with values here.
import { wrongValue } from '../../check.js';
import { masksOf } from '../../graph/mask-depths.js';
import { type Call, isCall, topological, type Value } from '../../graph/value.js';
import type { Layer } from '../../layers/layer.js';
import { type Argument, type CallNode, isReference, type Reference, referencesIn } from './calls-in.js';

/** What Keras makes masks of others by (the `compute_mask` of its layers). */
const JOINS = new Set([
  ...['Any', 'All', 'LogicalOr', 'Concatenate', 'ExpandDims', 'Squeeze', 'Reshape', 'BroadcastTo', 'Cast'],
  'ConvertToTensor',
]);
/** Masks of all steps of a value, and of none. */
const LIKE = new Set(['OnesLike', 'ZerosLike']);

/** A layer or an operation of a file, and what it gave. */
interface Masked {
  readonly name: string;
  readonly nodes: readonly CallNode[];
  readonly made: readonly (readonly Value[])[];
  readonly read?: { readonly layer: Layer };
}

/** What there is to be found in the file. */
interface Found {
  /** The class of the operation that makes a value, and how it is called; undefined of what is none. */
  operationAt(reference: Reference): { readonly className: string; readonly node?: CallNode } | undefined;
  /** Undefined if it was not made. */
  valueAt(reference: Reference): Value | undefined;
}

/** @throws RangeError for a mask that is not the one that goes with the input: it would be left out */
export function checkMasks(members: Iterable<Masked>, outputs: readonly Value[], found: Found): void {
  const order = topological(outputs);
  const masks = masksOf(order);
  const paddings = new Map<Value, Set<number>>();
  for (const from of order) {
    if (!isCall(from) || from.layer.stepPadding === undefined) continue;
    const [x] = from.inputs;
    paddings.set(x, (paddings.get(x) ?? new Set()).add(from.layer.stepPadding));
  }
  const isOwn = (given: Reference, input: Value | undefined): boolean => {
    const own = new Set([...((input && masks.get(input)?.keys()) ?? [])].filter((value) => paddings.has(value)));
    const { steps, values } = sourcesOf(given, found) ?? { steps: [], values: new Set() };
    const fits = ({ of, padding }: Steps) => own.has(of) && paddings.get(of)?.has(padding);
    return steps.length > 0 && steps.every(fits) && [...own].every((value) => values.has(value));
  };
  for (const { name, nodes, made, read } of members)
    for (const [k, { masks: given = [] }] of nodes.entries())
      for (const [i, mask] of made[k] && read ? given.entries() : [])
        if (mask && !isOwn(mask, inputsOf(made[k], read as { layer: Layer })[i]))
          throw wrongValue(`the mask of '${name}'`, 'that of its input, as there is no other here', mask.layer);
}

/** What the layer was applied to, behind which there may be another one. */
function inputsOf([output]: readonly Value[], { layer }: { readonly layer: Layer }): readonly Value[] {
  let call = output.from as Call;
  while (call.layer !== layer) call = call.inputs[0].from as Call;
  return call.inputs;
}

/** The steps of a value that are not `padding`. */
interface Steps {
  readonly of: Value;
  readonly padding: number;
}

/** The comparisons that a mask is made of, and all values that it looks at; undefined where it is made of anything else. */
function sourcesOf(mask: Reference, { operationAt, valueAt }: Found) {
  const steps: Steps[] = [];
  const values = new Set<Value>();
  const left = [mask];
  const seen = new Set<string>();
  for (let reference = left.pop(); reference; reference = left.pop()) {
    const key = JSON.stringify(reference);
    if (seen.has(key)) continue;
    seen.add(key);
    const operation = operationAt(reference);
    if (!operation?.node) return undefined;
    const { className, node } = operation;
    if (className === 'NotEqual') {
      const [x, padding] = [...node.args, ...Object.values(node.kwargs)] as readonly (Argument | undefined)[];
      const of = x !== undefined && isReference(x) ? valueAt(x) : undefined;
      if (!of || typeof padding !== 'number') return undefined;
      steps.push({ of, padding });
      values.add(of);
    } else if (LIKE.has(className)) {
      const [value] = referencesIn(node).map(valueAt);
      if (value) values.add(value);
    } else if (!JOINS.has(className)) return undefined;
    else left.push(...referencesIn(node));
  }
  return { steps, values };
}
