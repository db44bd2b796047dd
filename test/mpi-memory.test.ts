import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import test from 'ava';

const child = fileURLToPath(new URL('helpers/children/mpi-memory.js', import.meta.url));
const LAUNCHERS = {
  'Open MPI': ['mpirun.openmpi', '--allow-run-as-root', '--oversubscribe', '--mca', 'mpi_yield_when_idle', '1'],
  MPICH: ['mpirun.mpich'],
};
/** One of six starts crashed before. */
const STARTS = 15;

for (const [name, [command, ...options]] of Object.entries(LAUNCHERS)) {
  const on = spawnSync(command, ['--version']).error ? test.skip : test.serial;
  on(`${name} starts beside a thread that allocates`, (t) => {
    t.timeout(180_000);
    for (let i = 0; i < STARTS; i++) {
      const { status, stderr } = spawnSync(command, [...options, '-n', '2', process.execPath, child], {
        encoding: 'utf8',
      });
      t.is(status, 0, stderr);
    }
  });
}
