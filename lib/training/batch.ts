import type { NDArray, TypedData } from '../array.js';
import { wrongType } from '../check.js';
import type { ClassWeight } from '../class-weight.js';
import type { Shape } from '../graph/value.js';
import type { FloatType } from '../tape.js';
import { inputValues, type Port, type Ports, readInputs, readTargets, weightsOf } from './data.js';

/** Samples of one step, copied: their numbers as the network computes with them. */
export interface Batch {
  readonly n: number;
  /** Of the inputs, one sample each. */
  readonly shapes: readonly Shape[];
  /** For each input, then each output with a loss, then, where samples have weights, these. */
  readonly values: readonly TypedData[];
  readonly weighted: boolean;
  readonly bytes: number;
}

/** Reads what a source gives. `ports` are those for the shapes of its samples. */
export function batchReader(
  ports: (shapes?: readonly Shape[]) => Ports,
  dtype: FloatType,
  classWeight?: ClassWeight,
): (given: unknown) => Batch {
  return (given) => {
    if (!Array.isArray(given) || given.length < 2 || given.length > 3)
      throw wrongType('the batch', '[x, y] or [x, y, sampleWeight]', given);
    const x = readInputs('x', given[0], ports().inputs);
    const n = x[0].shape[0];
    const shapes = x.map(({ shape }) => shape.slice(1));
    const own = ports(shapes);
    const y = readTargets('y', given[1], n, own);
    const sampleWeight = given[2] ?? undefined;
    const weights = weightsOf(y, own, n, n, { sampleWeight, ...(classWeight && { classWeight }) }, true);
    const judged = own.outputs.filter(({ loss }) => loss);
    const values = [
      ...copied('x', x, own.inputs, dtype),
      ...copied('y', y, judged, dtype),
      ...(weights ? copied('sampleWeight', weights, judged, dtype) : []),
    ];
    const bytes = values.reduce((sum, { byteLength }) => sum + byteLength, 0);
    return { n, shapes, values, weighted: weights !== undefined, bytes };
  };
}

/** Generators may fill the same array again. */
const copied = (name: string, arrays: readonly NDArray[], ports: readonly Port[], dtype: FloatType) =>
  inputValues(name, arrays, ports, dtype).map((values, i) => (values === arrays[i].data ? values.slice() : values));
