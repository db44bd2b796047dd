import { join } from 'node:path';
import { type Ran, root, type Sandbox } from './packed.js';

/** Runs tests of this project with a binary; gives how many passed. */
export function passed(
  sandbox: Sandbox,
  native: string,
  options: string[],
  env: Record<string, string> = {},
  node = [process.execPath],
): number {
  const ava = join(root, 'node_modules', 'ava', 'entrypoints', 'cli.mjs');
  const [command, ...args] = [...node, ava, '--tap', ...options];
  const { status, stdout, stderr }: Ran = sandbox.run(command, args, {
    cwd: root,
    env: { ...sandbox.env, PATH: process.env.PATH, FJORDNET_NATIVE: native, ...env },
  });
  if (status !== 0) throw new Error(`${stdout}\n${stderr}`);
  return Number(/^# pass (\d+)$/m.exec(stdout)![1]);
}

export const files = (...names: string[]) => names.map((name) => `build-test/${name}.test.js`);
const RUNS = files('random', 'neural-network', 'mlp', 'sequential');
/** The kernels one by one, and whole runs. */
export const NUMBERS = [...files('native-kernels', 'native-plan', 'kernels-conv', 'kernels-vmath'), ...RUNS];
/** Of the runs, what an emulator runs in half a minute; ava in one process, which could not start others. */
export const EMULATED = [
  ...['--worker-threads', '--concurrency=1'],
  ...['seed *', '*20 steps on all images*', 'as scikit-learn*', '15 steps of *'].map((name) => `--match=${name}`),
  ...RUNS,
];
