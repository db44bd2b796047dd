import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import test from 'ava';

const root = new URL('../', import.meta.url);
const read = (name: string) => readFileSync(new URL(name, root), 'utf8');

const quoted = (text: string, pattern: RegExp) => Array.from(text.matchAll(pattern), (match) => match[1]).sort();

test('binding.gyp and CMakeLists.txt compile the same files with the same definitions', (t) => {
  const gyp = JSON.parse(read('binding.gyp'));
  const targets = [...gyp.targets, ...gyp.conditions[0][1].targets];
  const sources = targets.flatMap((target) => target.sources);
  const cmake = read('CMakeLists.txt');
  t.true(sources.length >= 10);
  t.deepEqual(quoted(cmake, /(native\/[\w/]+\.cc)/g), sources.sort());
  for (const source of sources) t.true(existsSync(new URL(source, root)), source);

  const definitions = /target_compile_definitions\(\$\{addon\} PRIVATE([^)]*)\)/.exec(cmake)![1];
  const own = (names: string[]) => names.filter((name) => /^N\w+(=8)?$/.test(name)).sort();
  for (const target of targets) t.deepEqual(own(definitions.split(/\s+/)), own(target.defines));
  t.is(own(targets[0].defines).length, 5);
});

test('binding.gyp and CMakeLists.txt agree on every flag that changes numbers', (t) => {
  const flags = (text: string) => [
    ...new Set(quoted(text, /(-f(?:no-)?(?:math-errno|trapping-math|openmp-simd|fast-math|fp-contract=\w+))/g)),
  ];
  const expected = ['-ffp-contract=off', '-fno-math-errno', '-fno-trapping-math', '-fopenmp-simd'];
  t.deepEqual(flags(read('binding.gyp')), expected);
  t.deepEqual(flags(read('CMakeLists.txt')), expected);
});

test('the code that is loaded is ASCII, of which V8 keeps a byte a character', (t) => {
  const files = readdirSync(new URL('dist/', root), { recursive: true, encoding: 'utf8' });
  const code = files.filter((name) => name.endsWith('.js'));
  t.true(code.length > 20);
  for (const name of code) t.notRegex(read(`dist/${name}`), /[^\0-\x7f]/, name);
});

const built = (name: string) => fileURLToPath(new URL(`build/Release/${name}`, root));
const binary = built('fjordnet.node');
const onLinux = process.platform === 'linux' && existsSync(binary) ? test : test.skip;

for (const name of ['fjordnet.node', 'mpi/fjordnet_mpi.node'])
  onLinux(`${name} exports its two entry points and nothing else`, (t) => {
    const names = execFileSync('nm', ['-D', '--defined-only', built(name)], { encoding: 'utf8' }).match(/\S+$/gm);
    t.deepEqual(names, ['napi_register_module_v1', 'node_api_module_get_api_version_v1']);
  });

// prebuildify takes the first of this folder
onLinux('the addon is alone in its folder', (t) => {
  t.deepEqual(
    readdirSync(built('.')).filter((file) => file.endsWith('.node')),
    ['fjordnet.node'],
  );
});

onLinux(
  'loading changes no environment variable and starts no BLAS thread, whatever OPENBLAS_NUM_THREADS says',
  (t) => {
    const script = `
    const threads = () => fs.readdirSync('/proc/self/task').length;
    const before = [JSON.stringify(process.env), threads()];
    process.dlopen({ exports: {} }, ${JSON.stringify(binary)});
    console.log(JSON.stringify([before, [JSON.stringify(process.env), threads()]]));`;
    const env = { ...process.env, OPENBLAS_NUM_THREADS: '7' };
    const [before, after] = JSON.parse(execFileSync(process.execPath, ['-e', script], { env, encoding: 'utf8' }));
    t.deepEqual(after, before);
  },
);
