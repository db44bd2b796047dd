// Installed sizes in bytes, and how long an install of this package takes.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PEERS } from './adapters.js';

const site = join(PEERS, 'python', 'lib');
const modules = join(PEERS, 'node', 'node_modules');

/** Of each peer that is installed: { bytes, note }. */
const FOOTPRINTS = {
  numpy: () => debian(['python3-numpy', 'libopenblas0-pthread']),
  sklearn: () =>
    debian([
      'python3-sklearn',
      'python3-sklearn-lib',
      'python3-scipy',
      'python3-joblib',
      'python3-numpy',
      'libopenblas0-pthread',
    ]),
  pytorch: () => debian(['python3-torch', 'libtorch1.13', 'python3-numpy', 'libopenblas0-pthread']),
  keras: () => ({ bytes: folderSize(site), note: 'the whole Python environment' }),
  'tfjs-cpu': () => ({ bytes: folderSize(join(modules, '@tensorflow')), note: 'all its backends for browsers' }),
  brain: () => ({ bytes: folderSize(join(modules, 'brain.js')), note: 'without what it depends on' }),
};

/** Undefined where a peer is not installed, or not in a way whose size is known. */
export function footprint(id, root) {
  try {
    return id === 'fjordnet' ? ours(root) : FOOTPRINTS[id]?.();
  } catch {
    return undefined;
  }
}

/** The packed package, installed into an empty project as a user's `npm install` does, without install scripts. */
function ours(root) {
  const folder = mkdtempSync(join(tmpdir(), 'fjordnet-size-'));
  const npm = (cwd, ...args) =>
    execFileSync('npm', args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  try {
    const [{ filename, size }] = JSON.parse(
      npm(root, 'pack', '--ignore-scripts', '--json', '--pack-destination', folder),
    );
    const project = join(folder, 'project');
    mkdirSync(project);
    writeFileSync(join(project, 'package.json'), '{ "private": true }');
    const flags = ['--ignore-scripts', '--omit=peer', '--prefer-offline', '--no-audit', '--no-fund', '--silent'];
    const start = performance.now();
    npm(project, 'install', ...flags, join(folder, filename));
    const seconds = (performance.now() - start) / 1000;
    const binaries = existsSync(join(root, 'prebuilds')) ? readdirSync(join(root, 'prebuilds')) : [];
    return {
      bytes: folderSize(join(project, 'node_modules')),
      note: `${(size / 2 ** 20).toFixed(1)} MB packed, binaries for ${binaries.join(', ') || 'no platform'}; npm install took ${seconds.toFixed(1)} s`,
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function debian(packages) {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: dpkg-query's own placeholder
  const sizes = execFileSync('dpkg-query', ['-W', '-f', '${Installed-Size}\n', ...packages], { encoding: 'utf8' });
  const kibibytes = sizes
    .trim()
    .split('\n')
    .reduce((sum, size) => sum + Number(size), 0);
  return { bytes: kibibytes * 1024, note: `Debian's ${packages.join(', ')}` };
}

function folderSize(folder) {
  if (!existsSync(folder)) throw new Error(`${folder} does not exist`);
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  return entries.reduce((sum, e) => sum + (e.isFile() ? statSync(join(e.parentPath ?? e.path, e.name)).size : 0), 0);
}
