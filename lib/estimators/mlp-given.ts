import { type ArrayInput, asArray, NDArray } from '../array.js';
import { failure, wrongShape, wrongType, wrongValue } from '../check.js';
import type { FloatType } from '../tape.js';
import type { MLPNetwork } from './mlp-network.js';

/** Weights set before the first fit, for training to start from; whole when both are there. */
export interface Given {
  coefs?: NDArray[];
  intercepts?: NDArray[];
}

/** Copies of the arrays `values`, which are set as `name`, beside the others that were set. */
export function readGiven(name: keyof Given, values: readonly ArrayInput[], others: Given): Given {
  const arrays = readList(name, values).map((array) => NDArray.from(array));
  const given = { ...others, [name]: arrays.length === 0 ? undefined : arrays };
  const { coefs, intercepts } = given;
  for (const [l, array] of arrays.entries()) {
    if (name === 'intercepts') {
      if (array.ndim !== 1 || array.size === 0)
        throw wrongShape(`intercepts[${l}]`, 'one bias for each neuron', array.shape);
    } else if (array.ndim !== 2 || array.size === 0) {
      throw wrongShape(`coefs[${l}]`, 'a matrix [fan in, fan out]', array.shape);
    } else if (l > 0 && array.shape[0] !== arrays[l - 1].shape[1]) {
      throw wrongShape(
        `coefs[${l}]`,
        `a matrix of ${arrays[l - 1].shape[1]} rows, the columns of the one before`,
        array.shape,
      );
    }
  }
  if (coefs && intercepts) {
    if (coefs.length !== intercepts.length)
      throw wrongValue(name, `an array of ${(name === 'coefs' ? intercepts : coefs).length} arrays`, values);
    intercepts.forEach((bias, l) => {
      const neurons = coefs[l].shape[1];
      if (bias.size === neurons) return;
      if (name === 'coefs')
        throw wrongShape(`coefs[${l}]`, `a matrix of ${bias.size} columns, as intercepts[${l}]`, coefs[l].shape);
      throw wrongShape(`intercepts[${l}]`, `of shape [${neurons}]`, bias.shape);
    });
  }
  return given;
}

/** Sets the weights of a network that are called `name`. @throws TypeError or RangeError, with nothing changed, if they do not fit */
export function writeArrays(name: keyof Given, network: MLPNetwork, values: readonly ArrayInput[]): void {
  const buffers = network[name];
  const arrays = readList(name, values);
  if (arrays.length !== buffers.length) throw wrongValue(name, `an array of ${buffers.length} arrays`, values);
  for (const [l, { shape }] of arrays.entries())
    if (shape.join() !== buffers[l].shape.join())
      throw new RangeError(
        `Expected ${name}[${l}] to have shape [${buffers[l].shape.join(', ')}], got [${shape.join(', ')}]`,
      );
  for (const [l, array] of arrays.entries()) network.plan.write(buffers[l], array);
}

/** The arrays `values`, each of which may share memory. */
function readList(name: keyof Given, values: readonly ArrayInput[]): NDArray[] {
  if (!Array.isArray(values)) throw wrongType(name, 'an array of arrays', values);
  return Array.from(values, (value, l) => asArray(`${name}[${l}]`, value));
}

/** Of coefs and intercepts that were set. */
export function layersOf({ coefs = [], intercepts = [] }: Given): number[] {
  if (coefs.length > 0) return [coefs[0].shape[0], ...coefs.map((w) => w.shape[1])];
  return intercepts.length > 0 ? [0, ...intercepts.map((bias) => bias.size)] : [];
}

export function dtypeOf({ coefs = [], intercepts = [] }: Given): FloatType {
  return [...coefs, ...intercepts].every(({ dtype }) => dtype === 'float32') ? 'float32' : 'float64';
}

/** The weights in their order on the network. @throws Error with code ERR_NOT_FITTED if one half is missing */
export function wholeOf({ coefs, intercepts }: Given): NDArray[] {
  if (coefs && intercepts) return [...coefs, ...intercepts];
  const [set, missing] = coefs ? ['coefs', 'intercepts'] : ['intercepts', 'coefs'];
  throw failure('ERR_NOT_FITTED', `Expected ${missing} to be set too, as ${set} is, for training to start from`);
}
