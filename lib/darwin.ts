import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createRequire } from './builtins.js';
import { installLine } from './io/peer.js';
import { exists, prebuiltPath, type System } from './prebuilt.js';

/** The package with the binaries for macOS, which were built and not run by us: nobody gets it unasked. */
export const DARWIN_PACKAGE = 'fjordnet-darwin';

/** The binary for a Mac, or why there is none and what to do, in a sentence. */
export type DarwinBinary = { file: string; missing?: undefined } | { file?: undefined; missing: string };

/** Looks for the binary in the package fjordnet-darwin beside ours, whose version must be ours. */
export function darwinBinary(system: System): DarwinBinary {
  const own = join(system.root, 'package.json');
  const versionOf = (file: string): string => JSON.parse(readFileSync(file, 'utf8')).version;
  const version = versionOf(own);
  const line = () => installLine([`${DARWIN_PACKAGE}@${version}`], 'on one system');
  let manifest: string;
  try {
    manifest = createRequire(own).resolve(`${DARWIN_PACKAGE}/package.json`);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_ACCESS_DENIED') throw error;
    return {
      missing: `The binaries for macOS, built and not run by us, are in a package that is not installed: ${line()}`,
    };
  }
  const other = versionOf(manifest);
  if (other !== version)
    return { missing: `Expected ${DARWIN_PACKAGE} to have the version ${version}, got ${other}: ${line()}` };
  const file = prebuiltPath({ ...system, root: dirname(manifest) });
  return exists(file) ? { file } : { missing: `There is no ${file}: install ${DARWIN_PACKAGE} anew` };
}

/** A file that stands beside the binary once it was tried and found right: `fjordnet try-darwin`. */
export const darwinChoice = (file: string) => join(dirname(file), 'chosen');

/** The binary, where it was asked for: it takes the place of a source build only where a user wants it to. */
export function darwinFile(system: System, env: NodeJS.ProcessEnv): string | undefined {
  const { file } = darwinBinary(system);
  return file && (env.FJORDNET_TRY_DARWIN === '1' || exists(darwinChoice(file))) ? file : undefined;
}
