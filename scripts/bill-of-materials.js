// The software bill of materials of a release: what npm knows (`npm sbom`), and what lies in the package and in its binaries that
// npm does not. CycloneDX 1.5 as JSON: https://cyclonedx.org/docs/1.5/json/
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { binariesOf } from './platforms/index.js';
import { root } from './platforms/root.js';

/** Parts of a binary that a platform of scripts/platforms names in its `contains`, as they are linked into it. */
const RUN_TIMES = {
  'libstdc++': { license: 'GPL-3.0-or-later WITH GCC-exception-3.1', url: 'https://gcc.gnu.org' },
  libgcc: { license: 'GPL-3.0-or-later WITH GCC-exception-3.1', url: 'https://gcc.gnu.org' },
  winpthreads: { license: 'MIT', url: 'https://www.mingw-w64.org' },
  'libc++': { license: 'Apache-2.0 WITH LLVM-exception', url: 'https://libcxx.llvm.org' },
  'libc++abi': { license: 'Apache-2.0 WITH LLVM-exception', url: 'https://libcxxabi.llvm.org' },
  libunwind: { license: 'Apache-2.0 WITH LLVM-exception', url: 'https://github.com/llvm/llvm-project' },
};

export const sha256 = (file) => createHash('sha256').update(readFileSync(file)).digest('hex');

/** The version of OpenBLAS within a binary, as it says itself; undefined where there is none. */
export const openblasOf = (file) => /OpenBLAS (\d+\.\d+\.\d+)/.exec(readFileSync(file, 'latin1'))?.[1];

export const openblasUrl = (version) => `pkg:github/OpenMathLib/OpenBLAS@v${version}`;

const licensed = (license) => ({
  licenses: [/ /.test(license) ? { expression: license } : { license: { id: license } }],
});
const website = (url) => ({ externalReferences: [{ type: 'website', url }] });
const hashed = (file) => ({ hashes: [{ alg: 'SHA-256', content: sha256(file) }] });

function openblas(version) {
  return {
    'bom-ref': `openblas@${version}`,
    type: 'library',
    name: 'OpenBLAS',
    version,
    purl: openblasUrl(version),
    ...licensed('BSD-3-Clause'),
    ...website('https://www.openblas.net'),
  };
}

/** A package of npm that is compiled into binaries. */
function compiled(name) {
  const { version, license } = JSON.parse(readFileSync(join(root, 'node_modules', name, 'package.json'), 'utf8'));
  const purl = `pkg:npm/${name}@${version}`;
  return { 'bom-ref': `${name}@${version}`, type: 'library', name, version, purl, ...licensed(license) };
}

function runTime(name) {
  if (!RUN_TIMES[name]) throw new Error(`Expected contains to name ${Object.keys(RUN_TIMES).join(', ')}, got ${name}`);
  const { license, url } = RUN_TIMES[name];
  return { 'bom-ref': name, type: 'library', name, ...licensed(license), ...website(url) };
}

const numpy = () => ({
  'bom-ref': 'numpy-random',
  type: 'library',
  name: 'NumPy',
  description: 'The streams of random numbers that native/random.h reproduces',
  ...licensed('BSD-3-Clause'),
  ...website('https://numpy.org'),
});

const digits = () => ({
  'bom-ref': 'data/digits.csv.gz',
  type: 'data',
  name: 'Optical Recognition of Handwritten Digits',
  ...hashed(join(root, 'data', 'digits.csv.gz')),
  ...licensed('CC-BY-4.0'),
  ...website('https://doi.org/10.24432/C50P49'),
});

/** A binary, and what it is made of. */
function binary(file, contains) {
  const version = openblasOf(file);
  const parts = [
    ...['node-addon-api', 'node-api-headers'].map(compiled),
    ...(version ? [openblas(version)] : []),
    ...contains.map(runTime),
  ];
  const name = file.slice(root.length + 1);
  return { component: { 'bom-ref': name, type: 'file', name, ...hashed(file) }, parts };
}

/**
 * The bill of materials of a package of a release.
 *
 * @param name of the package
 * @param platforms whose binaries it holds
 * @param date of the commit: the same sources give the same bill
 */
export function billOfMaterials({ name, platforms, tarball, date }) {
  const options = ['--sbom-format', 'cyclonedx', '--sbom-type', 'library', '--omit', 'dev', '--package-lock-only'];
  const bill = JSON.parse(execFileSync('npm', ['sbom', ...options], { cwd: root, encoding: 'utf8' }));
  const { component } = bill.metadata;
  const files = platforms.flatMap((platform) =>
    binariesOf(platform).map((file) => binary(file, platform.contains ?? [])),
  );
  const parts = new Map(files.flatMap((file) => file.parts).map((part) => [part['bom-ref'], part]));
  const own = name === 'fjordnet' ? [numpy(), digits()] : [numpy()];

  const main = bill.dependencies.find(({ ref }) => ref === component['bom-ref']);
  main.ref = `${name}@${component.version}`;
  // npm takes the folder's name
  Object.assign(component, { name, 'bom-ref': main.ref, purl: `pkg:npm/${main.ref}`, ...hashed(tarball) });
  // CycloneDX' own validator knows no git+https
  for (const reference of component.externalReferences) reference.url = reference.url.replace(/^git\+/, '');
  bill.metadata.timestamp = date;
  bill.components.push(...files.map((file) => file.component), ...parts.values(), ...own);
  const needed = [...files.map((file) => file.component), ...own].map((one) => one['bom-ref']);
  main.dependsOn.push(...needed);
  bill.dependencies.push(
    ...files.map((file) => ({ ref: file.component['bom-ref'], dependsOn: file.parts.map((part) => part['bom-ref']) })),
    ...[...parts.values(), ...own].map((one) => ({ ref: one['bom-ref'], dependsOn: [] })),
  );
  bill.serialNumber = `urn:uuid:${uuidOf(JSON.stringify({ ...bill, serialNumber: undefined }))}`;
  return bill;
}

/** A UUID of version 8 (RFC 9562) made of a text. */
function uuidOf(text) {
  const hex = createHash('sha256').update(text).digest('hex');
  const variant = ((Number.parseInt(hex[16], 16) & 3) | 8).toString(16);
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `8${hex.slice(13, 16)}`,
    variant + hex.slice(17, 20),
    hex.slice(20, 32),
  ].join('-');
}
