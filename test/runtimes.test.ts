// The package in other JavaScript runtimes than this Node.js: Bun, Deno, executables of another name, single executables. Each
// gives this Node.js' bits. How Bun and Deno install it is in package-install.test.ts.
import { execFile } from 'node:child_process';
import { copyFileSync, cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { build as esbuild } from 'esbuild';
import { prebuilt, type Ran, result, root, runtime, Sandbox } from './helpers/packed.js';

const onLinux = process.platform === 'linux' && process.arch === 'x64';
const here = onLinux ? test.serial : test.serial.skip;

const sandbox = new Sandbox();
let app: string;

/** A file of test/runtimes. */
const installed = (...names: string[]) => join(root, 'test', 'runtimes', 'node_modules', ...names);

const bun = installed('@oven', 'bun-linux-x64', 'bin', 'bun');
const allowed = ['ffi', 'read', 'write', 'env', 'sys'].map((name) => `--allow-${name}`);
const deno = [installed('@deno', 'linux-x64-glibc', 'deno'), 'run', '--no-prompt', '--node-modules-dir=manual'];

const RUNTIMES: Record<string, string[]> = {
  Bun: [bun],
  Deno: [...deno, ...allowed],
  // as Electron's executable is
  'Node.js 22 under another name, and in the name of Electron': [sandbox.path('Fjord Studio'), '-r', './electron.cjs'],
};

const run = ([command, ...args]: string[], cwd = app): Promise<Ran> =>
  new Promise((done) =>
    execFile(
      command,
      args,
      { cwd, env: { ...sandbox.env, TMPDIR: sandbox.folder, NO_COLOR: '1' }, timeout: 170_000 },
      (error, stdout, stderr) =>
        done({ status: error ? ((error.code as unknown as number) ?? -1) : 0, stdout, stderr }),
    ),
  );

let expected: Promise<{ same: object }>;

test.before(async () => {
  if (!onLinux) return;
  await prebuilt('x64');
  app = sandbox.project('app');
  const { status, stderr } = sandbox.install(sandbox.pack(), app, '--ignore-scripts');
  if (status !== 0) throw new Error(stderr);
  copyFileSync(runtime('node-22'), sandbox.path('Fjord Studio'));
  writeFileSync(
    join(app, 'electron.cjs'),
    "Object.defineProperty(process.versions, 'electron', { value: '39.0.0' });\nprocess.type = 'browser';\n",
  );
  expected = run([process.execPath, 'runtime.mjs', sandbox.path('Node.js.safetensors')]).then(result);
});
test.after.always(() => sandbox.remove());

for (const [name, command] of Object.entries(RUNTIMES)) {
  here(`${name}: trains, saves, loads, in a Worker as well, with the same bits, and blocks nothing`, async (t) => {
    const { same, ticks, answers, most } = result(
      await run([...command, 'runtime.mjs', sandbox.path(`${name}.safetensors`)]),
    );
    t.deepEqual(same, (await expected).same);
    t.true(ticks > 5, `${ticks} timers`);
    t.true(answers > 5, `${answers} predictions`);
    t.true(most < 700e6, `${most} bytes, of 1.2 GB that were dropped`);
  });
}

const child = join(root, 'build-test', 'helpers', 'children', 'life-cycle.js');
const ENDINGS: Record<string, [status: number, stdout: string]> = {
  natural: [0, 'trained\ntrained\n'],
  exit: [0, 'exiting\n'],
  'exit-in-worker': [0, 'worker 3\n'],
  terminate: [0, `${'terminated 1\n'.repeat(5)}trained\n`],
  throw: [1, ''],
};
for (const name of ['Bun', 'Deno'])
  here(`${name}: processes and Workers end as in Node.js, in the middle of a training`, async (t) => {
    const [command, ...flags] = name === 'Deno' ? [...deno, '--allow-all'] : RUNTIMES[name];
    for (const [ending, outcome] of Object.entries(ENDINGS)) {
      const { status, stdout, stderr } = await run([command, ...flags, child, ending]);
      t.deepEqual([status, stdout], outcome, `${ending}: ${stderr}`);
    }
  });

here('Deno: what it does not allow is named', async (t) => {
  const { message } = result(await run([...deno, '--allow-read', '--allow-env', '--allow-sys', 'fails.mjs']));
  t.regex(message, /\nDeno needs --allow-ffi --allow-read --allow-env --allow-sys\.\n/);
});

/** The programs of docs/platforms.md: with the package beside the executable, and with the addon within. */
const documented = (first: string): string => {
  const page = readFileSync(join(root, 'docs', 'platforms.md'), 'utf8');
  const blocks = Array.from(page.matchAll(/^```\n([\s\S]*?)^```$/gm), ([, code]) => code);
  return blocks.find((code) => code.startsWith(first))!;
};
const BESIDE = documented('const { createRequire }');
const WITHIN = documented('import { mkdtempSync').replace(
  /^const .* = await import.*$/m,
  'async function main() {\n$&',
);
const TRAIN = `
const model = sequential({ layers: [layers.dense({ units: 1, inputShape: [2] })], seed: 1 });
model.compile({ optimizer: 'adam', loss: 'meanSquaredError' });
model.fit([[0, 1], [1, 0]], [[1], [2]], { epochs: 3 }).then(() => console.log(String(model.getWeights()[0])));
`;

/** A folder with the program, and the package's folder beside it or not. */
function executableFolder(name: string, isBeside: boolean): string {
  const folder = sandbox.path(name);
  mkdirSync(folder);
  if (isBeside) cpSync(join(app, 'node_modules'), join(folder, 'node_modules'), { recursive: true });
  writeFileSync(join(folder, 'main.cjs'), BESIDE + TRAIN);
  return folder;
}

const configure = (folder: string, output: string, assets = {}) =>
  writeFileSync(
    join(folder, 'sea.json'),
    JSON.stringify({ main: 'main.cjs', output, assets, disableExperimentalSEAWarning: true }),
  );

const succeeds = async (command: string[], cwd: string) => {
  const { status, stdout, stderr } = await run(command, cwd);
  if (status !== 0) throw new Error(`${command.join(' ')}: ${stdout}${stderr}`);
  return stdout;
};

const inNode = async () => {
  writeFileSync(join(app, 'main.cjs'), TRAIN.replace(/^/, "const { layers, sequential } = require('fjordnet');\n"));
  return succeeds([process.execPath, 'main.cjs'], app);
};

here('a single executable with the package beside it: Node.js 22', async (t) => {
  const folder = executableFolder('sea 22', true);
  const [node, program] = [runtime('node-22'), join(folder, 'program')];
  configure(folder, 'program.blob');
  await succeeds([node, '--experimental-sea-config', 'sea.json'], folder);
  copyFileSync(node, program);
  const fuse = ['--sentinel-fuse', 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2'];
  const postject = [process.execPath, installed('postject', 'dist', 'cli.js')];
  await succeeds([...postject, program, 'NODE_SEA_BLOB', 'program.blob', ...fuse], folder);
  t.is(await succeeds([program], '/'), await inNode());
});

here('a single executable with the addon within: Node.js 26', async (t) => {
  const folder = executableFolder('sea within', false);
  const entry = join(app, 'within.mjs');
  writeFileSync(entry, `${WITHIN}${TRAIN}}\nmain();\n`);
  const outfile = join(folder, 'main.cjs');
  await esbuild({ entryPoints: [entry], outfile, bundle: true, platform: 'node', format: 'cjs', logLevel: 'silent' });
  configure(folder, 'program', { 'fjordnet.node': await prebuilt('x64') });
  await succeeds([runtime('node-26'), '--build-sea', 'sea.json'], folder);
  t.is(await succeeds([join(folder, 'program')], '/'), await inNode());
});

here('a single executable with the package beside it: Bun', async (t) => {
  const folder = executableFolder('bun', true);
  const options = ['--compile', '--compile-autoload-package-json', '--outfile', 'program'];
  await succeeds([bun, 'build', ...options, 'main.cjs'], folder);
  t.true(existsSync(join(folder, 'program')));
  t.is(await succeeds([join(folder, 'program')], '/'), await inNode());
});
