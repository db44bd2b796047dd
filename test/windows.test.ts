// The published package under Wine: the numbers, files, the command line; and OpenBLAS as it was built for Windows. Wine is not
// Windows: it has no links, and its pipes and consoles are its own.
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { files, NUMBERS } from './helpers/numbers.js';
import { published, result, root, Sandbox } from './helpers/packed.js';
import {
  compileForWindows,
  hasConsole,
  hasWine,
  interrupted,
  setUpWine,
  windowsNode,
  windowsPath,
  wine,
} from './helpers/wine.js';

const platform = hasWine ? await published('win32-x64').catch(() => undefined) : undefined;
const here = platform ? test.serial : test.serial.skip;
const onConsole = hasConsole ? here : test.serial.skip;
const MAIN = join('node_modules', 'fjordnet', 'dist', 'cli', 'main.js');

const sandbox = new Sandbox();
let app: string;

test.before((t) => {
  if (!platform) return t.log('skipped: scripts/setup --release and npm run prebuild bring Wine and the binary');
  setUpWine();
  app = sandbox.project('app');
  const { status, stderr } = sandbox.install(sandbox.pack(), app, '--ignore-scripts');
  if (status !== 0) throw new Error(stderr);
  cpSync(join(root, 'node_modules', 'csv-parse'), join(app, 'node_modules', 'csv-parse'), { recursive: true });
  cpSync(join(root, 'test', 'fixtures', 'windows'), app, { recursive: true });
});
test.after.always(() => sandbox.remove());

const node = (args: string[], program = windowsNode(20), env = {}) => wine([program, ...args], { cwd: app, env });

here('the binary can be published, and another one cannot', (t) => {
  const { check } = platform!.platform;
  t.deepEqual(check(platform!.files[0]), []);
  const problems = check(windowsNode(20)).join('\n');
  for (const said of [
    /bytes, at most/,
    /does not export napi_register_module_v1/,
    /exports \d+ symbols more/,
    /needs \w+/,
  ])
    t.regex(problems, said);
});

for (const version of [20, 22])
  here(`it trains in Node.js ${version}, in a Worker too, to the numbers of Linux`, (t) => {
    const expected = result(sandbox.node(['train.mjs'], { cwd: app }));
    const trained = result(node(['train.mjs'], windowsNode(version)));
    t.is(trained.accuracy, expected.accuracy);
    t.true(Math.abs(trained.firstWeight / expected.firstWeight - 1) < 1e-12);
    for (const what of ['blas', 'blasLinkage', 'blasCore', 'simd'])
      t.is(trained.build[what], expected.build[what], what);
    t.is(result(node(['worker.mjs'], windowsNode(version))).weights, trained.weights);
  });

here('it trains where the program has another name, as in Electron', (t) => {
  const electron = join(app, 'electron.exe');
  cpSync(windowsNode(20), electron);
  t.true(Number.isFinite(result(node(['train.mjs', '1'], electron)).firstWeight));
});

here("NumPy's, scikit-learn's, PyTorch's and Keras' numbers, and the same bits with any number of threads", (t) => {
  const ava = join('node_modules', 'ava', 'entrypoints', 'cli.mjs');
  const options = ['--tap', '--worker-threads', '--concurrency=1', '--timeout=10m'];
  const { status, stdout, stderr } = wine([windowsNode(20), ava, ...options, ...NUMBERS, ...files('threads')], {
    cwd: root,
    env: { FJORDNET_NATIVE: windowsPath(platform!.files[0]) },
  });
  t.is(status, 0, `${stdout}\n${stderr}`);
  t.true(Number(/^# pass (\d+)$/m.exec(stdout)?.[1]) > 250);
});

here('it saves to C: and to a long path, and what it saves is read on Linux', (t) => {
  const ran = result(node(['files.mjs', 'C:\\a folder']));
  t.is(ran.file, 'C:\\a folder\\model.safetensors');
  t.true(ran.same);
  t.deepEqual(ran.left, []);
  t.deepEqual([ran.long[0] > 260, ...ran.long.slice(1)], [true, true, true]);
  mkdirSync(join(app, 'here'), { recursive: true });
  t.true(result(node(['files.mjs', windowsPath(join(app, 'here'))])).same);
  const read =
    "import('fjordnet').then(async ({ Sequential }) => console.log((await Sequential.load(process.argv[1])).weightNames.length))";
  t.is(sandbox.node(['-e', read, join(app, 'here', 'model.safetensors')], { cwd: app }).stdout, '4\n');
});

here('a file that stays open in another program is refused in a sentence', (t) => {
  const { code, message, left } = result(node(['held.mjs', 'C:\\held']));
  t.regex(code, /^(EACCES|EBUSY|EPERM)$/);
  t.regex(message, /^Cannot write 'C:\\held\\model.safetensors': it is open in another program \(E\w+\)$/);
  t.deepEqual(left, []);
});

here('names that Windows has another use for, and files on another drive, are refused in a sentence', (t) => {
  const { saved, logged, left, isRead, outside } = result(node(['names.mjs', 'C:\\names']));
  const noName = 'Windows has no names that hold one of < > : " | ? * or end in a dot or a space (EINVAL)';
  t.deepEqual(saved, [
    "EINVAL Cannot write 'NUL': on Windows 'NUL' is a device, to be written as \\\\.\\NUL (EINVAL)",
    "EINVAL Cannot write 'sub\\aux.safetensors': on Windows 'aux' is a device (EINVAL)",
    `EINVAL Cannot write 'log-12:30': ${noName}`,
    `EINVAL Cannot write 'end.': ${noName}`,
    'done',
    'done',
  ]);
  t.deepEqual(logged, ["EINVAL Cannot write 'com1.csv': on Windows 'com1' is a device (EINVAL)", 'done']);
  t.deepEqual(left, ['Model.safetensors', 'console', 'prefixed.safetensors']);
  t.true(isRead);
  t.is(outside.length, 5);
  for (const message of outside) t.regex(message, /^ERR_FORMAT .* names a file that is not in its folder, '/);
});

here('the command line: exit codes, CRLF and byte order marks, spaces, drives and prefixes in paths', (t) => {
  const ran = result(node(['commands.mjs']));
  const codes = Object.entries<{ code: number }>(ran).map(([name, { code }]) => [name, code]);
  t.deepEqual(Object.fromEntries(codes), {
    ...{ train: 0, resume: 0, predict: 0, evaluate: 0, info: 0, convert: 0, converted: 0, grid: 0, plot: 0 },
    ...{ nul: 0, device: 4, missing: 3, noFolder: 4, option: 2, broken: 149 },
  });
  const { train, predict, info, device, missing, noFolder, broken } = ran;
  t.regex(train.out, /^To predict: fjordnet predict "\.\\a folder\\net\.safetensors" DATA$/m);
  t.is(predict.out.trim().split('\n').length, 61);
  t.regex(info.out, /Trained for 3 of 3 epochs .*utf8\.csv/);
  t.regex(device.err, /^fjordnet: Cannot write --save 'a folder\\PRN': on Windows 'PRN' is a device$/m);
  t.regex(missing.err, /Cannot read 'none\\table\.csv': there is no such file or folder/);
  t.regex(noFolder.err, /Cannot write --save 'none\\net\.safetensors': there is no folder 'none'/);
  t.regex(broken.err, /^To go on: fjordnet train --resume "a folder\\broken\.safetensors"$/m);
  t.false(ran.plot.out.includes('\x1b['), 'no colours in a file');
  for (const file of ['net.safetensors', 'net.onnx', 'broken.safetensors'])
    t.true(existsSync(join(app, 'a folder', file)), file);
  for (const part of ['train', 'validation']) t.is(readdirSync(join(app, 'logs', 'tb', part)).length, 1);
});

onConsole('Ctrl-C ends a training after a batch, and it is saved; the server closes', async (t) => {
  const training = ['train', 'digits', '--epochs', '1000000', '--json', '-q', '--save', 'stopped.safetensors'];
  const { status, stderr } = await interrupted([windowsNode(20), MAIN, ...training], { cwd: app });
  t.is(status, 130, stderr);
  t.regex(stderr, /Stopping after this batch; Ctrl-C again leaves at once/);
  const there = sandbox.node([MAIN, 'info', 'stopped.safetensors'], { cwd: app });
  t.regex(there.stdout, /^To go on: /m, there.stderr);

  let answer: any;
  const serving = ['serve', 'stopped.safetensors', '--port', '0', '--json'];
  const served = await interrupted([windowsNode(20), MAIN, ...serving], { cwd: app }, async (line) => {
    const body = JSON.stringify([new Array(64).fill(0)]);
    answer = await (await fetch(`${JSON.parse(line).url}/predict`, { method: 'POST', body })).json();
  });
  t.is(served.status, 130, served.stderr);
  t.is(answer.predictions.length, 1);
});

here('the command line: a table with the line ends of Windows, backslashes and drive letters', (t) => {
  const rows = Array.from({ length: 60 }, (_, i) => `${i % 7}.5,${i % 5},${i % 2 ? 'odd' : 'even'}`);
  writeFileSync(join(app, 'table.csv'), ['a,b,kind', ...rows, ''].join('\r\n'));
  mkdirSync(join(app, 'out'), { recursive: true });
  const table = windowsPath(join(app, 'table.csv'));
  const train = node([MAIN, 'train', table, '--epochs', '3', '--save', 'out\\net.safetensors']);
  t.is(train.status, 0, train.stderr);
  t.true(existsSync(join(app, 'out', 'net.safetensors')));
  t.false((train.stdout + train.stderr).includes('\x1b['), 'no colours in a file');
  const predict = node([MAIN, 'predict', 'out\\net.safetensors', 'table.csv']);
  t.is(predict.status, 0, predict.stderr);
  const onLinux = sandbox.node([MAIN, 'predict', 'out/net.safetensors', 'table.csv'], { cwd: app });
  const classes = (text: string) =>
    text
      .trim()
      .split(/\r?\n/)
      .map((line) => line.split(',')[0]);
  t.deepEqual(classes(predict.stdout), classes(onLinux.stdout));
  t.is(classes(predict.stdout).length, 61);
});

here('the doctor finds nothing wrong, and knows what ended a process', (t) => {
  const { status, stdout } = node([MAIN, 'doctor']);
  t.is(status, 0, stdout);
  t.regex(stdout, /win32-x64/);
  const [source, binary] = ['illegal.c', 'illegal.node'].map((name) => join(app, name));
  writeFileSync(source, 'void *napi_register_module_v1(void *a, void *b) { __builtin_trap(); }');
  compileForWindows(source, binary, '-shared');
  const ill = node([MAIN, 'doctor'], windowsNode(20), { FJORDNET_NATIVE: windowsPath(binary) });
  t.is(ill.status, 1, ill.stdout);
  t.regex(ill.stdout, /illegal\.node ends with SIGILL/);
  t.regex(ill.stdout, /an instruction that this processor has not/);
});

here('MPI says that it is not for Windows', (t) => {
  t.deepEqual(result(node(['mpi.mjs'])), {
    code: 'ERR_MPI',
    message: 'Expected another system than Windows: fjordnet/mpi runs on Linux, also in WSL, and macOS',
  });
});

here("each table of OpenBLAS' kernels multiplies right in 16 threads at a time", async (t) => {
  const { COMPILER, LINK } = await import(join(root, 'scripts', 'platforms', 'windows.js'));
  const [compiler, ...always] = COMPILER;
  const program = sandbox.path('gemm.exe');
  const sources = ['gemm', 'blas_fallback', 'blas_fallback_avx2', 'blas_fallback_avx512'].map((name) =>
    join(root, name === 'gemm' ? 'test/native' : 'native', `${name}.cc`),
  );
  const objects = ['objects/blas.o', 'objects/compat.o', 'openblas/libopenblas.a', 'openblas/openblas.ld'];
  const inputs = [...sources, ...objects.map((name) => join(root, 'build-prebuild', 'win32-x64', name))];
  const options = ['-std=c++17', '-O1', '-DFJORDNET_BLAS_BUILTIN'];
  execFileSync(compiler, [...always, ...options, ...inputs, ...LINK, '-o', program]);
  for (const core of ['Prescott', 'Sandybridge', 'Haswell', 'SkylakeX']) {
    const { status, stdout } = wine([program, 'fuzz', '500', '16'], { cwd: app, env: { OPENBLAS_CORETYPE: core } });
    t.is(status, 0, stdout);
    // OpenBLAS 0.3.21 gives Prescott's table this name where it has few
    t.regex(stdout, new RegExp(`^OpenBLAS ${core === 'Prescott' ? 'Katmai' : core}\\r?\\n`));
    t.is(stdout.match(/^float\d\d: 500 products/gm)?.length, 32, stdout);
  }
});
