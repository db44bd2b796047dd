// The package managers install the package from a registry, anew from their lockfile, and rebuild it: without a compiler,
// Python or a script, with no warning; it trains then, and names an optional package with the line that adds it.
import { execFile } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { prebuilt, type Ran, result, root, Sandbox } from './helpers/packed.js';
import { Registry } from './helpers/registry.js';

const onLinux = process.platform === 'linux' && process.arch === 'x64';
const here = onLinux ? test : test.skip;

const sandbox = new Sandbox();
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
let registry: Registry;

test.before(async () => {
  if (!onLinux) return;
  await prebuilt('x64');
  registry = await Registry.of([{ manifest, tarball: sandbox.pack() }]);
});
test.after.always(() => {
  registry?.close();
  sandbox.remove();
});

/** A script of test/runtimes. */
const script = (...names: string[]) => join(root, 'test', 'runtimes', 'node_modules', ...names);

interface Manager {
  /** What runs its script and the program. Default: this Node.js */
  runtime?: string;
  /** Its script, if it is not the runtime itself, with the options that each call gets. */
  command: string[];
  install: string[];
  /** How it adds a package, as an error says it. */
  add: string;
  /** Installs what the lockfile says. */
  again: string[];
  rebuild?: string[];
  env?: Record<string, string>;
  /** How the program is started then. */
  flags?: string[];
}

const quiet = ['--no-audit', '--no-fund', '--no-update-notifier'];
const npm = (version: number, runtime?: string): Manager => ({
  runtime,
  command: [script(`npm-${version}`, 'bin', 'npm-cli.js'), ...quiet],
  install: ['install', 'fjordnet'],
  add: 'npm install',
  again: ['ci'],
  rebuild: ['rebuild'],
});
const berry = (linker: string, flags: string[] = []): Manager => ({
  command: [script('@yarnpkg', 'cli-dist', 'bin', 'yarn.js')],
  install: ['add', 'fjordnet'],
  add: 'yarn add',
  again: ['install', '--immutable'],
  rebuild: ['rebuild'],
  env: { YARN_NODE_LINKER: linker, YARN_ENABLE_TELEMETRY: '0', YARN_ENABLE_GLOBAL_CACHE: 'false' },
  flags,
});

/** npm with the tarball of `npm pack` in place of a registry, as in "file:fjordnet-1.0.0.tgz". */
const fromTarball = (version: number): Manager => ({
  ...npm(version),
  install: ['install', sandbox.path(`fjordnet-${manifest.version}.tgz`)],
  env: { npm_config_offline: 'true' },
});

const MANAGERS: Record<string, Manager> = {
  'npm 10': npm(10),
  'npm 11': npm(11),
  'npm 10, from a tarball': fromTarball(10),
  'npm 11, from a tarball': fromTarball(11),
  'npm 12': npm(12, script('node-24', 'bin', 'node')),
  pnpm: {
    command: [join(root, 'node_modules', 'pnpm', 'bin', 'pnpm.cjs')],
    install: ['add', 'fjordnet'],
    add: 'pnpm add',
    again: ['install', '--frozen-lockfile'],
    rebuild: ['rebuild'],
    env: { npm_config_store_dir: sandbox.path('pnpm-store') },
  },
  'Yarn 1': {
    command: [script('yarn', 'bin', 'yarn.js'), '--no-progress', '--non-interactive'],
    install: ['add', 'fjordnet'],
    add: 'yarn add',
    again: ['install', '--frozen-lockfile'],
  },
  'Yarn 4': berry('node-modules'),
  'Yarn 4, Plug and Play': berry('pnp', ['-r', './.pnp.cjs', '--loader', './.pnp.loader.mjs', '--no-warnings']),
  Bun: {
    runtime: script('@oven', 'bun-linux-x64', 'bin', 'bun'),
    command: [],
    install: ['add', 'fjordnet'],
    add: 'bun add',
    again: ['install', '--frozen-lockfile'],
    env: { BUN_INSTALL_CACHE_DIR: sandbox.path('Bun cache') },
  },
  Deno: {
    runtime: script('@deno', 'linux-x64-glibc', 'deno'),
    command: [],
    install: ['add', 'npm:fjordnet'],
    add: 'deno add',
    again: ['install', '--frozen'],
    env: { DENO_DIR: sandbox.path('Deno cache'), NO_COLOR: '1' },
    flags: ['run', '--no-prompt', '--allow-ffi', '--allow-read', '--allow-env', '--allow-sys'],
  },
};

/** What is no complaint about the package: that Plug and Play is experimental with ESM. */
const EXPECTED = /.*YN0092.*|Done with warnings/g;

/** A PATH with node, and where the tools of a build should be something that writes its name into a file. */
function withTraps(name: string, node: string): { bin: string; ran: string } {
  const [bin, ran] = [sandbox.path(`${name} bin`), sandbox.path(`${name} ran`)];
  mkdirSync(bin);
  symlinkSync(node, join(bin, 'node'));
  for (const tool of ['g++', 'gcc', 'cc', 'c++', 'clang', 'make', 'python', 'python3', 'node-gyp', 'cmake']) {
    writeFileSync(join(bin, tool), `#!/bin/sh\necho ${tool} >>'${ran}'\nexit 1\n`);
    chmodSync(join(bin, tool), 0o755);
  }
  return { bin, ran };
}

for (const [name, manager] of Object.entries(MANAGERS))
  here(`${name}: installs, installs again from its lockfile, and rebuilds, without building`, async (t) => {
    const { runtime: node = process.execPath } = manager;
    const { bin, ran } = withTraps(name, node);
    const cwd = sandbox.project(`with ${name}`, { name: 'app', version: '1.0.0', license: 'MIT' });
    const env = {
      PATH: bin,
      HOME: sandbox.path('home'),
      npm_config_registry: registry.url,
      NPM_CONFIG_REGISTRY: registry.url,
      npm_config_cache: sandbox.path(`${name} cache`),
      YARN_CACHE_FOLDER: sandbox.path(`${name} cache`),
      YARN_NPM_REGISTRY_SERVER: registry.url,
      YARN_UNSAFE_HTTP_WHITELIST: '127.0.0.1',
      ...manager.env,
    };
    const run = (...args: string[]) =>
      new Promise<Ran>((done) =>
        execFile(node, args, { cwd, env }, (error, stdout, stderr) =>
          done({ status: error ? ((error.code as unknown as number) ?? 1) : 0, stdout, stderr }),
        ),
      );
    const trains = async () => {
      const { accuracy, build } = result(await run(...(manager.flags ?? []), 'train.mjs'));
      t.true(accuracy > 0.85);
      t.is(build.blasLinkage, 'static');
    };
    const { install, again, rebuild } = manager;

    for (const args of [install, again, ...(rebuild ? [rebuild] : [])]) {
      if (args === again) rmSync(join(cwd, 'node_modules'), { recursive: true, force: true });
      const { status, stdout, stderr } = await run(...manager.command, ...args);
      const said = `${args.join(' ')}\n${stdout}${stderr}`;
      t.is(status, 0, said);
      t.notRegex(said.replaceAll(EXPECTED, ''), /gyp|script|warn|must be built/i);
      if (args !== install) await trains();
    }
    writeFileSync(
      join(cwd, 'draw.mjs'),
      "import { heatmap } from 'fjordnet/plots';\nawait heatmap([[1]]).svg().catch(({ message }) => console.log(message));\n",
    );
    t.is(
      (await run(...(manager.flags ?? []), 'draw.mjs')).stdout,
      `Expected the package vega to be installed: ${manager.add} ${name === 'Deno' ? 'npm:vega npm:vega-lite' : 'vega vega-lite'}\n`,
    );
    t.false(existsSync(ran), existsSync(ran) ? readFileSync(ran, 'utf8') : '');
  });
