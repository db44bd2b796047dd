// What a bundler makes of the package: an error that says to keep it out, and with that done, a program that runs.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import test from 'ava';
import { build as esbuild } from 'esbuild';
import { rollup } from 'rollup';
import { InstalledProject } from './helpers/installed.js';

const project = new InstalledProject();
test.after.always(() => project.remove());

const runtimes = fileURLToPath(new URL('../test/runtimes/node_modules/', import.meta.url));
const hasWebpack = existsSync(join(runtimes, 'webpack'));

const PROGRAMS = {
  network: "import { buildInfo } from 'fjordnet';\nconsole.log(buildInfo().version, buildInfo().threads > 0);\n",
  digits: "import { loadDigits } from 'fjordnet';\nconsole.log(loadDigits().target.shape[0]);\n",
};
for (const [name, text] of Object.entries(PROGRAMS)) writeFileSync(project.path(`${name}.mjs`), text);

interface Bundled {
  format: 'esm' | 'cjs';
  external: boolean;
  entry: string;
  outfile: string;
}

type Bundler = (options: Bundled) => Promise<void>;

const BUNDLERS: Record<string, Bundler> = {
  async esbuild({ format, external, entry, outfile }) {
    await esbuild({
      entryPoints: [entry],
      outfile,
      format,
      bundle: true,
      platform: 'node',
      logLevel: 'silent',
      external: external ? ['fjordnet'] : [],
    });
  },
  async rollup({ format, entry, outfile }) {
    const bundle = await rollup({ input: entry, external: [/^fjordnet/], logLevel: 'silent' });
    await bundle.write({ file: outfile, format });
    await bundle.close();
  },
};
if (hasWebpack)
  BUNDLERS.webpack = async ({ format, external, entry, outfile }) => {
    const { default: webpack } = await import(pathToFileURL(join(runtimes, 'webpack', 'lib', 'index.js')).href);
    const stats: any = await new Promise((done, failed) => {
      webpack(
        {
          entry,
          mode: 'development',
          devtool: false,
          target: 'node20',
          output: { path: join(outfile, '..'), filename: outfile.split('/').at(-1), module: format === 'esm' },
          experiments: { outputModule: format === 'esm' },
          externals: external ? { fjordnet: 'import fjordnet' } : {},
        },
        (error: Error | null, result: unknown) => (error ? failed(error) : done(result)),
      );
    });
    if (stats.hasErrors()) throw new Error(stats.toString());
  };

const run = (file: string, env: Record<string, string> = {}) => {
  const { FJORDNET_NATIVE: _, ...inherited } = process.env;
  return spawnSync(process.execPath, ['--no-warnings', file], { encoding: 'utf8', env: { ...inherited, ...env } });
};

const KEEP_OUT =
  /Keep fjordnet out of the bundle, installed beside it: esbuild --external:fjordnet; webpack externals: \{ fjordnet: 'import fjordnet' \}/;

for (const [name, bundle] of Object.entries(BUNDLERS))
  for (const format of ['esm', 'cjs'] as const) {
    const file = (kind: string) => project.path(`${name}-${format}`, `${kind}.${format === 'esm' ? 'mjs' : 'cjs'}`);
    const pack = async (kind: keyof typeof PROGRAMS, external: boolean) => {
      const outfile = file(external ? `${kind}-external` : kind);
      mkdirSync(join(outfile, '..'), { recursive: true });
      await bundle({ format, external, entry: project.path(`${kind}.mjs`), outfile });
      return outfile;
    };

    test.serial(`${name}, ${format}: kept out of the bundle it runs`, async (t) => {
      const { stdout, stderr } = run(await pack('network', true));
      t.regex(stdout, /^\d+\.\d+\.\d+ true\n$/, stderr);
    });

    if (name === 'rollup') continue; // which leaves packages out by itself
    test.serial(`${name}, ${format}: a bundle with it inside says to keep it out`, async (t) => {
      const [network, digits] = [await pack('network', false), await pack('digits', false)];
      // elsewhere than it was made, as it is deployed: webpack writes the places of files into its bundles
      const elsewhere = `${project.package} of another machine`;
      renameSync(project.package, elsewhere);
      try {
        const loaded = run(network);
        t.regex(loaded.stderr, /code: 'ERR_NATIVE_LOAD'/);
        t.regex(loaded.stderr, /Error: fjordnet was bundled.*, and its native binary cannot be\.\n/);
        t.regex(loaded.stderr, KEEP_OUT);
        const read = run(digits);
        t.regex(read.stderr, /Error: Expected data\/digits\.csv\.gz of fjordnet, which is not in a bundle\. /);
        t.regex(read.stderr, KEEP_OUT);
        t.regex(read.stderr, /code: 'ERR_BUNDLED'/);
      } finally {
        renameSync(elsewhere, project.package);
      }
    });
  }

for (const name of ['esbuild', 'webpack'])
  (BUNDLERS[name] ? test.serial : test.serial.skip)(
    `${name}: a bundle finds the binary that FJORDNET_NATIVE names`,
    async (t) => {
      const outfile = project.path(`named-${name}.cjs`);
      const entry = project.path('named.mjs');
      writeFileSync(entry, "import { getThreads } from 'fjordnet';\nconsole.log(getThreads() > 0);\n");
      await BUNDLERS[name]({ format: 'cjs', external: false, entry, outfile });
      const { stdout, stderr } = run(outfile, { FJORDNET_NATIVE: project.binary });
      t.is(stdout, 'true\n', stderr);
    },
  );
