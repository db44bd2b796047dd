// What the layers of a network give, as a network of its own (as in learning goes on from one that was trained before): the same
// of a network that was read from a file.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { importModel, input, layers, Model, model, ops, type Value } from 'fjordnet';
import { filled, MODELS, samplesFor } from './helpers/networks.js';

const home = mkdtempSync(join(tmpdir(), 'fjordnet-parts-'));
test.after.always(() => rmSync(home, { recursive: true }));

/** The inputs that a value is made of, as a network is given no others. */
function sourcesOf(values: readonly Value[], net: Model<any, any>): number[] {
  const seen = new Set(values);
  for (const value of seen) for (const before of value.from?.inputs ?? []) seen.add(before);
  return net.inputs.flatMap((value, i) => (seen.has(value) ? [i] : []));
}

for (const [name, make] of Object.entries(MODELS))
  test(`${name}: what each layer gives, of the network and of the one that is read`, async (t) => {
    const net = make('float64');
    filled(net);
    const x = samplesFor(net);
    const given = (of: Model<any, any>, layer: string) => {
      const outputs = [of.getLayer(layer).output].flat() as Value[];
      const sources = sourcesOf(outputs, of);
      const part = model({ inputs: sources.map((i) => of.inputs[i]) as Value[], outputs, dtype: 'float64' });
      return [part.predictSync(sources.map((i) => x[i]) as never)].flat().map((y: any) => [y.shape, [...y.data]]);
    };
    const paths = [join(home, `${name}.safetensors`), join(home, `${name}.keras`)];
    await net.save(paths[0]);
    await net.export(paths[1]).catch(({ message }) => t.log(message));
    for (const path of paths) {
      const back = await importModel(path).catch(() => undefined);
      if (!back) continue;
      for (const layer of net.layerNames) {
        let own: unknown;
        try {
          own = given(net, layer);
        } catch (error) {
          t.throws(() => given(back, layer), { message: (error as Error).message });
          continue;
        }
        t.deepEqual(given(back, layer), own, `${path} ${layer}`);
      }
    }
  });

test('a network that is read learns on from what its layers give', async (t) => {
  const x = input({ shape: [3] });
  const h = layers.dense({ units: 4, activation: 'tanh', name: 'features' }).apply(x);
  const net = model({ inputs: x, outputs: layers.dense({ units: 2 }).apply(ops.add(h, 1)), seed: 1 });
  const path = join(home, 'learned');
  await net.save(path);
  const base = await Model.load(path);
  base.getLayer('features').trainable = false;
  const y = layers.dense({ units: 1, name: 'new' }).apply(base.getLayer('features').output as Value);
  const tuned = model({ inputs: base.inputs, outputs: y, seed: 2 });
  tuned.compile({ optimizer: 'adam', loss: 'meanSquaredError' });
  const [before] = tuned.getLayer('new').getWeights();
  const samples = [
    [1, 2, 3],
    [3, 2, 1],
  ];
  await tuned.fit(samples, [[1], [0]], { epochs: 3 });
  t.notDeepEqual(tuned.getLayer('new').getWeights()[0], before);
  t.deepEqual(tuned.getLayer('features').getWeights(), net.getLayer('features').getWeights());
});
