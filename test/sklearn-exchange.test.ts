// scikit-learn's multi-layer perceptrons, in and out as NPZ files.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { importBytes, importModel, MLPClassifier, MLPRegressor, NDArray, RandomState } from 'fjordnet';
import { formatNpz } from '../dist/io/write-npy.js';
import { pythonWith, runPython } from './helpers/python.js';
import { difference } from './helpers/replay.js';

const home = mkdtempSync(join(tmpdir(), 'fjordnet-sklearn-'));
test.after.always(() => rmSync(home, { recursive: true }));
const fixture = (name: string) => new URL(`../test/fixtures/${name}`, import.meta.url);
const { x, cases } = JSON.parse(readFileSync(fixture('sklearn-exchange.json'), 'utf8')) as {
  x: number[][];
  cases: Record<string, { predict: any[]; proba?: number[][]; classes?: any[] }>;
};
const listed = (made: NDArray | string[] | boolean[]) => (made instanceof NDArray ? made.toArray() : made) as any[];

for (const [name, wanted] of Object.entries(cases))
  test(`${name}: what scikit-learn fitted predicts here as there`, async (t) => {
    const data = name === 'narrow' ? NDArray.from(x, { dtype: 'float32' }) : NDArray.from(x);
    const { classes } = wanted;
    const own = await ((classes ? MLPClassifier : MLPRegressor) as typeof MLPClassifier).import(
      fixture(`sklearn-${name}.npz`),
    );
    const made = listed(own.predict(data));
    if (classes) {
      t.deepEqual(made, wanted.predict);
      t.deepEqual((own as MLPClassifier).classes, classes);
      const d = difference((own as MLPClassifier).predictProba(data).data, (wanted.proba as number[][]).flat());
      t.true(d < (name === 'narrow' ? 1e-6 : 1e-14), `${d}`);
    } else {
      const d = difference(made.flat(), wanted.predict.flat());
      t.true(d < 1e-14, `${d}`);
    }
    const again = await ((classes ? MLPClassifier : MLPRegressor) as typeof MLPClassifier).importBytes(
      own.exportBytes(),
    );
    t.deepEqual(again.coefs, own.coefs);
    t.deepEqual(again.intercepts, own.intercepts);
    t.deepEqual(listed(again.predict(data)), made);
    t.deepEqual(again.getParams(), own.getParams());
    // and is trained further
    (again as MLPClassifier).partialFit(data, wanted.predict as never);
    t.notDeepEqual(again.coefs, own.coefs);
  });

test('as networks they are of dense layers, of the same numbers', async (t) => {
  for (const [name, { proba, predict, classes }] of Object.entries(cases)) {
    const net = await importModel(fixture(`sklearn-${name}.npz`));
    const y = net.predictSync(name === 'narrow' ? NDArray.from(x, { dtype: 'float32' }) : NDArray.from(x)) as NDArray;
    const wanted = (proba ?? predict).flatMap((row) => (name === 'binary' ? [row[1]] : [row].flat()));
    const d = difference(y.data, wanted);
    t.true(d < (name === 'narrow' ? 1e-6 : 1e-13), `${name}: ${d}`);
    t.deepEqual(net.metadata, classes ? { classes } : {});
  }
});

/** What docs/exchange says in Python. */
const load = `
import json, sys
import numpy as np
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.preprocessing import LabelBinarizer

def load(path):
    f = np.load(path)
    coefs, biases = ([f[f"{name}_{i}"] for i in range(sum(k.startswith(name) for k in f))] for name in ("coefs", "intercepts"))
    kind = MLPClassifier if "classes" in f else MLPRegressor
    mlp = kind(hidden_layer_sizes=[len(b) for b in biases[:-1]], activation=str(f["activation"]))
    mlp.coefs_, mlp.intercepts_, mlp.out_activation_ = coefs, biases, str(f["out_activation"])
    mlp.n_layers_, mlp.n_outputs_, mlp.n_features_in_ = len(coefs) + 1, len(biases[-1]), len(coefs[0])
    if "classes" in f:
        several = mlp.out_activation_ == "logistic" and mlp.n_outputs_ > 1
        mlp.classes_ = f["classes"]
        mlp._label_binarizer = LabelBinarizer().fit(np.eye(mlp.n_outputs_, dtype=int) if several else mlp.classes_)
    return mlp

mlp = load(sys.argv[1])
x = np.array(json.loads(sys.argv[2]))
print(json.dumps({"predict": mlp.predict(x).tolist(), "proba": mlp.predict_proba(x).tolist() if hasattr(mlp, "predict_proba") else []}))
`;
const python = pythonWith('sklearn');

test('what is fitted here predicts in scikit-learn as here', async (t) => {
  if (!python) {
    t.log('no Python with scikit-learn here: FJORDNET_TEST_PYTHON names one');
    return t.pass();
  }
  const k = x.map(([a, b, c]) => Number(a + b > 0) + Number(c > 0.5));
  const targets: [string, any][] = [
    ['numbers', k],
    ['texts', k.map((i) => ['a', 'bé', 'c'][i])],
    ['booleans', k.map((i) => i > 0)],
    ['large', k.map((i) => 2 ** 40 + i)],
    ['labels', k.map((i) => [Number(i > 0), Number(i > 1)])],
  ];
  for (const [name, y] of targets) {
    const own = new MLPClassifier({ hiddenLayerSizes: [5, 4], maxIter: 20, randomState: 1 }).fitSync(x, y);
    const path = join(home, `${name}.npz`);
    await own.export(path);
    const made = runPython(python, load, path, JSON.stringify(x));
    t.deepEqual(made.predict, listed(own.predict(x)), name);
    const d = difference(own.predictProba(x).data, made.proba.flat());
    t.true(d < 1e-14, `${name}: ${d}`);
  }
  const regression = new MLPRegressor({ maxIter: 20, randomState: 1 }).fitSync(x, k);
  await regression.export(join(home, 'regression.npz'));
  const made = runPython(python, load, join(home, 'regression.npz'), JSON.stringify(x));
  t.true(difference(regression.predict(x).data, made.predict) < 1e-14);
});

test('damaged files, and those of the other class, are refused with the reason', async (t) => {
  const three = readFileSync(fixture('sklearn-three.npz'));
  const wrong = (bytes: Uint8Array, message: RegExp) =>
    t.throwsAsync(MLPClassifier.importBytes(bytes), { code: 'ERR_FORMAT', message });
  await t.throwsAsync(MLPRegressor.importBytes(three), { message: /Expected a MLPRegressor, got a MLPClassifier/ });
  await wrong(Buffer.from('none'), /no ZIP file/);
  const [w, b] = [NDArray.zeros([2, 3]), NDArray.zeros([3])];
  const given = { coefs_0: w, intercepts_0: b, activation: 'relu', out_activation: 'softmax', classes: [0, 1, 2] };
  const of = (change: object) => Buffer.concat(formatNpz({ ...given, ...change } as never));
  t.deepEqual((await MLPClassifier.importBytes(of({}))).predict([[1, 1]]).toString(), '[0]');
  await wrong(Buffer.concat(formatNpz({ a: w })), /it has no coefs_0/);
  await wrong(of({ activation: 'gelu' }), /activation/);
  await wrong(of({ out_activation: 'tanh' }), /outActivation/);
  await wrong(of({ coefs_0: NDArray.zeros([2, 4]) }), /coefs_0 has the shape \[2, 4\] in place of \[2, 3\]/);
  const second = { coefs_1: NDArray.zeros([4, 3]), intercepts_1: NDArray.zeros([4]) };
  await wrong(of(second), /coefs_1 has the shape \[4, 3\] in place of \[3, 4\]/);
  await wrong(of({ coefs_1: NDArray.zeros([3, 3]) }), /it has 2 coefs, and 1 intercepts/);
  await t.throwsAsync(importBytes(of(second)), { code: 'ERR_FORMAT', message: /coefs_1 has the shape/ });
  await wrong(of({ coefs_0: NDArray.from([[Number.NaN, 0, 0]]) }), /not all finite/);
  await wrong(of({ classes: [0, 0, 1] }), /classes\[1\]/);
  await wrong(of({ classes: [0, 1] }), /targets/);
  // and so where it is read as a network
  const refused = (bytes: Uint8Array, message: RegExp) =>
    t.throwsAsync(importBytes(bytes), { code: 'ERR_FORMAT', message });
  await refused(of({ activation: 'gelu' }), /activation to be one of 'identity'/);
  await refused(of({ out_activation: 'tanh' }), /outActivation to be one of 'softmax'/);
  await refused(of({ classes: [0, 1] }), /targets/);
  for (const name of ['activation', 'out_activation']) {
    const { [name]: _, ...rest } = given as Record<string, unknown>;
    const bytes = Buffer.concat(formatNpz(rest as never));
    for (const read of [wrong, refused]) await read(bytes, new RegExp(`it has no ${name}, which says what`));
  }
  const labels = of({ out_activation: 'logistic', classes: [0, 1] });
  for (const read of [wrong, refused]) await read(labels, /it has 2 classes, and 3 outputs/);
  t.throws(() => new MLPClassifier().exportBytes(), { code: 'ERR_NOT_FITTED' });
  const r = new RandomState(2);
  for (let i = 0; i < 400; i++) {
    const bytes = Uint8Array.from(three);
    for (let k = 0; k < 3; k++) bytes[(r.randint(0, bytes.length, [1]) as NDArray).data[0]] ^= 1 << (i % 8);
    try {
      await MLPClassifier.importBytes(bytes);
    } catch (error) {
      t.is((error as { code?: string }).code, 'ERR_FORMAT', (error as Error).stack);
    }
  }
});
