import { allLayers } from '../../graph/weights.js';
import { nameOf } from '../../layers/layer.js';
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
  const images = [...new Set(allLayers(graph.layers))].filter(({ className }) => isOfTraining(className));
  const what = images.length > 0 ? [`what changes images in training: ${images.map(nameOf).join(', ')}`] : [];
  const penalized = [...new Set(allLayers(graph.layers))].filter(({ activityRegularizer }) => activityRegularizer);
  if (penalized.length > 0) what.push(`${ACTIVITY}: ${penalized.map(nameOf).join(', ')}`);
  return { ...(lacking !== undefined && { lacking }), lost: [...what, ...lost] };
}
