// What layers and their options become in TensorFlow.js: the same numbers there, or a sentence here.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { activations, importModel, input, layers as L, type Layer, type Model, model, sequential } from 'fjordnet';
import { filled, outputsOf, samplesFor } from './helpers/networks.js';
import { loadTfjs, predictTfjs } from './helpers/tfjs.js';

const home = mkdtempSync(join(tmpdir(), 'fjordnet-tfjs-options-'));
test.after.always(() => rmSync(home, { recursive: true }));

/** All combinations of values of options. */
const product = (options: Record<string, readonly unknown[]>) =>
  Object.entries(options).reduce<object[]>(
    (all, [key, values]) => all.flatMap((own) => values.map((value) => ({ ...own, [key]: value }))),
    [{}],
  );
const seq = (layer: Layer<any>) => sequential({ layers: [layer], seed: 1 });

const furthest = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  a.length === b.length ? Math.max(...Array.from(a, (value, i) => Math.abs(value - b[i]))) : Number.NaN;

/** Networks that can be made; what there is not here (an option, a shape) is none of this test's. */
function made(make: () => Model<any, any>): Model<any, any> | undefined {
  try {
    const network = make();
    filled(network);
    return network;
  } catch (error) {
    if (/^Expected /.test((error as Error).message)) return undefined;
    throw error;
  }
}

type Case = readonly [what: string, make: () => Model<any, any>];

async function agree(t: ExecutionContext, cases: readonly Case[]) {
  const path = join(mkdtempSync(join(home, 'case-')), 'model.json');
  let [same, refused] = [0, 0];
  for (const [what, make] of cases) {
    const own = made(make);
    if (!own) continue;
    try {
      await own.export(path);
    } catch (error) {
      t.regex((error as Error).message, /^Expected .*\(formats? 'onnx'/, what);
      refused++;
      continue;
    }
    const x = samplesFor(own);
    const wanted = await outputsOf(own, x);
    const theirs = predictTfjs(await loadTfjs(path), x);
    const back = await outputsOf(await importModel(path), x);
    for (const [k, { data }] of wanted.entries()) {
      const within = 1e-6 * Math.max(1, ...Array.from(data, Math.abs));
      t.true(furthest(data, theirs[k]) < within, `${what}, TensorFlow.js: ${furthest(data, theirs[k])}`);
      t.true(furthest(data, back[k].data) < within, `${what}, read again: ${furthest(data, back[k].data)}`);
    }
    same++;
  }
  t.true(same > cases.length / 5, `${same} of ${cases.length}`);
  t.log(`${same} are the same, ${refused} refused`);
}

const inputShape = [7, 8, 4];

test('convolutions and pooling', async (t) => {
  const cases: Case[] = [];
  const options = { kernelSize: [1, [2, 3]], strides: [1, 2, [1, 2]], padding: ['same', 'valid', 'causal'] };
  for (const own of product({ ...options, dilationRate: [1, 2] }) as any[]) {
    const what = JSON.stringify(own);
    cases.push(
      [`conv2d ${what}`, () => seq(L.conv2d({ filters: 4, inputShape, ...own }))],
      [`groups ${what}`, () => seq(L.conv2d({ filters: 8, groups: 4, inputShape, ...own }))],
      [`pairs ${what}`, () => seq(L.conv2d({ filters: 8, groups: 2, inputShape, ...own }))],
      [`depthwise ${what}`, () => seq(L.depthwiseConv2d({ depthMultiplier: 2, inputShape, ...own }))],
      [`separable ${what}`, () => seq(L.separableConv2d({ filters: 3, inputShape, ...own }))],
      [`transpose ${what}`, () => seq(L.conv2dTranspose({ filters: 3, inputShape, ...own }))],
    );
  }
  for (const own of product({ ...options, kernelSize: [1, 3], strides: [1, 2], dilationRate: [1, 2] }) as any[])
    cases.push([`conv1d ${JSON.stringify(own)}`, () => seq(L.conv1d({ filters: 4, inputShape: [7, 4], ...own }))]);
  for (const own of product({ poolSize: [2, 3], strides: [1, 2], padding: ['same', 'valid'] }) as any[])
    for (const layer of [L.maxPooling2d, L.averagePooling2d, L.maxPooling1d, L.averagePooling1d])
      for (const shape of [inputShape, [7, 4]])
        cases.push([`${layer.name} ${JSON.stringify(own)}`, () => seq(layer({ inputShape: shape, ...own }))]);
  await agree(t, cases);
});

test('recurrent layers, in one direction and two, with masks and states', async (t) => {
  const cases: Case[] = [];
  const RECURRENT = { simpleRNN: L.simpleRNN, lstm: L.lstm, gru: L.gru };
  for (const [kind, layer] of Object.entries(RECURRENT) as [string, any][]) {
    const size = { units: 3, ...(kind === 'gru' && { resetAfter: false }) };
    for (const activation of ['tanh', 'hardSigmoid', 'elu', 'softsign', 'exponential'])
      for (const own of product(
        kind === 'simpleRNN' ? {} : { recurrentActivation: ['sigmoid', 'hardSigmoid', 'tanh'] },
      ))
        cases.push([
          `${kind} ${activation} ${JSON.stringify(own)}`,
          () => seq(layer({ ...size, activation, ...own, inputShape: [5, 3] })),
        ]);
    const flags = { returnSequences: [false, true], returnState: [false, true], goBackwards: [false, true] };
    for (const own of product({
      ...flags,
      mergeMode: ['one', 'concat', 'ave', null],
      masked: [false, true],
      states: [0, 1],
    })) {
      const { mergeMode, masked, states, ...rest } = own as any;
      cases.push([
        `${kind} ${JSON.stringify(own)}`,
        () => {
          const inner = layer({ ...size, ...rest });
          const isOne = mergeMode === 'one';
          const n = states * (kind === 'lstm' ? 2 : 1) * (isOne ? 1 : 2);
          const x = input({ shape: [5, 3] });
          const first = Array.from({ length: n }, () => input({ shape: [3] }));
          const from = [masked ? L.masking().apply(x) : x, ...first] as const;
          const y = (isOne ? inner : L.bidirectional({ layer: inner, mergeMode })).apply(n > 0 ? from : from[0]);
          return model({ inputs: [x, ...first], outputs: y, seed: 1 });
        },
      ]);
    }
  }
  await agree(t, cases);
});

test('activations', async (t) => {
  const cases: Case[] = [];
  for (const [name, make] of Object.entries(activations) as [string, any][])
    for (const options of [undefined, { alpha: 0.3 }, { approximate: true }]) {
      const what = `${name} ${JSON.stringify(options) ?? ''}`;
      const own = () => make(options);
      const dense = () => L.dense({ units: 3, activation: own() });
      cases.push(
        [what, () => seq(L.activation({ activation: own(), inputShape: [3, 4] }))],
        [`dense ${what}`, () => sequential({ layers: [L.inputLayer({ shape: [3, 4] }), dense()], seed: 1 })],
        [`each ${what}`, () => seq(L.timeDistributed({ layer: dense(), inputShape: [3, 4] }))],
      );
    }
  await agree(t, cases);
});

test('other layers, of each step, behind a mask and in front of a layer that takes one', async (t) => {
  const LAYERS: Record<string, () => Layer<any>> = {
    layerNormalization: () => L.layerNormalization({ center: false, epsilon: 0.1 }),
    batchNormalization: () => L.batchNormalization({ epsilon: 0.1 }),
    prelu: () => L.prelu({ sharedAxes: [1] }),
    leakyReLU: () => L.leakyReLU({ negativeSlope: 0.2 }),
    reLU: () => L.reLU({ maxValue: 0.5 }),
    'reLU with a threshold': () => L.reLU({ threshold: 0.2 }),
    'reLU with a slope': () => L.reLU({ negativeSlope: 0.2 }),
    'reLU with a slope and a threshold': () => L.reLU({ negativeSlope: 0.2, threshold: 0.2 }),
    gaussianDropout: () => L.gaussianDropout({ rate: 0.5 }),
    alphaDropout: () => L.alphaDropout({ rate: 0.5 }),
    groupNormalization: () => L.groupNormalization({ groups: 2 }),
    rmsNormalization: () => L.rmsNormalization(),
    unitNormalization: () => L.unitNormalization(),
    separableConv1d: () => L.separableConv1d({ filters: 2, kernelSize: 2 }),
    rescaling: () => L.rescaling({ scale: [1, 2, 3, 4], offset: [4, 3, 2, 1] }),
    dropout: () => L.dropout({ rate: 0.5 }),
    dense: () => L.dense({ units: 2, activation: 'logSigmoid' }),
    zeroPadding1d: () => L.zeroPadding1d({ padding: [2, 1] }),
    cropping2d: () =>
      L.cropping2d({
        cropping: [
          [1, 0],
          [0, 2],
        ],
      }),
    zeroPadding2d: () => L.zeroPadding2d({ padding: [1, 2] }),
    upSampling1d: () => L.upSampling1d({ size: 3 }),
    upSampling2d: () => L.upSampling2d({ size: [2, 1] }),
    repeatVector: () => L.repeatVector({ n: 3 }),
    permute: () => L.permute({ dims: [2, 1] }),
    ...Object.fromEntries(
      [
        ...[L.softmax, L.flatten, L.masking, L.globalMaxPooling1d, L.globalAveragePooling1d, L.globalMaxPooling2d],
        ...[L.globalAveragePooling2d, L.cropping1d, L.randomFlip, L.randomRotation],
      ].map((layer, i) => [`${i}`, () => (layer as any)({})]),
    ),
    spatialDropout1d: () => L.spatialDropout1d({ rate: 0.5 }),
    spatialDropout2d: () => L.spatialDropout2d({ rate: 0.5 }),
  };
  const cases: Case[] = [];
  for (const [name, layer] of Object.entries(LAYERS))
    for (const shape of [[4], [5, 4], [3, 5, 4]]) {
      const of = (call: (x: any) => unknown, own = shape) => {
        const x = input({ shape: own });
        return model({ inputs: x, outputs: call(x) as never, seed: 1 });
      };
      const masked = (x: any) => layer().apply(L.masking().apply(x));
      cases.push(
        [`${name} of [${shape}]`, () => of((x) => layer().apply(x))],
        [`each ${name} of [${shape}]`, () => of((x) => L.timeDistributed({ layer: layer() }).apply(x), [2, ...shape])],
        [`masked ${name} of [${shape}]`, () => of(masked)],
        [`masked ${name} of [${shape}], rnn`, () => of((x) => L.simpleRNN({ units: 2 }).apply(masked(x) as never))],
      );
    }
  await agree(t, cases);
});

test('layers of several inputs, masks on some of them', async (t) => {
  const cases: Case[] = [];
  const joined = [L.add, L.subtract, L.multiply, L.average, L.maximum, L.minimum, L.concatenate] as any[];
  const dots = product({ axes: [1, 2, [1, 2]], normalize: [false, true] }).map((own) => () => L.dot(own as any));
  for (const [i, make] of [...joined, ...dots].entries())
    for (const own of product({ inputs: [2, 3], masked: [0, 1, 2] }) as any[])
      cases.push([
        `${i} ${JSON.stringify(own)}`,
        () => {
          const xs = Array.from({ length: own.inputs }, () => input({ shape: [3, 3] }));
          const y = make().apply(xs.map((x, k) => (k < own.masked ? L.masking().apply(x) : x)));
          return model({ inputs: xs, outputs: [y, L.simpleRNN({ units: 2 }).apply(y)], seed: 1 });
        },
      ]);
  await agree(t, cases);
});
