// Searches of real MPI jobs: what one process finds; and going on after a rank was killed.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { launchers } from './helpers/mpirun.js';

const child = fileURLToPath(new URL('helpers/children/searches.js', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'fjordnet-search-mpi-'));
test.after.always(() => rmSync(folder, { recursive: true }));

/** The code of a job, and what its ranks have found, in their order. */
function run([command, ...options]: string[], how: string, ...args: string[]) {
  const { FJORDNET_MPI: _, ...env } = process.env;
  const own = mkdtempSync(join(folder, 'found-'));
  const { status, stderr } = spawnSync(command, [...options, child, how, own, ...args], {
    ...{ encoding: 'utf8', env, stdio: ['ignore', 'pipe', 'pipe'], timeout: 120_000 },
  });
  const found = readdirSync(own)
    .sort()
    .map((name) => JSON.parse(readFileSync(join(own, name), 'utf8')));
  return { status, found, stderr };
}

const alone = (...args: string[]) => run([process.execPath], 'alone', ...args).found[0];

for (const [i, { name, command, options }] of launchers.entries()) {
  const ranks = (n: number, how: string, ...args: string[]) =>
    run([command, ...options, '-n', String(n), process.execPath], how, ...args);

  test.serial(`${name}: all searches find what one process does`, (t) => {
    const own = alone();
    for (const n of [2, 3]) {
      const { status, found, stderr } = ranks(n, 'all');
      t.is(status, 0, stderr);
      t.deepEqual(found, new Array(n).fill(own));
    }
  });

  test.serial(`${name}: other grids are refused on all ranks`, (t) => {
    const { status, found, stderr } = ranks(3, 'refused');
    t.is(status, 0, stderr);
    const sentence = 'Expected the same search on every rank, got another value of points on rank 1 than on rank 0';
    t.deepEqual(found, [sentence, sentence, sentence]);
  });

  test.serial(`${name}: a killed rank ends the job, and its journal goes on`, (t) => {
    const journal = join(folder, `${i}.jsonl`);
    const { status, found } = ranks(2, 'killed', journal);
    t.not(status, 0);
    t.deepEqual(found, []);
    const done = readFileSync(journal, 'utf8').trimEnd().split('\n').length - 1;
    t.is(done, 5);
    const [results, all] = alone(join(folder, `${i}-alone.jsonl`));
    const again = ranks(2, 'again', journal);
    t.is(again.status, 0, again.stderr);
    t.deepEqual(again.found, [
      [results, all - done],
      [results, 0],
    ]);
  });
}

if (launchers.length === 0) test('without MPI', (t) => t.pass('apt-get install openmpi-bin mpich'));
