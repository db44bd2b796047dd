import test from 'ava';
import fc from 'fast-check';
import { input, type Layer, layers, type Model, model, NDArray, RandomState, type Value } from 'fjordnet';

const SAMPLES = 5;
const STEPS = ['dense', 'shared', 'add', 'multiply', 'concatenate', 'normalization', 'dropout', 'block'] as const;

/** A graph: what each step makes, of which of the values before it. */
interface Recipe {
  inputs: number;
  steps: { kind: (typeof STEPS)[number]; from: [number, number] }[];
  outputs: number;
  seed: number;
}

const recipes: fc.Arbitrary<Recipe> = fc.record({
  inputs: fc.integer({ min: 1, max: 3 }),
  steps: fc.array(fc.record({ kind: fc.constantFrom(...STEPS), from: fc.tuple(fc.nat(1000), fc.nat(1000)) }), {
    minLength: 1,
    maxLength: 9,
  }),
  outputs: fc.integer({ min: 1, max: 2 }),
  seed: fc.nat(1000),
});

/** The graph of a recipe; the values that nothing reads are added up into its last output, so that every input reaches one. */
function build({ inputs, steps, outputs, seed }: Recipe, dtype: 'float32' | 'float64'): Model<Value[]> {
  const sources = Array.from({ length: inputs }, (_, i) => input({ shape: [3], name: `in${i}` }));
  const values: Value[] = [...sources];
  const read = new Set<Value>();
  const shared = layers.dense({ units: 3, activation: 'tanh', name: 'shared' });
  const z = input({ shape: [3] });
  const inner = layers.dense({ units: 3, activation: 'sigmoid' }).apply(z);
  const block = model({ inputs: z, outputs: layers.add().apply([z, inner]), name: 'block', dtype });
  const take = (k: number) => {
    const value = values[k % values.length];
    read.add(value);
    return value;
  };
  const width3 = (value: Value) => (value.shape[0] === 3 ? value : layers.dense({ units: 3 }).apply(value));
  const make: Record<Recipe['steps'][number]['kind'], (a: Value, b: () => Value) => Value> = {
    dense: (a) => layers.dense({ units: 3, activation: 'softplus', kernelRegularizer: 'l2' }).apply(a),
    shared: (a) => shared.apply(width3(a)),
    add: (a, b) => layers.add().apply([width3(a), width3(b())]),
    multiply: (a, b) => layers.multiply().apply([width3(a), width3(b())]),
    concatenate: (a, b) => layers.concatenate().apply([a, b()]),
    normalization: (a) => layers.batchNormalization().apply(a),
    dropout: (a) => layers.dropout({ rate: 0.3 }).apply(a),
    block: (a) => block.apply(width3(a)),
  };
  for (const { kind, from } of steps) values.push(make[kind](take(from[0]), () => take(from[1])));
  const ends = values.filter((value) => !read.has(value)).map(width3);
  const last = layers.dense({ units: 1, name: 'last' }).apply(ends.length > 1 ? layers.average().apply(ends) : ends[0]);
  const before = layers.dense({ units: 2, activation: 'softmax', name: 'before' }).apply(ends[0]);
  return model({ inputs: sources, outputs: outputs === 1 ? [last] : [before, last], dtype, seed });
}

function prepared(recipe: Recipe, dtype: 'float32' | 'float64') {
  const net = build(recipe, dtype);
  const random = new RandomState(recipe.seed);
  const x = net.inputs.map(() => random.normal(0, 1, [SAMPLES, 3]) as NDArray);
  const kind = random.randint(0, 2, [SAMPLES]) as NDArray;
  const size = random.normal(0, 1, [SAMPLES, 1]) as NDArray;
  const y = recipe.outputs === 1 ? [size] : [kind, size];
  const loss = recipe.outputs === 1 ? ['mse'] : ['sparseCategoricalCrossentropy', 'mse'];
  net.compile({ optimizer: 'adam', loss, lossWeights: loss.map((_, i) => 1 - 0.6 * i) });
  const weights = net.getWeights().map(({ shape }) => random.normal(0, 0.7, shape) as NDArray);
  const isVariance = net.weightNames.map((name) => name.endsWith('movingVariance'));
  const positive = weights.map((w, i) => (isVariance[i] ? shifted(w, w, 0, Math.abs) : w));
  net.setWeights(positive);
  return { net, x, y, weights: positive, random };
}

const shifted = (w: NDArray, d: NDArray, h: number, f = (v: number) => v) =>
  NDArray.from(Float64Array.from(w.data, (v, i) => f(v + h * d.data[i]))).reshape(...w.shape);

const isTrained = (name: string) => !/moving(Mean|Variance)$/.test(name);

test('fifty random graphs: gradients along random directions are those of finite differences, in both dtypes', async (t) => {
  await fc.assert(
    fc.asyncProperty(recipes, async (recipe) => {
      const { net, x, y, weights, random } = prepared(recipe, 'float64');
      const { gradients } = await net.gradients(x, y);
      const trained = net.weightNames.map(isTrained);
      const directions = weights.map(({ shape }) => random.normal(0, 1, shape) as NDArray);
      const along = async (h: number) => {
        net.setWeights(weights.map((w, i) => (trained[i] ? shifted(w, directions[i], h) : w)));
        return (await net.gradients(x, y)).loss; // of training: batches normalized, the same values dropped
      };
      const slope = ((await along(1e-6)) - (await along(-1e-6))) / 2e-6;
      const own = directions.filter((_, i) => trained[i]);
      const sum = gradients.reduce((s, g, i) => s + [...g.data].reduce((p, v, j) => p + v * own[i].data[j], 0), 0);
      const size = gradients.reduce((s, g) => s + [...g.data].reduce((p, v) => p + Math.abs(v), 0), 0);
      t.true(Math.abs(sum - slope) <= 1e-6 * (1 + size), `${sum} ${slope} ${size}`);

      const single = prepared(recipe, 'float32');
      const rounded = (await single.net.gradients(x, y)).gradients;
      net.setWeights(weights);
      for (const [i, g] of gradients.entries())
        for (const [j, v] of [...g.data].entries())
          t.true(Math.abs(rounded[i].data[j] - v) <= 2e-3 * (1 + size), `${i} ${j}`);
    }),
    { numRuns: 50, seed: 12 },
  );
});

test('random graphs: predictions are those of their layers one by one, and training has the same bits off the thread and on it', async (t) => {
  const bits = (net: Model) => net.getWeights().map(({ data }) => [...data]);
  await fc.assert(
    fc.asyncProperty(recipes, async (recipe) => {
      const { net, x, y } = prepared(recipe, 'float32');
      const [p] = net.predictOnBatch(x);
      // the last layer, of a network of what goes into it
      const last: Layer = net.getLayer('last');
      const parts = model({ inputs: net.inputs, outputs: [last.input as Value] });
      const head = model({ inputs: last.input as Value, outputs: [last.output as Value] });
      const q = head.predictOnBatch(parts.predictOnBatch(x));
      t.deepEqual([...q[0].data], [...(recipe.outputs === 1 ? p : net.predictOnBatch(x)[1]).data]);
      const twin = prepared(recipe, 'float32').net;
      await net.fit(x, y, { epochs: 2, batchSize: 2 });
      twin.fitSync(x, y, { epochs: 2, batchSize: 2 });
      t.deepEqual(bits(net), bits(twin));
    }),
    { numRuns: 25, seed: 13 },
  );
});
