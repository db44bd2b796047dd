// What `npm install fjordnet` gives: the tarball of `npm pack`, installed and used with nothing else on the machine. The
// prebuilt binaries are those of `npm run prebuild`. Other systems and builds are in package-systems.test.ts.
import { cpSync, existsSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { build as bundle } from 'esbuild';
import { bytesOf, npm, prebuilt, type Ran, result, root, runtime, Sandbox } from './helpers/packed.js';

const onLinux = process.platform === 'linux' && process.arch === 'x64';
const here = onLinux ? test.serial : test.serial.skip;

const sandbox = new Sandbox();
let tarball: string;
let app: string;
let installed: string;

/** A copy of the installed project, to damage. */
function copyOfApp(name: string): { folder: string; binary: string; prebuilds: string } {
  const folder = sandbox.path(name);
  cpSync(app, folder, { recursive: true });
  const prebuilds = join(folder, 'node_modules', 'fjordnet', 'prebuilds');
  return { folder, prebuilds, binary: join(prebuilds, 'linux-x64', 'fjordnet.glibc.node') };
}

test.before(async () => {
  if (!onLinux) return;
  await prebuilt('x64');
  tarball = sandbox.pack();
  app = sandbox.project('app');
  installed = join(app, 'node_modules', 'fjordnet');
});
test.after.always(() => sandbox.remove());

here('the tarball is below 10 MB and holds what a source build and the licences need', (t) => {
  t.true(statSync(tarball).size < 10e6, `${statSync(tarball).size} bytes`);
  const names = sandbox.run('/usr/bin/tar', ['tzf', tarball], { env: { PATH: '/usr/bin:/bin' } }).stdout.split('\n');
  for (const name of ['LICENSE', 'NOTICE', 'THIRD_PARTY_NOTICES', 'README.md', 'deps/binding.gyp', 'native/blas.h'])
    t.true(names.includes(`package/${name}`), name);
  for (const name of ['CHANGELOG.md', 'docs/README.md', 'scripts/examples/cnn.js'])
    t.true(names.includes(`package/${name}`), name);
  t.false(names.includes('package/binding.gyp'), 'npm ci would compile');
  t.deepEqual(
    names.filter((name) => /\/(test|build[^/]*|scripts\/(bench|demo|test|setup))\/|tsbuildinfo|\.tgz$/.test(name)),
    [],
  );
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  t.is(manifest.dependencies, undefined);
  t.false(manifest.gypfile);
  for (const event of ['preinstall', 'install', 'postinstall', 'prepare']) t.false(event in manifest.scripts, event);
});

here('installs without compiler, Python, OpenBLAS or scripts, and takes 40 MB', (t) => {
  const { status, stderr } = sandbox.install(tarball, app, '--ignore-scripts');
  t.is(status, 0, stderr);
  t.notRegex(stderr, /warn/);
  t.true(bytesOf(join(app, 'node_modules')) < 40e6, `${bytesOf(join(app, 'node_modules'))} bytes`);
});

here('it trains then, with the OpenBLAS inside it', (t) => {
  const trained = result(sandbox.node(['train.mjs'], { cwd: app }));
  t.true(trained.accuracy > 0.85, `${trained.accuracy}`);
  t.is(trained.build.blas, 'OpenBLAS');
  t.is(trained.build.blasLinkage, 'static');
  t.true(trained.libraries.includes('fjordnet.glibc.node'));
  t.deepEqual(
    trained.libraries.filter((name: string) => /blas|gomp|gfortran/.test(name)),
    [],
  );
});

here('its examples run where they are installed', (t) => {
  const { status, stdout, stderr } = sandbox.node([join(installed, 'scripts', 'examples', 'regression.js')], {
    cwd: app,
  });
  t.is(status, 0, stderr);
  t.regex(stdout, /test R² 0\.9/);
});

here('it says nothing while it is installed with scripts allowed, and needs none of them', (t) => {
  const folder = sandbox.project('scripts');
  const { status, stderr, stdout } = sandbox.install(tarball, folder);
  t.is(status, 0, stderr);
  t.notRegex(stdout + stderr, /warn|script|gyp/);
  t.is(sandbox.install(tarball, sandbox.project('strict'), '--strict-allow-scripts').status, 0);
});

here('the same bits in a worker, through require(), and from pnpm', (t) => {
  const expected = result(sandbox.node(['train.mjs'], { cwd: app })).weights;
  t.is(result(sandbox.node(['worker.mjs'], { cwd: app })).weights, expected);
  t.is(result(sandbox.node(['train.cjs'], { cwd: app })).weights, expected);

  const folder = sandbox.project('pnpm', {
    dependencies: { fjordnet: `file:${tarball}` },
  });
  const pnpm = join(root, 'node_modules', 'pnpm', 'bin', 'pnpm.cjs');
  const ran = sandbox.node([pnpm, 'install', '--offline', '--ignore-scripts'], { cwd: folder });
  t.is(ran.status, 0, ran.stdout + ran.stderr);
  t.is(result(sandbox.node(['train.mjs'], { cwd: folder })).weights, expected);
});

for (const version of [20, 22, 24, 26])
  here(`Node.js ${version}: import, require() and a worker`, (t) => {
    const node = runtime(`node-${version}`);
    const weights = ['train.mjs', 'train.cjs', 'worker.mjs'].map(
      (program) => result(sandbox.run(node, [program], { cwd: app })).weights,
    );
    t.is(new Set(weights).size, 1);
    t.regex(sandbox.run(node, ['--version']).stdout, new RegExp(`^v${version}\\.`));
  });

here('TypeScript sees the types with both module resolutions, without skipLibCheck', (t) => {
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  const common = { strict: true, noEmit: true, target: 'ES2022', types: ['node'] };
  const typeRoots = [join(root, 'node_modules', '@types')];
  const settings = {
    nodenext: { files: ['app.ts', 'app.cts'], module: 'NodeNext', moduleResolution: 'NodeNext' },
    bundler: { files: ['app.ts'], module: 'ESNext', moduleResolution: 'Bundler' },
  };
  for (const [name, { files, ...modules }] of Object.entries(settings)) {
    const project = join(app, `tsconfig.${name}.json`);
    writeFileSync(project, JSON.stringify({ compilerOptions: { ...common, ...modules, typeRoots }, files }));
    const { status, stdout } = sandbox.node([tsc, '-p', project], { cwd: app });
    t.is(status, 0, `${name}: ${stdout}`);
  }
});

here('every entry point of exports exists, with types', async (t) => {
  const { exports } = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8'));
  for (const [name, target] of Object.entries<string | { types: string; default: string }>(exports)) {
    if (typeof target === 'string') t.true(existsSync(join(installed, target)), name);
    else
      for (const file of [target.types, target.default]) t.true(existsSync(join(installed, file)), `${name}: ${file}`);
  }
});

here('a bundler drops what is not used: scores need no native code', async (t) => {
  const entry = join(app, 'scores.mjs');
  writeFileSync(
    entry,
    `import { accuracyScore } from 'fjordnet';\nconsole.log(accuracyScore([1, 2, 3, 4], [1, 2, 3, 3]));\n`,
  );
  const outfile = sandbox.path('bundled', 'scores.mjs');
  const { metafile } = await bundle({
    entryPoints: [entry],
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'node',
    metafile: true,
  });
  const used = Object.entries(metafile.outputs).flatMap(([, output]) =>
    Object.entries(output.inputs).flatMap(([name, { bytesInOutput }]) => (bytesInOutput > 0 ? [name] : [])),
  );
  t.true(used.some((name) => /dist\/numbers\.js$/.test(name)));
  t.deepEqual(
    used.filter((name) => /dist\/(with-addon|without-addon|plots)/.test(name)),
    [],
  );
  t.is(sandbox.node([outfile], { cwd: '/' }).stdout, '0.75\n');
});

here('without a binary, or with a damaged one, or elsewhere: one message that says what to do', (t) => {
  const check = (ran: Ran, ...expected: RegExp[]) => {
    const { code, message, cause } = result(ran);
    t.is(code, 'ERR_NATIVE_LOAD');
    t.truthy(cause);
    for (const pattern of [/ run build:native\n/, /g\+\+, make and Python 3/, /libopenblas-dev/, ...expected])
      t.regex(message, pattern);
  };
  const { folder, binary, prebuilds } = copyOfApp('damaged');
  truncateSync(binary, 1_000_000);
  check(
    sandbox.node(['fails.mjs'], { cwd: folder }),
    /linux-x64, glibc 2\.\d+/,
    /fjordnet\.glibc\.node does not load: /,
  );
  writeFileSync(binary, '');
  check(sandbox.node(['fails.mjs'], { cwd: folder }), /fjordnet\.glibc\.node does not load: /);
  rmSync(prebuilds, { recursive: true });
  check(
    sandbox.node(['fails.mjs'], { cwd: folder }),
    /linux-x64/,
    /no prebuilds\/linux-x64\/fjordnet\.glibc\.node in /,
  );

  check(
    sandbox.node(['-r', './elsewhere.cjs', 'fails.mjs'], { cwd: app }),
    /linux-riscv64/,
    /prebuilds\/linux-riscv64\//,
    /\nThe package has binaries for linux-(arm64|x64) glibc/,
  );
});

here('the command of that message builds from the tarball, without a download, and gives the same bits', (t) => {
  const { folder, prebuilds } = copyOfApp('a source build');
  const before = result(sandbox.node(['train.mjs'], { cwd: folder }));
  rmSync(prebuilds, { recursive: true });
  const { message } = result(sandbox.node(['fails.mjs'], { cwd: folder }));
  const [, prefix] = /npm --prefix "(.+)" run build:native\n/.exec(message)!;
  t.is(prefix, join(folder, 'node_modules', 'fjordnet'));

  const build = [npm, '--prefix', prefix, 'run', 'build:native'];
  const { status, stdout, stderr } = sandbox.node(build, { cwd: '/', env: sandbox.toolchain });
  t.is(status, 0, stdout + stderr);
  t.true(existsSync(join(prefix, 'build', 'Release', 'fjordnet.node')));
  const after = result(sandbox.node(['train.mjs'], { cwd: folder }));
  t.deepEqual(after.build, before.build);
  t.is(after.weights, before.weights);

  // nothing is left that a package manager takes for a build to run, and what is built is not built again
  t.false(existsSync(join(prefix, 'binding.gyp')));
  const binary = statSync(join(prefix, 'build', 'Release', 'fjordnet.node'));
  t.is(sandbox.node([npm, 'rebuild'], { cwd: folder }).status, 0);
  const explore = [npm, 'explore', 'fjordnet', '--', 'npm', 'run', 'build:native'];
  const explored = sandbox.node(explore, { cwd: folder, env: sandbox.toolchain });
  t.is(explored.status, 0, explored.stdout + explored.stderr);
  t.is(statSync(join(prefix, 'build', 'Release', 'fjordnet.node')).mtimeMs, binary.mtimeMs);
});
