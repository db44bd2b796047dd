import { NDArray } from '../array.js';
import { isCall, topological, type Value, type Weight } from '../graph/value.js';
import { allLayers, weightName, weightsOfGraph } from '../graph/weights.js';
import type { JsonObject, ModelFile } from '../io/model-file.js';
import { listed } from '../labels.js';
import { architectureOf } from '../models/architecture.js';
import { Model } from '../models/model.js';
import { RandomState } from '../random.js';
import { objectIn } from '../saved.js';
import type { FloatType } from '../tape.js';
import { warn } from '../warn.js';

/** What a reader found in a file. */
export interface Found {
  readonly name: string;
  readonly dtype: FloatType;
  readonly inputs: readonly Value[];
  readonly outputs: readonly Value[];
  /** The numbers of each weight, in its shape. */
  readonly numbers: (weight: Weight) => ArrayLike<number> | undefined;
  readonly metadata?: JsonObject;
}

/** The inputs that outputs are computed of; that others, of these names, are left out is warned of. */
export function inputsOf(
  outputs: readonly Value[],
  inputs: readonly Value[],
  names: readonly string[],
  source: string,
): Value[] {
  const read = new Set([...outputs, ...topological(outputs).flatMap((from) => from.inputs)]);
  const unread = names.filter((_, i) => !read.has(inputs[i]));
  if (unread.length > 0)
    warn('FJORDNET_IMPORT', `Inputs of ${source} that no output is computed of are left out: ${listed(unread)}`);
  return inputs.filter((input) => read.has(input));
}

/**
 * The network that a file of another program describes, a Sequential where its layers are a list.
 * @throws RangeError for weights without numbers; Error with code ERR_FORMAT
 */
export function networkOf({ name, dtype, inputs, outputs, numbers, metadata }: Found): Model {
  const own = name === '' ? {} : { name };
  const model = new Model({
    ...own,
    dtype,
    inputs: [...inputs],
    outputs: outputs.length === 1 ? outputs[0] : [...outputs],
  } as never);
  const architecture = architectureOf(model);
  const isSequential = isList(inputs, outputs);
  return withNumbers(model, numbers, {
    ...(isSequential && { architecture: asSequential(architecture, inputs[0]) }),
    ...(metadata && { metadata }),
  });
}

/**
 * A network like `model`, which is not built, with these numbers as its weights: made as `Model.load` makes one, so that none are drawn
 * to be thrown away.
 * @param numbers of each weight, in its shape; its place among all of them
 * @throws RangeError for weights without numbers; Error with code ERR_FORMAT
 */
export function withNumbers(
  model: Model,
  numbers: (weight: Weight, place: number) => ArrayLike<number> | undefined,
  {
    architecture = architectureOf(model),
    metadata,
    training,
  }: { architecture?: JsonObject; metadata?: JsonObject; training?: Training<Trained> } = {},
): Model {
  const Floats = model.dtype === 'float32' ? Float32Array : Float64Array;
  const weights = weightsOfGraph(model.graph as NonNullable<Model['graph']>).map(({ layer, weight }, i) => {
    const full = weightName(layer, weight);
    const data = numbers(weight, i);
    if (!data) throw new RangeError(`it has no numbers for '${full}'`);
    return [full, NDArray.wrap(Floats.from(data), [...weight.shape])] as const;
  });
  const whole = {
    architecture: JSON.parse(JSON.stringify(architecture)),
    weights,
    randomState: new RandomState().getState(),
    ...(metadata && { metadata }),
  };
  return training ? trainedFrom(whole, training) : (objectIn(whole) as Model);
}

/** What training goes on from, as our files have it. */
export type Trained = Required<Pick<ModelFile, 'training' | 'optimizerState'>>;

/** What a file says of training. */
export interface Training<T> {
  /** What it is called. */
  readonly source: string;
  /** How the network is trained. @throws for what there is not here */
  read(): T | undefined;
  /** How far it was. */
  rest(training: T): Trained;
}

/** The network of a file, untrained, with a warning, where it is trained by what there is not here. */
export function trainedFrom<T>(whole: ModelFile, { source, read, rest }: Training<T>): Model {
  const dropped = (reason: unknown) =>
    warn(
      'FJORDNET_IMPORT',
      `How the network of ${source} is trained is left out, as there is no such thing here: ${(reason as Error).message}`,
    );
  let training: T | undefined;
  try {
    training = read();
  } catch (error) {
    dropped(error);
  }
  if (!training) return objectIn(whole) as Model;
  const trained = rest(training);
  try {
    return objectIn({ ...whole, ...trained }) as Model;
  } catch (error) {
    const untrained = objectIn(whole) as Model; // unless it is not that
    dropped(error);
    return untrained;
  }
}

/** Whether each layer takes what the one before gives, and no other does. */
function isList(inputs: readonly Value[], outputs: readonly Value[]): boolean {
  if (inputs.length !== 1 || outputs.length !== 1) return false;
  const seen = new Set<unknown>();
  let last = inputs[0];
  for (const step of topological(outputs, new Set(inputs))) {
    if (!isCall(step) || step.list || step.listed || step.inputs[0] !== last) return false;
    const layers = allLayers([step.layer]);
    if (layers.some((layer) => seen.has(layer))) return false;
    for (const layer of layers) seen.add(layer);
    last = step.outputs[0];
  }
  return last === outputs[0] && seen.size > 0;
}

function asSequential({ name, dtype, layers }: JsonObject, { shape }: Value): JsonObject {
  const own = (layers as readonly JsonObject[]).filter(({ className }) => className !== 'InputLayer');
  const called = name === 'model' ? 'sequential' : name;
  return { className: 'Sequential', name: called, dtype, inputShape: [...shape], layers: own };
}
