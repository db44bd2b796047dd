// The binaries for macOS, which nothing here can run: what stands in them, and the command that tries them on a Mac.
import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { trial } from '../dist/cli/commands/try-darwin.js';
import { type Tried, tryDarwin } from '../dist/cli/darwin-trial.js';
import type { CommandError } from '../dist/cli/errors.js';
import { darwinBinary, darwinChoice, darwinFile } from '../dist/darwin.js';
import { npm, root, Sandbox } from './helpers/packed.js';

const folder = mkdtempSync(join(tmpdir(), 'fjordnet-darwin-'));
test.after.always(() => rmSync(folder, { recursive: true }));

const manifestOf = (place: string) => JSON.parse(readFileSync(join(place, 'package.json'), 'utf8'));

interface Platform {
  name: string;
  check(file: string): string[];
}

const load = async () => {
  const path = (name: string) => join(root, 'scripts', 'platforms', name);
  const { binariesOf, platforms } = await import(path('index.js'));
  const { readMacho } = await import(path('macho.js'));
  return { binariesOf, platforms: platforms as Platform[], readMacho };
};

for (const arch of ['arm64', 'x64']) {
  const addon = join(root, 'fjordnet-darwin', 'prebuilds', `darwin-${arch}`, 'fjordnet.node');
  const built = existsSync(addon) ? test : test.skip;

  built(
    `the binaries for macOS on ${arch} are what dyld wants, where they are built (npm run prebuild darwin)`,
    async (t) => {
      const { binariesOf, platforms } = await load();
      const platform = platforms.find(({ name }) => name === `darwin-${arch}`)!;
      for (const file of binariesOf(platform)) t.deepEqual(platform.check(file), [], file);
    },
  );

  built(`one for macOS on ${arch} is refused for what is not as signed, and for what it should not have`, async (t) => {
    const { platforms, readMacho } = await load();
    const { check } = platforms.find(({ name }) => name === `darwin-${arch}`)!;
    const original = readFileSync(addon);
    const checked = (content: Buffer) => {
      const file = join(folder, `${arch}.node`);
      writeFileSync(file, content);
      return check(file);
    };
    const edited = (edit: (file: Buffer) => void) => {
      const copy = Buffer.from(original);
      edit(copy);
      return checked(copy);
    };
    const byte = (at: number, value: number) => (file: Buffer) => file.writeUInt8(value, at);
    const word = (at: number, value: number) => (file: Buffer) => file.writeUInt32LE(value, at);
    const flip = (at: number) => byte(at, original[at] ^ 1);
    /** Puts a text of the same length in place of another, wherever that is. */
    const rename = (from: string, to: string) => (file: Buffer) => {
      t.true(file.includes(from), from);
      for (let at = file.indexOf(from); at >= 0; at = file.indexOf(from, at)) file.write(to, at, 'latin1');
    };
    /** Where a load command lies. */
    const command = (number: number) => {
      let at = 32;
      while (original.readUInt32LE(at) !== number) at += original.readUInt32LE(at + 4);
      return at;
    };
    const [ID, UUID, CODE_SIGNATURE, BUILD_VERSION, SOURCE_VERSION] = [0xd, 0x1b, 0x1d, 0x32, 0x2a];
    const { flags, segments, signature } = readMacho(original);

    t.deepEqual(checked(original), []);
    if (arch === 'arm64') {
      for (const at of [segments[0].filesize >> 1, command(ID) + 8, signature.offset - 1])
        t.deepEqual(
          edited(flip(at)).map((one) => one.replace(/\d+/, 'N')),
          ['has page N not as signed'],
          `${at}`,
        );
      const hashes = signature.offset + signature.bytes.length - 40;
      t.regex(edited(flip(hashes)).join(), /^has page \d+ not as signed$/);
      t.deepEqual(edited(word(command(CODE_SIGNATURE), SOURCE_VERSION)), ['is not signed']);
    }
    t.is(checked(Buffer.concat([original, Buffer.alloc(1)]))[0], 'does not end with __LINKEDIT');
    t.regex(checked(original.subarray(0, -1)).join(), /^has \d+ bytes, and should have \d+$/);

    for (const [problem, edit] of [
      ['exports __mh_dylib_headeX', rename('h_dylib_header', 'h_dylib_headeX')],
      ['does not export _napi_register_module_v1', rename('register_module_v1', 'register_module_v2')],
      ['needs _napi_create_objecX', rename('_napi_create_object\0', '_napi_create_objecX\0')],
      ['needs _mallox', rename('_malloc\0', '_mallox\0')],
      ['needs /usr/lib/libSystem.X.dylib', rename('libSystem.B.dylib', 'libSystem.X.dylib')],
      ['is for macOS 14.0 and later', word(command(BUILD_VERSION) + 12, 14 << 16)],
      ['shares weak symbols with other libraries', word(24, flags | 0x8000)],
      [`is for ${arch === 'x64' ? 'arm64' : 'x64'}`, byte(4, original[4] ^ 0x07 ^ 0x0c)],
      ['has no UUID', word(command(UUID), SOURCE_VERSION)],
      ['has the segment __TEXT writable and executable', byte(32 + 60, 7)],
      ['not a thin 64-bit Mach-O file', byte(0, 0)],
    ] as [string, (file: Buffer) => void][]) {
      const problems = edited(edit);
      t.true(problems.includes(problem), `${problem}: ${problems.join('; ')}`);
    }
  });
}

const linux = process.platform === 'linux' ? test : test.skip;

/** A project with our package, and with fjordnet-darwin where there is a file that is to be its binary. */
function mac(name: string, binary?: string, version = '1.2.3') {
  const packages = join(folder, name, 'node_modules');
  const system = { platform: 'darwin', arch: 'arm64', root: join(packages, 'fjordnet') };
  const place = join(packages, 'fjordnet-darwin');
  mkdirSync(system.root, { recursive: true });
  writeFileSync(join(system.root, 'package.json'), '{ "version": "1.2.3" }');
  if (binary) {
    mkdirSync(join(place, 'prebuilds', 'darwin-arm64'), { recursive: true });
    writeFileSync(join(place, 'package.json'), JSON.stringify({ version }));
    copyFileSync(binary, join(place, 'prebuilds', 'darwin-arm64', 'fjordnet.node'));
  }
  return { system, binary: join(place, 'prebuilds', 'darwin-arm64', 'fjordnet.node') };
}

const right = (): Tried => ({ output: 'all is well\n' });

test('a binary that passes is used from then on, one that fails is not, on a Mac', (t) => {
  const { system, binary } = mac('decides', import.meta.filename);
  for (const value of [undefined, '', '0']) t.is(darwinFile(system, { FJORDNET_TRY_DARWIN: value }), undefined);
  t.regex(tryDarwin(system, right), /^all is well\n.*fjordnet\.node works here\.\nIt is used from now on/);
  t.is(darwinFile(system, {}), binary);
  t.notRegex(tryDarwin(system, right), /goes before it/);
  mkdirSync(join(system.root, 'build', 'Release'), { recursive: true });
  writeFileSync(join(system.root, 'build', 'Release', 'fjordnet.node'), '');
  t.regex(tryDarwin(system, right), /\nThe build in .*build goes before it: remove that folder\.\n/);

  const { exitCode, message } = t.throws(() =>
    tryDarwin(system, () => ({ wrong: 'its self-test failed', output: 'golden: 3 of 4\n' })),
  ) as CommandError;
  t.is(exitCode, 1);
  t.regex(
    message,
    /does not work here: its self-test failed\.\nIt said:\ngolden: 3 of 4\nIt is not used\. .*build:native\nPlease/,
  );
  t.is(darwinFile(system, {}), undefined);
  t.is(darwinFile(system, { FJORDNET_TRY_DARWIN: '1' }), binary);
});

test('where the choice cannot be kept, the environment variable is named', (t) => {
  const { system, binary } = mac('read-only', import.meta.filename);
  mkdirSync(darwinChoice(binary));
  t.regex(
    tryDarwin(system, right),
    /\nSet FJORDNET_TRY_DARWIN=1 to use it: .*chosen could not be written \(it is a folder\)\.\n/,
  );
});

test('without the package, or with one of another version, its line is said; on another system there is nothing to try', (t) => {
  const asked = { FJORDNET_TRY_DARWIN: '1' };
  for (const [{ system }, expected] of [
    [mac('none'), 'The binaries for macOS, built and not run by us, are in a package that is not installed: '],
    [mac('old', import.meta.filename, '1.2.2'), 'Expected fjordnet-darwin to have the version 1.2.3, got 1.2.2: '],
  ] as const) {
    const { exitCode, message } = t.throws(() => tryDarwin(system, right)) as CommandError;
    t.is(exitCode, 5);
    const build = `To build one from source: npm --prefix "${system.root}" run build:native`;
    t.is(message, `${expected}npm install -O fjordnet-darwin@1.2.3\n${build}`);
    t.is(darwinFile(system, asked), undefined);
  }
  const { system } = mac('one processor', import.meta.filename);
  t.regex(
    darwinBinary({ ...system, arch: 'x64' }).missing!,
    /^There is no .*darwin-x64.*: install fjordnet-darwin anew$/,
  );
  t.is(darwinFile({ ...system, arch: 'x64' }, asked), undefined);
  const other = t.throws(() => tryDarwin({ ...system, platform: 'win32' }, right)) as CommandError;
  t.is(other.exitCode, 2);
  t.regex(other.message, /^Expected macOS, got win32: /);
});

test('the line is that of the package manager whose lockfile is there', (t) => {
  const { system } = mac('lines');
  const before = process.cwd();
  for (const [lockfile, line] of [
    ['pnpm-lock.yaml', 'pnpm add -O fjordnet-darwin@1.2.3'],
    ['yarn.lock', 'yarn add -O fjordnet-darwin@1.2.3'],
    ['bun.lock', 'bun add --optional fjordnet-darwin@1.2.3'],
    ['deno.lock', 'deno add -O npm:fjordnet-darwin@1.2.3'],
  ]) {
    const project = join(folder, lockfile.replace('.', ' '));
    mkdirSync(project);
    writeFileSync(join(project, lockfile), '');
    process.chdir(project);
    const { missing } = darwinBinary(system);
    process.chdir(before);
    t.true(missing!.endsWith(`not installed: ${line}`), missing);
  }
});

linux('the command needs no native code, and on another system than macOS says so in a sentence', (t) => {
  const fjordnet = (...args: string[]) =>
    spawnSync(process.execPath, [join(root, 'dist', 'cli', 'main.js'), ...args], {
      encoding: 'utf8',
      env: { ...process.env, FJORDNET_NATIVE: join(folder, 'none.node') },
    });
  t.is(fjordnet('--help').status, 0);
  const { status, stderr } = fjordnet('try-darwin');
  t.is(status, 2);
  t.regex(stderr, /^fjordnet: Expected macOS, got linux: .*\n$/);
});

linux('the trial runs a binary in a process of its own, which it may end', (t) => {
  t.regex(tryDarwin(mac('runs', join(root, 'build', 'Release', 'fjordnet.node')).system, trial), / works here\.\n/);
  t.throws(() => tryDarwin(mac('garbage', import.meta.filename).system, trial), { message: /its self-test failed/ });

  const [source, crashing] = [join(folder, 'crash.cc'), join(folder, 'crash.node')];
  writeFileSync(source, '#include <cstdlib>\n__attribute__((constructor)) static void start() { std::abort(); }');
  execFileSync('g++', ['-shared', '-fPIC', source, '-o', crashing]);
  t.throws(() => tryDarwin(mac('crashes', crashing).system, trial), {
    message: /: it ends the process with SIGABRT\.\n/,
  });
});

linux(
  'npm leaves the package out on another system than macOS, and puts it where it is looked for on a Mac',
  async (t) => {
    const sandbox = new Sandbox();
    try {
      const place = sandbox.path('fjordnet-darwin');
      const { writeDarwinPackage } = await import(join(root, 'scripts', 'platforms', 'darwin-package.js'));
      writeDarwinPackage(place);
      mkdirSync(join(place, 'prebuilds', 'darwin-arm64', 'mpi'), { recursive: true });
      for (const name of ['fjordnet.node', 'mpi/fjordnet_mpi.node', 'chosen'])
        writeFileSync(join(place, 'prebuilds', 'darwin-arm64', name), '');
      const [tarballs, version] = [[sandbox.pack(), sandbox.pack(place)], manifestOf(root).version];
      const app = sandbox.project('app');
      const installed = (...options: string[]) => {
        const args = ['install', '-O', ...tarballs, '--offline', '--no-audit', '--no-fund', ...options];
        const { status, stderr } = sandbox.node([npm, ...args], { cwd: app });
        t.is(status, 0, stderr);
        return darwinBinary({ platform: 'darwin', arch: 'arm64', root: join(app, 'node_modules', 'fjordnet') });
      };
      t.regex(installed().missing!, new RegExp(`not installed: npm install -O fjordnet-darwin@${version}$`));
      const { file } = installed('--os=darwin', '--cpu=arm64');
      t.is(file, join(app, 'node_modules', 'fjordnet-darwin', 'prebuilds', 'darwin-arm64', 'fjordnet.node'));
      t.true(existsSync(join(file!, '..', 'mpi', 'fjordnet_mpi.node')));
      t.false(existsSync(darwinChoice(file!)), 'nobody has tried it there');
    } finally {
      sandbox.remove();
    }
  },
);

test('the optional peer dependency has our version', (t) => {
  const { version, peerDependencies, peerDependenciesMeta } = manifestOf(root);
  t.is(peerDependencies['fjordnet-darwin'], version);
  t.true(peerDependenciesMeta['fjordnet-darwin'].optional);
});
