import { readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import type { NDArray } from 'fjordnet';

export { tf, tfl };

/** What TensorFlow.js makes of the files of a model. */
export async function loadTfjs(path: string): Promise<tfl.LayersModel> {
  const json = JSON.parse(readFileSync(path, 'utf8'));
  const { modelTopology, format, weightsManifest, trainingConfig } = json;
  const shards = weightsManifest.flatMap(({ paths }: { paths: string[] }) =>
    paths.map((name) => readFileSync(join(dirname(path), name))),
  );
  const weightSpecs = weightsManifest.flatMap(({ weights }: { weights: tf.io.WeightsManifestEntry[] }) => weights);
  const weightData = Uint8Array.from(Buffer.concat(shards)).buffer;
  return tfl.loadLayersModel({
    load: async () => ({ modelTopology, format, weightSpecs, weightData, trainingConfig }),
  });
}

/** The files that TensorFlow.js' own save makes of a model. */
export async function saveTfjs(model: tfl.LayersModel, path: string, options?: tf.io.SaveConfig): Promise<void> {
  await model.save(
    tf.io.withSaveHandler(async ({ modelTopology, format, weightSpecs, weightData, trainingConfig }) => {
      const shard = basename(path).replace('.json', '.bin');
      writeFileSync(join(dirname(path), shard), new Uint8Array(tf.io.CompositeArrayBuffer.join(weightData)));
      const weightsManifest = [{ paths: [shard], weights: weightSpecs }];
      writeFileSync(path, JSON.stringify({ modelTopology, format, weightsManifest, trainingConfig }));
      return { modelArtifactsInfo: { dateSaved: new Date(), modelTopologyType: 'JSON' } };
    }),
    options,
  );
}

/** The outputs of a network of TensorFlow.js. */
export function predictTfjs(model: tfl.LayersModel, xs: readonly NDArray[]): Float32Array[] {
  const inputs = xs.map((x) => tf.tensor(Array.from(x.data), [...x.shape], x.dtype === 'int32' ? 'int32' : 'float32'));
  const made = [model.predict(inputs.length > 1 ? inputs : inputs[0])].flat();
  return made.map((y) => y.dataSync() as Float32Array);
}
