// Entries of constants by their numbers, and numbers in a row.
import { sizeOf } from '../../graph/value.js';
import { Batches, type Budget, type Constant, constant, type Dims } from './tensors.js';

type Known = Constant | Dims | undefined;
type Attributes = ReadonlyMap<string, unknown>;

/**
 * Each sample's own number within the batch, of which `arange(batch)` is made, along the first axis: not a number, as it is another of
 * each sample. It is good for taking what belongs to the same sample, and nothing is computed of it.
 */
const OWN = Number.NaN;

export const isOwn = (tensor: Known): boolean =>
  tensor?.kind === 'constant' && !tensor.isFloat && tensor.data.length > 0 && Number.isNaN(tensor.data[0]);

/** What leaves the first axis where it is, beside the operations here. */
const KEEPS = ['Concat', 'Expand', 'Identity', 'Max', 'Shape', 'Unsqueeze'];

/** @throws RangeError for an operation on numbers of samples that may move or change them */
export function checkOwn(type: string, inputs: readonly Known[]): void {
  if (!inputs.some(isOwn) || type === 'GatherND') return;
  const ranks = inputs.map((tensor) => (isOwn(tensor) ? tensor?.shape.length : undefined));
  const [rank] = ranks.filter((own) => own !== undefined) as number[];
  const isInPlace =
    type === 'Unsqueeze'
      ? Array.from((inputs[1] as Constant | undefined)?.data ?? [0]).every((axis) => axis > 0 || axis >= -rank)
      : type === 'Expand'
        ? (inputs[1]?.shape[0] ?? 0) <= rank
        : inputs.every((tensor) => (tensor?.shape.length ?? 0) <= rank);
  if (!KEEPS.includes(type) || !isInPlace) throw new RangeError("it computes of each sample's number in the batch");
}

/** What is computed of constants alone; undefined where that is not done here. */
export function foldedPlaces(type: string, inputs: readonly Known[], attributes: Attributes, budget: Budget): Known {
  if (type === 'Range') return range(inputs, budget);
  const [a, b] = inputs;
  if (a?.kind !== 'constant' || b?.kind !== 'constant') return undefined;
  switch (type) {
    case 'CumSum':
      return cumulated(a, b, attributes);
    case 'GatherElements':
      return elements(a, b, (attributes.get('axis') as number | undefined) ?? 0, budget);
    case 'GatherND':
      return (attributes.get('batch_dims') ?? 0) === 0 ? entries(a, b, budget) : undefined;
  }
  return undefined;
}

function range([start, limit, delta]: readonly Known[], budget: Budget): Constant | undefined {
  const first = (tensor: Known) => (tensor?.kind === 'constant' ? tensor.data[0] : undefined);
  const [from, step] = [first(start), first(delta)];
  const isBatch = limit?.kind === 'dims' && limit.dims[0] instanceof Batches && limit.dims[0].times === 1;
  if (isBatch && from === 0 && step === 1) return constant([1], [OWN], false);
  const to = first(limit);
  if (from === undefined || to === undefined || step === undefined) return undefined;
  const n = Math.max(0, Math.ceil((to - from) / step));
  budget.take(n);
  const data = Float64Array.from({ length: n }, (_, i) => from + i * step);
  return constant([n], data, (start as Constant).isFloat);
}

const axisOf = ({ shape }: Constant, axis: number): number => {
  const own = axis < 0 ? axis + shape.length : axis;
  if (!(own >= 0 && own < shape.length)) throw new RangeError(`it works along axis ${axis} of ${shape.length}`);
  return own;
};

/** The place of an entry that is counted from the end where it is negative. */
function placeOf(place: number, n: number): number {
  if (!(Number.isInteger(place) && place >= -n && place < n))
    throw new RangeError(`it takes what an axis of ${n} does not have`);
  return place < 0 ? place + n : place;
}

function cumulated(a: Constant, axis: Constant, attributes: Attributes): Constant | undefined {
  if (attributes.get('exclusive') === 1 || attributes.get('reverse') === 1) return undefined;
  const own = axisOf(a, axis.data[0]);
  const [n, behind] = [a.shape[own], sizeOf(a.shape.slice(own + 1))];
  const out = Float64Array.from(a.data);
  for (let i = 0; i < out.length; i++) if (Math.floor(i / behind) % n > 0) out[i] += out[i - behind];
  return constant(a.shape, out, a.isFloat);
}

/** For each place of `index` the entry of the same place, but along one axis. */
function elements(a: Constant, index: Constant, axis: number, budget: Budget): Constant | undefined {
  const own = axisOf(a, axis);
  const { shape } = index;
  if (shape.length !== a.shape.length || shape.some((n, k) => k !== own && n > a.shape[k])) return undefined;
  budget.take(index.data.length);
  const data = Float64Array.from(index.data, (place, i) => {
    let [rest, from] = [i, 0];
    for (let k = shape.length - 1, stride = 1; k >= 0; stride *= a.shape[k], k--) {
      from += stride * (k === own ? placeOf(place, a.shape[k]) : rest % shape[k]);
      rest = Math.floor(rest / shape[k]);
    }
    return a.data[from];
  });
  return constant(shape, data, a.isFloat);
}

/** The entries whose first axes each row of `index` names; what is the same for all samples, of each of them. */
function entries(a: Constant, index: Constant, budget: Budget): Constant | undefined {
  const lead = index.shape.slice(0, -1);
  const depth = index.shape.at(-1) ?? 0;
  if (isOwn(index) && (a.shape[0] !== 1 || lead[0] !== 1)) return undefined;
  const places = flatPlaces(a.shape, index, depth);
  const rest = a.shape.slice(depth);
  const size = sizeOf(rest);
  budget.take(places.length * size);
  const out = new Float64Array(places.length * size);
  for (const [i, place] of places.entries())
    for (let k = 0; k < size; k++) out[i * size + k] = a.data[place * size + k];
  return constant([...lead, ...rest], out, a.isFloat);
}

/** The numbers of entries that rows of places name, counted through the first axes of a shape; a sample's own is 0. */
export function flatPlaces(shape: readonly number[], index: Constant, depth: number): Float64Array {
  if (depth < 1 || depth > shape.length) throw new RangeError(`it names ${depth} axes of ${shape.length}`);
  const first = isOwn(index) ? 1 : 0;
  return Float64Array.from({ length: index.data.length / depth }, (_, i) => {
    let at = 0;
    for (let k = first; k < depth; k++) at = at * shape[k] + placeOf(index.data[i * depth + k], shape[k]);
    return at;
  });
}
