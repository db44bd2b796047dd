import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  createReadStream,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { Worker } from 'node:worker_threads';
import test, { type ExecutionContext } from 'ava';
import { type Callback, callbacks, layers, MLPClassifier, NDArray, Sequential, sequential } from 'fjordnet';
import * as plots from 'fjordnet/plots';
import { filePath, writeFileAtomic, writeFilesAtomic } from '../dist/io/atomic.js';
import { EventFile } from '../dist/io/event-file.js';
import { Workplace } from './helpers/cli.js';
import { root } from './helpers/installed.js';
import { unprivileged } from './helpers/unprivileged.js';
import { unshare } from './helpers/unshare.js';

type Coded = Error & { code?: string };

const CHILD = fileURLToPath(new URL('helpers/children/saving.js', import.meta.url));
const isRoot = process.getuid?.() === 0;

function folder(t: ExecutionContext): string {
  const path = mkdtempSync(join(tmpdir(), 'fjordnet-saving-'));
  t.teardown(() => rmSync(path, { recursive: true }));
  return path;
}

function skip(t: ExecutionContext, reason: string): void {
  t.log(`skipped: ${reason}`);
  t.pass();
}

const write = (path: string, text = 'new') => writeFileAtomic(path, [Buffer.from(text)]);

/** Does a command of the system, if it can. */
function done(command: string, ...args: string[]): boolean {
  try {
    execFileSync(command, args, { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

test('a pipe is written to, whatever its pace, and stays one', async (t) => {
  const home = folder(t);
  const path = join(home, 'fifo');
  if (!done('mkfifo', path)) return skip(t, 'there is no mkfifo');
  const bytes = Uint8Array.from({ length: 300_000 }, (_, i) => i * i);
  const reader = spawn('sh', ['-c', `exec 3< ${path}; echo open; sleep 0.3; exec cat <&3`], { stdio: 'pipe' });
  const all = buffer(reader.stdout);
  await whenRead(async () => {
    await writeFileAtomic(path, [bytes.subarray(0, 100), bytes.subarray(100)]);
  });
  t.true((await all).equals(Buffer.concat([Buffer.from('open\n'), bytes])));
  t.true(lstatSync(path).isFIFO());

  const model = sequential({ layers: [layers.dense({ units: 2, inputShape: [3] })], seed: 1 });
  const read = buffer(createReadStream(path));
  await whenRead(() => model.save(path));
  const copy = join(home, 'copy');
  writeFileSync(copy, await read);
  t.deepEqual((await Sequential.load(copy)).getWeights(), model.getWeights());
  t.deepEqual(readdirSync(home).sort(), ['copy', 'fifo']);
});

test.serial('a relative path is of the folder in which saving begins', async (t) => {
  const [home, elsewhere] = [folder(t), folder(t)];
  const before = process.cwd();
  t.teardown(() => process.chdir(before));
  process.chdir(home);
  async function* leaving() {
    yield Buffer.from('one ');
    process.chdir(elsewhere);
    yield Buffer.from('two');
  }
  await writeFilesAtomic([
    ['a', leaving()],
    ['b', [Buffer.from('b')]],
  ]);
  t.deepEqual([readdirSync(home).sort(), readdirSync(elsewhere)], [['a', 'b'], []]);
  t.is(readFileSync(join(home, 'a'), 'utf8'), 'one two');
  await t.throwsAsync(write('no/x'), { message: "Cannot write 'no/x': no such file or directory (ENOENT)" });

  mkdirSync(join(elsewhere, 'in'));
  symlinkSync(join(elsewhere, 'in'), join(home, 'link'));
  process.chdir(home);
  await write('link/../x');
  await t.throwsAsync(write('x/'), { code: 'ENOTDIR' });
  t.deepEqual(readdirSync(home).sort(), ['a', 'b', 'link']);

  const model = sequential({ layers: [layers.dense({ units: 1, inputShape: [1] })], seed: 1 });
  for (const save of [
    () => model.save('first'),
    () => model.export('first.onnx'),
    () => new MLPClassifier({ maxIter: 1 }).fitSync([[0], [1]], [0, 1]).export('first.npz'),
    () => new MLPClassifier({ maxIter: 1 }).fitSync([[0], [1]], [0, 1]).export('second.onnx'),
    () => plots.heatmap([[1]]).save('first.svg'),
  ]) {
    process.chdir(home);
    const saving = save();
    process.chdir(elsewhere);
    await saving;
  }
  t.deepEqual(readdirSync(elsewhere).sort(), ['in', 'x']);

  await model.save(pathToFileURL(join(home, 'model')));
  t.deepEqual((await Sequential.load(pathToFileURL(join(home, 'model')))).getWeights(), model.getWeights());
});

/** Once somebody reads the pipe. */
async function whenRead(save: () => Promise<void>): Promise<void> {
  for (;;) {
    try {
      return await save();
    } catch (error) {
      if ((error as Coded).code !== 'ENXIO') throw error;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }
}

test('a pipe that nobody reads is refused, not waited for', async (t) => {
  const home = folder(t);
  const path = join(home, 'fifo');
  if (!done('mkfifo', path)) return skip(t, 'there is no mkfifo');
  await t.throwsAsync(write(path), {
    code: 'ENXIO',
    message: `Cannot write '${path}': it is a pipe that nobody reads (ENXIO)`,
  });
  const reader = spawn('sh', ['-c', `exec head -c 10 < ${path}`], { stdio: 'ignore' });
  const closed = once(reader, 'close');
  const large = [Buffer.alloc(1e6), Buffer.alloc(1e6)];
  await t.throwsAsync(
    whenRead(() => writeFileAtomic(path, large)),
    { code: 'EPIPE', message: `Cannot write '${path}': broken pipe (EPIPE)` },
  );
  await closed;
  t.true(lstatSync(path).isFIFO());
  t.deepEqual(readdirSync(home), ['fifo']);
});

test('a log goes into a pipe as one text, and a pipe that nobody reads does not hold up training', async (t) => {
  const home = folder(t);
  const path = join(home, 'fifo');
  if (!done('mkfifo', path)) return skip(t, 'there is no mkfifo');
  const train = (epochs: number, options = {}) => {
    const model = sequential({ layers: [layers.dense({ units: 1, inputShape: [1] })], seed: 1 });
    model.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
    const log = callbacks.csvLogger(path, options);
    model.fitSync(NDArray.from([[1]]), NDArray.from([[1]]), { epochs, callbacks: log });
  };
  for (const append of [false, true])
    t.throws(() => train(1, { append }), {
      code: 'ENXIO',
      message: `Cannot write '${path}': it is a pipe that nobody reads (ENXIO)`,
    });
  const reader = spawn('cat', [path], { stdio: ['ignore', 'pipe', 'ignore'] });
  const all = buffer(reader.stdout);
  await whenRead(async () => train(3));
  const lines = (await all).toString().split('\r\n');
  t.is(lines[0], 'epoch,loss,val_loss');
  t.deepEqual(
    lines.slice(1).map((line) => line.split(',')[0]),
    ['0', '1', '2', ''],
  );
  t.true(lstatSync(path).isFIFO());
});

test('a log and a checkpoint that cannot be written say so in a sentence', async (t) => {
  const home = folder(t);
  writeFileSync(join(home, 'file'), '');
  const model = sequential({ layers: [layers.dense({ units: 1, inputShape: [1] })], seed: 1 });
  model.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
  const fails = (callback: Callback, code: string, message: RegExp) =>
    t.throwsAsync(model.fit(NDArray.from([[1]]), NDArray.from([[1]]), { callbacks: callback }), { code, message });
  const { csvLogger, modelCheckpoint } = callbacks;
  for (const append of [false, true]) {
    await fails(csvLogger(join(home, 'no/log.csv'), { append }), 'ENOENT', /^Cannot write '.*': no such file or dir/);
    await fails(csvLogger(join(home, 'file/log.csv'), { append }), 'ENOTDIR', /^Cannot write '.*': not a directory/);
    await fails(csvLogger(home, { append }), 'EISDIR', /^Cannot write '.*': it is a folder/);
  }
  const filepath = join(home, 'file/model.safetensors');
  await fails(
    modelCheckpoint({ filepath, monitor: 'loss' }),
    'EEXIST',
    /^Cannot write '.*\/file': file already exists/,
  );
});

test('devices are written to, sockets and folders refused; all stay what they are', async (t) => {
  const home = folder(t);
  const device = join(home, 'null');
  if (!isRoot || !done('mknod', device, 'c', '1', '3')) t.log('not tried: only root can make a device');
  else {
    await write(device);
    symlinkSync('null', join(home, 'link'));
    await write(join(home, 'link'));
    t.true(lstatSync(device).isCharacterDevice());
    t.true(lstatSync(join(home, 'link')).isSymbolicLink());
    t.true(done('mknod', join(home, 'full'), 'c', '1', '7'));
    await t.throwsAsync(write(join(home, 'full')), {
      code: 'ENOSPC',
      message: `Cannot write '${join(home, 'full')}': no space left on device (ENOSPC)`,
    });
    if (done('mknod', join(home, 'disk'), 'b', '7', '250')) {
      await t.throwsAsync(write(join(home, 'disk')), { code: 'ENOTSUP', message: /it is a disk, whose content/ });
      t.true(lstatSync(join(home, 'disk')).isBlockDevice());
    }
  }
  const server = createServer().listen(join(home, 'socket'));
  await once(server, 'listening');
  await t.throwsAsync(write(join(home, 'socket')), { code: 'ENOTSUP', message: /': it is a socket \(ENOTSUP\)$/ });
  t.true(lstatSync(join(home, 'socket')).isSocket());
  server.close();
  for (const path of [home, `${home}/`, join(home, '.')])
    await t.throwsAsync(write(path), { code: 'EISDIR', message: `Cannot write '${path}': it is a folder (EISDIR)` });
  t.false(readdirSync(home).some((name) => name.endsWith('.tmp')));
});

test('links are followed, to files that are there and that are not', async (t) => {
  const home = folder(t);
  mkdirSync(join(home, 'a/b'), { recursive: true });
  mkdirSync(join(home, 'c'));
  symlinkSync('../a/b', join(home, 'c/far')); // c/far/.. is a, not c
  symlinkSync('../target', join(home, 'a/b/link'));
  symlinkSync('c/far/link', join(home, 'chain'));
  for (const text of ['first', 'second']) {
    await write(join(home, 'chain'), text);
    t.is(readFileSync(join(home, 'a/target'), 'utf8'), text);
  }
  t.is(readlinkSync(join(home, 'chain')), 'c/far/link');
  t.is(readlinkSync(join(home, 'a/b/link')), '../target');
  t.deepEqual(readdirSync(home).sort(), ['a', 'c', 'chain']);
  t.deepEqual(readdirSync(join(home, 'a')).sort(), ['b', 'target']);

  symlinkSync('missing/target', join(home, 'nowhere'));
  await t.throwsAsync(write(join(home, 'nowhere')), { code: 'ENOENT' });
  symlinkSync('circle', join(home, 'circle'));
  await t.throwsAsync(write(join(home, 'circle')), { code: 'ELOOP' });
  t.true(lstatSync(join(home, 'nowhere')).isSymbolicLink() && lstatSync(join(home, 'circle')).isSymbolicLink());
});

const PERMITTED = `
import(process.argv[1]).then(async ({ layers, sequential }) => {
  const model = sequential({ layers: [layers.dense({ units: 1, inputShape: [1] })] });
  for (let i = 0; i < 2; i++) await model.save(process.argv[2]);
}).catch(({ code, message }) => console.log(code, message));`;

for (const name of ['this', 'node-22', 'node-24', 'node-26']) {
  const node = name === 'this' ? process.execPath : join(root, 'test', 'runtimes', 'node_modules', name, 'bin', 'node');
  (existsSync(node) ? test : test.skip)(`${name}: a file is written and replaced under the permission model`, (t) => {
    const path = join(folder(t), 'x.safetensors');
    const version = execFileSync(node, ['--version'], { encoding: 'utf8' });
    const permission = version.startsWith('v20.') ? '--experimental-permission' : '--permission';
    const flags = [
      permission,
      '--allow-addons',
      '--allow-fs-read=*',
      `--allow-fs-write=${dirname(path)}/*`,
      '--no-warnings',
    ];
    const index = join(root, 'dist', 'index.js');
    writeFileSync(path, 'old', { mode: 0o604 });
    t.is(execFileSync(node, [...flags, '-e', PERMITTED, index, path], { encoding: 'utf8' }), '');
    t.true(readFileSync(path).length > 1000);
    t.is(statSync(path).mode & 0o777, 0o604);
  });
}

test('permissions and owner are kept, the umask is for new files, hard links keep the old content', async (t) => {
  const home = folder(t);
  const path = join(home, 'x');
  const umask = process.umask(0o027);
  t.teardown(() => process.umask(umask));
  await write(path, 'old');
  t.is(statSync(path).mode & 0o777, 0o640);
  linkSync(path, join(home, 'other'));
  chmodSync(path, 0o606);
  if (isRoot) chownSync(path, 1234, 5678);
  await write(path);
  const { mode, uid, gid } = statSync(path);
  t.is(mode & 0o777, 0o606);
  if (isRoot) t.deepEqual([uid, gid], [1234, 5678]);
  t.is(readFileSync(join(home, 'other'), 'utf8'), 'old');
});

test('names as long as a file system takes them', async (t) => {
  const home = folder(t);
  await write(join(home, 'x'.repeat(255)));
  await t.throwsAsync(write(join(home, 'x'.repeat(256))), { code: 'ENAMETOOLONG' });
  await t.throwsAsync(write(join(home, 'x'.repeat(255), 'y')), { code: 'ENOTDIR' });
  t.deepEqual(readdirSync(home), ['x'.repeat(255)]);
});

test('paths that are none are refused in one sentence', (t) => {
  t.is(filePath(new URL('file:///a%20b')), '/a b');
  for (const [path, message] of [
    [Buffer.from('x'), /^Expected path to be a file name or URL, got (Buffer|Uint8Array)\(1\)$/],
    ['', /^Expected path to be a file name or URL, got '' \(string\)$/],
    ['a\0b', /^Expected path to be a file name, without a zero character, got 'a.*b' \(string\)$/],
    [
      new URL('https://x.test/'),
      /^Expected path to be a file name or a file: URL, got 'https:\/\/x.test\/' \(string\)$/,
    ],
    [new URL('file:///a%2Fb'), /^Expected path to be a file name or a file: URL, got/],
  ] as const)
    t.throws(() => filePath(path as never), { message });
});

/** Runs the child, behind the words of a command if they are given. */
async function child(args: string[], { command = [] }: { command?: string[] } = {}): Promise<unknown> {
  const [file, ...rest] = [...command, process.execPath, CHILD, ...args];
  const { stdout } = await promisify(execFile)(file, rest);
  return JSON.parse(stdout);
}

test('a folder that takes nothing, and a file that may not be changed', async (t) => {
  const home = folder(t);
  const options = { command: unprivileged };
  const closed = join(home, 'closed');
  mkdirSync(closed);
  const open = join(home, 'open');
  mkdirSync(open);
  writeFileSync(join(closed, 'model'), 'old');
  writeFileSync(join(open, 'model'), 'old');
  chmodSync(join(open, 'model'), 0o444);
  chmodSync(closed, 0o555);
  for (const place of [closed, open]) {
    const path = join(place, 'model');
    t.deepEqual(await child(['once', path], options), {
      code: 'EACCES',
      message: `Cannot write '${path}': permission denied (EACCES)`,
    });
    t.is(readFileSync(path, 'utf8'), 'old');
    t.deepEqual(readdirSync(place), ['model']);
  }
  chmodSync(closed, 0o755);
  if (!isRoot) return;
  // Another one's file in a folder of ours: the group cannot be kept, and what it might read is not shown to our group.
  chownSync(join(open, 'model'), 1234, 5678);
  chmodSync(join(open, 'model'), 0o662);
  t.is(await child(['once', join(open, 'model')], options), null);
  const { uid, gid, mode } = statSync(join(open, 'model'));
  t.deepEqual([uid, gid, mode & 0o777], [0, 0, 0o622]);
});

test('the command line saves through a link and to a device in folders that take nothing', async (t) => {
  const home = folder(t);
  const main = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url));
  for (const name of ['closed', 'open']) mkdirSync(join(home, name));
  symlinkSync('../open/model', join(home, 'closed', 'link'));
  chmodSync(join(home, 'closed'), 0o555);
  t.teardown(() => chmodSync(join(home, 'closed'), 0o755));
  for (const path of [join(home, 'closed', 'link'), '/dev/null']) {
    const args = [main, 'train', 'digits', '--epochs', '1', '-q', '--save', path];
    const [file, ...rest] = [...unprivileged, process.execPath, ...args];
    await t.notThrowsAsync(promisify(execFile)(file, rest, { cwd: home }));
  }
  t.true(lstatSync(join(home, 'closed', 'link')).isSymbolicLink());
  t.is((await Sequential.load(join(home, 'open', 'model'))).outputShapes?.at(-1)?.[0], 10);
  t.deepEqual([...readdirSync(home), ...readdirSync(join(home, 'open'))].sort(), ['closed', 'model', 'open']);
});

test('a full disk: the old files are whole, and nothing else is left', async (t) => {
  const home = folder(t);
  const mount = `mount -t tmpfs -o size=1m tmpfs '${home}' && exec "$0" "$@"`;
  const command = [...unshare, '--mount', 'sh', '-c', mount];
  if (!done(command[0], ...command.slice(1), 'true')) return skip(t, 'no file system may be mounted');
  for (const free of [0, 4096, 100_000]) {
    const { big, drawn, logged, ...holds } = (await child(['full', home, String(free)], { command })) as {
      [name: string]: Coded;
    };
    t.deepEqual(big, {
      code: 'ENOSPC',
      message: `Cannot write '${join(home, 'model')}': no space left on device (ENOSPC)`,
    });
    t.is(drawn.code, 'ENOSPC');
    t.is(logged.code, 'ENOSPC');
    t.regex(logged.message, /^Cannot write '.*events.out.tfevents.*': no space left on device \(ENOSPC\)$/);
    for (const [what, value] of Object.entries(holds)) t.is(value as unknown, true, `${what}, ${free} bytes free`);
  }
});

test('a process that is killed leaves a model, and nothing a later save trips over', async (t) => {
  const home = folder(t);
  const path = join(home, 'model');
  const process_: ChildProcess = spawn(process.execPath, [CHILD, 'loop', path], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(process_.stdout as NodeJS.ReadableStream, 'data');
  let left: string[] = [];
  for (let i = 0; i < 1e4 && left.length === 0; i++) {
    await new Promise((resolve) => setTimeout(resolve, 1));
    left = readdirSync(home).filter((name) => name !== 'model');
  }
  process_.kill('SIGKILL');
  await once(process_, 'close');
  const [kernel] = (await Sequential.load(path)).getWeights();
  t.true(kernel.data.every((value) => value === kernel.data[0] && value >= 1));
  t.is(await child(['once', path]), null);
  t.deepEqual((await Sequential.load(path)).getWeights()[0].shape, [100, 10]);
  for (const name of readdirSync(home)) t.regex(name, /^model$|^\.fjordnet-[0-9a-f]{16}\.tmp$/);
});

test('the command line saves to pipes, and to where links lead', async (t) => {
  const place = new Workplace();
  t.teardown(() => place.remove());
  const train = (path: string) => place.run('train', 'digits', '--epochs', '1', '--save', path);
  symlinkSync('sub/target', place.path('link'));
  const early = await train('link');
  t.is(early.code, 4);
  t.regex(early.stderr, /Cannot write --save 'link': there is no folder '.*sub'\n$/);
  mkdirSync(place.path('sub'));
  t.is((await train('link')).code, 0);
  t.is(readlinkSync(place.path('link')), 'sub/target');
  const saved = await Sequential.load(place.path('sub/target'));
  const server = createServer().listen(place.path('socket'));
  await once(server, 'listening');
  const refused = await train('socket');
  server.close();
  t.is(refused.code, 4);
  t.is(refused.stderr.trimEnd().split('\n').length, 1, 'before training');
  t.regex(refused.stderr, /Cannot write --save 'socket': it is a socket or a disk\n$/);
  if (!done('mkfifo', place.path('fifo'))) return t.log('not tried: there is no mkfifo');
  const read = buffer(createReadStream(place.path('fifo')));
  t.is((await train('fifo')).code, 0);
  writeFileSync(place.path('copy'), await read);
  t.deepEqual((await Sequential.load(place.path('copy'))).layerNames, saved.layerNames);
  t.true(lstatSync(place.path('fifo')).isFIFO());
});

test('plots are replaced at once', async (t) => {
  const home = folder(t);
  const path = join(home, 'plot.json');
  await plots.heatmap([[1, 2]]).save(path);
  const old = readFileSync(path);
  linkSync(path, join(home, 'old'));
  await plots.heatmap(NDArray.from([[3, 4]])).save(path);
  t.notDeepEqual(readFileSync(path), old);
  t.deepEqual(readFileSync(join(home, 'old')), old);
  t.deepEqual(readdirSync(home).sort(), ['old', 'plot.json']);
});

test('files of events that copies of the library begin at one moment are different ones', async (t) => {
  const home = folder(t);
  const program = `import { EventFile } from ${JSON.stringify(new URL('../dist/io/event-file.js', import.meta.url))};
    new EventFile(${JSON.stringify(home)}).scalar(0, 'loss', 1);`;
  const worker = new URL(`data:text/javascript,${encodeURIComponent(program)}`);
  const copies = [1, 2, 3].map(() => once(new Worker(worker), 'exit'));
  new EventFile(home).scalar(0, 'loss', 1);
  t.deepEqual(await Promise.all(copies), [[0], [0], [0]]);
  t.is(readdirSync(home).length, 4);
  writeFileSync(join(home, 'x'), '');
  t.throws(() => new EventFile(join(home, 'x', 'y')).scalar(0, 'loss', 1), {
    code: 'ENOTDIR',
    message: `Cannot write '${join(home, 'x', 'y')}': not a directory (ENOTDIR)`,
  });
  t.true(existsSync(home));
});
