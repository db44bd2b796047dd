// A case's network as this package builds it.
import { custom, input, layers as L, Model, ops, optimizers, Sequential } from 'fjordnet';

/** Of logits and one-hot targets, Lin et al. 2017. */
const focal = custom.loss('focal', (yTrue, yPred) => {
  const logP = ops.sum(ops.mul(yTrue, ops.logSoftmax(yPred)));
  return ops.neg(ops.mul(ops.square(ops.sub(1, ops.exp(logP))), logP));
});

export const lossOf = (workload) => (workload.loss === 'focal' ? focal : 'sparseCategoricalCrossentropy');

const made = ({ kind, name: _name, from: _from, causal, ...options }) =>
  L[kind](causal ? { ...options, useCausalMask: true } : options);

/** A Sequential where every layer reads the one before it, else a Model; not compiled. */
export function networkOf({ inputs, layers, network, dtype, seed }) {
  if (layers.every(({ from }) => !from)) {
    const [{ shape }] = inputs;
    return new Sequential({ layers: [L.inputLayer({ shape }), ...layers.map(made)], dtype, seed });
  }
  const values = inputs.map(({ name, shape, below }) => input({ name, shape, dtype: below ? 'int32' : undefined }));
  for (const [i, { sources }] of network.entries()) {
    const read = sources.map((of) => values[of]);
    if (layers[i].kind === 'multiHeadAttention') read.push(read[0]);
    values.push(made(layers[i]).apply(read.length === 1 ? read[0] : read));
  }
  return new Model({ inputs: values.slice(0, inputs.length), outputs: values.at(-1), dtype, seed });
}

/** Compiled, with the case's weights. */
export function build(workload, array) {
  const model = networkOf(workload);
  const optimizer = optimizers.sgd({ learningRate: workload.learningRate });
  model.compile({ optimizer, loss: lossOf(workload) });
  model.setWeights(workload.weights().map(array));
  return model;
}
