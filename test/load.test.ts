// An import that fails says why and what to do: the error of each cause, made in a copy of the package.
import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import test from 'ava';
import { checkBinary } from '../dist/elf.js';
import { elfProgram } from './helpers/elf-program.js';
import { InstalledProject } from './helpers/installed.js';
import { unshare } from './helpers/unshare.js';

const project = new InstalledProject();
test.after.always(() => project.remove());
test.afterEach.always(() => project.restore());
const linux = process.platform === 'linux' && process.arch === 'x64' ? test.serial : test.serial.skip;

const PROGRAM = `import('fjordnet').then(
  ({ getThreads }) => console.log(JSON.stringify({ threads: getThreads() })),
  ({ code, message, cause }) => console.log(JSON.stringify({ code, message, cause: cause?.message })),
);`;

interface Printed {
  threads?: number;
  code?: string;
  message?: string;
}

function load(flags: string[] = [], env: Record<string, string> = {}, before: string[] = []): Printed {
  writeFileSync(project.path('load.mjs'), PROGRAM);
  const [command, ...args] = [...before, process.execPath, ...flags, '--no-warnings', 'load.mjs'];
  const { FJORDNET_NATIVE: _, NODE_OPTIONS: __, ...inherited } = process.env;
  const { stdout, stderr } = spawnSync(command, args, {
    cwd: project.folder,
    encoding: 'utf8',
    env: { ...inherited, ...env },
  });
  return stdout ? JSON.parse(stdout) : { message: stderr };
}

const BUILD =
  /\nTo build one from source: npm --prefix ".*fjordnet" run build:native\n\(needs g\+\+, make and Python 3/;

/** Replaces text in the binary by text of the same length. */
function patch(from: string, to: string): void {
  const bytes = readFileSync(project.binary);
  const at = bytes.indexOf(`\0${from}\0`, 0, 'latin1');
  if (at < 0) throw new Error(`Expected the binary to name ${from}`);
  bytes.write(to, at + 1, 'latin1');
  writeFileSync(project.binary, bytes);
}

test.serial('a whole package loads', (t) => {
  t.true(load().threads! >= 1);
});

const permission = process.versions.node.startsWith('20.') ? '--experimental-permission' : '--permission';

test.serial('Node.js told not to load addons: the option is named, and no build is advised', (t) => {
  const message = 'Node.js was started with --no-addons, which refuses native code: start it without that option.';
  for (const told of [load(['--no-addons']), load([], { NODE_OPTIONS: '--no-addons' })]) {
    t.is(told.code, 'ERR_NATIVE_LOAD');
    t.is(told.message, `fjordnet cannot load its native binary.\n${message}`);
  }
});

test.serial('an older Node.js: the version is named, and no build is advised', (t) => {
  writeFileSync(project.path('older.cjs'), 'delete process.getBuiltinModule;');
  const { code, message } = load(['--require', './older.cjs']);
  t.is(code, 'ERR_NATIVE_LOAD');
  t.is(message, `Expected Node.js 20.17, 22.3 or later, as fjordnet needs it, got ${process.versions.node}`);
});

test.serial('the permission model: the options that are missing are named, and are enough', (t) => {
  const files = ['--allow-fs-read=*'];
  t.is(
    load([permission, ...files]).message,
    `fjordnet cannot load its native binary.\nNode.js was started with ${permission} and without --allow-addons: add --allow-addons.`,
  );
  t.true(load([permission, ...files, '--allow-addons']).threads! >= 1);

  const some = [join(project.package, 'dist', '*'), join(project.package, 'package.json')];
  const flags = [
    permission,
    '--allow-addons',
    ...[...some, project.path('load.mjs')].map((path) => `--allow-fs-read=${path}`),
  ];
  const { code, message } = load(flags);
  t.is(code, 'ERR_NATIVE_LOAD', message);
  t.regex(message!, /^fjordnet cannot read its native binary\.\nNode\.js was started with .*: add --allow-fs-read=/);
  t.true(load([...flags, ...message!.match(/--allow-fs-read=\S+/g)!]).threads! >= 1);
});

test.serial('a variable and a folder that lead nowhere', (t) => {
  t.true(load([], { FJORDNET_NATIVE: relative(project.folder, project.binary) }).threads! >= 1);
  const nowhere = load([], { FJORDNET_NATIVE: project.path('none.node') });
  t.is(nowhere.code, 'ERR_NATIVE_LOAD');
  t.regex(nowhere.message!, /\nThe environment variable FJORDNET_NATIVE names .*none\.node, which does not exist\.$/);

  writeFileSync(project.path('other.node'), Buffer.concat([Buffer.from('MZ'), Buffer.alloc(510)]));
  const other = load([], { FJORDNET_NATIVE: project.path('other.node') });
  t.is(other.code, 'ERR_NATIVE_LOAD');
  t.regex(
    other.message!,
    /\nThe environment variable FJORDNET_NATIVE names .*other\.node, which does not load: .*\nLet it name another file, or unset it: the package's own is taken then\.$/,
  );
  t.notRegex(other.message!, /node_modules was copied|run build:native/);

  rmSync(join(project.package, 'prebuilds'), { recursive: true });
  const { message } = load();
  mkdirSync(join(project.binary, '..'), { recursive: true });
  t.regex(
    message!,
    /There is no build\/Release.*\nThe package has no folder prebuilds: it must be installed, or copied/,
  );
  t.regex(message!, BUILD);
});

test.serial('macOS without a build from source, with and without the package of its binaries', (t) => {
  const { version } = JSON.parse(readFileSync(join(project.package, 'package.json'), 'utf8'));
  const preload = project.path('mac.cjs');
  writeFileSync(preload, "Object.defineProperty(process, 'platform', { value: 'darwin' });");
  const message = () => load(['-r', preload], { FJORDNET_TRY_DARWIN: '1' }).message!;
  const line = `npm install -O fjordnet-darwin@${version.replaceAll('.', '\\.')}`;
  t.regex(
    message(),
    /\nThere is no build\/Release\/fjordnet\.node in .*\nThe binaries for macOS, built and not run by us, are in/,
  );
  t.regex(message(), new RegExp(`not installed: ${line}\nTo build one from source: .*\n\\(needs Xcode's`));

  const darwin = project.path('node_modules', 'fjordnet-darwin');
  const binary = join(darwin, 'prebuilds', `darwin-${process.arch}`, 'fjordnet.node');
  mkdirSync(join(binary, '..'), { recursive: true });
  writeFileSync(join(darwin, 'package.json'), '{ "version": "0.0.1-other" }');
  t.regex(
    message(),
    new RegExp(`\nExpected fjordnet-darwin to have the version ${version}, got 0.0.1-other: ${line}\n`),
  );

  writeFileSync(join(darwin, 'package.json'), JSON.stringify({ version }));
  copyFileSync(project.binary, binary);
  t.regex(
    load(['-r', preload]).message!,
    /: npx fjordnet try-darwin tries it and keeps it if it is right, FJORDNET_TRY_DARWIN=1 /,
  );
  t.true(load(['-r', preload], { FJORDNET_TRY_DARWIN: '1' }).threads! >= 1);
  rmSync(darwin, { recursive: true });
});

linux('another C library than glibc', (t) => {
  const preload = project.path('musl.cjs');
  const node = project.path('node-of-musl');
  writeFileSync(node, elfProgram('/lib/ld-musl-x86_64.so.1'));
  writeFileSync(preload, `Object.defineProperty(process, 'execPath', { value: ${JSON.stringify(node)} });`);
  const { message } = load(['-r', preload]);
  t.regex(message!, /^fjordnet has no working native binary for linux-x64, musl, Node\.js \d+\.\d+\.\d+\.\n/);
  t.regex(message!, /There is no build\/Release\/fjordnet\.node and no prebuilds\/linux-x64\/fjordnet\.musl\.node in /);
  t.regex(message!, /\nThe package has binaries for linux-x64 glibc\.\n/);
  t.regex(message!, BUILD);

  const musl = project.binary.replace('.glibc.', '.musl.');
  copyFileSync(project.binary, musl);
  rmSync(project.binary);
  t.true(load(['-r', preload]).threads! >= 1); // the file of the other name
  t.regex(load().message!, /\nThe package has binaries for linux-x64 musl\.\n/);
  rmSync(musl);
});

test('an ELF file is whole or not whatever its width and byte order', (t) => {
  for (const wide of [true, false])
    for (const big of [true, false]) {
      const bytes = Buffer.alloc(400);
      const write = (at: number, value: number, size: number) =>
        big ? bytes.writeUIntBE(value, at, size) : bytes.writeUIntLE(value, at, size);
      bytes.set([0x7f, 0x45, 0x4c, 0x46, wide ? 2 : 1, big ? 2 : 1]);
      write(18, 2, 2); // a processor that Node.js does not run on
      if (wide) write(big ? 42 : 40, 272, 6);
      else write(32, 272, 4);
      write(wide ? 58 : 46, 64, 2);
      write(wide ? 60 : 48, 2, 2);
      const file = project.path(`elf-${wide}-${big}`);
      writeFileSync(file, bytes);
      t.notThrows(() => checkBinary(file));
      truncateSync(file, 399);
      t.throws(() => checkBinary(file), { message: 'it has 399 bytes, and should have 400 or more' });
    }
});

const damages: Record<string, [damage: () => void, expected: RegExp]> = {
  'for another processor': [
    () => {
      const bytes = readFileSync(project.binary);
      bytes.writeUInt16LE(183, 18);
      writeFileSync(project.binary, bytes);
    },
    /does not load: it is for arm64, and this Node\.js is for x64\nnode_modules was copied from another machine/,
  ],
  'for macOS': [
    () => writeFileSync(project.binary, Buffer.from('cffaedfe0c000001', 'hex')),
    /does not load: it is a binary for macOS\nnode_modules was copied/,
  ],
  'for Windows': [
    () => writeFileSync(project.binary, 'MZ\x90\0'),
    /it is a binary for Windows\nnode_modules was copied/,
  ],
  'in Git LFS': [
    () => writeFileSync(project.binary, 'version https://git-lfs.github.com/spec/v1\n'),
    /it is a pointer of Git LFS, in place of the binary\nIts download or its copy is not whole/,
  ],
  'cut off': [
    () => truncateSync(project.binary, 1_000_000),
    /it has 1000000 bytes, and should have \d+ or more\nIts download or its copy is not whole: install the package anew\./,
  ],
  empty: [() => truncateSync(project.binary, 0), /it has 0 bytes, and should have 64 or more\nIts download/],
  'for a newer C library': [
    () => patch('GLIBC_2.14', 'GLIBC_9.99'),
    /\nThis system is older than the binary, which needs GLIBC_9\.99: use a newer system, or build from source/,
  ],
  'without the C++ library': [
    () => patch('libstdc++.so.6', 'libstdc++.so.9'),
    /\nThis system has no libstdc\+\+: install it \(Debian: apt-get install libstdc\+\+6/,
  ],
  'without another library': [
    () => patch('libgcc_s.so.1', 'libabc_s.so.1'),
    /\nThis system has no libabc_s\.so\.1, which the binary needs\./,
  ],
};

for (const [name, [damage, expected]] of Object.entries(damages))
  linux(`a binary that is ${name}`, (t) => {
    damage();
    const { code, message } = load();
    t.is(code, 'ERR_NATIVE_LOAD', message);
    t.regex(message!, expected);
    t.regex(message!, BUILD);
  });

linux('a folder mounted with noexec, and one that may not be read', (t) => {
  const mount = 'mount -t tmpfs -o noexec none "$1" && cp "$0" "$1/fjordnet.glibc.node" && shift && exec "$@"';
  const folder = join(project.binary, '..');
  const copy = project.path('copy.node');
  writeFileSync(copy, readFileSync(project.binary));
  const noexec = load([], {}, [...unshare, '--mount', 'sh', '-c', mount, copy, folder]);
  t.is(noexec.code, 'ERR_NATIVE_LOAD', noexec.message);
  t.regex(noexec.message!, /does not load: .*failed to map segment/);
  t.regex(noexec.message!, /\nIts folder may be mounted with the option noexec/);

  if (process.getuid!() === 0) return; // whom no permission stops
  chmodSync(project.binary, 0);
  t.regex(load().message!, /\nThis user may not read it/);
});
