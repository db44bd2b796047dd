// npm run prebuild: binaries for publication, prebuilds/linux-<arch>/fjordnet.glibc.node, with OpenBLAS inside, and
// mpi/fjordnet_mpi.node beside it, where node-gyp-build does not look; and deps/ with the headers and the binding.gyp that a source
// build of the published package needs.
//   node scripts/prebuild.js x64 arm64
// Another architecture than this machine's is cross-compiled with Debian's toolchain (scripts/setup --test installs it):
//   dpkg --add-architecture arm64 && apt-get update && apt-get install g++-aarch64-linux-gnu libopenblas-pthread-dev:arm64
// Each must pass scripts/binary-check.js.
import { spawnSync } from 'node:child_process';
import { copyFileSync, cpSync, mkdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import prebuildify from 'prebuildify';
import { binaries, checkBinary, sourcesHash } from './binary-check.js';

const { copyDeps } = createRequire(import.meta.url)('./headers.cjs');
const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const TRIPLETS = { x64: 'x86_64-linux-gnu', arm64: 'aarch64-linux-gnu' };

function compile(cwd, env) {
  const { status } = spawnSync(process.execPath, ['scripts/build.js', 'native'], {
    cwd,
    stdio: 'inherit',
    env: { ...process.env, ...env, FJORDNET_BLAS: 'static' },
  });
  if (status !== 0) throw new Error(`the build in ${cwd} failed`);
}

/** Leaves <folder>/build/Release/ with fjordnet.node, for prebuildify to take away, and mpi/. */
function build(arch, folder) {
  mkdirSync(folder, { recursive: true });
  if (arch === process.arch) {
    // the binary of `npm run build`: the same compiler with the same flags
    compile(root, {});
    cpSync(join(root, 'package.json'), join(folder, 'package.json'));
    for (const name of ['fjordnet.node', 'mpi'])
      cpSync(join(root, 'build', 'Release', name), join(folder, 'build', 'Release', name), { recursive: true });
    return;
  }
  for (const name of ['native', 'scripts']) rmSync(join(folder, name), { recursive: true, force: true });
  for (const name of ['native', 'scripts', 'binding.gyp', 'package.json'])
    cpSync(join(root, name), join(folder, name), { recursive: true, preserveTimestamps: true });
  rmSync(join(folder, 'node_modules'), { force: true });
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  const tool = (name) => `${TRIPLETS[arch]}-${name}`;
  compile(folder, { CXX: tool('g++'), CC: tool('gcc'), AR: tool('ar'), npm_config_arch: arch });
}

/** Names, strips and places what was built as node-gyp-build looks for it, and MPI's addon as lib/mpi/load.ts does. */
function place(arch, folder) {
  const stripBin = arch === process.arch ? 'strip' : `${TRIPLETS[arch]}-strip`;
  const [, mpi] = binaries(arch);
  mkdirSync(dirname(mpi), { recursive: true });
  copyFileSync(join(folder, 'build', 'Release', 'mpi', 'fjordnet_mpi.node'), mpi);
  if (spawnSync(stripBin, ['--strip-all', mpi]).status !== 0) throw new Error(`${stripBin} ${mpi} failed`);
  const options = {
    napi: true,
    strip: true,
    stripBin,
    tagLibc: 'glibc',
    arch,
    platform: 'linux',
    cwd: folder,
    out: root,
    nodeGyp: 'true', // its own call of node-gyp is not wanted, the binary is there
  };
  return new Promise((done, failed) => {
    prebuildify({ ...options, targets: [] }, (error) => (error ? failed(error) : done()));
  });
}

if (process.platform !== 'linux') {
  console.log('The binaries that are published are made on Linux.');
  process.exit();
}
const wanted = process.argv.length > 2 ? process.argv.slice(2) : [process.arch];
for (const arch of wanted)
  if (!TRIPLETS[arch]) throw new Error(`Expected one of ${Object.keys(TRIPLETS).join(', ')}, got ${arch}`);

copyDeps();
for (const arch of wanted) {
  const sources = sourcesHash();
  const folder = join(root, 'build-prebuild', arch);
  build(arch, folder);
  await place(arch, folder);
  for (const file of binaries(arch)) {
    const problems = checkBinary(file);
    if (problems.length > 0) {
      rmSync(file);
      throw new Error(`${file} cannot be published:\n  ${problems.join('\n  ')}`);
    }
    console.log(`${file}: ${(statSync(file).size / 1e6).toFixed(1)} MB`);
  }
  writeFileSync(join(folder, 'sources'), sources);
}
