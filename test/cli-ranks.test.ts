import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import test, { type ExecutionContext } from 'ava';
import { Sequential } from 'fjordnet';
import { flowersCsv, MAIN } from './helpers/cli.js';
import { launchers } from './helpers/mpirun.js';
import { documentsOf, job, place } from './helpers/ranked-cli.js';

test.after.always(() => place.remove());
test.before(() => {
  place.write('flowers.csv', flowersCsv(150));
});

/** Open MPI ends by SIGTERM whom it finds running when another has ended with a code. */
function checkCodes(t: ExecutionContext, family: string, codes: readonly number[], expected: number): void {
  const others = family === 'Open MPI' ? [143] : [];
  t.true(
    codes.includes(expected) && codes.every((code) => code === expected || others.includes(code)),
    codes.join(', '),
  );
}

/** Equal but for the times. */
function checkSame(t: ExecutionContext, got: any, expected: any, tolerance: number, path = ''): void {
  if (typeof expected === 'number' && !/seconds$/.test(path))
    t.true(Math.abs(got - expected) <= tolerance * Math.max(1, Math.abs(expected)), `${path}: ${got}, ${expected}`);
  else if (typeof expected === 'object') {
    t.deepEqual(Object.keys(got), Object.keys(expected), path);
    for (const key of Object.keys(expected)) checkSame(t, got[key], expected[key], tolerance, `${path}.${key}`);
  } else t.is(typeof got, typeof expected, path);
}

const withoutLibrary = 'FJORDNET_MPI=/nowhere.so exec "$0" "$@"';

for (const launcher of launchers) {
  const { name, family } = launcher;
  const command = [launcher.command, ...launcher.options];
  const trainings = [
    ['of mlp', 'flowers.csv --epochs 4 --dropout 0.2 --patience 2', 3, 1e-6],
    ['of cnn', 'digits --model cnn --epochs 2', 2, 1e-6],
    ['of sklearn', 'digits --model sklearn --epochs 3 --batch-size 40', 2, 1e-9],
  ] as const;
  for (const [what, args, ranks, tolerance] of trainings)
    test.serial(`${name}: a training ${what} is that of one process with the batch of all`, async (t) => {
      const own = ['train', ...args.split(' '), '--json', '-q'];
      const at = own.indexOf('--batch-size');
      const batch = at < 0 ? 32 : Number(own.splice(at, 2)[1]);
      const alone = await place.run(...own, '--batch-size', String(batch * ranks), '--save', 'alone.safetensors');
      t.is(alone.code, 0, alone.stderr);
      const all = await job(command, [...own, '--batch-size', String(batch), '--save', 'all.safetensors'], { ranks });
      t.is(all.code, 0, all.stderr);
      t.deepEqual(all.codes, Array(ranks).fill(0));
      t.is(all.documents.length, documentsOf(alone.stdout).length);
      for (const [i, document] of documentsOf(alone.stdout).entries()) {
        const saved = document.type === 'result' ? { saved: 'all.safetensors' } : {};
        checkSame(t, all.documents[i], { ...document, ...saved }, tolerance);
      }
      const [expected, got] = await Promise.all(
        ['alone', 'all'].map((file) => Sequential.load(place.path(`${file}.safetensors`))),
      );
      for (const [i, { data }] of expected.getWeights().entries())
        for (const [k, value] of got.getWeights()[i].data.entries())
          t.true(Math.abs(value - data[k]) <= 30 * tolerance, `weight ${i} at ${k}: ${value}, ${data[k]}`);
    });

  test.serial(`${name}: report, event files and words are those of rank 0, and fewer ranks go on`, async (t) => {
    const { code, stdout, stderr } = await job(
      command,
      'train flowers.csv --epochs 3 --save first.safetensors --report first.html --tensorboard events'.split(' '),
      { ranks: 3 },
    );
    t.is(code, 0, stderr);
    for (const words of ['Trained for 3 epochs', 'Test accuracy', 'Report: first.html', 'Saved: first.safetensors'])
      t.is(stdout.split(words).length, 2, stdout);
    t.is(stderr.split('3 ranks, each on 32 samples of a batch').length, 2, stderr);
    t.true(existsSync(place.path('events/train')));
    t.regex(readFileSync(place.path('first.html'), 'utf8'), /<svg/);
    const resume = ['train', '--resume', 'first.safetensors', '--epochs', '5', '--json', '-q'];
    const again = await job(command, resume, { ranks: 2 });
    t.is(again.code, 0, again.stderr);
    t.deepEqual(
      again.documents.map(({ type, epoch, epochs }) => [type, epoch ?? epochs]),
      [
        ['epoch', 4],
        ['epoch', 5],
        ['result', 5],
      ],
    );
  });

  for (const model of ['mlp', 'lecture'])
    test.serial(`${name}: a grid of ${model} among ranks is that of one process`, async (t) => {
      const searched = '--epochs 3 --search hidden=4,8,12 --search l2=0,0.1 --json -q --save';
      const args = `grid flowers.csv --model ${model} ${searched}`.split(' ');
      const alone = await place.run(...args, 'alone.json');
      t.is(alone.code, 0, alone.stderr);
      const { code, codes, documents, stderr } = await job(command, [...args, 'all.json'], { ranks: 3 });
      t.deepEqual([code, codes], [0, [0, 0, 0]], stderr);
      t.is(documents.length, 7);
      const [expected, got] = ['alone', 'all'].map((file) =>
        JSON.parse(readFileSync(place.path(`${file}.json`), 'utf8')),
      );
      const scores = ({ results, best }: any) => [best, results.map(({ seconds, ...rest }: any) => rest)];
      t.deepEqual(scores(got), scores(expected));
    });

  const wrong = [
    ['train nothere.csv', 3, /^fjordnet: Cannot read 'nothere.csv': there is no such file/],
    ['train digits --epoch 3', 2, /^fjordnet: Expected no option --epoch \(did you mean '--epochs'\?\)/],
    ['train digits --model lecture', 2, /^fjordnet: Expected another --model than lecture among ranks/],
    ['train digits --model sklearn --optimizer lbfgs', 2, /^fjordnet: Expected --optimizer sgd or adam among ranks/],
    ['train digits --save /nowhere/x.safetensors', 4, /^fjordnet: Cannot write --save/],
    ['train digits --learning-rate 1e30 -q', 1, /^fjordnet: The training diverged/],
  ] as const;
  for (const [args, expected, words] of wrong)
    test.serial(`${name}: ${args}: one sentence, and ${expected} of all`, async (t) => {
      const { code, codes, ours, stderr } = await job(command, args.split(' '));
      t.deepEqual([code, codes.length, ours.length], [expected, 2, 1], stderr);
      checkCodes(t, family, codes, expected);
      t.regex(ours[0], words);
    });

  test.serial(`${name}: what a rank alone has not is told with its number`, async (t) => {
    const { code, codes, ours, stderr } = await job(command, ['train', 'flowers.csv', '--epochs', '2'], {
      ranks: 3,
      shell: '[ "$OMPI_COMM_WORLD_RANK$PMI_RANK" = 2 ] && cd /; exec "$0" "$@"',
    });
    t.deepEqual([code, codes.length, ours.length], [3, 3, 1], stderr);
    checkCodes(t, family, codes, 3);
    t.regex(ours[0], /^fjordnet: Rank 2: Cannot read 'flowers.csv': there is no such file/);
  });

  test.serial(`${name}: other commands are run by rank 0 alone, and need no MPI`, async (t) => {
    const info = await job(command, ['info', '--json'], { ranks: 3, shell: withoutLibrary });
    t.deepEqual([info.code, info.codes, info.documents.length], [0, [0, 0, 0], 1], info.stderr);
    const help = await job(command, ['--version'], { shell: withoutLibrary });
    t.regex(help.stdout, /^\d+\.\d+\.\d+\S*\r?\n$/);
  });

  test.serial(`${name}: all ranks have the standard input of rank 0`, async (t) => {
    const [file, ...options] = [...command, '-n', '1', 'cat'];
    if (spawnSync(file, options, { input: '', timeout: 20_000 }).status !== 0)
      return t.pass('mpirun of Open MPI 5.0.11 keeps rank 0 waiting for the end of its input, whatever it runs');
    const args = 'train - --label species --epochs 2 --json -q'.split(' ');
    const { code, documents, stderr } = await job(command, args, { ranks: 3, input: flowersCsv(150) });
    t.is(code, 0, stderr);
    const fromFile = await job(command, args.with(1, 'flowers.csv'), { ranks: 3 });
    checkSame(t, documents, fromFile.documents, 0);
  });

  test.serial(`${name}: without its library one rank of the machine says what to install`, async (t) => {
    const { codes, ours, stderr } = await job(command, ['train', 'digits'], { shell: withoutLibrary });
    checkCodes(t, family, codes, 5);
    t.is(ours.length, 1, stderr);
    t.regex(ours[0], /apt-get install openmpi-bin/);
  });

  test.serial(`${name}: started by a process between, as npx is one`, async (t) => {
    const between =
      'require("child_process").spawnSync(process.argv[1], process.argv.slice(2), { stdio: "inherit" }).status';
    const shell = `exec "$0" -e 'process.exitCode = ${between}' "$0" "$@"`;
    const args = 'train flowers.csv --epochs 1 --json -q'.split(' ');
    if (family === 'MPICH') {
      const { code, ours } = await job(command, args, { shell });
      t.not(code, 0);
      const isIntel = launcher.version.source.includes('Intel'); // its launcher has no -pmi-port
      const advice = isIntel ? '/fjordnet' : 'mpirun -pmi-port -n 2 npx fjordnet';
      t.regex(ours.join('\n'), new RegExp(`^fjordnet: Expected the socket to mpirun, .*${advice}$`));
      if (isIntel) return;
    }
    const options = family === 'MPICH' ? ['-pmi-port'] : [];
    const { code, documents, stderr } = await job(command, args, { shell, options });
    t.is(code, 0, stderr);
    t.deepEqual(
      documents.map(({ type }) => type),
      ['epoch', 'result'],
    );
  });
}

test('without mpirun nothing of MPI is looked for', async (t) => {
  const { finished } = place.start(['train', 'digits', '--epochs', '1', '-q']);
  t.is((await finished).code, 0);
  t.notRegex(readFileSync(MAIN.replace('main.js', 'chunk.js'), 'utf8'), /from ['"]\.\.\/mpi\//);
});
