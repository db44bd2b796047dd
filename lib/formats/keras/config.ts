import { checkNumber, wrongType } from '../../check.js';
import type { JsonObject } from '../../io/model-file.js';
import { isPlain } from '../../kind.js';
import { LEAST_DEVIATION } from '../../layers/normalization.js';
import { recurrentOf } from './cells-in.js';
import {
  camel,
  type KerasObject,
  kerasActivation,
  kerasConstraint,
  kerasInitializer,
  kerasRegularizer,
  ourActivation,
  ourConstraint,
  ourInitializer,
  ourRegularizer,
  readObject,
  snake,
} from './config-parts.js';

/** A layer as our files describe it: `described(layer)` of lib/layers. */
export interface Described {
  readonly className: string;
  readonly config: JsonObject;
}

/** How Keras' config of a layer and ours differ, beside the names' style. */
interface Kind {
  /** Our options that have another name in Keras. */
  readonly names?: Readonly<Record<string, string>>;
  /** Our options that are no part of Keras' config, but of the arguments of its calls, or of the weights. */
  readonly elsewhere?: readonly string[];
  /** Options of Keras' that there are not here, with the values at which they change nothing. */
  readonly others?: Readonly<Record<string, readonly unknown[]>>;
  /** Our options whose values are written otherwise in Keras. */
  readonly values?: Readonly<Record<string, Rewritten>>;
}

interface Rewritten {
  readonly keras: (value: unknown) => unknown;
  readonly ours?: (value: unknown) => unknown;
}

/** Any value: it is of no consequence. */
const ANY: readonly unknown[] = [];

/** Options of Keras', of all versions, that any layer may have. */
const OTHERS: Readonly<Record<string, readonly unknown[]>> = {
  dtype: ANY, // of the network as a whole
  batch_input_shape: ANY,
  batch_shape: ANY,
  input_shape: ANY,
  input_length: ANY,
  seed: ANY, // of another generator
  data_format: ['channels_last', null],
  quantization_config: [null],
  lora_rank: [null],
  lora_alpha: ANY,
  implementation: ANY,
  unroll: ANY,
  time_major: [false],
  autocast: ANY,
  rng_type: ANY,
};

/** Those named after the kernel stand for nothing: Keras 2 wrote them. */
const DEPTHWISE = {
  kernel_initializer: ANY,
  kernel_regularizer: [null],
  kernel_constraint: [null],
};
const transposed: Kind = { others: { groups: [1] } };
const depthwise: Kind = { others: { ...DEPTHWISE, filters: ANY, groups: ANY } };
const separable: Kind = { others: { ...DEPTHWISE, groups: [1] } };
const recurrent: Kind = { others: { zero_output_for_mask: [false], use_cudnn: ANY } };
const attention: Kind = {
  elsewhere: ['useCausalMask', 'returnAttentionScores'],
  others: { causal: [false] },
  // the default, which Keras' reader of HDF5 would take for its function of that name
  values: { scoreMode: { keras: (mode) => (mode === 'dot' ? undefined : mode) } },
};
const pooled: Kind = { names: { keepDims: 'keepdims' } };

/** The layers that both have. */
const KINDS: Readonly<Record<string, Kind>> = {
  Dense: { others: { input_dim: ANY } },
  Conv1D: {},
  Conv2D: {},
  Conv1DTranspose: transposed,
  Conv2DTranspose: transposed,
  DepthwiseConv1D: depthwise,
  DepthwiseConv2D: depthwise,
  SeparableConv1D: separable,
  SeparableConv2D: separable,
  MaxPooling1D: {},
  MaxPooling2D: {},
  AveragePooling1D: {},
  AveragePooling2D: {},
  GlobalMaxPooling1D: pooled,
  GlobalMaxPooling2D: pooled,
  GlobalAveragePooling1D: pooled,
  GlobalAveragePooling2D: pooled,
  Flatten: {},
  Reshape: {},
  Permute: {},
  RepeatVector: {},
  Dropout: { values: { noiseShape: { keras: (shape) => [null, ...(shape as number[])], ours: noiseShape } } },
  SpatialDropout1D: { others: { noise_shape: [null] } },
  SpatialDropout2D: { others: { noise_shape: [null] } },
  GaussianNoise: {},
  GaussianDropout: {},
  AlphaDropout: { others: { noise_shape: [null] } },
  BatchNormalization: {
    others: {
      axis: ANY, // see lastAxis
      synchronized: [false],
      renorm: [false],
      renorm_clipping: ANY,
      renorm_momentum: ANY,
      fused: ANY,
      virtual_batch_size: [null],
      adjustment: [null],
    },
  },
  LayerNormalization: { others: { rms_scaling: [false] } },
  GroupNormalization: {},
  RMSNormalization: {},
  UnitNormalization: {},
  Normalization: {}, // read by normalization()
  Activation: {},
  LeakyReLU: {},
  ReLU: {},
  PReLU: {},
  Softmax: {},
  Embedding: { others: { weights: ANY } },
  Masking: {},
  SimpleRNN: recurrent,
  LSTM: recurrent,
  GRU: recurrent,
  Bidirectional: {},
  TimeDistributed: {},
  Add: {},
  Subtract: {},
  Multiply: {},
  Average: {},
  Maximum: {},
  Minimum: {},
  Concatenate: {},
  Dot: {},
  Attention: attention,
  AdditiveAttention: attention,
  MultiHeadAttention: {
    names: { outputDim: 'output_shape' },
    elsewhere: ['useCausalMask', 'attentionMask', 'returnAttentionScores', 'scale'],
    others: {
      query_shape: ANY,
      key_shape: ANY,
      value_shape: ANY,
      softmax_robust_masking: ANY,
      use_gate: [false],
      attention_axes: [null, 1, '[1]'],
      sliding_window: [null],
      flash_attention: ANY,
    },
  },
  UpSampling1D: {},
  UpSampling2D: {},
  ZeroPadding1D: {},
  ZeroPadding2D: {},
  Cropping1D: {},
  Cropping2D: {},
  Rescaling: {},
  RandomFlip: { values: { mode: { keras: (mode) => snake(`${mode}`), ours: (mode) => camel(`${mode}`) } } },
  RandomRotation: {},
  RandomTranslation: {},
  RandomZoom: {},
  RandomContrast: { values: { factor: { keras: contrastFactor } } },
};

/** Without the batch's axis, along which each sample has draws of its own. */
function noiseShape(shape: unknown): unknown {
  if (!Array.isArray(shape) || shape[0] !== null)
    throw wrongType('the noise_shape of a dropout', 'a list whose first is null, as each sample is drawn for', shape);
  return shape.slice(1);
}

/** Ours is what Keras' manual says; Keras 3.15 makes [0, f] of f, and takes a pair for what it is if it is sorted. */
function contrastFactor(factor: unknown): readonly number[] {
  const [a, b] = (Array.isArray(factor) ? factor : [factor, factor]) as number[];
  return a < b ? [a, b] : [b, a];
}

/** Does Keras have a layer of this class of ours? */
export const isKerasLayer = (className: string): boolean => Object.hasOwn(KINDS, className);

/**
 * Keras' config of a layer: `class_name`, and `config` in Keras' names, its parts as Keras 3 writes them (what Keras 2 and
 * TensorFlow.js read too, but for activations that are objects). Layers within it likewise. An InputLayer and networks are not
 * among them.
 *
 * @param place what messages call it, such as "the layer 'dense'"
 * @throws TypeError naming the layer that Keras does not have, or its part
 */
export function kerasLayer(place: string, { className, config }: Described): KerasObject {
  if (!isKerasLayer(className)) throw new TypeError(`Expected ${place} to be one that Keras has, got ${className}`);
  const { names = {}, elsewhere = [], values = {} } = KINDS[className];
  const entries: [string, unknown][] = [];
  for (const [key, value] of Object.entries(config)) {
    if (value === undefined || elsewhere.includes(key)) continue;
    const own = Object.hasOwn(names, key) ? names[key] : snake(key);
    const isRewritten = Object.hasOwn(values, key);
    entries.push([own, isRewritten ? values[key].keras(value) : kerasOption(`the ${key} of ${place}`, key, value)]);
  }
  return { class_name: className, config: Object.fromEntries(entries) };
}

function kerasOption(place: string, key: string, value: unknown): unknown {
  if (!isPlain(value)) return value;
  if (/activation$/i.test(key)) return kerasActivation(place, value as { name: string });
  if (/initializer$/i.test(key)) return kerasInitializer(place, value);
  if (/regularizer$/i.test(key)) return kerasRegularizer(place, value as never);
  if (/constraint$/i.test(key)) return kerasConstraint(place, value as never);
  if (/layer$/i.test(key)) return kerasLayer(place, value as unknown as Described);
  return value;
}

/** A layer of Keras', and what it asks for that a config cannot say. */
export interface Read extends Described {
  /** The axis that has to be the input's last, counted with the batch. */
  readonly lastAxis?: number;
  /** The layer that what it gives goes through then. */
  readonly behind?: Described;
}

/**
 * A layer of ours, as `described` would say it, for one of Keras': of version 3 or 2, or of TensorFlow.js.
 *
 * @param place what messages call it, such as "the layer 'dense'"
 * @throws TypeError or RangeError naming the layer, or its option, that there is not here
 */
export function ourLayer(place: string, className: string, config: JsonObject): Read {
  const { name, trainable } = config;
  const common = { ...(name !== undefined && { name }), ...(trainable === false && { trainable }) };
  switch (className) {
    case 'ThresholdedReLU': // of Keras 2
      return { className: 'ReLU', config: { ...common, threshold: config.theta ?? 1 } };
    case 'ELU':
      return {
        className: 'Activation',
        config: { ...common, activation: ourActivation(place, { class_name: 'ELU', config }) },
      };
    case 'Identity':
      return { className: 'Activation', config: { ...common, activation: { name: 'linear' } } };
    case 'ActivityRegularization': {
      const { l1 = 0, l2 = 0 } = config;
      return {
        className: 'Activation',
        config: { ...common, activation: { name: 'linear' }, activityRegularizer: { l1, l2 } },
      };
    }
    case 'Normalization':
      return normalization(place, config);
    case 'LayerScale': // of Keras' ConvNeXt: a number for each channel
      return {
        className: 'DepthwiseConv2D',
        config: { ...common, kernelSize: [1, 1], useBias: false, depthwiseInitializer: scaleOf(place, config) },
      };
    case 'EinsumDense':
      return ourLayer(place, 'Dense', denseOf(place, config));
    case 'RNN': {
      const own = recurrentOf(place, config);
      return ourLayer(place, own.className, own.config);
    }
  }
  if (!isKerasLayer(className))
    throw new RangeError(`Expected ${place} to be of a class that there is here, got '${className}'`);
  const { names = {}, others = {}, values = {} } = KINDS[className];
  const entries: [string, unknown][] = [];
  for (const [key, value] of Object.entries(config)) {
    if (key === 'name' || key === 'trainable') continue;
    const harmless = Object.hasOwn(others, key) ? others[key] : Object.hasOwn(OTHERS, key) ? OTHERS[key] : undefined;
    if (harmless) {
      if (harmless !== ANY && !harmless.includes(value) && !harmless.includes(JSON.stringify(value)))
        throw new RangeError(
          `Expected the ${key} of ${place} (${className}) to be ${JSON.stringify(harmless[0])}, as there is no other here, got ${shown(value)}`,
        );
      continue;
    }
    const own = Object.keys(names).find((option) => names[option] === key) ?? camel(key);
    if (value === null && own !== 'mergeMode') continue; // Keras' default, and ours
    const rewritten = Object.hasOwn(values, own) ? values[own].ours : undefined;
    const read = rewritten ? rewritten(value) : ourOption(`the ${key} of ${place}`, own, value);
    if (read !== undefined) entries.push([own, read]);
  }
  return {
    className,
    config: { ...common, ...Object.fromEntries(entries) },
    ...(className === 'BatchNormalization' && lastAxisIn(place, className, config.axis ?? -1)),
    ...(className === 'TimeDistributed' && axisBehindSteps(place, config)),
  };
}

const scaleOf = (place: string, { init_values: value }: JsonObject) => ({
  name: 'constant',
  value: checkNumber(`the init_values of ${place}`, value),
});

/** A product along the last axis with a matrix, as an equation: "abc,cd->abd", "...c,cd->...d". */
function denseOf(place: string, { equation, output_shape: shape, bias_axes: bias = null, ...config }: JsonObject) {
  const [, , last, from, to, end] = /^(\.\.\.|\w+)(\w),(\w)(\w)->\1(\w)$/.exec(`${equation}`.replaceAll(' ', '')) ?? [];
  if (last === undefined || last !== from || to !== end || last === to || (bias !== null && bias !== to))
    throw new RangeError(
      `Expected the equation of ${place} (EinsumDense) to be that of a dense layer, 'abc,cd->abd', with a bias of d, got ${shown(equation)}, ${shown(bias)}`,
    );
  return { ...config, units: [shape].flat().at(-1), use_bias: bias !== null };
}

function lastAxisIn(place: string, className: string, axis: unknown): { readonly lastAxis?: number } {
  const [own, ...others] = [axis].flat();
  if (others.length > 0 || !Number.isInteger(own))
    throw wrongType(`the axis of ${place} (${className})`, 'one axis', axis);
  return own === -1 ? {} : { lastAxis: own as number };
}

/** (x - mean) / deviation of each channel: of what adapt() found, which are weights; of numbers in the config two rescalings. */
function normalization(
  place: string,
  { name, axis = -1, mean = null, variance = null, invert = false }: JsonObject,
): Read {
  if (invert !== false)
    throw new RangeError(
      `Expected the invert of ${place} (Normalization) to be false, as there is no other here, got true`,
    );
  const isOne = !Array.isArray(mean);
  const axes = [axis].flat().filter((own) => own !== null);
  // without an axis one mean of all values
  const last = axes.length === 0 && isOne ? {} : lastAxisIn(place, 'Normalization', axes);
  if (mean === null) return { className: 'Normalization', config: { name }, ...last };
  const [means, variances] = [mean, variance].map((numbers) => [numbers].flat(4));
  if (means.length !== variances.length || ![...means, ...variances].every(Number.isFinite))
    throw wrongType(`the mean and the variance of ${place} (Normalization)`, 'numbers, as many of both', [
      mean,
      variance,
    ]);
  const scale = variances.map((own) => 1 / Math.max(Math.sqrt(own as number), LEAST_DEVIATION));
  const offset = means.map((own) => -(own as number));
  const of = (numbers: number[]) => (isOne ? numbers[0] : numbers);
  return {
    className: 'Rescaling',
    config: { name, scale: 1, offset: of(offset) },
    // apart, as the difference of two large numbers is all that counts
    behind: { className: 'Rescaling', config: { scale: of(scale) } },
    ...last,
  };
}

const shown = (value: unknown) => {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
};

function ourOption(place: string, key: string, value: unknown): unknown {
  if (/activation$/i.test(key)) return ourActivation(place, value);
  if (/initializer$/i.test(key)) return ourInitializer(place, value);
  if (/regularizer$/i.test(key)) return ourRegularizer(place, value);
  if (/constraint$/i.test(key)) return ourConstraint(place, value);
  if (key === 'outputDim') return outputDim(place, value);
  if (!/layer$/i.test(key)) return value;
  const { lastAxis: _, behind, ...inner } = innerLayer(place, value);
  return behind ? joined(inner, behind) : inner;
}

/** A layer within another one. */
function innerLayer(place: string, value: unknown): Read {
  const { name, config } = readObject(place, value);
  // a pair of layers, of which each is told to give zeros where a step does not count, as ours does
  const { zero_output_for_mask: _, ...own } = config;
  return ourLayer(place, name, own);
}

/** The same axis of a layer for each step, counted with the steps. */
function axisBehindSteps(place: string, { layer }: JsonObject): { readonly lastAxis?: number } {
  const { lastAxis } = innerLayer(`the layer of ${place}`, layer);
  return lastAxis === undefined ? {} : { lastAxis: lastAxis + 1 };
}

/** x + offset, then scale * x, as one rescaling: for another layer is made of one. */
function joined({ className, config }: Described, { config: { scale } }: Described): Described {
  const times = (x: number, i: number) => x * (scale as number[])[i];
  const { offset } = config as { readonly offset: number | readonly number[] };
  const scaled = typeof offset === 'number' ? offset * (scale as number) : offset.map(times);
  return { className, config: { ...config, scale, offset: scaled } };
}

/** The `output_shape` of attention: one number, or a list of it. */
function outputDim(place: string, value: unknown): unknown {
  if (!Array.isArray(value)) return value;
  if (value.length !== 1) throw wrongType(place, 'one number', value);
  return value[0];
}
