// zig: clang, with the C and C++ libraries of other systems. It comes from PyPI, in the version and with the hash that
// stand here, into build-zig/ of the checkout. The environment variable ZIG names another one.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './root.js';

const VERSION = '0.17.1';
/** Of the wheel for Linux x64. */
const SHA256 = 'ea6cc5d87b033cf0aedfbc8f9549a908cae6c50ac31f1698188fa48a74524b54';

const folder = join(root, 'build-zig');
const installed = join(folder, VERSION);
const command = process.env.ZIG ?? join(installed, 'ziglang', 'zig');

/** Whether it is there, so that nothing would be fetched. */
export const zigInstalled = () => existsSync(command);

/** The command of zig, which is installed where it is not there. */
function zig() {
  if (process.env.ZIG || zigInstalled()) return command;
  const [partial, wanted] = [`${installed}.partial`, join(folder, 'requirements.txt')];
  rmSync(partial, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  writeFileSync(wanted, `ziglang==${VERSION} --hash=sha256:${SHA256}\n`);
  const pip = [
    '-m',
    'pip',
    'install',
    '--quiet',
    '--root-user-action=ignore',
    '--no-deps',
    '--require-hashes',
    '--target',
    partial,
    '-r',
    wanted,
  ];
  execFileSync('python3', pip, { stdio: 'inherit' });
  renameSync(partial, installed);
  return command;
}

/** As compilers() of scripts/platforms/index.js. */
export const zigVersion = () => [`zig ${execFileSync(zig(), ['version'], { encoding: 'utf8' }).trim()}`];

/** zig's C++ compiler, as compile.js takes it. It keeps what it has built of a system's libraries: minutes at first. */
export function zigCompiler(...args) {
  const cache = join(folder, 'cache');
  return ['env', `ZIG_GLOBAL_CACHE_DIR=${cache}`, `ZIG_LOCAL_CACHE_DIR=${cache}`, zig(), 'c++', ...args];
}
