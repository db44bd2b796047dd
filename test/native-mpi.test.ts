// native/mpi/ under AddressSanitizer, LeakSanitizer and ThreadSanitizer, where scripts/test runs this with them. What it gives,
// test/mpi.test.ts asks without them.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { root } from './helpers/packed.js';

// launchers leak, too: the ranks alone have the sanitizer
const preloaded = process.env.LD_PRELOAD ?? '';
delete process.env.LD_PRELOAD;
const { launchers, run } = await import('./helpers/mpirun.js');

const child = fileURLToPath(new URL('helpers/children/mpi.js', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'fjordnet-native-mpi-'));
test.after.always(() => rmSync(folder, { recursive: true }));

const isAddress = preloaded.includes('libasan');
const isSanitized = isAddress || preloaded.includes('libtsan');
if (!isSanitized || launchers.length === 0)
  test('without a sanitizer, or without MPI', (t) => t.pass('scripts/test runs this with both'));

/** What a rank runs under. */
function environment(): string[] {
  if (!isAddress) return [`LD_PRELOAD=${preloaded}`];
  const kept = join(folder, 'keep-loaded.so');
  execFileSync('g++', ['-shared', '-fPIC', join(root, 'test', 'native', 'keep-loaded.cc'), '-o', kept]);
  return [
    `LD_PRELOAD=${preloaded}:${kept}`,
    `LSAN_OPTIONS=suppressions=${join(root, 'scripts', 'lsan-suppressions.txt')}:print_suppressions=0`,
  ];
}

const WAYS: [how: string, code: number, said: number][] = [
  ['calls', 0, 2],
  ['messages', 0, 2],
  ['exit-in-call', 3, 0],
];
if (isSanitized)
  for (const { name, command, options } of launchers)
    for (const [how, expected, lines] of WAYS)
      test.serial(`${name}: ${how}, sanitized`, async (t) => {
        const { code, said, stderr } = await run(t, (mark) => [
          ...[command, ...options, '-n', '2', 'env', ...environment()],
          ...[process.execPath, child, mark, how],
        ]);
        t.is(code, expected, stderr);
        t.is(said.length, lines);
        t.notRegex(stderr, /Sanitizer|runtime error/);
      });
