// Which of the package's binaries fits a system: of any platform, tried on this one.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import test from 'ava';
import { glibcVersion, type Libc, libc, libcOf, prebuiltFile, type System } from '../dist/prebuilt.js';
import { elfProgram } from './helpers/elf-program.js';

const folder = mkdtempSync(join(realpathSync(tmpdir()), 'fjordnet-prebuilt-'));
test.after.always(() => rmSync(folder, { recursive: true, force: true }));

const PUBLISHED = [
  'linux-x64/fjordnet.glibc.node',
  'linux-x64/fjordnet.musl.node',
  'linux-arm64/fjordnet.glibc.node',
  'win32-x64/fjordnet.node',
];

/** A package with those binaries. */
function packageWith(name: string, files: readonly string[]): string {
  const root = join(folder, name);
  for (const file of files) {
    mkdirSync(dirname(join(root, 'prebuilds', file)), { recursive: true });
    writeFileSync(join(root, 'prebuilds', file), '');
  }
  return root;
}

const all = packageWith('all', PUBLISHED);
const chosen = (platform: string, arch: string, more: Partial<System> = {}) =>
  prebuiltFile({ platform, arch, root: all, ...more })
    ?.slice(join(all, 'prebuilds').length + 1)
    .replaceAll('\\', '/');

test('the binary of the platform, the processor and the C library, and no other', (t) => {
  t.is(chosen('linux', 'x64', { libc: 'glibc' }), PUBLISHED[0]);
  t.is(chosen('linux', 'x64', { libc: 'musl' }), PUBLISHED[1]);
  t.is(chosen('linux', 'x64'), PUBLISHED[0]);
  t.is(chosen('linux', 'arm64', { libc: 'glibc' }), PUBLISHED[2]);
  t.is(chosen('linux', 'arm64', { libc: 'musl' }), undefined);
  t.is(chosen('win32', 'x64'), PUBLISHED[3]);
  for (const [platform, arch] of ['linux riscv64', 'win32 arm64', 'freebsd x64'].map((name) => name.split(' ')))
    t.is(chosen(platform, arch), undefined, platform);
});

test('the C library of a program is what its loader belongs to', (t) => {
  const loaders: Record<string, Libc | undefined> = {
    '/lib/ld-musl-x86_64.so.1': 'musl',
    '/lib/ld-musl-aarch64.so.1': 'musl',
    '/lib64/ld-linux-x86-64.so.2': 'glibc',
    '/lib/ld-linux-aarch64.so.1': 'glibc',
    '/nix/store/abc-glibc-2.40/lib/ld-linux-x86-64.so.2': 'glibc',
    '/lib64/ld64.so.2': 'glibc', // PowerPC
    '/lib/ld.so.1': 'glibc',
    '/system/bin/linker64': undefined, // Android
    '': undefined,
  };
  for (const [loader, expected] of Object.entries(loaders)) {
    const file = join(folder, 'program');
    writeFileSync(file, elfProgram(loader));
    t.is(libcOf(file), expected, loader);
  }
  const broken = join(folder, 'broken');
  for (const bytes of [
    Buffer.from('#!/bin/sh\n'),
    Buffer.alloc(0),
    elfProgram('/lib/ld-musl-x86_64.so.1').subarray(0, 80),
  ]) {
    writeFileSync(broken, bytes);
    t.is(libcOf(broken), undefined);
  }
  t.is(libcOf(join(folder, 'none')), undefined);
});

const onLinux = process.platform === 'linux' ? test : test.skip;

onLinux('both ways to tell the C library agree on this one, and nothing of process.report is left changed', (t) => {
  const report = process.report as { excludeNetwork?: boolean };
  const before = report.excludeNetwork;
  t.is(libcOf(process.execPath), glibcVersion() === '' ? 'musl' : 'glibc');
  t.is(libc(), libcOf(process.execPath));
  t.is(report.excludeNetwork, before);
});

onLinux(
  'where the runtime’s own binary tells nothing, process.report does; where that is missing too, it is glibc',
  (t) => {
    const told = (preload: string) => {
      const program = `Object.defineProperty(process, 'execPath', { value: ${JSON.stringify(join(folder, 'none'))} });
      ${preload}
      import(${JSON.stringify(new URL('../dist/prebuilt.js', import.meta.url).href)}).then(({ libc }) => console.log(libc()));`;
      const { stdout, stderr } = spawnSync(process.execPath, ['-e', program], { encoding: 'utf8' });
      return stdout.trim() || stderr;
    };
    t.is(told(''), libc()!);
    t.is(told('process.report.getReport = () => ({ header: {} });'), 'musl');
    t.is(told("process.report.getReport = () => ({ header: { glibcVersionRuntime: '2.99' } });"), 'glibc');
    t.is(told("Object.defineProperty(process, 'report', { value: undefined });"), 'glibc');
    t.is(told('process.report.getReport = () => ({});'), 'glibc');
  },
);
