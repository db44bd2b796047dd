// One rank of a job of test/ranks-hosts.test.ts. Its arguments: what becomes of the job, the time limit in milliseconds, a file to save to.
// Rank 0 prints its history and weights.
import { callbacks } from 'fjordnet';
import { mpi } from 'fjordnet/mpi';
import { trainOnHosts } from '../hosts-training.js';

const [, , how, limit, file] = process.argv;
const world = await mpi.init({ timeout: Number(limit) });
const isLast = world.rank === world.size - 1;
const says = world.rank === 0;
const { history, weights } = await trainOnHosts({
  batchSize: 8,
  distributed: world,
  epochs: how === 'finish' ? 5 : 1e6,
  callbacks: [
    callbacks.modelCheckpoint({ filepath: file }),
    {
      async onEpochEnd(epoch) {
        if (epoch === 3 && says) process.stdout.write('training\n');
        if (epoch === 50 && how === 'kill' && isLast) process.kill(process.pid, 'SIGKILL');
      },
    },
  ],
});
if (says) process.stdout.write(`${JSON.stringify({ history, weights, hostname: world.hostname })}\n`);
