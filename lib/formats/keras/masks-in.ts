// The masks that Keras gives to layers beside their inputs. Those that it computes itself go with values here; for others the input is
// given its mask in front of the layer.
import { wrongValue } from '../../check.js';
import { masksOf, sequencesOf } from '../../graph/mask-depths.js';
import { type Call, isCall, topological, type Value } from '../../graph/value.js';
import type { Layer } from '../../layers/layer.js';
import { Masking } from '../../layers/masking.js';
import { type Argument, type CallNode, isReference, type Reference, referencesIn } from './calls-in.js';
import { isTruth, truth } from './operations-in.js';

/** What Keras makes masks of others by (the `compute_mask` of its layers). */
const JOINS = new Set([
  ...['Any', 'All', 'LogicalOr', 'Concatenate', 'ExpandDims', 'Squeeze', 'Reshape', 'BroadcastTo', 'Cast'],
  'ConvertToTensor',
]);
/** Masks of all steps of a value, and of none. */
const LIKE = new Set(['OnesLike', 'ZerosLike']);

/** Layers of one sequence that take any mask of its steps. */
const OF_STEPS = new Set(['SimpleRNN', 'LSTM', 'GRU', 'Bidirectional', 'GlobalAveragePooling1D']);

/** Layers that take any mask of steps: without states that they begin with, for up to the first step that counts these would show. */
export const isOfSteps = (layer: Layer): boolean => OF_STEPS.has(layer.className) && !inner(layer).stateful;

/** A layer or an operation of a file. */
interface Masked {
  readonly name: string;
  readonly read?: { readonly layer: Layer };
}

/** What there is to be found in the file. */
interface Found {
  /** The class of the operation that makes a value, and how it is called; undefined of what is none. */
  operationAt(reference: Reference): { readonly className: string; readonly node?: CallNode } | undefined;
  /** Undefined if it was not made. */
  valueAt(reference: Reference): Value | undefined;
}

/** The steps of a value that are not `padding`. */
interface Steps {
  readonly of: Value;
  readonly padding: number;
}

/** The masks of what has been made of a file so far. */
export class Masks {
  readonly #found: Found;
  readonly #known = new Set<Value>();
  readonly #sources: ReturnType<typeof masksOf> = new Map();
  /** What layers that mask hold to be none of a value. */
  readonly #paddings = new Map<Value, Set<number>>();
  /** The values whose mask is one of the file's as it is. */
  readonly #given = new Map<Value, Value>();
  /** Those masks, 1 for what counts and 0 for the rest. */
  readonly #counts = new Map<Value, Value>();

  constructor(found: Found) {
    this.#found = found;
  }

  /** Of values that were made, behind all that made their inputs. */
  learn(values: readonly Value[]): void {
    const order = topological(values, this.#known);
    masksOf(order, this.#sources);
    for (const from of order)
      if (isCall(from)) this.#learnCall(from);
      else this.#known.add(from.output);
    for (const value of values) this.#known.add(value);
  }

  #learnCall({ layer, inputs, outputs }: Call): void {
    for (const output of outputs) this.#known.add(output);
    const [x, mask] = inputs;
    if (layer.stepPadding !== undefined && !mask)
      this.#paddings.set(x, (this.#paddings.get(x) ?? new Set()).add(layer.stepPadding));
    if (layer instanceof Masking && mask) this.#given.set(outputs[0], mask);
    const own = this.#given.get(x);
    const sequences = sequencesOf(layer);
    // a mask that is turned is another one
    const { goBackwards } = inner(layer);
    const goesOn =
      sequences === undefined
        ? inputs.length === 1 && layer.supportsMasking && !layer.graph
        : sequences && !goBackwards;
    if (own && goesOn) this.#given.set(outputs[0], own);
  }

  /**
   * The mask that a layer is given and that does not go with its input, as is to be seen once those are made.
   * @throws RangeError where the layer cannot be given another one
   */
  besides({ name, read }: Masked, { args, kwargs, masks = [] }: CallNode): Reference | undefined {
    if (!read) return undefined;
    const { stateful } = inner(read.layer);
    const inputs = referencesIn(args.length > 0 ? { args: args.slice(0, 1), kwargs: {} } : { args, kwargs });
    // up to the first step that counts Keras gives zeros then, here the state that it begins with is given
    const hasStates = inputs.length < referencesIn({ args, kwargs }).length || stateful;
    const isOwn = (mask: Reference, input: Value | undefined) =>
      input && (this.#given.has(input) ? !hasStates && this.#isGiven(mask, input) : this.#isOwn(mask, input));
    const other = masks.find((mask, i) => mask && !isOwn(mask, inputs[i] && this.#found.valueAt(inputs[i])));
    if (!other) return undefined;
    if (!isOfSteps(read.layer) || hasStates || inputs.length > 1 || args.length === 0) throw wrongMask(name, other);
    return other;
  }

  /** The values that a layer is given with such a mask. @throws RangeError for one that is not of its steps */
  applied(
    { name, read }: Masked,
    { args }: CallNode,
    mask: Reference,
    valueAt: (reference: Reference) => Value,
  ): (reference: Reference) => Value {
    const [input] = referencesIn({ args, kwargs: {} });
    const [x, given] = [input, mask].map(valueAt);
    // others are weights of a mean
    const isBoolean = mask.isBoolean || isTruth(given) || read?.layer.className !== 'GlobalAveragePooling1D';
    if (!isBoolean || x.shape.length !== 2 || given.shape.length !== 1 || given.shape[0] !== x.shape[0])
      throw wrongMask(name, mask);
    const counts = this.#counts.get(given) ?? truth(given);
    this.#counts.set(given, counts);
    const masked = new Masking().apply([x, counts]);
    return (reference) => (reference === input ? masked : valueAt(reference));
  }

  #isGiven(given: Reference, input: Value): boolean {
    const value = this.#found.valueAt(given);
    return value !== undefined && this.#counts.get(value) === this.#given.get(input);
  }

  #isOwn(given: Reference, input: Value): boolean {
    const all = [...(this.#sources.get(input)?.keys() ?? [])];
    const masks = new Set(this.#counts.values());
    if (all.some((source) => masks.has(source))) return false;
    const padded = new Set(all.filter((source) => this.#paddings.has(source)));
    const { steps, values } = this.#sourcesOf(given) ?? { steps: [], values: new Set() };
    const fits = ({ of, padding }: Steps) => padded.has(of) && this.#paddings.get(of)?.has(padding);
    return steps.length > 0 && steps.every(fits) && [...padded].every((source) => values.has(source));
  }

  /** The comparisons that a mask is made of, and all values that it looks at; undefined where it is made of anything else. */
  #sourcesOf(mask: Reference) {
    const { operationAt, valueAt } = this.#found;
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
}

/** A layer, or the first of one of two directions. */
const inner = (layer: Layer): { readonly stateful?: boolean; readonly goBackwards?: boolean } =>
  (layer as { forward?: Layer }).forward ?? layer;

const wrongMask = (name: string, mask: Reference) =>
  wrongValue(`the mask of '${name}'`, 'that of its input, as there is no other here', mask.layer);
