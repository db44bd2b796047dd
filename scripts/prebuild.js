// npm run prebuild [-- x64 | arm64 ...]: binaries for publication, prebuilds/linux-<arch>/fjordnet.glibc.node, with OpenBLAS
// inside. Another architecture than this machine's is cross-compiled with Debian's toolchain:
//   dpkg --add-architecture arm64 && apt-get update && apt-get install g++-aarch64-linux-gnu libopenblas-pthread-dev:arm64
// Each is built in a folder of its own from what the package publishes, and must pass scripts/binary-check.js.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import prebuildify from 'prebuildify';
import { checkBinary } from './binary-check.js';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const TRIPLETS = { x64: 'x86_64-linux-gnu', arm64: 'aarch64-linux-gnu' };

function build(arch) {
  const native = arch === process.arch;
  const prefix = native ? '' : `${TRIPLETS[arch]}-`;
  const cwd = join(root, 'build-prebuild', arch);
  mkdirSync(cwd, { recursive: true });
  for (const name of ['native', 'scripts']) rmSync(join(cwd, name), { recursive: true, force: true });
  for (const name of ['native', 'scripts', 'binding.gyp', 'package.json'])
    cpSync(join(root, name), join(cwd, name), { recursive: true, preserveTimestamps: true });
  rmSync(join(cwd, 'node_modules'), { force: true });
  symlinkSync(join(root, 'node_modules'), join(cwd, 'node_modules'));

  const tools = native ? {} : { CXX: `${prefix}g++`, CC: `${prefix}gcc`, AR: `${prefix}ar`, npm_config_arch: arch };
  const { status } = spawnSync(process.execPath, ['scripts/build.js', 'native'], {
    cwd,
    stdio: 'inherit',
    env: { ...process.env, ...tools, FJORDNET_BLAS: 'static' },
  });
  if (status !== 0) throw new Error(`the build for ${arch} failed`);
  return { cwd, stripBin: `${prefix}strip` };
}

/** Names, strips and places what was built as node-gyp-build looks for it. */
function place(arch, { cwd, stripBin }) {
  // `true`: prebuildify's own call of node-gyp is not wanted, the binary is there
  const options = {
    napi: true,
    strip: true,
    tagLibc: 'glibc',
    arch,
    platform: 'linux',
    cwd,
    out: root,
    stripBin,
    nodeGyp: 'true',
  };
  return new Promise((done, failed) => {
    prebuildify({ ...options, targets: [] }, (error) => (error ? failed(error) : done()));
  });
}

for (const arch of process.argv.length > 2 ? process.argv.slice(2) : [process.arch]) {
  if (!TRIPLETS[arch]) throw new Error(`Expected one of ${Object.keys(TRIPLETS).join(', ')}, got ${arch}`);
  await place(arch, build(arch));
  const file = join(root, 'prebuilds', `linux-${arch}`, 'fjordnet.glibc.node');
  const problems = checkBinary(file);
  if (problems.length > 0) {
    rmSync(file);
    throw new Error(`${file} cannot be published:\n  ${problems.join('\n  ')}`);
  }
  console.log(`${file}: ${(statSync(file).size / 1e6).toFixed(1)} MB`);
}
