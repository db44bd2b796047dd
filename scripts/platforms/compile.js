// Compiles and links a target of binding.gyp by compilers that gyp does not know: zig, MinGW.
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { root } from './root.js';

const { nodeAddonApi, nodeApiHeaders } = createRequire(import.meta.url)('../headers.cjs');

/** A target of binding.gyp: what stands in its lists, but for what a command is to give. */
function targetOf(name) {
  const gyp = JSON.parse(readFileSync(join(root, 'binding.gyp'), 'utf8'));
  const target = [...gyp.targets, ...gyp.conditions[0][1].targets].find((one) => one.target_name === name);
  const words = (list) => list.filter((word) => !word.startsWith('<!'));
  return { sources: target.sources, defines: words(target.defines), flags: words(target.cflags_cc) };
}

function run(command, args) {
  return new Promise((done, failed) => {
    const child = spawn(command, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] });
    child.on('error', failed);
    child.on('close', (status) =>
      status === 0 ? done() : failed(new Error(`${[command, ...args].join(' ')} ended with ${status}`)),
    );
  });
}

/** Runs what `tasks` start, as many at a time as there are processors. */
async function together(tasks) {
  const left = [...tasks];
  const one = async () => {
    for (let task = left.shift(); task; task = left.shift()) await task();
  };
  await Promise.all(Array.from({ length: availableParallelism() }, one));
}

/**
 * Makes `file` of the target `name` of binding.gyp.
 *
 * @param folder where the objects lie afterwards, named as their sources, such as kernels_avx2.o
 * @param compiler the command and the arguments that it always has, such as ['zig', 'c++', '-target', 'x86_64-linux-musl']
 * @param flags for the compiler, behind those of binding.gyp
 * @param without flags of binding.gyp that this compiler does not take
 * @param linker what links, with the arguments that it always has; default: the compiler
 * @param link for the linker, behind the objects
 * @param also sources of this platform alone
 */
export async function compile({
  name,
  folder,
  compiler,
  defines = [],
  flags = [],
  without = [],
  also = [],
  linker = compiler,
  link,
  file,
}) {
  const target = targetOf(name);
  const [command, ...always] = compiler;
  mkdirSync(folder, { recursive: true });
  mkdirSync(dirname(file), { recursive: true });
  const includes = [nodeAddonApi(), nodeApiHeaders(), join(root, 'native')].map((path) => `-I${path}`);
  const common = [
    ...always,
    ...target.flags.filter((flag) => !without.includes(flag)),
    '-Werror',
    ...flags,
    ...includes,
  ];
  const definitions = [...target.defines, 'BUILDING_NODE_EXTENSION', ...defines].map((define) => `-D${define}`);
  const objects = [...target.sources, ...also].map((source) => {
    const object = join(folder, `${basename(source, '.cc')}.o`);
    return { object, task: () => run(command, [...common, ...definitions, '-c', source, '-o', object]) };
  });
  await together(objects.map(({ task }) => task));
  await run(linker[0], [...linker.slice(1), ...objects.map(({ object }) => object), '-o', file, ...link]);
}
