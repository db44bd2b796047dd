// Installed sizes in bytes, each peer with what it depends on, and how long an install of this package takes.
import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { MODULES } from './adapters.js';

/** Debian's packages, where a peer is the system's own. */
const DEBIAN = {
  numpy: ['python3-numpy', 'libopenblas0-pthread'],
  'scikit-learn': [
    'python3-sklearn',
    'python3-sklearn-lib',
    'python3-scipy',
    'python3-joblib',
    'python3-numpy',
    'libopenblas0-pthread',
  ],
  torch: ['python3-torch', 'libtorch1.13', 'python3-numpy', 'libopenblas0-pthread'],
};

/** { bytes, note }, or { skip } where a peer is not installed or its size is not known. */
export function footprint({ id, package: name, command }, root) {
  try {
    if (id === 'fjordnet') return ours(root);
    const names = [name].flat();
    if (existsSync(join(MODULES, names[0]))) return nodePackage(names[0]);
    return command[0].startsWith('/usr/bin') ? debian(DEBIAN[names[0]]) : pythonPackage(command[0], names);
  } catch (error) {
    return { skip: `its size is not known here: ${error.message.split('\n')[0]}` };
  }
}

/** The packed package, installed into an empty project as a user's `npm install` does, without install scripts. */
function ours(root) {
  const folder = mkdtempSync(join(tmpdir(), 'fjordnet-size-'));
  const npm = (cwd, ...args) =>
    execFileSync('npm', args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  try {
    const packed = npm(root, 'pack', '--ignore-scripts', '--json', '--pack-destination', folder);
    const [{ filename, size }] = JSON.parse(packed);
    const project = join(folder, 'project');
    mkdirSync(project);
    writeFileSync(join(project, 'package.json'), '{ "private": true }');
    const flags = ['--ignore-scripts', '--omit=peer', '--prefer-offline', '--no-audit', '--no-fund', '--silent'];
    const start = performance.now();
    npm(project, 'install', ...flags, join(folder, filename));
    const seconds = (performance.now() - start) / 1000;
    const prebuilds = join(project, 'node_modules', 'fjordnet', 'prebuilds');
    const binaries = existsSync(prebuilds) ? readdirSync(prebuilds) : [];
    const note = `${megabytes(size)} packed, binaries for ${binaries.join(', ') || 'no platform'}; npm install took ${seconds.toFixed(1)} s`;
    return { bytes: folderSize(join(project, 'node_modules')), note };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function nodePackage(name) {
  const names = new Set();
  const queue = [name];
  for (const next of queue) {
    if (names.has(next) || !existsSync(join(MODULES, next))) continue;
    names.add(next);
    const { dependencies = {} } = JSON.parse(readFileSync(join(MODULES, next, 'package.json'), 'utf8'));
    queue.push(...Object.keys(dependencies));
  }
  const bytes = [...names].reduce((sum, n) => sum + folderSize(join(MODULES, n)), 0);
  return { bytes, note: `npm, ${names.size} packages` };
}

function pythonPackage(python, names) {
  const script = fileURLToPath(new URL('footprint.py', import.meta.url));
  const { bytes, packages, cuda } = JSON.parse(execFileSync(python, [script, ...names], { encoding: 'utf8' }));
  return {
    bytes,
    note: `PyPI, ${packages} package${packages === 1 ? '' : 's'}${cuda ? `, of it ${megabytes(cuda)} of CUDA` : ''}`,
  };
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

const megabytes = (bytes) => `${(bytes / 2 ** 20).toFixed(bytes < 2 ** 24 ? 1 : 0)} MB`;

/** A nested node_modules is a dependency of its own version, so it belongs. */
function folderSize(folder) {
  if (!existsSync(folder)) throw new Error(`${folder} does not exist`);
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  return entries.reduce((sum, e) => sum + (e.isFile() ? statSync(join(e.parentPath ?? e.path, e.name)).size : 0), 0);
}
