// A Fastify plugin that answers predictions of any saved file, tried on penguins that are drawn: node scripts/examples/fastify.js
// Needs the package fastify.
import Fastify from 'fastify';
import { loadPredictor, MLPClassifier, makePipeline, RandomState, TableTransformer, trainTestSplit } from 'fjordnet';

/** POST /predict of one row or of a list of rows; GET /schema. Options: source, a file or its bytes. */
export async function predictions(app, { source }) {
  const predictor = await loadPredictor(source);
  app.get('/schema', () => ({ inputs: predictor.inputNames, classes: predictor.classes }));
  app.post('/predict', async ({ body }, reply) => {
    const rows = Array.isArray(body) ? body : [body];
    try {
      return { predictions: Array.from(await predictor.predict(rows)) };
    } catch (error) {
      if (!error.message.startsWith('Expected ')) throw error;
      return reply.code(422).send({ error: error.message }); // says which row and column
    }
  });
}

const random = new RandomState(0);
const rows = Array.from({ length: 300 }, () => {
  const isGentoo = random.randomSample() < 0.5;
  return {
    species: isGentoo ? 'Gentoo' : 'Adelie',
    island: isGentoo || random.randomSample() < 0.4 ? 'Biscoe' : 'Dream',
    mass: random.randomSample() < 0.1 ? null : random.normal(isGentoo ? 5100 : 3700, 400),
    flipper: random.normal(isGentoo ? 217 : 190, 7),
  };
});
const [train, test] = trainTestSplit([rows], { randomState: 0 });
const pipeline = makePipeline(
  TableTransformer.infer(train, { target: 'species' }),
  new MLPClassifier({ hiddenLayerSizes: [8], solver: 'lbfgs', alpha: 0.1, randomState: 0 }),
);
await pipeline.fit(
  train,
  train.map(({ species }) => species),
);

const app = Fastify();
app.register(predictions, { source: pipeline.toBytes() });
const { body } = await app.inject({ method: 'POST', url: '/predict', payload: test });
const answers = JSON.parse(body).predictions;
const right = answers.filter((label, i) => label === test[i].species).length;
console.log(
  `asked over HTTP for ${test.length} penguins, answered right: ${((100 * right) / test.length).toFixed(1)} %`,
);
const refused = await app.inject({
  method: 'POST',
  url: '/predict',
  payload: { island: 'Dream', mass: 'heavy', flipper: 190 },
});
console.log(refused.statusCode, JSON.parse(refused.body).error);
await app.close();
