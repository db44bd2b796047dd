// The platforms that binaries are published for: one file makes those of one system, and says what they must be.
//   name             as scripts/prebuild.js takes it
//   files            below prebuilds/, as lib/prebuilt.ts and lib/mpi/load.ts look for them: the addon, then that of MPI
//   package          the one that holds them, and the folder it is packed from; default: fjordnet, and the checkout's
//   recipe           the sources of scripts/ that decide what is built
//   build(folder)    makes them, with `folder` for what is in between
//   check(file)      what is wrong with one of them, one line each
//   contains         run-time libraries linked into them, as scripts/bill-of-materials.js lists them; default: none
//   compilers()      what made them, for the provenance; default: as the binaries themselves say
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { darwin } from './darwin.js';
import { glibc } from './glibc.js';
import { musl } from './musl.js';
import { root } from './root.js';
import { windows } from './windows.js';

export const platforms = [...glibc, ...musl, ...darwin, windows];

/** Those whose names have one of `parts` in them, or all. */
export function platformsOf(parts) {
  if (parts.includes('all')) return platforms;
  for (const part of parts)
    if (!platforms.some(({ name }) => name.includes(part)))
      throw new Error(`Expected a part of ${platforms.map(({ name }) => name).join(', ')}, got ${part}`);
  return platforms.filter(({ name }) => parts.some((part) => name.includes(part)));
}

export const packageOf = (platform) => platform.package ?? 'fjordnet';
export const binariesOf = (platform) =>
  platform.files.map((file) => join(root, platform.package ?? '', 'prebuilds', file));
export const folderOf = ({ name }) => join(root, 'build-prebuild', name);

/** Of all that the binaries of a platform are made of. */
export function sourcesHash({ recipe }) {
  const native = readdirSync(join(root, 'native'), { recursive: true }).map((name) => join('native', name));
  const hash = createHash('sha256');
  for (const name of [...native, 'binding.gyp', 'package-lock.json', ...recipe].sort()) {
    const file = join(root, name);
    if (statSync(file).isFile()) hash.update(name).update(readFileSync(file));
  }
  return hash.digest('hex');
}

const noteOf = (platform) => join(folderOf(platform), 'sources');

/** Keeps in mind what the binaries were made of. */
export const noteSources = (platform, sources) => writeFileSync(noteOf(platform), sources);

/** Whether the binaries of a platform are there and were made of the sources as they are. */
export function isFresh(platform) {
  const note = noteOf(platform);
  return (
    [...binariesOf(platform), note].every((file) => existsSync(file)) &&
    readFileSync(note, 'utf8') === sourcesHash(platform)
  );
}
