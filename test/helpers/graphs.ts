import { input, layers, type Model, model, ops, sequential, type Value } from 'fjordnet';

const conv = (filters: number, name?: string, strides = 1) =>
  layers.conv2d({ filters, kernelSize: 3, padding: 'same', strides, activation: 'relu', ...(name && { name }) });

/** A block of He et al. 2016; where it halves the image, the way around it is a convolution. */
function block(x: Value, filters: number, strides: number): Value {
  const inner = layers.batchNormalization().apply(conv(filters, undefined, strides).apply(x));
  const f = layers.conv2d({ filters, kernelSize: 3, padding: 'same' }).apply(inner);
  const around = strides === 1 ? x : layers.conv2d({ filters, kernelSize: 1, strides, name: 'shortcut' }).apply(x);
  return layers.activation({ activation: 'relu' }).apply(layers.add().apply([f, around]));
}

/** Networks that are no chain, as plots draw them. */
export const GRAPHS: Readonly<Record<string, () => Model>> = {
  residual: () => {
    const x = input({ shape: [16, 16, 3] });
    const h = block(block(conv(8).apply(x), 8, 1), 16, 2);
    const pooled = layers.globalAveragePooling2d().apply(h);
    return model({ inputs: x, outputs: layers.dense({ units: 10, activation: 'softmax' }).apply(pooled) });
  },
  'two inputs and two outputs': () => {
    const image = input({ shape: [8, 8, 1], name: 'image' });
    const patient = input({ shape: [12], name: 'patient' });
    const seen = layers.flatten().apply(layers.maxPooling2d().apply(conv(4, 'edges').apply(image)));
    const known = layers.dense({ units: 16, activation: 'relu' }).apply(patient);
    const h = layers.dense({ units: 32, activation: 'relu' }).apply(layers.concatenate().apply([seen, known]));
    const kind = layers.dense({ units: 3, activation: 'softmax', name: 'kind' }).apply(h);
    const size = layers.dense({ units: 1, name: 'size' }).apply(layers.dense({ units: 8 }).apply(h));
    return model({ inputs: [image, patient], outputs: [kind, size] });
  },
  siamese: () => {
    const z = input({ shape: [64] });
    const encoder = model({ inputs: z, outputs: layers.dense({ units: 8 }).apply(z), name: 'encoder' });
    const [left, right] = ['left', 'right'].map((name) => input({ shape: [64], name }));
    const difference = ops.square(ops.sub(encoder.apply(left), encoder.apply(right)));
    const outputs = ops.sqrt(ops.sum(difference, { keepDims: true }));
    return model({ inputs: [left, right], outputs });
  },
  'U-shaped': () => {
    const x = input({ shape: [32, 32, 1], name: 'image' });
    const first = conv(8, 'down_1').apply(x);
    const second = conv(16, 'down_2').apply(layers.maxPooling2d().apply(first));
    const bottom = conv(32, 'bottom').apply(layers.maxPooling2d().apply(second));
    const join = (h: Value, skipped: Value) => layers.concatenate().apply([layers.upSampling2d().apply(h), skipped]);
    const up = conv(16, 'up_2').apply(join(bottom, second));
    const outputs = conv(8, 'up_1').apply(join(up, first));
    return model({ inputs: x, outputs });
  },
  nested: () => {
    const base = sequential({
      layers: [layers.dense({ units: 8, inputShape: [4] }), layers.dense({ units: 3 })],
      name: 'base',
    });
    base.trainable = false;
    const x = input({ shape: [4] });
    return model({ inputs: x, outputs: layers.dense({ units: 2, activation: 'softmax' }).apply(base.apply(x)) });
  },
};
