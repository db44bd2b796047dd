import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { launchers } from './helpers/mpirun.js';

const child = fileURLToPath(new URL('helpers/children/mpi-memory.js', import.meta.url));
/** One of six starts crashed before. */
const STARTS = 6;

for (const { name, command, options } of launchers)
  test.serial(`${name} starts beside a thread that allocates`, (t) => {
    t.timeout(180_000);
    for (let i = 0; i < STARTS; i++) {
      const { status, stderr } = spawnSync(command, [...options, '-n', '2', process.execPath, child], {
        encoding: 'utf8',
      });
      t.is(status, 0, stderr);
    }
  });

if (launchers.length === 0) test('without MPI', (t) => t.pass('apt-get install openmpi-bin mpich'));
