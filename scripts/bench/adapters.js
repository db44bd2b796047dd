// How each peer is started, and where it is looked for. scripts/bench/setup fills the folder.
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Peers that no system package brings: a Python environment and Node packages, outside this package. */
export const PEERS =
  process.env.FJORDNET_BENCH_PEERS ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'fjordnet-bench');

const script = (name) => fileURLToPath(new URL(`peers/${name}`, import.meta.url));

/** Debian's own interpreter has Debian's NumPy, scikit-learn and PyTorch. */
const python = process.env.FJORDNET_BENCH_PYTHON ?? (existsSync('/usr/bin/python3') ? '/usr/bin/python3' : 'python3');
const environmentPython = join(PEERS, 'python', 'bin', 'python');

/** `threads: 'one'` marks peers that cannot use more; `rows: 'main'` those left out where sizes grow;
 * `patience` lengthens the repetitions of one whose `fit` is slow to begin. */
export const ADAPTERS = [
  { id: 'fjordnet', title: 'Fjordnet', command: [process.execPath, script('fjordnet.js')] },
  { id: 'numpy', title: 'NumPy', command: [python, script('numpy_lecture.py')] },
  { id: 'sklearn', title: 'scikit-learn', command: [python, script('scikit_learn.py')] },
  { id: 'pytorch', title: 'PyTorch', command: [python, script('pytorch.py')] },
  {
    id: 'keras',
    title: 'Keras',
    command: [environmentPython, script('keras_tensorflow.py')],
    needs: environmentPython,
    patience: 4,
    rows: 'main',
  },
  {
    id: 'tfjs-cpu',
    title: 'TensorFlow.js cpu',
    command: [process.execPath, script('tfjs.js'), '--backend=cpu'],
    needs: join(PEERS, 'node', 'node_modules', '@tensorflow', 'tfjs'),
    threads: 'one',
    rows: 'main',
  },
  {
    id: 'tfjs-wasm',
    title: 'TensorFlow.js wasm',
    command: [process.execPath, script('tfjs.js'), '--backend=wasm'],
    needs: join(PEERS, 'node', 'node_modules', '@tensorflow', 'tfjs-backend-wasm'),
    threads: 'one',
    rows: 'main',
  },
  {
    id: 'brain',
    title: 'brain.js',
    command: [process.execPath, script('brain.js')],
    needs: join(PEERS, 'node', 'node_modules', 'brain.js'),
    threads: 'one',
    rows: 'main',
  },
];

/** Why a peer cannot be started, or undefined. */
export function missing({ needs }) {
  return needs && !existsSync(needs) ? 'not installed; scripts/bench/setup installs it' : undefined;
}
