// What npm run release leaves in release/, of the binaries that are there: what CycloneDX 1.5, in-toto and SLSA require.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { appendFileSync, cpSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { root, Sandbox } from './helpers/packed.js';

const onLinux = process.platform === 'linux' && process.arch === 'x64';
const here = onLinux ? test.serial : test.serial.skip;

interface Component {
  'bom-ref': string;
  type: string;
  name: string;
  version?: string;
  purl?: string;
  externalReferences?: { type: string; url: string }[];
  hashes?: { alg: string; content: string }[];
  licenses?: { license?: { id: string }; expression?: string }[];
}

const sandbox = new Sandbox();
const folder = sandbox.path('release');
const script = async (name: string) => import(join(root, 'scripts', name));
const text = (name: string) => readFileSync(join(folder, name), 'utf8');
const sha256 = (file: string) => createHash('sha256').update(readFileSync(file)).digest('hex');

let tarballs: Record<string, string>;
let binaries: string[];
let names: string[];

const write = async (into = folder, more = {}): Promise<string[]> => {
  const { platforms, binariesOf } = await script('platforms/index.js');
  const made = platforms
    .filter((platform: object) => binariesOf(platform).every((file: string) => existsSync(file)))
    .map((platform: object) => ({ ...platform, ...more }));
  binaries = made.flatMap(binariesOf).map((file: string) => file.slice(root.length));
  const { writeReleaseFiles } = await script('release-files.js');
  return writeReleaseFiles({ platforms: made, tarballs, started: new Date(0), folder: into });
};

test.before(async () => {
  if (!onLinux) return;
  const darwin = sandbox.path('fjordnet-darwin');
  const { writeDarwinPackage } = await script('platforms/darwin-package.js');
  writeDarwinPackage(darwin);
  const built = join(root, 'fjordnet-darwin', 'prebuilds');
  if (existsSync(built)) cpSync(built, join(darwin, 'prebuilds'), { recursive: true });
  tarballs = { fjordnet: sandbox.pack(), 'fjordnet-darwin': sandbox.pack(darwin) };
  names = await write();
});
test.after.always(() => sandbox.remove());

here('two packages with their bills, and sums that tell a changed byte', (t) => {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const own = ['', '-darwin'].flatMap((end) => ['tgz', 'cdx.json'].map((kind) => `fjordnet${end}-${version}.${kind}`));
  own.push(`fjordnet-${version}.provenance.json`);
  t.deepEqual(names, [...own, 'SHASUMS256.txt']);
  const listed = text('SHASUMS256.txt').trim().split('\n');
  t.deepEqual(
    listed.map((line) => line.slice(66)),
    [...own, ...binaries.map((name) => `package/${name.replace('fjordnet-darwin/', '')}`)],
  );

  const check = () =>
    execFileSync('sha256sum', ['--check', '--quiet', 'SHASUMS256.txt'], { cwd: folder, stdio: 'pipe' });
  for (const name of [own[2], own[0]]) execFileSync('tar', ['xzf', name], { cwd: folder });
  t.notThrows(check);
  appendFileSync(join(folder, 'package', binaries[0]), '\0');
  t.throws(check);
});

here('the bill of materials has what CycloneDX 1.5 requires, and names all that is inside', (t) => {
  const bill = JSON.parse(text(names[1]));
  t.is(bill.bomFormat, 'CycloneDX');
  t.is(bill.specVersion, '1.5');
  t.is(bill.version, 1);
  t.regex(bill.serialNumber, /^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  t.regex(bill.metadata.timestamp, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);

  const { component } = bill.metadata;
  t.is(component.name, 'fjordnet');
  t.is(component.purl, `pkg:npm/fjordnet@${component.version}`);
  t.deepEqual(component.hashes, [{ alg: 'SHA-256', content: sha256(tarballs.fjordnet) }]);

  const components: Component[] = bill.components;
  const refs = [component, ...components].map((one) => one['bom-ref']);
  t.is(new Set(refs).size, refs.length);
  for (const { type, name, purl, hashes, licenses, version } of components) {
    t.true(['library', 'file', 'data'].includes(type), name);
    t.truthy(name);
    for (const { alg, content } of hashes ?? []) t.regex(`${alg} ${content}`, /^SHA-256 [0-9a-f]{64}$/);
    if (type === 'file') continue;
    t.true(licenses!.length === 1 && Boolean(licenses![0].license?.id ?? licenses![0].expression), name);
    if (purl) t.regex(purl, new RegExp(`^pkg:(npm|github)/.+@v?${version!.replaceAll('.', '\\.')}$`));
  }
  for (const { externalReferences = [] } of [component, ...components])
    for (const { type, url } of externalReferences) t.regex(`${type} ${url}`, /^(vcs|website) https:/);
  for (const name of binaries.filter((one) => !one.startsWith('fjordnet-darwin/'))) {
    const file = components.find((one) => one.name === name);
    t.is(file?.hashes?.[0].content, sha256(join(root, name)), name);
  }
  const versions = Object.fromEntries(components.map(({ name, version }) => [name, version]));
  const { devDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  for (const name of ['node-addon-api', 'node-api-headers'])
    t.true(devDependencies[name].startsWith(`^${versions[name]!.split('.')[0]}.`), name);
  // as THIRD_PARTY_NOTICES has it
  t.true(readFileSync(join(root, 'THIRD_PARTY_NOTICES'), 'utf8').includes(`OpenBLAS ${versions.OpenBLAS},`));
  t.is(components.find(({ type }) => type === 'data')?.licenses?.[0].license?.id, 'CC-BY-4.0');

  const dependencies: { ref: string; dependsOn: string[] }[] = bill.dependencies;
  t.deepEqual(dependencies.map(({ ref }) => ref).sort(), [...refs].sort());
  for (const { dependsOn } of dependencies) for (const ref of dependsOn) t.true(refs.includes(ref), ref);
  const addon = dependencies.find(({ ref }) => ref === 'prebuilds/linux-x64/fjordnet.glibc.node')!;
  t.deepEqual(
    addon.dependsOn.map((ref) => ref.split('@')[0]),
    ['node-addon-api', 'node-api-headers', 'openblas'],
  );
});

here('the package for macOS has a bill of its own, with its binaries and without the data', (t) => {
  const bill = JSON.parse(text(names[3]));
  const { component } = bill.metadata;
  t.is(component.purl, `pkg:npm/fjordnet-darwin@${component.version}`);
  t.deepEqual(component.hashes, [{ alg: 'SHA-256', content: sha256(tarballs['fjordnet-darwin']) }]);
  const components: Component[] = bill.components;
  const files = components.filter(({ type }) => type === 'file').map(({ name }) => name);
  t.deepEqual(
    files,
    binaries.filter((name) => name.startsWith('fjordnet-darwin/')),
  );
  t.is(
    components.find(({ type, name }) => type === 'data' || name === 'OpenBLAS'),
    undefined,
  );
  const { dependsOn } = bill.dependencies.find(({ ref }: { ref: string }) => ref === component['bom-ref']);
  t.deepEqual(dependsOn, [...files, 'numpy-random']);
});

here('the provenance is a statement of in-toto with what SLSA requires', (t) => {
  const statement = JSON.parse(text(names[4]));
  t.is(statement._type, 'https://in-toto.io/Statement/v1');
  t.is(statement.predicateType, 'https://slsa.dev/provenance/v1');
  const subjects = Object.fromEntries(
    statement.subject.map((one: { name: string; digest: { sha256: string } }) => [one.name, one.digest.sha256]),
  );
  t.deepEqual(Object.keys(subjects), [...names.slice(0, 4), ...binaries]);
  t.is(subjects[names[0]], sha256(tarballs.fjordnet));
  for (const name of names.slice(1, 4)) t.is(subjects[name], sha256(join(folder, name)));

  const { buildDefinition, runDetails } = statement.predicate;
  const head = execFileSync('git', ['rev-parse', 'HEAD'], { cwd: root, encoding: 'utf8' }).trim();
  t.regex(buildDefinition.buildType, /^https:/);
  t.deepEqual(buildDefinition.externalParameters.commands, ['scripts/setup --release', 'npm run release']);
  t.deepEqual(buildDefinition.resolvedDependencies[0].digest, { gitCommit: head });
  t.regex(buildDefinition.internalParameters.compilers['prebuilds/linux-x64/fjordnet.glibc.node'][0], /^GCC: .*\d$/);
  t.regex(runDetails.builder.id, /^(git\+)?https:/);
  t.is(runDetails.builder.version.node, process.versions.node);
  t.true(Date.parse(runDetails.metadata.finishedOn) > Date.parse(runDetails.metadata.startedOn));
});

here('the same sources and binaries make the same bill', async (t) => {
  const again = await write(sandbox.path('again'));
  for (const name of [again[1], again[3]]) t.is(readFileSync(join(sandbox.path('again'), name), 'utf8'), text(name));
});

here('run-time libraries that are linked in are named, with their licences; unknown ones are refused', async (t) => {
  const [, name] = await write(sandbox.path('linked'), { contains: ['libc++', 'libstdc++'] });
  const bill = JSON.parse(readFileSync(join(sandbox.path('linked'), name), 'utf8'));
  const library = bill.components.find((one: Component) => one.name === 'libc++');
  t.deepEqual(library.licenses, [{ expression: 'Apache-2.0 WITH LLVM-exception' }]);
  const addon = bill.dependencies.find(({ ref }: { ref: string }) => ref === 'prebuilds/linux-x64/fjordnet.glibc.node');
  t.deepEqual(addon.dependsOn.slice(-2), ['libc++', 'libstdc++']);
  await t.throwsAsync(write(sandbox.path('unknown'), { contains: ['libm'] }), {
    message: /^Expected contains to name libstdc\+\+, .*, got libm$/,
  });
});
