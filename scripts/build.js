// node scripts/build.js            the addon (release) and the library: build/Release/fjordnet.node and dist/
//                       native     the addon alone (node-gyp, binding.gyp)
//                       ts         the library alone
//                       test       the library and the tests (build-test/)
//                       dev        the addon through cmake-js, for a debugger: build-cmake/, with compile_commands.json
//                       asan       the same under AddressSanitizer and UBSan: build-asan/
//                       tsan       the same under ThreadSanitizer: build-tsan/
//                       builtin    the same with native/blas_fallback.cc in OpenBLAS' place: build-builtin/
// What is up to date is left alone. FJORDNET_BLAS and CXX are read by scripts/openblas.cjs.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const require = createRequire(import.meta.url);
const { nodeApiHeaders } = require('./headers.cjs');
const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
/** The target's; node-gyp reads this variable too. */
const arch = process.env.npm_config_arch ?? process.arch;
const isCheckout = existsSync(join(root, 'test'));

function run(command, args, env = {}) {
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: 'inherit', env: { ...process.env, ...env } });
  if (error) throw error;
  if (status !== 0) {
    console.error(`\n${[command, ...args].join(' ')} failed`);
    process.exit(status ?? 1);
  }
}

const output = (...args) => spawnSync(process.execPath, args, { cwd: root, encoding: 'utf8' }).stdout.trim();

/** The script behind a development tool's command, or undefined where the tool is not installed. */
function tool(name, script) {
  try {
    return join(dirname(require.resolve(`${name}/package.json`)), script);
  } catch {
    return undefined;
  }
}

/**
 * A folder with include/node: Node's own beside its binary, else one made of node-api-headers, which is all that Node-API
 * needs. With it nothing is downloaded. Windows also needs node.lib: there node-gyp fetches what belongs to the version.
 */
function nodeFolder() {
  const prefix = resolve(dirname(process.execPath), '..');
  if (arch === process.arch && existsSync(join(prefix, 'include', 'node', 'node_api.h'))) return prefix;
  if (process.platform === 'win32') return undefined;
  // gyp's makefiles do not quote include folders
  const made = /\s/.test(root) ? join(tmpdir(), 'fjordnet-headers') : join(root, 'build-headers');
  const include = join(made, 'include', 'node');
  mkdirSync(include, { recursive: true });
  cpSync(nodeApiHeaders(), include, { recursive: true });
  writeFileSync(join(include, 'config.gypi'), '{}\n');
  const defaults = { default_configuration: 'Release', configurations: { Release: {}, Debug: {} } };
  writeFileSync(join(include, 'common.gypi'), JSON.stringify({ target_defaults: defaults }));
  return made;
}

/**
 * binding.gyp, where node-gyp wants it. In the published package it lies in deps/ (scripts/headers.cjs) and is here for
 * as long as this process runs.
 */
function bindingGyp() {
  const [file, published] = [join(root, 'binding.gyp'), join(root, 'deps', 'binding.gyp')];
  if (!isCheckout && existsSync(published)) {
    cpSync(published, file);
    process.on('exit', () => rmSync(file, { force: true }));
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => process.exit(1));
  }
  return file;
}

function buildNative() {
  const gyp = tool('node-gyp', 'bin/node-gyp.js') ?? process.env.npm_config_node_gyp;
  if (!gyp) throw new Error('Expected node-gyp to be installed: run this with `npm run build:native`, which brings it');
  const folder = nodeFolder();
  const nodedir = folder ? [`--nodedir=${folder}`] : [];

  // What gyp's makefiles are made from; make itself sees to the sources.
  const stamp = join(root, 'build', 'fjordnet.stamp');
  const openblas = ['kind', 'includes', 'libraries'].map((question) => output('scripts/openblas.cjs', question));
  const state = createHash('sha256')
    .update(JSON.stringify([process.version, arch, folder, process.env.CXX, openblas]))
    .update(readFileSync(bindingGyp()))
    .update(readFileSync(join(root, 'scripts', 'openblas.cjs')))
    .digest('hex');
  if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== state) {
    rmSync(join(root, 'build'), { recursive: true, force: true });
    const strict = isCheckout ? ['--', '-Dwerror=1'] : [];
    run(process.execPath, [gyp, 'configure', '--loglevel=warn', ...nodedir, ...strict]);
    writeFileSync(stamp, state);
  }
  run(process.execPath, [gyp, 'build', '--loglevel=warn', '--jobs=max', ...nodedir], { V: '' });
  // gyp leaves a second copy where prebuildify takes the first binary for the addon
  rmSync(join(root, 'build', 'Release', 'fjordnet_mpi.node'), { force: true });
  if (openblas[0] === 'builtin')
    console.log(
      'No OpenBLAS was found: built with the portable matrix product, which is slower (apt-get install libopenblas-dev).',
    );
}

function buildWithCmake(folder, config, options) {
  const prefix = resolve(dirname(process.execPath), '..');
  const nodedir = existsSync(join(prefix, 'include', 'node', 'node_api.h')) ? { npm_config_nodedir: prefix } : {};
  run(
    process.execPath,
    [tool('cmake-js', 'bin/cmake-js'), 'compile', '--log-level=warn', '--out', folder, '--config', config, ...options],
    nodedir,
  );
}

function compile(project) {
  const tsc = tool('typescript', 'bin/tsc');
  const out = project === 'tsconfig.json' ? 'dist' : 'build-test';
  const incremental = ['--incremental', '--tsBuildInfoFile', join(root, out, '.tsbuildinfo')];
  if (tsc) run(process.execPath, [tsc, '-p', project, ...incremental]);
  else if (!existsSync(join(root, 'dist', 'index.js'))) throw new Error('Expected typescript to be installed: npm ci');
}

async function buildLibrary() {
  compile('tsconfig.json');
  if (isCheckout) await (await import('./bundle.js')).bundle(root);
}

const targets = {
  native: buildNative,
  ts: buildLibrary,
  test: async () => {
    await buildLibrary();
    compile('test/tsconfig.json');
  },
  dev: () => buildWithCmake('build-cmake', 'Debug', []),
  asan: () => buildWithCmake('build-asan', 'Debug', ['--CDFJORDNET_SANITIZE=ON']),
  tsan: () => buildWithCmake('build-tsan', 'Debug', ['--CDFJORDNET_TSAN=ON']),
  builtin: () => buildWithCmake('build-builtin', 'Release', ['--CDFJORDNET_BLAS=builtin']),
};
for (const name of process.argv.length > 2 ? process.argv.slice(2) : ['native', 'ts']) {
  if (!targets[name]) throw new Error(`Expected one of ${Object.keys(targets).join(', ')}, got ${name}`);
  await targets[name]();
}
