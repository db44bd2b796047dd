import { existsSync, readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { failure } from './check.js';
import { darwinBinary } from './darwin.js';
import { KEEP_OUT, ownFile } from './package-root.js';
import { exists, glibcVersion, libc, prebuiltPath } from './prebuilt.js';

/** Platform and C library, as in 'linux-x64, glibc 2.36'. */
export function systemName(): string {
  const name = `${process.platform}-${process.arch}`;
  const library = libc();
  return library ? `${name}, ${library === 'glibc' ? `glibc ${glibcVersion() ?? ''}`.trim() : library}` : name;
}

const PERMISSION = process.versions.node.startsWith('20.') ? '--experimental-permission' : '--permission';

/** Node.js was told not to load native code. */
function disabled(): string {
  const options = [...process.execArgv, process.env.NODE_OPTIONS ?? ''].join(' ');
  if (!('permission' in process) || /--no-addons\b/.test(options))
    return 'Node.js was started with --no-addons, which refuses native code: start it without that option.';
  return `Node.js was started with ${PERMISSION} and without --allow-addons: add --allow-addons.`;
}

/** Node.js was told not to read files. */
function unreadable(cause: Error, root: string): string {
  const { resource } = cause as { resource?: string };
  const folders = [join(root, '*'), ...(resource && !resource.startsWith(root) ? [resource] : [])];
  return `Node.js was started with ${PERMISSION}: add ${folders.map((name) => `--allow-fs-read=${name}`).join(' ')}`;
}

/** What the system's loader says, in other words; the pattern's first group is put in the place of $1. */
const SYSTEM: readonly (readonly [RegExp, string])[] = [
  [
    /version [`']((?:GLIBC|GLIBCXX|CXXABI|GCC)_[\d.]+)' not found/,
    'This system is older than the binary, which needs $1: use a newer system, or build from source on this one.',
  ],
  [
    /(libstdc\+\+|libgcc_s)\.so[.\d]*: (?:cannot open|No such)/i,
    'This system has no $1: install it (Debian: apt-get install libstdc++6; Alpine: apk add libstdc++).',
  ],
  [
    /ld-linux[\w-]*\.so[.\d]*: (?:cannot open|No such)|Error relocating/,
    'The binary is for glibc, and the C library of this system is musl: install the package anew on this one.',
  ],
  [
    /(?:shared library )?([\w+-]+\.so[.\d]*): (?:cannot open shared object|No such)/i,
    'This system has no $1, which the binary needs.',
  ],
  [
    /failed to map segment|Operation not permitted/,
    'Its folder may be mounted with the option noexec, which forbids native code: install the package in another one.',
  ],
  [/EACCES|Permission denied/, 'This user may not read it: look at the permissions of the file and its folders.'],
  [/Requires \w+ access/, 'Deno needs --allow-ffi --allow-read --allow-env --allow-sys.'],
];

/** What else it says of a binary of the package. */
const OWN: typeof SYSTEM = [
  [
    /for (?:macOS|Windows)|it is for |not a valid Win32 application|Bad EXE format/,
    'node_modules was copied from another machine: install the packages anew on this one.',
  ],
  [
    /\d bytes, and should have|file too short|no binary for|Git LFS/,
    'Its download or its copy is not whole: install the package anew.',
  ],
];

function advice(message: string, file: string, named: boolean): string | undefined {
  if (/\.asar[\\/]/.test(file))
    return 'Native code cannot be loaded out of an archive: name fjordnet in asarUnpack of the packager of Electron.';
  for (const [pattern, text] of named ? SYSTEM : [...SYSTEM, ...OWN]) {
    const match = pattern.exec(message);
    if (match) return text.replace('$1', match[1] ?? '');
  }
}

/** The platforms of the package's binaries, as in 'linux-x64 glibc, linux-x64 musl, win32-x64'. */
function published(root: string): string {
  const files = readdirSync(join(root, 'prebuilds'), { recursive: true, encoding: 'utf8' }).sort();
  const found = files.flatMap((file) => {
    const [, platform, library] = /^([\w-]+)[\\/]fjordnet(?:\.(\w+))?\.node$/.exec(file) ?? [];
    return platform ? [library ? `${platform} ${library}` : platform] : [];
  });
  return found.join(', ') || 'no platform';
}

/** Why there is no binary at all. */
function missing(root: string): string {
  const { platform, arch } = process;
  const system = { platform, arch, libc: libc(), root };
  if (platform === 'darwin') {
    const prebuilt =
      darwinBinary(system).missing ??
      'The prebuilt binary for macOS was built and not run by us: npx fjordnet try-darwin tries it and keeps it if it is right, ' +
        'FJORDNET_TRY_DARWIN=1 in the environment takes it as it is.';
    return `There is no build/Release/fjordnet.node in ${root}.\n${prebuilt}`;
  }
  const wanted = relative(root, prebuiltPath(system)).replaceAll('\\', '/');
  const tried = `There is no build/Release/fjordnet.node and no ${wanted} in ${root}.`;
  if (!exists(join(root, 'prebuilds')))
    return `${tried}\nThe package has no folder prebuilds: it must be installed, or copied, whole.`;
  return `${tried}\nThe package has binaries for ${published(root)}.`;
}

/** What a source build takes. */
const TOOLS: Readonly<Record<string, string>> = {
  win32: "Visual Studio's C++ tools and Python 3",
  darwin: "Xcode's command line tools and Python 3",
};

/** The error of code that a bundler has taken away from its binary. */
export function bundled(): Error {
  const own = ownFile();
  const where = own && existsSync(own) ? ` into ${own}` : '';
  return failure('ERR_NATIVE_LOAD', `fjordnet was bundled${where}, and its native binary cannot be.\n${KEEP_OUT}.`);
}

/** The error of a Node.js without `getBuiltinModule`, which came with 20.16 and 22.3. */
export const tooOld = (): Error =>
  failure(
    'ERR_NATIVE_LOAD',
    `Expected Node.js 20.17, 22.3 or later, as fjordnet needs it, got ${process.versions.node}`,
  );

/** The error of a binary that does not load, with the reason and what to do about it. */
export function loadFailure(cause: Error, file: string | undefined, root: string): Error {
  const error = (lines: (string | undefined)[]) =>
    failure('ERR_NATIVE_LOAD', lines.filter((line) => line !== undefined).join('\n'), { cause });
  const head = `fjordnet has no working native binary for ${systemName()}, Node.js ${process.versions.node}.`;

  if ((cause as NodeJS.ErrnoException).code === 'ERR_DLOPEN_DISABLED')
    return error(['fjordnet cannot load its native binary.', disabled()]);
  if ((cause as NodeJS.ErrnoException).code === 'ERR_ACCESS_DENIED')
    return error(['fjordnet cannot read its native binary.', unreadable(cause, root)]);
  const named = Boolean(process.env.FJORDNET_NATIVE);
  if (named && file && !existsSync(file))
    return error([head, `The environment variable FJORDNET_NATIVE names ${file}, which does not exist.`]);
  if (named)
    return error([
      head,
      `The environment variable FJORDNET_NATIVE names ${file}, which does not load: ${cause.message}`,
      file && advice(cause.message, file, named),
      "Let it name another file, or unset it: the package's own is taken then.",
    ]);
  return error([
    head,
    ...(file ? [`${file} does not load: ${cause.message}`, advice(cause.message, file, named)] : [missing(root)]),
    `To build one from source: npm --prefix "${root}" run build:native`,
    `(needs ${TOOLS[process.platform] ?? 'g++, make and Python 3, and libopenblas-dev for full speed'})`,
  ]);
}
