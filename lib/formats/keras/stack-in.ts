import { wrongType, wrongValue } from '../../check.js';
import type { JsonObject } from '../../io/model-file.js';
import type { Layer } from '../../layers/layer.js';
import { Sequential } from '../../models/sequential.js';
import { readObject } from './config-parts.js';
import type { ReadLayer } from './model-in.js';

/**
 * A network of recurrent layers, one behind the other, which an RNN around several cells is; undefined for other layers.
 * @param read makes a layer of the config of an RNN around one cell
 */
export function stackOf(
  place: string,
  className: string,
  config: JsonObject,
  read: (config: JsonObject, isFirst: boolean) => Layer,
): Pick<ReadLayer, 'layer' | 'layers'> | undefined {
  if (className !== 'RNN') return undefined;
  const { cell, ...rest } = config;
  const stack = readObject(`the cell of ${place}`, cell);
  if (stack.name !== 'StackedRNNCells') return undefined;
  const { cells } = stack.config;
  if (!Array.isArray(cells) || cells.length === 0)
    throw wrongType(`the cells of ${place}`, 'a list of one or more', cells);
  for (const option of ['return_state', 'go_backwards', 'stateful'])
    if (rest[option] === true) throw wrongValue(`the ${option} of ${place}`, 'false, as it has several cells', true);
  const layers = cells.map((inner, i) => {
    const { name: className, config: own } = readObject(`cell ${i} of ${place}`, inner);
    const isLast = i === cells.length - 1;
    const returns = !isLast || rest.return_sequences === true;
    const layer = read({ ...rest, name: own.name, return_sequences: returns, cell: inner }, i === 0);
    return { name: `${own.name}`, className, layer };
  });
  const layer = new Sequential({ layers: layers.map((own) => own.layer), name: config.name as string });
  if (config.trainable === false) layer.trainable = false;
  return { layer, layers };
}
