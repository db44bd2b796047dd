import { allLayers } from '../../graph/weights.js';
import { type Layer, nameOf } from '../../layers/layer.js';
import type { Model } from '../../models/model.js';
import { networkExport } from '../../saved.js';
import { isOfTraining } from './compositions.js';
import { ACTIVITY, trainingOut } from './training.js';
import { tfjsWeights } from './weights.js';

/** What a file of TensorFlow.js does not hold of a network, in words; `lacking`: why training does not go on from it, where it does not. */
export async function lostInTfjs(
  model: Model,
): Promise<{ readonly lacking?: string; readonly lost: readonly string[] }> {
  const network = await model[networkExport]();
  const { graph } = network;
  const { lacking, lost = [] } = trainingOut(network, tfjsWeights(graph)) ?? {};
  const layers = [...new Set(allLayers(graph.layers))];
  const images = layers.filter(({ className }) => isOfTraining(className));
  const what = images.length > 0 ? [`what changes images in training: ${images.map(nameOf).join(', ')}`] : [];
  const penalized = layers.filter(({ activityRegularizer }) => activityRegularizer);
  if (penalized.length > 0) what.push(`${ACTIVITY}: ${penalized.map(nameOf).join(', ')}`);
  const constrained = layers.filter(isConstrained);
  if (constrained.length > 0)
    what.push(`the constraints of convolutions of groups, depthwise ones there: ${constrained.map(nameOf).join(', ')}`);
  return { ...(lacking !== undefined && { lacking }), lost: [...what, ...lost] };
}

/** Those of a convolution of groups: a depthwise kernel has other axes. */
function isConstrained(layer: Layer): boolean {
  type Options = Readonly<Record<'groups' | 'kernelConstraint' | 'biasConstraint', unknown>>;
  const { className, groups = 1, kernelConstraint, biasConstraint } = layer as Layer & Partial<Options>;
  return className === 'Conv2D' && groups !== 1 && Boolean(kernelConstraint ?? biasConstraint);
}
