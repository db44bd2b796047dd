// One rank of a job of test/mpi-memory.test.ts: it allocates while MPI starts.
import { setImmediate as turn } from 'node:timers/promises';
import { mpi } from 'fjordnet/mpi';

let isStarted = false;
const starting = mpi.init({ timeout: 60_000 }).finally(() => {
  isStarted = true;
});
const kept: Uint8Array[] = [];
while (!isStarted) {
  for (const end = performance.now() + 5; performance.now() < end; ) kept.push(new Uint8Array(20_000).fill(1)); // of the heap that brk moves
  if (kept.length > 3000) kept.length = 0;
  await turn();
}
for (const array of kept) array.fill(2);
await starting;
