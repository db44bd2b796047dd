import { cpSync, mkdirSync, readdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../../', import.meta.url));

/** Puts what was built into `folder`/node_modules/fjordnet, as a package of its own; returns that path. */
export function install(folder: string): string {
  const modules = join(folder, 'node_modules');
  const target = join(modules, 'fjordnet');
  for (const part of ['package.json', 'data', 'dist'])
    cpSync(join(root, part), join(target, part), { recursive: true });
  const release = join('build', 'Release');
  mkdirSync(join(target, release), { recursive: true });
  for (const file of readdirSync(join(root, release)).filter((name) => name.endsWith('.node')))
    cpSync(join(root, release, file), join(target, release, file));
  for (const peer of ['node-gyp-build', 'csv-parse'])
    symlinkSync(join(root, 'node_modules', peer), join(modules, peer));
  return target;
}
