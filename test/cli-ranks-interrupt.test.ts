// The command line under mpirun, interrupted: Open MPI gives its processes a second, so nothing else runs beside this.
import test from 'ava';
import { flowersCsv, lastDocument } from './helpers/cli.js';
import { launchers } from './helpers/mpirun.js';
import { job, place } from './helpers/ranked-cli.js';

test.after.always(() => place.remove());
test.before(() => {
  place.write('flowers.csv', flowersCsv(150));
});

for (const [i, { name, family, command: file, options }] of launchers.entries()) {
  const command = [file, ...options];
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    test.serial(`${name}: ${signal} of mpirun saves the network, and one process goes on`, async (t) => {
      const saved = `${i}-${signal}.safetensors`;
      const args = ['train', 'digits', '--epochs', '10000000', '--json', '-q', '--save', saved];
      const { codes, documents, stderr } = await job(command, args, { ranks: 2, begun: (kill) => kill(signal) });
      // Open MPI makes SIGTERM of every signal, and ends what is not over a second later, MPI's own end included
      const by = family === 'MPICH' ? signal : 'SIGTERM';
      if (family === 'MPICH') t.deepEqual(codes, Array(2).fill(by === 'SIGINT' ? 130 : 143), stderr);
      const { epochs, history } = JSON.parse((await place.run('info', saved, '--json')).stdout).run;
      for (const values of Object.values(history.history) as number[][]) t.true(values.every(Number.isFinite));
      if (family === 'MPICH') {
        // what Open MPI reads no more of
        t.is(stderr.split('To go on: fjordnet train --resume').length, 2, stderr);
        t.like(documents.at(-1), { type: 'stopped', by, saved, epochs });
      }
      const again = await place.run('train', '--resume', saved, '--epochs', String(epochs + 1), '--json', '-q');
      t.is(again.code, 0, again.stderr);
      t.is(lastDocument(again.stdout).epochs, epochs + 1);
    });
}
