import type { NDArray } from '../array.js';
import { boolean, either, expected, floats, integer, list, number, object, oneOf, type Schema } from '../io/schema.js';
import { type Given, readGiven } from './mlp-given.js';
import { type Architecture, type MLPNetwork, networkOf, readAll, writeAll } from './mlp-network.js';
import { type Optimizer, type OptimizerMemory, optimizerOf } from './mlp-optimizers.js';
import type { Parameters } from './mlp-parameters.js';
import type { Progress } from './mlp-training.js';

/** What a file keeps of an estimator beside its parameters. */
export interface SavedMLP {
  readonly architecture?: Architecture;
  /** The coefficients, then the intercepts. */
  readonly weights?: readonly NDArray[];
  readonly states?: readonly NDArray[];
  readonly progress: Progress;
  readonly given?: Given;
  readonly optimizer?: OptimizerMemory & { readonly solver: 'sgd' | 'adam' };
  readonly memory?: readonly NDArray[];
  /** Of a classifier: what its outputs mean. */
  readonly targets?: unknown;
}

const arrays = list(floats());

/** NaN and infinite, too: what had no loss yet. */
const anyNumber: Schema<number> = (name, value) => {
  if (typeof value === 'number') return value;
  throw expected(name, 'a number', value);
};
const none: Schema<null> = (name, value) => {
  if (value === null) return null;
  throw expected(name, 'null', value);
};
const numberOrNull = either<number | null>('a number or null', anyNumber, none);

const architecture = object<Architecture>({
  units: list(integer(1), 2),
  activation: oneOf('identity', 'logistic', 'tanh', 'relu'),
  outActivation: oneOf('softmax', 'logistic', 'identity', 'exp'),
  solver: oneOf('lbfgs', 'sgd', 'adam'),
  dtype: oneOf('float32', 'float64'),
  weighted: boolean,
});

const progress = object<Progress>({
  nIter: integer(0),
  t: integer(0),
  loss: anyNumber,
  lossCurve: list(anyNumber) as Schema<number[]>,
  bestLoss: numberOrNull,
  validationScores: either<number[] | null>('a list of numbers or null', list(anyNumber) as Schema<number[]>, none),
  bestValidationScore: numberOrNull,
  noImprovement: integer(0),
  best: arrays as Schema<NDArray[]>,
});

/** @param parameters checks those that an optimizer was made of */
export function savedMLP(value: unknown, parameters: (options: object) => Parameters): SavedMLP {
  const optimizer = object<NonNullable<SavedMLP['optimizer']>>({
    solver: oneOf('sgd', 'adam'),
    parameters: (_, given) => parameters(given as object),
    learningRate: number(0),
    steps: integer(0),
  });
  const saved = object<SavedMLP>(
    {
      architecture,
      weights: arrays,
      states: arrays,
      progress,
      given: object<Given>({ coefs: arrays as Schema<NDArray[]>, intercepts: arrays as Schema<NDArray[]> }, [
        'coefs',
        'intercepts',
      ]),
      optimizer,
      memory: arrays,
      targets: (_, given) => given,
    },
    ['architecture', 'weights', 'states', 'given', 'optimizer', 'memory', 'targets'],
  )('state', value);
  if (saved.architecture) checkWeights(saved.architecture, saved.weights ?? []);
  return saved;
}

/** What a fit leaves behind. */
interface Trained {
  readonly network: MLPNetwork | undefined;
  readonly given: Given;
  readonly progress: Progress;
  readonly optimizer: Optimizer | undefined;
  readonly memory: NDArray[] | undefined;
}

/** Copies of all of it, for a file. */
export function stateOf({ network, given, progress, optimizer, memory }: Trained, targets: unknown): SavedMLP {
  const side = optimizer?.memory();
  return {
    ...(network && {
      architecture: network.architecture,
      weights: readAll(network, network.parameters),
      states: readAll(network, network.states),
    }),
    progress,
    given,
    ...(optimizer &&
      side && { optimizer: { solver: optimizer.solver, ...side, parameters: withoutRandom(side.parameters) } }),
    ...(memory && { memory }),
    targets,
  };
}

const withoutRandom = ({ randomState: _, ...parameters }: Parameters): Parameters => parameters;

/** Of a state that was checked. @throws RangeError for arrays that do not fit the network */
export function trainedOf(state: SavedMLP): Trained {
  const { architecture, weights = [], states, progress, given = {}, optimizer, memory } = state;
  const network = architecture && networkOf(architecture);
  if (network) {
    if (states) checkArrays('state.states', states, network.states);
    if (progress.best.length > 0) checkArrays('state.progress.best', progress.best, network.parameters);
    writeAll(network, network.parameters, weights);
    writeAll(network, network.states, states);
  }
  const read = Object.entries(given).reduce<Given>(
    (before, [name, arrays]) => readGiven(name as keyof Given, arrays, before),
    {},
  );
  return {
    network,
    given: read,
    progress,
    optimizer: optimizer && optimizerOf(optimizer.solver, optimizer),
    memory: memory && [...memory],
  };
}

/** Before a network of these sizes is made. */
function checkWeights({ units, dtype }: Architecture, weights: readonly NDArray[]): void {
  const layers = units.length - 1;
  if (weights.length !== 2 * layers) throw expected('state.weights', `a list of ${2 * layers} arrays`, weights);
  for (const [i, { shape, dtype: own }] of weights.entries()) {
    const l = i % layers;
    const wanted = i < layers ? [units[l], units[l + 1]] : [units[l + 1]];
    if (shape.join() !== wanted.join() || own !== dtype)
      throw new RangeError(
        `Expected state.weights[${i}] to be ${dtype} of shape [${wanted.join(', ')}], got ${own} of shape [${shape.join(', ')}]`,
      );
  }
}

/** Arrays for the buffers of a network. */
function checkArrays(
  name: string,
  arrays: readonly NDArray[],
  buffers: readonly { readonly shape: readonly number[] }[],
): void {
  if (arrays.length !== buffers.length) throw expected(name, `a list of ${buffers.length} arrays`, arrays);
  for (const [i, { shape }] of arrays.entries())
    if (shape.join() !== buffers[i].shape.join())
      throw new RangeError(
        `Expected ${name}[${i}] to be of shape [${buffers[i].shape.join(', ')}], got [${shape.join(', ')}]`,
      );
}
