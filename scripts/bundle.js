// node scripts/build.js ts: compiles lib/ into the few files of dist/ that are published, as one file loads faster than 170.
// index.js and plots/index.js export what lies in the chunks that chunkOf names, cli/main.js loads its own. Each other module has such a
// file too, for tests, which is not published. Types come from tsc.
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { transform } from 'esbuild';
import { rollup } from 'rollup';

const filesOf = (folder) =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort();

/**
 * What `import 'fjordnet'` loads is in three chunks, so that a bundler can leave out what a program does not use: numbers
 * (arrays, scores …), layers and the like, and what loads the addon. Within a chunk it has to keep whatever is called.
 */
function chunks(lib) {
  const known = new Map();
  const importedBy = (id, getModuleInfo) => {
    if (!known.has(id)) {
      const all = new Set([id]);
      for (const next of all) for (const imported of getModuleInfo(next).importedIds) all.add(imported);
      known.set(id, all);
    }
    return known.get(id);
  };
  return function chunkOf(id, { getModuleInfo }) {
    const needs = (name, other) => importedBy(join(lib, name), getModuleInfo).has(other);
    if (needs('index.ts', id)) {
      const imported = importedBy(id, getModuleInfo);
      if (imported.has(join(lib, 'binding.ts'))) return 'with-addon';
      return imported.has(join(lib, 'graph', 'value.ts')) ? 'without-addon' : 'numbers';
    }
    const [folder] = id.slice(lib.length + 1).split('/');
    if (['data', 'io', 'tables'].includes(folder)) return 'io/chunk';
    if (folder !== 'cli' || id === join(lib, 'cli', 'start.ts') || needs('cli/start.ts', id)) return `${folder}/chunk`;
  };
}

/**
 * Characters beyond ASCII as escapes: in comments and regular expressions, for the compiler did that to strings. One alone makes
 * two bytes of each character of a file, which V8 reads more slowly.
 */
const asAscii = (code) =>
  code.replace(/[^\0-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);

/** Types that no entry point of the package leads to: what tests read of them is not published. */
function unpublishedTypes(root, dist) {
  const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const points = Object.values(exports).flatMap(({ types }) => (types ? [join(root, types)] : []));
  const reached = new Set(points);
  for (const file of reached)
    for (const [, path] of readFileSync(file, 'utf8').matchAll(/(?:from|import\()\s*['"](\.[^'"]+)\.js['"]/g))
      reached.add(join(file, '..', `${path}.d.ts`));
  const isLeft = (name) => name.endsWith('.d.ts') && !reached.has(join(dist, name));
  return filesOf(dist).flatMap((name) => (isLeft(name) ? [`/${name}`] : []));
}

/** Writes dist/, unless that was done from the same sources. */
export async function bundle(root) {
  const [lib, dist] = [join(root, 'lib'), join(root, 'dist')];
  const sources = filesOf(lib);
  const hash = createHash('sha256').update(readFileSync(new URL(import.meta.url)));
  for (const name of [...sources.map((name) => join('lib', name)), 'package-lock.json'])
    hash.update(name).update(readFileSync(join(root, name)));
  const state = hash.digest('hex');
  const stamp = join(dist, '.bundle');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === state) return;

  const isCommand = (name) => name.startsWith('cli/commands/');
  const entries = sources.filter((name) => !isCommand(name));
  const commands = new Set(sources.filter(isCommand).map((name) => name.slice('cli/commands/'.length, -'.ts'.length)));
  const made = await rollup({
    input: Object.fromEntries(entries.map((name) => [name.replace(/\.ts$/, ''), join(lib, name)])),
    preserveEntrySignatures: 'strict',
    external: (id) => !/^[./]/.test(id),
    plugins: [
      {
        name: 'typescript',
        resolveId: (id, importer) => importer && id[0] === '.' && join(importer, '..', id.replace(/\.js$/, '.ts')),
        transform: async (code, id) =>
          (await transform(code, { loader: 'ts', target: 'es2022', sourcefile: id, tsconfigRaw: '{}' })).code,
        renderChunk: asAscii,
      },
    ],
    onwarn(warning) {
      if (warning.code !== 'EMPTY_BUNDLE') throw new Error(warning.message); // which a file of types is
    },
  });
  const { output } = await made.write({
    dir: dist,
    hoistTransitiveImports: false,
    chunkFileNames: ({ name }) => (commands.has(name) ? 'cli/commands/[name].js' : '[name].js'),
    manualChunks: chunks(lib),
  });
  await made.close();

  const written = new Set(output.map(({ fileName }) => fileName));
  for (const name of filesOf(dist)) {
    const isStale = name.endsWith('.d.ts')
      ? !sources.includes(name.replace(/\.d\.ts$/, '.ts'))
      : name.endsWith('.js') && !written.has(name);
    if (isStale) rmSync(join(dist, name));
  }
  writeFileSync(join(dist, '.npmignore'), unpublishedTypes(root, dist).join('\n'));
  writeFileSync(stamp, state);
}
