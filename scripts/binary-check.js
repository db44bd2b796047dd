// What a published binary must be: small, alone with its symbols, loadable wherever Node.js 20 runs, and made of these sources.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');

const MOST_BYTES = 8e6;
const EXPORTS = ['napi_register_module_v1', 'node_api_module_get_api_version_v1'];
/** The versions that Node.js 20's own binary needs (RHEL 8, Debian 10, Ubuntu 20.04 have them). */
const NEWEST = { GLIBC: '2.28', GLIBCXX: '3.4.25', CXXABI: '1.3.11', GCC: '8.0.0' };
const LIBRARIES = /^(libc|libm|libpthread|libdl|libstdc\+\+|libgcc_s|ld-linux-(x86-64|aarch64))\.so\.\d+$/;

const newer = (a, b) => a.localeCompare(b, 'en', { numeric: true }) > 0;

const readelf = (option, file) =>
  execFileSync('readelf', ['-W', option, file], {
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    env: { ...process.env, LC_ALL: 'C' },
  });

const dynamicSymbols = (file) =>
  readelf('--dyn-syms', file)
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter((fields) => /^(GLOBAL|WEAK|UNIQUE)$/.test(fields[4]))
    .map((fields) => ({ section: fields[6], name: fields[7] }));

/** What is wrong with a Linux binary, one line each; none if it can be published. */
export function checkBinary(file) {
  const problems = [];

  const { size } = statSync(file);
  if (size > MOST_BYTES) problems.push(`${size} bytes, at most ${MOST_BYTES} are allowed`);

  const symbols = dynamicSymbols(file);
  const exported = symbols.filter((s) => s.section !== 'UND').map((s) => s.name.replace(/@.*/, ''));
  const extra = exported.filter((name) => !EXPORTS.includes(name));
  if (extra.length > 0)
    problems.push(`exports ${extra.length} symbols more than its entry points, such as ${extra[0]}`);
  for (const name of EXPORTS) if (!exported.includes(name)) problems.push(`does not export ${name}`);

  for (const [kind, version] of Object.entries(floors(file)))
    if (NEWEST[kind] && newer(version, NEWEST[kind]))
      problems.push(`needs ${kind}_${version}, newer than ${NEWEST[kind]}`);

  const needed = Array.from(readelf('--dynamic', file).matchAll(/\(NEEDED\).*\[(.+)\]/g), (match) => match[1]);
  for (const library of needed) if (!LIBRARIES.test(library)) problems.push(`needs ${library}`);
  return problems;
}

/** Of all that a binary is made of. */
export function sourcesHash() {
  const native = readdirSync(join(root, 'native'), { recursive: true }).map((name) => join('native', name));
  const files = [...native, 'binding.gyp', 'package-lock.json', 'scripts/build.js', 'scripts/openblas.cjs'];
  const hash = createHash('sha256');
  for (const name of files.sort()) {
    const file = join(root, name);
    if (statSync(file).isFile()) hash.update(name).update(readFileSync(file));
  }
  return hash.digest('hex');
}

/** What is published for an architecture: the addon, and that of MPI, which is loaded where it is asked for. */
export const binaries = (arch) =>
  ['fjordnet.glibc.node', 'mpi/fjordnet_mpi.node'].map((name) => join(root, 'prebuilds', `linux-${arch}`, name));

/** Whether prebuilds/linux-<arch> was made by scripts/prebuild.js of the sources as they are. */
export function isFresh(arch) {
  const note = join(root, 'build-prebuild', arch, 'sources');
  return [...binaries(arch), note].every((file) => existsSync(file)) && readFileSync(note, 'utf8') === sourcesHash();
}

/** The newest versions of system libraries that a binary asks for, such as { GLIBC: '2.14' }. */
export function floors(file) {
  const found = {};
  for (const { name } of dynamicSymbols(file)) {
    const [, kind, version] = /@@?([A-Z]+)_(\d[\d.]*)/.exec(name) ?? [];
    if (kind && (!found[kind] || newer(version, found[kind]))) found[kind] = version;
  }
  return found;
}
