// How each peer is started, and where it is looked for. scripts/bench/setup fills the folder.
import { existsSync, readdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Peers outside this package: a Python environment and Node packages. */
export const PEERS =
  process.env.FJORDNET_BENCH_PEERS ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'fjordnet-bench');

/** Packages of the Python environment and of Node. */
export const SITE = sitePackages();
export const MODULES = join(PEERS, 'node', 'node_modules');

const script = (name) => fileURLToPath(new URL(`peers/${name}`, import.meta.url));
const environment = join(PEERS, 'python', 'bin', 'python');
const system = existsSync('/usr/bin/python3') ? '/usr/bin/python3' : 'python3';

/** A Python peer runs in the environment where that has its module, else in the system's own Python. */
const inPython = (name, module) => [existsSync(join(SITE, module)) ? environment : system, script(name)];
const inNode = (name, ...args) => [process.execPath, script(name), ...args];

/**
 * `allowed` is what the report says a peer is run as. `needs`: without it a peer is not there. `threads: 'one'` marks peers that
 * cannot use more; `rows: 'main'` those left out where sizes grow; `steps` those that can be asked for less than an epoch;
 * `patience` lengthens the repetitions of one whose `fit` is slow to begin; `waits` are the seconds after which one is given
 * up. `package` is what `footprint.js` looks up, one or several.
 */
export const ADAPTERS = [
  {
    id: 'fjordnet',
    title: 'Fjordnet',
    command: inNode('fjordnet.js'),
    allowed:
      'its public surface, synchronously and not; single predictions into a new array and into one of the caller',
  },
  {
    id: 'numpy',
    title: 'NumPy',
    command: inPython('numpy_lecture.py', 'numpy'),
    package: 'numpy',
    allowed: "the lecture's code, in the grid one network after another",
  },
  {
    id: 'sklearn',
    title: 'scikit-learn',
    command: inPython('scikit_learn.py', 'sklearn'),
    package: 'scikit-learn',
    allowed: '`fit` of MLPClassifier, BernoulliRBM and KMeans, the grids through joblib as its own grid search',
  },
  {
    id: 'pytorch',
    title: 'PyTorch',
    command: inPython('pytorch.py', 'torch'),
    package: 'torch',
    waits: 400,
    allowed:
      "eager, and torch.compile in the faster of 'default' and 'max-autotune', compiled before anything is timed: the better counts, and is named; the faster memory format, fused SGD, data in tensors once",
  },
  {
    id: 'jax',
    title: 'JAX',
    command: inPython('jax_xla.py', 'jax'),
    package: 'jax',
    allowed:
      'the whole epoch in one jitted lax.scan, and a jitted call a step: the better counts, and is named; data and weights on the device, buffers donated, the faster of two poolings; x64 for float64 alone',
  },
  {
    id: 'keras',
    title: 'Keras',
    command: inPython('keras_tensorflow.py', 'tensorflow'),
    package: 'tensorflow-cpu',
    patience: 2,
    rows: 'main',
    allowed: '`fit`, an epoch an execution, the faster of XLA and no XLA',
  },
  {
    id: 'keras-jax',
    title: 'Keras on JAX',
    command: inPython('keras_jax.py', 'jax'),
    package: ['keras', 'jax'],
    patience: 2,
    rows: 'main',
    allowed: '`fit`, jitted, callbacks once an epoch',
  },
  {
    id: 'onnx',
    title: 'ONNX Runtime',
    command: inPython('onnx_runtime.py', 'onnxruntime'),
    package: 'onnxruntime',
    allowed: 'predictions alone: `run`, and input and output bound once',
  },
  {
    id: 'tfjs-cpu',
    title: 'TensorFlow.js cpu',
    command: inNode('tfjs.js', '--backend=cpu'),
    allowed: '`await fit` without yielding, of less than an epoch where a step takes it long',
    needs: join(MODULES, '@tensorflow', 'tfjs'),
    package: '@tensorflow/tfjs',
    threads: 'one',
    rows: 'main',
    steps: true,
    waits: 80,
  },
  {
    id: 'tfjs-wasm',
    title: 'TensorFlow.js wasm',
    command: inNode('tfjs.js', '--backend=wasm'),
    allowed: '`await fit` without yielding, of less than an epoch where a step takes it long',
    needs: join(MODULES, '@tensorflow', 'tfjs-backend-wasm'),
    package: '@tensorflow/tfjs-backend-wasm',
    threads: 'one',
    rows: 'main',
    steps: true,
    waits: 80,
  },
  {
    id: 'brain',
    title: 'brain.js',
    command: inNode('brain.js'),
    allowed: 'one sample at a time, as it trains',
    needs: join(MODULES, 'brain.js'),
    package: 'brain.js',
    threads: 'one',
    rows: 'main',
  },
];

/** Why a peer cannot be started, or undefined. */
export function missing({ needs }) {
  return needs && !existsSync(needs) ? 'not installed; scripts/bench/setup installs it' : undefined;
}

function sitePackages() {
  const lib = join(PEERS, 'python', 'lib');
  const version = existsSync(lib) ? readdirSync(lib).find((name) => name.startsWith('python')) : undefined;
  return join(lib, version ?? 'python3', 'site-packages');
}
