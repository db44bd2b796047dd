// Ranks on two hosts, over TCP: network namespaces of this machine. That they train what one process trains, and that a job ends whatever
// becomes of a rank or the cable.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { Sequential } from 'fjordnet';
import { type Ended, TwoHosts } from './helpers/hosts.js';
import { trainOnHosts } from './helpers/hosts-training.js';

const child = fileURLToPath(new URL('helpers/children/hosts.js', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'fjordnet-ranks-hosts-'));
test.after.always(() => rmSync(folder, { recursive: true }));

const found = (command: string) => spawnSync(command, ['--version']).error === undefined;
const COMMANDS = { openmpi: 'mpirun.openmpi', mpich: 'mpiexec.hydra' } as const;
const LIMIT = 3000;
/** Of starting two processes, and of ending them, in seconds. */
const SLACK = 25;

const missing = TwoHosts.missing();
for (const name of ['openmpi', 'mpich'] as const) {
  const reason = found(COMMANDS[name]) ? missing : `no ${COMMANDS[name]}: apt-get install openmpi-bin mpich`;
  const on = reason ? test.skip : test.serial;
  if (reason) console.error(`ranks on two hosts by ${name}: skipped, ${reason}`);

  on(`${name}: two hosts train what one process trains with the batch of both`, async (t) => {
    const { code, stdout, stderr } = await job(t, name, 'finish');
    t.is(code, 0, stderr);
    const seen = JSON.parse(stdout.split('\n').find((line) => line.startsWith('{'))!);
    const alone = await trainOnHosts({ batchSize: 16, epochs: 5 });
    const numbers = ({ history, weights }: typeof alone) => [...Object.values(history).flat(), ...weights.flat()];
    const [ours, expected] = [numbers(seen), numbers(alone)];
    t.is(ours.length, expected.length);
    for (const [i, value] of expected.entries())
      t.true(Math.abs(ours[i] - value) <= 1e-12 * Math.max(1, Math.abs(value)), `${ours[i]} is not ${value}`);
  });

  on(`${name}: a rank that is killed on the other host ends the job, and the checkpoint is whole`, async (t) => {
    const { code, seconds } = await job(t, name, 'kill');
    t.not(code, 0);
    t.true(seconds < SLACK, `${seconds} s`);
    await t.notThrowsAsync(Sequential.load(join(folder, `${name}-kill.safetensors`)));
  });

  on(`${name}: a cable that is cut ends the job within the time limit, on both hosts`, async (t) => {
    const { code, stderr, seconds } = await job(t, name, 'cut', (hosts) => hosts.cutCable());
    t.is(code, 70, stderr);
    const limit = `for ${LIMIT / 1000} s, the limit that mpi\\.init\\(\\{ timeout \\}\\) sets`;
    t.regex(stderr, new RegExp(`fjordnet: rank 0 of 2 on \\S+ has waited for other ranks in .* ${limit}`));
    t.true(seconds < LIMIT / 1000 + SLACK, `${seconds} s`);
    await t.notThrowsAsync(Sequential.load(join(folder, `${name}-cut.safetensors`)));
  });
}

/** Runs the child on two hosts of its own, and sees that nothing is left on them. @param training what to do once it trains */
async function job(
  t: ExecutionContext,
  name: 'openmpi' | 'mpich',
  how: string,
  training?: (hosts: TwoHosts) => void,
): Promise<Ended> {
  t.timeout(120_000);
  const hosts = new TwoHosts();
  try {
    const file = join(folder, `${name}-${how}.safetensors`);
    const command = hosts.command(name, process.execPath, child, how, String(LIMIT), file);
    let isTraining = false;
    const ended = await hosts.run(command, (stdout) => {
      if (isTraining || !stdout.includes('training')) return;
      isTraining = true;
      training?.(hosts);
    });
    t.true(isTraining, ended.stderr);
    t.deepEqual(await hosts.left(), [], 'nothing is left running');
    return ended;
  } finally {
    hosts.remove();
  }
}
