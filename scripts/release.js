// npm run release: builds all that is published and says whether it can be; ends with npm's dry run, after which
// `npm publish` does it, for macOS' package and for fjordnet. Before it, scripts/setup --release brings the compilers of all platforms.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DARWIN_PACKAGE } from './platforms/darwin.js';
import { writeDarwinPackage } from './platforms/darwin-package.js';
import { binariesOf, isFresh, packageOf, platforms } from './platforms/index.js';
import { root } from './platforms/root.js';
import { writeReleaseFiles } from './release-files.js';

const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
/** Of fjordnet. Beyond it, more binaries would have to become packages of their own, as those for macOS are. */
const MOST_PACKED = 10e6;
const MOST_UNPACKED = 40e6;

const started = new Date();
let failed = 0;
/** Runs one check: what it throws or gives, if anything, is what is wrong. */
function check(name, run) {
  let problems;
  try {
    problems = [run() ?? []].flat();
  } catch (error) {
    problems = [error.message];
  }
  console.log(`${problems.length === 0 ? 'ok    ' : 'FAILED'} ${name}`);
  for (const problem of problems) console.log(`       ${problem}`);
  failed += problems.length;
}

function run(command, args, cwd = root) {
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd, encoding: 'utf8', maxBuffer: 1 << 28 });
  if (error) throw error;
  if (status !== 0) throw new Error(`${[command, ...args].join(' ')} failed:\n${stdout}${stderr}`.trimEnd());
  return stdout;
}

const inside = (folder) =>
  readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1));

const folder = mkdtempSync(join(tmpdir(), 'fjordnet-release-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));

check('the checkout has no changes that are not committed', () => {
  const changed = run('git', ['status', '--porcelain']).trim();
  if (changed)
    return `Expected everything to be committed, got changes in ${changed.split('\n').length} files:\n${changed}`;
});

check('the version is new, and the change log tells of it', () => {
  const problems = [];
  if (!/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(manifest.version))
    problems.push(`Expected a version like 1.2.3, got ${manifest.version}`);
  if (JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).version !== manifest.version)
    problems.push(`Expected package-lock.json to have version ${manifest.version}: npm install --package-lock-only`);
  const tag = run('git', ['tag', '--list', `v${manifest.version}`]).trim();
  if (tag && run('git', ['rev-list', '-1', tag]) !== run('git', ['rev-parse', 'HEAD']))
    problems.push(`Expected a new version: tag ${tag} is another commit`);
  if (!readFileSync(join(root, 'CHANGELOG.md'), 'utf8').includes(manifest.version))
    problems.push(`Expected CHANGELOG.md to tell of ${manifest.version}`);
  return problems;
});

check('a user of it gets no other package and no install script', () => {
  const problems = [];
  const names = Object.keys(manifest.dependencies ?? {}).join(', ');
  if (names) problems.push(`Expected no dependency, got ${names}`);
  for (const [name, { optional }] of Object.entries(manifest.peerDependenciesMeta ?? {}))
    if (!optional) problems.push(`Expected the peer dependency ${name} to be optional`);
  for (const name of Object.keys(manifest.peerDependencies ?? {}))
    if (!manifest.peerDependenciesMeta?.[name]) problems.push(`Expected the peer dependency ${name} to be optional`);
  const darwin = manifest.peerDependencies[DARWIN_PACKAGE];
  if (darwin !== manifest.version)
    problems.push(`Expected the peer dependency ${DARWIN_PACKAGE} to be ${manifest.version}, got ${darwin}`);
  if (manifest.gypfile !== false) problems.push('Expected "gypfile": false, or npm builds while it installs');
  for (const event of ['preinstall', 'install', 'postinstall', 'prepare', 'prepack', 'postpack'])
    if (manifest.scripts[event]) problems.push(`Expected no ${event} script`);
  return problems;
});

for (const args of [['scripts/build.js'], ['scripts/prebuild.js', 'all']])
  if (spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit' }).status !== 0) process.exit(1);

for (const platform of platforms)
  check(`the binaries for ${platform.name} are of these sources, and can be published`, () => {
    if (!isFresh(platform)) return `Expected them to be built: npm run prebuild ${platform.name}`;
    return binariesOf(platform).flatMap(platform.check);
  });

check('the library is compiled from these sources', () => {
  run(process.execPath, ['scripts/build.js', 'test']); // recompiles what has changed
  run(process.execPath, ['scripts/compilers.js']);
});

const megabytes = (bytes) => `${(bytes / 1e6).toFixed(2)} MB`;
/** Of npm pack, by the package's name. */
const tarballs = {};
/** Packs a package, and gives the names of its files. */
function pack(from) {
  const output = run('npm', ['pack', '--json', '--loglevel=error', '--pack-destination', folder], from);
  const [packed] = JSON.parse(output.slice(output.indexOf('[')));
  tarballs[packed.name] = join(folder, packed.filename);
  const sizes = `${megabytes(packed.size)}, unpacked ${megabytes(packed.unpackedSize)}`;
  console.log(`       ${packed.name}: ${packed.entryCount} files, ${sizes}`);
  return { ...packed, has: new Set(packed.files.map(({ path }) => path)) };
}

/** Where the binaries of a package lie in it. */
const binariesIn = (name) =>
  platforms.filter((one) => packageOf(one) === name).flatMap(({ files }) => files.map((file) => `prebuilds/${file}`));

check('the tarball is small and holds everything', () => {
  const { has, ...packed } = pack(root);
  const problems = [];
  if (packed.size >= MOST_PACKED)
    problems.push(`Expected less than ${megabytes(MOST_PACKED)}, got ${megabytes(packed.size)}`);
  if (packed.unpackedSize >= MOST_UNPACKED)
    problems.push(`Expected less than ${megabytes(MOST_UNPACKED)} unpacked, got ${megabytes(packed.unpackedSize)}`);

  const points = Object.values(manifest.exports).flatMap((target) =>
    typeof target === 'string' ? [target] : [target.types, target.default],
  );
  const needed = [
    ...['LICENSE', 'NOTICE', 'THIRD_PARTY_NOTICES', 'README.md', 'package.json', ...Object.values(manifest.bin)],
    ...points.map((path) => path.replace(/^\.\//, '')),
    ...binariesIn('fjordnet'),
    ...['scripts/build.js', 'scripts/headers.cjs', 'scripts/openblas.cjs', 'deps/binding.gyp', ...inside('native')],
    ...['CHANGELOG.md', ...inside('docs'), ...inside('scripts/examples')],
    ...['napi.h', 'napi-inl.h', 'LICENSE.md'].map((name) => `deps/node-addon-api/${name}`),
    ...['node_api.h', 'js_native_api.h', 'LICENSE'].map((name) => `deps/node-api-headers/${name}`),
    ...inside('data'),
  ];
  for (const name of needed) if (!has.has(name)) problems.push(`Expected the tarball to hold ${name}`);
  const others =
    /^(test|build|binding\.gyp$|prebuilds\/darwin|scripts\/(bench|demo|test|setup|release))|\.tgz$|tsbuildinfo/;
  for (const name of has) if (others.test(name)) problems.push(`Expected the tarball to leave out ${name}`);
  for (const text of ['OpenBLAS', 'node-addon-api', 'CC BY 4.0|Creative Commons'])
    if (!new RegExp(text).test(readFileSync(join(root, 'THIRD_PARTY_NOTICES'), 'utf8')))
      problems.push(`Expected THIRD_PARTY_NOTICES to name ${text}`);
  return problems;
});

check(`${DARWIN_PACKAGE} holds the binaries for macOS and the licences, and nothing else`, () => {
  writeDarwinPackage();
  const { has } = pack(join(root, DARWIN_PACKAGE));
  const texts = ['LICENSE', 'NOTICE', 'README.md', 'THIRD_PARTY_NOTICES', 'package.json'];
  const [got, expected] = [[...has], [...texts, ...binariesIn(DARWIN_PACKAGE)]].map((names) => names.sort().join(', '));
  if (got !== expected) return `Expected ${expected}, got ${got}`;
});

check('TypeScript finds the types of every entry point', () => {
  if (!tarballs.fjordnet) return 'Expected a tarball';
  writeFileSync(join(folder, 'package.json'), '{ "private": true, "type": "module" }');
  run('npm', ['install', tarballs.fjordnet, '--offline', '--no-audit', '--no-fund', '--ignore-scripts'], folder);
  const points = Object.keys(manifest.exports).filter((name) => name !== './package.json');
  const program = points.map((name, i) => `export * as _${i} from 'fjordnet${name.slice(1)}';\n`).join('');
  const problems = [];
  for (const [resolution, module, extension] of [
    ['nodenext', 'nodenext', 'ts'],
    ['nodenext', 'nodenext', 'cts'],
    ['bundler', 'esnext', 'ts'],
  ]) {
    const file = join(folder, `program.${extension}`);
    writeFileSync(file, program);
    const options = [
      '--strict',
      '--noEmit',
      '--target',
      'es2022',
      '--module',
      module,
      '--moduleResolution',
      resolution,
    ];
    const types = ['--types', 'node', '--typeRoots', join(root, 'node_modules', '@types')];
    const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
    const { status, stdout } = spawnSync(process.execPath, [tsc, ...options, ...types, file], {
      encoding: 'utf8',
      cwd: folder,
    });
    if (status !== 0)
      problems.push(`Expected moduleResolution ${resolution} to find the types in .${extension}:\n${stdout}`);
  }
  return problems;
});

check('the tests of the package pass', () => {
  const ava = join('node_modules', 'ava', 'entrypoints', 'cli.mjs');
  const tests = readdirSync(join(root, 'build-test')).filter((name) => /^(package.*|compilers)\.test\.js$/.test(name));
  if (tests.length === 0) return 'Expected build-test/ to hold tests of the package';
  const args = [ava, ...tests.map((name) => `build-test/${name}`)];
  const { status, stdout } = spawnSync(process.execPath, args, { cwd: root, encoding: 'utf8' });
  const broken = Array.from(stdout.matchAll(/✘ \[fail\]: (.+)/g), (match) => match[1]);
  if (status !== 0) return `Expected the tests of the package to pass, these fail: ${broken.join('; ') || stdout}`;
});

check('release/ holds the tarballs, their bills of materials, their provenance and checksums of all', () => {
  if (Object.keys(tarballs).length < 2) return 'Expected two tarballs';
  for (const name of writeReleaseFiles({ platforms, tarballs, started })) console.log(`       release/${name}`);
});

check('npm publish --dry-run', () => {
  for (const from of [join(root, DARWIN_PACKAGE), root])
    run('npm', ['publish', '--dry-run', '--loglevel=error', '--access', 'public'], from);
});

if (failed > 0) {
  console.log(`\nfjordnet ${manifest.version} cannot be published yet.`);
  process.exit(1);
}
console.log(`\nfjordnet ${manifest.version} can be published: npm publish ./${DARWIN_PACKAGE} && npm publish`);
