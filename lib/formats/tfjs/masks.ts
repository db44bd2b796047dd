import type { Graph } from '../../graph/graph.js';
import { sequencesOf } from '../../graph/mask-depths.js';
import { isCall, topological, type Value } from '../../graph/value.js';

/** Layers that do there what they do here where steps do not count; the others have been seen to make other numbers, or to throw. */
const ALIKE = new Set([
  ...['Masking', 'Dense', 'Activation', 'Dropout', 'SpatialDropout1D', 'GaussianNoise', 'TimeDistributed', 'Rescaling'],
  ...[
    'BatchNormalization',
    'Normalization',
    'LayerNormalization',
    'LeakyReLU',
    'ReLU',
    'PReLU',
    'SimpleRNN',
    'LSTM',
    'GRU',
  ],
  ...['GaussianDropout', 'AlphaDropout'],
  ...['Flatten', 'GlobalMaxPooling1D'],
]);

/**
 * Whether each output has steps that do not count.
 * @throws TypeError naming a layer whose numbers TensorFlow.js would make otherwise where steps do not count
 */
export function checkMasks({ outputs, names }: Graph): boolean[] {
  const masked = new Set<Value>();
  for (const from of topological(outputs)) {
    const given = from.inputs.some((value) => masked.has(value));
    if (!isCall(from)) {
      if (given) throw wrong(`the operation '${from.op.name}'`, from.op.name);
      continue;
    }
    const { layer } = from;
    const sequences = sequencesOf(layer);
    const isAlike = ALIKE.has(layer.className) || (layer.className === 'Bidirectional' && !sequences);
    // a recurrent layer that is given states and gives several outputs fails there behind a mask
    const isMixed = from.inputs.length > 1 && from.outputs.length > 1;
    // it hands masks of steps within steps to no layer
    const isWithin = layer.className === 'TimeDistributed' && from.inputs[0].shape.length > 2;
    if (given && (!isAlike || isMixed || isWithin)) throw wrong(`'${names.get(layer)}'`, layer.className);
    if (layer.className === 'Masking' && from.list)
      throw new TypeError(
        `Expected '${names.get(layer)}' to be given a sequence alone, as TensorFlow.js' Masking takes no mask (format 'onnx' holds what it computes)`,
      );
    const inner = layer.graph && checkMasks(layer.graph);
    const goesOn = given && (sequences ?? layer.supportsMasking);
    for (const [i, value] of from.outputs.entries())
      if (layer.stepPadding !== undefined || goesOn || inner?.[i]) masked.add(value);
  }
  return outputs.map((value) => masked.has(value));
}

const wrong = (what: string, kind: string) =>
  new TypeError(
    `Expected ${what} to be given no masked steps, as TensorFlow.js' ${kind} takes them in another way (formats 'onnx' and 'keras' hold it)`,
  );
