import { type FitOptions, layers, optimizers, RandomState, sequential } from 'fjordnet';

const SAMPLES = 103;

/** A training with dropout, momentum and an uneven last batch, whose numbers depend on `batchSize` times the number of ranks alone. */
export async function trainOnHosts(options: FitOptions): Promise<{ history: object; weights: number[][] }> {
  const model = sequential({
    layers: [
      layers.dense({ units: 9, activation: 'tanh', inputShape: [6] }),
      layers.dropout({ rate: 0.3 }),
      layers.dense({ units: 3, activation: 'softmax' }),
    ],
    dtype: 'float64',
    seed: 3,
  });
  const optimizer = optimizers.sgd({ learningRate: 0.05, momentum: 0.9 });
  model.compile({ optimizer, loss: 'sparseCategoricalCrossentropy', metrics: ['accuracy'] });
  const random = new RandomState(7);
  const x = random.normal(0, 1, [SAMPLES, 6]);
  const { history } = await model.fit(x, random.randint(0, 3, [SAMPLES]), options);
  return { history, weights: model.getWeights().map(({ data }) => [...data]) };
}
