import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { darwinBinary, darwinChoice } from '../darwin.js';
import { exists, type System } from '../prebuilt.js';
import { CommandError, EXIT, reason, usage } from './errors.js';

/** What trying a binary in a process of its own came to. */
export interface Tried {
  /** What is wrong with it; undefined where all is right. */
  readonly wrong?: string;
  /** What it said. */
  readonly output: string;
}

const REPORT = 'https://github.com/fjordnet/fjordnet/issues';

/**
 * Tries the binary for macOS, which was built and not run. Where it is right, the file that `darwinChoice` names says so from then
 * on, and lib/darwin.ts takes the binary.
 *
 * @returns what to say
 * @throws CommandError on another system than macOS, where there is no binary, and where it is wrong
 */
export function tryDarwin(system: System, trial: (binary: string) => Tried): string {
  const { platform, root } = system;
  if (platform !== 'darwin')
    throw usage(`Expected macOS, got ${platform}: the binaries for other systems are tested, and need no trial`);
  const { file: binary, missing } = darwinBinary(system);
  const build = `npm --prefix "${root}" run build:native`;
  if (missing !== undefined) throw new CommandError(EXIT.missing, `${missing}\nTo build one from source: ${build}`);

  const choice = darwinChoice(binary);
  const { wrong, output } = trial(binary);
  if (wrong !== undefined) {
    rmSync(choice, { force: true });
    const said = output.trim() && `It said:\n${output.trim()}\n`;
    throw new CommandError(
      EXIT.failed,
      `${binary} does not work here: ${wrong}.\n${said}It is not used. To build one from source, with Xcode's command line tools ` +
        `and Python 3: ${build}\nPlease report it, with these lines: ${REPORT}`,
    );
  }
  const lines = [output.trim(), `${binary} works here.`];
  try {
    writeFileSync(choice, 'fjordnet try-darwin found this binary right; without this file it is not used\n');
    lines.push(
      `It is used from now on, until fjordnet-darwin is installed anew: ${choice} says so.`,
      'Where it must last, on a server or in CI, set FJORDNET_TRY_DARWIN=1 in the environment.',
    );
  } catch (error) {
    lines.push(`Set FJORDNET_TRY_DARWIN=1 to use it: ${choice} could not be written (${reason(error)}).`);
  }
  if (exists(join(root, 'build', 'Release', 'fjordnet.node')))
    lines.push(`The build in ${join(root, 'build')} goes before it: remove that folder.`);
  lines.push(`Please tell us, on which Mac: ${REPORT}`);
  return lines.filter(Boolean).join('\n');
}
