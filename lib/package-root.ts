import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createRequire } from './builtins.js';
import { failure } from './check.js';

/** What to write where; said after the reason. */
export const KEEP_OUT =
  'Keep fjordnet out of the bundle, installed beside it: esbuild --external:fjordnet; ' +
  "webpack externals: { fjordnet: 'import fjordnet' }; Rollup and Vite external: [/^fjordnet/]; " +
  "Next.js serverExternalPackages: ['fjordnet']";

/** The file that this module's code runs from; '' where a bundler leaves no address, as esbuild does in CommonJS. */
export function ownFile(): string {
  try {
    return fileURLToPath(import.meta.url);
  } catch {
    return '';
  }
}

/** A `require` that finds this package's dependencies; in a bundle, what is beside it or in the working folder. */
export const requireHere = () => createRequire(ownFile() || join(process.cwd(), 'bundle'));

/** The folder of the installed package; undefined where a bundler has put its code into a file elsewhere. */
export function packageRoot(): string | undefined {
  const own = ownFile();
  const root = dirname(dirname(own));
  try {
    if (own !== '')
      return JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).name === 'fjordnet' ? root : undefined;
  } catch (error) {
    // with --permission the file may be there and not be read
    return (error as NodeJS.ErrnoException).code === 'ERR_ACCESS_DENIED' ? root : undefined;
  }
}

/** The path of a file of the package. @throws Error with code ERR_BUNDLED where there is no package folder */
export function packageFile(...names: string[]): string {
  const root = packageRoot();
  if (root === undefined)
    throw failure('ERR_BUNDLED', `Expected ${names.join('/')} of fjordnet, which is not in a bundle. ${KEEP_OUT}`);
  return join(root, ...names);
}
