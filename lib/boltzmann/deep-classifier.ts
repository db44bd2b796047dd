import { NDArray } from '../array.js';
import { checkInteger, checkOptions } from '../check.js';
import { layers } from '../layers/index.js';
import { type Sequential, sequential } from '../models/sequential.js';
import { type DeepState, dtypeOf, unitsOf } from './deep-training.js';

export interface ClassifierOptions {
  /** Outputs, of a softmax. At least 2 */
  classes: number;
  /** Of the last layer's weights. Default: an unpredictable one */
  seed?: number;
  /** Default 'sequential' */
  name?: string;
}

export function classifierOf(
  machine: Pick<DeepState, 'components' | 'intercepts'>,
  options: ClassifierOptions,
): Sequential {
  checkOptions('options', options, ['classes', 'seed', 'name']);
  const { classes, ...rest } = options;
  const outputs = checkInteger('classes', classes, 2);
  const [visible, ...hidden] = unitsOf(machine);
  const model = sequential({ ...rest, dtype: dtypeOf(machine) });
  for (const units of hidden) model.add(layers.dense({ units, activation: 'sigmoid' }));
  model.add(layers.dense({ units: outputs, activation: 'softmax' }));
  model.build([visible]);
  const own = machine.components.flatMap((w, l) => {
    const factor = l < hidden.length - 1 ? 2 : 1;
    const [rows, width] = w.shape;
    const kernel = NDArray.zeros([width, rows], w.dtype);
    for (let i = 0; i < rows; i++)
      for (let j = 0; j < width; j++) kernel.data[j * rows + i] = factor * w.data[i * width + j];
    return [kernel, machine.intercepts[l + 1]];
  });
  model.setWeights([...own, ...model.getWeights().slice(-2)]);
  return model;
}
