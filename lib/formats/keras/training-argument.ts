import { allLayers } from '../../graph/weights.js';
import type { Layer } from '../../layers/layer.js';
import { warn } from '../../warn.js';
import type { CallNode } from './calls-in.js';

const DIFFERS = /Dropout|Noise|BatchNormalization|^Random/;

/** Keras 2 calls a layer as in training, or as in prediction, for ever where the file says so: `base(x, training=False)`. */
export function checkTraining(name: string, layer: Layer, nodes: readonly CallNode[]): void {
  const given = nodes.map(({ kwargs }) => kwargs.training).find((own) => typeof own === 'boolean');
  if (given === undefined || !allLayers([layer]).some(({ className }) => DIFFERS.test(className))) return;
  const [does, advice] = given
    ? ['training, in prediction too, which is not so here', '']
    : [
        'prediction, in training too, which is not so here',
        ': freeze its normalizations (trainable) to train as there',
      ];
  warn('FJORDNET_IMPORT', `Keras 2 calls the layer '${name}' as in ${does}${advice}`);
}
