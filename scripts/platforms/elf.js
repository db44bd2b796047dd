// What a published binary for Linux must be: small, alone with its symbols, and loadable wherever Node.js 20 runs.
import { execFileSync } from 'node:child_process';
import { statSync } from 'node:fs';

export const MOST_BYTES = 8e6;
export const EXPORTS = ['napi_register_module_v1', 'node_api_module_get_api_version_v1'];
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

/**
 * What is wrong with a Linux binary, one line each; none if it can be published.
 *
 * @param libraries names of the libraries that it may need
 */
export function checkElf(file, { libraries = LIBRARIES } = {}) {
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
  for (const library of needed) if (!libraries.test(library)) problems.push(`needs ${library}`);
  return problems;
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
