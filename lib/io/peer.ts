import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { failure } from '../check.js';
import { packageRoot } from '../package-root.js';

/** Optional packages that are of use together only. */
const TOGETHER: readonly (readonly string[])[] = [
  ['vega', 'vega-lite'],
  ['hyparquet', 'hyparquet-compressors'],
  ['@resvg/resvg-js', '@expo-google-fonts/arimo'],
];

/** Who wrote a lockfile, and how it adds packages. */
const LOCKFILES: readonly (readonly [file: string, command: string])[] = [
  ['package-lock.json', 'npm install'],
  ['pnpm-lock.yaml', 'pnpm add'],
  ['yarn.lock', 'yarn add'],
  ['bun.lock', 'bun add'],
  ['bun.lockb', 'bun add'],
  ['deno.lock', 'deno add'],
];

/** The nearest lockfile tells, else the package manager that runs this. */
function addCommand(): string {
  for (let folder = process.cwd(), above = ''; folder !== above; above = folder, folder = dirname(folder))
    for (const [file, command] of LOCKFILES) if (existsSync(join(folder, file))) return command;
  const agent = process.env.npm_config_user_agent?.split('/')[0];
  return LOCKFILES.find(([, command]) => command === `${agent} add`)?.[1] ?? 'npm install';
}

/**
 * The line that installs packages where this one is: in a project, for all users, or in the cache of npx. What is for one system
 * becomes an optional dependency, as npm refuses to install it on others else.
 */
export function installLine(packages: readonly string[], where: 'on all systems' | 'on one system'): string {
  const root = packageRoot() ?? '';
  const command = addCommand();
  const names = packages.map((name) => (command === 'deno add' ? `npm:${name}` : name)).join(' ');
  if (/[\\/]_npx[\\/]/.test(root)) return `npx -p fjordnet ${packages.map((name) => `-p ${name}`).join(' ')} fjordnet`;
  const forAll = /[\\/](?:lib|npm)[\\/]node_modules[\\/]fjordnet$/.test(root);
  if (forAll && !existsSync(join(root, '../../package.json'))) return `npm install -g ${names}`;
  const optional = command === 'bun add' ? '--optional' : '-O';
  return [command, ...(where === 'on one system' ? [optional] : []), names].join(' ');
}

/** Loads an optional package. @throws Error with code ERR_MISSING_PEER that says how to install it */
export async function loadPeer<T>(name: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const missing = code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND';
    // as Node.js quotes it, and as Yarn's Plug and Play does
    if (!missing || ![`'${name}'`, `'${name}/`, `access ${name} `].some((text) => message.includes(text))) throw error;
    const line = installLine(TOGETHER.find((names) => names.includes(name)) ?? [name], 'on all systems');
    throw failure('ERR_MISSING_PEER', `Expected the package ${name} to be installed: ${line}`, { cause: error });
  }
}
