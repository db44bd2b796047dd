// A network that learns to write, letter by letter, from this package's own documentation, and writes while it trains.
//   node scripts/examples/writer.js [epochs] [writer.svg]
import { readdirSync, readFileSync } from 'node:fs';
import { data, layers, optimizers, RandomState, sequential, Tokenizer } from 'fjordnet';

const docs = new URL('../../docs/', import.meta.url);
const text = readdirSync(docs)
  .filter((name) => name.endsWith('.md'))
  .map((name) => readFileSync(new URL(name, docs), 'utf8'))
  .join('\n')
  .replace(/```(?:.|\n)*?```|[|`#*[\]]|\(\S*\)/g, '') // prose alone
  .replace(/-{2,}/g, '')
  .replace(/\s+/g, ' ');

const tokenizer = new Tokenizer({ level: 'character', lowercase: true });
const [ids] = tokenizer.fitTransform([text]);
const size = ids.reduce((most, id) => Math.max(most, id), 0) + 1;
console.log(`${ids.length} letters`);
const steps = 64;
// every letter of a window is followed by that of the next window's
const { x } = data.timeSeries(ids, { window: steps + 1, stride: steps / 4 });
const part = (from) =>
  x
    .reshape(-1, steps + 1)
    .toArray()
    .map((row) => row.slice(from, from + steps));

const network = (window, stateful) =>
  sequential({
    layers: [
      layers.embedding({ inputDim: size, outputDim: 32, inputShape: [window] }),
      layers.gru({ units: 192, returnSequences: true, stateful }),
      layers.dense({ units: size, activation: 'softmax' }),
    ],
    seed: 1,
  });
const model = network(steps, false);
model.compile({
  optimizer: optimizers.adam({ learningRate: 0.004 }),
  loss: 'sparseCategoricalCrossentropy',
  metrics: ['accuracy'],
});

// the same weights letter by letter: its state goes on from call to call
const writer = network(1, true);
function write(start, letters, temperature, random) {
  writer.setWeights(model.getWeights());
  writer.resetStates();
  const [given] = tokenizer.transform([start]);
  let p;
  for (const id of given) p = writer.predictSync([[id]]).data;
  const written = [];
  for (let i = 0; i < letters; i++) {
    const weights = Array.from(p, (value) => value ** (1 / temperature));
    let left = random.randomSample() * weights.reduce((sum, w) => sum + w, 0);
    const id = weights.findIndex((weight) => {
      left -= weight;
      return left < 0;
    });
    written.push(id);
    p = writer.predictSync([[id]]).data;
  }
  return start + tokenizer.inverseTransform([written])[0];
}

const epochs = Number(process.argv[2] ?? 20);
const random = new RandomState(0);
const { history } = await model.fit(part(0), part(1), {
  epochs,
  batchSize: 64,
  callbacks: {
    onEpochEnd(epoch, { loss }) {
      if ((epoch + 1) % 5 === 0 || epoch === 0)
        console.log(`epoch ${epoch + 1}, loss ${loss.toFixed(2)}: ${write('the network ', 120, 0.5, random)}`);
    },
  },
});
console.log(`letters guessed right: ${(100 * history.accuracy.at(-1)).toFixed(0)} %, of ${size} there are`);

if (process.argv[3]) {
  const plots = await import('fjordnet/plots');
  await plots.history(history, { title: 'A network that learns to write' }).save(process.argv[3]);
}
