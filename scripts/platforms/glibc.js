// Linux with glibc, by node-gyp from binding.gyp, with OpenBLAS inside. Another architecture than this machine's is
// cross-compiled with Debian's toolchain, which scripts/setup --test installs.
import { spawnSync } from 'node:child_process';
import { copyFileSync, cpSync, mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import prebuildify from 'prebuildify';
import { checkElf } from './elf.js';
import { root } from './root.js';

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
function make(arch, folder) {
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

/** Names, strips and places what was built. */
function place(arch, folder, mpi) {
  const stripBin = arch === process.arch ? 'strip' : `${TRIPLETS[arch]}-strip`;
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

export const glibc = Object.keys(TRIPLETS).map((arch) => {
  const files = [`linux-${arch}/fjordnet.glibc.node`, `linux-${arch}/mpi/fjordnet_mpi.node`];
  return {
    name: `linux-${arch}-glibc`,
    files,
    recipe: ['scripts/build.js', 'scripts/openblas.cjs', 'scripts/platforms/glibc.js'],
    async build(folder) {
      make(arch, folder);
      await place(arch, folder, join(root, 'prebuilds', files[1]));
    },
    check: (file) => checkElf(file),
  };
});
