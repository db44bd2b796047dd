import { wrongValue } from '../../check.js';
import type { JsonObject } from '../../io/model-file.js';
import { readObject } from './config-parts.js';

/** A layer by Keras' class and config. */
interface OfKeras {
  readonly className: string;
  readonly config: JsonObject;
}

const LAYER_OF: Readonly<Record<string, string>> = { SimpleRNNCell: 'SimpleRNN', LSTMCell: 'LSTM', GRUCell: 'GRU' };

/** The recurrent layer that an RNN around one cell is. @throws TypeError or RangeError for another cell */
export function recurrentOf(place: string, { cell, ...config }: JsonObject): OfKeras {
  const { name, config: own } = readObject(`the cell of ${place}`, cell);
  if (!Object.hasOwn(LAYER_OF, name))
    throw wrongValue(`the cell of ${place}`, `one of ${Object.keys(LAYER_OF).join(', ')}`, name);
  const trainable = config.trainable !== false && own.trainable !== false;
  return { className: LAYER_OF[name], config: { ...own, ...config, trainable } };
}
